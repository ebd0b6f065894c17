"""A window counted back in months begins on the same day, by whichever of the two ways it is asked."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb
import pytest

from caldicott.engines.duckdb.scores_inputs import last_day_before, months_before


@pytest.mark.parametrize(
    "on", [date(2025, 12, 31), date(2024, 2, 29), date(2025, 2, 28), date(2025, 3, 30), date(2025, 7, 1)]
)
@pytest.mark.parametrize("months", [1, 9, 12, 24])
def test_a_comparison_of_days_says_what_a_count_of_months_says(on, months):
    """For every day around the beginning of the window, ends of months and leap years included."""
    begins = last_day_before(months, on)
    days = [begins + timedelta(days=one) for one in range(-40, 41)]
    listed = ", ".join(f"DATE '{one}'" for one in days)
    rows = duckdb.sql(
        f"SELECT day, ({months_before('day', on)}) < {months} FROM (SELECT unnest([{listed}]) AS day)"
    ).fetchall()
    assert [(day, day > begins) for day, _ in rows] == rows
