"""What people are told when a register changes: one change in, one sentence out."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from caldicott.register import parse
from caldicott.register.diff import diff
from caldicott.register.model import (
    CodedAnswers,
    Contact,
    DataProtectionBasis,
    DisclosureControl,
    Exemption,
    IdentityRules,
    InstrumentEvent,
    ObjectionRule,
    Organisation,
    ProcessingActivity,
    RecipientRule,
    RoleRule,
)
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import ConfidentialityKind

EXAMPLE = Path(__file__).parents[3] / "registers" / "example-icb"
PLAN = "“Planning and paying for health services”"
NAMED = "information that says who you are"
CODED = "information with a code in place of your name and NHS number"


@pytest.fixture(scope="module")
def register():
    return parse.load(EXAMPLE)


def _with(register, activity_id, **changed):
    """The register with one activity changed."""
    old = register.activity(activity_id)
    new = ProcessingActivity(**{name: getattr(old, name) for name in ProcessingActivity.model_fields} | changed)
    return register.model_copy(update={"activities": tuple(new if one is old else one for one in register.activities)})


def _told(old, new):
    return [(change.sentence, change.effect) for change in diff(old, new)]


def test_nothing_changed_nothing_told(register):
    """The same register twice says nothing."""
    assert diff(register, register) == ()


def test_a_new_activity(register):
    """A new use is told with the day from which it holds."""
    without = register.model_copy(update={"activities": register.activities[1:]})
    title = register.activities[0].title
    assert _told(without, register) == [(f"There is a new use of information, “{title}” from 1 April 2026.", "widens")]
    assert _told(register, without) == [(f"“{title}” is no longer something we do.", "narrows")]


def test_an_activity_that_stops(register):
    """A use that stops is told with the day on which it stopped."""
    stopped = _with(register, "commissioning-planning", status="retired", effective_to=date(2027, 3, 31))
    assert _told(register, stopped) == [(f"{PLAN} stopped on 31 March 2027.", "narrows")]
    assert _told(stopped, register) == [(f"{PLAN} started on 1 April 2026.", "widens")]


def test_someone_new_may_see(register):
    """A pharmacist in the care team of the person's own practice who may see more is told as a widening."""
    activity = register.activity("commissioning-planning")
    pharmacist = RoleRule(
        role="care_team",
        ceiling="identifiable",
        datasets=("gp-medications", "gp-patients"),
        relationship="own_practice",
    )
    more = _with(register, activity.id, roles=(*activity.roles, pharmacist))
    team = "The people who care for you, such as nurses and pharmacists at your own GP practice"
    which = "“Medicines that a GP practice prescribed” and “Patients registered with a GP practice”"
    assert _told(register, more) == [(f"{team} can now see {NAMED} from {which}, for {PLAN}.", "widens")]
    assert _told(more, register) == [(f"{team} can no longer see {NAMED} from {which}, for {PLAN}.", "narrows")]


def test_a_ceiling_that_moves(register):
    """The same people, another format: what it was before is told too."""
    activity = register.activity("risk-stratification")
    roles = tuple(
        rule.model_copy(update={"ceiling": DataFormat.PSEUDONYMISED}) if rule.role == "commissioning_analyst" else rule
        for rule in activity.roles
    )
    higher = _with(register, activity.id, roles=roles)
    who = "The people who analyse services (NHS Example Integrated Care Board)"
    scores = "“Likelihood of an emergency admission”, for “Finding who may soon need more care”"
    assert _told(register, higher) == [
        (f"{who} can now see {CODED} from {scores}; before it was counts of people.", "widens")
    ]
    assert _told(higher, register) == [
        (f"{who} can now see counts of people from {scores}; before it was {CODED}.", "narrows")
    ]


def test_a_role_that_no_longer_needs_training(register):
    """Dropping what a role needed first widens, though no ceiling moved."""
    activity = register.activity("invoice-validation")
    roles = tuple(rule.model_copy(update={"requires": ()}) for rule in activity.roles)
    easier = _with(register, activity.id, roles=roles)
    assert {change.effect for change in diff(register, easier)} == {"widens"}
    assert "no longer needs this" in diff(register, easier)[0].sentence


