"""Doubtful links: two who do not see each other's answer, a third where they differ, and what it comes to."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError

import pytest

from caldicott.operations.perform import House
from caldicott.operations.review import Reviewer, adjudicate, agreement_of, answer, next_case, queue_of
from caldicott.safe_haven.identity.review import Answer, State, agreement, kappa, standing
from caldicott.stores import review_queue
from caldicott.stores.review_queue import ReviewQueue
from caldicott.stores.store import Store, StoreSettings
from caldicott.vocabulary.errors import DoesNotHold, Refused, WrongUsage
from stage import NOON, PLANNING, episode
from traced_ward import CROWD, nameless, ran, spine

ONE, OTHER, THIRD = Reviewer("reviewer-a"), Reviewer("reviewer-b"), Reviewer("reviewer-c")


@pytest.fixture
def doubted(house):
    """A store with one case: birth date, sex and postcode are one person's, and there is no name."""
    spine(house)
    ran(house, [episode(CROWD[2], "own"), nameless(CROWD[2], "scored", Patient_Name="")])
    return house


def see(house, reviewer, **how):
    with house.house() as opened:
        return next_case(opened, reviewer, activity=PLANNING, **how)


def say(house, reviewer, case, choice, *, by=answer):
    with house.house() as opened:
        return by(opened, reviewer, case.id, choice, activity=PLANNING)


def test_two_who_agree_settle_a_link(doubted):
    """From the next run on the row is that person's, and says that it was reviewed."""
    case = see(doubted, ONE)
    assert case.candidates[0]["number"] == CROWD[2].number
    assert say(doubted, ONE, case, "1").state is State.WAITING
    assert say(doubted, OTHER, see(doubted, OTHER), "1").state is State.SETTLED
    doubted.run()
    mart = {row["provider_reference"]: row for row in doubted.mart()}
    assert mart["scored"]["person_token"] == mart["own"]["person_token"]
    assert mart["scored"]["link_quality"] == "reviewed"


def test_nobody_is_an_answer(doubted):
    """Two who say that it is none of these: the row stays out, and is counted so."""
    case = see(doubted, ONE)
    for reviewer in (ONE, OTHER):
        say(doubted, reviewer, case, "nobody")
    report = doubted.run()
    assert doubted.refs() == ["own"]
    assert report.counts["identity not known: reviewers found nobody"] == 1


def test_a_case_is_queued_once(doubted):
    """Another run, and new rows beside, bring no second case for the same record."""
    first = see(doubted, ONE)
    doubted.land(doubted.send("ncdr-sus-apc", [episode(CROWD[1], "new")], sender="RZ2"))
    doubted.run()
    assert see(doubted, ONE).id == first.id
    with doubted.house() as opened:
        assert agreement_of(opened, ONE, activity=PLANNING).cases == 1


def test_nobody_answers_a_case_twice(doubted):
    """Neither as a second reviewer nor as the one who decides."""
    case = see(doubted, ONE)
    say(doubted, ONE, case, "1")
    assert see(doubted, ONE) is None
    with pytest.raises(Refused):
        say(doubted, ONE, case, "1")
    say(doubted, OTHER, case, "nobody")
    assert see(doubted, OTHER, adjudicates=True) is None
    with pytest.raises(Refused):
        say(doubted, OTHER, case, "1", by=adjudicate)


def test_a_third_decides_where_two_differ(doubted):
    """Until then nothing is settled; after, it counts."""
    case = see(doubted, ONE)
    say(doubted, ONE, case, "1")
    assert say(doubted, OTHER, case, "nobody").state is State.DIFFERENT
    doubted.run()
    assert doubted.refs() == ["own"]
    assert see(doubted, THIRD) is None
    assert say(doubted, THIRD, see(doubted, THIRD, adjudicates=True), "1", by=adjudicate).state is State.SETTLED
    doubted.run()
    assert doubted.refs() == ["own", "scored"]


def test_a_third_cannot_decide_before_two_differ(doubted):
    """There is nothing to decide yet."""
    with pytest.raises(Refused):
        say(doubted, THIRD, see(doubted, ONE), "1", by=adjudicate)


def test_what_the_other_said_is_not_shown(doubted):
    """The second reviewer's case is the first one's, letter for letter, without a word of an answer."""
    first = see(doubted, ONE)
    say(doubted, ONE, first, "1")
    second = see(doubted, OTHER)
    assert (second.record, second.candidates, second.reason) == (first.record, first.candidates, first.reason)
    assert set(second.__dataclass_fields__) == set(first.__dataclass_fields__)


def test_every_viewing_and_every_answer_is_in_the_trail(doubted):
    """With the case's id; no name, number or birth date stands there."""
    case = see(doubted, ONE)
    say(doubted, ONE, case, "1")
    entries = [entry for entry in doubted.entries() if entry.event.startswith("review")]
    assert [entry.event for entry in entries] == ["review-viewing", "review-answer"]
    assert all(case.id in entry.references for entry in entries)
    assert entries[0].counts == {"cases shown": 1, "persons shown": len(case.candidates)}


@pytest.mark.parametrize("role", ["commissioning_analyst", "gp", "system_administrator"])
def test_only_who_may_join_identifiable_records_may_look(doubted, role):
    """The register lets the landing office; everybody else is refused, and the refusal is in the trail."""
    with pytest.raises(Refused):
        see(doubted, Reviewer("somebody", role))
    assert doubted.entries()[-1].outcome == "refusal"


