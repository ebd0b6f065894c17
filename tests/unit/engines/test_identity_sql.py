"""The NHS number's rules in SQL say the same as the reference in Python, over everything that was thrown at them."""

from __future__ import annotations

import random

import nhs_number
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caldicott.engines.duckdb.connection import connect
from caldicott.engines.duckdb.identity_sql import needs_trace, number_fault
from caldicott.facts.nhs_number_ranges import RangeTreatment, ranges
from caldicott.vocabulary.nhs_number import (
    FULL_WIDTH_DIGITS,
    SEPARATORS,
    NhsNumberFault,
    canonicalise,
    check_digit,
    fault_of,
    is_palindrome,
)

SEEDED = 60_000


@pytest.fixture(scope="module")
def engine():
    with connect(threads=1) as connection:
        yield connection


def by_sql(engine, texts, *, test_numbers_allowed=True):
    """Fault, number, palindrome and trace flag of each text, by the engine."""
    engine.register("given", pa.table({"place": range(len(texts)), "t": pa.array(texts, pa.string())}))
    fault = number_fault(raw="t", number="n", test_numbers_allowed=test_numbers_allowed)
    traced = needs_trace("n", palindromes=True, northern_ireland=True)
    found = engine.execute(
        f"SELECT {fault}, n, coalesce(is_palindrome(n), false), coalesce({traced}, false) FROM "
        "(SELECT place, t, number_of(canonical_number(t)) AS n FROM given) ORDER BY place"
    ).fetchall()
    engine.unregister("given")
    return found


def by_python(text, *, test_numbers_allowed=True):
    """The same by the reference."""
    digits = canonicalise(text)
    fault = fault_of(digits)
    if fault is NhsNumberFault.NOT_TEN_DIGITS:
        return fault.value, None, False, False
    treatment = next((r.treatment for r in ranges() if int(r.first) <= int(digits) <= int(r.last)), None)
    usable = {RangeTreatment.ACCEPT, RangeTreatment.NEEDS_TRACE}
    usable |= {RangeTreatment.TEST_ONLY} if test_numbers_allowed else set()
    if fault is None and treatment not in usable:
        fault = NhsNumberFault.RANGE
    traced = is_palindrome(digits) or treatment is RangeTreatment.NEEDS_TRACE
    return fault.value if fault else None, int(digits), is_palindrome(digits), traced


def seeded(count):
    """Valid numbers, near misses, spellings and rubbish, the same every time."""
    chance = random.Random(20_260_504)
    texts = []
    while len(texts) < count:
        stem = f"{chance.randrange(10**9):09d}"
        digit = check_digit(stem)
        valid = stem + str(chance.randrange(10) if digit is None else digit)
        wrong = stem + str(chance.randrange(10))
        half = valid[:5]
        spelled = "".join(mark + chance.choice(["", "", chance.choice(SEPARATORS)]) for mark in valid)
        wide = "".join(chance.choice([mark, FULL_WIDTH_DIGITS[int(mark)]]) for mark in valid)
        other = "".join(chance.choice("0123456789 -+.eE_xX,/\u0660\u0967\u00b2Oo") for _ in range(chance.randrange(14)))
        signed = chance.choice("+-. ") + valid[:9]
        texts += [valid, wrong, half + half[::-1], spelled, wide, other, signed, stem, valid + stem[0], valid[0] * 10]
    return texts[:count]


@pytest.mark.parametrize("test_numbers_allowed", [True, False])
def test_sql_and_python_agree_over_seeded_texts(engine, test_numbers_allowed):
    """Sixty thousand texts: fault, number, palindrome and trace flag are the same, each."""
    texts = seeded(SEEDED)
    sql = by_sql(engine, texts, test_numbers_allowed=test_numbers_allowed)
    python = [by_python(text, test_numbers_allowed=test_numbers_allowed) for text in texts]
    differ = [place for place, (one, other) in enumerate(zip(sql, python, strict=True)) if one != other]
    assert differ == []
    assert {one[0] for one in sql} == {None, *(f.value for f in NhsNumberFault)} - {
        "nhs_number_missing",
        "nhs_number_trace_conflict",
    }


ODD = st.text(alphabet=st.sampled_from("0123456789" + SEPARATORS + FULL_WIDTH_DIGITS + "+-_.eEx\x00'\"%"), max_size=14)
ANY = st.text(max_size=12)
TEN = st.integers(0, 10**10 - 1).map(lambda n: f"{n:010d}")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(ODD, ANY, TEN), min_size=20, max_size=60))
def test_sql_and_python_agree_over_texts_that_look_for_trouble(engine, texts):
    """Whatever hypothesis finds, the two never differ."""
    assert by_sql(engine, texts) == [by_python(text) for text in texts]


def test_the_check_digit_is_what_the_nhs_number_package_says(engine):
    """A second opinion: the published package finds the same numbers valid in the ranges both know."""
    chance = random.Random(7)
    texts = [f"{chance.choice('4679')}{chance.randrange(10**9):09d}" for _ in range(20_000)]
    texts = [text for text in texts if len({*text}) > 1]
    ours = [fault is None for fault, *_rest in by_sql(engine, texts)]
    assert ours == [nhs_number.is_valid(text) for text in texts]
    assert 0 < sum(ours) < len(ours)


def test_every_one_of_the_ranges_is_obeyed_at_both_ends(engine):
    """The first and the last number of each range fall under its treatment, the numbers beside it do not."""
    for entry in ranges():
        inside = [f"{int(entry.first):010d}", f"{int(entry.last):010d}"]
        for text in inside:
            assert by_sql(engine, [text])[0] == by_python(text)


def test_missing_is_not_the_same_as_wrong(engine):
    """NULL is missing; an empty text is not ten digits."""
    assert [fault for fault, *_rest in by_sql(engine, [None, ""])] == [
        "nhs_number_missing",
        "nhs_number_not_ten_digits",
    ]


@pytest.mark.parametrize(("text", "leaks"), [
    ("see 9434765919 please", True), ("943 476 5919", True), ("943-476-5919", True), ("x9434765919x", True),
    ("94347659190", False), ("9434765918", False), ("0000000000", False), ("tel 020 7946 0000", False), ("", False),
    ("1 9434765919", True), ("9434765919,9434765919", True),
])  # fmt: skip
def test_a_number_within_words_is_seen(engine, text, leaks):
    """Free columns are searched for ten digits that pass the check."""
    assert engine.execute("SELECT holds_number($t)", {"t": text}).fetchone()[0] is leaks
