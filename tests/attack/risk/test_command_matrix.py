"""Every verb of the command line that takes a role, for every role, own and other practice, before and after a lapse.

The verbs are read from the program, so that a new one is in the table or the
table fails. What must hold is read from the files of the register.
"""

from __future__ import annotations

import json
import sys
import tomllib
from datetime import date, timedelta

import pytest
import typer

from caldicott import bootstrap
from caldicott.audit.entry import Outcome
from caldicott.cli.app import app, main
from caldicott.operations.reidentify import FOREIGN_MOST, reidentify
from caldicott.operations.reidentify_throttle import enter
from caldicott.register import parse
from caldicott.vocabulary.errors import Refused
from caldicott.vocabulary.terms import Role
from risk_ward import FRAIL, GP, OTHERS, Reader, copied, looked_up, scored, tokens_by_number
from stage import RISK, TODAY

EXAMPLE = parse.resolve("example-icb", parse.bundled_roots())
ENTRY = tomllib.loads((EXAMPLE / "activities" / f"{RISK}.toml").read_text(encoding="utf-8"))
DOCUMENTS = {
    one["id"]: one for one in tomllib.loads((EXAMPLE / "instruments.toml").read_text(encoding="utf-8"))["instrument"]
}
ROLES = sorted(Role)
GROUP = "example-federation"
LAPSE_ON = max(step["valid_until"] for step in DOCUMENTS["cag-7-04"]["history"]) + timedelta(days=1)
DAYS = {"before": TODAY, "after": LAPSE_ON}

TAKE_A_ROLE = {"explain", "export", "risk list", "risk show"}
"""The verbs by which somebody says as what they ask for scores. Each is asked below."""
OF_OTHER_WORK = {
    "accounts invite", "airlock request", "airlock review", "airlock release", "indicator run", "model state", "sql",
    "review next", "review answer", "review adjudicate", "review reissued", "review report",
}  # fmt: skip
"""Verbs that take a role and give nothing of a practice; the tests of their own work hold them."""
NO_READER = {"publish", "serve"}
"""Here an organisation is the name at the head of a page, and nobody who asks."""
OPERATE = "The rest work as the one operator of the machine; none of them can be told another role."


def verbs():
    """Every command of the program, with the names of its options."""
    found = {}

    def walk(group, prefix):
        for name, one in group.commands.items():
            if hasattr(one, "commands"):
                walk(one, f"{prefix}{name} ")
            else:
                found[f"{prefix}{name}"] = {option for param in one.params for option in param.opts}

    walk(typer.main.get_command(app), "")
    return found


def test_no_other_verb_can_be_told_a_role():
    """A verb that lets its user say another role, or another organisation, has to be put into this table."""
    asked = {name for name, options in verbs().items() if options & {"--role", "--organisation"}}
    assert asked == TAKE_A_ROLE | OF_OTHER_WORK | NO_READER, OPERATE


@pytest.fixture(scope="module")
def store(tmp_path_factory, example_icb):
    return scored(tmp_path_factory.mktemp("verbs"), example_icb)


@pytest.fixture(scope="module")
def token(store):
    return tokens_by_number(store)[FRAIL.number]


