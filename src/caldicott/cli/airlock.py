"""`caldicott airlock`: ask for a release, check one, take out what two people approved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caldicott import bootstrap
from caldicott.cli.options import AsJson, RegisterName, StoreFolder
from caldicott.cli.output import print_json, say, table
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from caldicott.operations.airlock_findings import Findings
    from caldicott.operations.airlock_state import ReleaseRequest
    from caldicott.operations.perform import House

app = typer.Typer(help="What leaves the analysts' room: asked for, checked by two people, then released.")
Role = Annotated[str, typer.Option(help="In which role you ask.")]
Number = Annotated[str, typer.Option("--id", help="The number of the request.")]
Results = Annotated[list[str] | None, typer.Option("--table", help="A result of the SQL room; may be repeated.")]
Files = Annotated[list[Path] | None, typer.Option("--file", help="A CSV file; may be repeated.")]


@app.command()
def request(
    register: RegisterName,
    store: StoreFolder,
    activity: Annotated[str, typer.Option(help="For which activity of the register.")],
    role: Role,
    context: Annotated[str, typer.Option(help="What it is for, who asked, and who will see it.")],
    results: Results = None,
    files: Files = None,
    number: Annotated[str | None, typer.Option("--id", help="A returned request of yours that this changes.")] = None,
    as_json: AsJson = False,
) -> None:
    """Ask for tables to be let out; a program looks first, then two people."""
    from caldicott.operations import airlock

    with bootstrap.open_house(bootstrap.load_register(register), store) as house:
        tables = _tables(house, activity, results or [], files or [])
        if number is None:
            made = airlock.request(house, activity=activity, role=role, context=context, tables=tables)
        else:
            made = airlock.change(house, number, role=role, context=context, tables=tables)
    _tell(made, as_json=as_json)


@app.command()
def review(
    register: RegisterName,
    store: StoreFolder,
    role: Role,
    number: Annotated[str | None, typer.Option("--id", help="The request; all of them if not given.")] = None,
    verdict: Annotated[str | None, typer.Option("--verdict", help="approve or return; only look if not given.")] = None,
    comment: Annotated[str, typer.Option(help="What you looked at, and what you found.")] = "",
    as_json: AsJson = False,
) -> None:
    """See requests and what the program found in them; approve one, or return it with a reason."""
    from caldicott.operations import airlock

    with bootstrap.open_house(bootstrap.load_register(register), store) as house:
        if number is None:
            _list(airlock.listed(house, role=role), as_json=as_json)
            return
        if verdict is None:
            one, findings = airlock.opened(house, number, role=role)
            _tell(one, as_json=as_json, findings=findings)
            return
        made = airlock.review(house, number, role=role, verdict=verdict, comment=comment)
    _tell(made, as_json=as_json)


@app.command()
def release(
    register: RegisterName,
    store: StoreFolder,
    role: Role,
    number: Number,
    to: Annotated[Path, typer.Option("--to", help="A new or empty folder.")],
    as_json: AsJson = False,
) -> None:
    """Write what two people approved; tables of counts as the gate lets them go."""
    from caldicott.operations import airlock

    with bootstrap.open_house(bootstrap.load_register(register), store) as house:
        made = airlock.release(house, number, role=role, to=to)
    _tell(made, as_json=as_json)
    if not as_json:
        say(f"Written to {to}.")


def _tables(house: House, activity: str, results: list[str], files: list[Path]) -> dict[str, str]:
    from caldicott.operations.sql_room import as_text

    tables = {f"{name}.csv": as_text(house, activity, name) for name in results}
    for path in files:
        try:
            tables[path.name] = path.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError):
            raise DoesNotHold(
                "the table cannot be read", code="file-missing", where=path.name, next_step="give a UTF-8 CSV file"
            ) from None
    return tables


def _list(found: tuple[ReleaseRequest, ...], *, as_json: bool) -> None:
    if as_json:
        print_json({"requests": [_record(one) for one in found]})
        return
    rows = [(one.number, one.state, one.activity, len(one.checkers), len(one.tables)) for one in found]
    table("Requests for release", ("request", "state", "activity", "checks", "tables"), rows, numbers_from=3)


def _tell(one: ReleaseRequest, *, as_json: bool, findings: tuple[Findings, ...] = ()) -> None:
    tables = one.tables if findings else {}
    if as_json:
        more = {"findings": [found.as_record() for found in findings], "tables": dict(tables)} if findings else {}
        print_json(_record(one) | more)
        return
    say(f"Request {one.number} of {one.activity}: {one.state}, {len(one.checkers)} of 2 checks. For: {one.context}")
    for said in one.said:
        say(f"{said.on} {said.role} {said.by}: {said.what}. {said.words}")
    if findings:
        rows = [(f.name, f.gate, f.rows, f.withheld, f.small, f.long_texts, f.identifiers) for f in findings]
        table("What the program found", _HEADINGS, rows, numbers_from=2)
    for found in findings:
        for reason in found.blocking:
            say(f"{found.name} cannot leave: {reason}.")
    for name, text in tables.items():
        say(f"\n{name}\n{text}")


_HEADINGS = ("table", "gate", "rows", "gate withholds", "cells of few people", "long texts", "like identifiers")


def _record(one: ReleaseRequest) -> dict[str, Any]:
    return {
        "id": one.number, "activity": one.activity, "state": one.state, "context": one.context,
        "checks": len(one.checkers),
        "said": [{"what": s.what, "by": s.by, "role": s.role, "on": s.on, "words": s.words} for s in one.said],
    }  # fmt: skip
