"""Canary people: every value of theirs is nobody else's, so that one seen anywhere says whose it was and what failed.

Rows are made from the layouts: each column gets what its class says it holds,
so that no dataset and no column is forgotten when a layout is added.
"""

from __future__ import annotations

import csv
import hashlib
import random
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import people
from caldicott.facts.layout import ColumnClass, ColumnType, load

if TYPE_CHECKING:
    from pathlib import Path

    from caldicott.facts.layout import Column, Layout

LAYOUTS = {
    "ncdr-sus-apc": "RZ1", "ncdr-sus-op": "RZ1", "ncdr-sus-ec": "RZ1", "csds-care-contact": "RZC",
    "mhsds-care-contact": "RZM", "emis-patients": "0CX", "emis-observations": "0CX", "emis-medications": "0CX",
    "emis-appointments": "0CX", "emis-objections": "0CX", "out-of-hours-contacts": "NZO",
    "urgent-care-attendances": "NZU", "asc-client-level": "999", "pds-person": "X26", "pds-merger": "X26",
    "ramses-episodes": "RZ2",
}  # fmt: skip
"""One layout at least of every dataset the example register lets in as a table, with its sender."""

_PLANNING_ONLY = {"social-care", "community", "out-of-hours", "urgent-care"}
_SYLLABLES = (
    "bax",
    "cwm",
    "dzo",
    "fjo",
    "gwy",
    "huq",
    "jyx",
    "kvu",
    "lwz",
    "myq",
    "nxo",
    "pfy",
    "qip",
    "rwu",
    "tzk",
    "vux",
)


@dataclass(frozen=True)
class Canary:
    """One person; printing tells nothing."""

    place: int
    values: dict[str, str]

    def __repr__(self) -> str:
        return f"Canary({self.place})"

    def __getitem__(self, kind: str) -> str:
        return self.values[kind]


def canaries(count: int = 200, seed: int = 7) -> list[Canary]:
    """So many people, from the seed."""
    chosen = random.Random(seed)
    return [_canary(place, chosen) for place in range(count)]


