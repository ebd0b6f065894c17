"""Scripted analysts over an invented population: which tables they ask for, in which order."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import pairwise, product

PRACTICES = [f"P{n}" for n in range(1, 7)]
NETWORK = {"North": PRACTICES[:3], "South": PRACTICES[3:]}
AGES = [(0, 9), (10, 19), (20, 29), (30, 39), (40, 59), (60, 79)]
SEXES = ["F", "M"]
MONTHS = ["2026-01", "2026-02"]
HIERARCHY = "dimension,value,parent\n" + "".join(
    f"practice,{practice},{network}\n" for network, practices in NETWORK.items() for practice in practices
)
DIMENSIONS = ("practice", "age", "sex", "month")
CROSS = list(product(range(6), range(6), range(2), range(2)))
SIZE = len(CROSS)


@dataclass(frozen=True)
class Asked:
    """A table by its dimensions and the values of each, over everybody or without those who objected."""

    dimensions: tuple[str, ...]
    values: tuple[dict[str, frozenset[int]], ...]
    without_objectors: bool = False
    only: frozenset[int] = frozenset()
    """Places in the cross the table is restricted to; empty for all."""


class World:
    """True counts: for each place of the cross those who stay and those who objected (places SIZE and on)."""

    def __init__(self, seed):
        chance = random.Random(seed)
        heavy = [chance.choice([0.3, 1, 1, 3]) for _ in PRACTICES]
        self.counts = [min(int(chance.expovariate(1 / (4 * heavy[place[0]]))), 60) for place in CROSS]
        self.counts += [int(chance.random() < 0.08) for _ in CROSS]

    def atoms(self, asked, values):
        """The places that one cell counts, those who objected included or not; also of a table made coarser."""
        chosen = {name: meant(name, value) for name, value in zip(asked.dimensions, values, strict=True)}
        places = [
            number
            for number, place in enumerate(CROSS)
            if (not asked.only or number in asked.only)
            and all(place[DIMENSIONS.index(name)] in leaves for name, leaves in chosen.items())
        ]
        return tuple(places if asked.without_objectors else places + [SIZE + place for place in places])

    def table(self, asked):
        """The true table as CSV, and the atoms of each cell."""
        cells = {values: self.atoms(asked, values) for values in product(*asked.values)}
        lines = [",".join((*asked.dimensions, "count"))]
        lines += [",".join((*values, str(self.total(atoms)))) for values, atoms in cells.items()]
        return "\n".join(lines) + "\n", cells

    def total(self, atoms):
        return sum(self.counts[atom] for atom in atoms)


def meant(name, value):
    """The leaves of a value by its name alone."""
    if value == "All":
        return frozenset(range(6))
    if value in NETWORK:
        return frozenset(PRACTICES.index(practice) for practice in NETWORK[value])
    if name == "age":
        low, high = map(int, value.split("-"))
        return frozenset(n for n, (start, end) in enumerate(AGES) if low <= start and end <= high)
    return leaf_values(name)[value]


def leaf_values(name):
    """The smallest values of a dimension."""
    if name == "practice":
        return {practice: frozenset({n}) for n, practice in enumerate(PRACTICES)}
    if name == "age":
        return {f"{low}-{high}": frozenset({n}) for n, (low, high) in enumerate(AGES)}
    named = SEXES if name == "sex" else MONTHS
    return {value: frozenset({n}) for n, value in enumerate(named)}


def coarse_values(name, chance):
    """Larger groups: networks, wider bands (nested or not), quarters."""
    if name == "practice":
        return {network: frozenset(PRACTICES.index(p) for p in practices) for network, practices in NETWORK.items()}
    if name == "age":
        cut = sorted(chance.sample(range(1, 6), 2))
        edges = [0, *cut, 6]
        return {f"{AGES[low][0]}-{AGES[high - 1][1]}": frozenset(range(low, high)) for low, high in pairwise(edges)}
    return leaf_values(name)


def with_total(values):
    return {**values, "All": frozenset().union(*values.values())}


def random_analyst(chance):
    """Any one or two dimensions, at any level, mostly with totals."""
    names = tuple(sorted(chance.sample(DIMENSIONS, chance.choice([1, 2, 2]))))
    values = [leaf_values(name) if chance.random() < 0.7 else coarse_values(name, chance) for name in names]
    if chance.random() < 0.7:
        values = [with_total(found) for found in values]
    return Asked(names, tuple(values))


def differencer(chance):
    """The same table again, over everybody but one practice or one month."""
    whole = random_analyst(chance)
    dropped = chance.randrange(6)
    left = frozenset(number for number, place in enumerate(CROSS) if place[0] != dropped)
    kept = [name != "practice" for name in whole.dimensions]
    names = tuple(name for name, keep in zip(whole.dimensions, kept, strict=True) if keep) or ("sex",)
    values = tuple(found for found, keep in zip(whole.values, kept, strict=True) if keep) or (leaf_values("sex"),)
    return [Asked(names, values), Asked(names, values, only=left)]


def band_shifter(chance):
    """The same cross with one set of age bands, then with another that cuts across it."""
    other = chance.choice(["practice", "sex"])
    return [Asked((other, "age"), (with_total(leaf_values(other)), coarse_values("age", chance))) for _ in range(3)]


def month_on_month(chance):
    """January, then January and February together, then February; each without a column for the month."""
    names = chance.choice([("practice",), ("practice", "sex"), ("age", "sex")])
    values = tuple(with_total(leaf_values(name)) for name in names)
    january = frozenset(number for number, place in enumerate(CROSS) if place[3] == 0)
    february = frozenset(number for number, place in enumerate(CROSS) if place[3] == 1)
    return [Asked(names, values, only=january), Asked(names, values), Asked(names, values, only=february)]


def objectors(chance):
    """Everybody, and everybody without those who objected: the difference is who objected."""
    names = chance.choice([("practice",), ("age",), ("practice", "sex")])
    values = tuple(with_total(leaf_values(name)) for name in names)
    return [Asked(names, values), Asked(names, values, without_objectors=True)]


def colluders(chance):
    """Two analysts with the same employer and different interests."""
    return [
        Asked(("practice", "age"), (with_total(leaf_values("practice")), with_total(leaf_values("age")))),
        Asked(("practice", "sex"), (with_total(leaf_values("practice")), with_total(leaf_values("sex")))),
        Asked(("age", "sex"), (coarse_values("age", chance), with_total(leaf_values("sex")))),
    ]


def mixed(chance):
    """Any table of everybody, by practice or not, and then everybody but one practice."""
    return [random_analyst(chance), *differencer(chance)]


def everything(chance):
    """Any table, then without objectors, without one practice, and by month: selections that cut across each other."""
    return [random_analyst(chance), *objectors(chance), *differencer(chance), *month_on_month(chance)]


def hidden(chance):
    """Everybody, without objectors, and without each of five practices, in any order; no column names a practice."""
    names = chance.choice([("age",), ("age",), ("sex",), ("age", "sex")])
    values = tuple(with_total(leaf_values(name)) for name in names)
    asked = [Asked(names, values), Asked(names, values, without_objectors=True)]
    for dropped in chance.sample(range(len(PRACTICES)), 5):
        left = frozenset(number for number, place in enumerate(CROSS) if place[0] != dropped)
        asked.append(Asked(names, values, only=left))
    chance.shuffle(asked)
    return asked


SCRIPTS = (
    lambda chance: [random_analyst(chance) for _ in range(4)],
    differencer,
    band_shifter,
    month_on_month,
    objectors,
    colluders,
)
