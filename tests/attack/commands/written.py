"""The table as a page that somebody reads: a line for each verb, place and kind of role, with what each lapse does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attack.commands.lapses import NOW

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HEAD: Final = """# Who gets what from the command line, and what closes each door

Made by test_command_matrix.py from real calls; do not edit. A verb, at a place, for the roles named: what is said while
everything holds, and what is said instead when one kind of document has ended, when everything has, and when the
register has a rule for nobody. *own*: of the practice whose patients are asked for. *other*: of another practice.
*federated*: of its federation. *board*: of the board. *yes, x*: let in, and then something else stood in the way.
*in part no*: some datasets are given and others not, for these reasons.

| verb | place | roles | while everything holds | and otherwise |
| --- | --- | --- | --- | --- |
"""
Key = tuple[str, str, str, str]


def written(cells: Mapping[Key, str], every_role: Sequence[str]) -> str:
    """Every cell; roles that are told the same in every state stand in one line."""
    lines: dict[tuple[str, str, tuple[tuple[str, str], ...]], list[str]] = {}
    rows: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    for (verb, role, place, state), said in cells.items():
        rows.setdefault((verb, place, role), []).append((state, said))
    for (verb, place, role), said_by_state in rows.items():
        lines.setdefault((verb, place, tuple(said_by_state)), []).append(role)
    made = [
        f"| {verb} | {place} | {_roles(roles, every_role)} | {dict(said)[NOW]} | {_otherwise(said)} |"
        for (verb, place, said), roles in lines.items()
    ]
    return HEAD + "\n".join(made) + "\n"


def _roles(roles: Sequence[str], every_role: Sequence[str]) -> str:
    others = [one for one in every_role if one not in roles]
    if not others:
        return "every role"
    return ", ".join(roles) if len(roles) <= len(others) else f"every role but {', '.join(others)}"


def _otherwise(said: Sequence[tuple[str, str]]) -> str:
    """States by what is said in them, in the order in which they are first met; what is as now is not repeated."""
    now = dict(said)[NOW]
    by_words: dict[str, list[str]] = {}
    for state, words in said:
        if state != NOW:
            by_words.setdefault("the same" if words == now else words, []).append(state.removesuffix(" ended"))
    return "; ".join(f"{words} ({', '.join(where)})" for words, where in by_words.items())
