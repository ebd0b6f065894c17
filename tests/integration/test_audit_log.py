"""The audit log on a real disk: kept, found again after kills, and no tampering goes unseen."""

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from caldicott.audit import AuditEntry, encode, public_key_of, verify_consistency, verify_inclusion
from caldicott.audit.checkpoint import encode_public_key, parse, parse_all
from caldicott.audit.merkle import leaf_hash
from caldicott.stores import audit_log as audit_log_module
from caldicott.stores.audit_files import AuditFiles
from caldicott.stores.audit_log import AuditLog, read_entries, verify
from caldicott.vocabulary.errors import DoesNotHold, ProgramFault, WrongUsage

KEY, OTHER_KEY = bytes(range(32)), bytes(32)
AT = datetime(2026, 5, 1, 6, tzinfo=UTC)


def make_entry(number, *, actor="analyst-7"):
    return AuditEntry(
        at=AT,
        act_id=f"act-{number}",
        actor=actor,
        role="commissioning_analyst",
        organisation="example-icb",
        event="decision",
        outcome="permit",
        activity="commissioning-planning",
        counts={"rows": number},
    )


def make_entries(first, last):
    return [make_entry(number) for number in range(first, last)]


def open_log(folder, key=KEY):
    return AuditLog(folder, key, clock=lambda: AT)


def write_log(folder, groups, key=KEY):
    log = open_log(folder, key)
    for group in groups:
        log.append_many(make_entries(log.size, log.size + group))
    return log


def rows(report):
    return [(finding.code, finding.first, finding.last) for finding in report.findings]


@pytest.fixture(autouse=True)
def _unhurried_disk(monkeypatch):
    """Whether we wait for the disk has tests of its own; the thousands of logs here need not."""
    monkeypatch.setattr(os, "fdatasync", lambda _descriptor: None)
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)


@pytest.fixture
def log(tmp_path):
    return write_log(tmp_path / "audit", [3, 5, 1, 11])


@pytest.fixture
def files(log):
    return AuditFiles(log._files.folder)


# Keeping


def test_entries_come_back_in_order_with_their_indices(tmp_path):
    """`append_many` names the index of its first entry; reading gives what was written."""
    log = open_log(tmp_path / "audit")
    assert [log.append_many(make_entries(0, 3)), log.append(make_entry(3)), log.append_many([])] == [0, 3, 4]
    assert list(log.entries()) == make_entries(0, 4)
    assert list(read_entries(tmp_path / "audit", start=1, stop=3)) == make_entries(1, 3)
    assert list(open_log(tmp_path / "audit").entries()) == make_entries(0, 4)


def test_an_empty_log_is_signed_from_the_start(tmp_path):
    """So that a checkpoint can go outside before the first act."""
    log = open_log(tmp_path / "audit")
    assert verify(tmp_path / "audit", checkpoint=log.checkpoint).ok
    assert (log.size, list(log.entries()), list(read_entries(tmp_path / "none"))) == (0, [], [])


def test_an_act_is_known_by_its_id(log):
    """Also to a log opened anew, and also if another writer appended it."""
    other = open_log(log._files.folder)
    assert log.contains_act("act-19")
    assert not log.contains_act("act-20")
    other.append(make_entry(20))
    assert log.contains_act("act-20")
    assert log.size == 21


def test_proofs_hold_against_a_checkpoint_alone(log):
    """Inclusion of one entry, and that the log extends an older checkpoint."""
    old = parse(log.checkpoint).checkpoint
    assert verify_inclusion(
        leaf=leaf_hash(encode(make_entry(7))), index=7, size=old.size, proof=log.prove_inclusion(7), root=old.root
    )
    log.append_many(make_entries(20, 27))
    assert verify_consistency(
        old_size=old.size, old_root=old.root, size=log.size, root=log.root, proof=log.prove_consistency(old.size)
    )


def test_every_commit_is_in_the_history(files):
    notes, rest = parse_all(files.history.read_bytes())
    assert [note.checkpoint.size for note in notes] == [0, 3, 8, 9, 20]
    assert rest == b""


