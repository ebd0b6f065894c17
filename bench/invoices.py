"""How fast invoices are checked, a million lines against ten million records; `python -m bench.invoices [--whole]`.

Lines, backing, trace and hospital records are invented directly as Parquet, not landed: the
clock runs from opening the files to the last decision and posting written, encrypted, to the disk,
in a process of its own. One line in fifty has a fault. `measure` answers rows of name, value,
unit, target; bench/all.py takes them as a section.
"""

# ruff: noqa: E501  statements read better in whole lines
from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

from caldicott.facts import invoices as facts

WHOLE, SMALL = 1_000_000, 50_000
SECONDS, GIGABYTES = 30.0, 4.0

_OURS = """
import json, os, resource, sys, time
from datetime import date
from pathlib import Path
import pyarrow.parquet as pq
from caldicott.engines.duckdb.invoices import InvoiceEngine, Matching, Source, placed
from caldicott.engines.duckdb.invoices_checks import CheckRules
from caldicott.invoices.reference import read
from caldicott.stores import clear
folder = Path(sys.argv[1])
def rows(name):
    return pq.ParquetFile(folder / f"{name}.parquet")
def source(name, sender="X26"):
    file = rows(name)
    import pyarrow as pa
    return Source("s", 1, sender, placed(pa.RecordBatchReader.from_batches(file.schema_arrow, file.iter_batches(122_880)), 0))
begun, steps = time.perf_counter(), {}
def step(name):
    steps[name] = time.perf_counter() - begun - sum(steps.values())
rules = CheckRules("QZZ", 183, 2_500_000, "GBP", (0, 500, 2000))
engine = InvoiceEngine(rules, Matching(30, 3, 2))
engine.take_reference(read({"practices": (folder / "practices.csv").read_text()}), today=date(2026, 5, 4))
engine.take_history(again=False)
engine.take_lines(source("lines")); engine.take_backing(source("backing", "RZ1")); engine.join_backing(); step("lines and backing")
engine.take_trace(source("trace")); step("trace")
engine.take_sus(source("sus")); step("hospital records")
engine.decide(secret="bench", national="X26"); step("decide")
postings = engine.books.postings_of("decided", at="2026-05-04", by="bench")
for name, reader in (("decisions", engine.decisions()), ("postings", postings.to_reader())):
    clear.write(folder / f"{os.getpid()}.{name}.parquet", reader, key=b"k" * 32, aad=name.encode())
step("write")
took = time.perf_counter() - begun
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"seconds": took, "gigabytes": used.ru_maxrss / 1024**2, "cpu": time.process_time(),
                  "counts": engine.counts(), "reasons": engine.reason_counts(), "steps": steps}))
"""


