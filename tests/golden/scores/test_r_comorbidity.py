"""Our scores beside those of R comorbidity 1.1.0.9000 (score(), assign0 = TRUE, tidy.codes = TRUE), kept as files.

Codes and persons are invented. The whole comparison, 30,000 persons and all
26,000 codes of a letter and three digits, was run once with R and had no difference;
what is kept here is every code that R gives a value, and 2,000 of the persons.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from tests.unit.stratification.scoring import Bench

HERE = Path(__file__).parent
NAMES = ("charlson-1987", "charlson-quan-2011", "elixhauser-van-walraven", "elixhauser-swiss")


def kept(name):
    with (HERE / name).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def values(row):
    return tuple(int(row[name]) for name in NAMES)


def test_every_code_alone(tmp_path):
    """Each code of a letter and three digits alone scores what R says, and 0 where R says 0."""
    every = [f"{letter}{digits:03d}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" for digits in range(1000)]
    answer = Bench(tmp_path).codes(*((code, code) for code in every), columns="person_id code").ask(*NAMES)
    by_r = {row["code"]: values(row) for row in kept("r_comorbidity_codes.csv")}
    nothing = (0,) * len(NAMES)
    assert {code: values(answer[code]) for code in every} == {code: by_r.get(code, nothing) for code in every}


@pytest.mark.parametrize("name", NAMES)
def test_every_person(tmp_path, name):
    """Each of 2,000 invented persons, their codes written in all the usual ways, scores what R says."""
    persons = kept("r_comorbidity_persons.csv")
    rows = [(row["person_id"], code) for row in persons for code in row["codes"].split("|")]
    answer = Bench(tmp_path).codes(*rows, columns="person_id code").ask(name)
    assert {person: int(row[name]) for person, row in answer.items()} == {
        row["person_id"]: int(row[name]) for row in persons
    }
