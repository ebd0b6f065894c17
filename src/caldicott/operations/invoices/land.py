"""`invoices land`: invoices, backing, trace and hospital records into the zone, by the rules of every landing.

Manifest or nothing; every row in one place; whole or not at all. A row of an
invoice that names a patient is held back, and the incident is recorded: the
whole invoice goes back to the provider when it is validated.
"""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from caldicott.audit.guard import identifying_shape
from caldicott.engines.duckdb.landing import DuckDbLanding
from caldicott.facts.layout import Layout, load
from caldicott.operations.admitting import days_in, hold_repeats, record_of, rules_for
from caldicott.operations.flows import delivery_references
from caldicott.operations.invoices.checks import permitted_columns
from caldicott.operations.invoices.workbooks import ENDING, Taken, as_table
from caldicott.operations.invoices.zone import ROLE, Zone, enter, permitted
from caldicott.operations.perform import Act, House, perform, permits, record
from caldicott.operations.reading import checked
from caldicott.policy.agreements import against_agreement
from caldicott.policy.decision import Request
from caldicott.safe_haven.landing.placement import Period, Tally, place
from caldicott.stores.ceff import ACTIVITY, PLACE
from caldicott.stores.names import unused_name
from caldicott.stores.submissions import manifest as manifests
from caldicott.vocabulary.errors import CaldicottError, DoesNotHold
from caldicott.vocabulary.formats import DataFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from caldicott.stores.catalogue import SubmissionRecord
    from caldicott.stores.landing_zone import LandingZone
    from caldicott.stores.submissions.manifest import Manifest

LAYOUTS: Final = {
    "invoice-lines": "invoices", "invoice-backing": "invoice-backing", "invoice-trace": "pds",
    "invoice-sus-apc": "sus-apc", "invoice-sus-op": "sus-op", "invoice-sus-ec": "sus-ec",
}  # fmt: skip
"""The only layouts that may come in: each is a whitelist of columns."""
NAMES_A_PATIENT: Final = "identifier_in_free_column"
SHAPED_LIKE_A_PATIENT: Final = "identifier_shape"
FORMULA_SHAPE: Final = "formula-shape"
"""The number of an invoice or line that a spreadsheet would run as a formula where the decisions are opened."""
_RUNS: Final = frozenset("=+@\t\r")
_INCIDENT: Final = "patient-data-on-invoice"


@dataclass(frozen=True)
class Landed:
    """What became of one submission folder."""

    place: str
    id: str = ""
    dataset: str = ""
    rows: int = 0
    admitted: int = 0
    quarantined_by: dict[str, int] = field(default_factory=dict)
    held: tuple[str, ...] = ()
    """Each row held back: file, row, column and why; never its value."""
    incidents: int = 0
    already: bool = False
    fault: CaldicottError | None = None


def land(house: House, folder: Path, *, told: Callable[[str], None] = lambda _: None) -> list[Landed]:
    """Admit every submission under the folder; one that is refused does not hold up the others."""
    found = manifests.find(folder)
    if not found:
        raise DoesNotHold(
            "there is no submission here: no folder holds a manifest.toml",
            code="manifest-missing",
            where=str(folder),
            next_step="put a manifest.toml beside the files; docs/how-to/validate-invoices.md shows one",
        )
    zone = enter(house, ["invoices"], action="land")
    landed = []
    for one in found:
        told(f"landing {one.name}")
        landed.append(_land_one(zone, one))
    return landed


def _land_one(zone: Zone, folder: Path) -> Landed:
    try:
        manifest = manifests.parse(folder)
        layout = _layout(manifest)
        earlier = zone.house.store.catalogue.submission(manifest.sender, manifest.id)
        if earlier is not None:
            return _already(manifest, earlier, folder)
        _ask(zone, manifest, layout)
        return perform(
            zone.house, event="admit", activity=ACTIVITY, compute=lambda: _admit(zone, manifest, layout, folder)
        )
    except CaldicottError as fault:
        return Landed(folder.name, fault=fault)


def _layout(manifest: Manifest) -> Layout:
    wrong = ""
    if manifest.purposes != (ACTIVITY,):
        wrong = f'the zone has one purpose: purposes must be ["{ACTIVITY}"] and nothing else'
    elif LAYOUTS.get(manifest.layout) != manifest.dataset:
        wrong = "only these layouts come in here: " + ", ".join(f"{one} ({of})" for one, of in LAYOUTS.items())
    elif identifying_shape(manifest.id, days=frozenset(days_in(manifest.id))):
        wrong = "the submission's id is shaped like what identifies a person"
    elif (manifest.format == DataFormat.IDENTIFIABLE) == (manifest.dataset == "invoices"):
        wrong = "invoices are aggregated, everything else is identifiable: the manifest says otherwise"
    if wrong:
        raise DoesNotHold(
            wrong, code="not-for-the-zone", where=manifest.id if "id is" not in wrong else "",
            next_step="correct the manifest; nothing was taken in",
        )  # fmt: skip
    return load(manifest.layout)


