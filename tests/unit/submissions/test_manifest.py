"""The manifest decides what is admitted, so it is read strictly."""

from __future__ import annotations

import hashlib
import os
from datetime import date, datetime

import pytest

from caldicott.facts import layout as layouts
from caldicott.stores.submissions.manifest import find, parse, verify_files
from caldicott.stores.submissions.writing import Heading, write_manifest
from caldicott.vocabulary.errors import DoesNotHold, WrongUsage
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import Objection

CONTENT = b"Health Service ID,Age\n999-000-0018,42\n"
GOOD = f"""[submission]
id = "RZ1-sus-ec-2025"
dataset = "sus-ec"
layout = "ae-london"
sender = "RZ1"
purposes = ["commissioning-planning"]
agreement = "dars-dsa"
format = "identifiable"
period_from = 2025-04-01
period_to = 2026-03-31
update = "bulk-replacement"
extracted = 2026-05-01T06:00:00
objections_applied = ["type1"]

[[files]]
path = "ae.csv"
rows = 1
sha256 = "{hashlib.sha256(CONTENT).hexdigest()}"
"""


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "one"
    place.mkdir()
    (place / "manifest.toml").write_text(GOOD)
    (place / "ae.csv").write_bytes(CONTENT)
    return place


def test_a_good_manifest_says_everything(folder):
    """What the sender wrote is what is read."""
    manifest = parse(folder)
    assert (manifest.id, manifest.sender, manifest.rows) == ("RZ1-sus-ec-2025", "RZ1", 1)
    assert (manifest.period_from, manifest.extracted) == (date(2025, 4, 1), datetime(2026, 5, 1, 6))
    assert (manifest.format, manifest.objections_applied) == (DataFormat.IDENTIFIABLE, (Objection.TYPE_1,))
    verify_files(manifest, folder)


def test_an_extraction_time_with_a_zone_is_put_into_utc(folder):
    """Resubmissions are ordered by extraction, so two zones must compare."""
    (folder / "manifest.toml").write_text(GOOD.replace("06:00:00", "06:00:00+01:00"))
    assert parse(folder).extracted == datetime(2026, 5, 1, 5)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('sender = "RZ1"\n', "", 0),
        ('sender = "RZ1"', 'sender = "RZ1"\nsurprise = 1', 6),
        ('sender = "RZ1"', "sender = 5", 5),
        ('sender = "RZ1"', 'sender = "rz1"', 5),
        ("rows = 1", 'rows = "1"', 17),
        ("rows = 1", "rows = true", 17),
        ("rows = 1", "rows = -1", 17),
        ("period_to = 2026-03-31", "period_to = 2024-03-31", 10),
        ("period_to = 2026-03-31", 'period_to = "2026-03-31"', 10),
        ("period_to = 2026-03-31", "period_to = 2026-03-31T00:00:00", 10),
        ('["type1"]', '["type3"]', 13),
        ('["commissioning-planning"]', "[]", 6),
        ('["commissioning-planning"]', '["a", "a"]', 6),
        ('"identifiable"', '"secret"', 8),
        ('"bulk-replacement"', '"later"', 11),
        ('path = "ae.csv"', 'path = "../ae.csv"', 16),
        ('path = "ae.csv"', 'path = "/ae.csv"', 16),
        ('path = "ae.csv"', 'path = "C:/ae.csv"', 16),
        ("[submission]", "[submission", 1),
        ("[[files]]", "[[file]]", 0),
        ("[submission]", "x = " + "[" * 5000, 0),
    ],
)
def test_a_manifest_that_is_not_sound_is_refused_with_its_line(folder, old, new, line):
    """Unknown, missing and wrong: each refuses, names the place and the next step."""
    assert old in GOOD
    (folder / "manifest.toml").write_text(GOOD.replace(old, new))
    with pytest.raises(DoesNotHold) as refused:
        parse(folder)
    assert refused.value.code == "manifest"
    if line:
        assert refused.value.where.endswith(f"manifest.toml:{line}")
    assert "docs/how-to/land-real-input.md" in refused.value.next_step


