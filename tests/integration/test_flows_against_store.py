"""The flow map must equal the audit trail: what passed without a line of the map is named, and what was never used."""

from __future__ import annotations

import importlib
import json
import shutil
import sys
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

import people
from caldicott import bootstrap
from caldicott.audit.entry import AuditEntry, Outcome
from caldicott.operations.flows import (
    beside_the_trail,
    compare,
    delivery_references,
    export_references,
    passages,
    receivers,
)
from caldicott.operations.land import land
from caldicott.operations.run import run
from caldicott.register import parse
from caldicott.synth.invent import invent
from caldicott.vocabulary.errors import DoesNotHold
from stage import PLANNING, RISK, TODAY, Stage, episode, example_register

CROWD = people.invented(12)[1:]
DEMO_DELIVERIES = {
    # activity, dataset, sender: what the demo's senders deliver, written down here from docs/reference/synth.md
    *((PLANNING, dataset, sender) for dataset in ("sus-apc", "sus-op") for sender in ("RZ1", "RZ2", "NZ1")),
    *((RISK, dataset, sender) for dataset in ("sus-apc", "sus-op") for sender in ("RZ1", "RZ2", "NZ1")),
    *((activity, "sus-ec", sender) for activity in (PLANNING, RISK) for sender in ("RZ1", "RZ2")),
    *(
        (activity, f"gp-{part}", "0CX")
        for activity in (PLANNING, RISK)
        for part in ("patients", "observations", "medications", "appointments", "objections")
    ),
    *((activity, dataset, "X26") for activity in (PLANNING, RISK) for dataset in ("pds", "national-data-opt-out")),
    *((activity, "mental-health", "RZM") for activity in (PLANNING, RISK)),
    (PLANNING, "community", "RZC"),
    (PLANNING, "out-of-hours", "NZO"),
    (PLANNING, "urgent-care", "NZU"),
    (PLANNING, "social-care", "999"),
}


@pytest.fixture(scope="module")
def demo(tmp_path_factory, example_icb):
    """The demo's store, small, with one export for each of three roles."""
    stage = Stage(tmp_path_factory.mktemp("demo"), example_icb)
    invent(stage.inbox, people=60, seed=1)
    with stage.house() as house:
        assert [landed.fault for landed in land(house, stage.inbox)] == [None] * 21
        run(house)
    for role in ("commissioning_analyst", "processor_staff", "public"):
        stage.export(role, f"out-{role}")
    return stage