def test_only_the_owner_reads_the_log(files):
    assert {path.stat().st_mode & 0o077 for path in [files.folder, *files.folder.iterdir()]} == {0}


def test_each_commit_waits_for_the_disk(log, monkeypatch):
    """Entries, leaf hashes and checkpoint are synced before the rename, the folder after it."""
    seen = []
    monkeypatch.setattr(os, "fdatasync", lambda _fd: seen.append("file"))
    monkeypatch.setattr(os, "fsync", lambda _fd: seen.append("folder"))
    log.append(make_entry(20))
    assert seen == ["file", "file", "file", "folder"]


@pytest.mark.parametrize("call", ["write_whole", "write_at", "sync"])
def test_a_full_disk_is_told_and_leaves_the_log_sound(log, monkeypatch, call):
    """No entry is acknowledged, the log verifies, and the next append works."""

    def fail(*_arguments, **_more):
        raise OSError(28, "full")

    with monkeypatch.context() as broken:
        broken.setattr(audit_log_module, call, fail)
        with pytest.raises(ProgramFault) as fault:
            log.append(make_entry(20))
    assert fault.value.code == "audit-not-written"
    if not log.contains_act("act-20"):
        log.append(make_entry(20))
    assert log.size == 21
    assert verify(log._files.folder, checkpoint=log.checkpoint).ok


def test_two_threads_and_two_logs_do_not_interleave(tmp_path):
    """Each group stands together, every entry is there once, and the log verifies."""
    folder = tmp_path / "audit"
    logs = [open_log(folder), open_log(folder)]

    def write(number):
        for group in range(10):
            first = number * 1000 + group * 10
            logs[number % 2].append_many(make_entries(first, first + 10))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = [entry.counts["rows"] for entry in read_entries(folder)]
    assert sorted(numbers) == sorted(n * 1000 + i for n in range(4) for i in range(100))
    assert all(
        numbers[place : place + 10] == list(range(numbers[place], numbers[place] + 10)) for place in range(0, 400, 10)
    )
    assert verify(folder).ok


# After a kill


def prepare_kill(folder, *, entries_kept, with_pending=True, leaves_kept=None):
    """The folder as a kill in mid append leaves it: the second group of 4 is only partly there."""
    log = write_log(folder, [6])
    files = AuditFiles(folder)
    before = {path: path.read_bytes() for path in (files.entries, files.leaves, files.checkpoint, files.history)}
    log.append_many(make_entries(6, 10))
    after = {path: path.read_bytes() for path in before}
    if with_pending:
        files.pending.write_bytes(after[files.checkpoint])
    files.checkpoint.write_bytes(before[files.checkpoint])
    files.history.write_bytes(before[files.history])
    files.entries.write_bytes(after[files.entries][: len(before[files.entries]) + entries_kept])
    files.leaves.write_bytes(after[files.leaves][: len(before[files.leaves]) + (leaves_kept or 0)])
    return files, len(after[files.entries]) - len(before[files.entries]), len(encode(make_entry(9))) + 1


def test_a_tail_torn_at_any_byte_of_the_last_record(tmp_path):
    """Before reopening it is a remark, not a finding; opening sets it aside; only the whole group is completed."""
    _, total, last = prepare_kill(tmp_path / "measure", entries_kept=0)
    torn, _, _ = prepare_kill(tmp_path / "torn", entries_kept=total)
    for missing in range(last + 1):
        folder = tmp_path / str(missing)
        shutil.copytree(torn.folder, folder)
        files = AuditFiles(folder)
        os.truncate(files.entries, files.entries.stat().st_size - missing)
        report = verify(folder)
        assert (report.ok, report.size, len(report.remarks)) == (True, 6, 1), report.findings
        log = open_log(folder)
        assert log.size == (10 if missing == 0 else 6)
        assert log.contains_act("act-9") == (missing == 0)
        assert len(log.recovered) > 0
        log.append_many(make_entries(log.size, 12))
        assert list(log.entries()) == make_entries(0, 12)
        assert verify(folder, checkpoint=log.checkpoint).ok
        assert open_log(folder).recovered == ()
        kept = [path.read_bytes() for path in files.folder.glob("entries.jsonl.aside-*")]
        assert [len(tail) for tail in kept] == ([] if missing == 0 else [total - missing])
        shutil.rmtree(folder)


