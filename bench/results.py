"""What every benchmark answers with, and how that becomes bench/RESULTS.md, which nobody edits by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Figure:
    """One number beside what was asked of it."""

    name: str
    target: str
    measured: str = ""
    held: bool | None = None
    """None where there is no target, or it was not run."""
    not_run: str = ""

    def cells(self) -> list[str]:
        if self.not_run:
            return [self.name, self.target, "", f"not run: {self.not_run}"]
        return [self.name, self.target, self.measured, {True: "held", False: "**missed**", None: ""}[self.held]]


@dataclass(frozen=True)
class Part:
    """One part of the page; `measure` is given `quick`, `default` or `full` and answers as it stands there."""

    title: str
    measure: Callable[[str], str]


def markdown(lines: list[list[str]]) -> str:
    """A table of cells, the first line its head."""
    clean = [[str(cell).replace("|", "/").replace("\n", " ") for cell in line] for line in lines]
    rule = ["---"] * len(clean[0])
    return "\n".join("| " + " | ".join(line) + " |" for line in [clean[0], rule, *clean[1:]])


def figures_table(figures: list[Figure]) -> str:
    return markdown([["figure", "target", "measured", ""], *(figure.cells() for figure in figures)])


def of_rows(rows: list[dict], *, more_is_better: tuple[str, ...] = ()) -> list[Figure]:
    """Figures from the rows (name, value, unit, target) that the smaller benchmarks give."""
    return [_of_row(row, more_is_better) for row in rows]


def _of_row(row: dict, more_is_better: tuple[str, ...]) -> Figure:
    value, target, unit = row["value"], row.get("target"), row["unit"]
    measured = f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    if target is None:
        return Figure(row["name"], "", f"{measured} {unit}".strip())
    is_floor = unit in more_is_better
    held = value >= target if is_floor else value <= target
    return Figure(
        row["name"], f"{'≥' if is_floor else '≤'} {target:,g} {unit}".strip(), f"{measured} {unit}".strip(), held=held
    )


def refreshed(page: str, head: str, titles: list[str], title: str, body: str) -> str:
    """The page with this head and this part; the other parts stay as they were measured, in the order of `titles`."""
    known = {}
    for part in page.rstrip().split("\n\n## ")[1:]:
        numbered, _, rest = part.partition("\n")
        known[numbered.partition(". ")[2]] = rest.strip()
    known[title] = body.strip()
    parts = [f"{number}. {each}\n\n{known[each]}" for number, each in enumerate(titles, 1) if each in known]
    return "\n\n## ".join([head, *parts]) + "\n"
