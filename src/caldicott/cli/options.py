"""Options and arguments that many commands share, said once so that they read alike everywhere."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from caldicott import bootstrap
from caldicott.vocabulary.errors import WrongUsage

RegisterName = Annotated[
    str, typer.Argument(metavar="REGISTER", help="A register's folder, or the id of a bundled one.")
]
StoreFolder = Annotated[Path, typer.Option("--store", help="The store's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")]


def day_or_today(written: str | None) -> date:
    """The day that `--on` names; today if it is not given.

    Raises:
        WrongUsage: it is no date.
    """
    return read_day(written) if written is not None else bootstrap.today()


def read_day(written: str) -> date:
    """A day as `--on` writes it.

    Raises:
        WrongUsage: it is no date.
    """
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise WrongUsage(
            "the day is not a date", code="date-unreadable", where="--on", next_step="write it as 2026-11-22"
        ) from None
