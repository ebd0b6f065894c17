"""The notice says who sees what in which form. The platform decides by the same register and must say the same."""

from __future__ import annotations

from datetime import date

import pytest
from tests.golden.held_registers import SHOWN_ON, held, names
from tests.spec.publication.noticeboard import notice_of, page, section
from tests.unit.policy.small_register import small, small_with

from caldicott.policy.decide import decide
from caldicott.policy.decision import Permit, Request
from caldicott.publication.document import Table
from caldicott.publication.pages import phrases
from caldicott.publication.pages.access import reidentifying, seats, unseeing
from caldicott.publication.pages.activity_access import SEES_NOW
from caldicott.publication.pages.standing import stops
from caldicott.register import words
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import Role

LATER = (date(2026, 3, 31), date(2027, 4, 1), date(2027, 10, 1), date(2029, 4, 1), date(2032, 1, 1))
DAYS_OF_THE_SMALL = (
    date(2026, 3, 31),
    date(2026, 11, 22),
    date(2026, 12, 31),
    date(2027, 1, 1),
    date(2027, 4, 1),
    date(2027, 7, 1),
    date(2027, 10, 1),
    date(2028, 4, 1),
    date(2028, 7, 1),
    date(2029, 4, 1),
)
HELD = [(name, day) for name in names() for day in (SHOWN_ON[name], date(2022, 7, 1), *LATER)]
GROUP_ALONE = [
    {
        "role": "gp",
        "ceiling": "identifiable",
        "datasets": ["scores"],
        "relationship": "federation",
        "requires": ["guardian-z80001", "guardian-z80002"],
    }
]
"""Practices working as a group, with no rule for the own practice beside it to make up for a lapse."""
CHANGED = (
    ("activities.risk-scores.roles", GROUP_ALONE),
    ("activities.risk-scores.roles", [{**GROUP_ALONE[0], "requires": []}]),
    ("activities.risk-scores.roles", [{**GROUP_ALONE[0], "organisations": ["z80002"]}]),
    ("activities.planning.roles.1.datasets", ["walk-in"]),
    ("activities.planning.pseudonym_domain.agreement", "walk-in-old"),
    ("activities.risk-scores.roles.2.organisations", ["z80002"]),
    ("activities.risk-scores.roles.2.requires", ["guardian-z80001", "training"]),
    ("activities.risk-scores.roles.1.organisations", ["z80004"]),
    ("activities.risk-scores.roles.1.organisations", ["member-practices"]),
    ("activities.risk-scores.pseudonym_domain.reidentify_relationship", "federation"),
    ("activities.risk-scores.confidentiality_basis", {"kind": "s251", "reference": "invented"}),
    ("activities.planning.instruments", ["dsa", "nowhere"]),
    ("activities.planning.effective_from", date(2027, 1, 1)),
    ("activities.planning.effective_to", date(2026, 12, 31)),
    ("activities.planning.measures", None),
    ("activities.planning.roles.1.requires", ["training", "walk-in-old"]),
    ("activities.planning.publication.notice_version", "2"),
    ("activities.complaints.status", "retired"),
    ("activities.shared-record.roles.0.action", "edit"),
    ("controller.valid_to", date(2026, 12, 31)),
    ("controller.member_practices", []),
)


def told_on_the_page(register, at):
    """Activity, role and form, for everybody of whom the pages say that they see something that day."""
    found = notice_of(register, at)
    return {
        (entry.id, role, form)
        for entry in register.activities
        for block in section(page(found, f"activities/{entry.id}"), "who-sees-it").blocks
        if isinstance(block, Table) and block.caption == SEES_NOW
        for role, ceiling in _rows(block)
        for form in DataFormat
        if form.is_within(ceiling)
    }


def _rows(table):
    roles = {words.capital(text): role for role, text in words.ROLE.items()}
    forms = {text: DataFormat(form) for form, text in phrases.FORM.items()}
    for (who,), (form,), (records,), (terms,) in table.rows:
        if records != "None now" and not terms.startswith("Not now."):
            yield roles[max((one for one in roles if who.startswith(one)), key=len)], forms[form]


def decided(register, at):
    """The same, by asking the platform for every dataset of the register."""
    return {
        (entry.id, role, form)
        for entry in register.activities
        for role in Role
        for form in DataFormat
        if any(_sees(register, at, (role, entry.id, one, form)) for one in _datasets(entry))
    }


def _datasets(entry):
    return {
        *(use.dataset for use in entry.datasets or ()),
        *(one for rule in entry.roles or () for one in rule.datasets),
    }