def test_an_identifier(register):
    """A further identifier is named in plain words."""
    activity = register.activity("commissioning-planning")
    more = _with(register, activity.id, identifiers_allowed=(*activity.identifiers_allowed, "name"))
    assert _told(register, more) == [(f"{PLAN} may now use your name.", "widens")]
    assert _told(more, register) == [(f"{PLAN} may no longer use your name.", "narrows")]


def test_a_new_recipient(register):
    """A new organisation that receives is named with what it gets."""
    activity = register.activity("commissioning-planning")
    new = RecipientRule(recipient="example-council", format="pseudonymised")
    more = _with(register, activity.id, recipients=(*activity.recipients, new))
    assert _told(register, more) == [
        (f"A new organisation, Example Council, now receives {CODED} from {PLAN}.", "widens")
    ]
    assert _told(more, register) == [(f"Example Council no longer receives anything from {PLAN}.", "narrows")]


def test_an_objection_that_stops_counting(register):
    """An objection that no longer stops a use is told to those who objected."""
    activity = register.activity("commissioning-planning")
    rules = tuple(rule for rule in activity.objections.rules if rule.scheme != "ndop")
    fewer = _with(register, activity.id, objections=activity.objections.model_copy(update={"rules": rules}))
    you = f"If you objected under the National Data Opt-out, {PLAN}"
    assert _told(register, fewer) == [(f"{you} no longer stops for you.", "widens")]
    assert _told(fewer, register) == [(f"{you} now stops for you.", "narrows")]


def test_an_objection_that_reaches_less_far(register):
    """A format that an objection no longer stops is told, though the scheme still counts."""
    activity = register.activity("research")
    rules = tuple(
        ObjectionRule(scheme="research", covers_formats=("identifiable", "pseudonymised", "anonymised"))
        if rule.scheme == "research"
        else rule
        for rule in activity.objections.rules
    )
    less = _with(register, "research", objections=activity.objections.model_copy(update={"rules": rules}))
    reach = "counts of people, from “What is drawn for an approved study”"
    sentence = f"If you objected under the opt-out from research, “Research” no longer stops for {reach}."
    assert _told(register, less) == [(sentence, "widens")]


def test_an_exemption(register):
    """An exemption that sets an objection aside is told with its reason."""
    activity = register.activity("commissioning-planning")
    exempt = Exemption(kind="public_interest", reference="a test", schemes=("ndop",))
    more = _with(register, activity.id, objections=activity.objections.model_copy(update={"exemptions": (exempt,)}))
    sentence = f"The National Data Opt-out now does not apply to {PLAN}, because the public interest outweighs it."
    assert _told(register, more) == [(sentence, "widens")]


@pytest.mark.parametrize(("now", "effect"), [("20 years", "widens"), ("6 years", "narrows"), ("18 months", "narrows")])
def test_retention(register, now, effect):
    """How long records are kept is told beside how long it was."""
    activity = register.activity("complaints")
    other = _with(register, activity.id, retention=activity.retention.model_copy(update={"minimum": now}))
    sentence = f"Records of “Complaints and questions” are kept for {now} instead of 10 years."
    assert _told(register, other) == [(sentence, effect)]


def test_an_approval_that_was_extended(register):
    """An extension of a document is told with both days."""
    longer = InstrumentEvent(valid_until=date(2029, 9, 30), event="extension")
    instruments = tuple(
        one.model_copy(update={"history": (*one.history, longer)}) if one.id == "cag-7-07" else one
        for one in register.instruments
    )
    extended = register.model_copy(update={"instruments": instruments})
    holds = "CAG 7-07(a-c)/2013, invoice validation now holds until 30 September 2029"
    sentence = f"{holds}; before it was until 30 September 2027."
    assert _told(register, extended) == [(sentence, "widens")]


def test_small_numbers_shown(register):
    """A use that stops hiding small counts is a widening."""
    open_ = _with(register, "incidents", disclosure_control=None)
    assert [change.effect for change in diff(register, open_)] == ["widens"]
    other = _with(register, "incidents", disclosure_control=DisclosureControl(rule="other"))
    assert [change.effect for change in diff(register, other)] == ["neither"]


