"""Find the person of each record that landed without a usable number, or with somebody else's.

Part of a run, before its people are gathered. Only the remainder is traced, and
only where something changed since: the submission, the spine, the register's
rules, or what two reviewers said. What is found becomes traced rows beside the
clear ones; what is not found stays out, counted by why.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from caldicott.engines.duckdb.identity import IdentityTracing
from caldicott.facts.layout import ColumnClass, load
from caldicott.linkage.tracing import profile
from caldicott.operations.admitting import rules_for
from caldicott.operations.identify_rows import Judged, Traced, judge
from caldicott.operations.review_queue import open_queue, queue_up
from caldicott.safe_haven.identity.persons import reissued
from caldicott.safe_haven.identity.remainder import HELD_BECAUSE, SPINE, born_column, is_traced, roles_of
from caldicott.stores.clear_rows import ClearRows
from caldicott.stores.names import unused_name
from caldicott.stores.person_index import PersonIndex
from caldicott.stores.traced_rows import OUTCOMES, PASSED_OVER, TRACED, TracedRows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from caldicott.operations.perform import House
    from caldicott.register.model import IdentityRules
    from caldicott.stores.catalogue import LiveFile, SubmissionRecord

_BUCKET: Final = "bucket@1"
"""Left out here: its ids are never tidied and would stand for persons whose objections nobody can ask for."""
_SUPERSEDED, _ENDED = "superseded_nhs_number", "merger_ended_on"
_OTHER_FAULT: Final = "identity other fault in the row"
_LEFT_OUT: Final = "identity-left-out/{}"
_SETTING: Final = "identity/{}"
_STEPS: Final = "1"
"""Counts up when tracing itself changes, so that every submission is traced again."""


@dataclass
class Identified:
    """What tracing came to for the submissions of a run."""

    rules: IdentityRules | None = None
    traced: dict[str, LiveFile] = field(default_factory=dict)
    months: dict[str, dict[str, int]] = field(default_factory=dict)
    """For each submission, how many traced rows each part of the store has."""
    passed_over: dict[str, LiveFile] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    new_files: list[LiveFile] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    """What the catalogue is to remember of each submission traced now: counts and a digest, no row value."""

    _read: dict[str, pa.Table] = field(default_factory=dict, repr=False)

    def parts(self, uid: str) -> list[LiveFile]:
        """A submission's traced rows, as if each month were a file."""
        file = self.traced.get(uid)
        return [replace(file, part=part, rows=rows) for part, rows in self.months[uid].items()] if file else []

    def rows(self, rows: ClearRows, file: LiveFile) -> pa.Table:
        """All traced rows of a submission: few, asked for month by month, and read once."""
        if file.path not in self._read:
            self._read[file.path] = rows.read(file).read_all()
        return self._read[file.path]

    def keep(self, house: House, *, activity: str, left_out: Mapping[str, int]) -> None:
        """Inside the caller's transaction."""
        catalogue = house.store.catalogue
        catalogue.set_setting(_LEFT_OUT.format(activity), json.dumps(left_out))
        for uid, said in self.settings.items():
            for kind in (TRACED, PASSED_OVER, OUTCOMES):
                catalogue.retire_files(kind, uid)
            catalogue.set_setting(_SETTING.format(uid), said)
        catalogue.add_files(self.new_files)


def left_out_of(house: House, activity: str) -> dict[str, int]:
    """How many admitted rows of each submission the activity's last run left out, because they are nobody's."""
    said = house.store.catalogue.setting(_LEFT_OUT.format(activity))
    return dict(json.loads(said)) if said else {}


def live(house: House, submissions: Sequence[SubmissionRecord]) -> Identified:
    """What the last run left: for whoever reads marts again without making them."""
    found = Identified(house.register.controller.settings.identity)
    if found.rules is not None and any(s.dataset == SPINE for s in submissions):
        _take_live(house, found, submissions)
    return found


def identify(house: House, submissions: Sequence[SubmissionRecord]) -> Identified:
    """Trace what is to be traced among these submissions."""
    found = Identified(house.register.controller.settings.identity)
    spine = [s for s in submissions if s.dataset == SPINE]
    if found.rules is None or not spine:
        return found
    mine = [s for s in submissions if is_traced(load(s.layout), s.dataset)]
    decided = open_queue(house).decided()
    digests = {s.uid: _digest(found.rules, spine, decided.get(s.uid, {})) for s in mine}
    stale = [s for s in mine if _remembered(house, s.uid).get("digest") != digests[s.uid]]
    _take_live(house, found, [s for s in mine if s not in stale])
    if stale:
        _Work(house, found, spine, stale).trace(digests, decided)
    for uid in (s.uid for s in mine):
        said = json.loads(found.settings[uid]) if uid in found.settings else _remembered(house, uid)
        for name, number in said["counts"].items():
            found.counts[name] = found.counts.get(name, 0) + number
    return found


def _take_live(house: House, found: Identified, submissions: Sequence[SubmissionRecord]) -> None:
    kept = TracedRows(house.store)
    for submission in submissions:
        for kind, of in ((TRACED, found.traced), (PASSED_OVER, found.passed_over)):
            if (file := kept.only_file(kind, submission.uid)) is not None:
                of[submission.uid] = file
        found.months[submission.uid] = _remembered(house, submission.uid).get("months", {})


def _remembered(house: House, uid: str) -> dict[str, Any]:
    said = house.store.catalogue.setting(_SETTING.format(uid))
    return dict(json.loads(said)) if said else {}


def counts_of(house: House, uid: str) -> dict[str, int]:
    """What came of a submission's traced records, as last traced."""
    return dict(_remembered(house, uid).get("counts", {}))


