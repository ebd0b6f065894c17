"""`caldicott synth`: invented people and every sender's extract, with the truth beside.

One small world is invented once; every test reads what was written to disk,
with Python's own csv and toml readers.
"""

import csv
import hashlib
import re
import tomllib
from collections import Counter, defaultdict
from datetime import date

import nhs_number
import pytest

from caldicott.facts import layout as layouts
from caldicott.synth import invent
from caldicott.synth.sources import SOURCES
from caldicott.vocabulary.errors import WrongUsage

PEOPLE, YEARS = 12_000, 2


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder and the report of one invention."""
    out = tmp_path_factory.mktemp("synth") / "out"
    return out, invent(out, people=PEOPLE, seed=11, years=YEARS)


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def truth(made):
    """Every truth file as a list of rows."""
    return {path.stem: rows_of(path) for path in (made[0] / "truth").iterdir()}


@pytest.fixture(scope="module")
def manifests(made):
    """Every manifest by submission id, with its folder."""
    found = {}
    for path in sorted(made[0].rglob("manifest.toml")):
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        found[content["submission"]["id"]] = (path.parent, content)
    return found


@pytest.fixture(scope="module")
def tables(manifests):
    """Every submission's rows under canonical names."""
    found = {}
    for name, (folder, content) in manifests.items():
        layout = layouts.load(content["submission"]["layout"])
        if layout.reader == "table":
            canonical = {column.name: column.canonical for column in layout.columns}
            found[name] = [
                {canonical[key]: value for key, value in row.items()}
                for row in rows_of(folder / content["files"][0]["path"])
            ]
    return found


def digests(out):
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in out.rglob("*.*")}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path):
    """Every file is equal byte by byte; with another seed every file of people differs."""
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        invent(tmp_path / name, people=900, seed=seed)
    one, same, other = (digests(tmp_path / name) for name in ("a", "b", "c"))

    assert one == same
    assert one.keys() == other.keys()
    assert not [path for path in one if one[path] == other[path]]


def test_leaving_datasets_out_changes_no_byte_of_the_others(tmp_path):
    """So that a benchmark of hospital rows runs on the very rows of the whole."""
    invent(tmp_path / "whole", people=900, seed=3)
    invent(tmp_path / "some", people=900, seed=3, only=("sus-ec", "pds"))
    whole, some = digests(tmp_path / "whole"), digests(tmp_path / "some")
    folders = {path.split("/")[0] for path in some}

    assert folders == {"truth", "RZ1-sus-ec-2026", "RZ2-sus-ec-2026", "X26-pds-person-2026", "X26-pds-merger-2026"}
    assert all(whole[path] == digest for path, digest in some.items() if not path.startswith("truth"))


def test_every_manifest_tells_the_truth(manifests, made):
    """Counts and hashes are those of the files; the layout is of that dataset; the truth folder has no manifest."""
    assert {content["submission"]["dataset"] for _, content in manifests.values()} == {
        "sus-apc", "sus-op", "sus-ec", "gp-patients", "gp-observations", "gp-medications", "gp-appointments",
        "gp-objections", "community", "mental-health", "out-of-hours", "urgent-care", "social-care", "pds",
        "national-data-opt-out",
    }  # fmt: skip
    for folder, content in manifests.values():
        stated = content["files"][0]
        body = (folder / stated["path"]).read_bytes()
        is_table = stated["path"].endswith(".csv")
        assert stated["sha256"] == hashlib.sha256(body).hexdigest()
        assert stated["rows"] == body.count(b"\n") - is_table
        assert layouts.load(content["submission"]["layout"]).dataset == content["submission"]["dataset"]
    assert not (made[0] / "truth" / "manifest.toml").exists()
    assert not (made[0] / "ndop-request" / "manifest.toml").exists()


def test_files_hold_exactly_the_columns_of_their_layout(manifests):
    """Names and order; a row never has more or fewer fields than the header."""
    for folder, content in manifests.values():
        layout = layouts.load(content["submission"]["layout"])
        if layout.reader == "table":
            with (folder / content["files"][0]["path"]).open(newline="", encoding="utf-8") as stream:
                header, *rows = csv.reader(stream)
            assert header == [column.name for column in layout.columns]
            assert {len(row) for row in rows} == {len(header)}


def ascii_digits(text):
    return "".join(str(int(letter)) for letter in text if letter.isdigit())


WRONG_NUMBER = {
    "nhs_number_check_digit", "nhs_number_nine_digits", "nhs_number_float",
    "nhs_number_sentinel", "nhs_number_unissued_range",
}  # fmt: skip


