"""Drift: whether this month's people are still those the model was judged on, and whether it was right a year ago."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from caldicott.facts import models as facts
from caldicott.operations.model_marts import ground, is_month_end, months_earlier
from caldicott.operations.model_state import life_of, read
from caldicott.operations.model_train import year
from caldicott.operations.perform import Act, House, perform
from caldicott.operations.stratify import reaches_to
from caldicott.operations.stratify_plan import RISK_SCORES
from caldicott.stratification.model import drift, measures
from caldicott.stratification.model.features import known
from caldicott.vocabulary.errors import DoesNotHold
from caldicott.vocabulary.formats import DataFormat

if TYPE_CHECKING:
    from datetime import date

    from caldicott.operations.model_marts import Ground
    from caldicott.operations.model_state import Standing
    from caldicott.operations.model_train import Year


@dataclass(frozen=True)
class Watched:
    """The signs of one model on one day."""

    model: str
    as_of: str
    outcomes_as_of: str
    signs: tuple[drift.Sign, ...]
    invented: bool

    @property
    def says(self) -> str:
        """The gravest sign."""
        return drift.worst(self.signs)

    def as_record(self) -> dict[str, Any]:
        """For `--json`."""
        return {**asdict(self), "signs": [asdict(one) for one in self.signs], "says": self.says}


def watch(house: House, *, activity: str, name: str) -> Watched:
    """Look at the newest month, and at the outcomes of the newest day whose twelve months have passed.

    Raises:
        Refused: the register does not let records be joined for it today.
    """
    stands_on = ground(house, activity)
    standing = read(house, life_of(house, activity, name))
    return perform(house, event="model-drift", activity=activity, compute=lambda: _act(house, stands_on, standing))


def _act(house: House, stands_on: Ground, standing: Standing) -> Act[Watched]:
    settings = facts.settings()
    reach = reaches_to(stands_on.submissions, house.today)
    now = reach if is_month_end(reach) else months_earlier(reach, 1)
    then = months_earlier(now, settings["outcome"]["months"])
    signs = [*_spread(house, stands_on, standing, now), *_outcomes(house, stands_on, standing, then)]
    invented = house.register.controller.settings.test_numbers_allowed
    watched = Watched(standing.life.name, now.isoformat(), then.isoformat(), tuple(signs), invented)
    counts = {f"signs {kind}": sum(one.says == kind for one in signs) for kind in (drift.FINE, drift.LOOK, drift.ALARM)}
    return Act(
        watched, lambda: None, counts=counts, references=(standing.life.name, standing.life.sha256), days=(now, then),
        dataset=RISK_SCORES, format=DataFormat.PSEUDONYMISED.value,
    )  # fmt: skip


def _spread(house: House, stands_on: Ground, standing: Standing, on: date) -> list[drift.Sign]:
    found = _year(house, stands_on, standing, on, months=0)
    probability = standing.model.probabilities(found.cohort.columns, controller=house.register.controller.id)
    return drift.watch(standing.reference, found.cohort.columns, probability, limits=facts.settings()["drift"])


def _outcomes(house: House, stands_on: Ground, standing: Standing, on: date) -> list[drift.Sign]:
    found = _year(house, stands_on, standing, on, months=facts.settings()["outcome"]["months"])
    probability = standing.model.probabilities(found.cohort.columns, controller=house.register.controller.id)
    judged, ones = measures.Judged(probability, found.cohort.happened), np.ones(len(found.cohort))
    ratio, slope = measures.observed_over_expected(judged, ones), measures.slope(judged, ones)
    return drift.outcomes_known(ratio, slope, limits=facts.settings()["drift"])


def _year(house: House, stands_on: Ground, standing: Standing, on: date, *, months: int) -> Year:
    wanted = [one for one in known() if one.name in standing.model.features]
    found = year(house, stands_on, on, wanted, months=months)
    if missing := sorted({*standing.model.features} - {*found.cohort.columns}):
        raise DoesNotHold(
            f"the records do not give these features of the model: {', '.join(missing)}",
            code="model-feature-missing",
            next_step="land the records they are made of, or train a model without them",
        )
    return found
