"""What the register lets a reader do today, asked of the one decision; and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from caldicott.policy.ahead import questions
from caldicott.policy.decide import decide
from caldicott.policy.decision import Permit, Refusal, Request
from caldicott.register import words

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from caldicott.policy.decision import Decision
    from caldicott.portal.staff.reader import Reader
    from caldicott.register.model import ProcessingActivity, Register

_ENDS = "instrument-live"


@dataclass(frozen=True, slots=True)
class Allowed:
    """One thing that may be done today."""

    says: str
    reasons: tuple[str, ...]
    duties: str
    last_day: date | None
    """Of the document that ends first; None if none has an end."""


@dataclass(frozen=True, slots=True)
class Denied:
    """One thing that the role has a rule for, and that is refused today."""

    says: str
    reasons: tuple[str, ...]
    next_step: str
    ask: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Work:
    """What one activity of the register gives a reader today."""

    activity: str
    title: str
    plain_text: str
    bases: str
    confidence: str
    objections: tuple[str, ...]
    allowed: tuple[Allowed, ...]
    denied: tuple[Denied, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why what is allowed is allowed, each reason once."""
        return tuple(dict.fromkeys(text for one in self.allowed for text in one.reasons))

    @property
    def last_day(self) -> date | None:
        """The first day on which something of it ends."""
        return min((one.last_day for one in self.allowed if one.last_day), default=None)


def work_of(reader: Reader, register: Register, at: date) -> tuple[Work, ...]:
    """Every activity in which the register names the reader's role, in the register's order."""
    asked: dict[str, dict[Request, None]] = {}
    for question in questions(register):
        if question.role == reader.role:
            mine = replace(question, organisation=reader.organisation)
            asked.setdefault(question.activity, {})[mine] = None
    return tuple(_work(entry, asked[entry.id], register, at) for entry in register.activities if entry.id in asked)


def work_on(activity: str, reader: Reader, register: Register, at: date) -> Work | None:
    """What that activity gives the reader; None if the register has no such activity."""
    key = (activity, reader.role, reader.organisation, at)
    known = _kept.get(key)
    # The same for every page of the day, while the register is the very one; a page asks for itself what it may show.
    if known is None or known[0] is not register:
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        known = _kept[key] = (register, _work_on(activity, reader, register, at))
    return known[1]


_MOST_KEPT = 512
_kept: dict[tuple[str, str, str, date], tuple[Register, Work | None]] = {}


def _work_on(activity: str, reader: Reader, register: Register, at: date) -> Work | None:
    entry = register.activity(activity)
    if entry is None:
        return None
    mine = next((one for one in work_of(reader, register, at) if one.activity == activity), None)
    return mine or _work(entry, _nothing_named(entry, reader), register, at)


def _nothing_named(entry: ProcessingActivity, reader: Reader) -> tuple[Request, ...]:
    # Asked all the same, of the decision: it alone says why not, and whom to ask.
    first = next((one.dataset for one in entry.datasets or ()), "")
    return (Request(reader.role, entry.id, first, "aggregated", organisation=reader.organisation),)


def _work(entry: ProcessingActivity, asked: Iterable[Request], register: Register, at: date) -> Work:
    decisions = [decide(one, register, at) for one in asked]
    allowed = [_allowed(one) for one in decisions if isinstance(one, Permit)]
    denied = [_denied(one) for one in decisions if isinstance(one, Refusal)]
    basis = entry.confidentiality_basis
    stopped = dict.fromkeys(
        words.capital(words.SCHEME[rule.scheme])
        for one in decisions if isinstance(one, Permit) for rule in one.obligations.objections
    )  # fmt: skip
    return Work(
        entry.id, entry.title, entry.plain_text, words.bases(entry), words.confidence(basis.kind if basis else None),
        tuple(stopped), tuple(dict.fromkeys(allowed)), tuple(dict.fromkeys(denied)),
    )  # fmt: skip


def _allowed(permit: Permit) -> Allowed:
    ends = [reason.on for reason in permit.reasons if reason.code == _ENDS and reason.on]
    whose = words.RELATIONSHIP[permit.obligations.relationship].replace("your", "the")
    duties = "Each viewing of a person is recorded." if permit.obligations.record_viewing else ""
    return Allowed(
        f"{_says(permit)}{whose}", tuple(one.text for one in permit.reasons), duties, min(ends, default=None)
    )


def _denied(refusal: Refusal) -> Denied:
    reasons = tuple(one.text for one in refusal.reasons)
    codes = tuple(one.code for one in refusal.reasons)
    return Denied(_says(refusal), reasons, refusal.next_step, refusal.ask, codes)


def _says(decision: Decision) -> str:
    request = decision.request
    verb, form = words.capital(words.ACTION.get(request.action, request.action)), _FORM.get(request.format, "")
    return f"{verb} {words.dataset(request.dataset)}{form}"


_FORM = {
    "identifiable": " with names",
    "pseudonymised": " with codes in place of names",
    "anonymised": " without anything that says who it is about",
    "aggregated": " as counts of people",
}
