"""Who is who over the years: numbers that were made one, made two again, or given anew and never to be joined.

Numbers are joined by the national merger feed alone, never because two records
look alike: so a number given anew after an adoption or a change of gender,
whose record names no number before it, stays a person of its own. Where the
feed itself joins such numbers, the one who knows says so once, and from then
on the old number takes no part in any merger.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date


class Event(StrEnum):
    """What can become of a number."""

    MERGE = "merge"
    SPLIT = "split"
    REISSUE = "re-issue"


@dataclass(frozen=True, repr=False)
class Change:
    """One event: the number it is about and its own person, the number it leads to and that one's person."""

    event: Event
    number: int
    person: int
    other_number: int
    other_person: int
    on: date

    def __repr__(self) -> str:
        return f"Change({self.event.value})"


@dataclass(frozen=True, repr=False)
class Joined:
    """A superseded number that had a person of its own, and the living number it leads to now."""

    number: int
    person: int
    living: int
    living_person: int

    def __repr__(self) -> str:
        return "Joined(…)"


def standing(history: Iterable[Change]) -> dict[int, Change]:
    """The mergers that hold, by superseded number."""
    held: dict[int, Change] = {}
    for change in history:
        if change.event is Event.MERGE:
            held[change.number] = change
        elif change.event is Event.SPLIT:
            held.pop(change.number, None)
    return held


def reissued(history: Iterable[Change]) -> frozenset[int]:
    """The old numbers of persons who were given a new one, never to be joined with anything."""
    return frozenset(change.number for change in history if change.event is Event.REISSUE)


def changes(history: Sequence[Change], now: Iterable[Joined], *, on: date) -> list[Change]:
    """What has changed since: mergers that ended come first, so that a number may go from one person to another."""
    held, wanted = standing(history), {one.number: one for one in now}
    ended = [
        Change(Event.SPLIT, old.number, old.person, old.other_number, old.other_person, on)
        for number, old in sorted(held.items())
        if number not in wanted or wanted[number].living_person != old.other_person
    ]
    gone = {change.number for change in ended}
    begun = [
        Change(Event.MERGE, one.number, one.person, one.living, one.living_person, on)
        for number, one in sorted(wanted.items())
        if number not in held or number in gone
    ]
    return [*ended, *begun]


@dataclass(frozen=True, repr=False)
class Identifier:
    """A number of a person, from one day to another; None where it still is."""

    number: int
    known_from: date
    until: date | None = None

    def __repr__(self) -> str:
        return "Identifier(…)"


def identifiers(
    person: int, first_known: Mapping[int, tuple[int, date]], history: Iterable[Change]
) -> list[Identifier]:
    """Every number that is or was the person's, oldest first. `first_known` is number to its own person and the day."""
    own = [Identifier(number, day) for number, (owner, day) in first_known.items() if owner == person]
    open_since: dict[int, Identifier] = {one.number: one for one in own}
    closed: list[Identifier] = []
    for change in history:
        if change.event is Event.REISSUE:
            continue
        leaves = change.person if change.event is Event.MERGE else change.other_person
        joins = change.other_person if change.event is Event.MERGE else change.person
        if leaves == person and change.number in open_since:
            was = open_since.pop(change.number)
            closed.append(Identifier(was.number, was.known_from, change.on))
        if joins == person:
            open_since[change.number] = Identifier(change.number, change.on)
    return sorted([*closed, *open_since.values()], key=lambda one: (one.known_from, one.number))
