"""Which scores there are, and choosing among them by name."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING

from caldicott.facts import scores as facts
from caldicott.stratification.reading import parse_toml
from caldicott.vocabulary.errors import WrongUsage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from caldicott.stratification.score import Score


@dataclass(frozen=True, slots=True)
class NotHere:
    """A score that cannot be computed here. Where `external`, a value made elsewhere can be passed through."""

    name: str
    title: str
    reason: str
    disclaimer: str
    external: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """What was asked for: scores in the order of computing, and which names the answer has columns for."""

    to_compute: tuple[Score, ...]
    asked: tuple[str, ...]
    external: tuple[NotHere, ...] = ()


@cache
def shipped() -> Mapping[str, Score]:
    """Every score that ships."""
    return {
        name: parse_toml(facts.score_text(name), f"facts/scores/shipped/{name}.toml", facts.table_text)
        for name in facts.shipped()
    }


@cache
def not_here() -> Mapping[str, NotHere]:
    """Every score people ask for that cannot be computed here."""
    entries = tomllib.loads(facts.not_here_text())
    return {name: NotHere(name=name, **entry) for name, entry in entries.items()}


def choose(names: Iterable[str], *, own: Mapping[str, Score], external: frozenset[str] = frozenset()) -> Choice:
    """The scores of those names and what they are made of. `external`: names whose values the caller brings.

    Raises:
        WrongUsage: an unknown name, one that cannot be computed here, or one whose codes were not loaded.
    """
    known = {**shipped(), **own}
    asked = tuple(dict.fromkeys(names))
    passed = tuple(not_here()[name] for name in asked if name in external and name in not_here())
    computed = [name for name in asked if name not in {entry.name for entry in passed}]
    ordered: dict[str, Score] = {}
    for name in computed:
        _gather(name, known, ordered, ())
    return Choice(tuple(ordered.values()), asked, passed)


def _gather(name: str, known: Mapping[str, Score], ordered: dict[str, Score], path: tuple[str, ...]) -> None:
    """Puts the score behind all its parts."""
    if name in ordered:
        return
    if name in path:
        raise WrongUsage(
            f"the score '{name}' is made of itself",
            code="score-circular",
            where="--table",
            next_step="take the circle out of the tables",
        )
    score = _find(name, known)
    for part in sorted(score.parts):
        _gather(part, known, ordered, (*path, name))
    ordered[name] = score


def _find(name: str, known: Mapping[str, Score]) -> Score:
    if name in known and not known[name].needs_code_set:
        return known[name]
    if name in known:
        raise WrongUsage(
            f"the code sets of '{name}' do not ship: {known[name].licence}",
            code="score-needs-code-set",
            where="--score",
            next_step=f"load them with --codes-for {name}=FILE, a CSV of group, code ({known[name].needs_code_set})",
        )
    if name in not_here():
        raise _not_here(not_here()[name])
    raise _unknown(name, (*known, *not_here()))


def _not_here(entry: NotHere) -> WrongUsage:
    step = (
        "if you have its values, bring them with --external FILE (person_id, score, value, version)"
        if entry.external
        else "use another score; `caldicott score --list` names them"
    )
    return WrongUsage(
        f"'{entry.name}' cannot be computed here: {entry.reason}",
        code="score-not-here",
        where="--score",
        next_step=step,
    )


def _unknown(name: str, known: Iterable[str]) -> WrongUsage:
    near = get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    meant = f"did you mean '{near[0]}'? " if near else ""
    return WrongUsage(
        f"no score is called '{name[:60]}'",
        code="score-unknown",
        where="--score",
        next_step=f"{meant}`caldicott score --list` names them all",
    )
