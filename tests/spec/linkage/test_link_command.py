"""`caldicott link` as its users meet it: who is linked, who is not, and what the report names."""

from __future__ import annotations

import json
from importlib.metadata import version
from importlib.resources import files

import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from tests.spec.linkage.linking import COLUMNS, pairs, written

from people import invented, number

CANARY = "Quizzlebeck"


def rows(count: int, prefix: str) -> list[tuple[str, ...]]:
    return [
        (f"{prefix}{place}", one.number, one.given, one.family, one.born, "1", one.postcode)
        for place, one in enumerate(invented(count))
    ]


def test_the_same_people_in_two_files_are_found_by_their_number_and_by_name(link, tmp_path):
    """Each person is linked with themselves in the other file, also where a number or a name has a slip."""
    left = rows(6, "a")
    right = rows(6, "b")
    right[1] = ("b1", "", *right[1][2:])
    right[2] = ("b2", right[2][1], right[2][2], "Otherwise", *right[2][4:])
    right[3] = ("b3", "", right[3][2], right[3][3][:-1] + "x", *right[3][4:])
    link_answer = link(
        written(tmp_path / "l.csv", left), written(tmp_path / "r.csv", right), "--spec", "people", "--to", "out.csv"
    )
    assert link_answer.code == 0
    assert pairs(tmp_path / "out.csv") == {(f"a{place}", f"b{place}") for place in range(6)}


def test_the_same_command_gives_the_same_bytes_and_parquet_the_same_links(link, tmp_path):
    """A linkage can be repeated by anyone who holds the files and the spec."""
    source = written(tmp_path / "l.csv", rows(30, "a") + rows(30, "b"))
    pq.write_table(pacsv.read_csv(source), tmp_path / "l.parquet")
    for name, file in (("one", source), ("two", source), ("three", tmp_path / "l.parquet")):
        assert link(file, "--spec", "people", "--to", f"{name}.csv").code == 0
    answers = [(tmp_path / f"{name}.csv").read_bytes() for name in ("one", "two", "three")]
    assert answers[0] == answers[1] == answers[2]
    assert len(pairs(tmp_path / "one.csv")) == 30


def test_three_j_smiths_of_one_household_stay_three(link, tmp_path):
    """A shared family name, initial and postcode do not make one person of three, with birth dates or without."""
    household = [
        ("1", "", "J", "Smith", "1950-03-02", "1", "ZZ1 1QJ"),
        ("2", "", "J", "Smith", "1980-07-21", "1", "ZZ1 1QJ"),
        ("3", "", "J", "Smith", "2010-11-12", "1", "ZZ1 1QJ"),
        ("4", "", "J", "Smith", "", "1", "ZZ1 1QJ"),
        ("5", "", "J", "Smith", "", "", "ZZ1 1QJ"),
    ]
    answer = link(written(tmp_path / "l.csv", household), "--spec", "people", "--to", "out.csv", "--json")
    assert answer.code == 0
    assert pairs(tmp_path / "out.csv") == set()
    assert sum(entry["pairs"] for entry in answer.record["guards"]) > 0


def test_twins_are_two_people(link, tmp_path):
    """Everything but the given name is the same, and it is not enough."""
    twins = [
        ("1", "", "Amaryllis", "Fernsby", "2001-05-06", "2", "ZZ3 4QJ"),
        ("2", "", "Peregrine", "Fernsby", "2001-05-06", "2", "ZZ3 4QJ"),
    ]
    assert link(written(tmp_path / "l.csv", twins), "--spec", "people", "--to", "out.csv").code == 0
    assert pairs(tmp_path / "out.csv") == set()


