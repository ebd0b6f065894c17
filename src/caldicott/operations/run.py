"""`run`: everything due. Objections, linking, pseudonyms, marts: for each activity that the register lets run."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from caldicott.engines.duckdb.mart_sql import MartColumns, Supersession
from caldicott.engines.duckdb.marts import Month, Source
from caldicott.facts.governance import service_areas
from caldicott.facts.layout import IdentityKind, load
from caldicott.operations.engine import DUCKDB, Engine
from caldicott.operations.identify import identify
from caldicott.operations.identify_marts import (
    Counted,
    add_left_out,
    count_left_out,
    count_traced,
    label_of_conflicts,
    opened_with_traced,
    parts_with_traced,
)
from caldicott.operations.people import People, gather, give_tokens, issued
from caldicott.operations.perform import Act, House, ask, perform
from caldicott.operations.stratify import stratify
from caldicott.operations.stratify_plan import makes_scores
from caldicott.policy.decision import Permit, Request
from caldicott.policy.explain import explain
from caldicott.safe_haven.release import KEPT_IN_THE_SAFE_HAVEN, LINKED_MART, Place, concerns, places
from caldicott.stores.catalogue import LiveFile, Outcome, SubmissionRecord
from caldicott.stores.destroyed_keys import destroyed_of
from caldicott.stores.mart_seals import seal_of, synced
from caldicott.stores.names import unused_name
from caldicott.vocabulary.errors import Refused, WrongUsage
from caldicott.vocabulary.formats import DataFormat

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from caldicott.policy.decision import Refusal
    from caldicott.register.model import ProcessingActivity


@dataclass
class ActivityRun:
    """What one activity's run did, or why it did not run."""

    activity: str
    refused: str = ""
    left_out: dict[str, str] = field(default_factory=dict)
    """Datasets that the register keeps out of this activity, with the reason's code."""
    rows: dict[str, int] = field(default_factory=dict)
    excluded_by: Counter[str] = field(default_factory=Counter)
    superseded: int = 0
    tokens: int = 0
    linked_people: dict[int, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    ndop_answered: bool = False
    unanswered: dict[str, list[str]] = field(default_factory=dict)
    """Datasets out of which everybody is, because nobody has said who objects by these schemes."""
    awaited: dict[str, str] = field(default_factory=dict)
    """Member practices whose people are out for want of coded objections: the day of the last ones, or nothing."""
    destroyed: dict[str, str] = field(default_factory=dict)
    """Submissions that can no longer be read, each with the day its key was destroyed."""


def run(
    house: House,
    *,
    activity: str | None = None,
    told: Callable[[str], None] = lambda _: None,
    engine: Engine = DUCKDB,
) -> list[ActivityRun]:
    """Run one activity, or every activity of the register that makes a mart.

    Raises:
        Refused: the one activity asked for may not run today.
    """
    chosen = _chosen(house, activity)
    done = []
    for entry in chosen:
        told(f"running {entry.id}")
        done.append(_run_one(house, entry, engine, is_named=activity is not None))
    return done


def _chosen(house: House, activity: str | None) -> list[ProcessingActivity]:
    makers = [entry for entry in house.register.activities if entry.pseudonym_domain and entry.datasets]
    if activity is None:
        return makers
    found = [entry for entry in makers if entry.id == activity]
    if not found and house.register.activity(activity) is not None:
        # Known, but it makes no mart: the decision says what the register says of it.
        return [entry for entry in house.register.activities if entry.id == activity]
    if not found:
        raise WrongUsage(
            "the register has no such activity",
            code="activity-unknown",
            next_step="name one of: " + ", ".join(entry.id for entry in makers),
        )
    return found


def _run_one(house: House, entry: ProcessingActivity, engine: Engine, *, is_named: bool) -> ActivityRun:
    submissions = [
        s for s in house.store.catalogue.submissions() if concerns(entry.id, purposes=s.purposes, dataset=s.dataset)
    ]
    incoming = sorted({use.dataset for use in entry.datasets or () if use.direction == "in"})
    datasets = sorted({s.dataset for s in submissions}) or incoming[:1]
    granted, refusals = _ask(house, entry.id, datasets)
    report = ActivityRun(
        entry.id,
        left_out={d: refusal.reasons[0].code for d, refusal in refusals.items()},
        destroyed=destroyed_of(house.store, entry.id),
    )
    if not granted:
        first = next(iter(refusals.values()), None)
        report.refused = explain(first) if first else "nothing to run"
        if is_named and first:
            raise Refused(report.refused, code=first.reasons[0].code, next_step=first.next_step)
        return report
    if not submissions:
        report.refused = "Nothing has landed for it yet."
        return report
    if makes_scores(entry) and not engine.makes_scores:
        # Its marts alone would take the place of a run that has scores.
        report.refused = f"It makes risk scores, which the engine '{engine.name}' does not make: use --engine duckdb."
        if is_named:
            raise WrongUsage(
                f"the engine '{engine.name}' does not make risk scores yet, and this activity makes them",
                code="engine-without-scores",
                where="--engine",
                next_step="run this activity with --engine duckdb",
            )
        return report
    used = [s for s in submissions if s.dataset in granted]
    return perform(
        house,
        event="run",
        activity=entry.id,
        compute=lambda: _compute(house, entry, used, granted, report=report, engine=engine),
    )


def _ask(house: House, activity: str, datasets: list[str]) -> tuple[dict[str, Permit], dict[str, Refusal]]:
    requests = [
        Request("dscro_operator", activity, dataset, DataFormat.PSEUDONYMISED, action="link") for dataset in datasets
    ]
    answers = dict(zip(datasets, ask(house, requests), strict=True))
    granted = {dataset: answer for dataset, answer in answers.items() if isinstance(answer, Permit)}
    return granted, {d: answer for d, answer in answers.items() if not isinstance(answer, Permit)}


def _compute(
    house: House,
    entry: ProcessingActivity,
    submissions: list[SubmissionRecord],
    granted: dict[str, Permit],
    *,
    report: ActivityRun,
    engine: Engine,
) -> Act[ActivityRun]:
    domain = entry.pseudonym_domain
    assert domain is not None  # noqa: S101  chosen for having one
    people = gather(house, submissions, granted, engine=engine, identified=lambda: identify(house, submissions))
    report.tokens = give_tokens(house, people, domain)
    work = _Work(house, entry, people, granted, run_id=f"run-{unused_name()}", engine=engine)
    outcomes = work.make(submissions, report)
    scored = stratify(house, entry, people, marts=work.files, run_id=work.run_id)
    report.rows.update(scored.rows)
    people.counts.update(work.identity)
    report.counts = {**people.counts, **people.identified.counts, **scored.counts}
    report.ndop_answered, report.unanswered = people.ndop_answered, people.unanswered()
    report.awaited = {practice: day.isoformat() if day else "" for practice, day in people.answers.awaited.items()}

    def keep() -> None:
        catalogue = house.store.catalogue
        catalogue.retire_files("mart", entry.id)
        catalogue.add_files([*people.new_files, *work.files])
        for name, said in people.settings.items():
            catalogue.set_setting(name, said)
        people.identified.keep(house, activity=entry.id, left_out=work.left_out)
        scored.keep(house)
        at, digest = house.today.isoformat(), house.register.digest
        catalogue.record_run(work.run_id, activity=entry.id, at=at, digest=digest, counts=_counts(report))
        catalogue.record_outcomes(entry.id, outcomes)

    # So that the trail, too, says what the marts were: a catalogue and a file changed together are found by it.
    seal = seal_of([*work.files, *(file for file in scored.files if file.kind == "mart")])
    references = (work.run_id, domain.name, domain.agreement, seal)
    return Act(report, keep, counts=_counts(report), references=references, format=DataFormat.PSEUDONYMISED.value)


def _counts(report: ActivityRun) -> dict[str, int]:
    return {
        **{f"rows {dataset}": rows for dataset, rows in report.rows.items()},
        **{f"excluded {scheme}": rows for scheme, rows in report.excluded_by.items()},
        "superseded": report.superseded,
        "tokens": report.tokens,
        **report.counts,
    }


class _Work:
    """One activity's marts in the making."""

    def __init__(
        self,
        house: House,
        entry: ProcessingActivity,
        people: People,
        granted: dict[str, Permit],
        *,
        run_id: str,
        engine: Engine,
    ) -> None:
        self._rows, self._together = engine.rows(house.store), engine.rows_together
        self._at_once = engine.at_once
        self._house, self._entry, self._people, self._granted = house, entry, people, granted
        self._marts = engine.marts(people.engine)
        self.run_id = run_id
        self._root = house.store.root / "marts" / entry.id / run_id
        self.files: list[LiveFile] = []
        self._known_newer: set[str] = set()
        self.left_out: dict[str, int] = {}
        self.identity: Counter[str] = Counter()
        """What became of traced rows and of admitted rows that are left out, by this activity's rules."""

    def make(self, submissions: list[SubmissionRecord], report: ActivityRun) -> list[Outcome]:
        """Write every dataset by month, then the linked mart; count what became of each submission."""
        released = [s for s in submissions if s.dataset not in KEPT_IN_THE_SAFE_HAVEN]
        standing = {uid: self._supersession(uid, place, submissions) for uid, place in places(submissions).items()}
        outcomes = [self._count(s, standing[s.uid]) for s in released]
        with self._marts.writing():
            for dataset in sorted({s.dataset for s in released}):
                report.rows[dataset] = self._write(dataset, [s for s in released if s.dataset == dataset], standing)
        self._link(report)
        self._sync()
        for outcome in outcomes:
            report.excluded_by.update(outcome.excluded_by)
            report.superseded += outcome.superseded
        return outcomes

    def _supersession(self, uid: str, place: Place, submissions: list[SubmissionRecord]) -> Supersession:
        submission = next(s for s in submissions if s.uid == uid)
        line = f"{submission.sender}/{submission.layout}"
        for newer in (*place.newer_net_changes, *place.newer_replacements):
            # Inside its period a replacement needs no keys: there nothing older is live.
            found = self._rows.read_all(newer, ["record_hash"], outside_period=newer in place.newer_replacements)
            if found and newer not in self._known_newer:
                since = next(i for i, s in enumerate(submissions) if s.uid == newer)
                self._marts.add_newer(found, since=since, line=line)
                self._known_newer.add(newer)
        repeats = self._rows.repeats(uid)
        for rows in repeats:
            self._marts.add_repeats(rows, submission=uid)
        left_out = add_left_out(self._marts, self._rows, self._people.identified, uid)
        return Supersession(
            replaced_periods=place.replaced_periods,
            newer_keys=bool(place.newer_net_changes or place.newer_replacements),
            line=line,
            since=place.since,
            has_repeats=bool(repeats) or left_out,
            submission=uid,
            issued=issued(load(submission.layout).identity_kind, submission),
        )

    def _count(self, submission: SubmissionRecord, taken: Supersession) -> Outcome:
        layout, excluded, superseded = load(submission.layout), Counter[str](), 0
        if load(submission.layout).identity_kind != IdentityKind.NONE or taken.replaced_periods:
            columns = ["identity", "withdrawn", "occurred_on", "record_hash", "file_row"]
            if found := self._rows.read_all(submission.uid, columns):
                superseded, counts = self._marts.count(found, layout, taken, self._people.masks[submission.dataset])
                excluded.update(counts)
        repeated = submission.counts["quarantined_by"].get("duplicate_record", 0)
        admitted = submission.rows - submission.quarantined
        superseded = max(superseded - repeated, 0)
        left = admitted - superseded - sum(excluded.values())
        counted = Counted(self._people, submission, taken, self.identity)
        count_traced(self._marts, self._rows, counted)
        self.left_out[submission.uid] = count_left_out(self._marts, self._rows, counted)
        superseded -= self.left_out[submission.uid]
        return Outcome(submission.uid, self._entry.id, dict(sorted(excluded.items())), superseded, left)

    def _write(self, dataset: str, submissions: list[SubmissionRecord], standing: dict[str, Supersession]) -> int:
        parts: dict[str, list[tuple[LiveFile, SubmissionRecord]]] = {}
        for submission in submissions:
            for file in parts_with_traced(self._rows, self._people.identified, submission.uid):
                parts.setdefault(file.part, []).append((file, submission))
        return sum(self._write_batch(dataset, batch, parts, standing) for batch in _batches(parts, self._together))

    def _write_batch(
        self,
        dataset: str,
        batch: list[str],
        parts: dict[str, list[tuple[LiveFile, SubmissionRecord]]],
        standing: dict[str, Supersession],
    ) -> int:
        obligations = self._granted[dataset].obligations
        conflicts = label_of_conflicts(self._people.identified)
        columns = MartColumns(obligations.column_classes, frozenset(obligations.inputs_whitelist), conflicts)
        months = [
            Month(
                tuple(
                    Source(
                        opened_with_traced(self._rows, self._people.identified, file),
                        load(submission.layout),
                        standing[submission.uid],
                    )
                    for file, submission in parts[part]
                ),
                self._path(dataset, part),
            )
            for part in batch
        ]
        rows = self._marts.write_months(months, columns=columns, mask=self._people.mask(dataset))
        for part, month, count in zip(batch, months, rows, strict=True):
            self._keep(dataset, part, month.to, count)
        return sum(rows)

    def _link(self, report: ActivityRun) -> None:
        if LINKED_MART not in {use.dataset for use in self._entry.datasets or () if use.direction == "out"}:
            return
        # Only what the register lists as joined is joined.
        listed = {name for pair in self._entry.linkage for name in (pair.left, pair.right)}
        areas = {dataset: area for dataset, area in service_areas().items() if dataset in listed}
        by_part: dict[str, list[tuple[str, Path]]] = {}
        for file in self.files:
            dataset, part = file.part.split("/")
            if dataset in areas:
                by_part.setdefault(part, []).append((areas[dataset], self._house.store.root / file.path))
        months = [(part, paths, self._path(LINKED_MART, part)) for part, paths in sorted(by_part.items())]
        with ThreadPoolExecutor(self._at_once) as pool:
            # A month keeps one core busy.
            each = pool.map if self._at_once > 1 else map
            rows = each(lambda month: self._marts.write_linked_month(month[1], to=month[2]), months)
            for (part, _paths, path), number in zip(months, rows, strict=True):
                self._keep(LINKED_MART, part, path, number)
        written = [path for _part, _paths, path in months]
        if written:
            report.linked_people = self._marts.linked_people(written, sorted({*areas.values()}))
            report.rows[LINKED_MART] = sum(file.rows for file in self.files if file.part.startswith(f"{LINKED_MART}/"))

    def _path(self, dataset: str, part: str) -> Path:
        folder = self._root / dataset / f"month={part}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / "rows.parquet"

    def _keep(self, dataset: str, part: str, path: Path, rows: int) -> None:
        relative = str(path.relative_to(self._house.store.root))
        self.files.append(LiveFile(relative, "mart", self._entry.id, f"{dataset}/{part}", rows))

    def _sync(self) -> None:
        self.files = synced(self._house.store.root, self.files, hashed=self._marts.digests())


def _batches(parts: dict[str, list[tuple[LiveFile, SubmissionRecord]]], together: int) -> list[list[str]]:
    """Months in order, as many together as the engine may hold, so that memory does not grow with them."""
    batches: list[list[str]] = []
    rows = 0
    for part in sorted(parts):
        size = sum(file.rows for file, _submission in parts[part])
        if not batches or rows + size > together:
            batches.append([])
            rows = 0
        batches[-1].append(part)
        rows += size
    return batches
