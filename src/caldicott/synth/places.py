"""Invented places: small areas with a deprivation tenth, postcodes of the never-used area ZZ, practices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from caldicott.synth.arrays import generator
from caldicott.synth.texts import joined, pick

if TYPE_CHECKING:
    from caldicott.synth.arrays import Floats, Ints, Texts

POSTCODES_PER_AREA = 75
PRACTICES_MOST = 150
"""Member practices of the example board."""
UNKNOWN_PRACTICES = ("V81997", "V81998", "V81999")
_UNIT_LETTERS = "ABDEFGHJLNPQRSTUWXYZ"  # the letters a postcode may end in


@dataclass(frozen=True)
class Places:
    """Where people live and are registered. A postcode's index says its area: 75 to one."""

    lsoa_codes: Texts
    deprivation_tenth: Ints
    """By area; 1 is the most deprived."""
    area_practice: Ints
    """By area, the practice most people there use."""
    practice_codes: Texts
    practice_weights: Floats
    postcodes: Texts

    @property
    def areas(self) -> int:
        return len(self.lsoa_codes)


def practice_codes(count: int) -> tuple[str, ...]:
    """The ODS codes of the first so many member practices."""
    return tuple(f"Z80{number:03d}" for number in range(1, count + 1))


def invent_places(seed: int, people: int) -> Places:
    """Areas of about 1,500 people, practices of 2,500 up to the 150 of the example board."""
    rng = generator(seed, "places")
    areas = int(np.clip(people // 1_500, 10, 999))
    practices = int(np.clip(people // 2_500, 4, PRACTICES_MOST))
    weights = rng.lognormal(np.log(7_500), 0.65, practices)
    # Neighbouring areas share a practice; a bigger list covers more areas.
    boundaries = np.cumsum(weights) / weights.sum() * areas
    return Places(
        lsoa_codes=pa.array([f"E01099{number:03d}" for number in range(1, areas + 1)]),
        deprivation_tenth=rng.permutation(np.arange(areas) * 10 // areas + 1),
        area_practice=np.searchsorted(boundaries, np.arange(areas) + 0.5).clip(0, practices - 1),
        practice_codes=pa.array(practice_codes(practices)),
        practice_weights=weights,
        postcodes=_postcodes(areas * POSTCODES_PER_AREA),
    )


def _postcodes(count: int) -> Texts:
    index = np.arange(count)
    unit, rest = index % 400, index // 400
    letters = pa.array(list(_UNIT_LETTERS))
    district = pa.array(rest // 10 + 1).cast(pa.string())
    sector = pa.array(rest % 10).cast(pa.string())
    inward = joined(sector, pick(letters, unit // 20), pick(letters, unit % 20))
    return joined("ZZ", joined(district, inward, separator=" "))
