"""What each score is, in small tables: codes and stays in, one number out. Expected values are worked out by hand."""

from __future__ import annotations

import math
from datetime import date

import pytest
from tests.unit.stratification.scoring import Bench

from caldicott.stratification.catalogue import shipped

ON = date(2026, 1, 1)
STAY = (
    "person_id admission_date discharge_date admission_method emergency_attendances_6_months "
    "haemoglobin_g_l sodium_mmol_l is_oncology has_procedure"
)


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


@pytest.mark.parametrize(
    ("codes", "name", "expected"),
    [
        (["I21"], "charlson-1987", "1"),
        (["i21.4"], "charlson-1987", "1"),
        (["I21", "I22", "I21"], "charlson-1987", "1"),
        (["B20"], "charlson-1987", "6"),
        (["B20"], "charlson-quan-2011", "4"),
        (["E119", "E112"], "charlson-1987", "2"),
        (["E112"], "charlson-1987", "2"),
        (["C50", "C78"], "charlson-1987", "6"),
        (["K700", "K704"], "charlson-quan-2011", "4"),
        (["Q90"], "charlson-1987", "0"),
        (["I10X"], "elixhauser-swiss", "-4"),
        (["I10", "I11"], "elixhauser-swiss", "-3"),
        (["I426"], "elixhauser-van-walraven", "7"),
        (["E66"], "elixhauser-van-walraven", "-4"),
        (["E10", "I50", "N18"], "charlson-rcs", "3"),
    ],
)
def test_codes_alone(bench, codes, name, expected):
    """Any way of writing a code counts once, the severe form replaces the mild one, and a negative total stays."""
    answer = bench.codes(*(("p", code) for code in codes), columns="person_id code").ask(name)
    assert answer["p"][name] == expected


def test_only_the_shmi_is_held_at_nothing(bench):
    """Diabetes with complications weighs -1 in the SHMI's index, and a negative total is 0 there and only there."""
    answer = bench.codes(("p", "E112"), ("q", "E66"), columns="person_id code").ask("charlson-shmi", "elixhauser-swiss")
    assert answer["p"]["charlson-shmi"] == "0"
    assert answer["q"]["elixhauser-swiss"] == "-6"


def test_a_code_in_two_groups_counts_in_both(bench):
    """Alcoholic cardiomyopathy is heart failure (7) and alcohol abuse (0 here, -3 in the Swiss weights: 13 - 3)."""
    answer = bench.codes(("p", "I42.6"), columns="person_id code").ask("elixhauser-swiss", "elixhauser-van-walraven")
    assert answer["p"]["elixhauser-swiss"] == "10"
    assert answer["p"]["elixhauser-van-walraven"] == "7"


def test_frailty_counts_each_group_once_and_keeps_its_decimals(bench):
    """Dementia (7.1) twice and hemiplegia (4.4) make 11.5, which is intermediate."""
    answer = bench.codes(("p", "F00.0"), ("p", "F001"), ("p", "G81"), columns="person_id code").ask("hfrs", bands=True)
    assert (answer["p"]["hfrs"], answer["p"]["hfrs-band"]) == ("11.5", "intermediate")


def test_frailty_looks_back_two_years_from_the_day(bench):
    """A code from exactly two years before the day is out; the day after it is in, and so is the day itself."""
    bench.codes(
        ("old", "F00", "2024-01-01"),
        ("new", "F00", "2024-01-02"),
        ("same", "F00", "2026-01-01"),
        ("later", "F00", "2026-01-02"),
    )
    answer = bench.ask("hfrs", on=ON)
    found = {person: row["hfrs"] for person, row in answer.items()}
    assert found == {"old": "0.0", "new": "7.1", "same": "7.1", "later": "0.0"}
    assert bench.outcome.account.rows_by["after-the-day"] == 1


def test_frailty_is_for_people_of_75(bench):
    """Where ages are known, the score is given from 75 on; where one is not known, nobody guesses."""
    bench.codes(("a", "F00"), ("b", "F00"), ("c", "F00"), columns="person_id code")
    bench.file("persons", "person_id birth_date", ("a", "1951-01-01"), ("b", "1951-01-02"), ("c", ""))
    assert {person: row["hfrs"] for person, row in bench.ask("hfrs", on=ON).items()} == {"a": "7.1", "b": "", "c": ""}
    assert bench.ask("hfrs", on=ON, any_age=True)["b"]["hfrs"] == "7.1"


