"""Who may open what: every address of staff, for every role, signed in or not, with training and after it lapsed.

The table is generated: an address or a role that is added is in it. What must
hold is read from the files of the register, not asked of the program.
"""

from __future__ import annotations

import shutil
import tomllib
from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.test import override_settings
from django.urls import get_resolver
from tests.portal_staff.conftest import REGISTER, text_of

from caldicott.stores.desk.visits import Opening, Stage, begin
from caldicott.vocabulary.terms import Role

STAFF = sorted(set(Role) - {Role.PUBLIC, Role.PATIENT})
DOORS = {
    "staff-sign-in", "staff-second-factor", "staff-passkey", "staff-invitation", "staff-set-up", "staff-set-up-passkey",
    "staff-provider", "staff-provider-back", "staff-provider-out", "staff-signed-out", "staff-script",
}  # fmt: skip
ONLY_SENT = {
    "staff-passkey", "staff-set-up-passkey", "staff-provider-out", "staff-add-passkey", "staff-recovery-codes",
    "staff-again-passkey", "staff-sign-out", "staff-sign-out-everywhere",
    "analyst-keep", "analyst-remove",
    "finance-begin", "finance-check", "finance-decide",
}  # fmt: skip
ONLY_SENT |= {"practice-filter", "practice-filter-remove", "practice-case", "practice-judgement", "practice-note"}
PARTS = {"token": "x", "provider": "nobody", "digest": "x", "practice": "Z80001"}
FIGURES = "/staff/analyst/"
PARTS |= {"name": "ae-four-hours", "form": "csv", "number": "1"}
ONLY_SENT |= {"analyst-release-ask", "analyst-release-check", "analyst-release-take"}
PARTS |= {"asked": "r00009"}
PARTS |= {"submission": "x", "file_row": "1", "month": "2026-05", "kind": "csv"}
FINANCE_OPEN = {"/staff/invoices/", "/staff/invoices/members/"}
"""While the locked area has no member, these two show its officer how it is opened; every other page needs a member."""
ORGANISATION = {
    "gp": "Z80001", "dscro_operator": "example-dscro", "processor_staff": "example-csu", "care_team": "Z80001",
}  # fmt: skip


def read(name):
    return tomllib.loads((REGISTER / name).read_text(encoding="utf-8"))


ACTIVITIES = {path.stem: read(f"activities/{path.name}") for path in sorted((REGISTER / "activities").glob("*.toml"))}


def addresses():
    """Every address of staff: its name, and the address itself, one for each activity."""
    for one in get_resolver("caldicott.portal.staff.urls").url_patterns:
        route = str(one.pattern)
        if "<slug:activity>" in route:
            yield from ((one.name, "/" + route.replace("<slug:activity>", activity)) for activity in ACTIVITIES)
            continue
        for kind, value in PARTS.items():
            route = (
                route.replace(f"<slug:{kind}>", value).replace(f"<str:{kind}>", value).replace(f"<int:{kind}>", value)
            )
        yield one.name, "/" + route


def signed_in_as(desk, role):
    """A browser of that role, without the steps of the sign-in, which other tests walk."""
    person = desk.employ(role, ORGANISATION.get(role, "example-icb"))
    browser = desk.browser()
    opening = Opening(stage=Stage.SIGNED_IN, account_id=person.id, method="test")
    browser.cookies["__Host-session"] = begin(opening, at=desk.clock.now)
    return browser, person


def test_the_doors_are_these_and_no_others():
    """An address of staff that is open before the sign-in is a change of this list, which somebody reviews."""
    patterns = get_resolver("caldicott.portal.staff.urls").url_patterns
    assert {one.name for one in patterns if not getattr(one.callback, "login_required", True)} == DOORS


@pytest.mark.parametrize(("name", "address"), list(addresses()))
def test_without_a_sign_in_every_other_address_is_closed(desk, name, address):
    """Reading leads to the sign-in; sending is refused; nothing of the page is shown."""
    browser = desk.browser()
    read_, sent = browser.get(address), browser.post(address, {"a": "b"})
    if name in DOORS:
        assert read_.status_code in {200, 303, 404, 405}
        return
    assert (read_.status_code, sent.status_code) == (303, 403)
    assert read_.headers["Location"].startswith("/staff/sign-in/")
    assert read_.content == b""
    assert "You are not signed in" in text_of(sent)


@pytest.mark.parametrize(("name", "address"), list(addresses()))
def test_no_form_is_taken_without_its_token(desk, name, address):
    """Every address that takes a form refuses one that did not come from our page; only a provider's call has none."""
    browser, _ = signed_in_as(desk, "gp")
    browser.handler.enforce_csrf_checks = True
    status = browser.post(address, {"a": "b"}).status_code
    assert status == (404 if name == "staff-provider-out" else 403)


@pytest.mark.parametrize("role", STAFF)
def test_signed_in_every_role_opens_its_own_pages_and_no_more(desk, role):
    """Each address for one role: pages about oneself open, an activity if the register's files say so."""
    found = cells(desk, role)
    assert found == expected(role, desk.clock.day)