def test_a_third_record_does_not_join_what_a_guard_keeps_apart(link, tmp_path):
    """Each twin is like the record that names none of them; the two are still not one person."""
    twins = [
        ("1", "", "Amaryllis", "Fernsby", "2001-05-06", "2", "ZZ3 4QJ"),
        ("2", "", "Peregrine", "Fernsby", "2001-05-06", "2", "ZZ3 4QJ"),
        ("3", "", "", "Fernsby", "2001-05-06", "2", "ZZ3 4QJ"),
    ]
    assert link(written(tmp_path / "l.csv", twins), "--spec", "people", "--to", "out.csv").code == 0
    assert ("1", "2") not in pairs(tmp_path / "out.csv")


def test_values_that_say_nothing_link_nobody_and_are_counted(link, tmp_path):
    """Blanks, codes for unknown, 1 January 1900, no-abode postcodes, sentinels: they bring no records together."""
    nothing = [
        (str(place), ("", "0000000000", "9999999999", "NULL")[place % 4], ("UNKNOWN", "Baby", "", "N/A")[place % 4],
         "Not Known", "1900-01-01", "9", "ZZ99 3VZ")
        for place in range(200)
    ]  # fmt: skip
    answer = link(written(tmp_path / "l.csv", nothing), "--spec", "people", "--to", "out.csv", "--json")
    assert answer.code == 0
    assert pairs(tmp_path / "out.csv") == set()
    named = {(row["field"], row["reason"]): row["values"] for row in answer.record["said_nothing"]}
    assert named["born", "says nothing"] == 200
    assert named["postcode", "says nothing"] == 200
    assert named["family", "says nothing"] == 200
    assert named["nhs_number", "not usable"] == 100
    assert named["nhs_number", "blank"] == 50
    assert any("200 records say too little" in remark for remark in answer.record["remarks"])


def test_one_number_written_for_many_people_is_nobodys(link, tmp_path):
    """A number that stands beside many birth dates is taken out and counted; it links none of them."""
    many = [
        (f"a{place}", number(7), one.given, one.family, one.born, "1", one.postcode)
        for place, one in enumerate(invented(60))
    ]
    answer = link(written(tmp_path / "l.csv", many), "--spec", "people", "--to", "out.csv", "--json")
    assert answer.code == 0
    assert pairs(tmp_path / "out.csv") == set()
    named = {(row["field"], row["reason"]): row["values"] for row in answer.record["said_nothing"]}
    assert named["nhs_number", "shared by different people"] == 60


def test_names_of_other_scripts_are_nobodys_shared_blank(link, tmp_path):
    """Two people whose names have no Latin letter are not one person, and an accent makes no other name."""
    people = [
        ("1", "", "Мирослава", "Тестенко", "1971-02-03", "2", "ZZ5 1QJ"),
        ("2", "", "Златомир", "Примеров", "1971-02-03", "1", "ZZ5 1QJ"),
        ("3", "", "Miroslava", "Testenko", "1971-02-03", "2", "ZZ5 1QJ"),
        ("4", "", "Zoë", "Ó Briain-Ñandú", "1988-09-10", "2", "ZZ6 1QJ"),
        ("5", "", "Zoe", "O Briain Nandu", "1988-09-10", "2", "ZZ6 1QJ"),
        ("6", "", "Ουλρίκος", "Δοκιμίδης", "1990-01-02", "1", "ZZ7 1QJ"),
        ("7", "", "Ευανθία", "Πειραματίδου", "1990-01-02", "2", "ZZ7 1QJ"),
        ("8", "", "زفرين", "تجريبي", "1992-03-04", "2", "ZZ8 1QJ"),
        ("9", "", "الريك", "مثالي", "1992-03-04", "1", "ZZ8 1QJ"),
        ("10", "", "زفرين", "تجريبي", "1992-03-04", "2", "ZZ8 1QJ"),
    ]
    answer = link(written(tmp_path / "l.csv", people), "--spec", "people", "--to", "out.csv", "--json")
    assert answer.code == 0
    assert pairs(tmp_path / "out.csv") == {("1", "3"), ("4", "5"), ("10", "8")}
    named = {(row["field"], row["reason"]): row["values"] for row in answer.record["said_nothing"]}
    assert named["family", "another script (in Latin letters)"] == 4
    assert named["family", "another script (kept)"] == 3


