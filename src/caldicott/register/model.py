"""The register's schema. One schema; the four notices and the example ICB are instances of it.

Lenient to import, strict to activate: nearly every field may be absent so that
an old notice loads as it was written, and `completeness.gaps` names what is
missing. Unknown keys and unknown words are always errors.
"""

from __future__ import annotations

from datetime import date  # noqa: TC003  pydantic reads the annotation at run time
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from caldicott.vocabulary.formats import DataFormat  # noqa: TC001  pydantic reads the annotation at run time
from caldicott.vocabulary.terms import (
    ActivityStatus,
    ConfidentialityKind,
    Identifier,
    InstrumentKind,
    Objection,
    ObjectionExemption,
    Regime,
    Relationship,
    Role,
)

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$", description="lower case, digits, hyphen")]
OdsCode = Annotated[str, Field(pattern=r"^[A-Z0-9]{2,6}$", description="ODS code of an organisation")]


class Entry(BaseModel):
    """A part of the register: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class MemberPractice(Entry):
    """A practice whose patients the controller answers for, from and to a day."""

    ods: OdsCode
    valid_from: date
    valid_to: date | None = None
    localities: tuple[Id, ...] = ()


class Contact(Entry):
    """A post that answers, never a person's name: holders change, the post stays (conflict 14)."""

    role: Literal["dpo", "caldicott_guardian", "siro", "counter_fraud", "rights", "foi", "complaints", "regulator"]
    post: str
    valid_from: date | None = None
    valid_to: date | None = None
    reach: str = ""


class Notice(Entry):
    """A version of the published notice. No rule takes effect before the version that publishes it."""

    version: str
    published: date
    title: str = ""


class IdentityRules(Entry):
    """How the person of a record is found whose number is missing, not usable, or of somebody born on another day."""

    profile: Literal["caldicott-2026", "mps-2024"] = "caldicott-2026"
    """By which published or own steps records are traced."""
    scored_links_in_marts: bool = False
    """Whether a link that rests on a score alone may enter a pseudonymised mart before two people looked at it."""
    unsettled_numbers: Literal["leave_out", "mark"] = "leave_out"
    """What becomes of a row whose number is of somebody born on another day, when no step settles whose it is."""
    remainder: Literal["none", "splink"] = "none"
    """Whether records that no step found are weighed, for two people to look at; never a link by itself."""


class CodedAnswers(Entry):
    """What a missing answer means: who is registered where no codes have come from is out of what codes can stop."""

    answer_valid_days: int = Field(default=62, ge=1, le=400)
    """How long a practice's extract of objection codes may be used, from the day it landed."""


class Settings(Entry):
    """What this deployment decides for itself."""

    test_numbers_allowed: bool = False
    """Admit NHS numbers of the never-issued 9xx range. For invented people only."""
    palindromes_need_trace: bool = True
    northern_ireland_numbers_need_trace: bool = True
    ndop_answer_valid_days: int = Field(default=7, ge=1, le=31)
    """How long one National Data Opt-out answer may be used. National maximum not verified: editable."""
    coded_answers: CodedAnswers = CodedAnswers()
    """Until a practice has sent its coded objections, or when they are too old, its people are out."""
    flow_review_warning_days: tuple[int, ...] = (90, 30, 7)
    identity: IdentityRules | None = None
    """Without it, numbers are checked and nobody is traced."""


class Controller(Entry):
    """Who decides purposes and means."""

    id: Id
    name: str
    ods: OdsCode | None = None
    kind: Literal["ccg", "icb", "nhs_england", "gp_practice", "trust", "council", "csu"]
    valid_from: date | None = None
    valid_to: date | None = None
    succeeded_by: Id | None = None
    joint_with: tuple[Id, ...] = ()
    strict: bool = False
    """A strict register does not hold while any activity has a gap; a legacy one lists the gaps."""
    regime: Regime
    member_practices: tuple[MemberPractice, ...] = ()
    contacts: tuple[Contact, ...] = ()
    notices: tuple[Notice, ...] = ()
    settings: Settings = Settings()


class Accreditation(Entry):
    """A dated recognition of an organisation, such as a stage 1 accredited safe haven."""

    kind: str
    reference: str = ""
    valid_from: date | None = None
    valid_to: date | None = None


class Organisation(Entry):
    """An organisation the register names, with what it does for the controller."""

    id: Id
    name: str
    ods: OdsCode | None = None
    sector: Literal["nhs", "non_nhs", "local_authority", "voluntary", "central_government", "private"] | None = None
    roles: tuple[
        Literal["controller", "processor", "sub_processor", "recipient", "source", "dscro", "csu", "ceff_host", "ash"],
        ...,
    ] = ()
    functions: tuple[str, ...] = ()
    """What a processor does. A processor without a function cannot be activated (conflict 12)."""
    activities: tuple[Id, ...] = ()
    accreditations: tuple[Accreditation, ...] = ()
    note: str = ""


