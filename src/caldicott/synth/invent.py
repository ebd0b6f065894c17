"""The whole of it: invent a population, cut every sender's extract from it, write down the truth.

The same arguments give the same bytes: every part draws from a generator of its
own, chunks are cut the same way, and files are written in order by one thread.
"""

from __future__ import annotations

from collections import Counter, deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from caldicott.facts import layout as layouts
from caldicott.synth import admissions, contacts, events, extracts, hospital, objections, practice, rows, spine, truth
from caldicott.synth.arrays import day, generator
from caldicott.synth.invoices import write_invoices
from caldicott.synth.places import PRACTICES_MOST, practice_codes
from caldicott.synth.sources import DATASETS, SOURCES
from caldicott.synth.world import LAST_DAY, Extract, invent_world
from caldicott.vocabulary.errors import WrongUsage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from caldicott.synth.arrays import Texts
    from caldicott.synth.events import Chunk
    from caldicott.synth.extracts import Submission
    from caldicott.synth.objections import Entries, NationalOptOut
    from caldicott.synth.rows import Draft, Rows
    from caldicott.synth.sources import Source
    from caldicott.synth.world import World

MOST_PEOPLE, MOST_YEARS = 20_000_000, 10
_WORKERS = 2
_AHEAD = 2
"""Chunks made ahead of the one being written; more would only cost memory."""


@dataclass(frozen=True)
class SubmissionMade:
    """One folder that was written."""

    id: str
    dataset: str
    rows: int


@dataclass(frozen=True)
class SynthReport:
    """What was invented."""

    people: int
    seed: int
    years: int
    submissions: tuple[SubmissionMade, ...]
    wrong_rows: dict[str, int]

    @property
    def rows(self) -> int:
        return sum(made.rows for made in self.submissions)


@dataclass(frozen=True)
class _Cut:
    """How one extract is cut from the world: its events in chunks, and the draft of a chunk of them."""

    chunked: Callable[[World], Iterator[Chunk]]
    drafted: Callable[[World, np.random.Generator, Chunk], Draft]


def invent(
    out: Path,
    *,
    people: int,
    seed: int,
    years: int = 1,
    only: Iterable[str] | None = None,
    progress: Callable[[str, int], None] | None = None,
    invoice_lines: int = 0,
) -> SynthReport:
    """Write landing extracts of every sender and OUT/truth/; `only` keeps to some datasets.

    With `invoice_lines` also OUT/ceff/, which only `caldicott invoices land` may take in.

    Raises:
        WrongUsage: the numbers are out of range, a dataset is unknown, or OUT holds something.
    """
    wanted = _checked(out, people, years, only)
    world = invent_world(people=people, seed=seed, years=years)
    national = objections.invent_national_opt_out(world)
    entries = objections.invent_entries(world, national)
    folder = out / "truth"
    truth.write_people(folder, world)
    truth.write_objections(folder, world, entries, national)
    ledger = _Ledger(folder)
    made: list[SubmissionMade] = []
    for source in SOURCES:
        if source.dataset in wanted:
            extract = Extract(world, source, layouts.load(source.layout))
            if source.file:
                submissions = _write_source(out, extract, _cut_of(source, entries), ledger, progress)
            else:
                submissions = _write_opt_out(out, extract, national)
            made += [SubmissionMade(each.id, source.dataset, each.file.rows) for each in submissions]
    if invoice_lines:
        write_invoices(out, world, lines=invoice_lines)
    return SynthReport(people, seed, years, tuple(made), dict(sorted(ledger.counted.items())))


def _checked(out: Path, people: int, years: int, only: Iterable[str] | None) -> frozenset[str]:
    wanted = frozenset(DATASETS if only is None else only)
    fault = ""
    if not 1 <= people <= MOST_PEOPLE:
        fault = f"the number of people must lie between 1 and {MOST_PEOPLE:,}"
    elif not 1 <= years <= MOST_YEARS:
        fault = f"the number of years must lie between 1 and {MOST_YEARS}"
    elif wanted - set(DATASETS):
        fault = "there is no such dataset; known are: " + ", ".join(DATASETS)
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        fault = "the output folder is not empty"
    if fault:
        raise WrongUsage(
            fault, code="synth-arguments", where=str(out), next_step="give other arguments or an empty folder"
        )
    return wanted


class _Ledger:
    """The truth files that grow with the extracts."""

    def __init__(self, folder: Path) -> None:
        self.counted: Counter[str] = Counter()
        self._append = {
            "wrong_rows": extracts.truth_file(folder, "wrong_rows", extracts.WRONG_COLUMNS),
            "links": extracts.truth_file(folder, "links", extracts.LINK_COLUMNS),
            "withheld_rows": extracts.truth_file(folder, "withheld_rows", extracts.LINK_COLUMNS),
        }

    def add(self, tables: dict[str, list[Texts]]) -> None:
        for name, parts in tables.items():
            for part in parts:
                if part.num_rows:
                    self._append[name](part)
        for part in tables["wrong_rows"]:
            if part.num_rows:
                self.counted[part.column("fault")[0].as_py()] += part.num_rows


