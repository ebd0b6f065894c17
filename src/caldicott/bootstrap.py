"""Wires the machine to the house: registers, stores, the clock. The one place that reads it is the shell."""

from __future__ import annotations

import getpass
import os
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from caldicott.operations.perform import House
from caldicott.operations.staff import Staff, person_behind
from caldicott.operations.staff import staff_of as staff_known
from caldicott.register import parse
from caldicott.stores.catalogue import Catalogue
from caldicott.stores.store import Store, StoreSettings
from caldicott.vocabulary.errors import DoesNotHold, WrongUsage

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
    try:
        return os.environ.get("CALDICOTT_ACTOR") or getpass.getuser()
    except (KeyError, OSError):  # in a container the user may have a number and no name
        return f"uid-{os.getuid()}"


def home() -> Path:
    """The user's folder, where keys are kept."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("/nonexistent")


@contextmanager
def open_house(register: Register, store: Path, *, create: bool = False) -> Iterator[House]:
    """The house on that store, today."""
    settings = StoreSettings(environ=os.environ, home=home())
    with Store(store, settings=settings, created=today(), create=create) as opened:
        _require_same_controller(opened, register, create=create)
        who = person_behind(opened.catalogue, actor())
        yield House(register, opened, today(), now, who, organisation=register.controller.id)


@contextmanager
def house_of(store: Path, register: str | None = None) -> Iterator[House]:
    """The house on a store that is there, by the register named or by the one it works by."""
    with open_house(load_register(register or register_of(store)), store) as house:
        yield house


def register_of(store: Path) -> str:
    """The register that a store works by. Asks the catalogue alone: a public site needs no key and no lock."""
    catalogue = store / "catalogue.sqlite"
    if not catalogue.is_file():
        raise DoesNotHold(
            "there is no store here",
            code="store-missing",
            where=str(store),
            next_step="make one with `caldicott demo` or `caldicott land`, or name another with --store",
        )
    opened = Catalogue(catalogue)
    try:
        name = opened.setting("register")
    finally:
        opened.close()
    if not name:
        raise WrongUsage(
            "the store does not say which register it works by",
            code="register-unknown",
            where=str(store),
            next_step="name the register with --register",
        )
    return name


def staff_of(store: Path) -> Staff:
    """What the store knows of its staff's logins. Asks the catalogue alone: that needs no key and no lock."""
    opened = Catalogue(store / "catalogue.sqlite")
    try:
        return staff_known(opened)
    finally:
        opened.close()


def _require_same_controller(store: Store, register: Register, *, create: bool) -> None:
    """A store is one controller's: under another's register its people would be told, and given, something else."""
    known, asked = store.catalogue.setting("controller"), register.controller.id
    if known is None and create:
        store.catalogue.set_setting("controller", asked)
    elif known not in {None, asked}:
        raise DoesNotHold(
            f"the store belongs to the controller {known}, and the register is that of {asked}",
            code="store-of-another-controller",
            where=str(store.root),
            next_step="name the register this store was filled under, or another store",
        )


def open_store(store: Path) -> Store:
    """The store alone, for questions that need no register."""
    return Store(store, settings=StoreSettings(environ=os.environ, home=home()), created=today(), create=False)


def open_to_read(store: Path) -> Store:
    """The store for pages: beside a run, and beside other readers. Whoever reads does so within `looking`."""
    return Store(store, settings=StoreSettings(environ=os.environ, home=home()), created=today(), reading=True)
