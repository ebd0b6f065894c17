"""Training: three days a year apart, models compared, the better one calibrated, judged, described and kept.

Nobody looks at a record meanwhile. Whoever objects today has no row in any of the
tables, and the model that is kept is a sum of terms, no row of anybody.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from caldicott.engines.duckdb.model_features import ModelTables
from caldicott.facts import models as facts
from caldicott.operations.model_marts import Ground, as_of, ground, is_month_end, months_earlier
from caldicott.operations.perform import Act, House, perform
from caldicott.operations.stratify import reaches_to
from caldicott.operations.stratify_plan import RISK_SCORES
from caldicott.stores import models as store_models
from caldicott.stratification.model import drift, fitting, form, judging, measures
from caldicott.stratification.model.features import allowed, known, within_reach
from caldicott.stratification.model.papers import papers
from caldicott.stratification.model.state import Life, Said, State, as_record, from_record
from caldicott.vocabulary.errors import DoesNotHold, ProgramFault
from caldicott.vocabulary.formats import DataFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    import numpy.typing as npt
    import pyarrow as pa

    from caldicott.stratification.model.features import Feature
    from caldicott.stratification.model.fitting import Cohort
    from caldicott.stratification.model.form import Model

KINDS: Final = ("logistic", "ebm", "trees")
PREDICTOR_WORD: Final = "ethnic_category_as_predictor"
_SQL_MAY_DIFFER: Final = 1e-9
_BASELINES: Final = {
    "earlier emergency admissions alone": ("emergency-admissions-12-months",),
    "age and sex alone": ("age", "female"),
    "hospital frailty score alone": ("hfrs",),
}


@dataclass(frozen=True)
class Trained:
    """What was made."""

    life: Life
    report: dict[str, Any]
    folder: str


@dataclass(frozen=True)
class Year:
    """One day's people, the tables they came from, and how the records had come in."""

    on: date
    tables: ModelTables
    cohort: Cohort
    tokens: pa.Array
    months_assumed: int
    months_not_known: int