def test_one_number_with_few_birth_dates_and_many_names_is_nobodys(link, tmp_path):
    """Where nearly all birth dates are missing or 1 January 1900, the names tell that a number is not one person's."""
    many = [
        (f"a{place}", number(7), one.given + word, one.family, ("", "1900-01-01")[place % 2], "1", one.postcode)
        for place, one in enumerate(invented(60))
        for word in [chr(97 + place % 26) * 3]
    ]
    answer = link(written(tmp_path / "l.csv", many), "--spec", "people", "--to", "out.csv", "--json")
    assert pairs(tmp_path / "out.csv") == set()
    named = {(row["field"], row["reason"]): row["values"] for row in answer.record["said_nothing"]}
    assert named["nhs_number", "shared by different people"] == 60


def test_a_group_is_never_larger_than_the_spec_allows(link, tmp_path):
    """Thirty records that all look alike are not one person where a person has twelve at the most; it is said."""
    alike = [(f"a{place:02d}", "", "Zephrine", "Quibbleworth", "1961-02-03", "2", "ZZ7 4AP") for place in range(30)]
    spec = files("caldicott.facts.linkage").joinpath("specs", "people.toml").read_text("utf-8")
    for most, is_linked in ((30, True), (12, False)):
        (tmp_path / "bound.toml").write_text(spec.replace("[link]", f"[link]\ngroup_most = {most}"), encoding="utf-8")
        answer = link(written(tmp_path / "l.csv", alike), "--spec", "bound.toml", "--to", "out.csv", "--json")
        assert bool(pairs(tmp_path / "out.csv")) is is_linked
        assert ("records in groups too large to be one person" in answer.record["outcomes"]) is not is_linked


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ('[link]\nid = 3\n[fields.a]\ncolumn="x"', "`id` is missing"),
        ("[link]\nid = = 3", "spec.toml:2"),
        ('[link]\nid="id"', "no [fields]"),
        ('[link]\nid="id"\n[fields.a]\ncolumn="x"\nkind="horoscope"', "horoscope"),
        ('[link]\nid="id"\nfuzz=1\n[fields.a]\ncolumn="x"', "fuzz"),
        ('[link]\nid="id"\n[fields.a]\ncolumn="x"', "at least one"),
        ('[link]\nid="id"\n[fields.a]\ncolumn="x"\n[[comparisons]]\nfields=["b"]\nhow="exact"', "'b'"),
        ('[link]\nid="id"\nfields_least="two"\n[fields.a]\ncolumn="x"', "fields_least is not a whole number"),
        ('[link]\nid="id"\n[fields.a]\ncolumn="x"\nformats="%Y"', "formats is not a list of words"),
        ('[link]\nid="id"\n[fields.a]\ncolumn="x"\nformats=["%Q"]', "no way to write a date"),
        (
            '[link]\nid="id"\n[fields.a]\ncolumn="x"\n[comparisons]\nfields=["a"]',
            "head each of them with [[comparisons]]",
        ),
        ('[link]\nid="id"\n[fields.a]\ncolumn="x"\n[[guards]]\ndiffer="a"', "differ is not a list of words"),
        ('[link]\nid="id"\n[fields.a]\ncolumn="x"\n[training]\nsure=1', "sure is not a list of lists"),
    ],
)
def test_a_spec_that_does_not_hold_is_refused_by_name(link, tmp_path, spec, said):
    """Each fault names the file and what to write instead; nothing is read, nothing written."""
    (tmp_path / "spec.toml").write_text(spec, encoding="utf-8")
    answer = link(written(tmp_path / "l.csv", rows(2, "a")), "--spec", "spec.toml", "--to", "out.csv")
    assert answer.code == 1
    assert said in answer.err
    assert "Next:" in answer.err
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f'id,nhs_number\n1,"{CANARY}\n', "unclosed-quote"),
        ("", "empty-file"),
        (f"id,nhs_number\n1,{CANARY}\n", "missing-column"),
        (",".join(COLUMNS) + f"\n1,,{CANARY},,,,\n1,,{CANARY},,,,\n", "id-not-unique"),
        (",".join(COLUMNS) + "\n", "file-empty"),
    ],
)
def test_a_broken_file_is_named_and_none_of_its_values_is(link, tmp_path, text, code):
    """The refusal says which file and why, and never what a row holds."""
    (tmp_path / "l.csv").write_text(text, encoding="utf-8")
    answer = link("l.csv", "--spec", "people", "--to", "out.csv")
    assert answer.code == 1
    assert code in answer.err.replace("_", "-")
    assert CANARY not in answer.err + answer.out
    assert not list(tmp_path.glob("out*"))


