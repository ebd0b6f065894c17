"""Where indicators and lookups come from: what ships, what lies in the store, and the folders somebody names."""

from __future__ import annotations

import csv
import difflib
import io
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from caldicott.analytics.levels import Lookups, with_tenths
from caldicott.analytics.reading import read
from caldicott.facts import indicators as facts
from caldicott.vocabulary.errors import DoesNotHold, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from caldicott.analytics.definition import Indicator
    from caldicott.operations.perform import House
    from caldicott.register.model import Register

_ID: Final = re.compile(r"""^[ \t]*id[ \t]*=[ \t]*["']([^"'\n]*)["']""", re.MULTILINE)
INDICATORS, LOOKUPS = "indicators", "lookups"
_FILE_AT_MOST: Final = 5_000_000
_NETWORK, _PLACE = 0, 1


@dataclass(frozen=True, slots=True)
class Library:
    """The indicators there are, and what is wrong with files that are none."""

    found: Mapping[str, Indicator]
    faults: tuple[DoesNotHold, ...]
    named: Mapping[str, DoesNotHold]
    """The same by the ids that these files are, or may be, about: nobody is to get another file's figure instead."""


def library(*folders: Path) -> Library:
    """Every indicator by id: those that ship, then those of the folders, where the later of one id counts."""
    found = {name: read(facts.text("library", name), name) for name in facts.shipped()}
    by_id = {one.id: one for one in found.values()}
    faults, named = list[DoesNotHold](), dict[str, DoesNotHold]()
    for path in (path for folder in folders for path in sorted(folder.glob("*.toml"))):
        text = ""
        try:
            text = _text(path)
            one = read(text, path.name)
        except DoesNotHold as fault:
            faults.append(fault)
            named |= dict.fromkeys((path.stem, *_ID.findall(text)), fault)
        else:
            by_id[one.id] = one
            named.pop(one.id, None)
    return Library({name: one for name, one in by_id.items() if name not in named}, tuple(faults), named)


def indicator(name: str, *folders: Path) -> Indicator:
    """The indicator of that id.

    Raises:
        WrongUsage: there is none; the nearest is named.
        DoesNotHold: its file is no indicator.
    """
    known = library(*folders)
    if name in known.named:
        raise known.named[name]
    if name not in known.found:
        near = difflib.get_close_matches(name, known.found, n=1, cutoff=0.0)[0]
        raise WrongUsage(
            "there is no such indicator", code="indicator-unknown", where=name[:60],
            next_step=f"nearest is {near}; `caldicott indicator list` names all",
        )  # fmt: skip
    return known.found[name]


def folders_of(house: House, *named: Path) -> tuple[Path, ...]:
    """The folders that are there: the store's own, then those named."""
    for folder in named:
        if not folder.is_dir():
            raise WrongUsage("there is no such folder", code="folder-missing", where=str(folder), next_step="check it")
    own = house.store.root / INDICATORS
    return (*((own,) if own.is_dir() else ()), *named)


def lookups_of(house: House, folder: Path | None = None) -> Lookups:
    """Which group each value lies in: facts, the register's practices, the store's folder, then the folder named.

    Raises:
        DoesNotHold: a file has not the columns value and parent.
    """
    found: Lookups = {
        name: {value: parent for parent, values in groups.items() for value in values}
        for name, groups in tomllib.loads(facts.text("groups.toml")).items()
    }
    found["growth"] = {value: str(factor) for value, factor in tomllib.loads(facts.text("growth.toml"))["age"].items()}
    found |= _of_register(house.register)
    for place in (house.store.root / LOOKUPS, folder):
        if place is not None and place.is_dir():
            found |= {path.stem: _pairs(path) for path in sorted(place.glob("*.csv"))}
    return with_tenths(found)


def _of_register(register: Register) -> Lookups:
    """Member practices with the localities the register names for them: the first a network, the second a place."""
    members = register.controller.member_practices
    named = {"practice-network": _NETWORK, "practice-place": _PLACE}
    return {
        name: {one.ods: one.localities[place] for one in members if len(one.localities) > place}
        for name, place in named.items()
    }


def _pairs(path: Path) -> dict[str, str]:
    reader = csv.DictReader(io.StringIO(_text(path), newline=""))
    if not {"value", "parent"} <= {*(reader.fieldnames or ())}:
        raise DoesNotHold(
            "a lookup has the columns value and parent", code="lookup-columns", where=path.name,
            next_step="write one line for each value and the group it lies in",
        )  # fmt: skip
    return _one_parent(path.name, reader)


def _one_parent(name: str, rows: Iterable[Mapping[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for row in rows:
        value, parent = (row["value"] or "").strip(), (row["parent"] or "").strip()
        if value and parent and found.setdefault(value, parent) != parent:
            raise DoesNotHold(
                "a value lies in two groups", code="lookup-two-parents", where=name,
                next_step="give each value one parent",
            )  # fmt: skip
    return found


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _FILE_AT_MOST:
            raise DoesNotHold("the file is too large", code="file-too-large", where=path.name, next_step="split it")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DoesNotHold(
            "the file is not UTF-8 text", code="not-utf8", where=path.name, next_step="write it again as UTF-8"
        ) from None
