"""Fitting: the elastic-net logistic model, the additive boosting model, the challenger of trees; then calibration.

scikit-learn, interpret and LightGBM do the fitting; what they found is read out
into our own form at once, so that nothing of theirs is needed to score.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from caldicott.stratification.model.form import Hinges, Model, Node, Steps, Tree
from caldicott.stratification.model.measures import Judged, auroc, calibration
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from caldicott.stratification.model.features import Feature

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, repr=False)
class Cohort:
    """People as of one day: features, what happened, and the groups they are reported in. No token."""

    columns: Mapping[str, Floats]
    happened: Bools
    died: Bools
    practice: npt.NDArray[Any]
    groups: Mapping[str, npt.NDArray[Any]]

    def __len__(self) -> int:
        return len(self.happened)

    def only(self, chosen: npt.NDArray[Any]) -> Cohort:
        """Those of a mask or of a list of places."""
        return Cohort(
            {name: column[chosen] for name, column in self.columns.items()},
            self.happened[chosen],
            self.died[chosen],
            self.practice[chosen],
            {name: group[chosen] for name, group in self.groups.items()},
        )


def require_enough(cohort: Cohort, settings: Mapping[str, Any]) -> None:
    """Too few persons or events give noise.

    Raises:
        DoesNotHold: they are too few.
    """
    events = int(cohort.happened.sum())
    if len(cohort) < settings["least_persons"] or events < settings["least_events"]:
        raise DoesNotHold(
            "there are too few persons or too few admissions to train a model",
            code="too-few-to-train",
            next_step=f"it takes {settings['least_persons']} persons and {settings['least_events']} with an admission; "
            "land more years or more practices (facts/models/settings.toml)",
        )


def require_no_leak(cohort: Cohort, most: float) -> None:
    """A single feature that tells the outcome nearly alone is taken for one made from the outcome.

    Raises:
        DoesNotHold: there is one.
    """
    ones = np.ones(len(cohort))
    found = []
    for name, column in cohort.columns.items():
        alone = auroc(Judged(np.nan_to_num(column, nan=-1.0), cohort.happened), ones)
        if alone is not None and max(alone, 1 - alone) > most:
            found.append(name)
    if found:
        raise DoesNotHold(
            f"these features tell the outcome almost alone, as only a leak does: {', '.join(sorted(found))}",
            code="feature-tells-outcome",
            next_step="find out what the feature is made from; nothing was trained",
        )


def logistic_model(
    train: Cohort, validate: Cohort, features: Sequence[Feature], settings: Mapping[str, Any], *, outcome: str
) -> Model:
    """The elastic net over bending lines; its strength is the one that foresees the validation year best."""
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

    features = [one for one in features if one.name in train.columns]
    basis, names = _basis(train, features)
    mean, spread = basis.mean(axis=0), basis.std(axis=0)
    spread[spread == 0] = 1.0
    tried: list[tuple[float, Model]] = []
    for strength in settings["strengths"]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a fit that stops at its limit is judged by what it foresees
            fit = LogisticRegression(
                solver="saga", C=strength, l1_ratio=settings["lasso_share"], max_iter=200, tol=1e-3,
                random_state=settings["seed"],
            ).fit((basis - mean) / spread, train.happened)  # fmt: skip
        weights = fit.coef_[0] / spread
        model = _as_hinges(features, names, weights, float(fit.intercept_[0] - (weights * mean).sum()), outcome)
        tried.append((_log_loss(model, validate), model))
    return min(tried, key=lambda one: one[0])[1]


def _basis(cohort: Cohort, features: Sequence[Feature]) -> tuple[Floats, list[tuple[str, float | None]]]:
    """A column for each knot of each feature, and one for its absence where anybody lacks it."""
    columns: list[Floats] = []
    names: list[tuple[str, float | None]] = []
    for one in features:
        number = cohort.columns[one.name]
        lacks = np.isnan(number)
        capped = np.minimum(np.where(lacks, one.knots[0], number), one.most)
        for knot in one.knots:
            columns.append(np.maximum(capped - knot, 0.0))
            names.append((one.name, knot))
        if lacks.any():
            columns.append(lacks.astype(np.float64))
            names.append((one.name, None))
    return np.column_stack(columns), names


def _as_hinges(
    features: Sequence[Feature], names: list[tuple[str, float | None]], weights: Floats, intercept: float, outcome: str
) -> Model:
    found = {name: float(weight) for name, weight in zip(names, weights, strict=True)}
    terms = tuple(
        Hinges(
            one.name,
            one.knots,
            tuple(found[one.name, knot] for knot in one.knots),
            one.most,
            found.get((one.name, None), 0.0),
        )
        for one in features
    )
    kept = tuple(term for term in terms if any(term.weights) or term.missing)
    return Model("logistic", outcome, tuple(term.feature for term in kept), intercept, kept)


def ebm_model(train: Cohort, features: Sequence[Feature], settings: Mapping[str, Any], *, outcome: str) -> Model:
    """Boosted staircases, one a feature and no interactions."""
    from interpret.glassbox import ExplainableBoostingClassifier  # type: ignore[import-untyped]

    names = [one.name for one in features if one.name in train.columns]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of missing numbers and of bags: both are meant
        fit = ExplainableBoostingClassifier(
            feature_names=names, feature_types=["continuous"] * len(names), interactions=0,
            max_bins=settings["ebm_bins"], outer_bags=settings["ebm_bags"], max_rounds=settings["ebm_rounds"],
            learning_rate=settings["ebm_learning_rate"], n_jobs=1, random_state=settings["seed"],
        ).fit(_matrix(train, names), train.happened)  # fmt: skip
    terms = []
    for place, name in enumerate(names):
        cuts, scores = [float(cut) for cut in fit.bins_[place][0]], fit.term_scores_[place]
        terms.append(_merged(Steps(name, tuple(cuts), tuple(float(one) for one in scores[1:-1]), float(scores[0]))))
    kept = tuple(term for term in terms if any(term.values) or term.missing)
    return Model("ebm", outcome, tuple(term.feature for term in kept), float(fit.intercept_[0]), kept)


def _merged(term: Steps) -> Steps:
    """Neighbouring steps of one height are one step: fewer forks, the same sums."""
    cuts, values = [], [term.values[0]]
    for cut, value in zip(term.cuts, term.values[1:], strict=True):
        if value != values[-1]:
            cuts.append(cut)
            values.append(value)
    return replace(term, cuts=tuple(cuts), values=tuple(values))


def trees_model(train: Cohort, features: Sequence[Feature], settings: Mapping[str, Any], *, outcome: str) -> Model:
    """The challenger: small boosted trees, which see what features mean together."""
    import lightgbm

    names = [one.name for one in features if one.name in train.columns]
    fit = lightgbm.train(
        {
            "objective": "binary", "num_leaves": settings["tree_leaves"], "verbosity": -1, "num_threads": 1,
            "learning_rate": settings["tree_learning_rate"], "seed": settings["seed"], "deterministic": True,
            "force_row_wise": True, "min_data_in_leaf": 50, "zero_as_missing": False,
        },
        lightgbm.Dataset(_matrix(train, names), label=train.happened.astype(np.float64), params={"verbosity": -1}),
        num_boost_round=settings["tree_count"],
    )  # fmt: skip
    told = fit.dump_model()
    trees = tuple(Tree(_node(one["tree_structure"], names)) for one in told["tree_info"])
    return Model("trees", outcome, tuple(names), 0.0, trees)


def _node(told: Mapping[str, Any], names: Sequence[str]) -> Node | float:
    if "split_feature" not in told:
        return float(told["leaf_value"])
    # Where training saw nothing missing, LightGBM takes a missing number for nought.
    as_nought = told["missing_type"] == "None"
    missing_left = bool(float(told["threshold"]) >= 0.0) if as_nought else bool(told["default_left"])
    return Node(
        names[told["split_feature"]],
        float(told["threshold"]),
        missing_left,
        _node(told["left_child"], names),
        _node(told["right_child"], names),
    )


def calibrated(model: Model, validate: Cohort, *, controller: str) -> Model:
    """Slope from the validation year, and the controller's own intercept beside it."""
    sums, ones = model.sums(validate.columns), np.ones(len(validate))
    found = calibration(sums, validate.happened.astype(np.float64), ones)
    if found is None:
        return replace(model, shifts={controller: 0.0})
    shift, slope = found
    return replace(model, slope=slope, shifts={controller: shift})


def _log_loss(model: Model, cohort: Cohort) -> float:
    p = np.clip(1 / (1 + np.exp(-model.sums(cohort.columns))), 1e-9, 1 - 1e-9)
    return float(-np.where(cohort.happened, np.log(p), np.log(1 - p)).mean())


def _matrix(cohort: Cohort, names: Sequence[str]) -> Floats:
    return np.column_stack([cohort.columns[name] for name in names])
