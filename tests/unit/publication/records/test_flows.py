"""The rows of the flow map say what the register says, once, with names a person knows."""

from __future__ import annotations

from datetime import date

from caldicott.publication.flows import flow_rows, purpose_title
from caldicott.vocabulary.formats import DataFormat


def test_every_flow_of_the_register_is_one_row(register):
    """No flow is left out of the map, and none is told twice."""
    keys = [row.key for row in flow_rows(register)]
    assert keys == [f"{one.id}/{flow.id}" for one in register.activities for flow in one.flows or ()]
    assert len(set(keys)) == len(keys)


def test_a_row_names_both_ends_and_the_document(example_icb):
    """An officer reads names, the format, the agreement with its last day and the next review."""
    row = next(row for row in flow_rows(example_icb) if row.key == "staff/icb-to-payroll")
    assert (row.source, row.recipient) == ("NHS Example Integrated Care Board", "Example Payroll Bureau")
    assert (row.format, row.datasets) == (DataFormat.IDENTIFIABLE, ("payroll",))
    assert (row.instrument, row.instrument_until) == ("Contract for payroll, EX-PAY-2026", date(2029, 3, 31))
    assert (row.purpose, row.frequency, row.review_due) == ("Employment", "monthly", date(2027, 3, 31))


def test_what_is_not_stated_stays_empty(example_icb):
    """A flow without a document has no document and no last day; nothing is made up."""
    row = next(row for row in flow_rows(example_icb) if row.key == "staff/person-to-icb")
    assert (row.instrument, row.instrument_until) == ("", None)


def test_a_purpose_without_a_title_keeps_its_own_word():
    """A purpose the tree does not have is shown as it was written."""
    assert [purpose_title("hr"), purpose_title("moonshine"), purpose_title(None)] == ["Employment", "moonshine", ""]
