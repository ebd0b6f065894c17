"""The key ring: keys are independent, wrapped, destroyed for good, and never half there."""

import hmac
import json
import os
import pickle
from datetime import date

import pytest

from caldicott.stores import key_files
from caldicott.stores.key_encryption import HeldKek, derive
from caldicott.stores.key_records import DataKey
from caldicott.stores.keys import KeyRing
from caldicott.vocabulary.errors import DoesNotHold, ProgramFault

DAY = date(2026, 5, 1)
SCOPE = "clear/sus-apc/commissioning-planning+risk-stratification/2025-04..2026-03"
OTHER = "clear/sus-op/commissioning-planning/2025-04..2026-03"
OLD, NEW = HeldKek(b"o" * 32), HeldKek(b"n" * 32)


class Killed(BaseException):
    """The world ends here: no `except` clause of the program may catch it."""


class Disk:
    """Ends the world at the n-th change of the disk, and lets nothing happen after it."""

    CHANGES = ("open", "write", "fsync", "replace", "unlink")

    def __init__(self, monkeypatch, dies_at) -> None:
        self.changes, self.dies_at, self.is_dead = 0, dies_at, False
        for name in self.CHANGES:
            monkeypatch.setattr(os, name, self._counting(getattr(os, name)))

    def _counting(self, act):
        def counted(*args: object, **kwargs):
            self.changes += 1
            if self.is_dead or self.changes == self.dies_at:
                self.is_dead = True
                raise Killed
            return act(*args, **kwargs)

        return counted


@pytest.fixture
def ring(tmp_path):
    return KeyRing(tmp_path / "keys", OLD)


def killed_at_every_step(act, prepare, tmp_path):
    """Run `act` in a fresh world once for each change it makes, killed there; yields the folder left behind."""
    for dies_at in range(1, 10_000):
        folder = tmp_path / f"world{dies_at}" / "keys"
        prepared = prepare(folder)
        with pytest.MonkeyPatch.context() as patch:
            disk = Disk(patch, dies_at)
            try:
                act(prepared)
            except Killed:
                pass
            else:
                assert not disk.is_dead
                assert dies_at > 5, "the act changed the disk less than any real one would"
                return
        yield folder


def test_a_scope_has_one_key_until_it_is_destroyed(ring):
    """Asking again for a scope gives the same key, another scope another."""
    first = ring.key_for(SCOPE, created=DAY)
    assert ring.key_for(SCOPE, created=date(2027, 1, 1)) == first
    assert ring.key_for(OTHER, created=DAY) != first
    assert len(ring.ids()) == 2


def test_keys_are_independent_and_each_use_has_its_own(ring):
    """No two uses, scopes or keys share bytes."""
    keys = [ring.open(ring.key_for(scope, created=DAY)) for scope in (SCOPE, OTHER)]
    uses = {key.use(use) for key in keys for use in ("file/a", "file/b")}
    assert len(uses) == 4
    assert {len(use) for use in uses} == {32}


def test_the_same_key_opens_again_in_another_ring(ring):
    """A key is the same after the program ended."""
    key_id = ring.create(SCOPE, created=DAY)
    again = KeyRing(ring.folder, HeldKek(b"o" * 32)).open(key_id)
    assert again.use("x") == ring.open(key_id).use("x")
    assert again.scope == ring.scope_of(key_id) == SCOPE


def test_a_key_never_shows_itself(ring):
    """Neither repr nor pickle gives a key away, and the file holds it only wrapped."""
    key_id = ring.create(SCOPE, created=DAY)
    key = ring.open(key_id)
    shown = repr(key) + repr(OLD) + repr(ring)
    assert key._secret.hex() not in shown
    assert repr(key._secret) not in shown
    assert repr(OLD.secret) not in shown
    content = (ring.folder / f"{key_id}.json").read_bytes()
    assert key._secret not in content
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_key_files_are_private(ring):
    """Only the owner can read the ring's folder and files."""
    key_id = ring.create(SCOPE, created=DAY)
    assert (ring.folder / f"{key_id}.json").stat().st_mode & 0o777 == 0o600
    assert ring.folder.stat().st_mode & 0o077 == 0


