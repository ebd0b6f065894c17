"""Pseudonymisation at source: known answers, canonical numbers only, keys that travel sealed."""

import json
import pickle
from pathlib import Path

import cryptography_vectors
import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from caldicott.safe_haven.pseudonyms.at_source import (
    AtSourceKey,
    code_of,
    open_pseudonymiser,
    persons_of,
    pseudonymise,
    seal,
    unseal,
)
from caldicott.vocabulary.errors import DoesNotHold, Refused, WrongUsage

KEY = AtSourceKey("RZ1", "dars-dsa", 1, b"s" * 32)
NUMBERS = pa.array(["9434765919", "9876543210", None, "9434765919"])
PASSPHRASE = "heron kettle viaduct"
SALT, NONCE = b"s" * 16, b"n" * 12


def vectors(path, *, last):
    """The records of a vector file as dictionaries; the field `last` ends a record."""
    text = (Path(cryptography_vectors.__file__).parent / path).read_text()
    found, record = [], {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if not equals or line.startswith("#"):
            continue
        record[name.strip()] = value.strip()
        if name.strip() == last:
            found.append(record)
            record = {}
    return found


HMAC_VECTORS = vectors("HMAC/rfc-4231-sha256.txt", last="MD")
HKDF_VECTORS = vectors("KDF/rfc-5869-HKDF-SHA256.txt", last="OKM")


@pytest.mark.parametrize("at", range(len(HMAC_VECTORS)))
def test_codes_are_the_first_128_bits_of_the_known_answers(at):
    """RFC 4231, as published with the cryptography library."""
    vector = HMAC_VECTORS[at]
    code = code_of(bytes.fromhex(vector["Msg"]), bytes.fromhex(vector["Key"]))
    expected = vector["MD"][:32]
    assert code[: len(expected)] == expected
    assert len(code) == 32


def test_there_are_known_answers_to_meet():
    """The vector files were read and not skipped."""
    assert len(HMAC_VECTORS) >= 6
    assert len(HKDF_VECTORS) == 3


@pytest.mark.parametrize("at", range(len(HKDF_VECTORS)))
def test_derivation_meets_the_known_answers(at):
    """RFC 5869: the derivation this program relies on for every key."""
    vector = HKDF_VECTORS[at]
    derived = HKDF(
        algorithm=SHA256(),
        length=len(vector["OKM"]) // 2,
        salt=bytes.fromhex(vector.get("salt", "")) or None,
        info=bytes.fromhex(vector.get("info", "")),
    ).derive(bytes.fromhex(vector["IKM"]))
    assert derived.hex() == vector["OKM"]


def test_one_number_has_one_code_and_a_missing_one_has_none():
    """Same number, same code; null stays null."""
    one, two, missing, again = pseudonymise(NUMBERS, KEY).to_pylist()
    assert one == again != two
    assert missing is None
    assert len(one) == 32
    assert set(one) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    "other",
    [
        AtSourceKey("RZ2", "dars-dsa", 1, b"s" * 32),
        AtSourceKey("RZ1", "csu-contract", 1, b"s" * 32),
        AtSourceKey("RZ1", "dars-dsa", 2, b"s" * 32),
        AtSourceKey("RZ1", "dars-dsa", 1, b"t" * 32),
    ],
    ids=["source", "agreement", "epoch", "secret"],
)
def test_another_source_agreement_epoch_or_secret_gives_other_codes(other):
    """Codes of two senders, agreements or epochs cannot be matched, even if a secret is used twice by mistake."""
    ours, theirs = (set(pseudonymise(NUMBERS, key).drop_null().to_pylist()) for key in (KEY, other))
    assert ours.isdisjoint(theirs)


@pytest.mark.parametrize(
    "spelling",
    [
        "943 476 5919",
        "943-476-5919",
        " 9434765919",
        "9434765919\n",
        "943476591",
        "94347659190",
        "９４３４７６５９１９",
        "",
        "NULL",
    ],
    ids=range(9),
)
def test_other_spellings_refuse_the_whole_batch(spelling):
    """A second spelling would be a second person, so it is refused and not guessed; the value is not shown."""
    with pytest.raises(DoesNotHold) as refusal:
        pseudonymise(pa.array(["9876543210", spelling]), KEY)
    assert refusal.value.code == "nhs-number-not-canonical"
    assert "1 of 2" in refusal.value.what
    assert "9434" not in str(refusal.value)


