"""Where the marts of one activity lie, as DuckDB reads them: all months of a dataset, or each by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from caldicott.engines.duckdb.connection import text
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Marts:
    """The Parquet files of each dataset of one activity, by month."""

    files: Mapping[str, Sequence[Path]]

    def relation(self, dataset: str) -> str:
        """SQL that reads all months of a dataset.

        Raises:
            DoesNotHold: there is no mart of it.
        """
        if not self.files.get(dataset):
            raise DoesNotHold(
                f"there is no mart of {dataset} yet", code="mart-missing", where=dataset,
                next_step="land its submissions, then `caldicott run REGISTER --store DIR`",
            )  # fmt: skip
        return _read(self.files[dataset])

    def months(self, dataset: str) -> dict[str, str]:
        """For each month SQL that reads it alone: what is of one month lies in the files of its folder."""
        folders: dict[str, list[Path]] = {}
        for path in self.files[dataset]:
            folders.setdefault(path.parent.name.removeprefix("month="), []).append(path)
        return {month: _read(folders[month]) for month in sorted(folders)}


def _read(paths: Iterable[Path]) -> str:
    listed = ", ".join(text(str(path)) for path in paths)
    return (
        f"read_parquet([{listed}], union_by_name = true, hive_partitioning = true, hive_types = {{'month': VARCHAR}})"
    )
