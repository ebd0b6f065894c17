"""Who objects, counted a second time: written apart from the engine's own rules, so that one can catch the other.

The trail says what had landed before a run. From exactly that, the codes of
the practices and the national answer are read again, and the codes of the
marts are asked whose they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from caldicott.facts import objections as facts
from caldicott.facts.layout import ColumnClass, load
from caldicott.stores.clear_rows import ClearRows
from caldicott.vocabulary.terms import Objection

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from caldicott.facts.objections import ObjectionCode
    from caldicott.operations.verify.evidence import Evidence
    from caldicott.register.model import ProcessingActivity
    from caldicott.stores.catalogue import SubmissionRecord

_ANSWER = "national-data-opt-out"
_CODES = "gp-objections"


@dataclass
class Recount:
    """Who objects by which scheme, as of one run; prints as counts only."""

    objecting: dict[Objection, set[int]] = field(default_factory=dict)
    """Person ids by scheme."""
    taken_back: int = 0
    """Persons whose latest code of a scheme is its withdrawal."""
    allowed: frozenset[int] | None = None
    """Person ids in the national answer; None where no usable answer was there."""
    codes_landed: bool = False

    def __repr__(self) -> str:
        return f"Recount({ {scheme.value: len(persons) for scheme, persons in self.objecting.items()} })"

    def is_out(self, person: int, schemes: Iterable[Objection]) -> bool:
        """Whether one of these schemes takes the person out."""
        return any(
            (self.allowed is None or person not in self.allowed)
            if scheme is Objection.NATIONAL_DATA_OPT_OUT
            else person in self.objecting.get(scheme, ())
            for scheme in schemes
        )


def landed_before(evidence: Evidence, activity: str) -> tuple[SubmissionRecord, ...]:
    """What had landed when the activity last ran, by the order of the trail; oldest extract first."""
    run = evidence.house.store.catalogue.latest_runs().get(activity)
    before: set[str] = set()
    for entry in evidence.entries:
        if run is not None and entry.event == "run" and run["id"] in entry.references:
            return tuple(one for one in evidence.submissions if one.uid in before)
        if entry.event == "admit":
            before.update(entry.references)
    return ()


def recount(evidence: Evidence, entry: ProcessingActivity) -> Recount:
    """Who objected when the activity last ran."""
    landed = landed_before(evidence, entry.id)
    rows = ClearRows(evidence.house.store)
    persons = _persons(rows, _mergers(rows, landed))
    found = Recount(codes_landed=any(one.dataset == _CODES for one in landed))
    for (person, scheme), is_dissent in _latest(_records(rows, landed), persons).items():
        if is_dissent:
            found.objecting.setdefault(scheme, set()).add(person)
        else:
            found.taken_back += 1
    ran = date.fromisoformat(evidence.house.store.catalogue.latest_runs()[entry.id]["at"])
    found.allowed = _allowed(evidence, rows, landed, persons, on=ran)
    return found


class _Persons(dict[int, int]):
    """Number to person, superseded numbers followed to the living one; prints nothing."""

    def __repr__(self) -> str:
        return "_Persons(…)"


def _persons(rows: ClearRows, current: dict[int, int]) -> _Persons:
    numbers = rows.person_index()[0]
    index = dict(zip(numbers["number"].to_pylist(), numbers["person_id"].to_pylist(), strict=True))
    found = _Persons(index)
    for superseded in current:
        if (living := _living(superseded, current)) in index:
            found[superseded] = index[living]
    return found


def _living(number: int, current: dict[int, int]) -> int:
    seen = [number]
    while (following := current.get(seen[-1])) is not None:
        if following in seen:
            return min(seen[seen.index(following) :])
        seen.append(following)
    return seen[-1]


def _mergers(rows: ClearRows, landed: Iterable[SubmissionRecord]) -> dict[int, int]:
    current: dict[int, int] = {}
    for one in landed:
        columns = {column.column_class: column.canonical for column in load(one.layout).columns}
        superseded = columns.get(ColumnClass.SUPERSEDED_NHS_NUMBER)
        if one.dataset != "pds" or superseded is None:
            continue
        ended = [column.canonical for column in load(one.layout).columns if column.canonical == "merger_ended_on"]
        for batch in rows.read_all(one.uid, ["identity", superseded, *ended]) or ():
            for row in batch.to_pylist():
                old = "".join(letter for letter in row[superseded] or "" if letter.isdecimal())
                if old and any(row[name] for name in ended) and current.get(int(old)) == row["identity"]:
                    current.pop(int(old))
                elif old and row["identity"] and not any(row[name] for name in ended) and int(old) != row["identity"]:
                    current[int(old)] = max(row["identity"], current.get(int(old), 0))
    return current


@dataclass(frozen=True, repr=False)
class _Record:
    number: int
    code: str
    on: date
    withdrawn: bool


def _records(rows: ClearRows, landed: tuple[SubmissionRecord, ...]) -> list[_Record]:
    """The newest word on every coded record, what a later extract replaced left out."""
    newest: dict[tuple[str, str, int], _Record] = {}
    chosen = [one for one in landed if one.dataset == _CODES]
    for place, one in enumerate(chosen):
        later = [other for other in chosen[place + 1 :] if (other.sender, other.layout) == (one.sender, one.layout)]
        replaced = [(o.period_from, o.period_to) for o in later if o.update_kind == "bulk-replacement"]
        for key, record in reversed([*_read(rows, one, replaced)]):
            newest[one.sender, one.layout, key] = record
    return [record for record in newest.values() if not record.withdrawn]


def _read(rows: ClearRows, one: SubmissionRecord, replaced: list[tuple[str, str]]) -> Iterator[tuple[int, _Record]]:
    columns = ["identity", "objection_code", "recorded_on", "record_hash", "withdrawn"]
    for batch in rows.read_all(one.uid, columns) or ():
        for number, code, on, key, withdrawn in zip(*(batch.column(name).to_pylist() for name in columns), strict=True):
            if number is not None and not any(first <= on.isoformat() <= last for first, last in replaced):
                yield key, _Record(number, code, on, withdrawn)


def _latest(records: list[_Record], persons: _Persons) -> dict[tuple[int, Objection], bool]:
    """Person and scheme to whether the latest code is a dissent; on one day a dissent outweighs its withdrawal."""
    codes = {code.code: code for code in facts.codes()}
    latest: dict[tuple[int, Objection], tuple[date, bool]] = {}
    for record in records:
        code, person = codes.get(record.code), persons.get(record.number)
        if code is None or person is None or not _has_effect(code, record.on):
            continue
        key = (person, code.scheme)
        latest[key] = max(latest.get(key, (record.on, code.is_dissent)), (record.on, code.is_dissent))
    return {key: is_dissent for key, (_on, is_dissent) in latest.items()}


def _has_effect(code: ObjectionCode, on: date) -> bool:
    return not code.effective_until or on.isoformat() <= code.effective_until


def _allowed(
    evidence: Evidence, rows: ClearRows, landed: tuple[SubmissionRecord, ...], persons: _Persons, *, on: date
) -> frozenset[int] | None:
    answers = [one for one in landed if one.dataset == _ANSWER]
    newest = max(answers, key=lambda one: (one.received, one.extracted), default=None)
    if newest is None:
        return None
    received = date.fromisoformat(newest.received)
    if on > received + timedelta(days=evidence.register.controller.settings.ndop_answer_valid_days):
        return None
    batches = rows.read_all(newest.uid, ["identity"]) or ()
    return frozenset(persons[n] for b in batches for n in b.column("identity").to_pylist() if n in persons)
