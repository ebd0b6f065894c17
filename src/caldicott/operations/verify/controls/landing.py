"""What landed: by manifest, under an agreement, in the format it declared, with one place for every row."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import TYPE_CHECKING

from caldicott.facts import layout as layouts
from caldicott.facts.layout import ColumnClass, IdentityKind
from caldicott.operations.status import status
from caldicott.operations.verify.control import Control, Finding, broken, kept, not_applicable
from caldicott.operations.verify.controls.access import shown
from caldicott.operations.verify.haven import identities
from caldicott.policy.agreements import against_agreement
from caldicott.policy.decision import Permit, Request
from caldicott.stores import clear
from caldicott.stores.clear_rows import ClearRows
from caldicott.stores.landing_zone import quarantine_aad
from caldicott.stores.traced_rows import PASSED_OVER, TRACED
from caldicott.vocabulary.formats import DataFormat

if TYPE_CHECKING:
    from caldicott.operations.verify.evidence import Evidence
    from caldicott.stores.catalogue import LiveFile, SubmissionRecord

_REPEATED = "duplicate_record"
_OF_SUBMISSIONS = ("clear", "quarantine", "repeats", TRACED, PASSED_OVER)
NOTHING_LANDED = "nothing has landed in this store yet"
_NAMES_THE_PERSON = {
    ColumnClass.NHS_NUMBER, ColumnClass.SUPERSEDED_NHS_NUMBER, ColumnClass.NAME, ColumnClass.ADDRESS,
    ColumnClass.POSTCODE, ColumnClass.BIRTH_DATE, ColumnClass.CONTACT,
}  # fmt: skip


def _manifest_or_nothing(evidence: Evidence) -> Finding:
    wrong = [record.id for record in evidence.submissions if not _was_allowed(record, evidence)]
    owners = {record.uid for record in evidence.submissions}
    live = {file.path for kind in _OF_SUBMISSIONS for file in evidence.house.store.catalogue.files(kind)}
    there = [path for zone in ("clear", "quarantine") for path in (evidence.root / zone).rglob("*") if path.is_file()]
    stray = [
        path for path in there if str(path.relative_to(evidence.root)) not in live or path.parent.name not in owners
    ]
    if wrong or stray:
        return broken(
            f"{len(wrong)} submissions landed without purpose or agreement; {len(stray)} files belong to none"
        )
    if not evidence.submissions:
        return not_applicable(NOTHING_LANDED)
    return kept(f"all {len(evidence.submissions)} submissions named a purpose and an agreement that held on the day")


def _was_allowed(record: SubmissionRecord, evidence: Evidence) -> bool:
    """Asked again as of the day it was received, of the register as it is now."""
    on = date.fromisoformat(record.received)
    requests = [Request("dscro_operator", p, record.dataset, record.format, action="land") for p in record.purposes]
    return bool(requests) and all(
        isinstance(evidence.decide(request, on=on), Permit)
        and against_agreement(record.agreement, request, evidence.register, on, sender=record.sender) is None
        for request in requests
    )


def _format_as_declared(evidence: Evidence) -> Finding:
    wrong = [record.id for record in evidence.submissions if not _is_as_declared(record, evidence)]
    if wrong:
        return broken(f"{len(wrong)} submissions are not in the format of their flow: {shown(wrong)}")
    if not evidence.submissions:
        return not_applicable(NOTHING_LANDED)
    return kept(
        f"all {len(evidence.submissions)} submissions came in the format and under the document of a declared flow"
    )


def _is_as_declared(record: SubmissionRecord, evidence: Evidence) -> bool:
    columns = {column.column_class for column in layouts.load(record.layout).columns}
    telling = bool(columns & _NAMES_THE_PERSON)
    flows = [
        flow
        for purpose in record.purposes
        if (entry := evidence.register.activity(purpose))
        for flow in entry.flows or ()
        if record.dataset in flow.datasets and flow.format == record.format and flow.instrument == record.agreement
    ]
    return bool(flows) and (not telling or record.format == DataFormat.IDENTIFIABLE)


def _sources_listed(evidence: Evidence) -> Finding:
    missing = []
    for entry in evidence.register.activities:
        incoming = {use.dataset for use in entry.datasets or () if use.direction == "in"}
        carried = {name for flow in entry.flows or () for name in flow.datasets if flow.from_organisation}
        missing += [f"{name} in {entry.id}" for name in sorted(incoming - carried)]
    if missing:
        return broken(f"datasets come in from nowhere that the register names: {shown(missing)}")
    national = {
        n
        for e in evidence.register.activities
        for f in e.flows or ()
        if _is_national(f.from_organisation, evidence)
        for n in f.datasets
    }
    return kept(
        f"every dataset that comes in has a source in the register; {len(national)} come from the national body"
    )


def _is_national(body: str, evidence: Evidence) -> bool:
    found = evidence.register.organisation(body)
    return found is not None and found.ods == "X26"


def _every_row_has_a_place(evidence: Evidence) -> Finding:
    if not evidence.submissions:
        return not_applicable(NOTHING_LANDED)
    wrong = [entry["id"] for entry in status(evidence.house)["submissions"] if not entry["balanced"]]
    wrong += [record.id for record in evidence.submissions if not _is_as_on_disk(record, evidence)]
    if wrong:
        return broken(f"rows of {len(set(wrong))} submissions are unaccounted for: {shown(dict.fromkeys(wrong))}")
    rows = sum(record.rows for record in evidence.submissions)
    held = sum(record.quarantined for record in evidence.submissions)
    return kept(
        f"{rows:,} rows delivered, counted again on the disk: each admitted or held back ({held:,}) with a reason"
    )


def _is_as_on_disk(record: SubmissionRecord, evidence: Evidence) -> bool:
    """Whether as many rows lie there as were delivered, and each reason holds back as many as the account says."""
    rows, held = ClearRows(evidence.house.store), Counter[str]()
    admitted = sum(sum(batch.num_rows for batch in rows.read(file, ["file_row"])) for file in rows.parts(record.uid))
    for file in evidence.house.store.catalogue.files("quarantine", record.uid):
        held += _reasons(file, record, evidence)
    said = Counter(record.counts["quarantined_by"])
    del said[_REPEATED]  # these lie among the admitted rows, and are passed over
    return admitted + held.total() == record.rows and held == said


def _reasons(file: LiveFile, record: SubmissionRecord, evidence: Evidence) -> Counter[str]:
    aad = quarantine_aad(record.uid)
    key = evidence.house.store.keys.open(file.key_id).use(aad.decode())
    found = Counter[str]()
    for batch in clear.read(evidence.root / file.path, key=key, aad=aad, columns=["fault"]):
        found.update(fault.partition("|")[0] for fault in batch.column("fault").to_pylist())
    return found


def _numbers_checked(evidence: Evidence) -> Finding:
    found = evidence.once(identities)
    if not found.rows:
        return not_applicable("no record with an NHS number has landed in this store yet")
    if found.failing_check or found.withheld_with_number:
        return broken(
            f"{found.failing_check} admitted rows have a number that fails its check digit; "
            f"{found.withheld_with_number} withheld ones kept their number"
        )
    return kept(
        f"{found.rows:,} admitted rows: every NHS number passes its check digit, none is left on a withheld record"
    )


def _columns_classed(evidence: Evidence) -> Finding:
    loaded = [layouts.load(name) for name in layouts.known()]
    wrong = [
        layout.id
        for layout in loaded
        if layout.identity_kind is IdentityKind.NHS_NUMBER
        and ColumnClass.NHS_NUMBER not in {column.column_class for column in layout.columns}
    ]
    wrong += [
        f"{layout.id}.{c.canonical}"
        for layout in loaded
        for c in layout.columns
        if _is_untagged(c.canonical, c.column_class)
    ]
    if wrong:
        return broken(f"columns that name a person are not tagged as such: {shown(wrong)}")
    leaks = sum(record.counts["quarantined_by"].get("identifier_in_free_column", 0) for record in evidence.submissions)
    columns = sum(len(layout.columns) for layout in loaded)
    return kept(
        f"{columns:,} columns of {len(loaded)} layouts are classed; {leaks} rows with a number elsewhere are held back"
    )


_WORDS = {
    "nhs_number": {ColumnClass.NHS_NUMBER, ColumnClass.SUPERSEDED_NHS_NUMBER},
    "birth_date": {ColumnClass.BIRTH_DATE}, "date_of_birth": {ColumnClass.BIRTH_DATE},
    "postcode": {ColumnClass.POSTCODE}, "family_name": {ColumnClass.NAME}, "surname": {ColumnClass.NAME},
    "given_name": {ColumnClass.NAME}, "first_name": {ColumnClass.NAME}, "last_name": {ColumnClass.NAME},
    "patient_name": {ColumnClass.NAME},
}  # fmt: skip


def _is_untagged(name: str, column_class: ColumnClass) -> bool:
    return name in _WORDS and column_class not in _WORDS[name]


CONTROLS = (
    Control("manifest-or-nothing", "Nothing lands without purpose, agreement and manifest.", _manifest_or_nothing),
    Control("format-as-declared", "What lands is in the format its flow declares.", _format_as_declared),
    Control("sources-listed", "Every dataset that comes in has a source in the register.", _sources_listed),
    Control(
        "every-row-has-a-place", "Every row delivered is admitted, or held back with a reason.", _every_row_has_a_place
    ),
    Control("numbers-checked", "No number that fails its check is ever joined on.", _numbers_checked),
    Control("columns-classed", "Every column that names a person is tagged as such.", _columns_classed),
)
