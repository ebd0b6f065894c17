"""`invoices validate`: every line that waits gets its decision, and the ledger its postings, in one act.

A line is decided once. With `again`, queried lines are looked at anew, after the
provider replied with other backing; what was paid or rejected stays as it is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from caldicott.engines.duckdb.invoices import SUS_COLUMNS, InvoiceEngine, Matching, Source, placed
from caldicott.engines.duckdb.invoices_checks import CheckRules
from caldicott.facts import invoices as facts
from caldicott.invoices import reference as references
from caldicott.operations.invoices.books import balanced, credit_act, keep_act, read_books, take_act
from caldicott.operations.invoices.checks import objectors_included
from caldicott.operations.invoices.land import NAMES_A_PATIENT, SHAPED_LIKE_A_PATIENT
from caldicott.operations.invoices.zone import ROLE, Zone, enter, permitted
from caldicott.operations.perform import Act, House, perform
from caldicott.policy.decision import Request
from caldicott.stores.ceff import ACTIVITY
from caldicott.vocabulary.errors import DoesNotHold, WrongUsage
from caldicott.vocabulary.formats import DataFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from caldicott.invoices.reference import Reference
    from caldicott.stores.catalogue import LiveFile, SubmissionRecord

_LINES: Final = (
    "file_row", "invoice", "line", "line_type", "provider", "billed_to", "invoiced_on", "received_on", "period_from",
    "period_to", "quantity", "unit_price", "amount", "vat_percent", "vat_amount", "currency", "invoice_total",
    "case_number", "credits_invoice", "credits_line",
)  # fmt: skip
_BACKING: Final = (
    "file_row", "identity", "nhs_number_status", "birth_date", "postcode", "practice", "provider", "invoice", "line",
    "spell", "started_on", "ended_on", "point_of_delivery", "hrg", "top_up", "best_practice", "responsibility_rule",
    "fixed_commissioner",
)  # fmt: skip
_TRACE: Final = (
    "identity", "nhs_number_status", "died_on", "practice", "registered_from", "registered_to", "postcode",
)  # fmt: skip
_DATASETS: Final = ("invoices", "invoice-backing", "pds", "sus-apc", "sus-op", "sus-ec")


@dataclass
class Validated:
    """What a validation did: lines by verdict and by reason, and the ledger after it."""

    lines: int = 0
    by_verdict: dict[str, int] = field(default_factory=dict)
    by_reason: dict[str, int] = field(default_factory=dict)
    credits: int = 0
    ledger: dict[str, dict[str, int]] = field(default_factory=dict)
    """By currency, the accounts in pence."""


def read_reference(house: House, folder: Path | None) -> Reference:
    """The board's tables, with the register's own member practices among them.

    Raises:
        WrongUsage: the folder is none. DoesNotHold: a table in it does not hold.
    """
    if folder is not None and not folder.is_dir():
        raise WrongUsage(
            "there is no such folder of reference tables",
            code="reference-missing",
            where=str(folder),
            next_step="name a folder with CSV tables; docs/reference/invoices.md lists them",
        )
    paths = {name: folder / f"{name}.csv" for name in facts.TABLES} if folder else {}
    texts = {name: _read(path) for name, path in paths.items() if path.is_file()}
    practices = texts.get("practices") or facts.table_text("practices")
    return references.read({**texts, "practices": _with_members(house, practices)})


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (UnicodeDecodeError, OSError):
        raise DoesNotHold(
            "the reference table is not UTF-8 text",
            code="reference-broken",
            where=path.name,
            next_step="save it as CSV in UTF-8 and ask again",
        ) from None


def _with_members(house: House, text: str) -> str:
    """The register says whose practices are ours; the table speaks of the others."""
    controller = house.register.controller
    ours = {practice.ods for practice in controller.member_practices}
    others = [line for line in text.splitlines() if line.partition(",")[0] not in ours]
    rows = [f"{one.ods},{controller.ods},{one.valid_from},{one.valid_to or ''}" for one in controller.member_practices]
    return "\n".join([*others, *rows]) + "\n"


def check_rules(house: House) -> CheckRules:
    """The numbers of facts/invoices/rules.toml, for this register's controller."""
    numbers = facts.rules()
    return CheckRules(
        commissioner=house.register.controller.ods or "",
        submit_within_days=numbers["submit_within_days"],
        second_person_from_pence=references.pence(numbers["second_person_from"]),
        currency=numbers["currency"],
        vat_hundredths=tuple(references.pence(one) for one in numbers["standard_vat_percents"]),
    )