def train(
    house: House,
    *,
    activity: str,
    features: Sequence[Feature] | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> Trained:
    """Train, judge and keep a model in the state research.

    Raises:
        Refused: the register does not let records be joined for it today.
        DoesNotHold: too few years, persons or admissions; a feature that knows too much.
    """
    stands_on = ground(house, activity)
    return perform(
        house,
        event="model-train",
        activity=activity,
        compute=lambda: _compute(house, stands_on, known() if features is None else tuple(features), told),
    )


def _compute(house: House, stands_on: Ground, wanted: tuple[Feature, ...], told: Callable[[str], None]) -> Act[Trained]:
    settings, activity = facts.settings(), stands_on.entry.id
    months = settings["outcome"]["months"]
    days = _days(house, stands_on, months)
    usable = within_reach(allowed(wanted, stands_on.whitelist), stands_on.months_before(days[0]))
    years = []
    for day in days:
        told(f"features as of {day}")
        asked = (
            usable
            if day != days[-1]
            else within_reach(allowed(wanted, stands_on.whitelist), stands_on.months_before(day))
        )
        years.append(year(house, stands_on, day, asked, months=months))
    made = _Made(house, stands_on, usable, years, told)
    report = made.report()
    counts = {
        "persons": len(made.test.cohort), "events": int(made.test.cohort.happened.sum()),
        "features": len(made.model.features),
    }  # fmt: skip
    trained, keep = _keeping(house, activity, made, report)
    references = (made.model.name, made.model.sha256, report["settings_sha256"])
    return Act(
        trained, keep, counts=counts, references=references, dataset=RISK_SCORES,
        format=DataFormat.PSEUDONYMISED.value, days=tuple(days),
    )  # fmt: skip


def _keeping(house: House, activity: str, made: _Made, report: dict[str, Any]) -> tuple[Trained, Callable[[], None]]:
    """The new model staged, and what makes it known. One that is there already keeps its files and its state."""
    folder = str(store_models.folder_of(house.store, activity, made.model.name))
    there = store_models.lives(house.store, activity)
    for one in there:
        if one["sha256"] == made.model.sha256:
            return Trained(from_record(one), report, folder), lambda: None
    record = {**form.as_record(made.model), "reference": made.reference()}
    files = {
        store_models.MODEL_FILE: json.dumps(record, indent=1),
        "report.json": json.dumps(report, indent=1),
        **papers(report),
    }
    staged = store_models.write(house.store, activity, made.model.name, files)
    today = house.today.isoformat()
    life = Life(
        made.model.name, made.model.sha256, house.actor, today, made.test.on.isoformat(),
        f"{store_models.PLACE}/{activity}/{made.model.name}/{store_models.MODEL_FILE}",
        (Said(State.RESEARCH, today, house.actor, house.role),),
    )  # fmt: skip

    def keep() -> None:
        house.store.catalogue.add_files(staged)
        store_models.keep_lives(house.store, activity, [*there, as_record(life)])

    return Trained(life, report, folder), keep


def _days(house: House, stands_on: Ground, months: int) -> list[date]:
    """The days of fitting, validation and test: a year apart, the last one so early that its outcomes are known."""
    reach = reaches_to(stands_on.submissions, house.today)
    reach = reach if is_month_end(reach) else months_earlier(reach, 1)
    days = [months_earlier(reach, months * back) for back in (3, 2, 1)]
    if stands_on.months_before(days[0]) < months:
        raise DoesNotHold(
            "the records do not reach back far enough to train: a year to look back on, and three years of outcomes",
            code="too-few-years",
            next_step=f"land admissions from {months_earlier(days[0], months)} on, or wait",
        )
    return days


def year(house: House, stands_on: Ground, on: date, features: Sequence[Feature], *, months: int) -> Year:
    """Features as of a day; with `months` also what had happened so many months later."""
    found = as_of(stands_on, on)
    tables = ModelTables(found.marts)
    tables.meet(stands_on.remaining)
    scratch = house.store.root / "marts"
    tables.make(features, scratch)
    rows = tables.rows(months=months)
    return Year(
        on,
        tables,
        _cohort(rows, tables.made, months),
        rows.column("person_token"),
        found.months_assumed,
        found.months_not_known,
    )


def _cohort(rows: pa.Table, names: Sequence[str], months: int) -> Cohort:
    def numbers(name: str) -> Any:
        return np.asarray(rows.column(name).cast("double").to_numpy(zero_copy_only=False), dtype=np.float64)

    def words(name: str) -> Any:
        return np.array(rows.column(name).to_pylist(), dtype=object)

    nobody = np.zeros(rows.num_rows, dtype=np.bool_)
    happened, died = (
        np.array(rows.column(name).to_pylist(), dtype=np.bool_) if months else nobody for name in ("happened", "died")
    )
    groups = {
        "age": numbers("group_age"), "tenth": numbers("group_tenth"),
        "sex": words("group_sex"), "ethnic": words("group_ethnic"),
    }  # fmt: skip
    return fitting.Cohort({name: numbers(name) for name in names}, happened, died, words("practice"), groups)


class _Made:
    """Everything that follows from the three years."""

    def __init__(
        self,
        house: House,
        stands_on: Ground,
        usable: Sequence[Feature],
        years: Sequence[Year],
        told: Callable[[str], None],
    ) -> None:
        self._house, self._ground, self._years = house, stands_on, years
        self._settings = facts.settings()
        self._training = self._settings["training"]
        self._bench = judging.Bench(self._settings["report"], self._training["seed"])
        self.controller = house.register.controller.id
        first, second, self.test = years
        self._features = [one for one in usable if all(one.name in each.cohort.columns for each in years)]
        self._unseen = unseen_practices(first.cohort, self._training)
        self.train = self._seen(first.cohort).only(first_of(self._training["most_persons"], first.cohort, self._unseen))
        self.validate = self._seen(second.cohort)
        fitting.require_enough(self.train, self._training)
        for cohort in (self.train, self.test.cohort):
            fitting.require_no_leak(cohort, self._training["suspicious_auroc"])
        told("fitting")
        self._candidates = self._fitted()
        told("judging")
        self.challenger = judging.compare(*self._told_by("trees", self._better()), self.test.cohort, self._bench)
        self.model = self._candidates["trees" if self.challenger["adopted"] else self._better()]
        self.probability = self.model.probabilities(self.test.cohort.columns, controller=self.controller)
        self._hold_sql_against_it()

    def reference(self) -> dict[str, Any]:
        """What later months are held against: spread of features and scores, no row."""
        columns = {name: self.test.cohort.columns[name] for name in self.model.features}
        return drift.reference(columns, self.probability, bins=self._settings["drift"]["bins"])

    def report(self) -> dict[str, Any]:
        """All that the papers say."""
        test, words = self.test.cohort, {one.name: one.plain for one in self._features}
        settings_hash = hashlib.sha256(
            json.dumps([self._settings, facts.features()], sort_keys=True).encode()
        ).hexdigest()
        unseen = np.isin(test.practice.astype(str), [*self._unseen])
        survived = ~test.died
        return {
            "name": self.model.name,
            "sha256": self.model.sha256,
            "settings_sha256": settings_hash,
            "kind": self.model.kind,
            "outcome": self.model.outcome,
            "activity": self._ground.entry.id,
            "invented": self._house.register.controller.settings.test_numbers_allowed,
            "train_on": self._years[0].on.isoformat(),
            "validate_on": self._years[1].on.isoformat(),
            "test_on": self.test.on.isoformat(),
            "first_month": self._ground.first_month,
            "practices": len({*test.practice} - {None}),
            "held_out_practices": len(self._unseen),
            "months_assumed": sum(one.months_assumed for one in self._years),
            "months_not_known": sum(one.months_not_known for one in self._years),
            "train_persons": self._bench.rounded(len(self.train)),
            "train_events": self._bench.rounded(self.train.happened.sum()),
            "features": list(self.model.features),
            "features_plain": [words[name] for name in self.model.features],
            "ethnicity": "yes, the register says so" if PREDICTOR_WORD in self._ground.whitelist else "no",
            "test": judging.judge(self.probability, test, self._bench),
            "without_deaths": judging.judge_plainly(self.probability[survived], test.only(survived), self._bench),
            "unseen_practices": judging.judge_plainly(self.probability[unseen], test.only(unseen), self._bench),
            "groups": judging.judge_groups(self.probability, test, self._bench),
            "compared": {**self._baselines(), **self._others()},
            "challenger": self.challenger,
            "stability": self._stability(),
            "weak": self._weak(),
        }

    def _seen(self, cohort: Cohort) -> Cohort:
        return cohort.only(~np.isin(cohort.practice.astype(str), [*self._unseen]))

    def _fitted(self) -> dict[str, Model]:
        outcome = self._settings["outcome"]["name"]
        fits = {
            "logistic": fitting.logistic_model(
                self.train, self.validate, self._features, self._training, outcome=outcome
            ),
            "ebm": fitting.ebm_model(self.train, self._features, self._training, outcome=outcome),
            "trees": fitting.trees_model(self.train, self._features, self._training, outcome=outcome),
        }
        return {kind: fitting.calibrated(fit, self.validate, controller=self.controller) for kind, fit in fits.items()}

    def _better(self) -> str:
        """Of the two additive models, the one nearer to what happened in the validation year."""
        happened, ones = self.validate.happened, np.ones(len(self.validate))

        def distance(kind: str) -> float:
            p = self._candidates[kind].probabilities(self.validate.columns, controller=self.controller)
            return measures.brier(measures.Judged(p, happened), ones) or 0.0

        return min(("logistic", "ebm"), key=distance)

    def _told_by(self, *kinds: str) -> tuple[Any, Any]:
        first, second = (
            self._candidates[kind].probabilities(self.test.cohort.columns, controller=self.controller) for kind in kinds
        )
        return first, second

    def _baselines(self) -> dict[str, Any]:
        found = {}
        for name, wanted in _BASELINES.items():
            features = [one for one in self._features if one.name in wanted]
            if features:
                model = fitting.logistic_model(self.train, self.validate, features, self._training, outcome=name)
                found[name] = self._plainly(fitting.calibrated(model, self.validate, controller=self.controller))
        return found

    def _others(self) -> dict[str, Any]:
        names = {"logistic": "elastic net", "ebm": "EBM", "trees": "trees (LightGBM)"}
        return {names[kind]: self._plainly(model) for kind, model in self._candidates.items() if model != self.model}

    def _plainly(self, model: Model) -> dict[str, Any]:
        probability = model.probabilities(self.test.cohort.columns, controller=self.controller)
        return judging.judge_plainly(probability, self.test.cohort, self._bench)

    def _stability(self) -> float | None:
        """Who is at the top a month later too, of those who are there in both months."""
        later_on = months_earlier(self.test.on, -1)
        later = year(self._house, self._ground, later_on, self._features, months=0)
        if any(name not in later.cohort.columns for name in self.model.features):
            return None
        then = self.model.probabilities(later.cohort.columns, controller=self.controller)
        _, first, second = np.intersect1d(self.test.tokens, later.tokens, return_indices=True)
        return judging.stability(self.probability[first], then[second])

    def _hold_sql_against_it(self) -> None:
        """The engine's expression must say the same of every person as the fitted model does."""
        by_sql = self.test.tables.probabilities(self.model, self.controller).column("probability").to_numpy()
        if not np.allclose(by_sql, self.probability, rtol=0, atol=_SQL_MAY_DIFFER):
            raise ProgramFault(
                "the model's SQL and the model itself do not say the same",
                code="model-sql-differs",
                next_step="report this; nothing was kept",
            )

    def _weak(self) -> list[str]:
        said = [
            "Ages are the year less the birth year, so one too high for about half.",
            "Sex, area and practice are as the newest lists say, not as they were on the day.",
            "Admissions to hospitals that send nothing are not known, neither before nor after.",
            "The validation year chose the strength and the kind and then calibrated them.",
            "What was done because of earlier scores is not known to the model.",
        ]
        if sum(one.months_assumed for one in self._years):
            said.append(
                "Years came in one delivery: when each month would have come was assumed; late corrections are in it."
            )
        if not self._ground.areas:
            said.append("No table of areas was loaded: nothing is said by deprivation.")
        return said


def unseen_practices(cohort: Cohort, training: dict[str, Any]) -> frozenset[str]:
    """Practices kept out of fitting and calibration: by a hash, so that the same ones stay out next time."""
    practices = sorted({str(one) for one in cohort.practice if one is not None})
    count = len(practices) * training["held_out_practices_percent"] // 100
    hashed = {name: hashlib.sha256(f"{training['seed']}/{name}".encode()).hexdigest() for name in practices}
    return frozenset(sorted(practices, key=lambda name: hashed[name])[:count])


def first_of(most: int, cohort: Cohort, unseen: frozenset[str]) -> npt.NDArray[np.int64]:
    """Places of the first persons in the order of their random token, where there are more than are fitted on."""
    seen = int((~np.isin(cohort.practice.astype(str), [*unseen])).sum())
    return np.arange(min(most, seen))
