"""What the public reads, promise by promise: every part there, every link alive, dated, and the flow map true."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from caldicott.facts import promises as facts
from caldicott.operations.verify.controls import notice as looking
from caldicott.operations.verify.evidence import Evidence
from caldicott.policy.decide import decide
from caldicott.policy.decision import Permit, Request
from caldicott.publication.document import Bullets, Link, Paragraph, Section, every_section, text
from caldicott.publication.edition import as_json, changes_between, current, from_json
from caldicott.publication.flows import flow_rows
from caldicott.publication.notice import require_parts
from caldicott.register.check import check
from caldicott.vocabulary.errors import DoesNotHold
from people import invented
from promises.notices import (
    DAY,
    DORSET,
    EXAMPLE,
    LEEDS,
    OF_NOTICE,
    OXFORDSHIRE,
    activity,
    assert_is_noticed,
    notice,
    printed,
    register,
    state,
    with_activity,
    with_controller,
    with_every_activity,
    without_activity,
)
from stage import episode

FOUR_PARTS = {"plain_text": "  ", "recipients": None, "measures": (), "rights": ()}


@pytest.fixture
def pages(monkeypatch):
    """Puts other pages before the look than those the register gives."""

    def put(change):
        altered = tuple(change(one) for one in notice(EXAMPLE))
        monkeypatch.setattr(looking, "pages_of", lambda _: tuple(one for one in altered if one is not None))

    return put


@pytest.mark.keeps("L1-003", "L2-001")
@pytest.mark.parametrize("field", FOUR_PARTS)
def test_a_notice_without_use_sharing_security_or_rights_is_not_published(field):
    """Take one of the four parts out of the register: the look is broken and publication stops, naming the part."""
    lacking = with_every_activity(EXAMPLE, **{field: FOUR_PARTS[field]})
    assert_is_noticed("notice-says-all", lacking)
    with pytest.raises(DoesNotHold) as told:
        require_parts(lacking)
    assert told.value.code == "notice-part-missing"
    assert field in told.value.next_step


@pytest.mark.keeps("L2-001")
@pytest.mark.parametrize("anchor", ["what-we-do", "who-receives-it", "kept-safe", "your-rights"])
def test_the_short_notice_has_the_four_parts(anchor, pages):
    """What we do, who receives it, how it is kept safe and your rights are told; an empty part is noticed."""
    for name in (EXAMPLE, LEEDS):
        assert printed(name, f"index#{anchor}").strip()
    pages(lambda one: _without(one, anchor) if one.slug == "index" else one)
    assert state("notice-says-all", EXAMPLE) == "broken"


def _without(page, anchor):
    return replace(page, sections=tuple(part for part in page.sections if part.id != anchor))


@pytest.mark.keeps("L1-004")
@pytest.mark.parametrize("name", [EXAMPLE, LEEDS, OXFORDSHIRE, DORSET])
def test_every_entry_of_the_contents_leads_somewhere(name):
    """The table of contents and every link of every page lead to a page and a place that are there."""
    assert state("contents-resolve", name) == "kept"
    slugs = {one.slug for one in notice(name)}
    (overview,) = [one for one in notice(name) if one.slug == "index"]
    links = {
        link.to
        for part in every_section(overview.sections)
        for block in part.blocks
        if isinstance(block, Bullets)
        for item in block.items
        for link in item
        if isinstance(link, Link)
    }
    assert slugs - {"index"} <= links


@pytest.mark.keeps("L1-004")
def test_a_link_that_leads_nowhere_is_noticed(pages):
    """A page that is missing, or a link to a place that no page has, breaks the look."""
    pages(lambda one: None if one.slug == "retention" else one)
    assert state("contents-resolve", EXAMPLE) == "broken"
    dead = Section("more", "More", (Paragraph(text(Link("here", "rights#nowhere"))),))
    pages(lambda one: replace(one, sections=(*one.sections, dead)) if one.slug == "cookies" else one)
    assert state("contents-resolve", EXAMPLE) == "broken"


@pytest.mark.keeps("L1-019", "L2-027")
@pytest.mark.parametrize("name", [EXAMPLE, LEEDS, OXFORDSHIRE, DORSET])
def test_each_use_has_a_page_of_its_own(name):
    """Purpose, source, law, form, who sees and receives it, how long, how to object: on a page of the list."""
    assert state("every-activity-has-a-page", name) == "kept"
    for one in register(name).activities:
        page = next(page for page in notice(name) if page.slug == f"activities/{one.id}")
        assert one.plain_text.split()[0] in printed(name, f"{page.slug}#what-we-do")
        assert {"source", "law", "who-receives-it", "how-long", "objecting"} <= set(page.anchors())


@pytest.mark.keeps("L1-019", "L2-027")
@pytest.mark.parametrize("lost", ["source", "law", "form", "who-sees-it", "who-receives-it", "how-long", "objecting"])
def test_a_page_that_leaves_a_part_out_is_noticed(lost, pages):
    """A use without a page, or a page without one of its parts, breaks the look."""
    pages(lambda one: _without(one, lost) if one.slug == "activities/research" else one)
    assert state("every-activity-has-a-page", EXAMPLE) == "broken"
    pages(lambda one: None if one.slug == "activities/research" else one)
    assert state("every-activity-has-a-page", EXAMPLE) == "broken"


@pytest.mark.keeps("L2-027")
def test_risk_stratification_is_explained_with_who_what_and_how_to_object():
    """The page says why, which records, who receives scores, and what happens if one objects."""
    place = "activities/risk-stratification"
    assert "end up in hospital" in printed(EXAMPLE, f"{place}#what-we-do")
    assert "Admitted patient care" in printed(EXAMPLE, f"{place}#records")
    assert "GP practices" in printed(EXAMPLE, f"{place}#who-receives-it")
    assert "You get no score" in printed(EXAMPLE, f"{place}#objecting")


@pytest.mark.keeps("L1-095")
def test_no_rule_takes_effect_before_the_notice_that_tells_of_it():
    """A use is refused up to the day before its notice; a use that claims to hold earlier stops the register."""
    published = min(one.published for one in register(EXAMPLE).controller.notices)
    # Every other date is put back a year, so that only the notice stands in the way.
    early = _all_documents_older(with_every_activity(EXAMPLE, effective_from=published - timedelta(days=300)))
    request = Request("ceff_officer", "invoice-validation", "invoice-backing", "identifiable")
    assert isinstance(decide(request, early, published), Permit)
    refusal = decide(request, early, published - timedelta(days=1))
    assert [reason.code for reason in refusal.reasons] == ["notice-not-published"]
    ahead = with_activity(EXAMPLE, "staff", effective_from=published - timedelta(days=1))
    assert "ahead-of-notice" in {fault.code for fault in check(ahead, at=DAY[EXAMPLE]) if fault.severity == "error"}
    assert_is_noticed("no-rule-ahead-of-its-notice", ahead)


def _all_documents_older(held):
    older = tuple(one.model_copy(update={"valid_from": date(2000, 1, 1)}) for one in held.instruments)
    return held.model_copy(update={"instruments": older})


@pytest.mark.keeps("L1-095")
def test_what_changed_is_told_in_words():
    """A change to a use is one of the changes told between two versions."""
    after = with_activity(EXAMPLE, "research", retention=None)
    assert any("esearch" in str(change) for change in changes_between(register(EXAMPLE), after))
    assert changes_between(register(EXAMPLE), register(EXAMPLE)) == ()


@pytest.mark.keeps("L1-126", "L2-027")
def test_objecting_to_risk_scores_says_what_it_does_to_your_care():
    """Leeds says that it can affect care and to ask the GP; the page of the use and of opting out both say it."""
    rule = next(r for r in activity(LEEDS, "risk-stratification").objections.rules if r.scheme == "risk")
    assert "It can affect your care" in rule.consequence
    assert "ask your GP" in rule.consequence
    assert "It can affect your care" in printed(LEEDS, "activities/risk-stratification#objecting")
    assert "It can affect your care" in printed(LEEDS, "opt-out#risk-then")
    rules = activity(EXAMPLE, "risk-stratification").objections
    silent = rules.model_copy(update={"rules": tuple(r.model_copy(update={"consequence": ""}) for r in rules.rules)})
    assert_is_noticed("consequences-on-the-notice", with_activity(EXAMPLE, "risk-stratification", objections=silent))


@pytest.mark.keeps("L1-126")
def test_a_consequence_that_the_page_does_not_tell_is_noticed(pages):
    """The page of the use without its part on objecting breaks the look."""
    pages(lambda one: _without(one, "objecting") if one.slug == "activities/risk-stratification" else one)
    assert state("consequences-on-the-notice", EXAMPLE) == "broken"


@pytest.mark.keeps("L1-133", "OX-100")
@pytest.mark.parametrize(("name", "told"), [(LEEDS, "30 January 2018"), (EXAMPLE, "1 April 2026")])
def test_the_notice_says_when_it_was_updated(name, told):
    """The day of the update stands on the overview and on the page of changes, and kept versions read back whole."""
    assert told in printed(name, "index#who-we-are")
    assert told in printed(name, "changes#updated")
    assert state("notice-is-dated", name) == "kept"
    again = from_json(as_json(register(name)))
    assert again == register(name)
    assert flow_rows(again) == flow_rows(register(name))


@pytest.mark.keeps("L1-133", "OX-100")
def test_a_notice_without_its_date_or_past_is_noticed(pages, monkeypatch):
    """If the day of update is not printed, or a kept version would not read back, the look is broken."""
    pages(lambda one: _without(one, "updated") if one.slug == "changes" else one)
    assert state("notice-is-dated", EXAMPLE) == "broken"
    monkeypatch.undo()
    monkeypatch.setattr(looking, "from_json", lambda _: without_activity(EXAMPLE, "research"))
    assert state("notice-is-dated", EXAMPLE) == "broken"


@pytest.mark.keeps("OX-100")
def test_the_flow_map_of_an_earlier_year_is_made_again_from_what_was_kept():
    """The Oxfordshire register of 2016, kept as it was, gives its flow map back line by line."""
    held = from_json(as_json(register(OXFORDSHIRE)))
    rows = flow_rows(held)
    assert ("practice-to-graphnet", "GP practices", "Graphnet Health Limited") in {
        (row.id, row.source, row.recipient) for row in rows
    }
    assert rows == flow_rows(register(OXFORDSHIRE))
    assert current(held, DAY[OXFORDSHIRE]).published == date(2016, 11, 30)


@pytest.mark.keeps("L2-002")
def test_the_overview_says_nothing_that_the_notice_does_not(pages):
    """Each sentence of the overview stands in the full notice; one that stands nowhere else is noticed."""
    for name in (EXAMPLE, LEEDS, OXFORDSHIRE, DORSET):
        assert state("overview-says-no-more", name) == "kept"
    alone = Section("more", "More", (Paragraph(text("We never make a mistake.")),))
    pages(lambda one: replace(one, sections=(*one.sections, alone)) if one.slug == "index" else one)
    assert state("overview-says-no-more", EXAMPLE) == "broken"


@pytest.mark.keeps_partly("L1-132")
def test_the_notice_names_the_regulator():
    """The page of contacts says whom to turn to who is independent of us."""
    regulator = next(one for one in register(EXAMPLE).controller.contacts if one.role == "regulator")
    assert regulator.post in printed(EXAMPLE, "contacts#regulator")
    assert regulator.reach in printed(EXAMPLE, "contacts#regulator")


@pytest.mark.keeps("OX-098")
def test_the_flow_map_equals_the_trail(house):
    """What was landed is in the flow map; once the map lacks the flow, the delivery without one is noticed."""
    people = invented(3)
    house.land(house.send("ncdr-sus-apc", [episode(one, f"r{i}") for i, one in enumerate(people)]))
    with house.house() as opened:
        assert looking._trail(Evidence(opened)).state == "kept"
        lacking = with_activity(house.register, "commissioning-planning", flows=())
        assert looking._trail(Evidence(replace(opened, register=lacking))).state == "broken"


@pytest.mark.keeps("OX-098")
def test_the_published_map_has_every_flow_of_the_register(pages):
    """The page prints as many flows as the register has; a map cut short is noticed."""
    for name in (EXAMPLE, OXFORDSHIRE):
        assert state("flows-on-the-notice", name) == "kept"
    pages(lambda one: replace(one, sections=()) if one.slug == "flow-map" else one)
    assert state("flows-on-the-notice", EXAMPLE) == "broken"


@pytest.mark.keeps("OX-099")
def test_each_flow_is_reviewed_and_the_map_published_every_year():
    """A flow without a day of review, one that is overdue, or a map older than a year, is noticed and listed."""
    flows = activity(EXAMPLE, "complaints").flows
    undated = tuple(one.model_copy(update={"review_due": None}) for one in flows)
    overdue = tuple(one.model_copy(update={"review_due": date(2026, 5, 3)}) for one in flows)
    assert_is_noticed("flows-are-reviewed", with_activity(EXAMPLE, "complaints", flows=undated))
    late = with_activity(EXAMPLE, "complaints", flows=overdue)
    assert_is_noticed("flows-are-reviewed", late)
    listed = [fault for fault in check(late, at=DAY[EXAMPLE]) if fault.code == "review-overdue"]
    assert len(listed) == len(flows)
    old = tuple(n.model_copy(update={"published": date(2025, 4, 1)}) for n in register(EXAMPLE).controller.notices)
    assert_is_noticed("flows-are-reviewed", with_controller(EXAMPLE, notices=old))


@pytest.mark.keeps_partly("L2-026", "OX-107")
def test_what_practices_and_record_holders_must_tell_is_in_the_register():
    """Leeds says that practices tell their patients; Oxfordshire that record holders put up notices of projects."""
    assert "practices_tell_patients" in activity(LEEDS, "risk-stratification-short").measures
    assert "notices_about_projects" in activity(OXFORDSHIRE, "research").measures


@pytest.mark.keeps_partly("DO-012", "DO-103")
def test_the_page_of_a_use_says_what_is_collected_and_by_which_duty():
    """Why staff records are collected, and which law obliges, stands on the page that a form will carry."""
    assert "to recruit, pay and pension them" in printed(DORSET, "activities/staff#what-we-do")
    assert "A law says that we must do it." in printed(EXAMPLE, "activities/staff#law")


# promise | words that the paragraph named by the ledger says, in the notice of the promise's own register
WRITTEN = [
    tuple(part.strip() for part in line.split("|"))
    for line in """
