"""Subject: the floor. DuckDB copies the same CSV files, every column as text, to Parquet by dataset and month.

No check, no person, no objection, no token, no linked mart, nothing encrypted.
python -m bench.peers.floor TASK.json
"""

import json
import sys
from pathlib import Path

import duckdb


def main(task: dict) -> dict:
    db = duckdb.connect(":memory:", config={"threads": task["threads"]})
    db.execute("SET preserve_insertion_order = false")
    db.execute("SET enable_progress_bar = false")
    rows = {name: copy(db, name, spec, task["to"]) for name, spec in task["datasets"].items()}
    return {"rows_out": rows}


def copy(db: duckdb.DuckDBPyConnection, name: str, spec: dict, to: str) -> int:
    files = ", ".join(f"'{path}'" for path in spec["files"])
    types = ", ".join(f"'{column}': 'VARCHAR'" for column in spec["columns"])
    folder = Path(to) / name
    folder.mkdir(parents=True)
    row = db.execute(
        f"COPY (SELECT *, strftime(try_cast(\"{spec['occurred']}\" AS DATE), '%Y-%m') AS month "
        f"FROM read_csv([{files}], header = true, auto_detect = false, columns = {{{types}}})) "
        f"TO '{folder}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, PARTITION_BY (month))"
    ).fetchone()
    return int(row[0])


if __name__ == "__main__":
    print(json.dumps(main(json.loads(Path(sys.argv[1]).read_text()))))