@pytest.mark.parametrize("leaves_kept", [0, 7, 32, 100, 128])
@pytest.mark.parametrize("entries_kept", [0, 50])
def test_leaf_hashes_of_an_unfinished_append_are_cut_off(tmp_path, entries_kept, leaves_kept):
    files, *_ = prepare_kill(tmp_path / "audit", entries_kept=entries_kept, leaves_kept=leaves_kept)
    assert verify(tmp_path / "audit").ok
    assert open_log(tmp_path / "audit").size == 6
    assert files.leaves.stat().st_size == 6 * 32


def test_a_tail_without_a_signed_pending_checkpoint_is_a_finding_until_opened(tmp_path):
    """It may be a power cut or a forger; it is never taken into the log, and never thrown away."""
    prepare_kill(tmp_path / "audit", entries_kept=200, with_pending=False)
    assert [finding.code for finding in verify(tmp_path / "audit").findings] == ["audit-tail-unsigned"]
    assert open_log(tmp_path / "audit").size == 6
    assert verify(tmp_path / "audit").ok


def test_a_forged_entry_behind_the_end_is_never_adopted(files):
    """Who can write to the disk but not sign cannot get an entry signed by waiting for the next start."""
    files.entries.write_bytes(files.entries.read_bytes() + encode(make_entry(99)) + b"\n")
    log = open_log(files.folder)
    assert not log.contains_act("act-99")
    log.append(make_entry(20))
    assert list(log.entries()) == make_entries(0, 21)


def test_a_running_writer_sets_aside_what_a_killed_one_left(tmp_path):
    """The portal goes on when a command beside it was killed."""
    folder = tmp_path / "audit"
    running = write_log(folder, [6])
    files = AuditFiles(folder)
    files.entries.write_bytes(files.entries.read_bytes() + b'{"act_id":"act-')
    assert running.append(make_entry(6)) == 6
    assert list(running.entries()) == make_entries(0, 7)


def test_a_torn_history_is_mended(files):
    """It is written without waiting for the disk; the checkpoint is not."""
    whole = files.history.read_bytes()
    for length in (0, 100, len(whole) - 1, len(whole) - 300):
        files.history.write_bytes(whole[:length])
        log = open_log(files.folder)
        assert parse_all(files.history.read_bytes())[0][-1].checkpoint.size == 20
        assert verify(files.folder, checkpoint=log.checkpoint).ok


@pytest.mark.parametrize("torn", [b"", b"caldicott/audit\n4", bytes(100), bytes(9000)])
def test_a_long_history_is_mended_at_its_end(tmp_path, torn):
    """Opening reads only the end, unless a power cut left more rubbish than that."""
    folder = tmp_path / "audit"
    write_log(folder, [1] * 40)
    files = AuditFiles(folder)
    whole = files.history.read_bytes()
    files.history.write_bytes(whole + torn)
    log = open_log(folder)
    assert files.history.read_bytes() == whole
    assert len(log.recovered) == (1 if torn else 0)
    assert verify(folder).ok


