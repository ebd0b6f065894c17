"""Every verb of the program, for every role, at own, other and federated practice, before and after every lapse.

The verbs are read from the program and the kinds of document from the register:
a new one is in the table, or a test fails. Each cell is a real call on one store;
all of them are written down in matrix.md, which somebody reads when it changes
(`CALDICOTT_WRITE_GOLDEN=1` writes it anew). What the files of the register say is
held against the table without asking the decision.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

from attack.commands.doors import (
    FILES_ALONE,
    INVITES,
    NAMES_A_SITE,
    OF_ONE_ROLE,
    OPERATED,
    OPERATED_APART,
    PLACES,
    REGISTER,
    STAND_IN_THEIR_OWN_WAY,
    TOLD_A_ROLE,
)
from attack.commands.ground import prepared
from attack.commands.lapses import ALL, NOBODY, NOW, states
from attack.commands.program import Program, verbs
from attack.commands.written import written
from caldicott.audit.entry import Outcome
from caldicott.operations import indicators_noise
from caldicott.operations.airlock_state import WAITING
from caldicott.register import parse
from caldicott.stores import audit_log, store
from caldicott.stores.catalogue import Catalogue
from caldicott.vocabulary.terms import Role
from portal.serving import environment
from risk_ward import CROWD
from stage import PLANNING

GOLDEN = Path(__file__).with_name("matrix.md")
EXAMPLE = parse.resolve(REGISTER, parse.bundled_roots())
ROLES = sorted(Role)
ASKED = {**TOLD_A_ROLE, **OF_ONE_ROLE}
NOWHERE = "-"


@pytest.fixture(scope="module")
def register(example_icb):
    """The example's, with a budget for public counts with noise, which it leaves open."""
    entry = example_icb.activity(PLANNING)
    control = entry.disclosure_control.model_copy(update={"public_epsilon": 100.0})
    changed = entry.model_copy(update={"disclosure_control": control})
    activities = tuple(changed if one.id == PLANNING else one for one in example_icb.activities)
    return example_icb.model_copy(update={"activities": activities})


@pytest.fixture(scope="module")
def ground(tmp_path_factory, register):
    return prepared(tmp_path_factory.mktemp("verbs"), register)


@pytest.fixture(scope="module")
def program(ground, register):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(indicators_noise, "noise", lambda counts, _epsilon: [*counts])  # what draws it need not be there
        yield Program(patch, ground.stage.root / "home", register)


@pytest.fixture(scope="module")
def cells(ground, program, register):
    """Every cell: verb, role, place and state to what was said."""
    found, registers = {}, states(register)
    for verb, asked in ASKED.items():
        for role in [asked.role] if asked.role else ROLES:
            for place in PLACES if asked.has_place else [NOWHERE]:
                for state in _states(registers, lambda key=(verb, role, place, NOW): found[key]):
                    words = asked.words(ground) + (() if asked.role else ("--role", role))
                    words += ("--organisation", PLACES[place]) if asked.has_place else ()
                    with program.under(registers[state]):
                        said = found[verb, role, place, state] = program(*words, actor=asked.actor)
                    if said.exit_code == 0:
                        ground.use_up()
    return found


def _states(registers, while_in_date):
    """Who is let in is asked after the end of each kind of document; who is not, after the end of all of them."""
    yield NOW
    single = [one for one in registers if one not in {NOW, ALL, NOBODY}]
    yield from (*single, ALL, NOBODY) if while_in_date().is_let_in else (ALL, NOBODY)


def plain(verb):
    """The verb of the program behind a row of the table: what follows a comma is the way it is asked."""
    return verb.partition(",")[0]


def test_every_verb_has_a_door_that_somebody_thought_about():
    """A verb that is added is in one of the tables of doors.py, by its kind of door, and in only one."""
    kinds = [{plain(verb) for verb in one} for one in (TOLD_A_ROLE, OF_ONE_ROLE, OPERATED, OPERATED_APART, FILES_ALONE)]
    assert set().union(*kinds) == set(verbs())
    named = [verb for kind in kinds for verb in kind]
    # One of anybody's file and of a store's mart, one alone and against a store: each way is called.
    assert {verb for verb in named if named.count(verb) > 1} == {"extract", "register check"}


def test_whoever_can_say_a_role_says_it_to_a_verb_that_asks():
    """No verb has an option for a role, a practice or an organisation but those whose cells cross them."""
    can = {name for name, options in verbs().items() if options & {"--role", "--practice", "--organisation"}}
    assert can == {plain(verb) for verb in TOLD_A_ROLE} | NAMES_A_SITE | INVITES


