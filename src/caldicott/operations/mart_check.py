"""`status --verify`: is every open file of the marts still what its run wrote, by the catalogue and by the trail?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from caldicott.audit.entry import Outcome
from caldicott.stores.audit_log import read_entries
from caldicott.stores.mart_seals import ZONE, changed, seal_of

if TYPE_CHECKING:
    from caldicott.operations.perform import House


def check_marts(house: House) -> dict[str, Any]:
    """How many files were looked at, those that were changed, and the activities whose trail tells otherwise."""
    catalogue = house.store.catalogue
    files = catalogue.files_below(ZONE)
    found = changed(house.store.root, files)
    return {
        "files": len(files),
        "changed": [{"activity": one.activity, "part": one.part, "why": one.why, "says": one.said} for one in found],
        "not_as_recorded": _not_as_recorded(house),
    }


def holds(found: dict[str, Any]) -> bool:
    """Whether nothing was found, or nothing was looked for."""
    return not found.get("changed") and not found.get("not_as_recorded")


def _not_as_recorded(house: House) -> list[str]:
    """Activities whose latest run entered another seal into the trail than the catalogue's files give today."""
    catalogue, runs = house.store.catalogue, house.store.catalogue.latest_runs()
    told: dict[str, tuple[str, ...]] = {}
    for entry in read_entries(house.store.root / "audit"):
        if entry.event == "run" and entry.outcome is Outcome.DONE:
            told[entry.activity] = entry.references
    return [
        activity
        for activity, run in sorted(runs.items())
        # Marts of which every source was destroyed are gone with it.
        if (catalogue.files("mart", activity) or not catalogue.destroyed_keys())
        and not {run["id"], seal_of(catalogue.files("mart", activity))} <= set(told.get(activity, ()))
    ]
