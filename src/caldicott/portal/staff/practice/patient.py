"""One patient: who it is, how the scores went, what they are made of, and where the practice is with them."""

from __future__ import annotations

from collections import defaultdict
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from markupsafe import Markup

from caldicott import bootstrap
from caldicott.charts import Line, lines
from caldicott.engines.duckdb.risk import COUNTS
from caldicott.facts import scores as facts
from caldicott.operations.practice_case import (
    JUDGEMENT_WORDS,
    NEXT,
    NOTE_LONGEST,
    REASONS,
    STAGE_WORDS,
    CaseStage,
)
from caldicott.operations.reidentify import PURPOSES, reidentify
from caldicott.operations.stratify_plan import criteria
from caldicott.portal.staff.counter import secret
from caldicott.portal.staff.home import organisation_in_words
from caldicott.portal.staff.pages import show
from caldicott.portal.staff.practice import wording
from caldicott.portal.staff.practice.frame import OWN, ROOT, standing, why
from caldicott.portal.staff.practice.keeping import GONE, forget, is_of
from caldicott.portal.staff.refusing import as_pages
from caldicott.register import words
from caldicott.stores.desk import cases
from caldicott.vocabulary.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.http import HttpRequest, HttpResponse

    from caldicott.operations.reidentify import PersonSeen, Seen
    from caldicott.portal.staff.reader import Reader

PURPOSE_WORDS: Final = {
    "direct-care": "to care for the patient",
    "care-plan": "to make or change a care plan",
    "case-review": "to review our work",
    "patient-asked": "because the patient asked",
}
PAST: Final = (wording.FIRST, COUNTS[1], "hfrs", "charlson-rcs", "polypharmacy")


@as_pages
def look(request: HttpRequest, practice: str, token: str) -> HttpResponse:
    """The patient's page. The viewing is recorded with its purpose before it is shown."""
    purpose = request.GET.get("purpose", "direct-care")
    return drawn(request, practice.upper(), token, purpose=purpose if purpose in PURPOSES else "direct-care")


def drawn(
    request: HttpRequest, practice: str, token: str, *, purpose: str, errors: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
) -> HttpResponse:  # fmt: skip
    """The page, also with what was wrong in a form."""
    seen = seen_in(request.reader, practice, token, purpose=purpose)
    (person,) = seen.persons
    is_own = seen.rights.relationship == OWN
    kept = _kept(practice, token) if is_own else {}
    return show(
        request, "practice/patient.jinja", person.name or "A patient whose name is not shown",
        tab=f"A patient of {practice}", status=422 if errors else 200, errors=dict(errors or {}), person=person,
        practice=practice, is_own=is_own,
        banner=_banner(person), place=organisation_in_words(practice), wording=wording, past=_past(person),
        chart=_chart(person), conditions=_conditions(person), criteria=criteria(), seen=seen, purposes=PURPOSE_WORDS,
        purpose=purpose, address=f"{ROOT}{practice}/patients/{token}/", list_address=f"{ROOT}{practice}/",
        why=why(request.reader, seen), typed=dict(typed or {}), today=bootstrap.today(), **kept,
    )  # fmt: skip


def seen_in(reader: Reader, practice: str, token: str, *, purpose: str) -> Seen:
    """The patient, recorded; a patient who is the practice's no more leaves nothing behind at its desk.

    Raises:
        Refused: not this reader's patient, or not any more.
    """
    with standing(reader) as at:
        try:
            seen = reidentify(at.house, reader=at.asker, activity=at.activity, tokens=[token], purpose=purpose)
            if seen.persons[0].practice != practice:
                raise _another_practice()
        except Refused as no:
            if no.code in GONE and is_of(reader, practice):
                forget(reader, practice, frozenset({token}), of=0)
            raise
    return seen


def _another_practice() -> Refused:
    return Refused(
        "No. The patient is not one of that practice.", code="not-own-practice",
        next_step="Open the list of the patient's own practice and choose again.",
    )  # fmt: skip


def _kept(practice: str, token: str) -> dict[str, Any]:
    case = cases.find(practice, token)
    may = [(one.value, STAGE_WORDS[one]) for one in NEXT[CaseStage(case.stage)]]
    return {
        "case": case, "notes": cases.notes(practice, token, key=secret()), "steps": cases.steps(practice, token),
        "stage_words": STAGE_WORDS, "judgement_words": JUDGEMENT_WORDS, "reasons": REASONS,
        "may": ([(case.stage, f"Still: {STAGE_WORDS[CaseStage(case.stage)].lower()}")] if case.stage else []) + may,
        "form": uuid4().hex, "note_longest": NOTE_LONGEST,
    }  # fmt: skip


def _banner(person: PersonSeen) -> list[tuple[str, str]]:
    shown = [
        ("Name", person.name or ""),
        ("Born", wording.born(person)),
        ("NHS number", wording.nhs_number(person.nhs_number)),
    ]
    return [(name, text) for name, text in shown if text]


def _past(person: PersonSeen) -> dict[str, Any]:
    """The table beside the chart: month by month, newest first."""
    head = ("Month", "Tier", *(wording.title_of(name).split(" (")[0] for name in PAST))
    rows = [
        (str(month["month"]), wording.tier(month["tier"]), *(wording.number(month.get(name)) for name in PAST))
        for month in reversed(person.history)
    ]
    return {"head": head, "rows": rows}


def _chart(person: PersonSeen) -> Markup | None:
    points = tuple((str(month["month"]), _float(month.get(wording.FIRST))) for month in person.history)
    return Markup(_drawn(points)) if len(points) > 1 else None  # noqa: S704  our own SVG of numbers and months


@lru_cache(maxsize=512)
def _drawn(points: Sequence[tuple[str, float | None]]) -> str:
    title = wording.title_of(wording.FIRST).split(" (")[0]
    text = f"{title}, month by month, from {points[0][0]} to {points[-1][0]}. The table below has every number."
    return lines([Line(title, points)], title="How the score went", text=text, across="Month", up=title)


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


def _conditions(person: PersonSeen) -> list[dict[str, Any]]:
    """What the scores are made of, one line a condition: plain words, codes, days, and what it adds where."""
    found: dict[str, list[Any]] = defaultdict(list)
    for one in person.contributions:
        found[_in_words().get(one.group, one.group)].append(one)
    return [
        {
            "words": name,
            "codes": ", ".join(sorted({code for one in said for code in one.codes})),
            "first": words.day(min(one.first_on for one in said)),
            "last": words.day(max(one.last_on for one in said)),
            "adds": [f"{one.adds:+g} to {wording.title_of(one.score)}" for one in said],
        }
        for name, said in sorted(found.items())
    ]


@cache
def _in_words() -> dict[str, str]:
    return facts.condition_words()
