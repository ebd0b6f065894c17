"""Single pages: what each says of a register in which one thing was changed."""

from __future__ import annotations

import re
from datetime import date
from xml.etree import ElementTree as ET

import pytest
from tests.golden.held_registers import held, names
from tests.spec.publication.noticeboard import AT, blocks, links, notice_of, page, said, section, under
from tests.unit.policy.small_register import instrument, small, small_with, small_words

from caldicott.publication.document import Picture
from caldicott.publication.edition import Earlier, Edition
from caldicott.publication.notice import pages
from caldicott.publication.pages import phrases, schemes
from caldicott.publication.pages.four_formats import SAYS, picture
from caldicott.register.completeness import _MUST_BE_SAID, _MUST_LIST_SOMETHING
from caldicott.vocabulary.nhs_number import canonicalise, fault_of
from caldicott.vocabulary.terms import Objection, Regime

SVG = "{http://www.w3.org/2000/svg}"


def with_processor(**contract):
    """The small register with a firm that works for the controller, and its contract."""
    words = small_words()
    words["organisations"].append(
        {
            "id": "example-firm",
            "name": "Example Firm",
            "roles": ["processor"],
            "functions": ["runs the computers"],
            "activities": ["planning"],
        }
    )
    if contract:
        words["instruments"].append(
            instrument(
                "firm-contract", "contract", contract.pop("until"), parties=["example-icb", "example-firm"], **contract
            )
        )
    return type(small()).model_validate(words)


def test_a_processor_is_told_with_what_it_does_its_contract_and_when_it_was_checked():
    """Each firm that works for us, with its function, its contract's end, and the day of due diligence."""
    register = with_processor(until=date(2029, 3, 31), due_diligence_date=date(2026, 1, 15))

    told = under(section(page(notice_of(register), "processors"), "example-firm"))
    assert "Runs the computers." in told
    assert "Document firm-contract. It holds until 31 March 2029." in told
    assert "15 January 2026" in told


def test_a_contract_that_has_ended_is_said_to_have_ended():
    """The page never shows a lapsed contract as if it held."""
    register = with_processor(until=date(2026, 6, 30))

    told = under(section(page(notice_of(register), "processors"), "example-firm"))
    assert "Has ended: 30 June 2026." in told
    assert "It holds" not in told


def test_a_processor_without_contract_is_said_to_have_none():
    """A gap in the register is a gap in the notice."""
    told = under(section(page(notice_of(with_processor()), "processors"), "example-firm"))

    assert "No contract is named in the register." in told
    assert "Not stated." in told


def test_changes_are_told_in_sentences_the_widening_ones_first():
    """What may be seen by more people stands before all else, and the version before it can be read."""
    before = small()
    after = small_with("activities.planning.roles.1.ceiling", "identifiable")
    edition = Edition("2", AT, "How", (Earlier("1.0", date(2026, 4, 1), before),))

    found = page(pages(after, at=AT, edition=edition), "changes")
    told = under(section(found, "since"))
    assert "Since version 1.0 of 1 April 2026:" in told
    assert "More may be seen, by more people or for longer:\nThe people who analyse services can now see" in told
    assert [link.to for link in links(found)] == ["versions/1.0/index.html"]
    longer = small_with("activities.complaints.retention.minimum", "10 years")
    back = Edition("3", AT, "How", (Earlier("2", date(2026, 4, 1), longer),))
    both = small_with("activities.planning.roles.1.requires", [])
    told = under(section(page(pages(both, at=AT, edition=back), "changes"), "since"))
    assert told.index("More may be seen") < told.index("Less may be seen")


def test_two_earlier_versions_are_compared_as_well():
    """What changed between two old versions stays public."""
    oldest = small_with("activities.complaints.retention.minimum", "10 years")
    edition = Edition("3", AT, "How", (Earlier("2", date(2026, 5, 1), small()), Earlier("1", date(2026, 4, 1), oldest)))

    found = page(pages(small(), at=AT, edition=edition), "changes")
    assert "Nothing changed that matters to you." in under(section(found, "since"))
    assert "are kept for 8 years" in under(section(found, "from-1"))


def test_a_contact_is_told_only_while_somebody_holds_the_post():
    """A post that begins later is not named today, and no address is made up."""
    register = small_with("controller.contacts.1.valid_from", date(2027, 1, 1))

    told = " ".join(said(page(notice_of(register), "contacts")))
    assert "Data Protection Officer" in told
    assert "Caldicott Guardian" not in told
    assert "The regulator is not stated." in told
    assert "Caldicott Guardian" in " ".join(said(page(notice_of(register, date(2027, 1, 1)), "contacts")))


@pytest.mark.parametrize(
    ("reach", "to"),
    [
        ("dpo@icb.example", "mailto:dpo@icb.example"),
        ("ico.org.uk", "https://ico.org.uk"),
        ("https://ico.org.uk/make-a-complaint", "https://ico.org.uk/make-a-complaint"),
        ("0300 000 0000", "tel:03000000000"),
        ("By post, as the notice prints", None),
        ("javascript:alert(1)", None),
    ],
)
def test_how_a_post_is_reached_is_a_link_only_where_it_is_an_address(reach, to):
    """An e-mail address, a site and a number can be followed; anything else is words."""
    register = small_with("controller.contacts.0.reach", reach)

    found = page(notice_of(register), "contacts")
    assert [link.to for link in links(found)] == ([to] if to else [])
    assert reach.rstrip(".").lower() in " ".join(said(found)).lower()


