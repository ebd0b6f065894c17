"""`caldicott verify`: it changes nothing, passes nothing by default, and names what is broken."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from dataclasses import replace
from html.parser import HTMLParser

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer

from caldicott.cli import promises as printed
from caldicott.cli import verify as command
from caldicott.operations.verify.control import Control, State
from caldicott.operations.verify.controls import all_controls
from caldicott.operations.verify.evidence import Evidence
from caldicott.operations.verify.sheet import as_html
from caldicott.operations.verify.verifying import judge, look_at, verify
from caldicott.register.model import ObjectionRule, RoleRule
from caldicott.vocabulary.errors import WrongUsage
from stage import PLANNING, RISK, Stage


def _looked(stage, control, *, exports=()):
    with stage.house() as house:
        return look_at(all_controls()[control], Evidence(house, tuple(exports)))


def _sums(folder):
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_looking_changes_no_byte_of_the_store(town):
    """Not a file, not the catalogue, not the trail: what `verify` asks is nobody's request."""
    with town.stage.house() as house:
        before = _sums(town.stage.store)
        verify(house, exports=town.exports.values())
        assert _sums(town.stage.store) == before


def test_a_sound_store_keeps_its_promises(report):
    """Every promise has one state, none is broken, and all are counted."""
    assert len(report.promises) == 381
    assert sum(report.counts.values()) == 381
    assert [promise.id for promise in report.promises if promise.state is State.BROKEN] == []
    assert report.counts["kept"] > 150


def test_an_empty_store_is_not_called_kept_for_what_it_does_not_have(tmp_path, example_icb):
    """Where nothing has landed, what is about records is not applicable; what the register says is looked at still."""
    with Stage(tmp_path, example_icb).house() as house:
        report = verify(house)
    assert report.findings["mart-columns"].state is State.NOT_APPLICABLE
    assert report.findings["objections-applied"].state is State.NOT_APPLICABLE
    assert report.findings["role-ceiling"].state is State.KEPT
    assert report.is_kept


def test_a_look_that_fails_is_not_a_promise_kept(town):
    """A control that cannot look says broken, and passes on nothing that a row could hold."""

    def look(_evidence):
        raise ValueError(town.everybody[0]["number"])

    with town.stage.house() as house:
        found = look_at(Control("c", "t", look), Evidence(house))
    assert found.state is State.BROKEN
    assert town.everybody[0]["number"] not in found.seen
    assert "ValueError" in found.seen


def test_a_promise_that_nobody_wrote_down_how_to_keep_is_broken(report):
    """No keeping, no promise kept."""
    from caldicott.facts.promises import promises

    assert judge(promises()[0], None, {}).state is State.BROKEN


def _mart(stage, dataset, activity=PLANNING):
    return next((stage.store / "marts" / activity).rglob(f"{dataset}/**/*.parquet"))


def _rewritten(path, name, values):
    table = pq.ParquetFile(path).read()
    column = pa.array([values[n % len(values)] for n in range(len(table))], pa.string())
    place = table.schema.get_field_index(name)
    table = table.append_column(name, column) if place < 0 else table.set_column(place, name, column)
    pq.write_table(table, path)


def _spaced(number):
    return f"ref {number[:3]} {number[3:6]} {number[6:]}"


def _a_name(stage, town):
    _rewritten(_mart(stage, "sus-apc"), "patient_name", [town.everybody[9]["family"]])


def _a_number(stage, town):
    _rewritten(_mart(stage, "sus-apc"), "provider_reference", [_spaced(town.everybody[9]["number"])])


def _a_postcode(stage, town):
    _rewritten(_mart(stage, "sus-apc"), "outward_postcode", [town.everybody[9]["postcode"]])


def _a_number_to_join_on(stage, town):
    _rewritten(_mart(stage, "commissioning-mart"), "nhs_number", [town.everybody[9]["number"]])


def _codes_used_twice(stage, _town):
    tokens = pq.ParquetFile(_mart(stage, "sus-apc")).read(["person_token"]).column(0).to_pylist()
    _rewritten(_mart(stage, "sus-apc", RISK), "person_token", tokens)


def _codes_of_nobody(stage, _town):
    _rewritten(_mart(stage, "sus-apc"), "person_token", ["C0123456789ABCDEFX"])


def _a_plain_file(stage, town):
    path = next((stage.store / "clear").rglob("*.parquet"))
    pq.write_table(pa.table({"nhs_number": [town.everybody[9]["number"]]}), path)


def _something_beside(stage, _town):
    (stage.store / "notes.txt").write_text("who was it again\n")


def _a_number_in_a_key_file(stage, town):
    (stage.store / "keys" / "reminder.txt").write_text(town.everybody[9]["number"])


