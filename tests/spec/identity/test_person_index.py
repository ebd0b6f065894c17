"""Numbers that become one, become two again, or are given anew: persons and their codes follow."""

from __future__ import annotations

import pytest

import people
from caldicott.operations.identify_persons import note_reissued
from caldicott.safe_haven.identity.persons import identifiers
from caldicott.stores.person_index import PersonIndex
from caldicott.vocabulary.errors import Refused, WrongUsage
from stage import PLANNING, episode
from traced_ward import CROWD

OLD, NEW, OTHER = CROWD[0], CROWD[1], CROWD[2]


def merger(house, old, new, record="m1", *, ended="", extracted="2026-05-02T06:00:00"):
    row = people.row("pds-merger", new, record, **{"Superseded NHS Number": old.number})
    row["Person Merger Business Effective To Date"] = ended
    house.land(house.send("pds-merger", [row], sender="X26", update="net-change", extracted=extracted))


def codes(house):
    return {row["provider_reference"]: row["person_token"] for row in house.mart()}


@pytest.fixture
def apart(house):
    """Three persons with their own codes, in a mart."""
    rows = [episode(OLD, "old"), episode(NEW, "new"), episode(OTHER, "other")]
    house.land(house.send("ncdr-sus-apc", rows), house.answer([OLD, NEW, OTHER]))
    house.run()
    return house


def test_two_that_become_one_share_the_living_numbers_code(apart):
    """The living number's code stays; the others are as they were."""
    before = codes(apart)
    merger(apart, OLD, NEW)
    report = apart.run()
    after = codes(apart)
    assert after["old"] == after["new"] == before["new"]
    assert after["other"] == before["other"]
    assert report.counts["persons merge"] == 1


def test_who_is_made_two_again_gets_a_new_code(apart):
    """Neither keeps the code that meant both, and nobody else's changes."""
    merger(apart, OLD, NEW)
    apart.run()
    shared = codes(apart)
    merger(apart, OLD, NEW, ended="2026-05-03", extracted="2026-05-03T06:00:00")
    report = apart.run()
    after = codes(apart)
    assert len({after["old"], after["new"], shared["new"]}) == 3
    assert after["other"] == shared["other"]
    assert report.counts["persons split"] == 1


def test_a_second_run_changes_nothing(apart):
    """A merger is followed once, in each domain."""
    merger(apart, OLD, NEW)
    apart.run()
    first = codes(apart)
    report = apart.run()
    assert codes(apart) == first
    assert "persons merge" not in report.counts


def test_the_history_keeps_every_number_with_its_days(apart):
    """The living person has both numbers, the second since the merger; the other person's ended that day."""
    merger(apart, OLD, NEW)
    apart.run()
    with apart.house() as opened:
        index = PersonIndex(opened.store)
        known, history = index.first_known(), index.history()
    living, gone = known[int(NEW.number)][0], known[int(OLD.number)][0]
    held = identifiers(living, known, history)
    assert {one.number for one in held if one.until is None} == {int(NEW.number), int(OLD.number)}
    assert [one.until for one in identifiers(gone, known, history)] == [apart.today]


def test_a_number_given_anew_is_never_joined(apart):
    """After an adoption: even where the feed of mergers joins the two, they stay two."""
    with apart.house() as opened:
        note_reissued(opened, [(OLD.number, NEW.number)], activity=PLANNING)
    merger(apart, OLD, NEW)
    before = codes(apart)
    apart.run()
    assert codes(apart) == before


def test_a_chain_does_not_join_them_either(apart):
    """The old number leads to a third, and the third to the new one: the old one stays alone."""
    with apart.house() as opened:
        note_reissued(opened, [(OLD.number, NEW.number)], activity=PLANNING)
    merger(apart, OLD, OTHER, "m1")
    merger(apart, OTHER, NEW, "m2", extracted="2026-05-03T06:00:00")
    before = codes(apart)
    apart.run()
    after = codes(apart)
    assert after["other"] == after["new"]
    assert after["old"] == before["old"]


def test_only_who_may_join_records_says_that_a_number_was_given_anew(apart):
    """Everybody else is refused."""
    with apart.house() as opened, pytest.raises(Refused):
        note_reissued(opened, [(OLD.number, NEW.number)], activity=PLANNING, role="commissioning_analyst")


def test_a_pair_that_is_none_is_named_by_its_place(apart):
    """The digits are not repeated."""
    with apart.house() as opened, pytest.raises(WrongUsage) as caught:
        note_reissued(opened, [(OLD.number, NEW.number), (OLD.number, OLD.number)], activity=PLANNING)
    assert caught.value.where == "pair 2"
    assert OLD.number not in str(caught.value)


def test_the_history_is_encrypted(apart):
    """No number stands in the index's files, nor in the catalogue."""
    merger(apart, OLD, NEW)
    apart.run()
    for name, content in apart.files().items():
        assert not any(person.number.encode() in content for person in (OLD, NEW)), name
