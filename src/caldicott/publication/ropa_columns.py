"""The columns of the record, each with what asks for it and how it is read from the register."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from caldicott.publication import ropa_nhs as nhs
from caldicott.publication.flows import purpose_title
from caldicott.publication.ropa_nhs import NONE_NAMED, documents_of, list_of, plain, until
from caldicott.publication.spreadsheet import NOT_STATED, Cell, shown
from caldicott.register import words
from caldicott.vocabulary.terms import ConfidentialityKind, InstrumentKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from caldicott.register.model import DataProtectionBasis, ProcessingActivity, Register

    Value: TypeAlias = Callable[[ProcessingActivity, Register], Cell]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, what asks for it, what it means, and how it is read."""

    name: str
    article: str
    meaning: str
    value: Value


def _contact(role: str) -> Value:
    def of(_: ProcessingActivity, register: Register) -> Cell:
        found = [one for one in register.controller.contacts if one.role == role]
        return tuple(f"{one.post}{f', {one.reach}' if one.reach else ''}" for one in found)

    return of


def _controller(_: ProcessingActivity, register: Register) -> Cell:
    one = register.controller
    return f"{one.name}{f' ({one.ods})' if one.ods else ''}"


def _joint(_: ProcessingActivity, register: Register) -> Cell:
    return tuple(words.organisation(one, register) for one in register.controller.joint_with) or NONE_NAMED


def _never_stated(_: ProcessingActivity, __: Register) -> Cell:
    """The register has no field for it."""
    return NOT_STATED


def _recipients(activity: ProcessingActivity, register: Register) -> Cell:
    if activity.recipients is None:
        return NOT_STATED
    return list_of(
        tuple(
            f"{words.organisation(one.recipient, register)}: {one.format}{f', {one.purpose}' if one.purpose else ''}"
            for one in activity.recipients
        )
    )


def _time_limits(activity: ProcessingActivity, _: Register) -> Cell:
    kept = activity.retention
    if kept is None:
        return NOT_STATED
    landing = kept.purge_landing_after_days
    return (
        f"{kept.retention_class}: {kept.minimum}",
        f"counted from: {kept.starts}",
        f"then: {kept.action or NOT_STATED}",
        f"landed files purged after {landing} days" if landing is not None else "",
        f"reviewed by: {plain(kept.review_role)}" if kept.review_role else "",
    )


def _of_bases(pick: Callable[[DataProtectionBasis], str]) -> Value:
    def of(activity: ProcessingActivity, _: Register) -> Cell:
        bases = activity.data_protection_basis
        if bases is None:
            return NOT_STATED
        return tuple(dict.fromkeys(text for text in map(pick, bases) if text))

    return of


def _bases(activity: ProcessingActivity, _: Register) -> Cell:
    return tuple(words.bases(activity).split("; "))


def _condition(basis: DataProtectionBasis) -> str:
    return ", ".join(f"Schedule 1 paragraph {number}" for number in basis.dpa_schedule1)


def _policy_document(activity: ProcessingActivity, _: Register) -> Cell:
    relied_on = any(basis.dpa_schedule1 for basis in activity.data_protection_basis or ())
    kept = activity.retention
    if not relied_on:
        return "no Schedule 1 condition is stated"
    return f"kept for {kept.minimum}; then {kept.action or NOT_STATED}" if kept else NOT_STATED


def _interests(activity: ProcessingActivity, _: Register) -> Cell:
    articles = [basis.article6 for basis in activity.data_protection_basis or () if basis.article6]
    return NOT_STATED if not articles or "A6-1-f" in articles else "not needed: Article 6(1)(f) is not relied on"


def _consent(activity: ProcessingActivity, register: Register) -> Cell:
    confidence = activity.confidentiality_basis
    papers = [one.reference for one in documents_of(activity, register) if one.kind is InstrumentKind.CONSENT]
    if confidence and confidence.kind is ConfidentialityKind.EXPLICIT_CONSENT and confidence.reference:
        papers.append(confidence.reference)
    return tuple(dict.fromkeys(papers))


def _contracts(activity: ProcessingActivity, register: Register) -> Cell:
    found = [one for one in register.instruments if one.kind is InstrumentKind.CONTRACT]
    used = {one.id for one in documents_of(activity, register)}
    return tuple(f"{one.reference} ({until(one)})" for one in found if activity.id in one.activities or one.id in used)


def _impact(activity: ProcessingActivity, register: Register) -> Cell:
    papers = [one for one in documents_of(activity, register) if one.kind is InstrumentKind.DPIA]
    return tuple(f"{one.reference} ({until(one)})" for one in papers)


def _location(activity: ProcessingActivity, register: Register) -> Cell:
    ends = [(flow.to_organisation, flow.to_zone) for flow in activity.flows or ()]
    return tuple(
        dict.fromkeys(
            f"{words.organisation(who, register)}{f', {plain(zone)}' if zone else ''}" for who, zone in sorted(ends)
        )
    )


