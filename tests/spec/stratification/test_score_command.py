"""`caldicott score` as its users meet it: names, exit codes, bad input, and that no person is ever named."""

from __future__ import annotations

import csv
import gzip
import importlib
import json
import sys
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.unit.stratification.scoring import read, written

CANARY = "zz-person-4711"
OWN_CSV = """# name = "falls"
# title = "Our falls score"
# version = "1"
# citation = "ours"
# licence = "Apache-2.0"
# standing = "own"
# window_months = 12
group,code,weight,hidden_by
fall,W19,1,hip
fall,W01,1,
hip,S72,2.5,
"""
OWN_TOML = """name = "falls-toml"
title = "Our falls score"
version = "1"
citation = "ours"
licence = "Apache-2.0"
standing = "own"
minimum = 1
[codes]
file = "falls_codes.csv"
[weights]
fall = 3
"""


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str


@pytest.fixture
def cli(monkeypatch, capsys, tmp_path):
    """Runs `caldicott score` in a folder of the test's own."""
    program = importlib.import_module("caldicott.cli.app")
    monkeypatch.chdir(tmp_path)

    def command(*words):
        monkeypatch.setattr(sys, "argv", ["caldicott", "score", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            program.main()
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        assert CANARY not in said.out + said.err
        return Answer(ended.value.code or 0, said.out, said.err)

    return command


@pytest.fixture
def codes(tmp_path):
    return written(tmp_path, "codes.csv", "person_id code date", [(CANARY, "I21", "2025-01-01"), ("q", "F00", "")])


@pytest.mark.parametrize(
    "words",
    ["--score charlson-1987 hfrs", "--score charlson-1987,hfrs", "--score charlson-1987 --score hfrs"],
)  # fmt: skip
def test_names_may_be_given_in_any_of_three_ways(cli, codes, tmp_path, words):
    """One option with several names, names joined by commas, or the option again: one column a score."""
    assert cli(codes, *words.split(), "--to", "out.csv").code == 0
    with (tmp_path / "out.csv").open(encoding="utf-8") as stream:
        assert next(csv.reader(stream)) == ["person_id", "charlson-1987", "hfrs"]


def test_the_account_adds_up(cli, tmp_path):
    """Every row of codes is counted under exactly one reason, and the reasons are named."""
    rows = [
        ("a", "I21", "2025-01-01"), ("", "I21", "2025-01-01"), ("a", "", "2025-01-01"), ("a", "rubbish!", "2025-01-01"),
        ("a", "A000", "2025-01-01"), ("a", "I21", ""), ("a", "I21", "2027-01-01"), ("a", "I21"),
    ]  # fmt: skip
    path = written(tmp_path, "codes.csv", "person_id code date", rows)
    answer = cli(path, "--score", "charlson-1987", "--on", "2026-01-01", "--to", "out.csv", "--json")
    account = json.loads(answer.out)
    assert account["code_rows_by"] == {
        "no-person": 1, "no-code": 1, "no-date": 1, "after-the-day": 1, "not-a-code": 1, "in-no-score-asked": 1,
        "counted": 1, "broken-line": 1,
    }  # fmt: skip
    assert account["code_rows"] == len(rows)


def test_what_made_the_values_lies_beside_them(cli, codes, tmp_path):
    """Version, hash of the table, citation and licence of each score, the day, the counts; no person."""
    cli(codes, "--score", "hfrs", "--to", "out.csv")
    text = (tmp_path / "out.csv.about.json").read_text("utf-8")
    (entry,) = json.loads(text)["scores"]
    assert CANARY not in text
    assert (entry["name"], entry["version"], len(entry["sha256"])) == ("hfrs", "2018", 64)
    assert any("window was not applied" in remark for remark in json.loads(text)["remarks"])


@pytest.mark.parametrize(
    ("columns", "rows", "words", "ended"),
    [
        ("person_id diagnosis", [(CANARY, "I21")], (), (1, "missing-column")),
        ("person_id code code", [(CANARY, "I21", "I22")], (), (1, "duplicate-column")),
        ("person_id code CODE", [(CANARY, "I21", "I22")], (), (1, "duplicate-column")),
        ("person_id code date", [(CANARY, "I21", "32/13/2025")], ("--on", "2026-01-01"), (1, "unreadable-date")),
        ("person_id code date", [(CANARY, "I21", "01/02/25")], ("--on", "2026-01-01"), (1, "unreadable-date")),
        ("person_id code", [(CANARY, "I21")], ("--on", "yesterday"), (2, "date-unreadable")),
        ("person_id code", [(CANARY, "I21")], ("--score", "hfsr"), (2, "score-unknown")),
        ("person_id code", [(CANARY, "I21")], ("--score", "lace"), (2, "input-missing")),
        ("person_id code", [(CANARY, "I21")], ("--score", "acg"), (2, "score-not-here")),
        ("person_id code", [(CANARY, "I21")], ("--tiers", "lace"), (2, "tier-unknown")),
        ("person_id code", [(CANARY, "I21")], ("--codes-for", "hfrs=x.csv"), (2, "score-takes-no-codes")),
    ],
)
def test_bad_input_is_named(cli, tmp_path, columns, rows, *, words, ended):
    """Each fault has its code, its exit code and a next step; nothing is written."""
    path = written(tmp_path, "codes.csv", columns, rows)
    answer = cli(path, "--score", "hfrs", *words, "--to", "out.csv")
    assert (answer.code, "Next:" in answer.err) == (ended[0], True)
    assert f"({ended[1]})" in answer.err
    assert not (tmp_path / "out.csv").exists()
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b'person_id,code\nzz-person-4711,"I21\n', "unclosed-quote"),
        (b"", "empty-file"),
        (b"person_id,code\nzz-person-4711,I\x0021\n", "nul-byte"),
        (b"person_id,code\nzz-person-4711,I21\xff\n", "not-utf8"),
        ("person_id,code\nzz-person-4711,I21\n".encode("utf-16"), "nul-byte"),
    ],
)
def test_a_broken_file_never_reaches_the_reader(cli, tmp_path, content, error):
    """A quote that does not close can keep the engine's reader busy for ever; such files are refused before it."""
    path = tmp_path / "codes.csv"
    path.write_bytes(content)
    answer = cli(path, "--score", "hfrs", "--to", "out.csv")
    assert (answer.code, f"({error})" in answer.err) == (1, True)


