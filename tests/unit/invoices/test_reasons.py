# ruff: noqa: E501  rows of examples read better whole
"""Reasons: each is given by its check, is documented, and of each only a coarse code leaves."""

from datetime import date
from pathlib import Path

import pytest

from caldicott.engines.duckdb.invoices_checks import CHECKS, CheckRules
from caldicott.facts import invoices as facts
from caldicott.facts.layout import load
from caldicott.invoices.price import pounds, sentence
from caldicott.invoices.reasons import Verdict, outside_code, reasons, verdict_of
from caldicott.invoices.reference import pence, shipped
from caldicott.invoices.responsibility import successor
from caldicott.operations.invoices.land import LAYOUTS

RULES = CheckRules("QZZ", 183, 2_500_000, "GBP", (0,))
DOCS = Path(__file__).resolve().parents[3] / "docs" / "reference" / "invoices.md"


def test_every_reason_is_given_by_the_check_it_names():
    """The fact table and the checks know the same reasons under the same numbers; the second person stands apart."""
    given = {code: number for number, check in CHECKS.items() for code in check(RULES)}
    assert {code: one.check for code, one in reasons().items() if one.check != 13} == given


def test_every_check_of_the_study_is_kept_somewhere():
    """Fourteen checks: eleven about lines, and three that the door, the report and the register keep."""
    assert {int(row["check"]) for row in facts.listed("checks")} == {*CHECKS, 3, 13, 14} == set(range(1, 15))


def test_every_reason_is_documented():
    """A reason code a provider is told can be looked up."""
    text = DOCS.read_text(encoding="utf-8")
    assert [code for code in reasons() if f"`{code}`" not in text] == []
    assert [name for name in facts.TABLES if f"`{name}.csv`" not in text] == []


def test_what_leaves_does_not_tell_of_one_patient():
    """Death, birth, detention and tracing are told inside only; outside they are `identity` and `responsibility`."""
    assert outside_code(["after-death"]) == outside_code(["number-not-traced"]) == "identity"
    assert outside_code(["not-ours"]) == outside_code(["nationally-commissioned"]) == "responsibility"
    assert outside_code([]) == "none"


def test_a_rejection_outweighs_a_query_and_only_it_is_told():
    """Of a line that is rejected the open questions no longer matter."""
    assert verdict_of(["price-differs", "late"]) is Verdict.REJECT
    assert outside_code(["price-differs", "late"]) == "late"
    assert verdict_of(["price-differs"]) is Verdict.QUERY
    assert verdict_of([]) is Verdict.PAY


def test_no_permitted_layout_has_a_column_for_words_names_or_diagnoses():
    """The whitelists of the zone hold no free text, name, address or clinical column; invoices name nobody at all."""
    never = {"free_text", "name", "address", "contact", "clinical", "staff", "quasi"}
    for layout in LAYOUTS:
        assert not never & {column.column_class.value for column in load(layout).columns}
    telling = {"nhs_number", "local_id", "birth_date", "postcode", "practice"}
    assert not telling & {column.column_class.value for column in load("invoice-lines").columns}


@pytest.mark.parametrize("written", ["1.005", "-1", "1,000.00", "NaN", "Infinity", "", "1e9999"])
def test_money_that_is_not_pounds_and_pence_is_not_read(written):
    """A price is pounds to the penny or nothing: never rounded, never guessed."""
    with pytest.raises(ValueError):
        pence(written)


def test_money_reads_and_prints_to_the_penny():
    """Tenths that a binary fraction cannot hold come out as they went in."""
    assert [pence(one) for one in ("0.10", "19.99", "1000000")] == [10, 1999, 100_000_000]
    assert [pounds(one) for one in (5, -570475, 100_000_000)] == ["£0.05", "-£5,704.75", "£1,000,000.00"]


def test_a_short_stay_and_a_local_price_are_told_in_one_sentence():
    """The sentence names every part that was used, and no other."""
    parts = {"unit_pence": 100, "short_stay_hundredths": 3000, "top_up_hundredths": 0, "addition_pence": 0, "days_over": 0,
             "per_day_pence": 0, "factor_millionths": 1_000_000}  # fmt: skip
    assert sentence(parts, quantity=2, expected_pence=60) == (
        "The unit price is £1.00, of which a short emergency stay is paid 30 percent, "
        "times the provider's market forces factor 1, 2 times: £0.60."
    )
    assert sentence({"local_pence": 435000}, quantity=1, expected_pence=435000) == (
        "The price agreed locally is £4,350.00: £4,350.00."
    )


def test_a_commissioner_that_ended_is_answered_for_by_its_successor():
    """A group of before July 2022 stands for its board from the day after it ended."""
    assert successor("99A", shipped(), today=date(2026, 5, 4)) == "QZZ"
    assert successor("99A", shipped(), today=date(2022, 6, 30)) == "99A"
