"""Where a row ends, by what stands in its NHS number column. The table of edge cases, one row each.

Everything is landed in one submission; each test reads what became of one row.
Only the never-issued 9xx range and impossible numbers are used, but for a few
numbers of the live ranges that nobody can hold: `4000000004` and palindromes.
"""

from __future__ import annotations

import json

import pytest

import people
from caldicott.stores import clear
from caldicott.stores.landing_zone import clear_aad, quarantine_aad
from caldicott.vocabulary.nhs_number import check_digit
from stage import RISK, Stage, episode, with_settings

FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


def _numbered(stem: int) -> str:
    """The first number from that stem on that passes its check digit."""
    while (digit := check_digit(str(stem))) is None:
        stem += 1
    return f"{stem}{digit}"


NORTHERN_IRISH = _numbered(320000000)
PERSON = people.invented(2)[1]
TEN = PERSON.number
SPACED = f"{TEN[:3]} {TEN[3:6]} {TEN[6:]}"

# what stands in the file, and the place it ends in: a number to link on, or the reason it is held back for.
NUMBERS = {
    "ten digits": (TEN, TEN),
    "spaces between": (SPACED, TEN),
    "hyphens between": (SPACED.replace(" ", "-"), TEN),
    "blanks around": (f"  {TEN} ", TEN),
    "full-width digits": (TEN.translate(FULL_WIDTH), TEN),
    "no-break spaces": (SPACED.replace(" ", "\u00a0"), TEN),
    "a tab at the end": (f"{TEN}\t", TEN),
    "a byte-order mark before": (f"\ufeff{TEN}", TEN),
    "a zero-width space within": (f"{TEN[:5]}\u200b{TEN[5:]}", TEN),
    "looks invalid, yet is a palindrome of the live range": ("4000000004", "4000000004"),
    "a palindrome of the live range": ("4000440004", "4000440004"),
    "a palindrome of the test range": ("9345665439", "9345665439"),
    "digits reversed: only a birth date could tell": (people.number(2)[::-1], people.number(2)[::-1]),
    "an integer that lost its leading zero": ("123456789", "nhs_number_not_ten_digits"),
    "a number as a spreadsheet writes it": ("9.434765919E9", "nhs_number_not_ten_digits"),
    "a float": (f"{TEN}.0", "nhs_number_not_ten_digits"),
    "a sign and nine digits": (f"+{TEN[:9]}", "nhs_number_not_ten_digits"),
    "a hyphen and nine digits": (f"-{TEN[:9]}", "nhs_number_not_ten_digits"),
    "an exponent of ten places": ("1234567e03", "nhs_number_not_ten_digits"),
    "eleven digits": (f"{TEN}1", "nhs_number_not_ten_digits"),
    "letters": ("not a number", "nhs_number_not_ten_digits"),
    "another script's digits": ("٩٤٣٤٧٦٥٩١٩", "nhs_number_not_ten_digits"),
    "nothing": ("", "nhs_number_missing"),
    "the word NULL": ("NULL", "nhs_number_missing"),
    "all zeros: nobody": ("0000000000", "nhs_number_sentinel"),
    **{f"all {digit}s": (str(digit) * 10, "nhs_number_sentinel") for digit in range(1, 10)},
    "a check digit that would be ten": ("1234567890", "nhs_number_check_digit"),
    "a wrong check digit": (TEN[:9] + str((int(TEN[9]) + 1) % 10), "nhs_number_check_digit"),
    "two digits swapped": (TEN[:7] + TEN[8] + TEN[7] + TEN[9], "nhs_number_check_digit"),
    "a Scottish CHI number": ("0123456789", "nhs_number_range"),
    "an Irish number": (_numbered(800000000), "nhs_number_range"),
    "a number of no range": (_numbered(500000001), "nhs_number_range"),
    "a Northern Irish number": (NORTHERN_IRISH, NORTHERN_IRISH),
}
# The columns beside the number: status, reason for withholding; and the place: link quality, or a reason.
BESIDE = {
    "01 verified": ({"NHS_Number_Trace_Status": "01"}, "verified"),
    "02 not traced": ({"NHS_Number_Trace_Status": "02"}, "unverified"),
    "03 trace required": ({"NHS_Number_Trace_Status": "03"}, "unverified"),
    "04 no or multiple match": ({"NHS_Number_Trace_Status": "04"}, "nhs_number_trace_conflict"),
    "05 trace to be resolved": ({"NHS_Number_Trace_Status": "05"}, "nhs_number_trace_conflict"),
    "06 trace in progress": ({"NHS_Number_Trace_Status": "06"}, "unverified"),
    "07 no number, none needed": ({"NHS_Number_Trace_Status": "07", "NHS_Number": ""}, "one_time"),
    "08 no number yet, a newborn": ({"NHS_Number_Trace_Status": "08", "NHS_Number": ""}, "one_time"),
    "07 and a number all the same": ({"NHS_Number_Trace_Status": "07"}, "unverified"),
    "07 and a wrong number": ({"NHS_Number_Trace_Status": "07", "NHS_Number": "1234567890"}, "nhs_number_check_digit"),
    "01 and no number": ({"NHS_Number_Trace_Status": "01", "NHS_Number": ""}, "nhs_number_missing"),
    "no status": ({"NHS_Number_Trace_Status": ""}, "required_missing"),
    "withheld by law": ({"Withheld_Identity_Reason": "01", "NHS_Number": ""}, "withheld"),
    "withheld by the guardian": ({"Withheld_Identity_Reason": "02", "NHS_Number": ""}, "withheld"),
    "withheld at the patient's wish, number left in": ({"Withheld_Identity_Reason": "03"}, "withheld"),
    "withheld, other reason, number unusable": ({"Withheld_Identity_Reason": "97", "NHS_Number": "x"}, "withheld"),
    "withheld, birth date and postcode gone": (
        {"Withheld_Identity_Reason": "99", "NHS_Number": "", "Date_of_Birth": "", "Postcode": ""}, "withheld",
    ),
    "not withheld: 00": ({"Withheld_Identity_Reason": "00"}, "verified"),
}  # fmt: skip
FLAGGED = {
    "looks invalid, yet is a palindrome of the live range",
    "a palindrome of the live range",
    "a palindrome of the test range",
    "a Northern Irish number",
}


