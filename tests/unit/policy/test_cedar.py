"""The second opinion: Cedar, asked everything we are asked, says the same."""

from __future__ import annotations

import random
from datetime import date, timedelta

import cedarpy
import pytest
from tests.golden.held_registers import held, names
from tests.unit.policy.small_register import AT, small, small_with

from caldicott.policy.cedar import CedarExport, cedar_request, export
from caldicott.policy.compiled import compiled
from caldicott.policy.decide import decide
from caldicott.policy.decision import Permit, Request
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import Identifier, Relationship, Role

ACTIONS = ("see", "land", "link", "release", "decide", "edit", "approve", "reidentify", "destroy")
USES = ", ".join(f'Action::"{action}"' for action in ACTIONS if action != "destroy")
REGISTERS = ["small", *names()]
DAY = timedelta(days=1)
COMMON_DAYS = (date(2016, 12, 1), date(2018, 6, 1), AT)


@pytest.fixture(scope="module")
def register_of():
    """Each register is read once for the module."""
    read = {"small": small(), **{name: held(name) for name in names()}}

    def register(name):
        return read[name] or pytest.skip(f"{name} cannot be read yet")

    return register


def disagreements(register, asked, exported=None):
    """The requests on which Cedar and `decide` differ, and how many Cedar permitted."""
    exported = exported or export(register)
    asked = list(asked)
    answers = cedarpy.is_authorized_batch(
        [cedar_request(request, at) for request, at in asked],
        cedarpy.PolicySet.from_str(exported.policies),
        cedarpy.Entities.from_json_str(exported.entities),
    )
    assert not any(answer.diagnostics.errors for answer in answers)
    ours = [isinstance(decide(request, register, at), Permit) for request, at in asked]
    differ = [one for one, mine, theirs in zip(asked, ours, answers, strict=True) if mine is not theirs.allowed]
    return differ, sum(answer.allowed for answer in answers)


def boundaries(register, entry):
    """The day before, the first, the last and the day after of everything dated that the activity depends on."""
    controller = register.controller
    ends = {controller.valid_from, controller.valid_to, entry.effective_from, entry.effective_to}
    ends |= {notice.published for notice in controller.notices}
    ends |= {day for member in controller.member_practices for day in (member.valid_from, member.valid_to)}
    required = {one for rule in entry.roles or () for one in rule.requires}
    required |= {flow.instrument for flow in entry.flows or ()}
    for instrument in register.instruments:
        if instrument.id in required | set(entry.instruments) or entry.id in instrument.activities:
            ends |= {instrument.valid_from, *(event.valid_until for event in instrument.history)}
    return sorted({day + step for day in ends if day for step in (-DAY, 0 * DAY, DAY)} | set(COMMON_DAYS))


def chosen(entry, role, register):
    """Datasets, organisations and relationships of the activity that give this role its best chance, or just not."""
    rules = [rule for rule in entry.roles or () if rule.role == role]
    own = register.controller.id
    for dataset in ([use.dataset for use in entry.datasets or ()] or ["none"])[:2]:
        yield from ((dataset, body, None, "destroy") for body in (None, own, "ZZZ99"))
    uses = [use.dataset for use in entry.datasets or ()]
    excluded = [one for instrument in register.instruments for one in instrument.datasets_excluded if one in uses]
    practices = [member.ods for member in register.controller.member_practices][:4]
    back = ["reidentify"] if entry.pseudonym_domain else []
    for rule in rules:
        datasets = unlike(entry, rule.datasets or uses or ["none"])
        for action in (*{rule.action, *(["see"] if rule.action not in ("land", "link") else [])}, *back):
            for dataset in (*datasets, *excluded):
                yield dataset, None, None, action
            for organisation in rule.organisations[:1]:
                yield datasets[0], organisation, None, action
            if rule.relationship in ("own_practice", "federation"):
                yield from ((datasets[0], practice, rule.relationship, action) for practice in practices)
    if not rules:
        yield (uses or ["none"])[0], None, None, "see"


def unlike(entry, datasets):
    """One dataset of each kind: by its direction and by the documents of the flows that carry it."""
    directions = {use.dataset: use.direction for use in entry.datasets or ()}
    flows = [(flow.instrument, flow.datasets) for flow in entry.flows or () if flow.instrument]
    kinds = {}
    for one in datasets:
        kinds.setdefault((directions.get(one), *sorted({by for by, carried in flows if one in carried})), one)
    return list(kinds.values())


