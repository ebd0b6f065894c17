"""The notice as the public reads it: its parts, its pages, its links, and what it must never say."""

from __future__ import annotations

import re
from datetime import date

import pytest
from tests.golden.held_registers import SHOWN_ON, held, names
from tests.spec.publication.noticeboard import AT, links, notice_of, page, published, said, section, under
from tests.unit.policy.small_register import small, small_with

from caldicott.publication import reading_age
from caldicott.publication.document import Details, Facts, Picture, Table
from caldicott.publication.notice import missing_parts, require_parts
from caldicott.publication.pages import phrases
from caldicott.publication.pages.overview import PARTS
from caldicott.publication.walking import every_block
from caldicott.register import words
from caldicott.vocabulary.errors import DoesNotHold

SLUGS = (
    "index",
    "purposes",
    "types-of-information",
    "linking",
    "sharing",
    "processors",
    "protection",
    "retention",
    "opt-out",
    "rights",
    "contacts",
    "changes",
    "flow-map",
    "record-of-processing",
    "accessibility",
    "cookies",
)
ARTEFACTS = {
    "record-of-processing.csv",
    "record-of-processing.xlsx",
    "register.jsonld",
    "register.ttl",
    "policies.cedar",
    "assets/flow-map.svg",
    "flow-map.csv",
}
PART_FIELDS = {"use": "plain_text", "sharing": "recipients", "security": "measures", "rights": "rights"}
ON_AN_ACTIVITY_PAGE = (
    "what-we-do",
    "source",
    "records",
    "law",
    "form",
    "who-sees-it",
    "who-receives-it",
    "how-long",
    "objecting",
    "rights",
    "computer",
    "protection",
    "documents",
)


def without(register, field, *, only=None):
    """The register with one field emptied, in every activity or in one."""
    empty = "" if field == "plain_text" else None
    changed = [one.model_copy(update={field: empty}) if only in (None, one.id) else one for one in register.activities]
    return register.model_copy(update={"activities": tuple(changed)})


@pytest.mark.parametrize("name", names())
def test_every_register_has_all_pages_and_one_for_each_activity(name):
    """Each page has its address; each activity that the notice tells of has a page of its own."""
    slugs = [one.slug for one in published(name)]

    told = [f"activities/{one.id}" for one in held(name).activities if one.publication and one.publication.in_notice]
    assert sorted(slugs) == sorted([*SLUGS, *told])
    assert slugs[0] == "index"


@pytest.mark.parametrize("name", names())
def test_every_page_of_an_activity_has_every_part(name):
    """Purpose, source, law, form, who sees it, who receives it, how long, how to object, rights: none is left out."""
    for one in published(name):
        if one.slug.startswith("activities/"):
            assert tuple(part.id for part in one.sections) == ON_AN_ACTIVITY_PAGE
            assert all(under(part).strip() for part in one.sections), one.slug


@pytest.mark.parametrize("name", names())
def test_the_four_parts_of_the_overview_say_something(name):
    """The quick overview says what is held and how it is used, who receives it, how it is kept safe, and the rights."""
    index = page(published(name), "index")

    for anchor in PARTS.values():
        assert len(under(section(index, anchor)).split()) >= 4


@pytest.mark.parametrize("name", names())
def test_every_link_leads_to_a_page_an_anchor_or_a_file_that_there_is(name):
    """No link of the notice leads nowhere; every entry of the table of contents is found."""
    found = published(name)
    anchors = {one.slug: set(one.anchors()) for one in found}
    seen = 0
    for one in found:
        for link in links(one):
            slug, _, anchor = link.to.partition("#")
            seen += 1
            if link.is_outside:
                assert link.to.startswith(("https://", "mailto:", "tel:"))
            elif slug in anchors:
                assert not anchor or anchor in anchors[slug], link.to
            else:
                assert slug in ARTEFACTS, link.to
    assert seen > 100


@pytest.mark.parametrize("name", names())
def test_anchors_are_unique_in_their_page_and_written_plainly(name):
    """Two headings of a page never share an address."""
    for one in published(name):
        anchors = one.anchors()
        assert len(anchors) == len(set(anchors)), one.slug
        assert all(re.fullmatch(r"[a-z0-9][a-z0-9.-]*", anchor) for anchor in anchors), one.slug


