"""Linking anyone's two files, or one with itself: without a store or a register, so nothing is decided or recorded.

Every file is looked through before the engine reads it. Beside the answer stands what
made it: the spec's hash, versions, counts, and the model that was learned.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from caldicott import __version__
from caldicott.engines.duckdb.linkage import run as engine
from caldicott.engines.duckdb.linkage.evaluate import Judged
from caldicott.engines.duckdb.linkage.evaluate import evaluate as judge
from caldicott.engines.duckdb.linkage.trace import Columns, Tracer
from caldicott.engines.duckdb.scores_inputs import SourceFile
from caldicott.facts import linkage as facts
from caldicott.linkage.chart import score_chart
from caldicott.linkage.report import report
from caldicott.linkage.spec import PROBABILISTIC, Spec, parse
from caldicott.linkage.tracing import PERSON_ROLES, ROLES, profile
from caldicott.operations.score_files import open_table
from caldicott.vocabulary.errors import DoesNotHold, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from caldicott.linkage.quality import Quality

ABOUT: Final = ".about.json"
_NOTHING: Final = engine.Linked((), 0, 0, (), [], [], {}, [])
_SPEC_MOST: Final = 1 << 20
_RUN: Final = re.compile(r"[A-Z0-9]{1,20}")
_RUN_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True)
class Request:
    """What the command was asked."""

    left: Path
    right: Path | None
    spec: Path | str
    to: Path
    candidates: Path | None = None
    report: Path | None = None
    run: str | None = None
    """Stands in every one-time id, so that those of two runs never meet; drawn at random where nobody names one."""


@dataclass(frozen=True)
class Outcome:
    """What came of it: counts, and what a reader must know. No id and no value."""

    spec: Spec
    spec_sha256: str
    linked: engine.Linked
    traced: tuple[tuple[str, str, int], ...] = ()
    run: str | None = None

    def as_record(self) -> dict[str, Any]:
        linked = self.linked
        codes = profile(self.spec.profile).codes if self.traced else {}
        return {
            "traced": [
                {"step": step, "code": code, "meaning": codes.get(code, ""), "records": number}
                for step, code, number in self.traced
            ],
            "run": self.run,
            "program": f"caldicott {__version__}",
            "spec": self.spec.name,
            "spec_sha256": self.spec_sha256,
            "profile": self.spec.profile,
            "files": 1 if len(linked.records) == 1 or not linked.records[-1] else len(linked.records),
            "records": linked.records,
            "links": linked.links,
            "pairs_compared": linked.compared,
            "said_nothing": [
                {"field": field, "reason": reason, "values": number} for field, reason, number in linked.said_nothing
            ],
            "blocks": linked.blocks,
            "guards": linked.guards,
            "outcomes": linked.outcomes,
            "remarks": linked.remarks,
            "model": linked.model,
        }


def link(request: Request, told: Callable[[str], None] = lambda _step: None) -> Outcome:
    """Link the files; the answer is there as a whole or not at all.

    Raises:
        WrongUsage: the answer cannot be written there, or the profile wants two files.
        DoesNotHold: the spec or a file cannot be used as it is; each fault named.
    """
    text, name = spec_text(request.spec)
    spec = parse(text, name)
    if spec.profile != PROBABILISTIC and request.right is None:
        raise WrongUsage(
            "tracing needs the file of persons to trace against",
            code="right-missing",
            where="RIGHT",
            next_step="name two files: the records, then the persons",
        )
    _outputs_hold(request)
    told("looking the files through")
    part = _part(request.to)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    if spec.profile != PROBABILISTIC and request.right is not None:
        return _trace(request, request.right, Outcome(spec, sha256, _NOTHING), part, told)
    sources = [_source(request.left, "LEFT", spec)]
    if request.right is not None:
        sources.append(_source(request.right, "RIGHT", spec))
    candidates = None if request.candidates is None else _part(request.candidates)
    try:
        linked = engine.link_files(spec, tuple(sources), part, candidates=candidates, told=told)
        outcome = Outcome(spec, sha256, linked)
        _write_about(request, outcome)
        if candidates is not None and request.candidates is not None:
            candidates.replace(request.candidates)
        part.replace(request.to)
    finally:
        part.unlink(missing_ok=True)
        if candidates is not None:
            candidates.unlink(missing_ok=True)
    return outcome


def _trace(request: Request, right: Path, outcome: Outcome, part: Path, told: Callable[[str], None]) -> Outcome:
    """Records against the persons that are known, by a published profile."""
    spec = outcome.spec
    columns = Columns({entry.name: entry.column for entry in spec.fields})
    left = _named(request.left, "LEFT", (spec.id_column,))
    persons = _named(right, "RIGHT", (columns.of.get("nhs_number", "nhs_number"),))
    run = _run(request)
    remarks = [_lacking(left, columns, "LEFT", ROLES), _lacking(persons, columns, "RIGHT", PERSON_ROLES)]
    tracer = Tracer(profile(spec.profile), told=told)
    told("reading the persons")
    tracer.read_persons(persons, columns)
    told("reading the records")
    tracer.read_requests(left, columns, id_column=spec.id_column)
    tracer.trace(run=run)
    try:
        links = tracer.links_to(str(part), form=_form(request.to))
        if request.candidates is not None:
            tracer.outcomes_to(str(request.candidates), form=_form(request.candidates))
        counts = tuple(tracer.counts())
        records = (sum(number for _step, _code, number in counts), tracer.persons())
        linked = engine.Linked(
            records, links, 0, (), [], [], {}, [*engine.broken_remark(tracer.broken_lines()), *filter(None, remarks)]
        )
        done = Outcome(spec, outcome.spec_sha256, linked, counts, run)
        _write_about(request, done)
        part.replace(request.to)
    finally:
        part.unlink(missing_ok=True)
    return done


def _lacking(source: SourceFile, columns: Columns, place: str, roles: tuple[str, ...]) -> str | None:
    """What a reader must know of columns that could not be used; a file that says nothing of anybody is refused."""
    absent = [role for role in roles if not source.has(columns.of.get(role, role))]
    telling = set(roles) & {"nhs_number", "family", "given", "birth_date", "postcode"}
    if telling <= set(absent):
        raise DoesNotHold(
            "none of its columns says who somebody is",
            code="missing-column",
            where=place,
            next_step=f"name its columns {', '.join(sorted(telling))}, or say in the spec what they are called",
        )
    return f"{place} has no column for: {', '.join(absent)}." if absent else None


def _run(request: Request) -> str:
    if request.run is None:
        return "".join(secrets.choice(_RUN_LETTERS) for _ in range(10))
    if not _RUN.fullmatch(request.run):
        raise WrongUsage(
            "a run is named by 1 to 20 capital letters and digits",
            code="run-unnamed",
            where="--run",
            next_step="write it as 2026W47, or leave it out and one is drawn",
        )
    return request.run


def _write_report(request: Request, outcome: Outcome) -> None:
    """The account for a reader, with its charts, and the model as Splink reads it again."""
    if request.report is None:
        return
    request.report.mkdir(exist_ok=True)
    files = report(outcome.as_record(), title=outcome.spec.title or outcome.spec.name)
    if outcome.linked.saved_model:
        saved = {"splink_version": outcome.linked.model["version"], **outcome.linked.saved_model}
        files["model.json"] = json.dumps(saved, indent=2, default=str) + "\n"
    for name, text in files.items():
        (request.report / name).write_text(text, encoding="utf-8")


def _write_about(request: Request, outcome: Outcome) -> None:
    _write_report(request, outcome)
    about = request.to.with_name(request.to.name + ABOUT)
    about.write_text(json.dumps(outcome.as_record(), indent=2, default=str) + "\n", encoding="utf-8")


def _form(path: Path) -> str:
    return "parquet" if path.suffix.lower() == ".parquet" else "csv, header"


def evaluate(
    pairs: Path, truth: Path, *, by: tuple[str, ...] = (), candidates: Path | None = None,
    two_files: bool | None = None, chart: Path | None = None, records: tuple[Path, ...] = (),
) -> Quality:  # fmt: skip
    """The quality of links against the truth, for every kind of people that the records tell apart, with a chart.

    Raises:
        DoesNotHold: a file cannot be used, or the truth does not know a record.
    """
    columns = open_table(truth, "TRUTH", ())
    named = tuple(_named(path, "--records", ("id",)) for path in records[:2])
    _groups_hold(by, columns, named)
    quality = judge(
        Judged(
            pairs=_named(pairs, "PAIRS", ("left_id", "right_id")),
            truth=_named(truth, "TRUTH", ("id", "person") if "person" in columns else ("left_id", "right_id")),
            by=by,
            records=named,
            two_files=_is_two_files(pairs) if two_files is None else two_files,
            candidates=None if candidates is None else _named(candidates, "CANDIDATES", ("left_id", "right_id")),
        )
    )
    if chart is not None:
        chart.write_text(score_chart(quality.scores, "Scores of the pairs"), encoding="utf-8")
    return quality


def _groups_hold(by: tuple[str, ...], truth: tuple[str, ...], records: tuple[SourceFile, ...]) -> None:
    known = {*(truth if "person" in truth else ()), *(name for one in records for name in one.columns)}
    for name in by:
        if name not in known:
            raise WrongUsage(
                f"neither the truth of persons nor the records have the column `{name[:40]}`",
                code="truth-has-no-groups",
                where="--by",
                next_step="give --records a file of id and the columns to tell apart, or put them in the truth beside "
                "id and person",
            )


def _is_two_files(pairs: Path) -> bool:
    """What the linkage wrote beside its answer, where it is still there."""
    about = pairs.with_name(pairs.name + ABOUT)
    try:
        return bool(json.loads(about.read_text(encoding="utf-8")).get("files") == 2)  # noqa: PLR2004  two files
    except (OSError, ValueError, AttributeError):
        return False


def spec_text(spec: Path | str) -> tuple[str, str]:
    """The spec's text: of a file, or of one that ships, by name."""
    if isinstance(spec, str):
        if spec not in facts.specs():
            raise WrongUsage(
                f"there is no spec file and no shipped spec '{spec[:60]}'",
                code="link-spec-unknown",
                where="--spec",
                next_step=f"name a TOML file, or one of: {', '.join(facts.specs())}",
            )
        return facts.spec_text(spec), f"{spec}.toml"
    try:
        with spec.open(encoding="utf-8-sig") as file:
            return file.read(_SPEC_MOST), spec.name
    except (OSError, UnicodeDecodeError):
        raise DoesNotHold(
            "the spec cannot be read as UTF-8 text",
            code="file-unreadable",
            where=spec.name,
            next_step="name a TOML file that exists",
        ) from None


