"""Encrypted Parquet: what goes in comes out, and nothing shows or passes that should not."""

import subprocess
import sys

import duckdb
import pyarrow as pa
import pytest

from caldicott.stores import clear
from caldicott.vocabulary.errors import DoesNotHold, ProgramFault, WrongUsage

KEY, AAD = b"k" * 32, b"store|clear|file-1"
ROWS = pa.table({"family_name": [f"INVENTED{row}" for row in range(1000)], "nhs_number": ["9434765919"] * 1000})


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "rows.parquet"
    assert clear.write(file, ROWS.to_reader(100), key=KEY, aad=AAD) == 1000
    return file


def test_rows_come_back_as_they_went_in(path):
    """Writing and reading changes nothing."""
    assert clear.read_table(path, key=KEY, aad=AAD).equals(ROWS)


def test_columns_come_in_the_order_asked(path):
    """A reader gives the columns asked for and no other; an unknown one is told."""
    with clear.read(path, key=KEY, aad=AAD, columns=["nhs_number", "family_name"]) as reader:
        assert reader.schema.names == ["nhs_number", "family_name"]
        assert next(reader).schema.names == ["nhs_number", "family_name"]
    with pytest.raises(WrongUsage) as refusal:
        clear.read(path, key=KEY, aad=AAD, columns=["address"])
    assert "family_name" in refusal.value.next_step


def test_the_file_shows_neither_values_nor_column_names(path):
    """No value, no name of a column, no binding can be seen in the bytes."""
    content = path.read_bytes()
    for seen in (b"INVENTED", b"9434765919", b"nhs_number", b"family_name", KEY, AAD, b"ARROW:schema"):
        assert seen not in content
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("key", "aad"), [(b"x" * 32, AAD), (KEY, b"store|clear|file-2"), (KEY, AAD + b" ")])
def test_a_wrong_key_or_place_is_told_at_once(path, key, aad):
    """Another key, or the right key for a file of another name, opens nothing."""
    with pytest.raises(DoesNotHold) as refusal:
        clear.read(path, key=key, aad=aad)
    assert refusal.value.code == "file-does-not-open"
    assert refusal.value.__cause__ is None


def test_no_edited_byte_gives_other_rows(tmp_path):
    """Whichever byte of a file is changed, it is refused; the few bytes that frame the ciphertext change no row."""
    file = tmp_path / "small.parquet"
    clear.write(file, ROWS.slice(0, 20).to_reader(), key=KEY, aad=AAD)
    whole = file.read_bytes()
    unnoticed = 0
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x40]) + whole[place + 1 :])
        try:
            assert clear.read_table(file, key=KEY, aad=AAD).equals(ROWS.slice(0, 20))
            unnoticed += 1
        except DoesNotHold:
            continue
    # Measured: the four bytes of the leading magic and three of a length that Arrow does not use.
    assert unnoticed <= 8


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_cut_file_is_told(path, share):
    """A file that lost its end does not open."""
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(DoesNotHold):
        clear.read_table(path, key=KEY, aad=AAD)


def test_a_plain_file_is_not_taken_for_an_encrypted_one(path):
    """Somebody who can write to the disk cannot feed in rows without the key."""
    import pyarrow.parquet as pq

    pq.write_table(ROWS, path)
    with pytest.raises(DoesNotHold):
        clear.read(path, key=KEY, aad=AAD)


def test_a_missing_file_is_told(tmp_path):
    """A live file that is gone is named."""
    with pytest.raises(DoesNotHold) as refusal:
        clear.read(tmp_path / "gone.parquet", key=KEY, aad=AAD)
    assert refusal.value.code == "file-missing"


def test_a_file_is_written_once(path):
    """An existing file is never overwritten, and stays as it was."""
    with pytest.raises(ProgramFault):
        clear.write(path, ROWS.to_reader(), key=KEY, aad=AAD)
    assert clear.read_table(path, key=KEY, aad=AAD).equals(ROWS)