def matching() -> Matching:
    numbers = facts.rules()
    return Matching(numbers["near_match_days"], numbers["near_matches_shown"], numbers["short_stay_below_days"])


def validate(
    house: House, *, reference: Path | None = None, again: bool = False, told: Callable[[str], None] = lambda _: None
) -> Validated:
    """Decide every line that waits; with `again` queried ones too.

    Raises:
        Refused: policy says no, or the person is no member.
        DoesNotHold: nothing landed, or the reference tables do not hold.
    """
    zone = enter(house, _DATASETS)
    if not zone.ceff.submissions("invoices"):
        raise DoesNotHold(
            "no invoices have landed in the zone",
            code="invoices-missing",
            next_step="land them first: `caldicott invoices land REGISTER --from DIR --store DIR`",
        )
    backing = Request(ROLE, ACTIVITY, "invoice-backing", DataFormat.IDENTIFIABLE)
    objectors_included(permitted(zone.house, [backing])[0])
    tables = read_reference(house, reference)
    return perform(
        zone.house, event="validate", activity=ACTIVITY, compute=lambda: _compute(zone, tables, again=again, told=told)
    )


def _compute(zone: Zone, tables: Reference, *, again: bool, told: Callable[[str], None]) -> Act[Validated]:
    engine = InvoiceEngine(check_rules(zone.house), matching())
    engine.take_reference(tables, today=zone.house.today)
    read_books(zone.ceff, engine.books)
    engine.take_history(again=again)
    told("reading invoices and backing")
    files = take_all(zone, engine)
    told("checking")
    secret, national = zone.ceff.mark_secret(today=zone.house.today), str(facts.rules()["nationally_commissioned_by"])
    engine.decide(secret=secret, national=national)
    return _kept(zone, engine, files)


@dataclass
class Files:
    """The files read, numbered: a place in the evidence says the number, and this says which file it is."""

    paths: list[str] = field(default_factory=list)

    def number(self, file: LiveFile) -> int:
        self.paths.append(file.path)
        return len(self.paths) - 1


def take_all(zone: Zone, engine: InvoiceEngine) -> Files:
    """Everything that landed, in the order the checks need it."""
    files = Files()
    landed = list(enumerate(zone.ceff.submissions(), start=1))
    for source in _sources(zone, files, landed, ("invoices",), _LINES):
        engine.take_lines(source)
    engine.take_held_invoices(_held_invoices(zone, landed))
    for source in _sources(zone, files, landed, ("invoice-backing",), _BACKING):
        engine.take_backing(source)
    engine.take_held_backing(_held_backing(zone, landed))
    engine.join_backing()
    for source in _sources(zone, files, landed, ("pds",), _TRACE):
        engine.take_trace(source)
    for source in _sources(zone, files, landed, ("sus-apc", "sus-op", "sus-ec"), SUS_COLUMNS):
        engine.take_sus(source)
    return files


def _sources(
    zone: Zone, files: Files, landed: Sequence[tuple[int, SubmissionRecord]], datasets: tuple[str, ...],
    columns: tuple[str, ...],
) -> Iterator[Source]:  # fmt: skip
    for arrival, record in landed:
        if record.dataset in datasets:
            repeats = zone.ceff.repeats(record.uid)
            wanted = (*columns, "file_row") if repeats else columns
            for file, reader in zone.ceff.rows(record.uid, wanted):
                rows = _without(placed(reader, files.number(file)), repeats)
                yield Source(record.uid, arrival, record.sender, _complete(rows, columns))