def test_a_damaged_leaf_file_is_made_again_from_sound_entries(files):
    whole = files.leaves.read_bytes()
    files.leaves.write_bytes(whole[:64] + bytes(32) + whole[96:])
    report = verify(files.folder)
    assert rows(report) == [("audit-leaf-file", 2, None)]
    assert len(open_log(files.folder).recovered) == 1
    assert files.leaves.read_bytes() == whole
    assert verify(files.folder).ok


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the program may catch it."""


def kill_at(monkeypatch, step):
    """Die before the n-th call that writes, syncs or renames; returns the calls made."""
    calls = []

    def dying(real):
        def call(*arguments, **more):
            if len(calls) == step:
                raise Killed
            calls.append(real)
            return real(*arguments, **more)

        return call

    for owner, name in (
        (os, "pwrite"),
        (os, "write"),
        (os, "fdatasync"),
        (os, "fsync"),
        (os, "truncate"),
        (Path, "rename"),
        (Path, "unlink"),
    ):
        monkeypatch.setattr(owner, name, dying(getattr(owner, name)))
    return calls


def count_steps(monkeypatch, act):
    with monkeypatch.context() as patch:
        calls = kill_at(patch, None)
        act()
    return len(calls)


def die_at(monkeypatch, step, act):
    with monkeypatch.context() as patch:
        kill_at(patch, step)
        try:
            act()
        except Killed:
            return True
    return False


def test_killed_before_any_step_of_an_append_and_of_the_recovery_after_it(tmp_path, monkeypatch):
    """Every pair of a kill while appending and a kill while recovering: all of the group is there or none of it."""
    group = make_entries(6, 10)
    counted = write_log(tmp_path / "count", [6])
    steps = count_steps(monkeypatch, lambda: counted.append_many(group))
    assert steps >= 9
    pairs = 0
    for step in range(steps):
        for later in range(20):
            folder = tmp_path / f"{step}-{later}"
            log = write_log(folder, [6])
            outside = log.checkpoint
            assert die_at(monkeypatch, step, lambda log=log: log.append_many(group))
            assert verify(folder, checkpoint=outside).ok
            was_killed = die_at(monkeypatch, later, lambda folder=folder: open_log(folder))
            pairs += 1
            assert verify(folder, checkpoint=outside).ok
            again = open_log(folder)
            assert again.size in (6, 10)
            assert list(again.entries()) == make_entries(0, again.size)
            again.append(make_entry(again.size))
            assert verify(folder, checkpoint=outside + again.checkpoint).ok
            shutil.rmtree(folder)
            if not was_killed:
                break
    assert pairs > steps * 2


def test_killed_before_any_step_of_the_first_opening(tmp_path, monkeypatch):
    """A log that was never finished being made is made the next time."""
    steps = count_steps(monkeypatch, lambda: open_log(tmp_path / "count"))
    for step in range(steps):
        assert die_at(monkeypatch, step, lambda step=step: open_log(tmp_path / str(step)))
        log = open_log(tmp_path / str(step))
        log.append(make_entry(0))
        assert verify(tmp_path / str(step), checkpoint=log.checkpoint).ok


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_audit_log import make_entries, open_log
log = open_log(Path(sys.argv[1]))
print("open", flush=True)
while True:
    first = log.size
    log.append_many(make_entries(first, first + 25))
    print(log.size, flush=True)
"""


@pytest.mark.slow
def test_killed_at_any_moment_nothing_acknowledged_is_lost(tmp_path):
    """SIGKILL while appending, ten times over the same log: no gap, no false alarm, acknowledged is there."""
    folder, seeded = tmp_path / "audit", random.Random(7)
    outside = b""
    for _ in range(10):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder), str(Path(__file__).parent)], stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout.readline() == b"open\n"
            time.sleep(seeded.uniform(0.005, 0.06))  # the moment of the kill is the point of the test
            writer.send_signal(signal.SIGKILL)
            said = writer.stdout.read().split(b"\n")
        acknowledged = int(said[-2]) if len(said) > 1 else 0
        assert verify(folder, checkpoint=outside or None).ok
        log = open_log(folder)
        assert log.size >= acknowledged
        assert [entry.counts["rows"] for entry in log.entries()] == list(range(log.size))
        assert verify(folder, checkpoint=outside + log.checkpoint).ok
        outside = log.checkpoint
    assert log.size > 0


# Refusing to go on


def spoil_checkpoint(files):
    files.checkpoint.write_bytes(files.checkpoint.read_bytes().replace(b"\n20\n", b"\n21\n"))


def spoil_entry(files):
    """Both files, so that the leaf hashes cannot vouch for the root."""
    files.entries.write_bytes(files.entries.read_bytes().replace(b"act-7", b"act-8", 1))
    files.leaves.write_bytes(bytes(20 * 32))


def cut_entries(files):
    files.entries.write_bytes(files.entries.read_bytes()[:-1])


