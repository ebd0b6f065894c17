"""An attacker with every returned file finds nobody; the same attacker finds people behind the plain national rule."""

from __future__ import annotations

import csv
import os
import random
from collections import Counter

import pytest

from attack.disclosure import long_sessions
from attack.disclosure.attacker import Attacker, Seen
from attack.disclosure.playing import SMALL, plain, play
from caldicott.operations.protect import Request, protect
from caldicott.vocabulary.errors import Refused

SESSIONS = 1_000 if os.environ.get("CALDICOTT_NIGHTLY") else 42
QUERIES = 150 if os.environ.get("CALDICOTT_NIGHTLY") else 80
YEARS = 24


@pytest.fixture(scope="module")
def sessions(tmp_path_factory):
    """Random analysts, differencers, band shifters, month on month, opt-out pairs and colluders, in turn."""
    met = Counter()
    for seed in range(SESSIONS):
        met.update(play(seed, tmp_path_factory.mktemp("session")))
    print("\n", SESSIONS, "sessions:", dict(met))  # noqa: T201  the figures are the point
    return met


def test_no_small_group_is_found_exactly(sessions):
    """Over all sessions and all small groups: none."""
    assert sessions["gate: small groups"] > 50 * SESSIONS
    assert sessions["gate: exact"] == 0


def test_no_small_group_is_left_fewer_than_five_values(sessions):
    """Nor is any known to within two people."""
    assert sessions["gate: fewer than five values"] == 0


def test_the_attack_works(sessions):
    """Against the national rule without memory the same attacker narrows small groups: the test can fail."""
    assert sessions["rule: fewer than five values"] > 0


def test_what_may_be_published_mostly_is(sessions):
    """At least nine in ten of the cells with eight or more people are printed, and few requests are refused."""
    assert sessions["published"] >= 0.9 * sessions["publishable"]
    assert sessions["refused"] <= 0.05 * 3 * SESSIONS


@pytest.fixture(scope="module")
def free_bands(tmp_path_factory):
    """An analyst free to choose any band of years, one table at a time, against one ledger."""
    folder, chance = tmp_path_factory.mktemp("bands"), random.Random(2)
    counts = [min(int(chance.expovariate(1 / 6)), 30) for _ in range(YEARS)]
    gate, rule_alone, refused = [], [], 0
    for number in range(QUERIES):
        low = chance.randrange(YEARS)
        high = chance.randrange(low, YEARS)
        atoms = tuple(range(low, high + 1))
        rule_alone.append(Seen(atoms, plain(sum(counts[low : high + 1]))))
        (folder / f"{number}.csv").write_text(f"age,count\n{low + 20}-{high + 20},{sum(counts[low : high + 1])}\n")
        try:
            protect(Request((folder / f"{number}.csv",), "hes-2018", folder / "out", None, folder / "memory"))
        except Refused:
            refused += 1
            continue
        with (folder / "out" / f"{number}.csv").open(newline="") as stream:
            gate.append(Seen(atoms, list(csv.reader(stream))[1][-1]))
    small = [year for year, count in enumerate(counts) if count in SMALL]
    return small, gate, rule_alone, refused


def narrowed(seen, small, withheld):
    attacker = Attacker(YEARS, seen, withheld=withheld)
    ranges = [attacker.possible((year,)) for year in small]
    return sum(most - least < 4 for least, most in ranges)


def test_free_bands_find_nobody(free_bands):
    """Eighty bands of free choice, most of them answered with a number: no year's small count within two."""
    small, gate, rule_alone, refused = free_bands
    under_rule = narrowed(rule_alone, small, (1, 7))
    # The figures are the point of this test.
    print(  # noqa: T201
        f"\n{len(small)} small years, {QUERIES} bands, {refused} refused; national rule narrows {under_rule}"
    )
    assert narrowed(gate, small, (1, 5_000)) == 0
    assert under_rule > 0
    assert len(gate) >= 0.8 * QUERIES
    assert sum(seen.printed != "*" for seen in gate) >= 0.6 * len(gate)


def test_five_practices_and_those_who_objected_are_left_out_and_no_column_says_so(tmp_path):
    """Each left out of a table of its own, of everybody: no group is left fewer than five values (session 9)."""
    _kind, met = long_sessions.play(9, 7, tmp_path, "hidden")
    assert met["gate: small groups"] > 100
    assert met["gate: exact"] == met["gate: fewer than five values"] == 0
