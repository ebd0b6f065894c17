"""Every figure of disclosure control and of indicators, in one run; `python -m bench.disclosure [--small]` prints it.

--small for a loaded machine: no table of 20,000 cells, fewer sessions, a tenth
of the rows. Tables are invented: counts fall off exponentially around twelve,
which leaves about a third of the cells small, a hard case. The optimum is a
lower bound by integer programming over cuts from linear programs alone, so that
a ratio of 1.0 is proved. Seconds are of the processor: the gate uses one. The
subjects side by side are in bench/peers/disclosure.py and disclosure_sessions.py.
"""

from __future__ import annotations

import csv
import itertools
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from bench import indicators, records
from bench.peers import disclosure as peers
from bench.peers import disclosure_sessions as attacks
from bench.results import figures_table, markdown, of_rows

from caldicott.disclosure import cover, lattice
from caldicott.disclosure.gate import protect
from caldicott.disclosure.hierarchy import Hierarchies
from caldicott.disclosure.lattice import Released
from caldicott.disclosure.proof import Prover, Witnesses
from caldicott.disclosure.system import State
from caldicott.disclosure.table import CountTable, Row
from caldicott.facts.disclosure import rule
from caldicott.operations.protect import Request
from caldicott.operations.protect import protect as protect_files

NAMES = ("practice", "age", "condition")
SIZES = {"500 cells": ((11, 6, 5), 2.0), "2,000 cells": ((20, 8, 9), 30.0), "20,000 cells": ((53, 20, 17), 600.0)}
PUBLISHABLE = 8
SMALL_TABLES = 30
PATIENCE = 10
REFUSED = "refused"
SESSIONS = 120


def invented(shape, seed, mean=12.0):
    """A table of that shape with every total."""
    chance = random.Random(seed)
    values = [[f"{name}{n}" for n in range(size)] for name, size in zip(NAMES, shape, strict=False)]
    counts = {}
    for cell in itertools.product(*values):
        count = min(int(chance.expovariate(1 / mean)), 500)
        for key in itertools.product(*[(value, "All") for value in cell]):
            counts[key] = counts.get(key, 0) + count
    rows = tuple(Row(key, line, count) for line, (key, count) in enumerate(counts.items(), 2))
    return CountTable("table", NAMES[: len(shape)], rows)


def timed(shape):
    table = invented(shape, 1)
    start = time.process_time()
    outcome = protect([table], rule("hes-2018"), hierarchies=Hierarchies())
    assert outcome.is_safe
    return time.process_time() - start, len(table.rows), sum(s is State.COVER for s in outcome.tables[0].states)


def people(seed=7):
    """An invented population of three months: practice x age band x sex x condition x month, about 60,000 people."""
    chance = random.Random(seed)
    practices = {f"P{n:02}": chance.choice([0.4, 1, 1, 2]) for n in range(12)}
    ages = {"0-17": 1.0, "18-39": 1.2, "40-64": 1.6, "65-79": 1.1, "80+": 0.5}
    conditions = {"asthma": 1.5, "diabetes": 1.2, "heart": 0.8, "copd": 0.4, "dementia": 0.15}
    for (p, size), (a, old), s, (c, often) in itertools.product(
        practices.items(), ages.items(), "FM", conditions.items()
    ):
        level = 30 * size * old * often
        for month in ("2026-01", "2026-02", "2026-03"):
            level = max(level + chance.gauss(0, 0.05 * level), 0)
            yield (
                {"practice": p, "age": a, "sex": s, "condition": c, "month": month},
                int(chance.gauss(level, level**0.5)),
            )


def utility():
    """Three snapshots, one after the other against one ledger: what of the publishable is published, and how exact."""
    cube = [(place, max(count, 0)) for place, count in people()]
    asked = [("practice", "condition"), ("practice", "age", "sex"), ("age", "sex", "condition")]
    published = publishable = 0
    errors = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for month in ("2026-01", "2026-02", "2026-03"):
            for dimensions in asked:
                true = write(folder / f"{'-'.join(dimensions)}-{month}.csv", cube, dimensions, month)
            paths = tuple(sorted(folder.glob(f"*-{month}.csv")))
            protect_files(Request(paths, "hes-2018", folder / month, None, folder / "memory"))
            for path in paths:
                true = read(path)
                printed = read(folder / month / path.name)
                for key, count in true.items():
                    if int(count) >= PUBLISHABLE:
                        publishable += 1
                        published += printed[key] != "*"
                        errors += [abs(int(printed[key]) - int(count))] if printed[key] != "*" else []
    return 100 * published / publishable, statistics.mean(errors), publishable


def write(path, cube, dimensions, month):
    counts = {}
    for place, count in cube:
        if place["month"] == month:
            for key in itertools.product(*[(place[name], "All") for name in dimensions]):
                counts[key] = counts.get(key, 0) + count
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("month", *dimensions, "count"))
        writer.writerows((month, *key, count) for key, count in counts.items())


