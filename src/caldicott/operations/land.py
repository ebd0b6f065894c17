"""`land`: admit submissions. Manifest or nothing; every row in one place; whole or not at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from caldicott.audit.guard import identifying_shape
from caldicott.engines.duckdb.landing import DuckDbLanding
from caldicott.facts.layout import ColumnClass
from caldicott.facts.layout import load as load_layout
from caldicott.operations.admitting import days_in, hold_repeats, record_of, rules_for
from caldicott.operations.flows import delivery_references
from caldicott.operations.perform import Act, House, ask, perform, permits, record
from caldicott.operations.reading import checked
from caldicott.policy.agreements import against_agreement
from caldicott.policy.decision import Request
from caldicott.safe_haven.landing.placement import Period, Tally, place
from caldicott.stores.destroyed_keys import refuse_destroyed
from caldicott.stores.landing_zone import LandingZone, ZoneKeys
from caldicott.stores.names import unused_name
from caldicott.stores.submissions import manifest as manifests
from caldicott.stores.submissions.ahead import ahead
from caldicott.vocabulary.errors import CaldicottError, DoesNotHold
from caldicott.vocabulary.formats import DataFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from caldicott.facts.layout import Layout
    from caldicott.stores.catalogue import SubmissionRecord
    from caldicott.stores.submissions.manifest import Manifest

_IDENTIFYING = {ColumnClass.NHS_NUMBER.value, ColumnClass.NAME.value, ColumnClass.ADDRESS.value}


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
    landed = []
    for place_ in require_submissions(folder):
        told(f"landing {place_.name}")
        landed.append(_land_one(house, place_))
    return landed


def require_submissions(folder: Path) -> Sequence[Path]:
    """The folders with a manifest.

    Raises:
        DoesNotHold: there is none.
    """
    found = manifests.find(folder)
    if not found:
        raise DoesNotHold(
            "there is no submission here: no folder holds a manifest.toml",
            code="manifest-missing",
            where=str(folder),
            next_step="put a manifest.toml beside the files; docs/how-to/land-real-input.md shows one",
        )
    return found


def _land_one(house: House, folder: Path) -> Landed:
    try:
        manifest = manifests.parse(folder)
        _refuse_identifying_id(manifest)
        layout = _layout(manifest)
        earlier = house.store.catalogue.submission(manifest.sender, manifest.id)
        if earlier is not None:
            refuse_destroyed(house.store, earlier)
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
    if identifying_shape(manifest.id, days=frozenset(days_in(manifest.id))):
        raise DoesNotHold(
            "the submission's id is shaped like what identifies a person",
            code="submission-id-identifies",
            next_step="ask the sender for an id such as the dataset and the period; nothing was taken in",
        )


def _layout(manifest: Manifest) -> Layout:
    layout = load_layout(manifest.layout)
    if layout.dataset != manifest.dataset:
        raise DoesNotHold(
            f"the layout '{layout.id}' is of the dataset '{layout.dataset}', not of '{manifest.dataset}'",
            code="layout-other-dataset",
            next_step="correct 'dataset' or 'layout' in the manifest",
        )
    telling = sorted({column.column_class.value for column in layout.columns} & _IDENTIFYING)
    if telling and manifest.format != DataFormat.IDENTIFIABLE:
        raise DoesNotHold(
            f"the manifest calls the records {manifest.format}, but the layout '{layout.id}' has {', '.join(telling)}",
            code="format-other-than-layout",
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
        code="submission-differs",
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
    hold_repeats(zone, tally)
    told = {
        "objections_applied": {scheme.value: 1 for scheme in manifest.objections_applied},
        "practices": dict.fromkeys(manifest.practices, 1),
    }
    kept = record_of(manifest, tally, uid=uid, key_id=keys.clear_id, received=house.today.isoformat(), told=told)

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
        days=days_in(uid),
        dataset=manifest.dataset,
        format=manifest.format,
    )


def _keys(house: House, manifest: Manifest) -> ZoneKeys:
    scope = f"{manifest.dataset}/{'+'.join(manifest.purposes)}/{manifest.period_from}..{manifest.period_to}"
    ring, today = house.store.keys, house.today
    clear_id = ring.key_for(f"clear/{scope}", created=today)
    quarantine_id = ring.key_for(f"quarantine/{scope}", created=today)
    return ZoneKeys(clear_id, ring.open(clear_id), quarantine_id, ring.open(quarantine_id))


def _place_files(
    house: House, manifest: Manifest, layout: Layout, folder: Path, *, zone: LandingZone, tally: Tally
) -> None:
    rules = rules_for(house, extracted=manifest.extracted.date())
    period = Period(manifest.period_from, manifest.period_to)
    for number, file in enumerate(manifest.files, start=1):
        before = tally.rows
        rows = ahead(checked(folder / file.path, layout, rules, DuckDbLanding()))
        place(rows, period=period, sink=zone, tally=tally)
        if tally.rows - before != file.rows:
            raise DoesNotHold(
                f"file {number} of the manifest has {tally.rows - before} rows, the manifest says {file.rows}",
                code="rows-differ",
                where=manifest.id,
                next_step="ask the sender for the submission again; nothing of it was taken in",
            )