@pytest.mark.parametrize(
    ("value", "band"),
    [("K52", "low"), ("F00", "intermediate"), ("F00 G81 E87", "intermediate"), ("F00 G81 G30", "high")],
)
def test_frailty_bands(bench, value, band):
    """Below 5 is low, 5 to 15 intermediate, above 15 high."""
    answer = bench.codes(*(("p", code) for code in value.split()), columns="person_id code").ask("hfrs", bands=True)
    assert answer["p"]["hfrs-band"] == band


def test_bands_at_their_edges():
    """5 and 15 themselves are intermediate."""
    low, middle, high = (band.range for band in shipped()["hfrs"].bands)
    assert (low.below, middle.at_least, middle.at_most, high.above) == (5, 5, 15, 15)


def test_lace(bench):
    """Eight nights (5), an emergency (3), heart failure and diabetes (3, 3 points), two attendances (2): 13, high."""
    bench.codes(("p", "I50"), ("p", "E119"), columns="person_id code")
    bench.file("spells", STAY, ("p", "2025-06-01", "2025-06-09", "21", 2, "", "", "", ""))
    row = bench.ask("lace", bands=True)["p"]
    assert (row["lace"], row["lace-band"]) == ("13", "high")


def test_lace_at_most_19(bench):
    """A month in hospital, an emergency, metastases and many attendances: 7 + 3 + 5 + 4."""
    bench.codes(("p", "C78"), columns="person_id code")
    bench.file("spells", STAY, ("p", "2025-06-01", "2025-07-09", "2A", 9, "", "", "", ""))
    assert bench.ask("lace")["p"]["lace"] == "19"


def test_lace_least(bench):
    """A day case with nothing else: 0."""
    bench.file("spells", STAY, ("p", "2025-06-01", "2025-06-01", "11", 0, "", "", "", ""))
    assert bench.codes(("p", "Z00"), columns="person_id code").ask("lace")["p"]["lace"] == "0"


def test_no_stay_no_value(bench):
    """Someone without a spell has no LACE, not a LACE of 0."""
    bench.codes(("p", "I50"), ("q", "I50"), columns="person_id code")
    bench.file("spells", STAY, ("p", "2025-06-01", "2025-06-02", "11", 0, "", "", "", ""))
    assert {person: row["lace"] for person, row in bench.ask("lace").items()} == {"p": "3", "q": ""}


def test_hospital_score_and_its_older_cut_points(bench):
    """All items (8) and one earlier admission: 2 more by the cut-points of 2013, nothing by those of 2016."""
    bench.codes(("p", "Z00"), columns="person_id code")
    bench.file(
        "spells", STAY, ("p", "2025-01-01", "2025-01-03", "11", 0, 140, 140, "no", "no"),
        ("p", "2025-06-01", "2025-06-08", "21", 0, 119, 134, "yes", "yes"),
    )  # fmt: skip
    row = bench.ask("hospital", "hospital-2013")["p"]
    assert (row["hospital"], row["hospital-2013"]) == ("8", "10")


def test_hospital_at_most_13(bench):
    """All items and six earlier admissions."""
    bench.codes(("p", "Z00"), columns="person_id code")
    before = [("p", f"2025-01-{day:02d}", f"2025-01-{day:02d}", "11", 0, 140, 140, 0, 0) for day in range(1, 7)]
    bench.file("spells", STAY, *before, ("p", "2025-06-01", "2025-06-08", "21", 0, 90, 120, "1", "1"))
    assert bench.ask("hospital", bands=True)["p"]["hospital"] == "13"


def test_parr_30(bench):
    """Aged 80, IMD 45, emergency now, one emergency 20 days before and one last year, heart failure and dementia."""
    bench.codes(("p", "I50"), ("p", "F00"), columns="person_id code")
    bench.file("persons", "person_id age imd_score_2007", ("p", 80, 45))
    bench.file(
        "spells",
        STAY,
        ("p", "2025-06-30", "2025-07-02", "21", 0, "", "", "", ""),
        ("p", "2025-06-10", "2025-06-12", "28", 0, "", "", "", ""),
        ("p", "2024-12-01", "2024-12-02", "21", 0, "", "", "", ""),
        ("p", "2025-05-01", "2025-05-02", "31", 0, "", "", "", ""),
        ("p", "2024-06-01", "2024-06-02", "21", 0, "", "", "", ""),
    )
    logit = -2.91821 + 0.000060581 * 80**2 + 0.1017 + 2 * 0.1215 + 0.5258 + 0.5565 + 0.0950 + 0.0467
    assert float(bench.ask("parr-30", on=ON)["p"]["parr-30"]) == pytest.approx(1 / (1 + math.exp(-logit)), abs=5e-7)