@pytest.fixture
def command(monkeypatch, capsys, home):
    """Runs `caldicott ...` by the program's own entry point, on the day of these tests."""
    program = importlib.import_module("caldicott.cli.app")
    monkeypatch.setattr(bootstrap, "today", lambda: TODAY)

    def ended(*words):
        monkeypatch.setattr(sys, "argv", ["caldicott", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            program.main()
        return end.value.code or 0, capsys.readouterr().out

    return ended


def _without(register, activity_id, *flow_ids):
    """The register with some flows of one activity taken out."""
    entry = register.activity(activity_id)
    kept = tuple(flow for flow in entry.flows if flow.id not in flow_ids)
    assert len(kept) == len(entry.flows) - len(flow_ids)
    changed = entry.model_copy(update={"flows": kept})
    others = tuple(changed if one is entry else one for one in register.activities)
    return register.model_copy(update={"activities": others, "digest": "0" * 64})


def _told(comparison):
    return {(one.passage.activity, one.passage.dataset, one.passage.givers[0]) for one in comparison.uncovered}


# --- the demo ----------------------------------------------------------------------------------


def test_everything_the_demo_did_stands_in_the_flow_map(demo):
    """Every delivery and every export of the demo has a line in the flow map: the difference is empty."""
    comparison = compare(demo.entries(), demo.register)
    assert [str(one) for one in comparison.uncovered] == []
    assert comparison.is_equal


def test_the_trail_alone_tells_every_delivery(demo):
    """Sender, dataset, purpose and receiver of every delivery are read from the trail, without the catalogue."""
    seen = list(passages(demo.entries(), demo.register))
    deliveries = [one for one in seen if one.event == "admit"]
    assert {(one.activity, one.dataset, *one.givers) for one in deliveries} == DEMO_DELIVERIES
    assert {one.receivers for one in deliveries} == {("example-dscro",)}
    assert {one.format for one in deliveries} == {"identifiable"}


def test_the_trail_alone_tells_every_export(demo):
    """Each dataset that left is there with its format and who received it."""
    seen = list(passages(demo.entries(), demo.register))
    exports = {(one.receivers[0], one.dataset, one.format) for one in seen if one.event == "export"}
    of_the_board = {(dataset, form) for who, dataset, form in exports if who == "example-icb"}
    assert {form for _, form in of_the_board} == {"pseudonymised"}
    assert {"commissioning-mart", "sus-apc", "gp-patients", "social-care"} <= {dataset for dataset, _ in of_the_board}
    assert {one for one in exports if one[0] != "example-icb"} == {
        ("example-csu", "commissioning-mart", "pseudonymised"),
        ("the-public", "commissioning-mart", "aggregated"),
        ("partner-organisations", "commissioning-mart", "aggregated"),
    }


def test_no_flow_that_was_used_is_called_unused(demo):
    """Of the two activities that ran, only what the demo does not do is left: the scores, and the way to the CSU."""
    unused = {(one.activity, one.flow) for one in compare(demo.entries(), demo.register).unused if one.is_seen_here}
    assert {one for one in unused if one[0] in (PLANNING, RISK)} == {
        (RISK, "scores-to-tool"),
        (RISK, "counts-to-planners"),
    }
    assert (PLANNING, "gp-to-csu") not in unused


def test_a_flow_that_is_taken_out_makes_the_check_name_what_went_by_it(demo):
    """Without its line each delivery is named with its sender; nothing else is."""
    register = _without(demo.register, PLANNING, "east-to-dscro", "council-to-dscro")
    told = _told(compare(demo.entries(), register))
    assert told == {
        (PLANNING, "sus-apc", "RZ1"),
        (PLANNING, "sus-op", "RZ1"),
        (PLANNING, "sus-ec", "RZ1"),
        (PLANNING, "social-care", "999"),
    }


@pytest.mark.parametrize(("flow", "receiver"), [("icb-to-csu", "example-csu"), ("icb-to-public", "the-public")])
def test_an_export_without_its_flow_is_named(demo, flow, receiver):
    """What was given to someone to whom no flow leads is named with the receiver."""
    (one,) = compare(demo.entries(), _without(demo.register, PLANNING, flow)).uncovered
    assert (one.passage.event, one.passage.dataset, one.passage.receivers) == (
        "export",
        "commissioning-mart",
        (receiver,),
    )
    assert "call" in one.next_step


# --- one act at a time -------------------------------------------------------------------------


def _open_the_door(monkeypatch):
    """As it was before senders were held against the map, which old trails still show."""
    monkeypatch.setattr("caldicott.policy.agreements._against_other_flows", lambda *_: ())


def test_a_sender_that_the_map_does_not_know_is_named(house, monkeypatch):
    """A hospital that sends the council's dataset is refused at the door; had it come in, the check would name it."""
    house.send("asc-client-level", [], name="stray", sender="RZ2", purposes=(PLANNING,))
    assert "No flow of commissioning-planning carries social-care from RZ2" in str(house.land()[0].fault)
    _open_the_door(monkeypatch)
    assert house.land()[0].fault is None
    (one,) = compare(house.entries(), house.register).uncovered
    assert str(one) == (
        "The delivery of social-care (identifiable) from RZ2 to example-dscro for commissioning-planning on 2026-05-04 "
        f"(entry {one.passage.entry}) has no flow in the register: `council-to-dscro` carries it from example-council. "
        "Next: if it is lawful, add the flow to activities/commissioning-planning.toml and publish a new version; if "
        "not, ask the sender to stop, and have the submission looked at by the data protection officer"
    )
    assert one.passage.submission.startswith("RZ2.stray.")


def test_an_act_is_held_against_the_register_of_its_day(house):
    """What an older register covered is in order when that register is kept; by today's alone it is named."""
    before = house.register
    house.send("ncdr-sus-apc", [episode(CROWD[0], "r")], name="old", purposes=(PLANNING,))
    house.land()
    today = _without(before, PLANNING, "east-to-dscro")
    assert _told(compare(house.entries(), today)) == {(PLANNING, "sus-apc", "RZ1")}
    assert compare(house.entries(), today, kept=[before]).is_equal


def test_what_an_older_register_did_not_cover_stays_named(house, monkeypatch):
    """A flow that is added later does not make an old act right, when the register of that day is kept."""
    _open_the_door(monkeypatch)
    added = house.register
    house.register = _without(added, PLANNING, "east-to-dscro")
    house.send("ncdr-sus-apc", [episode(CROWD[0], "r")], name="old", purposes=(PLANNING,))
    house.land()
    assert _told(compare(house.entries(), added, kept=[house.register])) == {(PLANNING, "sus-apc", "RZ1")}


def _entry(register, **changed):
    base = AuditEntry(
        at=datetime(2026, 5, 4, 12, tzinfo=UTC), act_id="act-1", actor="tester", role="dscro_operator",
        organisation="example-icb", event="admit", outcome=Outcome.DONE, activity=PLANNING, dataset="sus-apc",
        format="identifiable", register_digest=register.digest, references=("RZ1.apc.xyz", "dars-dsa"),
    )  # fmt: skip
    return replace(base, **changed)


def test_an_entry_of_before_is_still_understood(example_icb):
    """Entries from before senders and receivers were written are read by what they do say."""
    old_admit, stray = _entry(example_icb), _entry(example_icb, references=("RZM.apc.xyz", "dars-dsa"))
    old_export = _entry(
        example_icb, event="export", dataset="", format="pseudonymised",
        counts={"rows commissioning-mart": 4, "rows pds": 1}, references=("commissioning_analyst",),
    )  # fmt: skip
    assert _told(compare([old_admit], example_icb)) == set()
    assert _told(compare([stray], example_icb)) == {(PLANNING, "sus-apc", "RZM")}
    assert [one.passage.dataset for one in compare([old_export], example_icb).uncovered] == ["pds"]


def test_a_refused_or_failed_act_is_no_delivery(example_icb):
    """Only what was done counts; a question that was answered is not a delivery."""
    entries = [
        _entry(example_icb, outcome=Outcome.FAILED, dataset="social-care"),
        _entry(example_icb, event="decision", outcome=Outcome.PERMIT, dataset="social-care"),
        _entry(example_icb, event="run"),
    ]
    assert compare(entries, example_icb).passages == 0


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (
            {"at": datetime(2026, 3, 31, 12, tzinfo=UTC)},
            "`east-to-dscro` stands on `dars-dsa`, which did not hold on that day",
        ),
        ({"activity": "advertising"}, "the register has no activity `advertising`"),
        ({"dataset": "invoices"}, "no flow of `commissioning-planning` carries invoices"),
        (
            {"references": ("RZ1.a.b", "x", "from:RZ1", "to:example-icb", f"for:{PLANNING}")},
            "`east-to-dscro` carries it to example-dscro",
        ),
    ],
)
def test_why_the_nearest_flow_does_not_cover_it(example_icb, changed, why):
    """Who reads the finding is told how the nearest line of the map differs."""
    (one,) = compare([_entry(example_icb, **changed)], example_icb).uncovered
    assert one.why == why


