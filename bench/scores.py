"""How fast scores are computed, and in how much memory; `python bench/scores.py [--whole]`.

Ours: ten scores over 10,000,000 rows of codes of 1,000,000 invented persons, prepared and scored in a
process of its own. Peers, from the file to the scores like ours, for one score on 1,000,000 rows: the usual
pandas way (a table of distinct codes, merge, group, weigh), R comorbidity where R finds it (`R_LIBS`), and
comorbidipy where Python finds its sources (`COMORBIDIPY`, a folder). `measure` answers rows of name, value, unit,
target; bench/all.py takes them as a section.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from caldicott.facts import scores as facts

WHOLE, SMALL = 10_000_000, 1_000_000
ROWS_A_PERSON = 10
PREPARE, SCORE = 15.0, 20.0
TIMES = {"R comorbidity": 10.0, "comorbidipy": 100.0}
"""So many times as fast a score must be, in processor time."""
NAMES = (
    "charlson-1987", "charlson-quan-2011", "charlson-shmi", "charlson-rcs", "elixhauser-van-walraven",
    "elixhauser-swiss", "elixhauser-ahrq-mortality", "elixhauser-ahrq-readmission", "hfrs", "segment-b2h-like",
)  # fmt: skip

_OURS = """
import json, resource, sys, time
from datetime import date
from pathlib import Path
from caldicott.engines.duckdb.scores import Question, ScoreEngine, Sources
from caldicott.engines.duckdb.scores_inputs import SourceFile
from caldicott.operations.score_files import open_table
from caldicott.stratification.catalogue import choose
path, names, months, out = Path(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3] == "months", Path(sys.argv[4])
begun, busy = time.perf_counter(), time.process_time()
source = SourceFile(path, open_table(path, "CODES", ("person_id", "code")))
looked = time.perf_counter()
choice = choose(names, own={})
engine = ScoreEngine(
    Question(choice.to_compute, choice.asked, on=date(2025, 12, 31)), Sources(source), memory_limit="4GB"
)
engine.prepare(months=months)
prepared, busy_prepared = time.perf_counter(), time.process_time()
account = engine.write(out)
scored, busy_scored = time.perf_counter(), time.process_time()
again = None
if months:
    engine.table(months_ago=12)
    again = time.perf_counter() - scored
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({
    "prepare": prepared - begun, "score": scored - prepared, "earlier": again,
    "cpu_prepare": busy_prepared - busy, "cpu_score": busy_scored - busy_prepared,
    "gigabytes": used.ru_maxrss / 1024**2, "persons": account.persons,
}))
"""

_PANDAS = """
import json, resource, sys, time
import pandas as pd
path, table, weights = sys.argv[1:4]
begun, busy = time.perf_counter(), time.process_time()
rows = pd.read_csv(path, dtype=str, usecols=["person_id", "code"])
listed = pd.read_csv(table, dtype=str)
listed = listed[listed.scheme == "quan2005"]
weight = pd.read_csv(weights).set_index("group")["charlson1987"]
distinct = pd.DataFrame({"code": rows.code.unique()})
distinct["key"] = distinct.code.str.upper().str.replace(r"[^0-9A-Z]", "", regex=True)
found = pd.concat([
    distinct.assign(start=distinct.key.str[:n])
    .merge(listed[listed.code.str.len() == n], left_on="start", right_on="code")
    for n in (3, 4)
])[["code_x", "group"]].rename(columns={"code_x": "code"})
flags = rows.merge(found, on="code")[["person_id", "group"]].drop_duplicates()
flags = pd.crosstab(flags.person_id, flags.group).clip(upper=1)
for mild, severe in (("mld", "msld"), ("diab", "diabwc"), ("canc", "metacanc")):
    flags.loc[flags[severe] == 1, mild] = 0
score = (flags * weight[flags.columns]).sum(axis=1).reindex(rows.person_id.unique(), fill_value=0)
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"seconds": time.perf_counter() - begun, "cpu": time.process_time() - busy,
                  "gigabytes": used.ru_maxrss / 1024**2, "sum": int(score.sum())}))
"""

_R = """
suppressMessages(library(comorbidity))
data.table::setDTthreads(2)
begun <- proc.time()
x <- as.data.frame(data.table::fread(commandArgs(TRUE)[1], colClasses = "character", select = c("person_id", "code")))
y <- comorbidity(x = x, id = "person_id", code = "code", map = "charlson_icd10_quan", assign0 = FALSE)
s <- score(y, weights = "charlson", assign0 = TRUE)
took <- proc.time() - begun
cat(sprintf('{"seconds": %f, "cpu": %f, "sum": %d}', took[3], took[1] + took[2], as.integer(sum(s))))
"""


# The import of comorbidipy's newest source needs a name that pandas took away; it is given back, nothing else.
_COMORBIDIPY = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import pandas as pd
import pandas.core.common as common
if not hasattr(common, "SettingWithCopyWarning"):
    common.SettingWithCopyWarning = Warning
from comorbidipy import comorbidity
begun, busy = time.perf_counter(), time.process_time()
rows = pd.read_csv(sys.argv[1], dtype=str, usecols=["person_id", "code"])
found = comorbidity(rows, id="person_id", code="code", age=None, score="charlson", variant="quan", weighting="charlson")
print(json.dumps({"seconds": time.perf_counter() - begun, "cpu": time.process_time() - busy,
                  "sum": int(found["comorbidity_score"].sum())}))
"""


