"""Two worlds that differ in one person: can somebody with the returned files alone tell which one it is?

`python -m attack.disclosure.two_worlds --pairs 10000`, from `tests`; with
`--results FILE` it can be stopped, and goes on where it was. The
distinguisher is told which small group it is about and that it has n or n + 1
people; it works out what the files leave possible for the group, and learns on
half of the pairs from which side of n + 1/2 the middle of that lies. Somebody
who knows everybody else in both worlds is another, stronger one, told apart in
the second figure: whether the files differ at all.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from pathlib import Path

from attack.disclosure.attacker import Attacker
from attack.disclosure.playing import returned
from attack.disclosure.sessions import HIERARCHY, SCRIPTS, SIZE, World
from caldicott.operations.protect import Request, protect
from caldicott.vocabulary.errors import Refused


def pair(seed):
    """The middle of what is possible less n, in the smaller and the larger world; and whether the files differ."""
    chance = random.Random(seed)
    worlds = [World(seed), World(seed)]
    small = [atom for atom in range(SIZE) if 1 <= worlds[0].counts[atom] <= 6]
    atom = chance.choice(small)
    worlds[1].counts[atom] += 1
    asked = SCRIPTS[5](random.Random(seed))
    answers = [_files(world, asked) for world in worlds]
    middles = []
    for world, files in zip(worlds, answers, strict=True):
        least, most = Attacker(2 * SIZE, _seen(world, asked, files)).possible((atom,))
        middles.append((least + min(most, 60)) / 2 - worlds[0].counts[atom])
    return middles, answers[0] != answers[1]


def _files(world, asked):
    texts = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "levels.csv").write_text(HIERARCHY)
        for number, one in enumerate(asked):
            path = folder / f"t{number}.csv"
            path.write_text(world.table(one)[0])
            try:
                protect(Request((path,), "hes-2018", folder / "out", folder / "levels.csv", folder / "memory"))
            except Refused:
                continue
            texts[number] = (folder / "out" / path.name).read_text()
    return texts


def _seen(world, asked, files):
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "t.csv"
        cells = []
        for number, text in files.items():
            path.write_text(text)
            cells += returned(path, world, asked[number])
    return cells


def accuracy(found):
    """Learnt on the even pairs, tried on the odd ones."""

    def right(pairs, cut):
        return sum((low < cut) + (high >= cut) for low, high in pairs) / max(1, 2 * len(pairs))

    learn, try_ = found[::2], found[1::2]
    cut = max(sorted({value for one in learn for value in one}), key=lambda value: right(learn, value))
    return right(try_, cut)


def run(seeds, told=lambda _line: None):
    """A line for each pair."""
    lines = []
    for seed in seeds:
        middles, differ = pair(seed)
        lines.append(json.dumps({"seed": seed, "middles": middles, "differ": differ}))
        told(lines[-1])
    return lines


def summed(lines):
    """Accuracy of the distinguisher, and the share of pairs whose files differ."""
    found = sorted(map(json.loads, lines), key=lambda line: line["seed"])
    told = accuracy([line["middles"] for line in found])
    return {
        "pairs": len(found),
        "accuracy": round(told, 4),
        "files differ": round(sum(line["differ"] for line in found) / max(1, len(found)), 4),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--results", type=Path)
    chosen = parser.parse_args()
    before = chosen.results.read_text().splitlines() if chosen.results and chosen.results.exists() else []
    done = {json.loads(line)["seed"] for line in before}

    def kept(line):
        if chosen.results:
            with chosen.results.open("a") as stream:
                stream.write(line + "\n")

    left = [seed for seed in range(chosen.first, chosen.first + chosen.pairs) if seed not in done]
    print(json.dumps(summed([*before, *run(left, kept)])))  # noqa: T201
