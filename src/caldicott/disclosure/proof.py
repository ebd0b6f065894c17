"""Is every small group still uncertain? A proof for each, or it counts as unsafe.

Safe is shown by *witnesses*: whole tables of whole people that fit everything
printed and differ in the group by enough. Unsafe is shown by a linear program
whose range is too short; what stops it names the cells worth withholding. What
is neither is unknown, and unknown counts as unsafe.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from caldicott.disclosure import solver, walk
from caldicott.disclosure.knowledge import all_bounds
from caldicott.disclosure.nearest import Nearest, Wish
from caldicott.disclosure.system import INFINITE, Sums, System
from caldicott.vocabulary.errors import ProgramFault

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from caldicott.disclosure.system import Numbers, State, Target
    from caldicott.facts.disclosure import DisclosureRule

    _Ends = tuple[float, float]
    _Look = Callable[[Wish], Numbers | None]

LARGE_FROM: Final = 2_500
"""Atoms in one connected system, from which a proof may not take whatever it takes: 20,000 could take hours."""
_JUDGED: Final = 60
"""Groups of a large system that have linear programs of their own, if no more are in doubt."""
_IN_VAIN: Final = 20
"""Steps in a row that prove nothing, after which those of a large system end."""
_KEPT: Final = 400
_STARTS: Final = 6
_PUSHES: Final = 24
_IDLE: Final = 3
_AT_ONCE: Final = 64
"""Groups stepped to together: 20,412 cells take 29 s, with 16 at once 37 s, with one 115 s (processor, measured)."""
_PUSHED_UP_TO: Final = 1_000
"""Atoms of a system in which a push still finds whole tables; of larger ones none was seen to."""
_TOGETHER: Final = 2
"""The first pushes move all targets the same way, up and down; the later ones halves against each other."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One target that could not be proved safe, and the statistics whose printed values narrow it."""

    target: int
    blamed: frozenset[int]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the proof came to."""

    unsafe: tuple[Finding, ...]
    values_left: tuple[int, ...]
    """For each target, so many whole values are witnessed as possible (at least)."""


@dataclass
class Witnesses:
    """Whole tables that fitted something printed; each proof takes those that fit what it is about."""

    tables: list[Numbers] = field(default_factory=list)
    seen: tuple[Numbers, Numbers] | None = None
    """The least and most witnessed for each target; good for ever where nothing withheld is ever shown again."""

    def add(self, table: Numbers) -> None:
        self.tables.append(np.rint(table))
        del self.tables[:-_KEPT]


class Prover:
    """The attacker's programme on one connected system in one state of withholding."""

    def __init__(self, system: System, states: Sequence[State], rule: DisclosureRule, witnesses: Witnesses) -> None:
        self.system, self.rule, self.witnesses = system, rule, witnesses
        self.low, self.high = all_bounds(system, states, rule)
        self._statistics = Sums([statistic.atoms for statistic in system.statistics])
        self._targets = Sums([target.atoms for target in system.targets])
        self._ties = (Sums([tie.left for tie in system.ties]), Sums([tie.right for tie in system.ties]))
        self._columns, self._rows = self._laid_out()
        self._program: solver.Program | None = None
        self._nearest: Nearest | None = None
        self._seen: tuple[Numbers, Numbers] | None = None
        self._printed = {
            found.atoms: (float(low), float(high))
            for found, low, high in zip(system.statistics, self.low, self.high, strict=True)
        }
        self._settled = np.zeros(len(system.targets), dtype=bool)
        self._reaches = {
            number: target.reach for number, target in enumerate(system.targets) if target.reach is not None
        }
        self.fitting: list[Numbers] = []
        self._start()

    def verdict(self) -> Verdict:
        """Every target: many at once from a table that fits to near ones, then each by itself.

        In a large system with many rows steps may find nothing: there walking, as
        for money, whose ends are far, proves what it can; and if more are left than
        can have linear programs of their own, these are unknown, and unknown is unsafe.
        """
        if self.system.atoms <= _PUSHED_UP_TO:
            self._push_all()
        if not self._reaches:
            self._step_all()
        if self._reaches or self.is_large:
            self._walk()
        left = self._open()
        if self.is_large and len(left) > _JUDGED:
            unsafe = [Finding(target, self._touching(self.system.targets[target])) for target in left]
        else:
            unsafe = [finding for target in left if (finding := self._judge(target))]
        return Verdict(tuple(unsafe), tuple(int(left) for left in self._values_left()))

    def _walk(self) -> None:
        """Each open target a few people up and a few down, from the first table that fits."""
        if not self.fitting or not self._open():
            return
        walker = self._walker(self.fitting[0])
        for number in self._open():
            for by in self._strides(number):
                if not self._open_one(number):
                    break
                self._walk_one(walker, number, by)

    def _step_all(self) -> None:
        """To the nearest tables in which open groups count enough more, or enough fewer, than in one that fits.

        What is moved for some moves others too: small ones first, and most of the rest need no step.
        """
        targets, values = self.system.targets, self._values
        order = sorted(self._open(), key=lambda number: (not targets[number].is_known_small, values[number]))
        in_vain = 0
        for is_upwards in (True, False):
            wanted = [number for number in order if self._open_one(number)]
            for first in range(0, len(wanted), _AT_ONCE):
                if not self._is_in_vain(in_vain):
                    some = wanted[first : first + _AT_ONCE]
                    in_vain = 0 if self._step_many(some, is_upwards=is_upwards) else in_vain + 1
        in_vain = 0
        for number in order:
            if self._open_one(number) and not self._is_in_vain(in_vain):
                is_proved = self._reached_around(number, *self._known(number), self._nearby)
                in_vain = 0 if is_proved else in_vain + 1

    def _is_in_vain(self, steps: int) -> bool:
        return self.is_large and steps >= _IN_VAIN

    def _step_many(self, numbers: Sequence[int], *, is_upwards: bool) -> bool:
        """Of these as many as can be so far up, or down, that enough values lie between; whether a table was found."""
        wishes = []
        for number in numbers:
            if self._seen is not None and self._open_one(number):
                (low, high), few, many = self._known(number), self._seen[0][number], self._seen[1][number]
                ends = (few + self._width, high) if is_upwards else (low, many - self._width)
                if ends[0] <= ends[1]:
                    wishes.append(Wish(self.system.targets[number].atoms, *ends))
        return not wishes or self._take(self._near().whole(wishes))

    def _known(self, number: int) -> _Ends:
        """What is printed of a target itself."""
        return self._printed.get(self.system.targets[number].atoms, (0.0, INFINITE))

    def _reached_around(self, number: int, low: float, high: float, look: _Look) -> bool:
        """Whether enough values in a row are witnessed that hold that of the first table: above, below or around it."""
        value, width = int(self._values[number]), self._width
        starts = (value, value - width, *range(value - width + 1, value))
        return any(self._stepped(number, (low, start), (start + width, high), look) for start in starts)

    @cached_property
    def _values(self) -> Numbers:
        """What each target counts in the first table that fits."""
        return self._targets.of(self.fitting[0])

    @property
    def _width(self) -> int:
        return self.rule.possible_values_of_small - 1

    def _stepped(self, number: int, lower: _Ends, upper: _Ends, look: _Look) -> bool:
        """Whether whole tables are found in which the group counts as few, and others in which it counts as many."""
        for least, most in self._unseen(number, lower, upper):
            if least > most or not self._take(look(Wish(self.system.targets[number].atoms, least, most))):
                return False
        return not self._open_one(number)

    def _nearby(self, wish: Wish) -> Numbers | None:
        return self._near().whole([wish])

    def _near(self) -> Nearest:
        if self._nearest is None:
            self._nearest = Nearest(self.fitting[0], *self._model())
        return self._nearest

    def _take(self, table: Numbers | None) -> bool:
        """Whether this is a witness; it is kept if so."""
        if table is None or not self.fits(table):
            return False
        self.witnesses.add(table)
        self._see(table)
        return True

    def _strides(self, number: int) -> tuple[int, ...]:
        if number not in self._reaches:
            return (1, -1, 2, -2, 3, -3, 4, -4, 5, 6)
        low, high = self._reaches[number]
        now = float(self._values[number])
        return (math.ceil(high - now), math.floor(low - now))

    def _walk_one(self, walker: walk.Walker, number: int, by: int) -> None:
        for atom in self.system.targets[number].atoms[:_STARTS]:
            if self._take(walker.reach(atom, by)):
                return

    def _walker(self, table: Numbers) -> walk.Walker:
        sums: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
            (statistic.atoms, ()) for statistic in self.system.statistics
        ]
        sums += [(tie.left, tie.right) for tie in self.system.ties]
        nothing = np.zeros(len(self.system.ties))
        return walk.Walker(table, sums, np.concatenate([self.low, nothing]), np.concatenate([self.high, nothing]))

    @property
    def is_large(self) -> bool:
        """Too large for a linear program for each group."""
        return self.system.atoms > LARGE_FROM

    def is_possible(self) -> bool:
        """Whether any table fits, whole or not."""
        if self.fitting:
            return True
        try:
            self._lp().furthest({}, upwards=True)
        except ProgramFault:
            return False
        return True

    def fits(self, table: Numbers) -> bool:
        """Anyone can check a witness again: by addition."""
        sums = self._statistics.of(table)
        ties = np.array_equal(np.rint(self._ties[0].of(table)), np.rint(self._ties[1].of(table)))
        return bool(ties and np.all(table >= 0) and np.all(sums >= self.low) and np.all(sums <= self.high))

    def _start(self) -> None:
        """What earlier proofs found and still fits; else any table that does."""
        tables = ([] if self.system.truth is None else [self.system.truth]) + self.witnesses.tables
        self.fitting = [table for table in tables if self.fits(table)]
        if not self.fitting:
            found = solver.whole_table(*self._model())
            if found is not None and self.fits(found):
                self.witnesses.add(found)
                self.fitting = [found]
        self._seen = self.witnesses.seen if self.is_large else None
        for table in self.fitting:
            self._see(table)

    def _witness(self, answer: solver.Answer) -> None:
        if answer.is_whole:
            self._take(np.rint(answer.table))

    def _see(self, table: Numbers) -> None:
        values = self._targets.of(table)
        self._see_range(values, values)

    def _see_range(self, lowest: Numbers, highest: Numbers) -> None:
        least, most = self._seen or (lowest, highest)
        self._seen = self.witnesses.seen = np.minimum(least, lowest), np.maximum(most, highest)

    def _values_left(self) -> Numbers:
        if self._seen is None:
            return np.zeros(len(self.system.targets))
        return self._seen[1] - self._seen[0] + 1

    def _open(self) -> list[int]:
        if self._seen is None:
            return list(range(len(self.system.targets)))
        return np.flatnonzero(~self._reached(*self._seen) & ~self._settled).tolist()

    def _reached(self, least: Numbers, most: Numbers) -> NDArray[np.bool_]:
        enough: NDArray[np.bool_] = most - least + 1 >= self.rule.possible_values_of_small
        for number, (low, high) in self._reaches.items():
            enough[number] = least[number] <= low and most[number] >= high
        return enough

    def _push_all(self) -> None:
        """While it pays: a few programs witness most groups, where walking would take each by itself."""
        idle = 0
        for push in range(_PUSHES):
            before = len(self._open())
            if not before or idle >= _IDLE:
                return
            self._push(push)
            idle = idle + 1 if len(self._open()) == before else 0

    def _push(self, number: int) -> None:
        """All open targets at once."""
        weights: dict[int, float] = {}
        for place, target in enumerate(self._open()):
            sign = 1.0 if number < _TOGETHER or (place >> (number - _TOGETHER)) % 2 else -1.0
            for atom in self.system.targets[target].atoms:
                weights[atom] = weights.get(atom, 0.0) + sign
        answer = self._lp().furthest(weights, upwards=number % 2 == 0)
        if answer is not None:
            self._witness(answer)

    def _judge(self, number: int) -> Finding | None:
        """One target by itself: a linear program each way, and whole tables near its ends."""
        target = self.system.targets[number]
        ends = []
        for upwards in (True, False):
            answer = self._lp().furthest(dict.fromkeys(target.atoms, 1.0), upwards=upwards)
            if answer is None:
                return Finding(number, self._touching(target))
            self._witness(answer)
            if not self._open_one(number):
                return None
            ends.append(answer)
        top, bottom = ends
        if reach := self._reaches.get(number):
            # Money need not be whole: the program's own range is the proof.
            self._settled[number] = bottom.value <= reach[0] and top.value >= reach[1]
        else:
            low, high = math.ceil(bottom.value - solver.EPSILON), math.floor(top.value + solver.EPSILON)
            is_sought = not self.is_large
            self._settled[number] = self._is_harmless(target, low, high) or (
                is_sought and self._whole(number, low, high)
            )
        if self._settled[number]:
            return None
        return Finding(number, self._blamed(top) | self._blamed(bottom) or self._touching(target))

    def _is_harmless(self, target: Target, low: int, high: int) -> bool:
        """A group that no table prints, and of which nobody could conclude that it is small."""
        return not target.is_known_small and (high < self.rule.suppress_from or low > self.rule.suppress_to)

    def _open_one(self, number: int) -> tuple[int, ...]:
        if self._seen is None:
            return (number,)
        if reach := self._reaches.get(number):
            is_open = self._seen[0][number] > reach[0] or self._seen[1][number] < reach[1]
        else:
            is_open = self._seen[1][number] - self._seen[0][number] + 1 < self.rule.possible_values_of_small
        return (number,) if is_open and not self._settled[number] else ()

    def _whole(self, number: int, low: int, high: int) -> bool:
        """Fractions reach far enough; do whole people? Some near each end of enough values, or it stays unknown."""
        return self._reached_around(number, low, high, self._near().anywhere)

    def _unseen(self, place: int, lower: _Ends, upper: _Ends) -> list[_Ends]:
        """Which of the two ends no witness has reached."""
        if self._seen is None:
            return [lower, upper]
        missing = [lower] if self._seen[0][place] > lower[1] else []
        return missing + ([upper] if self._seen[1][place] < upper[0] else [])

    def _blamed(self, answer: solver.Answer) -> frozenset[int]:
        columns = (self._columns[column] for column in answer.stopping_columns)
        rows = (self._rows[row] for row in answer.stopping_rows)
        return frozenset(found for found in (*columns, *rows) if found >= 0)

    def _touching(self, target: Target) -> frozenset[int]:
        atoms = set(target.atoms)
        return frozenset(
            number for number, found in enumerate(self.system.statistics) if not atoms.isdisjoint(found.atoms)
        )

    def _lp(self) -> solver.Program:
        if self._program is None:
            self._program = solver.Program(*self._model())
        return self._program

    def _laid_out(self) -> tuple[list[int], list[int]]:
        """Which statistic bounds each column, and which each row; -1 for none."""
        columns = [-1] * self.system.atoms
        rows = []
        for number, statistic in enumerate(self.system.statistics):
            if len(statistic.atoms) == 1 and columns[statistic.atoms[0]] < 0:
                columns[statistic.atoms[0]] = number
            else:
                rows.append(number)
        return columns, rows + [-1] * len(self.system.ties)

    def _model(
        self,
    ) -> tuple[tuple[Numbers, Numbers], list[tuple[Sequence[int], Sequence[float]]], tuple[Numbers, Numbers]]:
        place = np.array(self._columns, dtype=np.int64)
        column_low = np.where(place >= 0, self.low[place] if len(self.low) else 0.0, 0.0)
        column_high = np.where(place >= 0, self.high[place] if len(self.high) else INFINITE, INFINITE)
        column_high = np.minimum(column_high, self._ceiling())
        kept = [number for number in self._rows if number >= 0]
        rows: list[tuple[Sequence[int], Sequence[float]]] = [
            (self.system.statistics[number].atoms, [1.0] * len(self.system.statistics[number].atoms)) for number in kept
        ]
        rows += [(tie.left + tie.right, [1.0] * len(tie.left) + [-1.0] * len(tie.right)) for tie in self.system.ties]
        nothing = np.zeros(len(self.system.ties))
        row_low = np.concatenate([self.low[kept], nothing])
        row_high = np.concatenate([self.high[kept], nothing])
        return (column_low, column_high), rows, (row_low, row_high)

    def _ceiling(self) -> float:
        """A bound that no attacker needs, so that no program is without one."""
        finite = self.high[np.isfinite(self.high)]
        return float(finite.sum() + self.low.sum()) + 1000.0
