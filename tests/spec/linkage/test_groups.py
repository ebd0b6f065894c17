"""From scored pairs to groups: which pairs are believed, where a chain would join two people."""

from __future__ import annotations

from itertools import combinations

import pytest

from caldicott.engines.duckdb.connection import connect
from caldicott.engines.duckdb.linkage.groups import choose_links
from caldicott.linkage.spec import Spec

ONE, OTHER = range(1, 6), range(11, 16)
ALIKE = [*combinations(ONE, 2), *combinations(OTHER, 2)]


def groups(pairs, *, two=(), **rules):
    """The links that are chosen from these pairs, and what the account says of them."""
    connection = connect()
    connection.execute(
        "CREATE TABLE pair (rec_l BIGINT, rec_r BIGINT, probability DOUBLE, weight DOUBLE, is_barred BOOLEAN, "
        "is_two BOOLEAN)"
    )
    rows = [[*pair, 0.99, 10.0 - place / 100, pair in two, pair in two] for place, pair in enumerate(pairs)]
    connection.executemany("INSERT INTO pair VALUES (?, ?, ?, ?, ?, ?)", rows)
    spec = Spec("groups", "", "probabilistic", "id", (), match_at=0.5, group_at=0.5, **rules)
    account = choose_links(connection, spec)
    return set(connection.execute("SELECT rec_l, rec_r FROM link").fetchall()), account


def test_records_that_are_all_alike_are_one_group():
    """Two people of five records each: ten pairs a person, none across."""
    assert groups(ALIKE)[0] == set(ALIKE)


def test_a_bridge_between_two_groups_joins_them_unless_a_share_is_asked():
    """One slip makes a record of one like a record of the other; neither shares the other's neighbours."""
    bridged = [*ALIKE, (5, 11)]
    assert (1, 15) in groups(bridged)[0]
    links, account = groups(bridged, group_share=0.8)
    assert links == set(ALIKE)
    assert account["links given up, whose records share too few neighbours"] == 1


def test_a_record_that_is_like_one_other_alone_keeps_its_link():
    """A pair by itself shares all of its neighbours: the rule is about bridges, not about small groups."""
    assert groups([(1, 2)], group_share=1.0)[0] == {(1, 2)}
    assert groups([(1, 2), (2, 3)], group_share=0.6)[0] == {(1, 2), (1, 3), (2, 3)}


def test_a_chain_is_cut_where_a_guard_says_two_people():
    """Ends that are two people are not joined by who stands between; the weakest link goes."""
    links, account = groups([(1, 2), (2, 3), (1, 3)], two=[(1, 3)])
    assert links == {(1, 2)}
    assert account["links given up, which would have joined two people"] == 1


@pytest.mark.parametrize(("most", "largest"), [(5, 5), (4, 4), (1, 0)])
def test_no_group_is_larger_than_allowed(most, largest):
    """Weakest links go until every group is small enough; how many records it touched is said."""
    links, account = groups(ALIKE, group_most=most)
    found = {rec for pair in links for rec in pair}
    assert account["records in the largest group"] <= max(1, largest)
    assert ("records in groups too large to be one person" in account) is (most < 5)
    assert bool(found) is (most > 1)