@pytest.mark.parametrize("role", STAFF)
def test_when_training_has_lapsed_what_needs_it_is_refused(desk, role, tmp_path):
    """The same table on a register whose training records ended yesterday: what rests on them is closed, for all."""
    register = shutil.copytree(REGISTER, tmp_path / "register")
    lapse(register, desk.clock.day)
    with override_settings(PORTAL=replace(desk.portal, register=register)):
        found = cells(desk, role)
    assert found == expected(role, desk.clock.day, lapsed=training(register))
    needing = {
        one for one in ACTIVITIES if any(set(rule["requires"]) for rule in rules(one, role) if rule.get("requires"))
    }
    if role == "commissioning_analyst":
        assert needing
        assert {f"/staff/activities/{one}/": 403 for one in needing}.items() <= found.items()


def cells(desk, role):
    browser, _ = signed_in_as(desk, role)
    read_ = {
        address: browser.get(address).status_code
        for name, address in addresses()
        # The practice's addresses have a table of their own, by practice and lapse: test_practice_matrix.
        if name not in DOORS and name not in ONLY_SENT and not name.startswith("practice-")
    }
    return {**read_, "/opt-out/": browser.get("/opt-out/").status_code}


def expected(role, day, lapsed=frozenset()):
    """What the register's files say: open if some rule of the role stands on documents that all hold."""
    own = {"/staff/": 200, "/staff/account/": 200, "/staff/again/": 200, "/opt-out/": 200}
    about = {
        f"/staff/activities/{one}/": 200 if may(one, role, day, lapsed) else 403 for one in ACTIVITIES
    }  # fmt: skip
    return {**own, **about, **figures(role, day, lapsed), **finance(role, day, lapsed), **review(role, day, lapsed)}


def figures(role, day, lapsed):
    """Pages of figures open for whoever may see planning at all; a file only for whoever may see its dataset.

    There is no mart on this desk: who may have the file is told so.
    """
    planning = "commissioning-planning"
    mine = [
        one for one in rules(planning, role)
        if one.get("action", "see") not in {"land", "link"}
        and names_us(one, role) and live(one.get("requires", ()), day, lapsed)
    ]  # fmt: skip
    is_open = may(planning, role, day, lapsed) and bool(mine)
    has_attendances = is_open and any("sus-ec" in one.get("datasets", ["sus-ec"]) for one in mine)
    pages = dict.fromkeys(("", "table/", "indicators/ae-four-hours/"), 200 if is_open else 403)
    files = {
        "table/csv/": 400 if is_open else 403,
        "indicators/ae-four-hours/csv/": 404 if has_attendances else 403,
        "releases/": 200 if is_open else 403,
        "releases/r00009/": 404 if is_open else 403,
    }  # fmt: skip
    return {f"{FIGURES}{address}": status for address, status in {**pages, **files}.items()}


def finance(role, day, lapsed):
    """The locked area: for its officer only, and only as far as one who is no member may see."""
    is_officer = role == "ceff_officer" and may("invoice-validation", role, day, lapsed)
    shown = [address for name, address in addresses() if name.startswith("finance-") and name not in ONLY_SENT]
    return {address: 200 if is_officer and address in FINANCE_OPEN else 403 for address in shown}


def review(role, day, lapsed):
    """Doubtful links: for whoever may join records of the first activity in which anybody may; no case is here."""
    joining = [one for one in ACTIVITIES if any(rule["action"] == "link" for rule in ACTIVITIES[one].get("roles", ()))]
    mine = [
        rule for rule in rules(joining[0], role)
        if rule["action"] == "link" and names_us(rule, role) and live(rule.get("requires", ()), day, lapsed)
    ]  # fmt: skip
    is_open = bool(mine) and may(joining[0], role, day, lapsed)
    return {address: 200 if is_open else 403 for name, address in addresses() if name.startswith("review-")}


def may(activity, role, day, lapsed):
    entry = ACTIVITIES[activity]
    basis = entry.get("confidentiality_basis", {}).get("instrument")
    needs = {*entry.get("instruments", ()), *([basis] if basis else ())}
    if entry["status"] != "active" or not live(needs, day, lapsed):
        return False
    return any(names_us(rule, role) and live(rule.get("requires", ()), day, lapsed) for rule in rules(activity, role))


def rules(activity, role):
    return [one for one in ACTIVITIES[activity].get("roles", ()) if one["role"] == role]


def names_us(rule, role):
    ours = ORGANISATION.get(role, "example-icb")
    if rule.get("relationship") in {"own_practice", "federation"}:
        return ours.startswith("Z8")
    named = rule.get("organisations") or ["example-icb"]
    return ours in named or (ours.startswith("Z8") and "member-practices" in named)


def live(documents, day, lapsed):
    known = {one["id"]: one for one in read("instruments.toml")["instrument"]}
    for one in documents:
        ends = [step["valid_until"] for step in known[one].get("history", ())]
        if one in lapsed or known[one]["valid_from"] > day or (ends and max(ends) < day):
            return False
    return True


def training(register):
    records = tomllib.loads((register / "instruments.toml").read_text(encoding="utf-8"))["instrument"]
    return frozenset(one["id"] for one in records if one["kind"] == "training")


def lapse(register, day: date):
    """Every training record ends the day before."""
    path = register / "instruments.toml"
    parts = path.read_text(encoding="utf-8").split("[[instrument]]")
    ended = [_ended(part, day) if 'kind = "training"' in part else part for part in parts]
    assert ended != parts
    path.write_text("[[instrument]]".join(ended), encoding="utf-8")


def _ended(part, day):
    lines = part.split("\n")
    yesterday = (day - timedelta(days=1)).isoformat()
    return "\n".join(f"valid_until = {yesterday}" if one.startswith("valid_until") else one for one in lines)
