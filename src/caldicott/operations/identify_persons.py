"""The person index in a run: mergers and splits are noted, and tokens follow by the vault's rules."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from caldicott.engines.duckdb.identity_people import joined, keep_apart
from caldicott.operations.perform import Act, House, ask, perform, permits
from caldicott.policy.decision import Request
from caldicott.safe_haven.identity.persons import Change, Event, changes, reissued
from caldicott.safe_haven.identity.remainder import SPINE
from caldicott.stores.person_index import PersonIndex
from caldicott.vocabulary.errors import WrongUsage
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.nhs_number import canonicalise, fault_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from caldicott.engines.duckdb.people import DuckDbPeople
    from caldicott.operations.people import People
    from caldicott.register.model import PseudonymDomain

_APPLIED: Final = "identity-applied/{}/{}"


def part_reissued(house: House, steps: DuckDbPeople) -> None:
    """Before mergers are followed: numbers that were given anew lead nowhere."""
    keep_apart(steps, reissued(PersonIndex(house.store).history()))


def note_mergers(house: House, people: People) -> None:
    """After everybody is known: who became one, or two again, since the last run."""
    index = PersonIndex(house.store)
    history = index.history()
    fresh = changes(history, joined(people.engine), on=house.today)
    people.history = [*history, *fresh]
    if fresh:
        people.new_files.append(index.write(fresh, created=house.today))
        for event in Event:
            if number := sum(change.event is event for change in fresh):
                people.counts[f"persons {event.value}"] = number


def follow_in_vault(house: House, people: People, domain: PseudonymDomain, live_files: Sequence[str]) -> list[str]:
    """Tokens after mergers and splits that this domain has not heard of; the names of the vault's new files.

    A merger leaves the living person's token and turns the other's to it; a split gives all who shared it new ones,
    and the old one means nobody. The crosswalk between them never leaves the vault.
    """
    setting = _APPLIED.format(domain.name, domain.epoch)
    applied = int(house.store.catalogue.setting(setting) or 0)
    made: list[str] = []
    for change in people.history[applied:]:
        made += _follow(house, change, domain, [*live_files, *made])
    if len(people.history) > applied:
        people.settings[setting] = str(len(people.history))
    return made


def _follow(house: House, change: Change, domain: PseudonymDomain, live_files: Sequence[str]) -> Iterable[str]:
    vault = house.store.vault
    match change.event:
        case Event.MERGE:
            return vault.merge(change.person, change.other_person, domain, created=house.today, live_files=live_files)
        case Event.SPLIT:
            both = pa.array([change.person, change.other_person], pa.int64())
            return vault.split(both, domain, created=house.today, live_files=live_files)
        case Event.REISSUE:
            return ()


def pairs_of(path: Path) -> list[tuple[str, str]]:
    """Old and new numbers out of a small CSV file.

    Raises:
        WrongUsage: it is no such file; none of its words is repeated.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error):
        rows = []
    if not rows or not {"old", "new"} <= rows[0].keys():
        raise WrongUsage(
            "the file cannot be read as a CSV with the columns old and new",
            code="reissue-file-unreadable",
            where=path.name,
            next_step="write a line old,new and below it a line for each person, as UTF-8",
        )
    return [(row["old"] or "", row["new"] or "") for row in rows]


def note_reissued(
    house: House, pairs: Sequence[tuple[str, str]], *, activity: str, role: str = "dscro_operator"
) -> int:
    """Pairs of an old number and the one given anew: from the next run on the old one is joined with nothing.

    Raises:
        Refused: the register does not let this role join identifiable records.
        WrongUsage: a pair is not two different NHS numbers; which one is named by its place, never by its digits.
    """
    request = Request(role, activity, SPINE, DataFormat.IDENTIFIABLE, action="link")
    permits(ask(house, [request]))
    fresh = [_reissue(house, place, pair) for place, pair in enumerate(pairs, start=1)]

    def compute() -> Act[int]:
        file = PersonIndex(house.store).write(fresh, created=house.today)
        return Act(
            len(fresh),
            lambda: house.store.catalogue.add_files([file]),
            counts={"numbers given anew": len(fresh)},
            dataset=SPINE,
            format=DataFormat.IDENTIFIABLE.value,
        )

    return perform(house, event="identity-reissue", activity=activity, compute=compute) if fresh else 0


def _reissue(house: House, place: int, pair: tuple[str, str]) -> Change:
    old, new = (canonicalise(written) for written in pair)
    if fault_of(old) or fault_of(new) or old == new:
        raise WrongUsage(
            "it is not an old and a new NHS number",
            code="reissue-not-two-numbers",
            where=f"pair {place}",
            next_step="give two different valid numbers in the columns old and new",
        )
    return Change(Event.REISSUE, int(old), 0, int(new), 0, house.today)
