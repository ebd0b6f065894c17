"""Matching without names: each organisation encodes its own file, and only filters meet."""

from __future__ import annotations

import random
import re
import stat
from importlib.resources import files

import pyarrow.parquet as pq
import pytest
from tests.spec.linkage.linking import pairs, written

from people import invented


def word(seed: int) -> str:
    """An invented name that is like no other."""
    return "".join(random.Random(seed).choices("abcdefghijklmnopqrstuvwxyz", k=8))


@pytest.fixture
def encoded(link, tmp_path):
    """Two files of forty people, ten of them in both with a slip, encoded under one key."""
    words = [word(at) for at in range(140)]
    people = [
        (one.number, words[2 * at], words[2 * at + 1], one.born, "1", one.postcode)
        for at, one in enumerate(invented(70))
    ]
    left = [(f"a{at}", *row) for at, row in enumerate(people[:40])]
    right = [(f"b{at}", "", row[1] + "e", *row[2:]) for at, row in enumerate(people) if at >= 30]
    assert link("key", "project.key").code == 0
    for name, rows in (("l", left), ("r", right)):
        source = written(tmp_path / f"{name}.csv", rows)
        assert link("encode", source, "--spec", "people", "--key", "project.key", "--to", f"{name}.parquet").code == 0
    return tmp_path


def test_the_same_people_meet_and_no_others(link, encoded):
    """Ten people are in both files, with a slip and without their number."""
    assert link("match-encoded", "l.parquet", "r.parquet", "--to", "out.csv", "--at-least", "0.75").code == 0
    assert pairs(encoded / "out.csv") == {(f"a{at}", f"b{at}") for at in range(30, 40)}


def test_an_encoded_file_holds_ids_and_filters_only(encoded):
    """No name, no number, no date, and no order of the sender's file."""
    table = pq.read_table(encoded / "l.parquet")
    assert table.column_names == ["id", "filter"]
    held = (encoded / "l.parquet").read_bytes()
    assert not any(word(at).encode() in held for at in range(80))
    assert table.column("id").to_pylist() != sorted(table.column("id").to_pylist(), key=lambda one: int(one[1:]))


def test_who_says_nothing_is_left_out_and_counted(link, encoded):
    """Records of blanks get no filter, so that no two of them are alike."""
    source = written(encoded / "n.csv", [(str(at), "", "", "", "", "", "") for at in range(5)])
    answer = link("encode", source, "--spec", "people", "--key", "project.key", "--to", "n.parquet", "--json")
    assert (answer.record["records"], answer.record["left_out"]) == (0, 5)


def test_the_key_is_its_owners_and_never_written_over(link, encoded):
    """Readable by its owner only; a second making is refused."""
    assert stat.S_IMODE((encoded / "project.key").stat().st_mode) == 0o600
    assert link("key", "project.key").code == 2


def test_a_weak_key_and_few_fields_are_refused(link, encoded):
    """A short or repeating key, and a spec of fewer than five fields, would make filters that can be read."""
    for weak in (b"secret", b"0" * 64):
        (encoded / "weak.key").write_bytes(weak)
        answer = link("encode", "l.csv", "--spec", "people", "--key", "weak.key", "--to", "w.parquet")
        assert (answer.code, "link-key-weak" in answer.err) == (1, True)
    few = '[link]\nid="id"\n[fields.a]\ncolumn="given_name"\n[[comparisons]]\nfields=["a"]\nhow="exact"\n'
    few += '[[blocks]]\non=["a"]\n'
    (encoded / "few.toml").write_text(few, encoding="utf-8")
    answer = link("encode", "l.csv", "--spec", "few.toml", "--key", "project.key", "--to", "w.parquet")
    assert (answer.code, "link-fields-few" in answer.err) == (1, True)
    assert not (encoded / "w.parquet").exists()


def test_a_file_that_was_not_encoded_is_refused(link, encoded):
    """A plain table is not matched by mistake."""
    pq.write_table(pq.read_table(encoded / "l.parquet").select(["id"]), encoded / "plain.parquet")
    answer = link("match-encoded", "plain.parquet", "r.parquet", "--to", "out.csv")
    assert (answer.code, "not-encoded" in answer.err) == (1, True)


def test_files_of_two_projects_or_two_specs_are_not_compared(link, encoded):
    """Each project has its own key: filters of another cannot be matched with it, by mistake or on purpose."""
    assert link("key", "other.key").code == 0
    spec = files("caldicott.facts.linkage").joinpath("specs", "people.toml").read_text("utf-8")
    renamed = re.sub(r"\bborn\b", "day", spec)
    (encoded / "other.toml").write_text(renamed, encoding="utf-8")
    for name, words in (
        ("key", ("--spec", "people", "--key", "other.key")),
        ("spec", ("--spec", "other.toml", "--key", "project.key")),
    ):
        assert link("encode", "r.csv", *words, "--to", "apart.parquet").code == 0
        answer = link("match-encoded", "l.parquet", "apart.parquet", "--to", "apart.csv")
        assert (answer.code, "encoded-apart" in answer.err, f"same {name}" in answer.err) == (1, True, True)
        assert not (encoded / "apart.csv").exists()


def test_a_record_of_a_few_words_is_not_encoded(link, encoded):
    """Three fields of a spec of six leave a filter of three words, which an attack on frequencies reads."""
    few = [
        ("1", "", "Zephrine", "Quibbleworth", "1961-02-03", "", ""),
        ("2", "", "Ulric", "Marrow", "1961-02-03", "1", ""),
    ]
    answer = link(
        "encode",
        written(encoded / "f.csv", few),
        "--spec",
        "people",
        "--key",
        "project.key",
        "--to",
        "f.parquet",
        "--json",
    )
    assert (answer.record["records"], answer.record["left_out"]) == (1, 1)
