"""Risk models in the store: one folder a model, written once; their lives in the catalogue, changed with the act.

A model's file is held against the hash that the catalogue keeps before it is used.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from caldicott.stores.catalogue import LiveFile
from caldicott.stores.key_files import disk_faults, sync
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from caldicott.stores.store import Store

KIND: Final = "risk-model"
AREAS: Final = "risk-areas"
PLACE: Final = "models"
MODEL_FILE: Final = "model.json"


def write(store: Store, activity: str, name: str, files: Mapping[str, str]) -> list[LiveFile]:
    """The files of one model in a folder of its own; live once the caller's transaction says so."""
    folder = store.root / PLACE / activity / name
    written = []
    with disk_faults(folder):
        for relative, content in files.items():
            path = folder / relative
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
            _sync(path)
            written.append(LiveFile(str(path.relative_to(store.root)), KIND, activity, f"{name}/{relative}", 0))
    return written


def read(store: Store, path: str) -> dict[str, Any]:
    """A JSON file of a model.

    Raises:
        DoesNotHold: it is gone or torn.
    """
    try:
        found = json.loads((store.root / path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise DoesNotHold(
            "the file of the risk model cannot be read",
            code="model-unreadable",
            where=path,
            next_step="train the model anew: `caldicott model train`",
        ) from None
    assert isinstance(found, dict)  # noqa: S101  written by this module alone
    return found


def folder_of(store: Store, activity: str, name: str) -> Path:
    """Where a model's files lie."""
    return store.root / PLACE / activity / name


def lives(store: Store, activity: str) -> list[dict[str, Any]]:
    """The models of an activity with every state they have been in, oldest first."""
    said = store.catalogue.setting(f"{KIND}/{activity}")
    return list(json.loads(said)) if said else []


def keep_lives(store: Store, activity: str, records: Sequence[Mapping[str, Any]]) -> None:
    """Inside the act's transaction."""
    store.catalogue.set_setting(f"{KIND}/{activity}", json.dumps([*records]))


def areas(store: Store) -> dict[str, Any]:
    """The table of areas that was loaded: its source, its hash and tenth by area; empty if none was."""
    said = store.catalogue.setting(AREAS)
    return dict(json.loads(said)) if said else {}


def keep_areas(store: Store, record: Mapping[str, Any]) -> None:
    """Inside the act's transaction. Areas and tenths are published facts, no row of anybody."""
    store.catalogue.set_setting(AREAS, json.dumps(dict(record)))


def _sync(path: Path) -> None:
    sync(path)
    sync(path.parent)