def test_the_clocks_are_those_of_the_law_on_that_day():
    """The 30 days for a complaint count from the day that law came into force, and only under that law."""
    register = small()

    def told(at, changed=register):
        return " ".join(said(page(notice_of(changed, at), "rights")))

    assert "We tell you within 30 days that we have your complaint." not in told(date(2026, 6, 18))
    assert "We tell you within 30 days that we have your complaint." in told(date(2026, 6, 19))
    old = small_with("controller.regime", "dpa1998")
    assert "We have 40 days to answer." in told(AT, old)
    assert "one month" not in told(AT, old)


def test_a_wrong_citation_is_shown_with_what_it_should_be():
    """An old notice cites “Care Act 2012”, which is no Act: the page says so beside the citation."""
    register = small_with("activities.planning.data_protection_basis.0.statutes", ["Care Act 2012"])

    told = under(section(page(notice_of(register), "activities/planning"), "law"))
    assert "Care Act 2012 (cited wrongly: it should be Care Act 2014)" in told


def test_a_register_that_joins_nothing_claims_no_joining():
    """The page on joining says nothing about how it is done where it is not done."""
    told = " ".join(said(page(notice_of(small()), "linking")))

    assert "The register does not state that any records are joined." in told
    assert "records are joined on that code" not in told


def test_joins_are_listed_one_by_one():
    """Each registered join, with who does it and where."""
    register = small_with(
        "activities.planning.linkage",
        [{"left": "sus-apc", "right": "mart", "zone": "safe-haven", "organisation": "example-dscro"}],
    )

    told = under(section(page(notice_of(register), "linking"), "for-planning"))
    assert "This is done by Regional office. It is done in the locked area where identities are kept." in told
    assert "These records\nJoined with\nAdmitted patient care\nmart" in told


def test_small_counts_are_promised_only_where_every_use_has_a_rule():
    """The sentence disappears from overview and page as soon as one use gives out groups without a rule."""
    sentence = "Small counts are hidden before a table leaves us, as they can point to one person."
    whole, gap = notice_of(small()), notice_of(small_with("activities.planning.disclosure_control", None))

    assert sentence in said(page(whole, "index"))
    assert sentence in said(page(whole, "protection"))
    assert sentence not in said(page(gap, "index"))


def test_only_measures_of_every_use_are_said_of_all():
    """A measure that one use lacks is told for the others by name, and not in the overview."""
    register = small_with("activities.complaints.measures", ["data_minimisation"])
    found = notice_of(register)

    assert phrases.MEASURE["audit_trail"] not in said(page(found, "index"))
    told = under(section(page(found, "protection"), "which"))
    assert f"{phrases.MEASURE['audit_trail']}\nOld scores; Planning; Risk scores; Shared record" in told
    assert f"{phrases.MEASURE['data_minimisation']}\nComplaints" in told


def test_the_picture_shows_the_four_forms_without_a_style_and_says_them_in_words():
    """Drawn with presentation attributes only, with a title and a description, of an invented person."""
    shown = picture()
    root = ET.fromstring(shown.svg)  # noqa: S314  our own picture

    assert (root.find(f"{SVG}title").text, root.find(f"{SVG}desc").text) == ("One record in four forms", SAYS)
    assert root.get("role") == "img"
    ids = {one.get("id") for one in root.iter() if one.get("id")}
    assert set(root.get("aria-labelledby").split()) == ids
    assert not [one for one in root.iter() if "style" in one.attrib or one.tag.endswith(("style", "script"))]
    assert [one.text[:2] for one in root.iter(f"{SVG}text") if one.text[0].isdigit() and one.text[1] == "."] == [
        "1.",
        "2.",
        "3.",
        "4.",
    ]
    number = re.search(r"NHS number ([\d ]+)", shown.svg)[1]
    assert fault_of(canonicalise(number)) is None
    assert number.startswith("999")


def test_the_page_on_forms_has_the_picture():
    """The four forms are shown on their page."""
    shown = [one for one in blocks(page(notice_of(small()), "types-of-information")) if isinstance(one, Picture)]

    assert [one.name for one in shown] == ["four-formats.svg"]


def test_every_word_of_the_closed_lists_has_words_for_the_public():
    """No right, law, gap or choice reaches the public as a code."""
    assert set(schemes.WHAT) == set(schemes.HOW) == set(Objection)
    assert set(phrases.LAW) == set(Regime)
    assert {*_MUST_BE_SAID, *_MUST_LIST_SOMETHING} <= set(phrases.GAP)
    assert set(phrases.RIGHT) == set(phrases.RIGHT_EXPLAINED)


@pytest.mark.parametrize("name", names())
def test_every_measure_and_kind_of_the_registers_has_plain_words(name):
    """No measure of a held register is printed as its code."""
    for entry in held(name).activities:
        assert set(entry.measures or ()) <= set(phrases.MEASURE), entry.id


def test_more_than_one_controller_is_named():
    """Joint controllers are all named on the overview."""
    register = small_with("controller.joint_with", ["example-trust"])

    assert "We decide together with: Trust." in said(page(notice_of(register), "index"))


def test_a_body_that_is_no_more_says_so_first():
    """The overview of a body that has ended begins with that."""
    register = small_with("controller.valid_to", date(2026, 6, 30))

    who = section(page(notice_of(register), "index"), "who-we-are")
    assert "NHS Example ICB answered for this until 30 June 2026." in under(who)
    assert "5 are not done now" in " ".join(said(page(notice_of(register), "index")))
