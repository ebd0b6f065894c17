"""Two hundred canary people in every dataset, held back or admitted, run, exported: none of their values is anywhere.

Everything the program can write to is below one folder: the store, the exports,
the home, the folder for temporary files, the working folder, and all it said.
"""

import base64
import itertools
import json
import random
import shutil
import sqlite3

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from attack.canaries import LAYOUTS, canaries, send
from attack.provoking import refused_submissions
from attack.scanner import Scanner, forms
from caldicott.facts.layout import load
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import Role
from faults.machine import Machine

REGISTER = "example-icb"
ACTIVITIES = ("commissioning-planning", "risk-stratification")
SENT = ("sent", "refused")


@pytest.fixture(scope="module")
def everybody():
    return canaries()


@pytest.fixture(scope="module")
def scanner(everybody):
    return Scanner([canary.values for canary in everybody])


class Scene:
    """Runs commands and keeps all that was said."""

    def __init__(self, folder) -> None:
        self.folder, self.store, self.machine, self.ended = folder, folder / "store", Machine(), []

    def do(self, *words: object, environ=None):
        said = self.folder / f"said-{len(self.ended):03d}"
        self.ended.append(self.machine.run(words, scene=self.folder, said=said, environ=environ or {}))
        return self.ended[-1]


@pytest.fixture(scope="module")
def scene(tmp_path_factory, everybody):
    """The whole of a day, with everything that can go wrong in it."""
    scene = Scene(tmp_path_factory.mktemp("canaries"))
    try:
        live_a_day(scene, everybody)
        yield scene
    finally:
        scene.machine.close()


def live_a_day(scene, everybody):
    send(scene.folder / "sent", everybody)
    assert scene.do("land", REGISTER, "--from", scene.folder / "sent", "--store", scene.store).code == 0
    assert scene.do("run", REGISTER, "--store", scene.store).code == 0
    for place in refused_submissions(scene.folder / "refused", everybody[160:]):
        assert scene.do("land", REGISTER, "--from", place, "--store", scene.store).code in {1, 3}, place.name
    export_everything(scene)
    ask_everything(scene)
    provoke(scene, everybody)


def export_everything(scene):
    asked = [*itertools.product(ACTIVITIES[:1], Role, [None, *DataFormat])]
    asked += itertools.product(ACTIVITIES[1:], Role, [None])
    codes = set()
    for at, (activity, role, form) in enumerate(asked):
        wanted = ["--format", form.value] if form else []
        words = ["--store", scene.store, "--activity", activity, "--role", role.value, "--to", f"out-{at}", *wanted]
        codes.add(scene.do("export", REGISTER, *words).code)
    assert codes == {0, 3}


def ask_everything(scene):
    for words in (
        ("status", "--store", scene.store, "--json"),
        ("status", "--store", scene.store),
        ("audit", "show", "--store", scene.store, "--last", "100000"),
        ("audit", "show", "--store", scene.store, "--json"),
        ("audit", "verify", "--store", scene.store),
        ("audit", "checkpoint", "--store", scene.store),
    ):
        assert scene.do(*words).code == 0, words
    for role, form in itertools.product(("gp", "commissioning_analyst", "public"), DataFormat):
        words = ["--role", role, "--activity", ACTIVITIES[0], "--dataset", "sus-apc", "--format", form.value]
        scene.do("explain", REGISTER, *words)


def provoke(scene, everybody):
    """A wrong key, a damaged file, words of the operator's own that are somebody's number."""
    wrong = scene.folder / "wrong.key"
    wrong.write_bytes(base64.b64encode(bytes(32)))
    wrong.chmod(0o600)
    number = everybody[5]["number"]
    run = ("run", REGISTER, "--store", scene.store)
    assert scene.do(*run, environ={"CALDICOTT_KEY_FILE": str(wrong)}).code == 1
    assert scene.do(*run, environ={"CALDICOTT_PASSPHRASE": "not the passphrase"}).code == 1
    export = ("export", REGISTER, "--store", scene.store, "--to", "never", "--activity")
    assert scene.do(*export, number, "--role", "gp").code == 1
    assert scene.do(*export, ACTIVITIES[0], "--role", number).code == 1
    damaged = next((scene.store / "clear").rglob("*.parquet"))
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-100])
    assert scene.do(*run).code in {1, 4}
    damaged.write_bytes(whole)


def test_no_value_of_anybody_is_anywhere(scene, scanner):
    """Store, marts, exports, catalogue, audit trail, keys, temporary files, all output: no canary in any form."""
    assert scanner.scan(scene.folder, leaving_out=SENT) == []


def test_the_senders_own_files_are_full_of_them(scene, scanner, everybody):
    """The test of the test: the same scan finds every person in what was sent, and every kind of value."""
    found = scanner.scan(scene.folder / "sent")
    assert {leak.person for leak in found} == set(range(len(everybody)))
    assert {leak.kind for leak in found} == {kind.split("_")[0] for kind in everybody[0].values}


def test_every_dataset_was_there_admitted_and_held_back(scene):
    """The scan means something: each submission has rows in both places, and the marts have rows of every dataset."""
    document = next(json.loads(e.out) for e in scene.ended if '"submissions"' in e.out and '"balanced"' in e.out)
    tables = [entry for entry in document["submissions"] if entry["id"].startswith("sound-")]
    assert [entry["quarantined"] for entry in tables] == [9] * len(LAYOUTS)
    assert all(entry["admitted"] + entry["excluded"] >= 20 for entry in tables)
    rows = {name: rows for name, rows in document["activities"][ACTIVITIES[0]].items() if name.startswith("rows ")}
    released = {load(name).dataset for name in LAYOUTS} - {"pds", "gp-objections"}
    assert {name.removeprefix("rows ") for name, count in rows.items() if count} == {*released, "commissioning-mart"}


