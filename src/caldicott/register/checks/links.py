"""Nothing points at something that is not there, and what is pointed at was made for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.facts import governance
from caldicott.register.checks.finding import Finding, did_you_mean, firm, in_activity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from caldicott.register.model import ProcessingActivity, Register
    from caldicott.register.places import Path

Link = tuple[str, str, "Path", str]
"""Kind of thing, file, path, and the id it points at."""


def unknown_ids(register: Register) -> Iterator[Finding]:
    """Every id that names an organisation, instrument, activity or dataset which does not exist."""
    known = {
        "organisation": _organisations(register),
        "instrument": {entry.id for entry in register.instruments},
        "activity": {entry.id for entry in register.activities},
        "dataset": governance.column("datasets", "id"),
    }
    for kind, file, path, target in _links(register):
        if target not in known[kind]:
            what = f"no {kind} has the id `{target}`"
            # The flow map of an old notice names groups in its own words; nothing is decided by them.
            severity = firm(register) if path[0] == "flows" and kind == "organisation" else "error"
            yield Finding(file, path, what, did_you_mean(target, sorted(known[kind])), f"unknown-{kind}", severity)


def instruments_for_others(register: Register) -> Iterator[Finding]:
    """An instrument that lists its activities must list each that leans on it."""
    for activity in register.activities:
        for _, file, path, target in _instrument_links(activity):
            instrument = register.instrument(target)
            if instrument is not None and instrument.activities and activity.id not in instrument.activities:
                what = f"`{target}` was not made for the activity `{activity.id}`"
                next_step = (
                    f"add `{activity.id}` to the activities of `{target}` if the document says so, or lean on another"
                )
                yield Finding(file, path, what, next_step, "instrument-not-for-activity", firm(register))


def datasets_outside(register: Register) -> Iterator[Finding]:
    """Roles, flows and objections speak only of datasets that the activity uses."""
    for activity in register.activities:
        used = {use.dataset for use in activity.datasets or ()}
        for _, file, path, target in _dataset_links(activity):
            if used and path[0] != "datasets" and target not in used:
                what = f"`{target}` is not a dataset of the activity"
                yield Finding(
                    file,
                    path,
                    what,
                    "add it to [[datasets]], or remove it here",
                    "dataset-not-of-activity",
                    firm(register),
                )


def excluded_datasets(register: Register) -> Iterator[Finding]:
    """An activity takes in no dataset that something it depends on excludes."""
    for activity in register.activities:
        needed = instruments_of(activity)
        for instrument in (entry for entry in register.instruments if entry.id in needed):
            for index, use in enumerate(activity.datasets or ()):
                if use.dataset in instrument.datasets_excluded:
                    what = f"`{use.dataset}` may not be used here: {instrument.reference} excludes it"
                    next_step = f"remove the dataset from `{activity.id}`, or obtain an approval that covers it"
                    path: Path = ("datasets", index, "dataset")
                    yield Finding(in_activity(activity), path, what, next_step, "dataset-excluded", firm(register))


def flows_beyond_the_instrument(register: Register) -> Iterator[Finding]:
    """A flow carries only what its instrument covers."""
    for activity in register.activities:
        for index, flow in enumerate(activity.flows or ()):
            instrument = register.instrument(flow.instrument) if flow.instrument else None
            covered = instrument.datasets_in if instrument else ()
            # Made datasets leave under the agreement that covers what they were made of.
            made = {use.dataset for use in activity.datasets or () if use.direction == "out"}
            for dataset in flow.datasets if covered else ():
                if dataset not in {*covered, *made}:
                    what = f"the flow `{flow.id}` carries `{dataset}`, which `{flow.instrument}` does not cover"
                    next_step = f"name the instrument that covers `{dataset}`, or take it out of the flow"
                    path: Path = ("flows", index, "datasets")
                    yield Finding(
                        in_activity(activity), path, what, next_step, "flow-beyond-instrument", firm(register)
                    )


def instruments_of(activity: ProcessingActivity) -> frozenset[str]:
    """Every document that something in the activity leans on."""
    return frozenset(target for _, _, _, target in _instrument_links(activity))


def _organisations(register: Register) -> set[str]:
    practices = (practice.ods.lower() for practice in register.controller.member_practices)
    return {register.controller.id, *practices, *(entry.id for entry in register.organisations)}


def _links(register: Register) -> Iterator[Link]:
    for activity in register.activities:
        yield from _organisation_links(activity)
        yield from _instrument_links(activity)
        yield from _dataset_links(activity)
    for index, instrument in enumerate(register.instruments):
        file, at = "instruments.toml", ("instrument", index)
        yield from _each("organisation", file, (*at, "parties"), instrument.parties)
        yield from _each("activity", file, (*at, "activities"), instrument.activities)
        yield from _each("dataset", file, (*at, "datasets_in"), instrument.datasets_in)
        yield from _each("dataset", file, (*at, "datasets_excluded"), instrument.datasets_excluded)
    for index, organisation in enumerate(register.organisations):
        path: Path = ("organisation", index, "activities")
        yield from _each("activity", "organisations.toml", path, organisation.activities)


def _each(kind: str, file: str, path: Path, targets: Iterable[str]) -> Iterator[Link]:
    for index, target in enumerate(targets):
        yield kind, file, (*path, index), target


def _organisation_links(activity: ProcessingActivity) -> Iterator[Link]:
    file = in_activity(activity)
    for index, rule in enumerate(activity.roles or ()):
        yield from _each("organisation", file, ("roles", index, "organisations"), rule.organisations)
    for index, flow in enumerate(activity.flows or ()):
        yield "organisation", file, ("flows", index, "from_organisation"), flow.from_organisation
        yield "organisation", file, ("flows", index, "to_organisation"), flow.to_organisation
    for index, join in enumerate(activity.linkage):
        yield "organisation", file, ("linkage", index, "organisation"), join.organisation
    if activity.pseudonym_domain is not None:
        yield "organisation", file, ("pseudonym_domain", "recipient"), activity.pseudonym_domain.recipient


def _instrument_links(activity: ProcessingActivity) -> Iterator[Link]:
    file = in_activity(activity)
    yield from _each("instrument", file, ("instruments",), activity.instruments)
    basis, domain = activity.confidentiality_basis, activity.pseudonym_domain
    if basis is not None and basis.instrument is not None:
        yield "instrument", file, ("confidentiality_basis", "instrument"), basis.instrument
    for index, flow in enumerate(activity.flows or ()):
        if flow.instrument is not None:
            yield "instrument", file, ("flows", index, "instrument"), flow.instrument
    for index, rule in enumerate(activity.roles or ()):
        yield from _each("instrument", file, ("roles", index, "requires"), rule.requires)
    if domain is not None:
        yield "instrument", file, ("pseudonym_domain", "agreement"), domain.agreement


def _dataset_links(activity: ProcessingActivity) -> Iterator[Link]:
    file = in_activity(activity)
    for index, use in enumerate(activity.datasets or ()):
        yield "dataset", file, ("datasets", index, "dataset"), use.dataset
    for index, flow in enumerate(activity.flows or ()):
        yield from _each("dataset", file, ("flows", index, "datasets"), flow.datasets)
    for index, rule in enumerate(activity.roles or ()):
        yield from _each("dataset", file, ("roles", index, "datasets"), rule.datasets)
    for index, scheme in enumerate(activity.objections.rules if activity.objections else ()):
        yield from _each("dataset", file, ("objections", "rules", index, "datasets"), scheme.datasets)
    for index, join in enumerate(activity.linkage):
        yield "dataset", file, ("linkage", index, "left"), join.left
        yield "dataset", file, ("linkage", index, "right"), join.right
