"""What the NHS adds to the record and no template has: confidence, approvals, formats by role, objections, scopes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from caldicott.publication.spreadsheet import NOT_STATED, Cell, shown
from caldicott.register import words
from caldicott.vocabulary.terms import InstrumentKind

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from caldicott.register.model import Instrument, ObjectionRule, ProcessingActivity, Register, RoleRule

    Value: TypeAlias = Callable[[ProcessingActivity, Register], Cell]

NONE_NAMED: Final = "none named"
"""For what a register simply leaves out if there is none: silence and `none` are written the same there."""


def plain(word: str) -> str:
    """A word of the register without its underscores and hyphens."""
    return word.replace("_", " ").replace("-", " ")


def article(code: str | None) -> str:
    """`Article 6(1)(e)` for `A6-1-e`."""
    if not code:
        return ""
    number, paragraph, letter = code.removeprefix("A").split("-")
    return f"Article {number}({paragraph})({letter})"


def list_of(items: tuple[str, ...] | None) -> Cell:
    """The words in plain; `none` for an empty list, which is an answer; `not stated` for no list."""
    if items is None:
        return NOT_STATED
    return tuple(one.replace("_", " ") for one in items) or "none"


def until(instrument: Instrument) -> str:
    """How long a document holds."""
    return f"{shown(instrument.valid_from)} to {end(instrument.valid_until)}"


def end(when: date | None) -> str:
    """A last day; `no end` where there is none, for then it holds until somebody ends it."""
    return shown(when) if when else "no end"


def documents_of(activity: ProcessingActivity, register: Register) -> tuple[Instrument, ...]:
    """Every document the activity stands on: as a whole, for its confidence, for a flow or for a role."""
    confidence = activity.confidentiality_basis
    named = {
        *activity.instruments,
        confidence.instrument if confidence else None,
        *(flow.instrument for flow in activity.flows or ()),
        *(needed for rule in activity.roles or () for needed in rule.requires),
    }
    return tuple(one for one in register.instruments if one.id in named)


def _confidence(activity: ProcessingActivity, register: Register) -> Cell:
    basis = activity.confidentiality_basis
    if basis is None:
        return NOT_STATED
    document = words.instrument(basis.instrument, register) if basis.instrument else ""
    return (plain(basis.kind), basis.reference, document if document != basis.reference else "")


def _approvals(activity: ProcessingActivity, register: Register) -> tuple[Instrument, ...]:
    return tuple(one for one in documents_of(activity, register) if one.kind is InstrumentKind.S251_APPROVAL)


def _approval(activity: ProcessingActivity, register: Register) -> Cell:
    return tuple(one.reference for one in _approvals(activity, register)) or NONE_NAMED


def _approval_ends(activity: ProcessingActivity, register: Register) -> Cell:
    ends = (one.valid_until for one in _approvals(activity, register))
    return tuple(end(one) for one in ends) or NONE_NAMED


def _seen(activity: ProcessingActivity, register: Register) -> Cell:
    if activity.roles is None:
        return NOT_STATED
    return tuple(_role(rule, register) for rule in activity.roles) or "none"


def _role(rule: RoleRule, register: Register) -> str:
    tie = f" ({plain(rule.relationship)})" if rule.relationship != "none" else ""
    at = ", ".join(words.organisation(one, register) for one in rule.organisations)
    place = f" at {at}" if at else ""
    which = f": {', '.join(rule.datasets)}" if rule.datasets else ""
    return f"{plain(rule.role)}{tie}{place} may {rule.action}, up to {rule.ceiling}{which}"


def _objections(activity: ProcessingActivity, _: Register) -> Cell:
    if activity.objections is None:
        return NOT_STATED
    return tuple(_objection(rule) for rule in activity.objections.rules) or "none"


def _objection(rule: ObjectionRule) -> str:
    which = ", ".join(rule.datasets) or "every dataset"
    return f"{words.SCHEME[rule.scheme]} stops {', '.join(rule.covers_formats) or 'no format'}: {which}"


def _exemptions(activity: ProcessingActivity, _: Register) -> Cell:
    if activity.objections is None:
        return NOT_STATED
    return (
        tuple(
            f"{', '.join(one.schemes) or 'every objection'}: {plain(one.kind)} ({one.reference})"
            for one in activity.objections.exemptions
        )
        or "none"
    )


def _domain(activity: ProcessingActivity, register: Register) -> Cell:
    scope = activity.pseudonym_domain
    if scope is None:
        return NOT_STATED
    roles = ", ".join(plain(role) for role in scope.reidentify_roles)
    back = f"{roles} ({plain(scope.reidentify_relationship)})" if roles else "nobody"
    return (
        f"{scope.name} ({scope.letter}), epoch {scope.epoch}",
        f"for {words.organisation(scope.recipient, register)} under {words.instrument(scope.agreement, register)}",
        f"re-identified by: {back}",
    )


def _linkage(activity: ProcessingActivity, register: Register) -> Cell:
    joins = (
        f"{one.left} with {one.right} in {one.zone} at {words.organisation(one.organisation, register)}"
        for one in activity.linkage
    )
    return tuple(joins) or NONE_NAMED


def _control(activity: ProcessingActivity, _: Register) -> Cell:
    control = activity.disclosure_control
    if control is None:
        return NOT_STATED
    threshold = control.uniqueness_threshold
    return (
        f"rule {control.rule}",
        f"level {control.level}" if control.level else "",
        f"uniqueness threshold {threshold}" if threshold is not None else "",
        f"noise budget for public counts {control.public_epsilon:g}" if control.public_epsilon else "",
    )


def _datasets(direction: str) -> Value:
    def of(activity: ProcessingActivity, _: Register) -> Cell:
        uses = activity.datasets
        if uses is None:
            return NOT_STATED
        return list_of(tuple(one.dataset for one in uses if one.direction == direction))

    return of


def _documents(activity: ProcessingActivity, register: Register) -> Cell:
    return tuple(f"{one.reference} ({plain(one.kind)}, {until(one)})" for one in documents_of(activity, register))


def _published(activity: ProcessingActivity, _: Register) -> Cell:
    place = activity.publication
    if place is None:
        return NOT_STATED
    if not place.in_notice:
        return ("not in the notice", place.withheld_reason)
    return (place.section, f"since version {place.notice_version}" if place.notice_version else "")


COLUMNS: Final[tuple[tuple[str, str, Value], ...]] = (
    ("confidentiality_basis", "What lifts the duty of confidence", _confidence),
    ("section_251_approval", "Reference of the approval under section 251", _approval),
    ("section_251_expiry", "Last day of that approval", _approval_ends),
    ("format_in", "Format in which data come in", lambda one, _: str(one.format_in or "")),
    ("identifiers_allowed", "Identifiers that may be seen", lambda one, _: list_of(one.identifiers_allowed)),
    ("inputs_whitelist", "Fields that may be taken in", lambda one, _: list_of(one.inputs_whitelist)),
    ("format_by_role", "Who may do what, up to which format", _seen),
    ("objections", "Objections that stop it, in which formats, for which datasets", _objections),
    ("exemptions", "Why an objection does not stop it", _exemptions),
    ("pseudonym_domain", "The scope in which one code means one person", _domain),
    ("linkage", "Datasets that are joined, and where", _linkage),
    ("disclosure_control", "How small numbers are made safe", _control),
    ("datasets_in", "Datasets that come in", _datasets("in")),
    ("datasets_out", "Datasets that go out", _datasets("out")),
    ("documents", "Every document it stands on, with its dates", _documents),
    ("published", "Where the public reads of it", _published),
    ("review_due", "When it is looked at again", lambda one, _: shown(one.review_due)),
    ("known_gaps", "What its notice does not state", lambda one, _: list_of(one.not_stated)),
)
