"""Looking into a document whose every part may have the wrong type.

Absent is None; the wrong type is a fault of the row, never a crash and never
silently null: a number written as an object must not vanish.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from caldicott.stores.submissions.faults import Reason, Unreadable

_INSTANT: Final = re.compile(
    r"(\d{4})(-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?)?)?", flags=re.ASCII
)
_NUMBER: Final = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?([eE][+-]?\d{1,3})?", flags=re.ASCII)


class Moment(NamedTuple):
    """When, as far as it was written: the day by the sender's own clock, and the instant in UTC if there is one."""

    day: date
    precision: str
    instant: datetime | None


def many(document: dict[str, Any], name: str) -> list[Any]:
    """The values under that name; one value alone counts as a list of one, as XML writes it."""
    value = document.get(name)
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def objects(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """As `many`, where each must be an object."""
    values = many(document, name)
    if not all(isinstance(value, dict) for value in values):
        raise Unreadable(Reason.WRONG_SHAPE)
    return values


def first(document: dict[str, Any], name: str) -> dict[str, Any]:
    """The first object under that name, or an empty one."""
    values = objects(document, name)
    return values[0] if values else {}


def text(document: dict[str, Any], name: str) -> str | None:
    """The text under that name; empty text is none."""
    value = document.get(name)
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, dict):  # XML: a primitive that has extensions as well
        return text(value, "value")
    raise Unreadable(Reason.WRONG_SHAPE)


def texts(document: dict[str, Any], name: str) -> list[str]:
    """Every text under that name; null stands for a part that only an extension fills [FHIR: JSON]."""
    values = [text({"value": value}, "value") for value in many(document, name)]
    return [value for value in values if value is not None]


def flag(document: dict[str, Any], name: str) -> bool | None:
    """A boolean; XML writes it as text."""
    value = document.get(name)
    if value is None or isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise Unreadable(Reason.WRONG_SHAPE)


def number(document: dict[str, Any], name: str) -> float | None:
    """A finite number; XML writes it as text."""
    value = document.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise Unreadable(Reason.WRONG_SHAPE)
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise Unreadable(Reason.UNREADABLE_NUMBER)
    try:
        found = float(value)
    except OverflowError:
        raise Unreadable(Reason.UNREADABLE_NUMBER) from None
    if not math.isfinite(found):
        raise Unreadable(Reason.UNREADABLE_NUMBER)
    return found


def moment(document: dict[str, Any], name: str) -> Moment | None:
    """A FHIR date, dateTime or instant."""
    written = text(document, name)
    return None if written is None else _moment(written)


@lru_cache(maxsize=65536)
def _moment(written: str) -> Moment:
    found = _INSTANT.fullmatch(written)
    if found is None:
        raise Unreadable(Reason.UNREADABLE_DATE)
    try:
        if found[4]:
            return _with_time(written, zoned=found[7] is not None)
        if found[3]:
            return Moment(date.fromisoformat(written), "day", None)
        return Moment(date(int(found[1]), int(written[5:7] or 1), 1), "month" if found[2] else "year", None)
    except (ValueError, OverflowError):  # 31 February, the year 0, an instant before the year 1
        raise Unreadable(Reason.UNREADABLE_DATE) from None


def _with_time(written: str, *, zoned: bool) -> Moment:
    read = datetime.fromisoformat(written)
    if not zoned:  # FHIR asks for a zone; without one the day holds and the instant is unknown
        return Moment(read.date(), "day", None)
    return Moment(read.date(), "time", read.astimezone(UTC).replace(tzinfo=None))