def codes(path, rows, *, seed=1):
    """So many rows for a tenth as many persons: a third of the codes listed in some score, over five years."""
    chance = np.random.default_rng(seed)
    listed = _listed()
    others = [f"{letter}{number:03d}" for letter in "ABCDEFGHIJKLMNOPQRST" for number in range(1000)]
    every = pa.array(listed + others)
    days = pa.array((np.datetime64("2021-01-01") + np.arange(1825)).astype("datetime64[D]"))
    schema = pa.schema([("person_id", pa.string()), ("code", pa.string()), ("date", pa.date32())])
    with pacsv.CSVWriter(path, schema) as out:
        for begin in range(0, rows, SMALL):
            count = min(SMALL, rows - begin)
            persons = chance.integers(0, rows // ROWS_A_PERSON, count)
            rest = len(listed) + chance.integers(0, len(others), count)
            picked = np.where(chance.random(count) < 1 / 3, chance.integers(0, len(listed), count), rest)
            columns = {
                "person_id": pa.array(np.char.add("p", np.char.zfill(persons.astype(str), 9))),
                "code": every.take(pa.array(picked)),
                "date": days.take(pa.array(chance.integers(0, 1825, count))).cast(pa.date32()),
            }
            out.write(pa.table(columns))
    return path


def _listed():
    tables = [facts.table_text(name) for name in ("charlson_codes.csv", "elixhauser_codes.csv", "hfrs.csv")]
    return sorted({row["code"] for text in tables for row in csv.DictReader(text.splitlines())})


def ours(path, names, *, months=False):
    with tempfile.TemporaryDirectory() as folder:
        asked = [str(path), json.dumps(names), "months" if months else "day", str(Path(folder) / "out.csv")]
        return _said([sys.executable, "-c", _OURS, *asked])


def with_pandas(path):
    """None where pandas is not installed (it is in the dependency group `bench`)."""
    if importlib.util.find_spec("pandas") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        tables = []
        for name in ("charlson_codes.csv", "charlson_weights.csv"):
            tables.append(Path(folder) / name)
            tables[-1].write_text(facts.table_text(name), encoding="utf-8")
        return _said([sys.executable, "-c", _PANDAS, str(path), *map(str, tables)])


def with_r(path):
    """None where R or its package comorbidity is not installed."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "peer.R"
        script.write_text(_R, encoding="utf-8")
        done = subprocess.run(["Rscript", str(script), str(path)], check=False, capture_output=True, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else None


def with_comorbidipy(path):
    """None where its sources are not at hand; its last release cannot be imported on this Python."""
    if "COMORBIDIPY" not in os.environ or importlib.util.find_spec("pandas") is None:
        return None
    done = subprocess.run(
        [sys.executable, "-c", _COMORBIDIPY, str(path)], check=False, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": os.environ["COMORBIDIPY"]},
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None


def measure(*, whole: bool = True) -> list[dict]:
    """Name, value, unit and target of every number; without `whole` a tenth of the rows."""
    rows = WHOLE if whole else SMALL
    share = rows / WHOLE
    with tempfile.TemporaryDirectory() as folder:
        large = codes(Path(folder) / "codes.csv", rows)
        small = large if rows == SMALL else codes(Path(folder) / "small.csv", SMALL)
        day, months = ours(large, NAMES), ours(large, NAMES, months=True)
        one, ten = ours(small, ("charlson-1987",)), ours(small, NAMES)
        pandas, r, comorbidipy = with_pandas(small), with_r(small), with_comorbidipy(small)
    label = f"{rows:,} rows, {day['persons']:,} persons, {len(NAMES)} scores"
    found = [
        _row(f"{label}: prepare", day["prepare"], "s", PREPARE * share),
        _row(f"{label}: score and write", day["score"], "s", SCORE * share),
        _row(f"{label}: prepare, processor time", day["cpu_prepare"], "s"),
        _row(f"{label}: score and write, processor time", day["cpu_score"], "s"),
        _row(f"{label}: memory", day["gigabytes"], "GB"),
        _row("the same, kept month by month: prepare", months["prepare"], "s"),
        _row("the same, kept month by month: an earlier day, without reading again", months["earlier"], "s"),
        _row("the same, kept month by month: memory", months["gigabytes"], "GB"),
        _row("one score, 1,000,000 rows: ours", one["prepare"] + one["score"], "s"),
        _row("one score, 1,000,000 rows: ours, processor time", one["cpu_prepare"] + one["cpu_score"], "s"),
        _row("ten scores, 1,000,000 rows: ours, processor time a score", _a_score(ten), "s"),
    ]
    peers = {"pandas": pandas, "R comorbidity": r, "comorbidipy": comorbidipy}
    for name, took in peers.items():
        found += [_row(f"one score, 1,000,000 rows: {name}", took["seconds"], "s")] if took else []
        found += [_row(f"one score, 1,000,000 rows: {name}, processor time", took["cpu"], "s")] if took else []
        found += [_row(f"{name} took so many times ours, a score in a set of ten", took["cpu"] / _a_score(ten), "times",
                       TIMES.get(name))] if took else []  # fmt: skip
    return found


def _a_score(took):
    return (took["cpu_prepare"] + took["cpu_score"]) / len(NAMES)


def _row(name, value, unit, target=None):
    return {"name": name, "value": round(value, 2), "unit": unit, "target": target}


def _said(command):
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


if __name__ == "__main__":
    measured = measure(whole="--whole" in sys.argv)
    json.dump(measured, sys.stdout, indent=2, ensure_ascii=False)
    print()
