"""The practice's own work with its patients: found, moved, noted, erased. What leaves here are values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from django.db import transaction

from caldicott.stores.desk.models import Case, CaseNote, CaseStep
from caldicott.stores.desk.sealing import seal, unseal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from django.db.models import QuerySet as Cases

    from caldicott.stores.desk.models import Account


@dataclass(frozen=True, slots=True)
class CaseNow:
    """Where a case stands."""

    practice: str
    token: str
    stage: str = ""
    next_action_on: date | None = None
    plan_expires_on: date | None = None
    judgement: str = ""
    judgement_reason: str = ""
    changed: datetime | None = None
    changed_by: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: when, by whom, what changed and to what."""

    at: datetime
    by: str
    what: str
    became: str


@dataclass(frozen=True, slots=True, repr=False)
class Note:
    """A note, opened for the practice that wrote it. Printing tells nothing."""

    at: datetime
    by: str
    text: str

    def __repr__(self) -> str:
        return "Note(**********)"


def of_practice(practice: str) -> dict[str, CaseNow]:
    """Every case of a practice by token."""
    rows = Case.objects.select_related("changed_by").filter(practice=practice)
    return {row.token: _valued(row) for row in rows}


def find(practice: str, token: str) -> CaseNow:
    """The case of a patient; one without a stage if nothing was done yet."""
    row = Case.objects.select_related("changed_by").filter(practice=practice, token=token).first()
    return _valued(row) if row else CaseNow(practice, token)


def practices() -> tuple[str, ...]:
    """The practices that keep anything."""
    return tuple(Case.objects.order_by("practice").values_list("practice", flat=True).distinct())


def move(to: CaseNow, *, by: str, at: datetime) -> bool:
    """The case stands as told from now on. False if it stood so already: a form sent twice is one step."""
    with transaction.atomic():
        row = _open(to.practice, to.token, at)
        if (row.stage, row.next_action_on, row.plan_expires_on) == (to.stage, to.next_action_on, to.plan_expires_on):
            return False
        what = "stage" if row.stage != to.stage else "dates"
        row.stage, row.next_action_on, row.plan_expires_on = to.stage, to.next_action_on, to.plan_expires_on
        _keep(row, by=by, at=at, what=what, became=to.stage)
    return True


def judge(to: CaseNow, *, by: str, at: datetime) -> bool:
    """The practice's own judgement beside the score, with its reason. False if it was so already."""
    with transaction.atomic():
        row = _open(to.practice, to.token, at)
        if (row.judgement, row.judgement_reason) == (to.judgement, to.judgement_reason):
            return False
        row.judgement, row.judgement_reason = to.judgement, to.judgement_reason
        _keep(row, by=by, at=at, what="judgement", became=to.judgement)
    return True


def write_note(practice: str, token: str, text: str, *, form: str, by: str, key: str, at: datetime) -> bool:
    """Keep free words, sealed. False if the same form was sent before."""
    with transaction.atomic():
        if CaseNote.objects.filter(form=form).exists():
            return False
        row, name = _open(practice, token, at), uuid4()
        sealed = seal(text, key=key, bound_to=_bound(row, str(name)))
        CaseNote.objects.create(id=name, case=row, at=at, by_id=by, form=form, sealed=sealed)
        _keep(row, by=by, at=at, what="note", became="")
    return True


def notes(practice: str, token: str, *, key: str) -> tuple[Note, ...]:
    """The notes of a case, newest first."""
    rows = CaseNote.objects.select_related("case", "by").filter(case__practice=practice, case__token=token)
    return tuple(
        Note(row.at, _name(row.by), unseal(bytes(row.sealed), key=key, bound_to=_bound(row.case, str(row.id))))
        for row in rows.order_by("-at", "id")
    )


def steps(practice: str, token: str) -> tuple[Step, ...]:
    """How the case came to where it stands, newest first."""
    rows = CaseStep.objects.select_related("by").filter(case__practice=practice, case__token=token)
    return tuple(Step(row.at, _name(row.by), row.what, row.became) for row in rows.order_by("-at", "-id"))


def erase(practice: str, tokens: Iterable[str]) -> int:
    """Everything kept about these patients is gone: stages, notes, steps. How many there were."""
    return _erase(Case.objects.filter(practice=practice, token__in=[*tokens]))


def erase_unchanged_since(moment: datetime) -> int:
    """Erase the cases on which nobody has worked since then."""
    return _erase(Case.objects.filter(changed__lt=moment))


def _erase(rows: Cases) -> int:
    with transaction.atomic():
        found = list(rows.values_list("id", flat=True))
        Case.objects.filter(id__in=found).delete()
    return len(found)


def _open(practice: str, token: str, at: datetime) -> Case:
    row, _ = Case.objects.select_for_update().get_or_create(practice=practice, token=token, defaults={"changed": at})
    return row  # type: ignore[no-any-return]  # Django ships no types


def _keep(row: Case, *, by: str, at: datetime, what: str, became: str) -> None:
    row.changed, row.changed_by_id = at, by
    row.save()
    CaseStep.objects.create(case=row, at=at, by_id=by, what=what, became=became)


def _bound(row: Case, note: str) -> str:
    # A note moved to another patient, practice or row of the table does not open.
    return f"note/{row.practice}/{row.token}/{note}"


def _valued(row: Case) -> CaseNow:
    return CaseNow(
        row.practice, row.token, row.stage, row.next_action_on, row.plan_expires_on, row.judgement,
        row.judgement_reason, row.changed, _name(row.changed_by),
    )  # fmt: skip


def _name(account: Account | None) -> str:
    return str(account.name) if account is not None else "somebody whose account is gone"
