"""From tables to the joint system: atoms, printed sums, equations, and the groups that must stay uncertain."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from caldicott.disclosure import differences, full_grids, populations, primary
from caldicott.disclosure.blocks import blocks
from caldicott.disclosure.placed import Placed, place
from caldicott.disclosure.selections import read
from caldicott.disclosure.sited import Grouped, Sited, atoms_of_rows, grouped_by_all
from caldicott.disclosure.system import State, Statistic, System, Target, Tie
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from caldicott.disclosure.blocks import Atom, Block
    from caldicott.disclosure.families import Family
    from caldicott.disclosure.nodes import Dimension
    from caldicott.disclosure.selections import Reading
    from caldicott.disclosure.table import CountTable
    from caldicott.facts.disclosure import DisclosureRule

NOTHING = -1
"""The statistic of a cell in which nobody can be: it is printed as zero."""


@dataclass(frozen=True, slots=True)
class Released:
    """A table and, if it was released before, what was said of each of its rows."""

    table: CountTable
    states: tuple[State, ...] | None = None
    guarded: tuple[bool, ...] = ()
    """Rows that must stay uncertain for a reason the counts here do not show, such as too few people behind a sum."""


@dataclass(frozen=True, slots=True)
class Lattice:
    """The system, where each starts, and which statistic each row of each table prints."""

    system: System
    states: tuple[State, ...]
    statistic_of: tuple[tuple[int, ...], ...]
    relations: tuple[populations.Part, ...]
    members: tuple[tuple[int, ...], ...]
    is_settled: bool = True
    """Whether the counts leave only one reading of which populations contain each other."""
    is_full: bool = False
    likely: int = 0
    """How many groups of parts are taken to share nobody that may as well share somebody."""


@dataclass
class _Built:
    """Grows while the tables are laid out; never leaves this module."""

    atoms: int = 0
    numbers: dict[tuple[int, ...], int] = field(default_factory=dict)
    truths: list[int] = field(default_factory=list)
    states: list[State | None] = field(default_factory=list)
    fixed: set[int] = field(default_factory=set)
    guarded: set[int] = field(default_factory=set)
    """Withheld by the rule alone, so that they must stay uncertain; what is only cover need not."""
    ties: list[Tie] = field(default_factory=list)
    truth: dict[int, int] = field(default_factory=dict)
    groups: set[tuple[int, ...]] = field(default_factory=set)
    """Sums of atoms that no table prints and a difference of two tables does."""
    cells: list[dict[tuple[int, ...], int]] = field(default_factory=list)
    """For each population what its tables count, printed or not, as sums of the atoms of each block."""
    below: int = 0
    """Differences of fewer people than this are looked at."""
    is_misfit: bool = False
    """Somebody was counted where all tables in this reading leave room for nobody."""


def build(released: Sequence[Released], dimensions: Mapping[str, Dimension], rule: DisclosureRule) -> Lattice:
    """Everything printed or about to be, in one system."""
    tables = [place(found.table, dimensions) for found in released]
    return laid_out(released, read(tables), rule)


def laid_out(
    released: Sequence[Released], reading: Reading, rule: DisclosureRule,
    *, nested: bool = False, full: bool = True, only: int | None = None, either: bool = False,
) -> Lattice:  # fmt: skip
    """The same in one reading of the tables; populations that contain each other over all their groups, if `full`.

    With `only`, of all that is likely of them only this is taken to be so. With `either`, two parts of which sums are
    compared are not said both to lie in each other and to share nobody, but as `nested` has it.
    """
    # Sums of money have no whole table that small moves could change: for them sum by sum must do.
    is_full, zeros_too = full and not rule.is_of_amounts, rule.withholds_zeros
    grids = full_grids.Grids()
    if is_full:
        grids = full_grids.find(reading, nested=nested, zeros_too=zeros_too, only=only)
    if reading.plain and not grids.hold(reading):
        return laid_out(released, reading.plain, rule, nested=nested, full=full, only=only, either=either)
    tables, found, built = reading.tables, reading.populations, _Built(below=differences.widest(rule))
    statistic_of: list[tuple[int, ...]] = [()] * len(tables)
    sited: list[list[Sited]] = []
    for population, group in enumerate(found.members):
        inside = [tables[number] for number in group]
        own = _sited(built, grids.blocks.get(population) or blocks(inside, zeros_too=zeros_too))
        sited.append(own)
        for number in group:
            statistic_of[number] = _printed(built, own, tables[number], released[number], rule)
        _tie_blocks(built, own)
        _tell_apart(built, own, inside)
    is_settled = all(family.is_settled for family in grids.families)
    if built.is_misfit and grids.families:
        return replace(laid_out(released, reading, rule, full=False), is_settled=is_settled)
    for family in grids.families:
        _join(built, family, sited, [[tables[number] for number in group] for group in found.members])
    by_sums = [() if number in grids.blocks else own for number, own in enumerate(sited)]
    _compare_sums(built, found.relations, by_sums, nested=nested if either else None)
    return Lattice(
        _system(built, rule), tuple(state or State.SHOWN for state in built.states), tuple(statistic_of),
        found.relations, found.members, is_settled, bool(grids.families),
        max((family.likely for family in grids.families), default=0),
    )  # fmt: skip


def _compare_sums(
    built: _Built, relations: Sequence[populations.Part], sited: Sequence[Sequence[Sited]], *, nested: bool | None
) -> None:
    """Populations that are not laid out in full, sum by sum.

    One of two parts may lie in the other, and those left out of the two may share nobody: both are said, or with
    `nested` the one, without it the other.
    """
    inside = frozenset(frozenset((found.whole, *found.parts)) for found in relations if len(found.parts) == 1)
    apart = [one for whole, own in enumerate(sited) for one in _kept_apart(built, own, whole, relations, sited)]
    denied = frozenset[frozenset[int]]().union(*(one.pairs() for one in apart)) if nested is False else frozenset()
    for relation in relations:
        if sited[relation.whole] and frozenset((relation.whole, *relation.parts)) not in denied:
            _relate(built, relation, sited)
    for one in apart:
        one.tie(built, inside if nested else frozenset())


def _sited(built: _Built, found: Sequence[Block]) -> list[Sited]:
    own = []
    for block in found:
        own.append(Sited(block, built.atoms))
        built.atoms += len(block.atoms)
    return own


def _printed(
    built: _Built, own: Sequence[Sited], table: Placed, released: Released, rule: DisclosureRule
) -> tuple[int, ...]:
    """The statistic of each row, entered once however many tables print it."""
    names = set(table.table.dimensions)
    sited = next(found for found in own if names <= set(found.block.dimensions))
    atoms_of = atoms_of_rows(sited, table)
    one_category = primary.of_one_category(table.table, set(table.base), rule)
    numbers = []
    for place_of_row, row in enumerate(table.table.rows):
        atoms = tuple(atoms_of.get(row.values, ()))
        if not atoms:
            built.is_misfit = built.is_misfit or row.count > 0
            numbers.append(NOTHING)
            continue
        number = _enter(built, atoms, row.count, f"{table.table.name}:{row.line}:count")
        numbers.append(number)
        small = primary.is_small(row.count if row.people is None else row.people, rule)
        state = State.SMALL if primary.is_small(row.count, rule) else State.COVER if small else None
        if row.values in one_category and row.count:
            state = state or State.COVER
        if released.guarded and released.guarded[place_of_row]:
            state = state or State.COVER
        if state is not None:
            built.guarded.add(number)
        if released.states is not None:
            _say_again(built, number, released.states[place_of_row])
        elif number not in built.fixed:
            _say(built, number, state)
    return tuple(numbers)


def _enter(built: _Built, atoms: tuple[int, ...], count: int, where: str) -> int:
    number = built.numbers.setdefault(atoms, len(built.truths))
    if number == len(built.truths):
        built.truths.append(count)
        built.states.append(None)
        if len(atoms) == 1:
            built.truth[atoms[0]] = count
    elif built.truths[number] != count:
        raise DoesNotHold(
            "two tables count the same group and do not agree",
            code="totals-do-not-add-up",
            where=where,
            next_step="count both from the same snapshot, or release them at different times with a ledger",
        )
    return number


def _say(built: _Built, number: int, state: State | None) -> None:
    """Once withheld anywhere, withheld everywhere; small is said before cover."""
    if state is not None and (built.states[number] is None or state is State.SMALL):
        built.states[number] = state


def _say_again(built: _Built, number: int, state: State) -> None:
    """What was released before cannot be taken back: once shown anywhere, known for ever."""
    if built.states[number] is None or state is State.SHOWN:
        built.states[number] = state
    built.fixed.add(number)


def _tell_apart(built: _Built, own: Sequence[Sited], tables: Sequence[Placed]) -> None:
    """What can be subtracted among the tables of one population."""
    told = differences.cells(own, tables)
    built.cells.append(told)
    built.groups.update(differences.beyond(told, [(group, count, ()) for group, count in told.items()], built.below))
    for table in tables:
        built.groups.update(differences.left_out(own, table))


def _tie_blocks(built: _Built, own: Sequence[Sited]) -> None:
    """Blocks of one population agree on whatever both can be summed to."""
    for number, left in enumerate(own):
        for right in own[number + 1 :]:
            grouped = grouped_by_all([left, right])
            for key in sorted(grouped.cells()):
                sums = [tuple(found.get(key, ())) for found in grouped.atoms]
                whole = [grouped.is_whole(number, key) for number in (0, 1)]
                if all(whole):
                    built.ties.append(Tie(*sums))
                elif any(whole):
                    # One counts only some of the cell: the other counts these and perhaps more.
                    more, fewer = (0, 1) if whole[0] else (1, 0)
                    built.ties.append(Tie(sums[more], (*sums[fewer], _rest(built, sums[more], sums[fewer]))))


def _relate(built: _Built, relation: populations.Part, sited: Sequence[Sequence[Sited]]) -> None:
    """The whole is its parts and, unless they are all of it, a rest that nobody prints."""
    wholes, said = sited[relation.whole], list[Grouped]()
    if len(relation.parts) > 1:
        said = [grouped_by_all([one, *(_most_alike(one, sited[part]) for part in relation.parts)]) for one in wholes]
        for grouped in said:
            _relate_blocks(built, grouped, is_all=relation.is_all)
    for part in relation.parts:
        # In more detail than all parts have in common, and wherever else a block of the one meets one of the other.
        for grouped in _meetings(wholes, sited[part], said):
            _relate_blocks(built, grouped, is_all=False)


def _relate_blocks(built: _Built, grouped: Grouped, *, is_all: bool) -> None:
    pairs = []
    for key in sorted(grouped.cells()):
        left, *others = [tuple(found.get(key, ())) for found in grouped.atoms]
        if grouped.is_whole(0, key):
            pairs.append((left, tuple(atom for other in others for atom in other)))
    rests = [_difference(built, *pair) for pair in pairs]
    # Where nobody is left over anywhere, an attacker may well take the parts for the whole.
    is_all = is_all or all(rest == 0 for rest in rests)
    for (left, right), rest in zip(pairs, rests, strict=True):
        if is_all:
            built.ties.append(Tie(left, right))
        elif rest is None or rest >= 0:
            built.ties.append(Tie(left, (*right, _rest(built, left, right))))


def _kept_apart(
    built: _Built, wholes: Sequence[Sited], whole: int, relations: Sequence[populations.Part],
    sited: Sequence[Sequence[Sited]],
) -> Iterator[_Apart]:  # fmt: skip
    """Those left out of each part have nobody in common, as far as the numbers bear it out: together no more than all.

    Everybody but one practice and everybody but another look like any two parts; who asked for them knows better.
    """
    parts = [found.parts[0] for found in relations if found.whole == whole and len(found.parts) == 1]
    for around in wholes:
        alike = {part: _most_alike(around, sited[part]) for part in parts}
        shared = {part: set(around.block.dimensions) & set(one.block.dimensions) for part, one in alike.items()}
        for names in sorted({tuple(sorted(found)) for found in shared.values()}):
            among = {part: one for part, one in alike.items() if shared[part] >= set(names)}
            found = _Apart(built, around, among) if len(among) > 1 else None
            if found and len(found.chosen) > 1:
                yield found


class _Apart:
    """Parts of a whole of which those left out fit into it together, the smallest first."""

    def __init__(self, built: _Built, whole: Sited, parts: Mapping[int, Sited]) -> None:
        grouped = grouped_by_all([whole, *parts.values()])
        everything, *others = grouped.atoms
        keys = [key for key in sorted(grouped.cells()) if grouped.is_whole(0, key)]
        self._all = {key: tuple(everything.get(key, ())) for key in keys}
        self._inside = {
            part: {key: tuple(own.get(key, ())) for key in keys} for part, own in zip(parts, others, strict=True)
        }
        self.chosen = self._that_fit(built) if keys else []

    def _that_fit(self, built: _Built) -> list[int]:
        left_out = {
            part: {key: _difference(built, every, own[key]) or 0 for key, every in self._all.items()}
            for part, own in self._inside.items()
        }
        room = {key: _difference(built, every, ()) for key, every in self._all.items()}
        chosen = []
        for part in sorted(left_out, key=lambda one: sum(left_out[one].values())):
            after = {key: None if count is None else count - left_out[part][key] for key, count in room.items()}
            if all(count is None or count >= 0 for count in after.values()) and min(left_out[part].values()) >= 0:
                chosen.append(part)
                room = after
        return chosen

    def pairs(self) -> set[frozenset[int]]:
        """Every two of them."""
        return {frozenset(pair) for pair in combinations(self.chosen, 2)}

    def tie(self, built: _Built, inside: frozenset[frozenset[int]]) -> None:
        """Say so of those of which none lies in another."""
        kept: list[int] = []
        for part in self.chosen:
            kept += [] if any(frozenset((part, other)) in inside for other in kept) else [part]
        for key, every in self._all.items() if len(kept) > 1 else ():
            rests = list[int]()
            for part in kept:
                own = self._inside[part][key]
                rests.append(_rest(built, every, own))
                built.ties.append(Tie(every, (*own, rests[-1])))
            built.ties.append(Tie(every, (*rests, _rest(built, every, tuple(rests)))))


def _join(built: _Built, family: Family, sited: Sequence[Sequence[Sited]], told: Sequence[Sequence[Placed]]) -> None:
    """Every group of the whole is that of its part and a rest; those who share nobody fit into it together."""
    rests: dict[tuple[int, int], dict[int, int]] = {}
    for part, whole in sorted(family.within):
        # Also where a third lies between: whom two groups share nobody with is said of the whole.
        rests[part, whole] = _rests(built, sited[whole], sited[part])
        for table in told[part]:
            names = set(table.table.dimensions)
            around = next(found for found in sited[whole] if names <= set(found.block.dimensions))
            within = atoms_of_rows(around, table)
            left = {
                values: tuple(sorted(own for atom in atoms if (own := rests[part, whole].get(atom, NOTHING)) >= 0))
                for values, atoms in within.items()
            }
            built.groups.update(left.values())
            rows = [
                (tuple(within[row.values]), row.count, left[row.values])
                for row in table.table.rows
                if row.values in within
            ]
            built.groups.update(differences.beyond(built.cells[whole], rows, built.below))
    for group in family.apart:
        for place_of_block, block in enumerate(sited[group.whole]):
            inside = [_by_leaf(sited[part][place_of_block]) for part in group.parts]
            for atom, leaf in block.numbered():
                if group.are_left_out:
                    fitted = [rests[part, group.whole].get(atom, NOTHING) for part in group.parts]
                else:
                    fitted = [atoms_of.get(leaf, NOTHING) for atoms_of in inside]
                _fill(built, atom, [found for found in fitted if found >= 0], is_all=group.is_all)


def _rests(built: _Built, whole: Sequence[Sited], part: Sequence[Sited]) -> dict[int, int]:
    """For each atom of the whole those whom the part does not count; the atom itself where it counts nobody."""
    found: dict[int, int] = {}
    for around, own in zip(whole, part, strict=True):
        counted = _by_leaf(own)
        for atom, leaf in around.numbered():
            if leaf in counted:
                found[atom] = _rest(built, (atom,), (counted[leaf],))
                built.ties.append(Tie((atom,), (counted[leaf], found[atom])))
            else:
                found[atom] = atom
    return found


def _by_leaf(sited: Sited) -> dict[Atom, int]:
    return {leaf: atom for atom, leaf in sited.numbered()}


def _fill(built: _Built, atom: int, own: Sequence[int], *, is_all: bool) -> None:
    """These together are the atom, or leave a rest of it."""
    others = sorted(found for found in own if found != atom)
    if len(others) < len(own):
        # One of them is all of the atom: nobody is left for the others.
        if others:
            built.ties.append(Tie((), tuple(others)))
        if len(own) - len(others) > 1:
            built.ties.append(Tie((), (atom,)))
    elif is_all:
        built.ties.append(Tie((atom,), tuple(others)))
    elif len(others) > 1:
        built.ties.append(Tie((atom,), (*others, _rest(built, (atom,), tuple(others)))))


def _meetings(wholes: Sequence[Sited], parts: Sequence[Sited], said: Sequence[Grouped]) -> list[Grouped]:
    """Every two blocks of the one and the other, but for those from which nothing new follows."""
    every = [grouped_by_all([whole, part]) for whole in wholes for part in parts]
    kept: list[Grouped] = []
    for grouped in sorted(every, key=lambda found: (-len(found.names), found.names)):
        if not any(grouped.follows_from(other) for other in (*said, *kept)):
            kept.append(grouped)
    return kept


def _difference(built: _Built, more: tuple[int, ...], fewer: tuple[int, ...]) -> int | None:
    """How many the first counts beyond the second; None where the tables themselves do not say."""
    known = [built.truth.get(atom) for atom in (*more, *fewer)]
    if None in known:
        return None
    numbers = [count for count in known if count is not None]
    return sum(numbers[: len(more)]) - sum(numbers[len(more) :])


def _rest(built: _Built, more: tuple[int, ...], fewer: tuple[int, ...]) -> int:
    """A new atom: the people whom one sum counts and the other does not."""
    count = _difference(built, more, fewer)
    if count is not None:
        built.truth[built.atoms] = count
    built.atoms += 1
    return built.atoms - 1


def _most_alike(whole: Sited, own: Sequence[Sited]) -> Sited:
    return max(own, key=lambda found: len(set(found.block.dimensions) & set(whole.block.dimensions)))


def _reach(truth: int, least: int, rule: DisclosureRule) -> tuple[float, float] | None:
    """How far from the truth an attacker must still think a withheld sum possible; for nothing, up to the least sum."""
    if rule.is_of_amounts and rule.withholds_zeros and truth == 0:
        return 0.0, float(least)
    margin = truth * rule.dominance_percent / 100
    return (truth - margin, truth + margin) if rule.is_of_amounts else None


def _system(built: _Built, rule: DisclosureRule) -> System:
    statistics = [
        Statistic(atoms, built.truths[number], number in built.fixed) for atoms, number in built.numbers.items()
    ]
    least = min((found.truth for found in statistics if found.truth), default=0)
    alone = {found.atoms[0] for found in statistics if len(found.atoms) == 1}
    targets = [
        Target(found.atoms, is_known_small=True, reach=_reach(found.truth, least, rule))
        for number, found in enumerate(statistics)
        if number in built.guarded
    ]
    if not rule.is_of_amounts:
        targets += [Target((atom,), is_known_small=False) for atom in range(built.atoms) if atom not in alone]
        unprinted = sorted(group for group in built.groups - built.numbers.keys() if len(group) > 1)
        targets += [Target(group, is_known_small=False) for group in unprinted]
    truth = np.array([built.truth.get(atom, np.nan) for atom in range(built.atoms)])
    return System(built.atoms, tuple(statistics), tuple(built.ties), tuple(targets), truth)
