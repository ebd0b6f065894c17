"""A disk that is really full, a limit that is really reached, a store that somebody else has open."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess

import pytest

from faults.scenes import amiss

COMMANDS = ("landing", "run", "export")


@contextlib.contextmanager
def small_disk(place, megabytes=4):
    """A file system of that size; skips where none can be made."""
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    words = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)]
    if subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("mounting is forbidden here")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def fill(place, *, but):
    free = os.statvfs(place)
    (place / "filler").write_bytes(bytes(max(free.f_bavail * free.f_frsize - but, 0)))


@pytest.mark.parametrize("free", [0, 24 * 1024, 96 * 1024, 192 * 1024])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_disk_is_told_and_nothing_is_half_done(machine, scenes, tmp_path, command, free):
    """With so little space left the command fails in one paragraph or succeeds; with space again it succeeds."""
    scene = scenes[command]
    with small_disk(tmp_path / "disk") as disk:
        place = disk / "scene"
        shutil.copytree(scene.before, place)
        for name in ("home", "tmp", "cwd", "said"):
            (place / name).mkdir(exist_ok=True)
        fill(disk, but=free)
        ended = machine.run(scene.words(place), scene=place, said=tmp_path)
        (disk / "filler").unlink()
        assert free or ended.code != 0, "a full disk went unnoticed"
        assert amiss(machine, scene, place, ended) == []


@pytest.mark.parametrize("limit", [512, 4096, 65_536])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_limit_on_file_sizes_is_told_and_nothing_is_half_done(machine, scenes, tmp_path, command, limit):
    """`ulimit -f`: a file that may not grow fails the command in one paragraph, and repeating it without works."""
    scene, place = scenes[command], tmp_path / "place"
    shutil.copytree(scene.before, place)
    ended = machine.run(scene.words(place), scene=place, limit=limit)
    assert amiss(machine, scene, place, ended) == []


def digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("command", ["landing", "run", "export"])
def test_a_second_process_is_told_that_the_store_is_busy_and_changes_nothing(machine, scenes, tmp_path, command):
    """Exit 4, `store-busy`, and not one byte of the store is other than before."""
    scene, place = scenes[command], tmp_path / "place"
    shutil.copytree(scene.before, place)
    before = digests(place / "store")
    with (place / "store" / "lock").open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        ended = machine.run(scene.words(place), scene=place)
    assert (ended.code, "store-busy" in ended.err, digests(place / "store")) == (4, True, before)


def test_of_two_at_once_each_lands_or_is_told_that_the_store_is_busy(machine, scenes, tmp_path):
    """Two landings started together: no third outcome, and afterwards both are in."""
    scene, place = scenes["landing"], tmp_path / "place"
    shutil.copytree(scene.before, place)
    both = machine.together([scene.words(place)] * 2, scene=place)
    assert sorted({ended.code for ended in both}) in ([0], [0, 4])
    assert all("store-busy" in ended.err for ended in both if ended.code)
    assert amiss(machine, scene, place, both[0]) == []
