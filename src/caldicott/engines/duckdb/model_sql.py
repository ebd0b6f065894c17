"""A model as one SQL expression: the sum of its terms, and the probability that follows.

Numbers are written with an exponent, for DuckDB takes `0.1` as a decimal and
`0.1e0` as the double that the model was fitted with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.engines.duckdb.connection import quoted
from caldicott.stratification.model.form import Hinges, Node, Steps, Tree

if TYPE_CHECKING:
    from caldicott.stratification.model.form import Model, Term


def probability_of(model: Model, controller: str) -> str:
    """The calibrated probability of the row's person."""
    calibrated = f"{_number(model.slope)} * ({sum_of(model)}) + {_number(model.shift(controller))}"
    return f"(1e0 / (1e0 + exp(-({calibrated}))))"


def sum_of(model: Model) -> str:
    """The sum of the terms, not calibrated."""
    return " + ".join([_number(model.intercept), *(adds_of(term) for term in model.terms)])


def adds_of(term: Term) -> str:
    """What one term adds."""
    match term:
        case Hinges():
            return _hinges(term)
        case Steps():
            return _steps(term)
        case Tree():
            return _node(term.root)


def _hinges(term: Hinges) -> str:
    name = quoted(term.feature)
    capped = f"least({name}, {_number(term.most)})"
    parts = [
        f"{_number(weight)} * greatest({capped} - {_number(knot)}, 0e0)"
        for knot, weight in zip(term.knots, term.weights, strict=True)
        if weight
    ]
    if not parts:
        return f"(CASE WHEN {name} IS NULL THEN {_number(term.missing)} ELSE 0e0 END)" if term.missing else "0e0"
    # NULL is skipped by least and greatest, so it is asked for first.
    return f"(CASE WHEN {name} IS NULL THEN {_number(term.missing)} ELSE {' + '.join(parts)} END)"


def _steps(term: Steps) -> str:
    """The halves of the staircase again and again: a number passes as many forks as the cuts have doublings."""
    name = quoted(term.feature)
    ladder = _ladder(name, term.cuts, term.values)
    return f"(CASE WHEN {name} IS NULL THEN {_number(term.missing)} ELSE {ladder} END)"


def _ladder(name: str, cuts: tuple[float, ...], values: tuple[float, ...]) -> str:
    if not cuts:
        return _number(values[0])
    middle = len(cuts) // 2
    low = _ladder(name, cuts[:middle], values[: middle + 1])
    high = _ladder(name, cuts[middle + 1 :], values[middle + 1 :])
    return f"CASE WHEN {name} < {_number(cuts[middle])} THEN {low} ELSE {high} END"


def _node(node: Node | float) -> str:
    if isinstance(node, (int, float)):
        return _number(float(node))
    name = quoted(node.feature)
    goes_left = f"{name} <= {_number(node.cut)}"
    goes_left = f"({name} IS NULL OR {goes_left})" if node.missing_left else f"({name} IS NOT NULL AND {goes_left})"
    return f"(CASE WHEN {goes_left} THEN {_node(node.left)} ELSE {_node(node.right)} END)"


def _number(value: float) -> str:
    written = f"{value!r}"
    return f"({written if 'e' in written else written + 'e0'})"