class InstrumentEvent(Entry):
    """One step in the life of an instrument: valid until that day, because of this event."""

    valid_until: date
    event: str
    source: str = ""
    recorded: date | None = None


class Condition(Entry):
    """A condition an instrument sets, mapped to the control that keeps it."""

    code: Id
    text: str
    control: str = ""


class Instrument(Entry):
    """Something dated that activities depend on. Outside its dates everything that needs it is denied."""

    id: Id
    kind: InstrumentKind
    reference: str
    parties: tuple[Id, ...] = ()
    activities: tuple[Id, ...] = ()
    valid_from: date
    history: tuple[InstrumentEvent, ...] = ()
    """Extensions in order. The last one decides the end; none means no end."""
    conditions: tuple[Condition, ...] = ()
    datasets_in: tuple[Id, ...] = ()
    datasets_excluded: tuple[Id, ...] = ()
    objections_waived: tuple[Objection, ...] = ()
    due_diligence_date: date | None = None
    evidence: tuple[str, ...] = ()

    @property
    def valid_until(self) -> date | None:
        """The last day it holds; None for open-ended."""
        return max((event.valid_until for event in self.history), default=None)

    def is_live(self, at: date) -> bool:
        """Whether it holds on that day, both ends included."""
        return self.valid_from <= at and (self.valid_until is None or at <= self.valid_until)


class DataProtectionBasis(Entry):
    """Article 6, Article 9 and what in domestic law stands behind them. Ids as DPV writes them: `A6-1-e`."""

    article6: Annotated[str, Field(pattern=r"^A6-1-(a|b|c|d|e|ea|f)$")] | None = None
    article9: Annotated[str, Field(pattern=r"^A9-2-[a-j]$")] | None = None
    dpa_schedule1: tuple[int, ...] = ()
    statutes: tuple[str, ...] = ()


class ConfidentialityBasis(Entry):
    """What lifts the duty of confidence; with an instrument where the kind needs one."""

    kind: ConfidentialityKind
    instrument: Id | None = None
    reference: str = ""


class DatasetUse(Entry):
    """A dataset that comes in to, or goes out of, an activity."""

    dataset: Id
    direction: Literal["in", "out"]
    version: str = ""
    objections_applied_at_source: tuple[Objection, ...] = ()
    source: str = ""


class Flow(Entry):
    """One line of the data flow map: both organisations, both zones, the format, the instrument."""

    id: Id
    from_organisation: str
    to_organisation: str
    from_zone: str = ""
    to_zone: str = ""
    datasets: tuple[Id, ...] = ()
    format: DataFormat
    transport: str = ""
    frequency: str = ""
    instrument: Id | None = None
    review_due: date | None = None


class RecipientRule(Entry):
    """Who receives, in which format, and for what."""

    recipient: str
    format: DataFormat
    fields: tuple[str, ...] = ()
    purpose: str = ""


class RoleRule(Entry):
    """What one role may do in the activity, up to which format, by which relationship."""

    role: Role
    action: Literal["see", "land", "link", "release", "decide", "edit", "approve"] = "see"
    ceiling: DataFormat
    datasets: tuple[Id, ...] = ()
    """Empty means every dataset of the activity."""
    relationship: Relationship = Relationship.NONE
    organisations: tuple[Id, ...] = ()
    """Empty means: the controller, or for a relationship `own_practice` any member practice."""
    requires: tuple[Id, ...] = ()
    """Instruments, such as a guardian agreement or a training record, that must be live for this role."""


class ObjectionRule(Entry):
    """One scheme and what it stops. Latest code wins; the formats say how far it reaches."""

    scheme: Objection
    covers_formats: tuple[DataFormat, ...]
    datasets: tuple[Id, ...] = ()
    """Empty means every dataset of the activity."""
    consequence: str = ""


class Exemption(Entry):
    """Why an objection does not stop this activity: one of the closed list, with its reference."""

    kind: ObjectionExemption
    reference: str
    schemes: tuple[Objection, ...] = ()


class Objections(Entry):
    """Which objections stop the activity, or by which exemption none does."""

    rules: tuple[ObjectionRule, ...] = ()
    exemptions: tuple[Exemption, ...] = ()


