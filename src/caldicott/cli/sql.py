"""`caldicott sql`: statements over pseudonymised rows, whose results stay in the room."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003  typer reads it when the program starts
from typing import Annotated, Any

import typer

from caldicott import bootstrap
from caldicott.cli.options import AsJson, RegisterName, StoreFolder
from caldicott.cli.output import print_json, progress, say, table
from caldicott.vocabulary.errors import DoesNotHold, Refused, WrongUsage

_LONGEST_WAIT = 3_600


def sql(
    register: RegisterName,
    store: StoreFolder,
    activity: Annotated[str, typer.Option(help="The activity whose marts are asked.")],
    role: Annotated[str, typer.Option(help="Who asks.")],
    file: Annotated[Path | None, typer.Option("--file", help="A file with one SELECT statement.")] = None,
    name: Annotated[str, typer.Option("--as", help="What the result is called in the room.")] = "result",
    seconds: Annotated[
        int, typer.Option("--seconds", min=1, max=_LONGEST_WAIT, help="How long it may take; the answer comes then.")
    ] = 20,
    megabytes: Annotated[int, typer.Option("--megabytes", min=50, max=64_000, help="How much memory.")] = 1_000,
    look: Annotated[str | None, typer.Option("--look", help="Show the first rows of a result, on a screen.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run SQL over the rows a role may see. Results stay in the room; they leave by `caldicott airlock`."""
    if (file is None) == (look is None):
        raise WrongUsage(
            "name either a statement or a result to look at", code="usage", where="--file, --look",
            next_step="give --file STATEMENT.sql, or --look NAME",
        )  # fmt: skip
    loaded = bootstrap.load_register(register)
    if look is not None:
        _look(loaded, store, activity, role, look)
        return
    from caldicott.engines.duckdb.sql_room import Limits
    from caldicott.operations.sql_room import query

    statement = _statement(file)  # type: ignore[arg-type]  # one of the two is there
    with bootstrap.open_house(loaded, store) as house, progress(quiet=as_json) as told:
        told(f"in the room, for {seconds} seconds")
        done = query(
            house, activity=activity, role=role, statement=statement, name=name,
            limits=Limits(seconds=seconds, megabytes=megabytes),
        )  # fmt: skip
    if as_json:
        print_json({"name": done.name, "columns": done.columns, "tables": done.tables, "seconds": done.seconds})
        return
    say(
        f"The statement was run for {done.seconds} seconds. If it ended by then, without a fault and with no more than "
        f"100,000 rows, its result is now `{done.name}` in the room, with the columns {', '.join(done.columns)}. A "
        "statement that does not end is stopped and leaves no result. Which of these it was is only told inside: "
        f"`caldicott sql ... --look {done.name}`. To take it out, ask: `caldicott airlock request`."
    )


def _statement(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise DoesNotHold(
            "the statement cannot be read", code="file-missing", where=file.name, next_step="give a UTF-8 text file"
        ) from None


def _look(register: Any, store: Path, activity: str, role: str, name: str) -> None:
    from caldicott.operations.sql_room import look

    if not sys.stdout.isatty():
        raise Refused(
            "Refused. Rows of the room are for eyes, not for files: this output is not a screen. "
            "To take a result out, ask: `caldicott airlock request`",
            code="sql-look-not-a-screen",
            next_step="look at it on a screen, or ask for its release",
        )
    with bootstrap.open_house(register, store) as house:
        how, rows = look(house, activity=activity, role=role, name=name)
    if rows is None:
        say(f"`{name}`: {_HOW.get(how, how)}.")
        return
    cells = [["" if cell is None else cell for cell in row.values()] for row in rows.to_pylist()]
    table(f"{name}, first rows", rows.column_names, cells, numbers_from=len(rows.column_names))


_HOW = {
    "kept": "it has no rows",
    "failed": "the statement met a fault in the rows, such as a text that is no number",
    "too-large": "the statement needed more memory than it was given",
    "stopped": "the statement did not end in time and was stopped",
    "too-many-rows": "the statement gave too many rows",
    "nothing": "there is no such result",
}