def test_a_failed_writing_leaves_no_file(tmp_path):
    """An error in the middle of the rows leaves nothing on the disk."""

    def failing():
        yield from ROWS.to_batches()
        raise ZeroDivisionError

    reader = pa.RecordBatchReader.from_batches(ROWS.schema, failing())
    with pytest.raises(Exception):  # noqa: B017  whatever Arrow makes of it
        clear.write(tmp_path / "f.parquet", reader, key=KEY, aad=AAD)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_could_not_be_synced_is_not_left(tmp_path, monkeypatch):
    """A disk that cannot say the file is down fails the writing, and no file is left to be taken for one."""

    def failing(_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("os.fsync", failing)
    with pytest.raises(ProgramFault) as fault:
        clear.write(tmp_path / "f.parquet", ROWS.to_reader(), key=KEY, aad=AAD)
    assert fault.value.code == "disk-fault"
    assert list(tmp_path.iterdir()) == []


def test_small_batches_become_full_row_groups(tmp_path):
    """However small the pieces come in, the file's row groups are whole."""
    file = tmp_path / "f.parquet"
    with clear.EncryptedWriter(file, ROWS.schema, key=KEY, aad=AAD, row_group_size=300) as writer:
        for batch in ROWS.to_batches(max_chunksize=7):
            writer.write(batch)
        writer.write(ROWS)
    assert writer.rows == 2000
    from pyarrow.parquet import ParquetFile
    from pyarrow.parquet.encryption import create_decryption_properties

    with ParquetFile(file, decryption_properties=create_decryption_properties(KEY, aad_prefix=AAD)) as parquet:
        sizes = [parquet.metadata.row_group(at).num_rows for at in range(parquet.metadata.num_row_groups)]
    assert sizes == [300] * 6 + [200]
    assert clear.read_table(file, key=KEY, aad=AAD).equals(pa.concat_tables([ROWS, ROWS]))


def test_an_empty_file_is_a_file(tmp_path):
    """No rows are rows too."""
    file = tmp_path / "f.parquet"
    assert clear.write(file, ROWS.schema.empty_table().to_reader(), key=KEY, aad=AAD) == 0
    assert clear.read_table(file, key=KEY, aad=AAD).num_rows == 0


def test_duckdb_reads_the_stream(path):
    """A reader may be handed to DuckDB as it is."""
    rows = clear.read(path, key=KEY, aad=AAD)  # noqa: F841  DuckDB finds it by name
    assert duckdb.sql("select count(*), count(distinct family_name) from rows").fetchall() == [(1000, 1000)]


def test_duckdb_is_told_of_an_edited_page_without_a_value(tmp_path):
    """An edited page ends DuckDB's query; what it says names no row."""
    file = tmp_path / "f.parquet"
    clear.write(file, ROWS.to_reader(), key=KEY, aad=AAD)
    whole = bytearray(file.read_bytes())
    whole[200] ^= 1
    file.write_bytes(whole)
    rows = clear.read(file, key=KEY, aad=AAD)  # noqa: F841
    with pytest.raises(duckdb.Error) as fault:
        duckdb.sql("select max(family_name) from rows").fetchall()
    assert "file-does-not-open" in str(fault.value)
    assert "INVENTED" not in str(fault.value)


@pytest.mark.parametrize(("key", "aad"), [(b"k" * 16, AAD), (b"", AAD), (KEY, b"")])
def test_weak_keys_and_unbound_files_are_refused(tmp_path, key, aad):
    """A short key or an empty binding is a mistake of the caller."""
    with pytest.raises(WrongUsage):
        clear.write(tmp_path / "f.parquet", ROWS.to_reader(), key=key, aad=aad)
    assert list(tmp_path.iterdir()) == []


def test_two_writings_of_the_same_rows_differ(tmp_path):
    """Equal rows under the same key do not show as equal bytes."""
    for name in "ab":
        clear.write(tmp_path / name, ROWS.to_reader(), key=KEY, aad=AAD)
    one, two = ((tmp_path / name).read_bytes() for name in "ab")
    assert one != two
    assert one[100:132] not in two


@pytest.mark.slow
def test_memory_stays_flat_however_long_the_file(tmp_path):
    """Writing and reading thirty row groups takes hardly more memory than six."""
    peaks = [peak_megabytes(tmp_path / str(groups), groups) for groups in (6, 30)]
    assert peaks[1] < peaks[0] * 1.5


def peak_megabytes(path, groups):
    program = f"""
import numpy as np, pyarrow as pa, resource, pathlib
from caldicott.stores import clear
rng = np.random.default_rng(1)
make = lambda: pa.record_batch({{f"c{{c}}": rng.integers(0, 10**12, {clear.ROW_GROUP_ROWS}) for c in range(8)}})
path = pathlib.Path({str(path)!r})
batch = make()
reader = pa.RecordBatchReader.from_batches(batch.schema, (make() for _ in range({groups})))
clear.write(path, reader, key=b"k" * 32, aad=b"a")
assert sum(b.num_rows for b in clear.read(path, key=b"k" * 32, aad=b"a")) == {groups * clear.ROW_GROUP_ROWS}
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
    return int(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout)


def test_lists_of_values_come_back_as_text_or_as_lists(tmp_path):
    """Columns that lie as places in a list read as plain text, or as lists for who asks; pieces may differ in it."""
    file, sexes = tmp_path / "lists.parquet", ["1", "2", None, "9"] * 10
    listed = pa.table({"record": [f"R{row}" for row in range(40)], "sex": pa.array(sexes).dictionary_encode()})
    plain = pa.table({"record": listed.column("record"), "sex": pa.array(["9"] * 40)})
    with clear.EncryptedWriter(file, listed.schema, key=KEY, aad=AAD, row_group_size=30) as writer:
        writer.write(listed)
        writer.write(plain)
    whole = {"record": [f"R{row}" for row in range(40)] * 2, "sex": [*sexes, *["9"] * 40]}
    as_text = clear.read_table(file, key=KEY, aad=AAD)
    assert as_text.equals(pa.table(whole))
    as_lists = clear.read(file, key=KEY, aad=AAD, wanted={"sex"}, with_value_lists=True).read_all()
    assert pa.types.is_dictionary(as_lists.schema.field("sex").type)
    assert as_lists.column("sex").to_pylist() == whole["sex"]
    content = file.read_bytes()
    file.write_bytes(bytes([*content[:60], content[60] ^ 1, *content[61:]]))
    with pytest.raises(DoesNotHold):
        clear.read_table(file, key=KEY, aad=AAD)