def invent(folder: Path, lines: int, *, fault_every: int = 50) -> None:
    """Lines of three years with their backing and trace, and ten hospital records a line."""
    db = duckdb.connect(config={"threads": 2, "memory_limit": "4GB"})
    (folder / "prices.csv").write_text(facts.table_text("prices"))
    (folder / "mff.csv").write_text(facts.table_text("market_forces"))
    practices = ["practice,commissioner,valid_from,valid_to", *(f"Z80{n:03d},QZZ,2022-07-01," for n in range(1, 151))]
    (folder / "practices.csv").write_text("\n".join(practices) + "\n")
    db.execute(
        f"CREATE TABLE price AS SELECT *, row_number() OVER () - 1 AS n FROM (FROM '{folder}/prices.csv' WHERE "
        "valid_from < '2026-01-01' AND point_of_delivery IN ('DC', 'OPFA', 'OPFM', 'AE3'))"
    )
    db.execute(f"CREATE TABLE mff AS FROM '{folder}/mff.csv'")
    kinds = db.execute("SELECT count(*) FROM price").fetchone()[0]
    db.execute(
        f"""CREATE TABLE line AS SELECT i, (9000000000 + i)::BIGINT AS identity, p.hrg, p.point_of_delivery,
          (p.valid_from::DATE + (20 + hash(i) % 250)::INTEGER) AS day, 'SP' || i AS spell, p.price::DECIMAL(18,2) AS price
        FROM range({lines}) t(i) JOIN price p ON p.n = hash(i, 7) % {kinds}"""
    )
    db.execute(
        """CREATE TABLE billed AS SELECT l.*, round(l.price * m.factor::DECIMAL(9,6), 2)::DECIMAL(18,2) AS amount
        FROM line l JOIN mff m ON m.provider = 'RZ1' AND l.day BETWEEN m.valid_from::DATE AND m.valid_to::DATE"""
    )
    save = "(FORMAT parquet, COMPRESSION lz4)"
    db.execute(
        f"""COPY (SELECT i + 1 AS file_row, 'RZ1-' || i // 50 AS invoice, 'L' || i AS line, 'invoice' AS line_type,
          'RZ1' AS provider, 'QZZ' AS billed_to, day + 20 AS invoiced_on, day + 25 AS received_on, day - 3 AS period_from,
          day + 3 AS period_to, 1::BIGINT AS quantity, amount + bump AS unit_price, amount + bump AS amount,
          0::DECIMAL(18,2) AS vat_percent, 0::DECIMAL(18,2) AS vat_amount, 'GBP' AS currency,
          NULL::DECIMAL(18,2) AS invoice_total, NULL::VARCHAR AS case_number, NULL::VARCHAR AS credits_invoice,
          NULL::VARCHAR AS credits_line
        FROM (SELECT *, CASE WHEN i % {2 * fault_every} = 0 THEN 1 ELSE 0 END AS bump FROM billed) ORDER BY i)
        TO '{folder}/lines.parquet' {save}"""
    )
    db.execute(
        f"""COPY (SELECT 'RZ1-' || i // 50 AS invoice, 'L' || i AS line, 'RZ1' AS provider, identity,
          '01' AS nhs_number_status, DATE '1960-01-01' AS birth_date, 'ZZ1 1AA' AS postcode,
          'Z80' || lpad((i % 150 + 1)::VARCHAR, 3, '0') AS practice, spell, day AS started_on, day AS ended_on,
          point_of_delivery, hrg, NULL::VARCHAR AS top_up, NULL::VARCHAR AS best_practice,
          NULL::VARCHAR AS responsibility_rule, NULL::VARCHAR AS fixed_commissioner FROM line ORDER BY hash(i))
        TO '{folder}/backing.parquet' {save}"""
    )
    db.execute(
        f"""COPY (SELECT identity, '01' AS nhs_number_status, NULL::DATE AS died_on,
          'Z80' || lpad((i % 150 + 1)::VARCHAR, 3, '0') AS practice, DATE '2022-07-01' AS registered_from,
          NULL::DATE AS registered_to, 'ZZ1 1AA' AS postcode FROM line ORDER BY hash(i, 2))
        TO '{folder}/trace.parquet' {save}"""
    )
    # One record in ten is a billed one (less one line in a hundred, which the records know by another day).
    db.execute(
        f"""COPY (
        WITH record AS (
          SELECT hash(i, 3) AS record_hash, identity, 'RZ1' AS provider, spell,
            day + CASE WHEN i % {2 * fault_every} = {fault_every} THEN 1 ELSE 0 END AS started_on, point_of_delivery, hrg
          FROM line
          UNION ALL
          SELECT hash(i, 4), (9000000000 + hash(i) % {4 * lines})::BIGINT, 'RZ2', 'XP' || i,
            DATE '2023-04-01' + (hash(i, 5) % 1000)::INTEGER, 'NEL', 'FD01A' FROM range({9 * lines}) t(i)
        ) SELECT record_hash, identity, provider, spell, started_on, started_on AS ended_on, point_of_delivery, hrg
        FROM record ORDER BY record_hash) TO '{folder}/sus.parquet' {save}"""
    )


