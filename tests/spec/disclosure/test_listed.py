"""Tables that list only some values, totals of what is listed, and totals that were told before."""

from __future__ import annotations

import csv
import itertools

import pytest

from caldicott.operations.protect import Request, protect

EVERYBODY = "sex,count\nFemale,279\nMale,215\n"
TWO_DIAGNOSES = "sex,diagnosis,count\nMale,I10,17\nMale,I21,43\nFemale,I10,69\nFemale,I21,33\n"
IN_DETAIL = """sex,diagnosis,ethnicity,count
Male,I10,White,1
Male,I10,Black,8
Male,I10,Asian,8
Male,I21,White,20
Male,I21,Black,23
Male,F20,White,113
Male,F20,Black,42
Female,I10,White,29
Female,I10,Black,40
Female,I21,White,20
Female,I21,Black,13
Female,F20,White,100
Female,F20,Black,77
"""
WARDS = "ward,count\nAsh,6\nBirch,18\nCedar,23\n{total},47\n"
AGES = "ward,age,count\n" + "".join(f"Ash,{age},1\n" for age in range(80, 86)) + (
    "Birch,80,8\nBirch,84,10\nCedar,80,10\nCedar,82,13\nFir,80,20\nFir,83,64\nHolly,82,31\nHolly,84,5\n"
)  # fmt: skip
SEVEN_ALONE = "s,w,count\n" + "".join(f"M,{ward},1\n" for ward in "abcdefg") + (
    "F,a,100\nF,d,100\nF,All,200\nM,All,7\nAll,All,207\n"
)  # fmt: skip


@pytest.fixture
def tell(tmp_path):
    """Files of one request, or one after the other against one ledger; for each row of each what was printed."""

    def told(*texts, at_once=True, rule="hes-2018"):
        paths = [tmp_path / f"t{number}.csv" for number in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_text(text)
        for asked in [tuple(paths)] if at_once else [(path,) for path in paths]:
            protect(Request(asked, rule, tmp_path / "out", None, tmp_path / "memory"))
        printed = []
        for path in paths:
            with (tmp_path / "out" / path.name).open(newline="") as stream:
                printed.append({tuple(row[:-1]): row[-1] for row in list(csv.reader(stream))[1:]})
        return printed

    return told


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_table_that_lists_two_of_three_diagnoses_is_about_the_same_people(tell, order):
    """17 men with I10 less at least 8 Black and 8 Asian leave one White man: in no order are all three told."""
    texts = [EVERYBODY, TWO_DIAGNOSES, IN_DETAIL]
    printed = dict(zip(order, tell(*(texts[number] for number in order)), strict=True))
    telling = [printed[1]["Male", "I10"], *(printed[2]["Male", "I10", group] for group in ("Black", "Asian"))]
    assert printed[2]["Male", "I10", "White"] == "*"
    assert "*" in telling


@pytest.mark.parametrize("total", ["All", "Total", "All wards"])
def test_a_total_is_of_the_wards_beside_it(tell, total):
    """At most 47 less at least 18 and 23 leave six: that each of the six ages of Ash has one must not follow."""
    wards, ages = tell(WARDS.format(total=total), AGES)
    assert all(ages["Ash", str(age)] == "*" for age in range(80, 86))
    assert "*" in {wards[total,], wards["Birch",], wards["Cedar",]}


def test_a_total_once_told_small_is_not_kept_quiet_afterwards(tell):
    """Its one withheld cell was small: so seven parts of one each would be certain, and are not told apart."""
    _first, second = tell("s,count\nM,7\n", SEVEN_ALONE, at_once=False)
    assert not any(ward in "abcdefg" for _sex, ward in second)


def test_a_year_of_which_three_months_are_listed_has_nobody_in_the_others(tell):
    """The year's men less those of March and none of February are those of January: of all but one to three known."""
    months = {"2026-01": (2, 190), "2026-02": (2, 0), "2026-03": (84, 8)}
    by_month = "month,sex,count\n" + "".join(
        f"{month},F,{women}\n{month},M,{men}\n{month},All,{women + men}\n" for month, (women, men) in months.items()
    )
    first, second = tell(by_month, "month,sex,count\n2026,F,88\n2026,M,198\n", at_once=False)
    assert (first["2026-01", "All"], first["2026-03", "All"], first["2026-03", "F"]) == ("190", "90", "85")
    assert second["2026", "M"] == "*"


def test_a_part_that_no_column_names_is_known_though_it_lists_only_some_values(tell):
    """Heart and lung, all but the oldest: 43 with heart less the 40 of 5 to 64 are the three children under five."""
    in_detail = {"0-4": (3, 21, 32), "5-64": (40, 31, 22), "65-99": (51, 43, 62)}
    by_age = "age,count\n" + "".join(f"{age},{sum(counts)}\n" for age, counts in in_detail.items())
    by_both = "age,diagnosis,count\n" + "".join(
        f"{age},{name},{count}\n"
        for age, counts in in_detail.items()
        for name, count in zip(("heart", "lung", "other"), counts, strict=True)
    )
    _ages, both, part = tell(
        by_age, by_both, "diagnosis,count\nheart,43\nlung,52\n", at_once=False, rule="hes-before-2018"
    )
    assert (both["0-4", "heart"], both["5-64", "heart"]) == ("*", "40")
    assert part["heart",] == "*"


def test_who_is_in_no_listed_practice_is_counted_all_the_same(tell):
    """One practice of two is listed for the old: its 12 of 41 do not pass for all 41, or they would contradict."""
    every, some_practices, some_ages = tell(
        "age,ward,count\nyoung,Ash,60\nyoung,Birch,61\nold,Ash,41\nold,Birch,52\n",
        "ward,practice,age,count\nAsh,P,old,12\nBirch,P,old,13\nAsh,P,young,20\nBirch,P,young,21\n",
        "age,practice,ward,count\nyoung,P,Ash,20\nyoung,Q,Ash,40\nyoung,P,Birch,21\nyoung,Q,Birch,40\n",
    )
    assert every["old", "Ash"] == "40"
    assert some_practices["Ash", "P", "old"] == "10"
    assert some_ages["young", "Q", "Ash"] == "40"


def test_a_value_that_is_by_chance_the_sum_of_the_others_is_none(tell):
    """9 and 8 are 17: a total, were there not fewer of it than of another in the first table."""
    plain = "ethnicity,sex,count\nAsian,F,30\nBlack,F,40\nMixed,F,20\n"
    _first, by_chance = tell(plain, "ethnicity,count\nAsian,9\nBlack,8\nMixed,17\n")
    assert by_chance["Mixed",] == "15"


def test_a_part_is_known_by_its_total_where_nobody_is_at_what_it_does_not_list(tell):
    """One practice of 100, 98 and 2 of them with heart and lung: 98 of 100 would leave one or two with lung."""
    practices, _everybody, part = tell(
        "practice,count\nP1,100\nP2,150\nP3,170\n",
        "diagnosis,count\nheart,215\nlung,85\nother,120\n",
        "diagnosis,count\nheart,98\nlung,2\n", at_once=False,
    )  # fmt: skip
    assert practices["P1",] == "100"
    assert (part["heart",], part["lung",]) == ("*", "*")