@pytest.mark.parametrize("name", names())
def test_the_overview_says_nothing_that_the_full_notice_does_not(name):
    """Both layers come from one source: each sentence of the overview stands in a page behind it."""
    found = published(name)
    behind = {run for one in found[1:] for run in said(one)}
    register = held(name)

    for anchor in ("what-we-do", "forms", "who-receives-it", "kept-safe", "how-long", "choices", "your-rights"):
        *facts, more = under(section(found[0], anchor)).split("\n")
        assert facts
        assert more.endswith(".")
        for fact in facts:
            assert fact in behind, fact
    assert register.controller.name in under(section(found[0], "who-we-are"))


@pytest.mark.parametrize("part", PART_FIELDS)
def test_a_part_deleted_from_the_register_is_missed(part):
    """Delete use, sharing, security or rights from the register, and the notice is refused by name."""
    register = without(held("example-icb"), PART_FIELDS[part])

    assert [(one.part, one.activity) for one in missing_parts(register)] == [(part, "")]
    with pytest.raises(DoesNotHold) as refused:
        require_parts(register)
    assert refused.value.code == "notice-part-missing"


@pytest.mark.parametrize("part", PART_FIELDS)
def test_a_part_deleted_from_one_activity_of_a_strict_register_is_missed(part):
    """One activity that does not say how its records are kept safe is enough to stop the notice."""
    register = without(held("example-icb"), PART_FIELDS[part], only="research")

    assert [(one.part, one.activity) for one in missing_parts(register)] == [(part, "research")]


@pytest.mark.parametrize("name", names())
def test_the_registers_of_the_repository_miss_no_part(name):
    """All four notices have all four parts, as they promise."""
    require_parts(held(name))


def test_no_page_is_harder_to_read_than_grade_nine():
    """A page of the notice can be read by most people: US grade 9 at most, its running text by itself too."""
    grades = reading_age.report(one for one in published("example-icb") if not one.is_reference)

    too_hard = [one for one in grades if max(one.grade, one.grade_of_text) > reading_age.LIMIT]
    assert too_hard == []
    assert min(one.words for one in grades) > 50


def test_only_the_record_of_processing_is_for_professionals():
    """No other page is let off the reading age."""
    assert [one.slug for one in published("example-icb") if one.is_reference] == ["record-of-processing"]


def test_words_of_the_trade_are_not_used():
    """The notice speaks to people: not of data subjects, of processing, or of pseudonymised data."""
    trade = re.compile(r"data subject|processing|processor|pseudonym|de-identif|stratif", re.IGNORECASE)
    found = [one for one in published("example-icb") if not one.is_reference]

    names_of_papers = {one.reference for one in held("example-icb").instruments} | {"Record of processing activities"}
    runs = [(one.slug, run) for one in found for run in said(one) if run not in names_of_papers]
    assert [(slug, run) for slug, run in runs if trade.search(run)] == []


def test_a_lapsed_approval_is_said_with_the_day_it_stopped():
    """The approval of risk stratification ends on 30 September 2027: from the next day the page says it stopped."""
    register = held("example-icb")

    before = page(notice_of(register, date(2027, 3, 31)), "activities/risk-stratification")
    after = page(notice_of(register, date(2027, 10, 1)), "activities/risk-stratification")

    assert "stopped on" not in under(section(before, "what-we-do"))
    assert "This stopped on 1 October 2027. It needs this paper, whose last day was 30 September 2027" in under(
        section(after, "what-we-do")
    )
    assert "Nobody sees anything now" in under(section(after, "who-sees-it"))
    assert "Has ended" in under(section(after, "documents"))


def test_a_use_that_is_not_in_use_says_so():
    """Dorset does not use risk stratification: its page, the list of uses and nobody's access say so."""
    found = published("dorset-2018")

    told = under(section(page(found, "activities/risk-stratification"), "what-we-do"))
    assert "We do not do this at present. If anyone tries, our computers refuse." in told
    rows = [row for one in page(found, "purposes").sections for row in under(one).split("\n")]
    assert "We do not do this at present. If anyone tries, our computers refuse." in rows


