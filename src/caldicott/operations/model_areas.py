"""Which tenth of deprivation each small area is in: a published file, loaded once and kept as reference.

The file of the English Indices of Deprivation (File 1, or File 7) does not ship.
Its columns are found by how they begin, so every year's edition can be read.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from caldicott.operations.perform import Act, House, ask, perform, permits
from caldicott.policy.decision import Request
from caldicott.stores import models as store_models
from caldicott.stores.key_files import disk_faults
from caldicott.vocabulary.errors import DoesNotHold
from caldicott.vocabulary.formats import DataFormat

if TYPE_CHECKING:
    from pathlib import Path

_AREA: Final = ("lsoa code", "lsoa21cd", "lsoa11cd", "lsoa")
_TENTH: Final = ("index of multiple deprivation (imd) decile", "imd decile", "imd_decile", "deprivation_tenth")
_TENTHS: Final = range(1, 11)
_JOINED_WITH: Final = "gp-patients"
"""Where the small area of a person stands: the table changes what is worked out of these records."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was read."""

    areas: int
    sha256: str
    source: str


def load_areas(house: House, *, activity: str, file: Path, source: str) -> Loaded:
    """Keep area and tenth of every line.

    Raises:
        Refused: the register does not let records be joined for the activity today.
        DoesNotHold: the file has no such columns, or a tenth that is none.
    """
    permits(ask(house, [Request(house.role, activity, _JOINED_WITH, DataFormat.PSEUDONYMISED, action="link")]))
    with disk_faults(file):
        content = file.read_bytes()
    tenths = _read(content.decode("utf-8-sig"), file.name)
    loaded = Loaded(len(tenths), hashlib.sha256(content).hexdigest(), source)
    kept = {"source": source, "sha256": loaded.sha256, "tenths": tenths}
    return perform(
        house,
        event="areas-loaded",
        activity=activity,
        compute=lambda: Act(
            loaded, lambda: store_models.keep_areas(house.store, kept), counts={"areas": loaded.areas},
            references=(loaded.sha256,), touches_files=False,
        ),
    )  # fmt: skip


def _read(content: str, where: str) -> dict[str, int]:
    lines = csv.DictReader(content.splitlines())
    area, tenth = _column(lines.fieldnames or (), _AREA), _column(lines.fieldnames or (), _TENTH)
    if not area or not tenth:
        raise _broken(where, "it has no column of small areas, or none of tenths of deprivation")
    found: dict[str, int] = {}
    for place, line in enumerate(lines, start=2):
        said = (line[tenth] or "").strip()
        if not said.isdecimal() or int(said) not in _TENTHS or not (line[area] or "").strip():
            raise _broken(where, f"line {place} has no area, or a tenth that is not 1 to 10")
        found[line[area].strip()] = int(said)
    return found


def _column(names: object, wanted: tuple[str, ...]) -> str:
    listed = [str(name) for name in names]  # type: ignore[attr-defined]
    return next((name for start in wanted for name in listed if name.strip().lower().startswith(start)), "")


def _broken(where: str, what: str) -> DoesNotHold:
    return DoesNotHold(
        f"the table of areas cannot be read: {what}",
        code="areas-unreadable",
        where=where,
        next_step="give the published file (LSOA code and IMD decile), or a CSV with the columns lsoa and imd_decile",
    )