def test_a_delivery_that_tells_more_than_the_flow_is_named(example_icb):
    """A flow of coded rows does not cover rows that say who people are; one of rows covers counts of them."""
    analyst = ("commissioning_analyst", "from:example-dscro", "to:example-icb")
    given = {form: _entry(example_icb, event="export", references=(*analyst, f"gave:sus-apc={form}"))
             for form in ("identifiable", "pseudonymised", "aggregated")}  # fmt: skip
    named = [form for form, entry in given.items() if not compare([entry], example_icb).is_equal]
    assert named == ["identifiable"]


def test_a_practice_is_a_sender_while_it_is_a_member(example_icb):
    """`member-practices` in the map covers each practice on the days of its membership, and no other."""
    to_csu = ("from:{}", "to:example-csu", f"for:{PLANNING}")

    def sent(code, on):
        references = ("x.y.z", "gp-sharing-agreement", *(one.format(code) for one in to_csu))
        entry = _entry(example_icb, dataset="gp-patients", references=references, at=datetime(*on, 12, tzinfo=UTC))
        return compare([entry], register).is_equal

    controller = example_icb.controller
    ended = tuple(
        one.model_copy(update={"valid_to": date(2026, 6, 30)}) if one.ods == "Z80001" else one
        for one in controller.member_practices
    )
    register = example_icb.model_copy(update={"controller": controller.model_copy(update={"member_practices": ended})})
    assert sent("Z80001", (2026, 6, 30))
    assert not sent("Z80001", (2026, 7, 1))
    assert sent("Z80002", (2026, 7, 1))
    assert not sent("Y99999", (2026, 5, 4))