def test_a_missing_file(cli):
    """A file that is not there is named by its part in the command."""
    answer = cli("nothing.csv", "--score", "hfrs", "--to", "out.csv")
    assert (answer.code, "CODES" in answer.err) == (1, True)


def test_the_input_is_never_overwritten(cli, codes):
    """The answer cannot take the place of its own input."""
    before = codes.read_bytes()
    assert cli(codes, "--score", "hfrs", "--to", codes).code == 2
    assert codes.read_bytes() == before


def test_a_person_twice_in_the_list_is_refused(cli, codes, tmp_path):
    """Two ages for one person: which is right is not guessed."""
    persons = written(tmp_path, "persons.csv", "person_id age", [(CANARY, 80), (CANARY, 81)])
    answer = cli(codes, "--score", "hfrs", "--persons", persons, "--to", "out.csv")
    assert (answer.code, "(person-repeated)" in answer.err) == (1, True)


@pytest.mark.parametrize("kind", ["parquet", "csv.gz", "bom", "upper", "[1].csv"])
def test_other_ways_of_writing_the_file(cli, tmp_path, kind):
    """Parquet, packed CSV, a byte-order mark, columns in capitals, brackets in the file's name: all give the same."""
    text = "person_id,code\nq,I21\n"
    path = tmp_path / {"parquet": "c.parquet", "csv.gz": "c.csv.gz", "[1].csv": "c[1].csv"}.get(kind, "c.csv")
    if kind == "parquet":
        pq.write_table(pa.table({"person_id": ["q"], "code": ["I21"]}), path)
    elif kind == "csv.gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text({"bom": "\ufeff" + text, "upper": text.upper()}.get(kind, text), encoding="utf-8")
    assert cli(path, "--score", "charlson-1987", "--to", "out.csv").code == 0
    assert [row["charlson-1987"] for row in read(tmp_path / "out.csv").values()] == ["1"]


def test_the_list_says_what_each_score_needs(cli):
    """Names, standing and inputs; and those that cannot be computed, with the reason."""
    document = json.loads(cli("--list", "--json").out)
    by_name = {entry["name"]: entry for entry in document["scores"]}
    assert by_name["hfrs"]["needs"] == ["codes"]
    assert "spells: is_emergency or admission_method" in by_name["lace"]["needs"]
    assert by_name["parr-30"]["standing"] == "remembered"
    assert not by_name["acg"]["computed"]
    assert "qadmissions" in cli("--list").out


def test_a_score_of_your_own_in_one_csv(cli, tmp_path):
    """Codes, weights, hierarchy, window, version and citation in one file; it runs without being named again."""
    (tmp_path / "own.csv").write_text(OWN_CSV, encoding="utf-8")
    rows = [
        ("a", "W19.1", "2025-06-01"),
        ("b", "W01", "2025-06-01"),
        ("b", "S72.0", "2025-06-01"),
        ("c", "S72", "2024-06-01"),
    ]
    path = written(tmp_path, "codes.csv", "person_id code date", rows)
    assert cli(path, "--table", "own.csv", "--on", "2026-01-01", "--to", "out.csv").code == 0
    assert {person: row["falls"] for person, row in read(tmp_path / "out.csv").items()} == {
        "a": "1.0",
        "b": "2.5",
        "c": "0.0",
    }


