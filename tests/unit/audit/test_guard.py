"""What must never get into an audit entry, by its shape."""

from datetime import UTC, date, datetime

import pytest

from caldicott.audit import AuditEntry, Outcome, days_stated
from caldicott.audit.guard import identifying_shape
from caldicott.vocabulary.errors import DoesNotHold

# 943 476 5919 and 999 000 0018 are in the range that is never issued.
NUMBERS = (
    "9434765919",
    "943 476 5919",
    "943-476-5919",
    "943.476.5919",
    "943 - 476 - 5919",
    "9 4 3 4 7 6 5 9 1 9",
    "94 34 76 59 19",
    "94347 65919",
    "NHS9434765919",
    "nhs number 943 476 5919.",
    "ward 3 943 476 5919",
    "9434765918",  # wrong check digit: still somebody's, mistyped
    "９４３４７６５９１９",  # full-width digits
    "٩٤٣٤٧٦٥٩١٩",  # Arabic-Indic digits
)
POSTCODES = ("ZZ99 3WZ", "ZZ993WZ", "zz99 3wz", "M1 1AE", "at SW1A 1AA today", "EC1A-1BB", "B33_8TH", "cr2  6xh")
BIRTH_DATES = ("1948-07-05", "2026-01-02", "19480705", "1948/07/05", "05/07/1948", "5.7.1948", "born 2019-12-31T00:00")
HARMLESS = (
    "",
    "role commissioning_analyst may see up to pseudonymised",
    "dars-dsa",
    "cag-7-04",
    "A6-1-e",
    "A9-2-h",
    "Z80001",
    "network-01",
    "RZ1-sus-apc-2025",
    "period 2025-26 2026",
    "period 2025-04 2026-03",
    "month=2026-03",
    "550e8400-e29b-41d4-a716-446655440000",
    "12345678-1234-5678-1234-567812345678",
    "run 1234567890123456789012345678901234567890 done",
    "call 01632 960123",
    "v1.12.0",
    "20260501060000",
    "rows 120000, groups of 100",
)
FIELDS = ("act_id", "actor", "role", "organisation", "activity", "dataset", "format")


def make_entry(**changes):
    usual = {
        "at": datetime(2026, 5, 1, 6, tzinfo=UTC),
        "act_id": "act-1",
        "actor": "analyst-7",
        "role": "commissioning_analyst",
        "organisation": "example-icb",
        "event": "decision",
        "outcome": Outcome.PERMIT,
    }
    return AuditEntry(**(usual | changes))


@pytest.mark.parametrize("place", range(len(NUMBERS)))
def test_ten_digits_however_grouped_look_like_an_nhs_number(place):
    """Any grouping, any script, any check digit."""
    assert identifying_shape(NUMBERS[place]) == "an NHS number"


@pytest.mark.parametrize("place", range(len(POSTCODES)))
def test_a_full_postcode_is_seen(place):
    """With or without its space, in either case."""
    assert identifying_shape(POSTCODES[place]) == "a postcode"


@pytest.mark.parametrize("place", range(len(BIRTH_DATES)))
def test_a_calendar_day_is_taken_for_a_birth_date(place):
    """A day nobody declared could be somebody's birthday."""
    assert identifying_shape(BIRTH_DATES[place]) == "a birth date"


@pytest.mark.parametrize("place", range(len(HARMLESS)))
def test_words_of_the_register_pass(place):
    """Ids, instruments, periods, versions, UUIDs and digests are no identifiers of people."""
    assert identifying_shape(HARMLESS[place]) == ""


@pytest.mark.parametrize("hidden", ["943\u200b4765919", "a\nb", "a\x00b", "a\u202eb", "a\x1b[2Kb"], ids=range(5))
def test_hidden_characters_are_refused(hidden):
    """Nothing may be hidden from the guard, or forge a second line in a printed log."""
    assert identifying_shape(hidden) == "hidden or control characters"


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("shape", [NUMBERS, POSTCODES, BIRTH_DATES])
def test_no_field_takes_an_identifier(field, shape):
    """The guard stands at every free text; the error names the field and does not repeat the text."""
    value = next(text for text in shape if text.isascii())
    with pytest.raises(DoesNotHold) as refusal:
        make_entry(**{field: value})
    assert refusal.value.code == "audit-entry-identifies"
    assert refusal.value.where == f"audit entry, {field}"
    assert value not in str(refusal.value)


@pytest.mark.parametrize("field", ["reasons", "references"])
def test_no_list_takes_an_identifier(field):
    """Not even as one of many."""
    with pytest.raises(DoesNotHold) as refusal:
        make_entry(**{field: ("fine", "943 476 5919")})
    assert refusal.value.where == f"audit entry, {field}"


@pytest.mark.parametrize(
    "counts", [{"9434765919": 1}, {"rows": 9434765919}, {"rows": -1}, {"rows": 1.5}, {"rows": True}]
)
def test_no_count_carries_an_identifier(counts):
    """Neither as the name of a count nor as the count: counts end one digit short of an NHS number."""
    with pytest.raises(DoesNotHold):
        make_entry(counts=counts)


def test_a_day_of_the_register_is_declared():
    """A refusal may say when an instrument ended, because the entry declares that day; others stay refused."""
    reason = "dars-dsa lapsed on 2026-03-31"
    entry = make_entry(reasons=(reason,), days=days_stated(reason))
    assert entry.days == (date(2026, 3, 31),)
    with pytest.raises(DoesNotHold):
        make_entry(reasons=(reason, "1948-07-05"), days=days_stated(reason))


def test_days_stated_reads_each_day_once_in_order():
    """Impossible days are not days."""
    assert days_stated("2026-03-31 and 01/04/2025", "2026-03-31, 2026-02-30") == (date(2025, 4, 1), date(2026, 3, 31))


@pytest.mark.parametrize(
    ("text", "is_token"),
    [
        ("R20260504ABCDEFGHJ", True), ("RD2P379VDKCFMYVVN5", True), ("R9434765919ABCDEFG", False),
        ("r20260504abcdefghj", False), ("R20260504ABCDEFGH", False), ("R20260504ABCDEFGHJK", False),
        ("R20260504 BCDEFGHJ", False),
    ],
)  # fmt: skip
def test_a_token_is_drawn_and_says_nothing(text, is_token):
    """Its digits may stand as in a day; a word of another length, in small letters or with ten digits is no token."""
    assert (identifying_shape(text) == "") == is_token
