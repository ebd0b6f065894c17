"""The fourteen checks are functions by the names and numbers of the fact table; the three about no line hold too."""

from dataclasses import replace

import pytest

from caldicott.facts import invoices as facts
from caldicott.facts.layout import load
from caldicott.invoices.reasons import reasons
from caldicott.operations.invoices.checks import (
    CHECKS,
    OUTSIDE,
    objectors_included,
    only_the_decision_leaves,
    permitted_columns,
)
from caldicott.operations.invoices.validate import check_rules
from caldicott.policy.decide import decide
from caldicott.policy.decision import Request
from caldicott.register.model import ObjectionRule, Objections
from caldicott.vocabulary.errors import DoesNotHold, ProgramFault

BACKING = Request("ceff_officer", "invoice-validation", "invoice-backing", "identifiable")


def test_every_check_of_the_table_is_a_function_of_its_name():
    """Nobody can add a check to the table, or take one from the program, unnoticed."""
    listed = {int(row["check"]): row["name"].replace("-", "_") for row in facts.listed("checks")}
    assert sorted(listed) == list(range(1, 15))
    assert {number: check.__name__ for number, check in CHECKS.items()} == listed
    assert all(check.__doc__.startswith(f"{number}.") for number, check in CHECKS.items())


def test_every_reason_is_given_by_the_check_it_belongs_to(desk):
    """The reasons that lines get are those of the fact table, each by its own check."""
    with desk.house() as house:
        rules = check_rules(house)
    given = {code: number for number, check in CHECKS.items() if number not in {3, 13, 14} for code in check(rules)}
    assert given == {code: one.check for code, one in reasons().items() if one.check != 13}


def test_a_column_that_the_register_does_not_list_stays_outside(example_icb, desk):
    """Check 3 asks the register's own whitelist, also where the layout would let the column in."""
    permit = decide(BACKING, example_icb, desk.today)
    permitted_columns(permit, load("invoice-backing"))
    fewer = tuple(name for name in permit.obligations.inputs_whitelist if name != "postcode")
    shut = replace(permit, obligations=replace(permit.obligations, inputs_whitelist=fewer))
    with pytest.raises(DoesNotHold, match="postcode"):
        permitted_columns(shut, load("invoice-backing"))


def test_a_column_more_than_five_does_not_leave():
    """Check 13: also not in another order, or fewer."""
    only_the_decision_leaves(OUTSIDE)
    for columns in ((*OUTSIDE, "provider"), OUTSIDE[:4], OUTSIDE[::-1]):
        with pytest.raises(ProgramFault):
            only_the_decision_leaves(columns)


def test_without_the_waiver_no_bill_is_checked(example_icb, desk):
    """Check 14: where the register does not waive the National Data Opt-out, nothing is decided."""
    objectors_included(decide(BACKING, example_icb, desk.today))
    applied = Objections(rules=(ObjectionRule(scheme="ndop", covers_formats=("identifiable",)),))
    entries = [
        one.model_copy(update={"objections": applied})
        if one.id == "invoice-validation" else one
        for one in example_icb.activities
    ]  # fmt: skip
    desk.bill(1)
    desk.land()
    without = replace(desk, register=example_icb.model_copy(update={"activities": tuple(entries)}))
    with pytest.raises(DoesNotHold) as fault:
        without.validate()
    assert fault.value.code == "waiver-missing"
    assert desk.decided() == {}
