"""People of practices elsewhere are in the hospital's counts and not in those of the registered."""

from __future__ import annotations

import csv

import pytest

from caldicott.operations.protect import Request, protect

LEVELS = "dimension,value,parent\npractice,A,N1\npractice,B,N1\npractice,C,N2\n" + "".join(
    f"practice,{name},Elsewhere\n" for name in "XYZ"
)


@pytest.fixture
def tell(tmp_path):
    """Tables one after the other against one ledger; for each what was printed."""
    (tmp_path / "levels.csv").write_text(LEVELS)

    def told(rule, *tables):
        printed = []
        for number, (name, rows) in enumerate(tables):
            path = tmp_path / f"t{number}.csv"
            path.write_text(f"{name},count\n" + "".join(f"{value},{count}\n" for value, count in rows.items()))
            protect(Request((path,), rule, tmp_path / "out", tmp_path / "levels.csv", tmp_path / "memory"))
            with (tmp_path / "out" / path.name).open(newline="") as stream:
                printed.append({row[name]: row["count"] for row in csv.DictReader(stream)})
        return printed

    return told


def test_people_of_practices_elsewhere_are_no_part_of_the_registered(tell):
    """Seven people of three practices elsewhere do not have to find room among those registered here."""
    admitted = tell(
        "hes-2018",
        ("practice", {"N1": 442, "N2": 915}), ("everybody", {"All": 1_357}),
        ("practice", {"N1": 120, "N2": 210, "Elsewhere": 7}),
        ("practice", {"A": 60, "B": 60, "C": 210, "X": 2, "Y": 1, "Z": 4}),
        ("sex", {"F": 170, "M": 167}),
    )  # fmt: skip
    assert admitted[3] == {"A": "60", "B": "60", "C": "210", "X": "*", "Y": "*", "Z": "*"}
    assert admitted[4] == {"F": "170", "M": "165"}


def test_those_of_practices_here_are_compared_all_the_same(tell):
    """41 registered less 38 admitted are three people, whoever else was admitted from elsewhere."""
    admitted = tell(
        "hes-before-2018",
        ("practice", {"A": 41, "C": 60}), ("sex", {"F": 51, "M": 50}),
        ("practice", {"A": 38, "C": 20, "X": 9}),
    )  # fmt: skip
    assert admitted[0]["A"] == "41"
    assert admitted[2]["A"] == "*"