@pytest.mark.parametrize("content", [b"\xff\xfe[\x00", b"", b"x" * (1 << 21)])
def test_bytes_that_are_no_manifest_are_refused(folder, content):
    """UTF-16, nothing and two megabytes."""
    (folder / "manifest.toml").write_bytes(content)
    with pytest.raises(DoesNotHold):
        parse(folder)


def test_a_file_that_differs_from_its_hash_refuses_the_submission(folder):
    """One changed byte is enough, and the message has neither its name nor its content."""
    (folder / "ae.csv").write_bytes(CONTENT.replace(b"42", b"43"))
    with pytest.raises(DoesNotHold, match="SHA-256") as refused:
        verify_files(parse(folder), folder)
    assert "ae.csv" not in str(refused.value)


@pytest.mark.parametrize("kind", ["missing", "folder", "link", "linked_folder", "pipe"])
def test_only_a_regular_file_inside_the_folder_is_taken(folder, tmp_path, kind):
    """A link could point at anybody's file, a pipe would never end."""
    inside = folder / "ae.csv"
    inside.unlink()
    if kind == "folder":
        inside.mkdir()
    elif kind == "link":
        (tmp_path / "elsewhere.csv").write_bytes(CONTENT)
        inside.symlink_to(tmp_path / "elsewhere.csv")
    elif kind == "linked_folder":
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere" / "ae.csv").write_bytes(CONTENT)
        (folder / "sub").symlink_to(tmp_path / "elsewhere")
        (folder / "manifest.toml").write_text(GOOD.replace('"ae.csv"', '"sub/ae.csv"'))
    elif kind == "pipe":
        os.mkfifo(inside)
    with pytest.raises(DoesNotHold):
        verify_files(parse(folder), folder)


def test_submissions_are_found_at_any_depth_in_order_and_never_over_a_link(tmp_path):
    """A link out of the folder leads nowhere."""
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    for place in (outside / "x", inside / "b", inside / "a" / "deep"):
        place.mkdir(parents=True)
        (place / "manifest.toml").write_text(GOOD)
    (inside / "linked").symlink_to(outside)
    (inside / "c").mkdir()
    (inside / "c" / "manifest.toml").symlink_to(outside / "x" / "manifest.toml")
    assert find(inside) == [inside / "a" / "deep", inside / "b"]


def test_a_folder_that_is_not_there_is_wrong_usage(tmp_path):
    """The person mistyped; the program says so."""
    with pytest.raises(WrongUsage):
        find(tmp_path / "nowhere")


def heading(**changed):
    given = {
        "id": "RZ1-sus-ec-2025",
        "sender": "RZ1",
        "purposes": ("commissioning-planning",),
        "agreement": "dars-dsa",
        "format": DataFormat.IDENTIFIABLE,
        "period_from": date(2025, 4, 1),
        "period_to": date(2026, 3, 31),
        "update": "bulk-replacement",
        "extracted": datetime(2026, 5, 1, 6),
    }
    return Heading(**(given | changed))


def test_a_written_manifest_counts_hashes_and_reads_back(folder):
    """What the program writes, the program accepts; blank lines and quoted line ends are not rows."""
    (folder / "manifest.toml").unlink()
    (folder / "ae.csv").write_bytes(b'Health Service ID,Hospital\n999-000-0018,"two\nlines"\n\n999-000-0026,x\n')
    manifest = write_manifest(folder, heading(), layout=layouts.load("ae-london"))
    assert manifest.files[0].rows == 2
    assert parse(folder) == manifest
    verify_files(manifest, folder)


def test_a_manifest_is_not_written_over_another(folder):
    """The sender's word stays."""
    with pytest.raises(WrongUsage):
        write_manifest(folder, heading(), layout=layouts.load("ae-london"))


def test_a_heading_that_is_not_sound_leaves_no_manifest(folder):
    """A half-good manifest would be found at the next landing."""
    (folder / "manifest.toml").unlink()
    with pytest.raises(DoesNotHold):
        write_manifest(folder, heading(sender='R"\n'), layout=layouts.load("ae-london"))
    assert not (folder / "manifest.toml").exists()
