"""A practice's list and one patient's page: whose names stand there, in which order, and what is recorded."""

from __future__ import annotations

import re

from tests.portal_staff.surgery import LIST, address_of, names, reader, words

from caldicott.operations.reidentify import PersonSeen
from caldicott.portal.staff.practice import wording
from risk_ward import FRAIL, MANY_MEDICINES, OTHERS, OUTSIDER, RISK_OBJECTOR, SICK_LONG_AGO, TWICE, WELL

OWN = (FRAIL, MANY_MEDICINES, TWICE, SICK_LONG_AGO, WELL)


def named(person):
    return f"{person.family}, {person.given}"


def test_a_practice_sees_its_own_patients_and_nobody_else(surgery):
    """Everybody registered with it who does not object; nobody of another practice."""
    gp = reader(surgery)
    assert gp.get("/staff/practice/").headers["Location"] == LIST
    found = gp.get(LIST)
    assert found.status_code == 200
    assert sorted(names(found)) == sorted(named(one) for one in OWN)
    text = words(found)
    assert f"{FRAIL.number[:3]} {FRAIL.number[3:6]} {FRAIL.number[6:]}" in text
    assert not any(one.number in found.content.decode() for one in (*OTHERS, OUTSIDER, RISK_OBJECTOR))
    assert "not a diagnosis" in text


def test_the_viewing_of_a_list_is_recorded_and_the_page_names_its_own_entry(surgery):
    """The number on the page is the act's id in the trail: who, of which practice, for what, how many, whose codes."""
    gp = reader(surgery)
    found = gp.get(LIST)
    entry = surgery.entries()[-1]
    assert (entry.event, entry.actor, entry.role, entry.organisation) == ("reidentify", gp.person.id, "gp", "Z80001")
    assert entry.counts == {"persons shown": 5}
    assert {"direct-care", "Z80001"} <= set(entry.references)
    assert f"<code>{entry.act_id}</code>" in found.content.decode()
    assert "CAG 7-04" in words(found)
    assert "the opt-out from risk scores" in words(found).lower()


def test_the_list_is_sorted_and_turned_round_by_the_server(surgery):
    """Most emergency admissions first; the other way round they are last."""
    gp = reader(surgery)
    first = names(gp.get(LIST + "?sort=emergency-admissions-12-months"))
    last = names(gp.get(LIST + "?sort=emergency-admissions-12-months&turned=1"))
    assert set(first[:2]) == {named(FRAIL), named(TWICE)}
    assert set(last[-2:]) == {named(FRAIL), named(TWICE)}


def test_filters_stand_in_the_address_and_add_up(surgery):
    """A group, a number and a change against last month; all of them must hold."""
    gp = reader(surgery)
    assert set(names(gp.get(LIST + "?segment=healthy"))) == {named(MANY_MEDICINES), named(WELL)}
    assert names(gp.get(LIST + "?segment=healthy&polypharmacy=5+to+9")) == [named(MANY_MEDICINES)]
    assert set(names(gp.get(LIST + "?admissions-from=2"))) == {named(FRAIL), named(TWICE)}
    assert len(names(gp.get(LIST + "?change=new"))) == 5
    none = gp.get(LIST + "?change=rising")
    assert (names(none), "Nobody on the list fits" in words(none)) == ([], True)


def test_a_page_behind_the_last_leads_to_the_last(surgery):
    """A list that has become shorter than the address knows is not called empty."""
    answer = reader(surgery).get(LIST + "?sort=age&page=99")
    assert (answer.status_code, answer["Location"]) == (303, LIST + "?sort=age")
    assert reader(surgery).get(LIST + "?tier=tier+9").status_code == 200


def test_what_a_list_does_not_know_is_said_and_nothing_is_shown(surgery):
    """A sort or filter that is not one of the list's: what may be asked stands there, nobody's name does."""
    gp = reader(surgery)
    for query in ("?sort=name", "?admissions-from=many", "?change=sideways"):
        found = gp.get(LIST + query)
        assert found.status_code == 400
        assert "sort by one of" in words(found)
        assert FRAIL.family not in words(found)


