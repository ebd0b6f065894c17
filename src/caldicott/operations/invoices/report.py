"""`invoices report`: what may leave the zone, and not a column more."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pyarrow.csv as pa_csv

from caldicott.engines.duckdb.invoices_books import BookEngine
from caldicott.operations.flows import export_references
from caldicott.operations.invoices.books import balanced, read_books
from caldicott.operations.invoices.checks import OUTSIDE, only_the_decision_leaves
from caldicott.operations.invoices.zone import ROLE, Zone, enter
from caldicott.operations.perform import Act, perform
from caldicott.stores.ceff import ACTIVITY
from caldicott.stores.key_files import sync
from caldicott.stores.names import unused_name
from caldicott.stores.submissions.manifest import sha256_of
from caldicott.vocabulary.errors import ProgramFault, WrongUsage
from caldicott.vocabulary.formats import DataFormat

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from caldicott.operations.perform import House

_SUMMARY: Final = ("month", "provider", "decision", "reason", "currency", "lines", "amount")


@dataclass
class Told:
    """What the report says: the sums, the ledger, what waits."""

    summary: list[dict[str, Any]] = field(default_factory=list)
    ledger: dict[str, dict[str, int]] = field(default_factory=dict)
    lines: int = 0
    undecided: int = 0
    held_back: int = 0
    to: str = ""


def report(house: House, *, to: Path | None = None) -> Told:
    """The decisions and sums; with `to` as files.

    Raises:
        Refused: policy says no, or the person is no member.
    """
    zone = enter(house, ["invoices"])
    if to is not None and to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise WrongUsage(
            "the folder to write to is not empty",
            code="export-not-empty",
            where=str(to),
            next_step="name a new folder, so that nothing of an earlier report is mixed in",
        )
    return perform(zone.house, event="export", activity=ACTIVITY, compute=lambda: _compute(zone, to))


def _compute(zone: Zone, to: Path | None) -> Act[Told]:
    books = read_books(zone.ceff, BookEngine())
    decisions, summary = books.outside(), books.summary()
    only_the_decision_leaves(decisions.column_names)
    if tuple(summary.column_names) != _SUMMARY:
        raise ProgramFault(
            "the summary has other columns than may leave", code="report-columns", next_step="report this fault"
        )
    landed = sum(one.rows - one.quarantined for one in zone.ceff.submissions("invoices"))
    told = Told(
        summary.to_pylist(), balanced(books), decisions.num_rows, landed - decisions.num_rows,
        sum(one.quarantined for one in zone.ceff.submissions()), str(to or ""),
    )  # fmt: skip
    formats = {"invoices": DataFormat.AGGREGATED.value}
    references = export_references(zone.house.register, activity=ACTIVITY, role=ROLE, formats=formats)
    act = Act(
        told, lambda: None, counts={"rows invoices": decisions.num_rows}, references=references, format="aggregated"
    )
    if to is not None:
        act.after = _staged(zone, to, decisions=decisions, summary=summary, told=told)
    return act


def _staged(zone: Zone, to: Path, *, decisions: pa.Table, summary: pa.Table, told: Told) -> Any:
    partial = to.with_name(f".{to.name}.{unused_name()}.partial")
    partial.mkdir(parents=True, mode=0o700)
    try:
        pa_csv.write_csv(decisions, partial / "decisions.csv")
        pa_csv.write_csv(summary, partial / "summary.csv")
        receipt = {
            "activity": ACTIVITY, "on": zone.house.today.isoformat(), "register_digest": zone.house.register.digest,
            "columns": list(OUTSIDE), "lines": told.lines, "undecided": told.undecided, "ledger_pence": told.ledger,
            "files": {path.name: sha256_of(path) for path in sorted(partial.glob("*.csv"))},
        }  # fmt: skip
        (partial / "receipt.json").write_text(json.dumps(receipt, indent=2) + "\n", encoding="utf-8")
        for path in (*partial.iterdir(), partial):
            sync(path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise

    def into_place() -> None:
        if to.exists():
            to.rmdir()
        partial.rename(to)
        sync(to.parent)

    return into_place
