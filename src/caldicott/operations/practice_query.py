"""Which part of a practice's list is asked for: sorted, filtered and cut on tokens alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from caldicott.engines.duckdb.risk import COUNTS
from caldicott.operations.stratify_plan import RANKED, TIER_PLACE
from caldicott.vocabulary.errors import WrongUsage

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE_MOST: Final = 100
FILTERS: Final = {
    "tier": "tier", "age-band": "age_band", "segment": "segment", "frailty": "hfrs-band",
    "polypharmacy": "polypharmacy-band",
}  # fmt: skip
"""What may be filtered by, and the column behind it."""
AT_LEAST: Final = {"admissions-from": COUNTS[0], "attendances-from": COUNTS[1], "conditions-from": "charlson-rcs"}
"""Filters by a number: this many or more."""
CHANGE: Final = "change"
CHANGES: Final = ("rising", "falling", "same", "new")
"""Against the month before. Rising is towards the first tier; new were not on the list then."""
SORTED_BY_TIER: Final = TIER_PLACE
_NUMBERS: Final = (*dict.fromkeys((*RANKED, *COUNTS)), "charlson-rcs", "elixhauser-van-walraven", "polypharmacy")
SORTS: Final = {"tier": SORTED_BY_TIER, "age": "age_band", "change": CHANGE} | {name: name for name in _NUMBERS}
"""What may be sorted by; numbers from the highest down, the rest from the most urgent."""
_RISING_FIRST: Final = frozenset({"tier", "change"})
_LARGEST: Final = 999
_ALL: Final = slice(None)
_FIRST_NUMBER: Final = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Query:
    """Which part of the list."""

    sort: str = "tier"
    offset: int = 0
    limit: int = 25
    filters: tuple[tuple[str, str], ...] = ()
    turned: bool = False
    """The other way round."""
    among: frozenset[str] | None = None
    """Only these tokens, such as those in one stage of the practice's own work; None for all."""
    without: frozenset[str] = frozenset()
    """Not these tokens, such as those that the practice set aside."""


def require_known(query: Query) -> None:
    """Only what the list has, and pages of a size that a person reads.

    Raises:
        WrongUsage: something else is asked for.
    """
    strange = [name for name, value in query.filters if not _is_known(name, value)]
    if query.sort not in SORTS or strange:
        raise WrongUsage(
            "the list cannot be sorted or filtered by that",
            code="list-query-unknown",
            where="--sort" if query.sort not in SORTS else "--filter",
            next_step=f"sort by one of: {', '.join(SORTS)}; filter by one of: {', '.join((*FILTERS, CHANGE))}, "
            f"or by a number of at most {_LARGEST}: {', '.join(AT_LEAST)}",
        )
    if query.offset < 0 or not 1 <= query.limit <= PAGE_MOST:
        raise WrongUsage(
            f"a page has 1 to {PAGE_MOST} people",
            code="list-page-size",
            where="--top",
            next_step=f"ask for at most {PAGE_MOST}, and for the next page after that",
        )


def _is_known(name: str, value: str) -> bool:
    if name in AT_LEAST:
        return value.isascii() and value.isdecimal() and int(value) <= _LARGEST
    return name in FILTERS or (name == CHANGE and value in CHANGES)


def filtered(rows: pa.Table, query: Query) -> pa.Table:
    """The rows that match: any value of one filter, every filter."""
    wanted: dict[str, list[str]] = {}
    for name, value in query.filters:
        wanted.setdefault(name, []).append(value)
    for name, values in wanted.items():
        rows = rows.filter(_matching(name)(rows, values))
    if query.among is not None:
        rows = rows.filter(_are(rows, query.among))
    return rows.filter(pc.invert(_are(rows, query.without))) if query.without else rows


def _matching(name: str) -> Callable[[pa.Table, list[str]], Any]:
    if name in AT_LEAST:
        column = AT_LEAST[name]
        # Null is unknown: who has no value has not this many.
        return lambda rows, values: pc.greater_equal(rows.column(column), min(int(one) for one in values))
    return lambda rows, values: pc.is_in(
        change_of(rows) if name == CHANGE else rows.column(FILTERS[name]), value_set=pa.array(values, pa.string())
    )


def _are(rows: pa.Table, tokens: frozenset[str]) -> pa.ChunkedArray:
    return pc.is_in(rows.column("person_token"), value_set=pa.array(sorted(tokens), pa.string()))


def change_of(rows: pa.Table) -> pa.Array:
    """How the tier stands against the month before. Names of tiers sort from the most urgent down."""
    now, before = rows.column("tier"), rows.column("tier_before")
    return pc.case_when(
        pc.make_struct(
            pc.is_null(before), pc.fill_null(pc.less(now, before), fill_value=False),
            pc.fill_null(pc.greater(now, before), fill_value=False),
        ),
        "new", "rising", "falling", "same",
    )  # fmt: skip


def ordered(rows: pa.Table, query: Query, *, only: slice = _ALL) -> pa.Table:
    """Equal places by the other ranks, then by token: a page's order is the same every time it is asked for."""
    first = "ascending" if (query.sort in _RISING_FIRST) is not query.turned else "descending"
    shown = rows.append_column("~sort", _sort_key(rows, query.sort))
    order = [("~sort", first), *((name, "descending") for name in RANKED if name != SORTS[query.sort])]
    keys = [(*key, "at_end") for key in (*order, ("person_token", "ascending"))]
    # Only the rows of the page are fetched from where they lie.
    return rows.take(pc.sort_indices(shown, sort_keys=keys)[only])


def _sort_key(rows: pa.Table, sort: str) -> Any:
    if sort == "age":
        return _first_year(rows.column("age_band"))
    if sort == CHANGE:
        order = pa.array(["rising", "new", "same", "falling"], pa.string())
        return pc.index_in(change_of(rows), value_set=order)
    if SORTS[sort] not in rows.column_names:  # a list from before models: the plain baseline made its tiers
        return rows.column(f"{RANKED[0]}-percent-above")
    return rows.column(SORTS[sort])


def _first_year(bands: pa.ChunkedArray) -> pa.ChunkedArray:
    """`90+` and `85-89` as 90 and 85."""
    return pc.cast(pc.struct_field(pc.extract_regex(bands, r"^(?P<from>\d+)"), "from"), pa.int32())


def choices(rows: pa.Table) -> dict[str, tuple[str, ...]]:
    """The values each filter can have in this list, numbers in them by size: ages 5 to 9 stand before 45 to 49."""
    return {
        name: tuple(sorted((str(value) for value in pc.unique(rows.column(column)).to_pylist() if value), key=_by_size))
        for name, column in FILTERS.items()
    }


def _by_size(value: str) -> tuple[bool, int, str]:
    number = _FIRST_NUMBER.match(value)
    return number is None, int(number[0]) if number else 0, value
