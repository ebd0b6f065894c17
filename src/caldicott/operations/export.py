"""`export`: give a role what it may have, in the most telling format it may have, and nothing more.

Objections are applied again: who objected since the marts were made is not in
what leaves today.
"""

from __future__ import annotations

import glob
import json
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from caldicott.engines.duckdb.marts import DuckDbExports
from caldicott.facts.governance import service_areas
from caldicott.operations.export_counts import write_counts
from caldicott.operations.flows import export_references
from caldicott.operations.people import People, gather, give_tokens
from caldicott.operations.perform import Act, House, ask, perform
from caldicott.operations.stratify_counts import OPT_OUTS, counts_by_group, opt_outs
from caldicott.operations.stratify_plan import RISK_SCORES
from caldicott.policy.decision import Permit, Request
from caldicott.policy.explain import explain
from caldicott.safe_haven.release import LINKED_MART, concerns
from caldicott.stores.key_files import disk_faults, sync
from caldicott.stores.mart_seals import intact
from caldicott.stores.names import unused_name
from caldicott.stores.submissions.manifest import sha256_of
from caldicott.vocabulary.errors import DoesNotHold, Refused, WrongUsage
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import Relationship

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from caldicott.policy.decision import Decision
    from caldicott.register.model import ProcessingActivity
    from caldicott.stores.catalogue import LiveFile

# Identifiable rows never leave by an export: they are seen one person at a time, by who has the relationship.
_FORMATS = (DataFormat.PSEUDONYMISED, DataFormat.ANONYMISED, DataFormat.AGGREGATED)


@dataclass
class Exported:
    """What left."""

    activity: str
    role: str
    formats: dict[str, str] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    to: str = ""
    certificate: str = ""
    """The ledger's proof for the counts; empty where no counts left."""


def export(house: House, *, activity: str, role: str, to: Path, wanted: str | None = None) -> Exported:
    """Write what the role may have into a new folder.

    Raises:
        Refused: the register lets the role have nothing of it today.
    """
    entry = house.register.activity(activity)
    files = house.store.catalogue.files("mart", activity) if entry else ()
    datasets = sorted({file.part.split("/")[0] for file in files})
    granted, refusals = _granted(house, activity, role, datasets or _declared(entry), wanted=wanted)
    if not granted:
        first = next(iter(refusals.values()))
        raise Refused(explain(first), code=first.reasons[0].code, next_step=first.next_step)  # type: ignore[union-attr]
    if not files or entry is None:
        raise DoesNotHold(
            "there is no mart of this activity yet",
            code="mart-missing",
            next_step=f"make it first: `caldicott run REGISTER --store DIR --activity {activity}`",
        )
    _require_new(to)
    _require_outside(to, house.store.root)
    report = Exported(activity, role, refused={d: _code_of(r) for d, r in refusals.items()}, to=str(to))
    return perform(
        house, event="export", activity=activity, compute=lambda: _compute(house, entry, files, granted, report=report)
    )


def _declared(entry: ProcessingActivity | None) -> list[str]:
    # Without a mart the question is still put, so that a refusal says why and an unknown activity is named.
    uses = entry.datasets or () if entry else ()
    outward = [use.dataset for use in uses if use.direction == "out"] or [use.dataset for use in uses]
    return outward[:1] or ["commissioning-mart"]


def _granted(
    house: House, activity: str, role: str, datasets: list[str], *, wanted: str | None
) -> tuple[dict[str, Permit], dict[str, Decision]]:
    granted: dict[str, Permit] = {}
    refusals: dict[str, Decision] = {}
    formats = [wanted] if wanted else [form.value for form in _FORMATS]
    for dataset in datasets:
        for form in formats:
            answer = ask(house, [Request(role, activity, dataset, form, action="see")])[0]
            if isinstance(answer, Permit) and form != DataFormat.IDENTIFIABLE and not _needs_showing(answer):
                granted[dataset] = answer
                break
            refusals.setdefault(dataset, answer)
        if dataset in granted:
            refusals.pop(dataset, None)
    if wanted == DataFormat.IDENTIFIABLE and not granted and all(isinstance(r, Permit) for r in refusals.values()):
        raise Refused(
            "Identifiable records are never exported. Whoever may see them sees one person at a time.",
            code="identifiable-export",
            next_step="ask for the pseudonymised or aggregated format",
        )
    if not granted and any(isinstance(answer, Permit) for answer in refusals.values()):
        raise Refused(
            "Refused. This role sees its own patients, one at a time; a whole file shows no relationship. "
            "Next: look them up with `caldicott risk list`.",
            code="relationship-export",
            next_step="look them up with `caldicott risk list`",
        )
    return granted, refusals


def _code_of(answer: Decision) -> str:
    return "relationship-export" if isinstance(answer, Permit) else answer.reasons[0].code


def _needs_showing(permit: Permit) -> bool:
    """A permit that obliges to show a relationship for every row gives no right to a whole file."""
    return permit.obligations.relationship is not Relationship.NONE


def _require_new(to: Path) -> None:
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise WrongUsage(
            "the folder to export to is not empty",
            code="export-not-empty",
            where=str(to),
            next_step="name a new folder, so that nothing of an earlier export is mixed in",
        )


def _require_outside(to: Path, store: Path) -> None:
    # The store sweeps what it does not know, and what left must not lie where records are kept.
    if to.resolve().is_relative_to(store.resolve()):
        raise WrongUsage(
            "the folder to export to lies in the store",
            code="export-into-store",
            where=str(to),
            next_step="name a folder outside the store, where only the receiver can read",
        )


