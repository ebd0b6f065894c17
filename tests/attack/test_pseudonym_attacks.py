"""Attacks on pseudonyms, each with what the attacker holds and what they get: nothing."""

import hashlib
import hmac
import itertools
import shutil
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from caldicott.register.model import PseudonymDomain
from caldicott.stores import clear
from caldicott.stores.key_encryption import HeldKek
from caldicott.stores.keys import KeyRing
from caldicott.stores.vault import INDEX, REIDENTIFICATION, Vault, _parsed, _place, _scope
from caldicott.vocabulary.errors import DoesNotHold

DAY = date(2026, 5, 1)
PEOPLE = 5000


def domain(name="commissioning", letter="C", epoch=1):
    return PseudonymDomain(name=name, letter=letter, recipient="example-icb", agreement="dars-dsa", epoch=epoch)


def nhs_numbers(count):
    """Invented numbers of the never-issued range, with their check digits."""
    found = []
    for body in itertools.count(900_000_000):
        total = sum((10 - at) * int(digit) for at, digit in enumerate(str(body)))
        digit = -total % 11
        if digit < 10:
            found.append(f"{body}{digit}")
        if len(found) == count:
            return found
    return found


@pytest.fixture
def vault(tmp_path):
    return Vault(tmp_path / "vault", KeyRing(tmp_path / "keys", HeldKek(b"k" * 32)), "store-1")


def issue(vault, within, persons=None):
    wanted = np.arange(PEOPLE) if persons is None else persons
    return vault.tokens_for(pa.array(wanted), within, created=DAY, live_files=())


def rank_correlation(left, right):
    one, two = (np.argsort(np.argsort(values)) for values in (left, right))
    return float(np.corrcoef(one, two)[0, 1])


def test_two_recipients_cannot_match_their_extracts(vault):
    """Two domains share no token, no body of a token, and no order of persons."""
    ours, theirs = issue(vault, domain())[0], issue(vault, domain("stratification", "R"))[0]
    one, two = ours["token"].to_pylist(), theirs["token"].to_pylist()
    assert {token[1:17] for token in one}.isdisjoint(token[1:17] for token in two)
    assert abs(rank_correlation(one, two)) < 4 / np.sqrt(PEOPLE)


def test_tokens_do_not_tell_the_order_of_persons(vault):
    """Sorting by token says nothing of who came first."""
    tokens = issue(vault, domain())[0]["token"].to_pylist()
    assert abs(rank_correlation(np.arange(PEOPLE), tokens)) < 4 / np.sqrt(PEOPLE)


def test_stored_rows_do_not_tell_the_order_of_arrival(vault):
    """Whoever reads a file of the vault sees the order of its own column, not that of a ward's admissions."""
    arrivals = np.random.default_rng(3).permutation(PEOPLE)
    _, files = issue(vault, domain(), arrivals)
    index, reidentification = (stored(vault, domain(), path) for path in files)
    assert index["person_id"].to_pylist() == sorted(arrivals.tolist())
    tokens = reidentification["token"].to_pylist()
    assert tokens == sorted(tokens)
    assert abs(rank_correlation(reidentification["person_id"].to_pylist(), np.arange(PEOPLE))) < 4 / np.sqrt(PEOPLE)


def stored(vault, within, path):
    name = _parsed(path.removeprefix(f"{_place(within)}/"))
    return vault._read_file(within, name)


def test_extract_and_index_key_give_no_nhs_number(vault):
    """The attacker has the extract, the whole index and its key, and all NHS numbers: none is recovered."""
    numbers = nhs_numbers(PEOPLE)
    extract, files = issue(vault, domain())
    index = stored(vault, domain(), files[0])
    index_key = vault.keyring.open(vault.keyring.ids_of(_scope(domain(), INDEX))[0])
    seen = set(extract["token"].to_pylist()) | {str(person) for person in index["person_id"].to_pylist()}
    bodies = {token[1:17] for token in extract["token"].to_pylist()}
    keys = (index_key._secret, index_key.use("tokens"), index_key.use(f"file/{files[0]}"))
    guesses = {hmac.digest(key, number.encode(), "sha256").hex() for key in keys for number in numbers}
    guesses |= {hashlib.sha256(number.encode()).hexdigest() for number in numbers}
    guesses |= {hashlib.md5(number.encode()).hexdigest() for number in numbers}  # noqa: S324  what an attacker tries
    assert seen.isdisjoint(numbers)
    assert seen.isdisjoint(guesses)
    assert bodies.isdisjoint(guess[:16].upper() for guess in guesses)
    assert not any(column in ("nhs_number", "name", "birth_date", "postcode") for column in index.schema.names)


