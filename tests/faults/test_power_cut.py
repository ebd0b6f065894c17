"""What a power cut can take away: bytes and names that nobody asked the disk to keep. A live file has none of them.

A kill loses nothing that reached the kernel, so breaking calls does not show a
forgotten sync. Here the calls of an undisturbed command are read in order: when
the catalogue's transaction is made to last, every byte and every name of the
files it makes live must have been made to last before.
"""

import sqlite3
from pathlib import Path

import pytest

from faults.scenes import changes, copied

WRITES = {"write", "pwrite64", "writev", "ftruncate", "fallocate"}
SYNCS = {"fsync", "fdatasync"}


def commit_place(calls, store):
    """Where the act became true: the catalogue's last sync before the log's last commit."""
    logged = max(at for at, call in enumerate(calls) if call.about == f"{store}/audit/checkpoint")
    return max(at for at, call in enumerate(calls[:logged]) if call.name in SYNCS and call.about.endswith("sqlite-wal"))


def not_lasting(calls):
    """Files with bytes, and folders with names, that a power cut after these calls may take away."""
    open_ends, names = set(), {}
    for call in calls:
        if call.name in WRITES:
            open_ends.add(call.about)
        elif call.name in SYNCS:
            open_ends.discard(call.about)
            names = {path: folder for path, folder in names.items() if folder != call.about}
        elif call.name in {"mkdir", "openat", "rename"}:
            names[call.about] = str(Path(call.about).parent)
            if call.name == "rename":
                names.pop(call.source, None)
                open_ends = {call.about if path == call.source else path for path in open_ends}
    return open_ends, set(names)


def live_files(store):
    with sqlite3.connect(f"file:{store}/catalogue.sqlite?mode=ro", uri=True) as catalogue:
        found = {row[0] for row in catalogue.execute("SELECT path FROM live_file")}
    catalogue.close()
    return found


@pytest.mark.parametrize("command", ["first landing", "landing", "run", "second run"])
def test_what_is_live_was_made_to_last_first(machine, scenes, command, tmp_path):
    """Each live file's bytes, its name and the names of its folders are synced before the act is true."""
    scene = scenes[command]
    place = copied(scene, tmp_path / "place")
    store = place / "store"
    ended = machine.run(scene.words(place), scene=place, trace=True)
    calls = [call for call in ended.calls if changes(call)]
    open_ends, names = not_lasting(calls[: commit_place(calls, store)])
    needed = [*(store / path for path in live_files(store)), store / "catalogue.sqlite", store / "audit" / "checkpoint"]
    needed += [*(store / "keys").glob("*.json"), *(place / "home").rglob("*.key")]
    wanted = {str(above) for path in needed for above in [path, *path.parents] if above.is_relative_to(place)}
    assert sorted(wanted & (open_ends | names)) == []


def test_an_export_lasts_before_it_is_acknowledged(machine, scenes, tmp_path):
    """Every file of the export, its name, and the name of its folder."""
    scene = scenes["export"]
    place = copied(scene, tmp_path / "place")
    ended = machine.run(scene.words(place), scene=place, trace=True)
    open_ends, names = not_lasting([call for call in ended.calls if changes(call)])
    assert [path for path in open_ends | names if "/out/" in path] == []
