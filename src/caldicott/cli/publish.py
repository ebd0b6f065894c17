"""`caldicott publish`: the register as the notice that the public reads."""

from __future__ import annotations

import time
from pathlib import Path  # noqa: TC003  typer reads the annotation at run time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caldicott import bootstrap
from caldicott.cli.options import day_or_today
from caldicott.cli.output import print_json, progress, say, table

if TYPE_CHECKING:
    from caldicott.operations.publish import Published


def publish(
    register: Annotated[
        str, typer.Argument(metavar="REGISTER", help="A register's folder, or the id of a bundled one.")
    ],
    to: Annotated[Path, typer.Option("--to", help="A new folder, or one published to before.")],
    on: Annotated[
        str | None, typer.Option("--on", metavar="DATE", help="The day it tells of; today if not given.")
    ] = None,
    organisation: Annotated[
        str | None, typer.Option(help="The name in the header; the controller's if not given.")
    ] = None,
    service: Annotated[str | None, typer.Option(help="The name of the site; the notice's title if not given.")] = None,
    logo: Annotated[Path | None, typer.Option(help="A logo for the header: SVG, PNG or JPEG.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")] = False,
) -> None:
    """Publish the notice as HTML, PDF and Markdown, with the record of processing, the flow map and the register."""
    from caldicott.operations import publish as publishing

    started = time.monotonic()
    at = day_or_today(on)
    path = bootstrap.find_register(register)
    with progress(quiet=as_json) as told:
        told("reading the register")
        done = publishing.publish(
            bootstrap.load_register(register), to=to, at=at, register_folder=path,
            names=publishing.Names(organisation, service, logo), told=told,
        )  # fmt: skip
    seconds = round(time.monotonic() - started, 2)
    if as_json:
        print_json(_record(done, seconds))
    else:
        _print(done, seconds)


def _print(done: Published, seconds: float) -> None:
    grades = {f"{one.page}.html": f"{one.grade:.1f}" for one in done.reading}
    rows = [(path, size, grades.get(path, "")) for path, size in done.files if not path.startswith("assets/")]
    assets = [size for path, size in done.files if path.startswith("assets/")]
    rows.append((f"assets/ ({len(assets)} files)", sum(assets), ""))
    table(f"Version {done.version} of the notice", ("file", "bytes", "reading age (US grade)"), rows)
    say(f"Kept to read: {', '.join(done.versions)}.")
    say(f"Published to {done.to} in {seconds:.1f} seconds. Open index.html there.")


def _record(done: Published, seconds: float) -> dict[str, Any]:
    return {
        "version": done.version,
        "published": done.published,
        "at": done.at,
        "to": str(done.to),
        "register_digest": done.register_digest,
        "files": [{"path": path, "bytes": size} for path, size in done.files],
        "versions": done.versions,
        "reading": [
            {"page": one.page, "grade": one.grade, "words": one.words, "sentences": one.sentences}
            for one in done.reading
        ],
        "seconds": seconds,
    }