def test_numbers_are_right_and_of_the_test_range_except_where_the_truth_says_otherwise(tables, truth):
    """Every shown number passes another program's check and starts with 9, but for the marked rows."""
    marked = {(row["submission"], int(row["row"])) for row in truth["wrong_rows"] if row["fault"] in WRONG_NUMBER}
    known = {row["nhs_number"] for row in truth["people"]} | {row["superseded_nhs_number"] for row in truth["people"]}
    checked = 0
    for name, rows in tables.items():
        for place, row in enumerate(rows, start=1):
            if row["nhs_number"] and (name, place) not in marked:
                number = ascii_digits(row["nhs_number"])
                assert number in known
                checked += 1
    assert checked > 100_000
    assert all(nhs_number.is_valid(number) and number.startswith("9") for number in known if number)


def shows(fault, row, layout, person):  # noqa: C901, PLR0911, PLR0912  one case a fault reads as a table
    """Whether the row shows the fault it is said to have."""
    number, status = row["nhs_number"], row.get("nhs_number_status", "")
    occurred = row[layout.canonical(layout.occurred)]
    current = person["nhs_number"]
    texts = " ".join(row.get(name, "") for name in TEXT_COLUMNS)
    match fault:
        case "nhs_number_blank":
            return number == "" and status in {"", "03"}
        case "nhs_number_check_digit":
            return bool(re.fullmatch(r"9\d{9}", number)) and not nhs_number.is_valid(number)
        case "nhs_number_nine_digits":
            return number == current[1:]
        case "nhs_number_float":
            return float(number) == float(current) or float(number) == float(person["superseded_nhs_number"] or 0)
        case "nhs_number_sentinel":
            return number in {"0000000000", "9999999999", "1111111111"}
        case "nhs_number_unissued_range":
            return nhs_number.is_valid(number) and number.startswith("8")
        case "trace_conflict":
            return nhs_number.is_valid(ascii_digits(number)) and status in {"04", "05"}
        case "date_impossible":
            return occurred == "2025-02-30"
        case "date_in_future":
            return occurred > "2026-05-01"
        case "date_end_before_start":
            return any(row[layout.canonical(end)] < row[layout.canonical(start)] for start, end in layout.ordered)
        case "identifier_leaked":
            kept = " ".join(row.get(name, "") for name in LEAK_COLUMNS)
            return bool(re.search(r"\b9\d{2} \d{3} \d{4}\b", kept))
        case "identifier_in_free_text":
            return bool(re.search(r"\b9\d{2} \d{3} \d{4}\b", texts))
        case "formula_text":
            return any(row.get(name, "")[:1] in set("=@+") for name in TEXT_COLUMNS if row.get(name))
        case "overseas_no_number":
            return number == "" and status == "07"
        case "identity_withheld":
            hidden = ("nhs_number", "local_patient_id", "postcode", "birth_date", "patient_name")
            return bool(row["withheld_reason"]) and not any(row[name] for name in hidden)
        case "number_with_spaces":
            return bool(re.fullmatch(r"\d{3} \d{3} \d{4}", number))
        case "number_with_hyphens":
            return bool(re.fullmatch(r"\d{3}-\d{3}-\d{4}", number))
        case "number_full_width":
            return len(number) == 10 and not number.isascii()
        case "number_present_not_traced":
            return status == "02"
        case "number_trace_required":
            return status == "03" and bool(number)
        case "practice_unknown":
            return row["practice"] in {"V81997", "V81998", "V81999"}
        case "birth_date_differs":
            return row["birth_date"] != person["birth_date"]
        case "baby_no_number":
            age = date.fromisoformat(occurred) - date.fromisoformat(person["birth_date"])
            return number == "" and status == "08" and age.days < 42
        case "superseded_number":
            return number == person["superseded_nhs_number"]
        case "palindromic_number":
            return number == number[::-1]
        case "activity_after_death":
            return occurred > person["died_on"] > ""
    return False


LEAK_COLUMNS = {source.leak_column for source in SOURCES} - {""}
TEXT_COLUMNS = ("provider_reference", "associated_text", "dosage", "presenting_notes", "event_description")


