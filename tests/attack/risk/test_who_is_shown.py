"""Everybody who should not learn whose a score is tries to. Each is refused with the reason, and the trail says so."""

from __future__ import annotations

import csv
import logging
from dataclasses import replace
from datetime import date

import pytest

import people
from caldicott.operations.reidentify import FOREIGN_MOST, TOKENS_MOST, Reader
from caldicott.vocabulary.errors import CaldicottError, Refused, WrongUsage
from risk_ward import (
    CROWD,
    FEDERATION,
    FRAIL,
    GP,
    NATIONAL_OBJECTOR,
    OTHERS,
    OUTSIDER,
    TWICE,
    WELL,
    code_of,
    copied,
    listed,
    looked_up,
    registered,
    scored,
    tokens_by_number,
)
from stage import RISK

NOBODY = [
    Reader("gp", "Z80002", "other-practice"),
    Reader("gp", "Z80099", "practice-of-nobody"),
    Reader("gp", "Z99999", "unknown-practice"),
    Reader("gp", "example-icb", "gp-at-the-board"),
    Reader("gp", "example-csu", "gp-at-the-unit"),
    Reader("care_team", "Z80001", "nurse"),
    Reader("commissioning_analyst", "example-icb", "analyst"),
    Reader("commissioning_analyst", "Z80001", "analyst-at-the-practice"),
    Reader("processor_staff", "example-csu", "operator"),
    Reader("dscro_operator", "example-dscro", "lander"),
    Reader("ig_officer", "example-icb", "officer"),
    Reader("caldicott_guardian", "example-icb", "guardian"),
    Reader("system_administrator", "example-icb", "root"),
    Reader("researcher", "example-icb", "researcher"),
    Reader("public", "example-icb", "anybody"),
    Reader("nobody-known", "Z80001", "stranger"),
]


@pytest.fixture(scope="module")
def world(tmp_path_factory, example_icb):
    return scored(tmp_path_factory.mktemp("risk"), example_icb)


@pytest.fixture(scope="module")
def tokens(world):
    return tokens_by_number(world)


@pytest.fixture(scope="module")
def untouched(tmp_path_factory, example_icb):
    return scored(tmp_path_factory.mktemp("untouched"), example_icb)


@pytest.fixture
def own(tmp_path, untouched):
    """A ward that the test may change."""
    return copied(untouched, tmp_path)


def _without(register, instrument, until):
    """The register in which that document's last day was `until`."""
    kept = []
    for one in register.instruments:
        ended = tuple(event.model_copy(update={"valid_until": until}) for event in one.history)
        kept.append(one.model_copy(update={"history": ended}) if one.id == instrument else one)
    return register.model_copy(update={"instruments": tuple(kept), "digest": "0" * 64})


@pytest.mark.parametrize("reader", NOBODY, ids=lambda reader: reader.user)
def test_nobody_else_is_told_who_a_code_is(world, tokens, reader):
    """Other practices, the commissioner, the processor, the landing office, officers, strangers: refused, recorded."""
    with pytest.raises(Refused):
        looked_up(world, [tokens[FRAIL.number]], reader)
    mine = [entry for entry in world.entries() if entry.actor == reader.user]
    assert mine[-1].outcome == "refusal"
    assert not [entry for entry in mine if entry.counts.get("persons shown")]


@pytest.mark.parametrize("reader", NOBODY, ids=lambda reader: reader.user)
def test_nobody_else_is_shown_the_list(world, reader):
    """The same for the practice's list."""
    with pytest.raises(Refused):
        listed(world, reader, "Z80001")
    assert [entry for entry in world.entries() if entry.actor == reader.user][-1].outcome == "refusal"


def test_the_own_practice_sees_its_patient_with_name_number_and_birth_date(world, tokens):
    """The one who may: NHS number, name (by the activity of care), birth date, scores, and what they are made of."""
    (person,) = looked_up(world, [tokens[FRAIL.number]]).persons
    assert (person.nhs_number, person.birth_date) == (FRAIL.number, date.fromisoformat(FRAIL.born))
    assert person.name == f"{FRAIL.family}, {FRAIL.given}"
    because = {(one.score, one.group, one.codes) for one in person.contributions if one.score == "charlson-quan-2011"}
    assert because == {("charlson-quan-2011", "dementia", ("F00",)), ("charlson-quan-2011", "chf", ("I50",))}