_RECALL = """
import csv, json, os, sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
folder, lines = Path(sys.argv[1]), int(sys.argv[2])
os.environ["HOME"] = str(folder / "home"); os.environ.pop("XDG_CONFIG_HOME", None)
from caldicott import bootstrap
from caldicott.engines.duckdb.invoices_books import DECISION
from caldicott.operations.invoices.land import land
from caldicott.operations.invoices.validate import validate
from caldicott.stores.ceff import DECISIONS, Ceff
from caldicott.synth.invent import invent
invent(folder / "made", people=max(2_000, lines // 5), seed=7, only=["pds"], invoice_lines=lines)
with bootstrap.open_house(bootstrap.load_register("example-icb"), folder / "store", create=True) as house:
    house = replace(house, actor="first")
    faults = [one.fault for one in land(house, folder / "made" / "ceff") if one.fault]
    assert not faults, faults
    validate(house)
    found = {}
    for _, rows in Ceff(house.store).written(DECISIONS, DECISION.names):
        names = [rows.column(name).to_pylist() for name in ("file_row", "verdict", "reasons")]
        found.update({row: (verdict, reasons) for row, verdict, reasons in zip(*names)})
seeded, right, clean, asked = Counter(), Counter(), 0, 0
for truth in csv.DictReader((folder / "made" / "truth" / "invoice_lines.csv").open()):
    verdict, reasons = found.get(int(truth["row"]), ("held", [truth["reason"]]))
    if truth["fault"]:
        seeded[truth["fault"]] += 1
        right[truth["fault"]] += verdict == truth["decision"] and truth["reason"] in reasons
    else:
        clean += 1
        asked += verdict != truth["decision"]
recall = {kind: right[kind] / count for kind, count in seeded.items()}
print(json.dumps({"kinds": len(seeded), "seeded": sum(seeded.values()), "recall": recall, "clean": clean, "asked": asked}))
"""


def found_again(lines: int = 125_000) -> list[dict]:
    """Invented bills through the whole way, from the file to the decision: what was seeded, and what was found."""
    with tempfile.TemporaryDirectory() as place:
        told = subprocess.run(
            [sys.executable, "-c", _RECALL, place, str(lines)], check=True, capture_output=True, text=True
        )
    found = json.loads(told.stdout)
    missed = {kind: share for kind, share in found["recall"].items() if share < 1}
    print(
        json.dumps({"missed": missed, **{name: found[name] for name in ("kinds", "seeded", "clean")}}), file=sys.stderr
    )
    return [
        {"name": f"least recall of {found['kinds']} kinds of fault, {found['seeded']:,} seeded",
         "value": min(found["recall"].values()), "unit": "of 1", "target": None},
        {"name": f"clean lines asked about, of {found['clean']:,}", "value": found["asked"], "unit": "lines", "target": 0},
    ]  # fmt: skip


def measure(*, whole: bool) -> list[dict]:
    lines = WHOLE if whole else SMALL
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        invent(folder, lines)
        said = subprocess.run([sys.executable, "-c", _OURS, str(folder)], check=True, capture_output=True, text=True)
        found = json.loads(said.stdout)
    expected = {"pay": lines - lines // 50, "query": lines // 50}
    assert found["counts"] == expected, (found["counts"], expected, found["reasons"])
    print(json.dumps(found, indent=1), file=sys.stderr)
    name = f"{lines:,} lines against {10 * lines:,} hospital records"
    return [
        {"name": f"invoices checked: {name}", "value": found["seconds"], "unit": "s", "target": SECONDS if whole else None},
        {"name": "the same: processor time", "value": found["cpu"], "unit": "s", "target": None},
        {"name": "the same: memory", "value": found["gigabytes"], "unit": "GB", "target": GIGABYTES},
        *({"name": f"of it: {step}", "value": took, "unit": "s", "target": None} for step, took in found["steps"].items()),
        *(found_again() if whole else found_again(5_000)),
    ]  # fmt: skip


if __name__ == "__main__":
    measured = measure(whole="--whole" in sys.argv)
    for row in measured:
        print(f"{row['name']}: {row['value']:.2f} {row['unit']} (target {row['target']})")