@pytest.fixture
def run(store, monkeypatch, capsys):
    """Run one command on a day; its exit code, and what it printed."""
    monkeypatch.setattr(bootstrap.Path, "home", lambda: store.root / "home")
    for name in ("CALDICOTT_KEY_FILE", "CALDICOTT_PASSPHRASE", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)

    def run(day, *words):
        monkeypatch.setattr(bootstrap, "today", lambda: day)
        monkeypatch.setattr(sys, "argv", ["caldicott", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out + said.err

    return run


def live(document, day: date):
    ends = [step["valid_until"] for step in DOCUMENTS[document].get("history", ())]
    return DOCUMENTS[document]["valid_from"] <= day and (not ends or max(ends) >= day)


def stands(day):
    """Whether the activity's own documents hold on the day."""
    return all(live(one, day) for one in {*ENTRY["instruments"], ENTRY["confidentiality_basis"]["instrument"]})


def may_see(role, organisation, practice, day):
    domain = ENTRY["pseudonym_domain"]
    if organisation != GROUP:
        return stands(day) and role in domain["reidentify_roles"] and organisation == practice
    rules = [rule for rule in ENTRY["roles"] if rule["role"] == role and rule.get("relationship") == "federation"]
    agreements = {one for rule in rules for one in rule["requires"]}
    return stands(day) and any(practice.lower() in DOCUMENTS[one]["parties"] and live(one, day) for one in agreements)


def may_count(role, day):
    """Counts: a rule without a relationship whose documents hold."""
    return stands(day) and any(
        rule["role"] == role and "relationship" not in rule and "risk-scores" in rule.get("datasets", ())
        and rule["action"] == "see" and all(live(one, day) for one in rule.get("requires", ()))
        for rule in ENTRY["roles"]
    )  # fmt: skip


@pytest.mark.parametrize("when", DAYS)
@pytest.mark.parametrize("role", ROLES)
def test_risk_list_and_show_for_every_role_place_and_day(run, store, token, role, when):
    """Exit code 0 where the files say so, and 3 everywhere else with nobody's name in what is printed."""
    places = (
        ("Z80001", "Z80002", "Z80009", GROUP, "example-icb") if role == Role.GP else ("Z80001", GROUP, "example-icb")
    )
    for place in places:
        for verb, practice, more in (
            ("list", "Z80001", ()), ("list", "Z80002", ()), ("show", "Z80001", ("--token", token)),
        ):  # fmt: skip
            code, said = run(
                DAYS[when], "risk", verb, "example-icb", "--store", store.store, "--user", f"u-{role}-{place}",
                "--role", role, "--organisation", place, "--practice", practice, *more,
            )  # fmt: skip
            assert code == (0 if may_see(role, place, practice, DAYS[when]) else 3), (verb, place, practice)
            if code:
                assert not any(one.number in said or one.family in said for one in (FRAIL, *OTHERS))


@pytest.mark.parametrize("when", DAYS)
@pytest.mark.parametrize("role", ROLES)
def test_export_and_explain_for_every_role_and_day(run, store, tmp_path, role, when):
    """Counts leave for whom the files let see counts of everybody, and for nobody once the approval has ended."""
    code, _ = run(
        DAYS[when], "export", "example-icb", "--store", store.store, "--activity", RISK, "--role", role,
        "--to", tmp_path / "out",
    )  # fmt: skip
    assert code == (0 if may_count(role, DAYS[when]) else 3)
    assert (tmp_path / "out" / "risk-scores.csv").exists() == (code == 0)
    code, _ = run(
        DAYS[when], "explain", "example-icb", "--role", role, "--activity", RISK, "--dataset", "risk-scores",
        "--format", "identifiable", "--organisation", "example-icb", "--on", DAYS[when],
    )  # fmt: skip
    assert code == 3


def test_after_the_approval_has_ended_nothing_is_scored(run, store, tmp_path):
    """The run itself is refused, and the scores stay as they were."""
    before = copied(store, tmp_path).files()
    code, said = run(LAPSE_ON, "run", "example-icb", "--store", tmp_path / "store", "--activity", RISK)
    assert (code, "cag-7-04" in said) == (3, True)
    assert {name: one for name, one in before.items() if name.startswith("marts")}


def test_ten_thousand_codes_at_once_are_refused_recorded_and_told(store, tmp_path):
    """By the command line's own verb: nobody is shown, one alert, and the reader sees nothing more that day."""
    ward = copied(store, tmp_path)
    mine = [*tokens_by_number(ward).values()]
    guessed = [f"R{place:017d}" for place in range(10_000 - len(mine))]
    with pytest.raises(Refused) as found:
        looked_up(ward, [*mine, *guessed], Reader("gp", "Z80001", "dr-many"))
    assert found.value.code == "enumeration"
    alert, refusal = ward.entries()[-2:]
    assert (alert.event, alert.actor, alert.counts["tokens"]) == ("alert", "dr-many", 10_000)
    assert (refusal.event, refusal.outcome) == ("reidentify", Outcome.REFUSAL)
    with pytest.raises(Refused):
        looked_up(ward, mine[:1], Reader("gp", "Z80001", "dr-many"))
    assert looked_up(ward, mine[:1], GP).persons


def test_codes_tried_one_by_one_are_refused_and_each_is_recorded(store, tmp_path):
    """However slowly: after twenty the reader is stopped for the day; every one of them stands in the trail."""
    ward = copied(store, tmp_path)
    slow = Reader("gp", "Z80001", "dr-slow")
    tries = 100
    codes = []
    with ward.house() as house:
        for place in range(tries):
            with pytest.raises(Refused) as found:
                reidentify(house, reader=slow, activity=RISK, tokens=[f"R{place:017d}"], purpose="direct-care")
            codes.append(found.value.code)
    assert codes == ["not-own-practice"] * FOREIGN_MOST + ["enumeration"] * (tries - FOREIGN_MOST)
    mine = [one for one in ward.entries() if one.actor == "dr-slow"]
    with ward.house() as house:
        enter(house)
    mine = [one for one in ward.entries() if one.actor == "dr-slow"]
    assert sum(one.counts.get("turned away", 1) for one in mine if one.event == "reidentify") == tries
    assert sum(one.event == "alert" for one in mine) == 1
    assert json.loads(json.dumps(mine[-1].as_record()))["reasons"] == ["enumeration"]
