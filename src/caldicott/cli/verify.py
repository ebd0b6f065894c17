"""`caldicott verify`: the promises of the notices, one by one."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  typer reads the annotation at run time
from typing import Annotated

import typer

from caldicott.vocabulary.errors import DoesNotHold


def verify(
    store: Annotated[Path | None, typer.Argument(metavar="STORE", help="The store's folder.")] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Make a small store of invented people, and verify that.")
    ] = False,
    register: Annotated[
        str | None, typer.Option(help="A register's folder or id; the one the store was filled under if not given.")
    ] = None,
    export: Annotated[
        list[Path] | None, typer.Option(help="A folder that a role received, to be searched too; may be repeated.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write the report as a page, too.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")] = False,
) -> None:
    """The promises, one by one: kept, not applicable, broken, awaiting or in writing. Exit code 1 if one is broken."""
    from caldicott.cli.promises import show, verified

    report, house = verified(store, demo=demo, register=register, exports=export or [], quiet=as_json)
    show(report, house, as_json=as_json, html=html)
    raise typer.Exit(0 if report.is_kept else DoesNotHold.exit_code)
