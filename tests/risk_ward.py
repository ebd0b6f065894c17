"""Three practices with invented people of known histories, scored: what the tests of risk scores stand on."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import people
from caldicott.facts.objections import codes
from caldicott.operations.practice_list import Query, page
from caldicott.operations.reidentify import Reader, reidentify
from stage import RISK, Stage

if TYPE_CHECKING:
    from pathlib import Path

    from caldicott.register.model import Register

CROWD = people.invented(14)
FRAIL, MANY_MEDICINES, TWICE, SICK_LONG_AGO, WELL = CROWD[:5]
RISK_OBJECTOR, TYPE1_OBJECTOR, NATIONAL_OBJECTOR = CROWD[5:8]
OTHERS = CROWD[8:11]
"""Patients of Z80002."""
OUTSIDER = CROWD[11]
"""A patient of Z80009, which is in no federation."""
DEAD, LEFT = CROWD[12:14]

PRACTICE = {person.number: "Z80001" for person in CROWD} | {person.number: "Z80002" for person in OTHERS}
PRACTICE[OUTSIDER.number] = "Z80009"
GP = Reader("gp", "Z80001", "dr-one")
FEDERATION = Reader("gp", "example-federation", "dr-group")


def code_of(scheme: str, *, dissent: bool = True) -> str:
    """A code that refuses (or takes back a refusal) under that scheme."""
    return next(c.code for c in codes() if c.scheme == scheme and c.is_dissent is dissent)


def registered(person: people.Invented, practice: str | None = None, **changes: Any) -> dict[str, Any]:
    """That person on a practice's list."""
    return people.patient(
        person, f"reg-{person.number[-4:]}", "2026-03-01",
        OrganisationOds=practice or PRACTICE[person.number], Surname=person.family, GivenName=person.given,
        **{"DateOfRegistration": "2020-01-01", **changes},
    )  # fmt: skip


def stay(person: people.Invented, record: str, on: str, *diagnoses: str, method: str = "21") -> dict[str, Any]:
    """A hospital stay of a day."""
    columns = ["Der_Primary_Diagnosis_Code", *(f"Der_Secondary_Diagnosis_Code_{n}" for n in range(1, 5))]
    coded = dict(zip(columns, diagnoses, strict=False))
    return people.apc(person, record, on, Admission_Date=on, Discharge_Date=on, Admission_Method=method, **coded)


STAYS = [
    stay(FRAIL, "f1", "2025-09-01", "F00", "I50", "N39"),
    stay(FRAIL, "f2", "2026-01-10", "I50", "W19", "E11"),
    stay(FRAIL, "f3", "2026-01-10", "I50"),
    stay(TWICE, "t1", "2025-05-01", "J44"),
    stay(TWICE, "t2", "2025-11-01", "C78", "C34"),
    stay(SICK_LONG_AGO, "s1", "2025-04-02", "I21", method="11"),
    *(stay(person, f"o{place}", "2025-10-01", "I50") for place, person in enumerate(OTHERS)),
    *(stay(person, f"x{place}", "2025-10-01", "I50") for place, person in enumerate(CROWD[5:8])),
    stay(OUTSIDER, "u1", "2025-10-01", "I50"),
    stay(DEAD, "d1", "2025-10-01", "I50"),
    stay(LEFT, "l1", "2025-10-01", "I50"),
]


def ward(root: Path, register: Register) -> Stage:
    """Everything landed, nothing run."""
    stage = Stage(root, register)
    lists = [registered(person) for person in CROWD[:12]]
    lists += [registered(DEAD, DateOfDeath="2026-02-01"), registered(LEFT, DateOfDeactivation="2026-02-01")]
    stage.send("emis-patients", lists, name="lists")
    stage.send("ncdr-sus-apc", STAYS, name="stays")
    arrivals = [people.row("ncdr-sus-ec", TWICE, f"e{n}", f"2025-1{n}-05") for n in range(3)]
    stage.send("ncdr-sus-ec", arrivals, name="arrivals")
    issues = [
        people.row("emis-medications", MANY_MEDICINES, f"m{n}", "2026-02-01", DmdCode=f"32000000{n % 6}")
        for n in range(9)
    ]
    stage.send("emis-medications", issues, name="issues")
    refusals = [
        people.objection(RISK_OBJECTOR, "r1", code_of("risk"), "2025-06-01"),
        people.objection(TYPE1_OBJECTOR, "r2", code_of("type1"), "2025-06-01"),
    ]
    stage.send("emis-objections", refusals, name="refusals")
    stage.answer([person for person in CROWD if person is not NATIONAL_OBJECTOR], name="answer")
    stage.land()
    return stage


def scored(root: Path, register: Register) -> Stage:
    """The ward with its scores."""
    stage = ward(root, register)
    stage.run(RISK)
    return stage


def listed(stage: Stage, reader: Reader = GP, practice: str = "Z80001", **query: Any) -> Any:
    """A page of a practice's list."""
    with stage.house() as house:
        return page(house, reader=reader, activity=RISK, practice=practice, query=Query(**query))


def looked_up(stage: Stage, tokens: list[str], reader: Reader = GP, purpose: str = "direct-care") -> Any:
    """Single persons by their codes."""
    with stage.house() as house:
        return reidentify(house, reader=reader, activity=RISK, tokens=tokens, purpose=purpose)


def tokens_by_number(stage: Stage, practice: str = "Z80001", reader: Reader = GP) -> dict[str, str]:
    """NHS number to token of everybody on a practice's list, as its own reader sees them."""
    return {one.nhs_number: one.token for one in listed(stage, reader, practice, limit=100).seen.persons}


def copied(stage: Stage, root: Path) -> Stage:
    """The same ward in a folder of its own, that a test may change: landing it anew takes seconds."""
    shutil.copytree(stage.root, root, dirs_exist_ok=True)
    return Stage(root, stage.register, stage.today, stage.sent, stage.codes_answered)
