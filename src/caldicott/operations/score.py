"""Scores over anyone's file of codes: without a store or a register, so nothing is decided and nothing recorded.

Looks every file through, says what is missing before anything is computed, and
writes beside the answer what made it: versions, table hashes, licences, counts.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from caldicott import __version__
from caldicott.engines.duckdb.scores import Account, Question, ScoreEngine, Sources
from caldicott.engines.duckdb.scores_inputs import SourceFile
from caldicott.facts import scores as facts
from caldicott.operations.score_files import open_table
from caldicott.stratification import catalogue
from caldicott.stratification.features import FEATURES, Feature, Input
from caldicott.stratification.reading import parse_csv, parse_toml, with_codes
from caldicott.stratification.score import SCORE_FEATURE, Score, Standing
from caldicott.vocabulary.errors import DoesNotHold, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date
    from pathlib import Path

ABOUT: Final = ".about.json"
_TEXT_MOST: Final = 64 << 20


@dataclass(frozen=True)
class Request:
    """What the command was asked."""

    codes: Path
    to: Path
    names: tuple[str, ...]
    on: date | None = None
    persons: Path | None = None
    spells: Path | None = None
    medicines: Path | None = None
    external: Path | None = None
    tables: tuple[Path, ...] = ()
    code_sets: tuple[tuple[str, Path], ...] = ()
    bands: bool = False
    tiers_of: tuple[str, ...] = ()
    any_age: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of it: counts, and what the reader must know of each score."""

    account: Account
    scores: tuple[dict[str, Any], ...]
    remarks: tuple[str, ...]
    on: date | None

    def as_record(self) -> dict[str, Any]:
        """The same as one document; no person in it."""
        return {
            "program": f"caldicott {__version__}",
            "on": self.on,
            "persons": self.account.persons,
            "code_rows": self.account.rows,
            "code_rows_by": {name: number for name, number in self.account.rows_by.items() if number},
            "left_out": {name: number for name, number in self.account.left_out.items() if number},
            "scores": self.scores,
            "remarks": self.remarks,
        }


def score(request: Request, told: Callable[[str], None] = lambda _step: None) -> Outcome:
    """Score the file; the answer is there as a whole or not at all.

    Raises:
        WrongUsage: an unknown score, or one that needs a file which was not given.
        DoesNotHold: a file that cannot be used as it is; each fault named.
    """
    choice = _choice(request)
    told("looking the files through")
    sources = _sources(request, needs_external=bool(choice.external))
    _needs_hold(choice.to_compute, sources, request)
    engine = ScoreEngine(_question(request, choice), sources)
    told("reading the codes")
    engine.prepare()
    told("scoring")
    part = request.to.with_name(f"{request.to.name}.part")
    try:
        account = engine.write(part)
        outcome = Outcome(account, tuple(_about(choice, account)), tuple(_remarks(engine)), request.on)
        about = request.to.with_name(request.to.name + ABOUT)
        about.write_text(json.dumps(outcome.as_record(), indent=2, default=str) + "\n", encoding="utf-8")
        part.replace(request.to)
    finally:
        part.unlink(missing_ok=True)
    return outcome


def _choice(request: Request) -> catalogue.Choice:
    """The scores asked for; a table of the user's own need not be named again."""
    tables = own_tables(request.tables)
    own = tables | _with_code_sets(request.code_sets, tables)
    brought = catalogue.not_here().values() if request.external else ()
    return catalogue.choose(
        (*request.names, *tables), own=own, external=frozenset(entry.name for entry in brought if entry.external)
    )


def listed(tables: Iterable[Path] = ()) -> list[dict[str, Any]]:
    """Every score by name, the user's own too, and those that cannot be computed here with the reason."""
    known = {**catalogue.shipped(), **own_tables(tuple(tables))}
    rows = [{**_described(entry), "needs": needs(entry), "computed": True} for entry in known.values()]
    return rows + [
        {
            "name": entry.name,
            "title": entry.title,
            "computed": False,
            "reason": entry.reason,
            "external": entry.external,
        }
        for entry in catalogue.not_here().values()
    ]


