"""Tables about everybody, about fewer and about fewer still: no two of them give away who stands between them."""

from __future__ import annotations

import csv

import pytest

from caldicott.operations.protect import Request, protect

# Exact numbers make a difference plain: 41 less 38 are three people.
EVERYBODY = {"by-age": {"0-9": 41, "10-19": 60}, "by-sex": {"F": 51, "M": 50}}
FEWER = {"by-sex": {"F": 40, "M": 39}}
FEWEST = {"by-sex": {"F": 30, "M": 28}, "by-age": {"0-9": 38, "10-19": 20}}


@pytest.fixture
def tell(tmp_path):
    """Tables one after the other against one ledger; for each what was printed."""

    def told(*tables):
        printed = []
        for number, (dimensions, rows) in enumerate(tables):
            path = tmp_path / f"t{number}.csv"
            lines = [",".join((*dimensions, "count")), *(f"{','.join(values)},{count}" for values, count in rows)]
            path.write_text("\n".join(lines) + "\n")
            protect(Request((path,), "hes-before-2018", tmp_path / "out", None, tmp_path / "memory"))
            with (tmp_path / "out" / path.name).open(newline="") as stream:
                printed.append({tuple(row[:-1]): row[-1] for row in list(csv.reader(stream))[1:]})
        return printed

    return told


def of(name, counts):
    """A table of one dimension."""
    return (name,), [((value,), count) for value, count in counts.items()]


def test_two_tables_are_compared_though_a_third_in_less_detail_lies_between(tell):
    """Everybody and the fewest are both told by age, the fewer only by sex: the three children between stay hidden."""
    everybody = tell(
        of("sex", EVERYBODY["by-sex"]), of("age", EVERYBODY["by-age"]),
        of("sex", FEWER["by-sex"]),
        of("sex", FEWEST["by-sex"]), of("age", FEWEST["by-age"]),
    )  # fmt: skip
    assert everybody[1]["0-9",] == "41"
    assert everybody[4]["0-9",] == "*"


def test_a_part_is_compared_in_detail_though_the_other_part_has_none(tell):
    """All months and January by age, February in total: the three children of February stay hidden."""
    both = tell(
        (("age", "sex"), [(("0-9", "F"), 41), (("0-9", "M"), 33), (("10-19", "F"), 60), (("10-19", "M"), 50)]),
        of("sex", {"F": 21, "M": 27}),
        (("age", "sex"), [(("0-9", "F"), 38), (("0-9", "M"), 20), (("10-19", "F"), 42), (("10-19", "M"), 36)]),
    )  # fmt: skip
    assert both[0]["0-9", "F"] == "41"
    assert both[2]["0-9", "F"] == "*"


def test_a_part_is_compared_in_every_table_it_shares_with_the_whole(tell):
    """One table by three columns, the part in two tables of two: both pairs are compared."""
    cross = {("N", "F", "x"): 30, ("N", "M", "x"): 31, ("N", "F", "y"): 32, ("N", "M", "y"): 33,
             ("S", "F", "x"): 40, ("S", "M", "x"): 41, ("S", "F", "y"): 42, ("S", "M", "y"): 43}  # fmt: skip
    by_area_and_sex = {("N", "F"): 40, ("N", "M"): 40, ("S", "F"): 60, ("S", "M"): 61}
    by_sex_and_code = {("F", "x"): 67, ("M", "x"): 40, ("F", "y"): 33, ("M", "y"): 61}
    told = tell(
        (("area", "sex", "code"), list(cross.items())),
        (("area", "sex"), list(by_area_and_sex.items())),
        (("sex", "code"), list(by_sex_and_code.items())),
    )
    assert told[0]["N", "F", "x"] != "*"
    assert told[0]["S", "F", "x"] != "*"
    assert told[2]["F", "x"] == "*"


def test_two_left_out_groups_have_nobody_in_common(tell):
    """Of 40 children one table leaves out 20 and another 18 others: the two children in neither stay hidden."""
    told = tell(
        of("age", {"0-9": 40, "10-19": 100}),
        of("age", {"0-9": 20, "10-19": 70}),
        of("age", {"0-9": 22, "10-19": 60}),
    )
    assert told[0]["0-9",] == "40"
    assert told[1]["0-9",] == "20"
    assert told[2]["0-9",] == "*"


def test_everybody_but_a_row_of_another_table_is_known_for_that(tell):
    """52 of 64 people are told by age: the other 12 are practice P3, of whom 9 are men; three women stay hidden."""
    by_practice = {("P1", "F"): 4, ("P1", "M"): 21, ("P2", "F"): 4, ("P2", "M"): 23, ("P3", "F"): 3, ("P3", "M"): 9}
    told = tell(
        (("practice", "sex"), list(by_practice.items())),
        of("age", {"0-9": 32, "10-19": 32}),
        of("age", {"0-9": 26, "10-19": 26}),
    )
    assert told[0]["P3", "M"] == "9"
    assert told[1]["0-9",] == told[1]["10-19",] == "32"
    assert "*" in told[2].values()


