"""Where the desk's tables are: a SQLite file in the store, or a PostgreSQL database.

SQLite runs in WAL mode with full syncs: a sign-in that was told is on the disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from caldicott.vocabulary.errors import WrongUsage

if TYPE_CHECKING:
    from pathlib import Path

FILE: Final = "desk/desk.sqlite"
_CLOSED: Final = "django.db.backends.dummy"
_SCHEMES: Final = ("postgresql", "postgres")


def location(store: Path | None, address: str = "") -> dict[str, Any]:
    """Django's `DATABASES` for the desk of a store; none without a store, so that no page can open what is not there.

    Raises:
        WrongUsage: the address is not one of a PostgreSQL database.
    """
    if address:
        return {"default": _postgresql(address)}
    return {"default": _sqlite(store / FILE)} if store is not None else {}


def is_open() -> bool:
    """Whether this program has a desk at all."""
    from django.db import connection

    return bool(connection.settings_dict["ENGINE"] != _CLOSED)


def make_ready() -> None:
    """Create the tables or bring them to this release."""
    from pathlib import Path

    from django.core.management import call_command
    from django.db import connection

    if connection.vendor == "sqlite":
        folder = Path(str(connection.settings_dict["NAME"])).parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    call_command("migrate", "desk", verbosity=0, interactive=False)


def _sqlite(path: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        # Kept open by a worker: opening costs a page a millisecond, and the last to close waits for the disk.
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",  # two writers wait for each other instead of failing half way
            "timeout": 20,
            # Erased notes are overwritten and not only let go of.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; "
            "PRAGMA secure_delete=ON;",
        },
    }


def _postgresql(address: str) -> dict[str, Any]:
    parts = urlsplit(address)
    if parts.scheme not in _SCHEMES or not parts.path.strip("/"):
        # The address may hold a password: it is not repeated.
        raise WrongUsage(
            "the desk's database is not an address of a PostgreSQL database",
            code="desk-address-unknown",
            where="CALDICOTT_DESK",
            next_step="write it as postgresql://USER@HOST:PORT/NAME, or leave it out for SQLite in the store",
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 60,
    }