def _source(path: Path, role: str, spec: Spec) -> SourceFile:
    return SourceFile(path, open_table(path, role, spec.columns))


def _named(path: Path, role: str, required: tuple[str, ...]) -> SourceFile:
    return SourceFile(path, open_table(path, role, required))


def _part(path: Path) -> Path:
    return path.with_name(f"{path.stem}.part{path.suffix}")


def _outputs_hold(request: Request) -> None:
    if request.report is not None and (
        not request.report.parent.is_dir() or (request.report.exists() and not request.report.is_dir())
    ):
        raise WrongUsage(
            "the report cannot be written there",
            code="output-unwritable",
            where="--report",
            next_step="name a folder, new or old, in a folder that exists",
        )
    inputs = [path for path in (request.left, request.right) if path and path.exists()]
    for option, path in (("--to", request.to), ("--candidates", request.candidates)):
        if path is None:
            continue
        if path.exists() and any(one.samefile(path) for one in inputs):
            raise WrongUsage(
                "the answer would be written over its own input",
                code="output-is-input",
                where=option,
                next_step="name another file",
            )
        if path.is_dir() or not path.parent.is_dir():
            raise WrongUsage(
                "the answer cannot be written there",
                code="output-unwritable",
                where=option,
                next_step="name a file in a folder that exists",
            )
