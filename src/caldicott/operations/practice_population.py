"""The picture of need for who plans services: how many people by tier, group and place. Never a person.

The counts are those of the export, through the same gate and the same memory:
what is shown on a page has left, as a file would have.
"""

from __future__ import annotations

import csv
import io
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from caldicott.operations.export_counts import PERSONS, write_counts
from caldicott.operations.perform import ask, permits
from caldicott.operations.reidentify_rights import Reader, as_reader, refuse, standing_of
from caldicott.operations.stratify_counts import counts_by_group
from caldicott.operations.stratify_plan import RISK_SCORES
from caldicott.policy.decision import Request
from caldicott.stores.mart_seals import intact
from caldicott.vocabulary.errors import DoesNotHold
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import Relationship

if TYPE_CHECKING:
    from caldicott.operations.perform import House

FEWEST: Final = 10
"""Records left out for an objection are told from ten on: fewer could be one person's."""


@dataclass(frozen=True, slots=True)
class Population:
    """Protected counts: what each column is, its cells, and what is hidden in them."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """The last cell is how many people, or the gate's sign for a hidden count."""
    month: str
    as_of: str
    certificate: str
    left_out: tuple[tuple[str, int | None], ...]
    """Objection to how many records were left out; None for fewer than ten."""
    reasons: tuple[str, ...]


def population(house: House, *, reader: Reader, activity: str) -> Population:
    """The newest month's counts.

    Raises:
        Refused: the register does not let this role see counts of it today.
    """
    mine = as_reader(house, reader)
    question = Request(reader.role, activity, RISK_SCORES, DataFormat.AGGREGATED, organisation=reader.organisation)
    (permit,) = permits(ask(mine, [question]))
    if permit.obligations.relationship is not Relationship.NONE:
        # Such a right is to single patients that are the reader's own; it is none to the counts of everybody.
        refuse(mine, activity, "relationship-counts", "You may see your own patients, and not the counts of all.")
    standing = standing_of(house, activity)
    months = {
        file.part.split("/")[1]: house.store.root / file.path
        for file in intact(house.store, "mart", activity) if file.part.startswith(f"{RISK_SCORES}/")
    }  # fmt: skip
    if not months:
        raise DoesNotHold("there are no scores to count", code="scores-missing", next_step="run the activity first")
    with tempfile.TemporaryDirectory() as folder:
        tables = {RISK_SCORES: counts_by_group(house, months)}
        certificate = write_counts(mine, tables, permit=permit, partial=Path(folder))
        text = (Path(folder) / f"{RISK_SCORES}.csv").read_text(encoding="utf-8")
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0][-1] == PERSONS  # noqa: S101  the export's own order of columns
    return Population(
        tuple(rows[0]), tuple(tuple(row) for row in rows[1:]), standing["month"], standing["as_of"], certificate,
        _left_out(house, activity), tuple(reason.text for reason in permit.reasons),
    )  # fmt: skip


def _left_out(house: House, activity: str) -> tuple[tuple[str, int | None], ...]:
    totals: dict[str, int] = {}
    for outcome in house.store.catalogue.outcomes():
        if outcome.activity == activity:
            for scheme, rows in outcome.excluded_by.items():
                totals[scheme] = totals.get(scheme, 0) + rows
    return tuple((scheme, rows if rows >= FEWEST else None) for scheme, rows in sorted(totals.items()))
