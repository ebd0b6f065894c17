"""What left as tables and as records: still remembered, judged together, and no record alone.

The memory of what was told is what later tables are judged with. Whoever puts an
older copy of it back makes the gate forget; the trail still has the certificate
of every answer, and here both are compared.
"""

from __future__ import annotations

import csv
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from caldicott.audit.entry import Outcome
from caldicott.operations.extract import REPORT, Request, extract
from caldicott.operations.verify.control import Control, Finding, broken, kept, not_applicable
from caldicott.stores import ledger
from caldicott.vocabulary.errors import DoesNotHold, Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from caldicott.operations.verify.evidence import Evidence

_TOLD: Final = frozenset({"gate", "indicator", "noise"})
_CERTIFICATE: Final = 64
_K: Final = 5
"""Written here a second time: so many people alike at least."""
_RARE: Final = "G122"


def _told_is_remembered(evidence: Evidence) -> Finding:
    try:
        known = {one.certificate for one in ledger.all_but(evidence.house.store, "", today=evidence.today)}
    except DoesNotHold:
        return broken("an entry of the memory of what was told is missing or was changed")
    said = [
        {one for one in entry.references if _is_certificate(one)}
        for entry in evidence.entries
        if entry.event in _TOLD and entry.outcome is Outcome.DONE
    ]
    if not any(said):
        return not_applicable("no count has left this store yet")
    # An answer that was stored twice (two datasets) is named by one of its certificates.
    forgotten = sum(bool(named) and not named & known for named in said)
    if forgotten:
        return broken(
            f"{forgotten} answers that the trail names are no longer in the memory that later ones are judged with"
        )
    return kept(f"{len(known):,} answers are remembered, each sealed to the one before; the trail names none besides")


def _is_certificate(reference: str) -> bool:
    return len(reference) == _CERTIFICATE and set(reference) <= set("0123456789abcdef")


def _records_in_groups(evidence: Evidence) -> Finding:
    given = [
        folder for folder in evidence.exports if (folder / REPORT).is_file() and (folder / "extract.csv").is_file()
    ]
    alone = [folder.name for folder in given if _fewest(folder) < _K]
    if alone:
        return broken(f"{len(alone)} extracts hold records of fewer than {_K} people alike")
    if fault := _tried():
        return broken(fault)
    return kept(
        f"120 invented records were made an extract: groups of {_K} at least, the rare code coarser; a table with NHS "
        f"numbers and one of three people were refused. {len(given)} extracts at hand were counted again"
    )


def _fewest(folder: Path) -> int:
    quasi = list(json.loads((folder / REPORT).read_text(encoding="utf-8"))["quasi_identifiers"])
    with (folder / "extract.csv").open(encoding="utf-8", newline="") as stream:
        groups = Counter(tuple(row[name] for name in quasi) for row in csv.DictReader(stream))
    return min(groups.values(), default=0)


def _tried() -> str:
    """What went wrong when invented records were to leave; nothing if all went as it should."""
    many = [(f"{20 + n % 4}", "FM"[n % 2], ("I219", "J440", "E119")[n // 8 % 3]) for n in range(119)]
    many.append(("97", "F", _RARE))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        extract(Request(_written(folder / "many.csv", many), ("age", "sex"), "illness", folder / "out"))
        if _fewest(folder / "out") < _K or _RARE in (folder / "out" / "extract.csv").read_text(encoding="utf-8"):
            return "an extract of invented records holds somebody alone, or a rare code as it is"
        few = _written(folder / "few.csv", many[:3])
        named = _written(folder / "named.csv", [(age, sex, f"900 000 {n:04}") for n, (age, sex, _) in enumerate(many)])
        for path in (few, named):
            try:
                extract(Request(path, ("age", "sex"), "illness", folder / path.stem))
            except (Refused, DoesNotHold):
                continue
            return "invented records left that are too few, or have what looks like NHS numbers"
    return ""


def _written(path: Path, rows: Sequence[tuple[str, ...]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("age", "sex", "illness"), *rows])
    return path


CONTROLS = (
    Control(
        "told-is-remembered",
        "Every count that left is remembered, sealed, and judged with the next.",
        _told_is_remembered,
    ),
    Control(
        "records-in-groups",
        "Records leave as an extract only in groups of five people and more, rare codes made coarser.",
        _records_in_groups,
    ),
)
