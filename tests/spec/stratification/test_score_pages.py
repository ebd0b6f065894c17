"""The pages about scores say what the program does."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from tests.unit.stratification.scoring import Bench

from caldicott.stratification.catalogue import not_here, shipped
from caldicott.stratification.features import FEATURES
from caldicott.stratification.reading import KEYS

DOCS = Path(__file__).resolve().parents[3] / "docs"
REFERENCE = (DOCS / "reference" / "scores.md").read_text("utf-8")
HOW_TO = (DOCS / "how-to" / "score-a-file.md").read_text("utf-8")


def test_the_example_is_true(tmp_path):
    """The table of the how-to is what the command of the how-to writes."""
    asked, answered = re.findall(r"```csv\n(.*?)```", HOW_TO, flags=re.DOTALL)
    bench = Bench(tmp_path)
    bench.given["codes"] = tmp_path / "codes.csv"
    bench.given["codes"].write_text(asked, encoding="utf-8")
    bench.ask("charlson-1987", "hfrs", on=date(2026, 1, 1), bands=True)
    assert (tmp_path / "out.csv").read_text("utf-8") == answered


@pytest.mark.parametrize("score", shipped().values(), ids=shipped())
def test_every_score_is_on_the_page(score):
    """Name, version, citation and standing of every score that ships."""
    (line,) = [line for line in REFERENCE.splitlines() if line.startswith(f"| `{score.name}` |")]
    assert all(words in line for words in (score.title, score.version, score.citation, score.standing.value))


def test_every_word_a_user_can_write_is_on_the_page():
    """Names that are refused, columns of the files, keys of a table."""
    columns = {name for feature in FEATURES.values() for options in feature.columns for name in options}
    assert [word for word in sorted({*not_here(), *columns, *KEYS}) if f"`{word}`" not in REFERENCE] == []
