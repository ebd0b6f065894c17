"""The table builder: a dataset, a measure and dimensions make an indicator that nobody had to write a file for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from caldicott.analytics import expression
from caldicott.analytics.definition import Figure, Indicator, Source, Unit
from caldicott.analytics.dimension import registered
from caldicott.vocabulary.errors import WrongUsage

if TYPE_CHECKING:
    from collections.abc import Mapping

_COST: Final = "cost is known and cost >= 0"


@dataclass(frozen=True, slots=True)
class Built:
    """What the builder knows of a dataset."""

    title: str
    without: frozenset[str] = frozenset()
    """Hierarchies that its rows do not carry."""
    has_cost: bool = True
    minutes: str = ""
    persons: str = ""


_NO_SERVICE: Final = frozenset({"provider", "service"})
DATASETS: Final[Mapping[str, Built]] = {
    "sus-apc": Built("Hospital stays (episodes)"),
    "sus-op": Built("Outpatient appointments"),
    "sus-ec": Built("A&E attendances", minutes="minutes_in_department"),
    "urgent-care": Built("Urgent treatment centres", minutes="minutes_in_department"),
    "out-of-hours": Built("Out of hours contacts", minutes="contact_minutes"),
    "community": Built("Community contacts", has_cost=False, minutes="contact_minutes"),
    "mental-health": Built("Mental health contacts", has_cost=False, minutes="contact_minutes"),
    "social-care": Built("Social care events", without=frozenset({"deprivation"})),
    "gp-patients": Built("Registered people", without=_NO_SERVICE | {"time"}, has_cost=False),
    "gp-appointments": Built(
        "GP appointments", without=frozenset({"provider"}), has_cost=False, minutes="waited_minutes",
        persons="gp-patients",
    ),
    "gp-medications": Built("Medicines issued", without=frozenset({"provider"}), persons="gp-patients"),
}  # fmt: skip
MEASURES: Final[Mapping[str, str]] = {
    "people": "People", "events": "Events and people", "cost": "Sum and mean of cost", "minutes": "Mean of minutes",
    "percentile": "Minutes that one in ten exceed", "rate": "Events for every 1,000 registered people",
}  # fmt: skip
_EDGES: Final = (0, 15, 30, 60, 120, 180, 240, 360, 720)


def measures_of(dataset: str) -> dict[str, str]:
    """The measures that a dataset can be asked for."""
    known = _known(dataset)
    left = {"cost"} if not known.has_cost else set()
    left |= {"minutes", "percentile"} if not known.minutes else set()
    left |= {"rate"} if dataset == "gp-patients" else set()
    return {name: title for name, title in MEASURES.items() if name not in left}


def dimensions_of(dataset: str) -> tuple[str, ...]:
    """The dimensions that it can be asked by."""
    return tuple(name for name, one in registered().items() if one.hierarchy not in _known(dataset).without)


def built(dataset: str, measure: str) -> Indicator:
    """The indicator of that table.

    Raises:
        WrongUsage: the dataset or the measure is not to be had.
    """
    known = _known(dataset)
    if measure not in measures_of(dataset):
        raise WrongUsage(
            f"{dataset} has no such measure", code="measure-unknown", where=measure[:40],
            next_step=f"use one of: {', '.join(measures_of(dataset))}",
        )  # fmt: skip
    figures = {
        "people": Figure.PEOPLE, "events": Figure.EVENTS, "cost": Figure.SUM, "minutes": Figure.MEAN,
        "percentile": Figure.PERCENTILE, "rate": Figure.RATE,
    }  # fmt: skip
    where, amount = _where(known, measure)
    registered_people = Source("gp-patients", expression.claim("died_on is not known", where="builder"))
    return Indicator(
        id=f"table-{dataset}-{measure}", version=1, title=f"{known.title}: {MEASURES[measure].lower()}",
        definition=f"{MEASURES[measure]} in the dataset {dataset}.", citation="the table builder", status="verified",
        figure=figures[measure], counts=Unit.PEOPLE if measure == "people" else Unit.EVENTS,
        source=Source(dataset, expression.claim(where, where="builder"), known.persons),
        digest=hashlib.sha256(f"{dataset} {measure} 1".encode()).hexdigest(), dimensions=dimensions_of(dataset),
        amount=expression.value(amount, where="builder") if amount else None,
        amount_in="pounds" if measure == "cost" else "minutes", edges=_EDGES if measure == "percentile" else (),
        percentile=90, denominator=registered_people if measure == "rate" else None, per=1000,
        compared="funnel" if measure == "rate" else "",
    )  # fmt: skip


def _where(known: Built, measure: str) -> tuple[str, str]:
    if measure == "cost":
        return _COST, "cost"
    if measure in {"minutes", "percentile"}:
        return f"{known.minutes} is known and {known.minutes} >= 0", known.minutes
    return "", ""


def _known(dataset: str) -> Built:
    if dataset not in DATASETS:
        raise WrongUsage(
            "the table builder does not know this dataset", code="dataset-unknown", where=dataset[:40],
            next_step=f"use one of: {', '.join(DATASETS)}",
        )  # fmt: skip
    return DATASETS[dataset]
