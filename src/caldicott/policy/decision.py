"""The values of a decision: what is asked, and a permit with its duties or a refusal with its way out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from datetime import date

    from caldicott.register.model import Exemption, ObjectionRule, PseudonymDomain, Retention
    from caldicott.vocabulary.terms import Identifier, Relationship


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks for what. Plain words, so that an unknown one is refused with a reason rather than a crash."""

    role: str
    activity: str
    dataset: str
    format: str
    organisation: str | None = None
    """A register id or an ODS code; None means the one the register names for the role."""
    relationship: str | None = None
    """None means not stated: a permit then obliges to show it for every row."""
    identifiers: frozenset[str] = frozenset()
    action: str = "see"


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that spoke for or against, with the document and the day it turns on."""

    code: str
    text: str
    document: str = ""
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Obligations:
    """What a permit binds its holder to."""

    identifiers_allowed: tuple[Identifier, ...]
    inputs_whitelist: tuple[str, ...]
    objections: tuple[ObjectionRule, ...]
    exemptions: tuple[Exemption, ...]
    domain: PseudonymDomain | None
    disclosure_rule: str | None
    retention: Retention | None
    relationship: Relationship
    """To be shown for every row, whether or not the request stated it; `none` asks for nothing."""
    own_organisation: str | None
    """ODS code of the one practice whose patients may be seen; None: each row's own practice must be shown."""
    column_classes: frozenset[str]
    record_viewing: bool
    coded_answer_days: int | None = None
    """How old a practice's coded objections may be, where one of them stops this; else None."""


@dataclass(frozen=True, slots=True)
class Permit:
    """Yes, for these reasons, under these obligations."""

    request: Request
    at: date
    register_digest: str
    reasons: tuple[Reason, ...]
    obligations: Obligations


@dataclass(frozen=True, slots=True)
class Refusal:
    """No, for these reasons; what to do next and which post to ask."""

    request: Request
    at: date
    register_digest: str
    reasons: tuple[Reason, ...]
    next_step: str
    ask: str


Decision: TypeAlias = Permit | Refusal


@dataclass(frozen=True, slots=True)
class Hindrance:
    """A reason against, with the way out and the kind of post to ask (internal to the room)."""

    reason: Reason
    next_step: str
    post: str
