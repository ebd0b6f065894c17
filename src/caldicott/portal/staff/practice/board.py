"""Our work: the practice's cases, what is due first; and who was lately in hospital."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from caldicott import bootstrap
from caldicott.operations.practice_admitted import admitted
from caldicott.operations.practice_case import JUDGEMENT_WORDS, STAGE_WORDS, is_due
from caldicott.operations.practice_list import Query, page
from caldicott.portal.staff.home import organisation_in_words
from caldicott.portal.staff.pages import show
from caldicott.portal.staff.practice import wording
from caldicott.portal.staff.practice.asking import PER_PAGE, STAGES, asked_in, flat
from caldicott.portal.staff.practice.frame import OWN, ROOT, standing, why
from caldicott.portal.staff.practice.keeping import cases_for, forget, gone
from caldicott.portal.staff.refusing import as_pages
from caldicott.vocabulary.errors import Refused

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from caldicott.operations.practice_admitted import Stay
    from caldicott.operations.reidentify import PersonSeen
    from caldicott.stores.desk.cases import CaseNow

_LAST = date.max


@as_pages
def work(request: HttpRequest, practice: str) -> HttpResponse:
    """The cases of one stage or of all, what is due first. Each page is a viewing of its patients."""
    practice, reader, asked = practice.upper(), request.reader, asked_in(flat(request.GET))
    kept = cases_for(reader, practice)
    today = bootstrap.today()
    ordered = sorted(_of_stage(kept, asked.stages), key=lambda one: _urgency(one, today))
    shown = ordered[(asked.page - 1) * PER_PAGE : asked.page * PER_PAGE]
    with standing(reader) as at:
        query = Query(limit=PER_PAGE, among=frozenset(one.token for one in shown))
        found = page(
            at.house, reader=at.asker, activity=at.activity, practice=practice, query=query, purpose="case-review",
            kept=frozenset(kept),
        )  # fmt: skip
    if found.seen.rights.relationship != OWN:
        raise Refused(
            "No. Only a practice itself sees its own work.", code="not-own-practice",
            next_step="Ask the practice.",
        )  # fmt: skip
    forget(reader, practice, gone(found, kept), of=len(kept))
    persons = {person.token: person for person in found.seen.persons}
    return show(
        request, "practice/work.jinja", "Our work", practice=practice, place=organisation_in_words(practice),
        rows=[_row(one, persons[one.token], today) for one in shown if one.token in persons],
        counts=_counts(kept, today), asked=asked, stages=STAGES,
        list_address=f"{ROOT}{practice}/", address=f"{ROOT}{practice}/work/",
        last=max(1, -(-len(ordered) // PER_PAGE)), why=why(reader, found.seen),
    )  # fmt: skip


def _of_stage(kept: dict[str, CaseNow], stages: tuple[str, ...]) -> list[CaseNow]:
    return [one for one in kept.values() if one.stage in stages] if stages else [*kept.values()]


def _urgency(case: CaseNow, today: date) -> tuple[bool, date, str]:
    is_late = is_due(case.stage, case.next_action_on, case.plan_expires_on, today)
    return not is_late, case.next_action_on or case.plan_expires_on or _LAST, case.token


def _row(case: CaseNow, person: PersonSeen, today: date) -> dict[str, Any]:
    return {
        "name": person.name or "Name not shown", "nhs_number": wording.nhs_number(person.nhs_number),
        "born": wording.born(person), "tier": wording.tier(person.scores.get("tier")),
        "address": f"{ROOT}{case.practice}/patients/{case.token}/?purpose=case-review", "case": case,
        "stage": STAGE_WORDS[case.stage], "judgement": JUDGEMENT_WORDS[case.judgement] if case.judgement else "",  # type: ignore[index]
        "is_due": is_due(case.stage, case.next_action_on, case.plan_expires_on, today),
    }  # fmt: skip


def _counts(kept: dict[str, CaseNow], today: date) -> list[tuple[str, str, int]]:
    """Stage, its words, and how many; then how many are due."""
    made = [(stage, words, sum(one.stage == stage for one in kept.values())) for stage, words in STAGES.items()]
    due = sum(is_due(one.stage, one.next_action_on, one.plan_expires_on, today) for one in kept.values())
    return [*(row for row in made if row[2]), ("", "Due today or before", due)]


@as_pages
def lately(request: HttpRequest, practice: str) -> HttpResponse:
    """Who was in hospital as an emergency in the last days of the records."""
    practice, reader, asked = practice.upper(), request.reader, asked_in(flat(request.GET))
    with standing(reader) as at:
        found = admitted(
            at.house, reader=at.asker, activity=at.activity, practice=practice, offset=(asked.page - 1) * PER_PAGE,
            limit=PER_PAGE,
        )  # fmt: skip
    persons = {person.token: person for person in found.seen.persons}
    return show(
        request, "practice/admitted.jinja", "Lately in hospital", found=found, place=organisation_in_words(practice),
        rows=[_stay(one, persons[one.token], practice) for one in found.stays if one.token in persons], asked=asked,
        list_address=f"{ROOT}{practice}/", address=f"{ROOT}{practice}/admitted/",
        last=max(1, -(-found.matching // PER_PAGE)), why=why(reader, found.seen),
    )  # fmt: skip


def _stay(stay: Stay, person: PersonSeen, practice: str) -> dict[str, Any]:
    return {
        "name": person.name or "Name not shown", "nhs_number": wording.nhs_number(person.nhs_number),
        "born": wording.born(person), "tier": wording.tier(person.scores.get("tier")), "stay": stay,
        "what": "Admitted as an emergency" if stay.kind == "admission" else "Visited an emergency department",
        "address": f"{ROOT}{practice}/patients/{stay.token}/",
    }  # fmt: skip
