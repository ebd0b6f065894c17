"""The reference page of the outputs is complete: each file, each column and each code of refusal is on it."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from caldicott.publication import opt_out_table, processors, ropa
from caldicott.publication.records import artefacts

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "reference" / "outputs.md").read_text(encoding="utf-8")


def test_the_page_names_each_file(example_icb):
    """Whoever finds a file can look up what it is."""
    assert [one.path for one in artefacts(example_icb, at=date(2026, 5, 4)) if f"`{one.path}`" not in PAGE] == []


def test_the_page_explains_each_column(example_icb):
    """Every column of every table stands on the page as the workbook explains it."""
    explained = [row[1:] for row in ropa.explanation(example_icb).rows if row[0] != "All"]
    lines = [f"| `{name}` | {article} | {meaning} |" for name, article, meaning in explained]
    lines += [f"| `{name}` | {article} | {meaning} |" for name, article, meaning in opt_out_table.COLUMNS]
    assert len(lines) > len(processors.COLUMNS)
    assert [line for line in lines if line not in PAGE] == []


def test_the_page_names_each_refusal():
    """Every code by which a published file is refused is on the page."""
    reading = (ROOT / "src/caldicott/publication/dpv_reading.py").read_text(encoding="utf-8")
    codes = set(re.findall(r'code="([a-z-]+)"', reading))
    assert codes
    assert {code for code in codes if f"`{code}`" not in PAGE} == set()
