"""`caldicott keys`: which keys a store has, the end of one, and a new key-encryption key in place of the old."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  typer reads it when the program starts
from typing import Annotated

import typer

from caldicott import bootstrap
from caldicott.cli.keys_destroy import destroy
from caldicott.cli.options import AsJson, StoreFolder
from caldicott.cli.output import print_json, say, table

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
app.command()(destroy)


@app.command("list")
def list_keys(store: StoreFolder, as_json: AsJson = False) -> None:
    """What each data key is for, since when, and how many files live under it; and the keys that were destroyed."""
    from caldicott.operations.keys import keys_of

    with bootstrap.open_store(store) as opened:
        found = keys_of(opened)
    if as_json:
        print_json({"keys": [key.as_record() for key in found]})
        return
    rows = [(key.scope, key.created.isoformat(), key.files, key.destroyed or "") for key in found]
    table("Data keys", ("what for", "since", "live files", "destroyed"), rows, numbers_from=2)


@app.command()
def rewrap(
    store: StoreFolder,
    to_key_file: Annotated[
        Path, typer.Option("--to-key-file", help="The new key file; made if there is none. Not in the store.")
    ],
) -> None:
    """Change the key-encryption key. No row is touched; killed half way, the old or the new key opens everything."""
    from caldicott.operations.keys import change_key_file

    with bootstrap.open_store(store) as opened:
        changed = change_key_file(opened, to_key_file, actor=bootstrap.actor(), at=bootstrap.now())
    say(f"{changed:,} keys are wrapped by {to_key_file} now, and by no other key.")
    say(f"From now on say CALDICOTT_KEY_FILE={to_key_file.absolute()}, and keep a copy of that file apart.")
    say("Then destroy the old key: with it, a copy of the store from before can still be read.")
