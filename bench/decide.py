"""How long one decision takes on the example register. Target: under 50 microseconds, median."""

from __future__ import annotations

import json
import statistics
import sys
import time
from datetime import date
from pathlib import Path

from caldicott.policy.compiled import compiled
from caldicott.policy.decide import decide
from caldicott.policy.decision import Permit, Request
from caldicott.register.parse import load

EXAMPLE = Path(__file__).resolve().parents[1] / "registers" / "example-icb"
AT = date(2026, 11, 22)
TARGET = 50.0
ASKED = {
    "permit": Request("commissioning_analyst", "commissioning-planning", "commissioning-mart", "pseudonymised"),
    "permit, own practice": Request("gp", "case-finding", "risk-scores", "identifiable", "Z80003", "own_practice"),
    "refusal, above the ceiling": Request(
        "commissioning_analyst", "risk-stratification", "risk-scores", "identifiable"
    ),
    "refusal, unknown words": Request("chef", "marketing", "loyalty-cards", "raw"),
}


def measure(*, rounds: int = 40, calls: int = 500) -> list[dict]:
    """Median microseconds of a decision, by kind, and what compiling the register costs once."""
    register = load(EXAMPLE)
    started = time.perf_counter()
    compiled(register)
    once = (time.perf_counter() - started) * 1e3
    rows = [{"name": "compile the register, once", "value": round(once, 2), "unit": "ms", "target": None}]
    for kind, request in ASKED.items():
        assert isinstance(decide(request, register, AT), Permit) == kind.startswith("permit"), kind
        value = round(_median_call(request, register, rounds=rounds, calls=calls), 2)
        rows.append({"name": f"decide: {kind}", "value": value, "unit": "µs", "target": TARGET})
    return rows


def _median_call(request, register, *, rounds: int, calls: int) -> float:
    spent = []
    for _ in range(rounds):
        started = time.perf_counter()
        for _ in range(calls):
            decide(request, register, AT)
        spent.append((time.perf_counter() - started) / calls * 1e6)
    return statistics.median(spent)


if __name__ == "__main__":
    json.dump(measure(), sys.stdout, indent=2, ensure_ascii=False)
    print()