def test_every_viewing_is_in_the_trail(world, tokens):
    """Who, how many, why, whose codes, by which rules: recorded before it is shown, and never a number or a name."""
    looked_up(world, [tokens[FRAIL.number], tokens[TWICE.number]], purpose="care-plan")
    entry = world.entries()[-1]
    assert (entry.event, entry.actor, entry.role, entry.organisation) == ("reidentify", "dr-one", "gp", "Z80001")
    assert entry.counts == {"persons shown": 2}
    assert "care-plan" in entry.references
    assert {tokens[FRAIL.number], tokens[TWICE.number]} <= set(entry.references)
    assert not any(one in str(entry.as_record()) for one in (FRAIL.number, FRAIL.family, TWICE.number))


def test_a_page_records_how_many_it_showed(world):
    """A page of the list is a viewing like any other."""
    listed(world, limit=3)
    entry = world.entries()[-1]
    assert (entry.event, dict(entry.counts)) == ("reidentify", {"persons shown": 3})


def test_a_made_up_purpose_is_not_taken(world, tokens):
    """The purpose is one of a list: free words could name a patient in the trail."""
    with pytest.raises(WrongUsage) as fault:
        looked_up(world, [tokens[FRAIL.number]], purpose=FRAIL.family)
    assert FRAIL.family not in str(fault.value)


def test_a_federation_sees_those_whose_guardians_agreed_and_nobody_else(world):
    """The group sees the patients of its practices by NHS number, without names, and no other practice's."""
    assert tokens_by_number(world, "Z80002", FEDERATION).keys() == {person.number for person in OTHERS}
    assert {one.name for one in listed(world, FEDERATION, "Z80002").seen.persons} == {None}
    with pytest.raises(Refused) as refusal:
        listed(world, FEDERATION, "Z80009")
    assert refusal.value.code == "not-own-practice"


def test_one_guardian_that_lapses_costs_exactly_that_practice(own):
    """The day after one agreement ends its patients are gone from the group's view; the other practice's stay."""
    one, two = tokens_by_number(own), tokens_by_number(own, "Z80002", FEDERATION)
    own.register = _without(own.register, "guardian-agreement-z80002", date(2026, 5, 3))
    with pytest.raises(Refused) as refusal:
        listed(own, FEDERATION, "Z80002")
    assert "Z80002" in str(refusal.value)
    assert "2026-05-03" in str(refusal.value)
    assert tokens_by_number(own, "Z80001", FEDERATION) == one
    seen = looked_up(own, [*one.values(), *two.values()], FEDERATION)
    assert {person.nhs_number for person in seen.persons} == set(one)
    assert set(seen.not_shown) == set(two.values())
    # the practice itself needs no agreement to see its own
    assert tokens_by_number(own, "Z80002", Reader("gp", "Z80002", "dr-two")) == two


@pytest.mark.parametrize("instrument", ["cag-7-04", "dars-dsa", "gp-sharing-agreement", "dpia-risk-stratification"])
def test_nothing_is_shown_after_a_document_has_lapsed(own, instrument):
    """Scores made while the approval held are not shown after its last day, not even to the own practice."""
    token = tokens_by_number(own)[FRAIL.number]
    own.register = _without(own.register, instrument, date(2026, 5, 3))
    for attempt in (lambda: looked_up(own, [token]), lambda: listed(own)):
        with pytest.raises(Refused) as refusal:
            attempt()
        assert refusal.value.code == "instrument-lapsed"
    assert own.entries()[-1].outcome == "refusal"


