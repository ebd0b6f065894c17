"""`land`: admit submissions. Manifest or nothing; every row in one place; whole or not at all."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from caldicott.audit.guard import identifying_shape
from caldicott.engines.duckdb.landing import DuckDbLanding
from caldicott.engines.duckdb.landing_sql import LandingRules
from caldicott.facts.layout import ColumnClass
from caldicott.facts.layout import load as load_layout
from caldicott.operations.flows import delivery_references
from caldicott.operations.perform import Act, House, ask, perform, permits, record
from caldicott.operations.reading import checked
from caldicott.policy.agreements import against_agreement
from caldicott.policy.decision import Request
from caldicott.safe_haven.landing.placement import Period, Tally, place
from caldicott.stores import clear
from caldicott.stores.catalogue import LiveFile, SubmissionRecord
from caldicott.stores.landing_zone import LandingZone, ZoneKeys, clear_aad
from caldicott.stores.names import unused_name
from caldicott.stores.submissions import manifest as manifests
from caldicott.vocabulary.errors import CaldicottError, DoesNotHold
from caldicott.vocabulary.formats import DataFormat

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pyarrow as pa

    from caldicott.facts.layout import Layout
    from caldicott.stores.submissions.manifest import Manifest

_REPEAT = "duplicate_record"
_IDENTIFYING = {ColumnClass.NHS_NUMBER.value, ColumnClass.NAME.value, ColumnClass.ADDRESS.value}
_REPEAT_COLUMNS = ("record_hash", "identity", "file_row")


@dataclass(frozen=True)
class Landed:
    """What became of one submission folder."""

    place: str
    id: str = ""
    dataset: str = ""
    rows: int = 0
    admitted: int = 0
    quarantined_by: dict[str, int] = field(default_factory=dict)
    already: bool = False
    fault: CaldicottError | None = None


def land(house: House, folder: Path, *, told: Callable[[str], None] = lambda _: None) -> list[Landed]:
    """Admit every submission under the folder; one that is refused does not hold up the others."""
    found = manifests.find(folder)
    if not found:
        raise DoesNotHold(
            "there is no submission here: no folder holds a manifest.toml",
            code="manifest_missing",
            where=str(folder),
            next_step="put a manifest.toml beside the files; docs/how-to/land-real-input.md shows one",
        )
    landed = []
    for place_ in found:
        told(f"landing {place_.name}")
        landed.append(_land_one(house, place_))
    return landed


def _land_one(house: House, folder: Path) -> Landed:
    try:
        manifest = manifests.parse(folder)
        _refuse_identifying_id(manifest)
        layout = _layout(manifest)
        earlier = house.store.catalogue.submission(manifest.sender, manifest.id)
        if earlier is not None:
            return _already(manifest, earlier, folder)
        _ask(house, manifest)
        return perform(
            house,
            event="admit",
            activity=manifest.purposes[0],
            compute=lambda: _admit(house, manifest, layout, folder),
        )
    except CaldicottError as fault:
        return Landed(folder.name, fault=fault)


def _refuse_identifying_id(manifest: Manifest) -> None:
    # Before anything is staged: the sender's id becomes the name of a folder.
    if identifying_shape(manifest.id, days=frozenset(_days_in(manifest.id))):
        raise DoesNotHold(
            "the submission's id is shaped like what identifies a person",
            code="submission_id_identifies",
            next_step="ask the sender for an id such as the dataset and the period; nothing was taken in",
        )


def _layout(manifest: Manifest) -> Layout:
    layout = load_layout(manifest.layout)
    if layout.dataset != manifest.dataset:
        raise DoesNotHold(
            f"the layout '{layout.id}' is of the dataset '{layout.dataset}', not of '{manifest.dataset}'",
            code="layout_other_dataset",
            next_step="correct 'dataset' or 'layout' in the manifest",
        )
    telling = sorted({column.column_class.value for column in layout.columns} & _IDENTIFYING)
    if telling and manifest.format != DataFormat.IDENTIFIABLE:
        raise DoesNotHold(
            f"the manifest calls the records {manifest.format}, but the layout '{layout.id}' has {', '.join(telling)}",
            code="format_other_than_layout",
            next_step='write format = "identifiable", or send the records in a layout without identities',
        )
    return layout


def _already(manifest: Manifest, earlier: SubmissionRecord, folder: Path) -> Landed:
    if (earlier.content_sha256, *_said_then(earlier)) == (manifest.digest, *_said(manifest)):
        counts = earlier.counts["quarantined_by"]
        admitted = earlier.rows - earlier.quarantined
        return Landed(folder.name, manifest.id, manifest.dataset, earlier.rows, admitted, counts, already=True)
    raise DoesNotHold(
        f"the sender's submission '{manifest.id}' landed already with other content or another manifest",
        code="submission_differs",
        next_step="ask the sender to give the new submission an id of its own; what landed stays",
    )


def _said(manifest: Manifest) -> tuple[object, ...]:
    period, extracted = (
        (manifest.period_from.isoformat(), manifest.period_to.isoformat()),
        manifest.extracted.isoformat(),
    )
    return (
        *period,
        extracted,
        manifest.layout,
        manifest.purposes,
        manifest.agreement,
        manifest.format,
        manifest.update,
    )


def _said_then(earlier: SubmissionRecord) -> tuple[object, ...]:
    period = (earlier.period_from, earlier.period_to, earlier.extracted)
    return (*period, earlier.layout, earlier.purposes, earlier.agreement, earlier.format, earlier.update_kind)


def _ask(house: House, manifest: Manifest) -> None:
    requests = [
        Request("dscro_operator", purpose, manifest.dataset, manifest.format, action="land")
        for purpose in manifest.purposes
    ]
    granted = permits(ask(house, requests))
    register, today = house.register, house.today
    refusals = [
        refusal
        for permit in granted
        if (refusal := against_agreement(manifest.agreement, permit.request, register, today, sender=manifest.sender))
    ]
    record(house, refusals)
    permits(refusals)


def _admit(house: House, manifest: Manifest, layout: Layout, folder: Path) -> Act[Landed]:
    manifests.verify_places(manifest, folder)
    uid = f"{manifest.sender}.{manifest.id}.{unused_name()}"
    keys = _keys(house, manifest)
    tally = Tally()
    # Hashed while it is read: nothing of a submission is live, or stays, before both are done.
    with ThreadPoolExecutor(1) as pool, LandingZone(house.store.root, submission=uid, keys=keys) as zone:
        hashed = pool.submit(manifests.verify_files, manifest, folder)
        try:
            _place_files(house, manifest, layout, folder, zone=zone, tally=tally)
        except DoesNotHold:
            hashed.result()  # a changed file explains whatever else is wrong with it
            raise
        hashed.result()
    _hold_repeats(zone, tally, uid=uid, keys=keys, root=house.store.root)
    kept = _record(manifest, tally, uid=uid, key_id=keys.clear_id, received=house.today.isoformat())

    def keep() -> None:
        house.store.catalogue.add_submission(kept)
        house.store.catalogue.add_files(zone.files)

    counts = {"rows": tally.rows, "admitted": tally.admitted, "quarantined": tally.quarantined}
    landed = Landed(
        folder.name,
        manifest.id,
        manifest.dataset,
        tally.rows,
        tally.admitted,
        dict(sorted(tally.quarantined_by.items())),
    )
    return Act(
        landed,
        keep,
        counts=counts,
        references=(
            uid,
            manifest.agreement,
            *delivery_references(house.register, sender=manifest.sender, purposes=manifest.purposes),
        ),
        days=_days_in(uid),
        dataset=manifest.dataset,
        format=manifest.format,
    )


def _days_in(submission: str) -> tuple[date, ...]:
    """Days that the sender's own id states, which the audit trail would otherwise take for birth dates."""
    found = []
    for written in re.findall(r"\d{4}-?\d{2}-?\d{2}", submission):
        with suppress(ValueError):
            found.append(date.fromisoformat(written))
    return tuple(found)