L1-006 | Animation of the King's Fund
L1-060 | Cameras record on our premises for security
L1-078 | Leaflet on sharing healthcare records
L1-087 | Code of data matching practice
L1-097 | This list is closed
L1-110 | The NHS Constitution sets these rights out
L2-010 | Leaflet on sharing healthcare records
L2-029 | Interagency Information Sharing Protocol
OX-001 | This list is not a set of examples
OX-042 | About Integrated Population Analytics
OX-044 | CAG 7-04(a)/2013
OX-072 | NHS Digital terms and conditions for commissioning datasets
OX-086 | Code of data matching practice
DO-009 | Cameras record at our buildings
DO-016 | The privacy policy of the website tells more
DO-021 | Third party websites
""".strip().splitlines()
]


@pytest.mark.parametrize(("promise", "words"), WRITTEN)
def test_what_is_kept_in_writing_is_written_there(promise, words):
    """The paragraph that the ledger names is on the page of the promise's own register and says it."""
    place = facts.keeping_of()[promise].in_writing
    assert words in printed(OF_NOTICE[promise[:2]], place)


def test_each_promise_in_writing_is_looked_up():
    """No paragraph is named in the ledger of these areas without its words being read here."""
    areas = {promise.id: promise.area for promise in facts.promises()}
    ours = {"register", "legal_basis", "processors", "notice", "cases", "rights", "nfi", "hr", "retention", "website"}
    written = sorted(one.id for one in facts.keepings() if one.in_writing and areas[one.id] in {*ours, "registers"})
    assert written == sorted(promise for promise, _ in WRITTEN)
