"""What landed since the scores were made and changes who may be seen: a move, an objection, a merged number.

The scores wait for the next run; who is shown does not. Only the few persons of
the page are looked for, and only in submissions that the run has not seen.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from caldicott.facts.layout import ColumnClass, load
from caldicott.facts.objections import codes
from caldicott.operations.stratify import concerning
from caldicott.operations.stratify_plan import RISK_SCORES
from caldicott.stores.clear_rows import ClearRows
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.nhs_number import canonicalise
from caldicott.vocabulary.terms import Objection

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from caldicott.facts.objections import ObjectionCode
    from caldicott.operations.perform import House
    from caldicott.register.model import ProcessingActivity
    from caldicott.stores.catalogue import SubmissionRecord

_CHANGES_PERSONS: Final = frozenset({"gp-patients", "pds", "gp-objections", "national-data-opt-out"})
_SEAT: Final = ("practice", "registered_on", "deregistered_on", "removal_reason", "extracted_on", "effective_from")


def changed_since(
    house: House, entry: ProcessingActivity, seen: Collection[str], numbers: dict[int, str]
) -> dict[int, str]:
    """NHS number to the reason why its person may not be seen any more; `numbers` says the practice of each."""
    fresh = [
        s for s in concerning(house.store.catalogue.submissions(), entry.id)
        if s.uid not in seen and s.dataset in _CHANGES_PERSONS
    ]  # fmt: skip
    if not fresh or not numbers:
        return {}
    found = _moved(house, [s for s in fresh if s.dataset in {"gp-patients", "pds"}], numbers)
    schemes = _schemes(entry)
    found |= dict.fromkeys(_objecting(house, fresh, numbers, schemes), "objects")
    if Objection.NATIONAL_DATA_OPT_OUT in schemes:
        found |= dict.fromkeys(_opted_out(house, fresh, numbers), "objects")
    return found


def _schemes(entry: ProcessingActivity) -> frozenset[Objection]:
    rules = entry.objections.rules if entry.objections else ()
    return frozenset(
        rule.scheme
        for rule in rules
        if DataFormat.IDENTIFIABLE in rule.covers_formats and (not rule.datasets or RISK_SCORES in rule.datasets)
    )


def _moved(house: House, fresh: Sequence[SubmissionRecord], numbers: dict[int, str]) -> dict[int, str]:
    newest: dict[int, tuple[tuple[date, date], str, bool]] = {}
    merged: dict[int, str] = {}
    for submission in fresh:
        columns = {column.canonical for column in load(submission.layout).columns}
        superseded = [c.canonical for c in load(submission.layout).columns
                      if c.column_class == ColumnClass.SUPERSEDED_NHS_NUMBER]  # fmt: skip
        if superseded:
            merged |= dict.fromkeys(_superseded(house, submission, superseded[0], numbers), "being-merged")
        if "practice" not in columns:
            continue
        for row in _rows(house, submission, [name for name in _SEAT if name in columns], numbers):
            since = row.get("registered_on") or row.get("effective_from") or row.get("extracted_on") or date.min
            seen = row.get("extracted_on") or row.get("effective_from") or date.min
            has_left = row.get("deregistered_on") is not None or bool((row.get("removal_reason") or "").strip())
            known = newest.get(row["identity"])
            if known is None or (since, seen) >= known[0]:
                newest[row["identity"]] = ((since, seen), (row.get("practice") or "").strip().upper(), has_left)
    left = {number: "left" for number, (_at, _practice, has_left) in newest.items() if has_left}
    moved = {n: "moved" for n, (_at, practice, _left) in newest.items() if practice and practice != numbers[n]}
    return merged | left | moved


def _superseded(house: House, submission: SubmissionRecord, column: str, numbers: dict[int, str]) -> Iterator[int]:
    written = {str(number): number for number in numbers}
    for batch in ClearRows(house.store).read_all(submission.uid, [column]) or ():
        said = (canonicalise(value) for value in batch.column(0).to_pylist() if value)
        yield from (written[one] for one in said if one in written)


def _objecting(
    house: House, fresh: Sequence[SubmissionRecord], numbers: dict[int, str], schemes: frozenset[Objection]
) -> Iterator[int]:
    """Whose newest code of a scheme, among what has landed since, is a dissent."""
    latest: dict[tuple[int, Objection], tuple[tuple[date, bool], bool]] = {}
    for submission in fresh:
        rows = _rows(house, submission, ["objection_code", "recorded_on"], numbers) if _is_coded(submission) else ()
        for row in rows:
            for code in _in_force(row, schemes):
                key, at = (row["identity"], code.scheme), (row["recorded_on"], code.is_dissent)
                if key not in latest or at >= latest[key][0]:
                    latest[key] = (at, code.is_dissent)
    return (number for (number, _scheme), (_at, objects) in latest.items() if objects)


def _is_coded(submission: SubmissionRecord) -> bool:
    return submission.dataset == "gp-objections"


def _in_force(row: dict[str, Any], schemes: frozenset[Objection]) -> Iterator[ObjectionCode]:
    """What the row's code says by the schemes that count; a dissent after its scheme's end says nothing."""
    on = row["recorded_on"]
    if on is None or row["withdrawn"]:
        return
    for code in codes():
        ended = date.fromisoformat(code.effective_until) if code.effective_until else date.max
        if code.code == row["objection_code"] and code.scheme in schemes and on <= ended:
            yield code


def _opted_out(house: House, fresh: Sequence[SubmissionRecord], numbers: dict[int, str]) -> set[int]:
    """Who is not in the newest national answer, if one has landed since."""
    answers = [s for s in fresh if s.dataset == "national-data-opt-out"]
    if not answers:
        return set()
    newest = max(answers, key=lambda answer: (answer.received, answer.extracted))
    return set(numbers) - {row["identity"] for row in _rows(house, newest, [], numbers)}


def _rows(
    house: House, submission: SubmissionRecord, columns: Sequence[str], numbers: dict[int, str]
) -> Iterator[dict[str, Any]]:
    """Rows about these numbers only; the rest of a batch is dropped as it comes."""
    found = ClearRows(house.store).read_all(submission.uid, ["identity", "withdrawn", *columns])
    wanted = pa.array([*numbers], pa.int64())
    for batch in found or ():
        identity = batch.column(0)
        if pa.types.is_int64(identity.type):
            yield from batch.filter(pc.is_in(identity, value_set=wanted)).to_pylist()