def test_the_table_is_the_one_that_was_read(cells):
    """Any cell that changes changes matrix.md, where somebody looks at it."""
    table = written({key: said.cell() for key, said in cells.items()}, ROLES)
    if os.environ.get("CALDICOTT_WRITE_GOLDEN"):
        GOLDEN.write_text(table, encoding="utf-8")
    assert table == GOLDEN.read_text(encoding="utf-8")


def test_nothing_is_given_after_everything_has_ended_or_by_a_register_without_rules(cells):
    """Every verb, every role, everywhere: refused; but for the author of a request, who sees how their own stands."""
    late = {key: said for key, said in cells.items() if key[3] in {ALL, NOBODY} and not ASKED[key[0]].outlives}
    assert len(late) > 500
    assert {key for key, said in late.items() if said.exit_code != 3} == set()


def test_every_refusal_says_why_and_what_to_do_and_is_in_the_trail(cells, ground):
    """A reason and a next step for who is refused; an entry with the reason for who reads the trail."""
    refused = {key: said for key, said in cells.items() if said.exit_code == 3}
    for key, said in refused.items():
        if key[0] in {"explain", "land"}:  # one document; `explain` opens no store: it says what would be said
            assert '"next_step": "' in said.text, key
        else:
            assert said.next_step, key
            assert said.next_step in said.text, key
        assert key[0] == "explain" or any(entry.reasons for entry in said.refusals), key
    kept = [one.act_id for one in audit_log.read_entries(ground.store / "audit")]
    assert {entry.act_id for said in refused.values() for entry in said.refusals} <= set(kept)


def test_whoever_was_let_in_was_permitted_first(cells):
    """Nothing is done without a permit in the trail, also where something else then stood in the way."""
    let_in = {key: said for key, said in cells.items() if said.is_let_in and key[0] != "explain"}
    assert len(let_in) > 200
    asking = {key: said for key, said in let_in.items() if not ASKED[key[0]].outlives}
    assert {key for key, said in asking.items() if not said.permits} == set()


def test_nobody_is_in_a_refusal(cells):
    """What a refused caller reads has no name and no number of anybody."""
    said = "".join(one.text for one in cells.values() if one.exit_code == 3)
    assert not [place for place, one in enumerate(CROWD) if one.number in said or one.family in said]


def test_only_roles_with_a_rule_in_the_files_are_let_in(cells):
    """Read from the register's TOML: whoever has no rule in the activity, and may not reidentify, gets nothing."""
    for (verb, role, place, _state), said in cells.items():
        asked = ASKED[verb]
        if said.is_let_in and not asked.outlives:
            assert role in _named(asked.activity), (verb, place)


def test_what_an_activity_stands_on_closes_it_for_everybody(cells):
    """Read from the register's TOML: when a document of the activity itself has ended, no verb of it does anything."""
    kinds = {one["id"]: one["kind"] for one in _toml("instruments.toml")["instrument"]}
    checked = 0
    for (verb, _role, _place, state), said in cells.items():
        entry = _toml(f"activities/{ASKED[verb].activity}.toml")
        basis = entry.get("confidentiality_basis", {}).get("instrument")
        needed = {kinds[one] for one in (*entry["instruments"], *([basis] if basis else ()))}
        if state.removesuffix(" ended") in needed and not ASKED[verb].outlives:
            assert said.exit_code == 3, (verb, state)
            checked += 1
    assert checked > 60


@pytest.mark.parametrize(
    ("verb", "state"), [("risk list", "guardian_agreement ended"), ("risk show", "training ended")]
)
def test_what_a_rule_needs_closes_that_rule_alone(cells, verb, state):
    """When guardians' agreements end the federation sees nobody and the own practice everybody, as before."""
    own, federated = (cells[verb, Role.GP, place, state] for place in ("own", "federated"))
    assert own.exit_code == 0
    assert federated.exit_code == (3 if state.startswith("guardian") else 0)


@pytest.mark.parametrize("verb", sorted(set(verbs()) - {plain(one) for one in TOLD_A_ROLE}))
def test_no_other_verb_can_be_told_who_asks(program, ground, verb):
    """Each other verb, for every role and every place: the word is not known, nothing is opened or recorded."""
    for option, values in {"--role": ROLES, "--organisation": PLACES.values(), "--practice": PLACES.values()}.items():
        for value in values if option not in verbs()[verb] else ():
            said = program(*verb.split(), option, value)
            assert (said.exit_code, said.entries) == (2, ()), (option, value)


