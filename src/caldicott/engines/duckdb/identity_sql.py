"""The NHS number's rules as SQL, set-wise [vocabulary/nhs_number.py is the reference it is compared with].

A number is carried as a BIGINT after it has shown itself to be exactly ten
ASCII digits: joins on integers are several times cheaper than on text.
"""

from __future__ import annotations

from typing import Final

from caldicott.facts.nhs_number_ranges import RangeTreatment, ranges
from caldicott.vocabulary.nhs_number import FULL_WIDTH_DIGITS, SEPARATORS, NhsNumberFault

_WEIGHTED = " + ".join(f"(n // {10 ** (9 - place)} % 10) * {10 - place}" for place in range(9))
_MIRRORED = " AND ".join(f"n // {10 ** (9 - place)} % 10 = n // {10**place} % 10" for place in range(5))


def _translate_from() -> str:
    return FULL_WIDTH_DIGITS + SEPARATORS


_FROM_SQL = " || ".join(f"chr({ord(character)})" for character in _translate_from())

# A number inside a text may be grouped in every way the number column may, and with dots and low lines besides.
_BETWEEN = SEPARATORS + "._"
_GROUPED_SQL = " || ".join(f"chr({ord(character)})" for character in FULL_WIDTH_DIGITS + _BETWEEN)
_DIGIT = f"[0-9{FULL_WIDTH_DIGITS}]"
_GAP = "[" + "".join(f"\\x{{{ord(character):x}}}" for character in _BETWEEN) + "]{0,2}"
_NO_DIGIT = f"[^0-9{FULL_WIDTH_DIGITS}]"
_HELD = f"(?:^|{_NO_DIGIT})({_DIGIT}{{3}}{_GAP}{_DIGIT}{{3}}{_GAP}{_DIGIT}{{4}})(?:$|{_NO_DIGIT})"

MACROS: Final = (
    # Ten bytes are nearly always ten digits already; only the others pay for the translation.
    (
        # A leading hyphen is a separator, not a sign: what reads as negative is translated too.
        f"CREATE MACRO canonical_number(t) AS CASE WHEN strlen(t) = 10 AND try_cast(t AS BIGINT) >= 0 THEN t "
        f"ELSE translate(t, {_FROM_SQL}, '0123456789') END"
    ),
    # A cast alone would take '+123456789', '1e9' or '1_0'; printing it back must give the same text.
    (
        "CREATE MACRO number_of(t) AS CASE WHEN lpad(try_cast(t AS BIGINT)::VARCHAR, 10, '0') = t "
        "THEN try_cast(t AS BIGINT) END"
    ),
    "CREATE MACRO is_sentinel(n) AS n % 1111111111 = 0",
    f"CREATE MACRO check_holds(n) AS (11 - ({_WEIGHTED}) % 11) % 11 = n % 10",
    f"CREATE MACRO is_palindrome(n) AS {_MIRRORED}",
    (
        "CREATE MACRO digits_of(t) AS (CASE WHEN strlen(t) = 10 THEN t "
        f"ELSE translate(t, {_GROUPED_SQL}, '0123456789') END)::BIGINT"
    ),
    (
        # Most texts hold nothing like a number: to say so takes a third of the time of looking for all of them.
        # Digits are made of each piece once, by a name: a macro inside a macro is written out wherever it is said,
        # and to plan that for twenty columns took 0.2 s a file (measured).
        f"CREATE MACRO holds_number(t) AS regexp_matches(t, '{_HELD}') AND len(list_filter(list_transform("
        f"regexp_extract_all(t, '{_HELD}', 1), lambda x: digits_of(x)), lambda n: check_holds(n) AND NOT is_sentinel(n))) > 0"
    ),
)


def in_ranges(number: str, treatments: set[RangeTreatment]) -> str:
    """SQL that is true where the number lies in a range so treated."""
    chosen = [entry for entry in ranges() if entry.treatment in treatments]
    return "(" + " OR ".join(f"{number} BETWEEN {entry.first} AND {entry.last}" for entry in chosen) + ")"


def number_fault(*, raw: str, number: str, test_numbers_allowed: bool) -> str:
    """SQL that names the fault of a number, or NULL where it may be used."""
    usable = {RangeTreatment.ACCEPT, RangeTreatment.NEEDS_TRACE}
    if test_numbers_allowed:
        usable.add(RangeTreatment.TEST_ONLY)
    return (
        f"CASE WHEN {raw} IS NULL THEN '{NhsNumberFault.MISSING}' "
        f"WHEN {number} IS NULL THEN '{NhsNumberFault.NOT_TEN_DIGITS}' "
        f"WHEN is_sentinel({number}) THEN '{NhsNumberFault.SENTINEL}' "
        f"WHEN NOT check_holds({number}) THEN '{NhsNumberFault.CHECK_DIGIT}' "
        f"WHEN NOT {in_ranges(number, usable)} THEN '{NhsNumberFault.RANGE}' END"
    )


def needs_trace(number: str, *, palindromes: bool, northern_ireland: bool) -> str:
    """SQL that is true where the number is valid by its digits but should be traced before it is trusted."""
    asked = [f"is_palindrome({number})"] if palindromes else []
    asked += [in_ranges(number, {RangeTreatment.NEEDS_TRACE})] if northern_ireland else []
    return f"({' OR '.join(asked) or 'false'})"
