"""The report's figures on the test year: the whole, by tenth, by threshold, by group; beside plain baselines.

Small groups have no figures and counts are rounded, so that the report can be
shown. Every figure has the interval of a seeded bootstrap over persons.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from caldicott.stratification.model import measures
from caldicott.stratification.model.measures import Figure, Judged, with_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from caldicott.stratification.model.fitting import Cohort

Floats = npt.NDArray[np.float64]
Measured = dict[str, Any]
WHOLE: Final = {
    "auroc": measures.auroc, "auprc": measures.auprc, "brier": measures.brier, "scaled brier": measures.scaled_brier,
    "slope": measures.slope, "intercept": measures.intercept, "observed over expected": measures.observed_over_expected,
}  # fmt: skip
_OF_A_GROUP: Final = ("auroc", "brier", "slope", "observed over expected")
_AGES: Final = ((0, "0-17"), (18, "18-39"), (40, "40-64"), (65, "65-74"), (75, "75-84"), (85, "85+"))
_WORK: Final = 20_000_000
_FEWEST_DRAWS: Final = 40
PRIOR: Final = "emergency-admissions-24-months"


@dataclass(frozen=True)
class Bench:
    """What is judged by: the settings of the report and the seed."""

    settings: Mapping[str, Any]
    seed: int

    def draws(self, count: int) -> list[Floats]:
        """Fewer for a large population, where intervals are narrow and draws dear."""
        times = int(np.clip(_WORK // max(count, 1), _FEWEST_DRAWS, self.settings["bootstraps"]))
        return measures.draws(count, times=times, seed=self.seed)

    def rounded(self, count: float) -> int:
        """A count as it may be shown."""
        step = int(self.settings["round_to"])
        return int(step * round(float(count) / step))

    def is_too_few(self, persons: int, events: int) -> bool:
        """Whether a group has no figures of its own: too few events, or too few without one."""
        least = self.settings["least_events_in_group"]
        return bool(persons < self.settings["least_persons_in_group"] or min(events, persons - events) < least)


def judge(probability: Floats, cohort: Cohort, bench: Bench) -> Measured:
    """Everything the report says of one model on one cohort."""
    judged = Judged(probability, cohort.happened)
    drawn = bench.draws(len(judged))
    return {
        "persons": bench.rounded(len(cohort)),
        "events": bench.rounded(cohort.happened.sum()),
        "bootstraps": len(drawn),
        "whole": _figures(WHOLE, judged, drawn),
        "deciles": _deciles(judged, bench),
        "top": [_top(judged, cohort, percent, drawn, bench) for percent in bench.settings["top_percents"]],
        "practice_top": _practice_top(probability, cohort, bench),
        "curve": [_benefit(judged, threshold, drawn) for threshold in bench.settings["curve"]],
    }


def judge_groups(probability: Floats, cohort: Cohort, bench: Bench) -> dict[str, list[Measured]]:
    """The figures by age, sex, ethnic group, deprivation and practice; flagged are the top 5 per cent of all."""
    flagged = np.zeros(len(cohort), dtype=np.bool_)
    judged = Judged(probability, cohort.happened)
    flagged[judged.order] = measures.flagged_at(judged, 5)
    found = {}
    for name, labels in _labels(cohort).items():
        found[name] = [
            _group(str(label), labels == label, probability=probability, cohort=cohort, flagged=flagged, bench=bench)
            for label in sorted({*labels})
        ]
    return found


def judge_plainly(probability: Floats, cohort: Cohort, bench: Bench) -> Measured:
    """The short version, for baselines and for parts of the cohort."""
    if bench.is_too_few(len(cohort), int(cohort.happened.sum())):
        return {"too_few": True}
    judged = Judged(probability, cohort.happened)
    drawn = bench.draws(len(judged))
    flagged = measures.flagged_at(judged, 2)
    return {
        "persons": bench.rounded(len(cohort)),
        "events": bench.rounded(cohort.happened.sum()),
        **_figures(WHOLE, judged, drawn),
        "ppv at top 2%": _figure(lambda j, w: measures.ppv(j, w, flagged), judged, drawn),
    }


def compare(challenger: Floats, ours: Floats, cohort: Cohort, bench: Bench) -> Measured:
    """Whether the challenger's net benefit is above ours, beyond the interval, at every operating threshold."""
    first, second = Judged(challenger, cohort.happened), Judged(ours, cohort.happened)
    rows = []
    for threshold in bench.settings["operating_thresholds"]:
        gains = []
        for weights in [np.ones(len(cohort)), *bench.draws(len(cohort))]:
            # One draw is one set of persons, so both models are judged on the same ones.
            theirs = measures.net_benefit(first, weights[first.order], threshold)
            mine = measures.net_benefit(second, weights[second.order], threshold)
            gains.append((theirs or 0.0) - (mine or 0.0))
        low, high = measures.interval(gains[1:])
        rows.append({"threshold": threshold, "gain": asdict(Figure(gains[0], low, high))})
    return {"thresholds": rows, "adopted": all((row["gain"]["low"] or 0.0) > 0 for row in rows)}


