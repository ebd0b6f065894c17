"""The four notices as registers: every activity that a notice tells of is there, as the notice tells it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from caldicott.register.parse import load

if TYPE_CHECKING:
    from caldicott.register.model import ProcessingActivity, Register

REGISTERS = Path(__file__).parents[3] / "registers"
LEGACY = ("leeds-2018", "oxfordshire-2016", "dorset-2018")
FOLDER = {"L1": "leeds-2018", "L2": "leeds-2018", "OX": "oxfordshire-2016", "DO": "dorset-2018"}

# notice, activity, status, format it comes in, purpose
ROWS = [
    tuple(line.split())
    for line in """
L1 commissioning-planning        active   pseudonymised commissioning.planning
L2 commissioning-planning-short  active   pseudonymised commissioning.planning
OX commissioning-planning        active   pseudonymised commissioning.planning
DO commissioning-planning        active   pseudonymised commissioning.planning
DO sus-commissioning-datasets    active   pseudonymised commissioning.planning
OX sus-commissioning-datasets    active   pseudonymised commissioning.planning
L1 risk-stratification           active   identifiable  risk_stratification
L2 risk-stratification-short     active   identifiable  risk_stratification
OX risk-stratification           active   identifiable  risk_stratification
DO risk-stratification           inactive identifiable  risk_stratification
L1 invoice-validation            active   identifiable  invoice_validation
OX invoice-validation            active   identifiable  invoice_validation
DO invoice-validation            active   identifiable  invoice_validation
L1 complaints                    active   identifiable  case.complaint
OX complaints                    active   identifiable  case.complaint
DO complaints                    active   identifiable  case.complaint
L1 individual-funding-requests   active   identifiable  case.ifr
OX individual-funding-requests   active   identifiable  case.ifr
DO individual-funding-requests   active   identifiable  case.ifr
L1 continuing-healthcare         active   identifiable  case.chc
OX continuing-healthcare         active   identifiable  case.chc
DO continuing-healthcare         active   identifiable  case.chc
L1 safeguarding                  active   identifiable  case.safeguarding
OX safeguarding                  active   identifiable  case.safeguarding
DO safeguarding                  active   identifiable  case.safeguarding
L1 post-infection-reviews        active   identifiable  case.pir
DO post-infection-reviews        active   identifiable  case.pir
L1 incidents                     active   identifiable  case.incident
OX incidents                     active   identifiable  case.incident
DO incidents                     active   identifiable  case.incident
L1 medicines-optimisation        active   identifiable  case.medicines
DO medicines-optimisation        active   identifiable  case.medicines
L1 care-treatment-reviews        active   identifiable  case.ctr
L1 national-fraud-initiative     active   identifiable  fraud.nfi
OX national-fraud-initiative     active   identifiable  fraud.nfi
DO national-fraud-initiative     active   identifiable  fraud.nfi
OX public-involvement            active   identifiable  engagement
DO public-involvement            active   identifiable  engagement
OX research                      active   identifiable  research
DO research                      active   identifiable  research
L2 shared-care-record            active   identifiable  direct_care
L1 staff                         active   identifiable  hr
DO staff                         active   identifiable  hr
L1 registers-of-interests        active   identifiable  registers
L1 cctv                          active   identifiable  security
L1 rights-requests               active   identifiable  rights
L1 service-statistics            active   aggregated    commissioning.planning
OX clinical-audit                active   pseudonymised commissioning
OX case-management               active   identifiable  direct_care
DO cctv                          active   identifiable  security
DO website-use                   active   identifiable  security
DO public-contact                active   identifiable  engagement
DO investigations                active   identifiable  fraud
DO accounts-and-records          active   identifiable  commissioning
""".strip().splitlines()
]

# Words that may stand side by side with capitals: institutions, Acts and posts. No person's name is made of them.
INSTITUTIONS = """
About Academic Accountability Act Agreement Analytics Assuring Audit Authority Business Cabinet Caldicott Care
Central Clinical Code Commissioner's Commissioners Commissioning Committee Complaints Continuing Control
Counter Data Digital Dorset Drugs England Executive Foundation Framework Fraud Freedom Fund General Graphnet Group
Guardian Health Healthcare Hospitals Human Incident Information Initiative Integrated Interagency King's Leeds
Limited Litigation Local Management Medicines Misuse National Network North Office Officer Optum Our Oxford
Oxfordshire Patient Population Protection Protocol Quality Record Records Regional Regulation Regulations
Science Secondary Serious Service Services Shared Sharing Social Solutions South Support Team The
Transformation Trust Unit University Uses West
"""
PUBLIC_WORDS = frozenset(INSTITUTIONS.split())
EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.\w+")
PHONE = re.compile(r"(?<![\w-])(?:\+44|0)\s?\d{2,4}[\s-]?\d{3,4}[\s-]?\d{3,4}(?![\w-])")
POSTCODE = re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]?\s+\d[A-Z]{2}\b")
CAPITALISED_RUN = re.compile(r"\b[A-Z][a-z’']+(?:\s[A-Z][a-z’']+)+\b")
SALUTED = re.compile(r"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Sir|Dame)\.?\s+[A-Z]")


@cache
def register(name: str) -> Register:
    return load(REGISTERS / name)


def entry(notice: str, activity: str) -> ProcessingActivity:
    found = register(FOLDER[notice]).activity(activity)
    assert found is not None, f"{FOLDER[notice]} has no activity {activity}"
    return found


def texts() -> list[tuple[str, str]]:
    """Every legacy file with the folded lines of its texts joined, so that a pattern cannot hide in a line end."""
    files = [file for name in LEGACY for file in sorted((REGISTERS / name).rglob("*.toml"))]
    return [(f"{file.parent.name}/{file.name}", re.sub(r"\\\n\s*", "", file.read_text("utf-8"))) for file in files]


@pytest.mark.parametrize(("notice", "activity", "status", "format_in", "purpose"), ROWS)
def test_a_row_of_the_notices_is_an_activity(notice, activity, status, format_in, purpose):
    """Each of the 54 things the notices do is one activity with the status, format and purpose they give it."""
    found = entry(notice, activity)
    assert (found.status, found.format_in, found.purpose) == (status, format_in, purpose)


def test_the_registers_hold_these_activities_and_no_other():
    """Nothing is in a legacy register that no notice tells of."""
    expected = sorted((FOLDER[notice], activity) for notice, activity, *_ in ROWS)
    actual = sorted((name, found.id) for name in LEGACY for found in register(name).activities)
    assert len(ROWS) == 54
    assert expected == actual


def test_no_activity_takes_effect_before_a_notice_tells_of_it():
    """An activity's first day is not before the first notice of its register."""
    for name in LEGACY:
        first = min(notice.published for notice in register(name).controller.notices)
        assert [a.id for a in register(name).activities if a.effective_from is None or a.effective_from < first] == []


