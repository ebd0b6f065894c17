"""The gate: tables go in with true counts, and come out only with a proof that nobody can be found in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from caldicott.disclosure import lattice
from caldicott.disclosure.knowledge import shown_value
from caldicott.disclosure.lattice import Lattice, Released
from caldicott.disclosure.repair import settle
from caldicott.disclosure.system import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from caldicott.disclosure.hierarchy import Hierarchies
    from caldicott.disclosure.table import CountTable
    from caldicott.facts.disclosure import DisclosureRule


@dataclass(frozen=True, slots=True)
class Protected:
    """A table as it may leave: what is printed in each row, and what became of it."""

    table: CountTable
    printed: tuple[str, ...]
    states: tuple[State, ...]
    """What the ledger remembers: what an attacker may at most know of each row."""

    @property
    def withheld(self) -> int:
        return sum(state is not State.SHOWN for state in self.states)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that was asked for at once, proved together; or not, and then nothing of it may leave."""

    tables: tuple[Protected, ...]
    is_safe: bool
    groups_guarded: int
    fewest_values_left: int | None
    sealed: int
    atoms: int


def protect(
    tables: Sequence[CountTable], rule: DisclosureRule, *, hierarchies: Hierarchies, earlier: Sequence[Released] = ()
) -> Outcome:
    """Protect the tables together, against everything in `earlier` as well."""
    return _with_memory([Released(table) for table in tables], rule, hierarchies, earlier)


def protect_amounts(
    tables: Sequence[Released], rule: DisclosureRule, *, hierarchies: Hierarchies, earlier: Sequence[Released] = ()
) -> Outcome:
    """The same for sums in pence; which of them are guarded is said with each table."""
    return _with_memory(tables, rule.of_amounts(), hierarchies, earlier)


def _with_memory(
    tables: Sequence[Released], rule: DisclosureRule, hierarchies: Hierarchies, earlier: Sequence[Released]
) -> Outcome:
    alone = _once(tables, rule, hierarchies, (), ())
    if not earlier or not alone.is_safe or not tables:
        return alone
    # With a memory never less is withheld than without: what is withheld alone stays withheld.
    withheld = tuple(tuple(state is not State.SHOWN for state in found.states) for found in alone.tables)
    return _once(tables, rule, hierarchies, earlier, withheld)


def _once(
    tables: Sequence[Released], rule: DisclosureRule, hierarchies: Hierarchies, earlier: Sequence[Released],
    withheld: Sequence[Sequence[bool]],
) -> Outcome:  # fmt: skip
    released = [*earlier, *tables]
    built = lattice.build(released, hierarchies.dimensions([found.table for found in released]), rule)
    own = built.statistic_of[len(earlier) :]
    settled = settle(built.system, _begun(built, own, withheld), rule)
    pairs = zip(settled.values_left, built.system.targets, strict=True)
    guarded = [left for left, target in pairs if target.is_known_small]
    return Outcome(
        tuple(
            _printed(found.table, own[number], settled.states, rule, withheld[number] if withheld else ())
            for number, found in enumerate(tables)
        ),
        settled.is_safe,
        len(guarded),
        min(guarded, default=None),
        sum(state is State.SEALED for state in settled.states),
        built.system.atoms,
    )


def _begun(built: Lattice, own: Sequence[Sequence[int]], withheld: Sequence[Sequence[bool]]) -> list[State]:
    """The states to begin with: the rule's, what is remembered, and what is withheld without a memory."""
    states = list(built.states)
    for statistics, hidden in zip(own, withheld, strict=False):
        for number, is_hidden in zip(statistics, hidden, strict=True):
            is_open = number >= 0 and not built.system.statistics[number].is_fixed
            if is_hidden and is_open and states[number] is State.SHOWN:
                states[number] = State.COVER
    return states


def _printed(
    table: CountTable, statistics: Sequence[int], states: Sequence[State], rule: DisclosureRule,
    withheld: Sequence[bool],
) -> Protected:  # fmt: skip
    own = tuple(State.SHOWN if number < 0 else states[number] for number in statistics)
    hidden = [state is not State.SHOWN or bool(withheld and withheld[place]) for place, state in enumerate(own)]
    return Protected(
        table,
        tuple(
            rule.shown_as if is_hidden else str(shown_value(row.count, rule))
            for row, is_hidden in zip(table.rows, hidden, strict=True)
        ),
        own,
    )
