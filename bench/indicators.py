"""Group-by before the gate: an indicator's question against the same question in plain DuckDB.

`python -m bench.indicators [--rows N] [--rounds N] [--to DIR]`. Rows as a mart holds
them, twelve months, about ten rows a person. Two kinds of plain DuckDB: the same
answer written by hand (each person in one group of a snapshot), and the naive
group-by (each row's own groups), which answers a different question: a person
who has a birthday in the year is counted in two ages. Every round runs all
subjects in turn, in one process; processor time is what is compared.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import tempfile
import time
from pathlib import Path

from caldicott.analytics import expression
from caldicott.analytics.cube import Cube
from caldicott.analytics.definition import Source
from caldicott.analytics.question import Axis
from caldicott.engines.duckdb.connection import connect
from caldicott.engines.duckdb.indicators import DuckDbIndicators
from caldicott.engines.duckdb.indicators_marts import Marts

TARGET = 1.1
MONTHS = [f"2025-{month:02}" for month in range(4, 13)] + [f"2026-{month:02}" for month in range(1, 4)]


def make(folder: Path, rows: int) -> list[Path]:
    """Twelve months of a mart."""
    people, each, paths = rows // 10, rows // 12, []
    db = connect(threads=2, memory_limit="4GB")
    db.execute("SELECT setseed(0.5)")
    for number, month in enumerate(MONTHS):
        path = folder / f"month={month}" / "rows.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        paths.append(path)
        db.execute(
            f"COPY (SELECT 'C' || lpad(to_hex(hash(p)), 16, '0') AS person_token, "
            f"'Z80' || lpad((1 + p % 150)::VARCHAR, 3, '0') AS practice, "
            f"(((p // 150) % 18) * 5) || '-' || (((p // 150) % 18) * 5 + 4) AS age_band, (1 + p % 2)::VARCHAR AS sex, "
            f"'RZ' || (1 + i % 8) AS provider, (i % 400)::BIGINT AS minutes_in_department, "
            f"(50 + (i * 7919) % 9000 / 10)::DECIMAL(18,2) AS cost "
            f"FROM (SELECT i, (random() * {people})::BIGINT AS p "
            f"FROM range({number * each}, {(number + 1) * each}) t(i)) "
            f"ORDER BY person_token) TO '{path}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"
        )
    return paths


SOURCE = Source("sus-ec", expression.claim("cost is known and cost >= 0", where="bench"))
PRACTICE = Axis("practice", "practice", ("practice",), ())
AGE, SEX = Axis("age", "age_band", ("age_band",), ()), Axis("sex", "sex", ("sex",), ())
PROVIDER, MONTH = Axis("provider", "provider", ("provider",), ()), Axis("time", "month", ("month",), ())
COST = expression.value("cost", where="bench")
WITHIN = expression.claim("minutes_in_department <= 240", where="bench")
QUESTIONS = {
    "cost by practice and age": Cube("c", SOURCE, (PRACTICE, AGE), amount=COST),
    "cost by provider and month": Cube("c", SOURCE, (PROVIDER, MONTH), amount=COST),
    "share by practice, sex and month": Cube("c", SOURCE, (PRACTICE, SEX, MONTH), numerator=WITHIN),
}
READ = "read_parquet([{paths}], union_by_name = true, hive_partitioning = true, hive_types = {{'month': VARCHAR}})"
LATEST = "arg_max({0}, month) AS {0}"
BY_HAND = {
    "cost by practice and age": """
WITH each AS (SELECT person_token, count(*) AS n, sum(cost) AS c FROM {rows} WHERE cost >= 0 GROUP BY 1),
who AS (SELECT person_token, {practice}, {age_band} FROM {rows} GROUP BY 1)
SELECT practice, age_band, sum(n), count(*), sum(c)::DOUBLE, max(c, 2), min(c)
FROM each JOIN who USING (person_token) GROUP BY 1, 2 ORDER BY ALL""",
    "cost by provider and month": """
WITH each AS (SELECT provider, month, person_token, count(*) AS n, sum(cost) AS c
FROM {rows} WHERE cost >= 0 GROUP BY ALL)
SELECT provider, month, sum(n), count(*), sum(c)::DOUBLE, max(c, 2), min(c) FROM each GROUP BY 1, 2 ORDER BY ALL""",
    "share by practice, sex and month": """
WITH who AS (SELECT person_token, {practice}, {sex} FROM {rows} GROUP BY 1),
each AS (SELECT person_token, month, count(*) AS n, count(*) FILTER (minutes_in_department <= 240) AS p
FROM {rows} WHERE cost >= 0 GROUP BY ALL)
SELECT practice, sex, month, sum(n), count(*), sum(p), count(*) FILTER (p > 0) FROM each JOIN who USING (person_token)
GROUP BY 1, 2, 3 ORDER BY ALL""",
}
NAIVE = {
    "cost by practice and age": """
