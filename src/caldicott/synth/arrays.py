"""Types and draws that every part shares: seeded generators, days, and a hash for stable invented ids."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Words: TypeAlias = npt.NDArray[np.uint64]
Texts: TypeAlias = Any  # a pyarrow array: pyarrow ships no types

NO_DAY = -1_000_000
"""The day that stands for no date."""

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Period:
    """The days the extracts cover, both ends included, as days since 1970."""

    first: int
    last: int

    @property
    def years(self) -> float:
        return (self.last - self.first + 1) / 365.25


def day(year: int, month: int, number: int) -> int:
    """Days since 1970."""
    return (date(year, month, number) - _EPOCH).days


def iso(number: int) -> str:
    """The day as ISO text."""
    return date.fromordinal(_EPOCH.toordinal() + number).isoformat()


def generator(seed: int, name: str, chunk: int = 0) -> np.random.Generator:
    """A generator of its own for each part, so that leaving one out changes no other."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, zlib.crc32(name.encode()), chunk])))


def choose(rng: np.random.Generator, weights: Floats, size: int) -> Ints:
    """Indices drawn with these weights; by inversion, which is several times quicker than `choice`."""
    cumulative = np.cumsum(weights)
    return np.searchsorted(cumulative / cumulative[-1], rng.random(size), side="right").clip(0, len(weights) - 1)


def choose_among(rng: np.random.Generator, weights: Floats, allowed: Bools) -> Ints:
    """Indices drawn with these weights, a row of `allowed` for each draw: what is not allowed there is not drawn."""
    drawn, found = rng.random(len(allowed)), np.zeros(len(allowed), np.int64)
    # Few kinds of rows for many draws: one inversion for each kind.
    packed = np.packbits(allowed, axis=1)
    kinds, kind_of = np.unique(packed.view(f"V{packed.shape[1]}").ravel(), return_inverse=True)
    for kind in range(len(kinds)):
        of_kind = kind_of == kind
        cumulative = np.cumsum(weights * allowed[np.argmax(of_kind)])
        found[of_kind] = np.searchsorted(cumulative / cumulative[-1], drawn[of_kind], side="right")
    return found.clip(0, len(weights) - 1)


def scrambled(values: npt.ArrayLike, salt: int) -> Words:
    """The values as well-mixed 64-bit words (the finaliser of splitmix64); for invented ids, not for secrecy."""
    word = np.asarray(values).astype(np.uint64) + np.uint64((salt * 0x9E3779B97F4A7C15 + 0x1234567) % 2**64)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


def bands_of(values: Ints, starts: Ints) -> Ints:
    """Which band each value lies in, when bands are given by their first value."""
    return np.searchsorted(starts, values, side="right") - 1
