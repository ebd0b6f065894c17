"""The people of a run: gather identities, follow mergers, apply objections, give tokens."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

from caldicott.engines.duckdb.people import BIT, EVERYONE, UNANSWERED, DuckDbPeople
from caldicott.facts.layout import ColumnClass, IdentityKind, load
from caldicott.operations.engine import DUCKDB
from caldicott.operations.identify import Identified, live
from caldicott.operations.identify_persons import follow_in_vault, note_mergers, part_reissued
from caldicott.operations.people_practices import Answers, depends_on_practices, hear_practices
from caldicott.safe_haven.objections import PRACTICE_UNANSWERED, is_answer_usable, is_answered, schemes_for
from caldicott.safe_haven.persons import numbered
from caldicott.safe_haven.release import Place, places
from caldicott.stores.catalogue import LiveFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from caldicott.operations.engine import Engine, Rows
    from caldicott.operations.perform import House
    from caldicott.policy.decision import Permit
    from caldicott.register.model import ObjectionRule, PseudonymDomain
    from caldicott.safe_haven.identity.persons import Change
    from caldicott.stores.catalogue import SubmissionRecord


@dataclass
class People:
    """The settled people, the files that keep them, and what was counted on the way."""

    engine: DuckDbPeople
    masks: dict[str, list[tuple[str, int]]]
    """For each dataset: scheme and bit, in the register's order."""
    submissions: Sequence[SubmissionRecord] = ()
    new_files: list[LiveFile] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    ndop_answered: bool = False
    identified: Identified = field(default_factory=Identified)
    """What tracing found for rows whose own number names nobody."""
    history: list[Change] = field(default_factory=list)
    """Mergers and splits of persons, oldest first, with those that this run noted."""
    settings: dict[str, str] = field(default_factory=dict)
    """How far each domain's tokens have followed them: for the catalogue, with what this run makes live."""

    answers: Answers = field(default_factory=Answers)
    """Which practices have said who objects, where that matters."""

    def mask(self, dataset: str) -> int:
        """All bits that take a row of this dataset out."""
        return _together(self.masks[dataset])

    def mask_under(self, dataset: str, rules: Iterable[ObjectionRule]) -> int:
        """The bits that these rules set for a dataset, be it one that was asked for or not."""
        return _together(_masks(dataset, rules, self.submissions))

    def unanswered(self) -> dict[str, list[str]]:
        """Datasets out of which everybody is, with the schemes of which nothing has been heard yet."""
        found = {dataset: [scheme for scheme, bit in pairs if bit == EVERYONE] for dataset, pairs in self.masks.items()}
        return {dataset: schemes for dataset, schemes in found.items() if schemes}


def gather(
    house: House,
    submissions: Sequence[SubmissionRecord],
    granted: dict[str, Permit],
    *,
    engine: Engine = DUCKDB,
    identified: Callable[[], Identified] | None = None,
) -> People:
    """Everyone the submissions speak of, with the objections that stand today.

    `identified` traces, beside the gathering; without it what the last run found is taken.
    """
    rows, steps, of = engine.rows(house.store), engine.people(), {s.uid: s for s in submissions}
    met = [one for uid, place in places(submissions).items() for one in _meetings(rows, steps, of[uid], place)]
    if engine.at_once == 1:
        _one_after_the_other(met)
        met = []
    # Gathering and tracing have an engine each and leave a core idle half the time: so both at once.
    with ThreadPoolExecutor(1) as beside:
        meeting = beside.submit(_one_after_the_other, met)
        found = identified() if identified else live(house, submissions)
        meeting.result()
    for uid in of:
        if (file := found.traced.get(uid)) is not None:
            steps.add_numbers(rows.read(file, ["identity"]))
    ndop_answered = _take_answer(house, rows, steps, submissions)
    numbers, local = rows.person_index()
    steps.add_index(numbers.to_reader(), local.to_reader())
    part_reissued(house, steps)
    steps.follow_mergers()
    masks = {d: _masks(d, permit.obligations.objections, submissions) for d, permit in granted.items()}
    people = People(steps, masks, submissions, ndop_answered=ndop_answered, identified=found)
    asks_practices = depends_on_practices(house, granted)
    if asks_practices:
        people.answers = hear_practices(house, rows, steps, submissions)
        people.settings |= people.answers.as_setting(next(iter(granted.values())).request.activity)
        people.counts["practices that have not answered"] = len(people.answers.awaited)
    _welcome(house, rows, people)
    note_mergers(house, people)
    steps.settle(ndop_answered=ndop_answered, asks_practices=asks_practices, all_answered=not people.answers.awaited)
    people.counts.update({f"objecting {scheme}": count for scheme, count in steps.count_objecting().items() if count})
    people.counts["type2 after its end"] = steps.late_type2()
    return people


def give_tokens(house: House, people: People, domain: PseudonymDomain) -> int:
    """A token of the domain for everyone who remains somewhere; how many tokens are new."""
    remaining = people.engine.persons_remaining([people.mask(dataset) for dataset in people.masks])
    live = [file.path.removeprefix("vault/") for file in house.store.catalogue.files("vault")]
    followed = follow_in_vault(house, people, domain, live)
    live += followed
    tokens, new_files = house.store.vault.tokens_for(remaining, domain, created=house.today, live_files=live)
    people.engine.give_tokens(tokens)
    owner = f"{domain.name}/{domain.epoch}"
    people.new_files += [LiveFile(f"vault/{name}", "vault", owner, "", 0) for name in (*followed, *new_files)]
    people.counts["persons with a token"] = tokens.num_rows
    return int(tokens.num_rows)