def stability(now: Floats, later: Floats, *, percent: float = 2) -> float | None:
    """Of the top so many per cent, the share who are there a month later too. Same persons, same order."""
    if not len(now):
        return None
    first, second = (
        values >= np.sort(values)[::-1][max(1, round(len(values) * percent / 100)) - 1] for values in (now, later)
    )
    return float((first & second).sum() / first.sum())


def _figures(
    wanted: Mapping[str, Callable[[Judged, Floats], float | None]], judged: Judged, drawn: Sequence[Floats]
) -> dict[str, Any]:
    return {name: _figure(measure, judged, drawn) for name, measure in wanted.items()}


def _figure(
    measure: Callable[[Judged, Floats], float | None], judged: Judged, drawn: Sequence[Floats]
) -> dict[str, Any]:
    return asdict(with_interval(measure, judged, drawn))


def _deciles(judged: Judged, bench: Bench) -> list[Measured]:
    return [
        {"tenth": place, "persons": bench.rounded(persons), "observed": bench.rounded(events),
         "expected": round(expected, 1), "observed over expected": round(ratio, 3)}
        for place, (persons, events, expected, ratio) in enumerate(measures.by_decile(judged), start=1)
    ]  # fmt: skip


def _top(judged: Judged, cohort: Cohort, percent: float, drawn: Sequence[Floats], bench: Bench) -> Measured:
    flagged = measures.flagged_at(judged, percent)
    prior = cohort.columns.get(PRIOR)
    without = None if prior is None else float((prior[judged.order][flagged] == 0).mean())
    few = int(flagged.sum()) < bench.settings["least_persons_in_group"]
    return {
        "percent": percent,
        "flagged": bench.rounded(flagged.sum()),
        "threshold": round(float(judged.p[flagged].min()), 4),
        "ppv": _figure(lambda j, w: measures.ppv(j, w, flagged), judged, drawn),
        "sensitivity": _figure(lambda j, w: measures.sensitivity(j, w, flagged), judged, drawn),
        "without_admission_in_two_years": None if few else without,
    }


def _practice_top(probability: Floats, cohort: Cohort, bench: Bench) -> Measured:
    """The top share of each practice, as one list of flagged people."""
    percent = float(bench.settings["practice_top_percent"])
    flagged = np.zeros(len(cohort), dtype=np.bool_)
    for practice in {*cohort.practice} - {None}:
        mine = np.flatnonzero(cohort.practice == practice)
        last = np.sort(probability[mine])[::-1][max(1, round(len(mine) * percent / 100)) - 1]
        flagged[mine[probability[mine] >= last]] = True
    judged = Judged(probability, cohort.happened)
    drawn, in_order = bench.draws(len(judged)), flagged[judged.order]
    return {
        "percent": percent,
        "practices": len({*cohort.practice} - {None}),
        "flagged": bench.rounded(flagged.sum()),
        "ppv": _figure(lambda j, w: measures.ppv(j, w, in_order), judged, drawn),
        "sensitivity": _figure(lambda j, w: measures.sensitivity(j, w, in_order), judged, drawn),
    }


def _benefit(judged: Judged, threshold: float, drawn: Sequence[Floats]) -> Measured:
    return {
        "threshold": threshold,
        "model": _figure(lambda j, w: measures.net_benefit(j, w, threshold), judged, drawn),
        "everybody": measures.treat_all(judged, np.ones(len(judged)), threshold),
    }


def _group(
    label: str, mine: npt.NDArray[Any], *, probability: Floats, cohort: Cohort, flagged: npt.NDArray[Any], bench: Bench
) -> Measured:
    persons, events = int(mine.sum()), int(cohort.happened[mine].sum())
    if bench.is_too_few(persons, events):
        return {"group": label, "too_few": True}
    judged = Judged(probability[mine], cohort.happened[mine])
    drawn, in_order = bench.draws(persons), flagged[mine][judged.order]
    return {
        "group": label,
        "persons": bench.rounded(persons),
        "events": bench.rounded(events),
        **_figures({name: WHOLE[name] for name in _OF_A_GROUP}, judged, drawn),
        "ppv": _figure(lambda j, w: measures.ppv(j, w, in_order), judged, drawn),
        "sensitivity": _figure(lambda j, w: measures.sensitivity(j, w, in_order), judged, drawn),
    }


def _labels(cohort: Cohort) -> dict[str, npt.NDArray[Any]]:
    age = cohort.groups["age"]
    bands = np.array([_band(one) for one in age], dtype=object)
    fifths = np.array([_fifth(one) for one in cohort.groups["tenth"]], dtype=object)
    named = {
        name: np.array([str(one) if one is not None else "not known" for one in cohort.groups[name]], dtype=object)
        for name in ("sex", "ethnic")
    }
    practice = np.array([str(one) if one is not None else "none" for one in cohort.practice], dtype=object)
    return {
        "age": bands,
        "sex": named["sex"],
        "ethnic group": named["ethnic"],
        "deprivation": fifths,
        "practice": practice,
    }


def _band(age: float) -> str:
    return "not known" if np.isnan(age) else [name for start, name in _AGES if age >= start][-1]


def _fifth(tenth: float) -> str:
    if np.isnan(tenth):
        return "not known"
    fifth = int((tenth + 1) // 2)
    return {1: "1 (most deprived)", 5: "5 (least deprived)"}.get(fifth, str(fifth))
