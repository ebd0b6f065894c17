"""One small store on which every verb has something to do: lists, stays, bills, a model, a request that may leave."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import people
import risk_ward
from caldicott.operations import airlock
from caldicott.operations.airlock_state import APPROVED
from caldicott.operations.staff import say_without_account
from caldicott.stores import models as store_models
from caldicott.stratification.model import form
from caldicott.stratification.model.state import Life, Said, State, as_record
from integration.invoices.desk import Desk
from stage import PLANNING, RISK

if TYPE_CHECKING:
    from pathlib import Path

    from caldicott.operations.perform import House
    from caldicott.register.model import Register
    from stage import Stage

MODEL = "risk-invented"
OFFICER = "first"
"""Who went into the locked area of finance first, and so is its one member."""
ANALYST, CHECKERS = "author", ("checker-one", "checker-two")
_TABLE = {"stays.csv": "month,count\n2025-04,1200\n2025-05,1300\n"}
_FIGURE = {"value": 0.5, "low": None, "high": None}
_REPORT = {
    "invented": True, "name": MODEL, "test_on": "2025-03-31",
    "test": {"persons": 10, "events": 1, "whole": {"auroc": _FIGURE}, "top": []},
}  # fmt: skip
_ATTENDING = """
id = "attending"
version = 1
title = "People who attend"
definition = "People."
citation = "us"
status = "remembered"
figure = "people"
dataset = "sus-ec"
dimensions = ["sex"]
by = ["sex"]
"""


@dataclass
class Ground:
    """The store, and what a call needs that an earlier call has used up."""

    stage: Stage
    desk: Desk
    token: str
    made: int = 0
    kept: dict[str, str] = field(default_factory=dict)

    @property
    def store(self) -> Path:
        return self.stage.store

    def file(self, name: str, text: str) -> Path:
        path = self.stage.root / name
        path.write_text(text, encoding="utf-8")
        return path

    def fresh(self) -> Path:
        """A folder that does not exist yet."""
        self.made += 1
        return self.stage.root / f"out{self.made}"

    def indicators(self) -> Path:
        """A folder with a count of people, which noise may be put on."""
        folder = self.stage.root / "indicators"
        folder.mkdir(exist_ok=True)
        (folder / "attending.toml").write_text(_ATTENDING, encoding="utf-8")
        return folder

    def sent(self) -> Path:
        """A submission that has not landed."""
        self.made += 1
        stay = risk_ward.stay(risk_ward.FRAIL, f"more{self.made}", "2025-09-01", "I50")
        folder = self.stage.root / f"in{self.made}"
        return people.submission(folder, "ncdr-sus-apc", [stay], name=f"more{self.made}").parent

    def doomed(self) -> str:
        """What landed for a year long gone, by the name of its keys."""
        if "doomed" not in self.kept:
            self.made += 1
            year = 2021 - self.made % 40
            stay = risk_ward.stay(risk_ward.FRAIL, f"old{self.made}", f"{year}-05-01", "I50")
            period, purposes = (f"{year}-04-01", f"{year + 1}-03-31"), (PLANNING,)
            name = f"old{self.made}"
            self.stage.land(self.stage.send("ncdr-sus-apc", [stay], name=name, period=period, purposes=purposes))
            self.kept["doomed"] = f"sus-apc/{PLANNING}/{'..'.join(period)}"
        return self.kept["doomed"]

    def bills(self) -> Path:
        """Bills that have not landed."""
        self.desk.bill(backing=False, sus=False, trace=False)
        return self.desk.send("invoice-lines", self.desk.rows.pop("invoice-lines"))

    def request(self, state: str) -> str:
        """A request for release that stands so."""
        if state not in self.kept:
            with self.stage.house() as house:
                self.kept[state] = _requested(house, checked=state == APPROVED)
        return self.kept[state]

    def model(self) -> str:
        """The name of a model in the state it has after its training."""
        if MODEL not in self.kept:
            self._keep_model()
        return self.kept[MODEL]

    def use_up(self) -> None:
        """A call was let in and may have moved on what it was given: the next gets it anew."""
        self.kept.clear()

    def _keep_model(self) -> None:
        model = form.Model("ebm", MODEL, ("kept-by-nobody",), 0.0, (), 1.0, {"example-icb": 0.0})
        content = {
            "model.json": json.dumps({**form.as_record(model), "reference": {}}),
            "report.json": json.dumps(_REPORT),
        }
        with self.stage.house() as house:
            files = store_models.write(house.store, RISK, MODEL, content)
            said = (Said(State.RESEARCH, "2026-05-01", "trainer", "dscro_operator"),)
            life = Life(MODEL, model.sha256, "trainer", "2026-05-01", "2025-03-31", files[0].path, said)
            with house.store.catalogue.transaction():
                if not store_models.lives(house.store, RISK):
                    house.store.catalogue.add_files(files)
                store_models.keep_lives(house.store, RISK, [as_record(life)])
        self.kept[MODEL] = MODEL


def _requested(house: House, *, checked: bool) -> str:
    author = replace(house, actor=ANALYST)
    made = airlock.request(
        author, activity=PLANNING, role="commissioning_analyst", context="for the board", tables=_TABLE
    )
    for checker in CHECKERS if checked else ():
        other = replace(house, actor=checker)
        airlock.review(other, made.number, role="ig_officer", verdict="approve", comment="looked at it")
    return made.number


def prepared(root: Path, register: Register) -> Ground:
    """Landed, run and scored, with bills in the locked area and a model that has been trained."""
    stage = risk_ward.scored(root, register)
    stage.run(PLANNING)
    with stage.house() as house:
        house.store.catalogue.set_setting("register", "example-icb")
        for name in (OFFICER, *CHECKERS, ANALYST, "matrix"):
            say_without_account(house, name)
    token = risk_ward.tokens_by_number(stage)[risk_ward.FRAIL.number]
    desk = Desk(root, register, actor=OFFICER)
    desk.bill(sus=False)
    desk.validate()
    ground = Ground(stage, desk, token)
    ground.model()
    return ground
