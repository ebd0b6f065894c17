"""`caldicott link evaluate`: each figure worked out by hand."""

from __future__ import annotations

import xml.etree.ElementTree as ET  # our own file

import pytest
from tests.spec.linkage.linking import written

PAIRS = [("1", "2", "9"), ("2", "3", "8"), ("4", "5", "7")]
PERSONS = [
    ("1", "p", "north"),
    ("2", "p", "north"),
    ("3", "q", "south"),
    ("4", "r", "south"),
    ("5", "r", ""),
    ("6", "q", "south"),
]


@pytest.fixture
def files(tmp_path):
    """Three links; the truth is 1=2, 3=6, 4=5."""
    written(tmp_path / "pairs.csv", PAIRS, ("left_id", "right_id", "score"))
    written(tmp_path / "truth.csv", PERSONS, ("id", "person", "area"))
    return tmp_path


def test_precision_recall_and_f1(link, files):
    """Two of three links are right, and two of three true pairs are found."""
    pairs = link("evaluate", "pairs.csv", "truth.csv", "--json").record["pairs"]
    assert (pairs["links"], pairs["true_pairs"], pairs["right"], pairs["wrong"], pairs["missed"]) == (3, 3, 2, 1, 1)
    assert pairs["precision"] == pairs["recall"] == pairs["f1"] == pytest.approx(2 / 3)


def test_b_cubed(link, files):
    """Groups {1,2,3} {4,5} {6}: precision (2/3 + 2/3 + 1/3 + 1 + 1 + 1) / 6, recall (1 + 1 + 1/2 + 1 + 1 + 1/2) / 6."""
    cubed = link("evaluate", "pairs.csv", "truth.csv", "--json").record["b_cubed"]
    assert cubed["precision"] == pytest.approx((5 / 3 + 3) / 6)
    assert cubed["recall"] == pytest.approx(5 / 6)


def test_what_the_blocks_never_looked_at(link, files):
    """Of the true pairs, 3=6 was never compared."""
    written(files / "looked.csv", [*PAIRS, ("1", "3", "1")], ("left_id", "right_id", "score"))
    blocks = link("evaluate", "pairs.csv", "truth.csv", "--candidates", "looked.csv", "--json").record["blocks"]
    assert blocks == {"pairs_looked_at": 4, "true_pairs_looked_at": 2, "true_pairs_never_looked_at": 1}


def test_by_group(link, files):
    """The north has one true pair and two links; a record without an area is told apart, not left out."""
    by = link("evaluate", "pairs.csv", "truth.csv", "--by", "area", "--json").record["by"]["area"]
    assert {name: (one["links"], one["true_pairs"], one["right"]) for name, one in by.items()} == {
        "north": (2, 1, 1), "south": (2, 2, 1), "not known": (1, 1, 1),
    }  # fmt: skip


def test_a_truth_of_pairs_and_of_persons_agree(link, files):
    """The same truth written as pairs gives the same figures."""
    written(files / "t2.csv", [("2", "1"), ("6", "3"), ("4", "5")], ("left_id", "right_id"))
    persons = link("evaluate", "pairs.csv", "truth.csv", "--json").record
    as_pairs = link("evaluate", "pairs.csv", "t2.csv", "--json").record
    assert as_pairs["pairs"] == persons["pairs"]
    assert as_pairs["b_cubed"] == persons["b_cubed"]


def test_two_files_may_number_their_records_alike(link, files):
    """Record 1 of the left is not record 1 of the right; 1 and 2 is not 2 and 1."""
    truth = [("1", "p", "left"), ("2", "q", "left"), ("1", "q", "right"), ("2", "p", "right")]
    written(files / "t3.csv", truth, ("id", "person", "side"))
    written(files / "p3.csv", [("1", "2", "9"), ("1", "1", "3")], ("left_id", "right_id", "score"))
    pairs = link("evaluate", "p3.csv", "t3.csv", "--json").record["pairs"]
    assert (pairs["links"], pairs["true_pairs"], pairs["right"]) == (2, 2, 1)


def test_the_scores_are_drawn_and_told(link, files):
    """The chart is a sound picture that also says its numbers in words, and the table stands beside it."""
    answer = link("evaluate", "pairs.csv", "truth.csv")
    assert answer.code == 0
    root = ET.parse(files / "pairs.csv.svg").getroot()  # noqa: S314  our own file, made a line above
    told = root.find("{http://www.w3.org/2000/svg}desc").text
    assert "from 7: 1 true, 0 other" in told
    assert told.count("0 true, 1 other") == 1
    assert "0.6667" in answer.out


