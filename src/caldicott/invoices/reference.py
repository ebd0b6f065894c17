"""The reference tables, read and typed: prices, factors, practices, contracts, approvals, each row with its days.

A board brings its own tables; a cell that is not what its column needs is named
by file, row and column, and all such cells are named at once.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from caldicott.facts import invoices as facts
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SHOWN = 20
_LARGEST = Decimal(10_000_000)
_ODS = re.compile(r"[A-Z0-9]{2,6}")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}")


def pence(written: str) -> int:
    """Pounds as text to pence; ValueError if they are not pounds to the penny."""
    return _scaled(written, 100)


def _scaled(written: str, scale: int) -> int:
    try:
        value = Decimal(written)
    except InvalidOperation:
        raise ValueError from None
    if not value.is_finite() or not 0 <= value <= _LARGEST or value * scale != int(value * scale):
        raise ValueError
    return int(value * scale)


def _whole(written: str) -> int:
    return _scaled(written, 1)


def _hundredths(written: str) -> int:
    return _scaled(written, 100)


def _millionths(written: str) -> int:
    return _scaled(written, 1_000_000)


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str]:
    def read(written: str) -> str:
        if not pattern.fullmatch(written):
            raise ValueError
        return written

    return read


_code, _word = _matching(_ODS), _matching(_WORD)
_DAYS: Final[dict[str, Any]] = {"valid_from": date.fromisoformat, "valid_to?": date.fromisoformat}
_UNIT: Final[dict[str, Any]] = {"hrg": _word, "point_of_delivery": _word}

# A name with a question mark may be empty. `price=price_pence` says what the typed column is called.
COLUMNS: Final[dict[str, dict[str, Callable[[str], Any]]]] = {
    "prices": {
        **_UNIT, "price=price_pence": pence, "trim_point_days?": _whole, "per_day=per_day_pence?": pence,
        "short_stay_percent=short_stay_hundredths": _hundredths, **_DAYS,
    },
    "market_forces": {"provider": _code, "factor=factor_millionths": _millionths, **_DAYS},
    "top_ups": {"provider": _code, "top_up": _word, "percent=percent_hundredths": _hundredths, **_DAYS},
    "best_practice": {"best_practice": _word, **_UNIT, "kind": _matching(re.compile("add|replace")),
                      "amount=amount_pence": pence, **_DAYS},
    "local_prices": {"provider": _code, **_UNIT, "price=price_pence": pence, **_DAYS},
    "contracts": {"provider": _code, "kind": _matching(re.compile("block|low-volume")), "point_of_delivery": _matching(
        re.compile(r"\*|[A-Za-z0-9]{1,20}")), **_DAYS},
    "providers": {"provider": _code, "treated_in": _code, **_DAYS},
    "commissioners": {"commissioner": _code, "succeeded_by?": _code, **_DAYS},
    "practices": {"practice": _code, "commissioner": _code, **_DAYS},
    "residence": {"outward_postcode": _matching(re.compile("[A-Z]{1,2}(?:[0-9][0-9A-Z]?)?")), "commissioner": _code,
                  **_DAYS},
    "approvals": {"case_number": _word, "kind": _word, "provider": _code, "hrg": _word, **_DAYS},
    "approvals_needed": {"point_of_delivery": _word, "kind": _word,
                         "in_hospital_records": _matching(re.compile("yes|no")), **_DAYS},
}  # fmt: skip
_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "prices": ("hrg", "point_of_delivery"),
    "market_forces": ("provider",),
    "top_ups": ("provider", "top_up"),
    "best_practice": ("best_practice", "hrg", "point_of_delivery"),
    "local_prices": ("provider", "hrg", "point_of_delivery"),
    "providers": ("provider",),
    "commissioners": ("commissioner",),
    "practices": ("practice",),
    "residence": ("outward_postcode",),
    "approvals": ("case_number",),
    "approvals_needed": ("point_of_delivery",),
}
"""What may have only one row on any day: two would let the order of a file decide what is paid."""


@dataclass(frozen=True)
class Reference:
    """The typed rows of every table; a missing last day is `date.max`."""

    tables: Mapping[str, tuple[dict[str, Any], ...]]

    def rows(self, table: str) -> tuple[dict[str, Any], ...]:
        return self.tables[table]

    def on(self, table: str, at: date, **key: str) -> dict[str, Any] | None:
        """The row in force that day with that key; None if there is none."""
        for row in self.tables[table]:
            if row["valid_from"] <= at <= row["valid_to"] and all(row[name] == value for name, value in key.items()):
                return row
        return None


def shipped() -> Reference:
    """The invented tables that ship."""
    return read({name: facts.table_text(name) for name in facts.TABLES})


def read(texts: Mapping[str, str]) -> Reference:
    """The tables from their CSV texts, shipped ones standing in for those not given.

    Raises:
        DoesNotHold: cells that are not what their column needs, rows whose days overlap; each named.
    """
    faults: list[str] = []
    tables = {name: tuple(_table(name, texts.get(name) or facts.table_text(name), faults)) for name in facts.TABLES}
    for name, key in _KEYS.items():
        faults += _overlaps(tables[name], key)
    if faults:
        more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise DoesNotHold(
            "the reference tables do not hold: " + "; ".join(faults[:_SHOWN]) + more,
            code="reference-broken",
            next_step="correct these cells; docs/reference/invoices.md lists every table with its columns",
        )
    return Reference(tables)


def _table(name: str, text: str, faults: list[str]) -> list[dict[str, Any]]:
    columns = {_file_name(spec): (spec, reader) for spec, reader in COLUMNS[name].items()}
    lines = csv.reader(text.removeprefix("\ufeff").splitlines())
    header = [cell.strip() for cell in next(lines, [])]
    if set(header) != set(columns) or len(header) != len(columns):
        faults.append(f"{name}.csv row 1: the columns must be {', '.join(columns)}")
        return []
    found = []
    for number, cells in enumerate(lines, start=2):
        if any(cell.strip() for cell in cells):
            found.append(_row(f"{name}.csv row {number}", dict(zip(header, cells, strict=False)), columns, faults))
    return found


def _row(
    place: str, cells: dict[str, str], columns: dict[str, tuple[str, Callable[[str], Any]]], faults: list[str]
) -> dict[str, Any]:
    row: dict[str, Any] = {"place": place}
    for column, (spec, reader) in columns.items():
        written, typed = cells.get(column, "").strip(), _typed_name(spec)
        row[typed] = date.max if typed == "valid_to" else None
        if not written and spec.endswith("?"):
            continue
        try:
            row[typed] = reader(written)
        except ValueError:
            faults.append(f"{place}, column {column}: not what the column needs")
            row[typed] = date.min if typed.startswith("valid") else None
    return row


def _file_name(spec: str) -> str:
    return spec.removesuffix("?").partition("=")[0]


def _typed_name(spec: str) -> str:
    name, _, typed = spec.removesuffix("?").partition("=")
    return typed or name


def _overlaps(rows: tuple[dict[str, Any], ...], key: tuple[str, ...]) -> list[str]:
    ordered = sorted(rows, key=lambda row: (*(str(row[part]) for part in key), row["valid_from"]))
    return [
        f"{late['place']}: its days overlap those of {early['place'].partition(' ')[2]}"
        for early, late in pairwise(ordered)
        if all(early[part] == late[part] for part in key) and late["valid_from"] <= early["valid_to"]
    ]
