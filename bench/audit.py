"""How fast the audit log appends and verifies. Run: `python bench/audit.py [entries]`."""

import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from caldicott.audit import AuditEntry
from caldicott.stores.audit_log import AuditLog, verify

KEY = bytes(range(32))
AT = datetime(2026, 5, 1, 6, tzinfo=UTC)


def make_entry(number: int) -> AuditEntry:
    return AuditEntry(
        at=AT,
        act_id=f"act-{number}",
        actor="analyst-7",
        role="commissioning_analyst",
        organisation="example-icb",
        event="decision",
        outcome="permit",
        activity="commissioning-planning",
        dataset="sus-apc",
        format="pseudonymised",
        register_digest="ab" * 32,
        reasons=("role commissioning_analyst may see up to pseudonymised",),
        counts={"rows": number},
        references=("dars-dsa", "550e8400-e29b-41d4-a716-446655440000"),
    )


def row(name: str, value: float, unit: str, target: float | None) -> dict:
    return {"name": name, "value": round(value, 2), "unit": unit, "target": target}


def timed(act) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def append_rate(folder: Path, entries: int, group: int) -> tuple[float, float]:
    """Events a second from values to durable, making the entries included; and the median commit in milliseconds."""
    log = AuditLog(folder, KEY)
    start = time.perf_counter()
    commits = []
    for first in range(0, entries, group):
        batch = [make_entry(number) for number in range(first, first + group)]
        commits.append(timed(lambda batch=batch: log.append_many(batch)))
    return entries / (time.perf_counter() - start), sorted(commits)[len(commits) // 2] * 1000


def measure(entries: int = 200_000) -> list[dict]:
    rows = []
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent) as place:  # the disk of the checkout, not a memory disk
        for group, total, target in (
            (1, 5_000, None),
            (10, 20_000, None),
            (100, 50_000, 5_000),
            (1_000, entries, 5_000),
        ):
            folder = Path(place) / str(group)
            rate, commit = append_rate(folder, total, group)
            rows.append(row(f"audit append, groups of {group}", rate, "entries/s", target))
            rows.append(row(f"audit commit, groups of {group}", commit, "ms (median)", None))
            seconds = timed(lambda folder=folder: [verify(folder)])
            rows.append(
                row(
                    f"audit verify, {total} in groups of {group}",
                    total / seconds,
                    "entries/s",
                    100_000 if group >= 100 else None,
                )
            )
            rows.append(
                row(f"audit open, {total}", timed(lambda folder=folder: AuditLog(folder, KEY)) * 1000, "ms", None)
            )
        log = AuditLog(folder, KEY)
        rows.append(
            row(f"audit contains_act first time, {total}", timed(lambda: log.contains_act("x")) * 1000, "ms", None)
        )
        report = verify(folder, checkpoint=log.checkpoint)
        assert report.ok, report.findings
        assert report.size == entries
    return rows


if __name__ == "__main__":
    for line in measure(*map(int, sys.argv[1:])):
        print(f"{line['name']:<45} {line['value']:>14,.2f} {line['unit']:<12} target {line['target'] or '-'}")
