"""`caldicott extract`: records that may leave, from anybody's table or from a store's mart."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from caldicott import bootstrap
from caldicott.cli.options import AsJson
from caldicott.cli.output import print_json, progress, say, table
from caldicott.vocabulary.errors import WrongUsage


def extract(
    quasi: Annotated[str, typer.Option(help="Columns that somebody could know of a person: a,b,c.")],
    sensitive: Annotated[str, typer.Option(help="The column that must not be told of a person.")],
    to: Annotated[Path, typer.Option("--to", help="A new or empty folder.")],
    records: Annotated[
        Path | None, typer.Argument(metavar="[TABLE]", help="CSV or Parquet, one row for each person.")
    ] = None,
    others: Annotated[str, typer.Option("--with", help="Other columns that leave: a,b,c. Others stay.")] = "",
    k: Annotated[int, typer.Option("--k", min=2, help="So many records alike at least.")] = 5,
    l: Annotated[int, typer.Option("--l", min=1, help="So many sensitive values among them.")] = 2,  # noqa: E741
    t: Annotated[float | None, typer.Option("--t", min=0, max=1, help="How far a group may be from everybody.")] = None,
    left_out: Annotated[
        float, typer.Option("--left-out", min=0, max=1, help="Share of records left out at most.")
    ] = 0.04,
    hierarchy: Annotated[
        Path | None, typer.Option("--hierarchy", help="Which value lies in which: dimension,value,parent, or TOML.")
    ] = None,
    store: Annotated[Path | None, typer.Option("--store", help="Instead of a table: a store's folder.")] = None,
    register: Annotated[str, typer.Option("--register", help="The store's register: a folder, or a bundled id.")] = "",
    dataset: Annotated[str, typer.Option("--dataset", help="Of the store: whose mart, such as sus-apc.")] = "",
    activity: Annotated[str, typer.Option(help="Of the store: which activity's marts.")] = "commissioning-planning",
    role: Annotated[str, typer.Option(help="Of the store: who asks.")] = "commissioning_analyst",
    as_json: AsJson = False,
) -> None:
    """Make records coarser until each is one of at least k alike; measure, look as an intruder would, and write."""
    from caldicott.disclosure.records import Criteria
    from caldicott.operations.extract import Request
    from caldicott.operations.extract import extract as make
    from caldicott.operations.extract_mart import extract_mart

    if (records is None) == (store is None) or (store is not None and not (register and dataset)):
        raise WrongUsage(
            "name either a table, or a store with its register and dataset", code="usage", where="TABLE, --store",
            next_step="give TABLE, or --store DIR --register ID --dataset sus-apc",
        )  # fmt: skip
    asked = Request(
        records or Path(dataset), _names(quasi), sensitive, to, _names(others), Criteria(k, l, t, left_out), hierarchy
    )
    with progress(quiet=as_json) as told:
        if store is None:
            done = make(asked, told)
        else:
            with bootstrap.open_house(bootstrap.load_register(register), store) as house:
                done = extract_mart(house, asked, activity=activity, dataset=dataset, role=role, told=told)
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
