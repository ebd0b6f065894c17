"""The SQL of one month of a mart: identities give way to tokens, telling columns to what they may become.

Rows leave in the order of their random token, so the order in the sender's
file, and with it the order in any other domain's mart, is gone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from caldicott.engines.duckdb.connection import quoted, text
from caldicott.engines.duckdb.identity_steps import SAYS_NOTHING
from caldicott.engines.duckdb.mart_files import PLACE, PLACE_SHIFT, ROW, SHUFFLE_KEY
from caldicott.facts.layout import ColumnClass, ColumnType, IdentityKind
from caldicott.safe_haven.identity.remainder import REVIEWED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from caldicott.facts.layout import Column, Layout

_DERIVED = {ColumnClass.BIRTH_DATE, ColumnClass.POSTCODE}
_OLDEST_BAND = 90
SYSTEM_COLUMNS = ("identity", "link_quality", "withdrawn", "occurred_on", "record_hash", "file_row")


@dataclass(frozen=True)
class Supersession:
    """What later submissions of the same sender and dataset took the place of."""

    replaced_periods: tuple[tuple[date, date], ...] = ()
    newer_keys: bool = False
    """Whether the table `newer(record_hash, since, line)` has to be asked."""
    line: str = ""
    """Sender and layout: record keys mean something within them only."""
    since: int = 0
    """This submission's own place in the order of extracts."""
    has_repeats: bool = False
    """Whether the table `repeat(submission, file_row)` has rows of this submission."""
    submission: str = ""
    issued: str = ""
    """Kind and issuer of identities that are not NHS numbers."""


@dataclass(frozen=True)
class MartColumns:
    """Which column classes and names the permit lets into the mart."""

    classes: frozenset[str]
    whitelist: frozenset[str] = field(default_factory=frozenset)
    conflicts: str = "conflicting"
    """What a row is called whose number is of somebody born on another day: once traced, what is left was confirmed."""


def is_live(supersession: Supersession) -> str:
    """SQL that is true for a row that no later submission took the place of."""
    terms = ["NOT r.withdrawn"]
    terms += [
        f"(r.occurred_on IS NULL OR r.occurred_on NOT BETWEEN DATE '{first}' AND DATE '{last}')"
        for first, last in supersession.replaced_periods
    ]
    if supersession.newer_keys:
        newer = f"newer.record_hash = r.record_hash AND newer.since > {supersession.since}"
        terms.append(f"NOT EXISTS (FROM newer WHERE {newer} AND newer.line = {text(supersession.line)})")
    if supersession.has_repeats:
        terms.append(
            f"NOT EXISTS (FROM repeat WHERE repeat.submission = '{supersession.submission}' AND repeat.file_row = r.file_row)"
        )
    return " AND ".join(terms)


def person_join(layout: Layout, issued: str) -> str:
    """How a row finds its person; a row without identity finds nobody and stays."""
    if layout.identity_kind in {IdentityKind.NHS_NUMBER, IdentityKind.NONE}:
        return "LEFT JOIN person p ON p.identity = r.identity"
    return f"LEFT JOIN person_local p ON p.identity = r.identity AND p.kind = {text(issued)}"


def columns_read(layout: Layout, columns: MartColumns) -> frozenset[str]:
    """The canonical columns that a mart's rows are made of: names and addresses are never even decrypted."""
    chosen = {c.canonical for c in layout.columns if _may_stay(c, columns) or c.column_class in _DERIVED}
    return frozenset({*chosen, *SYSTEM_COLUMNS})


def people_of(
    layout: Layout, union: str, *, issued: str, present: frozenset[str], columns: MartColumns, mask: int
) -> str:
    """For the narrow rows of some months: whose they are, what their telling columns become, and in which order.

    Months lie after each other. Inside one the hash of the random token decides; rows of nobody (withheld, one-time)
    lie at random between.
    """
    order = "coalesce(hash(p.token), (random() * 18446744073709551615)::UBIGINT)"
    chosen = ",\n  ".join(columns_of_people(layout, present=present, columns=columns))
    return (
        f"SELECT r.{quoted(ROW)}, (r.{quoted(PLACE)} << {PLACE_SHIFT}) | ({order} >> {64 - PLACE_SHIFT}) AS {quoted(SHUFFLE_KEY)},\n"
        f"  {chosen}\nFROM ({union}) r {person_join(layout, issued)}\nWHERE {remains(mask)} ORDER BY {quoted(SHUFFLE_KEY)}"
    )


def columns_of_people(layout: Layout, *, present: frozenset[str], columns: MartColumns) -> list[str]:
    """The token in the identity's place, how good the link is, and what telling columns may become."""
    derived = [
        line
        for column in layout.columns
        if column.canonical in present and column.column_class in _DERIVED
        for line in _derived(column, columns)
    ]
    return ["p.token AS person_token", f"{_link_quality(layout, present, columns.conflicts)} AS link_quality", *derived]