def test_another_key_encryption_key_opens_nothing(ring):
    """A wrong key is told, with what to do; it neither opens nor makes nor destroys."""
    key_id = ring.create(SCOPE, created=DAY)
    stranger = KeyRing(ring.folder, NEW)
    for attempt in (
        lambda: stranger.open(key_id),
        lambda: stranger.create(OTHER, created=DAY),
        lambda: stranger.destroy(key_id, at=DAY, reason="malice"),
    ):
        with pytest.raises(DoesNotHold) as refusal:
            attempt()
        assert refusal.value.code == "wrong-key"
        assert refusal.value.next_step
    assert ring.open(key_id).use("x")


def test_a_relabelled_key_file_does_not_open(ring):
    """Id, scope and day are bound into the wrapping."""
    key_id = ring.create(SCOPE, created=DAY)
    path = ring.folder / f"{key_id}.json"
    whole = json.loads(path.read_bytes())
    for field, lie in (("scope", OTHER), ("created", "2020-01-01")):
        path.write_text(json.dumps(whole | {field: lie}))
        with pytest.raises(DoesNotHold):
            ring.open(key_id)


def test_exchanged_key_files_do_not_open(ring):
    """A key file under another key's name is refused, even with its id edited to fit."""
    one, two = (ring.create(scope, created=DAY) for scope in (SCOPE, OTHER))
    content = json.loads((ring.folder / f"{one}.json").read_bytes())
    for fields in (content, content | {"key_id": two}):
        (ring.folder / f"{two}.json").write_text(json.dumps(fields))
        with pytest.raises(DoesNotHold):
            ring.open(two)
    assert ring.open(one)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"wraps": 3}', b"\xff\xfe"])
def test_a_damaged_key_file_is_told(ring, content):
    """Rubbish in a key file is named as such, with its place."""
    key_id = ring.create(SCOPE, created=DAY)
    (ring.folder / f"{key_id}.json").write_bytes(content)
    with pytest.raises(DoesNotHold) as refusal:
        ring.open(key_id)
    assert refusal.value.code == "key-file-damaged"
    assert key_id in refusal.value.where


def test_every_byte_of_a_wrapped_key_counts(ring):
    """No edited wrapping gives a key, least of all a wrong one."""
    key_id = ring.create(SCOPE, created=DAY)
    record = ring._record(key_id)
    wrapped = record.wraps[OLD.kek_id]
    for place in range(len(wrapped)):
        edited = wrapped[:place] + bytes([wrapped[place] ^ 1]) + wrapped[place + 1 :]
        with pytest.raises(DoesNotHold):
            OLD.unwrap(edited, bound_to=record.bound_to)


@pytest.mark.parametrize("name", ["nothing", "../../etc/passwd", "a" * 32 + "-1"])
def test_an_unknown_key_is_told(ring, name):
    """An id the ring never gave is unknown, and is never used as a path."""
    ring.create(SCOPE, created=DAY)
    with pytest.raises(DoesNotHold) as refusal:
        ring.open(name)
    assert refusal.value.code == "key-unknown"


def test_a_destroyed_key_opens_never_again_and_the_others_do(ring):
    """Destroying one key leaves a certificate and every other key."""
    gone, kept = ring.create(SCOPE, created=DAY), ring.create(OTHER, created=DAY)
    ring.destroy(gone, at=date(2027, 4, 1), reason="retention ended")
    with pytest.raises(DoesNotHold) as refusal:
        ring.open(gone)
    assert refusal.value.code == "key-destroyed"
    assert refusal.value.where.endswith(f"{gone}.destroyed.json")
    assert ring.open(kept).use("x")
    assert gone not in ring.ids()
    assert not (ring.folder / f"{gone}.json").exists()


def test_a_destroyed_scope_gets_no_new_key_by_itself(ring):
    """Only `create`, asked for by name, begins anew, and with another key."""
    gone = ring.key_for(SCOPE, created=DAY)
    before = ring.open(gone).use("x")
    ring.destroy(gone, at=DAY, reason="retention ended")
    with pytest.raises(DoesNotHold):
        ring.key_for(SCOPE, created=DAY)
    anew = ring.create(SCOPE, created=DAY)
    assert anew != gone
    assert ring.key_for(SCOPE, created=DAY) == anew
    assert ring.open(anew).use("x") != before


