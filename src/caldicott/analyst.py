"""Figures from Python: the same questions, the same gate, the same record as on the command line and in the portal.

    import caldicott.analyst as analyst

    with analyst.open("example-icb", store="store") as desk:
        waits = desk.indicator("ae-four-hours", by=["provider", "month"])
        waits.table          # Arrow
        waits.frame()        # pandas, if it is installed

A figure that is withheld is null, and `withheld` says of each row that it is so.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from caldicott import bootstrap
from caldicott.analytics.answer import NONE, WITHHELD
from caldicott.analytics.builder import built
from caldicott.analytics.question import question
from caldicott.operations.indicators import ANALYST, PLANNING, analyse
from caldicott.operations.indicators_files import contents
from caldicott.operations.indicators_library import folders_of, indicator, library
from caldicott.vocabulary.errors import WrongUsage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from caldicott.analytics.answer import Heading
    from caldicott.operations.indicators import Told
    from caldicott.operations.perform import House

__all__ = ["Desk", "Result", "indicator", "open", "table"]


@dataclass(frozen=True, slots=True)
class Result:
    """An answer, as Arrow."""

    told: Told

    @property
    def table(self) -> pa.Table:
        """The answer; withheld cells are null."""
        answer = self.told.answer
        columns = {
            one.name: _column(one, [row[place] for row in answer.rows]) for place, one in enumerate(answer.headings)
        }
        columns["withheld"] = pa.array([WITHHELD in row for row in answer.rows], pa.bool_())
        return pa.table(columns)

    def frame(self) -> Any:
        """The answer as a pandas frame.

        Raises:
            WrongUsage: pandas is not installed.
        """
        try:
            return self.table.to_pandas()
        except ModuleNotFoundError:
            raise WrongUsage(
                "pandas is not installed here", code="pandas-missing", next_step="install it, or use `.table` (Arrow)"
            ) from None

    def write(self, path: Path | str) -> None:
        """The answer as a file; .csv, .xlsx or .json decides.

        Raises:
            WrongUsage: it is another kind of file.
        """
        target = Path(path)
        form = target.suffix.removeprefix(".").lower()
        if form not in {"csv", "xlsx", "json"}:
            raise WrongUsage("this kind of file is not written", code="usage", next_step="use .csv, .xlsx or .json")
        target.write_bytes(contents(self.told, form))


@dataclass(frozen=True, slots=True)
class Desk:
    """An analyst's desk on one store."""

    house: House
    activity: str
    role: str
    folders: tuple[Path, ...] = ()
    lookups: Path | None = None

    def indicators(self) -> tuple[str, ...]:
        """The indicators there are."""
        return tuple(library(*folders_of(self.house, *self.folders)).found)

    def indicator(
        self, name: str, *, by: Sequence[str] | None = None, where: Mapping[str, str] | None = None
    ) -> Result:
        """The figures of an indicator.

        Raises:
            CaldicottError: it is refused, or cannot be worked out; it says why.
        """
        found = indicator(name, *folders_of(self.house, *self.folders))
        asked = question(found, by, (where or {}).items())
        return Result(analyse(self.house, asked, activity=self.activity, role=self.role, lookup_folder=self.lookups))

    def table(
        self, dataset: str, *, measure: str = "people", by: Sequence[str] = (), where: Mapping[str, str] | None = None
    ) -> Result:
        """A table of a dataset's people, events, cost or mean, by registered dimensions.

        Raises:
            CaldicottError: it is refused, or cannot be worked out; it says why.
        """
        asked = question(built(dataset, measure), by, (where or {}).items())
        return Result(analyse(self.house, asked, activity=self.activity, role=self.role, lookup_folder=self.lookups))


@contextmanager
def open(  # noqa: A001  read as `analyst.open`
    register: str, *, store: Path | str, activity: str = PLANNING, role: str = ANALYST,
    folders: Sequence[Path | str] = (), lookups: Path | str | None = None,
) -> Iterator[Desk]:  # fmt: skip
    """A desk on that store, for this role; everything asked at it is recorded.

    Raises:
        CaldicottError: there is no such register or store.
    """
    loaded = bootstrap.load_register(register)
    with bootstrap.open_house(loaded, Path(store)) as house:
        yield Desk(house, activity, role, tuple(Path(one) for one in folders), Path(lookups) if lookups else None)


def table(desk: Desk, dataset: str, **asked: Any) -> pa.Table:
    """`desk.table(...)`, as Arrow."""
    return desk.table(dataset, **asked).table


def _column(heading: Heading, cells: Sequence[object]) -> pa.Array:
    told = [None if cell in {WITHHELD, NONE} else cell for cell in cells]
    kinds = {"group": pa.string(), "word": pa.string(), "count": pa.int64(), "decimal": pa.float64()}
    kind = kinds.get(heading.kind, pa.float64())
    return pa.array([str(cell) if kind == pa.string() and cell is not None else cell for cell in told], kind)
