"""The site says what holds today, of the register as it stands, by itself."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from tests.portal import crawl

from caldicott import bootstrap
from caldicott.register import parse, words
from caldicott.vocabulary.errors import DoesNotHold


def held(portal):
    return json.loads(portal.get("/healthz").content)


def lapsing(register):
    """An activity that runs, and the first day on which a document it needs no longer holds."""
    ends = [
        (document.valid_until, activity.id)
        for activity in register.activities
        for document in map(register.instrument, activity.instruments)
        if activity.status == "active" and activity.publication.in_notice and document and document.valid_until
    ]
    last, activity = min(end for end in ends if end[0] >= date(2026, 5, 4))
    return activity, last + timedelta(days=1)


def test_a_lapse_changes_the_page_at_midnight_by_itself(portal, monkeypatch):
    """On the last day of an approval the activity's page says it is done; on the next day that it has stopped."""
    activity, stopped = lapsing(portal.notice.register)
    address = f"/activities/{activity}/"
    monkeypatch.setattr(bootstrap, "today", lambda: stopped - timedelta(days=1))
    before = portal.get(address)
    monkeypatch.setattr(bootstrap, "today", lambda: stopped)
    after = portal.get(address)
    assert before.headers["ETag"] != after.headers["ETag"]
    said = f"stopped on {words.day(stopped)}"
    assert said not in before.content.decode()
    assert said in after.content.decode()
    assert held(portal)["day"] == stopped.isoformat()


def test_within_a_day_a_page_is_made_once(portal, monkeypatch):
    """Readers are sent what was made for the first of them."""
    portal.get("/rights/")
    monkeypatch.setattr(type(portal.notice), "render", lambda *_: pytest.fail("made again"))
    assert portal.get("/rights/").status_code == 200


def test_a_change_of_the_register_is_on_the_site_with_the_next_reader(portal_of, own_register):
    """What an officer writes into the register is what the public reads, without a restart."""
    portal = portal_of(register=own_register)
    controller = own_register / "controller.toml"
    assert "new-dpo@example-icb.example" not in portal.text("/contacts/")
    text = controller.read_text(encoding="utf-8")
    controller.write_text(text.replace("dpo@example-icb.example", "new-dpo@example-icb.example"), encoding="utf-8")
    assert "new-dpo@example-icb.example" in portal.text("/contacts/")


def test_a_register_that_does_not_hold_is_not_shown(portal_of, own_register):
    """The platform does not work by it, so the site does not show it: the last that held stays; the fault is told."""
    portal = portal_of(register=own_register)
    shown, digest = portal.text("/contacts/"), held(portal)["register"]
    controller = own_register / "controller.toml"
    good = controller.read_text(encoding="utf-8")
    controller.write_text(good + "\n[nonsense]\nkey = 1\n", encoding="utf-8")
    assert portal.text("/contacts/") == shown
    assert held(portal)["status"] == "held-back"
    assert held(portal)["held_back_for"]
    assert held(portal)["register"] == digest
    controller.write_text(good, encoding="utf-8")
    assert held(portal)["status"] == "ok"


def test_a_register_held_back_is_still_dated(portal_of, own_register, monkeypatch):
    """The last register that held goes on to be told as of each day: its approvals lapse while a fault is repaired."""
    portal = portal_of(register=own_register)
    activity, stopped = lapsing(portal.notice.register)
    (own_register / "controller.toml").write_text("broken", encoding="utf-8")
    monkeypatch.setattr(bootstrap, "today", lambda: stopped)
    assert f"stopped on {words.day(stopped)}" in portal.text(f"/activities/{activity}/")


def test_no_site_is_started_on_a_register_that_does_not_hold(portal_of, own_register):
    """With nothing that ever held there is nothing to show: the start is refused, each fault named."""
    (own_register / "controller.toml").write_text("broken", encoding="utf-8")
    with pytest.raises(DoesNotHold, match=r"controller\.toml"):
        portal_of(register=own_register).board.notice()


def test_a_register_that_goes_away_leaves_the_last_one_up(portal_of, own_register):
    """A folder that is moved, or replaced while it is read, does not take the notice from the public."""
    portal = portal_of(register=own_register)
    shown = portal.text("/contacts/")
    own_register.rename(own_register.with_name("moved"))
    assert portal.text("/contacts/") == shown
    assert held(portal)["status"] == "held-back"
    own_register.with_name("moved").rename(own_register)
    assert held(portal)["status"] == "ok"


def test_a_register_without_a_notice_for_today_is_not_shown(portal_of, own_register):
    """Moving the only version into the future takes nothing from the site either: the last that held stays."""
    portal = portal_of(register=own_register)
    assert portal.get("/").status_code == 200
    controller = own_register / "controller.toml"
    text = controller.read_text(encoding="utf-8")
    controller.write_text(text.replace("published = 2026-04-01", "published = 2027-04-01"), encoding="utf-8")
    assert portal.get("/").status_code == 200
    assert held(portal)["status"] == "held-back"


def test_a_broken_old_version_does_not_take_the_notice_away(portal_of, own_register, published):
    """A kept register that cannot be read is told to whoever watches; today's notice and the versions stay up."""
    portal = portal_of(register=own_register, published=published)
    assert portal.get("/versions/2026-1/").status_code == 200
    (published / "versions" / "2026-1" / "register.json").write_text("{}", encoding="utf-8")
    for address in ("/", "/versions/", "/versions/2026-1/", "/changes/2026-1/2026-2/"):
        assert portal.get(address).status_code == 200, address
    assert held(portal)["held_back_for"] == "kept-register-unreadable"


def test_a_file_replaced_while_it_is_read_is_read_again(portal_of, own_register, monkeypatch):
    """A disk that fails once costs no reader a page, and the change is on the site with the next."""
    portal = portal_of(register=own_register)
    shown = portal.text("/contacts/")
    controller = own_register / "controller.toml"
    text = controller.read_text(encoding="utf-8")
    controller.write_text(text.replace("dpo@example-icb.example", "new-dpo@example-icb.example"), encoding="utf-8")
    load = parse.load
    with monkeypatch.context() as once:
        once.setattr(parse, "load", lambda _: (_ for _ in ()).throw(FileNotFoundError(2, "gone")))
        assert portal.text("/contacts/") == shown
        assert held(portal)["held_back_for"] == "disk-fault"
    assert parse.load is load
    assert "new-dpo@example-icb.example" in portal.text("/contacts/")


@pytest.mark.parametrize("register", ["leeds-2018", "oxfordshire-2016", "dorset-2018"])
def test_old_registers_are_shown_too(portal_of, register):
    """A register with gaps has a site: it says what is not stated and what is refused for it."""
    portal = portal_of(register=bootstrap.find_register(register))
    for address in crawl.every(portal.notice):
        assert portal.get(address).status_code == 200, address
