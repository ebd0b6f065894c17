"""Letters to providers: no patient in them, an answer due in working days, readable by everyone."""

from datetime import date

import page as pdf_validation
import pytest

from caldicott.invoices.letters import Asked, Letter, due_on, outside_codes
from caldicott.invoices.reasons import Verdict, reasons
from caldicott.operations.invoices.letter_pdf import letter_html, letter_pdf


def letter(**changes):
    lines = (
        Asked("INV-1", "L1", 570475, "GBP", ("activity", "price")), Asked("INV<2>", "L2", 99, "EUR", ("backing",)),
    )  # fmt: skip
    given = {
        "number": "Q3-1",
        "sender": "NHS Example",
        "provider": "RZ1",
        "on": date(2026, 5, 4),
        "due": date(2026, 6, 2),
    }
    return Letter(**{**given, "lines": lines, **changes})


@pytest.mark.parametrize(
    ("sent", "days", "due"),
    [
        (date(2026, 5, 4), 1, date(2026, 5, 5)),  # a bank holiday itself; the letter may go out all the same
        (date(2026, 5, 1), 1, date(2026, 5, 5)),  # over a weekend and the early May bank holiday
        (date(2026, 12, 24), 2, date(2026, 12, 30)),  # Christmas, and Boxing Day made good on the Monday
        (date(2026, 5, 5), 20, date(2026, 6, 3)),
    ],
)
def test_an_answer_is_due_in_working_days_of_england(sent, days, due):
    """Weekends and bank holidays do not count."""
    assert due_on(sent, working_days=days) == due


def test_a_letter_tells_the_coarser_codes_alone():
    """No reason that tells of one patient, such as a death, is in a letter."""
    assert outside_codes(["after-death", "price-differs", "late"]) == ("identity", "price")
    told = {code for one in reasons().values() if one.verdict is Verdict.QUERY for code in outside_codes([one.code])}
    html = letter_html(letter(lines=(Asked("INV-1", "L1", 1, "GBP", tuple(sorted(told))),)))
    finer = {code for code in reasons() if code not in told and "-" in code}
    assert [code for code in finer if code in html] == []
    assert len(letter(lines=(Asked("I", "L", 1, "GBP", tuple(told)),)).questions) == len(told)


def test_a_letter_is_a_tagged_pdf_with_nothing_fetched_and_the_same_twice():
    """PDF/UA-1 by an independent checker; a sender's brackets are text."""
    made = letter_pdf(letter())
    assert made == letter_pdf(letter())
    assert pdf_validation.validate_pdf_bytes(made, profile="pdf/ua-1").is_compliant
    assert "INV&lt;2&gt;" in letter_html(letter())
    assert "0.99 EUR" in letter_html(letter())


def test_a_letter_of_many_lines_repeats_its_heading_and_stays_readable():
    """Five hundred lines are several pages; it is still one tagged document."""
    many = tuple(Asked(f"INV-{n}", f"L{n}", n, "GBP", ("price",)) for n in range(500))
    assert pdf_validation.validate_pdf_bytes(letter_pdf(letter(lines=many)), profile="pdf/ua-1").is_compliant