def _sees(register, at, asked, action="see"):
    role, activity, dataset, form = asked
    return isinstance(decide(Request(role, activity, dataset, form, action=action), register, at), Permit)


@pytest.mark.parametrize(("name", "at"), HELD, ids=str)
def test_what_the_notice_says_is_what_the_platform_decides(name, at):
    """For every activity, role and form of each register: who the notice says sees it may see it, and nobody else."""
    register = held(name)

    assert told_on_the_page(register, at) == decided(register, at)


@pytest.mark.parametrize("name", names())
def test_the_two_agree_even_if_the_old_registers_had_no_gaps(name, monkeypatch):
    """An old register permits nothing as it stands; with its gaps set aside, the rules behind them agree as well."""
    monkeypatch.setattr("caldicott.policy.compiled.gaps_of", lambda *_: ())
    monkeypatch.setattr("caldicott.publication.pages.standing.gaps", lambda *_: ())
    register, at = held(name), SHOWN_ON[name]

    told = told_on_the_page(register, at)

    assert told == decided(register, at)
    assert told


def test_the_example_register_lets_somebody_see_something_in_every_form():
    """The comparison above is not empty."""
    register = held("example-icb")

    told = told_on_the_page(register, SHOWN_ON["example-icb"])

    assert {form for _, _, form in told} == set(DataFormat)
    assert {activity for activity, _, _ in told} == {entry.id for entry in register.activities}


@pytest.mark.parametrize("at", DAYS_OF_THE_SMALL, ids=str)
def test_the_two_agree_on_every_day_on_which_a_document_ends(at):
    """Documents lapse one after the other; on each such day the notice and the platform still say the same."""
    register = small()

    assert told_on_the_page(register, at) == decided(register, at)


@pytest.mark.parametrize("at", DAYS_OF_THE_SMALL, ids=str)
@pytest.mark.parametrize(("path", "value"), CHANGED, ids=lambda one: str(one)[:60])
def test_the_two_agree_when_the_register_is_changed(path, value, at):
    """Whatever rule of the register is changed, the notice and the platform change together."""
    register = small_with(path, value)

    assert told_on_the_page(register, at) == decided(register, at)


@pytest.mark.parametrize("at", DAYS_OF_THE_SMALL, ids=str)
def test_which_records_somebody_sees_agrees_dataset_by_dataset(at):
    """A record whose flow lost its document, or that an approval shuts out, is not said to be seen."""
    register = small()

    for entry in register.activities:
        is_done = not stops(entry, register, at)
        for role in Role:
            for dataset in _datasets(entry):
                for form in DataFormat:
                    told = is_done and any(
                        one.is_open and dataset in one.datasets and form.is_within(one.rule.ceiling)
                        for one in seats(entry, register, at)
                        if one.rule.role == role
                    )
                    assert told == _sees(register, at, (role, entry.id, dataset, form)), (entry.id, role, dataset, form)


@pytest.mark.parametrize("at", DAYS_OF_THE_SMALL, ids=str)
@pytest.mark.parametrize(("path", "value"), [("digest", "small"), *CHANGED[:10]], ids=lambda one: str(one)[:60])
def test_who_goes_from_a_code_back_to_a_person_agrees(path, value, at):
    """The notice names exactly those whom the platform lets go from a code back to a person."""
    register = small_with(path, value)

    for entry in register.activities:
        is_done = not stops(entry, register, at)
        told = {one.rule.role for one in reidentifying(entry, register, at) if is_done and one.is_open}
        may = {
            role
            for role in Role
            if any(_sees(register, at, (role, entry.id, one, "identifiable"), "reidentify") for one in _datasets(entry))
        }
        assert told == may, entry.id


def test_whoever_only_takes_in_and_joins_cannot_look_anybody_up():
    """Where the notice says that an office may not look up a person, the platform refuses it."""
    register, at = held("example-icb"), SHOWN_ON["example-icb"]
    found = notice_of(register, at)
    said = 0
    for entry in register.activities:
        seeing = {one.rule.role for one in seats(entry, register, at)}
        for rule in unseeing(entry):
            if rule.role not in seeing:
                part = section(page(found, f"activities/{entry.id}"), "who-sees-it")
                assert any("may not look up a person" in str(block) for block in part.blocks)
                said += 1
                for dataset in _datasets(entry):
                    assert not _sees(register, at, (rule.role, entry.id, dataset, "aggregated"))
    assert said