def _remove_unfinished(to: Path) -> None:
    # A killed export leaves its records in a hidden folder beside the place they were to have.
    for left in to.parent.glob(f".{glob.escape(to.name)}.{'?' * len(unused_name())}.partial"):
        shutil.rmtree(left)


def _compute(
    house: House,
    entry: ProcessingActivity,
    files: tuple[LiveFile, ...],
    granted: dict[str, Permit],
    *,
    report: Exported,
) -> Act[Exported]:
    from pathlib import Path

    to = Path(report.to)
    intact(house.store, "mart", entry.id)
    people = people_today(house, entry, granted)
    _remove_unfinished(to)
    partial = to.with_name(f".{to.name}.{unused_name()}.partial")
    with disk_faults(to):
        partial.mkdir(parents=True, mode=0o700)
    try:
        counted: dict[str, pa.Table] = {}
        for dataset, permit in granted.items():
            chosen = [file for file in files if file.part.split("/")[0] == dataset]
            report.formats[dataset] = permit.request.format
            if permit.request.format == DataFormat.PSEUDONYMISED:
                _write(house, people, dataset, permit, chosen, partial=partial, report=report)
            else:
                counted[dataset] = _counted(house, people, dataset, permit, chosen)
                report.rows[dataset] = counted[dataset].num_rows
        if RISK_SCORES in counted and counted[RISK_SCORES].num_rows:
            month = str(counted[RISK_SCORES].column("month")[0])
            counted[OPT_OUTS] = opt_outs(people, entry, month)
        if counted:
            permit = granted[next(iter(counted))]
            report.certificate = write_counts(house, counted, permit=permit, partial=partial)
        receipt = _write_receipt(house, partial, report)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise

    def into_place() -> None:
        if to.exists():
            to.rmdir()
        partial.rename(to)
        sync(to.parent)

    counts = {f"rows {dataset}": rows for dataset, rows in report.rows.items()}
    form = "+".join(sorted({*report.formats.values()}))
    passed = export_references(house.register, activity=entry.id, role=report.role, formats=report.formats)
    proof = (report.certificate,) if report.certificate else ()
    references = (report.role, *passed, *proof, receipt)
    return Act(report, lambda: None, counts=counts, references=references, format=form, after=into_place)


def people_today(house: House, entry: ProcessingActivity, granted: dict[str, Permit]) -> People:
    """Who is there, with their tokens, and what each objects to by today."""
    submissions = [
        s for s in house.store.catalogue.submissions() if concerns(entry.id, purposes=s.purposes, dataset=s.dataset)
    ]
    people = gather(house, submissions, granted)
    # The marts' tokens are looked up, not made: everybody in the marts has one.
    give_tokens(house, people, entry.pseudonym_domain)  # type: ignore[arg-type]
    return people


def _write(
    house: House,
    people: People,
    dataset: str,
    permit: Permit,
    files: list[LiveFile],
    *,
    partial: Path,
    report: Exported,
) -> None:
    exports, root = DuckDbExports(people.engine), house.store.root
    mask, by_area = barring_of(house, people, permit)
    for file in files:
        folder = partial / dataset / f"month={file.part.split('/')[1]}"
        folder.mkdir(parents=True)
        rows = exports.write_rows(root / file.path, mask=mask, to=folder / "rows.parquet", by_area=by_area)
        report.rows[dataset] = report.rows.get(dataset, 0) + rows


def _counted(house: House, people: People, dataset: str, permit: Permit, files: list[LiveFile]) -> pa.Table:
    """True counts of those who remain today; they go to the gate and nowhere else."""
    by_month = {file.part.split("/")[1]: house.store.root / file.path for file in files}
    if dataset == RISK_SCORES:
        return counts_by_group(house, by_month)
    mask, by_area = barring_of(house, people, permit)
    return DuckDbExports(people.engine).grouped(by_month, mask=mask, by_area=by_area)


def barring_of(house: House, people: People, permit: Permit) -> tuple[int, dict[str, int] | None]:
    """Which objections take a person out of the dataset; in the linked mart, by service area as well."""
    dataset = permit.request.dataset
    return people.mask(dataset), _masks_by_area(house, people, permit) if dataset == LINKED_MART else None


def _masks_by_area(house: House, people: People, permit: Permit) -> dict[str, int]:
    """Of the linked mart's service areas, who is out of which: what stops a dataset stops its part of the mart."""
    entry = house.register.activity(permit.request.activity)
    rules = entry.objections.rules if entry and entry.objections else ()
    standing = [rule for rule in rules if permit.request.format in rule.covers_formats]
    masks: dict[str, int] = {}
    for dataset, area in service_areas().items():
        masks[area] = masks.get(area, 0) | people.mask_under(dataset, standing)
    return masks


def _write_receipt(house: House, partial: Path, report: Exported) -> str:
    """What left, with the SHA-256 of each file; the receipt's own goes into the trail."""
    written = sorted(path for path in partial.rglob("*") if path.is_file())
    receipt = {
        "activity": report.activity,
        "role": report.role,
        "on": house.today.isoformat(),
        "register_digest": house.register.digest,
        "formats": report.formats,
        "rows": report.rows,
        "not_given": report.refused,
        "certificate": report.certificate,
        "files": {str(path.relative_to(partial)): sha256_of(path) for path in written},
    }
    path = partial / "receipt.json"
    path.write_text(json.dumps(receipt, indent=2) + "\n", encoding="utf-8")
    folders = [folder for folder in partial.rglob("*") if folder.is_dir()]
    for place in [*written, path, *folders, partial]:
        sync(place)
    return sha256_of(path)