def test_every_activity_is_published_with_words_of_its_own():
    """The public reads of each activity, in its own words."""
    for name in LEGACY:
        activities = register(name).activities
        assert len({a.plain_text for a in activities}) == len(activities)
        assert [a.id for a in activities if a.publication is None or not a.publication.in_notice] == []


def test_what_an_activity_points_to_is_in_its_register():
    """Instruments and organisations named by an activity or an instrument exist; no link dangles."""
    for name in LEGACY:
        held = register(name)
        instruments, organisations = {i.id for i in held.instruments}, {o.id for o in held.organisations}
        activities = {a.id for a in held.activities}
        for found in held.activities:
            flows = {flow.instrument for flow in found.flows or () if flow.instrument}
            basis = {found.confidentiality_basis.instrument} if found.confidentiality_basis else set()
            required = {needed for rule in found.roles or () for needed in rule.requires}
            assert flows | (basis - {None}) | required | set(found.instruments) <= instruments, found.id
            assert {o for rule in found.roles or () for o in rule.organisations} <= organisations, found.id
        for instrument in held.instruments:
            assert set(instrument.parties) <= organisations, instrument.id
            assert set(instrument.activities) <= activities, instrument.id
        for organisation in held.organisations:
            assert set(organisation.activities) <= activities, organisation.id


def test_what_a_notice_leaves_out_is_listed_and_not_overlooked():
    """A field that is absent is named in `not_stated`, so that the gap is known."""
    asked = (
        "data_protection_basis",
        "retention",
        "identifiers_allowed",
        "flows",
        "recipients",
        "sources",
        "review_due",
    )
    for name in LEGACY:
        for found in register(name).activities:
            overlooked = [field for field in asked if getattr(found, field) is None and field not in found.not_stated]
            assert overlooked == [], found.id


@pytest.mark.parametrize("pattern", [EMAIL, PHONE, POSTCODE, SALUTED], ids=["mail", "phone", "postcode", "salutation"])
def test_no_register_says_how_to_reach_a_person(pattern):
    """No e-mail address, telephone number, street postcode or form of address stands in a legacy register."""
    assert [file for file, text in texts() if pattern.search(text)] == []


@pytest.mark.parametrize(
    ("pattern", "example"),
    [
        (EMAIL, "a.person@example.org"),
        (PHONE, "01632 960001"),
        (PHONE, "0113 496 0001"),
        (PHONE, "+44 1632 960001"),
        (POSTCODE, "ZZ99 3VZ"),
        (SALUTED, "Mrs Nobody"),
    ],
)
def test_the_patterns_would_find_one(pattern, example):
    """The check above is not blind: an invented example is found."""
    assert pattern.search(f'reach = "write to {example}"')


def test_no_register_names_a_person():
    """Words with capitals side by side are institutions, Acts and posts; a person's name would be an unknown word."""
    found = {
        (file, run)
        for file, text in texts()
        for run in CAPITALISED_RUN.findall(text)
        if set(run.split()) - PUBLIC_WORDS
    }
    assert found == set()
    assert set(CAPITALISED_RUN.findall("the contact is Nobody Inparticular")[0].split()) - PUBLIC_WORDS


def test_contacts_are_posts():
    """A contact is the post that answers, dated; its holder is nowhere (contradiction 14)."""
    for name in LEGACY:
        for contact in register(name).controller.contacts:
            assert contact.post
            assert contact.valid_from is not None
