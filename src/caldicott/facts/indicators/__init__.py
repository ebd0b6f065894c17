"""Indicators that ship (library/), the dimensions they are shown by, and tables of groups; each with its source."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def shipped() -> tuple[str, ...]:
    """The names of the files of the library, in order."""
    folder = resources.files("caldicott.facts.indicators").joinpath("library")
    return tuple(sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml")))


@cache
def text(*parts: str) -> str:
    """The text of one file."""
    return resources.files("caldicott.facts.indicators").joinpath(*parts).read_text("utf-8")
