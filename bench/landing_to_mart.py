"""Figure 1: a million people, CSV in, partitioned Parquet marts out; caldicott against the floor and the peers.

Every subject runs alone, as a process of its own, on the same files, round by
round one after the other. python -m bench.landing_to_mart [PEOPLE] [ROUNDS] [SUBJECT...]
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import statistics
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench import extracts, subject
from bench.results import Figure

if TYPE_CHECKING:
    from bench.subject import Outcome

THREADS = 2
CHECKOUT = Path(__file__).resolve().parents[1]
PEERS = {
    "floor": ("DuckDB copy, the floor", "duckdb"),
    "with_polars": ("Polars, bare prototype", "polars"),
    "with_pandas": ("pandas + hashlib", "pandas"),
    "with_pyspark": ("PySpark, local[2]", "pyspark"),
}
WHOLE = "whole_job"
_LIMIT_GB = 2.0
_PLAIN_ALLOCATOR = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "4"}
TITLES = {WHOLE: "caldicott, land + run", **{name: title for name, (title, _) in PEERS.items()}}


@dataclass
class Measured:
    """All rounds of one subject."""

    name: str
    outcomes: list[Outcome] = field(default_factory=list)
    not_run: str = ""

    def median(self, of: str) -> float:
        return statistics.median(getattr(outcome, of) for outcome in self.outcomes)

    def seconds(self, part: str) -> float:
        return statistics.median(outcome.printed["seconds"][part] for outcome in self.outcomes)


def measure(people: int, rounds: int, names: tuple[str, ...] = tuple(TITLES)) -> dict[str, Measured]:
    """Every subject, `rounds` times."""
    out = extracts.made(people)
    _warm(out)
    found = {name: Measured(name, not_run=_missing(name)) for name in names}
    for _ in range(rounds):
        for each in found.values():
            if not each.not_run:
                _once(each, out)
    return found


def _once(each: Measured, out: Path) -> None:
    outcome = run_subject(each.name, out)
    print(f"  {TITLES[each.name]:<28} {outcome.wall:8.1f} s {outcome.cpu:8.1f} s cpu {outcome.gigabytes:6.2f} GB "
          f"{outcome.fault} {json.dumps(outcome.printed)}", flush=True)  # fmt: skip
    if outcome.fault:
        each.not_run = outcome.fault
    else:
        each.outcomes.append(outcome)


def run_subject(name: str, out: Path, *, cgroup: Path | None = None, most_bytes: int = 0) -> Outcome:
    """One run of one subject in a new folder, removed afterwards.

    `most_bytes` is a limit of the kernel's (RLIMIT_DATA) on what the subject may write to in memory, threads' stacks
    and all. Arrow's and the C library's usual allocators set address space aside and would run into it at a third of
    that; so the subject gets the plain allocator with few arenas.
    """
    work = extracts.place() / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        command, env = _command(name, out, work), _environment(work)
        if most_bytes:
            command, env = ["prlimit", f"--data={most_bytes}", *command], {**env, **_PLAIN_ALLOCATOR}
        return subject.run(command, env=env, cgroup=cgroup)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _command(name: str, out: Path, work: Path) -> list[str]:
    if name == WHOLE:
        return [sys.executable, "-m", "bench.peers.whole_job", str(out), str(work / "store")]
    task = work / "task.json"
    task.write_text(json.dumps(extracts.task(out, to=work / "marts", threads=THREADS)))
    return [sys.executable, "-m", f"bench.peers.{name}", str(task)]


def _environment(work: Path) -> dict[str, str]:
    threads = str(THREADS)
    # The key file of the store goes beside the store, not to the home of whoever measures.
    return {
        "HOME": str(work), "XDG_CONFIG_HOME": str(work / "config"), "CALDICOTT_PASSPHRASE": "", "TZ": "UTC",
        "POLARS_MAX_THREADS": threads, "OMP_NUM_THREADS": threads, "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
    }  # fmt: skip


def _missing(name: str) -> str:
    if name == WHOLE:
        return ""
    package = PEERS[name][1]
    if importlib.util.find_spec(package) is None:
        return f"{package} is not installed"
    if name == "with_pyspark" and shutil.which("java") is None:
        return "there is no Java on this machine"
    return ""


def _warm(out: Path) -> None:
    """Read every file once, so that no subject pays for the disk alone."""
    for path in out.rglob("*.*"):
        with path.open("rb") as stream:
            while stream.read(1 << 24):
                pass


def figures(found: dict[str, Measured]) -> list[Figure]:
    """The targets of figure 1 against what came out."""
    whole = found[WHOLE]
    if not whole.outcomes:
        return [Figure("the whole job", "it completes", not_run=whole.not_run)]
    wall = whole.median("wall")
    rows = [_against(found, "floor", wall, at_most=1.5), *(_times(found, name, wall, least) for name, least in _LEAST)]
    peak = whole.median("gigabytes")
    if "floor" in found and found["floor"].outcomes:
        ratio = whole.median("cpu") / found["floor"].median("cpu")
        rows.insert(1, Figure("processor time, as multiple of the floor's", "", f"{ratio:.2f}"))
    return [*rows, Figure("peak memory of the whole job", "< 4 GB", f"{peak:.2f} GB", held=peak < 4)]


_LEAST = (("with_pandas", 5.0), ("with_pyspark", 4.0))


def _against(found: dict[str, Measured], name: str, wall: float, *, at_most: float) -> Figure:
    title, floor = "time, as multiple of the floor", found.get(name)
    if floor is None or not floor.outcomes:
        return Figure(title, f"≤ {at_most}", not_run=floor.not_run if floor else "not asked for")
    ratio = wall / floor.median("wall")
    return Figure(title, f"≤ {at_most}, aim 1.0", f"{ratio:.2f}", held=ratio <= at_most)


def _times(found: dict[str, Measured], name: str, wall: float, least: float) -> Figure:
    title, peer = f"times faster than {TITLES[name]}", found.get(name)
    if peer is None or not peer.outcomes:
        return Figure(title, f"≥ {least:g}", not_run=peer.not_run if peer else "not asked for")
    ratio = peer.median("wall") / wall
    return Figure(title, f"≥ {least:g}", f"{ratio:.2f}", held=ratio >= least)


def table(found: dict[str, Measured], rows_in: int) -> list[list[str]]:
    """One line a subject: wall, processor, memory, rows a second, ratio to the floor, rows out."""
    floor = found["floor"].median("wall") if "floor" in found and found["floor"].outcomes else None
    lines = [["subject", "wall s", "range", "CPU s", "peak GB", "rows/s", "× floor", "rows out"]]
    for name, each in found.items():
        if not each.outcomes:
            lines.append([TITLES[name], f"not run: {each.not_run}", *[""] * 6])
            continue
        wall, walls = each.median("wall"), sorted(outcome.wall for outcome in each.outcomes)
        out = each.outcomes[0].printed["rows_out"]
        lines.append([
            TITLES[name], f"{wall:.1f}", f"{walls[0]:.1f} to {walls[-1]:.1f}", f"{each.median('cpu'):.1f}",
            f"{each.median('gigabytes'):.2f}", f"{rows_in / wall:,.0f}", f"{wall / floor:.2f}" if floor else "",
            f"{sum(rows for name, rows in out.items() if name.startswith('sus-')):,}",
        ])  # fmt: skip
    return lines


def limited(people: int) -> Figure:
    """The whole job in 2 GB: inside a control group that was given, else under a limit of the process."""
    title, target, given = "the whole job in 2 GB", "completes", os.environ.get("CALDICOTT_BENCH_CGROUP")
    if not given and shutil.which("prlimit"):
        outcome = run_subject(WHOLE, extracts.made(people), most_bytes=int(_LIMIT_GB * 1e9))
        said = outcome.fault or f"completed in {outcome.wall:.1f} s, the kernel's limit on its address space at 2.00 GB"
        return Figure(title, target, said, held=not outcome.fault)
    if not given:
        return Figure(title, target, not_run="there is no prlimit, and CALDICOTT_BENCH_CGROUP names no control group")
    group = Path(given)
    limit = next(group / name for name in ("memory.max", "memory.limit_in_bytes") if (group / name).exists())
    enforced = int(limit.read_text()) / 1e9
    outcome = run_subject(WHOLE, extracts.made(people), cgroup=group)
    held = f"completed in {outcome.wall:.1f} s in a control group of {enforced:.2f} GB, {outcome.gigabytes:.2f} GB used"
    said = outcome.fault or held
    return Figure(title, target, said, held=not outcome.fault and enforced <= _LIMIT_GB * 1.08)


if __name__ == "__main__":
    asked = sys.argv[1:]
    size, rounds_ = int(asked[0]) if asked else 1_000_000, int(asked[1]) if asked[1:] else 1
    done = measure(size, rounds_, tuple(asked[2:]) or tuple(TITLES))
    for cells in table(done, extracts.sus_rows(extracts.made(size))):
        print(" | ".join(cells))
    for figure in figures(done) if WHOLE in done else []:
        print(figure)
