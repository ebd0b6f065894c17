"""Closed sets of the field. Their values are the ids used in registers, on the command line and in records."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """Who asks. The same ids in every register."""

    PUBLIC = "public"
    PATIENT = "patient"
    GP = "gp"
    CARE_TEAM = "care_team"
    COMMISSIONING_ANALYST = "commissioning_analyst"
    CEFF_OFFICER = "ceff_officer"
    CASE_OFFICER = "case_officer"
    IG_OFFICER = "ig_officer"
    DATA_PROTECTION_OFFICER = "data_protection_officer"
    CALDICOTT_GUARDIAN = "caldicott_guardian"
    DSCRO_OPERATOR = "dscro_operator"
    PROCESSOR_STAFF = "processor_staff"
    RESEARCHER = "researcher"
    COUNTER_FRAUD_OFFICER = "counter_fraud_officer"
    HR_OFFICER = "hr_officer"
    SYSTEM_ADMINISTRATOR = "system_administrator"


class Objection(StrEnum):
    """A scheme by which a person refuses a use. `TYPE_2` is history, replaced by the national opt-out."""

    TYPE_1 = "type1"
    TYPE_2 = "type2"
    NATIONAL_DATA_OPT_OUT = "ndop"
    RISK_STRATIFICATION = "risk"
    RESEARCH = "research"
    DEIDENTIFIED = "deidentified"
    LOCAL = "local"


CODED_OBJECTIONS = frozenset(
    {Objection.TYPE_1, Objection.RISK_STRATIFICATION, Objection.RESEARCH, Objection.DEIDENTIFIED}
)
"""Schemes that live only as codes in practice systems. Type 2 ended in 2018 and the national answer carries it."""


class ObjectionExemption(StrEnum):
    """The closed list of reasons why an objection does not stop a use [NHSE: national data opt-out policy]."""

    EXPLICIT_CONSENT = "explicit_consent"
    COMMUNICABLE_DISEASE = "communicable_disease"
    PUBLIC_INTEREST = "public_interest"
    LEGAL_REQUIREMENT = "legal_requirement"
    CAG_WAIVER = "cag_waiver"
    ANONYMISED = "anonymised"
    DIRECT_CARE = "direct_care"
    NOT_PATIENT_DATA = "not_patient_data"


class ConfidentialityKind(StrEnum):
    """What lifts the common-law duty of confidence."""

    EXPLICIT_CONSENT = "explicit_consent"
    DIRECT_CARE = "direct_care"
    S251 = "s251"
    STATUTE = "statute"
    COURT = "court"
    PUBLIC_INTEREST = "public_interest"
    NONE = "none"


class Identifier(StrEnum):
    """The direct identifiers a register can allow by name."""

    NHS_NUMBER = "nhs_number"
    NAME = "name"
    ADDRESS = "address"
    POSTCODE = "postcode"
    DOB = "dob"
    LOCAL_ID = "local_id"


class Relationship(StrEnum):
    """Why this professional may see this person."""

    NONE = "none"
    OWN_PRACTICE = "own_practice"
    FEDERATION = "federation"
    ASSIGNED_CASE = "assigned_case"
    CARE = "care"


class InstrumentKind(StrEnum):
    """The dated documents an activity can depend on. Any lapse denies from that day."""

    CONTRACT = "contract"
    AGREEMENT = "agreement"
    PROTOCOL = "protocol"
    DARS_DSA = "dars_dsa"
    S251_APPROVAL = "s251_approval"
    DIRECTION = "direction"
    COURT_ORDER = "court_order"
    GUARDIAN_AGREEMENT = "guardian_agreement"
    ETHICS = "ethics"
    DPIA = "dpia"
    TRAINING = "training"
    CONSENT = "consent"


class ActivityStatus(StrEnum):
    """`inactive` is published but refused at run time (Dorset's risk stratification)."""

    DRAFT = "draft"
    INACTIVE = "inactive"
    ACTIVE = "active"
    RETIRED = "retired"


class Regime(StrEnum):
    """Which data protection law a register was written under."""

    DPA1998 = "dpa1998"
    GDPR_DPA2018 = "gdpr_dpa2018"
    UK_GDPR_DPA2018 = "uk_gdpr_dpa2018"
    UK_GDPR_DPA2018_DUAA2025 = "uk_gdpr_dpa2018_duaa2025"
