"""Room: the promises of the notices, and for each the one way it is kept.

Data format seen here: none; sentences of published notices.
May import: vocabulary.
Serves: "an organisation that is confident about what it does can say so in public, promise by promise" [issue 3].
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from caldicott.vocabulary.errors import ProgramFault

_HERE = Path(__file__).parent
_COLUMNS = ["id", "kept_by", "awaiting", "in_writing", "note"]


@dataclass(frozen=True, slots=True)
class Promise:
    """One sentence of a notice that somebody may hold the controller to."""

    id: str
    notice: str
    line: str
    section: str
    kind: str
    area: str
    level: str
    """`auto`: software can keep it; `evidence` and `text`: a document or a paragraph of the notice does."""
    text: str
    observable_test: str


@dataclass(frozen=True, slots=True)
class Keeping:
    """How one promise is kept: exactly one of the three is filled."""

    id: str
    kept_by: tuple[str, ...] = ()
    """Ids of controls that `verify` looks at."""
    awaiting: str = ""
    """The part that is not built yet."""
    in_writing: str = ""
    """A page of the notice with its anchor, or a document."""
    note: str = ""
    area: str = ""


@cache
def promises() -> tuple[Promise, ...]:
    """Every promise, in the order of the notices."""
    return tuple(Promise(**row) for row in _rows(_HERE / "promises.csv"))


@cache
def parts() -> dict[str, str]:
    """The parts that are not built yet, with what each will do."""
    return {row["id"]: row["title"] for row in _rows(_HERE / "parts.csv")}


@cache
def keepings() -> tuple[Keeping, ...]:
    """Every line of every keeping file as it stands; `faults` says what is wrong with them."""
    return tuple(
        Keeping(
            row["id"], tuple(row["kept_by"].split()), row["awaiting"].strip(), row["in_writing"].strip(),
            row["note"].strip(), path.stem,
        )
        for path in sorted((_HERE / "keeping").glob("*.csv"))
        for row in _rows(path, columns=_COLUMNS)
    )  # fmt: skip


def keeping_of() -> dict[str, Keeping]:
    """The keeping of each promise that has one.

    Raises:
        ProgramFault: the keeping files contradict themselves or the promises.
    """
    found = faults(promises(), keepings())
    wrong = [fault for fault in found if not fault.endswith(UNKEPT)]
    if wrong:
        raise ProgramFault(
            f"the table of how promises are kept does not hold: {wrong[0]}",
            code="keeping-faulty",
            where="facts/promises/keeping",
            next_step="correct the line; `pytest tests/promises/test_ledger.py` names every fault",
        )
    return {keeping.id: keeping for keeping in keepings()}


UNKEPT = "is in no keeping file"


def faults(all_promises: tuple[Promise, ...], all_keepings: tuple[Keeping, ...]) -> tuple[str, ...]:
    """Everything wrong between promises and keepings, one sentence each."""
    areas = {promise.id: promise.area for promise in all_promises}
    ids = [keeping.id for keeping in all_keepings]
    found = [f"{name} is kept in two lines" for name in sorted({name for name in ids if ids.count(name) > 1})]
    for keeping in all_keepings:
        found += _faults_of(keeping, areas)
    return (*found, *(f"{name} {UNKEPT}" for name in areas if name not in set(ids)))


def _faults_of(keeping: Keeping, areas: dict[str, str]) -> list[str]:
    found = []
    if keeping.id not in areas:
        found.append(f"{keeping.id} is no promise")
    elif areas[keeping.id] != keeping.area:
        found.append(f"{keeping.id} is of the area {areas[keeping.id]}, not {keeping.area}")
    if sum(map(bool, (keeping.kept_by, keeping.awaiting, keeping.in_writing))) != 1:
        found.append(f"{keeping.id} must be exactly one of kept_by, awaiting, in_writing")
    if keeping.awaiting and keeping.awaiting not in parts():
        found.append(f"{keeping.id} awaits a part that is not known: {keeping.awaiting}")
    return found


def _rows(path: Path, *, columns: list[str] | None = None) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream, strict=True)
        rows = list(reader)
    if (columns and reader.fieldnames != columns) or any(None in row or None in row.values() for row in rows):
        raise ProgramFault(
            "a table of promises has other columns than it should",
            code="keeping-columns",
            where=path.name,
            next_step=f"give every line the columns {', '.join(columns or [])}, with quotes around commas",
        )
    return rows
