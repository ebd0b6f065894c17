"""Saying no: who refused is not in what is made, the latest word counts, and care stays the same."""

from __future__ import annotations

from datetime import timedelta

import pyarrow.parquet as pq
import pytest

import people
from caldicott.operations.verify.control import State
from caldicott.publication import notice
from caldicott.publication.edition import current
from promises.town import OBJECTORS
from stage import PLANNING, RISK, TODAY, Stage, episode

EVERYBODY = set(range(20))
# what is made, and who of the town may not be in it.
OUT = {
    (PLANNING, "sus-apc"): {"national opt-out", "type 2 in time"},
    (PLANNING, "gp-patients"): {"national opt-out", "type 2 in time", "type 1", "not even with a code"},
    (RISK, "sus-apc"): {"national opt-out", "type 2 in time", "type 1", "no risk score"},
    (RISK, "gp-patients"): {"national opt-out", "type 2 in time", "type 1", "no risk score"},
}


@pytest.mark.keeps("L1-119", "L1-121", "OX-030", "OX-080", "DO-089")
@pytest.mark.parametrize(("activity", "dataset"), OUT)
def test_who_refused_is_out_and_nobody_else(town, activity, dataset):
    """Exactly those whose objection stops this use are missing; who took it back or refused something else is in."""
    assert town.met(dataset, activity) == EVERYBODY - {OBJECTORS[who] for who in OUT[activity, dataset]}


@pytest.mark.keeps("OX-030")
def test_an_objection_taken_back_counts_no_more(town):
    """The latest code decides: who withdrew a refusal is in the extract again, and so is who used an ended scheme."""
    for who in ("type 1, taken back", "risk, taken back", "type 2 a day too late"):
        assert OBJECTORS[who] in town.met("gp-patients", RISK)


@pytest.fixture
def small(tmp_path, example_icb):
    """Two people at a hospital; practices have sent their codes, which say nothing of them."""
    stage = Stage(tmp_path, example_icb)
    stage.crowd = people.invented(3)[1:]
    stage.send("ncdr-sus-apc", [episode(person, f"r{place}") for place, person in enumerate(stage.crowd)])
    stage.send("emis-objections", [people.objection(stage.crowd[0], "none", "999999", "2020-01-01")], sender="Z80001")
    return stage


@pytest.mark.keeps("DO-089", "L1-121")
def test_without_a_fresh_national_answer_nobody_is_in(small):
    """No answer, or one older than the register allows: everybody is left out, and with a fresh one they are in."""
    small.land()
    small.run()
    assert small.refs() == []
    small.land(small.answer(small.crowd))
    small.run()
    assert small.refs() == ["r0", "r1"]
    small.today = TODAY + timedelta(days=8)
    small.run()
    assert small.refs() == []


@pytest.mark.keeps("OX-030")
def test_until_practices_have_sent_their_codes_nobody_is_in(tmp_path, example_icb):
    """Silence is not consent: without any word of who objects to scores, no record is used for them."""
    stage, crowd = Stage(tmp_path, example_icb, codes_answered=False), people.invented(3)[1:]
    stage.send("ncdr-sus-apc", [episode(person, f"r{place}") for place, person in enumerate(crowd)])
    stage.answer(crowd)
    stage.land()
    stage.run(RISK)
    assert stage.mart("sus-apc", RISK) == []
    stage.codes_answered = True
    stage.run(RISK)
    assert len(stage.mart("sus-apc", RISK)) == 2


@pytest.mark.keeps("DO-089")
def test_an_opt_out_after_the_marts_were_made_still_stops_what_leaves(small):
    """Objections are asked again on the way out: who opted out since is not in the export."""
    small.answer(small.crowd)
    small.land()
    small.run()
    assert small.refs() == ["r0", "r1"]
    small.today = TODAY + timedelta(days=1)
    small.land(small.answer(small.crowd[:1]))
    small.export("commissioning_analyst", "out")
    rows = [r for path in (small.root / "out" / "sus-apc").rglob("*.parquet") for r in pq.read_table(path).to_pylist()]
    assert [row["provider_reference"] for row in rows] == ["r0"]