def test_the_index_key_does_not_open_the_reidentification_store(vault):
    """Two stores, two keys: one key alone opens one."""
    _, files = issue(vault, domain())
    index_key = vault.keyring.open(vault.keyring.ids_of(_scope(domain(), INDEX))[0])
    name = _parsed(files[1].removeprefix(f"{_place(domain())}/"))
    with pytest.raises(DoesNotHold):
        clear.read(vault.folder / files[1], key=index_key.use(f"file/{name}"), aad=vault._aad(domain(), name))


def splices():
    """What an attacker with the disk, but no key, may put in the place of what."""
    other = domain("stratification", "R")
    return {
        "another domain": (other, INDEX),
        "another epoch": (domain(epoch=2), INDEX),
        "the other store": (domain(), REIDENTIFICATION),
        "another batch": (domain(), INDEX),
    }


@pytest.mark.parametrize("splice", splices())
def test_a_vault_file_in_another_place_does_not_open(vault, splice):
    """A file moved between domains, epochs, stores or batches is refused, though its keys are in the ring."""
    within, kind = splices()[splice]
    _, ours = issue(vault, domain())
    _, theirs = issue(vault, within, np.arange(10, 20))
    shutil.copyfile(vault.folder / theirs[kind == REIDENTIFICATION], vault.folder / ours[0])
    with pytest.raises(DoesNotHold) as refusal:
        vault.tokens_for(pa.array([1]), domain(), created=DAY, live_files=ours)
    assert refusal.value.code == "file-does-not-open"


def test_a_vault_file_of_another_store_does_not_open(vault):
    """The same keys under another store's name open nothing."""
    _, files = issue(vault, domain())
    other = Vault(vault.folder, vault.keyring, "store-2")
    with pytest.raises(DoesNotHold):
        other.tokens_for(pa.array([1]), domain(), created=DAY, live_files=files)


def test_a_renamed_vault_file_does_not_open(vault):
    """Not even a file's turn can be raised to make old tokens count again."""
    _, files = issue(vault, domain())
    renamed = files[0].replace(".000000.", ".000009.")
    (vault.folder / files[0]).rename(vault.folder / renamed)
    with pytest.raises(DoesNotHold):
        vault.tokens_for(pa.array([1]), domain(), created=DAY, live_files=[renamed])


def test_a_disk_without_keys_shows_neither_token_nor_person(vault):
    """No file of vault or keys holds a token, in whole or part, or the name of a column."""
    table, _ = issue(vault, domain())
    content = b"".join(path.read_bytes() for path in vault.folder.rglob("*.parquet"))
    bodies = [token[1:17].encode() for token in table["token"].to_pylist()]
    assert not any(body in content for body in bodies[:500])
    assert b"person_id" not in content
    assert b"token" not in content


def test_a_token_is_never_taken_for_an_nhs_number(vault):
    """No token is, begins with or contains ten digits, spaced or not."""
    tokens = issue(vault, domain())[0]["token"]
    assert not pc.any(pc.match_substring_regex(tokens, r"^[0-9]|[0-9]{10}|[0-9]{3}[ -]")).as_py()
    assert set(pc.utf8_length(tokens).to_pylist()) == {18}


def test_blanks_do_not_become_one_person(vault):
    """A thousand rows without a person get no token at all."""
    table, files = vault.tokens_for(pa.nulls(1000, pa.int64()), domain(), created=DAY, live_files=())
    assert table.num_rows == 0
    assert files == ()


def test_a_thief_of_disk_and_backup_reads_nothing_after_destruction(vault):
    """Copies of files and of the wrapped keys are useless once the key-encryption key was changed and ended."""
    _, files = issue(vault, domain())
    copies = {path: path.read_bytes() for path in vault.keyring.folder.glob("*-*.json")}
    vault.destroy(domain(), at=DAY, reason="agreement ended")
    new_kek = HeldKek(b"n" * 32)
    vault.keyring.rewrap(new_kek)
    for path in vault.keyring.folder.glob("*"):
        path.unlink()
    for path, content in copies.items():
        path.write_bytes(content)
    robbed = Vault(vault.folder, KeyRing(vault.keyring.folder, new_kek), "store-1")
    with pytest.raises(DoesNotHold) as refusal:
        robbed.tokens_for(pa.array([1]), domain(), created=DAY, live_files=files)
    assert refusal.value.code == "wrong-key"
