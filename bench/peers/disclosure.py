"""The same four tables by this gate, by the plain national rule, and by ACRO; and what an attacker makes of each.

ACRO lives in an environment of its own: name its Python in CALDICOTT_ACRO_PYTHON,
or its line says that it was not run. The attacker has the four returned tables,
knows the rule, and solves one system over the full cross.
"""

import csv
import itertools
import json
import math
import os
import random
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from caldicott.disclosure.solver import Program
from caldicott.operations.protect import Request, protect

OPENING = (
    "Four tables of one month (practice by condition, practice by age band, age band by condition, and practice alone; "
    "with totals where the subject gives them) over 600 invented places, most of few people. A cell is found "
    "exactly, or left fewer than five possible values, by linear programs over the returned tables alone."
)
DIMENSIONS = {"practice": 12, "age": 5, "condition": 10}
ASKED = (("practice", "condition"), ("practice", "age"), ("age", "condition"), ("practice",))
PUBLISHABLE, SMALL, FEWEST = 8, range(1, 8), 4
_MOST = 5_000.0

_ACRO = """
import json, sys, contextlib, io, warnings
warnings.filterwarnings("ignore")
import pandas as pd
with contextlib.redirect_stdout(sys.stderr):
    from acro import ACRO
    asked = json.load(open(sys.argv[1]))
    rows = pd.DataFrame(asked["rows"], columns=asked["names"])
    rows["all"] = "All"
    acro = ACRO(suppress=True)
    found = []
    for names in asked["tables"]:
        columns = rows[names[1]] if len(names) > 1 else rows["all"]
        table = acro.crosstab(rows[names[0]], columns, margins=len(names) > 1)
        found.append([
            [str(i), str(c), None if pd.isna(table.loc[i, c]) else int(table.loc[i, c])]
            for i in table.index for c in table.columns
        ])
print(json.dumps(found))
"""


def places(seed=3):
    """How many people are at each place of the cross."""
    chance = random.Random(seed)
    names = [[f"{name}{n}" for n in range(size)] for name, size in DIMENSIONS.items()]
    often = {value: chance.choice([0.3, 0.6, 1, 2]) for values in names for value in values}
    level = {place: 4 * math.prod(often[value] for value in place) for place in itertools.product(*names)}
    return {place: min(int(chance.expovariate(1 / mean)), 60) for place, mean in level.items()}


def true_table(cube, names):
    """Counts of the cells and of every total."""
    order, counts = tuple(DIMENSIONS), {}
    for place, count in cube.items():
        for key in itertools.product(*[(place[order.index(name)], "All") for name in names]):
            counts[key] = counts.get(key, 0) + count
    return counts


def by_rule(cube):
    return [
        {key: "*" if n in SMALL else (n + 2) // 5 * 5 for key, n in true_table(cube, names).items()} for names in ASKED
    ]


def by_gate(cube):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, names in enumerate(ASKED):
            path = folder / f"t{number}.csv"
            lines = [",".join((*key, str(n))) for key, n in true_table(cube, names).items()]
            path.write_text("\n".join([",".join((*names, "count")), *lines]) + "\n")
            # One after the other, as an analyst asks.
            protect(Request((path,), "hes-2018", folder / "out", None, folder / "memory"))
        return [_printed(folder / "out" / f"t{number}.csv") for number in range(len(ASKED))]


def _printed(path):
    with path.open(newline="") as stream:
        rows = list(csv.reader(stream))[1:]
    return {tuple(row[:-1]): "*" if row[-1] == "*" else int(row[-1]) for row in rows}


def by_acro(cube):
    """ACRO with suppression; its totals count the cells that it shows, so they are left out of what it prints."""
    python = os.environ.get("CALDICOTT_ACRO_PYTHON")
    if not python:
        return None
    rows = [place for place, count in cube.items() for _ in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        asked = Path(folder) / "asked.json"
        asked.write_text(json.dumps({"rows": rows, "names": list(DIMENSIONS), "tables": ASKED}))
        done = subprocess.run([python, "-c", _ACRO, str(asked)], check=True, capture_output=True, text=True, cwd=folder)
    found = json.loads(done.stdout.strip().splitlines()[-1])
    tables = []
    for names, cells in zip(ASKED, found, strict=True):
        kept = {(row,) if len(names) == 1 else (row, column): n for row, column, n in cells}
        tables.append({key: "*" if n is None else n for key, n in kept.items() if "All" not in key})
    return tables


def interval(printed, exact, withheld):
    if printed == "*":
        return withheld
    if exact or printed == 0:
        return printed, printed
    return max(printed - 2, PUBLISHABLE), printed + 2


def attacked(cube, tables, *, exact=False, withheld=(1, _MOST)):
    """Small cells asked for; found exactly; left fewer than five values."""
    order, atoms = tuple(DIMENSIONS), {place: number for number, place in enumerate(cube)}
    rows, low, high, small = [], [], [], {}
    for names, table in zip(ASKED, tables, strict=True):
        for key, printed in table.items():
            chosen = dict(zip(names, key, strict=True))
            group = tuple(
                atoms[place]
                for place in cube
                if all(value in {"All", place[order.index(name)]} for name, value in chosen.items())
            )
            least, most = interval(printed, exact, withheld)
            rows.append((group, [1.0] * len(group)))
            low.append(float(least))
            high.append(float(most))
            count = sum(cube[place] for place in cube if atoms[place] in set(group))
            if count in SMALL:
                small[group] = count
    program = Program((np.zeros(len(atoms)), np.full(len(atoms), _MOST)), rows, (np.array(low), np.array(high)))
    found = narrow = 0
    for group, count in small.items():
        ends = [program.furthest(dict.fromkeys(group, 1.0), upwards=way).value for way in (False, True)]
        least, most = math.ceil(ends[0] - 1e-6), math.floor(ends[1] + 1e-6)
        assert least <= count <= most, "the attack itself must be sound"
        found += least == most
        narrow += most - least < FEWEST
    return len(small), found, narrow


def useful(cube, tables):
    """Per cent published of what may be, and the mean error of it. Totals count only where the subject gives them."""
    shown, publishable, errors = 0, 0, []
    for names, table in zip(ASKED, tables, strict=True):
        for key, count in true_table(cube, names).items():
            if key in table and count >= PUBLISHABLE:
                publishable += 1
                shown += table[key] != "*"
                errors += [abs(table[key] - count)] if table[key] != "*" else []
    return 100 * shown / publishable, statistics.mean(errors)


HEADINGS = ("subject", "published of publishable", "mean error", "small cells", "found exactly", "fewer than five", "s")
SUBJECTS = (
    ("this gate, one table after another", by_gate, {}),
    ("the plain national rule", by_rule, {"withheld": (1, 7)}),
    ("ACRO 1.0.2, suppression, totals left out", by_acro, {"exact": True, "withheld": (0, 9)}),
)


def side_by_side():
    """One line a subject."""
    cube = places()
    lines = [
        ["subject", "published of publishable", "mean error", "small cells", "found exactly", "fewer than five", "s"]
    ]
    for name, make, known in SUBJECTS:
        begun = time.process_time()
        tables = make(cube)
        if tables is None:
            lines.append([name, "not run", "", "", "", "", ""])
            continue
        seconds = time.process_time() - begun
        share, error = useful(cube, tables)
        small, exact, narrow = attacked(cube, tables, **known)
        spent = f"{seconds:.1f}" if make is not by_acro else ""
        lines.append([name, f"{share:.1f} %", f"{error:.2f}", str(small), str(exact), str(narrow), spent])
    return lines
