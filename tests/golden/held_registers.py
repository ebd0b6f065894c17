"""The registers the repository holds that can be read today, each with the day its decisions are shown for."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from caldicott.register.faults import RegisterDoesNotHold
from caldicott.register.parse import load

if TYPE_CHECKING:
    from caldicott.register.model import Register

ROOT = Path(__file__).resolve().parents[2]
SHOWN_ON = {
    "example-icb": date(2026, 11, 22),
    "leeds-2018": date(2018, 6, 1),
    "oxfordshire-2016": date(2016, 12, 1),
    "dorset-2018": date(2018, 9, 1),
}


def names() -> list[str]:
    return [name for name in SHOWN_ON if (ROOT / "registers" / name / "controller.toml").is_file()]


def held(name: str) -> Register | None:
    """The register of that name; None while it is not yet readable, which the register's own tests report."""
    try:
        return load(ROOT / "registers" / name)
    except RegisterDoesNotHold:
        return None
