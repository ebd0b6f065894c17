"""A practice's own work: the life of a case, notes that only it can read, lists taken away, the newest stays."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from datetime import date
from io import BytesIO

import pytest
from python_calamine import CalamineWorkbook
from tests.portal.serving import environment
from tests.portal_staff.conftest import KEY, NOON, rows_of
from tests.portal_staff.surgery import LIST, address_of, names, reader, words
from typer.testing import CliRunner

import risk_ward
from caldicott.cli import after_run
from caldicott.cli.app import app
from caldicott.operations import practice_case
from caldicott.portal.staff.practice import keeping
from caldicott.stores.desk import cases
from risk_ward import FRAIL, MANY_MEDICINES, SICK_LONG_AGO, TWICE, WELL
from stage import RISK, example_register

SECRET = "Her daughter holds the spare key"


def named(person):
    return f"{person.family}, {person.given}"


def step(gp, who, stage, **days):
    return gp.post(address_of(gp, who) + "case/", {"stage": stage, **days})


def test_a_case_goes_its_way_step_by_step_and_each_is_recorded(surgery):
    """Shortlist, review, care plan with its end; who did it stands on the page, and in the trail by token alone."""
    gp = reader(surgery)
    for stage, days in (
        ("shortlisted", {"next_action_on": "2026-05-10"}), ("reviewed", {}),
        ("care-plan", {"plan_expires_on": "2026-11-01"}),
    ):  # fmt: skip
        assert step(gp, FRAIL, stage, **days).status_code == 303
    text = words(gp.get(address_of(gp, FRAIL)))
    assert "Has a care plan" in text
    assert "1 November 2026" in text
    moved = [one for one in surgery.entries() if one.event == "case-moved"]
    assert [one.references[2] for one in moved] == ["stage shortlisted", "stage reviewed", "stage care-plan"]
    assert {one.actor for one in moved} == {gp.person.id}
    assert not any(FRAIL.number in str(one.as_record()) or FRAIL.family in str(one.as_record()) for one in moved)


def test_a_form_that_is_sent_twice_is_one_step(surgery):
    """The second sending changes nothing and records no second step."""
    gp = reader(surgery)
    for _ in range(2):
        step(gp, FRAIL, "shortlisted")
    assert sum(one.event == "case-moved" for one in surgery.entries()) == 1


def test_a_stage_before_is_never_left_out_and_the_form_says_so(surgery):
    """No care plan without a review, none without an end, no day in the past: told at the top and beside the field."""
    gp = reader(surgery)
    found = step(gp, FRAIL, "care-plan", plan_expires_on="2026-05-03", next_action_on="soon")
    assert found.status_code == 422
    text = found.content.decode()
    assert 'href="#stage"' in text
    assert "From here it can become: on the shortlist" in text
    assert 'href="#plan_expires_on"' in text
    assert 'id="next_action_on-error"' in text
    assert cases.find("Z80001", "x").stage == ""
    assert not any(one.event == "case-moved" for one in surgery.entries())


@pytest.mark.parametrize(("stage", "to"), [(a, b) for a in practice_case.CaseStage for b in practice_case.CaseStage])
def test_the_table_of_steps_is_the_one_that_is_published(stage, to):
    """Every pair of stages: allowed if the table in the documentation says so, else named as a fault."""
    published = {
        "": {"shortlisted"}, "shortlisted": {"reviewed", "declined", "closed"},
        "reviewed": {"care-plan", "declined", "closed"}, "care-plan": {"reviewed", "declined", "closed"},
        "declined": {"re-engaged", "closed"}, "re-engaged": {"reviewed", "declined", "closed"},
        "closed": {"shortlisted"},
    }  # fmt: skip
    faults = practice_case.faults_of_step(
        stage, to, next_action_on=None, plan_expires_on=date(2026, 9, 1), today=NOON.date()
    )
    may = to != "" and (to == stage or to in published[stage])
    assert ("stage" not in faults) == may


def test_a_note_is_sealed_on_disk_and_read_by_its_practice_alone(surgery):
    """Its words stand in no file of the desk and not in the trail; a colleague of the practice reads them."""
    gp = reader(surgery)
    address = address_of(gp, FRAIL)
    form = re.search(r'name="form" value="(\w+)"', gp.get(address).content.decode())[1]
    for _ in range(2):
        assert gp.post(address + "notes/", {"note": SECRET, "form": form}).status_code == 303
    assert len(rows_of(surgery.store, "casenote")) == 1
    for path in surgery.store.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes()
    colleague = reader(surgery)
    assert SECRET in words(colleague.get(address))
    group = reader(surgery, organisation="example-federation")
    assert SECRET not in group.get(address).content.decode()
    assert "Our work" not in words(group.get(address))
    entry = next(one for one in surgery.entries() if one.event == "case-noted")
    assert SECRET not in str(entry.as_record())


def test_a_note_moved_to_another_patient_does_not_open(surgery):
    """Somebody who changes the table cannot make a note speak of somebody else."""
    gp = reader(surgery)
    gp.post(address_of(gp, FRAIL) + "notes/", {"note": SECRET, "form": "1"})
    gp.post(address_of(gp, TWICE) + "notes/", {"note": "another", "form": "2"})
    from caldicott.stores.desk.models import Case, CaseNote
    from caldicott.vocabulary.errors import ProgramFault

    token = address_of(gp, TWICE).split("/")[-2]
    CaseNote.objects.filter(form=f"{gp.person.id}/1").update(case=Case.objects.get(token=token))
    with pytest.raises(ProgramFault) as found:
        cases.notes("Z80001", token, key=KEY)
    assert SECRET not in str(found.value)


@pytest.mark.parametrize(("note", "says"), [("  ", "Write the note first"), ("x" * 2001, "at most 2,000")])
def test_a_note_that_cannot_be_kept_is_said_and_given_back(surgery, note, says):
    """With what was typed, beside the field."""
    gp = reader(surgery)
    found = gp.post(address_of(gp, FRAIL) + "notes/", {"note": note, "form": "1"})
    assert found.status_code == 422
    assert says in words(found)
    assert note.strip() in found.content.decode()
    assert rows_of(surgery.store, "casenote") == []


def test_the_practices_own_judgement_needs_a_reason_of_the_list(surgery):
    """Without a reason nothing is kept; with one the list leaves the patient out, until asked for; no score changes."""
    gp = reader(surgery)
    address = address_of(gp, FRAIL)
    found = gp.post(address + "judgement/", {"judgement": "set-aside", "reason": "because"})
    assert (found.status_code, "Choose the reason" in words(found)) == (422, True)
    scores = gp.get(address).content.decode().partition("The score now")[2].partition("Our work")[0]
    assert gp.post(address + "judgement/", {"judgement": "set-aside", "reason": "palliative"}).status_code == 303
    assert named(FRAIL) not in names(gp.get(LIST))
    assert named(FRAIL) in names(gp.get(LIST + "?left-out=1"))
    assert gp.get(address).content.decode().partition("The score now")[2].partition("Our work")[0] == scores
    group = reader(surgery, organisation="example-federation")
    assert len(names(group.get(LIST))) == 5


def test_another_practice_or_a_group_cannot_write(surgery):
    """Every form about a patient is refused to who is not of the patient's own practice, and nothing is kept."""
    gp = reader(surgery)
    address = address_of(gp, FRAIL)
    for organisation in ("Z80002", "example-federation", "Z80009"):
        other = reader(surgery, organisation=organisation)
        for form, sent in (
            ("case/", {"stage": "shortlisted"}), ("notes/", {"note": "x", "form": "1"}),
            ("judgement/", {"judgement": "higher", "reason": "palliative"}),
        ):  # fmt: skip
            assert other.post(address + form, sent).status_code == 403
        assert other.get(LIST + "work/").status_code == 403
    assert rows_of(surgery.store, "case") == []