def _canary(place: int, chosen: random.Random) -> Canary:
    word = "".join(_SYLLABLES[place // 16**power % 16] for power in (1, 0))
    good = people.number(2 * place + 1)
    street = f"{chosen.randrange(10, 99)} Zarf{word} Mews"
    postcode = f"ZZ{place % 90 + 10} {place // 90}{'ABDEFGHJLN'[place % 10]}{'PQRSTUWXYZ'[place // 10 % 10]}"
    return Canary(
        place,
        {
            "number": good,
            "number_old": people.number(2 * place + 2),
            "number_broken": good[:9] + str((int(good[9]) + 1) % 10),
            "family": f"Quib{word}worth",
            "given": f"Zeph{word}ine",
            "street": street,
            "postcode": postcode,
            "born": (date(1921, 1, 1) + timedelta(days=53 * place)).isoformat(),
            "phone": f"07700 90{place:04d}",
            "mail": f"{word}@canary{place:03d}.invalid",
            "local": f"LOC{word}{place:03d}",
            "record": f"RK{word}{place:03d}",
            "staff": f"ST{word}{place:03d}",
        },
    )


def sentence(canary: Canary) -> str:
    """What a careless hand writes into a free field."""
    number = canary["number"]
    spaced = f"{number[:3]} {number[3:6]} {number[6:]}"
    return f"Seen {canary['given']} {canary['family']}, {spaced}, of {canary['street']} {canary['postcode']}"


def row(layout: Layout, canary: Canary, nth: int = 0) -> dict[str, str]:
    """A sound row about that person: every column holds what its class says."""
    return {column.name: _value(layout, column, canary, nth) for column in layout.columns}


def _value(layout: Layout, column: Column, canary: Canary, nth: int) -> str:
    values = {
        ColumnClass.NHS_NUMBER: canary["number"], ColumnClass.NHS_NUMBER_STATUS: "01", ColumnClass.WITHHELD_REASON: "",
        ColumnClass.SUPERSEDED_NHS_NUMBER: canary["number_old"], ColumnClass.POSTCODE: canary["postcode"],
        ColumnClass.FREE_TEXT: sentence(canary), ColumnClass.LOCAL_ID: canary["local"],
        ColumnClass.RECORD_KEY: f"{canary['record']}-{nth}", ColumnClass.STAFF: canary["staff"],
        ColumnClass.PRACTICE: "Z80001", ColumnClass.ORGANISATION: "RZ1", ColumnClass.OBJECTION_CODE: "9Nu0.",
        ColumnClass.ADDRESS: canary["street"], ColumnClass.CONTACT: canary[_contact(column)],
        ColumnClass.NAME: canary["given" if "given" in column.canonical or "first" in column.canonical else "family"],
    }  # fmt: skip
    if column.column_class == ColumnClass.BIRTH_DATE:
        return _day(layout, column, date.fromisoformat(canary["born"]))
    if column.type in {ColumnType.DATE, ColumnType.TIMESTAMP}:
        return _day(layout, column, date(2025, 6, 1 + canary.place % 28))
    if column.column_class in values and column.type == ColumnType.TEXT:
        return values[column.column_class]
    return {ColumnType.INTEGER: "1", ColumnType.DECIMAL: "1.50"}.get(column.type, "A1")


def _contact(column: Column) -> str:
    return "mail" if "mail" in column.name.lower() else "phone"


def _day(layout: Layout, column: Column, day: date) -> str:
    if column.type == ColumnType.TIMESTAMP:
        form = layout.table.timestamp_formats[0]
        return f"{day} 10:00:00" if form == "iso" else day.strftime(form)
    form = layout.table.date_formats[0] if column.type == ColumnType.DATE else "%Y-%m-%d"
    return day.isoformat() if form == "iso" else day.strftime(form)


def faulty_rows(layout: Layout, some: list[Canary]) -> list[dict[str, str]]:
    """Rows that must be held back, each with a whole person in it, each for another reason."""
    made = [row(layout, canary, nth=9) for canary in some]
    number = next(column.name for column in layout.columns if column.column_class == ColumnClass.NHS_NUMBER)
    dates = [column.name for column in layout.columns if column.type == ColumnType.DATE]
    kept = [c.name for c in layout.columns if c.column_class == ColumnClass.ACTIVITY and c.type == ColumnType.TEXT]
    kept += [c.name for c in layout.columns if c.column_class == ColumnClass.ADMIN and c.type == ColumnType.TEXT]
    made[0][number] = some[0]["number_broken"]
    made[1][number] = f"{some[1]['given']} {some[1]['family']}"
    made[2][number] = ""
    made[3][dates[0]] = some[3]["born"] + some[3]["family"]
    # A layout without a text column that is kept has nothing to leak into: there the number itself is wrong.
    made[4][kept[0] if kept else number] = sentence(some[4])
    made[5][kept[0] if kept else number] = some[5]["number"] if kept else some[5]["number_broken"]
    return made


def send(folder: Path, everybody: list[Canary]) -> None:
    """Every dataset about everybody, six rows of each held back, and three broken lines at each file's end."""
    for at, (name, sender) in enumerate(LAYOUTS.items()):
        layout = load(name)
        present = everybody[:20] if layout.dataset == "gp-objections" else everybody
        rows = [row(layout, canary) for canary in present] + faulty_rows(layout, everybody[at * 6 : at * 6 + 6])
        purposes = people.PLANNING if layout.dataset in _PLANNING_ONLY else people.BOTH
        place = people.submission(folder, name, rows, name=f"sound-{at:02d}", sender=sender, purposes=purposes)
        _break_lines(place / f"{name}.csv", layout, everybody[100 + at * 3 : 103 + at * 3])
        rewrite_manifest(place, place / f"{name}.csv", rows=len(rows) + 3)
    allowed = [people.Invented(c["number"], c["born"], c["family"], c["given"], c["postcode"]) for c in everybody[:180]]
    people.answer(folder, allowed)


def _break_lines(path: Path, layout: Layout, some: list[Canary]) -> None:
    with path.open("a", newline="", encoding="utf-8") as stream:
        for canary in some:
            csv.writer(stream).writerow([*row(layout, canary, nth=8).values(), sentence(canary), canary["family"]])


def rewrite_manifest(place: Path, path: Path, *, rows: int | None = None, **changes: str) -> None:
    """The manifest again, true of the file as it now is, or with lines changed."""
    manifest = place / "manifest.toml"
    written: Any = manifest.read_text()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    written = re.sub(r'sha256 = ".*"', f'sha256 = "{digest}"', written)
    if rows is not None:
        written = re.sub(r"rows = .*", f"rows = {rows}", written)
    for key, value in changes.items():
        written = re.sub(rf"(?m)^{key} = .*$", f"{key} = {value}", written)
    manifest.write_text(written)
