"""`python -m tests.promises.mutations [CONTROL ...]`: off once each; writes docs/reference/mutation-proof.md."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from promises.mutations.switches import SWITCHES
from promises.mutations.trial import ROOT, Trial, attempt

PAGE = ROOT / "docs" / "reference" / "mutation-proof.md"
_HEAD = """# Mutation proof: a control that is off is noticed

Each control of the table is switched off in the program, one at a time, and the tests of the promises are run.
A test that still passes with its control off would prove nothing, so at least one has to fail. Made by
`python -m tests.promises.mutations`; three of the controls are tried in every run of the tests, all of them by night
(`CALDICOTT_NIGHTLY=1`).

The third column counts tests that look for themselves. The fourth says whether `caldicott verify`, run on a store
that was made with the control off, reports a broken promise; it cannot where the control leaves no trace in a store
or is one that `verify` itself asks.

| control that was off | noticed | tests that failed by themselves | `verify` says so | one of the tests |
| --- | --- | --- | --- | --- |
"""


def page(rows: dict[str, str]) -> str:
    """The whole page from its rows, in the order of the switches."""
    chosen = [rows[control] for control in SWITCHES if control in rows]
    noticed = sum(row.split(" | ")[1] == "yes" for row in chosen)
    return _HEAD + "".join(chosen) + f"\n{noticed} of {len(chosen)} controls were noticed when off.\n"


def earlier() -> dict[str, str]:
    """The rows of the page as it stands, so that some controls can be tried again without the others."""
    lines = PAGE.read_text(encoding="utf-8").splitlines(keepends=True) if PAGE.exists() else []
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in lines if line.startswith("| ")}
    return {control: row for control, row in rows.items() if control in SWITCHES}


def _row(trial: Trial) -> str:
    first = (trial.own or trial.noticed_by or ("none",))[0].rpartition("::")[2]
    noticed, by_verify = ("yes" if trial.noticed_by else "**no**"), ("yes" if trial.by_verify else "no")
    return f"| {trial.control} | {noticed} | {len(trial.own)} | {by_verify} | `{first}` |\n"


def main() -> int:
    """Those named, or all of them, two at a time."""
    named = sys.argv[1:]
    with ThreadPoolExecutor(2) as pool:
        trials = []
        for trial in pool.map(attempt, named or SWITCHES):
            trials.append(trial)
            print(trial.control, len(trial.own), trial.by_verify, len(trial.errors), trial.passed, flush=True)  # noqa: T201
            if not trial.noticed_by:
                print(trial.tail)  # noqa: T201
    rows = (earlier() if named else {}) | {trial.control: _row(trial) for trial in trials}
    PAGE.write_text(page(rows), encoding="utf-8")
    return 0 if all(trial.noticed_by for trial in trials) else 1


raise SystemExit(main())
