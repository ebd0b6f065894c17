"""The audit trail: whole, and telling of every act."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from caldicott.audit.entry import Outcome
from caldicott.operations.verify.control import Control, Finding, broken, kept, not_applicable
from caldicott.operations.verify.controls.access import shown
from caldicott.stores.audit_log import verify as verify_log

if TYPE_CHECKING:
    from collections.abc import Mapping

    from caldicott.audit.entry import AuditEntry
    from caldicott.operations.verify.evidence import Evidence
    from caldicott.stores.catalogue import SubmissionRecord


def _audit_verifies(evidence: Evidence) -> Finding:
    report = verify_log(evidence.root / "audit")
    if not report.ok:
        return broken(f"the trail was changed: {shown(finding.code for finding in report.findings)}")
    return kept(f"{report.size:,} entries, all as they were written, none missing, none put in later")


INVOICES = "invoice-validation"
_ROWS = "rows "
_LONGEST_ACT = timedelta(hours=6)


def _every_act_recorded(evidence: Evidence) -> Finding:
    done = [entry for entry in evidence.entries if entry.outcome is Outcome.DONE]
    runs = evidence.house.store.catalogue.latest_runs()
    wrong = [record.id for record in evidence.submissions if not _admitted(done, record)]
    wrong += [run["id"] for activity, run in runs.items() if not _ran(done, activity, run)]
    wrong += [activity for activity, run in runs.items() if _rows_in_marts(evidence, activity) != _rows_said(run)]
    lost = _admitted_and_gone(done, evidence)
    waiting = len(evidence.house.store.catalogue.outbox())
    if wrong or waiting or lost:
        return broken(
            f"{len(wrong)} acts are in no entry of the trail as the catalogue tells them: {shown(wrong)}; "
            f"{lost} landings of the trail are in no catalogue; {waiting} still wait"
        )
    if not evidence.submissions:
        return not_applicable("nothing has been done in this store yet")
    return kept(
        f"{len(evidence.submissions)} landings and {len(runs)} runs: the catalogue and the trail tell the same of "
        "each, its day, its document and its counts"
    )


def _admitted(done: list[AuditEntry], record: SubmissionRecord) -> bool:
    counts = {"rows": record.rows, "admitted": record.rows - record.quarantined, "quarantined": record.quarantined}
    return any(
        dict(entry.counts) == counts
        and record.agreement in entry.references
        and (entry.dataset, entry.format) == (record.dataset, record.format)
        and _on_the_day(entry, record.received)
        for entry in _named(done, "admit", record.uid)
    )


def _ran(done: list[AuditEntry], activity: str, run: Mapping[str, Any]) -> bool:
    return any(
        entry.activity == activity
        and dict(entry.counts) == run["counts"]
        and entry.register_digest == run["register_digest"]
        and _on_the_day(entry, run["at"])
        for entry in _named(done, "run", run["id"])
    )


def _rows_in_marts(evidence: Evidence, activity: str) -> Counter[str]:
    found = Counter[str]()
    for file in evidence.house.store.catalogue.files("mart", activity):
        found[file.part.split("/")[0]] += pq.read_metadata(evidence.root / file.path).num_rows
    return +found


def _rows_said(run: Mapping[str, Any]) -> Counter[str]:
    return +Counter({name.removeprefix(_ROWS): n for name, n in run["counts"].items() if name.startswith(_ROWS)})


def _on_the_day(entry: AuditEntry, said: str) -> bool:
    # An act that began before midnight may be entered after it.
    at = entry.at.astimezone()
    days = {at.date(), (at - _LONGEST_ACT).date()}
    return said in {day.isoformat() for day in days}


def _admitted_and_gone(done: list[AuditEntry], evidence: Evidence) -> int:
    """Landings that the trail tells and the catalogue does not: nothing that landed is ever taken out of it."""
    known = {record.uid for record in evidence.house.store.catalogue.every_submission()}
    # Invoices have books and a purge of their own, in their own environment.
    return sum(
        entry.event == "admit" and entry.activity != INVOICES and not known & set(entry.references) for entry in done
    )


def _named(done: list[AuditEntry], event: str, reference: str) -> list[AuditEntry]:
    return [entry for entry in done if entry.event == event and reference in entry.references]


def _decisions_recorded(evidence: Evidence) -> Finding:
    acts = [e for e in evidence.entries if e.outcome is Outcome.DONE and e.event in {"admit", "run", "export"}]
    decisions = [entry for entry in evidence.entries if entry.event == "decision"]
    without = [act.event for act in acts if not any(_is_of(decision, act) for decision in decisions)]
    nameless = [e for e in decisions if not (e.actor and e.role and e.activity and e.reasons and e.register_digest)]
    if without or nameless:
        return broken(
            f"{len(without)} acts without a decision before them, {len(nameless)} decisions without their reasons"
        )
    if not acts:
        return not_applicable("nothing has been done in this store yet")
    return kept(f"{len(decisions):,} decisions, yes and no alike, each with who, for what, and why; no act without one")


def _is_of(decision: AuditEntry, act: AuditEntry) -> bool:
    return decision.activity == act.activity and decision.at <= act.at and decision.outcome is Outcome.PERMIT


def _releases_recorded(evidence: Evidence) -> Finding:
    exported = [e for e in evidence.entries if e.event == "export" and e.outcome is Outcome.DONE]
    if not evidence.exports:
        return not_applicable("no export is at hand to hold against the trail")
    receipts = [json.loads((folder / "receipt.json").read_text(encoding="utf-8")) for folder in evidence.exports]
    wrong = [receipt["role"] for receipt in receipts if not any(_is_receipt_of(receipt, entry) for entry in exported)]
    if wrong:
        return broken(f"{len(wrong)} exports are in no entry of the trail: {shown(wrong)}")
    return kept(f"{len(receipts)} exports, each in the trail with the role, the activity and the rows that left")


def _is_receipt_of(receipt: dict[str, object], entry: AuditEntry) -> bool:
    rows = receipt["rows"]
    assert isinstance(rows, dict)  # noqa: S101  our own receipt
    left = {f"rows {dataset}": count for dataset, count in rows.items()}
    return receipt["activity"] == entry.activity and receipt["role"] in entry.references and left == dict(entry.counts)


CONTROLS = (
    Control("audit-verifies", "The trail is as it was written.", _audit_verifies),
    Control("every-act-recorded", "Every landing and run is in the trail.", _every_act_recorded),
    Control("decisions-recorded", "Every decision is in the trail with its reasons.", _decisions_recorded),
    Control("releases-recorded", "Every export is in the trail.", _releases_recorded),
)