@pytest.mark.parametrize("choice", ["4", "2", "yes", ""])
def test_an_answer_must_be_one_of_the_case(doubted, choice):
    """The case has one candidate: 2 is nobody's place."""
    with pytest.raises(WrongUsage):
        say(doubted, ONE, see(doubted, ONE), choice)


def test_a_case_that_is_not_there(doubted):
    """Said so, with the next step."""
    with doubted.house() as opened, pytest.raises(DoesNotHold):
        answer(opened, ONE, "bcdfghjkmnpq", "1", activity=PLANNING)


def test_nothing_of_a_case_is_readable_on_the_disk(doubted):
    """Names, numbers and birth dates of cases, outcomes and traced rows are encrypted; the catalogue has counts."""
    case = see(doubted, ONE)
    say(doubted, ONE, case, "1")
    told = [CROWD[2].number, CROWD[2].family, CROWD[2].given, CROWD[2].born, CROWD[2].postcode]
    for name, content in doubted.files().items():
        if not name.startswith("marts/"):
            assert not any(value.encode() in content for value in told), name
    catalogue = (doubted.store / "catalogue.sqlite").read_bytes()
    assert not any(value.encode() in catalogue for value in told)
    assert CROWD[2].number not in repr(case)


def test_the_statistic(doubted):
    """One case, two answers that differ: no agreement, and no kappa out of one case."""
    case = see(doubted, ONE)
    say(doubted, ONE, case, "1")
    say(doubted, OTHER, case, "nobody")
    with doubted.house() as opened:
        found = agreement_of(opened, ONE, activity=PLANNING)
    assert (found.both_answered, found.agreed, found.differ, found.share) == (1, 0, 1, 0.0)
    assert json.dumps(found.as_record())


KAPPAS = [
    # 20 and 15 agreed of 50, as in the usual textbook table: kappa 0.4
    ([("1", "1")] * 20 + [("1", "nobody")] * 5 + [("nobody", "1")] * 10 + [("nobody", "nobody")] * 15, 0.4),
    ([("1", "1"), ("nobody", "nobody")], 1.0),
    ([("1", "nobody"), ("nobody", "1")], -1.0),
    ([("1", "1")] * 3, None),
    ([], None),
]


@pytest.mark.parametrize(("pairs", "expected"), KAPPAS)
def test_kappa_is_agreement_beyond_chance(pairs, expected):
    """A published table and the limits; where nobody could have differed there is none."""
    found = kappa(pairs)
    assert found == (pytest.approx(expected) if expected is not None else None)


def test_two_uncertain_settle_that_it_is_not_known():
    """It is an honest answer, and nobody is linked."""
    said = [Answer("c", who, "uncertain", "2026-05-04") for who in ("a", "b")]
    assert standing(said).state is State.SETTLED
    assert agreement(["c"], said).agreed == 1


def test_many_answers_become_one_file_and_none_is_lost(doubted, monkeypatch):
    """In the order given: who said what first is what the next run follows."""
    monkeypatch.setattr(review_queue, "FOLDED_AT", 3)
    with doubted.house() as opened:
        queue = ReviewQueue(opened.store)
        (case,) = queue.cases()
        said, sizes = [], []
        for place in range(9):
            said.append(Answer(case, f"reviewer-{9 - place}", ("1", "nobody")[place % 2], f"2026-05-{place + 1:02d}"))
            file = queue.write_answer(said[-1], created=opened.today)
            with opened.store.catalogue.transaction():
                queue.keep_answer(file)
            sizes.append(len(opened.store.catalogue.files(review_queue.ANSWERS)))
            assert queue.answers() == tuple(said)
    assert sizes == [1, 2, 3, 1, 2, 3, 1, 2, 3]


def test_of_answers_sent_at_once_by_one_person_one_is_kept(doubted, monkeypatch):
    """Nobody gets in between reading what was said and adding to it, also not beside a run that has the store."""
    case = see(doubted, ONE)
    gate, read = Barrier(2), ReviewQueue.answers_by_case

    def read_together(queue):
        said = read(queue)
        with suppress(BrokenBarrierError):  # whoever is let in alone waits in vain for a second, and goes on
            gate.wait(0.5)
        return said

    monkeypatch.setattr(ReviewQueue, "answers_by_case", read_together)
    place = StoreSettings(environ={}, home=doubted.root / "home")

    def send(_nth):
        with Store(doubted.store, settings=place, created=doubted.today, reading=True) as store, store.looking():
            house = House(doubted.register, store, doubted.today, lambda: NOON, ONE.user)
            try:
                return answer(house, ONE, case.id, "1", activity=PLANNING).state
            except Refused as no:
                return no.code

    with doubted.house(), ThreadPoolExecutor(4) as many:
        found = sorted(many.map(send, range(4)))
    assert found == ["review-not-open"] * 3 + [State.WAITING]
    with doubted.house() as opened:
        assert len(ReviewQueue(opened.store).answers()) == 1


def test_the_queue_tells_each_what_waits_for_them(doubted):
    """Who has answered has nothing left to answer; only somebody else may decide."""
    case = see(doubted, ONE)
    say(doubted, ONE, case, "1")
    say(doubted, OTHER, case, "nobody")
    with doubted.house() as opened:
        found = {one.user: queue_of(opened, one, activity=PLANNING) for one in (ONE, THIRD)}
    assert {who: (one.to_answer, one.to_decide) for who, one in found.items()} == {ONE.user: (0, 0), THIRD.user: (0, 1)}
    assert found[ONE.user].agreement.differ == 1