def test_what_a_practice_kept_is_erased_when_the_patient_is_its_own_no_more(surgery):
    """Stages, notes and judgement of somebody who is on the list no more; that it was done is in the trail."""
    gp = reader(surgery)
    step(gp, WELL, "shortlisted")
    gp.post(address_of(gp, WELL) + "notes/", {"note": SECRET, "form": "1"})
    from caldicott.stores.desk.models import Case

    Case.objects.update(token="RLEFTTHEPRACTICE99")
    gp.get(LIST)
    assert (rows_of(surgery.store, "case"), rows_of(surgery.store, "casenote")) == ([], [])
    erased = next(one for one in surgery.entries() if one.event == "cases-erased")
    assert erased.references == ("practice Z80001", "cases 1")


def test_a_broken_list_erases_nobodys_notes(surgery):
    """Many cases off the list at once are a fault of the list: kept, shown to nobody, and told in the trail."""
    gp = reader(surgery)
    step(gp, WELL, "shortlisted")
    from caldicott.stores.desk.models import Case

    made = Case.objects.get()
    Case.objects.bulk_create(
        Case(practice="Z80001", token=f"R{place:017d}", stage="shortlisted", changed=made.changed) for place in range(9)
    )
    gp.get(LIST)
    assert len(rows_of(surgery.store, "case")) == 10
    held = next(one for one in surgery.entries() if one.event == "cases-held")
    assert (held.references, held.reasons) == (("practice Z80001", "cases 9"), ("too-many-at-once",))


