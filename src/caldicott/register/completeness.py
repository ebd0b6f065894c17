"""What an activity lacks before it may be active: strict to activate, lenient to import.

The list is "required (to activate)" of the register's schema with its
conditions. An activity with a gap is published as it is and refused at run time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import ConfidentialityKind, Regime

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.register.model import DataProtectionBasis, ProcessingActivity, Register

NEEDS_A_WHITELIST = ("risk_stratification", "invoice_validation")
NEEDS_A_CONDITION = frozenset({"A9-2-b", "A9-2-g", "A9-2-h", "A9-2-i", "A9-2-j"})
"""Article 9 bases that domestic law completes by a condition of DPA 2018 schedule 1."""


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing an activity lacks."""

    activity: str
    field: str
    what: str
    next_step: str


_MUST_BE_SAID: dict[str, str] = {
    "effective_from": "the day from which it holds is not given",
    "purpose": "its purpose is not given",
    "use": "whether its use is primary (the person's own care) or secondary is not given",
    "confidentiality_basis": "what lifts the duty of confidence is not given",
    "format_in": "the format in which it receives data is not given",
    "identifiers_allowed": "which identifiers it may see is not given (an empty list is an answer)",
    "recipients": "who receives from it is not given (an empty list is an answer)",
    "retention": "how long records are kept is not given",
    "automated_decision": "whether a computer decides is not given",
    "publication": "where the public reads of it is not given",
    "review_due": "when it is looked at again is not given",
}

_MUST_LIST_SOMETHING: dict[str, str] = {
    "data_subjects": "whom the data are about is not given",
    "personal_data": "which kinds of data it uses are not given",
    "data_protection_basis": "its basis in data protection law is not given",
    "sources": "where the data come from is not given",
    "datasets": "which datasets it uses are not given",
    "flows": "the flow map does not show it",
    "roles": "who may do what in it is not given",
    "rights": "which rights people have in it is not given",
    "measures": "what protects the data is not given",
}


def gaps(activity: ProcessingActivity, register: Register) -> tuple[Gap, ...]:
    """Everything the activity lacks, in the order of the register's schema."""
    found = [
        *_unsaid(activity),
        *_bases(activity, register),
        *_conditions(activity),
        *_processors_without_function(activity, register),
    ]
    order = {name: position for position, name in enumerate(type(activity).model_fields)}
    return tuple(sorted(found, key=lambda gap: order.get(gap.field.split(".")[0].split("[")[0], len(order))))


def formats_out(activity: ProcessingActivity) -> frozenset[DataFormat]:
    """Every format in which somebody gets something: by a role, as a recipient or by a flow."""
    return frozenset(
        [
            *(rule.ceiling for rule in activity.roles or ()),
            *(rule.format for rule in activity.recipients or ()),
            *(flow.format for flow in activity.flows or ()),
        ]
    )


def _gap(activity: ProcessingActivity, field: str, what: str, next_step: str = "") -> Gap:
    return Gap(activity.id, field, what, next_step or f"write `{field}` in activities/{activity.id}.toml")


def _unsaid(activity: ProcessingActivity) -> Iterator[Gap]:
    for field, what in _MUST_BE_SAID.items():
        if getattr(activity, field) is None:
            yield _gap(activity, field, what + _known(activity, field))
    for field, what in _MUST_LIST_SOMETHING.items():
        if not getattr(activity, field):
            yield _gap(activity, field, what + _known(activity, field))
    for field in ("title", "plain_text"):
        if not getattr(activity, field).strip():
            yield _gap(activity, field, "the public has nothing to read")


def _known(activity: ProcessingActivity, field: str) -> str:
    return "; the notice does not state it" if field in activity.not_stated else ""


def _bases(activity: ProcessingActivity, register: Register) -> Iterator[Gap]:
    for index, basis in enumerate(activity.data_protection_basis or ()):
        yield from _basis(activity, basis, index, regime=register.controller.regime)
    bases = activity.data_protection_basis or ()
    if bases and activity.special_category and not any(basis.article9 for basis in bases):
        yield _gap(
            activity, "data_protection_basis", "it uses special categories of data but no basis of Article 9 is given"
        )
    confidentiality = activity.confidentiality_basis
    if confidentiality is not None:
        is_s251 = confidentiality.kind is ConfidentialityKind.S251
        if is_s251 and confidentiality.instrument is None:
            yield _gap(activity, "confidentiality_basis.instrument", "section 251 is named but not the approval")
        if confidentiality.instrument is None and not confidentiality.reference:
            yield _gap(activity, "confidentiality_basis.reference", "the confidentiality basis has no reference")


def _basis(activity: ProcessingActivity, basis: DataProtectionBasis, index: int, *, regime: Regime) -> Iterator[Gap]:
    place = f"data_protection_basis[{index + 1}]"
    if regime is not Regime.DPA1998 and basis.article6 is None:
        yield _gap(activity, f"{place}.article6", "no basis of Article 6 is given")
    if regime is not Regime.DPA1998 and basis.article9 in NEEDS_A_CONDITION and not basis.dpa_schedule1:
        yield _gap(activity, f"{place}.dpa_schedule1", f"{basis.article9} needs a condition of DPA 2018 schedule 1")
    if not basis.statutes and basis.article9 != "A9-2-a" and basis.article6 != "A6-1-a":
        yield _gap(activity, f"{place}.statutes", "no statute stands behind the basis")


def _conditions(activity: ProcessingActivity) -> Iterator[Gap]:
    objections = activity.objections
    if activity.use == "secondary" and (objections is None or not (objections.rules or objections.exemptions)):
        yield _gap(activity, "objections", "its use is secondary, but no objection and no exemption is given")
    formats = formats_out(activity) | ({activity.format_in} if activity.format_in else set())
    if DataFormat.PSEUDONYMISED in formats and activity.pseudonym_domain is None:
        yield _gap(activity, "pseudonym_domain", "data are pseudonymised, but not in which scope a pseudonym holds")
    if (
        formats_out(activity) & {DataFormat.PSEUDONYMISED, DataFormat.AGGREGATED}
        and activity.disclosure_control is None
    ):
        yield _gap(activity, "disclosure_control", "it gives out grouped data, but not how small numbers are hidden")
    if activity.purpose in NEEDS_A_WHITELIST and not activity.inputs_whitelist:
        yield _gap(activity, "inputs_whitelist", "the fields it may take in must be listed for this purpose")
    if activity.criminal_offence and not any(basis.dpa_schedule1 for basis in activity.data_protection_basis or ()):
        yield _gap(activity, "data_protection_basis", "criminal offence data need a condition of DPA 2018 schedule 1")


def _processors_without_function(activity: ProcessingActivity, register: Register) -> Iterator[Gap]:
    for organisation in register.organisations:
        acts_for_it = activity.id in organisation.activities and {"processor", "sub_processor"} & set(
            organisation.roles
        )
        if acts_for_it and not organisation.functions:
            what = f"the processor {organisation.name} has no function"
            yield _gap(
                activity, "organisations", what, f"say what `{organisation.id}` does in organisations.toml, `functions`"
            )