def test_a_patient_who_has_moved_is_refused_with_the_reason(own):
    """From the day the new list lands, before any run: the old practice is told that the patient has moved."""
    token = tokens_by_number(own)[WELL.number]
    own.send("emis-patients", [registered(WELL, "Z80009", DateOfRegistration="2026-04-20", ExtractDate="2026-05-01")],
             name="moved", update="net-change", period=("2026-04-01", "2026-05-03"))  # fmt: skip
    own.land()
    with pytest.raises(Refused) as refusal:
        looked_up(own, [token])
    assert refusal.value.code == "moved"
    assert own.entries()[-1].reasons == ("moved",)
    assert WELL.number not in tokens_by_number(own)
    own.run(RISK)
    with pytest.raises(Refused) as refusal:
        looked_up(own, [token])
    assert refusal.value.code == "moved"
    assert "Z80009" not in str(refusal.value)
    assert WELL.number in tokens_by_number(own, "Z80009", Reader("gp", "Z80009", "dr-nine"))


def test_the_national_feed_moves_a_patient_too(own):
    """The national demographics say that the patient is elsewhere now: that is newer than the practice's own list."""
    token = tokens_by_number(own)[WELL.number]
    row = people.row("pds-person", WELL, "p1", "2026-04-25", **{
        "Primary Care Provider": "Z80009", "Primary Care Provider Business Effective From Date": "2026-04-25",
    })  # fmt: skip
    own.send("pds-person", [row], name="pds")
    own.land()
    with pytest.raises(Refused) as refusal:
        looked_up(own, [token])
    assert refusal.value.code == "moved"
    own.run(RISK)
    assert WELL.number not in tokens_by_number(own)
    assert WELL.number in tokens_by_number(own, "Z80009", Reader("gp", "Z80009", "dr-nine"))


def test_a_patient_who_has_left_is_nobodys(own):
    """A registration that ended gives no practice the right to look."""
    token = tokens_by_number(own)[WELL.number]
    own.send("emis-patients", [registered(WELL, DateOfDeactivation="2026-04-20", ExtractDate="2026-05-01")],
             name="left", update="net-change", period=("2026-04-01", "2026-05-03"))  # fmt: skip
    own.land()
    with pytest.raises(Refused) as refusal:
        looked_up(own, [token])
    assert refusal.value.code == "left"
    own.run(RISK)
    assert WELL.number not in tokens_by_number(own)


@pytest.mark.parametrize("scheme", ["risk", "type1"])
def test_who_objects_today_is_not_shown_today(own, scheme):
    """An objection that has landed counts at once, before the next run; a withdrawal of it counts as well."""
    token = tokens_by_number(own)[FRAIL.number]
    sent = {"update": "net-change", "period": ("2026-04-01", "2026-05-03")}
    own.send("emis-objections", [people.objection(FRAIL, "o1", code_of(scheme), "2026-04-20")], name="no", **sent)
    own.land()
    with pytest.raises(Refused) as refusal:
        looked_up(own, [token])
    assert refusal.value.code == "objects"
    assert FRAIL.number not in tokens_by_number(own)
    withdrawn = code_of(scheme, dissent=False)
    own.send("emis-objections", [people.objection(FRAIL, "o2", withdrawn, "2026-04-25")], name="yes", **sent)
    own.land()
    assert FRAIL.number in tokens_by_number(own)


def test_who_opts_out_nationally_is_not_shown_from_the_next_answer_on(own):
    """A newer national answer without the person takes the person out of what is shown."""
    token = tokens_by_number(own)[FRAIL.number]
    own.answer([person for person in CROWD if person not in {FRAIL, NATIONAL_OBJECTOR}], name="newer")
    own.land()
    with pytest.raises(Refused) as refusal:
        looked_up(own, [token])
    assert refusal.value.code == "objects"


def test_codes_of_others_and_made_up_codes_look_alike(world, tokens):
    """Whether a code is another practice's patient or nobody cannot be told from the answer."""
    reader = Reader("gp", "Z80002", "curious")
    answers = []
    for token in (tokens[FRAIL.number], "R" + "0" * 17):
        with pytest.raises(Refused) as refusal:
            looked_up(world, [token], reader)
        answers.append((str(refusal.value), refusal.value.code))
    assert answers[0] == answers[1]