@pytest.mark.parametrize("digit", "0123456789")
def test_fillers_are_refused(digit):
    """Ten equal digits pass modulus 11, and would make many missing persons one."""
    with pytest.raises(DoesNotHold):
        pseudonymise(pa.array([digit * 10]), KEY)


def test_codes_are_mapped_to_known_persons():
    """The safe haven, which holds key and numbers, learns who a code is; unknown and missing codes are nobody."""
    codes = pa.chunked_array([pseudonymise(pa.array(["9876543210", "9434765919"]), KEY)]).combine_chunks()
    asked = pa.array([*codes.to_pylist(), None, "0" * 32])
    known = pa.array(["9434765919", None, "9876543210"])
    found = persons_of(asked, numbers=known, persons=pa.array([5, 6, 7]), key=KEY)
    assert found.to_pylist() == [7, 5, None, None]


def test_a_sealed_key_opens_to_the_same_codes():
    """The package carries the key to the sender; both make the same codes."""
    package = seal(KEY, passphrase=PASSPHRASE, salt=SALT, nonce=NONCE)
    opened = unseal(package, passphrase=PASSPHRASE)
    assert opened == KEY
    assert pseudonymise(NUMBERS, opened).equals(pseudonymise(NUMBERS, KEY))
    assert b"ssss" not in package


def test_a_wrong_passphrase_opens_nothing():
    """A wrong passphrase is told, not turned into a wrong key."""
    package = seal(KEY, passphrase=PASSPHRASE, salt=SALT, nonce=NONCE)
    with pytest.raises(DoesNotHold) as refusal:
        unseal(package, passphrase=PASSPHRASE + "s")
    assert refusal.value.code == "package-does-not-open"


@pytest.mark.parametrize(
    "change",
    [
        {"source": "RZ2"},
        {"agreement": "other"},
        {"epoch": 2},
        {"kind": "x"},
        {"nonce": "AAAA"},
        {"sealed": ""},
        {"more": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_edited_label_opens_nothing(change):
    """What the package says it is, is bound to the key in it."""
    fields = json.loads(seal(KEY, passphrase=PASSPHRASE, salt=SALT, nonce=NONCE))
    with pytest.raises(DoesNotHold):
        unseal(json.dumps(fields | change).encode(), passphrase=PASSPHRASE)


@pytest.mark.parametrize("package", [b"", b"[]", b"{}", b"\xff", b"3"])
def test_rubbish_is_no_package(package):
    """Something else than a package is told as such."""
    with pytest.raises(DoesNotHold):
        unseal(package, passphrase=PASSPHRASE)


def test_a_short_passphrase_or_cut_randomness_does_not_seal():
    """A package that can be guessed is not made."""
    for wrong in ({"passphrase": "short"}, {"salt": b"s"}, {"nonce": b"n"}):
        with pytest.raises(WrongUsage):
            seal(KEY, **({"passphrase": PASSPHRASE, "salt": SALT, "nonce": NONCE} | wrong))


def test_a_key_never_shows_itself():
    """Neither repr nor pickle gives it away, and it has 32 bytes."""
    assert "ssss" not in repr(KEY)
    with pytest.raises(TypeError):
        pickle.dumps(KEY)
    with pytest.raises(WrongUsage):
        AtSourceKey("RZ1", "dars-dsa", 1, b"short")


def test_open_pseudonymiser_codes_are_off_unless_allowed():
    """A salted hash is made only when somebody says so."""
    with pytest.raises(Refused):
        open_pseudonymiser(pa.array(["123456789"]), salt="hello")


def test_open_pseudonymiser_codes_are_the_known_ones():
    """Its published examples, without and with a salt."""
    plain = open_pseudonymiser(pa.array(["123456789", None]), salt="", is_allowed=True).to_pylist()
    salted = open_pseudonymiser(pa.array(["123456789"]), salt="hello", is_allowed=True).to_pylist()
    assert plain == ["15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225", None]
    assert salted == ["a4455e6581b78d69e569895c2b615dfa90a6cd56938e40ca91edd26e44deedfe"]
