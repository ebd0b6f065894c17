"""The words of the report and of the table."""

from datetime import UTC, datetime

import pytest

from caldicott.audit import HEADINGS, AuditEntry, Finding, VerifyReport, render
from caldicott.audit.differences import differences
from caldicott.audit.report import name_entries, runs

A, B, C, D, X = (bytes([number]) for number in (1, 2, 3, 4, 99))
FINDING = Finding(code="c", what="it is gone", where="log, entry 3", next_step="restore it", first=3, last=3)


@pytest.mark.parametrize(
    ("found", "written", "expected"),
    [
        ([A, B], [A, B], []),
        ([A, X, C], [A, B, C], [("audit-entry-altered", 1, 1)]),
        ([A, C], [A, B, C], [("audit-entry-removed", 1, 1)]),
        ([A, D], [A, B, C, D], [("audit-entry-removed", 1, 2)]),
        ([A, X, B], [A, B], [("audit-entry-inserted", 1, 1)]),
        ([A, C, B, D], [A, B, C, D], [("audit-entry-moved", 1, 2)]),
        ([A, B, A], [A, B], [("audit-entry-inserted", 2, 2)]),
        ([A, B], [A, A, B], [("audit-entry-removed", 1, 1)]),
        ([X, X, C], [A, B, C], [("audit-entry-altered", 0, 1)]),
    ],
)
def test_the_kind_and_place_of_a_difference(found, written, expected):
    assert [(finding.code, finding.first, finding.last) for finding in differences(found, written)] == expected


def test_a_finding_is_a_sentence_with_place_and_next_step():
    assert str(FINDING) == "log, entry 3: it is gone. Next: restore it (c)"


def test_the_report_names_the_first_bad_entry():
    report = VerifyReport(
        size=9, root=b"\0", checkpoint_at=datetime(2026, 5, 1, tzinfo=UTC), covered_outside=4, findings=(FINDING,)
    )
    assert (report.ok, report.first_bad) == (False, 3)
    assert report.as_record()["findings"][0]["where"] == "log, entry 3"
    assert report.as_record()["root"] == "AA=="


def test_runs_and_names():
    assert list(runs([1, 2, 3, 7, 9, 10])) == [(1, 3), (7, 7), (9, 10)]
    assert list(runs([])) == []
    assert (name_entries(3, 3), name_entries(3, 5)) == ("entry 3", "entries 3 to 5")


def test_the_table_has_a_row_an_entry():
    entry = AuditEntry(
        at=datetime(2026, 5, 1, 6, tzinfo=UTC),
        act_id="act-1",
        actor="analyst-7",
        role="commissioning_analyst",
        organisation="example-icb",
        event="export",
        outcome="done",
        activity="commissioning-planning",
        reasons=("ceiling pseudonymised", "dars-dsa is live"),
        counts={"rows": 1200, "files": 2},
    )
    assert list(render([entry])) == [
        (
            "2026-05-01 06:00:00",
            "analyst-7 (commissioning_analyst, example-icb)",
            "export commissioning-planning",
            "done",
            "ceiling pseudonymised; dars-dsa is live",
            "files 2, rows 1,200",
        )
    ]
    assert len(HEADINGS) == len(next(render([entry])))
