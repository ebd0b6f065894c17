"""The commands that are broken on purpose, what stood before each, and what must hold after.

A scene is a folder with everything a command can reach: the senders' folder,
the store, the home with the key, the folder for temporary files and the export.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

import people

if TYPE_CHECKING:
    from pathlib import Path

    from faults.machine import Ended, Machine

REGISTER = "example-icb"
EXPORT = ("--activity", "commissioning-planning", "--role", "commissioning_analyst")
KEPT = ("clear", "quarantine", "repeats", "persons", "marts", "vault")
PERSONS = people.invented(8)


@dataclass(frozen=True)
class Scene:
    """One command, with the folder as it stood before it and the account of the store on both sides."""

    name: str
    before: Path
    argv: tuple[str, ...]
    calls: tuple = ()
    accounts: tuple = ()

    def words(self, place: Path) -> list[str]:
        return [word.replace("@", f"{place}/") for word in self.argv]


def senders_folder(folder: Path) -> None:
    """Two submissions: one with a row held back that carries a name, one the sender repeats a record in."""
    rows = [people.apc(person, f"first-{at}") for at, person in enumerate(PERSONS[:4])]
    people.submission(folder / "in-1", "ncdr-sus-apc", rows, name="first")
    people.answer(folder / "in-1", PERSONS[:6])
    rows = [people.apc(person, f"second-{at}", on="2025-06-02") for at, person in enumerate(PERSONS[2:7])]
    rows += [people.apc(PERSONS[2], "second-0", on="2025-06-02")]
    rows += [people.apc(PERSONS[7], "second-9", NHS_Number=PERSONS[7].family)]
    people.submission(folder / "in-2", "ncdr-sus-apc", rows, name="second", update="net-change")


def prepare(machine: Machine, folder: Path) -> dict[str, Scene]:
    """Every scene, each before its command; the commands between them run undisturbed."""
    steps = {
        "first landing": ("land", REGISTER, "--from", "@in-1", "--store", "@store"),
        "landing": ("land", REGISTER, "--from", "@in-2", "--store", "@store"),
        "run": ("run", REGISTER, "--store", "@store", "--activity", "commissioning-planning"),
        "second run": ("run", REGISTER, "--store", "@store", "--activity", "commissioning-planning"),
        "export": ("export", REGISTER, "--store", "@store", *EXPORT, "--to", "@out/here"),
    }
    work = folder / "work"
    work.mkdir()
    senders_folder(work)
    scenes = {}
    for number, (name, argv) in enumerate(steps.items()):
        before = folder / f"before-{number}"
        shutil.copytree(work, before)
        scene = Scene(name, before, argv)
        earlier = account(machine, work)
        ended = machine.run(scene.words(work), scene=work, trace=True)
        assert ended.code == 0, f"the undisturbed {name} failed: {ended.err}"
        mine = tuple(call for call in ended.calls if str(work) in call.about and changes(call))
        scenes[name] = Scene(name, before, argv, mine, (earlier, account(machine, work)))
    return scenes


def changes(call) -> bool:
    """Whether the call can change a disk; what the command says on its output is not asked here."""
    return "/said/" not in call.about and (call.creates if call.name == "openat" else True)


def account(machine: Machine, place: Path) -> dict:
    """What the store says of itself, without what differs from run to run; what it holds; what was exported."""
    ended = machine.run(["status", "--store", f"{place}/store", "--register", REGISTER, "--json"], scene=place)
    if ended.code != 0:
        assert "store-missing" in ended.out + ended.err, f"status: {ended.code} {ended.err}"
        return {"store": None}
    said = ended.document
    for changing in ("store", "audit", "recovered"):
        del said[changing]
    for run in said["activities"].values():
        del run["run"]
        run.pop("persons new", None)  # a run that was true already, repeated, meets no strangers any more
    return {"status": said, "live": live(place / "store"), "export": exported(place / "out" / "here")}


def live(store: Path) -> list[list]:
    """Kind, part and rows of every live file; the disk must hold these files and no other."""
    with sqlite3.connect(f"file:{store}/catalogue.sqlite?mode=ro", uri=True) as catalogue:
        found = catalogue.execute("SELECT path, kind, part, rows FROM live_file ORDER BY kind, part, rows").fetchall()
        waiting = catalogue.execute("SELECT count(*) FROM outbox").fetchall()[0][0]
    catalogue.close()
    on_disk = {str(path.relative_to(store)) for name in KEPT for path in (store / name).rglob("*") if path.is_file()}
    assert on_disk == {path for path, *_ in found}, "the disk holds other files than the catalogue names"
    assert waiting == 0, "an act is true but not in the log"
    for path, kind, _part, rows in found:
        assert kind != "mart" or pq.read_metadata(store / path).num_rows == rows, "a mart has not its rows"
    return [[kind, part.split(".")[0], rows] for _path, kind, part, rows in found]


def exported(folder: Path) -> dict | None:
    """What stands in the export's folder; None if it is not there."""
    if not folder.exists():
        return None
    receipt = json.loads((folder / "receipt.json").read_text())
    there = {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "receipt.json"
    }
    assert there == receipt["files"], "the export is not what its receipt says"
    return {"rows": receipt["rows"], "formats": receipt["formats"], "files": sorted(there)}