def needs(entry: Score) -> list[str]:
    """The inputs a score needs, in the words of the command line."""
    known = catalogue.shipped()
    found = ["codes"] if entry.needs_codes else []
    for name in sorted(entry.features):
        if name.startswith(SCORE_FEATURE):
            found += needs(known[part]) if (part := name.removeprefix(SCORE_FEATURE)) in known else []
        else:
            columns = (" or ".join(options) for options in FEATURES[name].columns)
            found += [f"{FEATURES[name].input.value}: {column}" for column in columns]
    found += [f"codes for its {len(entry.groups)} groups"] if entry.needs_code_set else []
    return list(dict.fromkeys(found))


def own_tables(paths: tuple[Path, ...]) -> dict[str, Score]:
    """The user's own scores by name; a shipped name cannot be taken."""
    found: dict[str, Score] = {}
    for path in paths:
        entry = _own_table(path)
        if entry.name in catalogue.shipped() or entry.name in catalogue.not_here() or entry.name in found:
            raise DoesNotHold(
                f"the name '{entry.name}' is taken",
                code="score-name-taken",
                where=path.name,
                next_step="give your table a name of its own, so that nobody takes it for the published one",
            )
        found[entry.name] = entry
    return found


def _own_table(path: Path) -> Score:
    if path.suffix.lower() == ".toml":
        return parse_toml(_text(path), path.name, lambda name: _text(_beside(path, name)))
    return parse_csv(_text(path), path.name)


def _beside(path: Path, name: str) -> Path:
    if "/" in name or "\\" in name or name.startswith("."):
        raise DoesNotHold(
            "a table names a file outside its folder",
            code="score-table-broken",
            where=path.name,
            next_step="keep the table's CSV files beside it and name them without a path",
        )
    return path.with_name(name)


def _with_code_sets(code_sets: tuple[tuple[str, Path], ...], own: dict[str, Score]) -> dict[str, Score]:
    known = {**catalogue.shipped(), **own}
    for name, _path in code_sets:
        if name not in known or not known[name].needs_code_set:
            raise WrongUsage(
                f"the score '{name[:60]}' takes no code set",
                code="score-takes-no-codes",
                where="--codes-for",
                next_step="only these do: " + ", ".join(sorted(one for one in known if known[one].needs_code_set)),
            )
    return {name: with_codes(known[name], _text(path), path.name) for name, path in code_sets}


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _TEXT_MOST:
            raise DoesNotHold(
                "the table is larger than any table of codes",
                code="score-table-broken",
                where=path.name,
                next_step="name a table of codes, not a file of persons",
            )
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise DoesNotHold(
            "the table cannot be read as UTF-8 text",
            code="file-unreadable",
            where=path.name,
            next_step="name a file that exists, written as UTF-8",
        ) from None


def _sources(request: Request, *, needs_external: bool) -> Sources:
    files = (request.codes, request.persons, request.spells, request.medicines, request.external)
    given = [path for path in (*files, *request.tables) if path and path.exists()]
    if request.to.exists() and any(path.samefile(request.to) for path in given):
        raise WrongUsage(
            "the answer would be written over its own input",
            code="output-is-input",
            where="--to",
            next_step="name another file",
        )
    if request.to.is_dir() or not request.to.parent.is_dir():
        raise WrongUsage(
            "the answer cannot be written there",
            code="output-unwritable",
            where="--to",
            next_step="name a file in a folder that exists",
        )
    return Sources(
        codes=_source(request.codes, "CODES", ("person_id", "code")),
        persons=_source(request.persons, "PERSONS", ("person_id",)) if request.persons else None,
        spells=_source(request.spells, "SPELLS", ("person_id", "admission_date", "discharge_date"))
        if request.spells
        else None,
        medicines=_source(request.medicines, "MEDICINES", ("person_id", "medicine")) if request.medicines else None,
        external=_source(request.external, "EXTERNAL", ("person_id", "score", "value"))
        if request.external and needs_external
        else None,
    )


def _source(path: Path, role: str, required: tuple[str, ...]) -> SourceFile:
    return SourceFile(path, open_table(path, role, required))


