"""An attacker without the key, who knows how common each name is, tries to read the filters; hit rates are printed."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from importlib import resources

import numpy as np
import pytest

from caldicott.linkage import bloom

KEY = bytes(range(64))
PEOPLE = 2_000


@pytest.fixture(scope="module")
def town():
    """Invented people with names as common as in the country, and the other fields as varied as in a town."""
    rng = np.random.default_rng(11)
    return {
        "family": _drawn(rng, "family_names"),
        "given": _drawn(rng, "given_names"),
        "born": [str(np.datetime64("1930-01-02") + int(day)) for day in rng.integers(0, 34_000, PEOPLE)],
        "postcode": [f"ZZ{1 + int(at) % 90} {int(at) % 9}QJ" for at in rng.integers(0, 700, PEOPLE)],
        "street": [f"{int(at)} elm row" for at in rng.integers(1, 400, PEOPLE)],
    }


def _drawn(rng, name):
    text = resources.files("caldicott.facts.population").joinpath(f"{name}.csv").read_text("utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    weights = np.array([float(row["weight"]) for row in rows])
    return [str(word).lower() for word in rng.choice([row["name"] for row in rows], PEOPLE, p=weights / weights.sum())]


def say(words):
    """The hit rate stands in the output of `pytest -s`, for who wants to see it."""
    sys.stdout.write(f"\n{words}\n")


def _filters(town, *names):
    kinds = {"family": "name", "given": "name", "born": "date", "postcode": "postcode", "street": "text"}
    return bloom.encode([(kinds[name], town[name]) for name in names], KEY)


def by_frequency(filters, names):
    """Gives the most frequent filter the most frequent name, and so on."""
    seen = [bytes(row) for row in filters]
    ranked = dict(
        zip(
            [one for one, _ in Counter(seen).most_common()],
            [one for one, _ in Counter(names).most_common()],
            strict=False,
        )
    )
    return float(np.mean([ranked.get(one) == name for one, name in zip(seen, names, strict=True)]))


def by_bits(filters, town):
    """Gives the most frequent pieces the bits that are set as often, then names each filter by its best fit."""
    often = np.unpackbits(filters, axis=1).mean(axis=0)
    pieces = Counter(piece for name in town["family"] for piece in set(bloom.pieces(name, "name")))
    hashes, free, bits_of = bloom.rules()["hashes"]["name"], set(range(len(often))), {}
    for piece, number in pieces.most_common(60):
        near = sorted(free, key=lambda bit: abs(often[bit] - number / PEOPLE))[:hashes]
        bits_of[piece] = near
        free -= set(near)
    names = [name for name, _ in Counter(town["family"]).most_common(100)]
    ones = np.unpackbits(filters, axis=1).astype(float)
    fit = []
    for name in names:
        bits = [bit for piece in bloom.pieces(name, "name") for bit in bits_of.get(piece, [])]
        fit.append(ones[:, bits].mean(axis=1) - often[bits].mean() if bits else np.full(PEOPLE, -1.0))
    guessed = np.argmax(np.array(fit), axis=0)
    return float(np.mean([names[guess] == name for guess, name in zip(guessed, town["family"], strict=True)]))


def test_the_attack_has_teeth_where_one_field_stands_alone(town):
    """A filter over the family name alone is read for the common names: which is why five fields are the least."""
    common = {name for name, _ in Counter(town["family"]).most_common(5)}
    rows = [place for place, name in enumerate(town["family"]) if name in common]
    hits = by_frequency(_filters(town, "family")[rows], [town["family"][row] for row in rows])
    say(f"frequency attack, family name alone, five most common names: hit rate {hits:.3f}")
    assert hits > 0.5


def test_a_frequency_attack_on_whole_records_reads_next_to_nobody(town):
    """Over five fields hardly two filters are alike, so how often one occurs says nothing."""
    hits = by_frequency(_filters(town, *town), town["family"])
    say(f"frequency attack, five fields: hit rate {hits:.4f}")
    assert hits < 0.02


def test_an_attack_by_bits_is_no_better_than_guessing_the_commonest_name(town):
    """Who knows how common every pair of letters is names no more people than who always says the commonest name."""
    guess = Counter(town["family"]).most_common(1)[0][1] / PEOPLE
    hits = by_bits(_filters(town, *town), town)
    say(f"attack by bits, five fields: hit rate {hits:.4f}; always the commonest name: {guess:.4f}")
    assert hits < guess + 0.02


def test_another_project_with_another_key_shares_no_filter(town):
    """Filters of two projects cannot be matched with each other: the alike are no more alike than strangers."""
    columns = [("name", town["family"]), ("name", town["given"]), ("date", town["born"])]
    one, other = (np.unpackbits(bloom.encode(columns, key), axis=1).astype(float) for key in (KEY, KEY[::-1]))
    same = (one * other).sum(axis=1) / (one.sum(axis=1) + other.sum(axis=1)) * 2
    strangers = (
        (one * np.roll(other, 1, axis=0)).sum(axis=1) / (one.sum(axis=1) + np.roll(other, 1, axis=0).sum(axis=1)) * 2
    )
    assert abs(same.mean() - strangers.mean()) < 0.02
    assert same.max() < 0.6
