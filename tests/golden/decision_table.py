"""Writes the decision tables a reviewer reads: `python -m tests.golden.decision_table`.

One section an activity; one row for each role, action and datasets with the
same answers; a cell is `permit` or the codes of everything in the way.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tests.golden.held_registers import SHOWN_ON, held, names

from caldicott.policy.decide import decide
from caldicott.policy.decision import Permit, Request
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import Role

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from caldicott.register.model import ProcessingActivity, Register

HERE = Path(__file__).resolve().parent
_NOBODY = "nobody"
_HEAD = "| role | action | dataset | " + " | ".join(DataFormat) + " |\n|" + " --- |" * (3 + len(DataFormat))


def table(name: str, register: Register) -> str:
    """The whole page of one register."""
    at = SHOWN_ON[name]
    sections = [_section(entry, register, at) for entry in sorted(register.activities, key=lambda entry: entry.id)]
    head = (
        f"# Decisions of {name} on {at}\n\n"
        "Written by `python -m tests.golden.decision_table`; do not edit. No organisation, relationship or identifier\n"
        "is stated. The codes are explained in docs/reference/decisions.md.\n"
    )
    return "\n".join([head, *sections])


def _section(entry: ProcessingActivity, register: Register, at: date) -> str:
    roles_by_answer: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for asked in _questions(entry):
        answer = (asked.action, asked.dataset, _cells(asked, register, at))
        roles_by_answer.setdefault(answer, []).append(asked.role)
    datasets_by_answer: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for (action, dataset, cells), roles in roles_by_answer.items():
        datasets_by_answer.setdefault((", ".join(dict.fromkeys(roles)), action, cells), []).append(dataset)
    lines = [f"## {entry.id}\n", _HEAD]
    for (roles, action, cells), datasets in datasets_by_answer.items():
        lines.append(f"| {roles} | {action} | {', '.join(datasets)} | {' | '.join(cells)} |")
    return "\n".join(lines).replace(_NOBODY, "any role without a rule here") + "\n"


def _questions(entry: ProcessingActivity) -> Iterator[Request]:
    """To see, for every role; any other action for the roles that have a rule for it, or the domain's word."""
    rules = entry.roles or ()
    uses = {use.dataset for use in entry.datasets or ()} | {dataset for rule in rules for dataset in rule.datasets}
    named = [role for role in Role if any(rule.role == role for rule in rules)]
    nobody = next(role for role in Role if role not in named)
    for role in (*named, nobody):
        actions = ["see", *sorted({rule.action for rule in rules if rule.role == role} - {"see"})]
        if entry.pseudonym_domain is not None and role in named:
            actions.append("reidentify")
        for action, dataset in itertools.product(actions, sorted(uses) or ["(none)"]):
            yield Request(role if role in named else _NOBODY, entry.id, dataset, "aggregated", action=action)


def _cells(asked: Request, register: Register, at: date) -> tuple[str, ...]:
    """The answers in the four formats; those of a role without a rule must be the same for all such roles."""
    entry = register.activity(asked.activity)
    without = [role for role in Role if not any(rule.role == role for rule in (entry.roles if entry else None) or ())]
    roles = without if asked.role == _NOBODY else [asked.role]
    answers = {
        tuple(_cell(replace(asked, role=role, format=one), register, at) for one in DataFormat) for role in roles
    }
    (only,) = answers
    return only


def _cell(asked: Request, register: Register, at: date) -> str:
    decision = decide(asked, register, at)
    if isinstance(decision, Permit):
        return "**permit**"
    return ", ".join(dict.fromkeys(reason.code for reason in decision.reasons))


if __name__ == "__main__":
    for register_name in names():
        found = held(register_name)
        if found is not None:
            (HERE / f"{register_name}.md").write_text(table(register_name, found), encoding="utf-8")