def _needs_hold(scores: tuple[Score, ...], sources: Sources, request: Request) -> None:
    """Everything a score needs is there, or it is said what is not, before anything is computed."""
    given: dict[Input, SourceFile | None] = {
        Input.PERSONS: sources.persons,
        Input.SPELLS: sources.spells,
        Input.MEDICINES: sources.medicines,
    }
    for entry in scores:
        for name in sorted(one for one in entry.features if not one.startswith(SCORE_FEATURE)):
            _need_holds(entry.name, FEATURES[name], given[FEATURES[name].input])
    wants_age = any(entry.features & {"age", "age_squared"} for entry in scores)
    if wants_age and sources.persons and not sources.persons.has("age") and request.on is None:
        raise WrongUsage(
            "an age from a birth date needs a day",
            code="day-missing",
            where="--on",
            next_step="say --on DATE, or give a column `age`",
        )


def _need_holds(score_name: str, feature: Feature, source: SourceFile | None) -> None:
    option = f"--{feature.input.value}"
    if source is None:
        columns = ", ".join(" or ".join(options) for options in (("person_id",), *feature.columns))
        raise WrongUsage(
            f"'{score_name}' needs to know: {feature.meaning}",
            code="input-missing",
            where=option,
            next_step=f"give {option} FILE with {columns}",
        )
    for options in feature.columns:
        if not source.has(*options):
            raise DoesNotHold(
                f"'{score_name}' needs the column `{'` or `'.join(options)}`: {feature.meaning}",
                code="missing-column",
                where=feature.input.value.upper(),
                next_step="add the column, or leave the score out",
            )


def _question(request: Request, choice: catalogue.Choice) -> Question:
    tiers = tomllib.loads(facts.tiers_text())
    strange = [name for name in request.tiers_of if name not in choice.asked]
    texts = [entry.name for entry in choice.to_compute if entry.kind.value == "segment"]
    if strange or set(texts) & set(request.tiers_of):
        raise WrongUsage(
            "tiers are made of a number that is asked for in the same command",
            code="tier-unknown",
            where="--tiers",
            next_step="name one of: " + ", ".join(name for name in choice.asked if name not in texts),
        )
    return Question(
        scores=choice.to_compute,
        asked=choice.asked,
        on=request.on,
        external=tuple((entry.name, entry.disclaimer) for entry in choice.external),
        bands=request.bands,
        any_age=request.any_age,
        tiers_of=request.tiers_of,
        percentile_tiers=tuple((one["name"], one["top_percent"]) for one in tiers["percentile"]["tiers"]),
        absolute_tiers=tuple((one["name"], one["from"]) for one in tiers["absolute"]["tiers"]),
    )


def _about(choice: catalogue.Choice, account: Account) -> Iterable[dict[str, Any]]:
    asked = set(choice.asked)
    for entry in choice.to_compute:
        described = _described(entry)
        if entry.name in asked:
            described["persons_with_a_value"] = account.valued[entry.name]
            described["persons_without"] = account.persons - account.valued[entry.name]
        yield described
    for brought in choice.external:
        yield {
            "name": brought.name,
            "title": brought.title,
            "computed": False,
            "disclaimer": brought.disclaimer,
            "persons_with_a_value": account.valued[brought.name],
            "persons_without": account.persons - account.valued[brought.name],
        }


def _described(entry: Score) -> dict[str, Any]:
    kept = ("name", "title", "version", "citation", "licence", "standing", "standing_note", "sha256")
    return {name: str(getattr(entry, name)) for name in kept}


def _remarks(engine: ScoreEngine) -> Iterable[str]:
    """What a reader would otherwise take for granted."""
    for entry in engine.question.scores:
        if not engine.is_dated and any(group.window_months for group in entry.groups):
            yield f"{entry.name}: its window was not applied, because " + (
                "no day was given with --on."
                if engine.sources.codes.has("date")
                else "the codes have no column `date`."
            )
        if entry.age_from is not None and not engine.is_aged:
            yield f"{entry.name}: it is made for people aged {entry.age_from} and over; no age was looked at."
        if entry.optional_features and engine.sources.medicines is None:
            yield f"{entry.name}: without --medicines the deficits they show are not counted."
        if entry.standing is Standing.REMEMBERED:
            yield f"{entry.name}: not verified. {entry.standing_note}."
