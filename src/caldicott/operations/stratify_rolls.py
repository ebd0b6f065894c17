"""The roll of a practice: token beside NHS number, name and birth date of its own people now, encrypted.

A slice of the re-identification store, one practice a file, so that a page of a
practice's list opens what that practice may see and nothing else. Made new by
every run; the run before's is removed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from caldicott.stores import clear
from caldicott.stores.catalogue import LiveFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from caldicott.operations.perform import House

ROLL: Final = "risk-roll"
_OF_A_PERSON: Final = ("person_token", "nhs_number", "family_name", "given_name", "birth_date")
"""The practice is the file's own, so its column need not be decrypted."""


def write_rolls(house: House, roll: pa.Table, *, activity: str, run_id: str) -> list[LiveFile]:
    """One encrypted file a practice; live once the caller's transaction says so."""
    key_id = house.store.keys.key_for(_scope(activity), created=house.today)
    key = house.store.keys.open(key_id)
    folder = house.store.root / "persons" / ROLL / activity / run_id
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = []
    for practice, rows in by_practice(roll):
        name = _name(activity, run_id, practice)
        path = folder / f"{practice}.parquet"
        clear.write(path, rows.to_reader(), key=key.use(name), aad=name.encode())
        relative = str(path.relative_to(house.store.root))
        files.append(LiveFile(relative, ROLL, activity, f"{run_id}/{practice}", rows.num_rows, key_id))
    return files


def read_roll(house: House, file: LiveFile, tokens: Sequence[str]) -> list[dict[str, object]]:
    """The entries of these tokens in that roll of a practice; those it does not have are not its people."""
    practice = file.part.partition("/")[2]
    rows = _opened(house, file, _OF_A_PERSON)
    wanted = pc.is_in(rows.column("person_token"), value_set=pa.array([*tokens], pa.string()))
    return [{**row, "practice": practice} for row in rows.filter(wanted).to_pylist()]


def everybody_on(house: House, file: LiveFile) -> dict[str, str]:
    """Token to practice as the roll itself says it; no name and no number is decrypted for it."""
    rows = _opened(house, file, ("person_token", "practice")).to_pylist()
    return {str(row["person_token"]): str(row["practice"]) for row in rows}


def _opened(house: House, file: LiveFile, columns: Sequence[str]) -> pa.Table:
    run_id, _, practice = file.part.partition("/")
    name = _name(file.owner, run_id, practice)
    key = house.store.keys.open(file.key_id).use(name)
    return clear.read_table(house.store.root / file.path, key=key, aad=name.encode(), columns=columns)


def by_practice(rows: pa.Table) -> list[tuple[str, pa.Table]]:
    """The rows of each practice; they come in order of practice."""
    names = rows.column("practice").combine_chunks()
    runs = pc.run_end_encode(names) if rows.num_rows else None
    if runs is None:
        return []
    found, first = [], 0
    for name, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
        found.append((str(name), rows.slice(first, end - first)))
        first = end
    return found


def _scope(activity: str) -> str:
    return f"{ROLL}/{activity}"


def _name(activity: str, run_id: str, practice: str) -> str:
    return f"{ROLL}/{activity}/{run_id}/{practice}"
