"""The key that signs what a portal gives to a browser: a file of its owner, outside store and repository."""

from __future__ import annotations

import secrets
import stat
from typing import TYPE_CHECKING

from caldicott.stores.key_files import PRIVATE_FOLDER, locked, put
from caldicott.vocabulary.errors import ProgramFault

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAME = "portal-secret-key"
_SHORTEST = 50
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def secret_key(environ: Mapping[str, str], home: Path) -> str:
    """The user's portal key, made on first use. Read only if nobody else can read it."""
    folder = _folder(environ, home)
    path = folder / NAME
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    with locked(folder):  # two portals started at once must not each make one
        if not path.exists():
            put(path, secrets.token_urlsafe(_SHORTEST).encode())
        return _read(path)


def _folder(environ: Mapping[str, str], home: Path) -> Path:
    configuration = environ.get("XDG_CONFIG_HOME")
    return (home.__class__(configuration) if configuration else home / ".config") / "caldicott" / "portal"


def _read(path: Path) -> str:
    if path.stat().st_mode & _OTHERS:
        raise ProgramFault(
            "others on this machine can read the portal's secret key",
            code="portal-key-open",
            where=str(path),
            next_step="remove the file and start again: a new key is made, and people who are signed in sign in again",
        )
    key = path.read_text(encoding="utf-8").strip()
    if len(key) < _SHORTEST:
        raise ProgramFault(
            "the portal's secret key is too short to be one",
            code="portal-key-short",
            where=str(path),
            next_step="remove the file and start again: a new key is made",
        )
    return key