def test_every_wrong_row_points_at_a_row_that_shows_its_fault(tables, truth, manifests):
    """Row number, key, person and fault agree with the file; a copy is equal to an earlier row."""
    people = {row["person"]: row for row in truth["people"]}
    seen = Counter()
    for wrong in truth["wrong_rows"]:
        rows = tables[wrong["submission"]]
        layout = layouts.load(manifests[wrong["submission"]][1]["submission"]["layout"])
        row = rows[int(wrong["row"]) - 1]
        assert row[layout.canonical(layout.record_key[0])] == wrong["record_key"]
        if wrong["fault"] != "duplicate":
            person = people[wrong["person"]]
            assert shows(wrong["fault"], row, layout, person), wrong["fault"]
        seen[wrong["fault"]] += 1
    assert set(seen) >= {"superseded_number", "palindromic_number", "baby_no_number", "activity_after_death"}
    assert len(seen) == 27


def test_copies_and_only_copies_share_a_record_key(tables, truth, manifests):
    """Every second row of a key is in the truth, and is the same to the letter."""
    copies = defaultdict(set)
    for wrong in truth["wrong_rows"]:
        if wrong["fault"] == "duplicate":
            copies[wrong["submission"]].add(int(wrong["row"]))
    for name, rows in tables.items():
        layout = layouts.load(manifests[name][1]["submission"]["layout"])
        key = layout.canonical(layout.record_key[0])
        first, again = {}, set()
        for place, row in enumerate(rows, start=1):
            if row[key] in first:
                assert row == first[row[key]]
                again.add(place)
            first.setdefault(row[key], row)
        assert again == copies[name]


def test_a_row_has_at_most_one_reason_for_quarantine(truth):
    """So that what must become of it is never in doubt."""
    held = Counter((row["submission"], row["row"]) for row in truth["wrong_rows"] if row["expected"] != "admitted")

    assert max(held.values()) == 1


def test_names_stand_only_where_no_number_passes_its_check(tables):
    """The Data Dictionary's rule for commissioning data sets."""
    named = unnamed = 0
    for name, rows in tables.items():
        if "-sus-" in name:
            for row in rows:
                if row["patient_name"]:
                    assert not nhs_number.is_valid(ascii_digits(row["nhs_number"]) or "0")
                    named += 1
                else:
                    unnamed += 1
    assert 0 < named < unnamed / 20


def test_dates_are_in_order_unless_the_truth_says_otherwise(tables, truth, manifests):
    """No end before its start, no activity outside the period, none before birth."""
    faults = {"date_impossible", "date_in_future", "date_end_before_start"}
    marked = {(row["submission"], int(row["row"])) for row in truth["wrong_rows"] if row["fault"] in faults}
    for name, rows in tables.items():
        content = manifests[name][1]["submission"]
        layout = layouts.load(content["layout"])
        first, last = (content[key].isoformat() for key in ("period_from", "period_to"))
        for place, row in enumerate(rows, start=1):
            if (name, place) in marked:
                continue
            assert first <= row[layout.canonical(layout.occurred)] <= last
            for start, end in layout.ordered:
                assert row[layout.canonical(end)] == "" or row[layout.canonical(start)] <= row[layout.canonical(end)]


@pytest.mark.parametrize(("dataset", "valid"), [("sus-apc", 0.9957), ("sus-op", 0.998), ("sus-ec", 0.9845)])
def test_the_share_of_valid_numbers_is_the_one_measured(tables, dataset, valid):
    """Admitted 99.6, outpatient 99.8, emergency care 98.5 in a hundred."""
    shown = [row["nhs_number"] for name, rows in tables.items() if f"-{dataset}-" in name for row in rows]
    right = sum(nhs_number.is_valid(ascii_digits(text)) for text in shown if len(ascii_digits(text)) == 10)

    assert right / len(shown) == pytest.approx(valid, abs=0.006)


def test_activity_a_head_is_the_national_one(made):
    """Episodes 0.3, appointments 2.05, attendances 0.4 a head and year."""
    totals = Counter()
    for submission in made[1].submissions:
        totals[submission.dataset] += submission.rows

    assert totals["sus-apc"] / PEOPLE / YEARS == pytest.approx(0.28, abs=0.04)
    assert totals["sus-op"] / PEOPLE / YEARS == pytest.approx(2.05, abs=0.2)
    assert totals["sus-ec"] / PEOPLE / YEARS == pytest.approx(0.39, abs=0.05)