def test_a_score_of_your_own_in_toml(cli, codes, tmp_path):
    """The TOML names a CSV of codes beside it."""
    (tmp_path / "own.toml").write_text(OWN_TOML, encoding="utf-8")
    written(tmp_path, "falls_codes.csv", "group code", [("fall", "F00")])
    assert cli(codes, "--table", "own.toml", "--to", "out.csv").code == 0
    assert {row["falls-toml"] for row in read(tmp_path / "out.csv").values()} == {"1", "3"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "falls"', 'name = "hfrs"'),
        ('version = "1"', 'version = ""'),
        ("window_months = 12", "window_months = 0.5"),
        ("# window_months = 12", "# windows = 12"),
        ("hip,S72,2.5,", "hip,S72,many,"),
        ("hip,S72,2.5,", "hip,,2.5,"),
        ("fall,W19,1,hip", "fall,W19,1,knee"),
        ("fall,W01,1,", "fall,W01,2,"),
        ("weight,hidden_by", "points,hidden_by"),
        ('standing = "own"', 'standing = "true"'),
    ],
)
def test_a_table_that_does_not_hold_is_refused(cli, codes, tmp_path, old, new):
    """A taken name, an empty version, a window that is no number, an unknown key, two weights: each is named."""
    assert old in OWN_CSV
    (tmp_path / "own.csv").write_text(OWN_CSV.replace(old, new), encoding="utf-8")
    answer = cli(codes, "--table", "own.csv", "--to", "out.csv")
    assert (answer.code, "own.csv" in answer.err) == (1, True)
    assert not (tmp_path / "out.csv").exists()


def test_a_column_that_a_score_needs(cli, codes, tmp_path):
    """A file that was given but lacks a column: the column, its file and the score are named."""
    spells = written(
        tmp_path, "spells.csv", "person_id admission_date discharge_date", [("q", "2025-01-01", "2025-01-02")]
    )
    answer = cli(codes, "--score", "lace", "--spells", spells, "--to", "out.csv")
    assert (answer.code, "SPELLS" in answer.err, "`emergency_attendances_6_months`" in answer.err) == (1, True, True)


def test_an_age_from_a_birth_date_needs_a_day(cli, codes, tmp_path):
    """Today is never taken for the day asked about."""
    own = tmp_path / "own.toml"
    own.write_text(
        'name = "old"\ntitle = "t"\nversion = "1"\ncitation = "c"\nlicence = "l"\nstanding = "own"\n'
        '[[terms]]\nfeature = "age"\nfrom = 65\npoints = 1\n',
        encoding="utf-8",
    )
    persons = written(tmp_path, "persons.csv", "person_id birth_date", [(CANARY, "1960-07-02"), ("q", "1960-07-01")])
    asked = (codes, "--table", own, "--persons", persons, "--to", "out.csv")
    assert cli(*asked).code == 2
    assert cli(*asked, "--on", "2025-07-01").code == 0
    assert {person: row["old"] for person, row in read(tmp_path / "out.csv").items()} == {CANARY: "0", "q": "1"}


def test_scores_made_of_each_other_are_refused(cli, codes, tmp_path):
    """A table may use another score, but not in a circle."""
    for name, part in (("one", "two"), ("two", "one")):
        (tmp_path / f"{name}.toml").write_text(
            f'name = "{name}"\ntitle = "t"\nversion = "1"\ncitation = "c"\nlicence = "l"\nstanding = "own"\n'
            f'[[terms]]\nfeature = "score:{part}"\nper_unit = 1\n',
            encoding="utf-8",
        )
    answer = cli(codes, "--table", "one.toml", "--table", "two.toml", "--to", "out.csv")
    assert (answer.code, "(score-circular)" in answer.err) == (2, True)


def test_a_score_made_of_another(cli, codes, tmp_path):
    """A user's table may add to a shipped score; decimals are kept."""
    (tmp_path / "own.toml").write_text(
        'name = "half"\ntitle = "t"\nversion = "1"\ncitation = "c"\nlicence = "l"\nstanding = "own"\nintercept = 0.25\n'
        '[[terms]]\nfeature = "score:charlson-1987"\nper_unit = 0.5\n',
        encoding="utf-8",
    )
    assert cli(codes, "--table", "own.toml", "--to", "out.csv").code == 0
    assert {row["half"] for row in read(tmp_path / "out.csv").values()} == {"0.75"}
