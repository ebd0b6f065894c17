"""Scores as they ship: one TOML a score in shipped/, code and weight tables in tables/, each with its source."""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources


@cache
def shipped() -> tuple[str, ...]:
    """The names of the scores that ship, in order."""
    folder = resources.files("caldicott.facts.scores").joinpath("shipped")
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")))


def score_text(name: str) -> str:
    """The TOML of a shipped score."""
    return _text("shipped", f"{name}.toml")


def table_text(name: str) -> str:
    """A table that a shipped score names."""
    return _text("tables", name)


def tiers_text() -> str:
    """The tiers, percentile and absolute."""
    return _text("tiers.toml")


def not_here_text() -> str:
    """The scores that people ask for and that cannot be computed here, with the reason."""
    return _text("not_here.toml")


def condition_words() -> dict[str, str]:
    """The groups of the comorbidity scores in plain words, our own; those of the frailty score by its own table."""
    frailty = {row["group"]: row["label"] for row in _rows(table_text("hfrs.csv"))}
    return frailty | {row["group"]: row["words"] for row in _rows(_text("condition_words.csv"))}


def _rows(table: str) -> csv.DictReader[str]:
    return csv.DictReader(table.splitlines())


def _text(*parts: str) -> str:
    return resources.files("caldicott.facts.scores").joinpath(*parts).read_text("utf-8")