def _keys(house: House, manifest: Manifest) -> ZoneKeys:
    scope = f"{manifest.dataset}/{'+'.join(manifest.purposes)}/{manifest.period_from}..{manifest.period_to}"
    ring, today = house.store.keys, house.today
    clear_id = ring.key_for(f"clear/{scope}", created=today)
    quarantine_id = ring.key_for(f"quarantine/{scope}", created=today)
    return ZoneKeys(clear_id, ring.open(clear_id), quarantine_id, ring.open(quarantine_id))


def _place_files(
    house: House, manifest: Manifest, layout: Layout, folder: Path, *, zone: LandingZone, tally: Tally
) -> None:
    settings = house.register.controller.settings
    rules = LandingRules(
        test_numbers_allowed=settings.test_numbers_allowed,
        palindromes_need_trace=settings.palindromes_need_trace,
        northern_ireland_numbers_need_trace=settings.northern_ireland_numbers_need_trace,
        no_later_than=manifest.extracted.date(),
    )
    period = Period(manifest.period_from, manifest.period_to)
    for number, file in enumerate(manifest.files, start=1):
        before = tally.rows
        place(checked(folder / file.path, layout, rules, DuckDbLanding()), period=period, sink=zone, tally=tally)
        if tally.rows - before != file.rows:
            raise DoesNotHold(
                f"file {number} of the manifest has {tally.rows - before} rows, the manifest says {file.rows}",
                code="rows_differ",
                where=manifest.id,
                next_step="ask the sender for the submission again; nothing of it was taken in",
            )