@pytest.mark.keeps("DO-089")
def test_the_notice_leads_to_the_national_opt_out(example_icb):
    """The link to the national page is printed where people read how to say no."""
    pages = notice.pages(example_icb, at=TODAY, edition=current(example_icb, TODAY))
    assert [page.slug for page in pages if "https://www.nhs.uk/your-nhs-data-matters/" in repr(page)]


@pytest.mark.keeps("L1-122")
def test_only_a_reason_of_the_closed_list_passes_over_an_objection(example_icb):
    """Infection reviews and safeguarding say by which law; planning and risk scores have no such reason."""
    exempt = {e.id: e.objections.exemptions for e in example_icb.activities if e.objections and e.objections.exemptions}
    assert {"post-infection-reviews", "safeguarding"} <= set(exempt)
    assert all(one.reference.strip() for found in exempt.values() for one in found)
    assert not {PLANNING, RISK} & set(exempt)


@pytest.mark.keeps("L1-122")
def test_a_made_up_reason_is_no_reason(example_icb):
    """A reason that is not on the list cannot even be written into the register."""
    from pydantic import ValidationError

    from caldicott.register.model import Exemption

    with pytest.raises(ValidationError):
        Exemption(kind="convenience", reference="because")


@pytest.mark.keeps("L1-119")
def test_opting_out_of_other_uses_leaves_care_alone(example_icb):
    """No type 1 and no national opt-out stops anything a practice or a care team does for its own patient."""
    care = [entry for entry in example_icb.activities if entry.use == "primary"]
    assert {"case-finding", "shared-care-record"} <= {entry.id for entry in care}
    schemes = {rule.scheme.value for entry in care for rule in (entry.objections.rules if entry.objections else ())}
    assert not schemes & {"type1", "type2", "ndop", "risk", "research"}


@pytest.mark.keeps("DO-089", "L1-119", "L1-121", "OX-030")
def test_every_row_left_out_is_counted_under_one_objection(town):
    """The account of each sender's submission names the objection and adds up to what was sent."""
    hospital = town.stage.account("hospital")
    assert hospital["excluded_by"] == {"ndop": 3, "type2": 3}
    practice = town.stage.account("practice")
    assert practice["excluded_by"] == {"ndop": 1, "type2": 1, "type1": 1, "deidentified": 1}
    assert hospital["balanced"]
    assert practice["balanced"]


@pytest.mark.keeps("L1-119", "L1-121", "OX-030", "OX-080", "DO-089", "L1-122")
def test_verify_counts_the_objections_a_second_time(report):
    """By rules written apart from the engine's own, `verify` finds nobody who objects in what was made."""
    looked = ["objections-applied", "latest-code-counts", "national-answer-fresh", "silence-stops", "opt-outs-counted"]
    for control in [*looked, "exemptions-have-a-reference", "direct-care-untouched", "national-opt-out-link"]:
        assert report.findings[control].state is State.KEPT, report.findings[control].seen


@pytest.mark.keeps_partly("L2-025", "OX-041")
def test_who_wants_no_score_is_in_no_input_of_the_scores(town):
    """Neither a hospital nor a practice row of that person is in what scores would be worked out from."""
    for dataset in ("sus-apc", "gp-patients"):
        assert OBJECTORS["no risk score"] not in town.met(dataset, RISK)


@pytest.mark.keeps_partly("L1-118")
def test_objections_come_from_practices(town):
    """The codes landed from a practice, by the agreement with practices; nothing in the program makes one."""
    with town.stage.house() as house:
        sent = [s for s in house.store.catalogue.submissions() if s.dataset == "gp-objections"]
    assert {one.agreement for one in sent} == {"gp-sharing-agreement"}