def test_trying_codes_is_stopped_recorded_and_told(own, tokens):
    """Ten thousand codes at once: refused, in the trail as an alert, and the reader sees nothing more that day."""
    reader = Reader("gp", "Z80001", "enumerator")
    guesses = [f"R{place:017d}" for place in range(10_000)]
    with pytest.raises(Refused) as refusal:
        looked_up(own, guesses, reader)
    assert refusal.value.code == "enumeration"
    (alert,) = [entry for entry in own.entries() if entry.event == "alert"]
    assert (alert.actor, alert.reasons, alert.counts["not of the reader's patients"]) == (
        "enumerator", ("enumeration",), 10_000,
    )  # fmt: skip
    mine = tokens_by_number(own)[FRAIL.number]
    for attempt in (lambda: looked_up(own, [mine], reader), lambda: listed(own, reader)):
        with pytest.raises(Refused) as refusal:
            attempt()
        assert refusal.value.code == "enumeration"
    assert looked_up(own, [mine]).persons, "another member of staff is not stopped"
    own.today = own.today.replace(day=own.today.day + 1)
    assert looked_up(own, [mine], reader).persons


def test_trying_codes_one_by_one_is_stopped_too(own):
    """Patience does not help: the day's codes add up."""
    reader = Reader("gp", "Z80001", "patient-enumerator")
    codes = []
    for place in range(FOREIGN_MOST + 1):
        with pytest.raises(Refused) as refusal:
            looked_up(own, [f"R{place:017d}"], reader)
        codes.append(refusal.value.code)
    assert codes == ["not-own-practice"] * FOREIGN_MOST + ["enumeration"]


def test_own_patients_are_not_taken_out_by_the_thousand(own, monkeypatch):
    """Even a practice's own patients are looked up a page at a time."""
    monkeypatch.setattr("caldicott.operations.reidentify.TOKENS_MOST", 3)
    with pytest.raises(Refused) as refusal:
        looked_up(own, [*tokens_by_number(own).values()])
    assert refusal.value.code == "too-many-tokens"
    assert TOKENS_MOST == 500


def test_an_export_gives_a_practice_nobody_elses_codes(world):
    """A practice sees its patients one by one; a file of everybody's codes is not its right."""
    for wanted in (None, "pseudonymised", "aggregated", "identifiable"):
        with pytest.raises(Refused):
            world.export("gp", f"gp-{wanted}", activity=RISK, wanted=wanted)


def test_the_commissioner_gets_counts_and_no_person(world, tokens):
    """Tiers by segment, network and practice, small ones hidden; no code, no age, nobody."""
    world.export("commissioning_analyst", "counts", activity=RISK)
    path, beside = (world.root / "counts" / f"{name}.csv" for name in ("risk-scores", "opt-outs"))
    assert {*(world.root / "counts").glob("*.csv")} == {path, beside}
    with path.open() as stream:
        rows = list(csv.DictReader(stream))
    assert set(rows[0]) == {"month", "network", "practice", "tier", "segment", "persons"}
    assert {row["practice"] for row in rows} == {"Z80001", "Z80002", "Z80009"}
    # hes-2018: one to seven people are not shown, and no group here has more.
    assert {row["persons"] for row in rows} == {"*"}
    together = path.read_text() + beside.read_text()
    assert not any(token in together for token in tokens.values())


def test_persons_do_not_print_themselves(world, tokens):
    """A person, and why a score is what it is, print as nothing: not in a log, not in a debugger's first look."""
    seen = looked_up(world, [tokens[FRAIL.number]])
    printed = repr(seen.persons) + repr(seen) + str(seen.persons[0].contributions)
    for value in (FRAIL.number, FRAIL.family, FRAIL.given, FRAIL.born, "I50"):
        assert value not in printed