def test_what_an_old_notice_does_not_state_is_said_to_be_not_stated():
    """A gap of an old notice is shown as a gap, and never filled with words of ours."""
    found = published("dorset-2018")

    assert "How long records are kept is not stated." in under(
        section(page(found, "activities/risk-stratification"), "how-long")
    )
    assert (
        "our computers do not do this, because the register does not say enough"
        in " ".join(said(page(found, "activities/risk-stratification"))).lower()
    )


def test_a_withheld_use_is_counted_with_its_reason_and_has_no_page():
    """What is left out of the notice is counted and the reason given; nothing else of it is told."""
    register = small_with(
        "activities.complaints.publication", {"in_notice": False, "withheld_reason": "It would warn a suspect"}
    )
    found = notice_of(register, AT)

    told = under(section(page(found, "purposes"), "withheld"))
    assert "We leave 1 use out of this notice" in told
    assert "It would warn a suspect." in told
    assert "activities/complaints" not in [one.slug for one in found]
    assert not [run for one in found for run in said(one) if "Case-files" in run or "case files" in run]


def test_the_list_of_uses_says_that_it_is_complete():
    """Not “key examples”: every activity of the register is in the list."""
    uses = page(published("example-icb"), "purposes")

    listed = {link.to.removeprefix("activities/") for link in links(uses)}
    assert listed == {one.id for one in held("example-icb").activities}
    assert "This list is not a set of examples." in under(section(uses, "complete"))


def test_the_same_register_and_day_give_the_same_pages():
    """Nothing but the register, the day and the version goes into a page."""
    assert notice_of(small(), AT) == notice_of(small(), AT)


def test_contacts_are_posts_and_only_as_the_register_reaches_them():
    """No telephone number or address stands on the page that the register does not hold."""
    register = held("example-icb")
    contacts = page(published("example-icb"), "contacts")

    told = {link.text for link in links(contacts)}
    assert told == {one.reach for one in register.controller.contacts}
    for one in register.controller.contacts:
        assert one.post in " ".join(said(contacts))


@pytest.mark.parametrize("name", names())
def test_everyone_who_receives_something_is_named_once_for_each_use(name):
    """The page on sharing has a row for every recipient of every activity, under the form it receives."""
    sharing = page(published(name), "sharing")

    rows = {
        (part.id, row[2][0].to.removeprefix("activities/").partition("#")[0], row[0][0])
        for part in sharing.sections
        for block in part.blocks
        if isinstance(block, Table)
        for row in block.rows
    }
    register = held(name)
    due = [(rule.format, entry.id, rule.recipient) for entry in register.activities for rule in entry.recipients or ()]
    assert len(rows) == len({(form, entry, words.capital(phrases.body(one, register))) for form, entry, one in due})
    assert {(form, entry) for form, entry, _ in rows} == {(form, entry) for form, entry, _ in due}


def test_what_comes_in_counts_as_well_as_what_goes_out():
    """A use that takes in records with a name but gives out only counts is one in which something says who you are."""
    register = small_with("activities.complaints.roles", [{"role": "ig_officer", "ceiling": "aggregated"}])
    flows = [one.model_copy(update={"flows": ()}) if one.id == "complaints" else one for one in register.activities]
    found = notice_of(register.model_copy(update={"activities": tuple(flows)}))

    assert "In 5 of our 5 uses, at least one step has information that says who you are." in said(
        page(found, "types-of-information")
    )


def test_for_how_many_uses_a_time_is_set_is_counted():
    """A use without a time of keeping is not counted among those that have one."""
    assert "For each use we have set how long records are kept, and what happens then." in said(
        page(notice_of(small()), "retention")
    )
    gap = notice_of(small_with("activities.complaints.retention", None))
    sentence = "For 4 of 5 uses we have set how long records are kept. For 1 it is not stated."
    assert sentence in said(page(gap, "retention"))
    assert "How long records are kept is not stated." in said(page(published("dorset-2018"), "retention"))


