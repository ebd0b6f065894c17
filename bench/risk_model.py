"""How fast a trained risk model scores people; `python -m bench.risk_model`.

The people are drawn, the models are fitted for real: the elastic net, the EBM and
the challenger's trees on 40,000 of them. Then each scores 1,000,000 people from a
Parquet file of features to a Parquet file of probabilities, by its one SQL
expression, in a process of its own with two threads.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from caldicott.facts import models as facts
from caldicott.stratification.model import fitting, form
from caldicott.stratification.model.features import known

PEOPLE, FITTED = 1_000_000, 40_000
TARGET = 10.0

_SCORE = """
import json, resource, sys, time
from pathlib import Path
from caldicott.engines.duckdb.connection import connect, text
from caldicott.engines.duckdb.model_sql import probability_of
from caldicott.stratification.model.form import from_record
rows, model, out = sys.argv[1:4]
read = from_record(json.loads(Path(model).read_text()))
db = connect(threads=2, memory_limit="3GB")
begun, busy = time.perf_counter(), time.process_time()
db.execute(
    f"COPY (SELECT person_token, {probability_of(read, 'icb')} AS probability FROM read_parquet({text(rows)})) "
    f"TO {text(out)} (FORMAT parquet)"
)
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"seconds": time.perf_counter() - begun, "cpu": time.process_time() - busy,
                  "gigabytes": used.ru_maxrss / 1024**2}))
"""


def columns(count: int, *, seed: int = 1) -> dict[str, np.ndarray]:
    """Every feature of the facts, spread roughly as in a population: mostly noughts, a long tail."""
    chance = np.random.default_rng(seed)
    frailty = chance.gamma(0.6, 1.0, count)
    found = {}
    for feature in known():
        if feature.name.startswith("ethnic-group"):
            continue
        drawn = chance.poisson(frailty * min(feature.most, 6) / 6).clip(0, feature.most).astype(np.float64)
        if feature.name == "age":
            drawn = chance.integers(0, 100, count).astype(np.float64)
        elif feature.measure == "since":
            drawn = np.where(frailty > 1.5, chance.integers(0, 366, count), np.nan)
        elif feature.name == "deprivation-tenth":
            drawn = chance.integers(1, 11, count).astype(np.float64)
        elif feature.name == "female":
            drawn = chance.integers(0, 2, count).astype(np.float64)
        found[feature.name] = drawn
    return found


def models() -> dict[str, form.Model]:
    """The three, fitted as training fits them."""
    drawn = columns(FITTED, seed=2)
    chance = np.random.default_rng(3)
    sums = -4 + 0.03 * drawn["age"] + 0.5 * drawn["emergency-admissions-12-months"] + 0.1 * drawn["hfrs"]
    happened = chance.random(FITTED) < 1 / (1 + np.exp(-sums))
    nobody = np.zeros(FITTED, dtype=bool)
    cohort = fitting.Cohort(drawn, happened, nobody, np.full(FITTED, "Z80001"), {})
    settings, features = facts.settings()["training"], [one for one in known() if one.name in drawn]
    fits = {
        "elastic net": fitting.logistic_model(cohort, cohort, features, settings, outcome="bench"),
        "EBM": fitting.ebm_model(cohort, features, settings, outcome="bench"),
        "trees (LightGBM)": fitting.trees_model(cohort, features, settings, outcome="bench"),
    }
    return {name: fitting.calibrated(fit, cohort, controller="icb") for name, fit in fits.items()}


def measure() -> list[dict]:
    """Name, value, unit and target of every number."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        rows, out = Path(folder) / "rows.parquet", Path(folder) / "out.parquet"
        drawn = columns(PEOPLE)
        tokens = pa.array(np.char.add("R", np.char.zfill(np.arange(PEOPLE).astype(str), 12)))
        lacking = {name: pa.array(column, from_pandas=True) for name, column in drawn.items()}
        pq.write_table(pa.table({"person_token": tokens, **lacking}), rows, compression="zstd")
        for name, model in models().items():
            path = Path(folder) / "model.json"
            path.write_text(json.dumps(form.as_record(model)))
            done = subprocess.run(
                [sys.executable, "-c", _SCORE, str(rows), str(path), str(out)],
                check=True,
                capture_output=True,
                text=True,
            )
            took = json.loads(done.stdout.splitlines()[-1])
            by_sql = pq.read_table(out).sort_by("person_token").column("probability").to_numpy()
            apart = float(np.abs(by_sql - model.probabilities(drawn, controller="icb")).max())
            assert apart < 1e-9, f"{name}: the SQL and the model differ by {apart}"
            label = f"{PEOPLE:,} people, {name}, {len(model.terms)} terms"
            found += [
                {"name": label, "value": took["seconds"], "unit": "s", "target": TARGET},
                {"name": f"{label}: processor time", "value": took["cpu"], "unit": "s", "target": None},
                {"name": f"{label}: peak memory", "value": took["gigabytes"], "unit": "GB", "target": None},
                {
                    "name": f"{label}: largest difference from the fitted model",
                    "value": apart,
                    "unit": "",
                    "target": None,
                },
            ]
    return found


if __name__ == "__main__":
    for row in measure():
        print(f"{row['name']}: {row['value']:.4g} {row['unit']}")
