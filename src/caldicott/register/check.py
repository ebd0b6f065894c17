"""Check a register that can be read: do its parts fit each other, the law's words and the day?

Pure: the day comes in. `check_folder` is the thin reader on top of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from caldicott.register import completeness, parse
from caldicott.register.checks import contracts, dates, flows, formats, law, links, notices, parties, versions
from caldicott.register.checks.finding import Finding, in_activity
from caldicott.register.faults import Fault, errors_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from caldicott.register.faults import Severity
    from caldicott.register.kept import Published
    from caldicott.register.model import Register

CHECKS: tuple[Callable[[Register], Iterable[Finding]], ...] = (
    links.unknown_ids,
    links.instruments_for_others,
    links.datasets_outside,
    links.excluded_datasets,
    links.flows_beyond_the_instrument,
    flows.without_instrument,
    flows.repeated_ids,
    flows.recipients_without_flow,
    formats.ceilings_above_the_source,
    formats.identifiers_without_use,
    formats.shared_domains,
    formats.sources_that_differ_by_objections,
    formats.hollow_objections,
    law.statutes,
    law.bases,
    law.retention_classes,
    law.retention_of_class,
    law.purposes,
    law.section_251,
    law.unpublished,
    parties.member_practices,
    parties.processors,
    parties.due_diligence,
    dates.ahead_of_notice,
    notices.versions,
    dates.backward_periods,
)
DATED_CHECKS: tuple[Callable[[Register, date], Iterable[Finding]], ...] = (
    dates.lapses,
    dates.coming,
    dates.overdue_reviews,
    parties.contacts,
    contracts.processors,
    notices.to_come,
    parties.accreditations,
)
_PART = re.compile(r"[a-z_0-9]+|\[\d+\]")
_ORDER = {"error": 0, "gap": 1, "warning": 2}


def check(
    register: Register, *, at: date, texts: parse.Texts | None = None, published: Sequence[Published] = ()
) -> tuple[Fault, ...]:
    """Every fault on that day, errors first. With the texts each has its line; without, its file only."""
    where = texts or parse.Texts("", {})
    findings = (*_findings(register, at), *versions.unversioned(register, published))
    found = [_fault(finding, where) for finding in findings]
    return tuple(sorted(found, key=lambda fault: (_ORDER[fault.severity], fault.file, fault.line)))


def check_folder(
    path: Path, *, at: date, published: Sequence[Published] = ()
) -> tuple[Register | None, tuple[Fault, ...]]:
    """Read a folder and check it, also against what was published before; no register if it does not hold."""
    register, unread, texts = parse.read_with_texts(path)
    if register is None:
        return None, unread
    faults = (*unread, *check(register, at=at, texts=texts, published=published))
    return (None if errors_of(faults) else register), faults


def _findings(register: Register, at: date) -> Iterator[Finding]:
    yield from _gaps(register)
    for one in CHECKS:
        yield from one(register)
    for dated in DATED_CHECKS:
        yield from dated(register, at)


def _gaps(register: Register) -> Iterator[Finding]:
    for activity in register.activities:
        for gap in completeness.gaps(activity, register):
            what = f"{activity.id} cannot be active: {gap.what}"
            severity: Severity = "error" if register.controller.strict else "gap"
            yield Finding(in_activity(activity), _path(gap.field), what, gap.next_step, "gap", severity)


def _path(field: str) -> tuple[str | int, ...]:
    """`data_protection_basis[1].article6` as the path of a place."""
    return tuple(int(part[1:-1]) - 1 if part[0] == "[" else part for part in _PART.findall(field))


def _fault(finding: Finding, texts: parse.Texts) -> Fault:
    return texts.fault_at(
        finding.file,
        finding.path,
        what=finding.what,
        next_step=finding.next_step,
        severity=finding.severity,
        code=finding.code,
    )
