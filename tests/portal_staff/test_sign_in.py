"""Signing in, staying in, and being signed out: what opens, what does not, and what the audit trail says of it."""

from __future__ import annotations

import re

import pytest
from tests.portal_staff.conftest import PASSWORD, text_of

from caldicott.portal.settings import POLICY
from caldicott.stores.desk import accounts, limits


def test_both_steps_open_the_home_page(desk):
    """Name and password, then the code of the app: who one is, as what, for whom, and what the register allows."""
    gp = desk.employ("gp", "Z80001")
    page = desk.signed_in(gp).get("/staff/")
    assert page.status_code == 200
    for told in ("Alex Invented", "GPs", "GP practice Z80001", "Why can I see this?", "until 31 March 2029"):
        assert told in text_of(page), told
    assert desk.events() == [("sign-in", "done", gp.id, ())]


def test_a_password_alone_opens_nothing(desk):
    """Between the two steps one is nobody."""
    browser, gp = desk.browser(), desk.employ()
    assert desk.first_step(browser, gp).headers["Location"] == "/staff/sign-in/code/"
    assert browser.get("/staff/").status_code == 303
    assert browser.get("/staff/account/").status_code == 303


@pytest.mark.parametrize("wrong", [{"password": "not the right one"}, {"name": "nobody.here"}])
def test_a_wrong_name_and_a_wrong_password_are_told_alike(desk, wrong):
    """Nobody learns by trying which names exist."""
    gp = desk.employ()
    told = [text_of(desk.first_step(desk.browser(), gp, **one)) for one in ({"password": "not the right one"}, wrong)]
    shown = [re.sub(r'value="[^"]*"', "", one) for one in told]
    assert shown[0] == shown[1]
    assert desk.events()[-1] == ("sign-in", "refusal", "unknown", ("wrong-name-or-password",))


def test_after_five_wrong_passwords_the_name_rests(desk):
    """Also the right password opens nothing for 15 minutes; then it does."""
    gp = desk.employ()
    for _ in range(limits.FAILURES):
        desk.first_step(desk.browser(), gp, password="not the right one")
    assert desk.first_step(desk.browser(), gp).status_code == 422
    assert desk.events()[-1][3] == ("resting",)
    desk.clock.pass_(minutes=16)
    assert desk.first_step(desk.browser(), gp).status_code == 303


def test_a_name_that_nobody_has_rests_too(desk):
    """Otherwise the rest would tell which names exist."""
    for _ in range(limits.FAILURES + 1):
        desk.browser().post("/staff/sign-in/", {"name": "nobody.here", "password": PASSWORD})
    assert desk.events()[-1][3] == ("resting",)


def test_codes_cannot_be_guessed(desk):
    """Five wrong codes, and the right one is not taken either, not in a new visit."""
    browser, gp = desk.browser(), desk.employ()
    desk.first_step(browser, gp)
    for number in range(limits.FAILURES):
        browser.post("/staff/sign-in/code/", {"code": f"{number:06}"})
    other = desk.browser()
    desk.first_step(other, gp)
    answer = other.post("/staff/sign-in/code/", {"code": gp.code(desk.clock.now)})
    assert answer.status_code == 422
    assert desk.events()[-1] == ("sign-in", "refusal", gp.id, ("resting",))