def test_no_identifier_in_score_files_logs_or_errors(own, caplog, capfd):
    """Whatever is tried, no plain file of the store, no log and no error holds a name, number or birth date."""
    caplog.set_level(logging.DEBUG)
    mine = tokens_by_number(own)
    said = []
    attempts = [
        lambda: looked_up(own, [*mine.values()]),
        lambda: looked_up(own, [*mine.values()], Reader("gp", "Z80002", "b")),
        lambda: listed(own, sort="no-such"),
        lambda: listed(own, filters=(("surname", FRAIL.family),)),
        lambda: listed(own, limit=0),
        lambda: looked_up(own, [FRAIL.number], Reader("gp", "Z80001", "typed-a-number")),
    ]
    for attempt in attempts:
        try:
            attempt()
        except CaldicottError as fault:
            said.append(f"{fault} {fault!r} {fault.as_record()}")
    assert len(said) == len(attempts) - 1
    output = "".join(capfd.readouterr()) + caplog.text + "".join(said)
    trail = "".join(str(entry.as_record()) for entry in own.entries())
    values = [v for p in CROWD for v in (p.number, p.family, p.given, p.born, p.postcode)]
    assert not [value for value in values if value in output + trail]
    for path in sorted(own.store.rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        assert not [place for place, value in enumerate(values) if value.encode() in content], path.name


def test_the_roll_opens_for_its_own_practice_and_run_only(own):
    """The encrypted roll is bound to its place: put in another practice's place it does not open."""
    rolls = {path.stem: path for path in own.store.rglob("risk-roll/**/*.parquet")}
    assert set(rolls) == {"Z80001", "Z80002", "Z80009"}
    rolls["Z80001"].write_bytes(rolls["Z80009"].read_bytes())
    with pytest.raises(CaldicottError) as fault:
        listed(own)
    assert fault.value.code == "file-does-not-open"
    assert OUTSIDER.number not in str(fault.value)


def test_the_reader_cannot_borrow_a_practice_by_its_name(world):
    """A practice that asks for another practice's list is refused though it is a practice of the same group."""
    with pytest.raises(Refused) as refusal:
        listed(world, replace(GP, organisation="Z80002"), "Z80001")
    assert refusal.value.code == "not-own-practice"


@pytest.mark.parametrize("reader", [Reader("gp", "Z80001", " "), Reader("gp", " ", "dr-one")], ids=["user", "where"])
def test_nobody_looks_without_a_name(world, tokens, reader):
    """A viewing that could not say who looked does not happen."""
    with pytest.raises(WrongUsage) as fault:
        looked_up(world, [tokens[FRAIL.number]], reader)
    assert fault.value.code == "reader-unnamed"


def test_a_name_shaped_like_a_patients_number_is_not_entered(world, tokens):
    """Somebody who types a patient's number as their own name sees nobody, and the number is not in the trail."""
    with pytest.raises(CaldicottError) as fault:
        looked_up(world, [tokens[FRAIL.number]], Reader("gp", "Z80001", TWICE.number))
    assert fault.value.code == "audit-entry-identifies"
    assert TWICE.number not in str([entry.as_record() for entry in world.entries()]) + str(fault.value)


def test_what_a_sender_wrote_as_a_practice_never_becomes_a_path(own):
    """A practice code with a way out of the store in it, or of no member, makes no list, no roll and no folder."""
    before = {path.name for path in own.root.iterdir()}
    strange = [registered(WELL, "../../../out", DateOfRegistration="2026-04-20", ExtractDate="2026-05-01"),
               registered(TWICE, "Y99999", DateOfRegistration="2026-04-20", ExtractDate="2026-05-01"),
               registered(FRAIL, " z80001 ", DateOfRegistration="2026-04-20", ExtractDate="2026-05-01")]  # fmt: skip
    own.send("emis-patients", strange, name="strange", update="net-change", period=("2026-04-01", "2026-05-03"))
    own.land()
    assert FRAIL.number in tokens_by_number(own)
    own.run(RISK)
    assert {path.stem for path in own.store.rglob("risk-list/*.parquet")} <= {"Z80001", "Z80002", "Z80009"}
    assert {path.stem for path in own.store.rglob("risk-roll/**/*.parquet")} <= {"Z80001", "Z80002", "Z80009"}
    assert {path.name for path in own.root.iterdir()} == before
    assert tokens_by_number(own).keys() & {WELL.number, TWICE.number, FRAIL.number} == {FRAIL.number}
