"""Nobody else says yes."""

from __future__ import annotations

import ast
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[3] / "src" / "caldicott"


def permits_built_in(text):
    """The lines on which a `Permit` is built, by name or through a module."""
    calls = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    named = ((node.lineno, node.func) for node in calls)
    return [line for line, called in named if getattr(called, "id", getattr(called, "attr", None)) == "Permit"]


def test_permits_are_built_only_in_the_policy_room():
    """A permit made anywhere else would be a second decision."""
    for file in SOURCE.rglob("*.py"):
        if file.parent != SOURCE / "policy":
            assert permits_built_in(file.read_text(encoding="utf-8")) == [], file.relative_to(SOURCE)


def test_in_the_policy_room_it_is_built_in_one_place():
    """And there only where everything has been asked."""
    built = [
        file.name for file in (SOURCE / "policy").glob("*.py") if permits_built_in(file.read_text(encoding="utf-8"))
    ]
    assert built == ["decide.py"]


def test_the_search_finds_what_it_looks_for():
    """The search itself works, in both spellings."""
    assert permits_built_in("x = Permit(1)\ny = decision.Permit(2)") == [1, 2]


def test_every_code_of_a_reason_is_documented():
    """A refusal nobody can look up is half a refusal."""
    page = (SOURCE.parents[1] / "docs" / "reference" / "decisions.md").read_text(encoding="utf-8")
    texts = [file.read_text(encoding="utf-8") for file in (SOURCE / "policy").glob("*.py")]
    calls = [node for text in texts for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    made = [
        node.args[0].value
        for node in calls
        if getattr(node.func, "id", "") == "Reason" and isinstance(node.args[0], ast.Constant)
    ]
    refusing = set(made) - {"role-rule", "domain-rule", "instrument-live", "retention-rule", "notice-published"}
    assert len(refusing) > 15
    refusing |= {f"flow-{code}" for code in refusing if code.startswith("instrument-")}
    assert {code for code in refusing if f"`{code}`" not in page} == set()
