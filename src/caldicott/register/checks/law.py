"""The words of law: statutes, retention classes, purposes, section 251."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.facts import governance
from caldicott.register import words
from caldicott.register.checks.finding import Finding, did_you_mean, firm, in_activity
from caldicott.vocabulary.terms import ConfidentialityKind, InstrumentKind, Regime

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.register.model import DataProtectionBasis, Register
    from caldicott.register.places import Path

_ALL_CONDITIONS = frozenset(range(1, 38)) - {5}
_CONDITIONS_OF = {
    "A9-2-b": frozenset({1}),
    "A9-2-g": frozenset(range(6, 29)),
    "A9-2-h": frozenset({2}),
    "A9-2-i": frozenset({3}),
    "A9-2-j": frozenset({4}),
}
"""Which conditions of DPA 2018 schedule 1 complete which point of Article 9 [DPA 2018 section 10]."""


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


def bases(register: Register) -> Iterator[Finding]:
    """A basis is one that the law knows, for a body of this kind, under this regime."""
    for activity in register.activities:
        for index, basis in enumerate(activity.data_protection_basis or ()):
            for key, what, next_step in _against_law(basis, register):
                path: Path = ("data_protection_basis", index, key)
                yield Finding(in_activity(activity), path, what, next_step, "basis-not-in-law", firm(register))


def _against_law(basis: DataProtectionBasis, register: Register) -> Iterator[tuple[str, str, str]]:
    regime = register.controller.regime
    if basis.article6 == "A6-1-ea" and regime is not Regime.UK_GDPR_DPA2018_DUAA2025:
        what = f"Article 6(1)(ea) came with the Data (Use and Access) Act 2025; the register is under {regime}"
        yield "article6", what, "name a basis of the law of that time"
    if basis.article6 == "A6-1-f":
        what = "Article 6(1)(f), legitimate interests, is not open to a public authority in its tasks"
        yield "article6", what, "name the task in law, A6-1-e, or the duty, A6-1-c"
    known = _CONDITIONS_OF.get(basis.article9 or "", _ALL_CONDITIONS)
    for number in basis.dpa_schedule1:
        if number not in _ALL_CONDITIONS:
            what = f"schedule 1 of the Data Protection Act 2018 has no paragraph {number} that is a condition"
            yield "dpa_schedule1", what, "its conditions are paragraphs 1 to 37 but not 5"
    if basis.dpa_schedule1 and not known & set(basis.dpa_schedule1):
        wanted = ", ".join(str(number) for number in sorted(known))
        numbers = ", ".join(str(number) for number in basis.dpa_schedule1)
        what = f"{basis.article9} is not completed by paragraph {numbers} of schedule 1"
        yield "dpa_schedule1", what, f"name one of its own conditions ({wanted}), or the other basis of Article 9"


def retention_of_class(register: Register) -> Iterator[Finding]:
    """Nothing is kept shorter than its record class says, nor for two terms under one class."""
    least = {row["record_class"]: row["minimum"] for row in governance.table("retention_classes")}
    stated: dict[str, tuple[str, str]] = {}
    path: Path = ("retention", "minimum")
    for activity in register.activities:
        kept = activity.retention
        if kept is None:
            continue
        at_least = least.get(kept.retention_class, "")
        if words.longer(at_least, kept.minimum) == "narrows":
            what = f"it is kept for {kept.minimum}, but `{kept.retention_class}` for at least {at_least}"
            next_step = "write the term of the class, or name the class that is meant"
            yield Finding(in_activity(activity), path, what, next_step, "retention-below-class", firm(register))
        other, minimum = stated.setdefault(kept.retention_class, (activity.id, kept.minimum))
        if words.longer(minimum, kept.minimum) != "neither":
            what = f"`{kept.retention_class}` is kept for {kept.minimum} here and for {minimum} in `{other}`"
            next_step = "write one term in both, or name another class in one of them"
            yield Finding(in_activity(activity), path, what, next_step, "retention-contradicts", firm(register))


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