def test_a_broken_line_is_left_out_and_counted(link, tmp_path):
    """A row with a column too many is not read as somebody; the report says how many there were, never what."""
    source = written(tmp_path / "l.csv", rows(3, "a"))
    with source.open("a", encoding="utf-8", newline="") as file:
        file.write(f"x,,{CANARY},,,,,too,many\r\n")
    answer = link(source, "--spec", "people", "--to", "out.csv")
    assert answer.code == 0
    assert "1 lines of the files are broken" in answer.out
    assert CANARY not in answer.out + (tmp_path / "out.csv").read_text(encoding="utf-8")


def test_a_file_with_two_kinds_of_line_end_is_refused_as_a_file(link, tmp_path):
    """It is the file that cannot be read, not the program that failed; nothing of it is quoted."""
    source = written(tmp_path / "l.csv", rows(3, "a"))
    with source.open("a", encoding="utf-8", newline="") as file:
        file.write(f"x,,{CANARY},,,,,too,many\n")
    answer = link(source, "--spec", "people", "--to", "out.csv")
    assert answer.code == 1
    assert "file-unreadable" in answer.err
    assert CANARY not in answer.err


def test_tracing_is_a_link_like_any_other(link, tmp_path):
    """Records against persons: the links, every record's outcome, and counts by step and code."""
    person = ("nhs_number", "given", "family", "birth_date", "gender", "postcode")
    one = invented(1)[0]
    known = (one.number, one.given, one.family, one.born, "1", one.postcode)
    written(tmp_path / "persons.csv", [known], person)
    written(tmp_path / "records.csv", [("r1", *known), ("r2", "", "", "", "", "", "")], ("id", *person))
    words = ("records.csv", "persons.csv", "--spec", "trace-mps-2024", "--to", "out.csv", "--candidates", "all.csv")
    answer = link(*words, "--json")
    assert pairs(tmp_path / "out.csv") == {("r1", one.number)}
    assert {(row["step"], row["code"], row["records"]) for row in answer.record["traced"]} == {
        ("cross-check@1", "00", 1), ("one-time@1", "96", 1),
    }  # fmt: skip
    assert len((tmp_path / "all.csv").read_text(encoding="utf-8").splitlines()) == 3
    assert link("records.csv", "--spec", "trace-mps-2024", "--to", "out.csv").code == 2


def test_report_and_model_hold_no_value_of_a_row(link, tmp_path):
    """What is written beside the links names fields, counts and levels, never a person."""
    people = [*rows(20, "a"), ("z", "", CANARY, CANARY, "1961-02-03", "1", "ZZ8 8QJ")]
    answer = link(written(tmp_path / "l.csv", people), "--spec", "people", "--to", "out.csv")
    about = (tmp_path / "out.csv.about.json").read_text(encoding="utf-8")
    for held in (CANARY.lower(), "1961", "zephrine", invented(1)[0].number):
        assert held not in (about + answer.out).lower()