def _digest(rules: IdentityRules, spine: Sequence[SubmissionRecord], decided: Mapping[int, int | None]) -> str:
    said = [_STEPS, rules.model_dump(mode="json"), [s.uid for s in spine], sorted(decided)]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


class _Work:
    """One tracing in the making."""

    def __init__(
        self, house: House, found: Identified, spine: Sequence[SubmissionRecord], stale: Sequence[SubmissionRecord]
    ) -> None:
        self._house, self._found, self._spine, self._stale = house, found, spine, stale
        assert found.rules is not None  # noqa: S101  asked before
        self._rules = found.rules
        chosen = profile(found.rules.profile)
        steps = tuple(step for step in chosen.steps if step != _BUCKET)
        self._engine = IdentityTracing(replace(chosen, steps=steps))
        self._rows, self._kept = ClearRows(house.store), TracedRows(house.store)
        self._held: dict[str, pa.Table] = {}
        self._counts: dict[str, dict[str, int]] = {}
        self._apart = reissued(PersonIndex(house.store).history())

    def trace(self, digests: Mapping[str, str], decided: Mapping[str, Mapping[int, int | None]]) -> None:
        """Every stale submission gets its traced rows, its outcomes and its counts."""
        self._read_spine()
        for submission in self._stale:
            self._take_remainder(submission)
        self._engine.drop_shared()
        settled, then = None, None
        if self._engine.remains():
            self._engine.trace(unused_name())
            if self._rules.remainder == "splink":
                self._engine.weigh()
            settled, then = self._engine.settled(), self._engine.demographics()
            doubtful = self._engine.doubtful()
            self._found.new_files += queue_up(self._house, doubtful)
        for submission in self._stale:
            self._settle(submission, settled, then, decided=decided.get(submission.uid, {}))
            said = {
                "digest": digests[submission.uid],
                "counts": self._counts[submission.uid],
                "months": self._found.months.get(submission.uid, {}),
            }
            self._found.settings[submission.uid] = json.dumps(said)

    def _read_spine(self) -> None:
        for since, submission in enumerate(self._spine):
            layout = load(submission.layout)
            names = {column.canonical for column in layout.columns}
            if any(column.column_class is ColumnClass.SUPERSEDED_NHS_NUMBER for column in layout.columns):
                wanted = ["identity", _SUPERSEDED, *(name for name in (_ENDED,) if name in names)]
                if rows := self._rows.read_all(submission.uid, wanted):
                    self._engine.add_mergers(rows, since=since, apart=self._apart)
            elif born_column(layout):
                wanted = [name for name in self._engine.spine_columns() if name == "identity" or name in names]
                if rows := self._rows.read_all(submission.uid, wanted):
                    self._engine.add_spine(rows, since=since)
        self._engine.settle_births()

    def _take_remainder(self, submission: SubmissionRecord) -> None:
        layout = load(submission.layout)
        reasons = {str(code) for code in HELD_BECAUSE}
        if reasons & submission.counts["quarantined_by"].keys():
            held = self._kept.held(submission.uid, reasons)
            if born_column(layout):
                rules = rules_for(self._house, extracted=datetime.fromisoformat(submission.extracted).date())
                self._held[submission.uid] = self._engine.add_held(submission.uid, layout, held, rules=rules)
            else:
                self._engine.add_unread(submission.uid, held)
        if born := born_column(layout):
            wanted = ["identity", "withdrawn", "occurred_on", "file_row", "record_hash", born]
            roles = [name for name in roles_of(layout).values() if name not in wanted]
            if rows := self._rows.read_all(submission.uid, [*wanted, *roles]):
                self._engine.add_conflicting(submission.uid, layout, rows)

    def _settle(
        self,
        submission: SubmissionRecord,
        settled: pa.Table | None,
        then: pa.Table | None,
        *,
        decided: Mapping[int, int | None],
    ) -> None:
        if settled is None or then is None:
            other = _other_faults(self._held.get(submission.uid))
            self._counts[submission.uid] = {_OTHER_FAULT: other} if other else {}
            return
        import pyarrow.compute as pc

        mine = settled.filter(pc.equal(settled.column("submission"), submission.uid))
        judged = judge(mine, decided, self._rules, repeats=self._kept.repeats(submission.uid))
        traced = Traced(self._rows, self._kept, self._engine, submission, self._held.get(submission.uid))
        file, months, second = traced.write(judged)
        over = traced.write_passed_over(judged)
        of_mine = then.filter(pc.equal(then.column("submission"), submission.uid))
        outcomes = mine.join(of_mine, ["submission", "file_row"])
        self._found.new_files += [one for one in (file, over) if one is not None]
        if mine.num_rows:
            written = self._kept.write_outcomes(submission, outcomes, created=self._house.today)
            self._found.new_files.append(written)
        self._found.months[submission.uid] = months
        if file:
            self._found.traced[submission.uid] = file
        if over:
            self._found.passed_over[submission.uid] = over
        self._counts[submission.uid] = _counted(mine, judged, self._held.get(submission.uid), second=second)


def _counted(mine: pa.Table, judged: Judged, held: pa.Table | None, *, second: int) -> dict[str, int]:
    """How many records came to what: asked for why, found by which step, not known because of what."""
    counts: Counter[str] = Counter()
    for row in mine.select(["because", "file_row"]).to_pylist():
        counts[f"traced because {row['because']}"] += 1
        counts[f"identity {judged.said[row['file_row']]}"] += 1
    counts[_OTHER_FAULT] += _other_faults(held)
    counts["identity second copies"] += second
    counts["identity left out of admitted rows"] += len(judged.passed_over)
    return {name: number for name, number in sorted(counts.items()) if number}


def _other_faults(held: pa.Table | None) -> int:
    return held.num_rows - held.column("fault").null_count if held is not None else 0
