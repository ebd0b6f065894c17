"""The audit trail, as an IG officer meets it.

Every act leaves an entry: who asked, for what, under which register, what came
of it and why. An entry never holds anything of a patient's record. A checkpoint
kept outside shows any later change, and where.
"""

from datetime import UTC, datetime

import pytest

from caldicott.audit import HEADINGS, AuditEntry, render
from caldicott.stores.audit_log import AuditLog, read_entries, verify
from caldicott.vocabulary.errors import DoesNotHold

SIGNING_KEY = bytes(range(32))
TRAIL = """
09:00 | analyst-7 (commissioning_analyst, example-icb) | decision commissioning-planning sus-apc identifiable | refusal
09:01 | analyst-7 (commissioning_analyst, example-icb) | decision commissioning-planning sus-apc pseudonymised | permit
09:02 | operator-2 (dscro_operator, example-dscro) | admit commissioning-planning sus-apc identifiable | done
09:03 | operator-2 (dscro_operator, example-dscro) | run risk-stratification | done
09:04 | officer-1 (ig_officer, example-icb) | key-destroyed | done
"""


def read_trail(table):
    for number, line in enumerate(table.strip().splitlines()):
        time, who, what, outcome = (cell.strip() for cell in line.split("|"))
        actor, role, organisation = who.replace("(", "").replace(")", "").replace(",", "").split()
        event, activity, dataset, form = (what.split() + [""] * 3)[:4]
        yield AuditEntry(
            at=datetime(2026, 5, 1, int(time[:2]), int(time[3:]), tzinfo=UTC),
            act_id=f"act-{number}",
            actor=actor,
            role=role,
            organisation=organisation,
            event=event,
            outcome=outcome,
            activity=activity,
            dataset=dataset,
            format=form,
        )


def show(entries):
    rows = [dict(zip(HEADINGS, row, strict=True)) for row in render(entries)]
    return [f"{row['time'][11:16]} | {row['who']} | {row['what']} | {row['outcome']}" for row in rows]


@pytest.fixture
def log(tmp_path):
    log = AuditLog(tmp_path / "audit", SIGNING_KEY, origin="caldicott/audit/example-icb")
    for entry in read_trail(TRAIL):
        log.append(entry)
    return log


def test_what_happened_is_read_back_as_it_was_written(log, tmp_path):
    """Permits and refusals alike, in order."""
    assert show(read_entries(tmp_path / "audit")) == TRAIL.strip().splitlines()
    assert log.size == 5


def test_an_untouched_log_holds_against_the_checkpoint_in_the_mailbox(log, tmp_path):
    """However much was added since the checkpoint was sent."""
    mailed = log.checkpoint
    log.append_many(list(read_trail(TRAIL)))
    report = verify(tmp_path / "audit", checkpoint=mailed)
    assert (report.ok, report.size, report.covered_outside) == (True, 10, 5)


@pytest.mark.parametrize(
    ("changed", "finding"),
    [
        (lambda lines: [*lines[:2], lines[2].replace(b"operator-2", b"operator-3"), *lines[3:]], "log, entry 2"),
        (lambda lines: [*lines[:3], *lines[4:]], "log, entry 3"),
        (lambda lines: [lines[1], lines[0], *lines[2:]], "log, entries 0 to 1"),
        (lambda lines: lines[:2], "log, entries 2 to 4"),
        (lambda lines: [lines[0].replace(b"refusal", b"permit"), *lines[1:]], "log, entry 0"),
    ],
    ids=["another actor", "one removed", "two swapped", "the end cut off", "a refusal turned into a permit"],
)
def test_a_change_is_found_and_its_place_named(log, tmp_path, changed, finding):
    """Entries are counted from 0; each finding says what to do next."""
    entries = tmp_path / "audit" / "entries.jsonl"
    entries.write_bytes(b"".join(changed(entries.read_bytes().splitlines(keepends=True))))
    report = verify(tmp_path / "audit", checkpoint=log.checkpoint)
    assert not report.ok
    assert [each.where for each in report.findings] == [finding]
    assert "report an incident" in report.findings[0].next_step


def test_nothing_of_a_patient_gets_in(log):
    """The act is refused before anything is written; the message does not repeat the number."""
    with pytest.raises(DoesNotHold) as refusal:
        next(read_trail("09:05 | analyst-7 (commissioning_analyst, example-icb) | decision for-999-000-0018 | permit"))
    assert str(refusal.value) == (
        "audit entry, activity: the text holds what looks like an NHS number; no value of a row may enter the audit "
        "trail (audit-entry-identifies). Next: name the thing by its register id, its submission id or a count; "
        "a day the register states is declared in `days`"
    )
    assert log.size == 5
