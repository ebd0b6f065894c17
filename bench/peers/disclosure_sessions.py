"""The attack sessions of the tests by this gate, by the plain national rule and by ACRO: what each gives away.

Scripted analysts ask table after table of one invented cube (practice x age x
sex x month, some people objecting). Each subject answers the same tables; the
attacker has the returned tables only and solves one system over the full cross.
ACRO lives in an environment of its own (CALDICOTT_ACRO_PYTHON).
"""

import csv
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from caldicott.operations.protect import Request, protect
from caldicott.vocabulary.errors import Refused

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from attack.disclosure.attacker import Seen
from attack.disclosure.playing import SMALL, attacked, plain, returned
from attack.disclosure.sessions import HIERARCHY, SCRIPTS, World

OPENING = (
    "The attack sessions of the tests: {sessions} scripted analysts (random, everybody but one, shifting bands, month "
    "on month, with and without objectors, two who collude), {tables} tables of one invented cube. Every subject is "
    "asked the same; the attacker has what it returned, in the whole session, and solves one linear system over the "
    "full cross. ACRO is asked for the cells without totals (its totals give hidden cells away by subtraction)."
)
HEADINGS = [
    "subject", "tables refused", "published of publishable", "mean error", "small groups", "found exactly",
    "fewer than five values", "s",
]  # fmt: skip
_ACRO = """
import json, sys, contextlib, warnings
warnings.filterwarnings("ignore")
import pandas as pd
with contextlib.redirect_stdout(sys.stderr):
    from acro import ACRO
    found = []
    for rows in json.load(open(sys.argv[1])):
        table = pd.DataFrame([(one, two) for one, two, count in rows for _ in range(count)], columns=["one", "two"])
        if not len(table):
            found.append([])
            continue
        told = ACRO(suppress=True).crosstab(table["one"], table["two"])
        found.append([
            [str(i), str(c), None if pd.isna(told.loc[i, c]) else int(told.loc[i, c])]
            for i in told.index for c in told.columns
        ])
print(json.dumps(found))
"""


def sessions(number):
    """The first so many: the world, and what is asked of it, table after table."""
    return [(World(seed), SCRIPTS[seed % len(SCRIPTS)](random.Random(seed))) for seed in range(number)]


def by_gate(world, asked):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "levels.csv").write_text(HIERARCHY)
        found = []
        for number, one in enumerate(asked):
            path = folder / f"t{number}.csv"
            path.write_text(world.table(one)[0])
            request = Request((path,), "hes-2018", folder / f"out{number}", folder / "levels.csv", folder / "memory")
            try:
                protect(request)
            except Refused:
                found.append(None)
                continue
            found.append(returned(folder / f"out{number}" / path.name, world, one))
        return found


def by_rule(world, asked):
    return [[Seen(atoms, plain(world.total(atoms))) for atoms in world.table(one)[1].values()] for one in asked]


def smallest(one):
    """The values of a table that are no total: these are the cells that ACRO is asked for."""
    return [
        {value: places for value, places in values.items() if value != "All" or len(values) == 1}
        for values in one.values
    ]


def by_acro(played):
    """Every table of every session in one start of ACRO."""
    python = os.environ.get("CALDICOTT_ACRO_PYTHON")
    if not python:
        return None
    tables, cells = [], []
    for world, asked in played:
        for one in asked:
            values = smallest(one)
            own = {
                (a, b): world.atoms(one, (a, b)[: len(values)]) for a in values[0] for b in (values[1:] or [["all"]])[0]
            }
            cells.append(own)
            tables.append([[a, b, world.total(atoms)] for (a, b), atoms in own.items()])
    with tempfile.TemporaryDirectory() as folder:
        asked_of = Path(folder) / "asked.json"
        asked_of.write_text(json.dumps(tables))
        command = [python, "-c", _ACRO, str(asked_of)]
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder)
    told = iter(json.loads(done.stdout.strip().splitlines()[-1]))
    place = iter(cells)
    return [[_of_acro(next(told), next(place)) for _ in asked] for _, asked in played]


def _of_acro(told, own):
    # An exact number is written as what an insider knows: so and no other.
    return [Seen(own[a, b], "*" if count is None else f"={count}") for a, b, count in told]


def side_by_side(number):
    """How many tables, and one line a subject."""
    played = sessions(number)
    made = {"this gate": [], "the plain national rule": []}
    spent = Counter()
    for world, asked in played:
        for name, answer in (("this gate", by_gate), ("the plain national rule", by_rule)):
            begun = time.process_time()
            made[name].append(answer(world, asked))
            spent[name] += time.process_time() - begun
    made["ACRO 1.0.2, suppression, totals left out"] = by_acro(played)
    withheld = {"this gate": (1, 5_000), "the plain national rule": (1, 7)}
    lines = [HEADINGS]
    for name, answers in made.items():
        if answers is None:
            lines.append([name, "not run", *[""] * (len(HEADINGS) - 2)])
            continue
        seconds = f"{spent[name]:.1f}" if name in spent else ""
        lines.append([name, *_line(played, answers, withheld.get(name, (0, 9))), seconds])
    return sum(len(asked) for _, asked in played), lines


def _line(played, answers, withheld):
    met, errors = Counter(), []
    for (world, _), tables in zip(played, answers, strict=True):
        met["refused"] += sum(one is None for one in tables)
        seen = [cell for one in tables if one for cell in one]
        for cell in seen:
            true = world.total(cell.atoms)
            if true > max(SMALL):
                met["publishable"] += 1
                met["published"] += cell.printed != "*"
                errors += [abs(int(cell.printed.lstrip("=")) - true)] if cell.printed != "*" else []
        met.update(attacked(world, seen, "all", withheld=withheld))
    share = f"{100 * met['published'] / max(met['publishable'], 1):.1f} %"
    counts = [met["all: small groups"], met["all: exact"], met["all: fewer than five values"]]
    return [str(met["refused"]), share, f"{statistics.mean(errors):.2f}", *(f"{one:,}" for one in counts)]


if __name__ == "__main__":
    for cells in side_by_side(int(sys.argv[1]) if len(sys.argv) > 1 else 12)[1]:
        csv.writer(sys.stdout, delimiter="|").writerow(cells)
