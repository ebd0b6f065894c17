"""Who may open what of a practice: every address, every role, own, other, grouped practice, before and after a lapse.

The table is generated: an address or a role that is added is in it, and no cell
is left out. What must hold is read from the files of the register.
"""

from __future__ import annotations

import shutil
import tomllib
from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import override_settings
from django.urls import get_resolver
from tests.portal_staff.conftest import NOON, REGISTER
from tests.portal_staff.surgery import reader

from caldicott.stores.desk import cases
from caldicott.vocabulary.terms import Role
from risk_ward import FRAIL, OTHERS, OUTSIDER

STAFF = sorted(set(Role) - {Role.PUBLIC, Role.PATIENT})
SOMEBODY = {"Z80001": FRAIL, "Z80002": OTHERS[0], "Z80009": OUTSIDER}
"""A patient of each practice."""
GROUP = "example-federation"
HOME = {"dscro_operator": "example-dscro", "processor_staff": "example-csu"}
LAPSES = {
    "nothing": (), "the approval under section 251": ("cag-7-04",),
    "one guardian's agreement": ("guardian-agreement-z80001",),
    "the practices' sharing agreement": ("gp-sharing-agreement",),
}  # fmt: skip
SENT = {
    "practice-filter": {"name": "mine", "tier": "tier 1"},
    "practice-filter-remove": {},
    "practice-export": {"purpose": "care-plan", "kind": "csv"},
    "practice-case": {"stage": "shortlisted"},
    "practice-judgement": {"judgement": "higher", "reason": "score-misses"},
    "practice-note": {"note": "seen", "form": "f"},
}
"""Every address of a practice that takes a form, and a form that is right in itself."""
ONLY_SENT = set(SENT) - {"practice-export"}
OWN_WORK = {"practice-work", "practice-case", "practice-judgement", "practice-note"}
"""What belongs to the patient's own practice and to no group."""
ONES_OWN = {"practice-filter-remove"}
"""What is about the reader alone: somebody without that filter removes nothing."""
ELSEWHERE = {"practice-looked", "practice-population"}
"""Addresses of this area that are of no practice: they have a table of their own below."""


def read(name, register=REGISTER):
    return tomllib.loads((register / name).read_text(encoding="utf-8"))


ENTRY = read("activities/risk-stratification.toml")
AGREEMENTS = {one["id"]: one for one in read("instruments.toml")["instrument"]}
MEMBERS = {"Z80001", "Z80002", "Z80009"}


def patterns():
    return {
        one.name: "/" + str(one.pattern)
        for one in get_resolver("caldicott.portal.staff.urls").url_patterns
        if (one.name or "").startswith("practice-")
    }


def live(document, lapsed):
    ends = [step["valid_until"] for step in AGREEMENTS[document].get("history", ())]
    return document not in lapsed and (not ends or max(ends) >= NOON.date())


def may_see(role, organisation, practice, lapsed):
    """What the files say: `own`, `group` or None."""
    needs = {*ENTRY["instruments"], ENTRY["confidentiality_basis"]["instrument"]}
    if ENTRY["status"] != "active" or not all(live(one, lapsed) for one in needs):
        return None
    domain = ENTRY["pseudonym_domain"]
    if organisation in MEMBERS:
        is_own = role in domain["reidentify_roles"] and domain["reidentify_relationship"] == "own_practice"
        return "own" if is_own and organisation == practice else None
    for rule in ENTRY["roles"]:
        if rule["role"] == role and rule.get("relationship") == "federation" and organisation in rule["organisations"]:
            agrees = [
                one for one in rule["requires"]
                if live(one, lapsed) and practice.lower() in AGREEMENTS[one]["parties"]
            ]  # fmt: skip
            return "group" if agrees else None
    return None


def start_of(role, organisation, lapsed):
    """The first page: one's own practice at once, a group's choice, or a refusal."""
    kinds = {may_see(role, organisation, practice, lapsed) for practice in MEMBERS}
    return 303 if "own" in kinds else 200 if "group" in kinds else 403


def expected(name, method, kind):
    """What an address answers to somebody who sees the practice as its own, as one of a group, or not at all."""
    if name in ONLY_SENT and method == "get":
        return 405
    if name not in SENT and method == "post":
        return 405
    if name in ONES_OWN:
        return 303
    if kind is None or (kind == "group" and name in OWN_WORK):
        return 403
    return 303 if method == "post" and name != "practice-export" else 200


def cells(role):
    """Organisations of a reader, and practices asked for."""
    if role in ENTRY["pseudonym_domain"]["reidentify_roles"]:
        return [(place, practice) for place in (*MEMBERS, GROUP, "example-icb") for practice in SOMEBODY]
    places = dict.fromkeys((HOME.get(role, "example-icb"), "Z80001", GROUP))
    return [(place, "Z80001") for place in places]


@pytest.mark.parametrize("lapse", LAPSES)
@pytest.mark.parametrize("role", STAFF)
def test_every_address_of_a_practice_for_every_reader(surgery, tmp_path, tokens, role, lapse):
    """Each cell: what the register's files say is what the address answers; nothing is kept for who was refused."""
    register = REGISTER if lapse == "nothing" else shutil.copytree(REGISTER, tmp_path / "register")
    end(register, LAPSES[lapse])
    wrong, right, kept = {}, 0, dict.fromkeys(SOMEBODY, 0)
    with override_settings(PORTAL=replace(surgery.portal, register=register)):
        for place, practice in cells(role):
            browser = reader(surgery, role, place)
            kind = may_see(role, place, practice, LAPSES[lapse])
            assert browser.get("/staff/practice/").status_code == start_of(role, place, LAPSES[lapse])
            for name, route in patterns().items():
                if name in {"practice-start", *ELSEWHERE}:
                    continue
                address = filled(route, practice, tokens[practice])
                for method in ("get", "post"):
                    answer = getattr(browser, method)(address, SENT.get(name, {}) if method == "post" else None)
                    said, must = answer.status_code, expected(name, method, kind)
                    right += said == must
                    if said != must:
                        wrong[name, method, place, practice] = (said, must)
                    if must == 403:
                        assert SOMEBODY[practice].family not in answer.content.decode()
                if kind != "own" and name in OWN_WORK:
                    assert len(cases.of_practice(practice)) == kept[practice]
            kept[practice] = len(cases.of_practice(practice))
    assert wrong == {}
    assert right == len(cells(role)) * 2 * (len(patterns()) - 1 - len(ELSEWHERE & set(patterns())))


def filled(route, practice, token):
    return route.replace("<slug:practice>", practice).replace("<slug:token>", token).replace("<int:number>", "1")


def end(register, documents):
    """These documents ended the day before."""
    if not documents:
        return
    path = register / "instruments.toml"
    yesterday = (NOON.date() - timedelta(days=1)).isoformat()
    parts = path.read_text(encoding="utf-8").split("[[instrument]]")
    for place, part in enumerate(parts):
        if any(f'id = "{one}"' in part for one in documents):
            lines = [f"valid_until = {yesterday}" if "valid_until" in line else line for line in part.split("\n")]
            parts[place] = "\n".join(lines)
    path.write_text("[[instrument]]".join(parts), encoding="utf-8")


@pytest.fixture(scope="session")
def tokens(ward_ground):
    """A patient's token by practice."""
    import risk_ward
    from stage import Stage as Ward
    from stage import example_register

    ward = Ward(ward_ground, example_register())
    found = {}
    for practice, person in SOMEBODY.items():
        known = risk_ward.tokens_by_number(ward, practice, risk_ward.Reader("gp", practice, "test"))
        found[practice] = known[person.number]
    return found
