"""Sums of money beside counts: who spent it may be found as well as how many they are."""

from __future__ import annotations

import csv

from caldicott.operations.protect import Request, protect

COSTS = """practice,condition,count,cost,largest,second
P1,asthma,3,900,500,300
P1,copd,40,8000,400,300
P1,heart,30,9000,7000,1900
P2,asthma,52,6000,300,200
P2,copd,9,2000,300,200
P2,heart,30,5000,300,200
P1,All,73,17900,7000,1900
P2,All,91,13000,300,300
"""


def costs(tmp_path, text, *, ledger=None, name="t.csv"):
    (tmp_path / name).write_text(text)
    protect(Request((tmp_path / name,), "hes-2018", tmp_path / "out", None, ledger))
    with (tmp_path / "out" / name).open(newline="") as stream:
        return {(row["practice"], row["condition"]): row for row in csv.DictReader(stream)}


def test_the_sum_of_few_people_is_withheld(tmp_path):
    """Three people's cost is theirs, however large."""
    assert costs(tmp_path, COSTS)["P1", "asthma"]["cost"] == "*"


def test_a_sum_that_is_nearly_one_persons_is_withheld(tmp_path):
    """Thirty people, of whom one spent 7,000 and another 1,900 of 9,000: the second could work out the first."""
    found = costs(tmp_path, COSTS)["P1", "heart"]
    assert (found["count"], found["cost"]) == ("30", "*")


def test_a_withheld_sum_cannot_be_subtracted_closely(tmp_path):
    """With the total printed, what is left for the withheld sums spans fifteen per cent to either side of each."""
    table = costs(tmp_path, COSTS)
    row = [table["P1", name]["cost"] for name in ("asthma", "copd", "heart")]
    left = 17_900 - sum(int(cost) for cost in row if cost != "*")
    assert left >= 1.15 * 9_000
    assert table["P2", "All"]["cost"] == "13000"


def test_largest_contributors_never_leave(tmp_path):
    """The columns that decide are not handed out."""
    table = costs(tmp_path, COSTS)
    assert set(table["P1", "asthma"]) == {"practice", "condition", "count", "cost"}


def test_sums_are_remembered_too(tmp_path):
    """Asked later without the total but with the part that was cover: it stays withheld."""
    memory = tmp_path / "memory"
    first = costs(tmp_path, COSTS, ledger=memory)
    rows = [line for line in COSTS.splitlines() if "All" not in line]
    later = costs(tmp_path, "\n".join(rows) + "\n", ledger=memory, name="later.csv")
    assert first["P1", "copd"]["cost"] == "*"
    assert later["P1", "copd"]["cost"] == "*"