@pytest.mark.parametrize("verb", FILES_ALONE)
def test_a_verb_of_files_alone_opens_no_store_and_asks_nobody(program, ground, register, monkeypatch, verb):
    """The same before and after everything ended: there is no person of any controller in what it reads."""

    def closed(*_args, **_options):
        raise AssertionError

    assert "--store" not in verbs()[plain(verb)] or verb == "extract"
    monkeypatch.setattr(store.Store, "__init__", closed)
    for stands in (register, states(register)[ALL]):
        with program.under(stands):
            said = program(*FILES_ALONE[verb](ground))
        assert said.exit_code in ({1, 2} if verb in STAND_IN_THEIR_OWN_WAY else {0}), said.fault
        assert said.entries == ()


@pytest.mark.parametrize("verb", OPERATED)
def test_the_account_of_a_store_is_there_whatever_has_ended(program, ground, register, verb):
    """Counts, keys' names and the trail, for who runs the machine; no name and no number of a person."""
    for stands in (register, states(register)[ALL], states(register)[NOBODY]):
        with program.under(stands):
            said = program(*OPERATED[verb](ground))
        assert said.exit_code in {0, 1}, said.fault
        assert not any(one.number in said.text or one.family in said.text for one in CROWD)
        assert not [entry for entry in said.entries if entry.outcome is Outcome.PERMIT]


def test_a_store_is_not_opened_under_another_controllers_register(program, ground, register):
    """Each verb that names a register: a store's people are told one thing, by the register it was filled under."""
    other = register.controller.model_copy(update={"id": "other-icb"})
    with program.under(register.model_copy(update={"controller": other})):
        for verb, asked in ASKED.items():
            words = asked.words(ground) + (() if asked.role else ("--role", "ig_officer"))
            if verb == "explain":  # it opens no store
                continue
            said = program(*words, actor=asked.actor)
            assert (said.exit_code, said.fault, said.entries) == (1, "store-of-another-controller", ()), verb


@pytest.mark.parametrize("state", [NOW, ALL])
@pytest.mark.parametrize("role", ROLES)
def test_the_list_of_requests_has_none_of_anybody_else_but_for_who_may_check(program, ground, register, role, state):
    """Two roles check what leaves; to every other, and to all after the documents ended, the list is empty."""
    ground.request(WAITING)
    with program.under(states(register)[state]):
        words = ("airlock", "review", REGISTER, "--store", ground.store, "--role", role, "--json")
        said = program(*words, actor="onlooker")
    assert said.exit_code == 0
    checks = state == NOW and role in {Role.IG_OFFICER, Role.CALDICOTT_GUARDIAN}
    assert bool(json.loads(said.text)["requests"]) is checks


def test_a_run_of_everything_due_does_nothing_after_everything_has_ended(program, ground, register):
    """Nothing asked for by name is refused by exit code; each activity says why it did not run, in the trail too."""
    with program.under(states(register)[ALL]):
        said = program("run", REGISTER, "--store", ground.store, "--json")
    assert [one["refused"][:7] for one in json.loads(said.text)["runs"]] == ["Refused"] * len(_makers(register))
    assert {entry.activity for entry in said.refusals} == _makers(register)
    assert not [entry for entry in said.entries if entry.outcome is not Outcome.REFUSAL]


def _makers(register):
    return {one.id for one in register.activities if one.pseudonym_domain and one.datasets}


@pytest.mark.parametrize("verb", [one for one in OF_ONE_ROLE if one.startswith("invoices")])
def test_the_locked_area_is_closed_to_who_is_no_member(program, ground, verb):
    """The right role is not enough: only a member lets in another; the refusal is recorded."""
    said = program(*OF_ONE_ROLE[verb].words(ground), actor="stranger")
    assert (said.exit_code, said.fault) == (3, "not-a-member")
    assert [entry.reasons for entry in said.refusals] == [("not-a-member",)]


def test_a_demo_makes_no_use_of_a_store_that_is_there(program, ground):
    """It lands invented people in a folder of its own, and never beside others."""
    said = program("demo", "--store", ground.store, "--people", "1", "--no-serve")
    assert (said.exit_code, said.fault, said.entries) == (2, "store-not-empty", ())


