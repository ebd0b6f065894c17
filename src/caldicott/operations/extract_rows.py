"""Rows of the marts as they may be read today: without who objects by now, whatever the day the marts were made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.engines.duckdb.marts import DuckDbExports
from caldicott.engines.duckdb.sql_room import has_barred
from caldicott.operations.export import barring_of, people_today

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from caldicott.operations.people import People
    from caldicott.operations.perform import House
    from caldicott.policy.decision import Permit
    from caldicott.stores.catalogue import LiveFile


def rows_today(
    house: House, granted: Mapping[str, Permit], files: Mapping[str, Sequence[LiveFile]], work: Path
) -> dict[str, list[Path]]:
    """For each dataset the files to read: a mart's own where nobody in it objects, else one in `work` without them."""
    entry = house.register.activity(next(iter(granted.values())).request.activity)
    people = people_today(house, entry, dict(granted))  # type: ignore[arg-type]
    return {
        dataset: [_remaining(house, people, granted[dataset], file, work) for file in parts]
        for dataset, parts in files.items()
    }


def _remaining(house: House, people: People, permit: Permit, file: LiveFile, work: Path) -> Path:
    path = house.store.root / file.path
    mask, by_area = barring_of(house, people, permit)
    if not has_barred(people.engine, path, mask=mask, by_area=by_area):
        return path
    # A mart's month is the name of a folder, there and here.
    to = work / path.parent.parent.name / path.parent.name / path.name
    to.parent.mkdir(parents=True, exist_ok=True)
    DuckDbExports(people.engine).write_rows(path, mask=mask, to=to, by_area=by_area)
    return to