def grid(register):
    for entry in register.activities:
        days = boundaries(register, entry)
        for role in Role:
            for dataset, organisation, relationship, action in sorted(set(chosen(entry, role, register)), key=str):
                for data_format in DataFormat:
                    request = Request(role, entry.id, dataset, data_format, organisation, relationship, action=action)
                    yield from ((request, day) for day in days)


def scattered(register, number, seed):
    """Requests of random words, known and unknown, aimed at the rules half of the time."""
    words = random.Random(seed)
    known = compiled(register).choices
    rules = [(entry, rule) for entry in register.activities for rule in entry.roles or ()]
    days = {entry.id: boundaries(register, entry) for entry in register.activities}
    for _ in range(number):
        entry, rule = words.choice(rules)
        aimed = words.random() < 0.5
        datasets = (rule.datasets if aimed else ()) or known["dataset"] or ("none",)
        request = Request(
            role=rule.role if aimed else words.choice((*known["role"], "chef")),
            activity=entry.id,
            dataset=words.choice(datasets),
            format=words.choice((*DataFormat, "raw")),
            organisation=words.choice((None, *rule.organisations, *known["organisation"][:40], "ZZZ99")),
            relationship=words.choice((None, rule.relationship, *Relationship, "cousin")),
            identifiers=frozenset(words.sample((*Identifier, "shoe_size"), words.choice((0, 0, 0, 1, 2)))),
            action=rule.action if aimed else words.choice(ACTIONS),
        )
        yield request, words.choice(days[entry.id])


@pytest.mark.parametrize("name", REGISTERS)
def test_the_policies_are_valid_under_the_schema(name, register_of):
    """Cedar's own validator finds no fault in what we export."""
    exported = export(register_of(name))
    result = cedarpy.validate_policies(exported.policies, exported.schema)
    assert [str(error) for error in result.errors] == []
    assert result.validation_passed
    assert len(cedarpy.Entities.from_json_str(exported.entities, exported.schema)) > len(Role)


@pytest.fixture
def as_if_complete(monkeypatch):
    """The old notices have gaps, so they refuse everything; this asks what stands behind the gaps."""
    monkeypatch.setattr("caldicott.policy.compiled.gaps_of", lambda *_: ())
    monkeypatch.setattr("caldicott.policy.cedar.gaps_of", lambda *_: ())


@pytest.mark.parametrize("name", REGISTERS)
@pytest.mark.usefixtures("as_if_complete")
def test_cedar_agrees_over_the_whole_grid(name):
    """Every role, activity and format, around every date on which a document begins or ends."""
    register = small() if name == "small" else held(name) or pytest.skip(f"{name} cannot be read yet")
    differ, permitted = disagreements(register, grid(register))
    assert differ == []
    assert permitted > 0


@pytest.mark.parametrize("name", names())
@pytest.mark.usefixtures("as_if_complete")
def test_cedar_agrees_on_scattered_requests_behind_the_gaps(name):
    """Organisations, relationships, identifiers, actions and unknown words in every mixture."""
    register = held(name) or pytest.skip(f"{name} cannot be read yet")
    differ, permitted = disagreements(register, scattered(register, 3000, seed=2018))
    assert differ == []
    assert permitted > 0


@pytest.mark.parametrize("name", REGISTERS)
def test_cedar_agrees_on_scattered_requests(name, register_of):
    """The same with the gaps as they are: an incomplete entry permits nothing, in Cedar too."""
    register = register_of(name)
    if not any(entry.roles for entry in register.activities):
        pytest.skip("the register has no role rule to aim at")
    differ, _ = disagreements(register, list(scattered(register, 3000, seed=20261122)))
    assert differ == []


