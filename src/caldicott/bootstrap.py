"""Wires the machine to the house: registers, stores, the clock. The one place that reads it is the shell."""

from __future__ import annotations

import getpass
import os
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from caldicott.operations.perform import House
from caldicott.register import parse
from caldicott.stores.store import Store, StoreSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from caldicott.register.model import Register


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """The present day in local time: instruments begin and end by it."""
    return datetime.now().astimezone().date()


def find_register(name: str) -> Path:
    """The folder of a register named by path or by id."""
    return parse.resolve(name, parse.bundled_roots())


def load_register(name: str) -> Register:
    """The register; it must hold."""
    return parse.load(find_register(name))


def actor() -> str:
    """Who runs the command, for the audit trail."""
    return os.environ.get("CALDICOTT_ACTOR") or getpass.getuser()


@contextmanager
def open_house(register: Register, store: Path, *, create: bool = False) -> Iterator[House]:
    """The house on that store, today."""
    settings = StoreSettings(environ=os.environ, home=Path.home())
    with Store(store, settings=settings, created=today(), create=create) as opened:
        yield House(register, opened, today(), now, actor(), organisation=register.controller.id)


def open_store(store: Path) -> Store:
    """The store alone, for questions that need no register."""
    return Store(store, settings=StoreSettings(environ=os.environ, home=Path.home()), created=today(), create=False)
