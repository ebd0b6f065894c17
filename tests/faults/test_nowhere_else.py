"""What the program writes, it writes into the store, the export and the home's key folder, and for its owner only."""

import stat
import subprocess
import sys

import pytest

from faults.scenes import EXPORT, REGISTER, copied


@pytest.mark.parametrize("command", ["first landing", "landing", "run", "second run", "export"])
def test_no_command_makes_or_writes_a_file_anywhere_else(machine, scenes, tmp_path, command):
    """Not in TMPDIR, the working folder, /tmp or /dev/shm: no spill, no cache, no log beside the store."""
    scene = scenes[command]
    place = copied(scene, tmp_path / "place")
    ended = machine.run(scene.words(place), scene=place, trace=True)
    makes = [call for call in ended.calls if call.creates or call.name not in {"openat", "fsync", "fdatasync"}]
    paths = {call.about for call in makes if call.about.startswith("/") and not call.about.startswith("/dev/null")}
    allowed = tuple(str(place / name) for name in ("store", "out", "home/.config/caldicott", "said"))
    above = {str(place / name) for name in ("home/.config", "home")}
    assert sorted(path for path in paths - above if not path.startswith(allowed)) == []
    assert len(paths) > 10


def test_a_crash_dumps_no_memory():
    """Rows are in the clear in memory alone: whatever kills the program, no core file keeps them."""
    code = (
        "import resource, sys\n"
        "from caldicott.cli.app import main\n"
        "sys.argv = ['caldicott', 'version']\n"
        "try:\n    main()\nexcept SystemExit:\n    print(resource.getrlimit(resource.RLIMIT_CORE))\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "(0, 0)"


def everything(folder):
    return {path: stat.S_IMODE(path.lstat().st_mode) for path in [folder, *folder.rglob("*")]}


def test_only_the_owner_reads_what_is_written(machine, scenes, tmp_path):
    """Folders 0700 and files 0600: store, key, export, also where the store's folder stood open to all before."""
    place = copied(scenes["first landing"], tmp_path / "place")
    (place / "store").mkdir(mode=0o755)
    store = ["--store", place / "store"]
    for words in (
        ["land", REGISTER, "--from", place / "in-1", *store],
        ["land", REGISTER, "--from", place / "in-2", *store],
        ["run", REGISTER, *store],
        ["export", REGISTER, *store, *EXPORT, "--to", place / "out"],
    ):
        assert machine.run(words, scene=place).code == 0
    modes = everything(place / "store") | everything(place / "out") | everything(place / "home" / ".config")
    assert {path.name: oct(mode) for path, mode in modes.items() if mode & 0o077} == {}
    assert len(modes) > 40
