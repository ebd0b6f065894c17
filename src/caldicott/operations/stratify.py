"""Scores at the end of a run: from the activity's own marts alone, after objections, on the day the marts reach to.

Kept by month. Earlier months stay as they were made, without whoever objects by
now. Beside them one list a practice (tokens) and one roll a practice
(encrypted), so that a practice's page is one small file each.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from caldicott.engines.duckdb import risk
from caldicott.engines.duckdb.features import Marts
from caldicott.engines.duckdb.people import BIT
from caldicott.engines.duckdb.risk_people import DuckDbRiskPeople
from caldicott.facts.layout import IdentityKind, load
from caldicott.operations.stratify_model import SHADOW, TERMS, Told, criteria_of, tell
from caldicott.operations.stratify_plan import (
    MODEL_COLUMNS,
    RISK_SCORES,
    criteria,
    criteria_sha256,
    makes_scores,
    plan,
)
from caldicott.operations.stratify_rolls import ROLL, by_practice, write_rolls
from caldicott.safe_haven.release import concerns
from caldicott.stores.catalogue import LiveFile
from caldicott.stores.clear_rows import ClearRows
from caldicott.stores.mart_seals import changed, synced
from caldicott.vocabulary.formats import DataFormat

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from caldicott.operations.people import People
    from caldicott.operations.perform import House
    from caldicott.register.model import ProcessingActivity
    from caldicott.stores.catalogue import SubmissionRecord

LIST: Final = "risk-list"
CRITERIA: Final = "risk-criteria"
MOVED: Final = "risk-moved"
_KINDS: Final = (LIST, CRITERIA, MOVED, ROLL, SHADOW, TERMS)
_HOSPITAL: Final = frozenset({"sus-apc", "sus-op", "sus-ec"})
_TELLING: Final = ("gp-patients", "pds")
_NAMES: Final = ("family_name", "given_name", "birth_date")
_SEAT: Final = ("practice", "registered_on", "effective_from", "died_on", "removal_reason")


@dataclass
class Stratified:
    """What a run's scoring staged. Empty for an activity that makes no scores."""

    activity: str = ""
    files: list[LiveFile] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    standing: dict[str, Any] = field(default_factory=dict)

    def keep(self, house: House) -> None:
        """Inside the run's transaction, after the activity's marts were retired."""
        if not self.activity:
            return
        for kind in _KINDS:
            house.store.catalogue.retire_files(kind, self.activity)
        house.store.catalogue.add_files(self.files)
        house.store.catalogue.set_setting(setting_of(self.activity), json.dumps(self.standing))


def setting_of(activity: str) -> str:
    """Where the catalogue says what the latest scores were made from."""
    return f"risk/{activity}"


def stratify(
    house: House, entry: ProcessingActivity, people: People, *, marts: list[LiveFile], run_id: str
) -> Stratified:
    """Score everybody who remains; nothing is live before the run's own transaction."""
    if not makes_scores(entry):
        return Stratified()
    work = _Scoring(house, entry, people, marts=marts, run_id=run_id)
    made = work.make()
    made.files = synced(house.store.root, made.files, hashed={})
    return made


def concerning(submissions: Iterable[SubmissionRecord], activity: str) -> list[SubmissionRecord]:
    """The submissions an activity's run looks at."""
    return [s for s in submissions if concerns(activity, purposes=s.purposes, dataset=s.dataset)]


def reaches_to(submissions: Sequence[SubmissionRecord], today: date) -> date:
    """The day the records reach to, as their senders declare: hospital first. Scores are as of that day."""
    declared = [s.period_to for s in submissions if s.dataset in _HOSPITAL]
    declared = declared or [s.period_to for s in submissions if s.dataset.startswith("gp-")]
    return min(today, date.fromisoformat(max(declared))) if declared else today


