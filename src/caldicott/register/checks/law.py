"""The words of law: statutes, retention classes, purposes, section 251."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.facts import governance
from caldicott.register.checks.finding import Finding, did_you_mean, firm, in_activity
from caldicott.vocabulary.terms import ConfidentialityKind, InstrumentKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.register.model import Register
    from caldicott.register.places import Path


def statutes(register: Register) -> Iterator[Finding]:
    """A citation is one of the controlled list; a known wrong one says what to cite instead (conflict 9)."""
    listed = {row["citation"]: row for row in governance.table("statutes")}
    known = [citation for citation, row in listed.items() if row["status"] == "known"]
    for activity in register.activities:
        for index, basis in enumerate(activity.data_protection_basis or ()):
            for position, citation in enumerate(basis.statutes):
                path: Path = ("data_protection_basis", index, "statutes", position)
                # A part or section of a listed Act is listed too: `NHS Act 2006, section 251`.
                row = listed.get(citation) or listed.get(citation.split(", ")[0])
                if row is None:
                    what, next_step = f"`{citation}` is not in the list of statutes", did_you_mean(citation, known)
                    yield Finding(in_activity(activity), path, what, next_step, "unknown-statute", firm(register))
                elif row["status"] == "wrong":
                    what = f"`{citation}` is a wrong citation: {row['note']}"
                    next_step = f"cite `{row['cite_instead']}`, and keep the old words in `quote`"
                    yield Finding(in_activity(activity), path, what, next_step, "wrong-statute", firm(register))


def retention_classes(register: Register) -> Iterator[Finding]:
    """A retention class is one of the records code's."""
    known = governance.column("retention_classes", "record_class")
    for activity in register.activities:
        named = activity.retention.retention_class if activity.retention else None
        if named is not None and named not in known:
            what, next_step = f"`{named}` is not a known record class", did_you_mean(named, sorted(known))
            path: Path = ("retention", "retention_class")
            yield Finding(in_activity(activity), path, what, next_step, "unknown-retention-class", firm(register))


def purposes(register: Register) -> Iterator[Finding]:
    """A purpose is one of the closed tree."""
    known = governance.column("purposes", "code")
    for activity in register.activities:
        if activity.purpose is not None and activity.purpose not in known:
            what, next_step = (
                f"`{activity.purpose}` is not a purpose of the tree",
                did_you_mean(activity.purpose, sorted(known)),
            )
            yield Finding(in_activity(activity), ("purpose",), what, next_step, "unknown-purpose", firm(register))


def section_251(register: Register) -> Iterator[Finding]:
    """A basis of section 251 leans on an approval under section 251 and on nothing else."""
    for activity in register.activities:
        basis = activity.confidentiality_basis
        if basis is None or basis.kind is not ConfidentialityKind.S251 or basis.instrument is None:
            continue
        instrument = register.instrument(basis.instrument)
        if instrument is not None and instrument.kind is not InstrumentKind.S251_APPROVAL:
            what = f"`{instrument.id}` is a {instrument.kind}, not an approval under section 251"
            next_step = "name the s251_approval that lifts the duty of confidence"
            path: Path = ("confidentiality_basis", "instrument")
            yield Finding(in_activity(activity), path, what, next_step, "s251-without-approval")


def unpublished(register: Register) -> Iterator[Finding]:
    """What is not in the notice says why."""
    for activity in register.activities:
        publication = activity.publication
        if publication is not None and not publication.in_notice and not publication.withheld_reason:
            what, path = "it is not in the notice and no reason is given", ("publication", "withheld_reason")
            yield Finding(
                in_activity(activity), path, what, "publish it, or write withheld_reason", "withheld-without-reason"
            )
