"""Nothing of a row gets into the trail: text shaped like an identifier is refused when an entry is made.

The guard knows shapes, not persons. It looks for ten digits however grouped
[DD: NHS number], with or without a valid check digit; a full postcode; a
calendar day, unless the entry declares that day as one the register or the act
itself states. It does not know names: what goes into `reasons` and
`references` must come from the register, the decision or the act, never from a row.

Opaque ids are exempt: UUIDs, words of 32 or more hexadecimal digits, and the tokens of the pseudonyms, which are
drawn and not computed: in one of a million, digits stand in a row as in a day. None has ten digits in a row, so a
word that does is no token.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import TYPE_CHECKING

from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Iterable

DIGITS_OF_AN_NHS_NUMBER = 10
LARGEST_COUNT = 999_999_999
"""One digit short of an NHS number, so that none can pass as a count."""

_OPAQUE = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32,}"
    r"|(?-i:(?![0-9A-Z]*\d{10})[A-Z][0-9A-HJKMNP-TV-Z]{16}[0-9A-Z]))(?![0-9A-Za-z])",
    re.IGNORECASE,
)
_DAY = re.compile(
    r"(?<!\d)(?:(?P<y>(?:18|19|20)\d\d)(?P<s>[-/.]?)(?P<m>0[1-9]|1[0-2])(?P=s)(?P<d>0[1-9]|[12]\d|3[01])"
    r"|(?P<d2>0?[1-9]|[12]\d|3[01])(?P<s2>[-/.])(?P<m2>0?[1-9]|1[0-2])(?P=s2)(?P<y2>(?:18|19|20)\d\d))(?!\d)",
)
_DIGIT_GROUPS = re.compile(r"\d+(?:[ \t\-–—‑‐_./,'()]{1,3}\d+)*")
_POSTCODE = re.compile(
    # The inward part never holds C I K M O V [Royal Mail], which spares words such as "2OC".
    r"(?<![0-9A-Z])[A-Z]{1,2}\d[0-9A-Z]?[\s\-_.+]{0,2}\d[ABD-HJLNP-UW-Z]{2}(?![0-9A-Z])",
    re.IGNORECASE,
)
_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
_YEAR = re.compile(r"(?:19|20)\d\d")


def days_stated(*texts: str) -> tuple[date, ...]:
    """The calendar days in texts that were written from the register, to be declared in an entry."""
    found = (_as_date(match) for text in texts for match in _DAY.finditer(unicodedata.normalize("NFKC", text)))
    return tuple(sorted({day for day in found if day is not None}))


def refuse_identifying(texts: Iterable[tuple[str, str]], *, days: Iterable[date] = ()) -> None:
    """Raise if any (field, text) is shaped like an identifier; the error names the field, never the text."""
    declared = frozenset(days)
    for field, text in texts:
        if text.isascii() and text.isprintable() and not _may_identify(text):
            continue
        shape = identifying_shape(text, days=declared)
        if shape:
            raise DoesNotHold(
                f"the text holds what looks like {shape}; no value of a row may enter the audit trail",
                code="audit-entry-identifies",
                where=f"audit entry, {field}",
                next_step="name the thing by its register id, its submission id or a count; "
                "a day the register states is declared in `days`",
            )


def identifying_shape(text: str, *, days: frozenset[date] = frozenset()) -> str:
    """What the text looks like, in words; empty if it looks like nothing that identifies."""
    # A page of people names 25 tokens: most texts of the trail are one opaque id, and told here.
    if _OPAQUE.fullmatch(text):
        return ""
    is_plain = text.isascii() and text.isprintable()
    if not is_plain and any(unicodedata.category(letter) in _UNSEEN for letter in text):
        return "hidden or control characters"
    plain = _OPAQUE.sub("#", unicodedata.normalize("NFKC", text))
    without_days = _DAY.sub(lambda match: "#" if _as_date(match) in days else match.group(), plain)
    if _DAY.search(without_days):
        return "a birth date"
    if _POSTCODE.search(without_days):
        return "a postcode"
    if any(_holds_ten_digits(run.group()) for run in _DIGIT_GROUPS.finditer(without_days)):
        return "an NHS number"
    return ""


def _may_identify(text: str) -> bool:
    """Cheap first look: every shape needs two digits, and most texts of an entry have fewer."""
    return sum(map(text.count, "0123456789")) > 1


def _as_date(match: re.Match[str]) -> date | None:
    year, month, day = (match["y"], match["m"], match["d"]) if match["y"] else (match["y2"], match["m2"], match["d2"])
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _holds_ten_digits(run: str) -> bool:
    """Whether neighbouring groups add up to ten digits and are not all years and parts of years."""
    groups = re.findall(r"\d+", run)
    for first in range(len(groups)):
        length = 0
        for last in range(first, len(groups)):
            length += len(groups[last])
            if length >= DIGITS_OF_AN_NHS_NUMBER:
                break
        if length == DIGITS_OF_AN_NHS_NUMBER and not _is_period(groups[first : last + 1]):
            return True
    return False


def _is_period(groups: list[str]) -> bool:
    """`2025-26 2026` or `2025-04 2026`: years with two-digit parts, as periods are written."""
    return any(_YEAR.fullmatch(group) for group in groups) and all(
        _YEAR.fullmatch(group) or len(group) == len("26") for group in groups
    )
