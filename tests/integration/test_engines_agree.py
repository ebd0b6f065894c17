"""Two engines, one truth: whoever computes a run, the same people remain, with the same codes and counts."""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from datetime import date, timedelta

import pyarrow.parquet as pq
import pytest

import people
from caldicott.operations import spark_engine
from caldicott.operations.engine import DUCKDB
from caldicott.operations.run import run as run_due
from caldicott.vocabulary.errors import DoesNotHold, ProgramFault, WrongUsage
from stage import PLANNING, RISK, Stage, episode

pytest.importorskip("pyspark", reason="the Spark engine is an extra: pip install caldicott[spark]")
pytest.importorskip("sqlglot", reason="the Spark engine is an extra: pip install caldicott[spark]")
if not shutil.which("java"):
    pytest.skip("Spark needs Java 17 or later", allow_module_level=True)

pytestmark = [
    pytest.mark.enable_socket,  # py4j talks to the Java machine over the loopback
    pytest.mark.slow,
    # PySpark leaves it to the garbage collector to close its sockets.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

T1, T1_OFF, T2 = "827241000000103", "827261000000102", "881561000000100"
BORN = ["2000-02-29", "1935-06-01", "1935-06-02", "2025-08-01", ""]
POSTCODES = ["ZZ1 4QJ", "zz14qj", " ZZ1  4QJ ", "QJ", "", "ZZ99 3VZ"]


@pytest.fixture(scope="session")
def spark_session():
    """One Spark session for all tests."""
    from caldicott.engines.spark.session import open_session

    with open_session(partitions=2) as session:
        yield session


@pytest.fixture(scope="session")
def spark(spark_session):
    """The engine over it."""
    return spark_engine.spark(spark_session)


def run_with(stage, engine, activity=PLANNING):
    """A run of one activity by that engine."""
    with stage.house() as house:
        return run_due(house, activity=activity, engine=engine)[0]


def marts(stage):
    """Each mart's rows by month, as a multiset: their order is random on purpose."""
    with stage.house() as house:
        files = house.store.catalogue.files("mart", PLANNING)
    return {file.part: _rows(stage.store / file.path, file.rows) for file in files}


def _rows(path, counted):
    table = pq.read_table(path, partitioning=None)
    assert table.num_rows == counted
    names = table.column_names
    kinds = [(field.name, str(field.type)) for field in table.schema]
    return kinds, Counter(tuple(row[name] for name in names) for row in table.to_pylist())


def accounts(stage):
    """What status says became of every submission's rows."""
    return stage.status()["submissions"]


def report_of(ran):
    """A run's own account, without what only the first run of a store can say."""
    found = {**vars(ran), "counts": {name: count for name, count in ran.counts.items() if name != "persons new"}}
    return json.loads(json.dumps(found, default=dict, sort_keys=True))


def everything(stage):
    """A store with every way in which a row may stay, go, or be replaced."""
    crowd = people.invented(14)
    first = [episode(p, f"r{i}", f"2025-{4 + i % 3:02d}-15") for i, p in enumerate(crowd)]
    first += [episode(crowd[0], "r0", "2025-04-15"), episode(crowd[1], "old", "2019-03-01")]
    first += [episode(people.Invented("", BORN[i], "", "", code), f"w{i}", "2025-06-20", NHS_Number="",
                      NHS_Number_Trace_Status="03") for i, code in enumerate(POSTCODES[:4])]  # fmt: skip
    stage.send("ncdr-sus-apc", first, extracted="2026-04-01T06:00:00")
    changes = [episode(crowd[2], "r2", "2025-06-15", Provider_Reference_Number="changed")]
    changes += [episode(crowd[3], "r3", "2025-04-15", Update_Type="1")]
    stage.send("ncdr-sus-apc", changes, extracted="2026-04-02T06:00:00", update="net-change")
    again = [episode(crowd[i], f"n{i}", "2025-04-20", Episode_End_Date="2025-04-28") for i in range(5)]
    stage.send("ncdr-sus-apc", again, extracted="2026-04-03T06:00:00", period=("2025-04-01", "2025-04-30"))
    stage.send("ncdr-sus-op", [people.row("ncdr-sus-op", p, f"o{i}", "2025-05-02") for i, p in enumerate(crowd[4:])])
    patients = [
        people.patient(people.Invented(p.number, born, "", "", POSTCODES[i % 6]), f"p{i}")
        for i, (p, born) in enumerate(zip(crowd, BORN * 3, strict=False))
    ]
    stage.send("emis-patients", patients)
    codes = [(1, T1, "2020-01-01"), (2, T1, "2020-01-01"), (2, T1_OFF, "2021-01-01"), (5, T2, "2016-01-01"),
             (6, T2, "2019-01-01"), (7, T1, "2021-01-01"), (7, T1_OFF, "2021-01-01")]  # fmt: skip
    stage.send("emis-objections", [people.objection(crowd[i], f"c{k}", c, on) for k, (i, c, on) in enumerate(codes)])
    stage.send("asc-client-level", [people.row("asc-client-level", p, f"s{i}") for i, p in enumerate(crowd[8:])],
               purposes=(PLANNING,))  # fmt: skip
    stage.answer(crowd[:12])


def by_chance(stage, seed):
    """A store drawn at random: people, extracts, changes, refusals."""
    draw = random.Random(seed)
    crowd = people.invented(8)
    for extract in range(3):
        update = draw.choice(["bulk-replacement", "net-change"])
        rows = [
            episode(
                person := draw.choice(crowd), str(draw.randrange(12)),
                (date(2025, 4, 1) + timedelta(days=draw.randrange(80))).isoformat(),
                Provider_Reference_Number=f"{extract}/{row}",
                Update_Type="1" if update == "net-change" and draw.random() < 0.3 else "",
                NHS_Number=person.number if draw.random() < 0.8 else "",
                NHS_Number_Trace_Status="01",
            )
            for row in range(14)
        ]  # fmt: skip
        stage.send("ncdr-sus-apc", rows, update=update, extracted=f"2026-04-0{1 + extract}T06:00:00")
    stage.send("emis-patients", [people.patient(p, f"p{i}", NhsNumber=p.number) for i, p in enumerate(crowd)])
    codes = [(draw.choice(crowd), draw.choice([T1, T1_OFF, T2]), draw.randrange(2013, 2024)) for _ in range(8)]
    stage.send("emis-objections", [people.objection(p, f"c{i}", c, f"{y}-05-01") for i, (p, c, y) in enumerate(codes)])
    stage.answer(draw.sample(crowd, 6))


@pytest.fixture(scope="module")
def world(tmp_path_factory, example_icb, spark):
    """The store with everything, run by Spark first and then by DuckDB."""
    stage = Stage(tmp_path_factory.mktemp("agree"), example_icb)
    everything(stage)
    stage.land()
    stage.land(stage._no_more_codes())
    seen = [(run_with(stage, engine), marts(stage), accounts(stage)) for engine in (spark, DUCKDB)]
    return stage, seen


def test_both_engines_give_the_same_rows_under_the_same_codes(world):
    """Every mart has the same months, columns, types and rows, whoever made it; codes are kept."""
    _stage, (by_spark, by_duckdb) = world
    assert sum(rows.total() for _kinds, rows in by_duckdb[1].values()) > 40
    assert set(by_spark[1]) == set(by_duckdb[1])
    for part, expected in by_duckdb[1].items():
        assert by_spark[1][part] == expected, part


def test_both_engines_give_the_same_account(world):
    """Excluded by which objection, superseded, released, tokens, service areas: no count differs."""
    _stage, (by_spark, by_duckdb) = world
    assert report_of(by_spark[0]) == report_of(by_duckdb[0])
    assert by_spark[2] == by_duckdb[2]
    assert all(entry["balanced"] for entry in by_spark[2])
    assert set(by_spark[0].excluded_by) >= {"ndop", "type1", "type2"}
    assert by_spark[0].superseded > 0


@pytest.mark.parametrize("seed", [1, 2])
def test_both_engines_agree_on_what_chance_makes(tmp_path, example_icb, spark, seed):
    """Random extracts, changes, deletions and refusals: the same rows and the same counts."""
    stage = Stage(tmp_path, example_icb)
    by_chance(stage, seed)
    stage.land()
    seen = [(report_of(run_with(stage, engine)), marts(stage), accounts(stage)) for engine in (DUCKDB, spark)]
    assert seen[0] == seen[1]
    assert seen[0][1]


def test_spark_leaves_nothing_readable_beside_the_store(tmp_path, example_icb, spark_session, spark):
    """While it works, no file of Spark's holds a number, a name or a key; plans hold none; afterwards rows are gone."""
    from caldicott.engines.spark.sealed import unsealed
    from caldicott.engines.spark.session import private_folder
    from caldicott.stores.sealed_rows import SealedRows

    stage, crowd = Stage(tmp_path, example_icb), people.invented(3)
    stage.send("ncdr-sus-apc", [episode(p, f"r{i}") for i, p in enumerate(crowd)], name="sent")
    stage.land()
    with stage.house() as house:
        uid = next(s.uid for s in house.store.catalogue.submissions())
        sealed = SealedRows(house.store).read_all(uid, ["identity", "postcode"])
        rows = unsealed(spark_session, sealed)
        on_disk = rows.repartition(4).persist(_disk_only())
        assert on_disk.count() == len(crowd)
        plan = on_disk._jdf.queryExecution().toString()
    key = sealed.files[0].key
    folder = private_folder(spark_session)
    written = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert sum(map(len, written)) > 0
    telling = [key, key.hex().encode(), *(p.postcode.encode() for p in crowd), *(p.number.encode() for p in crowd)]
    telling += [int(p.number).to_bytes(8, order) for p in crowd for order in ("big", "little")]
    assert not [True for content in written for secret in telling if secret in content]
    assert key.hex() not in plan
    assert repr(key)[2:-1] not in plan
    assert key.hex() not in repr(sealed)
    assert repr(key) not in repr(sealed)
    assert folder.stat().st_mode & 0o077 == 0
    on_disk.unpersist()


def test_spark_s_own_words_stay_inside(spark_session):
    """A fault names the step and its kind; the value that Spark quotes is in no message."""
    from caldicott.engines.spark.session import spark_faults

    with pytest.raises(ProgramFault) as told, spark_faults("count"):
        spark_session.sql("SELECT cast('Quibbleworth' AS INT)").collect()
    assert told.value.code == "engine-fault"
    assert "Quibbleworth" not in str(told.value)
    assert told.value.__cause__ is None
    assert told.value.__suppress_context__


def test_an_edited_file_is_named_as_such_and_nothing_changes(tmp_path, example_icb, spark):
    """A page that was changed on the disk ends the run; what was live before is live still."""
    stage, crowd = Stage(tmp_path, example_icb), people.invented(3)
    stage.send("ncdr-sus-apc", [episode(p, f"r{i}") for i, p in enumerate(crowd)], name="sent")
    stage.land()
    with stage.house() as house:
        uid = next(s.uid for s in house.store.catalogue.submissions())
        path = stage.store / house.store.catalogue.files("clear", uid)[0].path
    content = bytearray(path.read_bytes())
    content[60] ^= 1
    path.write_bytes(content)
    with pytest.raises(DoesNotHold) as told:
        run_with(stage, spark)
    assert told.value.code == "file-does-not-open"
    assert marts(stage) == {}


def test_an_activity_with_scores_is_refused_whole(tmp_path, example_icb, spark):
    """Spark does not make risk scores: rather than marts without them, nothing, and the command says what to do."""
    stage, crowd = Stage(tmp_path, example_icb), people.invented(2)
    stage.send("ncdr-sus-apc", [episode(p, f"r{i}") for i, p in enumerate(crowd)])
    stage.answer(crowd)
    stage.land()
    with pytest.raises(WrongUsage) as told:
        run_with(stage, spark, RISK)
    assert told.value.code == "engine-without-scores"
    assert "duckdb" in told.value.next_step


@pytest.mark.parametrize(
    "written", ["9000000009", "900 000 0009", "900-000-0009", "+900000000", "９０００００0009", "x", ""]
)
def test_a_number_is_read_alike(spark_session, written):
    """Superseded numbers are read by the one rule, whoever reads them: full-width digits and separators too."""
    from caldicott.engines.duckdb.connection import connect
    from caldicott.engines.spark.connection import SparkConnection

    asked = "SELECT number_of(canonical_number($written))"
    expected = connect().execute(asked, {"written": written}).fetchall()
    assert SparkConnection(spark_session).execute(asked, {"written": written}).fetchall() == expected


def test_ages_are_counted_alike(spark_session):
    """Leap days, month ends and births after the event: both engines count the same complete years."""
    from caldicott.engines.duckdb.connection import connect
    from caldicott.engines.spark.connection import SparkConnection

    days = [
        "1999-12-31",
        "2000-02-28",
        "2000-02-29",
        "2000-03-01",
        "2001-02-28",
        "2004-02-29",
        "2005-01-30",
        "2005-08-31",
    ]
    pairs = [(born, on) for born in days for on in days]
    asked = "SELECT " + ", ".join(f"date_sub('year', DATE '{born}', DATE '{on}')" for born, on in pairs)
    assert SparkConnection(spark_session).execute(asked).fetchall() == connect().execute(asked).fetchall()


def _disk_only():
    from pyspark import StorageLevel

    return StorageLevel.DISK_ONLY
