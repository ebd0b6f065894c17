"""`caldicott register`: check, show, diff, schema."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caldicott import bootstrap
from caldicott.cli.options import AsJson, RegisterName, day_or_today
from caldicott.cli.output import print_json, say
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from caldicott.operations.flows import BesideTheTrail
    from caldicott.register.faults import Fault
    from caldicott.register.kept import Published
    from caldicott.register.model import Register

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

Version = Annotated[
    str, typer.Argument(metavar="REGISTER", help="A register, a published version's folder, or its register.json.")
]
Day = Annotated[str | None, typer.Option("--on", metavar="DATE", help="The day to check for; today if not given.")]


@app.command()
def check(
    register: RegisterName,
    published: Annotated[
        Path | None, typer.Option("--published", help="What `publish` wrote: name each change without a new version.")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option("--against", metavar="STORE", help="Name what the store's audit trail shows and no flow covers."),
    ] = None,
    on: Day = None,
    as_json: AsJson = False,
) -> None:
    """Say every fault with its file and line, and what to do. Exit code 1 if the register does not hold."""
    from caldicott.register.check import check_folder
    from caldicott.register.faults import errors_of

    path, versions = bootstrap.find_register(register), _versions(published)
    found, faults = check_folder(path, at=day_or_today(on or None), published=versions)
    trail = _beside_the_trail(path, against, versions) if against and found else None
    faults = (*faults, *(trail.unused_faults if trail else ()))
    holds = not errors_of(faults) and (trail is None or trail.comparison.is_equal)
    if as_json:
        record = {"register": register, "holds": holds, "faults": [fault.as_record() for fault in faults]}
        print_json({**record, **(trail.as_record() if trail else {})})
    else:
        for fault in faults:
            say(str(fault))
        for line in trail.lines() if trail else ():
            say(line)
        _say_count(register, found, faults, holds=holds)
    raise typer.Exit(0 if holds else DoesNotHold.exit_code)


def _say_count(register: str, found: Register | None, faults: tuple[Fault, ...], *, holds: bool) -> None:
    count = {kind: sum(fault.severity == kind for fault in faults) for kind in ("error", "gap", "warning")}
    verdict = "holds" if holds else "does not hold"
    activities = f"{len(found.activities)} activities, " if found else ""
    refused = " An activity with a gap is refused at run time." if count["gap"] else ""
    numbers = f"{count['error']} errors, {count['gap']} gaps, {count['warning']} warnings."
    say(f"{register} {verdict}: {activities}{numbers}{refused}")


def _beside_the_trail(path: Path, store: Path, versions: tuple[Published, ...]) -> BesideTheTrail:
    from caldicott.operations.flows import beside_the_trail
    from caldicott.register.parse import read_with_texts

    register, _, texts = read_with_texts(path)
    assert register is not None  # noqa: S101  it was checked before
    return beside_the_trail(register, texts, store=store, kept=[one.register for one in versions])


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
def show(register: RegisterName, as_json: AsJson = False) -> None:
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
