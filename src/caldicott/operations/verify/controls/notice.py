"""Controls over what the public reads: all of it there, all of it found, dated, and the flow map equal to the trail.

The pages are made here from the register as they are for the public, and then
read: a control believes the page and not the code that wrote it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from caldicott.operations import flows as passing
from caldicott.operations.verify.control import Control, Finding, broken, kept, not_applicable
from caldicott.operations.verify.controls.processors import processors
from caldicott.operations.verify.controls.registers import active, datasets_of, named
from caldicott.policy.decision import Permit, Request
from caldicott.publication import notice
from caldicott.publication.document import (
    Bullets,
    Details,
    Facts,
    Inset,
    Link,
    Paragraph,
    Picture,
    Table,
    every_section,
)
from caldicott.publication.edition import as_json, current, from_json
from caldicott.publication.flows import flow_rows
from caldicott.publication.pages.overview import PARTS
from caldicott.publication.walking import every_block, links

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from caldicott.operations.verify.evidence import Evidence
    from caldicott.publication.document import Block, Page, Section, Text
    from caldicott.register.model import ProcessingActivity

MUST_SAY = ("what-we-do", "source", "records", "law", "form", "who-sees-it", "who-receives-it", "how-long", "objecting")
"""Sections that the page of every activity has, whatever the register states."""
ABOUT_ITSELF = frozenset({"who-we-are", "contents", "pages", "uses"})
"""Sections of the overview that state no fact of the notice."""
A_YEAR = timedelta(days=366)


def pages_of(evidence: Evidence) -> tuple[Page, ...]:
    """The notice as it stands on the day."""
    edition = current(evidence.register, evidence.today)
    return notice.pages(evidence.register, at=evidence.today, edition=edition)


def page(evidence: Evidence, slug: str) -> Page | None:
    return next((one for one in evidence.once(pages_of) if one.slug == slug), None)


def spoken(words: Text) -> str:
    """The words as they are read, links included."""
    return "".join(one.text if isinstance(one, Link) else one for one in words)


def texts(blocks: Iterable[Block]) -> Iterator[Text]:
    """Every run of words of the blocks, in reading order."""
    for block in blocks:
        match block:
            case Paragraph(words):
                yield words
            case Bullets(items):
                yield from items
            case Facts(rows):
                yield from ((key,) for key, _ in rows)
                yield from (line for _, lines in rows for line in lines)
            case Table(caption, head, rows):
                yield from ((one,) for one in (caption, *head))
                yield from (cell for row in rows for cell in row)
            case Inset(words, title):
                yield from ((title,), *words)
            case Picture(says=says):
                yield (says,)
            case Details(summary, inner):
                yield (summary,)
                yield from texts(inner)


def reads(*sections: Section) -> str:
    """What the sections say, as one text."""
    return "\n".join(spoken(words) for one in every_section(sections) for words in texts(one.blocks))


def says(one: Page | None) -> str:
    return reads(*one.sections) if one is not None else ""


def _section(one: Page | None, anchor: str) -> str:
    return "".join(reads(part) for part in every_section(one.sections) if part.id == anchor) if one else ""


def _says_all(evidence: Evidence) -> Finding:
    if lost := notice.missing_parts(evidence.register):
        return broken(f"{len(lost)} parts are missing; first: {lost[0].what}")
    overview = page(evidence, "index")
    if silent := [part for part, anchor in PARTS.items() if not _section(overview, anchor).strip()]:
        return broken(f"the overview says nothing of: {named(silent)}")
    return kept("use, sharing, security and rights are each told, in the overview and for every active use")


def _inside(one: Page) -> Iterator[str]:
    return (link.to for link in links(one) if not link.is_outside)


def _contents_resolve(evidence: Evidence) -> Finding:
    whole = evidence.once(pages_of)
    anchors = {one.slug: set(map(str, one.anchors())) for one in whole}
    inside = [(one.slug, to) for one in whole for to in _inside(one)]
    # Files that are published beside the pages are made by `publish`, which checks them.
    to_pages = [(slug, to) for slug, to in inside if "." not in to.rpartition("/")[2]]
    dead = [to for slug, to in to_pages if not _is_there(slug, to, anchors)]
    if dead:
        return broken(f"{len(dead)} links of the notice lead nowhere: {named(dead)}")
    contents = {to for slug, to in to_pages if slug == "index"}
    if lost := set(anchors) - contents - {"index"}:
        return broken(f"not in the table of contents: {named(lost)}")
    return kept(
        f"{len(contents)} entries of the contents and {len(to_pages)} links in all lead to a page and a place in it"
    )


def _is_there(slug: str, to: str, anchors: dict[str, set[str]]) -> bool:
    target, _, anchor = to.partition("#")
    found = anchors.get(target or slug)
    return found is not None and (not anchor or anchor in found)


def _a_page_each(evidence: Evidence) -> Finding:
    shown = [one for one in evidence.register.activities if one.publication is None or one.publication.in_notice]
    listed = {to.partition("#")[0] for one in (page(evidence, "purposes"),) if one for to in _inside(one)}
    for activity in shown:
        own = page(evidence, f"activities/{activity.id}")
        if own is None or own.slug not in listed:
            return broken(f"{activity.id} has no page of its own, or the list of uses does not lead to it")
        if silent := [anchor for anchor in MUST_SAY if not _section(own, anchor).strip()]:
            return broken(f"the page of {activity.id} says nothing under: {named(silent)}")
        if uncited := [statute for statute in _statutes(activity) if statute not in says(own)]:
            return broken(f"the page of {activity.id} does not cite: {named(uncited)}")
    hidden = len(evidence.register.activities) - len(shown)
    return kept(
        f"each of {len(shown)} uses has a page with {len(MUST_SAY)} parts and its statutes; {hidden} are withheld"
    )


def _statutes(activity: ProcessingActivity) -> set[str]:
    return {statute for basis in activity.data_protection_basis or () for statute in basis.statutes}


def _not_ahead(evidence: Evidence) -> Finding:
    notices = {one.version: one.published for one in evidence.register.controller.notices}
    if not notices:
        return broken("no version of the notice was published")
    tried = 0
    for activity in active(evidence):
        version = activity.publication.notice_version if activity.publication else ""
        published = notices.get(version) or min(notices.values())
        if activity.effective_from is None or activity.effective_from < published:
            return broken(f"{activity.id} holds before the notice that tells of it")
        before = published - timedelta(days=1)
        for rule in activity.roles or ():
            for dataset in rule.datasets or datasets_of(activity):
                tried += 1
                request = Request(rule.role, activity.id, dataset, rule.ceiling, action=rule.action)
                if isinstance(evidence.decide(request, on=before), Permit):
                    return broken(f"{activity.id} is permitted on the day before its notice")
    return kept(f"{tried} rules were tried on the day before the notice that tells of them, and each was refused")


def _consequences(evidence: Evidence) -> Finding:
    rules = [(one, rule) for one in active(evidence) if one.objections for rule in one.objections.rules]
    if not rules:
        return not_applicable("no active use honours an objection of its own")
    if silent := [f"{one.id}/{rule.scheme}" for one, rule in rules if not rule.consequence.strip()]:
        return broken(f"what follows from an objection is not stated: {named(silent)}")
    lost = [
        f"{one.id}/{rule.scheme}"
        for one, rule in rules
        if _plain(rule.consequence) not in _plain(_section(page(evidence, f"activities/{one.id}"), "objecting"))
    ]
    if lost:
        return broken(f"the page of the use does not tell what follows: {named(lost)}")
    return kept(f"{len(rules)} objections are each told with what follows, on the page of the use they stop")


def _plain(words: str) -> str:
    return " ".join(words.split()).rstrip(".").casefold()


def _is_dated(evidence: Evidence) -> Finding:
    edition = current(evidence.register, evidence.today)
    told = f"{edition.published.day} {edition.published:%B %Y}"
    if told not in says(page(evidence, "index")) or told not in says(page(evidence, "changes")):
        return broken("the notice does not say when it was updated")
    again = from_json(as_json(evidence.register))
    if again != evidence.register or flow_rows(again) != flow_rows(evidence.register):
        return broken("a version that is kept would not read back as it was published")
    return kept(
        f"version {edition.version} says it is of {told}; kept, it reads back whole with {len(flow_rows(again))} flows"
    )


def _overview(evidence: Evidence) -> Finding:
    overview, whole = page(evidence, "index"), evidence.once(pages_of)
    rest = _plain("\n".join(says(one) for one in whole if one is not overview))
    facts = [
        _plain(spoken(words))
        for part in every_section(overview.sections if overview else ())
        if part.id not in ABOUT_ITSELF
        for words in texts(part.blocks)
        if not any(isinstance(one, Link) for one in words)
    ]
    if not facts:
        return broken("the overview states nothing")
    if alone := [fact for fact in facts if fact not in rest]:
        return broken(f"{len(alone)} of {len(facts)} sentences of the overview stand nowhere else; first: {alone[0]}")
    return kept(f"{len(facts)} sentences of the overview each stand in the full notice")


def _posts(evidence: Evidence) -> Finding:
    contacts, printed = evidence.register.controller.contacts, says(page(evidence, "contacts"))
    held = [one for one in contacts if one.valid_to is None or evidence.today <= one.valid_to]
    if not held:
        return broken("the register names no post")
    if lost := [one.role for one in held if one.post not in printed or one.reach not in printed]:
        return broken(f"the page of contacts does not print: {named(lost)}")
    return kept(
        f"the page of contacts prints {len(held)} posts, each with every way of reaching it that the register states"
    )


def _processors(evidence: Evidence) -> Finding:
    working, printed = processors(evidence), _plain(says(page(evidence, "processors")))
    if not working:
        return not_applicable("the register names no processor")
    whole = page(evidence, "processors")
    headings = " ".join(part.heading for part in every_section(whole.sections)) if whole else ""
    lost = [one.id for one in working if one.name not in headings and _plain(one.name) not in printed]
    lost += [one.id for one in working for function in one.functions if _plain(function) not in printed]
    if lost:
        return broken(f"the list of those who work for us leaves out, or leaves out a function of: {named(lost)}")
    return kept(f"the notice lists {len(working)} processors with all their functions")


def _flows_printed(evidence: Evidence) -> Finding:
    rows, printed = flow_rows(evidence.register), _section_of_flows(evidence)
    if not rows:
        return broken("the flow map is empty")
    if printed < len(rows):
        return broken(f"the notice prints {printed} of {len(rows)} flows")
    return kept(f"the notice prints {printed} flows, as many as the register states")


def _section_of_flows(evidence: Evidence) -> int:
    whole = page(evidence, "flow-map")
    return sum(len(block.rows) for block in every_block(whole) if isinstance(block, Table)) if whole else 0


def _flows_reviewed(evidence: Evidence) -> Finding:
    rows = [one for one in flow_rows(evidence.register) if one.status == "active"]
    if not rows:
        return broken("the flow map is empty")
    if silent := [one.key for one in rows if one.review_due is None]:
        return broken(f"{len(silent)} of {len(rows)} flows have no day of review: {named(silent)}")
    if late := [one.key for one in rows if one.review_due and one.review_due < evidence.today]:
        return broken(f"the review is overdue: {named(late)}")
    published = current(evidence.register, evidence.today).published
    if evidence.today - published > A_YEAR:
        return broken(f"the flow map was last published on {published}, more than a year ago")
    return kept(f"{len(rows)} flows each have a day of review that has not passed; last published on {published}")


def _trail(evidence: Evidence) -> Finding:
    seen = passing.compare(evidence.entries, evidence.register)
    if not seen.passages:
        return not_applicable("nothing was delivered to this store or given out from it yet")
    if seen.uncovered:
        first = seen.uncovered[0]
        return broken(f"{len(seen.uncovered)} of {seen.passages} passages stand in no flow; first: {first.why}")
    return kept(f"{seen.passages} deliveries and exports of the trail each stand in the flow map; none is outside it")


CONTROLS = (
    Control("notice-says-all", "Use, sharing, security and rights are told.", _says_all),
    Control("contents-resolve", "Whatever the notice points to is there.", _contents_resolve),
    Control("every-activity-has-a-page", "Each use has a page that says all of it.", _a_page_each),
    Control("no-rule-ahead-of-its-notice", "Nothing happens before the public can read of it.", _not_ahead),
    Control("consequences-on-the-notice", "Each objection is told with what follows.", _consequences),
    Control("notice-is-dated", "The notice has a date, and old versions can be read.", _is_dated),
    Control("overview-says-no-more", "The overview says nothing that the notice does not.", _overview),
    Control("posts-on-the-notice", "The notice says whom to ask and how.", _posts),
    Control("processors-on-the-notice", "The notice lists who works for the controller.", _processors),
    Control("flows-on-the-notice", "The flow map is published whole.", _flows_printed),
    Control("flows-are-reviewed", "Flows are reviewed and published every year.", _flows_reviewed),
    Control("flows-cover-the-trail", "What passed stands in the flow map.", _trail),
)
