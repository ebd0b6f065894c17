"""`caldicott register`: check, show, diff, schema."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caldicott import bootstrap
from caldicott.cli.output import print_json, say
from caldicott.vocabulary.errors import DoesNotHold, WrongUsage

if TYPE_CHECKING:
    from caldicott.register.kept import Published
    from caldicott.register.model import Register

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

Name = Annotated[str, typer.Argument(metavar="REGISTER", help="A register's folder, or the id of a bundled one.")]
Version = Annotated[
    str, typer.Argument(metavar="REGISTER", help="A register, a published version's folder, or its register.json.")
]
Day = Annotated[str | None, typer.Option("--on", metavar="DATE", help="The day to check for; today if not given.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")]


@app.command()
def check(
    register: Name,
    published: Annotated[
        Path | None, typer.Option("--published", help="What `publish` wrote: name each change without a new version.")
    ] = None,
    on: Day = None,
    as_json: AsJson = False,
) -> None:
    """Say every fault with its file and line, and what to do. Exit code 1 if the register does not hold."""
    from caldicott.register.check import check_folder
    from caldicott.register.faults import errors_of

    path = bootstrap.find_register(register)
    found, faults = check_folder(path, at=_day(on), published=_versions(published))
    errors = errors_of(faults)
    if as_json:
        record = {"register": register, "holds": not errors, "faults": [fault.as_record() for fault in faults]}
        print_json(record)
    else:
        for fault in faults:
            say(str(fault))
        count = {kind: sum(fault.severity == kind for fault in faults) for kind in ("error", "gap", "warning")}
        holds = "does not hold" if errors else "holds"
        activities = f"{len(found.activities)} activities, " if found else ""
        say(
            f"{register} {holds}: {activities}{count['error']} errors, {count['gap']} gaps, "
            f"{count['warning']} warnings."
            + (" An activity with a gap is refused at run time." if count["gap"] else "")
        )
    raise typer.Exit(DoesNotHold.exit_code if errors else 0)


def _day(written: str | None) -> date:
    try:
        return date.fromisoformat(written) if written else bootstrap.today()
    except ValueError:
        raise WrongUsage(
            "the day is not a date", code="date-unreadable", where="--on", next_step="write it as 2026-11-22"
        ) from None


def _versions(folder: Path | None) -> tuple[Published, ...]:
    from caldicott.register.kept import read_versions

    found = read_versions(folder) if folder else ()
    if folder and not found:
        raise DoesNotHold(
            "no version of the notice is kept there",
            code="no-version-kept",
            where=str(folder),
            next_step="name the folder that `caldicott publish REGISTER --to DIR` wrote",
        )
    return found


@app.command()
def show(register: Name, as_json: AsJson = False) -> None:
    """The register at a glance."""
    from caldicott.register import show as showing

    loaded = bootstrap.load_register(register)
    if as_json:
        print_json(showing.as_record(loaded))
    else:
        say(showing.render(loaded))


@app.command()
def diff(register: Version, other: Version, as_json: AsJson = False) -> None:
    """What changed for people between two registers, in plain words; what widens comes first."""
    from caldicott.register.diff import diff as changes_between

    changes = changes_between(_load(register), _load(other))
    ordered = sorted(changes, key=lambda change: ("widens", "narrows", "neither").index(str(change.effect)))
    if as_json:
        print_json({"changes": [asdict(change) for change in ordered]})
        return
    for change in ordered:
        say(f"[{change.effect}] {change.activity + ': ' if change.activity else ''}{change.sentence}")
    if not ordered:
        say("Nothing that matters to people changed.")


def _load(name: str) -> Register:
    from caldicott.register import kept

    given = Path(name)
    return kept.load(given) if kept.is_kept(given) else bootstrap.load_register(name)


@app.command()
def schema() -> None:
    """The JSON Schema of a register's files."""
    from caldicott.register.schema import as_text

    say(as_text())