class _Scoring:
    """One activity's scores in the making."""

    def __init__(
        self, house: House, entry: ProcessingActivity, people: People, *, marts: list[LiveFile], run_id: str
    ) -> None:
        self._house, self._entry, self._run_id = house, entry, run_id
        self._root = house.store.root
        self._submissions = people.submissions
        self._on = reaches_to(people.submissions, house.today)
        self._month = f"{self._on:%Y-%m}"
        self._files: dict[str, list[Path]] = {}
        for file in marts:
            self._files.setdefault(file.part.split("/")[0], []).append(self._root / file.path)
        self._people = DuckDbRiskPeople(people.engine, barring=barring_of(entry))
        self._members = {member.ods for member in house.register.controller.member_practices}
        self._made = Stratified(entry.id)

    def make(self) -> Stratified:
        self._meet()
        population = self._people.population(self._on)
        whitelist = frozenset(self._entry.inputs_whitelist or ())
        folder = self._root / "marts" / self._entry.id / self._run_id
        folder.mkdir(parents=True, exist_ok=True)
        scored = risk.RiskScores(plan(), Marts(self._files, whitelist, self._on)).score(population, folder)
        told = tell(
            self._house, scored.rows, population, activity=self._entry.id, files=self._files, whitelist=whitelist,
            on=self._on, scratch=folder,
        )  # fmt: skip
        self._model = told.model.life.name if told.model else None
        self._criteria = criteria_sha256(told.model.life.sha256 if told.model else "")
        rows = self._stamped(told.rows)
        earlier = self._carry(folder)
        self._add(risk.write, rows, folder / RISK_SCORES / f"month={self._month}" / "rows.parquet",
                  kind="mart", part=f"{RISK_SCORES}/{self._month}")  # fmt: skip
        self._lists(rows, earlier, folder)
        self._add(risk.write, self._moved(population), folder / "moved.parquet", kind=MOVED, part=self._month)
        self._rolls()
        self._write_criteria(folder, told)
        self._write_models(folder, told)
        self._account(scored, earlier)
        self._made.counts |= told.counts
        return self._made

    def _meet(self) -> None:
        """Where everybody is registered, and what names them."""
        if self._files.get("gp-patients"):
            self._people.add_practice_lists(self._files["gp-patients"])
        for turn, submission in enumerate(self._submissions):
            if submission.dataset in _TELLING and load(submission.layout).identity_kind == IdentityKind.NHS_NUMBER:
                self._meet_submission(submission, turn)

    def _meet_submission(self, submission: SubmissionRecord, turn: int) -> None:
        rows = ClearRows(self._house.store)
        columns = {column.canonical for column in load(submission.layout).columns}
        if submission.dataset == "pds" and columns.issuperset(_SEAT):
            found = rows.read_all(submission.uid, ["identity", "withdrawn", *_SEAT])
            if found is not None:
                self._people.add_demographics(found)
        if columns.issuperset(_NAMES):
            found = rows.read_all(submission.uid, ["identity", "withdrawn", "occurred_on", *_NAMES])
            if found is not None:
                self._people.add_names(found, turn=turn)

    def _stamped(self, rows: pa.Table) -> pa.Table:
        """Each row says which month it is of, which day it is as of, and which rules made it."""
        stamps = {"month": self._month, "as_of": self._on, "criteria_sha256": self._criteria}
        for name, value in stamps.items():
            rows = rows.append_column(name, pa.repeat(pa.scalar(value), rows.num_rows))
        return rows

    def _carry(self, folder: Path) -> dict[str, Path]:
        """Earlier months, each without those who object by now; month to file."""
        remaining, carried = self._people.remaining(), {}
        for file in self._house.store.catalogue.files("mart", self._entry.id):
            dataset, month = file.part.split("/")
            if dataset != RISK_SCORES or month == self._month:
                continue
            if file.sha256 and changed(self._root, [file]):
                # It cannot be made anew, and a page must not show what somebody else wrote.
                self._made.counts["months of scores dropped because a file was changed"] = (
                    self._made.counts.get("months of scores dropped because a file was changed", 0) + 1
                )
                continue
            path = self._root / file.path
            if (kept := risk.without(path, remaining)) is None:
                self._made.files.append(file)
            else:
                self._made.counts["score rows removed for objections"] = (
                    self._made.counts.get("score rows removed for objections", 0) + file.rows - kept.num_rows
                )
                path = folder / RISK_SCORES / f"month={month}" / "rows.parquet"
                self._add(risk.write, kept, path, kind="mart", part=file.part)
            carried[month] = path
        return carried

    def _lists(self, rows: pa.Table, earlier: dict[str, Path], folder: Path) -> None:
        before = max((month for month in earlier if month < self._month), default=None)
        # Tiers of two makers cannot be compared: in the month of the change nobody has risen or fallen.
        comparable = earlier[before] if before and _made_tiers(earlier[before]) == self._model else None
        compared = risk.with_change(rows, comparable)
        for practice, people in by_practice(
            compared.sort_by([("practice", "ascending"), ("person_token", "ascending")])
        ):
            # What a sender wrote as a practice never becomes a path: only the register's own codes do.
            if practice in self._members:
                self._add(risk.write, people, folder / LIST / f"{practice}.parquet", kind=LIST, part=practice)

    def _moved(self, population: pa.Table) -> pa.Table:
        """So that the practice before is told that its patient has moved, and not that the code is unknown."""
        lists, earlier = (
            [self._root / file.path for file in self._house.store.catalogue.files(kind, self._entry.id)]
            for kind in (LIST, MOVED)
        )
        return risk.moved(lists, earlier, population)

    def _rolls(self) -> None:
        roll = self._people.roll(sorted(self._members))
        self._made.files += write_rolls(self._house, roll, activity=self._entry.id, run_id=self._run_id)
        self._made.counts["persons on a practice's roll"] = roll.num_rows

    def _write_models(self, folder: Path, told: Told) -> None:
        """What the approved model's scores are made of; and what models in shadow say, kept apart, month by month."""
        if told.terms is not None:
            self._add(risk.write, told.terms, folder / "terms.parquet", kind=TERMS, part=self._month)
        remaining = self._people.remaining()
        for file in self._house.store.catalogue.files(SHADOW, self._entry.id):
            if file.part.split("/")[1] != self._month:
                kept = risk.without(self._root / file.path, remaining)
                path = folder / SHADOW / f"{file.part}.parquet"
                self._made.files.append(file) if kept is None else self._add(
                    risk.write, kept, path, kind=SHADOW, part=file.part
                )
        for name, rows in told.shadows.items():
            path = folder / SHADOW / name / f"{self._month}.parquet"
            self._add(risk.write, rows, path, kind=SHADOW, part=f"{name}/{self._month}")

    def _write_criteria(self, folder: Path, told: Told) -> None:
        made_by = (*criteria(), *([criteria_of(told.model)] if told.model else []))
        rows = pa.Table.from_pylist([{name: one.get(name, "") for name in criteria()[-1]} for one in made_by])
        self._add(risk.write, rows, folder / "criteria.parquet", kind=CRITERIA, part=self._month)

    def _account(self, scored: risk.Scored, earlier: dict[str, Path]) -> None:
        counts = {f"scored {name}": number for name, number in scored.valued.items()}
        listed = sum(file.rows for file in self._made.files if file.kind == LIST)
        self._made.counts |= {"persons scored": scored.rows.num_rows, "persons on a practice's list": listed, **counts}
        self._made.rows = {RISK_SCORES: scored.rows.num_rows}
        self._made.standing = {
            "run": self._run_id,
            "month": self._month,
            "as_of": self._on.isoformat(),
            "criteria_sha256": self._criteria,
            "months": sorted({*earlier, self._month}),
            "submissions": sorted(s.uid for s in self._submissions),
        }

    def _add(self, write: Any, rows: pa.Table, path: Path, *, kind: str, part: str) -> None:
        write(rows, path)
        relative = str(path.relative_to(self._root))
        self._made.files.append(LiveFile(relative, kind, self._entry.id, part, rows.num_rows))