def test_parr_30_knows_thirty_days_from_thirty_one(bench):
    """An emergency 30 days before the last stay began is within 30 days; one 31 days before is not."""
    bench.codes(("near", "Z00"), ("far", "Z00"), columns="person_id code")
    bench.file("persons", "person_id age imd_score_2007", ("near", 50, 5), ("far", 50, 5))
    bench.file(
        "spells",
        "person_id admission_date discharge_date is_emergency",
        *((person, "2025-06-30", "2025-07-02", "no") for person in ("near", "far")),
        ("near", "2025-05-31", "2025-06-01", "yes"),
        ("far", "2025-05-30", "2025-06-01", "yes"),
    )
    logit = -2.91821 + 0.000060581 * 50**2 + 0.1215
    wanted = {"near": logit + 0.5258, "far": logit}
    assert {person: float(row["parr-30"]) for person, row in bench.ask("parr-30").items()} == {
        person: pytest.approx(1 / (1 + math.exp(-value)), abs=5e-7) for person, value in wanted.items()
    }


def test_a_stay_that_has_not_ended_is_left_out_and_counted(bench):
    """Without an end there is no length of stay; repeats, impossible and later stays are counted apart."""
    bench.codes(("p", "Z00"), columns="person_id code")
    stay = ("p", "2025-06-01", "2025-06-03", "11", 0, "", "", "", "")
    bench.file(
        "spells",
        STAY,
        stay,
        stay,
        ("p", "2025-08-01", "", "11", 0, "", "", "", ""),
        ("p", "2025-09-05", "2025-09-01", "11", 0, "", "", "", ""),
        ("p", "2026-02-01", "2026-02-03", "11", 0, "", "", "", ""),
    )
    assert bench.ask("lace", on=ON)["p"]["lace"] == "2"
    assert {name: number for name, number in bench.outcome.account.left_out.items() if number} == {
        "SPELLS not-ended": 1,
        "SPELLS ends-before-it-begins": 1,
        "SPELLS ends-after-the-day": 1,
        "SPELLS repeated": 1,
    }


def test_frailty_index_of_your_own_code_sets(bench):
    """Nine of 36 deficits are 0.25, moderate; polypharmacy may come from the medicines and counts once."""
    deficits = [group.id for group in shipped()["efi"].groups]
    assert len(deficits) == 36
    sets = bench.file("set", "group code", *((name, 1000 + place) for place, name in enumerate(deficits))).given.pop(
        "set"
    )
    bench.codes(*(("p", 1000 + place) for place in range(8)), ("q", "1000"), ("r", "10000"), columns="person_id code")
    bench.file("medicines", "person_id medicine", *(("p", f"medicine {place}") for place in range(5)))
    answer = bench.ask("efi", bands=True, code_sets=(("efi", sets),))
    assert (answer["p"]["efi"], answer["p"]["efi-band"]) == ("0.250000", "moderate")
    assert (answer["q"]["efi"], answer["r"]["efi"]) == ("0.027778", "0.000000")


def test_cambridge_score_of_your_own_code_sets(bench):
    """Dementia (2.50) and hypertension (0.08); a condition's own window is the code set's."""
    sets = bench.file(
        "set", "group code within_months", ("dementia", "111", ""), ("hypertension", "222", ""), ("cancer", "333", 60)
    ).given.pop("set")
    bench.codes(
        ("p", "111", "2010-01-01"), ("p", "222", "2010-01-01"), ("p", "333", "2020-12-31"), ("q", "333", "2021-01-02")
    )
    answer = bench.ask("cambridge-general-20", on=ON, code_sets=(("cambridge-general-20", sets),))
    assert {person: row["cambridge-general-20"] for person, row in answer.items()} == {"p": "2.58", "q": "1.53"}


