"""The tables that ship: how large they are, what they add up to, what is said of them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from caldicott.stratification.catalogue import choose, not_here, shipped
from caldicott.stratification.score import Standing
from caldicott.vocabulary.errors import WrongUsage

SIZES = {
    "charlson-1987": (17, 289, 33),
    "charlson-quan-2011": (17, 289, 28),
    "charlson-shmi": (17, 224, 129),
    "charlson-rcs": (14, 200, 14),
    "elixhauser-van-walraven": (31, 399, 70),
    "elixhauser-swiss": (31, 399, 87),
    "elixhauser-ahrq-mortality": (31, 399, 66),
    "elixhauser-ahrq-readmission": (31, 399, 224),
    "hfrs": (109, 109, Decimal("173.2")),
    "cambridge-general-20": (20, 0, Decimal("16.33")),
    "efi": (36, 0, 36),
}


@pytest.mark.parametrize("name", SIZES)
def test_size_and_sum(name):
    """How many groups, codes and points a table has: an edit that loses a line shows."""
    groups = shipped()[name].groups
    assert (len(groups), sum(len(group.codes) for group in groups), sum(group.weight for group in groups)) == SIZES[
        name
    ]


def test_frailty_points_are_between_a_tenth_and_7_1():
    """109 groups of three characters, points from 0.1 to 7.1."""
    groups = shipped()["hfrs"].groups
    assert {len(code) for group in groups for code in group.codes} == {3}
    assert (min(group.weight for group in groups), max(group.weight for group in groups)) == (
        Decimal("0.1"),
        Decimal("7.1"),
    )


def test_every_score_says_where_it_is_from():
    """No score ships without version, citation, licence and what was checked."""
    for score in shipped().values():
        assert all((score.version, score.citation, score.licence, score.standing_note)), score.name


def test_what_is_only_remembered_says_so():
    """The tables that nobody could check against a second source."""
    remembered = {name for name, score in shipped().items() if score.standing is Standing.REMEMBERED}
    assert remembered == {"charlson-shmi", "lace-charlson", "hospital", "hospital-2013", "parr-30", "core20"}


def test_only_the_shmi_has_a_floor():
    """No other total is held at 0."""
    assert {name for name, score in shipped().items() if score.minimum is not None} == {"charlson-shmi"}


def test_the_hash_names_the_table():
    """Two tables never share a hash, and the same table has the same one each time."""
    hashes = {name: score.sha256 for name, score in shipped().items()}
    assert len({*hashes.values()}) == len(hashes)
    shipped.cache_clear()
    assert {name: score.sha256 for name, score in shipped().items()} == hashes


@pytest.mark.parametrize(
    "name", ["qadmissions", "acg", "efi2", "sparra", "cambridge-general-37", "cambridge-mortality-20"]
)
def test_what_cannot_be_computed_is_refused_with_its_reason(name):
    """A licensed or half-known score is not made up."""
    with pytest.raises(WrongUsage) as refused:
        choose([name], own={})
    assert refused.value.code == "score-not-here"
    assert not_here()[name].reason in refused.value.what


@pytest.mark.parametrize("name", ["efi", "cambridge-general-20"])
def test_without_its_code_sets_a_score_is_refused(name):
    """Codes that need a licence do not ship; the refusal says how to load them."""
    with pytest.raises(WrongUsage) as refused:
        choose([name], own={})
    assert refused.value.code == "score-needs-code-set"
    assert f"--codes-for {name}=" in refused.value.next_step


def test_a_score_comes_behind_its_parts():
    """LACE needs its comorbidity part first; what was not asked for is computed but not answered."""
    choice = choose(["lace"], own={})
    assert [score.name for score in choice.to_compute] == ["lace-charlson", "lace"]
    assert choice.asked == ("lace",)


@pytest.mark.parametrize(
    ("written", "meant"), [("chalson-1987", "charlson-1987"), ("HFRS", "hfrs"), ("parr30", "parr-30")]
)
def test_an_unknown_name_gets_the_nearest(written, meant):
    """A slip of the pen is answered with what was meant."""
    with pytest.raises(WrongUsage) as refused:
        choose([written], own={})
    assert f"'{meant}'" in refused.value.next_step