def test_the_certificate_proves_and_tells_nothing_of_the_key(ring):
    """It is signed, says when and why, and holds neither the key nor its wrapping."""
    key_id = ring.create(SCOPE, created=DAY)
    secret, wrapped = ring.open(key_id)._secret, ring._record(key_id).wraps[OLD.kek_id]
    certificate = ring.destroy(key_id, at=date(2027, 4, 1), reason="retention ended")
    public_key = ring.public_key(created=DAY)
    assert certificate.is_genuine(public_key)
    assert (certificate.scope, certificate.destroyed_at, certificate.reason) == (
        SCOPE,
        "2027-04-01",
        "retention ended",
    )
    content = (ring.folder / f"{key_id}.destroyed.json").read_text()
    assert secret.hex() not in content
    assert wrapped.hex() not in content
    assert ring.certificate(key_id) == certificate
    assert ring.certificates() == [certificate]


def test_an_edited_certificate_is_not_genuine(ring):
    """No field of a certificate can be changed, nor can another ring have signed it."""
    from dataclasses import replace

    certificate = ring.destroy(ring.create(SCOPE, created=DAY), at=DAY, reason="retention ended")
    public_key = ring.public_key(created=DAY)
    for change in ({"reason": "error"}, {"destroyed_at": "2020-01-01"}, {"scope": OTHER}, {"signature": b"0" * 64}):
        assert not replace(certificate, **change).is_genuine(public_key)
    other = KeyRing(ring.folder.parent / "other", NEW)
    assert not certificate.is_genuine(other.public_key(created=DAY))


def test_destroying_twice_gives_the_first_certificate(ring):
    """A repeated order changes nothing, neither day nor reason."""
    key_id = ring.create(SCOPE, created=DAY)
    first = ring.destroy(key_id, at=DAY, reason="retention ended")
    assert ring.destroy(key_id, at=date(2030, 1, 1), reason="again") == first


def test_a_restored_copy_of_a_destroyed_key_stays_destroyed(ring):
    """Putting an old copy of the key file back opens nothing, and the next writing wipes it."""
    key_id = ring.create(SCOPE, created=DAY)
    path = ring.folder / f"{key_id}.json"
    copy = path.read_bytes()
    ring.destroy(key_id, at=DAY, reason="retention ended")
    path.write_bytes(copy)
    with pytest.raises(DoesNotHold):
        ring.open(key_id)
    ring.recover()
    assert not path.exists()


def test_a_damaged_certificate_is_told(ring):
    """Rubbish in place of a certificate proves nothing, and the key stays shut."""
    key_id = ring.create(SCOPE, created=DAY)
    ring.destroy(key_id, at=DAY, reason="retention ended")
    (ring.folder / f"{key_id}.destroyed.json").write_text("{}")
    for attempt, code in ((ring.certificate, "key-file-damaged"), (ring.open, "key-destroyed")):
        with pytest.raises(DoesNotHold) as refusal:
            attempt(key_id)
        assert refusal.value.code == code


def test_a_living_key_has_no_certificate(ring):
    """Nothing is certified that did not happen; a ring without a folder needs no recovery."""
    ring.recover()
    assert not ring.folder.exists()
    with pytest.raises(DoesNotHold):
        ring.certificate(ring.create(SCOPE, created=DAY))


def test_the_signing_key_cannot_be_destroyed_alone(ring):
    """Or no later certificate could be checked with the key an auditor kept."""
    ring.public_key(created=DAY)
    (signing,) = ring.ids()
    with pytest.raises(DoesNotHold) as refusal:
        ring.destroy(signing, at=DAY, reason="tidying")
    assert refusal.value.code == "key-signs-certificates"


def test_after_rewrapping_only_the_new_key_opens(ring):
    """Every key is the same as before, under the new key alone, signatures included."""
    ids = [ring.create(scope, created=DAY) for scope in (SCOPE, OTHER)]
    certificate = ring.destroy(ring.create("clear/old", created=DAY), at=DAY, reason="retention ended")
    before = [ring.open(key_id).use("x") for key_id in ids]
    rewrapped = ring.rewrap(NEW)
    assert [rewrapped.open(key_id).use("x") for key_id in ids] == before
    assert certificate.is_genuine(rewrapped.public_key(created=DAY))
    for key_id in ids:
        with pytest.raises(DoesNotHold):
            ring.open(key_id)
    for path in ring.folder.glob("*-*.json"):
        assert OLD.kek_id not in path.read_text()


