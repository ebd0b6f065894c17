"""`caldicott model`: train a risk model on the store's marts, read its report, approve it, watch it."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  typer reads it when the program starts
from typing import Annotated, Any

import typer

from caldicott import bootstrap
from caldicott.cli.options import AsJson, RegisterName, StoreFolder
from caldicott.cli.output import print_json, progress, say, table

app = typer.Typer(no_args_is_help=True)

Activity = Annotated[str, typer.Option("--activity", help="The activity whose scores it is for.")]
ModelName = Annotated[str | None, typer.Option("--model", help="The model's name; the newest if none is given.")]
_RISK = "risk-stratification"
_SOFTWARE_CHECK = "These people are invented: a check of the software, not clinical evidence."


@app.command()
def train(register: RegisterName, store: StoreFolder, activity: Activity = _RISK, as_json: AsJson = False) -> None:
    """Fit, calibrate and judge a model on the marts of the latest run. It begins in the state research."""
    from caldicott.operations.model_train import train as fit

    with (
        progress(quiet=as_json) as told,
        bootstrap.open_house(bootstrap.load_register(register), store) as house,
    ):
        made = fit(house, activity=activity, told=told)
    if as_json:
        print_json({"model": made.life.name, "state": made.life.state, "folder": made.folder, "report": made.report})
        return
    _print_report(made.report)
    say(f"State: {made.life.state}. Its papers lie in {made.folder}.")


@app.command(name="report")
def report_(
    register: RegisterName,
    store: StoreFolder,
    model: ModelName = None,
    activity: Activity = _RISK,
    to: Annotated[Path | None, typer.Option("--to", help="A new folder to copy the papers to.")] = None,
    as_json: AsJson = False,
) -> None:
    """The figures of a model as they were when it was trained; with --to, all its papers. Exit code 3 if refused."""
    from caldicott.operations.model_papers import copy_papers, report_of

    with bootstrap.open_house(bootstrap.load_register(register), store) as house:
        life, found = report_of(house, activity=activity, name=model)
        written = copy_papers(house, life, activity=activity, to=to) if to else ()
    if as_json:
        print_json({"model": life.name, "state": life.state, "report": found, "files": written})
        return
    _print_report(found)
    say(f"State: {life.state}.")
    for one in life.said:
        say(f"  {one.on}  {one.state}  by {one.by} ({one.role})")


@app.command(name="list")
def list_(register: RegisterName, store: StoreFolder, activity: Activity = _RISK, as_json: AsJson = False) -> None:
    """The models of the store and where each stands. Exit code 3 if refused."""
    from caldicott.operations.model_papers import listed

    with bootstrap.open_house(bootstrap.load_register(register), store) as house:
        found = listed(house, activity=activity)
    rows = [(one.name, one.state.value, one.trained_on, one.said[-1].on, one.said[-1].by) for one in found]
    if as_json:
        keys = ("model", "state", "trained_on", "since", "by")
        print_json([dict(zip(keys, row, strict=True)) for row in rows])
    else:
        table(f"{len(rows)} models", ("model", "state", "trained on", "since", "by"), rows, numbers_from=5)


@app.command()
def state(
    register: RegisterName,
    store: StoreFolder,
    to: Annotated[str, typer.Option("--to", help="research, shadow or approved.")],
    role: Annotated[str, typer.Option("--role", help="In whose name, such as caldicott_guardian.")],
    model: ModelName = None,
    organisation: Annotated[str | None, typer.Option("--organisation", help="Where they work.")] = None,
    activity: Activity = _RISK,
) -> None:
    """Bring a model into a state. Only whom the register lets approve; exit code 3 when it says no."""
    from caldicott.operations.model_papers import chosen
    from caldicott.operations.model_state import set_state

    with bootstrap.open_house(bootstrap.load_register(register), store) as house:
        name = chosen(house, activity, model)
        life = set_state(house, activity=activity, name=name, state=to, role=role, organisation=organisation)
    say(f"{life.name} is {life.state} since {life.said[-1].on}. The next run acts on it.")


@app.command()
def drift(
    register: RegisterName,
    store: StoreFolder,
    model: ModelName = None,
    activity: Activity = _RISK,
    as_json: AsJson = False,
) -> None:
    """Hold the newest month against the model's own year. Exit code 1 if a sign is an alarm."""
    from caldicott.operations.model_drift import watch
    from caldicott.operations.model_papers import chosen

    with bootstrap.open_house(bootstrap.load_register(register), store) as house:
        watched = watch(house, activity=activity, name=chosen(house, activity, model))
    if as_json:
        print_json(watched.as_record())
    else:
        rows = [(one.name, "-" if one.value is None else f"{one.value:.3f}", one.says) for one in watched.signs]
        table(
            f"{watched.model}: as of {watched.as_of}, outcomes of {watched.outcomes_as_of}",
            ("sign", "value", "says"),
            rows,
        )
        say(f"Altogether: {watched.says}." + (f" {_SOFTWARE_CHECK}" if watched.invented else ""))
    if watched.says == "alarm":
        raise typer.Exit(1)


@app.command()
def areas(
    register: RegisterName,
    store: StoreFolder,
    file: Annotated[Path, typer.Option("--file", help="The published file: LSOA code and IMD decile.")],
    source: Annotated[str, typer.Option("--source", help="What the file is, for the papers.")],
    activity: Activity = _RISK,
) -> None:
    """Load which tenth of deprivation each small area is in. None ships."""
    from caldicott.operations.model_areas import load_areas

    with bootstrap.open_house(bootstrap.load_register(register), store) as house:
        loaded = load_areas(house, activity=activity, file=file, source=source)
    say(f"{loaded.areas:,} areas loaded from: {loaded.source}. The next run and the next training use them.")


def _print_report(report: dict[str, Any]) -> None:
    if report["invented"]:
        say(_SOFTWARE_CHECK)
    test = report["test"]
    rows = [(name, _figure(found)) for name, found in test["whole"].items()]
    rows += [(f"PPV at top {one['percent']}%", _figure(one["ppv"])) for one in test["top"]]
    heading = f"{report['name']}: {test['persons']:,} people as of {report['test_on']}, {test['events']:,} admitted"
    table(heading, ("measure", "value"), rows)


def _figure(found: dict[str, Any]) -> str:
    if found["value"] is None:
        return "-"
    low, high = found["low"], found["high"]
    return f"{found['value']:.3f}" + ("" if low is None else f" ({low:.3f} to {high:.3f})")
