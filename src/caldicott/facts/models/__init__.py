"""Facts of the risk model: the features it may have, how it is made and watched, areas and their deprivation."""

from __future__ import annotations

import csv
import io
import tomllib
from functools import cache
from importlib import resources
from typing import Any


@cache
def settings() -> dict[str, Any]:
    """How the model is made, judged and watched."""
    return tomllib.loads(text("settings.toml"))


@cache
def features() -> tuple[dict[str, Any], ...]:
    """Every feature a model may have, as written."""
    return tuple(tomllib.loads(text("features.toml"))["features"])


@cache
def rows(name: str) -> tuple[dict[str, str], ...]:
    """The rows of a CSV of this folder."""
    return tuple(csv.DictReader(io.StringIO(text(name))))


def text(name: str) -> str:
    """A file of this folder."""
    return resources.files("caldicott.facts.models").joinpath(name).read_text("utf-8")
