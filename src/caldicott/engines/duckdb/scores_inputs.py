"""The user's files as SQL: text columns in, dates and numbers that are certain out.

A file reaches this room only after it was looked through (stores): the engine's
reader can be kept busy for ever by a quote that does not close.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from caldicott.engines.duckdb.connection import NAMELESS, quoted, text
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

_LONGEST_LINE: Final = 4 * 1024 * 1024
_DATE_FORMATS: Final = "['%Y%m%d', '%d/%m/%Y', '%Y-%m-%d %H:%M:%S', '%Y-%m-%dT%H:%M:%S', '%d/%m/%Y %H:%M']"
_YEARS: Final = (1880, 2199)
_EMERGENCY: Final = "('21', '22', '23', '24', '25', '28', '2A', '2B', '2C', '2D')"
"""Admission methods that are emergencies [DD: ADMISSION METHOD]; 31 and 32 are maternity."""


@dataclass(frozen=True)
class SourceFile:
    """A file whose header was read and whose bytes were looked through."""

    path: Path
    columns: tuple[str, ...]

    def has(self, *names: str) -> bool:
        """Whether it has one of these columns."""
        return any(name in self.columns for name in names)

    @property
    def is_parquet(self) -> bool:
        return self.path.suffix.lower() == ".parquet"


def rows_of(source: SourceFile, *, keep_rejects: bool) -> str:
    """Its rows, every column text. Broken lines are kept apart and counted, or skipped where they were counted before."""
    # A bracket or a star in a file's name is a letter, not a pattern.
    path = text("".join(f"[{letter}]" if letter in "[*?" else letter for letter in str(source.path)))
    if source.is_parquet:
        columns = ", ".join(f"{quoted(name)}::VARCHAR AS {quoted(name)}" for name in source.columns)
        return f"(SELECT {columns} FROM read_parquet({path}))"
    types = ", ".join(f"{text(name or NAMELESS)}: 'VARCHAR'" for name in source.columns)
    rejects = "store_rejects = true, rejects_limit = 0" if keep_rejects else "ignore_errors = true"
    return (
        f"read_csv({path}, header = true, auto_detect = false, delim = ',', quote = '\"', escape = '\"', "
        f"nullstr = [''], columns = {{{types}}}, max_line_size = {_LONGEST_LINE}, {rejects})"
    )


def as_date(column: str) -> str:
    """A day in one of the usual ways of writing it; null when it is none. Two-digit years are never guessed."""
    written = quoted(column)
    # The cast itself passes over spaces at both ends.
    day = f"coalesce(try_cast({written} AS DATE), try_strptime(trim({written}), {_DATE_FORMATS})::DATE)"
    return f"CASE WHEN {day} BETWEEN DATE '{_YEARS[0]}-01-01' AND DATE '{_YEARS[1]}-12-31' THEN {day} END"


def as_number(column: str) -> str:
    number = f"try_cast(trim({quoted(column)}) AS DOUBLE)"
    return f"CASE WHEN isfinite({number}) THEN {number} END"


def as_claim(column: str) -> str:
    """1 or 0 from the usual ways of saying yes and no; null otherwise."""
    said = f"lower(trim({quoted(column)}))"
    return f"CASE WHEN {said} IN ('1', 'true', 'yes', 'y') THEN 1 WHEN {said} IN ('0', 'false', 'no', 'n') THEN 0 END"


def filled(column: str) -> str:
    """Whether there is more than spaces. What begins with a visible ASCII letter, nearly everything, is not trimmed."""
    written = quoted(column)
    return f"CASE WHEN {written} >= '!' AND {written} <= '~' THEN true ELSE coalesce(trim({written}), '') <> '' END"


def months_before(day: str, on: date) -> str:
    """Whole months from a day to the day asked about; below 0 for a later day."""
    gone = on.year * 12 + on.month
    return f"{gone} - (year({day}) * 12 + month({day})) - CASE WHEN day({day}) > {on.day} THEN 1 ELSE 0 END"


def last_day_before(months: int, on: date) -> date:
    """The newest day that lies so many whole months back: `months_before` is less for every later day, and only then."""
    import calendar
    from datetime import date as day

    year, month = divmod(on.year * 12 + on.month - 1 - months, 12)
    return day(year, month + 1, min(on.day, calendar.monthrange(year, month + 1)[1]))


def age_on(birth: str, on: date) -> str:
    return (
        f"{on.year} - year({birth}) - "
        f"CASE WHEN (month({birth}), day({birth})) > ({on.month}, {on.day}) THEN 1 ELSE 0 END"
    )


def is_emergency(source: SourceFile) -> str:
    if source.has("is_emergency"):
        return as_claim("is_emergency")
    if source.has("admission_method"):
        method = "upper(trim(admission_method))"
        return f"CASE WHEN {method} IN {_EMERGENCY} THEN 1 WHEN {filled('admission_method')} THEN 0 END"
    return "NULL::INTEGER"


def spells(source: SourceFile) -> str:
    """Every spell with its days and the numbers a score may use; the last four are null where the file lacks them."""
    numbers = ("emergency_attendances_6_months", "haemoglobin_g_l", "sodium_mmol_l")
    claims = ("is_oncology", "has_procedure")
    columns = [f"{as_number(name)} AS {name}" if source.has(name) else f"NULL::DOUBLE AS {name}" for name in numbers]
    columns += [f"{as_claim(name)} AS {name}" if source.has(name) else f"NULL::INTEGER AS {name}" for name in claims]
    return (
        f"SELECT person_id, {as_date('admission_date')} AS began, {as_date('discharge_date')} AS ended, "
        f"{filled('admission_date')} AS has_began, {filled('discharge_date')} AS has_ended, "
        f"{is_emergency(source)} AS is_emergency, {', '.join(columns)} "
        f"FROM {rows_of(source, keep_rejects=True)}"
    )


LAST_SPELL: Final = """
WITH last AS (
  SELECT * FROM spell
  QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY ended DESC, began DESC, is_emergency DESC NULLS LAST,
    emergency_attendances_6_months DESC NULLS LAST, haemoglobin_g_l NULLS LAST, sodium_mmol_l NULLS LAST,
    is_oncology DESC NULLS LAST, has_procedure DESC NULLS LAST) = 1
), before AS (
  SELECT last.person_id,
    count(*) AS admissions_12_months,
    count(*) FILTER (earlier.is_emergency = 1) AS emergency_admissions_12_months,
    count(*) FILTER (earlier.is_emergency = 1 AND earlier.began >= last.began - INTERVAL 30 DAY) AS emergency_admissions_30_days
  FROM last JOIN spell earlier ON earlier.person_id = last.person_id
    AND earlier.began < last.began AND earlier.began >= last.began - INTERVAL 12 MONTH
  GROUP BY last.person_id
)
SELECT last.person_id, last.ended - last.began AS f_length_of_stay_days, last.is_emergency AS f_is_emergency,
  coalesce(before.admissions_12_months, 0) AS f_admissions_12_months,
  coalesce(before.emergency_admissions_12_months, 0) AS f_emergency_admissions_12_months,
  coalesce(before.emergency_admissions_30_days, 0) AS f_emergency_admissions_30_days,
  last.emergency_attendances_6_months AS f_emergency_attendances_6_months,
  last.haemoglobin_g_l AS f_haemoglobin_g_l, last.sodium_mmol_l AS f_sodium_mmol_l,
  last.is_oncology AS f_is_oncology, last.has_procedure AS f_has_procedure
FROM last LEFT JOIN before USING (person_id)
"""


def unreadable_dates(file: str, column: str, number: int) -> DoesNotHold:
    """The refusal of a file whose dates cannot be told."""
    return DoesNotHold(
        f"{number:,} value{'s' if number > 1 else ''} of the column `{column}` cannot be read as a date",
        code="unreadable-date",
        where=file,
        next_step="write dates as 2026-11-22 (20261122 and 22/11/2026 are read too) and run the same command again",
    )
