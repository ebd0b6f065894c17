"""Each figure of the report equals scikit-learn's, or what a hand works out."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from caldicott.stratification.model import drift, fitting, judging, measures
from caldicott.stratification.model.measures import Judged
from caldicott.vocabulary.errors import DoesNotHold

CHANCE = np.random.default_rng(3)
PROBABILITY = np.round(CHANCE.beta(1, 9, 3_000), 2)  # rounded, so that many are equal
HAPPENED = CHANCE.random(3_000) < PROBABILITY
JUDGED = Judged(PROBABILITY, HAPPENED)
ONES = np.ones(3_000)
REPORT = {
    "bootstraps": 30, "top_percents": [2, 5], "practice_top_percent": 2, "curve": [0.1], "operating_thresholds": [0.1],
    "least_persons_in_group": 50, "least_events_in_group": 10, "round_to": 5,
}  # fmt: skip


def cohort(count=3_000, *, columns=None, practice=None):
    """People of the probabilities above."""
    none = np.full(count, np.nan)
    groups = {"age": none, "tenth": none, "sex": np.full(count, None), "ethnic": np.full(count, None)}
    where = np.full(count, "Z80001", dtype=object) if practice is None else practice
    return fitting.Cohort(columns or {"x": PROBABILITY[:count]}, HAPPENED[:count], np.zeros(count, bool), where, groups)


def test_discrimination_equals_scikit_learns():
    """AUROC and average precision, equal probabilities and weights included."""
    weights = measures.draws(3_000, times=1, seed=1)[0]
    by_person = np.empty(3_000)
    by_person[JUDGED.order] = weights
    assert measures.auroc(JUDGED, ONES) == pytest.approx(metrics.roc_auc_score(HAPPENED, PROBABILITY))
    assert measures.auroc(JUDGED, weights) == pytest.approx(
        metrics.roc_auc_score(HAPPENED, PROBABILITY, sample_weight=by_person)
    )
    assert measures.auprc(JUDGED, ONES) == pytest.approx(metrics.average_precision_score(HAPPENED, PROBABILITY))
    assert measures.brier(JUDGED, ONES) == pytest.approx(metrics.brier_score_loss(HAPPENED, PROBABILITY))


def test_calibration_finds_what_was_put_in():
    """Outcomes drawn from the probabilities have slope 1 and intercept 0; doubled logits have slope one half."""
    wide = Judged(measures.logit(PROBABILITY.clip(0.01)) * 0 + CHANCE.random(3_000), HAPPENED)
    assert measures.slope(JUDGED, ONES) == pytest.approx(1, abs=0.25)
    assert measures.observed_over_expected(JUDGED, ONES) == pytest.approx(1, abs=0.1)
    sums = CHANCE.normal(-2, 1, 40_000)
    drawn = (CHANCE.random(40_000) < 1 / (1 + np.exp(-sums))).astype(float)
    intercept, slope = measures.calibration(sums * 2, drawn, np.ones(40_000)) or (0, 0)
    assert (intercept, slope) == (pytest.approx(0, abs=0.08), pytest.approx(0.5, abs=0.03))
    alone = measures.calibration(sums + 1, drawn, np.ones(40_000), slope=False)
    assert alone == (pytest.approx(-1, abs=0.05), 1.0)
    assert measures.auroc(wide, ONES) == pytest.approx(0.5, abs=0.05)


def test_the_top_is_counted_by_hand():
    """Ten people: the top 20 per cent are two; who is equal to the last one is in as well."""
    judged = Judged(
        np.array([0.9, 0.8, 0.8, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]), np.array([1, 0, 1, 1, 0, 0, 0, 0, 0, 0], bool)
    )
    flagged = measures.flagged_at(judged, 20)
    ones = np.ones(10)
    assert flagged.sum() == 3
    assert measures.ppv(judged, ones, flagged) == pytest.approx(2 / 3)
    assert measures.sensitivity(judged, ones, flagged) == pytest.approx(2 / 3)
    # At 0.5: two true, one false among ten, and a false one weighs 0.5 / 0.5.
    assert measures.net_benefit(judged, ones, 0.5) == pytest.approx((2 - 1) / 10)
    assert measures.treat_all(judged, ones, 0.5) == pytest.approx(0.3 - 0.7)
    assert measures.by_decile(judged, 2)[0] == (5, 3, pytest.approx(2.7), pytest.approx(3 / 2.7))


def test_an_interval_holds_its_value_and_is_the_same_each_time():
    """Seeded: the same draws each time, around the value."""
    first, again = (
        measures.with_interval(measures.auroc, JUDGED, measures.draws(3_000, times=50, seed=9)) for _ in range(2)
    )
    assert first == again
    assert first.low < first.value < first.high


def test_who_stays_at_the_top_is_a_share():
    """Of the two at the top one is there later too."""
    now, later = np.array([0.9, 0.8, 0.1, 0.1]), np.array([0.9, 0.1, 0.8, 0.1])
    assert measures_stability(now, later) == pytest.approx(0.5)


def measures_stability(now, later):
    return judging.stability(now, later, percent=50)


def test_small_groups_have_no_figures():
    """Under 50 people or 10 events, or 10 without one, nothing is said of a group but that it is small."""
    practice = np.full(3_000, "Z80001", dtype=object)
    practice[:40] = "Z80002"
    bench = judging.Bench(REPORT, 1)
    found = {
        one["group"]: one for one in judging.judge_groups(PROBABILITY, cohort(practice=practice), bench)["practice"]
    }
    assert found["Z80002"] == {"group": "Z80002", "too_few": True}
    assert found["Z80001"]["persons"] == 2_960
    assert bench.is_too_few(60, 55)


def test_the_challenger_must_stand_clear_of_chance():
    """The same scores gain nothing and are not adopted; a seer is."""
    bench = judging.Bench(REPORT, 1)
    assert judging.compare(PROBABILITY, PROBABILITY, cohort(), bench)["adopted"] is False
    seer = np.where(HAPPENED, 0.99, 0.01)
    assert judging.compare(seer, PROBABILITY, cohort(), bench)["adopted"] is True
    assert judging.compare(PROBABILITY, seer, cohort(), bench)["adopted"] is False


def test_a_feature_that_tells_the_outcome_is_taken_for_a_leak():
    """What only a leak can do refuses the training and is named."""
    leaking = cohort(columns={"honest": PROBABILITY, "leak": HAPPENED.astype(float)})
    with pytest.raises(DoesNotHold) as refused:
        fitting.require_no_leak(leaking, 0.95)
    assert refused.value.code == "feature-tells-outcome"
    assert "leak" in refused.value.what
    assert "honest" not in refused.value.what


def test_drift_is_told_by_the_shares():
    """The same people are fine; older people are an alarm; a feature that is gone is one too."""
    was = drift.reference({"age": PROBABILITY * 100}, PROBABILITY, bins=10)
    limits = {"psi_look": 0.1, "psi_alarm": 0.25, "mean_look": 0.1, "mean_alarm": 0.25}
    same = drift.watch(was, {"age": PROBABILITY * 100}, PROBABILITY, limits=limits)
    older = drift.watch(was, {"age": PROBABILITY * 100 + 30}, PROBABILITY * 1.3, limits=limits)
    gone = drift.watch(was, {}, PROBABILITY, limits=limits)
    assert drift.worst(same) == "fine"
    assert {one.name: one.says for one in older}["psi age"] == "alarm"
    assert {one.name: one.says for one in older}["mean score, change"] == "alarm"
    assert drift.worst(gone) == "alarm"
    assert measures.stability_index([0.5, 0.5], [0.6, 0.4]) == pytest.approx(0.1 * np.log(1.2) - 0.1 * np.log(0.8))


def test_outcomes_far_from_expected_are_an_alarm():
    """Within a tenth is fine, beyond a quarter is an alarm, unknown is to be looked at."""
    limits = {"oe_look": [0.9, 1.1], "oe_alarm": [0.8, 1.25], "slope_look": [0.9, 1.1], "slope_alarm": [0.8, 1.25]}
    assert [one.says for one in drift.outcomes_known(1.05, 0.85, limits=limits)] == ["fine", "look"]
    assert [one.says for one in drift.outcomes_known(1.3, None, limits=limits)] == ["alarm", "look"]