def test_only_women_of_15_to_49_have_codes_of_pregnancy(tables, truth):
    """Wherever a row says maternity, the person could be; so the segment `maternity` falls on nobody else."""
    people = {row["nhs_number"]: row for row in truth["people"]}
    found = [
        (people[row["nhs_number"]], row["admitted_on"])
        for rows in tables.values() for row in rows if row["nhs_number"] in people
        if any(row.get(f"diagnosis_{place}", "").startswith(("O", "Z305")) for place in range(1, 6))
        and "2024-04-01" <= row["admitted_on"] <= "2026-03-31"
    ]  # fmt: skip
    ages = [int(on[:4]) - int(person["birth_date"][:4]) - (on[5:] < person["birth_date"][5:]) for person, on in found]
    assert len(found) > 100
    assert {person["sex"] for person, _ in found} == {"2"}
    assert min(ages) >= 14
    assert max(ages) <= 50
    assert sum(15 <= age <= 49 for age in ages) > 0.99 * len(ages)


def test_emergencies_follow_age_and_deprivation(tables, truth):
    """The oldest have more than the youngest, the most deprived more than the least."""
    people = {row["nhs_number"]: row for row in truth["people"]}
    emergencies = {
        (row["nhs_number"], row["spell_no"])
        for name, rows in tables.items() if "-sus-apc-" in name
        for row in rows if row["admission_method"][:1] == "2"
    }  # fmt: skip
    of = Counter(number for number, _ in emergencies if number in people)

    def rate(is_one):
        some = [number for number, person in people.items() if is_one(person)]
        return sum(of[number] for number in some) / len(some) / YEARS

    old, young = rate(lambda person: person["birth_date"] < "1959"), rate(lambda person: person["birth_date"] > "1976")
    poor, rich = (
        rate(lambda person, tenths=tenths: person["deprivation_tenth"] in tenths) for tenths in ("1 2", "9 10")
    )
    assert old == pytest.approx(0.225, abs=0.06)
    assert old > 2.5 * young
    assert poor > 1.1 * rich


def test_objections_come_at_the_known_rates(truth):
    """About 5 in a hundred type 1 and national opt-outs, 2 type 2, half of one the local schemes."""
    held = Counter(row["scheme"] for row in truth["persons_objecting"])
    share = {scheme: 100 * count / PEOPLE for scheme, count in held.items()}

    assert share["ndop"] == pytest.approx(5.3, abs=0.8)
    assert share["type1"] == pytest.approx(4.8, abs=0.8)
    assert share["type2"] == pytest.approx(1.9, abs=0.6)
    assert share["risk"] == pytest.approx(0.48, abs=0.25)
    assert share["research"] == pytest.approx(0.48, abs=0.25)
    assert share["deidentified"] == pytest.approx(0.28, abs=0.2)


def test_the_latest_coded_entry_of_the_file_says_what_the_truth_says(tables, truth):
    """Read from the extract alone, mergers followed, copies ignored, late type 2 codes without effect."""
    current = {row["superseded_nhs_number"]: row["nhs_number"] for row in truth["people"] if row["merged_on"]}
    scheme_of = {
        "827241000000103": ("type1", True), "827261000000102": ("type1", False),
        "881561000000100": ("type2", True), "881581000000109": ("type2", False),
    } | {
        f"LOCAL-{scheme.upper()}-{state}": (scheme, state == "DISSENT")
        for scheme in ("risk", "research", "deidentified") for state in ("DISSENT", "WITHDRAWN")
    }  # fmt: skip
    latest = {}
    for row in tables["0CX-gp-objections-2026"]:
        scheme, is_dissent = scheme_of[row["objection_code"]]
        number = ascii_digits(row["nhs_number"])
        key = (current.get(number, number), scheme)
        if scheme != "type2" or row["recorded_on"] <= "2018-10-11":
            latest[key] = max(latest.get(key, ("", False)), (row["recorded_on"], is_dissent))
    objecting = {key for key, (_, is_dissent) in latest.items() if is_dissent}

    stated = {(row["nhs_number"], row["scheme"]) for row in truth["persons_objecting"] if row["scheme"] != "ndop"}
    assert objecting == stated
    assert any(row["nhs_number"] in current for row in tables["0CX-gp-objections-2026"])


def test_the_opt_out_answer_is_the_request_without_those_who_opted_out(made, truth):
    """Lines of ten digits, comma, line feed; who is missing from the answer has opted out, and nobody else."""
    request = next((made[0] / "ndop-request").iterdir()).read_bytes()
    answer = next((made[0] / "X26-national-data-opt-out-2026").glob("*.dat")).read_bytes()
    assert re.fullmatch(rb"(\d{10},\n)+", answer)
    asked, remaining = set(request.decode().split(",\n")[:-1]), set(answer.decode().split(",\n")[:-1])

    opted = {row["nhs_number"] for row in truth["persons_objecting"] if row["scheme"] == "ndop"}
    before = {row["nhs_number"]: row["superseded_nhs_number"] for row in truth["people"]}
    assert remaining < asked
    assert asked - remaining == opted | {before[number] for number in opted if before[number]}
    assert {row["nhs_number"] for row in truth["people"]} <= asked


