"""Invents the people of the tests and writes the submissions that speak of them. 9xx numbers only."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from caldicott.facts.layout import load
from caldicott.vocabulary.nhs_number import check_digit

if TYPE_CHECKING:
    from pathlib import Path

AGREEMENTS = {
    "social-care": "council-sharing-agreement",
    "out-of-hours": "local-flows-agreement",
    "urgent-care": "local-flows-agreement",
}
BOTH = ("commissioning-planning", "risk-stratification")
PLANNING = ("commissioning-planning",)


@dataclass(frozen=True)
class Invented:
    """One invented person."""

    number: str
    born: str
    family: str
    given: str
    postcode: str

    def __repr__(self) -> str:
        return "Invented(…)"


def number(place: int) -> str:
    """The n-th NHS number of the test range that exists (every eleventh stem has none)."""
    stem = 900_000_000 + place * 7_919
    while (digit := check_digit(str(stem))) is None or len({*str(stem)}) == 1:
        stem += 1
    return f"{stem}{digit}"


def invented(count: int) -> list[Invented]:
    """So many people, each with a number, birth date, name and postcode that nobody else has."""
    return [
        Invented(
            number=number(place),
            born=date(1930 + place % 80, 1 + place % 12, 1 + place % 28).isoformat(),
            family=f"Quibbleworth{place:05d}",
            given=f"Zephrine{place:05d}",
            postcode=f"ZZ{place % 90 + 1} {place % 9}QJ",
        )
        for place in range(count)
    ]


def apc(person: Invented, record: str, on: str = "2025-06-01", **changes: Any) -> dict[str, Any]:
    """A row of admitted patient care about that person."""
    return {
        "Generated_Record_ID": record,
        "NHS_Number": person.number,
        "NHS_Number_Trace_Status": "01",
        **_column("ncdr-sus-apc", "birth_date", person.born),
        **_column("ncdr-sus-apc", "postcode", person.postcode),
        **_column("ncdr-sus-apc", "provider", "RZ1"),
        **_column("ncdr-sus-apc", "diagnosis_1", "I10X"),
        **_column("ncdr-sus-apc", "cost", "1590.00"),
        **_column("ncdr-sus-apc", "episode_started_on", on),
        **changes,
    }


def _column(layout: str, canonical: str, value: str) -> dict[str, str]:
    name = next(column.name for column in load(layout).columns if column.canonical == canonical)
    return {name: value}


def objection(person: Invented, record: str, code: str, on: str) -> dict[str, Any]:
    """A coded objection of that person."""
    return {
        "ObservationGuid": record, "PatientGuid": record, "NhsNumber": person.number, "OrganisationOds": "Z80001",
        "Code": code, "EffectiveDate": on,
    }  # fmt: skip


def patient(person: Invented, record: str, on: str = "2025-06-01", **changes: Any) -> dict[str, Any]:
    """A registered patient at a practice."""
    return row("emis-patients", person, record, on, **changes)


def row(layout: str, person: Invented, record: str, on: str = "2025-06-01", **changes: Any) -> dict[str, Any]:
    """The least a row of that layout needs to be admitted, about that person."""
    loaded = load(layout)
    by_class = {
        "nhs_number": person.number, "nhs_number_status": "01", "birth_date": person.born,
        "postcode": person.postcode, "practice": "Z80001", "record_key": record,
    }  # fmt: skip
    found = {column.name: by_class.get(column.column_class.value, "") for column in loaded.columns}
    found.update(dict.fromkeys(loaded.record_key, record))
    for column in loaded.columns:
        if column.name == loaded.occurred or (column.required and not found[column.name]):
            found[column.name] = on if column.type in {"date", "timestamp"} else record
    return {**found, **changes}


def sender_of(dataset: str) -> str:
    """Who sends it by the example register's map of flows."""
    return "0CX" if dataset.startswith("gp-") else SENDERS.get(dataset, "RZ1")


SENDERS = {
    "community": "RZC", "mental-health": "RZM", "out-of-hours": "NZO", "urgent-care": "NZU", "social-care": "999",
    "pds": "X26", "national-data-opt-out": "X26",
}  # fmt: skip


def submission(  # noqa: PLR0913  every key of a manifest can be made wrong
    folder: Path,
    layout: str,
    rows: list[dict[str, Any]],
    *,
    name: str,
    purposes: tuple[str, ...] = BOTH,
    update: str = "bulk-replacement",
    extracted: str = "2026-05-01T06:00:00",
    period: tuple[str, str] = ("2025-04-01", "2026-03-31"),
    sender: str | None = None,
    agreement: str | None = None,
    **manifest: Any,
) -> Path:
    """A submission folder with its manifest; keys of the manifest can be made wrong on purpose."""
    loaded = load(layout)
    place = folder / name
    place.mkdir(parents=True)
    path = place / f"{layout}.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, [column.name for column in loaded.columns], restval="")
        writer.writeheader()
        writer.writerows(rows)
    known = agreement or AGREEMENTS.get(
        loaded.dataset, "gp-sharing-agreement" if "gp-" in loaded.dataset else "dars-dsa"
    )
    write_manifest(
        place,
        [(path.name, manifest.pop("declared", len(rows)))],
        sha256=manifest.pop("sha256", None),
        id=name, dataset=loaded.dataset, layout=layout, sender=sender or sender_of(loaded.dataset),
        purposes=list(purposes), agreement=known,
        format="identifiable", period_from=date.fromisoformat(period[0]), period_to=date.fromisoformat(period[1]),
        update=update, extracted=extracted, objections_applied=manifest.pop("objections_applied", []), **manifest,
    )  # fmt: skip
    return place


def no_more_codes(folder: Path, *, name: str = "no-more-codes") -> Path:
    """Who sends for all practices says that nobody more objects; of a period that replaces nothing sent before."""
    practices = [f"Z80{place:03d}" for place in range(1, 151)]
    return submission(
        folder, "emis-objections", [], name=name, practices=practices, period=("1990-01-01", "1990-01-02")
    )


def answer(
    folder: Path, allowed: list[Invented], *, name: str = "ndop-answer", purposes: tuple[str, ...] = BOTH
) -> Path:
    """The national opt-out answer: those who have NOT opted out."""
    place = folder / name
    place.mkdir(parents=True)
    (place / "answer.dat").write_text("".join(f"{person.number},\n" for person in allowed), newline="")
    write_manifest(
        place, [("answer.dat", len(allowed))],
        id=name, dataset="national-data-opt-out", layout="ndop-mesh", sender="X26", purposes=list(purposes),
        agreement="dars-dsa", format="identifiable", period_from=date(2026, 5, 1), period_to=date(2026, 5, 1),
        update="bulk-replacement", extracted="2026-05-01T06:00:00", objections_applied=[],
    )  # fmt: skip
    return place


def write_manifest(place: Path, files: list[tuple[str, int]], *, sha256: str | None = None, **keys: Any) -> None:
    """manifest.toml over those files."""
    lines = ["[submission]", *(f"{key} = {_toml(key, value)}" for key, value in keys.items())]
    for path, rows in files:
        digest = sha256 or hashlib.sha256((place / path).read_bytes()).hexdigest()
        lines += ["", "[[files]]", f'path = "{path}"', f"rows = {rows}", f'sha256 = "{digest}"']
    (place / "manifest.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _toml(key: str, value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(f'"{entry}"' for entry in value) + "]"
    if isinstance(value, date) or key == "extracted":
        return str(value)
    return f'"{value}"'