def _already(manifest: Manifest, earlier: SubmissionRecord, folder: Path) -> Landed:
    if (earlier.content_sha256, *said_then(earlier)) == (manifest.digest, *said(manifest)):
        counts = earlier.counts["quarantined_by"]
        admitted = earlier.rows - earlier.quarantined
        return Landed(folder.name, manifest.id, manifest.dataset, earlier.rows, admitted, counts, already=True)
    raise DoesNotHold(
        f"the sender's submission '{manifest.id}' landed already with other content or another manifest",
        code="submission-differs",
        next_step="ask the sender to give the new submission an id of its own; what landed stays",
    )


def said(manifest: Manifest) -> tuple[object, ...]:
    """What a manifest says of its content: a submission that comes again must say the same, in every part."""
    days = (manifest.period_from.isoformat(), manifest.period_to.isoformat(), manifest.extracted.isoformat())
    return (
        *days, manifest.dataset, manifest.layout, manifest.purposes, manifest.agreement, manifest.format,
        manifest.update,
    )  # fmt: skip


def said_then(earlier: SubmissionRecord) -> tuple[object, ...]:
    """The same, of what landed."""
    days = (earlier.period_from, earlier.period_to, earlier.extracted)
    return (
        *days, earlier.dataset, earlier.layout, earlier.purposes, earlier.agreement, earlier.format,
        earlier.update_kind,
    )  # fmt: skip


def _ask(zone: Zone, manifest: Manifest, layout: Layout) -> None:
    house = zone.house
    request = Request(ROLE, ACTIVITY, manifest.dataset, manifest.format, action="land")
    permit = permitted(house, [request])[0]
    refusal = against_agreement(manifest.agreement, request, house.register, house.today, sender=manifest.sender)
    if refusal is not None:
        record(house, [refusal])
        permits([refusal])
    permitted_columns(permit, layout)


def _admit(zone: Zone, manifest: Manifest, layout: Layout, folder: Path) -> Act[Landed]:
    manifests.verify_places(manifest, folder)
    house, ceff = zone.house, zone.ceff
    uid = f"{manifest.sender}.{manifest.id}.{unused_name()}"
    keys, tally = ceff.keys(manifest.dataset, uid, today=house.today), Tally()
    # Hashed while it is read: nothing of a submission is live, or stays, before both are done.
    with ThreadPoolExecutor(1) as pool, ceff.landing(uid, keys) as landing:
        hashed = pool.submit(manifests.verify_files, manifest, folder)
        sink = _Held(landing)
        try:
            _place_files(house, manifest, layout, folder, sink=sink, tally=tally)
        except DoesNotHold:
            hashed.result()  # a changed file explains whatever else is wrong with it
            raise
        hashed.result()
    if layout.record_key:
        hold_repeats(landing, tally)
    files = ceff.placed(landing.files)
    # Who took it in: nobody approves what they entered.
    told = {"entered_by": {house.actor: tally.rows}}
    kept = record_of(manifest, tally, uid=uid, key_id=keys.clear_id, received=house.today.isoformat(), told=told)

    def keep() -> None:
        house.store.catalogue.add_submission(kept)
        house.store.catalogue.add_files(files)

    naming = (NAMES_A_PATIENT, SHAPED_LIKE_A_PATIENT) if manifest.dataset == "invoices" else ()
    incidents = sum(tally.quarantined_by[code] for code in naming)
    landed = Landed(
        folder.name, manifest.id, manifest.dataset, tally.rows, tally.admitted,
        dict(sorted(tally.quarantined_by.items())), tuple(sink.places), incidents,
    )  # fmt: skip
    counts = {"rows": tally.rows, "admitted": tally.admitted, "quarantined": tally.quarantined}
    if incidents:
        counts[f"incident {_INCIDENT}"] = incidents
    references = delivery_references(house.register, sender=manifest.sender, purposes=manifest.purposes)
    return Act(
        landed, keep, counts=counts, references=(uid, manifest.agreement, *references), days=days_in(uid),
        dataset=manifest.dataset, format=manifest.format,
    )  # fmt: skip


class _Held:
    """The landing's sink, which also remembers where the rows it held back stand."""

    def __init__(self, landing: LandingZone) -> None:
        self._landing, self.places, self.file, self.before = landing, list[str](), "", 0
        self.sheet_rows: list[int] = []
        """Of a workbook, the row of the sheet that each row of the table was."""

    def admit(self, parts: dict[str, pa.Table]) -> None:
        self._landing.admit(parts)

    def hold(self, rows: pa.Table) -> None:
        self._landing.hold(rows)
        for row, fault in zip(rows.column("file_row").to_pylist(), rows.column("fault").to_pylist(), strict=True):
            reason, _, column = fault.partition("|")
            place_ = row - self.before
            told = self.sheet_rows[place_ - 1] if place_ <= len(self.sheet_rows) else place_
            self.places.append(f"{self.file}, row {told}, {column or 'row'}: {reason}")


