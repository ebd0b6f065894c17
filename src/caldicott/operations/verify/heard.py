"""Whose practice had said who objects when an activity last ran, counted apart from the run's own rules.

Looser than the run on purpose, so that it is another question: somebody is unheard if no practice at all where they
are or were registered had a usable answer. Who is registered nowhere that is known is not judged here.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from caldicott.facts.layout import IdentityKind, load
from caldicott.operations.verify.recount import landed_before
from caldicott.stores.clear_rows import ClearRows

if TYPE_CHECKING:
    from caldicott.operations.verify.evidence import Evidence
    from caldicott.stores.catalogue import SubmissionRecord

_REGISTERING = frozenset({"gp-patients", "pds"})


def unheard(evidence: Evidence, activity: str) -> frozenset[int]:
    """Persons registered somewhere, and nowhere that had answered."""
    rows, landed = ClearRows(evidence.house.store), landed_before(evidence, activity)
    answered = pa.array(sorted(_answered(evidence, rows, landed, activity)), pa.string())
    known: set[int] = set()
    heard: set[int] = set()
    for one in landed:
        layout = load(one.layout)
        names = {column.canonical for column in layout.columns}
        if (
            one.dataset not in _REGISTERING
            or "practice" not in names
            or layout.identity_kind != IdentityKind.NHS_NUMBER
        ):
            continue
        for batch in rows.read_all(one.uid, ["identity", "practice"]) or ():
            told = pa.Table.from_batches([batch]).drop_null()
            is_answered = pc.is_in(pc.utf8_upper(pc.utf8_trim_whitespace(told["practice"])), value_set=answered)
            known.update(told["identity"].to_pylist())
            heard.update(told["identity"].filter(is_answered).to_pylist())
    return _persons(rows, known - heard)


def _persons(rows: ClearRows, numbers: set[int]) -> frozenset[int]:
    index = rows.person_index()[0]
    chosen = index.filter(pc.is_in(index["number"], value_set=pa.array(sorted(numbers), index["number"].type)))
    return frozenset(chosen["person_id"].to_pylist())


def _answered(evidence: Evidence, rows: ClearRows, landed: tuple[SubmissionRecord, ...], activity: str) -> set[str]:
    settings = evidence.register.controller.settings.coded_answers
    ran = date.fromisoformat(evidence.house.store.catalogue.latest_runs()[activity]["at"])
    first = (ran - timedelta(days=settings.answer_valid_days)).isoformat()
    members = {one.ods for one in evidence.register.controller.member_practices}
    found: set[str] = set()
    for one in landed:
        if one.dataset != "gp-objections" or one.received < first:
            continue
        if one.sender in members:
            found.add(one.sender)
            continue
        found |= set(one.counts.get("practices", {}))
        for batch in rows.read_all(one.uid, ["practice"]) or ():
            found |= {str(code).strip().upper() for code in pc.unique(batch.column("practice")).to_pylist() if code}
    return found