def test_wrong_use_is_told_with_the_next_step(link, tmp_path):
    """Missing words, an unknown spec, and an answer over its own input are refused as wrong usage."""
    source = written(tmp_path / "l.csv", rows(2, "a"))
    for words in (
        (source, "--to", "out.csv"),
        (source, "--spec", "people"),
        (source, "--spec", "no-such-spec", "--to", "out.csv"),
        (source, "--spec", "people", "--to", source),
        (source, "--spec", "people", "--to", "nowhere/out.csv"),
    ):
        answer = link(*words)
        assert answer.code == 2
        assert "Next:" in answer.err


def test_one_time_ids_bear_the_name_of_the_run(link, tmp_path):
    """Named by --run, or drawn anew each time, so that the ids of two runs never meet; the record says which."""
    person = ("nhs_number", "given", "family", "birth_date", "gender", "postcode")
    one = invented(1)[0]
    written(tmp_path / "persons.csv", [(one.number, one.given, one.family, one.born, "1", one.postcode)], person)
    written(tmp_path / "records.csv", [("r1", "", "", "", "", "", "")], ("id", *person))
    words = ("records.csv", "persons.csv", "--spec", "trace-mps-2024", "--to", "out.csv", "--candidates", "all.csv")
    seen = set()
    for run in (("--run", "2026W47"), (), ()):
        answer = link(*words, *run, "--json")
        made = (tmp_path / "all.csv").read_text(encoding="utf-8").splitlines()[1].split(",")[1]
        assert made == f"U{answer.record['run']}000000001"
        seen.add(made)
    assert "U2026W47000000001" in seen
    assert len(seen) == 3
    refused = link(*words, "--run", "week 47")
    assert (refused.code, "run-unnamed" in refused.err) == (2, True)


def test_a_report_has_the_model_the_blocks_and_their_charts(link, tmp_path):
    """The model can be read by Splink again and names its version; every chart is named and stands beside its table."""
    people = [*rows(30, "a"), *rows(30, "b"), ("z", "", CANARY, CANARY, "1961-02-03", "1", "ZZ8 8QJ")]
    source = written(tmp_path / "l.csv", people)
    answer = link(source, "--spec", "people", "--to", "out.csv", "--report", "report", "--json")
    made = {path.name for path in (tmp_path / "report").iterdir()}
    assert made == {"report.md", "model.json", "blocks.svg", "match-weights.svg", "m-and-u.svg"}
    model = json.loads((tmp_path / "report" / "model.json").read_text(encoding="utf-8"))
    assert model["splink_version"] == answer.record["model"]["version"] == version("splink")
    assert len(model["comparisons"]) == 6
    assert sum(block["first_here"] for block in answer.record["blocks"]) == answer.record["pairs_compared"]
    told = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    for name in made - {"report.md", "model.json"}:
        assert name in told
        assert "aria-labelledby" in (tmp_path / "report" / name).read_text(encoding="utf-8")
    every = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "report").iterdir()).lower()
    assert CANARY.lower() not in every
    assert invented(1)[0].number not in every
    (tmp_path / "taken").write_text("", encoding="utf-8")
    assert link(source, "--spec", "people", "--to", "out.csv", "--report", "taken").code == 2


def test_records_whose_columns_have_other_names_are_not_quietly_traced_to_nobody(link, tmp_path):
    """A file with none of the columns that tracing reads is refused; one that lacks some is told which."""
    one = invented(1)[0]
    written(tmp_path / "persons.csv", [(one.number, one.family)], ("nhs_number", "family"))
    written(tmp_path / "records.csv", [("r1", one.number, one.family)], ("id", "patient", "surname"))
    words = ("records.csv", "persons.csv", "--spec", "trace-mps-2024", "--to", "out.csv")
    answer = link(*words)
    assert (answer.code, "LEFT" in answer.err, "birth_date" in answer.err) == (1, True, True)
    written(tmp_path / "records.csv", [("r1", one.number, one.family)], ("id", "nhs_number", "family"))
    assert "LEFT has no column for: given, birth_date" in link(*words).out.replace("\n", " ")