def remove_checkpoint(files):
    files.checkpoint.unlink()


def put_old_checkpoint_back(files):
    files.checkpoint.write_bytes(parse_all(files.history.read_bytes())[0][2].raw)


@pytest.mark.parametrize(
    "spoil", [spoil_checkpoint, spoil_entry, cut_entries, remove_checkpoint, put_old_checkpoint_back]
)
def test_a_log_that_was_changed_is_not_opened_for_writing(files, spoil):
    """Going on would sign the change. Nothing on the disk is touched."""
    spoil(files)
    before = {path: path.read_bytes() for path in files.folder.iterdir()}
    with pytest.raises(DoesNotHold) as fault:
        open_log(files.folder)
    assert fault.value.code == "audit-log-tampered"
    assert {path: path.read_bytes() for path in files.folder.iterdir()} == before


def test_a_log_swapped_under_a_running_writer_is_noticed(tmp_path):
    """Even one that is sound in itself and signed by the same key."""
    folder = tmp_path / "audit"
    log = write_log(folder, [4])
    old = {path.name: path.read_bytes() for path in folder.iterdir()}
    log.append_many(make_entries(4, 8))
    for name, content in old.items():
        (folder / name).write_bytes(content)
    with pytest.raises(DoesNotHold) as fault:
        log.append(make_entry(8))
    assert fault.value.code == "audit-log-tampered"


def test_another_history_under_a_running_writer_is_noticed(tmp_path):
    """Longer than what it wrote, sound, and signed by the same key."""
    log = write_log(tmp_path / "audit", [4])
    other = open_log(tmp_path / "other")
    other.append_many([make_entry(number, actor="intruder") for number in range(6)])
    for path in (tmp_path / "other").iterdir():
        shutil.copy(path, tmp_path / "audit")
    with pytest.raises(DoesNotHold) as fault:
        log.append(make_entry(4))
    assert fault.value.code == "audit-log-tampered"


@pytest.mark.parametrize("spoil", [remove_checkpoint, spoil_checkpoint, cut_entries])
def test_a_log_changed_under_a_running_writer_is_left_as_it_is(log, files, spoil):
    """Evidence is not touched, not even moved."""
    spoil(files)
    before = {path: path.read_bytes() for path in files.folder.iterdir()}
    with pytest.raises(DoesNotHold):
        log.append(make_entry(20))
    assert {path: path.read_bytes() for path in files.folder.iterdir()} == before


def test_a_checkpoint_put_back_under_a_running_writer_moves_nothing(log, files):
    """Else the genuine entries behind it would be set aside by the program itself."""
    notes, _ = parse_all(files.history.read_bytes())
    files.history.write_bytes(b"".join(note.raw for note in notes[:2]))
    files.checkpoint.write_bytes(notes[1].raw)
    with pytest.raises(DoesNotHold):
        log.append(make_entry(20))
    assert len(lines_of(files)) == 20


def test_leaf_hashes_spoilt_while_another_writer_appended_are_made_again(log, files):
    other = open_log(files.folder)
    other.append_many(make_entries(20, 25))
    flip(files.leaves, random.Random(3))
    files.leaves.write_bytes(files.leaves.read_bytes()[:-32] + bytes(32))
    assert log.append(make_entry(25)) == 25
    assert verify(files.folder).ok


def test_another_key_does_not_open_the_log(files):
    with pytest.raises(DoesNotHold) as fault:
        open_log(files.folder, OTHER_KEY)
    assert fault.value.code == "audit-key-mismatch"


@pytest.mark.parametrize("origin", ["", "two words", "a+b", "é", "a\nb"])
def test_a_name_that_a_note_cannot_carry_is_refused(tmp_path, origin):
    with pytest.raises(WrongUsage):
        AuditLog(tmp_path, KEY, origin=origin)


# Tampering. The verifier holds one checkpoint from outside and nothing else.


def lines_of(files):
    return files.entries.read_bytes().splitlines(keepends=True)


def rewrite(files, lines):
    files.entries.write_bytes(b"".join(lines))