MUTATIONS = {
    "a ceiling raised": ('["pseudonymised", "anonymised", "aggregated"]', '["identifiable", "pseudonymised"]'),
    "a lapse overlooked": ("context.on <= 20270930", "context.on <= 20370930"),
    "an exclusion dropped": ('["social-care"].contains(context.dataset)', "false"),
    "a status ignored": (
        f'forbid (principal, action in [{USES}], resource == Activity::"old-scores")\nwhen {{ true }}',
        "",
    ),
    "another role destroys": (
        'principal == Role::"ig_officer", action == Action::"destroy"',
        'principal, action == Action::"destroy"',
    ),
    "a lapse keeps from destroying": (f"action in [{USES}]", "action"),
    "a role let in": ('principal == Role::"public"', 'principal == Role::"researcher"'),
    "a relationship ignored": ('context.relationship == "own_practice" else true', "true else true"),
    "an agreement overlooked": ("context.on <= 20261231", "context.on <= 20361231"),
    "a release by a rule to see": ('action in [Action::"see"]', 'action in [Action::"see", Action::"release"]'),
    "what goes out landed": ('["sus-apc", "walk-in"].contains', '["sus-apc", "walk-in", "mart"].contains'),
    "a flow's lapse overlooked": ("context.on <= 20270630", "context.on <= 20370630"),
    "a role let back": (
        'principal == Role::"gp", action in [Action::"reidentify"]',
        'principal == Role::"dscro_operator", action in [Action::"reidentify"]',
    ),
    "another relationship let back": (
        'action in [Action::"see"], resource == Activity::"risk-scores"',
        'action in [Action::"see", Action::"reidentify"], resource == Activity::"risk-scores"',
    ),
    "a group let back": ('(context.format == "identifiable") &&', "(true) &&"),
    "identifiers ignored": ("containsAll(context.identifiers)", "containsAny(context.identifiers)"),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_the_comparison_has_teeth(name):
    """An export that is wrong in one place disagrees somewhere; otherwise the agreement above proves nothing."""
    register = small()
    right = export(register)
    before, after = MUTATIONS[name]
    assert before in right.policies
    policies = right.policies.replace(before, after)
    policies = policies.replace('@id("status/old-scores")\n;', "")
    wrong = CedarExport(policies, right.schema, right.entities)
    asked = [*scattered(register, 6000, seed=1), *scattered(register, 6000, seed=3), *grid(register)]
    chunks = (asked[start : start + 1000] for start in range(0, len(asked), 1000))
    assert any(disagreements(register, chunk, wrong)[0] for chunk in chunks)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("activities.planning.instruments", ["dsa", "lost"]),
        ("activities.planning.confidentiality_basis", {"kind": "s251"}),
        ("activities.planning.retention", None),
        ("activities.planning.effective_to", date(2026, 11, 21)),
        ("controller.notices", []),
        ("controller.valid_to", date(2026, 11, 21)),
        ("activities.risk-scores.roles.2.requires", ["guardian-z80001"]),
        ("activities.risk-scores.roles.2.organisations", ["example-trust"]),
        ("activities.risk-scores.roles.2.organisations", ["z80002"]),
        ("activities.risk-scores.roles.1.organisations", ["z80002"]),
        ("activities.risk-scores.roles.1.requires", ["training", "lost"]),
        ("activities.shared-record.roles.0.organisations", ["z80001", "example-trust"]),
        ("instruments.guardian-z80001.parties", ["example-trust"]),
        ("organisations.1.ods", "Z80001"),
        ("controller.ods", None),
        ("instruments.dsa.history", []),
        ("instruments.walk-in-new.valid_from", date(2027, 2, 1)),
        ("activities.planning.flows.1.instrument", "lost"),
        ("activities.planning.flows.3.instrument", "lost"),
        ("activities.planning.datasets.2.direction", "in"),
        ("activities.planning.pseudonym_domain.reidentify_roles", ["commissioning_analyst", "public"]),
        ("activities.risk-scores.pseudonym_domain.reidentify_roles", []),
        ("activities.risk-scores.pseudonym_domain.reidentify_relationship", "federation"),
        ("activities.risk-scores.pseudonym_domain.reidentify_relationship", "none"),
        ("activities.risk-scores.pseudonym_domain.reidentify_relationship", "care"),
        ("activities.risk-scores.roles.0.ceiling", "pseudonymised"),
        ("activities.risk-scores.roles.1.relationship", "none"),
    ],
)
def test_cedar_agrees_on_registers_with_one_thing_changed(path, value):
    """Also where a register is incomplete, unusual or names its practices another way."""
    register = small_with(path, value)
    differ, _ = disagreements(register, scattered(register, 2500, seed=7))
    assert differ == []