def narrow_columns(layout: Layout) -> frozenset[str]:
    """What must be known of a row to say whose it is and what becomes of it; the rest never passes the join."""
    telling = {column.canonical for column in layout.columns if column.column_class in _DERIVED}
    return frozenset({*telling, *SYSTEM_COLUMNS})


def kept_columns(layout: Layout, columns: MartColumns) -> list[str]:
    """The columns that go into the mart as they are."""
    return [column.canonical for column in layout.columns if _may_stay(column, columns)]


def remains(mask: int) -> str:
    """SQL that is true for the row of a person whom none of these schemes takes out."""
    return f"coalesce(p.mask & {mask}, 0) = 0"


def excluded_by(masks: list[tuple[str, int]]) -> str:
    """SQL that names the first scheme, in the register's order, that takes the row out."""
    cases = " ".join(f"WHEN p.mask & {mask} <> 0 THEN '{scheme}'" for scheme, mask in masks)
    return f"CASE {cases} END" if masks else "NULL::VARCHAR"


def contacts_of(area: str, rows: str, *, has_cost: bool) -> str:
    """Each contact of one service area's month, with its cost."""
    cost = "cost::DECIMAL(18,2)" if has_cost else "NULL::DECIMAL(18,2)"
    return (
        f"SELECT person_token, {text(area)} AS service_area, {cost} AS cost FROM {rows} WHERE person_token IS NOT NULL"
    )


def linked_of(contacts: Sequence[str]) -> str:
    """The linked mart of a month, from the contacts of its datasets."""
    parts = " UNION ALL ".join(contacts)
    return (
        "SELECT person_token, service_area, count(*)::BIGINT AS contacts, sum(cost)::DECIMAL(38,2) AS cost "
        f"FROM ({parts}) GROUP BY person_token, service_area"
    )


def people_by_areas(linked: str, areas: Sequence[str]) -> str:
    """How many people were met in one, two, … of these service areas."""
    # A bit for each: to count distinct texts a person takes half as long again (measured).
    cases = " ".join(f"WHEN {text(area)} THEN {1 << place}" for place, area in enumerate(areas))
    return (
        f"SELECT bit_count(met) AS areas, count(*) FROM (SELECT person_token, bit_or(CASE service_area {cases} END) AS met "
        f"FROM {linked} GROUP BY 1) GROUP BY 1 ORDER BY 1"
    )


def shuffled(statement: str) -> str:
    """In the order of the token; rows of nobody (withheld, one-time) at random between them."""
    return f"SELECT * FROM ({statement}) ORDER BY coalesce(person_token, substr(md5(random()::VARCHAR), 1, 18))"


def _may_stay(column: Column, columns: MartColumns) -> bool:
    if column.column_class == ColumnClass.RESTRICTED:
        return column.canonical in columns.whitelist
    return column.column_class.value in columns.classes and column.column_class not in _DERIVED


def _derived(column: Column, columns: MartColumns) -> list[str]:
    name = f"r.{quoted(column.canonical)}"
    if column.column_class == ColumnClass.POSTCODE:
        code = f"trim({name})"
        # Not split_part: it makes a list of parts a row.
        outward = f"nullif(upper(left({code}, CASE WHEN contains({code}, ' ') THEN strpos({code}, ' ') - 1 "
        outward += f"ELSE greatest(length({code}) - 3, 0) END)), '') AS outward_postcode"
        return [outward] if "outward_postcode" in columns.classes else []
    born = name if column.type == ColumnType.DATE else f"try_cast({name} AS DATE)"
    years = f"date_sub('year', {born}, r.occurred_on)"
    band = (
        f"CASE WHEN {years} < 0 THEN NULL WHEN {years} >= {_OLDEST_BAND} THEN '{_OLDEST_BAND}+' "
        f"ELSE (({years} // 5) * 5) || '-' || (({years} // 5) * 5 + 4) END AS age_band"
    )
    wanted = {"birth_year": f"year({born}) AS birth_year", "age_band": band}
    return [line for derived, line in wanted.items() if derived in columns.classes]


def _link_quality(layout: Layout, present: frozenset[str], conflicts: str) -> str:
    born = next((c.canonical for c in layout.columns if c.column_class == ColumnClass.BIRTH_DATE), None)
    if layout.identity_kind != IdentityKind.NHS_NUMBER or born is None or born not in present:
        return "r.link_quality"
    # The national cross-check: number and birth date both equal. A number whose birth date differs stays linked,
    # and says so, until it is traced. A traced row says by which step; a day that stands for "not known" says nothing.
    name = f"r.{quoted(born)}"
    return (
        f"CASE WHEN p.demographic_birth_date IS NULL OR {name} IS NULL OR {name} IN {SAYS_NOTHING} "
        f"OR r.link_quality LIKE '%@%' OR r.link_quality = '{REVIEWED}' THEN r.link_quality "
        f"WHEN p.demographic_birth_date = {name} THEN 'verified' ELSE {text(conflicts)} END"
    )
