"""Who is responsible for paying: the rules in their order, the first that answers decides [Who Pays; SI 2022/635].

The special rules are asked before the general ones (practice, then residence,
then where treated), because a special rule exists to set the general one aside.
This is the reference that the engine's set-based SQL is compared with.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from caldicott.facts import invoices as facts

if TYPE_CHECKING:
    from datetime import date

    from caldicott.invoices.reference import Reference


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known of one patient and one unit of care. All of it is dated by `at`."""

    at: date
    provider: str
    practice: str = ""
    outward_postcode: str = ""
    rule: str = ""
    """A special circumstance that the provider states: specialised, detained, looked-after ..."""
    fixed_commissioner: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """Who was responsible that day, by which rule, and who has taken over since."""

    rule: str
    commissioner: str | None = None
    today: str | None = None


def responsible(case: Circumstances, reference: Reference, *, today: date) -> Answer:
    """The commissioner on the day of the care; a rule that cannot answer passes on to the next general rule."""
    if case.rule and case.rule not in special_rules():
        return Answer("none")  # a rule nobody knows is not taken for none
    for row in facts.listed("responsibility"):
        if row["code"] and row["code"] != case.rule:
            continue
        found = _by(row["how"], case, reference)
        if found is not None:
            return Answer(row["rule"], found, successor(found, reference, today=today))
        if row["code"]:
            # A special rule that was claimed but names nobody is not replaced by a guess.
            return Answer(row["rule"])
    return Answer("none")


def special_rules() -> dict[str, str]:
    """The codes a provider may state, each with how it is answered."""
    return {row["code"]: row["how"] for row in facts.listed("responsibility") if row["code"]}


def successor(commissioner: str, reference: Reference, *, today: date) -> str:
    """Who answers today for a commissioner that has ended; itself if it has not."""
    seen = {commissioner}
    while True:
        ended = [
            row["succeeded_by"]
            for row in reference.rows("commissioners")
            if row["commissioner"] == commissioner and row["valid_to"] < today and row["succeeded_by"]
        ]
        if not ended or ended[0] in seen:
            return commissioner
        commissioner = ended[0]
        seen.add(commissioner)


def _by(how: str, case: Circumstances, reference: Reference) -> str | None:
    if how == "national":
        return str(facts.rules()["nationally_commissioned_by"])
    if how == "fixed":
        known = reference.on("commissioners", case.at, commissioner=case.fixed_commissioner)
        return case.fixed_commissioner if known else None
    if how == "practice":
        return _named(reference.on("practices", case.at, practice=case.practice), "commissioner")
    if how == "residence":
        return _of_residence(case, reference)
    return _named(reference.on("providers", case.at, provider=case.provider), "treated_in")


def _of_residence(case: Circumstances, reference: Reference) -> str | None:
    """By the district of the postcode, or by its area where the district has no row of its own."""
    letters = re.match("[A-Z]{1,2}", case.outward_postcode)
    for code in (case.outward_postcode, letters[0] if letters else ""):
        found = _named(reference.on("residence", case.at, outward_postcode=code), "commissioner")
        if code and found is not None:
            return found
    return None


def _named(row: dict[str, str] | None, column: str) -> str | None:
    return None if row is None else row[column]