def test_every_row_that_those_left_out_may_be_is_looked_at(tell):
    """P3 and P4 have twelve people each, so either may be left out: nothing is told that shows the women of one."""
    by_practice = {("P1", "F"): 4, ("P1", "M"): 21, ("P2", "F"): 4, ("P2", "M"): 23,
                   ("P3", "F"): 3, ("P3", "M"): 9, ("P4", "F"): 2, ("P4", "M"): 10}  # fmt: skip
    told = tell(
        (("practice", "sex"), list(by_practice.items())),
        of("age", {"0-9": 38, "10-19": 38}),
        of("age", {"0-9": 32, "10-19": 32}),
    )
    assert told[1]["0-9",] == "38"
    assert "*" in told[2].values()


def test_a_part_told_by_two_columns_is_fitted_into_the_whole_told_by_both(tell):
    """No boy is in the whole, so a part with 20 children and 23 women has three older women: they stay hidden."""
    told = tell(
        (("age", "sex"), [(("0-9", "F"), 40), (("0-9", "M"), 0), (("10-19", "F"), 30), (("10-19", "M"), 50)]),
        of("age", {"0-9": 20, "10-19": 43}),
        of("sex", {"F": 23, "M": 40}),
    )
    assert told[0]["0-9", "M"] == "0"
    assert told[1]["0-9",] == "20"
    assert "*" in told[2].values()


def test_those_left_out_are_hidden_as_a_group_though_the_counts_say_who_they_are(tell):
    """Everybody but P3, whose men and women are told as well: the five children of P3 stay hidden."""
    told = tell(
        (("practice", "sex"), [(("P1", "F"), 21), (("P1", "M"), 30), (("P3", "F"), 11), (("P3", "M"), 9)]),
        (("age", "sex"), [(("0-9", "F"), 14), (("0-9", "M"), 18), (("10-19", "F"), 18), (("10-19", "M"), 21)]),
        of("age", {"0-9": 27, "10-19": 24}),
    )
    assert told[1]["0-9", "F"] == "14"
    assert "*" in told[2].values()


def test_what_one_cell_has_beyond_another_is_a_group_like_any_other(tell):
    """45 under twenty less 40 under fifteen are five people: hidden, and not only the girls among them."""
    told = tell(
        (("age", "sex"), [(("0-19", "F"), 25), (("0-19", "M"), 20), (("20-99", "F"), 30), (("20-99", "M"), 31)]),
        of("age", {"0-19": 45, "20-99": 61}),
        of("age", {"0-14": 40, "15-99": 66}),
    )
    assert told[1]["0-19",] == "45"
    assert "*" in told[2].values()


def test_what_a_cell_has_beyond_one_of_another_table_is_a_group_too(tell):
    """40 children less 35 of site A are the five of site B: hidden, though no table has both columns."""
    told = tell(
        (("age", "sex"), [(("0-9", "F"), 22), (("0-9", "M"), 18), (("10-19", "F"), 30), (("10-19", "M"), 40)]),
        of("age", {"0-9": 40, "10-19": 70}),
        (("age", "site", "month"), [(("0-19", "A", "2026-01"), 37), (("0-19", "A", "2026-02"), 38),
                                    (("0-19", "B", "2026-01"), 17), (("0-19", "B", "2026-02"), 18)]),
        (("age", "site"), [(("0-9", "A"), 35), (("10-19", "A"), 40)]),
    )  # fmt: skip
    assert told[1]["0-9",] == "40"
    assert told[2]["0-19", "B", "2026-01"] == "17"
    assert "*" in told[3].values()


JANUARY = {("P1", "F"): 4, ("P1", "M"): 21, ("P2", "F"): 4, ("P2", "M"): 23, ("P3", "F"): 3, ("P3", "M"): 9}
FEBRUARY = {("P1", "F"): 3, ("P1", "M"): 20, ("P2", "F"): 3, ("P2", "M"): 20, ("P3", "F"): 2, ("P3", "M"): 8}


@pytest.mark.parametrize(
    ("column", "everybody", "all_but_p3"),
    [("month", {"2026-01": 64, "2026-02": 56}, {"2026-01": 52, "2026-02": 46}),
     ("age", {"0-9": 60, "10-19": 60}, {"0-9": 49, "10-19": 49})],
)  # fmt: skip
def test_a_table_that_leaves_out_a_row_of_tables_of_each_month_is_known_for_that(tell, column, everybody, all_but_p3):
    """Each month by practice has no column for the month; everybody but P3 is known for that all the same."""
    told = tell(
        of(column, everybody),
        (("practice", "sex"), list(JANUARY.items())),
        (("practice", "sex"), list(FEBRUARY.items())),
        of(column, all_but_p3),
    )
    assert told[1]["P3", "M"] == "9"
    assert told[2]["P3", "M"] == "8"
    assert "*" in told[3].values()


def test_a_table_of_one_month_is_told_by_those_that_left_out_a_practice_before(tell):
    """Everybody but P3 comes first and January by practice later: the three women of P3 stay hidden as well."""
    told = tell(
        of("month", {"2026-01": 64, "2026-02": 56}),
        of("month", {"2026-01": 52, "2026-02": 48}),
        (("practice", "sex"), list(JANUARY.items())),
    )
    assert told[1]["2026-01",] == "52"
    assert told[2]["P3", "F"] == "*"
    assert told[2]["P3", "M"] == "*"
