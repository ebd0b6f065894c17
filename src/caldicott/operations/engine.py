"""The port between operations and an engine: what a run asks, whoever computes it.

The people of a run are always the same steps (`engines.duckdb.people`), on a
connection of the engine's own; so the port is small: how rows are handed over,
a connection for the people, and who writes marts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from caldicott.engines.duckdb.mart_files import MonthWriter
from caldicott.engines.duckdb.marts import DuckDbMarts
from caldicott.engines.duckdb.people import DuckDbPeople
from caldicott.stores.clear_rows import ClearRows

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import date
    from pathlib import Path

    import pyarrow as pa

    from caldicott.engines.duckdb.mart_sql import MartColumns, Supersession
    from caldicott.engines.duckdb.marts import Month
    from caldicott.facts.layout import Layout
    from caldicott.stores.catalogue import LiveFile
    from caldicott.stores.store import Store


class Rows(Protocol):
    """What landed, in the form the engine takes it: opened streams, or descriptions that workers open."""

    def parts(self, submission: str) -> tuple[LiveFile, ...]: ...
    def read(
        self, file: LiveFile, columns: Sequence[str] | None = None, *, wanted: Collection[str] | None = None
    ) -> Any: ...
    def read_all(self, submission: str, columns: Sequence[str], *, outside_period: bool = False) -> Any: ...
    def repeats(self, submission: str) -> list[Any]: ...
    def person_index(self) -> tuple[pa.Table, pa.Table]: ...
    def write_person_index(self, name: str, rows: pa.Table, *, created: date) -> LiveFile: ...


class Marts(Protocol):
    """Who counts what became of a submission's rows, and writes the months of a mart."""

    def writing(self) -> AbstractContextManager[object]: ...
    def add_newer(self, rows: Any, *, since: int, line: str) -> None: ...
    def add_repeats(self, rows: Any, *, submission: str) -> None: ...
    def count(
        self, rows: Any, layout: Layout, supersession: Supersession, masks: list[tuple[str, int]]
    ) -> tuple[int, dict[str, int]]: ...
    def write_months(self, months: Sequence[Month], *, columns: MartColumns, mask: int) -> list[int]: ...
    def write_linked_month(self, files: Sequence[tuple[str, Path]], *, to: Path) -> int: ...
    def digests(self) -> Mapping[Path, str]: ...
    def linked_people(self, files: list[Path], areas: Sequence[str]) -> dict[int, int]: ...


@dataclass(frozen=True)
class Engine:
    """One way to compute a run."""

    name: str
    rows: Callable[[Store], Rows]
    people: Callable[[], DuckDbPeople]
    marts: Callable[[DuckDbPeople], Marts]
    rows_together: int
    """Months are written together up to so many rows: what the engine may hold at once."""
    makes_scores: bool
    """Whether what `stratify` computes runs on it."""
    at_once: int = 1
    """How many questions that do not wait for each other it may be asked side by side."""


DUCKDB: Final = Engine(
    name="duckdb",
    rows=ClearRows,
    people=DuckDbPeople,
    marts=lambda people: DuckDbMarts(people, MonthWriter()),
    rows_together=1_000_000,
    makes_scores=True,
    at_once=2,
)
"""One machine; memory stays at two batches of a million rows."""
