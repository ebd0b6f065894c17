"""The audit trail: whole, and telling of every act."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from caldicott.audit.entry import Outcome
from caldicott.operations.verify.control import Control, Finding, broken, kept, not_applicable
from caldicott.operations.verify.controls.access import shown
from caldicott.stores.audit_log import verify as verify_log

if TYPE_CHECKING:
    from caldicott.audit.entry import AuditEntry
    from caldicott.operations.verify.evidence import Evidence


def _audit_verifies(evidence: Evidence) -> Finding:
    report = verify_log(evidence.root / "audit")
    if not report.ok:
        return broken(f"the trail was changed: {shown(finding.code for finding in report.findings)}")
    return kept(f"{report.size:,} entries, all as they were written, none missing, none put in later")


def _every_act_recorded(evidence: Evidence) -> Finding:
    done = [entry for entry in evidence.entries if entry.outcome is Outcome.DONE]
    runs = evidence.house.store.catalogue.latest_runs()
    wrong = [record.id for record in evidence.submissions if not _admitted(done, record.uid, record.rows)]
    wrong += [run["id"] for run in runs.values() if not _named(done, "run", run["id"])]
    waiting = len(evidence.house.store.catalogue.outbox())
    if wrong or waiting:
        return broken(f"{len(wrong)} acts are in no entry of the trail: {shown(wrong)}; {waiting} still wait")
    if not evidence.submissions:
        return not_applicable("nothing has been done in this store yet")
    return kept(f"{len(evidence.submissions)} landings and {len(runs)} runs, each with its entry and the same counts")


def _admitted(done: list[AuditEntry], uid: str, rows: int) -> bool:
    return any(entry.counts.get("rows") == rows for entry in _named(done, "admit", uid))


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
