"""Old versions of the notice stay readable as they were published, and what changed is told in plain words."""

from __future__ import annotations

import json

import pytest
from tests.portal.conftest import OLD_PAGE, OLD_PDF, keep_version

from caldicott.portal.library import open_library


@pytest.fixture
def later(portal_of, own_register, published):
    """A portal whose register has gone on to a second version."""
    return portal_of(register=own_register, published=published)


def test_an_old_version_is_read_as_it_was_published(later):
    """The very bytes, at an address that stays, with the style sheet it names."""
    assert later.text("/versions/2026-1/") == OLD_PAGE
    assert later.text("/versions/2026-1/index.html") == OLD_PAGE
    assert later.get("/assets/site.css").headers["Content-Type"] == "text/css; charset=utf-8"


def test_the_versions_are_listed_newest_first_with_the_way_to_what_changed(later):
    """Anyone can go from the list to each version and to each change."""
    text = later.text("/versions/")
    assert text.index("Version 2026-2") < text.index('href="/versions/2026-1/"')
    assert 'href="/changes/2026-1/2026-2/"' in text
    assert "1 May 2026" in text


def test_a_version_is_offered_to_print_where_it_was_kept_so(later):
    """The old version has its document, as it was; the new one has none yet, and says so."""
    text = later.text("/versions/")
    assert 'href="/versions/2026-1/notice.pdf"' in text
    assert text.count("Not kept here.") == 1
    answer = later.get("/versions/2026-1/notice.pdf")
    assert (answer.content, answer.headers["Content-Type"]) == (OLD_PDF, "application/pdf")


def test_every_page_leads_to_the_versions(later):
    """From the foot of each page."""
    assert 'href="/versions/"' in later.text("/opt-out/")


def test_a_register_that_was_changed_since_it_was_published_is_seen(portal_of, own_register, tmp_path):
    """Whoever watches the site learns that what is shown is not, to the letter, what was published."""
    keep_version(own_register, tmp_path / "public")
    portal = portal_of(register=own_register)
    assert json.loads(portal.get("/healthz").content)["as_published"] is True
    controller = own_register / "controller.toml"
    controller.write_text(controller.read_text(encoding="utf-8") + "# a remark\n", encoding="utf-8")
    assert json.loads(portal.get("/healthz").content)["as_published"] is False


def test_what_changed_is_told_in_plain_words(later):
    """A longer retention is told as more use of information, under the name of the activity."""
    text = later.text("/changes/2026-1/2026-2/")
    assert "What changed from version 2026-1 to version 2026-2" in text
    assert "40 years" in text
    assert "More use of information about you" in text
    assert "Less use of information about you" not in text


def test_the_other_way_round_it_narrows(later):
    """The same change read backwards is less use."""
    text = later.text("/changes/2026-2/2026-1/")
    assert "Less use of information about you" in text
    assert "More use of information about you" not in text


@pytest.mark.parametrize("pair", ["2026-1/2026-1", "2026-1/2030-1", "x/2026-2", "../2026-1"])
def test_changes_between_versions_that_are_not_there_are_not_told(later, pair):
    """Only two different versions that were published can be compared."""
    assert later.get(f"/changes/{pair}/").status_code == 404


def test_nothing_changed_is_said(portal_of, own_register, published):
    """A version that changes nothing for people says so."""
    kept = (published / "versions" / "2026-1" / "register.json").read_bytes()
    again = published / "versions" / "2026-2"
    again.mkdir()
    text = kept.decode().replace('"2026-1"', '"2026-2"')
    (again / "register.json").write_text(text, encoding="utf-8")
    portal = portal_of(register=own_register, published=published)
    assert "No change for you" in portal.text("/changes/2026-1/2026-2/")


def test_publishing_needs_no_restart(portal_of, own_register, tmp_path, published):
    """A version published while the portal runs is there for the next reader."""
    portal = portal_of(register=own_register, published=tmp_path / "later")
    assert portal.get("/versions/2026-1/").status_code == 404
    published.rename(tmp_path / "later")
    assert portal.get("/versions/2026-1/").status_code == 200
    assert portal.get("/changes/2026-1/2026-2/").status_code == 200


def test_a_link_in_the_published_folder_leads_nowhere(later, published):
    """A symbolic link could point at anything of the machine."""
    (published / "versions" / "2026-1" / "passwd").symlink_to("/etc/passwd")
    assert later.get("/versions/2026-1/passwd").status_code == 404
    assert later.get("/secret.txt").status_code == 404
    assert "secret.txt" not in repr(sorted(open_library(published)._places))


def test_a_linked_folder_is_not_looked_into(later, published, tmp_path):
    """Neither is a folder that lies elsewhere."""
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "letter.html").write_text("private", encoding="utf-8")
    (published / "versions" / "linked").symlink_to(tmp_path / "private", target_is_directory=True)
    assert later.get("/versions/linked/letter.html").status_code == 404


def test_a_file_that_is_gone_is_not_there(published):
    """Between looking and sending a file may go; the reader is told that it is not there."""
    library = open_library(published)
    (published / "versions" / "2026-1" / "index.html").unlink()
    assert library.file("versions/2026-1/index.html") is None