@pytest.mark.parametrize("words", [(), ("--staff",)])
def test_a_site_starts_whatever_has_ended_and_its_pages_ask_each_time(program, ground, monkeypatch, words):
    """The public site is given no store at all; with --staff it is, and test_matrix.py crosses its pages."""
    started = []
    monkeypatch.setattr("caldicott.cli.serve.start", lambda *_place, **options: started.append(options["store"]))
    said = program("serve", "--store", ground.store, *words)
    assert (said.exit_code, said.entries) == (0, ())
    assert started == [ground.store if words else None]


def test_keys_are_changed_whatever_has_ended_and_the_trail_says_so(program, ground, register, tmp_path, monkeypatch):
    """A key that is known to somebody must be changed on that day, not on the day the approval is renewed."""
    store_ = shutil.copytree(ground.store, tmp_path / "store")
    with program.under(states(register)[ALL]):
        said = program("keys", "rewrap", "--store", store_, "--to-key-file", tmp_path / "new.key", actor="keeper")
    assert said.exit_code == 0
    assert [(entry.event, entry.actor) for entry in said.entries] == [
        ("key-change-begun", "keeper"), ("key-changed", "keeper"),
    ]  # fmt: skip


def test_the_promises_are_checked_whatever_has_ended_and_name_nobody(program, ground, register):
    """It searches what a role was given for what identifies, and says counts and names of promises."""
    for stands in (register, states(register)[ALL]):
        with program.under(stands):
            said = program("verify", ground.store, "--json")
        assert said.exit_code in {0, 1}
        assert json.loads(said.text)["promises"]
        assert not any(one.number in said.text or one.family in said.text for one in CROWD)


ACCOUNTS = (
    ("invite", "--role", "gp", "--organisation", "Z80001", "--name", "Alex Invented"), ("list",),
    ("login", "matrix-two", "--none"), ("end", "00000000-0000-0000-0000-000000000000"), ("provider", "provider.toml"),
    ("demo",), ("code", "demo.gp"),
)  # fmt: skip


@pytest.mark.parametrize("is_over", [False, True])
def test_accounts_are_kept_by_who_runs_the_machine_whatever_has_ended(ground, tmp_path, is_over):
    """An account opens nothing by itself; what is made is recorded. A demo's verbs are for a demo's store alone."""
    folder = shutil.copytree(EXAMPLE, tmp_path / "register")
    if is_over:
        path = folder / "instruments.toml"
        path.write_text(
            re.sub(r"valid_until = 20[23]\d-", "valid_until = 2026-04-30 #", path.read_text("utf-8")), "utf-8"
        )
    for name in ("store", "home"):
        shutil.copytree(ground.stage.root / name, tmp_path / name)
    catalogue = Catalogue(tmp_path / "store" / "catalogue.sqlite")
    catalogue.set_setting("register", str(folder))
    catalogue.close()
    (tmp_path / "provider.toml").write_text("", "utf-8")
    assert {f"accounts {words[0]}" for words in ACCOUNTS} == {one for one in verbs() if one.startswith("accounts")}
    before = sum(1 for _ in audit_log.read_entries(tmp_path / "store" / "audit"))
    done = subprocess.run(
        [sys.executable, "-c", _IN_A_PROGRAM, json.dumps([[*words, "--store", "store"] for words in ACCOUNTS])],
        cwd=tmp_path, env=environment(tmp_path / "home"), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert dict(zip([words[0] for words in ACCOUNTS], json.loads(done.stdout.splitlines()[-1]), strict=True)) == {
        "invite": 0, "list": 0, "login": 0, "end": 1, "provider": 1, "demo": 1, "code": 1,
    }  # fmt: skip
    made = [*audit_log.read_entries(tmp_path / "store" / "audit")][before:]
    assert [entry.event for entry in made if entry.outcome is Outcome.DONE] == ["invited", "login-without-account"]


_IN_A_PROGRAM = """
import json, sys
from caldicott.cli import main
from caldicott.portal import application
codes = []
for words in json.loads(sys.argv[1]):
    sys.argv = ["caldicott", "accounts", *words]
    try:
        main()
    except SystemExit as ended:
        codes.append(int(ended.code or 0))
    application.configure = lambda _settings: None  # once in a program; each verb is one of its own in life
print(json.dumps(codes))
"""


def _named(activity):
    entry = _toml(f"activities/{activity}.toml")
    return {rule["role"] for rule in entry["roles"]} | {*entry.get("pseudonym_domain", {}).get("reidentify_roles", ())}


@cache
def _toml(name):
    return tomllib.loads((EXAMPLE / name).read_text(encoding="utf-8"))