def _one_after_the_other(steps: Iterable[Callable[[], None]]) -> None:
    for step in steps:
        step()


def _meetings(rows: Rows, engine: DuckDbPeople, submission: SubmissionRecord, place: Place) -> list[Callable[[], None]]:
    """What is to be read of a submission: the catalogue is asked now, the rows are read when a step is taken."""
    layout = load(submission.layout)
    if submission.dataset == "national-data-opt-out" or layout.identity_kind == IdentityKind.NONE:
        return []
    found = rows.read_all(submission.uid, ["identity"])
    if layout.identity_kind != IdentityKind.NHS_NUMBER:
        kind = issued(layout.identity_kind, submission)
        return [partial(engine.add_local, found, kind=kind)] if found else []
    steps: list[Callable[[], None]] = [partial(engine.add_numbers, found)] if found else []
    if submission.dataset == "gp-objections" and (found := rows.read_all(submission.uid, _OBJECTION_COLUMNS)):
        sender = f"{submission.sender}/{submission.layout}"
        replaced = place.replaced_periods
        steps.append(partial(engine.add_objections, found, sender=sender, since=place.since, replaced=replaced))
    if submission.dataset == "pds":
        steps += _demographics(rows, engine, submission, since=place.since)
    return steps


_MERGER_ENDED = "merger_ended_on"
_OBJECTION_COLUMNS = ("identity", "objection_code", "recorded_on", "record_hash", "withdrawn", "file_row", "practice")


def _demographics(
    rows: Rows, engine: DuckDbPeople, submission: SubmissionRecord, *, since: int
) -> list[Callable[[], None]]:
    classes = {column.column_class: column.canonical for column in load(submission.layout).columns}
    if superseded := classes.get(ColumnClass.SUPERSEDED_NHS_NUMBER):
        ended = [column.canonical for column in load(submission.layout).columns if column.canonical == _MERGER_ENDED]
        found = rows.read_all(submission.uid, ["identity", superseded, *ended])
        return [partial(engine.add_mergers, found, since=since)] if found else []
    born = classes.get(ColumnClass.BIRTH_DATE)
    found = rows.read_all(submission.uid, ["identity", born]) if born else None
    return [partial(engine.add_demographics, found)] if found else []


def issued(kind: IdentityKind, submission: SubmissionRecord) -> str:
    """A local number means a person only beside its issuer: two hospitals' 4711 are two people."""
    return f"{kind.value}/{submission.sender}"


def _take_answer(house: House, rows: Rows, engine: DuckDbPeople, submissions: Sequence[SubmissionRecord]) -> bool:
    """The newest national answer, if it may still be used. None means that everyone is out."""
    answers = [s for s in submissions if s.dataset == "national-data-opt-out"]
    if not answers:
        return False
    newest = max(answers, key=lambda answer: (answer.received, answer.extracted))
    days = house.register.controller.settings.ndop_answer_valid_days
    if not is_answer_usable(date.fromisoformat(newest.received), at=house.today, valid_days=days):
        return False
    if found := rows.read_all(newest.uid, ["identity"]):
        engine.add_allowed(found)
    return True


def _masks(
    dataset: str, rules: Iterable[ObjectionRule], submissions: Sequence[SubmissionRecord]
) -> list[tuple[str, int]]:
    codes_landed = any(s.dataset == "gp-objections" for s in submissions)
    applied = [s.counts.get("objections_applied", {}) for s in submissions if s.dataset == dataset]
    schemes = schemes_for(dataset, rules)
    found = [
        (
            scheme.value,
            BIT[scheme] if is_answered(scheme, codes_landed=codes_landed, applied_at_source=applied) else EVERYONE,
        )
        for scheme in schemes
    ]
    # Last, so that who objects by a scheme is counted there. Without any codes everybody is out by the schemes' names.
    waits = any(not is_answered(scheme, codes_landed=False, applied_at_source=applied) for scheme in schemes)
    return [*found, (PRACTICE_UNANSWERED, UNANSWERED)] if waits and codes_landed else found


def _together(masks: Iterable[tuple[str, int]]) -> int:
    barring = 0
    for _scheme, bit in masks:
        barring |= bit
    return barring


def _welcome(house: House, rows: Rows, people: People) -> None:
    numbers, local = people.engine.strangers()
    people.counts["persons new"] = numbers.num_rows + local.num_rows
    for name, strangers in (("numbers", numbers), ("local", local)):
        if strangers.num_rows:
            known = numbered(strangers, os.urandom)
            people.new_files.append(rows.write_person_index(name, known, created=house.today))
            people.engine.add_index(*_as_readers(name, known))


def _as_readers(name: str, known):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    from caldicott.safe_haven.persons import LOCAL, NUMBERS

    empty = {"numbers": NUMBERS, "local": LOCAL}
    tables = {key: schema.empty_table() for key, schema in empty.items()} | {name: known}
    return tables["numbers"].to_reader(), tables["local"].to_reader()
