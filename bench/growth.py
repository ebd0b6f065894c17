"""Figure 2: the whole job as it grows. Time a row and peak memory, from a million rows up.

python -m bench.growth [PEOPLE...]
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench import extracts
from bench.landing_to_mart import WHOLE, run_subject
from bench.results import Figure

if TYPE_CHECKING:
    from bench.subject import Outcome

PEOPLE = {"quick": (20_000, 100_000), "default": (100_000, 500_000), "full": (100_000, 500_000, 2_000_000, 5_000_000)}
_KEPT_PEOPLE = 1_000_000
_BYTES_A_PERSON = 10_000
"""Extracts, encrypted rows and marts together, on the disk at once."""


@dataclass(frozen=True)
class Step:
    """One size."""

    people: int
    rows: int
    outcome: Outcome | None
    not_run: str = ""

    @property
    def microseconds(self) -> float:
        return self.outcome.wall / self.rows * 1e6 if self.outcome else 0.0

    @property
    def cpu_microseconds(self) -> float:
        return self.outcome.cpu / self.rows * 1e6 if self.outcome else 0.0


def measure(people: tuple[int, ...]) -> list[Step]:
    return [_step(size) for size in people]


def _step(people: int) -> Step:
    free = shutil.disk_usage(extracts.place()).free
    if free < people * _BYTES_A_PERSON:
        return Step(
            people, 0, None, f"{free / 1e9:.0f} GB free on the disk, {people * _BYTES_A_PERSON / 1e9:.0f} needed"
        )
    out = extracts.made(people)
    rows = extracts.sus_rows(out)
    outcome = run_subject(WHOLE, out)
    if people > _KEPT_PEOPLE:
        shutil.rmtree(out.parent)
    print(
        f"  {rows:>12,} rows {outcome.wall:8.1f} s {outcome.cpu:8.1f} s cpu {outcome.gigabytes:6.2f} GB {outcome.fault}"
    )
    return Step(people, rows, None if outcome.fault else outcome, outcome.fault)


def table(steps: list[Step]) -> list[list[str]]:
    lines = [["people", "hospital rows", "wall s", "wall µs/row", "CPU µs/row", "peak GB"]]
    for step in steps:
        cells = ["not run: " + step.not_run, "", "", ""]
        if step.outcome:
            cells = [f"{step.outcome.wall:.1f}", f"{step.microseconds:.2f}", f"{step.cpu_microseconds:.2f}"]
            cells.append(f"{step.outcome.gigabytes:.2f}")
        lines.append([f"{step.people:,}", f"{step.rows:,}", *cells])
    return lines


def figures(steps: list[Step]) -> list[Figure]:
    done = [step for step in steps if step.outcome]
    if len(done) < 2:
        return [Figure("time a row, largest against smallest", "≤ 1.25", not_run="fewer than two sizes came to an end")]
    first, last = done[0], done[-1]
    ratio, cpu = last.microseconds / first.microseconds, last.cpu_microseconds / first.cpu_microseconds
    memory = last.outcome.gigabytes / first.outcome.gigabytes
    span = f"{last.rows / 1e6:.1f} million rows against {first.rows / 1e6:.1f}"
    return [
        Figure(f"time a row, {span}", "≤ 1.25", f"{ratio:.2f}", held=ratio <= 1.25),
        Figure(f"processor time a row, {span}", "≤ 1.25", f"{cpu:.2f}", held=cpu <= 1.25),
        Figure(f"peak memory, {span}", "flat: ≤ 1.25", f"{memory:.2f} ×", held=memory <= 1.25),
    ]


if __name__ == "__main__":
    sizes = tuple(int(size) for size in sys.argv[1:]) or PEOPLE["default"]
    found = measure(sizes)
    for cells in table(found):
        print(" | ".join(cells))
    for figure in figures(found):
        print(figure)
