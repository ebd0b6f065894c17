"""`caldicott audit`: verify and show."""

from __future__ import annotations

from itertools import islice
from pathlib import Path  # noqa: TC003  typer reads it when the program starts
from typing import Annotated

import typer

from caldicott.cli.options import AsJson, StoreFolder
from caldicott.cli.output import print_json, say, table
from caldicott.vocabulary.errors import DoesNotHold

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


@app.command()
def verify(
    store: StoreFolder,
    checkpoint: Annotated[Path | None, typer.Option(help="A checkpoint kept outside the store.")] = None,
    public_key: Annotated[Path | None, typer.Option(help="The log's public key, kept outside the store.")] = None,
    as_json: AsJson = False,
) -> None:
    """Find any edit, removal, insertion, reorder, truncation or restored old copy, and say where."""
    from caldicott.audit.checkpoint import decode_public_key
    from caldicott.stores.audit_log import verify as verify_log

    report = verify_log(
        _folder(store),
        public_key=decode_public_key(_bytes(public_key))[1] if public_key else None,
        checkpoint=_bytes(checkpoint) if checkpoint else None,
    )
    if as_json:
        print_json(report.as_record())
    else:
        for finding in report.findings:
            say(str(finding))
        for remark in report.remarks:
            say(remark)
        verdict = "is as it was written" if report.ok else "was changed"
        say(f"The audit trail of {report.size:,} entries {verdict}. Root {report.root.hex()}.")
        if not report.covered_outside:
            say("No checkpoint from outside was given: an old copy put in place of the whole store would not show.")
    raise typer.Exit(0 if report.ok else DoesNotHold.exit_code)


@app.command()
def show(
    store: StoreFolder,
    last: Annotated[int, typer.Option(help="How many of the newest entries.")] = 50,
    as_json: AsJson = False,
) -> None:
    """The newest entries: who asked for what, and what came of it."""
    from caldicott.audit.table import HEADINGS, render
    from caldicott.stores.audit_log import read_entries

    entries = list(read_entries(_folder(store)))
    newest = list(islice(entries, max(len(entries) - last, 0), None))
    if as_json:
        print_json({"entries": [entry.as_record() for entry in newest]})
    else:
        table(f"{len(newest)} of {len(entries)} entries", HEADINGS, list(render(newest)), numbers_from=len(HEADINGS))


@app.command()
def checkpoint(store: StoreFolder) -> None:
    """Print the newest signed checkpoint, to be kept outside the store."""
    say(_bytes(_folder(store) / "checkpoint").decode("utf-8"))


def _folder(store: Path) -> Path:
    folder = store / "audit"
    if not folder.is_dir():
        raise DoesNotHold(
            "there is no audit trail here",
            code="audit-missing",
            where=str(store),
            next_step="name the folder of a store; if this is one, its trail was removed: restore it from a copy",
        )
    return folder


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        raise DoesNotHold(
            f"the file cannot be read ({fault.strerror})",
            code="file-unreadable",
            where=str(path),
            next_step="name a file that exists and may be read",
        ) from None