def _a_row_lost(stage, _town):
    with sqlite3.connect(stage.store / "catalogue.sqlite") as catalogue:
        catalogue.execute("UPDATE submission SET rows = rows + 1 WHERE id = 'hospital'")
    catalogue.close()


def _no_purpose(stage, _town):
    with sqlite3.connect(stage.store / "catalogue.sqlite") as catalogue:
        catalogue.execute("UPDATE submission SET purposes = '[\"curiosity\"]' WHERE id = 'hospital'")
    catalogue.close()


def _another_agreement(stage, _town):
    with sqlite3.connect(stage.store / "catalogue.sqlite") as catalogue:
        catalogue.execute("UPDATE submission SET agreement = 'gp-sharing-agreement' WHERE id = 'hospital'")
    catalogue.close()


def _a_run_without_entry(stage, _town):
    with sqlite3.connect(stage.store / "catalogue.sqlite") as catalogue:
        catalogue.execute("UPDATE run SET id = id || 'unheard'")
    catalogue.close()


def _objections_forgotten(stage, _town):
    with sqlite3.connect(stage.store / "catalogue.sqlite") as catalogue:
        catalogue.execute("UPDATE run SET counts = replace(counts, 'objecting type1', 'objecting typo')")
    catalogue.close()


def _left_out_without_account(stage, _town):
    with sqlite3.connect(stage.store / "catalogue.sqlite") as catalogue:
        catalogue.execute("UPDATE outcome SET excluded_by = '{}'")
    catalogue.close()


SPOILT = {
    "mart-columns": _a_name, "no-identifier-in-marts": _a_number, "no-identifier-in-marts, postcode": _a_postcode,
    "join-on-code-only": _a_number_to_join_on, "one-domain-per-purpose": _codes_used_twice,
    "one-code-per-person": _codes_of_nobody, "encrypted-at-rest": _a_plain_file,
    "nothing-outside-the-zones": _something_beside, "plain-files-clean": _a_number_in_a_key_file,
    "every-row-has-a-place": _a_row_lost, "every-act-recorded": _a_row_lost, "manifest-or-nothing": _no_purpose,
    "format-as-declared": _another_agreement, "every-act-recorded, run": _a_run_without_entry,
    "latest-code-counts": _objections_forgotten, "opt-outs-counted": _left_out_without_account,
}  # fmt: skip


@pytest.mark.parametrize("what", SPOILT)
def test_a_store_that_was_spoilt_is_found(town, tmp_path, what):
    """Somebody put a name, a number, a foreign code, a plain file into the store, or cooked its books: it is named."""
    shutil.copytree(town.stage.root, tmp_path / "copy")
    stage, control = Stage(tmp_path / "copy", town.stage.register, town.stage.today), what.partition(",")[0]
    assert _looked(stage, control).state is State.KEPT
    SPOILT[what](stage, town)
    found = _looked(stage, control)
    assert found.state is State.BROKEN
    assert not any(value in found.seen for value in town.everybody[9].values.values())


def _with_rule(register, activity, rule):
    changed = [e.model_copy(update={"roles": (*e.roles, rule)}) if e.id == activity else e for e in register.activities]
    return register.model_copy(update={"activities": tuple(changed)})


def _rule(role, ceiling, dataset):
    return RoleRule(role=role, ceiling=ceiling, datasets=(dataset,))


def _with_objection(register):
    rule = ObjectionRule(scheme="type1", covers_formats=("identifiable",))
    changed = [
        e.model_copy(update={"objections": e.objections.model_copy(update={"rules": (rule,)})})
        if e.id == "case-finding"
        else e
        for e in register.activities
    ]
    return register.model_copy(update={"activities": tuple(changed)})


def _without(register, activity, **changes):
    changed = [e.model_copy(update=changes) if e.id == activity else e for e in register.activities]
    return register.model_copy(update={"activities": tuple(changed)})


def _one_letter(register):
    domain = register.activity(PLANNING).pseudonym_domain
    return _without(register, RISK, pseudonym_domain=domain)


MISWRITTEN = {
    "role-ceiling": lambda r: _with_rule(r, PLANNING, _rule("commissioning_analyst", "identifiable", "sus-apc")),
    "outsiders-get-counts": lambda r: _with_rule(r, PLANNING, _rule("public", "pseudonymised", "commissioning-mart")),
    "operator-cannot-look": lambda r: _with_rule(r, PLANNING, _rule("dscro_operator", "identifiable", "sus-apc")),
    "scores-name-nobody": lambda r: _with_rule(r, RISK, _rule("commissioning_analyst", "pseudonymised", "risk-scores")),
    "own-practice-only": lambda r: _with_rule(r, RISK, _rule("gp", "identifiable", "risk-scores")),
    "direct-care-untouched": _with_objection,
    "exemptions-have-a-reference": lambda r: _without(r, "safeguarding", objections=None),
    "linkage-registered": lambda r: _without(r, PLANNING, linkage=()),
    "sources-listed": lambda r: _without(r, PLANNING, flows=()),
    "one-domain-per-purpose": _one_letter,
}