def test_who_receives_is_told_with_the_reason():
    """Whoever gets what says who a person is stands under what lets them, on the overview and on the page."""
    register = held("example-icb")
    for slug in ("index", "sharing"):
        facts = [one for one in every_block(page(notice_of(register), slug)) if isinstance(one, Facts)]
        told = {why: {"".join(name) for name in names} for one in facts for why, names in one.rows}
        assert "UK Health Security Agency" in told["Under a special approval in law, called section 251"]
        assert "The GP practices that are members of the ICB" in told["For the person's own care"]
        assert "Cabinet Office, National Fraud Initiative" in told["Because a law lets us"]


def test_the_overview_names_the_main_uses_and_who_sees_who_a_person_is():
    """The first six uses in the register's order, each with its own first words and with whoever sees a name."""
    main = section(page(notice_of(held("example-icb")), "index"), "what-we-do").blocks
    lines = ["".join(part if isinstance(part, str) else part.text for part in item) for item in main[0].items]
    assert len(lines) == 6
    assert lines[0].startswith("Planning and paying for health services. We plan and pay for health care")
    assert lines[0].endswith("Nobody sees who you are: a code stands in place of your name.")
    assert lines[2].endswith(
        "These see who you are: GPs and the people who care for you, such as nurses and pharmacists."
    )
    assert "not done now" not in " ".join(lines)
    lapsed = section(page(notice_of(held("example-icb"), date(2027, 10, 1)), "index"), "what-we-do").blocks[0]
    assert lapsed.items[1][1].endswith("This is not done now.")


def test_who_receives_is_counted_only_while_the_use_is_done():
    """When the approval of risk stratification ends, those who received its scores are no longer counted."""
    register = held("example-icb")

    before, after = (said(page(notice_of(register, day), "sharing")) for day in (AT, date(2027, 10, 1)))
    assert "16 bodies or groups receive information that says who you are." in before
    assert "16 bodies or groups receive information that says who you are." not in after


def test_the_flow_map_has_a_row_for_every_flow():
    """Each delivery of the register is told under its use, with its document and the day it is looked at again."""
    register = held("example-icb")
    found = section(page(published("example-icb"), "flow-map"), "table")
    uses = {one.summary.partition(":")[0]: one for one in found.blocks if isinstance(one, Details)}
    tables = {title: next(one for one in use.blocks if isinstance(one, Table)) for title, use in uses.items()}

    assert {title: len(table.rows) for title, table in tables.items()} == {
        one.title: len(one.flows) for one in register.activities if one.flows
    }
    assert all(row[-1] == ("31 March 2027",) for table in tables.values() for row in table.rows)


def test_the_map_is_shown_on_its_page():
    """A reader sees the map itself, with its words for who cannot see it, and not only a link to it."""
    drawn = [one for one in every_block(page(published("example-icb"), "flow-map")) if isinstance(one, Picture)]

    assert [one.name for one in drawn] == ["flow-map.svg"]
    many = sum(flow.format == "aggregated" for one in held("example-icb").activities for flow in one.flows or ())
    assert f"Counts only: {many} flows." in drawn[0].says
    gone = held("example-icb").model_copy(
        update={"activities": tuple(one.model_copy(update={"flows": ()}) for one in held("example-icb").activities)}
    )
    assert not [one for one in every_block(page(notice_of(gone), "flow-map")) if isinstance(one, Picture)]


def test_a_flow_whose_paper_has_ended_says_so_in_the_map():
    """The end of a document is not only a date to compare with today's: the row says that it has ended."""
    told = " ".join(said(page(notice_of(held("example-icb"), date(2029, 4, 1)), "flow-map")))

    assert "31 March 2029 (has ended)" in told
    assert "(has ended)" not in " ".join(said(page(published("example-icb"), "flow-map")))


@pytest.mark.parametrize("name", names())
def test_a_version_and_its_day_are_on_the_overview(name):
    """The notice shows when it was updated."""
    register = held(name)
    found = notice_of(register, SHOWN_ON[name])

    assert "This notice was updated on" in under(section(page(found, "index"), "who-we-are"))
