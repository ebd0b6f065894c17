"""`caldicott protect`: disclosure control on anybody's tables of counts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from caldicott.cli.options import AsJson
from caldicott.cli.output import print_json, progress, say, table

Tables = Annotated[
    list[Path], typer.Argument(metavar="TABLE.csv...", help="Dimension columns and `count`; judged together.")
]


def protect(
    tables: Tables,
    rule: Annotated[str, typer.Option("--rule", help="A disclosure rule by name, such as hes-2018.")],
    to: Annotated[Path, typer.Option("--to", help="The folder for the protected tables and report.json.")],
    hierarchy: Annotated[
        Path | None, typer.Option("--hierarchy", help="CSV (dimension, value, parent) or TOML: what lies in what.")
    ] = None,
    ledger: Annotated[
        Path | None, typer.Option("--ledger", help="The memory of one audience: everything it was ever given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Withhold and round until nobody can be found, prove it, and write what may leave. Needs no store, no register."""
    from caldicott.operations.protect import Request
    from caldicott.operations.protect import protect as decide

    with progress(quiet=as_json) as told:
        answer = decide(Request(tuple(tables), rule, to, hierarchy, ledger), told)
    if as_json:
        print_json(answer.report)
    else:
        _print(answer.report, to)


def _print(report: dict[str, Any], to: Path) -> None:
    rows = [
        (entry["name"], entry["cells"], entry["primary"], entry["secondary"], entry["rounded"], entry["zero"])
        for entry in report["tables"]
    ]
    headings = ("table", "cells", "withheld: small", "withheld: cover", f"rounded to {report['rounded_to']}", "zero")
    table(f"Protected by {report['rule']}, written to {to.name}", headings, rows)
    proof = report["proof"]
    say(
        f"Proved: each of {proof['groups_guarded']:,} small groups could still be any of at least "
        f"{proof['whole_values_left_possible_at_least']} whole numbers."
    )