def test_each_further_failure_rests_longer_but_never_for_good(desk):
    """15 minutes, 30, 60 … and four hours at most."""
    from caldicott.stores.desk import attempts

    rests = []
    for _ in range(14):
        while attempts.rests_until("x", at=desk.clock.now):
            desk.clock.pass_(minutes=1)
        attempts.take("x", at=desk.clock.now)
        until = attempts.rests_until("x", at=desk.clock.now)
        rests.append(int((until - desk.clock.now).total_seconds() // 60) if until else 0)
    assert rests == [0, 0, 0, 0, 15, 30, 60, 120, 240, 240, 240, 240, 240, 240]


def test_a_code_opens_once(desk):
    """Who read it over a shoulder comes too late, within the same half minute."""
    gp = desk.employ()
    desk.signed_in(gp)
    thief = desk.browser()
    desk.first_step(thief, gp)
    assert thief.post("/staff/sign-in/code/", {"code": gp.code(desk.clock.now)}).status_code == 422


@pytest.mark.parametrize(("late", "opens"), [(29, True), (-29, True), (120, False), (-120, False)])
def test_a_phone_may_be_half_a_minute_off(desk, late, opens):
    gp, browser = desk.employ(), desk.browser()
    desk.first_step(browser, gp)
    code = gp.code(desk.clock.now)
    desk.clock.pass_(seconds=late)
    assert (browser.post("/staff/sign-in/code/", {"code": code}).status_code == 303) is opens


def test_a_recovery_code_stands_in_once(desk):
    """With it one signs in without the phone; a second time it is void."""
    gp = desk.employ()
    code = accounts.new_recovery_codes(gp.id)[0]
    answers = []
    for _ in range(2):
        browser = desk.browser()
        desk.first_step(browser, gp)
        answers.append(browser.post("/staff/sign-in/code/", {"code": code.lower()}).status_code)
    assert answers == [303, 422]
    assert accounts.recovery_codes_left(gp.id) == 9


def test_another_persons_code_is_none(desk):
    """A code and a recovery code open their own account only."""
    gp, other = desk.employ(), desk.employ()
    browser = desk.browser()
    desk.first_step(browser, gp)
    for code in (other.code(desk.clock.now), accounts.new_recovery_codes(other.id)[0]):
        assert browser.post("/staff/sign-in/code/", {"code": code}).status_code == 422


def test_after_15_minutes_without_doing_anything_one_is_out(desk):
    """The next click says that one was signed out and why; the trail says so once."""
    gp = desk.employ()
    browser = desk.signed_in(gp)
    desk.clock.pass_(minutes=14)
    assert browser.get("/staff/").status_code == 200
    desk.clock.pass_(minutes=15, seconds=21)
    for _ in range(2):
        page = browser.get("/staff/account/")
        assert page.status_code == 403
        assert "did nothing here for 15 minutes" in text_of(page)
        assert "/staff/sign-in/?next=/staff/account/" in page.content.decode()
    assert [one for one in desk.events() if one[0] == "sign-out"] == [("sign-out", "done", gp.id, ("idle",))]


def test_after_12_hours_one_is_out_however_busy(desk):
    browser = desk.signed_in(desk.employ())
    for _ in range(72):
        desk.clock.pass_(minutes=10)
        assert browser.get("/staff/").status_code == 200
    desk.clock.pass_(minutes=1)
    assert "12 hours ago" in text_of(browser.get("/staff/"))


def test_what_was_typed_is_not_lost_when_time_ran_out(desk):
    """The page that says so gives the words back; never a password or a code."""
    browser = desk.signed_in(desk.employ())
    desk.clock.pass_(hours=1)
    page = browser.post(
        "/staff/account/recovery-codes/", {"note": "A long <b>note</b>", "password": PASSWORD, "code": "123456"}
    )
    assert page.status_code == 403
    assert "A long &lt;b&gt;note&lt;/b&gt;" in page.content.decode()
    assert PASSWORD not in page.content.decode()
    assert "123456" not in page.content.decode()


def test_signing_out_ends_the_visit_on_the_server(desk):
    """The cookie that somebody kept opens nothing afterwards."""
    gp = desk.employ()
    browser = desk.signed_in(gp)
    kept = browser.cookies["__Host-session"].value
    assert browser.post("/staff/sign-out/").headers["Location"] == "/staff/signed-out/"
    thief = desk.browser()
    thief.cookies["__Host-session"] = kept
    assert thief.get("/staff/").status_code == 403
    assert desk.events()[-1] == ("sign-out", "done", gp.id, ("signed-out",))


def test_signing_out_everywhere_ends_every_visit(desk):
    """Here and on the other computer; nobody else's."""
    gp, other = desk.employ(), desk.employ()
    here = desk.signed_in(gp)
    desk.clock.pass_(seconds=40)
    there, elsewhere = desk.signed_in(gp), desk.signed_in(other)
    here.post("/staff/sign-out-everywhere/")
    assert [one.get("/staff/").status_code for one in (here, there, elsewhere)] == [303, 403, 200]


def test_a_sign_in_gets_a_token_of_its_own(desk):
    """What a browser was given before, or brought along, opens nothing after: no fixation."""
    browser, gp = desk.browser(), desk.employ()
    browser.cookies["__Host-session"] = "planted-by-somebody"
    desk.first_step(browser, gp)
    half = browser.cookies["__Host-session"].value
    browser.post("/staff/sign-in/code/", {"code": gp.code(desk.clock.now)})
    whole = browser.cookies["__Host-session"].value
    assert len({"planted-by-somebody", half, whole}) == 3
    thief = desk.browser()
    thief.cookies["__Host-session"] = half
    assert thief.get("/staff/").status_code == 303


def test_the_cookie_is_closed(desk):
    """Only over https, never to a script, never from another site, for this host alone."""
    cookie = desk.signed_in(desk.employ()).cookies["__Host-session"]
    closed = {name: cookie[name] for name in ("secure", "httponly", "samesite", "path", "domain")}
    assert closed == {"secure": True, "httponly": True, "samesite": "Lax", "path": "/", "domain": ""}
    assert len(cookie.value) >= 43


def test_an_ended_account_opens_nothing(desk):
    """Its visits end with the next click, and its password and code are right for nothing."""
    gp = desk.employ()
    browser = desk.signed_in(gp)
    accounts.end(gp.id, at=desk.clock.now)
    assert "Your account was ended" in text_of(browser.get("/staff/"))
    assert desk.first_step(desk.browser(), gp).status_code == 422


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/", "//evil.example/", "/\\evil.example/", "/staff/\\..\\..//evil.example",
        "javascript:alert(1)", "/staff//evil.example/", "/staff/sign-out/", "/opt-out/", "/staff/\r\nX: y",
        "%2F%2Fevil",
        "/staff/../\t/evil.example",
    ],
)  # fmt: skip
def test_nobody_is_led_elsewhere(desk, wanted):
    """After the sign-in one is led to a page of staff on this site, whatever the address said."""
    browser, gp = desk.browser(), desk.employ()
    desk.first_step(browser, gp, next=wanted)
    assert browser.post("/staff/sign-in/code/", {"code": gp.code(desk.clock.now)}).headers["Location"] == "/staff/"
    assert "evil" not in browser.get("/staff/sign-in/", {"next": wanted}).content.decode()