def read(path):
    with path.open(newline="") as stream:
        return {tuple(row[:-1]): row[-1] for row in list(csv.reader(stream))[1:]}


def optimum(table, name):
    """Ours, and the fewest that any safe choice can withhold: linear programs' cuts, met by an integer program.

    None where the bound was not reached in `PATIENCE` seconds of the processor; `REFUSED` where the gate found no
    choice that it could prove safe.
    """
    begun = time.process_time()
    found = rule(name)
    built = lattice.build([Released(table)], Hierarchies().dimensions([table]), found)
    outcome = protect([table], found, hierarchies=Hierarchies())
    if not outcome.is_safe:
        return REFUSED
    sealed = {n for n, state in enumerate(outcome.tables[0].states) if state is State.SEALED}
    ours = sum(state is State.COVER for state in outcome.tables[0].states)
    states = list(built.states)
    for place in sealed:
        states[built.statistic_of[0][place]] = State.SEALED
    cuts, hidden = set(), frozenset()
    cost = dict.fromkeys(range(len(states)), 1.0)
    while True:
        now = [State.COVER if n in hidden and s is State.SHOWN else s for n, s in enumerate(states)]
        new = {cut for cut in lp_cuts(built.system, now, found) if cut} - cuts
        if not new:
            return ours, len(hidden)
        if time.process_time() - begun > PATIENCE:
            return None
        cuts |= new
        hidden = cover.cheapest(cuts, cost)


def lp_cuts(system, states, found):
    prover = Prover(system, states, found, Witnesses())
    program = prover._lp()  # noqa: SLF001  the bound is made of the same programs
    for target in system.targets:
        weights = dict.fromkeys(target.atoms, 1.0)
        ends = [program.furthest(weights, upwards=way) for way in (True, False)]
        if int(ends[0].value + 1e-6) - -int(-ends[1].value // 1) + 1 < found.possible_values_of_small:
            blamed = prover._blamed(ends[0]) | prover._blamed(ends[1])  # noqa: SLF001
            yield frozenset(n for n in blamed if states[n] is State.SHOWN and system.statistics[n].truth)


def measure(*, whole=True):
    """Name, value, unit and target of every number."""
    rows = []
    for name, (shape, target) in SIZES.items():
        if whole or target < 100:
            seconds, cells, extra = timed(shape)
            rows.append(row(f"gate, one table of {cells:,} cells with all totals ({name})", seconds, "s", target))
            rows.append(row(f"cells withheld only as cover, of {cells:,}", extra, "cells"))
    begun = time.process_time()
    share, error, cells = utility()
    what = f"reference cube, 3 snapshots against one ledger: not published of {cells:,} publishable cells"
    rows.append(row(what, 100 - share, "%", 10))
    rows.append(row("mean absolute error of published counts", error, "people", 1.3))
    rows.append(row("the three snapshots, nine tables", time.process_time() - begun, "s"))
    for name in ("hes-2018", "hes-before-2018"):
        tried = [optimum(invented(shape, seed), name) for shape, seed in small_tables(whole=whole)]
        rows.append(row(f"{name}: tables refused, of {len(tried)} up to 200 cells", tried.count(REFUSED), "tables"))
        pairs = [pair for pair in tried if pair not in {None, REFUSED}]
        ours, least = (sum(column) for column in zip(*pairs, strict=True))
        what = f"{name}: cover cells on {len(pairs)} of {len(tried)} tables up to 200 cells (proved least {least})"
        rows.append(row(what, ours, "cells"))
        rows.append(row(f"{name}: cover over the proved least", ours / max(least, 1), "ratio", 1.15))
    return rows


def row(name, value, unit, target=None):
    return {"name": name, "value": round(value, 3), "unit": unit, "target": target}


def part(*, whole=True):
    """The part of the page: figures, tables and attack sessions by three ways, and what is before the gate."""
    found = figures_table(of_rows([*measure(whole=whole), *records.measure(whole=whole)]))
    sessions = SESSIONS if whole else SESSIONS // 10
    tables, lines = attacks.side_by_side(sessions)
    return "\n\n".join(
        [
            found, peers.OPENING, markdown(peers.side_by_side()),
            attacks.OPENING.format(sessions=sessions, tables=tables), markdown(lines),
            f"Before the gate, an indicator's own question: {indicators.part(whole=whole)}",
        ]
    )  # fmt: skip


def small_tables(*, whole):
    shapes = [(4, 5), (7, 6), (10, 12), (4, 3, 3), (5, 4, 4)]
    for seed in range(SMALL_TABLES if whole else 5):
        yield shapes[seed % len(shapes)], seed


if __name__ == "__main__":
    print(part(whole="--small" not in sys.argv))