def _hold_repeats(zone: LandingZone, tally: Tally, *, uid: str, keys: ZoneKeys, root: Path) -> None:
    records = _keys_of_records(zone, uid=uid, keys=keys, root=root)
    repeats = DuckDbLanding().repeats(records) if records is not None else None
    if repeats is not None and repeats.num_rows:
        zone.pass_over(repeats)
        tally.admitted -= repeats.num_rows
        tally.quarantined_by[_REPEAT] += repeats.num_rows


def _keys_of_records(zone: LandingZone, *, uid: str, keys: ZoneKeys, root: Path) -> pa.RecordBatchReader | None:
    import pyarrow as pa

    def opened(file: LiveFile) -> pa.RecordBatchReader:
        aad = clear_aad(uid, file.part)
        return clear.read(root / file.path, key=keys.clear.use(aad.decode()), aad=aad, columns=_REPEAT_COLUMNS)

    readers = [opened(file) for file in zone.files if file.kind == "clear"]
    if not readers:
        return None
    batches = (batch for reader in readers for batch in reader)
    return pa.RecordBatchReader.from_batches(readers[0].schema, batches)


def _record(manifest: Manifest, tally: Tally, *, uid: str, key_id: str, received: str) -> SubmissionRecord:
    return SubmissionRecord(
        uid=uid,
        sender=manifest.sender,
        id=manifest.id,
        dataset=manifest.dataset,
        layout=manifest.layout,
        purposes=manifest.purposes,
        agreement=manifest.agreement,
        format=manifest.format.value,
        period_from=manifest.period_from.isoformat(),
        period_to=manifest.period_to.isoformat(),
        update_kind=manifest.update,
        extracted=manifest.extracted.isoformat(),
        received=received,
        content_sha256=manifest.digest,
        key_id=key_id,
        rows=tally.rows,
        quarantined=tally.quarantined,
        counts={
            "quarantined_by": dict(sorted(tally.quarantined_by.items())),
            "link_quality": dict(sorted(tally.link_quality.items())),
            "flags": {"needs_trace": tally.needs_trace, "withdrawn": tally.withdrawn},
            "objections_applied": {scheme.value: 1 for scheme in manifest.objections_applied},
        },
    )