def _sources(activity: ProcessingActivity, register: Register) -> Cell:
    return list_of(_none_kept(activity.sources, lambda one: words.organisation(one, register)))


def _none_kept(items: tuple[str, ...] | None, say: Callable[[str], str]) -> tuple[str, ...] | None:
    return None if items is None else tuple(say(one) for one in items)


def _rights(activity: ProcessingActivity, _: Register) -> Cell:
    rules = activity.rights
    return tuple(f"{plain(one.right)}: {one.applies}" for one in rules) if rules is not None else NOT_STATED


COLUMNS: Final[tuple[Column, ...]] = (
    Column("activity_id", "product", "Id of the activity in the register", lambda one, _: one.id),
    Column("activity", "product", "Title of the activity", lambda one, _: one.title),
    Column("version", "product", "Version of the entry", lambda one, _: str(one.version)),
    Column("status", "product", "Only `active` is done; the rest is refused", lambda one, _: str(one.status)),
    Column("effective_from", "product", "First day it holds", lambda one, _: shown(one.effective_from)),
    Column("effective_to", "product", "Last day it holds", lambda one, _: nhs.end(one.effective_to)),
    Column("controller", "30(1)(a)", "Controller with its code", _controller),
    Column("joint_controllers", "30(1)(a)", "Who decides together with the controller", _joint),
    Column("representative", "30(1)(a)", "Representative of a controller outside the country", _never_stated),
    Column("data_protection_officer", "30(1)(a)", "Post and how to reach it", _contact("dpo")),
    Column("rights_contact", "30(1)(a)", "Who answers for the controller on rights", _contact("rights")),
    Column("purpose", "30(1)(b)", "For what", lambda one, _: purpose_title(one.purpose)),
    Column("purpose_code", "product", "The purpose's place in the closed tree", lambda one, _: one.purpose or ""),
    Column("use", "product", "primary: the person's own care; secondary: any other", lambda one, _: one.use or ""),
    Column("data_subjects", "30(1)(c)", "Whom the data are about", lambda one, _: list_of(one.data_subjects)),
    Column("personal_data", "30(1)(c)", "Kinds of personal data", lambda one, _: list_of(one.personal_data)),
    Column(
        "special_category",
        "30(1)(c)",
        "Special categories",
        lambda one, _: list_of(one.special_category) if one.special_category else NONE_NAMED,
    ),
    Column(
        "criminal_offence", "30(1)(c)", "Criminal offence data", lambda one, _: "yes" if one.criminal_offence else "no"
    ),
    Column("recipients", "30(1)(d)", "Who receives, in which format, for what", _recipients),
    Column("third_countries", "30(1)(d)", "Recipients in third countries", _never_stated),
    Column("transfers", "30(1)(e)", "Transfers to third countries and their safeguards", _never_stated),
    Column("time_limits", "30(1)(f)", "How long each class is kept, and what happens then", _time_limits),
    Column("measures", "30(1)(g)", "Technical and organisational measures", lambda one, _: list_of(one.measures)),
    Column("legal_bases", "Sch 1 Part 4", "Each basis with all that belongs to it, one after the other", _bases),
    Column("article_6", "Sch 1 Part 4", "Article 6 basis", _of_bases(lambda one: nhs.article(one.article6))),
    Column("article_9", "product", "Article 9 basis", _of_bases(lambda one: nhs.article(one.article9))),
    Column("schedule_1", "Sch 1 Part 4", "Condition of schedule 1 relied on", _of_bases(_condition)),
    Column("policy_document", "Sch 1 Part 4", "Whether kept and erased as the policy says", _policy_document),
    Column("statutes", "product", "Statutes behind the bases", _of_bases(lambda one: ", ".join(one.statutes))),
    Column(
        "business_function",
        "ICO template",
        "The branch of the purpose tree",
        lambda one, _: purpose_title((one.purpose or "").split(".")[0]),
    ),
    Column("processor_contracts", "ICO template", "Contracts with processors", _contracts),
    Column("consent_record", "ICO template", "Where consent is recorded", _consent),
    Column("location", "ICO template", "Where the data go to and rest, by the flow map", _location),
    Column("impact_assessment", "ICO template", "Data protection impact assessment", _impact),
    Column("breaches", "ICO template", "Breaches; the register does not record them", _never_stated),
    Column("rights", "ICO template", "Which rights can be used", _rights),
    Column(
        "automated_decision",
        "ICO template",
        "Whether a computer decides",
        lambda one, _: plain(one.automated_decision or ""),
    ),
    Column("sources", "ICO template", "Where the data come from", _sources),
    Column("legitimate_interests", "ICO template", "Assessment of legitimate interests", _interests),
    *(Column(name, "NHS", meaning, value) for name, meaning, value in nhs.COLUMNS),
)
