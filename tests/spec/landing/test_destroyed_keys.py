"""Destroying what landed never brings anything back, and is finished when it was killed in the middle."""

from __future__ import annotations

import pytest

import people
from caldicott.operations import keys_destroy
from caldicott.operations.keys_destroy import Ended, destroy, look_up
from caldicott.stores.keys import KeyRing
from caldicott.vocabulary.errors import DoesNotHold
from stage import PLANNING, episode

BOTH = "commissioning-planning+risk-stratification"
YEAR = ("2025-04-01", "2026-03-31")


def name_of(dataset, period=YEAR):
    return f"{dataset}/{BOTH}/{period[0]}..{period[1]}"


def end(stage, name):
    with stage.house() as house:
        found = look_up(house, name)
        return destroy(house, found, role="ig_officer", reason="time is over", confirmed=name)


def test_a_replacement_is_not_destroyed_before_what_it_replaced(house):
    """Else the older rows, which the sender had taken back, would be in the marts again."""
    one, other = people.invented(2)
    half = ("2025-04-01", "2025-09-30")
    old = house.send("ncdr-sus-apc", [episode(one, "OLD")], extracted="2026-04-01T06:00:00", period=half)
    house.land(old, house.send("ncdr-sus-apc", [episode(other, "NEW")]), house.answer([one, other]))
    with pytest.raises(DoesNotHold) as refused:
        end(house, name_of("sus-apc"))
    assert refused.value.code == "destroy-would-restore"
    house.run()
    assert house.refs() == ["NEW"]
    end(house, name_of("sus-apc", half))
    assert end(house, name_of("sus-apc")).now


def test_the_spine_stays_while_rows_hang_on_it(house):
    """Two numbers of one person are joined by it alone: an objection under one must reach the rows under the other."""
    person = people.invented(1)[0]
    house.land(
        house.send("pds-person", [people.row("pds-person", person, "D1")]),
        house.send("ncdr-sus-apc", [episode(person, "A")]),
    )
    with pytest.raises(DoesNotHold) as refused:
        end(house, name_of("pds"))
    assert refused.value.code == "destroy-would-restore"
    end(house, name_of("sus-apc"))
    assert end(house, name_of("pds")).now


def test_destroyed_objections_let_nobody_in(house):
    """Without the codes nobody can be shown not to object: everybody is out of what they stop."""
    one, other = people.invented(2)
    house.codes_answered = False
    house.land(
        house.send("emis-patients", [people.patient(one, "P1"), people.patient(other, "P2")]),
        house.send("emis-objections", [people.objection(one, "O1", "9Nu0.", "2025-05-01")]),
        house.answer([one, other]),
    )
    house.run()
    before = len(house.mart("gp-patients"))
    end(house, name_of("gp-objections"))
    house.run()
    assert (before, len(house.mart("gp-patients"))) == (1, 0)


def test_with_the_last_of_an_activity_its_marts_go_too(house):
    """No run would make them anew, so they would stay for ever."""
    one = people.invented(1)[0]
    house.land(house.send("ncdr-sus-apc", [episode(one, "A")]), house.answer([one]))
    house.run()
    assert house.refs() == ["A"]
    end(house, name_of("sus-apc"))
    assert house.mart() == []


def test_what_tracing_noted_of_the_records_goes_with_them(house):
    """Which person each traced record was found to be is kept apart, under another key: it goes too."""
    one, other = people.invented(3)[1:]
    nameless = episode(other, "A", NHS_Number="")
    house.land(
        house.send("pds-person", [people.row("pds-person", one, "D1")]),
        house.send("ncdr-sus-apc", [nameless, episode(one, "B")]),
        house.answer([one, other]),
    )
    house.run()
    with house.house() as opened:
        uid = next(s.uid for s in opened.store.catalogue.submissions() if s.dataset == "sus-apc")
        scopes = {opened.store.keys.scope_of(f.key_id) for f in opened.store.catalogue.files("identity-outcomes", uid)}
    end(house, name_of("sus-apc"))
    with house.house() as opened:
        left = [f for f in opened.store.catalogue.files_below("") if f.owner == uid]
    assert (len(scopes), left) == (1, [])


@pytest.mark.parametrize("kill", ["before the key goes", "between the two keys"])
def test_killed_in_the_middle_it_is_finished_at_the_next_start(house, monkeypatch, kill):
    """The trail says destroyed, so it becomes so: no key is left, and there is a certificate for each."""
    one = people.invented(1)[0]
    house.land(house.send("ncdr-sus-apc", [episode(one, "A"), episode(one, "", NHS_Number="1")]))

    class Killed(BaseException):
        pass

    def die(*_words, **_more):
        raise Killed

    real, seen = KeyRing.destroy, []

    def second_dies(ring, key_id, **more):
        seen.append(key_id)
        return real(ring, key_id, **more) if len(seen) == 1 else die()

    with monkeypatch.context() as patched:
        if kill == "before the key goes":
            patched.setattr(keys_destroy, "finish", die)
        else:
            patched.setattr(KeyRing, "destroy", second_dies)
        with pytest.raises(Killed):
            end(house, name_of("sus-apc"))
    with house.house() as opened:
        found = look_up(opened, name_of("sus-apc"))
        assert isinstance(found, Ended)
        assert [one.scope.split("/")[0] for one in found.certificates] == ["clear", "quarantine"]
        assert all(one.by == "tester, ig_officer" for one in found.certificates)
        public = opened.store.keys.public_key(created=house.today)
        assert all(one.is_genuine(public) for one in found.certificates)
    assert [e.outcome for e in house.entries() if e.event == "key-destroyed"] == ["done"]
    assert house.status()["submissions"] == []


def test_a_run_before_the_end_was_finished_reads_nothing_of_it(house, monkeypatch):
    """From the moment the trail says destroyed, nobody opens the rows, be the key there or not."""
    one, other = people.invented(2)
    other_year = ("2024-04-01", "2025-03-31")
    kept = house.send("ncdr-sus-apc", [episode(other, "KEPT", "2024-06-01")], period=other_year, sender="RZ2")
    house.land(house.send("ncdr-sus-apc", [episode(one, "A")]), kept, house.answer([one, other]))
    with monkeypatch.context() as patched:
        patched.setattr(keys_destroy, "finish", lambda _store: [])
        patched.setattr("caldicott.stores.store.finish", lambda _store: [])
        end(house, name_of("sus-apc"))
        ran = house.run(PLANNING)
    assert (house.refs(), set(ran.destroyed)) == (["KEPT"], {"s2"})
