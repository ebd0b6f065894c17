"""Which classes of column each format lets through."""

from __future__ import annotations

import pytest

from caldicott.policy.columns import column_classes
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import Identifier

DIRECT = {
    "nhs_number",
    "superseded_nhs_number",
    "name",
    "address",
    "contact",
    "free_text",
    "postcode",
    "birth_date",
    "local_id",
}
NEVER_IN_A_MART = DIRECT | {"source_pseudonym", "record_key", "staff", "objection_code", "restricted"}


@pytest.mark.parametrize("data_format", [one for one in DataFormat if one is not DataFormat.IDENTIFIABLE])
def test_no_direct_identifier_outside_identifiable_data(data_format):
    """Whatever identifiers the activity allows, they stay out of the other three formats."""
    assert not column_classes(data_format, list(Identifier)) & NEVER_IN_A_MART


def test_only_the_identifiers_allowed():
    """Allowing the postcode allows the postcode and none of the other direct identifiers."""
    assert column_classes(DataFormat.IDENTIFIABLE, [Identifier.POSTCODE]) & DIRECT == {"postcode"}
    assert column_classes(DataFormat.IDENTIFIABLE, list(Identifier)) >= DIRECT


def test_a_mart_keeps_years_and_districts_instead_of_dates_and_postcodes():
    """What was a birth date is a birth year and an age band."""
    assert column_classes(DataFormat.PSEUDONYMISED, []) >= {"birth_year", "age_band", "outward_postcode", "token"}


def test_anonymised_and_aggregated_data_have_no_key_of_a_record():
    """No token, no trace status, no reason for withholding: nothing that points at one record."""
    for data_format in (DataFormat.ANONYMISED, DataFormat.AGGREGATED):
        kept = column_classes(data_format, [])
        assert not kept & {"token", "nhs_number_status", "withheld_reason"}
        assert kept >= {"organisation", "practice", "activity", "clinical"}


def test_restricted_columns_only_when_the_activity_says_so():
    """Never as a matter of course, in any format."""
    for data_format in DataFormat:
        assert "restricted" not in column_classes(data_format, list(Identifier), inputs_whitelist=("nhs_number",))
        assert "restricted" in column_classes(data_format, [], inputs_whitelist=("restricted",))