def test_medicines_are_counted_once_each(bench):
    """Ten different medicines in the last twelve months, however often and however written."""
    bench.codes(("p", "Z00", "2025-01-01"), ("q", "Z00", "2025-01-01"))
    rows = [("p", f"medicine {place}", "2025-06-01") for place in range(10)]
    bench.file(
        "medicines", "person_id medicine date", *rows, ("p", " MEDICINE 1", "2025-07-01"), ("p", "old", "2025-01-01")
    )
    answer = bench.ask("polypharmacy", on=ON, bands=True)
    assert (answer["p"]["polypharmacy"], answer["p"]["polypharmacy-band"]) == ("10", "10 or more")
    assert answer["q"]["polypharmacy"] == "0"


def test_core20(bench):
    """The two most deprived tenths have the flag; an unknown tenth has no answer."""
    bench.codes(columns="person_id code")
    bench.file("persons", "person_id imd_decile", ("a", 1), ("b", 2), ("c", 3), ("d", ""), ("e", "nan"))
    assert {person: row["core20"] for person, row in bench.ask("core20").items()} == {
        "a": "1", "b": "1", "c": "0", "d": "", "e": "",
    }  # fmt: skip


def test_everyone_is_in_one_segment(bench):
    """The first rule that fits, and `healthy` for whoever fits none."""
    bench.codes(
        ("a", "C78", "2020-01-01"), ("a", "F00", "2020-01-01"), ("b", "F03", "2020-01-01"), ("c", "I50", "2020-01-01"),
        ("d", "G35", "2020-01-01"), ("e", "O80", "2025-12-01"), ("f", "E11", "2020-01-01"), ("g", "S72", "2025-12-01"),
        ("h", "S72", "2020-01-01"), ("i", "O80", "2020-01-01"),
    )  # fmt: skip
    answer = bench.ask("segment-b2h-like", on=ON)
    assert [answer[person]["segment-b2h-like"] for person in "abcdefghi"] == [
        "incurable cancer", "frailty or dementia", "organ failure", "disability", "maternity", "long-term conditions",
        "acute need", "healthy", "healthy",
    ]  # fmt: skip


def test_tiers_do_not_cut_equals_apart(bench):
    """Of 200 persons the top one is in tier 1; persons with the same value are always in the same tier."""
    bench.codes(
        *((f"p{place:03d}", "Z00") for place in range(200)),
        ("p000", "C78"),
        *((f"p{place:03d}", "I21") for place in range(1, 30)),
        columns="person_id code",
    )
    answer = bench.ask("charlson-1987", tiers_of=("charlson-1987",))
    tiers = {}
    for row in answer.values():
        tiers.setdefault(row["charlson-1987-percentile-tier"], set()).add(row["charlson-1987"])
    assert tiers == {"tier 1": {"6"}, "tier 2": {"1"}, "tier 3": {"0"}}


def test_tiers_within_each_practice(bench):
    """With a column `practice`, each practice has tiers of its own."""
    bench.codes(("a", "C78"), ("c", "I21"), columns="person_id code")
    bench.file("persons", "person_id practice", ("a", "X"), ("b", "X"), ("c", "Y"), ("d", "Y"))
    answer = bench.ask("charlson-1987", tiers_of=("charlson-1987",))
    assert [answer[person]["charlson-1987-percent-above"] for person in "abcd"] == ["0.0000", "50.0000"] * 2


def test_a_licensed_value_carries_its_disclaimer(bench):
    """A value brought from outside goes through unchanged, its disclaimer beside it in the file and in the account."""
    bench.codes(("p", "I21"), ("q", "I21"), columns="person_id code")
    bench.file("external", "person_id score value version", ("p", "QAdmissions", "12.5", "2"))
    answer = bench.ask("qadmissions", "charlson-1987")
    assert answer["p"]["qadmissions"] == "12.5"
    assert "computed outside this program" in answer["p"]["qadmissions-disclaimer"]
    assert answer["q"]["qadmissions"] == answer["q"]["qadmissions-disclaimer"] == ""
    assert [entry["name"] for entry in bench.outcome.as_record()["scores"] if entry.get("disclaimer")] == [
        "qadmissions"
    ]


def test_a_person_without_codes_has_scores(bench):
    """Whoever is in the list of persons is in the answer, with 0."""
    bench.codes(("p", "I21"), columns="person_id code").file("persons", "person_id age", ("q", 80))
    assert bench.ask("charlson-1987")["q"]["charlson-1987"] == "0"