def test_who_receives_for_a_role(example_icb):
    """The organisations its rules name; the practices for a practice's own view; the public for everybody."""
    assert receivers(example_icb, RISK, "gp", "risk-scores", form="identifiable") == (
        "member-practices",
        "example-federation",
    )
    assert receivers(example_icb, PLANNING, "ig_officer", "commissioning-mart", form="aggregated") == ("example-icb",)
    assert receivers(example_icb, PLANNING, "public", "commissioning-mart", form="pseudonymised") == ()


def test_references_hold_ids_of_the_register_only(example_icb):
    """What is added to the trail is ids: no word of a row can be among them."""
    assert delivery_references(example_icb, sender="RZ1", purposes=(PLANNING, RISK)) == (
        "from:RZ1",
        "to:example-dscro",
        f"for:{PLANNING}",
        f"for:{RISK}",
    )
    given = export_references(
        example_icb, activity=PLANNING, role="processor_staff", formats={"commissioning-mart": "pseudonymised"}
    )
    assert given == (
        "from:example-icb",
        "from:example-dscro",
        "to:example-csu",
        "gave:commissioning-mart=pseudonymised",
    )


# --- the command -------------------------------------------------------------------------------


def _folder(register_name="example-icb"):
    return parse.resolve(register_name, parse.bundled_roots())


def test_a_changed_trail_proves_nothing(demo, tmp_path):
    """A trail that was tampered with is not compared: the check says so and ends."""
    copy = tmp_path / "store"
    shutil.copytree(demo.store / "audit", copy / "audit")
    texts = parse.read_with_texts(_folder())[2]
    assert beside_the_trail(demo.register, texts, store=copy).comparison.is_equal
    entries = next(path for path in (copy / "audit").iterdir() if path.read_bytes().startswith(b'{"act_id"'))
    entries.write_bytes(entries.read_bytes().replace(b"from:RZ1", b"from:RZ2", 1))
    with pytest.raises(DoesNotHold, match="the audit trail was changed"):
        beside_the_trail(demo.register, texts, store=copy)


def test_a_folder_without_a_trail_is_no_store(tmp_path, example_icb):
    """A wrong folder must not pass for a store in which nothing happened."""
    texts = parse.read_with_texts(_folder())[2]
    with pytest.raises(DoesNotHold, match="no audit trail"):
        beside_the_trail(example_icb, texts, store=tmp_path)


def test_the_command_ends_with_1_when_something_passed_without_a_flow(demo, tmp_path, command):
    """`register check --against`: 0 on the demo; 1, and each passage named, once its line is gone."""
    code, out = command("register", "check", "example-icb", "--against", demo.store)
    assert code == 0, out
    assert "0 of them without a flow" in out
    assert "risk-stratification.toml" in next(line for line in out.splitlines() if "`scores-to-tool`" in line)
    changed = tmp_path / "changed"
    shutil.copytree(_folder(), changed)
    file = changed / "activities" / f"{PLANNING}.toml"
    text = file.read_text(encoding="utf-8")
    start = text.index('[[flows]]\nid = "council-to-dscro"')
    file.write_text(text[:start] + text[text.index("[[flows]]", start + 1) :], encoding="utf-8")
    code, out = command("register", "check", changed, "--against", demo.store, "--json")
    document = json.loads(out)
    assert (code, document["holds"]) == (1, False)
    assert [(one["dataset"], one["from"]) for one in document["without_flow"]] == [("social-care", "999")]
    assert {"activity": RISK, "flow": "scores-to-tool", "is_seen_here": True} in document["never_used"]
    assert example_register().digest != parse.load(changed).digest
