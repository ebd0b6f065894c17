"""Formats: everything has one of four, and is in the one it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.facts.layout import IdentityKind, load
from caldicott.operations.verify.control import Control, Finding, broken, kept
from caldicott.operations.verify.controls.access import shown
from caldicott.vocabulary.formats import DataFormat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.operations.verify.evidence import Evidence


def _one_format_each(evidence: Evidence) -> Finding:
    named = list(_formats_named(evidence))
    wrong = [where for where, form in named if form not in set(DataFormat)]
    for record in evidence.submissions:
        named.append((record.id, record.format))
        telling = load(record.layout).identity_kind is IdentityKind.NHS_NUMBER
        wrong += [record.id] if telling and record.format != DataFormat.IDENTIFIABLE else []
    if wrong:
        return broken(f"no format of the closed list, or another than the records are in: {shown(wrong)}")
    return kept(f"{len(named)} flows, rules, recipients and submissions, each with one of the four formats")


def _formats_named(evidence: Evidence) -> Iterator[tuple[str, str | None]]:
    for entry in evidence.register.activities:
        yield entry.id, entry.format_in
        yield from ((f"{entry.id}/{flow.id}", flow.format) for flow in entry.flows or ())
        yield from ((f"{entry.id}/{rule.role}", rule.ceiling) for rule in entry.roles or ())
        yield from ((f"{entry.id}/{one.recipient}", one.format) for one in entry.recipients or ())


CONTROLS = (Control("one-format-each", "Everything has one of four formats.", _one_format_each),)
