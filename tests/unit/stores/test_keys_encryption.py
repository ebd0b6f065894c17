"""The key-encryption key: where it comes from, and that a wrong one is told."""

import base64
import os
from datetime import date

import pytest

from caldicott.stores.key_encryption import HeldKek, default_key_file, kek_from_file, locate, make_key_file
from caldicott.stores.key_passphrase import Cost, add_passphrase, kek_from_passphrase
from caldicott.stores.keys import KeyRing
from caldicott.vocabulary.errors import DoesNotHold, WrongUsage

DAY = date(2026, 5, 1)
CHEAP = Cost(iterations=1, lanes=1, memory_kib=64)
PASSPHRASE = "heron kettle viaduct"


def key_file(path, secret=b"s" * 32, mode=0o600):
    path.write_bytes(base64.b64encode(secret) + b"\n")
    path.chmod(mode)
    return path


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666, 0o620, 0o601])
def test_a_key_file_open_to_others_is_refused(tmp_path, mode):
    """Group and world may have no right at all on a key file."""
    with pytest.raises(DoesNotHold) as refusal:
        kek_from_file(key_file(tmp_path / "k", mode=mode))
    assert refusal.value.code == "key-file-open-to-others"
    assert "chmod 600" in refusal.value.next_step


@pytest.mark.parametrize("content", [b"", b"short", b"!!!!", base64.b64encode(b"s" * 31), base64.b64encode(b"s" * 33)])
def test_a_key_file_of_another_shape_is_refused(tmp_path, content):
    """A key file holds 32 bytes in base64 and nothing else."""
    path = tmp_path / "k"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(DoesNotHold) as refusal:
        kek_from_file(path)
    assert refusal.value.code == "key-file-damaged"


def test_a_folder_is_not_a_key_file(tmp_path):
    """Something that is not a file is refused without a traceback."""
    (tmp_path / "k").mkdir(mode=0o700)
    with pytest.raises(DoesNotHold):
        kek_from_file(tmp_path / "k")


def test_making_a_key_file_never_replaces_one(tmp_path):
    """An existing key survives being asked for again."""
    first = make_key_file(tmp_path / "sub" / "k")
    assert make_key_file(tmp_path / "sub" / "k").kek_id == first.kek_id
    assert (tmp_path / "sub" / "k").stat().st_mode & 0o777 == 0o600
    assert make_key_file(tmp_path / "other").kek_id != first.kek_id


def test_the_key_id_tells_nothing_and_the_secret_is_not_shown():
    """The id of a key is not a part of it."""
    kek = HeldKek(b"s" * 32)
    assert len(kek.kek_id) == 16
    assert bytes.fromhex(kek.kek_id) not in kek.secret
    assert repr(kek.secret) not in repr(kek)


def test_the_named_key_file_comes_before_passphrase_and_default(tmp_path):
    """CALDICOTT_KEY_FILE wins; a missing one is never made silently."""
    environ = {"CALDICOTT_KEY_FILE": str(tmp_path / "k"), "CALDICOTT_PASSPHRASE": PASSPHRASE}
    places = {"environ": environ, "home": tmp_path, "ring_folder": tmp_path / "keys"}
    with pytest.raises(DoesNotHold) as refusal:
        locate("store", **places)
    assert refusal.value.code == "key-file-missing"
    expected = kek_from_file(key_file(tmp_path / "k"))
    assert locate("store", **places).kek_id == expected.kek_id


def test_the_default_key_file_is_made_on_first_use_only(tmp_path):
    """A lost key file of a store that has keys is told, and not replaced by one that opens nothing."""
    places = {"environ": {}, "home": tmp_path, "ring_folder": tmp_path / "keys"}
    made = locate("store-1", **places)
    assert locate("store-1", **places).kek_id == made.kek_id
    KeyRing(tmp_path / "keys", made).create("a", created=DAY)
    (tmp_path / ".config" / "caldicott" / "keys" / "store-1.key").unlink()
    with pytest.raises(DoesNotHold) as refusal:
        locate("store-1", **places)
    assert refusal.value.code == "key-file-missing"


