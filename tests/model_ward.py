"""Four years of invented admissions at three practices, in which who was admitted before is admitted again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import people
from risk_ward import registered
from stage import RISK, Stage

if TYPE_CHECKING:
    from pathlib import Path

    from caldicott.register.model import Register

COUNT = 1_100
PERIOD = ("2022-04-01", "2026-03-31")
CROWD = people.invented(COUNT)
OBJECTOR, DEAD, DEAD_AFTER_ADMISSION = CROWD[3], CROWD[5], CROWD[7]
PRACTICES = ("Z80001", "Z80002", "Z80003", "Z80004", "Z80005")
TEST_DAY = "2025-03-31"


def ward(root: Path, register: Register) -> Stage:
    """Landed and run; nothing trained."""
    stage = Stage(root, register)
    chance = np.random.default_rng(5)
    frail = chance.random(COUNT) < 0.25
    lists, stays = [], []
    for place, person in enumerate(CROWD):
        died = {"DateOfDeath": "2025-09-01"} if person in {DEAD, DEAD_AFTER_ADMISSION} else {}
        practice = PRACTICES[place % len(PRACTICES)]
        about = {"Sex": "M" if place % 2 else "F", "Lsoa": f"E0109900{place % 10}", "EthnicCategory": "AAAH"[place % 4]}
        lists.append(registered(person, practice, **about, **died))
        for year in range(2022, 2026):
            for month in chance.integers(1, 13, chance.poisson(0.9 if frail[place] else 0.12)):
                if person not in {DEAD, DEAD_AFTER_ADMISSION}:
                    stays.append(_stay(person, len(stays), f"{year if month > 3 else year + 1}-{month:02d}-10"))
    stays.append(_stay(DEAD_AFTER_ADMISSION, len(stays), "2025-08-20"))
    stage.send("emis-patients", lists, name="lists")
    stage.send("ncdr-sus-apc", stays, name="stays", period=PERIOD)
    stage.answer(CROWD, name="answer")
    stage.land()
    stage.run(RISK)
    return stage


def _stay(person: people.Invented, place: int, on: str) -> dict[str, Any]:
    return people.apc(
        person, f"a{place}", on, Admission_Date=on, Discharge_Date=on, Admission_Method="21",
        Der_Primary_Diagnosis_Code="I50",
    )  # fmt: skip
