"""A notice has a date; old versions stay readable; anyone can ask what changed between two."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from caldicott.publication.edition import (
    Earlier,
    Edition,
    as_json,
    changes,
    changes_between,
    current,
    earlier_from,
    from_json,
    read_versions,
)
from caldicott.register import parse
from caldicott.register.model import Notice
from caldicott.vocabulary.errors import DoesNotHold

REGISTERS = Path(__file__).parents[3] / "registers"
FOUR = ("dorset-2018", "example-icb", "leeds-2018", "oxfordshire-2016")


def with_notices(register, *notices):
    """The register with these notices: (version, day)."""
    made = tuple(Notice(version=version, published=date.fromisoformat(day)) for version, day in notices)
    return register.model_copy(update={"controller": register.controller.model_copy(update={"notices": made})})


@pytest.fixture(scope="module")
def register():
    return parse.load(REGISTERS / "example-icb")


def test_the_newest_version_published_by_the_day_holds(register):
    """A version holds from its day until the next one's day; one of the future does not hold yet."""
    versions = with_notices(register, ("2027-1", "2027-01-01"), ("2026-1", "2026-04-01"), ("2026-2", "2026-09-01"))
    days = ("2026-04-01", "2026-08-31", "2026-09-01", "2026-12-31", "2027-01-01")
    held = [current(versions, date.fromisoformat(day)).version for day in days]
    assert held == ["2026-1", "2026-1", "2026-2", "2026-2", "2027-1"]


def test_of_two_versions_of_one_day_the_first_written_holds():
    """Leeds published a long notice and a short one; the long one, written first, is the notice."""
    leeds = parse.load(REGISTERS / "leeds-2018")
    assert [notice.version for notice in leeds.controller.notices] == ["leeds-2018", "leeds-short"]
    assert current(leeds, date(2018, 1, 30)).version == "leeds-2018"


def test_before_the_first_version_there_is_none(register):
    """Nobody is shown a notice that has not been published: the error says from which day it can be."""
    with pytest.raises(DoesNotHold, match="no notice that was published by 2026-03-31") as refused:
        current(register, date(2026, 3, 31))
    assert refused.value.code == "no-notice-yet"
    assert "2026-04-01" in refused.value.next_step


def test_a_register_without_a_notice_says_what_to_add(register):
    """Without any notice the next step is to add one."""
    with pytest.raises(DoesNotHold) as refused:
        current(with_notices(register), date(2026, 5, 1))
    assert "[[notices]]" in refused.value.next_step


def test_the_title_is_the_notices_own(register):
    """The title is what the register calls the notice; without one, it says whose information is meant."""
    assert current(register, date(2026, 5, 1)) == Edition("2026-1", date(2026, 4, 1), "How we use your information")
    untitled = current(with_notices(register, ("1", "2026-04-01")), date(2026, 5, 1))
    assert untitled.title == "How NHS Example Integrated Care Board uses your information"


def test_earlier_versions_stand_newest_first_and_never_hold_the_future(register):
    """The list of old versions has those before this one only, the newest first."""
    versions = with_notices(register, ("2026-2", "2026-09-01"))
    kept = tuple(
        Earlier(version, date.fromisoformat(day), register)
        for version, day in (
            ("2025-1", "2025-04-01"),
            ("2026-2", "2026-09-01"),
            ("2026-1", "2026-04-01"),
            ("2027-1", "2027-01-01"),
        )
    )
    edition = current(versions, date(2026, 10, 1), kept)
    assert [one.version for one in edition.earlier] == ["2026-1", "2025-1"]


def test_changes_are_told_against_the_newest_earlier_version(register):
    """What changed is told against the last version the public could read, not an older one."""
    without = register.model_copy(update={"activities": register.activities[1:]})
    edition = Edition(
        "2026-3",
        date(2026, 9, 1),
        "",
        (Earlier("2026-2", date(2026, 6, 1), without), Earlier("2026-1", date(2026, 4, 1), register)),
    )
    assert [change.kind for change in changes(edition, register)] == ["activity-added"]
    assert changes(edition, register) == changes_between(without, register)


def test_a_first_version_has_no_changes(register):
    """The first notice is not told as a list of news."""
    assert changes(Edition("2026-1", date(2026, 4, 1), ""), register) == ()


@pytest.mark.parametrize("name", FOUR)
def test_a_kept_register_reads_back_as_it_was(name):
    """What was published can be read again years later: every word of it, and the digest the audit trail names."""
    told = parse.load(REGISTERS / name)
    again = from_json(as_json(told))
    assert again == told
    assert again.digest == told.digest != ""
    assert as_json(again) == as_json(told)


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (b"", "EOF"),
        (b"not json", "expected"),
        (b'{"form": 1}', "content: Field required"),
        (
            b'{"form": 2, "content": {"controller": {"id": "x", "name": "X", "kind": "icb", "regime": "dpa1998"}}}',
            "form 1",
        ),
        (b'{"form": 1, "content": {"controler": {}}}', "content.controller: Field required"),
    ],
)
def test_a_damaged_version_is_not_shown(document, why):
    """A kept register that was damaged is refused with its place, and not shown in part."""
    with pytest.raises(DoesNotHold, match=why) as refused:
        from_json(document, where="versions/2026-1/register.json")
    assert refused.value.code == "kept-register-unreadable"
    assert refused.value.where == "versions/2026-1/register.json"


def test_versions_are_read_from_what_was_published_oldest_first(register, tmp_path):
    """Each folder of versions/ is one version, dated by its own register."""
    versions = (("2026-2", "2026-09-01"), ("2026-1", "2026-04-01"))
    for version, day in versions:
        folder = tmp_path / "versions" / version
        folder.mkdir(parents=True)
        (folder / "register.json").write_bytes(as_json(with_notices(register, (version, day))))
    earlier = earlier_from(read_versions(tmp_path))
    assert [(one.version, one.published.isoformat()) for one in earlier] == list(reversed(versions))


def test_a_version_in_the_wrong_folder_is_refused(register, tmp_path):
    """A version whose own register does not know it has no date, so it is not passed off as one."""
    folder = tmp_path / "versions" / "2025-9"
    folder.mkdir(parents=True)
    (folder / "register.json").write_bytes(as_json(register))
    with pytest.raises(DoesNotHold, match="knows no notice of that version"):
        read_versions(tmp_path)


def test_nothing_published_yet_is_no_fault(tmp_path):
    """The first time, there is nothing to read."""
    assert read_versions(tmp_path) == ()
