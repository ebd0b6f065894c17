"""Reads the promise tests as text: which test is marked with which promise, without running any."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Marked:
    """One test and one promise it is marked with."""

    promise: str
    test: str
    is_partly: bool
    asserts: bool
    is_skipped: bool
    says: str
    """Its docstring: what must hold, for an IG officer."""


def marked(folder: Path = TESTS) -> tuple[Marked, ...]:
    """Every test of the folder that is marked `keeps` or `keeps_partly`, once for each promise it names."""
    return tuple(one for path in sorted(folder.rglob("test_*.py")) for one in _marked_in(path, folder))


def _marked_in(path: Path, folder: Path) -> Iterator[Marked]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            name, asserts = f"{path.relative_to(folder)}::{node.name}", _asserts(node)
            skipped = bool(_marks(node, "skip", "skipif", "xfail"))
            says = ast.get_docstring(node) or ""
            for mark, promises in _marks(node, "keeps", "keeps_partly"):
                yield from (Marked(p, name, mark == "keeps_partly", asserts, skipped, says) for p in promises)


def _marks(node: ast.FunctionDef, *names: str) -> list[tuple[str, list[str]]]:
    """`@pytest.mark.<name>(...)` of the function with its texts; a mark that is not called has none."""
    found = []
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if isinstance(called, ast.Attribute) and called.attr in names:
            arguments = decorator.args if isinstance(decorator, ast.Call) else []
            found.append((called.attr, [one.value for one in arguments if isinstance(one, ast.Constant)]))
    return found


def _asserts(node: ast.FunctionDef) -> bool:
    """Whether it asserts itself, expects a refusal, or calls something that says it asserts."""
    return any(
        isinstance(one, ast.Assert)
        or (isinstance(one, ast.Attribute) and one.attr == "raises")
        or (isinstance(one, ast.Name) and one.id.startswith("assert_"))
        for one in ast.walk(node)
    )