@contextmanager
def _as_table(house: House, path: Path, layout: Layout) -> Iterator[tuple[Path, Taken | None]]:
    """The file, or for a workbook its rows as a table in a folder of the zone that is gone afterwards."""
    if path.suffix.lower() != ENDING:
        yield path, None
        return
    folder = house.store.root / PLACE / "unpacked" / unused_name()
    folder.mkdir(parents=True, mode=0o700)
    try:
        taken = as_table(path, layout, folder / "sheet.csv")
        yield taken.path, taken
    finally:
        shutil.rmtree(folder.parent, ignore_errors=True)


def _with_faults(batches: Iterator[pa.RecordBatch], faults: dict[int, tuple[str, str]]) -> Iterator[pa.RecordBatch]:
    """Rows of a workbook that a formula, a merged cell or an error makes unusable are held back, by row and column."""
    before = 0
    for batch in batches:
        found = batch.column("fault").to_pylist()
        raws = batch.column("raw").to_pylist()
        for row in range(batch.num_rows):
            if before + row + 1 in faults and found[row] is None:
                found[row], raws[row] = "|".join(faults[before + row + 1]), _raw(batch, row)
        before += batch.num_rows
        yield _replaced(_replaced(batch, "fault", found), "raw", raws)


def _raw(batch: pa.RecordBatch, row: int) -> str:
    """What later tells which line a row was that was held back: the numbers of invoice and line, nothing else."""
    named = {"Invoice_Number": "invoice", "Line_ID": "line", "Provider_Code": "provider"}
    return json.dumps(
        {key: batch.column(name)[row].as_py() for key, name in named.items() if name in batch.schema.names}
    )


def _place_files(house: House, manifest: Manifest, layout: Layout, folder: Path, *, sink: _Held, tally: Tally) -> None:
    rules = rules_for(house, extracted=manifest.extracted.date())
    period = Period(manifest.period_from, manifest.period_to)
    for number, file in enumerate(manifest.files, start=1):
        sink.file, sink.before, sink.sheet_rows = f"file {number}", tally.rows, []
        with _as_table(house, folder / file.path, layout) as (path, taken):
            batches = checked(path, layout, rules, DuckDbLanding())
            if taken is not None:
                sink.sheet_rows = taken.sheet_rows
                batches = _with_faults(batches, taken.faults)
            if layout.dataset == "invoices":
                batches = _without_identifiers(batches)
            place(batches, period=period, sink=sink, tally=tally)
        if tally.rows - sink.before != file.rows:
            raise DoesNotHold(
                f"file {number} of the manifest has {tally.rows - sink.before} rows, the manifest says {file.rows}",
                code="rows-differ",
                where=manifest.id,
                next_step="ask the sender for the submission again; nothing of it was taken in",
            )


_SCANNED: Final = {
    "invoice": "Invoice_Number", "line": "Line_ID", "line_type": "Line_Type", "case_number": "Case_Number",
    "credits_invoice": "Credits_Invoice", "credits_line": "Credits_Line",
}  # fmt: skip


def _without_identifiers(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Invoice rows in which a text is shaped like a postcode, a birth date or a number: held back too.

    What leaves the zone are invoice and line, so these must never be able to say who.
    """
    for batch in batches:
        if "invoice" not in batch.schema.names:
            yield batch
            continue
        faults, raws = batch.column("fault").to_pylist(), batch.column("raw").to_pylist()
        for name, written in _SCANNED.items():
            for row, value in _suspects(batch, name):
                if faults[row] is None:
                    faults[row] = f"{SHAPED_LIKE_A_PATIENT if identifying_shape(value) else FORMULA_SHAPE}|{written}"
                    raws[row] = json.dumps(
                        {_SCANNED[one]: batch.column(one)[row].as_py() for one in _SCANNED if one in batch.schema.names}
                        | {"Provider_Code": batch.column("provider")[row].as_py()}
                    )
        yield _replaced(_replaced(batch, "fault", faults), "raw", raws)


def _suspects(batch: pa.RecordBatch, name: str) -> Iterator[tuple[int, str]]:
    """The few texts that a first cheap look cannot clear, each distinct one looked at once."""
    if name not in batch.schema.names:
        return
    coded = batch.column(name).dictionary_encode()
    suspicious = {
        place: text
        for place, text in enumerate(coded.dictionary.to_pylist())
        if text and (text[0] in _RUNS or identifying_shape(text))
    }
    if suspicious:
        for row, place_ in enumerate(coded.indices.to_pylist()):
            if place_ in suspicious:
                yield row, suspicious[place_]


def _replaced(batch: pa.RecordBatch, name: str, values: list[str | None]) -> pa.RecordBatch:
    place_ = batch.schema.get_field_index(name)
    return batch.set_column(place_, batch.schema.field(place_), pa.array(values, pa.string()))
