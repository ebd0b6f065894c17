"""Entries of one page are committed together, and none is lost when the page fails."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from caldicott.audit.entry import AuditEntry, Outcome
from caldicott.stores.audit_log import AuditLog, read_entries, verify


def entry(name):
    return AuditEntry(
        at=datetime(2026, 5, 4, tzinfo=UTC), act_id=name, actor="a", role="gp", organisation="z", event="decision",
        outcome=Outcome.PERMIT,
    )  # fmt: skip


@pytest.fixture
def log(tmp_path):
    return AuditLog(tmp_path / "audit", bytes(range(32)))


def names(log):
    return [one.act_id for one in read_entries(log._files.folder)]


def test_what_is_gathered_is_committed_once_at_the_end_in_order(log):
    """Two appends and one checkpoint; before the end of the block nothing stands there yet."""
    with log.gathered():
        assert log.append(entry("first")) == -1
        with log.gathered():
            log.append_many([entry("second"), entry("third")])
        assert names(log) == []
    assert names(log) == ["first", "second", "third"]
    assert log.size == 3
    assert verify(log._files.folder).ok


def test_a_block_that_fails_loses_nothing(log):
    """What was decided before the fault is in the log after it."""
    with pytest.raises(ZeroDivisionError):
        decide_and_fail(log)
    assert names(log) == ["decided"]
    assert log.append(entry("later")) == 1


def test_another_threads_entry_does_not_wait(log):
    """Who gathers keeps only its own back: a neighbour's entry is on the disk when it says so."""
    with log.gathered():
        log.append(entry("mine"))
        other = threading.Thread(target=log.append, args=(entry("theirs"),))
        other.start()
        other.join()
        assert names(log) == ["theirs"]
    assert names(log) == ["theirs", "mine"]


def decide_and_fail(log):
    with log.gathered():
        log.append(entry("decided"))
        raise ZeroDivisionError