def test_a_patient_who_moved_is_refused_with_the_reason_and_leaves_nothing(surgery):
    """Another practice's newer list has landed: the page says moved, and the notes are gone at once."""
    gp = reader(surgery)
    address = address_of(gp, TWICE)
    step(gp, TWICE, "shortlisted")
    gp.post(address + "notes/", {"note": SECRET})
    ward = risk_ward.Stage(surgery.store.parent, example_register())
    ward.inbox.mkdir()
    moved = [risk_ward.registered(TWICE, "Z80009", DateOfRegistration="2026-04-20")]
    place = ward.send("emis-patients", moved, name="newer", sender="Z80009")
    (landed,) = ward.land(place)
    assert landed.fault is None
    found = gp.get(address)
    assert found.status_code == 403
    assert "registered with another practice now" in words(found)
    assert TWICE.family not in found.content.decode()
    assert (rows_of(surgery.store, "case"), rows_of(surgery.store, "casenote")) == ([], [])


def test_a_form_that_names_nobody_records_that_nobody_was_shown(surgery):
    """The page before an export counts and shows no patient; so does the trail."""
    gp = reader(surgery)
    found = gp.get(LIST + "export/")
    assert "5 patients are on the list" in words(found)
    entry = surgery.entries()[-1]
    assert (entry.event, entry.references[0], entry.counts) == ("reidentify", "list-sized", {"persons shown": 0})


def test_our_work_shows_what_is_due_first_and_counts(surgery):
    """Cases of every stage; an ended care plan and a past day are due; each page is a recorded viewing."""
    gp = reader(surgery)
    step(gp, TWICE, "shortlisted", next_action_on="2026-06-01")
    step(gp, FRAIL, "shortlisted", next_action_on="2026-05-05")
    surgery.clock.pass_(days=1)
    gp = reader(surgery)
    found = gp.get(LIST + "work/")
    shown = re.findall(r'patients/\w+/[^"]*">([^<]+)</a>', found.content.decode())
    assert shown == [named(FRAIL), named(TWICE)]
    assert words(found).count("Due: ") == 1
    assert "Due today or before : 1" in words(found)
    entry = surgery.entries()[-1]
    assert (entry.event, entry.references[0], entry.counts["persons shown"]) == ("reidentify", "case-review", 2)


def test_the_list_filters_by_our_work(surgery):
    """Those in a stage, and those with whom nothing was done yet."""
    gp = reader(surgery)
    step(gp, TWICE, "shortlisted")
    assert names(gp.get(LIST + "?stage=shortlisted")) == [named(TWICE)]
    assert named(TWICE) not in names(gp.get(LIST + "?stage=none"))
    assert len(names(gp.get(LIST + "?stage=none"))) == 4


def test_a_list_is_taken_away_exactly_as_it_is_filtered(surgery):
    """The same people in the same order, with a purpose; recorded with the filters and whose codes are in it."""
    gp = reader(surgery)
    shown = names(gp.get(LIST + "?segment=healthy&sort=polypharmacy"))
    sent = {"segment": "healthy", "sort": "polypharmacy", "purpose": "care-plan", "kind": "csv"}
    found = gp.post(LIST + "export/", sent)
    rows = list(csv.DictReader(io.StringIO(found.content.decode())))
    assert [one["Name"] for one in rows] == shown == [named(MANY_MEDICINES), named(WELL)]
    assert rows[0]["NHS number"] == MANY_MEDICINES.number
    assert found.headers["Content-Disposition"].startswith("attachment")
    entry = surgery.entries()[-1]
    assert (entry.event, entry.counts["persons shown"]) == ("practice-export", 2)
    assert {"care-plan", "segment healthy"} <= set(entry.references)
    book = CalamineWorkbook.from_filelike(BytesIO(gp.post(LIST + "export/", {**sent, "kind": "xlsx"}).content))
    assert [row[1] for row in book.get_sheet_by_index(0).to_python()[1:]] == shown


def test_taking_away_needs_a_fresh_proof_a_purpose_and_a_kind(surgery):
    """After five minutes it is asked who you are, and leads back; without a purpose nothing is given."""
    gp = reader(surgery)
    found = gp.post(LIST + "export/", {"purpose": "curiosity", "kind": "exe"})
    assert found.status_code == 422
    assert {"#purpose", "#kind"} <= set(re.findall(r'href="(#\w+)"', found.content.decode()))
    assert not any(one.event == "practice-export" for one in surgery.entries())
    surgery.clock.pass_(minutes=6)
    for answer in (
        gp.get(LIST + "export/?tier=tier+1"),
        gp.post(LIST + "export/", {"purpose": "care-plan", "kind": "csv"}),
    ):
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith("/staff/again/?next=/staff/practice/Z80001/export/")


