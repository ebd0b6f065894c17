"""A small town of invented people, each with values nobody else has, and every way of objecting among them.

Landed, run for both activities that make codes, and exported for every role
that is given something: the whole of what leaves the safe haven, small enough
to be made anew for every mutation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import people
from attack.canaries import canaries, row
from caldicott.facts.layout import load
from caldicott.operations.verify.verifying import verify
from caldicott.vocabulary.errors import CaldicottError
from caldicott.vocabulary.terms import Role
from stage import PLANNING, RISK, Stage

if TYPE_CHECKING:
    from pathlib import Path

    from attack.canaries import Canary
    from caldicott.operations.verify.verifying import Report

MONTHS = ("2025-06", "2025-07", "2025-08")
OBJECTORS = {
    "type 1": 0, "type 1, taken back": 1, "no risk score": 2, "not even with a code": 3, "type 2 in time": 4,
    "national opt-out": 5, "risk, taken back": 6, "no research": 7,
    "type 2 a day too late": 8,
}  # fmt: skip
"""Who of the town said what; everybody else said nothing."""
_CODES = [
    ("type 1", "827241000000103", "2020-01-01"), ("type 1, taken back", "827241000000103", "2020-01-01"),
    ("type 1, taken back", "827261000000102", "2021-01-01"), ("no risk score", "LOCAL-RISK-DISSENT", "2025-01-01"),
    ("not even with a code", "LOCAL-DEIDENTIFIED-DISSENT", "2025-01-01"),
    ("type 2 in time", "881561000000100", "2018-10-11"), ("risk, taken back", "LOCAL-RISK-DISSENT", "2025-01-01"),
    ("risk, taken back", "LOCAL-RISK-WITHDRAWN", "2025-02-01"), ("no research", "LOCAL-RESEARCH-DISSENT", "2025-01-01"),
    ("type 2 a day too late", "881561000000100", "2018-10-12"),
]  # fmt: skip
MARKS = {"sus-apc": "provider_reference", "gp-patients": "organisation_id"}
"""The column of a mart that tells these tests whose row it is, since nothing else there does."""


@dataclass
class Town:
    """The people, their store, and what was given out of it."""

    stage: Stage
    everybody: list[Canary]
    runs: dict[str, Any] = field(default_factory=dict)
    exports: dict[tuple[str, str], Path] = field(default_factory=dict)
    """Role and activity to the folder received; a role that is refused has none."""
    refused: list[tuple[str, str]] = field(default_factory=list)

    def met(self, dataset: str, activity: str = PLANNING) -> set[int]:
        """Whose rows are in the mart."""
        return {int(one[MARKS[dataset]].split("-")[0]) for one in self.stage.mart(dataset, activity)}

    def codes(self, dataset: str, activity: str = PLANNING) -> dict[int, set[str]]:
        """Each person's codes in the mart."""
        found: dict[int, set[str]] = {}
        for one in self.stage.mart(dataset, activity):
            found.setdefault(int(one[MARKS[dataset]].split("-")[0]), set()).add(one["person_token"])
        return found

    def verified(self) -> Report:
        """What `verify` says of it."""
        with self.stage.house() as house:
            return verify(house, exports=self.exports.values())


def build(stage: Stage, *, count: int = 20) -> Town:
    """The town as everybody's senders and the commands make it."""
    town = Town(stage, canaries(count))
    stage.codes_answered = False  # the town sends its own codes
    _send(stage, town.everybody)
    town.stage.land()
    for activity in (PLANNING, RISK):
        town.runs[activity] = stage.run(activity)
    for activity in (PLANNING, RISK):
        for role in Role:
            _export(town, role.value, activity)
    return town


def as_invented(canary: Canary) -> people.Invented:
    """The same person as tests/people writes them."""
    return people.Invented(canary["number"], canary["born"], canary["family"], canary["given"], canary["postcode"])


def _send(stage: Stage, everybody: list[Canary]) -> None:
    hospital, practice = load("ncdr-sus-apc"), load("emis-patients")
    episodes = [
        {**row(hospital, one, nth), "Provider_Reference_Number": f"{one.place:02d}-{nth}", **_on(month)}
        for one in everybody
        for nth, month in enumerate(MONTHS)
    ]
    stage.send("ncdr-sus-apc", [*episodes, _wrong_number(everybody[-1])], name="hospital")
    rows = [{**row(practice, one), "OrganisationGuid": f"{one.place:02d}-p"} for one in everybody]
    stage.send("emis-patients", rows, name="practice", sender="0CX")
    stage.send("csds-care-contact", [row(load("csds-care-contact"), one) for one in everybody[8:]], name="community",
               sender="RZC", purposes=people.PLANNING)  # fmt: skip
    codes = [
        people.objection(as_invented(everybody[OBJECTORS[who]]), f"code-{place}", code, on)
        for place, (who, code, on) in enumerate(_CODES)
    ]
    stage.send("emis-objections", codes, name="objections", sender="0CX")
    out = OBJECTORS["national opt-out"]
    stage.answer([as_invented(one) for one in everybody if one.place != out], name="national-answer")


def _on(month: str) -> dict[str, str]:
    return {"Episode_Start_Date": f"{month}-11", "Episode_End_Date": f"{month}-12"}


def _wrong_number(canary: Canary) -> dict[str, str]:
    """A row that must be held back: its number fails the check digit."""
    wrong = {"NHS_Number": canary["number_broken"], "Provider_Reference_Number": "99-9"}
    return {**row(load("ncdr-sus-apc"), canary, 9), **wrong, **_on(MONTHS[0])}


def _export(town: Town, role: str, activity: str) -> None:
    try:
        town.stage.export(role, f"for-{activity}-{role}", activity=activity)
    except CaldicottError:
        town.refused.append((role, activity))
    else:
        town.exports[role, activity] = town.stage.root / f"for-{activity}-{role}"