@pytest.mark.parametrize("control", MISWRITTEN)
def test_a_register_that_gives_too_much_is_found(town, control):
    """A rule too many, an objection against care, a list of joins struck out: `verify` names it on the same store."""
    stage = Stage(town.stage.root, MISWRITTEN[control](town.stage.register), town.stage.today)
    assert _looked(town.stage, control).state is State.KEPT
    assert _looked(stage, control).state is State.BROKEN


def test_an_export_with_a_small_count_is_found(town, tmp_path):
    """A table in which three people are shown, and an export the trail does not know."""
    folder = tmp_path / "given"
    shutil.copytree(town.exports["public", PLANNING], folder)
    assert _looked(town.stage, "small-counts-hidden", exports=[folder]).state is State.KEPT
    assert _looked(town.stage, "releases-recorded", exports=[folder]).state is State.KEPT
    (folder / "commissioning-mart.csv").write_text("month,persons,contacts\n2025-06,3,10\n")
    receipt = folder / "receipt.json"
    receipt.write_text(receipt.read_text().replace('"public"', '"press"'))
    assert _looked(town.stage, "small-counts-hidden", exports=[folder]).state is State.BROKEN
    assert _looked(town.stage, "releases-recorded", exports=[folder]).state is State.BROKEN


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.links, self.words = set(), [], []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name in {"src", "href"}]

    def handle_data(self, data):
        self.words.append(data)


def test_the_page_stands_alone(report):
    """All promises on one page, without a script and without anything fetched."""
    reader = _Reader()
    reader.feed(as_html(report, register="NHS Example <b>Board</b>", on="2026-05-04"))
    assert not {"script", "link", "img", "b"} & reader.tags
    assert reader.links == []
    words = " ".join(reader.words)
    assert all(promise.id in words for promise in report.promises)


def test_the_document_for_machines_has_ids_and_states(report):
    """Each promise with its id and state, and the counts: the form that outside checks read."""
    document = json.loads(json.dumps(report.as_record()))
    assert {promise["state"] for promise in document["promises"]} <= {state.value for state in State}
    assert len({promise["id"] for promise in document["promises"]}) == 381
    assert sum(document["counts"].values()) == 381


def test_the_command_prints_every_promise_and_every_count(town, report, capsys):
    """In a terminal: grouped by notice, counted at the end."""
    with town.stage.house() as house:
        printed.show(report, house, as_json=False, html=None)
    out = capsys.readouterr().out
    assert all(promise.id in out for promise in report.promises)
    assert f"{report.counts['awaiting']}" in out.split("381 promises")[1]


@pytest.mark.parametrize("ending", [(State.BROKEN, 1), (State.KEPT, 0)])
def test_one_broken_promise_ends_the_command_with_1(town, report, monkeypatch, tmp_path, ending):
    """Other programs read it from the exit code; the page is written all the same."""
    (state, code), (first, *others) = ending, report.promises
    judged = replace(report, promises=(replace(first, state=state), *others))
    with town.stage.house() as house:
        monkeypatch.setattr(printed, "verified", lambda *_args, **_kwargs: (judged, house))
        with pytest.raises(typer.Exit) as ended:
            command.verify(None, demo=True, html=tmp_path / "report.html", as_json=True)
    assert ended.value.exit_code == code
    assert "OX-001" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize("demo", [True, False])
def test_either_a_store_or_the_demo(tmp_path, demo):
    """Both or neither is wrong usage."""
    with pytest.raises(WrongUsage):
        printed.verified(tmp_path if demo else None, demo=demo, register=None, exports=[], quiet=True)


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get("CALDICOTT_NIGHTLY") != "1", reason="half a minute: by night")
def test_the_demo_keeps_its_promises(home, monkeypatch):
    """`verify --demo` invents people, lands, runs, exports and finds nothing broken; nothing of it stays."""
    monkeypatch.setattr(printed, "DEMO_PEOPLE", 120)
    report, house = printed.verified(None, demo=True, register=None, exports=[], quiet=True)
    assert report.is_kept, [p for p in report.promises if p.state is State.BROKEN]
    assert report.findings["exports-clean"].state is State.KEPT
    assert not house.store.root.exists()
    assert not home.exists()
