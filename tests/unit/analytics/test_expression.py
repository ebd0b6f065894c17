"""The closed language of indicator files: what can be said, and that nothing else can."""

from __future__ import annotations

from decimal import Decimal

import pytest

from caldicott.analytics import expression as said
from caldicott.vocabulary.errors import DoesNotHold


def test_a_claim_reads_as_it_is_written():
    """`and` binds closer than `or`, brackets bind closest, `not` turns what follows."""
    found = said.claim("a = 'x' and not b is known or c in ('1', '2')", where="t")
    assert found == said.Joined(
        "or",
        (
            said.Joined(
                "and",
                (
                    said.Compared(said.Column("a"), "=", said.Literal("x")),
                    said.Not(said.Known(said.Column("b"))),
                ),
            ),
            said.OneOf(said.Column("c"), ("1", "2")),
        ),
    )


def test_days_between_two_dates_and_sums_are_values():
    """Whole days from one column to another, plus and minus; numbers are exact."""
    found = said.claim("days from a to b - 1 >= 21.5", where="t")
    days = said.Days(said.Column("a"), said.Column("b"))
    assert found == said.Compared(said.Sum(days, "-", said.Literal(Decimal(1))), ">=", said.Literal(Decimal("21.5")))


def test_the_columns_of_a_claim_are_named():
    """What is read of a row is known before anything is read."""
    found = said.claim("not (a starts with 'I' or days from b to c between 1 and 3) and d not in ('x')", where="t")
    assert [*said.columns(found)] == ["a", "b", "c", "d"]


def test_nothing_said_means_every_row():
    assert said.claim("  ", where="t") == said.Always()


@pytest.mark.parametrize(
    "text",
    [
        "a = 'x'; drop table rows", 'a = "x"', "read_csv('secret')", "a = (select 1)", "a like '%'", "a", "1", "a =",
        "a in ()", "a in ('x'", "a between 'x' and 'y'", "and a = 1", "a = 1 or", "days from a", "not", "a is", "A = 1",
        "a = 1 b = 2", "a || b = 'x'", "a = 'x' -- no", "1 starts with '1'", "(" * 60 + "a = 1" + ")" * 60,
        "a = 'é" * 2000,
    ],
)  # fmt: skip
def test_what_is_not_in_the_language_is_refused_without_repeating_it(text):
    """SQL, functions and half sentences end in one sentence that names the place, never the text."""
    with pytest.raises(DoesNotHold) as refused:
        said.claim(text, where="mine.toml: where")
    assert refused.value.code == "indicator-expression"
    assert refused.value.where == "mine.toml: where"
    assert "secret" not in str(refused.value)
