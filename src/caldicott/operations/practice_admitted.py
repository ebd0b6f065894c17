"""Who of a practice was lately in hospital as an emergency: admissions and visits in the last days of the records.

From the activity's own marts, by token; only the page's people are then looked
up. The last days are those of the records, which may be weeks ago: the page
says up to which day they reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from caldicott.engines.duckdb.features import Marts
from caldicott.engines.duckdb.lately import lately
from caldicott.operations.practice_files import list_of
from caldicott.operations.practice_query import PAGE_MOST
from caldicott.operations.reidentify import Reader, Seen, recorded, require_open, require_purpose, seen_of
from caldicott.operations.reidentify_rights import as_reader, require_of, rights_of, standing_of
from caldicott.stores.mart_seals import intact

if TYPE_CHECKING:
    from pathlib import Path

    from caldicott.operations.perform import House

DAYS: Final = 30
_DATASETS: Final = frozenset({"sus-apc", "sus-ec"})
_LONG_STAY: Final = timedelta(days=31)
"""Marts are by the month in which an episode began, which may be the one before."""


@dataclass(frozen=True, slots=True)
class Stay:
    """One emergency admission or visit of one token."""

    token: str
    kind: str
    began: date
    ended: date | None


@dataclass(frozen=True, slots=True)
class Admitted:
    """A page of the feed: newest first, with the persons it names."""

    practice: str
    seen: Seen
    stays: tuple[Stay, ...]
    matching: int
    since: date
    until: date


def admitted(
    house: House, *, reader: Reader, activity: str, practice: str, offset: int = 0, limit: int = 25, days: int = DAYS,
    purpose: str = "direct-care",
) -> Admitted:  # fmt: skip
    """The practice's own patients with an emergency in the last days of the records, newest first; recorded.

    Raises:
        Refused: the reader may not see this practice's patients today.
    """
    require_purpose(purpose)
    practice, limit = practice.upper(), min(limit, PAGE_MOST)
    mine = as_reader(house, reader)
    require_open(mine, activity, reader)
    rights = rights_of(house, reader, activity)
    require_of(rights, practice, mine, activity)
    standing = standing_of(house, activity)
    rows = list_of(mine, activity, practice, standing).rows
    until = date.fromisoformat(standing["as_of"])
    since = until - timedelta(days=days - 1)
    every = _stays(house, activity, rows, since, until)
    stays = tuple(every[offset : offset + limit])
    wanted = pc.is_in(rows.column("person_token"), value_set=pa.array([one.token for one in stays], pa.string()))
    seen = seen_of(mine, rights, activity, rows.filter(wanted).to_pylist(), standing)
    seen = recorded(mine, activity, seen, purpose=purpose, asked=("lately in hospital",))
    return Admitted(practice, seen, stays, len(every), since, until)


def _stays(house: House, activity: str, rows: pa.Table, since: date, until: date) -> list[Stay]:
    entry = house.register.activity(activity)
    whitelist = frozenset(entry.inputs_whitelist or ()) if entry else frozenset()
    files: dict[str, list[Path]] = {}
    for file in intact(house.store, "mart", activity):
        dataset, month = file.part.split("/")
        if dataset in _DATASETS and f"{since - _LONG_STAY:%Y-%m}" <= month <= f"{until:%Y-%m}":
            files.setdefault(dataset, []).append(house.store.root / file.path)
    marts = Marts(files, whitelist, until)
    return [Stay(*found) for found in lately(marts, rows, since)]
