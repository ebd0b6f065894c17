"""Sessions of fifty tables against one ledger: `python -m attack.disclosure.long_sessions --results FILE`.

Run from `tests`. Each session is one analyst, or two who tell each other
everything, over an invented population; the attacker has the returned files and
nothing else. A line of figures a session, and the sum at the end. The insider is
alone in a cell, and so knows it. With `--results` each line is added to the file,
and sessions that are in it are not played again: stop it and start it as you like.
`--kind mixed` is an analyst who mixes tables of everybody, by practice too, with
tables of everybody but one practice; `--kind everything` mixes in months and objectors;
`--kind hidden --tables 7` leaves out objectors and five practices, each in a table of
its own, and no column says so.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from attack.disclosure.attacker import Attacker, Seen
from attack.disclosure.playing import SMALL, plain, returned
from attack.disclosure.sessions import HIERARCHY, SCRIPTS, SIZE, World, everything, hidden, mixed
from caldicott.operations.protect import Request, protect
from caldicott.vocabulary.errors import DoesNotHold, Refused

KINDS = ("random", "differencer", "band shifter", "month on month", "opt-out pairs", "two colluders", "insider")
OTHERS = {"mixed": mixed, "everything": everything, "hidden": hidden}
_SCRIPT_OF_THE_INSIDER = 5
_FEWEST = 4


def play(seed, tables, folder, kind=""):
    """One session of so many tables, and what the attacker makes of it."""
    chance, world = random.Random(seed), World(seed)
    kind = kind or KINDS[seed % len(KINDS)]
    script = OTHERS.get(kind) or SCRIPTS[min(KINDS.index(kind), _SCRIPT_OF_THE_INSIDER)]
    (folder / "levels.csv").write_text(HIERARCHY)
    seen, alone, met = [], [], Counter()
    asked = []
    while len(asked) < tables:
        asked += script(chance)
    for number, one in enumerate(asked[:tables]):
        path = folder / f"t{number}.csv"
        text, cells = world.table(one)
        path.write_text(text)
        alone += [Seen(atoms, plain(world.total(atoms))) for atoms in cells.values()]
        met["tables"] += 1
        try:
            protect(Request((path,), "hes-2018", folder / "out", folder / "levels.csv", folder / "memory"))
        except (Refused, DoesNotHold) as refusal:
            met[f"refused: {refusal.code}"] += 1
            continue
        seen += returned(folder / "out" / path.name, world, one)
    publishable = [cell for cell in seen if world.total(cell.atoms) > max(SMALL)]
    met["publishable"] = len(publishable)
    met["published"] = sum(cell.printed != "*" for cell in publishable)
    known = insider_knows(world) if kind == "insider" else ()
    met.update(narrowed(world, seen, "gate", withheld=(1, 5_000), known=known))
    met.update(narrowed(world, alone, "rule", withheld=(1, 7), known=known))
    return kind, met


def insider_knows(world):
    """The first person who is alone at a place of the cross, if there is one."""
    return next(((atom,) for atom in range(SIZE) if world.counts[atom] == 1), ())


def narrowed(world, seen, name, *, withheld, known=()):
    """What can be concluded of every small cell, every finest place, and all that one cell has beyond another."""
    cells = [*seen, *(Known((atom,), world.counts[atom]) for atom in known)]
    attacker = Attacker(2 * SIZE, cells, withheld=withheld)
    printed = {frozenset(cell.atoms) for cell in seen}
    groups = printed | {frozenset([atom]) for atom in range(2 * SIZE)}
    groups |= {large - small for small in printed for large in printed if small < large}
    met = Counter()
    for group in sorted(groups, key=sorted):
        total = world.total(group)
        if total in SMALL and not group & set(known):
            least, most = attacker.possible(sorted(group))
            if not least <= total <= most:
                raise AssertionError("the attack itself must be sound")
            met[f"{name}: small groups"] += 1
            met[f"{name}: exact"] += least == most
            met[f"{name}: fewer than five values"] += most - least < _FEWEST
    return met


def Known(atoms, count):  # noqa: N802  reads as the cell it stands for
    """What an insider knows, as a cell with a count that is not rounded."""
    return Seen(atoms, f"={count}")


def run(seeds, tables, kind="", told=print):
    """These sessions in turn, a line each."""
    for seed in seeds:
        begun = time.process_time()
        with tempfile.TemporaryDirectory() as name:
            played, met = play(seed, tables, Path(name), kind)
        spent = round(time.process_time() - begun, 1)
        told(json.dumps({"seed": seed, "kind": played, "sessions": 1, "processor seconds": spent, **met}))


def sums(lines):
    """The figures of all lines by kind."""
    found = {}
    for line in map(json.loads, lines):
        line.pop("seed")
        found.setdefault(line.pop("kind"), Counter()).update(line)
    return [json.dumps({"sum of": kind, **total}) for kind, total in found.items()]


def played(results):
    """What a file of results holds."""
    return results.read_text().splitlines() if results and results.exists() else []


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--sessions", type=int, default=1_000)
    parser.add_argument("--tables", type=int, default=50)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--kind", choices=tuple(OTHERS), default="")
    parser.add_argument("--results", type=Path)
    chosen = parser.parse_args()
    before = played(chosen.results)
    done = {(line["seed"], line["kind"] if line["kind"] in OTHERS else "") for line in map(json.loads, before)}
    lines = list(before)

    def said(line):
        lines.append(line)
        print(line, flush=True)  # noqa: T201  the figures are the point
        if chosen.results:
            with chosen.results.open("a") as stream:
                stream.write(line + "\n")

    left = [seed for seed in range(chosen.first, chosen.first + chosen.sessions) if (seed, chosen.kind) not in done]
    run(left, chosen.tables, chosen.kind, said)
    print("\n".join(sums(lines)))  # noqa: T201
    sys.exit(0)
