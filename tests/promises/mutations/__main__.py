"""`python -m tests.promises.mutations`: every control off once; the table goes to docs/reference/mutation-proof.md."""

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


def page(trials: list[Trial]) -> str:
    """The whole page."""
    noticed = sum(bool(trial.noticed_by) for trial in trials)
    return _HEAD + "".join(map(_row, trials)) + f"\n{noticed} of {len(trials)} controls were noticed when off.\n"


def _row(trial: Trial) -> str:
    first = (trial.own or trial.noticed_by or ("none",))[0].rpartition("::")[2]
    noticed, by_verify = ("yes" if trial.noticed_by else "**no**"), ("yes" if trial.by_verify else "no")
    return f"| {trial.control} | {noticed} | {len(trial.own)} | {by_verify} | `{first}` |\n"


def main() -> int:
    """All of them, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        trials = []
        for trial in pool.map(attempt, SWITCHES):
            trials.append(trial)
            print(trial.control, len(trial.own), trial.by_verify, len(trial.errors), trial.passed, flush=True)  # noqa: T201
            if not trial.noticed_by:
                print(trial.tail)  # noqa: T201
    PAGE.write_text(page(trials), encoding="utf-8")
    return 0 if all(trial.noticed_by for trial in trials) else 1


raise SystemExit(main())
