"""The gate: tables go in with true counts, and come out only with a proof that nobody can be found in them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from caldicott.disclosure import lattice, selections
from caldicott.disclosure.knowledge import shown_value
from caldicott.disclosure.lattice import Lattice, Released
from caldicott.disclosure.placed import place
from caldicott.disclosure.repair import is_impossible, settle
from caldicott.disclosure.system import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from caldicott.disclosure.hierarchy import Hierarchies
    from caldicott.disclosure.selections import Reading
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
    """Safe under every reading of the tables: what one reading withholds stays withheld under the next."""
    released = [*earlier, *tables]
    dimensions = hierarchies.dimensions([found.table for found in released])
    found = selections.readings([place(one.table, dimensions) for one in released])
    states = [[State.COVER if hidden else State.SHOWN for hidden in rows] for rows in withheld]
    outcomes = list[Outcome]()
    for reading in found.found if found.are_all else found.found[:1]:
        outcomes += _under(reading, released, tables, rule, states=states, withheld=withheld)
        states = [list(one.states) for one in outcomes[-1].tables]
        if not outcomes[-1].is_safe:
            break
    # More readings than could be looked at: not proved.
    return _all_of(outcomes, is_complete=found.are_all)


def _under(
    reading: Reading, released: Sequence[Released], tables: Sequence[Released], rule: DisclosureRule,
    *, states: Sequence[Sequence[State]], withheld: Sequence[Sequence[bool]],
) -> list[Outcome]:  # fmt: skip
    """One reading; where the counts leave open whether a part lies in another part or beside it, both."""
    outcomes = list[Outcome]()
    for nested in (False, True):
        built = lattice.laid_out(released, reading, rule, nested=nested)
        found, is_last = [_settled(built, tables, rule, states, withheld)], built.is_settled
        if _is_unreal(found[0], built, rule):
            found = (
                _less_assumed(built, reading, released, tables, rule, nested=nested, states=states, withheld=withheld)
                if built.is_full
                else _either_way(reading, released, tables, rule, states=states, withheld=withheld)
            )
        outcomes += found
        states = [list(one.states) for one in found[-1].tables]
        if is_last or not found[-1].is_safe:
            break
    return outcomes


def _less_assumed(
    built: Lattice, reading: Reading, released: Sequence[Released], tables: Sequence[Released], rule: DisclosureRule,
    *, nested: bool, states: Sequence[Sequence[State]], withheld: Sequence[Sequence[bool]],
) -> list[Outcome]:  # fmt: skip
    """No people are counted like this: what the counts seemed to bear out is not all so, and nobody can know it.

    So each of it by itself; none of it, where no single one can be; and sum by sum, where that cannot be either.
    """
    outcomes = list[Outcome]()
    for only in range(built.likely + 1):
        one = lattice.laid_out(released, reading, rule, nested=nested, only=only)
        if (only == built.likely and outcomes) or not one.is_full or is_impossible(one.system, one.states, rule):
            continue
        outcomes.append(_settled(one, tables, rule, states, withheld))
        states = [list(found.states) for found in outcomes[-1].tables]
        if not outcomes[-1].is_safe:
            break
    if not outcomes:
        by_sums = lattice.laid_out(released, reading, rule, full=False)
        outcomes = [_settled(by_sums, tables, rule, states, withheld)]
        if _is_unreal(outcomes[0], by_sums, rule):
            outcomes = _either_way(reading, released, tables, rule, states=states, withheld=withheld)
    return outcomes


def _either_way(
    reading: Reading, released: Sequence[Released], tables: Sequence[Released], rule: DisclosureRule,
    *, states: Sequence[Sequence[State]], withheld: Sequence[Sequence[bool]],
) -> list[Outcome]:  # fmt: skip
    """The same where populations are too large to be laid out: what cannot be at once, one way and then the other.

    A way in which nobody can be counted proves nothing, and is left out if the other can be.
    """
    outcomes, unreal = list[Outcome](), list[Outcome]()
    for nested in (False, True):
        built = lattice.laid_out(released, reading, rule, nested=nested, full=False, either=True)
        found = _settled(built, tables, rule, states, withheld)
        if _is_unreal(found, built, rule):
            unreal.append(found)
            continue
        outcomes.append(found)
        states = [list(one.states) for one in found.tables]
        if not found.is_safe:
            break
    return outcomes or unreal


def _is_unreal(found: Outcome, built: Lattice, rule: DisclosureRule) -> bool:
    """Whether it is not proved because nobody can be counted like this."""
    return not found.is_safe and is_impossible(built.system, built.states, rule)


def _settled(
    built: Lattice, tables: Sequence[Released], rule: DisclosureRule, states: Sequence[Sequence[State]],
    withheld: Sequence[Sequence[bool]],
) -> Outcome:  # fmt: skip
    own = built.statistic_of[len(built.statistic_of) - len(tables) :]
    settled = settle(built.system, _begun(built, own, states), rule)
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


def _all_of(outcomes: Sequence[Outcome], *, is_complete: bool) -> Outcome:
    last = outcomes[-1]
    left = [one.fewest_values_left for one in outcomes if one.fewest_values_left is not None]
    return replace(
        last,
        is_safe=is_complete and all(one.is_safe for one in outcomes),
        fewest_values_left=min(left, default=None),
        atoms=max(one.atoms for one in outcomes),
    )


def _begun(built: Lattice, own: Sequence[Sequence[int]], before: Sequence[Sequence[State]]) -> list[State]:
    """The states to begin with: the rule's, what is remembered, and what is withheld for another reason already."""
    states = list(built.states)
    for statistics, told in zip(own, before, strict=False):
        for number, state in zip(statistics, told, strict=True):
            if number < 0 or built.system.statistics[number].is_fixed:
                continue
            if state is State.SEALED:
                states[number] = State.SEALED
            elif state is not State.SHOWN and states[number] is State.SHOWN:
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
