"""A practice's list, one page at a time: sorted and filtered on tokens, names looked up for the page alone.

One small file a practice holds what is sorted and filtered; it knows nobody.
Only the page's rows are looked up in the practice's encrypted roll. So a page
costs the same whether the store has a thousand people or a million.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from caldicott.operations.practice_files import Listed, list_of
from caldicott.operations.practice_query import (
    AT_LEAST,
    CHANGE,
    CHANGES,
    FILTERS,
    PAGE_MOST,
    SORTS,
    Query,
    change_of,
    filtered,
    ordered,
    require_known,
)
from caldicott.operations.reidentify import Reader, Seen, recorded, require_open, require_purpose, seen_of
from caldicott.operations.reidentify_rights import Rights, as_reader, require_of, rights_of, standing_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import pyarrow as pa

    from caldicott.operations.perform import House

__all__ = [
    "AT_LEAST", "CHANGE", "CHANGES", "FILTERS", "PAGE_MOST", "SORTS", "Page", "Query", "absent", "everybody", "page",
    "practices", "sized",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page:
    """One page, and how long the whole list is under the filters."""

    practice: str
    seen: Seen
    matching: int
    on_the_list: int
    choices: dict[str, tuple[str, ...]]
    """The values each filter can have in this list."""
    absent: frozenset[str] = frozenset()
    """Of the tokens that the caller keeps something about: those on the list no more."""


def practices(house: House, *, reader: Reader, activity: str) -> Rights:
    """Whose lists the reader may open today, and which of a group's refuse, with the reason; asked and recorded.

    Raises:
        Refused: none.
    """
    return rights_of(house, reader, activity)


def page(
    house: House, *, reader: Reader, activity: str, practice: str, query: Query, purpose: str = "direct-care",
    kept: frozenset[str] = frozenset(),
) -> Page:  # fmt: skip
    """A page of the practice's list, with the persons on it; the viewing is recorded before it is shown.

    Raises:
        Refused: the reader may not see this practice's patients today.
    """
    require_purpose(purpose)
    require_known(query)
    practice = practice.upper()
    mine, rights, standing, listed = _opened(house, reader, activity, practice)
    matching = filtered(listed.rows, query)
    shown = ordered(matching, query, only=slice(query.offset, query.offset + query.limit))
    seen = recorded(mine, activity, seen_of(mine, rights, activity, _with_change(shown), standing), purpose=purpose)
    return Page(practice, seen, matching.num_rows, listed.rows.num_rows, listed.choices, _absent(listed.rows, kept))


def sized(house: House, *, reader: Reader, activity: str, practice: str, query: Query) -> Page:
    """How long the list is under the filters, with nobody on it: for a form that names no patient.

    Raises:
        Refused: the reader may not see this practice's patients today.
    """
    require_known(query)
    practice = practice.upper()
    mine, rights, standing, listed = _opened(house, reader, activity, practice)
    nobody = seen_of(mine, rights, activity, [], standing)
    seen = recorded(mine, activity, nobody, purpose="list-sized")
    return Page(practice, seen, filtered(listed.rows, query).num_rows, listed.rows.num_rows, listed.choices)


def everybody(house: House, *, reader: Reader, activity: str, practice: str, query: Query, purpose: str) -> Seen:
    """Everybody of the list whom the filters leave, in its order, to be taken away; recorded as an export.

    Raises:
        Refused: the reader may not see this practice's patients today.
    """
    require_purpose(purpose)
    require_known(query)
    practice = practice.upper()
    mine, rights, standing, listed = _opened(house, reader, activity, practice)
    wanted = _with_change(ordered(filtered(listed.rows, query), query))
    seen = seen_of(mine, rights, activity, wanted, standing)
    asked = tuple(f"{name} {value}" for name, value in query.filters)
    return recorded(mine, activity, seen, purpose=purpose, event="practice-export", asked=asked)


def absent(house: House, *, activity: str, kept: Mapping[str, Collection[str]]) -> dict[str, frozenset[str]]:
    """Of the tokens that practices keep something about, those on their list no more. Nobody is looked up.

    Raises:
        DoesNotHold: there are no scores yet.
    """
    standing = standing_of(house, activity)
    return {
        practice: _absent(list_of(house, activity, practice, standing).rows, frozenset(tokens))
        for practice, tokens in kept.items()
    }


def _opened(house: House, reader: Reader, activity: str, practice: str) -> tuple[House, Rights, dict[str, Any], Listed]:
    mine = as_reader(house, reader)
    require_open(mine, activity, reader)
    rights = rights_of(house, reader, activity)
    require_of(rights, practice, mine, activity)
    standing = standing_of(house, activity)
    return mine, rights, standing, list_of(mine, activity, practice, standing)


def _with_change(rows: pa.Table) -> list[dict[str, Any]]:
    changes = change_of(rows).to_pylist() if rows.num_rows else []
    return [{**row, CHANGE: change} for row, change in zip(rows.to_pylist(), changes, strict=True)]


def _absent(rows: pa.Table, kept: frozenset[str]) -> frozenset[str]:
    return kept - frozenset(rows.column("person_token").to_pylist()) if kept else frozenset()
