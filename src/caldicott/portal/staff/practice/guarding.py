"""For those who guard information: who looked, why, who was refused. And the picture of need for who plans."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from caldicott import bootstrap
from caldicott.operations.practice_looked import KINDS, Wanted, is_late, looked
from caldicott.operations.practice_population import population
from caldicott.operations.reidentify_throttle import enter
from caldicott.portal.staff.home import organisation_in_words
from caldicott.portal.staff.pages import role_in_words, show
from caldicott.portal.staff.practice.asking import asked_in, flat
from caldicott.portal.staff.practice.frame import standing, why
from caldicott.portal.staff.practice.patient import PURPOSE_WORDS
from caldicott.portal.staff.refusing import as_pages
from caldicott.register import words
from caldicott.stores.desk import accounts

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from caldicott.operations.practice_looked import Look
    from caldicott.operations.practice_population import Population

LOOKED: Final = "/staff/who-looked/"
PER_PAGE: Final = 25
WITHIN_DAYS: Final = 31
"""Scores are made once a month, so an objection waits for a run no longer than that. Who looks is stopped at once."""
KIND_WORDS: Final = {
    "viewings": "Viewings",
    "taken-away": "Lists taken away",
    "refusals": "Refusals",
    "alerts": "Alerts",
    "work": "Work on cases",
}
_PURPOSES: Final = {**PURPOSE_WORDS, "list-sized": "to see how long a list is: nobody was shown"}
_REASONS: Final = {
    "not-own-practice": "not a patient of theirs",
    "guardian-agreement": "that practice’s guardian does not agree",
    "moved": "the patient has moved to another practice",
    "left": "the patient has left the practice",
    "objects": "the patient objects to risk scores",
    "being-merged": "two NHS numbers of the patient are being made one",
    "too-many-tokens": "too many codes at once",
    "enumeration": "too many codes that are not of their patients (enumeration)",
    "too-many-at-once": "too many at once",
    "too-old": "nobody had worked on them for two years",
    "not-own-patient": "the patients are the practice’s no more",
}
"""What a reader of the page is told for a reason's code; a code without words stands as it is."""
_EVENTS: Final = {
    "reidentify": "Looked",
    "practice-export": "Took a list away",
    "alert": "ALERT: tried codes of others",
    "case-moved": "Moved a case",
    "case-judged": "Judged otherwise",
    "case-noted": "Wrote a note",
    "cases-erased": "Cases erased",
    "cases-held": "CASES NOT ERASED: too many at once, see to the list",
}


@as_pages
def who_looked(request: HttpRequest) -> HttpResponse:
    """Entries of the trail about persons, newest first."""
    kind, token, actor = (request.GET.get(name, "").strip() for name in ("kind", "token", "who"))
    page = asked_in(flat(request.GET)).page
    wanted = Wanted(kind if kind in KINDS else "", token.upper(), actor, (page - 1) * PER_PAGE, PER_PAGE)
    with standing(request.reader) as at:
        enter(at.house)  # a block of its own: what is entered stands in the trail when the block has ended
    with standing(request.reader) as at:
        found = looked(at.house, reader=at.asker, activity=at.activity, wanted=wanted)
    sent = {name: value for name, value in (("kind", wanted.kind), ("token", token), ("who", actor)) if value}
    return show(
        request, "practice/looked.jinja", "Who looked", found=found, rows=[_row(one) for one in found.rows],
        kinds=[(name, KIND_WORDS[name], found.counts[name]) for name in KINDS], wanted=wanted, page=page,
        last=max(1, -(-found.matching // PER_PAGE)), address=f"{LOOKED}?{urlencode(sent)}{'&' if sent else ''}",
        root=LOOKED, honoured=_honoured(found), within=WITHIN_DAYS,
        why=why(request.reader, reasons=found.reasons, reference=found.reference),
    )  # fmt: skip


def _row(look: Look) -> dict[str, Any]:
    account = accounts.with_id(look.actor) if len(look.actor) == len("00000000-0000-0000-0000-000000000000") else None
    return {
        "look": look, "what": _EVENTS[look.event] + _refused(look),
        "when": f"{words.day(look.at.date())}, {look.at:%H:%M} UTC",
        "who": account.name if account else look.actor,
        "where": f"{role_in_words(look.role)}, {organisation_in_words(look.organisation)}" if look.role else "",
        "why": _PURPOSES.get(look.purpose, look.purpose) or "; ".join(_REASONS.get(one, one) for one in look.reasons),
        "whom": look.tokens if len(look.tokens) <= 3 else (*look.tokens[:3], f"and {len(look.tokens) - 3} more"),  # noqa: PLR2004
    }  # fmt: skip


def _refused(look: Look) -> str:
    if not look.is_refusal:
        return ""
    return f" (refused {look.times:,} times)" if look.times > 1 else " (refused)"


def _honoured(found: Any) -> list[tuple[str, str, str]]:
    rows = []
    for one in found.honoured:
        is_bad = is_late(one, bootstrap.today(), within=timedelta(days=WITHIN_DAYS))
        said = "not yet" if one.run is None else f"{one.days} days" if one.days else "the same day"
        rows.append(
            (
                words.day(one.landed),
                words.day(one.run) if one.run else "no run since",
                ("TOO LATE: " if is_bad else "") + said,
            )
        )
    return rows


@as_pages
def the_population(request: HttpRequest) -> HttpResponse:
    """Counts by tier, group and place. Never a person."""
    with standing(request.reader) as at:
        found = population(at.house, reader=at.asker, activity=at.activity)
    return show(
        request, "practice/population.jinja", "The picture of need", found=found, tables=_tables(found),
        scheme=words.SCHEME,
        why=why(request.reader, reasons=found.reasons),
    )  # fmt: skip


_ACROSS, _DOWN = "tier", "segment"


def _tables(found: Population) -> list[dict[str, Any]]:
    """A table a place: groups down, tiers across. What says the place is whatever other columns the counts have."""
    columns = list(found.head)
    across, down = columns.index(_ACROSS), columns.index(_DOWN)
    about = [place for place, name in enumerate(columns[:-1]) if name not in {_ACROSS, _DOWN, "month"}]
    cells: dict[str, dict[tuple[str, str], str]] = {}
    for row in found.rows:
        cells.setdefault(", ".join(row[place] for place in about), {})[row[down], row[across]] = row[-1]
    return [_table(place, known) for place, known in cells.items()]


def _table(place: str, known: dict[tuple[str, str], str]) -> dict[str, Any]:
    tiers, groups = (sorted({key[side] for key in known}) for side in (1, 0))
    rows = [(words.capital(group), *(known.get((group, tier), "0") for tier in tiers)) for group in groups]
    return {"place": words.capital(place), "head": ("Group", *(words.capital(tier) for tier in tiers)), "rows": rows}
