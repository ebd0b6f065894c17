"""A register as one JSON document, for keeping what was published.

TOML with its comments is how a register is written; a published version keeps
only what it said, in one file that reads back to an equal register. The digest
is carried as it was: it is over the folder's texts, so it still names the
version in the audit trail, but cannot be worked out again from the JSON.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from caldicott.register import parse
from caldicott.register.model import Register  # noqa: TC001  pydantic reads the annotation at run time
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

FORM = 1
"""Of the document, not of a register: raised when an old document could no longer be read as it stands."""
FILE = "register.json"
VERSIONS = "versions"


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    form: int
    content: Register


@dataclass(frozen=True, slots=True)
class Published:
    """A register as it stood when a version of the notice was published."""

    version: str
    register: Register

    @property
    def published(self) -> date:
        """The day that the register itself gives for this version of the notice."""
        return min(notice.published for notice in self.register.controller.notices if notice.version == self.version)


def as_json(register: Register) -> bytes:
    """The register as UTF-8 JSON, the same bytes for the same register."""
    # Defaults are written out: one that changes in a later program must not change what an old version said.
    document = {"form": FORM, "content": register.model_dump(mode="json")}
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode("utf-8")


def from_json(document: bytes, *, where: str = FILE) -> Register:
    """The register of a document that `as_json` wrote.

    Raises:
        DoesNotHold: it is something else, or was changed so that it no longer reads as a register.
    """
    try:
        kept = _Kept.model_validate_json(document)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise _unreadable(f"{place}: {first['msg']}" if place else str(first["msg"]), where) from None
    if kept.form != FORM:
        raise _unreadable(f"its form is {kept.form}, and only form {FORM} is known", where)
    return kept.content


def _unreadable(why: str, where: str) -> DoesNotHold:
    return DoesNotHold(
        f"the published register cannot be read ({why})",
        code="kept-register-unreadable",
        where=where,
        next_step="take the file from a copy of what was published; it is not written by hand",
    )


def is_kept(path: Path) -> bool:
    """Whether it is a `register.json`, or the folder of a published version that holds one."""
    return path.is_file() or (not (path / parse.CONTROLLER).is_file() and (path / FILE).is_file())


def load(path: Path) -> Register:
    """The register of a `register.json`, or of the folder of a published version that holds one.

    Raises:
        DoesNotHold: what lies there is no register that can be read.
    """
    file = path if path.is_file() else path / FILE
    return from_json(file.read_bytes(), where=file.as_posix())


def read_versions(published: Path) -> tuple[Published, ...]:
    """Every version kept in a published folder (`versions/<version>/register.json`), oldest first.

    A version is dated by its own register, which is what the public read; one
    that its own register does not name is refused, because then nobody knows when it held.
    """
    found = [_version(file) for file in sorted(published.glob(f"{VERSIONS}/*/{FILE}"))]
    return tuple(sorted(found, key=lambda one: (one.published, one.version)))


def _version(file: Path) -> Published:
    register, version = load(file), file.parent.name
    if version not in [notice.version for notice in register.controller.notices]:
        raise DoesNotHold(
            f"the folder is called `{version}`, but its register knows no notice of that version",
            code="kept-version-unknown",
            where=file.as_posix(),
            next_step="give the folder the name of the version it holds, or take it from a copy of what was published",
        )
    return Published(version, register)
