"""The facts of the generator, read from `facts/population/`: rates, codes, names. None of them stands in Python."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from caldicott.synth.arrays import Bools, Floats, Ints


@dataclass(frozen=True)
class Pool:
    """One fact table by column."""

    columns: dict[str, tuple[str, ...]]

    def texts(self, name: str) -> tuple[str, ...]:
        return self.columns[name]

    def floats(self, name: str) -> Floats:
        return np.array([float(value) for value in self.columns[name]])

    def ints(self, name: str) -> Ints:
        return np.array([int(value) for value in self.columns[name]], np.int64)

    def matrix(self, *, skip: int = 1) -> Floats:
        """Every column but the first `skip`, as numbers."""
        names = list(self.columns)[skip:]
        return np.stack([self.floats(name) for name in names], axis=1)

    def row(self, key: str) -> Floats:
        """The numbers of the row whose first column is `key`."""
        place = next(iter(self.columns.values())).index(key)
        return np.array([float(column[place]) for column in list(self.columns.values())[1:]])


def share(name: str) -> float:
    """The share of that name, of `facts/population/shares.csv`."""
    shares = pool("shares")
    return float(shares.texts("share")[shares.texts("name").index(name)])


def happens(rng: np.random.Generator, count: int, name: str) -> Bools:
    """For each of so many whether it happens, by the share of that name."""
    return rng.random(count) < share(name)


@cache
def pool(name: str) -> Pool:
    """The table `facts/population/<name>.csv`."""
    text = resources.files("caldicott.facts").joinpath("population", f"{name}.csv").read_text(encoding="utf-8")
    header, *rows = csv.reader(text.splitlines())
    return Pool({column: tuple(values) for column, values in zip(header, zip(*rows, strict=True), strict=True)})