def test_records_the_truth_does_not_know_are_refused(link, files):
    """A link that cannot be judged is not quietly counted as wrong or left out."""
    written(files / "p4.csv", [("1", "99", "1")], ("left_id", "right_id", "score"))
    answer = link("evaluate", "p4.csv", "truth.csv")
    assert answer.code == 1
    assert "truth-incomplete" in answer.err


WHO = [
    ("1", "1961-02-03", "2", "A", "1", "Quibbleworth"),
    ("2", "1969-02-03", "2", "A", "1", "Ó Quibble"),
    ("3", "1970-02-03", "1", "B", "", "Тестенко"),
    ("4", "1981-02-03", "1", "B", "5", "Marrow-Fernsby"),
    ("5", "", "1", "B", "5", ""),
]


def test_by_every_kind_of_people_that_the_records_tell_apart(link, files):
    """Age, sex, ethnicity, deprivation and name, each with pairs, B-cubed and blocking misses; none is left out."""
    columns = ("id", "date_of_birth", "gender", "ethnic_category", "imd_decile", "surname")
    written(files / "who.csv", WHO, columns)
    written(files / "looked.csv", PAIRS, ("left_id", "right_id", "score"))
    words = ("evaluate", "pairs.csv", "truth.csv", "--records", "who.csv", "--candidates", "looked.csv")
    by = link(*words, "--json").record["by"]
    assert list(by) == ["sex", "ethnicity", "deprivation", "born", "name_form"]
    assert {name: one["records"] for name, one in by["born"].items()} == {
        "1960 to 1969": 2, "1970 to 1979": 1, "1980 to 1989": 1, "not known": 2,
    }  # fmt: skip
    assert set(by["name_form"]) == {
        "plain letters", "with accents", "another script", "of two parts, or with a mark", "not known",
    }  # fmt: skip
    women = by["sex"]["2"]
    assert (women["links"], women["true_pairs"], women["right"]) == (2, 1, 1)
    assert women["b_cubed"] == pytest.approx({"precision": 2 / 3, "recall": 1.0, "f1": 0.8})
    assert by["sex"]["1"]["true_pairs_never_looked_at"] == 1
    assert by["deprivation"]["not known"]["records"] == 2
    told = link(*words).out
    assert "By name form" in told
    assert "another script" in told


def test_records_of_two_files_speak_each_of_its_own(link, files):
    """The first --records is of the left file, the second of the right, where both number from 1."""
    truth = [("1", "p", "left"), ("2", "q", "left"), ("1", "q", "right"), ("2", "p", "right")]
    written(files / "t3.csv", truth, ("id", "person", "side"))
    written(files / "p3.csv", [("1", "2", "9")], ("left_id", "right_id", "score"))
    written(files / "l.csv", [("1", "2"), ("2", "2")], ("id", "sex"))
    written(files / "r.csv", [("1", "1"), ("2", "1")], ("id", "sex"))
    by = link("evaluate", "p3.csv", "t3.csv", "--records", "l.csv", "--records", "r.csv", "--json").record["by"]["sex"]
    assert {name: (one["records"], one["links"], one["true_pairs"]) for name, one in by.items()} == {
        "1": (2, 1, 2), "2": (2, 1, 2),
    }  # fmt: skip


def test_the_group_that_is_found_least_often_is_named(link, files):
    """Of groups of thirty records or more, the one whose recall is furthest below the whole's."""
    truth = [(f"{side}{place}", f"p{place}") for place in range(80) for side in "ab"]
    missed = [place for place in range(80) if place % 4 == 0]
    found = [(f"a{place}", f"b{place}", "9") for place in range(80) if place not in missed]
    written(files / "t5.csv", truth, ("id", "person"))
    written(files / "p5.csv", found, ("left_id", "right_id", "score"))
    who = [(one, "Z" if one == "a0" else "B" if int(one[1:]) % 2 else "A") for one, _person in truth]
    written(files / "w5.csv", who, ("id", "ethnicity"))
    below = link("evaluate", "p5.csv", "t5.csv", "--records", "w5.csv", "--json").record["furthest_below"]
    assert (below["by"], below["group"], below["recall_below"]) == ("ethnicity", "A", pytest.approx(0.25))


def test_a_group_that_nobody_tells_apart_is_wrong_usage(link, files):
    """--by a column that is in neither file says where to put it."""
    answer = link("evaluate", "pairs.csv", "truth.csv", "--by", "shoe_size")
    assert (answer.code, "shoe_size" in answer.err, "Next:" in answer.err) == (2, True, True)