def _made_tiers(path: Path) -> str | None:
    """The model that made the tiers of a month; None where the plain baseline did."""
    if "risk-model" not in pq.read_schema(path).names:
        return None
    named = pq.read_table(path, columns=["risk-model"], partitioning=None).column("risk-model")
    return next((str(one) for one in pc.unique(named).to_pylist() if one is not None), None)


def barring_of(entry: ProcessingActivity) -> int:
    """The schemes that keep somebody out of the scores as such; those of the inputs acted before."""
    barring = 0
    for rule in entry.objections.rules if entry.objections else ():
        if DataFormat.PSEUDONYMISED in rule.covers_formats and (not rule.datasets or RISK_SCORES in rule.datasets):
            barring |= BIT[rule.scheme]
    return barring


def moved_from(house: House, activity: str, practices: Collection[str], tokens: Sequence[str]) -> frozenset[str]:
    """Those of the tokens whose persons were once on one of the practices' lists and are registered elsewhere."""
    paths = [house.store.root / file.path for file in house.store.catalogue.files(MOVED, activity)]
    return frozenset(str(row["person_token"]) for row in risk.rows_of(paths, tokens) if row["practice"] in practices)


def empty_list() -> pa.Table:
    texts = ("person_token", "practice", "age_band", "segment", "tier", "tier_before")
    asked = plan()
    bands = [f"{name}-band" for name in asked.banded]
    numbers = [*asked.numbers, *(f"{name}-percent-above" for name in asked.ranked)]
    fields = [(name, pa.string()) for name in (*texts, *bands)] + [(name, pa.float64()) for name in numbers]
    return pa.schema([*fields, *MODEL_COLUMNS.items()]).empty_table()
