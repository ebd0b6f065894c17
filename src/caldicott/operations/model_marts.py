"""Which marts a model may learn from: those known on the day, of whom objections leave, in the facts that are allowed.

A month counts as known once it has come in. Where years came in one delivery
(a back-load), when each month would have come is not known; then a lag is
assumed and the report says of how many months.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from caldicott.engines.duckdb.model_features import ModelMarts
from caldicott.engines.duckdb.risk_people import DuckDbRiskPeople
from caldicott.facts import models as facts
from caldicott.operations.people import gather, give_tokens
from caldicott.operations.perform import House, ask, permits
from caldicott.operations.stratify import barring_of, concerning
from caldicott.operations.stratify_plan import makes_scores
from caldicott.policy.decision import Permit, Request
from caldicott.stores import models as store_models
from caldicott.stores.mart_seals import intact
from caldicott.vocabulary.errors import DoesNotHold, WrongUsage
from caldicott.vocabulary.formats import DataFormat

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pyarrow as pa

    from caldicott.register.model import ProcessingActivity
    from caldicott.stores.catalogue import SubmissionRecord

EMERGENCIES: Final = "sus-apc"
_LISTS: Final = frozenset({"gp-patients"})
"""Who is registered and since when: a standing list, which says itself since when each line holds."""


@dataclass(frozen=True)
class Ground:
    """What a model stands on: the files, who remains today, and what of it was allowed."""

    entry: ProcessingActivity
    files: dict[str, dict[str, list[Path]]]
    """Dataset to month to files."""
    remaining: pa.Table
    whitelist: frozenset[str]
    submissions: Sequence[SubmissionRecord]
    areas: dict[str, int] = field(default_factory=dict)

    @property
    def first_month(self) -> str:
        """The first month of which there are admissions."""
        return min(self.files[EMERGENCIES])

    def months_before(self, on: date) -> int:
        """How many whole months of admissions there are up to a day."""
        year, month = (int(part) for part in self.first_month.split("-"))
        return (on.year - year) * 12 + on.month - month + (1 if is_month_end(on) else 0)


def ground(house: House, activity: str) -> Ground:
    """Ask, gather who remains today, and find the marts of the latest run.

    Raises:
        Refused: the register does not let records be joined for it today.
        DoesNotHold: there is no mart yet.
    """
    entry = house.register.activity(activity)
    if entry is None or not makes_scores(entry) or entry.pseudonym_domain is None:
        raise WrongUsage(
            "no risk scores come out of this activity", code="activity-without-scores", where="--activity",
            next_step="name the activity whose outgoing dataset is risk-scores",
        )  # fmt: skip
    submissions = concerning(house.store.catalogue.submissions(), activity)
    granted = _granted(house, entry, submissions)
    files: dict[str, dict[str, list[Path]]] = {}
    for file in intact(house.store, "mart", activity):
        dataset, month = file.part.split("/")
        if dataset in granted:
            files.setdefault(dataset, {}).setdefault(month, []).append(house.store.root / file.path)
    if not files.get(EMERGENCIES):
        raise DoesNotHold(
            "there is no mart of hospital admissions of this activity yet", code="mart-missing",
            next_step=f"make it first: `caldicott run REGISTER --store DIR --activity {activity}`",
        )  # fmt: skip
    remaining = _remaining(house, entry, [s for s in submissions if s.dataset in granted], granted)
    loaded = store_models.areas(house.store).get("tenths", {})
    return Ground(entry, files, remaining, frozenset(entry.inputs_whitelist or ()), submissions, loaded)


def _granted(house: House, entry: ProcessingActivity, submissions: Sequence[SubmissionRecord]) -> dict[str, Permit]:
    datasets = sorted({s.dataset for s in submissions})
    requests = [
        Request("dscro_operator", entry.id, dataset, DataFormat.PSEUDONYMISED, action="link")
        for dataset in datasets or [EMERGENCIES]
    ]
    answers = ask(house, requests)
    granted = {str(a.request.dataset): a for a in answers if isinstance(a, Permit)}
    if EMERGENCIES not in granted:
        permits([a for a in answers if not isinstance(a, Permit)] or answers)
    return granted


def _remaining(
    house: House, entry: ProcessingActivity, submissions: Sequence[SubmissionRecord], granted: dict[str, Permit]
) -> pa.Table:
    """Tokens of those whom no objection of the activity bars today: who objected since the run is out as well."""
    people = gather(house, submissions, granted)
    give_tokens(house, people, entry.pseudonym_domain)  # type: ignore[arg-type]  # the caller saw it
    barring = barring_of(entry)
    for dataset in granted:
        barring |= people.mask(dataset)
    return DuckDbRiskPeople(people.engine, barring=barring).remaining()


@dataclass(frozen=True)
class AsOf:
    """The marts as they were known for scores as of a day, and how many months' coming in was assumed or too late."""

    marts: ModelMarts
    months_assumed: int
    months_not_known: int


def as_of(stands_on: Ground, on: date, *, all_known: bool = False) -> AsOf:
    """Only files of months up to the day that had come in by the time its scores would have been made."""
    settings = facts.settings()["received"]
    files: dict[str, list[Path]] = {}
    assumed = late = 0
    for dataset, months in stands_on.files.items():
        for month, paths in sorted(months.items()):
            if dataset in _LISTS or all_known:
                files.setdefault(dataset, []).extend(paths)
                continue
            if month > f"{on:%Y-%m}":
                continue
            received, is_assumed = _received(stands_on.submissions, dataset, month, settings)
            if received > on + timedelta(days=settings["known_after_days"]):
                late += 1
                continue
            assumed += is_assumed
            files.setdefault(dataset, []).extend(paths)
    groups = {row["code"]: row["group"] for row in facts.rows("ethnic_groups.csv")}
    after = [path for paths in stands_on.files[EMERGENCIES].values() for path in paths]
    marts = ModelMarts(files, stands_on.whitelist, on, stands_on.areas, groups, after)
    return AsOf(marts, assumed, late)


def _received(
    submissions: Sequence[SubmissionRecord], dataset: str, month: str, settings: dict[str, Any]
) -> tuple[date, bool]:
    """The day a month first came in, and whether that had to be assumed."""
    year, number = (int(part) for part in month.split("-"))
    first, last = date(year, number, 1), date(year, number, calendar.monthrange(year, number)[1])
    came = [
        datetime.fromisoformat(s.extracted).date()
        for s in submissions
        if s.dataset == dataset and s.period_from <= last.isoformat() and s.period_to >= first.isoformat()
    ]
    if came and (min(came) - last).days <= settings["back_load_after_days"]:
        return min(came), False
    return last + timedelta(days=settings["assumed_lag_days"]), True


def is_month_end(on: date) -> bool:
    """Whether a day is the last of its month."""
    return on.day == calendar.monthrange(on.year, on.month)[1]


def months_earlier(on: date, months: int) -> date:
    """The end of the month so many months before."""
    place = on.year * 12 + on.month - 1 - months
    year, month = divmod(place, 12)
    return date(year, month + 1, calendar.monthrange(year, month + 1)[1])
