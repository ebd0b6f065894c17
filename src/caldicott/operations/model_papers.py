"""The papers of a model: read in the store, or copied for whoever has to judge it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from caldicott.operations.model_state import life_of, lives
from caldicott.operations.perform import Act, House, ask, perform, permits
from caldicott.operations.stratify_plan import RISK_SCORES
from caldicott.policy.decision import Request
from caldicott.stores import models as store_models
from caldicott.stores.key_files import disk_faults
from caldicott.vocabulary.errors import WrongUsage
from caldicott.vocabulary.formats import DataFormat

if TYPE_CHECKING:
    from pathlib import Path

    from caldicott.stratification.model.state import Life


_READER: Final = "ig_officer"
"""The command line reads papers of models as who answers for them."""


def chosen(house: House, activity: str, name: str | None) -> str:
    """The model of that name, or the newest."""
    found = lives(house, activity)
    return name or (found[-1].name if found else life_of(house, activity, "").name)


def listed(house: House, *, activity: str, role: str = _READER) -> list[Life]:
    """Every model and who brought it where it stands, for whom the register shows counts of the scores.

    Raises:
        Refused: the register shows this role no counts of the scores.
    """
    _permit_counts(house, activity, role)
    return lives(house, activity)


def report_of(house: House, *, activity: str, name: str | None, role: str = _READER) -> tuple[Life, dict[str, Any]]:
    """The life and the figures of a model: counts and shares, for whom the register shows counts of the scores.

    Raises:
        Refused: the register shows this role no counts of the scores.
    """
    _permit_counts(house, activity, role)
    life = life_of(house, activity, chosen(house, activity, name))
    path = str(store_models.folder_of(house.store, activity, life.name).relative_to(house.store.root) / "report.json")
    return life, store_models.read(house.store, path)


def copy_papers(house: House, life: Life, *, activity: str, to: Path) -> tuple[str, ...]:
    """All papers of a model and the model itself into a new folder, and in the trail."""
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise WrongUsage(
            "the folder for the papers is not empty", code="export-not-empty", where=str(to),
            next_step="name a new folder, so that nothing of another model is mixed in",
        )  # fmt: skip
    folder = store_models.folder_of(house.store, activity, life.name)
    contents = {
        str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
    contents["states.json"] = json.dumps([one.state for one in life.said]).encode()

    def written() -> None:
        with disk_faults(to):
            for name, content in contents.items():
                (to / name).parent.mkdir(parents=True, exist_ok=True)
                (to / name).write_bytes(content)

    return perform(
        house,
        event="model-papers",
        activity=activity,
        compute=lambda: Act(
            tuple(contents), lambda: None, counts={"files": len(contents)}, references=(life.name, life.sha256),
            dataset=RISK_SCORES, format=DataFormat.AGGREGATED.value, after=written, touches_files=False,
        ),
    )  # fmt: skip


def _permit_counts(house: House, activity: str, role: str) -> None:
    permits(ask(house, [Request(role, activity, RISK_SCORES, DataFormat.AGGREGATED, action="see")]))
