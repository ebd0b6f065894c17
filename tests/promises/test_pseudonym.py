"""Codes in place of people: one code a person inside a purpose, another in the next, and no way back by guessing."""

from __future__ import annotations

import hashlib
import hmac

import pyarrow.parquet as pq
import pytest

from caldicott.operations.verify.control import State
from caldicott.policy.decide import decide
from caldicott.policy.decision import Permit, Request
from caldicott.vocabulary.terms import Role
from promises.town import MONTHS
from stage import PLANNING, RISK, TODAY

ANALYST, PROCESSOR = Role.COMMISSIONING_ANALYST.value, Role.PROCESSOR_STAFF.value


@pytest.mark.keeps("L1-009", "L1-024")
def test_a_person_has_one_code_in_every_month(town):
    """Three stays in three months, at the beginning and the end of treatment: one code, so they can be compared."""
    rows = town.stage.mart("sus-apc")
    assert {str(row["episode_started_on"])[:7] for row in rows} == set(MONTHS)
    codes = town.codes("sus-apc")
    assert len(codes) > 10
    assert all(len(of_one) == 1 for of_one in codes.values())
    assert len({code for of_one in codes.values() for code in of_one}) == len(codes)


@pytest.mark.keeps("L1-026", "L1-038")
def test_the_code_means_nothing_in_another_purpose(town):
    """The same person has another code for risk scores than for planning; the two lists share not one code."""
    planning, risk = (town.codes("sus-apc", activity) for activity in (PLANNING, RISK))
    both = set(planning) & set(risk)
    assert len(both) > 10
    assert not {*set().union(*planning.values())} & {*set().union(*risk.values())}


@pytest.mark.keeps("L1-026", "L1-028", "L1-009")
def test_hashing_every_number_gives_no_code(town):
    """A list of all NHS numbers, hashed in any common way with any salt to be had, matches no code."""
    codes = {code for a in (PLANNING, RISK) for of_one in town.codes("sus-apc", a).values() for code in of_one}
    bodies = {code[1:17].lower() for code in codes}
    salts = (b"", b"commissioning", b"risk", b"C", b"R", *(code.encode() for code in list(codes)[:3]))
    found = 0
    for person in town.everybody:
        number = person["number"].encode()
        for algorithm in ("md5", "sha1", "sha256", "sha512", "blake2b", "sha3_256"):
            for salt in salts:
                for digest in (hashlib.new(algorithm, salt + number), hashlib.new(algorithm, number + salt)):
                    found += digest.hexdigest()[:16] in bodies or _in_base32(digest.digest()) in bodies
        found += hmac.new(b"caldicott", number, "sha256").hexdigest()[:16] in bodies
    assert len(codes) > 20
    assert found == 0


def _in_base32(digest):
    """The first 80 bits in Crockford's letters, as a code would be if it were made of a hash."""
    whole = int.from_bytes(digest[:10], "big")
    return "".join("0123456789abcdefghjkmnpqrstvwxyz"[whole >> shift & 31] for shift in range(75, -1, -5))


@pytest.mark.keeps("L1-028")
def test_a_second_store_gives_the_same_people_other_codes(town, tmp_path_factory, example_icb):
    """Codes are drawn, not computed: the same person in another store, landed the same way, has another code."""
    import people
    from promises.town import as_invented
    from stage import Stage, episode

    other = Stage(tmp_path_factory.mktemp("other"), example_icb)
    same = [as_invented(person) for person in town.everybody[8:12]]
    other.send("ncdr-sus-apc", [episode(one, f"{place:02d}-0") for place, one in enumerate(same, 8)])
    other.send("emis-objections", [people.objection(same[0], "o", "999999", "2020-01-01")], sender="Z80001")
    other.answer(same)
    other.land()
    other.run()
    here, there = town.codes("sus-apc"), {row["person_token"] for row in other.mart()}
    assert len(there) == 4
    assert not there & {*set().union(*here.values())}


@pytest.mark.keeps("L1-023")
def test_other_organisations_get_no_code_and_no_identity(town):
    """Processors work under the commissioner's own code; everybody else is given counts, in which no code stands."""
    given = {role: folder for (role, activity), folder in town.exports.items() if activity == PLANNING}
    outside = {role: folder for role, folder in given.items() if role not in {ANALYST, PROCESSOR}}
    assert "public" in outside
    for folder in outside.values():
        assert not list(folder.rglob("*.parquet"))
        assert all("token" not in path.read_text() for path in folder.rglob("*.csv"))


@pytest.mark.keeps("OX-068")
def test_planners_cannot_turn_a_code_into_a_person(example_icb, town):
    """Only a practice may ask whose code it is; nothing that could answer lies beside what planners are given."""
    allowed = {
        role.value
        for role in Role
        for entry in example_icb.activities
        for use in entry.datasets or ()
        if isinstance(decide(Request(role, entry.id, use.dataset, "identifiable", action="reidentify"),
                             example_icb, TODAY), Permit)
    }  # fmt: skip
    assert allowed == {"gp"}
    beside = [path for folder in town.exports.values() for path in folder.rglob("*") if path.is_file()]
    assert beside
    assert {path.suffix for path in beside} <= {".parquet", ".csv", ".json"}
    keys = [path.read_bytes() for path in (town.stage.store / "keys").glob("*.json")]
    assert all(b'"wraps"' in key for key in keys)


@pytest.mark.keeps("L1-038", "L1-024", "L1-028", "OX-068", "L1-023", "L1-026")
def test_verify_says_so_of_the_codes(report):
    """`verify` counts the codes itself and finds the same."""
    for control in ("one-domain-per-purpose", "one-code-per-person", "token-not-derived", "codes-drawn-at-random",
                    "vault-apart", "reidentify-named-only", "keys-wrapped"):  # fmt: skip
        assert report.findings[control].state is State.KEPT, report.findings[control].seen


@pytest.mark.keeps("L1-022")
def test_which_code_is_whose_lies_apart_and_sealed(town):
    """Away from the marts, each direction in files of its own, none of which opens without its key."""
    files = list((town.stage.store / "vault").rglob("*.parquet"))
    assert {path.name.split(".")[0] for path in files} == {"index", "reidentification"}
    assert len({path.name.split(".")[1] for path in files}) == 4
    for path in files:
        with pytest.raises(OSError, match="encrypt"):
            pq.read_table(path)


@pytest.mark.keeps("L1-021", "L1-027")
def test_a_practice_may_ask_for_its_own_patients_only(example_icb):
    """The permit obliges to show that the patient is registered there; a body that is no practice is refused."""
    ask = Request("gp", RISK, "risk-scores", "identifiable", organisation="Z80001", action="reidentify")
    answer = decide(ask, example_icb, TODAY)
    assert answer.obligations.own_organisation == "Z80001"
    assert answer.obligations.relationship == "own_practice"
    stranger = Request(
        "gp", RISK, "risk-scores", "identifiable", organisation="example-acute-east", action="reidentify"
    )
    assert not isinstance(decide(stranger, example_icb, TODAY), Permit)