def edit(files, seeded):
    lines = lines_of(files)
    place = seeded.randrange(len(lines))
    at = seeded.randrange(len(lines[place]))
    lines[place] = lines[place][:at] + bytes([lines[place][at] ^ (1 << seeded.randrange(8))]) + lines[place][at + 1 :]
    rewrite(files, lines)
    return place


def plausible_edit(files, seeded):
    lines = lines_of(files)
    place = seeded.randrange(len(lines))
    lines[place] = lines[place].replace(b"analyst-7", b"analyst-8")
    rewrite(files, lines)
    return place


def remove(files, seeded):
    lines = lines_of(files)
    place = seeded.randrange(len(lines))
    del lines[place]
    rewrite(files, lines)
    return place


def insert(files, seeded):
    lines = lines_of(files)
    place = seeded.randrange(len(lines) + 1)
    lines.insert(place, encode(make_entry(seeded.randrange(1000), actor="intruder")) + b"\n")
    rewrite(files, lines)
    return place


def reorder(files, seeded):
    lines = lines_of(files)
    first, second = sorted(seeded.sample(range(len(lines)), 2))
    lines[first], lines[second] = lines[second], lines[first]
    rewrite(files, lines)
    return first


def truncate(files, seeded):
    lines = lines_of(files)
    place = seeded.randrange(len(lines))
    rewrite(files, lines[:place])
    return place


def truncate_all(files, seeded):
    """Entries, leaf hashes, history and checkpoint together, back to an earlier commit, genuinely signed."""
    notes, _ = parse_all(files.history.read_bytes())
    note = seeded.choice(notes[:-1])
    size = note.checkpoint.size
    rewrite(files, lines_of(files)[:size])
    files.leaves.write_bytes(files.leaves.read_bytes()[: size * 32])
    files.history.write_bytes(b"".join(each.raw for each in notes if each.checkpoint.size <= size))
    files.checkpoint.write_bytes(note.raw)
    return size


def write_anew(files, seeded, *, key):
    """All files made again from altered entries."""
    count = len(lines_of(files))
    place = seeded.randrange(count)
    shutil.rmtree(files.folder)
    log = open_log(files.folder, key)
    changed = [make_entry(number, actor="intruder" if number == place else "analyst-7") for number in range(count)]
    while log.size < count:
        log.append_many(changed[log.size : log.size + seeded.randrange(1, 9)])


def fork(files, seeded):
    """By someone who has the signing key."""
    write_anew(files, seeded, key=KEY)


def sign_with_another_key(files, seeded):
    write_anew(files, seeded, key=OTHER_KEY)


def sign_with_another_key_under_the_old_name(files, seeded):
    write_anew(files, seeded, key=OTHER_KEY)
    files.public_key.write_bytes(encode_public_key("caldicott/audit", public_key_of(KEY)))


def edit_and_hash_again(files, seeded):
    """By someone who knows the format but has no key: the leaf hash is made to fit."""
    place = plausible_edit(files, seeded)
    leaves = bytearray(files.leaves.read_bytes())
    leaves[place * 32 : place * 32 + 32] = leaf_hash(lines_of(files)[place].rstrip(b"\n"))
    files.leaves.write_bytes(bytes(leaves))


def flip(path, seeded):
    content = bytearray(path.read_bytes())
    content[seeded.randrange(len(content))] ^= 1 << seeded.randrange(8)
    path.write_bytes(bytes(content))


def flip_leaf(files, seeded):
    flip(files.leaves, seeded)


def flip_checkpoint(files, seeded):
    flip(files.checkpoint, seeded)


def flip_history(files, seeded):
    flip(files.history, seeded)


def swap_public_key(files, seeded):
    seed = seeded.randbytes(32)
    files.public_key.write_bytes(encode_public_key("caldicott/audit", public_key_of(seed)))


def remove_a_file(files, seeded):
    seeded.choice([files.entries, files.leaves, files.checkpoint, files.public_key]).unlink()


def cut_leaves(files, seeded):
    files.leaves.write_bytes(files.leaves.read_bytes()[: -seeded.randrange(1, 65)])


