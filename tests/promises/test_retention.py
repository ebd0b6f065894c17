"""How long, promise by promise, as far as the register keeps it: a class of the records code for each use."""

from __future__ import annotations

import pytest

from caldicott.facts import governance
from caldicott.register.check import check
from promises.notices import DAY, EXAMPLE, LEEDS, OXFORDSHIRE, activity, printed, register, with_activity


@pytest.mark.keeps_partly("L1-105", "L1-106")
def test_each_use_names_a_class_of_the_records_code_and_what_happens_then():
    """Each use has a known class, from when it counts, a least time and an end; the page says how long."""
    known = governance.column("retention_classes", "record_class")
    for one in register(EXAMPLE).activities:
        assert one.retention.retention_class in known
        assert one.retention.starts
        assert one.retention.minimum
        assert one.retention.action
        assert (
            one.retention.minimum.rstrip(".").casefold() in printed(EXAMPLE, f"activities/{one.id}#how-long").casefold()
        )


@pytest.mark.keeps_partly("L1-105")
def test_a_class_that_the_records_code_does_not_have_stops_the_register():
    """A made-up class is an error of a strict register."""
    made_up = activity(EXAMPLE, "complaints").retention.model_copy(update={"retention_class": "For ever"})
    faults = check(with_activity(EXAMPLE, "complaints", retention=made_up), at=DAY[EXAMPLE])
    assert "unknown-retention-class" in {fault.code for fault in faults if fault.severity == "error"}


@pytest.mark.keeps_partly("L1-123")
def test_no_history_of_identities_is_promised_by_name():
    """The Leeds register says as a measure that no identifiable history is held."""
    assert "no_identifiable_history_held" in activity(LEEDS, "commissioning-planning").measures


@pytest.mark.keeps_partly("OX-009")
def test_complaint_files_have_their_class():
    """The Oxfordshire and the example register keep complaints as the class of complaint case files."""
    for name in (OXFORDSHIRE, EXAMPLE):
        assert activity(name, "complaints").retention.retention_class == "Complaint case file"
