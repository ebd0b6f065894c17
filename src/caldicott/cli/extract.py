"""`caldicott extract`: records that may leave, from anybody's table."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  typer reads it when the program starts
from typing import Annotated

import typer

from caldicott.cli.options import AsJson
from caldicott.cli.output import print_json, progress, say, table


def extract(
    records: Annotated[Path, typer.Argument(metavar="TABLE", help="CSV or Parquet, one row for each person.")],
    quasi: Annotated[str, typer.Option(help="Columns that somebody could know of a person: a,b,c.")],
    sensitive: Annotated[str, typer.Option(help="The column that must not be told of a person.")],
    to: Annotated[Path, typer.Option("--to", help="A new or empty folder.")],
    others: Annotated[str, typer.Option("--with", help="Other columns that leave: a,b,c. Others stay.")] = "",
    k: Annotated[int, typer.Option("--k", min=2, help="So many records alike at least.")] = 5,
    l: Annotated[int, typer.Option("--l", min=1, help="So many sensitive values among them.")] = 2,  # noqa: E741
    t: Annotated[float | None, typer.Option("--t", min=0, max=1, help="How far a group may be from everybody.")] = None,
    left_out: Annotated[
        float, typer.Option("--left-out", min=0, max=1, help="Share of records left out at most.")
    ] = 0.04,
    as_json: AsJson = False,
) -> None:
    """Make records coarser until each is one of at least k alike; measure, look as an intruder would, and write."""
    from caldicott.disclosure.records import Criteria
    from caldicott.operations.extract import Request
    from caldicott.operations.extract import extract as make

    asked = Request(records, _names(quasi), sensitive, to, _names(others), Criteria(k, l, t, left_out))
    with progress(quiet=as_json) as told:
        done = make(asked, told)
    if as_json:
        print_json(done.report)
        return
    table("How far each column was made coarser", ("column", "now"), list(done.steps.items()), numbers_from=2)
    found = done.measured
    say(
        f"{done.rows:,} records in {found.classes:,} groups of at least {found.k}, each with at least {found.l} values "
        f"of {sensitive}, at most {found.t:.2f} from everybody; {done.left_out:,} left out. An intruder who knows all "
        f"of it finds {done.intruder.found_alone} of {done.intruder.looked_for:,} alone. Written to {to.name}; the "
        "intruder test there waits for a person."
    )


def _names(written: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in written.split(",") if name.strip())
