"""The opt-out guide says which choice stops what. What the platform obliges to must agree with it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.golden.held_registers import SHOWN_ON, held, names
from tests.spec.publication.noticeboard import links, notice_of, opened, page, published, section, under
from tests.unit.policy.small_register import small, small_with

from caldicott.policy.decide import decide
from caldicott.policy.decision import Permit, Request
from caldicott.publication.document import Table, every_section
from caldicott.publication.pages import phrases
from caldicott.publication.pages.opt_out import GOES_ON, NOT_USED, STOPS, STOPS_SOME
from caldicott.register import words
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import Objection, Role


def told(found, scheme):
    """Activity and form to what the guide says the choice does there."""
    part = section(page(found, "opt-out"), f"{scheme}-stops")
    table = next(one for one in opened(part) if isinstance(one, Table))
    return {
        (row[0][0].to.removeprefix("activities/").partition("#")[0], form): plainly
        for row in table.rows
        for form, (plainly,) in zip(DataFormat, row[1:5], strict=True)
    }


def schemes(found):
    ids = {one.id for one in every_section(page(found, "opt-out").sections)}
    return [one for one in Objection if one in ids]


def obliged(register, at, scheme):
    """Activity and form of every dataset somebody may see, with whether the platform must leave objectors out."""
    for entry in register.activities:
        for use in entry.datasets or ():
            for form in DataFormat:
                answers = [decide(Request(role, entry.id, use.dataset, form), register, at) for role in Role]
                for one in answers:
                    if isinstance(one, Permit):
                        yield (entry.id, form), any(rule.scheme is scheme for rule in one.obligations.objections)


def test_where_the_platform_leaves_objectors_out_the_guide_says_so():
    """Each permit of the example register that obliges to a choice is told as stopped, wholly or in part."""
    register, at = held("example-icb"), SHOWN_ON["example-icb"]
    found = published("example-icb")
    compared = 0
    for scheme in schemes(found):
        said = told(found, scheme)
        for place, is_left_out in obliged(register, at, scheme):
            if is_left_out:
                assert said[place] in (STOPS, STOPS_SOME), (scheme, place)
                compared += 1
            else:
                assert said.get(place, GOES_ON) != STOPS, (scheme, place)
    assert compared > 20


@pytest.mark.parametrize("name", names())
def test_every_rule_of_the_register_is_in_the_guide(name):
    """For each choice, activity and form: the guide's cell follows from the objection rules and from nothing else."""
    found = published(name)
    for scheme in schemes(found):
        said = told(found, scheme)
        for entry in held(name).activities:
            rules = [one for one in (entry.objections.rules if entry.objections else ()) if one.scheme is scheme]
            assert bool(rules) == ((entry.id, DataFormat.IDENTIFIABLE) in said)
            for form in DataFormat if rules else ():
                covered = any(form in one.covers_formats for one in rules)
                assert said[entry.id, form] in ((STOPS, STOPS_SOME) if covered else (GOES_ON, NOT_USED))


def test_a_choice_about_some_records_is_said_to_stop_a_part():
    """A type 1 opt-out is about the GP record: planning goes on with the hospital's, and the guide says so."""
    found = published("example-icb")

    assert told(found, "type1")["commissioning-planning", DataFormat.PSEUDONYMISED] == STOPS_SOME
    assert told(found, "ndop")["commissioning-planning", DataFormat.PSEUDONYMISED] == STOPS
    assert "medicines that a GP practice prescribed" in under(section(page(found, "opt-out"), "type1-stops"))


def test_what_a_choice_does_not_stop_is_said_with_the_reason_and_the_reference():
    """Bills are checked in spite of the National Data Opt-out; the guide says by which approval."""
    part = under(section(page(published("example-icb"), "opt-out"), "ndop-goes-on"))

    assert "Checking bills for your care\nA special approval in law says so.\nCAG 7-07(a-c)/2013" in part
    assert "Keeping children and adults safe\nThe law requires the use.\nChildren Act 2004; Care Act 2014" in part


def test_every_activity_is_either_stopped_or_told_to_go_on():
    """For each choice no use is passed over in silence."""
    for name in names():
        found = published(name)
        every = {one.slug for one in found if one.slug.startswith("activities/")}
        for scheme in schemes(found):
            guide = page(found, "opt-out")
            parts = [section(guide, f"{scheme}-stops"), section(guide, f"{scheme}-goes-on")]
            listed = {link.to.partition("#")[0] for part in parts for link in links(replace(guide, sections=(part,)))}
            assert listed == every, (name, scheme)


def test_what_happens_then_is_in_the_words_of_the_register():
    """The consequence the register states stands in the guide and on the page of the activity."""
    found = published("example-icb")
    consequence = "You get no score, because your GP record may not be used."

    assert consequence in under(section(page(found, "opt-out"), "type1-then"))
    assert consequence in under(section(page(found, "activities/risk-stratification"), "objecting"))


def test_an_exception_is_told_beside_the_rule_it_limits():
    """Research stops for those who opted out, but not if they agreed to a study: both are said in one row."""
    row = under(section(page(published("example-icb"), "opt-out"), "ndop-stops")).split("Research\n")[1]

    assert row.startswith(f"{STOPS}\n")
    assert "You were asked and agreed" in row


def test_a_register_without_objections_says_that_it_does_not_state_them():
    """Nothing is promised that the register does not hold."""
    register = small_with("activities.shared-record.objections", None)
    found = notice_of(register)

    assert "Which choice stops this use is not stated." in under(
        section(page(found, "activities/shared-record"), "objecting")
    )
    assert [
        link.text
        for link in links(replace(page(found, "opt-out"), sections=(section(page(found, "opt-out"), "not-stated"),)))
    ] == ["Shared record"]


def test_a_form_nobody_is_given_is_not_said_to_go_on():
    """Where no rule reaches a form and nobody is given it by itself, the guide does not say that it goes on."""
    register = small_with(
        "activities.complaints.objections", {"rules": [{"scheme": "local", "covers_formats": ["identifiable"]}]}
    )

    said = told(notice_of(register), "local")
    assert said["complaints", DataFormat.IDENTIFIABLE] == STOPS
    assert said["complaints", DataFormat.ANONYMISED] == NOT_USED
    assert said["complaints", DataFormat.AGGREGATED] == GOES_ON


def test_the_words_for_forms_and_choices_are_complete():
    """Every form, role and choice of the closed lists has words for the public."""
    assert set(phrases.FORM) == set(phrases.FORM_EXPLAINED) == set(DataFormat)
    assert set(words.ROLE) == set(Role)
    assert set(Objection) <= set(words.SCHEME)
    assert small().activities
