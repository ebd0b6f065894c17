"""What the notice withholds: its number and the reason are public, and nothing else of it, in no file of any kind."""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path

import pytest

from caldicott import bootstrap
from caldicott.operations.publish import publish
from caldicott.policy import cedar
from caldicott.publication import dpv
from caldicott.register.check import check_folder
from caldicott.register.kept import load as load_kept
from caldicott.register.kept import read_versions
from caldicott.register.parse import load
from caldicott.register.public import public
from caldicott.vocabulary.errors import DoesNotHold
from stage import TODAY

WITHHELD = "national-fraud-initiative"
FILE = f"activities/{WITHHELD}.toml"
REASON = "To tell of it would warn those it looks for"


def change(folder, name, old, new):
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.fixture(autouse=True)
def without_pdf(monkeypatch):
    """The printed notice is made of the same pages; its words are read before they are laid out."""
    from caldicott.publication.pdf import notice_html

    monkeypatch.setattr(
        "caldicott.operations.publish.notice_pdf", lambda pages, site, **_: notice_html(pages, site).encode()
    )


@pytest.fixture
def folder(tmp_path):
    """The example register with one use, and papers and a body that only it names, left out of the notice."""
    made = Path(shutil.copytree(bootstrap.find_register("example-icb"), tmp_path / "register"))
    change(made, FILE, "in_notice = true", f'in_notice = false\nwithheld_reason = "{REASON}"')
    return made


def published(folder, to):
    return publish(load(folder), to=to, at=TODAY, register_folder=folder)


def every_text(to):
    """Path to words of every published file, with workbooks opened."""
    for path in sorted(one for one in to.rglob("*") if one.is_file()):
        content = path.read_bytes()
        if path.suffix == ".xlsx":
            with zipfile.ZipFile(io.BytesIO(content)) as book:
                content = b"\n".join(book.read(name) for name in book.namelist())
        yield path.relative_to(to).as_posix(), content.decode("utf-8", "replace")


def only_its_own(register):
    """Ids and names of papers and bodies that the public register lacks."""
    told = public(register)
    parts = [*register.instruments, *register.organisations]
    kept = {one.id for one in (*told.instruments, *told.organisations)}
    gone = [one for one in parts if one.id not in kept]
    return {one.id for one in gone} | {getattr(one, "reference", None) or one.name for one in gone}


def test_no_published_file_tells_of_it(folder, tmp_path):
    """Neither its id nor its title, nor a paper that only it names, is in any page, table, map, policy or register."""
    register = load(folder)
    hidden = {WITHHELD, register.activity(WITHHELD).title, *only_its_own(register)}
    assert len(hidden) > 2
    published(folder, tmp_path / "site")
    leaks = [(path, word) for path, text in every_text(tmp_path / "site") for word in hidden if word in text]
    assert leaks == []


def test_the_same_words_are_there_when_it_is_not_withheld(tmp_path):
    """The search above finds what it looks for: with the use in the notice, its id stands in many files."""
    register = bootstrap.load_register("example-icb")
    publish(register, to=tmp_path / "site", at=TODAY)
    found = {path for path, text in every_text(tmp_path / "site") if WITHHELD in text}
    assert {"register.json", "register.ttl", "register.jsonld", "policies.cedar", "flow-map.csv", "opt-out.csv",
            "record-of-processing.csv", "record-of-processing.xlsx", "notice.md"} <= found  # fmt: skip


def test_that_something_is_withheld_and_why_is_public(folder, tmp_path):
    """The page of uses says that one is left out and why; the kept register counts it under a number."""
    published(folder, tmp_path / "site")
    assert REASON in (tmp_path / "site" / "purposes.html").read_text(encoding="utf-8")
    kept = load_kept(tmp_path / "site")
    left = [one for one in kept.activities if not one.publication.in_notice]
    assert [(one.id, one.publication.withheld_reason) for one in left] == [("withheld-1", REASON)]
    assert len(kept.activities) == len(load(folder).activities)


def test_a_change_of_what_is_withheld_is_no_new_version(folder, tmp_path):
    """What nobody could read may change without a notice; that it is withheld, and why, may not."""
    published(folder, tmp_path / "site")
    change(folder, FILE, 'title = "Looking for fraud"', 'title = "Looking for other fraud"')
    published(folder, tmp_path / "site")
    change(folder, FILE, REASON, "Another reason")
    with pytest.raises(DoesNotHold) as refused:
        published(folder, tmp_path / "site")
    assert refused.value.code == "version-published"


def test_what_was_withheld_and_is_told_needs_a_version(folder, tmp_path):
    """A use comes into the notice with a version of the notice, as any new use does."""
    published(folder, tmp_path / "site")
    change(folder, FILE, "in_notice = false", "in_notice = true")
    _, faults = check_folder(folder, at=TODAY, published=read_versions(tmp_path / "site"))
    named = {Path(one.file).stem for one in faults if one.code == "change-without-version"}
    assert WITHHELD in named


def test_what_is_told_is_untouched(folder):
    """The projection takes away and changes nothing else: every told activity, and all they name, is as it was."""
    register = load(folder)
    told = public(register)
    for one in register.activities:
        if one.id != WITHHELD:
            assert told.activity(one.id) == one
            for name in one.instruments:
                assert told.instrument(name) is not None
    assert public(told) == told
    assert public(bootstrap.load_register("example-icb")) == bootstrap.load_register("example-icb")


def test_a_use_that_takes_from_a_withheld_one_names_its_number(folder):
    """A source or a recipient that is itself withheld is named by number."""
    register = load(folder)
    taker = register.activity("complaints").model_copy(update={"sources": (WITHHELD, "example-council")})
    changed = register.model_copy(
        update={"activities": tuple(taker if one.id == taker.id else one for one in register.activities)}
    )
    told = public(changed)
    assert told.activity("complaints").sources == ("withheld-1", "example-council")
    assert WITHHELD not in cedar.export(told).policies
    assert WITHHELD not in dpv.write(told, "turtle")