LOCATED = [edit, plausible_edit, remove, insert, reorder, truncate, truncate_all]
DETECTED = [
    fork,
    sign_with_another_key,
    sign_with_another_key_under_the_old_name,
    edit_and_hash_again,
    flip_leaf,
    flip_checkpoint,
    flip_history,
    swap_public_key,
    remove_a_file,
    cut_leaves,
]


def make_random_log(folder, seeded):
    return write_log(folder, [seeded.randrange(1, 12) for _ in range(seeded.randrange(2, 6))])


@pytest.mark.parametrize("tamper", LOCATED + DETECTED)
def test_no_tampering_goes_unseen(tmp_path, tamper):
    """Forty random tamperings of each kind, each found with only an outside checkpoint; the place is exact."""
    for seed in range(40):
        seeded = random.Random(seed)
        folder = tmp_path / str(seed)
        log = make_random_log(folder, seeded)
        place = tamper(AuditFiles(folder), seeded)
        report = verify(folder, checkpoint=log.checkpoint)
        assert not report.ok, seed
        assert all(finding.where and finding.what and finding.next_step for finding in report.findings)
        if tamper in LOCATED:
            assert report.first_bad == place, (seed, [str(finding) for finding in report.findings])
        shutil.rmtree(folder)


def test_no_false_alarm_on_clean_logs(tmp_path):
    """Whatever the groups, whichever older checkpoint is held outside, with or without the key."""
    for seed in range(60):
        seeded = random.Random(seed)
        folder = tmp_path / str(seed)
        make_random_log(folder, seeded)
        notes, _ = parse_all(AuditFiles(folder).history.read_bytes())
        outside = seeded.choice(notes).raw
        for given in ({}, {"checkpoint": outside}, {"checkpoint": outside, "public_key": public_key_of(KEY)}):
            report = verify(folder, **given)
            assert (report.ok, report.remarks) == (True, ()), report.findings
        assert report.covered_outside == parse(outside).checkpoint.size


def test_an_edit_hidden_in_the_leaf_file_is_narrowed_to_its_commit(files):
    """The history holds a signed root for each commit: entries 3 to 7 were one."""
    lines = lines_of(files)
    lines[5] = lines[5].replace(b"analyst-7", b"analyst-8")
    rewrite(files, lines)
    files.leaves.write_bytes(b"".join(leaf_hash(line.rstrip(b"\n")) for line in lines))
    assert rows(verify(files.folder)) == [("audit-range-altered", 3, 7)]


def test_an_old_copy_is_told_as_such(log, files):
    """What was taken away is named by index, though nothing in the folder speaks of it any more."""
    outside = log.checkpoint
    truncate_all(files, random.Random(1))
    size = verify(files.folder).size
    assert verify(files.folder).ok  # in itself it is sound: only the outside can tell
    codes = {
        finding.code: (finding.first, finding.last) for finding in verify(files.folder, checkpoint=outside).findings
    }
    assert codes == {"audit-log-cut": (size, 19), "audit-log-forked": (None, None)}


def test_several_outside_checkpoints_narrow_a_forgery(tmp_path):
    """With the signing key everything inside can be forged; the mails of each day say from when."""
    folder = tmp_path / "audit"
    log = write_log(folder, [4])
    kept = log.checkpoint
    for first in (4, 8):
        log.append_many(make_entries(first, first + 4))
        kept += b"\n" + log.checkpoint
    shutil.rmtree(folder)
    log = open_log(folder)
    log.append_many([make_entry(number, actor="intruder" if number == 6 else "analyst-7") for number in range(12)])
    assert ("audit-range-altered", 4, 7) in rows(verify(folder, checkpoint=kept))


def test_the_wrong_outside_checkpoint_is_said_to_be_wrong(tmp_path, files):
    """Not a checkpoint at all; of another store; of another key."""
    other = AuditLog(tmp_path / "other", KEY, origin="caldicott/audit/other")
    assert "audit-outside-unreadable" in {f.code for f in verify(files.folder, checkpoint=b"hello").findings}
    assert "audit-origin" in {f.code for f in verify(files.folder, checkpoint=other.checkpoint).findings}
    report = verify(files.folder, checkpoint=other.checkpoint, public_key=public_key_of(OTHER_KEY))
    assert "audit-outside-unsigned" in {f.code for f in report.findings}


