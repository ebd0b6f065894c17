"""Whose list a reader may see on this day: asked of the decision, practice by practice, and recorded."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from caldicott.audit.entry import Outcome
from caldicott.operations.perform import House, ask, permits
from caldicott.operations.stratify import setting_of
from caldicott.operations.stratify_plan import RISK_SCORES
from caldicott.policy.decision import Permit, Request
from caldicott.vocabulary.errors import DoesNotHold, Refused, WrongUsage
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import Identifier, InstrumentKind, Relationship

if TYPE_CHECKING:
    from collections.abc import Mapping

    from caldicott.policy.decision import Decision
    from caldicott.register.model import Register


@dataclass(frozen=True, slots=True)
class Reader:
    """Who looks: a role at an organisation, and which member of its staff."""

    role: str
    organisation: str
    """Register id or ODS code: a practice for its own list, a federation for those that agreed."""
    user: str


@dataclass(frozen=True, slots=True)
class Rights:
    """What the permits let the reader see: of which practices, and which identifiers."""

    relationship: str
    practices: tuple[str, ...]
    identifiers: frozenset[str]
    reasons: tuple[tuple[str, str], ...]
    """Code and text of every reason, for the page's "why can I see this"."""
    lapsed: Mapping[str, str]
    """Practices of the federation that refuse today, with the reason's text."""


def as_reader(house: House, reader: Reader) -> House:
    """The house with the reader as actor, so that every entry says who looked."""
    return replace(house, actor=reader.user, role=reader.role[:40], organisation=reader.organisation[:40])


def rights_of(house: House, reader: Reader, activity: str) -> Rights:
    """What the register lets the reader see today.

    Raises:
        Refused: nothing; the explanation is the message and the refusal is in the trail.
        WrongUsage: nobody is named as the reader.
    """
    _require_named(reader)
    mine = as_reader(house, reader)
    members = {member.ods for member in house.register.controller.member_practices}
    code = reader.organisation.upper()
    if code in members:
        return _own_practice(mine, reader, activity, code)
    return _federation(mine, reader, activity, members)


def require_of(rights: Rights, practice: str, house: House, activity: str) -> None:
    """The practice must be one of the reader's; a refusal is recorded.

    Raises:
        Refused: it is another practice, or its guardian's agreement does not hold.
    """
    if practice in rights.practices:
        return
    said = rights.lapsed.get(practice)
    code = "guardian-agreement" if said else "not-own-practice"
    refuse(house, activity, code, said or "These are not the patients of your organisation.")


def refuse(house: House, activity: str, code: str, said: str, *, counts: dict[str, int] | None = None) -> None:
    """Record that nothing was shown, and say why.

    Raises:
        Refused: always.
    """
    house.store.audit.append(
        house.entry(
            _act_id(), "reidentify", Outcome.REFUSAL, activity=activity, dataset=RISK_SCORES,
            format=DataFormat.IDENTIFIABLE.value, reasons=(code,), counts=counts or {},
        )
    )  # fmt: skip
    raise Refused(f"No. {said} {_NEXT[code]}", code=code, next_step=_NEXT[code])


_NEXT = {
    "not-own-practice": "Only the practice that a patient is registered with may see who a score is of.",
    "guardian-agreement": "Ask that practice's Caldicott Guardian.",
    "moved": "The practice where the patient is registered now can look it up.",
    "left": "If the patient has come back, land the practice's newest list and run again.",
    "objects": "Their care stays the same; there is no score to look up.",
    "being-merged": "Run the activity again, so that the two NHS numbers become one person.",
    "too-many-tokens": "Ask for one page at a time.",
    "relationship-counts": "Open your own practice's list.",
    "not-a-guard": "Ask the information governance officer or the Caldicott Guardian.",
    "enumeration": "The information governance officer has been told; ask there.",
}
"""What to do about each reason; the keys are all reasons this verb can give beside the register's."""


def standing_of(house: House, activity: str) -> dict[str, Any]:
    """What the latest scores were made from.

    Raises:
        DoesNotHold: none were made yet.
    """
    said = house.store.catalogue.setting(setting_of(activity))
    if said is None:
        raise DoesNotHold(
            "there are no scores of this activity yet",
            code="scores-missing",
            next_step="make them first: `caldicott run REGISTER --store DIR --activity risk-stratification`",
        )
    found: dict[str, Any] = json.loads(said)
    return found


def _require_named(reader: Reader) -> None:
    if not reader.user.strip() or not reader.organisation.strip():
        raise WrongUsage(
            "a viewing needs somebody who looks, and where they work",
            code="reader-unnamed",
            where="--user",
            next_step="give the practice's own name for the member of staff, such as --user dr-one",
        )


def _own_practice(house: House, reader: Reader, activity: str, code: str) -> Rights:
    back = Request(
        reader.role, activity, RISK_SCORES, DataFormat.IDENTIFIABLE, organisation=code,
        relationship=Relationship.OWN_PRACTICE, action="reidentify",
    )  # fmt: skip
    # Both questions at once: each answer waits for the disk before anybody acts on it.
    *naming, answer = ask(house, [*_naming(house, back), back])
    (permit,) = permits([answer])
    own = permit.obligations.own_organisation
    return _rights(permit, naming, practices=(own,) if own else (), lapsed={})


def _federation(house: House, reader: Reader, activity: str, members: set[str]) -> Rights:
    whole = Request(
        reader.role, activity, RISK_SCORES, DataFormat.IDENTIFIABLE, organisation=reader.organisation,
        relationship=Relationship.FEDERATION,
    )  # fmt: skip
    *naming, answer = ask(house, [*_naming(house, whole), whole])
    (permit,) = permits([answer])
    # A practice of which no guardian ever agreed need not be asked about; the decision is on those that have.
    candidates = sorted(members & _parties(house.register))
    answers = ask(house, [replace(whole, organisation=code) for code in candidates])
    agreed = tuple(code for code, answer in zip(candidates, answers, strict=True) if isinstance(answer, Permit))
    lapsed = {
        code: answer.reasons[0].text
        for code, answer in zip(candidates, answers, strict=True)
        if not isinstance(answer, Permit)
    }
    return _rights(permit, naming, practices=agreed, lapsed=lapsed)


def _rights(permit: Permit, naming: list[Decision], *, practices: tuple[str, ...], lapsed: dict[str, str]) -> Rights:
    told = [permit, *(answer for answer in naming if isinstance(answer, Permit))]
    identifiers = {str(one) for one in permit.obligations.identifiers_allowed}
    identifiers |= {Identifier.NAME.value} if len(told) > 1 else set()
    reasons = tuple(dict.fromkeys((reason.code, reason.text) for one in told for reason in one.reasons))
    return Rights(permit.obligations.relationship.value, practices, frozenset(identifiers), reasons, lapsed)


def _naming(house: House, request: Request) -> list[Request]:
    """Scores are made without names. A name comes in by the activity of care that takes the scores up, if it may."""
    caring = [
        entry.id
        for entry in house.register.activities
        if request.activity in (entry.sources or ())
        and any(use.dataset == RISK_SCORES and use.direction == "in" for use in entry.datasets or ())
    ]
    name = frozenset({Identifier.NAME.value})
    return [replace(request, activity=c, dataset="gp-patients", action="see", identifiers=name) for c in caring[:1]]


def _parties(register: Register) -> set[str]:
    kinds = (one for one in register.instruments if one.kind is InstrumentKind.GUARDIAN_AGREEMENT)
    return {party.upper() for one in kinds for party in one.parties}


def _act_id() -> str:
    from uuid import uuid4

    return uuid4().hex
