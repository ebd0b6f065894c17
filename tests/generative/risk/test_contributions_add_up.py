"""What a practice is told a score is made of is what the score is made of: for any codes, on any days."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from caldicott.engines.duckdb.features import Marts, codes_of
from caldicott.engines.duckdb.risk import RiskScores
from caldicott.operations.reidentify_why import _Fact, contributions
from caldicott.operations.stratify_plan import plan

ON = date(2026, 3, 31)
NAMES = ("hfrs", "charlson-quan-2011", "charlson-rcs", "elixhauser-van-walraven")
CODES = sorted(
    {code for score in plan().scores if score.name in NAMES for group in score.groups for code in group.codes}
)
PEOPLE = [*"ABCDEFGHIJKLMNOPQRST"]
stays = st.lists(
    st.tuples(st.sampled_from(PEOPLE), st.sampled_from(CODES), st.integers(0, 1200), st.sampled_from(["", "0", ".1 "])),
    min_size=40,
    max_size=120,
)


def _mart(folder, found):
    rows = [
        {"person_token": token, "diagnosis_1": code + end, "admitted_on": ON - timedelta(days=ago),
         "discharged_on": ON - timedelta(days=ago), "admission_method": "21", "birth_year": 1940}
        for token, code, ago, end in found
    ]  # fmt: skip
    days = [(name, pa.date32()) for name in ("admitted_on", "discharged_on")]
    texts = [(name, pa.string()) for name in ("person_token", "diagnosis_1", "admission_method")]
    path = folder / "rows.parquet"
    pq.write_table(pa.Table.from_pylist(rows, pa.schema([*texts, *days, ("birth_year", pa.int64())])), path)
    return path


@settings(max_examples=4, deadline=None)
@given(stays)
def test_contributions_add_up_to_the_score(tmp_path_factory, found):
    """The sum of the parts shown equals the score, person by person and score by score, also at the window's edge."""
    folder = tmp_path_factory.mktemp("sums")
    path = _mart(folder, found)
    population = pa.table({"person_token": PEOPLE, "practice": ["Z1"] * len(PEOPLE)})
    rows = RiskScores(plan(), Marts({"sus-apc": [path]}, frozenset(), ON)).score(population, folder).rows.to_pylist()
    facts = {token: [] for token in PEOPLE}
    for token, code, day in codes_of([path], PEOPLE, ON):
        facts[token].append(_Fact("".join(letter for letter in code.upper() if letter.isalnum()), day))
    for row in rows:
        for score in plan().scores:
            # A person without any stay has no age here, and the frailty score wants one.
            if score.name in NAMES and row[score.name] is not None:
                parts = sum(one.adds for one in contributions(score, facts[row["person_token"]], ON))
                assert round(parts, 6) == round(row[score.name], 6)
    assert {row["person_token"] for row in rows} == set(PEOPLE)