@pytest.fixture(scope="module")
def landed(tmp_path_factory, example_icb):
    """All cases as one submission, landed and run."""
    stage = Stage(tmp_path_factory.mktemp("numbers"), example_icb)
    rows = [episode(PERSON, case, NHS_Number=written) for case, (written, _place) in NUMBERS.items()]
    rows += [episode(PERSON, case, **changes) for case, (changes, _place) in BESIDE.items()]
    stage.send("ncdr-sus-apc", rows, name="cases")
    everyone = [PERSON, *(people.Invented(n, "", "", "", "") for n in ("4000000004", "4000440004"))]
    stage.answer(everyone, name="answer")
    stage.land()
    stage.run()
    return stage


@pytest.fixture(scope="module")
def places(landed):
    """For each case, its clear row or the reason it is held back."""
    found = {}
    with landed.house() as house:
        for file in house.store.catalogue.files("clear"):
            aad = clear_aad(file.owner, file.part)
            key = house.store.keys.open(file.key_id).use(aad.decode())
            for row in clear.read_table(landed.store / file.path, key=key, aad=aad).to_pylist():
                found[row.get("record_id")] = row
        for file in house.store.catalogue.files("quarantine"):
            aad = quarantine_aad(file.owner)
            key = house.store.keys.open(file.key_id).use(aad.decode())
            for row in clear.read_table(landed.store / file.path, key=key, aad=aad).to_pylist():
                found[json.loads(row["raw"])["Generated_Record_ID"]] = row["fault"].split("|")[0]
    return found


@pytest.mark.parametrize("case", NUMBERS)
def test_a_number_is_linked_on_or_held_back(places, case):
    """A row is admitted with its ten digits, or held back under the reason a person can act on."""
    expected, found = NUMBERS[case][1], places[case]
    actual = found if isinstance(found, str) else str(found["identity"])
    assert actual == expected


@pytest.mark.parametrize("case", BESIDE)
def test_status_and_withholding_decide_how_a_row_is_linked(places, case):
    """Status codes 04 and 05 hold back; 07 and 08 let a row in without a number; a withheld identity is never used."""
    expected, found = BESIDE[case][1], places[case]
    assert (found if isinstance(found, str) else found["link_quality"]) == expected


@pytest.mark.parametrize("case", [case for case, (_c, place) in BESIDE.items() if place in {"withheld", "one_time"}])
def test_a_row_without_an_identity_carries_none(places, case):
    """Withheld and one-time rows keep no number, even where the sender left one in."""
    assert places[case]["identity"] is None


@pytest.mark.parametrize("case", [case for case, (_w, place) in NUMBERS.items() if place.isdigit()])
def test_palindromes_and_northern_irish_numbers_are_flagged_for_tracing(places, case):
    """They pass the check digit by themselves, so they are admitted, flagged, and never called verified."""
    is_flagged = case in FLAGGED
    assert (places[case]["needs_trace"], places[case]["link_quality"]) == (
        is_flagged,
        "unverified" if is_flagged else "verified",
    )


def test_every_spelling_of_a_number_is_one_person(landed):
    """However a number is written, the mart has one token for it."""
    spellings = {case for case, (_w, place) in NUMBERS.items() if place == TEN}
    tokens = {row["person_token"] for row in landed.mart() if row["provider_reference"] in spellings}
    assert len(tokens) == 1
    assert None not in tokens


