"""A practice's list, one page at a time: sorted and filtered on tokens, names looked up for the page alone.

One small file a practice holds what is sorted and filtered; it knows nobody.
Only the page's rows are looked up in the practice's encrypted roll. So a page
costs the same whether the store has a thousand people or a million.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from caldicott.operations.reidentify import Reader, Seen, recorded, require_open, require_purpose, seen_of
from caldicott.operations.reidentify_rights import as_reader, require_of, rights_of, standing_of
from caldicott.operations.stratify import list_of
from caldicott.operations.stratify_plan import RANKED
from caldicott.vocabulary.errors import WrongUsage

if TYPE_CHECKING:
    from caldicott.operations.perform import House

PAGE_MOST: Final = 100
FILTERS: Final = {"tier": "tier", "age-band": "age_band", "segment": "segment", "frailty": "hfrs-band"}
"""What may be filtered by, and the column behind it."""
_NUMBERS: Final = (
    *RANKED, "emergency-attendances-12-months", "charlson-rcs", "elixhauser-van-walraven", "polypharmacy",
)  # fmt: skip
SORTS: Final = {"tier": f"{RANKED[0]}-percent-above", "age": "age_band"} | {name: name for name in _NUMBERS}
"""What may be sorted by; numbers from the highest down, tiers and ages from the most urgent."""
_RISING_FIRST: Final = frozenset({"tier"})


@dataclass(frozen=True, slots=True)
class Query:
    """Which part of the list."""

    sort: str = "tier"
    offset: int = 0
    limit: int = 25
    filters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """One page, and how long the whole list is under the filters."""

    practice: str
    seen: Seen
    matching: int
    on_the_list: int
    choices: dict[str, tuple[str, ...]]
    """The values each filter can have in this list."""


def page(
    house: House, *, reader: Reader, activity: str, practice: str, query: Query, purpose: str = "direct-care"
) -> Page:
    """A page of the practice's list, with the persons on it; the viewing is recorded before it is shown.

    Raises:
        Refused: the reader may not see this practice's patients today.
    """
    require_purpose(purpose)
    _require_known(query)
    practice = practice.upper()
    rights = rights_of(house, reader, activity)
    mine = as_reader(house, reader)
    require_of(rights, practice, mine, activity)
    require_open(mine, activity, reader)
    standing = standing_of(house, activity)
    rows = list_of(mine, activity, practice)
    matching = _filtered(rows, query)
    shown = _sorted(matching, query.sort).slice(query.offset, query.limit)
    seen = recorded(mine, activity, seen_of(mine, rights, activity, shown.to_pylist(), standing), purpose=purpose)
    return Page(practice, seen, matching.num_rows, rows.num_rows, _choices(rows))


def _require_known(query: Query) -> None:
    strange = [name for name, _value in query.filters if name not in FILTERS]
    if query.sort not in SORTS or strange:
        raise WrongUsage(
            "the list cannot be sorted or filtered by that",
            code="list-query-unknown",
            where="--sort" if query.sort not in SORTS else "--filter",
            next_step=f"sort by one of: {', '.join(SORTS)}; filter by one of: {', '.join(FILTERS)}",
        )
    if query.offset < 0 or not 1 <= query.limit <= PAGE_MOST:
        raise WrongUsage(
            f"a page has 1 to {PAGE_MOST} people",
            code="list-page-size",
            where="--top",
            next_step=f"ask for at most {PAGE_MOST}, and for the next page after that",
        )


def _filtered(rows: pa.Table, query: Query) -> pa.Table:
    wanted: dict[str, list[str]] = {}
    for name, value in query.filters:
        wanted.setdefault(FILTERS[name], []).append(value)
    for column, values in wanted.items():
        rows = rows.filter(pc.is_in(rows.column(column), value_set=pa.array(values, pa.string())))
    return rows


def _sorted(rows: pa.Table, sort: str) -> pa.Table:
    """Equal places by the other ranks, then by token: a page's order is the same every time it is asked for."""
    order: list[tuple[str, Any]] = []
    if sort == "age":
        rows = rows.append_column("~age", _first_year(rows.column("age_band")))
        order.append(("~age", "descending"))
    else:
        order.append((SORTS[sort], "ascending" if sort in _RISING_FIRST else "descending"))
    order += [(name, "descending") for name in RANKED if name != SORTS[sort]] + [("person_token", "ascending")]
    taken = rows.take(pc.sort_indices(rows, sort_keys=[(*key, "at_end") for key in order]))
    return taken.drop_columns(["~age"]) if sort == "age" else taken


def _first_year(bands: pa.ChunkedArray) -> pa.ChunkedArray:
    """`90+` and `85-89` as 90 and 85."""
    return pc.cast(pc.struct_field(pc.extract_regex(bands, r"^(?P<from>\d+)"), "from"), pa.int32())


def _choices(rows: pa.Table) -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(sorted(str(value) for value in pc.unique(rows.column(column)).to_pylist() if value is not None))
        for name, column in FILTERS.items()
    }