def test_a_folder_without_a_log_is_not_sound(tmp_path):
    assert rows(verify(tmp_path)) == [("audit-log-absent", None, None)]


def test_verifying_changes_nothing_and_works_on_a_copy_that_cannot_be_written(files):
    """An officer verifies a copy from a read-only medium."""
    files.lock.unlink()
    before = {path: path.read_bytes() for path in files.folder.iterdir()}
    assert verify(files.folder).ok
    assert {path: path.read_bytes() for path in files.folder.iterdir()} == before


def test_verify_looks_at_one_moment_while_others_append(tmp_path):
    """A log that grows while it is verified raises no alarm."""
    folder = tmp_path / "audit"
    log = write_log(folder, [50])
    stop = threading.Event()

    def grow():
        while not stop.is_set():
            log.append_many(make_entries(log.size, log.size + 5))

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        reports = [verify(folder) for _ in range(30)]
    finally:
        stop.set()
        thread.join()
    assert [report.findings for report in reports] == [()] * 30
    assert reports[-1].size > 50


def test_old_signatures_are_spared_only_where_they_have_nothing_to_say(files, monkeypatch):
    """A false claim in an old checkpoint is found all the same; a bad signature under a true claim on demand."""
    monkeypatch.setattr("caldicott.audit.claims.NEWEST_CHECKED", 1)
    assert (verify(files.folder).ok, len(verify(files.folder).remarks)) == (True, 1)
    assert verify(files.folder, every_signature=True).remarks == ()
    notes, _ = parse_all(files.history.read_bytes())
    later = notes[1].raw.replace(b"06:00:00", b"07:00:00")
    files.history.write_bytes(b"".join([notes[0].raw, later, *(note.raw for note in notes[2:])]))
    assert verify(files.folder).ok
    assert rows(verify(files.folder, every_signature=True)) == [("audit-history", None, None)]
    larger = notes[1].raw.replace(b"\n3\n", b"\n4\n")
    files.history.write_bytes(b"".join([notes[0].raw, larger, *(note.raw for note in notes[2:])]))
    assert rows(verify(files.folder)) == [("audit-history", None, None)]


def test_a_public_key_that_is_gone_is_a_finding_even_if_the_key_is_known(files):
    files.public_key.unlink()
    assert rows(verify(files.folder, public_key=public_key_of(KEY))) == [("audit-public-key", None, None)]
    assert "audit-checkpoint" in {finding.code for finding in verify(files.folder).findings}
    open_log(files.folder)
    assert verify(files.folder).ok


def test_an_old_checkpoint_put_back_alone_is_told_as_such(files):
    put_old_checkpoint_back(files)
    assert rows(verify(files.folder)) == [("audit-checkpoint-older", None, None)]


def test_checkpoints_out_of_order_are_a_finding(files):
    notes, _ = parse_all(files.history.read_bytes())
    files.history.write_bytes(b"".join(note.raw for note in (notes[1], notes[0], *notes[2:])))
    assert rows(verify(files.folder)) == [("audit-history", None, None)]


def test_the_log_says_who_it_is(log):
    assert log.public_key == public_key_of(KEY)
    assert log.root == parse(log.checkpoint).checkpoint.root


def test_the_lock_is_needed_to_write(log, files):
    """Without it two writers could interleave, so no lock means no writing."""
    files.lock.unlink()
    files.lock.mkdir()
    with pytest.raises(IsADirectoryError):
        log.append(make_entry(20))


def test_a_folder_emptied_but_for_its_leaves_is_not_taken_for_a_new_log(files):
    for path in (files.entries, files.checkpoint, files.history):
        path.unlink()
    assert "audit-checkpoint" in {finding.code for finding in verify(files.folder).findings}
    with pytest.raises(DoesNotHold):
        open_log(files.folder)
