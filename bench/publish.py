"""How long publishing the example register takes, whole and by part; `python bench/publish.py [--rounds N]`.

Each round is the command in a process of its own, into a new folder, so that
reading the program counts as it does for a person. Processor time stands
beside the clock: on a busy machine only it can be compared.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

TARGET = 5.0

_CHILD = """
import json, os, resource, sys, time
begun = time.perf_counter()
from pathlib import Path
from datetime import date
from caldicott import bootstrap
from caldicott.operations.publish import publish
steps = [("program", begun)]
register = bootstrap.load_register("example-icb")
folder = bootstrap.find_register("example-icb")
told = lambda step: steps.append((step, time.perf_counter()))
told("register and checks")
done = publish(register, to=Path(sys.argv[1]), at=date(2026, 11, 22), register_folder=folder, told=told)
steps.append(("", time.perf_counter()))
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({
    "seconds": time.perf_counter() - begun,
    "processor": used.ru_utime + used.ru_stime,
    "gigabytes": used.ru_maxrss / 1024**2,
    "files": len(done.files),
    "parts": {name: after - before for (name, before), (_, after) in zip(steps, steps[1:])},
}))
"""


def run():
    """One publication."""
    with tempfile.TemporaryDirectory() as folder:
        to = str(Path(folder) / "notice")
        done = subprocess.run([sys.executable, "-c", _CHILD, to], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def measure(rounds: int = 3) -> list[dict]:
    """Name, value, unit and target of every number; medians."""
    every = [run() for _ in range(rounds)]

    def middle(key):
        return statistics.median(one[key] for one in every)

    found = [
        {"name": "publish example-icb, every output", "value": middle("seconds"), "unit": "s", "target": TARGET},
        {"name": "the same: processor time", "value": middle("processor"), "unit": "s", "target": None},
        {"name": "the same: peak memory", "value": middle("gigabytes"), "unit": "GB", "target": None},
    ]
    for part in every[0]["parts"]:
        seconds = statistics.median(one["parts"][part] for one in every)
        found.append({"name": f"of it: {part}", "value": seconds, "unit": "s", "target": None})
    return found


if __name__ == "__main__":
    asked = argparse.ArgumentParser()
    asked.add_argument("--rounds", type=int, default=3)
    load = os.getloadavg()[0]
    for one in measure(asked.parse_args().rounds):
        target = f" (target {one['target']:g})" if one["target"] else ""
        print(f"{one['name']}: {one['value']:.2f} {one['unit']}{target}")
    print(f"load at the start: {load:.1f}")