def test_the_basis_in_law(register):
    """Another basis in law is told with what it was."""
    basis = DataProtectionBasis(article6="A6-1-a", article9="A9-2-a")
    other = _with(register, "staff", data_protection_basis=(basis,))
    (change,) = diff(register, other)
    assert change.sentence.startswith(
        "“People who work for us” now rests in law on Article 6(1)(a), Article 9(2)(a); before"
    )


def test_a_contact(register):
    """A post that moved is told; no person is named."""
    contacts = tuple(one for one in register.controller.contacts if one.role != "siro")
    moved = (*contacts, Contact(role="siro", post="Director of Finance"))
    other = register.model_copy(update={"controller": register.controller.model_copy(update={"contacts": moved})})
    assert _told(register, other) == [("The owner of information risk is now: Director of Finance.", "neither")]


def test_a_processor(register):
    """A new organisation that works for the controller is told with what it does."""
    firm = Organisation(id="firm", name="Firm", roles=("processor",), functions=("Prints letters",))
    more = register.model_copy(update={"organisations": (*register.organisations, firm)})
    assert _told(register, more) == [("A new organisation works for us, Firm: Prints letters.", "widens")]
    assert _told(more, register) == [("Firm no longer works for us.", "narrows")]


def test_an_end_date_that_moves(register):
    """A later end widens, an earlier end narrows, no end widens."""
    short = _with(register, "research", effective_to=date(2027, 3, 31))
    long = _with(register, "research", effective_to=date(2028, 3, 31))
    assert _told(short, long) == [("“Research” ends on 31 March 2028.", "widens")]
    assert _told(long, short) == [("“Research” ends on 31 March 2027.", "narrows")]
    assert _told(long, register) == [("“Research” no longer has an end date.", "widens")]


def test_a_draft_is_only_a_draft(register):
    """From draft to inactive nothing is seen, so nothing widens."""
    draft, inactive = (_with(register, "research", status=status) for status in ("draft", "inactive"))
    assert _told(draft, inactive) == [("“Research” is now described but not done.", "neither")]


@pytest.mark.parametrize(
    ("was", "now", "words", "effect"),
    [
        ({"format": "aggregated"}, {"format": "pseudonymised"}, f"now receives {CODED}", "widens"),
        ({"format": "pseudonymised"}, {"format": "aggregated"}, "now receives counts of people", "narrows"),
        ({"fields": ("age",)}, {"fields": ("age", "sex")}, "now also receives sex", "widens"),
        ({"fields": ("age", "sex")}, {"fields": ("age",)}, "now receives less", "narrows"),
        ({"fields": ("age",)}, {"fields": ()}, "no longer limited to named fields", "widens"),
    ],
)
def test_what_a_recipient_receives(register, was, now, words, effect):
    """A recipient that receives more or less, by format or by field."""
    old, new = (
        _with(
            register,
            "commissioning-planning",
            recipients=(RecipientRule(**{"recipient": "example-council", "format": "aggregated"} | one),),
        )
        for one in (was, now)
    )
    (change,) = diff(old, new)
    assert change.effect == effect
    assert words in change.sentence
    assert change.sentence.startswith("Example Council")


def test_a_document_that_is_needed_first(register):
    """A role that needs a further document is a narrowing, and the document is named."""
    activity = register.activity("case-finding")
    roles = tuple(rule.model_copy(update={"requires": ("training-analysts",)}) for rule in activity.roles)
    changes = diff(register, _with(register, "case-finding", roles=roles))
    assert {change.effect for change in changes} == {"narrows"}
    assert "Yearly information governance training of analysts (example)" in changes[0].sentence


def test_an_exemption_that_ends(register):
    """An objection that counts again is told."""
    activity = register.activity("invoice-validation")
    exemption = activity.objections.exemptions[0].model_copy(
        update={"schemes": activity.objections.exemptions[0].schemes[:1]}
    )
    fewer = _with(register, activity.id, objections=activity.objections.model_copy(update={"exemptions": (exemption,)}))
    (change,) = diff(register, fewer)
    assert (change.kind, change.effect) == ("exemption", "narrows")