def test_quarantined_rows_lie_whole_in_their_file_and_nowhere_else(scene, scanner, monkeypatch):
    """With the key, the scan finds the rows held back: they are there, and only the encryption hides them."""
    from caldicott import bootstrap
    from caldicott.stores.clear import read_table
    from caldicott.stores.landing_zone import quarantine_aad

    monkeypatch.setenv("HOME", str(scene.folder / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    found = []
    with bootstrap.open_store(scene.store) as store:
        for file in store.catalogue.files("quarantine"):
            aad = quarantine_aad(file.owner)
            table = read_table(scene.store / file.path, key=store.keys.open(file.key_id).use(aad.decode()), aad=aad)
            found += scanner.in_table(table, where="quarantine")
    assert len({leak.person for leak in found}) > 90


def test_no_mart_or_export_has_a_day_of_the_last_century(scene):
    """A birth date would be the only day before 2000 here; none is in any column of days."""
    for path in [*(scene.store / "marts").rglob("*.parquet"), *(scene.folder / "cwd").rglob("*.parquet")]:
        table = pq.read_table(path, partitioning=None)
        days = [name for name in table.column_names if pa.types.is_temporal(table.schema.field(name).type)]
        years = {value.year for name in days for value in table.column(name).drop_null().to_pylist()}
        assert years <= {2025, 2026}, path.parent.parent.name


def test_nothing_stays_in_the_folder_for_temporary_files(scene):
    """DuckDB spills nothing, and nobody else leaves anything in TMPDIR, the working folder or the home."""
    assert [path.name for path in (scene.folder / "tmp").rglob("*")] == []
    strangers = {path.name for path in (scene.folder / "cwd").iterdir()} - {f"out-{at}" for at in range(1000)}
    assert strangers == set()
    assert {path.suffix for path in (scene.folder / "home").rglob("*") if path.is_file()} <= {".key", ""}


def test_no_core_is_dumped_and_no_traceback_is_shown(scene):
    """Whatever was provoked ended in words."""
    assert [path.name for path in scene.folder.rglob("core*")] == []
    assert not any("Traceback" in ended.err + ended.out or ended.code < 0 for ended in scene.ended)
    assert not any("The program failed" in ended.err for ended in scene.ended)


def plant(path, written, how):
    """One leak, in one of the places where leaks happen."""
    if how == "text":
        path.write_bytes(b"2026-05-01 INFO row " + written + b" was odd\n")
    elif how == "binary":
        path.write_bytes(random.Random(path.name).randbytes(50_000) + written + bytes(100))
    elif how == "parquet":
        pq.write_table(pa.table({"person_token": ["C1", "C2"], "note": [b"", b"see " + written]}), path)
    else:
        opened = sqlite3.connect(path)
        opened.execute("CREATE TABLE run (id TEXT, counts BLOB)")
        opened.execute("INSERT INTO run VALUES ('x', ?)", (b"y" * 9000 + written + b"z" * 9000,))
        opened.commit()
        opened.close()


def test_the_scanner_finds_fifty_planted_leaks_of_fifty(tmp_path, scanner, everybody):
    """Each person, kind and form in turn, in logs, binary files, Parquet columns and SQLite pages: all are found."""
    chosen = random.Random(3)
    all_forms = [
        (kind, form) for kind, value in everybody[0].values.items() for form, _ in forms(kind.split("_")[0], value)
    ]
    numbers = [entry for entry in all_forms if entry[0] == "number"]
    planted = {}
    for at, (kind, form) in enumerate([*chosen.sample(numbers, 25), *chosen.sample(all_forms, 25)]):
        canary = everybody[at * 4]
        written = dict(forms(kind.split("_")[0], canary[kind]))[form]
        how = ("text", "binary", "parquet", "sqlite")[at % 4]
        path = tmp_path / f"{at:02d}-{how}"
        plant(path, written, how)
        planted[path.name] = canary.place
    found = {leak.where.split(" ")[0].split(",")[0]: leak.person for leak in scanner.scan(tmp_path)}
    assert len(planted) == 50
    assert {name: found.get(name) for name in planted} == planted


@pytest.mark.parametrize("kind", ["number", "born"])
def test_the_scanner_finds_values_that_are_no_text(tmp_path, scanner, everybody, kind):
    """A number kept as an integer and a birth date kept as a day are found in a Parquet column by their value."""
    from datetime import date

    value = int(everybody[7]["number"]) if kind == "number" else date.fromisoformat(everybody[7]["born"])
    pq.write_table(pa.table({"x": [value, None]}), tmp_path / "mart.parquet", compression="zstd")
    assert (7, kind, "value") in {(leak.person, leak.kind, leak.form) for leak in scanner.scan(tmp_path)}


def test_the_scanner_reads_the_names_of_files_and_folders(tmp_path, scanner, everybody):
    """A folder named after somebody is a leak."""
    (tmp_path / f"rows-of-{everybody[3]['number']}").mkdir()
    assert {leak.person for leak in scanner.scan(tmp_path)} == {3}


def test_a_store_of_nobody_is_clean(tmp_path, scanner):
    """Random bytes alone raise no alarm: a finding is a finding."""
    (tmp_path / "noise").write_bytes(random.Random(1).randbytes(8_000_000))
    assert scanner.scan(tmp_path) == []
    shutil.rmtree(tmp_path)
