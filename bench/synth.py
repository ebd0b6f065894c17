"""How fast and in how much memory invented extracts are made; `python bench/synth.py [--whole]`.

`measure` runs each case in a process of its own, so that the memory is that of
the case alone. The targets are those of docs/reference/synth.md.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

HOSPITAL = ("sus-apc", "sus-op", "sus-ec")

_CHILD = """
import json, resource, sys, time
from pathlib import Path
from caldicott.synth import invent
people, years, only, out = int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3]), Path(sys.argv[4])
begun = time.perf_counter()
report = invent(out, people=people, seed=1, years=years, only=only)
print(json.dumps({
    "seconds": time.perf_counter() - begun,
    "rows": report.rows,
    "gigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2,
}))
"""


def run(people, years, only=None):
    """One invention: seconds, rows, peak memory in GB."""
    with tempfile.TemporaryDirectory() as folder:
        asked = [str(people), str(years), json.dumps(only), str(Path(folder) / "out")]
        done = subprocess.run([sys.executable, "-c", _CHILD, *asked], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def measure(*, whole: bool = True) -> list[dict]:
    """Name, value, unit and target of every number; without `whole` only the small case."""
    small = run(50_000, 1)
    found = [
        {"name": "synth 50,000 people, 1 year, every dataset", "value": small["seconds"], "unit": "s", "target": 15},
        {"name": "the same: rows", "value": small["rows"], "unit": "rows", "target": None},
        {"name": "the same: peak memory", "value": small["gigabytes"], "unit": "GB", "target": 4},
    ]
    if whole:
        large = run(1_000_000, 4, HOSPITAL)
        found += [
            {
                "name": "synth 1,000,000 people, 4 years, hospital",
                "value": large["seconds"],
                "unit": "s",
                "target": 120,
            },
            {"name": "the same: rows", "value": large["rows"], "unit": "rows", "target": 10_000_000},
            {"name": "the same: peak memory", "value": large["gigabytes"], "unit": "GB", "target": 4},
        ]
    return found


if __name__ == "__main__":
    for line in measure(whole="--whole" in sys.argv):
        print(f"{line['name']:<48} {line['value']:>14,.1f} {line['unit']:<5} target {line['target']}")
