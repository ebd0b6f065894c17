"""Counts of people: small ones are hidden, others rounded, and outsiders get nothing else."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pyarrow as pa

from caldicott.disclosure.counts import protected
from caldicott.facts.disclosure import rule
from caldicott.operations.verify.asking import permits_to_see
from caldicott.operations.verify.control import Control, Finding, broken, kept
from caldicott.operations.verify.controls.access import shown
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import Relationship, Role

if TYPE_CHECKING:
    from pathlib import Path

    from caldicott.operations.verify.evidence import Evidence
    from caldicott.policy.decision import Permit

_SMALL = range(1, 8)
"""One to seven people: hidden below the whole country [digital.nhs.uk, 2018]; written here a second time."""
_TO_NEAREST = 5
_COUNTS = ("persons", "contacts")
_HIDDEN = "*"


def _small_counts_hidden(evidence: Evidence) -> Finding:
    rules = {permit.obligations.disclosure_rule or "" for permit in _grouped(evidence)}
    leaking = [name for name in sorted(rules) if not name or not hides_small(name)]
    wrong = [path.name for folder in evidence.exports for path in sorted(folder.glob("*.csv")) if _tells(path)]
    if leaking or wrong:
        return broken(f"{len(leaking)} rules and {len(wrong)} exported tables show counts of one to seven people")
    tables = sum(len(list(folder.glob("*.csv"))) for folder in evidence.exports)
    return kept(
        f"{len(_grouped(evidence))} permits for counts oblige to a rule that hides one to seven; "
        f"{tables} exported tables were read and hold to it"
    )


def _grouped(evidence: Evidence) -> list[Permit]:
    """Permits for counts of patients that are not the asker's own; counts of other things have no rule to follow."""
    return [
        permit
        for asked, permit in evidence.once(permits_to_see).items()
        if asked.format == DataFormat.AGGREGATED
        and asked.dataset in _ABOUT_PATIENTS
        and permit.obligations.relationship is Relationship.NONE
    ]


_ABOUT_PATIENTS = frozenset({"commissioning-mart", "risk-scores"})


def hides_small(name: str) -> bool:
    """Whether the rule, tried on every count from nought to thirty, shows none from one to seven exactly."""
    shown_as = protected(pa.chunked_array([list(range(31))]), rule(name)).to_pylist()
    return all(shown_as[count] == _HIDDEN for count in _SMALL) and all(
        text == _HIDDEN or int(text) % _TO_NEAREST == 0 for text in shown_as
    )


def _tells(path: Path) -> bool:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    values = [row[name] for row in rows for name in _COUNTS if name in row]
    has_key = bool(rows) and "person_token" in rows[0]
    return has_key or any(value != _HIDDEN and (int(value) in _SMALL or int(value) % _TO_NEAREST) for value in values)


def _outsiders_get_counts(evidence: Evidence) -> Finding:
    rows = {DataFormat.IDENTIFIABLE, DataFormat.PSEUDONYMISED}
    outside = {Role.PUBLIC, Role.IG_OFFICER, Role.CALDICOTT_GUARDIAN}
    found = {asked: p for asked, p in evidence.once(permits_to_see).items() if asked.dataset in _ABOUT_PATIENTS}
    wrong = [
        f"{asked.role}, {asked.dataset}"
        for asked, permit in found.items()
        if asked.role in outside and asked.format in rows and permit.obligations.relationship is Relationship.NONE
    ]
    if wrong:
        return broken(f"single records are given where only counts may be: {shown(dict.fromkeys(wrong))}")
    return kept("the public, partners and other bodies are given counts; single records are refused to them")


CONTROLS = (
    Control("small-counts-hidden", "Counts of one to seven people are never shown.", _small_counts_hidden),
    Control(
        "outsiders-get-counts",
        "Outside the commissioner and its processors only counts are given.",
        _outsiders_get_counts,
    ),
)