def test_a_name_that_looks_like_a_formula_is_text_in_the_file(surgery, monkeypatch):
    """A spreadsheet program must not run what somebody was registered as."""
    from caldicott.portal.staff.practice import taking

    real = taking.everybody

    def injected(*asked, **more):
        from dataclasses import replace

        seen = real(*asked, **more)
        return replace(seen, persons=tuple(replace(one, name='=HYPERLINK("x")') for one in seen.persons))

    monkeypatch.setattr(taking, "everybody", injected)
    gp = reader(surgery)
    text = gp.post(LIST + "export/", {"purpose": "care-plan", "kind": "csv"}).content.decode()
    assert "'=HYPERLINK" in text
    assert ",=HYPERLINK" not in text


def test_who_was_lately_in_hospital(surgery, monkeypatch):
    """Emergencies of the last days of the records, newest first: own patients, planned stays not among them."""
    from caldicott.portal.staff.practice import board

    real = board.admitted
    monkeypatch.setattr(board, "admitted", lambda *a, **k: real(*a, **{**k, "days": 365}))
    gp = reader(surgery)
    found = gp.get(LIST + "admitted/")
    text = words(found)
    assert found.status_code == 200
    shown = re.findall(r'patients/\w+/[^"]*">([^<]+)</a>', found.content.decode())
    assert shown[0] == named(FRAIL)
    assert named(SICK_LONG_AGO) not in shown
    assert "10 January 2026" in text
    assert text.count("Visited an emergency department") == 3
    assert shown.count(named(FRAIL)) == 2


def test_without_a_late_emergency_the_page_says_so(surgery):
    """In the last 30 days of these records there is none."""
    text = words(reader(surgery).get(LIST + "admitted/"))
    assert "no emergency of your patients" in text
    assert "2 March 2026 to 31 March 2026" in text


def test_notes_of_who_left_go_at_the_next_start_though_nobody_opens_a_page(surgery):
    """What is kept about the others stays; a list that came in broken erases nothing here either."""
    gp = reader(surgery)
    step(gp, WELL, "shortlisted")
    step(gp, TWICE, "shortlisted")
    gp.post(address_of(gp, WELL) + "notes/", {"note": SECRET, "form": "1"})
    keeping.forget_gone()
    assert len(rows_of(surgery.store, "case")) == 2
    from caldicott.stores.desk.models import Case, CaseNote

    Case.objects.filter(id=CaseNote.objects.get().case_id).update(token="RLEFTTHEPRACTICE99")
    keeping.forget_gone()
    assert (len(rows_of(surgery.store, "case")), rows_of(surgery.store, "casenote")) == (1, [])
    erased = next(one for one in surgery.entries() if one.event == "cases-erased")
    assert (erased.actor, erased.references) == ("portal", ("practice Z80001", "cases 1"))


def test_a_run_erases_the_notes_of_who_left(surgery):
    """The command `run` settles the desk when it is done; a store without a desk is left alone."""
    gp = reader(surgery)
    step(gp, WELL, "shortlisted")
    from caldicott.stores.desk.models import Case

    Case.objects.update(token="RLEFTTHEPRACTICE99")
    program = (
        "import sys; from pathlib import Path; from caldicott.cli.after_run import settle_desk; "
        "settle_desk(Path(sys.argv[1]))"
    )
    for store in (surgery.store, surgery.store.parent / "no-store"):
        subprocess.run(
            [sys.executable, "-c", program, str(store)], check=True, env=environment(surgery.store.parent / "home")
        )
    assert rows_of(surgery.store, "case") == []
    assert not (surgery.store.parent / "no-store").exists()


def test_the_command_run_settles_the_desk(surgery, monkeypatch):
    """After the run itself, of the very store."""
    settled = []
    monkeypatch.setattr(after_run, "settle_desk", settled.append)
    done = CliRunner().invoke(app, ["run", "example-icb", "--store", str(surgery.store), "--activity", RISK])
    assert (done.exit_code, settled) == (0, [surgery.store]), done.output


def test_a_case_nobody_works_on_is_erased_after_two_years(surgery):
    """With its steps, at the portal's next start; a younger one stays; that it was done is in the trail."""
    gp = reader(surgery)
    step(gp, TWICE, "shortlisted")
    keeping.forget_old()
    assert len(rows_of(surgery.store, "case")) == 1
    surgery.clock.pass_(days=731)
    keeping.forget_old()
    assert rows_of(surgery.store, "casestep") == []
    assert (surgery.entries()[-1].event, surgery.entries()[-1].reasons) == ("cases-erased", ("too-old",))