def copied(scene: Scene, place: Path) -> Path:
    """The scene as it stood before its command."""
    return shutil.copytree(scene.before, place)


def broken(machine: Machine, scene: Scene, place: Path, inject: str) -> tuple[list[str], Ended]:
    """Run the scene's command with one call broken; everything that does not hold afterwards, in words."""
    copied(scene, place)
    ended = machine.run(scene.words(place), scene=place, inject=inject)
    wrong = amiss(machine, scene, place, ended)
    shutil.rmtree(place)
    return wrong, ended


def amiss(machine: Machine, scene: Scene, place: Path, ended: Ended) -> list[str]:
    """Everything that does not hold after the scene's command ended so: for the store, its words, and the disk."""
    wrong = _said(ended, is_kill=ended.code < 0) + _plain(place)
    try:
        wrong += _aftermath(machine, scene, place, ended)
    except (AssertionError, ValueError, OSError) as fault:
        wrong.append(f"{type(fault).__name__}: {fault}"[:400])
    return wrong


def _said(ended: Ended, *, is_kill: bool) -> list[str]:
    words, wrong = ended.err + ended.out, []
    if "Traceback" in words:
        wrong.append("a traceback was shown")
    if is_kill or ended.code == 0:
        return wrong
    if ended.code not in {1, 4}:
        wrong.append(f"exit code {ended.code}")
    if "The program failed" in words:
        wrong.append(f"a disk fault shown as a bug: {ended.err.strip()[:120]}")
    elif "Next:" not in words or "\n\n" in ended.err.strip():
        wrong.append("not one paragraph with a next step")
    return wrong


def _plain(place: Path) -> list[str]:
    needles = [word.encode() for person in PERSONS for word in (person.number, person.family, person.given)]
    left = [path.relative_to(place) for path in place.rglob("*") if path.is_file()]
    ours = [path for path in left if not path.parts[0].startswith("in-")]
    leaks = [path for path in ours if any(needle in (place / path).read_bytes() for needle in needles)]
    return [f"plain identifiers in {path}" for path in leaks]


def _aftermath(machine: Machine, scene: Scene, place: Path, ended: Ended) -> list[str]:
    wrong, (before, after) = [], scene.accounts
    now = account(machine, place)
    if now not in (before, after) and not _is_partly(scene, now):
        wrong.append("the store is neither as before nor as after")
    if ended.code == 0 and now != after:
        wrong.append("an acknowledged act is lost")
    if "status" in now:
        wrong += _audit(machine, place)
    if not (scene.name == "export" and now == after):
        again = machine.run(scene.words(place), scene=place)
        if again.code != 0:
            return [*wrong, f"repeating it ended with {again.code}: {(again.err or again.out).strip()[:200]}"]
        if account(machine, place) != after:
            wrong.append("repeating it does not give what an undisturbed run gives")
        wrong += _audit(machine, place)
    stray = [path.name for path in place.rglob("*") if path.name.endswith((".partial", ".tmp"))]
    return wrong + [f"left behind: {name.split('.')[-1]}" for name in stray]


def _is_partly(scene: Scene, now: dict) -> bool:
    """A landing of several submissions is one act a submission: each is in whole or not at all."""
    if scene.name != "first landing" or "status" not in now:
        return False
    whole = {json.dumps(entry) for entry in scene.accounts[1]["status"]["submissions"]}
    return {json.dumps(entry) for entry in now["status"]["submissions"]} <= whole


def _audit(machine: Machine, place: Path) -> list[str]:
    ended = machine.run(["audit", "verify", "--store", f"{place}/store"], scene=place)
    return [] if ended.code == 0 else [f"audit verify: {ended.code} {(ended.err or ended.out).strip()[:200]}"]
