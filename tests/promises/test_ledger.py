"""The ledger of promises: every promise is kept, awaited or written, by something that is really there."""

from __future__ import annotations

import pytest

from caldicott.facts import promises as facts
from caldicott.facts.promises import Keeping, Promise, faults
from caldicott.operations.verify.controls import all_controls
from promises.ledger import marked
from promises.reference import PAGE, page

KEPT = {keeping.id: keeping for keeping in facts.keepings() if keeping.kept_by}


def test_every_promise_is_in_exactly_one_line_of_the_keeping_files():
    """No promise is forgotten, none is kept twice, and no awaited part is made up."""
    assert faults(facts.promises(), facts.keepings()) == ()


def test_there_are_the_promises_of_the_four_notices():
    """None was dropped on the way: 381 promises, each with an id of its own."""
    assert len({promise.id for promise in facts.promises()}) == 381


def test_every_promise_kept_by_a_control_has_a_test():
    """A control alone is not believed: a test shows that it would be noticed missing."""
    tested = {one.promise for one in marked() if not one.is_partly}
    assert sorted(set(KEPT) - tested) == []


def test_every_control_named_is_there():
    """A promise cannot be kept by a control that nobody wrote."""
    named = {name for keeping in KEPT.values() for name in keeping.kept_by}
    assert sorted(named - set(all_controls())) == []


def test_every_control_keeps_a_promise():
    """A control that no promise needs is not looked at for show."""
    named = {name for keeping in KEPT.values() for name in keeping.kept_by}
    assert sorted(set(all_controls()) - named) == []


def test_tests_are_marked_only_with_promises_that_are_kept():
    """A test cannot claim a promise that is unknown, awaited or only written; `keeps_partly` says a piece is."""
    kept = [one for one in marked() if not one.is_partly]
    assert sorted({(one.promise, one.test) for one in kept if one.promise not in KEPT}) == []


def test_partial_marks_name_promises_that_are_awaited():
    """`keeps_partly` is for a promise whose part is not built yet."""
    awaited = {keeping.id for keeping in facts.keepings() if keeping.awaiting}
    partly = [one for one in marked() if one.is_partly]
    assert sorted({(one.promise, one.test) for one in partly if one.promise not in awaited}) == []


def test_every_marked_test_asserts_and_is_run():
    """A promise test that asserts nothing, is skipped, expected to fail, or says nothing, proves nothing."""
    empty = [one.test for one in marked() if not one.asserts or one.is_skipped or not one.says]
    assert empty == []


def test_every_promise_for_documents_is_in_writing_or_kept():
    """What only a document or a paragraph can hold is never called awaited."""
    for_paper = {promise.id for promise in facts.promises() if promise.level in {"text", "evidence"}}
    assert sorted(keeping.id for keeping in facts.keepings() if keeping.id in for_paper and keeping.awaiting) == []


def test_the_reference_page_says_what_the_ledger_says():
    """Who reads the documentation reads the same: `python -m tests.promises.reference` writes it anew."""
    assert PAGE.read_text(encoding="utf-8") == page()


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (Keeping("L1-001", ("a",), area="x"), None),
        (Keeping("L1-001", ("a",), awaiting="invoices", area="x"), "exactly one"),
        (Keeping("L1-001", area="x"), "exactly one"),
        (Keeping("L1-001", awaiting="magic", area="x"), "not known: magic"),
        (Keeping("L1-009", ("a",), area="x"), "is no promise"),
        (Keeping("L1-001", ("a",), area="y"), "of the area x"),
    ],
)
def test_a_wrong_line_is_named(line, fault):
    """The ledger itself is checked: each kind of wrong line is found, and a right one is not."""
    promise = Promise("L1-001", "n", "1", "s", "k", "x", "auto", "t", "o")
    found = faults((promise,), (line,))
    assert any(fault in one for one in found) if fault else found == ()


def test_a_promise_in_two_lines_is_named():
    """Two lines for one promise could say two things."""
    promise = Promise("L1-001", "n", "1", "s", "k", "x", "auto", "t", "o")
    assert faults((promise,), (Keeping("L1-001", ("a",), area="x"),) * 2) == ("L1-001 is kept in two lines",)