def test_rewrapping_killed_anywhere_leaves_every_key_openable_and_can_be_finished(tmp_path):
    """At each kill the whole ring opens by the old key or by the new one, and asking again finishes."""
    used = {}

    def prepare(folder):
        ring = KeyRing(folder, OLD)
        for scope in ("a", "b", "c"):
            used[folder, scope] = ring.open(ring.create(scope, created=DAY)).use("x")
        return ring

    def opens_all(folder, kek):
        ring = KeyRing(folder, kek)
        try:
            return all(ring.open(ring.key_for(scope, created=DAY)).use("x") == used[folder, scope] for scope in "abc")
        except DoesNotHold:
            return False

    seen = set()
    for folder in killed_at_every_step(lambda ring: ring.rewrap(NEW), prepare, tmp_path):
        by_old, by_new = opens_all(folder, OLD), opens_all(folder, NEW)
        seen.add((by_old, by_new))
        assert by_old or by_new
        KeyRing(folder, OLD if by_old else NEW).rewrap(NEW)
        assert opens_all(folder, NEW)
        assert not opens_all(folder, OLD)
        assert not list(folder.glob(".*.tmp"))
    assert seen == {(True, False), (True, True), (False, True)}


def test_destruction_killed_anywhere_has_happened_or_not(tmp_path):
    """After recovery the key opens and there is no certificate, or it is gone and there is one."""

    def prepare(folder):
        ring = KeyRing(folder, OLD)
        ring.create(OTHER, created=DAY)
        ring.create(SCOPE, created=DAY)
        return ring

    outcomes = set()
    for folder in killed_at_every_step(
        lambda ring: ring.destroy(ring.ids_of(SCOPE)[0], at=DAY, reason="retention ended"), prepare, tmp_path
    ):
        ring = KeyRing(folder, OLD)
        for path in folder.glob("*.destroyed.json"):
            assert not (folder / path.name.replace(".destroyed", "")).exists(), "certified, but still there"
        ring.recover()
        certified = {proof.scope for proof in ring.certificates()}
        is_there = bool(ring.ids_of(SCOPE))
        outcomes.add(is_there)
        assert certified == (set() if is_there else {SCOPE})
        assert not list(folder.glob("*.destroying.json"))
        assert ring.open(ring.key_for(OTHER, created=DAY)).use("x")
        if is_there:
            assert ring.open(ring.ids_of(SCOPE)[0]).use("x")
        else:
            assert ring.certificates()[0].is_genuine(ring.public_key(created=DAY))
    assert outcomes == {True, False}


def test_creation_killed_anywhere_leaves_a_whole_key_or_none(tmp_path):
    """A ring never holds half a key file."""
    for folder in killed_at_every_step(
        lambda ring: ring.key_for(SCOPE, created=DAY), lambda folder: KeyRing(folder, OLD), tmp_path
    ):
        ring = KeyRing(folder, OLD)
        key_id = ring.key_for(SCOPE, created=DAY)
        assert ring.open(key_id).use("x")
        assert ring.ids() == [key_id]


def test_the_wiped_file_was_overwritten_before_it_was_unlinked(tmp_path):
    """The blocks of a destroyed key are overwritten: another name of the same file shows zeros."""
    path, other_name = tmp_path / "key.json", tmp_path / "same blocks"
    path.write_bytes(b"wrapped key")
    other_name.hardlink_to(path)
    key_files.wipe(path)
    assert not path.exists()
    assert other_name.read_bytes() == bytes(11)


def test_a_full_disk_is_a_fault_of_the_program_with_a_next_step(ring, monkeypatch):
    """A disk that fails is told without a traceback, and leaves nothing."""

    def full(*_: object):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(ProgramFault) as fault:
            ring.create(SCOPE, created=DAY)
    assert "No space left" in fault.value.what
    assert ring.ids() == []
    assert ring.create(SCOPE, created=DAY)


def test_a_key_context_cannot_be_ambiguous():
    """The bar that joins the parts of a context is refused inside one."""
    assert derive(b"k" * 32, "a", "b") != derive(b"k" * 32, "ab")
    with pytest.raises(ProgramFault):
        derive(b"k" * 32, "a|b")


def test_sub_keys_are_those_of_the_standard():
    """RFC 5869 written out with nothing but HMAC: extract with an empty salt, one block of expansion."""
    extracted = hmac.digest(bytes(32), b"k" * 32, "sha256")
    expected = hmac.digest(extracted, b"caldicott-v1|clear/x|file/y" + b"\x01", "sha256")
    assert DataKey("id", "clear/x", b"k" * 32).use("file/y") == expected
