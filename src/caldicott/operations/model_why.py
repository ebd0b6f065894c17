"""What the approved model's score of a person is made of: fact by fact, in plain words, against the average person.

Worked out by the run and kept by token; looked up here for the few people of a page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from caldicott.engines.duckdb import risk
from caldicott.operations.stratify_model import TERMS
from caldicott.stratification.model.features import known

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from caldicott.operations.perform import House
    from caldicott.stratification.model.features import Feature

_TELLING: Final = 0.1
"""Of a sum of logits: less than this changes a chance of one in ten by less than one in a hundred."""


@dataclass(frozen=True, slots=True, repr=False)
class Part:
    """One fact and what it adds to the sum behind the chance, against the average of all who were scored."""

    words: str
    adds: float
    months: int

    def __repr__(self) -> str:
        return "Part(**********)"


def parts_of(house: House, activity: str, tokens: Sequence[str], *, as_of: date) -> dict[str, tuple[Part, ...]]:
    """For each token, what raises or lowers its chance, the strongest first; nothing where no model is approved."""
    files = house.store.catalogue.files(TERMS, activity)
    paths = [house.store.root / file.path for file in files if file.part == f"{as_of:%Y-%m}"]
    by_name = {one.name: one for one in known()}
    found: dict[str, tuple[Part, ...]] = {}
    for row in risk.rows_of(paths, tokens):
        parts = sorted(_parts(row, by_name), key=lambda part: -abs(part.adds))
        found[str(row["person_token"])] = tuple(parts)
    return found


def _parts(row: Mapping[str, object], by_name: Mapping[str, Feature]) -> Iterator[Part]:
    for name, feature in by_name.items():
        adds = row.get(f"adds {name}")
        if isinstance(adds, float) and abs(adds) >= _TELLING:
            yield Part(_in_words(feature, row.get(name)), round(adds, 2), feature.months)


def _in_words(feature: Feature, value: object) -> str:
    """`emergency admissions in the last 12 months: 3`."""
    if not isinstance(value, float):
        return f"{feature.plain}: none" if feature.measure == "since" else f"{feature.plain}: not known"
    if feature.name == "female":
        return "female" if value else "not female"
    return f"{feature.plain}: {value:g}"