def test_withheld_and_one_time_rows_are_released_without_a_token(landed):
    """They are counted and kept, one by one, and never linked to anybody or to each other."""
    unlinked = {case for case, (_c, place) in BESIDE.items() if place in {"withheld", "one_time"}}
    rows = [row for row in landed.mart() if row["provider_reference"] in unlinked]
    assert sorted(row["provider_reference"] for row in rows) == sorted(unlinked)
    assert {row["person_token"] for row in rows} == {None}


def test_status_counts_every_reason(landed):
    """The account of the submission has each reason with its number, and it adds up."""
    places = [place for _w, place in (*NUMBERS.values(), *BESIDE.values())]
    expected = {place: places.count(place) for place in places if place.startswith(("nhs_number", "required"))}
    account = landed.account("cases")
    assert account["quarantined_by"] == expected
    assert account["link_quality"]["withheld"] == places.count("withheld")
    assert account["flags"]["needs_trace"] == len(FLAGGED)
    assert account["balanced"]


def test_test_numbers_are_refused_where_real_people_are(tmp_path, example_icb):
    """Outside a register for invented people, a number of the never-issued range holds its row back."""
    stage = Stage(tmp_path, with_settings(example_icb, test_numbers_allowed=False))
    stage.send("ncdr-sus-apc", [episode(PERSON, "test"), episode(PERSON, "live", NHS_Number="4000000004")])
    (landed,) = stage.land()
    assert (landed.admitted, landed.quarantined_by) == (1, {"nhs_number_range": 1})


def test_a_register_may_trust_palindromes(tmp_path, example_icb):
    """Whether palindromes need a trace is a setting of the register, and it is obeyed."""
    stage = Stage(tmp_path, with_settings(example_icb, palindromes_need_trace=False))
    stage.send("ncdr-sus-apc", [episode(PERSON, "p", NHS_Number="9345665439")], name="one")
    stage.land()
    account = stage.account("one")
    assert (account["flags"]["needs_trace"], account["link_quality"]) == (0, {"verified": 1})


def test_northern_irish_numbers_have_a_setting_of_their_own(tmp_path, example_icb):
    """Trusting palindromes does not trust numbers of the Northern Irish range."""
    stage = Stage(tmp_path, with_settings(example_icb, palindromes_need_trace=False))
    stage.send("ncdr-sus-apc", [episode(PERSON, "n", NHS_Number=NORTHERN_IRISH)], name="one")
    stage.land()
    assert stage.account("one")["flags"]["needs_trace"] == 1


def _merger(record: str, current: str, superseded: str) -> dict[str, str]:
    return {
        "RowID": record, "NHS Number": current, "Superseded NHS Number": superseded,
        "Person Merger Business Effective From Date": "2025-05-01",
    }  # fmt: skip


@pytest.fixture(scope="module")
def merged(tmp_path_factory, example_icb):
    """Numbers that were superseded once, in a chain of twenty, in a circle, by somebody whose feed is odd."""
    stage = Stage(tmp_path_factory.mktemp("mergers"), example_icb)
    crowd = people.invented(40)
    once, chain, circle, alone, self_, into = crowd[:2], crowd[2:24], crowd[24:27], crowd[27], crowd[28], crowd[29]
    numbers = [(once[1], once[0]), *zip(chain[1:], chain, strict=False), (self_, self_)]
    numbers += [(circle[1], circle[0]), (circle[2], circle[1]), (circle[0], circle[2]), (circle[0], into)]
    stage.send("pds-merger", [_merger(f"m{i}", a.number, b.number) for i, (a, b) in enumerate(numbers)], sender="X26")
    groups = {"once": once, "chain": chain, "circle": [*circle, into], "alone": [alone], "itself": [self_]}
    rows = [episode(p, f"{name}-{i}") for name, group in groups.items() for i, p in enumerate(group)]
    stage.send("ncdr-sus-apc", rows)
    stage.answer(crowd)
    stage.land()
    stage.run()
    tokens = {name: set() for name in groups}
    for row in stage.mart():
        tokens[row["provider_reference"].split("-")[0]].add(row["person_token"])
    return tokens


@pytest.mark.parametrize("group", ["once", "chain", "circle", "alone", "itself"])
def test_superseded_numbers_are_one_person(merged, group):
    """A merged number's rows carry the token of the living one: over a chain, and in a circle, always one."""
    assert len(merged[group]) == 1


def test_different_people_stay_different(merged):
    """Following mergers joins nobody else."""
    assert len(set().union(*merged.values())) == len(merged)


def test_no_token_crosses_into_another_activity(landed):
    """The same person has another token in another activity's mart."""
    landed.run(RISK)
    here = {row["person_token"] for row in landed.mart()} - {None}
    there = {row["person_token"] for row in landed.mart(activity=RISK)} - {None}
    assert here
    assert there
    assert not here & there
