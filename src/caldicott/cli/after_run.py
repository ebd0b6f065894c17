"""What a run means for the desk: notes about patients who left with it are erased, though nobody opens a page."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from caldicott.stores.desk.opening import FILE

if TYPE_CHECKING:
    from pathlib import Path


def settle_desk(store: Path) -> None:
    """Open the desk, if the store has one, as the portal does at its start: what has to go, goes."""
    if not (store / FILE).exists() and not os.environ.get("CALDICOTT_DESK"):
        return
    from caldicott.cli.accounts import desk_of

    with desk_of(store):
        pass