def test_another_practices_list_is_refused_with_the_reason_and_recorded(surgery):
    """Whose patients they are not: no name, the reason, and an entry."""
    gp = reader(surgery, organisation="Z80002")
    found = gp.get(LIST)
    assert found.status_code == 403
    assert "not the patients of your organisation" in words(found)
    assert FRAIL.family not in words(found)
    assert surgery.entries()[-1].reasons == ("not-own-practice",)


def test_a_group_chooses_among_practices_whose_guardian_agrees_today(surgery):
    """By locality; each leads to that practice's list, without the practice's own work and without names."""
    gp = reader(surgery, organisation="example-federation")
    start = gp.get("/staff/practice/")
    assert start.status_code == 200
    assert re.findall(r'href="(/staff/practice/Z\d+/)"', start.content.decode()) == [
        "/staff/practice/Z80001/", "/staff/practice/Z80002/", "/staff/practice/Z80003/",
    ]  # fmt: skip
    found = gp.get(LIST)
    assert found.status_code == 200
    assert FRAIL.family not in found.content.decode()
    assert "Our work" not in words(found)
    assert gp.get("/staff/practice/Z80009/").status_code == 403


def test_a_patients_page_has_the_banner_the_facts_and_the_rules(surgery):
    """Name, birth date, NHS number 3-3-4; each condition in plain words, with codes and days; by which rules."""
    gp = reader(surgery)
    text = words(gp.get(address_of(gp, FRAIL)))
    assert named(FRAIL) in text
    assert f"{FRAIL.number[:3]} {FRAIL.number[3:6]} {FRAIL.number[6:]}" in text
    assert "Dementia" in text
    assert "F00" in text
    assert "1 September 2025" in text
    assert "Heart failure" in text
    assert "+2 to Charlson" in text
    assert "Gilbert 2018" in text
    assert "records up to 2026-03-31" in text
    assert "not a diagnosis" in text
    assert surgery.entries()[-1].event == "reidentify"


def test_the_purpose_of_a_viewing_is_recorded(surgery):
    """The one that was chosen, and direct care if none or another was."""
    gp = reader(surgery)
    address = address_of(gp, FRAIL)
    gp.get(address + "?purpose=patient-asked")
    assert surgery.entries()[-1].references[0] == "patient-asked"
    gp.get(address + "?purpose=curiosity")
    assert surgery.entries()[-1].references[0] == "direct-care"


def test_a_ways_to_look_at_the_list_is_kept_and_let_go(surgery):
    """Under a name, for its reader alone, once however often the form is sent."""
    gp, colleague = reader(surgery), reader(surgery)
    for _ in range(2):
        sent = gp.post(LIST + "filters/", {"name": "Frail ones", "frailty": "intermediate", "sort": "hfrs"})
        assert sent.headers["Location"] == LIST + "?frailty=intermediate&sort=hfrs"
    page = gp.get(LIST).content.decode()
    assert page.count(">Frail ones</a>") == 1
    assert "Frail ones" not in colleague.get(LIST).content.decode()
    remove = re.search(r'action="([^"]+/remove/)"', page)[1]
    colleague.post(remove)
    assert "Frail ones" in gp.get(LIST).content.decode()
    gp.post(remove)
    assert "Frail ones" not in gp.get(LIST).content.decode()


def test_no_tab_and_no_history_of_a_browser_names_a_patient(surgery):
    """The page says who it is; its title, which browsers keep, does not."""
    gp = reader(surgery)
    page = gp.get(address_of(gp, FRAIL)).content.decode()
    title = re.search(r"<title>(.*?)</title>", page)[1]
    assert named(FRAIL) in page
    assert (FRAIL.family in title, FRAIL.given in title) == (False, False)


def test_the_place_and_the_chance_are_of_what_made_the_tier():
    """By an approved model where there is one; never the model's tier beside the baseline's place."""
    baseline = {"tier": "tier 1", f"{wording.FIRST}-percent-above": 40.0, "tier-percent-above": 40.0}
    by_model = {**baseline, "tier-percent-above": 0.5, "emergency-admission-risk": 0.231}
    told = [
        wording.cells(PersonSeen("R", "Z80001", None, None, None, scores))[0] for scores in (baseline, by_model)
    ]  # fmt: skip
    assert told == ["Tier 1 (top 40%)", "Tier 1 (top 1%, 23% chance of an emergency stay within a year)"]
