"""Linkage as published: score tables, profiles, missing-value codes, short names, and the specs that ship."""

from __future__ import annotations

import csv
import io
import tomllib
from functools import cache
from importlib import resources
from typing import Any


@cache
def specs() -> tuple[str, ...]:
    """The names of the specs that ship, in order."""
    return _names("specs")


@cache
def profiles() -> tuple[str, ...]:
    """The names of the tracing profiles, in order."""
    return _names("profiles")


def spec_text(name: str) -> str:
    """The TOML of a spec that ships."""
    return text("specs", f"{name}.toml")


@cache
def profile(name: str) -> dict[str, Any]:
    """A tracing profile: steps, score tables, limits."""
    return tomllib.loads(text("profiles", f"{name}.toml"))


@cache
def priors() -> dict[str, Any]:
    """Where the model starts before it has learned from the files."""
    return tomllib.loads(text("priors.toml"))


@cache
def reported() -> dict[str, dict[str, Any]]:
    """By whom the quality of a linkage is told, and from which columns."""
    return tomllib.loads(text("reported.toml"))


@cache
def short_names() -> tuple[tuple[str, str], ...]:
    """Pairs of a short given name and the full name it may stand for."""
    return tuple((row["short"], row["full"]) for row in _rows("short_names.csv"))


@cache
def letters() -> dict[str, str]:
    """How a letter that is no plain Latin one is written in Latin letters."""
    return {row["letter"]: row["latin"] for row in _rows("letters.csv")}


@cache
def missing_values() -> tuple[tuple[str, str], ...]:
    """Pairs of a kind of field and a value that says nothing, though something is written."""
    return tuple((row["kind"], row["value"]) for row in _rows("missing_values.csv"))


def text(*parts: str) -> str:
    """A file of this folder."""
    return resources.files("caldicott.facts.linkage").joinpath(*parts).read_text("utf-8")


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text(name))))


def _names(folder: str) -> tuple[str, ...]:
    entries = resources.files("caldicott.facts.linkage").joinpath(folder).iterdir()
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in entries if entry.name.endswith(".toml")))