def test_one_is_led_back_to_the_page_that_was_asked_for(desk):
    browser, gp = desk.browser(), desk.employ()
    led = browser.get("/staff/activities/risk-stratification/").headers["Location"]
    assert led == "/staff/sign-in/?next=/staff/activities/risk-stratification/"
    desk.first_step(browser, gp, next="/staff/activities/risk-stratification/")
    answer = browser.post("/staff/sign-in/code/", {"code": gp.code(desk.clock.now)})
    assert answer.headers["Location"] == "/staff/activities/risk-stratification/"


def test_a_change_of_ones_sign_in_needs_a_fresh_proof(desk):
    """Five minutes after the last proof, one shows again that it is one; then the change is made."""
    gp = desk.employ()
    browser = desk.signed_in(gp)
    desk.clock.pass_(minutes=6)
    led = browser.post("/staff/account/recovery-codes/")
    assert (led.status_code, led.headers["Location"]) == (303, "/staff/again/?next=/staff/account/")
    assert accounts.recovery_codes_left(gp.id) == 0
    wrong = browser.post("/staff/again/", {"password": "not the right one", "code": gp.code(desk.clock.now)})
    assert wrong.status_code == 422
    right = {"password": gp.password, "code": gp.code(desk.clock.now), "next": "/staff/account/"}
    assert browser.post("/staff/again/", right).headers["Location"] == "/staff/account/"
    assert browser.post("/staff/account/recovery-codes/").status_code == 200
    assert accounts.recovery_codes_left(gp.id) == 10


def test_the_page_says_why_and_until_when(desk):
    """Every reason of the decision, the law, whose objection counts."""
    page = text_of(desk.signed_in(desk.employ("gp", "Z80001")).get("/staff/activities/risk-stratification/"))
    for told in (
        "Article 6",
        "section 251",
        "opt-out from risk scores",
        "until",
        "Each viewing of a person is recorded",
    ):
        assert told in page, told


def test_a_refused_page_says_why_and_whom_to_ask_and_is_recorded(desk):
    """A GP asks for what only the invoice officers have."""
    gp = desk.employ("gp", "Z80001")
    page = desk.signed_in(gp).get("/staff/activities/invoice-validation/")
    assert page.status_code == 403
    for told in ("The register does not let you do this today", "Next:", "Ask: Data Protection Officer"):
        assert told in text_of(page), told
    assert desk.events()[-1] == ("page-refused", "refusal", gp.id, ("role-without-access",))


def test_an_activity_that_is_not_there_is_not_there(desk):
    assert desk.signed_in(desk.employ()).get("/staff/activities/nothing-of-this-name/").status_code == 404


def test_pages_of_staff_are_never_kept_and_are_closed(desk):
    """No cache keeps them; the policy is that of the public site; the browser's passkey dialog alone is open."""
    browser = desk.signed_in(desk.employ())
    for place in ("/staff/", "/staff/account/", "/staff/sign-in/?next=/staff/", "/staff/signed-out/"):
        headers = browser.get(place).headers
        assert headers["Cache-Control"] == "no-store", place
        assert headers["Content-Security-Policy"] == POLICY, place
    assert "publickey-credentials-get=(self)" in browser.get("/staff/").headers["Permissions-Policy"]
    assert "camera=()" in browser.get("/staff/").headers["Permissions-Policy"]


def test_public_pages_do_not_know_who_reads(desk):
    """Signed in or not, a public page is the same bytes, sets no cookie, and looks at no table."""
    browser = desk.signed_in(desk.employ())
    here, stranger = browser.get("/opt-out/"), desk.browser().get("/opt-out/")
    assert here.content == stranger.content
    assert not here.cookies
    assert "Cookie" not in here.headers.get("Vary", "")


def test_the_trail_holds_no_password_token_or_name(desk):
    """What was typed, what the browser holds and who one is by name: none of it is in the log."""
    gp = desk.employ()
    desk.first_step(desk.browser(), gp, password="not the right one")
    browser = desk.signed_in(gp)
    token = browser.cookies["__Host-session"].value
    browser.post("/staff/sign-out/")
    held = b"".join(path.read_bytes() for path in (desk.store / "audit").rglob("*") if path.is_file()).decode("latin-1")
    for known in (PASSWORD, "not the right one", token, gp.name, gp.sign_in_name, gp.secret, "127.0.0.1"):
        assert known not in held
    assert gp.id in held