SELECT practice, age_band, count(*), count(DISTINCT person_token), sum(cost)
FROM {rows} WHERE cost >= 0 GROUP BY 1, 2 ORDER BY ALL""",
    "cost by provider and month": """
SELECT provider, month, count(*), count(DISTINCT person_token), sum(cost)
FROM {rows} WHERE cost >= 0 GROUP BY 1, 2 ORDER BY ALL""",
    "share by practice, sex and month": """
SELECT practice, sex, month, count(*), count(DISTINCT person_token), count(*) FILTER (minutes_in_department <= 240)
FROM {rows} WHERE cost >= 0 GROUP BY 1, 2, 3 ORDER BY ALL""",
}


def subjects(paths: list[Path], question: str) -> dict:
    """What each subject does; each returns how many groups it found."""
    rows = READ.format(paths=", ".join(f"'{path}'" for path in paths))
    latest = {name: LATEST.format(name) for name in ("practice", "age_band", "sex")}

    def ours():
        with DuckDbIndicators(Marts({"sus-ec": paths}), {}) as engine:
            return len(engine.cells(QUESTIONS[question]))

    def plain(text):
        db = connect(threads=2)
        found = db.sql(text.format(rows=rows, **latest)).to_arrow_table().to_pylist()
        db.close()
        return len(found)

    return {
        "caldicott": ours,
        "plain DuckDB, the same answer": lambda: plain(BY_HAND[question]),
        "plain DuckDB, each row by itself": lambda: plain(NAIVE[question]),
    }


def measure(paths: list[Path], rounds: int) -> dict[str, dict[str, dict[str, float]]]:
    """Medians of processor and wall seconds of each subject, and how many groups."""
    found: dict = {}
    for question in QUESTIONS:
        seen: dict = {}
        for _ in range(rounds):
            for name, run in subjects(paths, question).items():
                gc.collect()
                begun, used = time.perf_counter(), time.process_time()
                groups = run()
                seen.setdefault(name, []).append((time.process_time() - used, time.perf_counter() - begun, groups))
        found[question] = {
            name: {
                "cpu": statistics.median(one[0] for one in runs), "wall": statistics.median(one[1] for one in runs),
                "groups": runs[0][2],
            }
            for name, runs in seen.items()
        }  # fmt: skip
        assert found[question]["caldicott"]["groups"] == found[question]["plain DuckDB, the same answer"]["groups"]
    return found


def told(found: dict, rows: int, rounds: int) -> str:
    """As a section of RESULTS.md."""
    load = f"load {os.getloadavg()[0]:.1f} at the end (on a busy machine compare processor seconds)"
    lines = [
        f"{rows:,} rows of a mart, about ten a person; {rounds} rounds, medians, two threads, {load}.",
        "",
        "| question | subject | groups | processor s | wall s | × the same answer | × each row by itself |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for question, subjects_ in found.items():
        floor = subjects_["plain DuckDB, the same answer"]["cpu"]
        naive = subjects_["plain DuckDB, each row by itself"]["cpu"]
        lines += [
            f"| {question} | {name} | {one['groups']:,} | {one['cpu']:.2f} | {one['wall']:.2f} "
            f"| {one['cpu'] / floor:.2f} | {one['cpu'] / naive:.2f} |"
            for name, one in subjects_.items()
        ]
    lines += [""]
    for subject in ("the same answer", "each row by itself"):
        worst = max(one["caldicott"]["cpu"] / one[f"plain DuckDB, {subject}"]["cpu"] for one in found.values())
        verdict = "held" if worst <= TARGET else "**missed**"
        lines += [
            f"Target: at most {TARGET} times plain DuckDB, {subject}. Worst of the three: {worst:.2f}, {verdict}.",
            "",
        ]
    return "\n".join(lines)


def part(*, whole: bool = True) -> str:
    """What bench.disclosure writes of it: the whole size and three rounds, or a tenth and one."""
    rows, rounds = (10_000_000, 3) if whole else (1_000_000, 1)
    with tempfile.TemporaryDirectory() as scratch:
        return told(measure(make(Path(scratch), rows), rounds), rows, rounds)


if __name__ == "__main__":
    asked = argparse.ArgumentParser()
    asked.add_argument("--rows", type=int, default=10_000_000)
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--to", type=Path, help="Where the rows are kept between runs.")
    chosen = asked.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        place = chosen.to or Path(scratch)
        made = sorted(place.glob("month=*/rows.parquet")) or make(place, chosen.rows)
        body = told(measure(made, chosen.rounds), chosen.rows, chosen.rounds)
    print(body)
