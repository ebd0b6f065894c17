"""What a practice keeps about its patients, looked up for its own readers and erased for who is its patient no more."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from django.conf import settings

from caldicott import bootstrap
from caldicott.operations.perform import House
from caldicott.operations.practice_case import KEPT
from caldicott.operations.practice_list import absent
from caldicott.portal.staff import trail
from caldicott.portal.staff.practice.frame import scores_activity
from caldicott.portal.views import board
from caldicott.stores.desk import cases
from caldicott.vocabulary.errors import DoesNotHold

GONE: Final = frozenset({"moved", "left", "objects"})
"""Reasons for which nothing that the practice kept may stay."""
FEW, SHARE = 5, 0.2
"""So many cases, or such a share of all, may end between two pages; more is a fault of a list."""

_PORTAL: Final = trail.Actor("portal")

if TYPE_CHECKING:
    from collections.abc import Collection

    from caldicott.operations.practice_list import Page
    from caldicott.portal.staff.reader import Reader
    from caldicott.stores.desk.cases import CaseNow


def is_of(reader: Reader, practice: str) -> bool:
    """Whether the reader works at that practice itself. A group sees scores, and nothing of a practice's own work."""
    members = {one.ods for one in board().notice().register.controller.member_practices}
    return reader.organisation.upper() == practice.upper() and practice.upper() in members


def cases_for(reader: Reader, practice: str) -> dict[str, CaseNow]:
    """The practice's cases, for its own readers; for others as if there were none."""
    return cases.of_practice(practice) if is_of(reader, practice) else {}


def gone(found: Page, kept: Collection[str]) -> frozenset[str]:
    """Those of the kept cases whose patient is this practice's no more. Who is only being looked into stays."""
    left = {token for token, reason in found.seen.not_shown.items() if reason in GONE}
    return found.absent | (left & frozenset(kept))


def forget(reader: Reader, practice: str, tokens: frozenset[str], *, of: int) -> None:
    """Who left, moved or objects has no case here any more: stages and notes are erased, and that it was done stays.

    Many at once, among the `of` cases that there are, mean that a list came in broken: nothing is erased then. Who
    is not on the list is shown to nobody meanwhile.
    """
    _forget(reader.actor, practice, tokens, of=of)


def _forget(actor: trail.Actor, practice: str, tokens: frozenset[str], *, of: int) -> None:
    if not tokens:
        return
    said = (f"practice {practice}", f"cases {len(tokens)}")
    with trail.recorded():
        if len(tokens) > max(FEW, of * SHARE):
            trail.note("cases-held", trail.Outcome.FAILED, actor, references=said, reasons=("too-many-at-once",))
        elif cases.erase(practice, tokens):
            trail.note("cases-erased", trail.Outcome.DONE, actor, references=said, reasons=("not-own-patient",))


def forget_gone() -> None:
    """Cases of who left, moved or objects are erased after each run and at each start, also if nobody opens a page."""
    kept = {practice: frozenset(cases.of_practice(practice)) for practice in cases.practices()}
    activity = scores_activity()
    if not kept or not activity:
        return
    store = bootstrap.open_to_read(settings.PORTAL.store)
    try:
        with store.looking(), suppress(DoesNotHold):  # no scores yet: nobody has left a list
            house = House(board().notice().register, store, bootstrap.today(), bootstrap.now, "portal")
            for practice, tokens in absent(house, activity=activity, kept=kept).items():
                _forget(_PORTAL, practice, tokens, of=len(kept[practice]))
    finally:
        store.close()


def forget_old() -> None:
    """Cases on which nobody has worked for so long that no reason to keep them is left; at each start."""
    with trail.recorded():
        if erased := cases.erase_unchanged_since(bootstrap.now() - KEPT):
            said = (f"cases {erased}",)
            trail.note("cases-erased", trail.Outcome.DONE, _PORTAL, references=said, reasons=("too-old",))
