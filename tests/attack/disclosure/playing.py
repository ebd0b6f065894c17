"""Plays a session through the command's own operation, and lets the attacker loose on the returned files."""

from __future__ import annotations

import csv
import random
from collections import Counter

from attack.disclosure.attacker import Attacker, Seen
from attack.disclosure.sessions import HIERARCHY, SCRIPTS, SIZE, World
from caldicott.operations.protect import Request, protect
from caldicott.vocabulary.errors import Refused

SMALL = range(1, 8)


def plain(count):
    """The national rule without memory: one to seven withheld, else the nearest five."""
    return "*" if count in SMALL else str((count + 2) // 5 * 5)


def play(seed, folder):
    """What a session gave the attacker, under the gate and under the plain rule."""
    chance, world = random.Random(seed), World(seed)
    asked = SCRIPTS[seed % len(SCRIPTS)](chance)
    # Now all tables in one call, now one by one against the ledger.
    calls = [asked] if seed % 3 == 0 else [[one] for one in asked]
    (folder / "levels.csv").write_text(HIERARCHY)
    met = Counter()
    gate, rule_alone = [], []
    for number, call in enumerate(calls):
        cells_of, asked_as = {}, {}
        for place, one in enumerate(call):
            path = folder / f"t{number}-{place}.csv"
            text, cells_of[path] = world.table(one)
            path.write_text(text)
            asked_as[path] = one
            rule_alone += [Seen(atoms, plain(world.total(atoms))) for atoms in cells_of[path].values()]
        try:
            out = folder / f"out{number}"
            protect(Request(tuple(cells_of), "hes-2018", out, folder / "levels.csv", folder / "memory"))
        except Refused:
            met["refused"] += 1
            continue
        for path in cells_of:
            gate += returned(out / path.name, world, asked_as[path])
    publishable = [seen for seen in gate if world.total(seen.atoms) > max(SMALL)]
    met["publishable"] = len(publishable)
    met["published"] = sum(seen.printed != "*" for seen in publishable)
    met.update(attacked(world, gate, "gate", withheld=(1, 5_000)))
    met.update(attacked(world, rule_alone, "rule", withheld=(1, 7)))
    return met


def returned(path, world, asked):
    with path.open(newline="") as stream:
        return [Seen(world.atoms(asked, row[:-1]), row[-1]) for row in list(csv.reader(stream))[1:]]


def attacked(world, seen, name, *, withheld):
    """Each small group the tables can tell apart: the cells, the finest places, and differences of nested cells."""
    attacker = Attacker(2 * SIZE, seen, withheld=withheld)
    groups = {frozenset(cell.atoms) for cell in seen}
    apart = {*groups, *(frozenset([atom]) for atom in range(2 * SIZE))}
    apart |= {large - small for small in groups for large in groups if small < large}
    met = Counter()
    for group in sorted(apart, key=sorted):
        if world.total(group) in SMALL:
            least, most = attacker.possible(sorted(group))
            assert least <= world.total(group) <= most, "the attack itself must be sound"
            met[f"{name}: small groups"] += 1
            met[f"{name}: exact"] += least == most
            met[f"{name}: fewer than five values"] += most - least < 4
    return met