def test_retention_that_is_not_said(register):
    """Saying nothing of how long is a widening; saying it at last is not."""
    silent = _with(register, "complaints", retention=None)
    title = "“Complaints and questions”"
    assert _told(register, silent) == [(f"{title} no longer says how long records are kept.", "widens")]
    assert _told(silent, register) == [(f"Records of {title} are now kept for 10 years.", "neither")]


def test_what_lifts_the_duty_of_confidence(register):
    """Consent replaced by another ground is told with both."""
    basis = register.activity("complaints").confidentiality_basis
    other = basis.model_copy(update={"kind": ConfidentialityKind.PUBLIC_INTEREST})
    (change,) = diff(register, _with(register, "complaints", confidentiality_basis=other))
    assert change.sentence.endswith("is now the public interest; before it was your agreement.")


def test_documents_that_come_and_go(register):
    """A document behind what is done that appears or disappears is named."""
    fewer = register.model_copy(update={"instruments": register.instruments[1:]})
    reference = register.instruments[0].reference
    assert _told(fewer, register) == [(f"There is a new document behind what we do: {reference}.", "neither")]
    assert _told(register, fewer) == [(f"{reference} is no longer a document behind what we do.", "neither")]


def test_a_contact_that_is_gone_and_a_function_that_is_new(register):
    """A post nobody holds any more, and a processor that does more, are told."""
    contacts = tuple(one for one in register.controller.contacts if one.role != "siro")
    other = register.model_copy(update={"controller": register.controller.model_copy(update={"contacts": contacts})})
    assert _told(register, other) == [("The owner of information risk is no longer named.", "neither")]
    organisations = tuple(
        one.model_copy(update={"functions": (*one.functions, "Prints letters.")}) if one.id == "example-csu" else one
        for one in register.organisations
    )
    more = register.model_copy(update={"organisations": organisations})
    sentence = "Example Commissioning Support Unit now also works for us in this: Prints letters."
    assert _told(register, more) == [(sentence, "widens")]


def _decides(register, **changed):
    """The register with one of the deployment's own settings changed."""
    settings = register.controller.settings.model_copy(update=changed)
    return register.model_copy(update={"controller": register.controller.model_copy(update={"settings": settings})})


def test_for_how_long_an_answer_counts(register):
    """Who objects meanwhile is not known before the next answer: a longer time is told as a widening."""
    longer = _decides(register, ndop_answer_valid_days=14, coded_answers=CodedAnswers(answer_valid_days=31))
    now = register.controller.settings
    assert (now.ndop_answer_valid_days, now.coded_answers.answer_valid_days) == (7, 62)
    assert _told(register, longer) == [
        ("One answer of the National Data Opt-out may now be used for 14 days; before it was 7 days.", "widens"),
        ("What a GP practice says about who objects may now be used for 31 days; before it was 62 days.", "narrows"),
    ]


def test_looking_for_whose_a_record_is(register):
    """That it is done at all, and what is done with records that are doubtful, are told."""
    strict = IdentityRules()
    loose = IdentityRules(scored_links_in_marts=True, unsettled_numbers="mark", remainder="splink")
    none, some = _decides(register, identity=None), _decides(register, identity=strict)
    (looked,), (dropped,) = _told(none, some), _told(some, none)
    assert looked == ("We now look for the person of a record that has no usable NHS number.", "widens")
    assert dropped == ("We no longer look for the person of a record that has no usable NHS number.", "narrows")
    widened, narrowed = _told(some, _decides(register, identity=loose)), _told(_decides(register, identity=loose), some)
    assert [effect for _sentence, effect in widened] == ["widens"] * 3
    assert [effect for _sentence, effect in narrowed] == ["narrows"] * 3
    assert widened[0][0] == (
        "A record that is only likely to be yours may now be used as yours before two people have looked at it."
    )
    other = _decides(register, identity=IdentityRules(profile="mps-2024"))
    assert _told(some, other) == [("We now look for the person of such a record by other steps.", "neither")]
