"""The invented extracts the figures are measured on: made once, outside the checkout, and found again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from caldicott.facts.layout import ColumnClass, ColumnType, load
from caldicott.facts.objections import codes

SUS = {"sus-apc": "ncdr-sus-apc", "sus-op": "ncdr-sus-op", "sus-ec": "ncdr-sus-ec"}
DATASETS = (*SUS, "pds", "gp-objections", "national-data-opt-out")
YEARS = 4
SEED = 1
_TELLING = {
    ColumnClass.NHS_NUMBER, ColumnClass.LOCAL_ID, ColumnClass.RECORD_KEY, ColumnClass.NAME, ColumnClass.ADDRESS,
    ColumnClass.POSTCODE, ColumnClass.BIRTH_DATE, ColumnClass.STAFF,
}  # fmt: skip
_MAKE = """
import json, sys, time
from pathlib import Path
from caldicott.synth import invent
report = invent(Path(sys.argv[1]), people=int(sys.argv[2]), seed=int(sys.argv[3]), years=int(sys.argv[4]),
                only=json.loads(sys.argv[5]))
"""


def place() -> Path:
    """Where extracts and stores of the benchmarks lie: CALDICOTT_BENCH_DIR, or a folder for temporary files."""
    folder = Path(os.environ.get("CALDICOTT_BENCH_DIR") or Path(tempfile.gettempdir()) / "caldicott-bench")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def made(people: int) -> Path:
    """The extracts of so many people: four years of hospital records, the spine, objections. About 12 rows a person."""
    folder = place() / f"extracts-{people}-{YEARS}y"
    done = folder / "made.json"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        asked = [str(folder / "out"), str(people), str(SEED), str(YEARS), json.dumps(DATASETS)]
        subprocess.run([sys.executable, "-c", _MAKE, *asked], check=True)
        # The truth is for the tests of the answers; here it is only gigabytes.
        shutil.rmtree(folder / "out" / "truth", ignore_errors=True)
        done.write_text(json.dumps({"people": people, "rows": _rows(folder / "out")}))
    return folder / "out"


def sus_rows(out: Path) -> int:
    return json.loads((out.parent / "made.json").read_text())["rows"]


def task(out: Path, *, to: Path, threads: int) -> dict:
    """The job in words every peer reads: which files, which columns are what, who objects by which codes."""
    return {
        "to": str(to),
        "threads": threads,
        "datasets": {name: _dataset(out, name, layout) for name, layout in SUS.items()},
        "objections": [str(path) for path in sorted(out.glob("*-gp-objections-*/*.csv"))],
        "objection_codes": [
            {"code": code.code, "is_dissent": code.is_dissent, "until": code.effective_until}
            for code in codes()
            if code.scheme.value == "type2"
        ],
        "allowed": [str(path) for path in sorted(out.glob("*-national-data-opt-out-*/*.dat"))],
    }


def _dataset(out: Path, name: str, layout_id: str) -> dict:
    layout = load(layout_id)
    by_class = {column.column_class: column.name for column in layout.columns}
    return {
        "files": [str(path) for path in sorted(out.glob(f"*-{name}-*/*.csv"))],
        "columns": [column.name for column in layout.columns],
        "number": layout.identity_column,
        "withheld": layout.withheld_column,
        "occurred": layout.occurred,
        "birth_date": by_class[ColumnClass.BIRTH_DATE],
        "postcode": by_class[ColumnClass.POSTCODE],
        "cost": "FinalPrice",
        "telling": [column.name for column in layout.columns if column.column_class in _TELLING],
        "dates": [column.name for column in layout.columns if column.type == ColumnType.DATE],
        "numbers": [c.name for c in layout.columns if c.type in {ColumnType.INTEGER, ColumnType.DECIMAL}],
    }


def _rows(out: Path) -> int:
    """Rows of hospital records: every line but the headers (invented text holds no line breaks)."""
    files = [path for name in SUS for path in out.glob(f"*-{name}-*/*.csv")]
    return sum(_lines(path) - 1 for path in files)


def _lines(path: Path) -> int:
    with path.open("rb") as stream:
        return sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))