def _cut_of(source: Source, entries: Entries) -> _Cut:
    cuts = {
        "ncdr-sus-apc": _Cut(lambda world: events.chunks(world, admissions.counts(world), "sus-apc"), admissions.apc),
        "ncdr-sus-op": _by_rate("sus-op", hospital.op),
        "ncdr-sus-ec": _by_rate("sus-ec", hospital.ec),
        "emis-patients": _Cut(practice.registrations, practice.patients),
        "emis-observations": _by_rate("gp-observations", practice.observations),
        "emis-medications": _by_rate("gp-medications", practice.medications),
        "emis-appointments": _by_rate("gp-appointments", practice.appointments),
        "emis-objections": _Cut(_once, lambda world, rng, _: practice.objections(world, rng, entries)),
        "csds-care-contact": _by_rate("community", contacts.community),
        "mhsds-care-contact": _by_rate("mental-health", contacts.mental_health),
        "out-of-hours-contacts": _by_rate("out-of-hours", contacts.out_of_hours),
        "urgent-care-attendances": _by_rate("urgent-care", contacts.urgent_care),
        "asc-client-level": _by_rate("social-care", contacts.social_care),
        "pds-person": _Cut(spine.everyone, spine.persons),
        "pds-merger": _Cut(_once, lambda world, rng, _: spine.mergers(world, rng)),
    }
    return cuts[source.layout]


def _by_rate(activity: str, drafted: Callable[[World, np.random.Generator, Chunk], Draft]) -> _Cut:
    def chunked(world: World) -> Iterator[Chunk]:
        return events.chunks(world, events.counts(world, events.yearly_rates(world, activity), activity), activity)

    return _Cut(chunked, drafted)


def _once(world: World) -> Iterator[Chunk]:
    del world
    nobody = np.zeros(0, np.int64)
    yield events.Chunk(0, nobody, nobody)


def _write_source(
    out: Path, extract: Extract, cut: _Cut, ledger: _Ledger, progress: Callable[[str, int], None] | None
) -> list[Submission]:
    submissions = [_opened(out, extract, sender) for sender in extract.source.senders]
    for made in _made_ahead(extract, cut):
        for submission, (low, high) in zip(submissions, extracts.slices(made, len(submissions)), strict=True):
            ledger.add(extracts.write_slice(submission, made, low, high))
        if progress:
            progress(extract.source.dataset, sum(submission.file.rows for submission in submissions))
    for submission in submissions:
        submission.close()
    return submissions


def _opened(out: Path, extract: Extract, sender: str) -> Submission:
    source = extract.source
    name = source.dataset if source.dataset != "pds" else source.layout
    first, last = _PERIODS.get(source.layout, (extract.world.period.first, LAST_DAY))
    identity = f"{sender}-{name}-2026"
    file = extracts.DataFile(out / identity / source.file)
    # The processor sends for all of them: those where nobody was invented have answered, too.
    told = practice_codes(PRACTICES_MOST) if source.dataset == "gp-objections" else ()
    return extracts.Submission(identity, source, extract.layout, sender, file, first, last, told)


_PERIODS = {
    "emis-objections": (day(1990, 1, 1), day(2026, 4, 30)),
    "pds-person": (spine.FIRST_ON_SPINE, LAST_DAY),
    "pds-merger": (spine.FIRST_ON_SPINE, LAST_DAY),
}
"""Snapshots whose rows are dated by when they began."""


def _made_ahead(extract: Extract, cut: _Cut) -> Iterator[Rows]:
    """The rows of every chunk in order, a few made ahead: NumPy and Arrow let go of the interpreter lock."""
    waiting: deque[Future[Rows]] = deque()
    with ThreadPoolExecutor(_WORKERS) as pool:
        for chunk in cut.chunked(extract.world):
            waiting.append(pool.submit(_rows_of, extract, cut, chunk))
            if len(waiting) > _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _rows_of(extract: Extract, cut: _Cut, chunk: Chunk) -> Rows:
    rng = generator(extract.world.seed, extract.source.layout, chunk.number)
    draft = cut.drafted(extract.world, rng, chunk)
    return rows.finish(extract, draft, rng, chunk=chunk.number)


def _write_opt_out(out: Path, extract: Extract, national: NationalOptOut) -> list[Submission]:
    """The answer in its submission; the request beside, where no manifest is, for it is not landed."""
    world, source = extract.world, replace(extract.source, file=f"{spine.MESH_FILE}.dat")
    request = spine.opt_out_request(world)
    asked = extracts.DataFile(out / "ndop-request" / f"{spine.MESH_FILE}.dat")
    asked.write(spine.mesh_lines(request), rows=len(request))
    asked.close()
    submission = _opened(out, replace(extract, source=source), source.senders[0])
    answer = spine.opt_out_answer(world, national, request)
    submission.file.write(spine.mesh_lines(answer), rows=len(answer))
    submission.close()
    return [submission]