def test_mergers_name_each_superseded_number_once(tables, truth):
    """The spine's table and the truth agree; no superseded number is anyone's current one."""
    stated = {row["superseded_nhs_number"]: row["nhs_number"] for row in truth["people"] if row["merged_on"]}

    rows = tables["X26-pds-merger-2026"]
    assert {row["superseded_nhs_number"]: row["nhs_number"] for row in rows} == stated
    assert len(rows) == len(stated) > 10
    assert not stated.keys() & {row["nhs_number"] for row in truth["people"]}


def test_rows_that_do_not_show_a_plain_current_number_are_linked_in_the_truth(tables, truth):
    """links.csv names the person of every such row, so that linkage can be measured."""
    current = {row["nhs_number"] for row in truth["people"]}
    linked = {(row["submission"], int(row["row"])) for row in truth["links"]}
    copies = {(row["submission"], int(row["row"])) for row in truth["wrong_rows"] if row["fault"] == "duplicate"}
    for name, rows in tables.items():
        if not name.startswith("X26"):
            other = {(name, place) for place, row in enumerate(rows, 1) if row["nhs_number"] not in current} - copies
            assert other == {entry for entry in linked if entry[0] == name}


def test_the_people_have_the_traits_that_make_linkage_hard(truth):
    """Twins, three J Smiths in one household, accents and apostrophes, moves, and people only on paper."""
    people = truth["people"]
    first = [row for row in people if row["household"] == "0"]
    assert [row["family_name"] for row in first] == ["Smith"] * 3
    assert {row["given_name"][0] for row in first} == {"J"}
    by_id = {row["person"]: row for row in people}
    twins = [row for row in people if row["twin_of"]]
    assert twins
    assert all(
        row["birth_date"] == by_id[row["twin_of"]]["birth_date"]
        and row["family_name"] == by_id[row["twin_of"]]["family_name"]
        for row in twins
    )
    names = {row["family_name"] for row in people}
    assert any("'" in name for name in names)
    assert any(not name.isascii() for name in names)
    assert 0.04 < sum(row["is_list_inflation"] == "true" for row in people) / PEOPLE < 0.07
    assert sum(bool(row["earlier_practice"]) for row in people) > PEOPLE * 0.03


def test_no_place_is_a_real_one(truth):
    """Postcodes of the area that is never used; small areas and practices of invented codes."""
    assert all(re.fullmatch(r"ZZ\d{1,2} \d[A-Z]{2}", row["postcode"]) for row in truth["people"])
    assert all(re.fullmatch(r"E01099\d{3}", row["lsoa"]) for row in truth["people"])
    assert all(re.fullmatch(r"Z80\d{3}", row["practice"]) for row in truth["people"])


def test_a_world_of_one_person_can_be_invented(tmp_path):
    """Every extract is written, if only with its header."""
    report = invent(tmp_path / "one", people=1, seed=1)

    assert len(list((tmp_path / "one").rglob("manifest.toml"))) == len(report.submissions) == 21
    assert all(path.stat().st_size > 0 for path in (tmp_path / "one").rglob("*.csv"))


@pytest.mark.parametrize(
    "asked",
    [
        {"people": 0},
        {"people": 10, "years": 0},
        {"people": 10, "only": ("sus-nothing",)},
    ],
    ids=["nobody", "no years", "unknown dataset"],
)
def test_senseless_wishes_are_refused(tmp_path, asked):
    """With a next step, and without a trace on disk."""
    with pytest.raises(WrongUsage) as refused:
        invent(tmp_path / "out", seed=1, **asked)

    assert refused.value.next_step
    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    """Nothing is ever mixed into what is there."""
    (tmp_path / "kept.txt").write_text("kept")

    with pytest.raises(WrongUsage):
        invent(tmp_path, people=5, seed=1)
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]


def test_progress_is_told(tmp_path):
    """A long run says which dataset it is at and how many rows are written."""
    told = []
    invent(
        tmp_path / "out", people=300, seed=1, only=("sus-op",), progress=lambda name, rows: told.append((name, rows))
    )

    assert told[-1][0] == "sus-op"
    assert told[-1][1] > 100
