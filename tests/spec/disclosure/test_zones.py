"""`verify` knows the sealed places of what leaves, and tells when one of them lies open."""

from __future__ import annotations

from caldicott.engines.duckdb.sql_room import Limits
from caldicott.operations import airlock, sql_room
from caldicott.operations.verify.control import State
from caldicott.operations.verify.verifying import verify
from promises.town import build
from stage import PLANNING, Stage

ANALYST = "commissioning_analyst"


def _state(stage):
    with stage.house() as house:
        return verify(house, exports=[]).findings["nothing-outside-the-zones"].state


def test_ledger_room_and_airlock_are_zones_and_must_be_sealed(tmp_path, example_icb):
    """Kept while sealed; broken as soon as an entry of the ledger could be read."""
    stage = build(Stage(tmp_path, example_icb), count=9).stage
    with stage.house() as house:
        sql_room.query(
            house, activity=PLANNING, role=ANALYST, statement="SELECT 1 AS n FROM sus_apc", name="one",
            limits=Limits(seconds=1),
        )  # fmt: skip
        airlock.request(house, activity=PLANNING, role=ANALYST, context="For a test", tables={"a.csv": "a\n1\n"})
    assert {"ledgers", "room", "airlock"} <= {path.name for path in stage.store.iterdir()}
    assert _state(stage) is State.KEPT
    next((stage.store / "ledgers").rglob("000001.json")).write_text('{"previous": "plain"}')
    assert _state(stage) is State.BROKEN