class PseudonymDomain(Entry):
    """The scope in which one pseudonym means one person: purpose x recipient x agreement x epoch."""

    name: Id
    letter: Annotated[str, Field(pattern=r"^[A-Z]$")]
    recipient: Id
    agreement: Id
    epoch: int = Field(ge=1)
    reidentify_roles: tuple[Role, ...] = ()
    reidentify_relationship: Relationship = Relationship.OWN_PRACTICE


class Linkage(Entry):
    """A registered join. The key is always the pseudonym domain, never an NHS number."""

    left: Id
    right: Id
    zone: str
    organisation: str


class DisclosureControl(Entry):
    """How grouped output is made safe. The numbers come from `facts` by the rule's name."""

    rule: Id
    level: str = ""
    uniqueness_threshold: int | None = None
    public_epsilon: float | None = Field(default=None, gt=0, le=10)
    """How much may ever be spent on public counts with noise (differential privacy); without it there are none."""


class Retention(Entry):
    """How long, counted from what, and what happens then."""

    retention_class: str
    starts: str
    minimum: str
    purge_landing_after_days: int | None = None
    review_role: Role | None = None
    action: str = ""


class RightRule(Entry):
    """Whether a right can be exercised here, and why not or how far."""

    right: Literal[
        "access",
        "rectification",
        "erasure",
        "restriction",
        "portability",
        "objection",
        "withdraw_consent",
        "human_review",
        "complain",
    ]
    applies: Literal["yes", "no", "limited"]
    reason: str = ""


class Publication(Entry):
    """Where the public reads of it."""

    in_notice: bool
    section: str = ""
    order: int = 0
    documents: tuple[str, ...] = ()
    withheld_reason: str = ""
    notice_version: str = ""
    """The version of the notice that first says it; empty means the first one published."""


class ProcessingActivity(Entry):
    """One entry of the register: unit of notice section, ROPA row and policy decision."""

    id: Id
    version: int = Field(ge=1)
    status: ActivityStatus
    title: str
    plain_text: str
    """What the public reads."""
    quote: str = ""
    """The old notice's own wording of a citation where it is wrong or unclear; kept as history (conflict 9)."""
    effective_from: date | None = None
    effective_to: date | None = None
    purpose: str | None = None
    use: Literal["primary", "secondary"] | None = None
    data_subjects: tuple[str, ...] | None = None
    personal_data: tuple[str, ...] | None = None
    special_category: tuple[str, ...] = ()
    criminal_offence: bool = False
    data_protection_basis: tuple[DataProtectionBasis, ...] | None = None
    confidentiality_basis: ConfidentialityBasis | None = None
    format_in: DataFormat | None = None
    identifiers_allowed: tuple[Identifier, ...] | None = None
    inputs_whitelist: tuple[str, ...] | None = None
    sources: tuple[str, ...] | None = None
    datasets: tuple[DatasetUse, ...] | None = None
    flows: tuple[Flow, ...] | None = None
    recipients: tuple[RecipientRule, ...] | None = None
    roles: tuple[RoleRule, ...] | None = None
    instruments: tuple[Id, ...] = ()
    """What it depends on as a whole; any lapse denies."""
    objections: Objections | None = None
    pseudonym_domain: PseudonymDomain | None = None
    linkage: tuple[Linkage, ...] = ()
    disclosure_control: DisclosureControl | None = None
    retention: Retention | None = None
    rights: tuple[RightRule, ...] | None = None
    automated_decision: Literal["none", "decision_support", "automated"] | None = None
    measures: tuple[str, ...] | None = None
    publication: Publication | None = None
    review_due: date | None = None
    not_stated: tuple[str, ...] = ()
    """Fields the notice was read for and does not state: a gap that is known, not one overlooked."""
    contradicts: tuple[int, ...] = ()
    """Numbers of the known contradictions this entry shows (docs/reference/contradictions)."""


class Register(Entry):
    """A whole register: one controller, its organisations, its instruments, its activities."""

    controller: Controller
    organisations: tuple[Organisation, ...] = ()
    instruments: tuple[Instrument, ...] = ()
    activities: tuple[ProcessingActivity, ...] = ()
    digest: str = ""
    """SHA-256 over the register's files, the version that the audit trail records."""

    def activity(self, activity_id: str) -> ProcessingActivity | None:
        """The activity of that id; None if the register has none."""
        return next((entry for entry in self.activities if entry.id == activity_id), None)

    def instrument(self, instrument_id: str) -> Instrument | None:
        """The instrument of that id; None if the register has none."""
        return next((entry for entry in self.instruments if entry.id == instrument_id), None)

    def organisation(self, organisation_id: str) -> Organisation | None:
        """The organisation of that id; None if the register has none."""
        return next((entry for entry in self.organisations if entry.id == organisation_id), None)
