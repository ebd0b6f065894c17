"""The reference page names every code that a fault can carry."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ROOM = ROOT / "src" / "caldicott" / "register"
WHAT_IS_NOT_A_CODE = {"register-does-not-hold", "unknown-register", "flow-review"}
"""Codes of whole errors, not of faults; and kinds of deadline."""


def _codes():
    found = set()
    for file in ROOM.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        found |= set(re.findall(r'code="([a-z0-9-]+)"', text))
        found |= set(
            re.findall(
                r'"((?:un|wrong|missing|no|late|domain|dataset|instrument|flow|objection|exemption|waiver|s251|ceiling|identifiers|ahead|ends|review|withheld|processor)[a-z0-9]*-[a-z0-9-]+)"',
                text,
            )
        )
    return sorted(found - WHAT_IS_NOT_A_CODE)


@pytest.mark.parametrize("code", _codes())
def test_a_code_is_on_the_page(code):
    """Whoever meets a code can read what it means."""
    assert f"`{code}`" in (ROOT / "docs/reference/register.md").read_text(encoding="utf-8")


def test_the_codes_are_found():
    """The search above does find codes of every kind."""
    assert {"unknown-key", "not-toml", "domain-shared", "instrument-lapsed"} <= set(_codes())