def _without(reader: pa.RecordBatchReader, repeats: frozenset[int]) -> pa.RecordBatchReader:
    if not repeats:
        return reader
    passed_over = pa.array(sorted(repeats), pa.int64())

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in reader:
            yield batch.filter(pc.invert(pc.is_in(batch.column("file_row"), value_set=passed_over)))

    return pa.RecordBatchReader.from_batches(reader.schema, batches())


_TYPES: Final = {
    **dict.fromkeys(("unit_price", "amount", "vat_percent", "vat_amount", "invoice_total"), pa.decimal128(18, 2)),
    **dict.fromkeys(("registered_from", "registered_to", "died_on", "birth_date", "ended_on"), pa.date32()),
}


def _complete(reader: pa.RecordBatchReader, columns: tuple[str, ...]) -> pa.RecordBatchReader:
    """A listed column that the sender's file did not have is null, so that every file reads alike."""
    missing = [name for name in columns if name not in reader.schema.names]
    if not missing:
        return reader
    schema = reader.schema
    for name in missing:
        schema = schema.append(pa.field(name, _TYPES.get(name, pa.string())))

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in reader:
            empty = [pa.nulls(batch.num_rows, schema.field(name).type) for name in missing]
            yield pa.RecordBatch.from_arrays([*batch.columns, *empty], schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _held_invoices(zone: Zone, landed: Sequence[tuple[int, SubmissionRecord]]) -> pa.Table:
    rows = [
        {
            "submission": uid, "provider": raw.get("Provider_Code"), "invoice": raw.get("Invoice_Number"),
            "names_patient": fault.partition("|")[0] in {NAMES_A_PATIENT, SHAPED_LIKE_A_PATIENT},
        }
        for uid, fault, raw in _held(zone, landed, "invoices")
    ]  # fmt: skip
    schema = pa.schema(
        [*((name, pa.string()) for name in ("submission", "provider", "invoice")), ("names_patient", pa.bool_())]
    )
    return pa.Table.from_pylist(rows, schema)


def _held_backing(zone: Zone, landed: Sequence[tuple[int, SubmissionRecord]]) -> pa.Table:
    rows = [
        {"provider": raw.get("Provider_Code"), "invoice": raw.get("Invoice_Number"), "line": raw.get("Line_ID")}
        for _uid, _fault, raw in _held(zone, landed, "invoice-backing")
    ]
    return pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in ("provider", "invoice", "line")]))


def _held(
    zone: Zone, landed: Sequence[tuple[int, SubmissionRecord]], dataset: str
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for _arrival, record in landed:
        if record.dataset == dataset and record.quarantined:
            table = zone.ceff.held(record.uid)
            for fault, raw in zip(table.column("fault").to_pylist(), table.column("raw").to_pylist(), strict=True):
                yield record.uid, fault, json.loads(raw)


def _kept(zone: Zone, engine: InvoiceEngine, read: Files) -> Act[Validated]:
    house, books, at = zone.house, engine.books, zone.house.today.isoformat()
    report = Validated(by_verdict=engine.counts(), by_reason=engine.reason_counts())
    act = zone.ceff.acts() + 1
    # First, for it asks the same connection that the decisions are then streamed from.
    postings = books.postings_of("decided", at=at, by=house.actor)
    files = keep_act(zone, engine.decisions(), postings, act=act)
    report.lines = files[0].rows
    if notes := engine.credits():
        take_act(zone.ceff, books, files)
        credited = credit_act(zone, books, notes, act=act + 1)
        take_act(zone.ceff, books, credited)
        report.credits = books.credit_notes(act + 1)
        files += credited
    else:
        take_act(zone.ceff, books, files[1:])  # the postings are enough for the balance
    report.ledger = balanced(books)
    files.append(zone.ceff.write_evidence(engine.evidence(), read.paths, act=act, today=house.today))
    counts = {"lines": report.lines, "credits": report.credits}
    counts |= {f"verdict {verdict}": lines for verdict, lines in report.by_verdict.items()}
    return Act(
        report, lambda: house.store.catalogue.add_files(files), counts=counts, references=(f"act-{act}",),
        dataset="invoices",
    )  # fmt: skip
