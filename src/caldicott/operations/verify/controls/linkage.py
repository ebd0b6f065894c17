"""Joining records: only what the register lists, only for the purpose's own code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.compute as pc
import pyarrow.parquet as pq

from caldicott.facts.governance import service_areas
from caldicott.operations.verify.control import Control, Finding, broken, kept, not_applicable
from caldicott.operations.verify.controls.access import shown
from caldicott.operations.verify.controls.pseudonyms import makers
from caldicott.policy.decision import Permit, Request
from caldicott.safe_haven.release import LINKED_MART

if TYPE_CHECKING:
    from caldicott.operations.verify.evidence import Evidence
    from caldicott.register.model import ProcessingActivity


def joined(entry: ProcessingActivity) -> frozenset[str]:
    """The datasets that the register lets be joined in this activity."""
    return frozenset(name for pair in entry.linkage for name in (pair.left, pair.right))


def _linkage_registered(evidence: Evidence) -> Finding:
    wrong, pairs, seen = [], 0, 0
    for entry in makers(evidence):
        pairs += len(entry.linkage)
        listed = {area for name, area in service_areas().items() if name in joined(entry)}
        areas = _areas_joined(evidence, entry)
        seen += len(areas)
        wrong += [f"{area} in {entry.id}" for area in sorted(areas - listed)]
    if wrong:
        return broken(f"records were joined that no linkage of the register names: {shown(wrong)}")
    if not seen:
        return not_applicable("nothing has been joined in this store yet")
    return kept(f"records of {seen} service areas are joined; all are among the {pairs} joins that the register lists")


def _areas_joined(evidence: Evidence, entry: ProcessingActivity) -> set[str]:
    found: set[str] = set()
    for file in evidence.house.store.catalogue.files("mart", entry.id):
        if file.part.startswith(f"{LINKED_MART}/"):
            column = pq.ParquetFile(evidence.root / file.path).read(["service_area"]).column(0)
            found.update(pc.unique(column).to_pylist())
    return found


def _gp_with_hospital(evidence: Evidence) -> Finding:
    for entry in makers(evidence):
        names = joined(entry)
        if {"sus-apc", "sus-op", "sus-ec"} <= names and any(name.startswith("gp-") for name in names):
            return kept(f"{entry.id} joins GP records with inpatient, outpatient and emergency records, as listed")
    return not_applicable("no activity of this register joins GP records with hospital records")


def _no_number_in_a_join(evidence: Evidence) -> Finding:
    asked = [
        Request("dscro_operator", e.id, name, "pseudonymised", action="link", identifiers=frozenset({"nhs_number"}))
        for e in makers(evidence)
        for name in sorted(joined(e))
    ]
    if not asked:
        return not_applicable("the register joins nothing")
    if any(isinstance(evidence.decide(request), Permit) for request in asked):
        return broken("a join on the NHS number would be permitted")
    return kept(f"a join on the NHS number was asked for {len(asked)} times, and refused each time")


CONTROLS = (
    Control("linkage-registered", "Only joins that the register lists are made.", _linkage_registered),
    Control("gp-with-hospital-listed", "The join of GP and hospital records is listed.", _gp_with_hospital),
    Control("no-number-in-a-join", "Nothing is joined on an NHS number outside the safe haven.", _no_number_in_a_join),
)
