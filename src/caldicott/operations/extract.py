"""`extract`: single records that may leave, each one of at least k alike, with the reasons on paper.

Steps are taken one at a time: the column whose next step leaves fewest records
in classes that are too small. The order depends on the records only through
that; the report says which steps were taken. Where no step is left, nothing leaves.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from caldicott.disclosure.records import Column, Criteria, candidates, climbed, height, loss
from caldicott.engines.duckdb.extracts import Records
from caldicott.operations.protect_files import read_hierarchies
from caldicott.stores import key_files
from caldicott.stores.names import unused_name
from caldicott.vocabulary.errors import DoesNotHold, Refused, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from caldicott.engines.duckdb.extracts import Intruder, Measured

REPORT, INTRUDER = "report.json", "intruder-test.md"
_HIGHEST: Final = 8
_PERSON: Final = frozenset({"person_token", "person_id", "nhs_number", "pseudonym", "name", "address"})


@dataclass(frozen=True, slots=True)
class Request:
    """Which records, which of their columns somebody could know, which must not be told."""

    table: Path
    quasi: tuple[str, ...]
    sensitive: str
    to: Path
    others: tuple[str, ...] = ()
    """Columns that leave beside them; any that is not named does not leave."""
    criteria: Criteria = field(default_factory=Criteria)
    hierarchy: Path | None = None
    """Which value lies in which, for columns that have steps of their own."""

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.quasi, self.sensitive, *self.others)


@dataclass(frozen=True, slots=True)
class Extracted:
    """What left, and how far it holds."""

    rows: int
    left_out: int
    steps: dict[str, str]
    measured: Measured
    intruder: Intruder
    report: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Staged:
    """An extract that is written and not yet where it was asked for."""

    extracted: Extracted
    partial: Path
    to: Path

    def into_place(self) -> None:
        """Hand it over."""
        with key_files.disk_faults(self.to):
            if self.to.exists():
                self.to.rmdir()
            self.partial.rename(self.to)


def extract(request: Request, told: Callable[[str], None] = lambda _step: None) -> Extracted:
    """Write the extract, its report and the record of the intruder test into a new folder.

    Raises:
        DoesNotHold: a column is not there, or looks as if it held identifiers.
        Refused: no step is left and too many records would still stand alone.
    """
    check_folder(request.to)
    told("reading the records")
    staged = stage(request, _opened(request), told=told)
    staged.into_place()
    return staged.extracted


def stage(
    request: Request, records: Records, *, suffix: str = "", told: Callable[[str], None] = lambda _step: None
) -> Staged:
    """The same with records that are open already, up to the last step.

    Raises:
        DoesNotHold: a column is not there, or looks as if it held identifiers.
        Refused: no step is left and too many records would still stand alone.
    """
    _require_columns(request, records)
    told("looking for identifiers")
    _refuse_identifiers(records, request)
    told("making columns coarser")
    columns = _settled(records, request)
    records.keep(request.quasi, request.sensitive, request.criteria)
    measured = records.measure(request.quasi, request.sensitive, request.criteria, table="kept")
    _require_held(measured, request.criteria)
    told("looking for people as an intruder would")
    intruder = records.intruder(request.quasi)
    report = _report(records, request, columns, measured, intruder)
    kind = suffix or (".parquet" if request.table.suffix == ".parquet" else ".csv")
    rows, partial = _write(records, request, kind, report)
    steps = {column.name: column.says for column in columns}
    return Staged(Extracted(rows, records.rows - rows, steps, measured, intruder, report), partial, request.to)


def parents_of(request: Request) -> Mapping[str, Mapping[str, str]]:
    """The hierarchies asked for, by column.

    Raises:
        DoesNotHold: the file holds no hierarchies, or one for a column that is not asked for, or one that is a ring.
    """
    if request.hierarchy is None:
        return {}
    found = read_hierarchies(request.hierarchy).parents
    unknown = sorted(found.keys() - {name.lower() for name in request.columns})
    if unknown:
        raise DoesNotHold(
            f"the hierarchy names {unknown[0][:60]}, which is not among the columns asked for",
            code="hierarchy-columns", where=request.hierarchy.name,
            next_step=f"name one of {', '.join(request.columns)}",
        )  # fmt: skip
    for name, parents in found.items():
        if height(parents) > _HIGHEST or any(climbed(one, parents, len(parents)) in parents for one in parents):
            raise DoesNotHold(
                "the hierarchy goes round in a ring, or has too many levels", code="hierarchy-ring", where=name[:60],
                next_step=f"give each value one parent, none below itself, and at most {_HIGHEST} levels",
            )  # fmt: skip
    return found


def _opened(request: Request) -> Records:
    if not request.table.is_file():
        raise DoesNotHold("there is no such file", code="file-missing", where=request.table.name,
                          next_step="check the path")  # fmt: skip
    return Records(request.table, parents=parents_of(request))


def _require_columns(request: Request, records: Records) -> None:
    missing = [name for name in request.columns if name not in records.types]
    if missing or not request.quasi:
        raise DoesNotHold(
            f"the table has no column {missing[0]}" if missing else "no quasi-identifier is named",
            code="extract-column-missing", where=request.table.name,
            next_step=f"its columns are {', '.join(name for name in records.types if name not in _PERSON)}",
        )  # fmt: skip
    if request.sensitive in request.quasi:
        raise WrongUsage("a column is either known to an intruder or to be kept from them", code="usage",
                         where="--sensitive", next_step="name another column")  # fmt: skip


def _refuse_identifiers(records: Records, request: Request) -> None:
    named = [name for name in request.columns if name.lower() in _PERSON]
    found = records.identifiers([name for name in request.columns if name not in named])
    # What somebody could know is made coarser; what only goes along must not be a number of the record either.
    numbers = records.keys([name for name in request.others if name not in named])
    if named or found or numbers:
        columns = ", ".join(sorted({*named, *found, *numbers}))
        raise DoesNotHold(
            f"these columns name persons or look as if they did: {columns}",
            code="extract-identifiers", where=request.table.name,
            next_step="leave them out; a record that leaves has no number, name, address, full postcode or day",
        )  # fmt: skip


def _settled(records: Records, request: Request) -> tuple[Column, ...]:
    """The first steps at which so few records fail that they can be left out."""
    columns = tuple(records.column(name) for name in request.quasi)
    allowed = request.criteria.left_out_at_most * records.rows
    while True:
        failing = _failing(records, request, columns)
        if failing <= allowed:
            return columns
        options = candidates(columns)
        if not options:
            raise _not_enough()
        columns = min(options, key=lambda one: (_failing(records, request, one), loss(one)))
        records.coarsen(columns, request.sensitive, request.others, k=request.criteria.k)


def _failing(records: Records, request: Request, columns: tuple[Column, ...]) -> int:
    records.coarsen(columns, request.sensitive, request.others, k=request.criteria.k)
    return records.failing(request.quasi, request.sensitive, request.criteria)


def _require_held(measured: Measured, criteria: Criteria) -> None:
    """Measured again on what would leave: an extract is never written on the word of a plan."""
    too_far = criteria.t is not None and measured.t > criteria.t
    if not measured.rows or measured.k < criteria.k or measured.l < criteria.l or too_far:
        raise _not_enough()


def _not_enough() -> Refused:
    return Refused(
        "These records cannot leave: even as coarse as can be, too many would stand in groups that are too small "
        "or too alike. Nothing was written",
        code="extract-not-safe",
        next_step="name fewer quasi-identifiers, or take more records",
    )


def _report(
    records: Records, request: Request, columns: tuple[Column, ...], measured: Measured, intruder: Intruder
) -> dict[str, Any]:
    criteria = request.criteria
    return {
        "quasi_identifiers": {column.name: column.says for column in columns},
        "sensitive": request.sensitive,
        "asked": asdict(criteria),
        "reached": {"k": measured.k, "l": measured.l, "t": round(measured.t, 4), "classes": measured.classes},
        "counted": "people, who may have several records each" if records.knows_people else "records",
        "records": {"in": records.rows, "out": measured.rows, "left_out": records.rows - measured.rows},
        "detail_lost": round(loss(columns), 3),
        "alone_before": records.uniques(request.quasi, "record"),
        "alone_after": records.uniques(request.quasi, "kept"),
        "risk": {
            "of_one_record_at_most": round(1 / measured.k, 4),
            "of_a_record_on_average": round(measured.classes / measured.rows, 4),
        },
        "intruder": asdict(intruder),
    }


def _write(records: Records, request: Request, suffix: str, report: dict[str, Any]) -> tuple[int, Path]:
    partial = request.to.with_name(f".{request.to.name}.{unused_name()}.partial")
    with key_files.disk_faults(request.to):
        partial.mkdir(parents=True, mode=key_files.PRIVATE_FOLDER)
        try:
            rows = records.write(partial / f"extract{suffix}")
            key_files.put(partial / REPORT, (json.dumps(report, indent=2) + "\n").encode())
            key_files.put(partial / INTRUDER, _intruder_record(request, report).encode())
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    return rows, partial


def _intruder_record(request: Request, report: dict[str, Any]) -> str:
    known, intruder = ", ".join(request.quasi), report["intruder"]
    return (
        "# Motivated intruder test\n\n"
        "The Information Commissioner asks whether somebody without special skill, who wants to find a person, would "
        "succeed. This record goes with the extract.\n\n## What the program did\n\n"
        f"It took {intruder['looked_for']:,} people of the records and assumed that somebody knows of each: {known}. "
        f"It looked for each in the extract. Found alone: {intruder['found_alone']}. Somebody who guesses among those "
        f"who are alike would be right for {100 * intruder['right_by_guessing']:.2f} in 100; by the rule at most "
        f"{100 / report['reached']['k']:.2f} in 100 of those who are in it.\n\n"
        "## What a person has to do\n\n"
        "Try it with what can be found about people in public (news, social media, electoral roll), for as long as an "
        "intruder would. Not done until it is filled in:\n\n"
        "- Done by (post):\n- On:\n- Sources used:\n- People looked for, claimed, rightly found:\n- Release: yes / no\n"
    )


def check_folder(to: Path) -> None:
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise WrongUsage("the folder is not empty", code="export-not-empty", where="--to",
                         next_step="name a new folder")  # fmt: skip
