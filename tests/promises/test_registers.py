"""Registers of interests, promise by promise, as far as the register of activities keeps them."""

from __future__ import annotations

import pytest

from caldicott.policy.decision import Permit, Request
from caldicott.vocabulary.formats import DataFormat
from promises.notices import EXAMPLE, LEEDS, activity, ask, printed


@pytest.mark.keeps_partly("L1-089", "L1-090")
def test_the_public_reads_what_is_published_and_not_what_is_withheld():
    """The published register is for everyone; the register of all declarations is for the officer who keeps it."""
    assert isinstance(
        ask(EXAMPLE, Request("public", "registers-of-interests", "published-registers", "identifiable")), Permit
    )
    for form in DataFormat:
        refused = ask(EXAMPLE, Request("public", "registers-of-interests", "interests-register", form))
        assert not isinstance(refused, Permit)
    assert "withhold_where_harm_or_law" in activity(LEEDS, "registers-of-interests").measures


@pytest.mark.keeps_partly("L1-091")
def test_staff_can_ask_not_to_be_published():
    """The notice says that someone may ask, and in writing in Leeds."""
    assert "Staff can ask for this in writing" in printed(LEEDS, "activities/registers-of-interests#what-we-do")
    assert "may ask us not to publish" in printed(EXAMPLE, "activities/registers-of-interests#what-we-do")