def test_the_configuration_folder_can_be_moved_and_a_store_id_cannot_leave_it(tmp_path):
    """XDG_CONFIG_HOME is followed; a store id is never a path."""
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "xdg")}
    assert default_key_file("s", environ=environ, home=tmp_path) == tmp_path / "xdg/caldicott/keys/s.key"
    sly = default_key_file("../../s", environ=environ, home=tmp_path)
    assert sly.parent == tmp_path / "xdg/caldicott/keys"


def test_a_passphrase_opens_the_ring_again(tmp_path):
    """The same passphrase leads to the same key, and the ring to the same bytes."""
    folder = tmp_path / "keys"
    ring = KeyRing(folder, kek_from_passphrase(folder, PASSPHRASE, cost=CHEAP))
    key_id = ring.create("a", created=DAY)
    again = KeyRing(folder, kek_from_passphrase(folder, PASSPHRASE))
    assert again.open(key_id).use("x") == ring.open(key_id).use("x")
    assert again.ids() == [key_id]


def test_a_wrong_passphrase_is_told(tmp_path):
    """Neither a new key nor garbage comes from a wrong passphrase, and it does not show in the message."""
    folder = tmp_path / "keys"
    kek_from_passphrase(folder, PASSPHRASE, cost=CHEAP)
    with pytest.raises(DoesNotHold) as refusal:
        kek_from_passphrase(folder, "heron kettle aqueduct")
    assert refusal.value.code == "wrong-passphrase"
    assert "aqueduct" not in str(refusal.value)


def test_a_passphrase_for_a_ring_of_a_key_file_is_told(tmp_path):
    """A ring that was made with a key file is not opened by inventing a passphrase."""
    KeyRing(tmp_path / "keys", HeldKek(b"s" * 32)).create("a", created=DAY)
    with pytest.raises(DoesNotHold):
        kek_from_passphrase(tmp_path / "keys", PASSPHRASE)


def test_a_passphrase_can_be_changed(tmp_path):
    """Rewrapping to a further passphrase ends the first."""
    folder = tmp_path / "keys"
    ring = KeyRing(folder, kek_from_passphrase(folder, PASSPHRASE, cost=CHEAP))
    key_id = ring.create("a", created=DAY)
    ring.rewrap(add_passphrase(folder, "lantern orchard gravel", cost=CHEAP))
    assert KeyRing(folder, kek_from_passphrase(folder, "lantern orchard gravel")).open(key_id)
    with pytest.raises(DoesNotHold):
        KeyRing(folder, kek_from_passphrase(folder, PASSPHRASE)).open(key_id)


def test_a_short_passphrase_is_refused(tmp_path):
    """A passphrase that is quickly guessed is not taken."""
    with pytest.raises(WrongUsage):
        kek_from_passphrase(tmp_path / "keys", "heron", cost=CHEAP)
    assert not (tmp_path / "keys" / "kek.json").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b'{"argon2id": [{}]}', b'{"argon2id": [{"iterations": 3, "lanes": 4, "memory_kib": 99999999999}]}'],
)
def test_damaged_passphrase_parameters_are_told(tmp_path, content):
    """An edited cost cannot make the program take all memory."""
    (tmp_path / "kek.json").write_bytes(content)
    with pytest.raises(DoesNotHold) as refusal:
        kek_from_passphrase(tmp_path, PASSPHRASE)
    assert refusal.value.code == "key-file-damaged"


def test_the_passphrase_comes_from_the_environment(tmp_path):
    """CALDICOTT_PASSPHRASE is used when no key file is named, with the standing cost."""
    environ = {"CALDICOTT_PASSPHRASE": PASSPHRASE}
    places = {"environ": environ, "home": tmp_path, "ring_folder": tmp_path / "keys"}
    assert locate("store", **places).kek_id == locate("store", **places).kek_id
    assert not os.path.exists(tmp_path / ".config")  # noqa: PTH110
