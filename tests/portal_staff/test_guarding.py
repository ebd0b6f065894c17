"""Who looked and why, for those who guard information; trying other people's codes; counts for who plans."""

from __future__ import annotations

import re

import pytest
from tests.portal_staff.surgery import LIST, address_of, reader, words

from caldicott.operations.reidentify_throttle import FOREIGN_MOST, TOGETHER
from caldicott.vocabulary.terms import Role
from risk_ward import CROWD, FRAIL, TWICE

LOOKED, POPULATION = "/staff/who-looked/", "/staff/population/"
STAFF = sorted(set(Role) - {Role.PUBLIC, Role.PATIENT})
GUARDS = {"ig_officer", "caldicott_guardian"}
COUNTING = {*GUARDS, "commissioning_analyst"}


def test_the_officer_sees_who_looked_at_whose_code_and_why(surgery):
    """The member of staff, the practice, the purpose and the code; never a patient's name or number."""
    gp = reader(surgery)
    address = address_of(gp, FRAIL)
    gp.get(address + "?purpose=patient-asked")
    token = address.split("/")[-2]
    officer = reader(surgery, "ig_officer", "example-icb")
    found = officer.get(LOOKED + f"?token={token}&kind=viewings")
    text = words(found)
    assert found.status_code == 200
    assert "because the patient asked" in text
    assert token in text
    assert "Alex Invented" in text
    assert "GP practice Z80001" in text
    assert not any(one.number in found.content.decode() or one.family in text for one in CROWD)
    entry = surgery.entries()[-1]
    assert (entry.event, entry.actor) == ("trail-read", officer.person.id)
    assert entry.act_id in found.content.decode()


def test_refusals_are_seen_with_their_reason(surgery):
    """Somebody of another practice who asked for this list."""
    reader(surgery, organisation="Z80002").get(LIST)
    text = words(reader(surgery, "ig_officer", "example-icb").get(LOOKED + "?kind=refusals"))
    assert "(refused)" in text
    assert "not a patient of theirs" in text


def test_a_practices_guardian_reads_of_its_own_patients_only(surgery):
    """What another practice did with its own patients is not theirs to read."""
    reader(surgery).get(LIST)
    reader(surgery, organisation="Z80002").get("/staff/practice/Z80002/")
    whole = words(reader(surgery, "caldicott_guardian", "example-icb").get(LOOKED))
    assert "GP practice Z80001" in whole
    assert "GP practice Z80002" in whole
    own = reader(surgery, "caldicott_guardian", "Z80002").get(LOOKED)
    assert own.status_code == 403 or "GP practice Z80001" not in words(own)


@pytest.mark.parametrize("role", STAFF)
def test_only_guards_read_the_trail_and_only_planners_count(surgery, role):
    """Each role at the ICB: opened for the posts that guard, and for those the register lets see counts."""
    home = {"dscro_operator": "example-dscro", "processor_staff": "example-csu", "gp": "Z80001"}
    browser = reader(surgery, role, home.get(role, "example-icb"))
    assert browser.get(LOOKED).status_code == (200 if role in GUARDS else 403)
    assert browser.get(POPULATION).status_code == (200 if role in COUNTING else 403)


def test_objections_are_held_against_the_days_they_waited(surgery):
    """Each list of objections beside the run that left those people out."""
    text = words(reader(surgery, "ig_officer", "example-icb").get(LOOKED))
    assert "4 May 2026" in text.partition("Objections")[2]
    assert "the same day" in text
    assert "TOO LATE" not in text


def test_the_picture_of_need_has_counts_and_nobody(surgery):
    """Protected counts as an export gives them: no code, no number, nothing of a person; how many records said no."""
    analyst = reader(surgery, "commissioning_analyst", "example-icb")
    found = analyst.get(POPULATION)
    text = words(found)
    assert found.status_code == 200
    assert "A star stands for a hidden count" in text
    assert "Network-01, Z80001" in text
    assert not re.search(r"\bR[0-9A-Z]{17}\b", text.partition("Why can I see this")[0])
    assert not any(one.number in text or one.family in text for one in CROWD)
    assert "the opt-out from risk scores: fewer than 10 records" in text.lower()
    assert [one.event for one in surgery.entries() if one.event == "gate"] == ["gate"]


def test_trying_codes_of_others_is_stopped_recorded_and_told(surgery):
    """After twenty codes that are not their patients a reader sees nothing more that day, not even their own list."""
    gp, officer = reader(surgery), reader(surgery, "ig_officer", "example-icb")
    tried = [gp.get(f"{LIST}patients/R{place:017d}/").status_code for place in range(FOREIGN_MOST + 5)]
    assert tried == [403] * FOREIGN_MOST + [429] * 5
    assert gp.get(LIST).status_code == 429
    assert "Too many codes were tried" in words(gp.get(address_from(surgery)))
    alerts = [one for one in surgery.entries() if one.event == "alert"]
    assert {one.actor for one in alerts} == {gp.person.id}
    text = words(officer.get(LOOKED + "?kind=alerts"))
    assert "ALERT" in text
    assert "enumeration" in text
    assert reader(surgery).get(LIST).status_code == 200
    surgery.clock.pass_(days=1)
    assert reader(surgery).get(LIST).status_code == 200


def address_from(surgery):
    """A patient's address, as a colleague of the same practice finds it."""
    return address_of(reader(surgery), TWICE)


@pytest.mark.slow
def test_ten_thousand_codes_one_by_one(surgery):
    """However long somebody goes on: each is refused and counted, the flood is turned away, the officer is told."""
    gp, officer, before = reader(surgery), reader(surgery, "ig_officer", "example-icb"), len(surgery.entries())
    answers = []
    for place in range(10_000):
        if place % 1_000 == 0:
            surgery.clock.pass_(minutes=1)
        answers.append(gp.get(f"{LIST}patients/R{place:017d}/").status_code)
    assert answers == [403] * FOREIGN_MOST + [429] * (10_000 - FOREIGN_MOST)
    text = words(officer.get(LOOKED))
    assert "ALERT" in words(officer.get(f"{LOOKED}?kind=alerts"))
    assert f"refused {TOGETHER} times" in text
    mine = [one for one in surgery.entries()[before:] if one.actor == gp.person.id]
    refused = [one for one in mine if one.event == "reidentify"]
    assert {one.outcome.value for one in refused} == {"refusal"}
    assert sum(one.counts.get("turned away", 1) for one in refused) == 10_000
    assert [one.reasons for one in refused[:FOREIGN_MOST]] == [("not-own-practice",)] * FOREIGN_MOST
    assert {one.reasons for one in refused[FOREIGN_MOST:]} == {("enumeration",)}
    assert [one.counts["today"] for one in mine if one.event == "alert"] == [FOREIGN_MOST + 1]
    assert len(mine) < 10_000 / TOGETHER + 5 * FOREIGN_MOST, "a flood must not push the alert out of sight"


def test_who_is_stopped_costs_the_trail_one_entry_a_hundred_tries(surgery):
    """The tries of the day before are entered too, before they are forgotten."""
    gp = reader(surgery)
    for place in range(FOREIGN_MOST + 6):
        gp.get(f"{LIST}patients/R{place:017d}/")
    turned_away = [one.counts["turned away"] for one in surgery.entries() if "turned away" in one.counts]
    assert turned_away == [1]
    surgery.clock.pass_(days=1)
    reader(surgery).get(f"{LIST}patients/R{0:017d}/")
    turned_away = [one.counts["turned away"] for one in surgery.entries() if "turned away" in one.counts]
    assert turned_away == [1, 4]
