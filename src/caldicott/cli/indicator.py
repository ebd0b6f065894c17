"""`caldicott indicator`: figures from the marts, through the gate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caldicott import bootstrap
from caldicott.cli.options import AsJson, RegisterName, StoreFolder
from caldicott.cli.output import print_json, progress, say, table
from caldicott.vocabulary.errors import WrongUsage

if TYPE_CHECKING:
    from caldicott.analytics.definition import Indicator

app = typer.Typer(no_args_is_help=True)

Folders = Annotated[
    list[Path] | None, typer.Option("--folder", help="A folder with indicators of your own; may be repeated.")
]
Name = Annotated[str, typer.Option("--indicator", help="The id of an indicator, such as ae-four-hours.")]


@app.command(name="list")
def list_(folder: Folders = None, as_json: AsJson = False) -> None:
    """Every indicator there is."""
    from caldicott.operations.indicators_library import library

    known = library(*_checked(folder))
    if as_json:
        unread = [{"code": one.code, "where": one.where, "what": one.what} for one in known.faults]
        print_json({"indicators": [_record(one) for one in known.found.values()], "unread": unread})
        return
    rows = [(one.id, one.title, one.source.dataset, one.figure.value, one.status) for one in known.found.values()]
    table("Indicators", ("id", "title", "dataset", "figure", "definition"), rows, numbers_from=9)
    for fault in known.faults:
        say(f"Not read: {fault}")


@app.command()
def show(name: Name, folder: Folders = None, as_json: AsJson = False) -> None:
    """One indicator: what it is, where it comes from, what it can be shown by."""
    from caldicott.operations.indicators_library import indicator

    found = indicator(name, *_checked(folder))
    if as_json:
        print_json(_record(found))
        return
    say(f"{found.title} ({found.reference})\n{found.definition}")
    say(f"Source: {found.citation} ({found.status})")
    say(f"Datasets: {', '.join(found.datasets)}")
    say(f"Shown by: {', '.join([*found.dimensions, *(one.name for one in found.groups)])}")
    for note in found.notes:
        say(f"Note: {note}")


@app.command()
def run(
    register: RegisterName,
    store: StoreFolder,
    name: Name,
    by: Annotated[
        str | None, typer.Option("--by", help="Dimensions, such as practice,age_band; '' for one figure.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--filter", metavar="NAME=VALUE", help="Such as age_group=85+; may be repeated.")
    ] = None,
    to: Annotated[Path | None, typer.Option("--to", help="A folder for the answer as CSV, XLSX and JSON.")] = None,
    folder: Folders = None,
    lookups: Annotated[
        Path | None, typer.Option("--lookups", help="A folder with tables of value and parent, such as growth.csv.")
    ] = None,
    activity: Annotated[str, typer.Option(help="The activity whose marts are asked.")] = "commissioning-planning",
    role: Annotated[str, typer.Option(help="Who asks.")] = "commissioning_analyst",
    as_json: AsJson = False,
) -> None:
    """The figures of an indicator. Exit code 3 when the register says no, or nothing of it can leave safely."""
    from caldicott.analytics.question import question
    from caldicott.operations.indicators import analyse
    from caldicott.operations.indicators_files import document, write
    from caldicott.operations.indicators_library import folders_of, indicator

    loaded = bootstrap.load_register(register)
    with bootstrap.open_house(loaded, store) as house, progress(quiet=as_json) as told:
        found = indicator(name, *folders_of(house, *(folder or ())))
        asked = question(found, None if by is None else _names(by), [_filter(one) for one in only or ()])
        answer = analyse(house, asked, activity=activity, role=role, lookup_folder=lookups, told=told)
    if to is not None:
        write(answer, to)
    if as_json:
        print_json(document(answer))
        return
    headings = [one.title for one in answer.answer.headings]
    groups = sum(one.kind == "group" for one in answer.answer.headings)
    table(
        found.title, headings, [tuple(_shown(cell) for cell in row) for row in answer.answer.rows], numbers_from=groups
    )
    say(f"Counts are rounded to {answer.rounded_to}; {answer.marker} stands for what is withheld (rule {answer.rule}).")
    if answer.answer.is_too_few:
        say("Fewer than ten people, or nobody, are behind this question, so nothing of it is told.")
    for done in answer.answer.made_coarser:
        say(f"Made coarser so that nobody can be found: {done}.")
    if to is not None:
        say(f"Written to {to}.")


@app.command()
def budget(
    register: RegisterName,
    store: StoreFolder,
    activity: Annotated[str, typer.Option(help="The activity whose marts are asked.")] = "commissioning-planning",
    as_json: AsJson = False,
) -> None:
    """How much was told of whose people, and how much may still be. Asking again what was told costs nothing."""
    from caldicott.operations.indicators_budget import budgets

    with bootstrap.open_house(bootstrap.load_register(register), store) as house:
        found = budgets(house, activity)
    if as_json:
        rows = [{"dataset": one.dataset, "told": one.told, "at_most": one.at_most, "left": one.left} for one in found]
        print_json({"activity": activity, "budgets": rows})
        return
    rows_ = [(one.dataset, one.told, one.left) for one in found]
    table(f"Answers told from {activity}", ("of the people of", "told", "left"), rows_, numbers_from=1)


@app.command()
def noise(
    register: RegisterName,
    store: StoreFolder,
    name: Name,
    by: Annotated[str, typer.Option("--by", help="What people are: practice, network, age_group, sex.")],
    epsilon: Annotated[float, typer.Option("--epsilon", help="How much of the budget to spend; less is more noise.")],
    to: Annotated[Path, typer.Option("--to", help="A folder for counts.csv and receipt.json.")],
    folder: Folders = None,
    activity: Annotated[str, typer.Option(help="The activity whose marts are asked.")] = "commissioning-planning",
    role: Annotated[str, typer.Option(help="Who asks.")] = "commissioning_analyst",
    as_json: AsJson = False,
) -> None:
    """Public one-off counts of people with noise (differential privacy), out of the register's budget. Needs OpenDP."""
    from caldicott.analytics.question import question
    from caldicott.operations.indicators_library import folders_of, indicator
    from caldicott.operations.indicators_noise import with_noise

    with bootstrap.open_house(bootstrap.load_register(register), store) as house:
        found = indicator(name, *folders_of(house, *(folder or ())))
        done = with_noise(
            house, question(found, _names(by), []), epsilon=epsilon, activity=activity, role=role, to=to
        )  # fmt: skip
    receipt = done.receipt
    if as_json:
        print_json({**receipt, "spent": done.spent, "budget": done.budget, "certificate": done.certificate})
        return
    say(
        f"{receipt['groups']:,} counts with noise, written to {to.name}: 95 in 100 of them lie within "
        f"{receipt['95_in_100_counts_within']} of the true ones. Spent: {done.spent:g} of {done.budget:g}."
    )


def _checked(folders: list[Path] | None) -> list[Path]:
    for folder in folders or ():
        if not folder.is_dir():
            raise WrongUsage("there is no such folder", code="folder-missing", where="--folder", next_step="check it")
    return folders or []


def _names(by: str) -> list[str]:
    return [one.strip() for one in by.split(",") if one.strip()]


def _filter(written: str) -> tuple[str, str]:
    name, sign, value = written.partition("=")
    if not sign:
        raise WrongUsage(
            "a filter has a name and a value", code="filter-unreadable", where="--filter",
            next_step="write it as --filter age_group=85+",
        )  # fmt: skip
    return name.strip(), value


def _shown(cell: object) -> object:
    return f"{cell:,.2f}" if isinstance(cell, float) else cell


def _record(found: Indicator) -> dict[str, Any]:
    return {
        "id": found.id, "version": found.version, "title": found.title, "definition": found.definition,
        "citation": found.citation, "status": found.status, "figure": found.figure.value,
        "counts": found.counts.value, "datasets": list(found.datasets), "by": list(found.by),
        "dimensions": [*found.dimensions, *(one.name for one in found.groups)], "notes": list(found.notes),
    }  # fmt: skip
