"""Whether the people of today are still those the model was made for, and whether it still tells the truth of them.

The bins and shares of the test year stand beside the model; a month is held
against them. Alarms are thresholds of facts/models/settings.toml.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from caldicott.stratification.model.measures import stability_index

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Floats = npt.NDArray[np.float64]
FINE, LOOK, ALARM = "fine", "look", "alarm"
_ORDER: Final = (FINE, LOOK, ALARM)


@dataclass(frozen=True, slots=True)
class Sign:
    """One number that was looked at, and what it says."""

    name: str
    value: float | None
    says: str


def reference(columns: Mapping[str, Floats], probability: Floats, *, bins: int) -> dict[str, Any]:
    """What a later month is compared with: cuts and shares of each feature, the mean score."""
    kept = {name: _profile(column, bins) for name, column in columns.items()}
    return {"features": kept, "score": _profile(probability, bins), "mean_score": float(probability.mean())}


def watch(
    was: Mapping[str, Any], columns: Mapping[str, Floats], probability: Floats, *, limits: Mapping[str, Any]
) -> list[Sign]:
    """The signs that need no outcome: how the features and the scores are spread."""
    signs = []
    for name, profile in {**was["features"], "score": was["score"]}.items():
        column = probability if name == "score" else columns.get(name)
        if column is None:
            signs.append(Sign(f"psi {name}", None, ALARM))
            continue
        index = stability_index(profile["shares"], _shares(column, profile["cuts"]))
        signs.append(Sign(f"psi {name}", round(index, 4), _above(index, limits["psi_look"], limits["psi_alarm"])))
    change = abs(float(probability.mean()) / was["mean_score"] - 1) if len(probability) and was["mean_score"] else 0.0
    signs.append(
        Sign("mean score, change", round(change, 4), _above(change, limits["mean_look"], limits["mean_alarm"]))
    )
    return signs


def outcomes_known(ratio: float | None, slope: float | None, *, limits: Mapping[str, Any]) -> list[Sign]:
    """The signs of a month whose twelve months have passed."""
    return [
        Sign("observed over expected", _short(ratio), _outside(ratio, limits["oe_look"], limits["oe_alarm"])),
        Sign("slope", _short(slope), _outside(slope, limits["slope_look"], limits["slope_alarm"])),
    ]


def worst(signs: Sequence[Sign]) -> str:
    """The gravest of them."""
    return max((sign.says for sign in signs), key=_ORDER.index, default=FINE)


def _profile(column: Floats, bins: int) -> dict[str, Any]:
    present = column[~np.isnan(column)]
    cuts = np.unique(np.quantile(present, np.arange(1, bins) / bins)) if len(present) else np.array([])
    listed = [float(cut) for cut in cuts]
    return {"cuts": listed, "shares": _shares(column, listed)}


def _shares(column: Floats, cuts: Sequence[float]) -> list[float]:
    """Share of each bin from the lowest up; the last is of those without a value."""
    lacks = np.isnan(column)
    place = np.searchsorted(np.array(cuts), column[~lacks], side="left")
    counts = np.bincount(place, minlength=len(cuts) + 1)
    return [float(one) / max(len(column), 1) for one in (*counts, int(lacks.sum()))]


def _above(value: float, look: float, alarm: float) -> str:
    return ALARM if value >= alarm else LOOK if value >= look else FINE


def _outside(value: float | None, look: Sequence[float], alarm: Sequence[float]) -> str:
    if value is None:
        return LOOK
    if not alarm[0] <= value <= alarm[1]:
        return ALARM
    return FINE if look[0] <= value <= look[1] else LOOK


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
