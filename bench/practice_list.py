"""What a page of a practice's list costs in a store of 1,000,000 people: processor time, and the wait of 20 readers.

The store is made as a run leaves it (lists by practice, encrypted rolls, the
catalogue), without inventing and landing extracts, which other benchmarks do.
The portal is started as `caldicott serve --staff` starts it. Twenty members of
staff of twenty practices turn pages: once as people do, with a second or two
between a page and the next, and once without a pause, which is harder than
people and shares two cores with the server. Processor time is what the kernel
counts for the server, so it is true on a busy machine too; waits are not.

Run: `python -m bench.practice_list [PEOPLE]`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from bench.portal import cpu, row

from caldicott import bootstrap
from caldicott.operations.perform import House
from caldicott.operations.stratify import LIST, setting_of
from caldicott.operations.stratify_plan import criteria_sha256, plan
from caldicott.operations.stratify_rolls import write_rolls
from caldicott.safe_haven.pseudonyms.tokens import make_tokens
from caldicott.stores.catalogue import LiveFile
from caldicott.stores.mart_seals import synced
from caldicott.stores.store import Store, StoreSettings

REGISTER, ACTIVITY = "example-icb", "risk-stratification"
PEOPLE = 1_000_000
READERS = 20
TARGET_CPU, TARGET_WAIT = 60.0, 150.0
PAGES_ALONE, PAGES_EACH = 100, 40
PAUSE = (1.0, 2.0)
"""Seconds between a page and the next, as people turn pages of a list."""
QUERIES = (
    "", "?page=2", "?sort=hfrs", "?segment=healthy&sort=age", "?tier=tier+1&tier=tier+2", "?admissions-from=2&page=2",
)  # fmt: skip
SEED = 1
MONTH, ON = "2026-03", date(2026, 3, 31)


def measure(people: int = PEOPLE) -> list[dict]:
    """Making the store, one page after the other, and the readers at once."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        home = root / "home"
        practices = make_store(root / "store", home, people)
        sessions = employ(root / "store", home, practices[:READERS])
        program, place = started(root / "store", home)
        try:
            return [*alone(program.pid, place, sessions, people), *together(program.pid, place, sessions, people)]
        finally:
            program.send_signal(signal.SIGTERM)
            program.wait(30)


def make_store(root: Path, home: Path, people: int) -> list[str]:
    """Lists and rolls of that many people, as a run leaves them; the practices' codes."""
    register = bootstrap.load_register(REGISTER)
    draw = np.random.default_rng(SEED)
    practices = sorted(member.ods for member in register.controller.member_practices)
    tokens = make_tokens(draw.bytes(people * 10), "R")
    owner = np.sort(draw.integers(0, len(practices), people))
    numbers = 9_000_000_000 + draw.permutation(people).astype(np.int64)
    with Store(root, settings=StoreSettings({}, home), created=ON, create=True) as store:
        house = House(register, store, ON, lambda: datetime.now(UTC), "bench")
        ends = np.searchsorted(owner, np.arange(len(practices)), side="right")
        files, rolls, first = [], [], 0
        for place, end in enumerate(ends):
            rows = slice(first, int(end))
            files.append(_list(root, practices[place], tokens[rows.start : rows.stop], draw))
            rolls.append(_roll(practices[place], tokens[rows.start : rows.stop], numbers[rows], draw))
            first = int(end)
        files += write_rolls(house, pa.concat_tables(rolls), activity=ACTIVITY, run_id="run-bench")
        standing = {
            "run": "run-bench", "month": MONTH, "as_of": ON.isoformat(), "criteria_sha256": criteria_sha256(),
            "months": [MONTH], "submissions": [],
        }  # fmt: skip
        with store.catalogue.transaction():
            store.catalogue.set_setting("register", REGISTER)
            store.catalogue.set_setting("controller", register.controller.id)
            store.catalogue.add_files(synced(root, files, hashed={}))
            store.catalogue.set_setting(setting_of(ACTIVITY), json.dumps(standing))
    return practices


def _list(root: Path, practice: str, tokens: pa.Array, draw) -> LiveFile:
    """One practice's list with every column that a run gives it."""
    size, made = len(tokens), plan()
    columns: dict[str, pa.Array] = {"person_token": tokens, "practice": pa.array([practice] * size)}
    ages = [f"{first}-{first + 4}" for first in range(0, 90, 5)] + ["90+"]
    columns["age_band"] = pa.array(draw.choice(ages, size))
    columns["segment"] = pa.array(draw.choice(["healthy", "long-term conditions", "organ failure"], size))
    for name in made.numbers:
        columns[name] = pa.array(draw.poisson(0.7, size).astype(float))
    for name in made.banded:
        columns[f"{name}-band"] = pa.array(draw.choice(["low", "intermediate", "high"], size))
    shares = np.array([0.5, 5, 20, 100])
    for name in made.ranked:
        above = 100 * draw.permutation(size) / size
        columns[f"{name}-percent-above"] = pa.array(above)
        columns[f"{name}-tier"] = pa.array([f"tier {n + 1}" for n in np.searchsorted(shares, above, side="right")])
    columns["tier"] = columns[f"{made.ranked[0]}-tier"]
    stamps = {"month": MONTH, "as_of": ON, "criteria_sha256": criteria_sha256()}
    columns |= {name: pa.array([value] * size) for name, value in stamps.items()}
    columns["tier_before"] = pa.array(draw.choice(["tier 1", "tier 2", "tier 3", "tier 4"], size))
    path = root / "marts" / ACTIVITY / "run-bench" / LIST / f"{practice}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, compression="zstd", compression_level=1, row_group_size=20_000)
    return LiveFile(str(path.relative_to(root)), LIST, ACTIVITY, practice, size)


def _roll(practice: str, tokens: pa.Array, numbers: np.ndarray, draw) -> pa.Table:
    days = np.datetime64("1930-01-01") + draw.integers(0, 30_000, len(tokens)).astype("timedelta64[D]")
    return pa.table(
        {
            "person_token": tokens, "practice": pa.array([practice] * len(tokens)), "nhs_number": pa.array(numbers),
            "family_name": pa.array([f"Family{n % 5_000}" for n in range(len(tokens))]),
            "given_name": pa.array([f"Given{n % 700}" for n in range(len(tokens))]), "birth_date": pa.array(days),
        }
    )  # fmt: skip


_EMPLOY = """
import json, sys
from pathlib import Path
from uuid import uuid4
from caldicott import bootstrap
from caldicott.cli.accounts import desk_of
with desk_of(Path(sys.argv[1])):
    from caldicott.stores.desk import accounts
    from caldicott.stores.desk.visits import Opening, Stage, begin
    made = {}
    for place in sys.argv[2:]:
        new = accounts.NewAccount(id=str(uuid4()), name="Bench", role="gp", organisation=place,
                                  sign_in_name=f"bench.{place}", password_hash="x")
        accounts.make(new, at=bootstrap.now())
        made[place] = begin(Opening(stage=Stage.SIGNED_IN, account_id=new.id, method="bench"), at=bootstrap.now())
    print(json.dumps(made))
"""


def employ(store: Path, home: Path, practices: list[str]) -> dict[str, str]:
    """A session of one member of staff of each practice; signing in has figures of its own."""
    done = subprocess.run(
        [sys.executable, "-c", _EMPLOY, str(store), *practices], env=_env(home), capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def started(store: Path, home: Path) -> tuple[subprocess.Popen, str]:
    program = subprocess.Popen(
        [sys.executable, "-c", "from caldicott.cli import main; main()", "serve", "--store", str(store), "--staff",
         "--port", "0"],
        env=_env(home), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    found = re.search(r"http://\S+:\d+", program.stdout.readline())
    assert found, "the portal did not start"
    return program, urlsplit(found[0]).netloc


def _env(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CALDICOTT_", "XDG_"))}
    return {**kept, "HOME": str(home), "PYTHONUNBUFFERED": "1"}


def alone(pid: int, place: str, sessions: dict[str, str], people: int) -> list[dict]:
    """One reader at a time, twenty practices in turn: what a page costs the server, and how long it takes."""
    turns = [(practice, QUERIES[n % len(QUERIES)]) for n, practice in enumerate([*sessions] * 5)][:PAGES_ALONE]
    for practice in [*sessions] * 4:  # every worker knows its templates and lists by then
        asyncio.run(_page(place, practice, sessions[practice], ""))
    before, waits = cpu(pid), []
    for practice, query in turns:
        waits.append(asyncio.run(_page(place, practice, sessions[practice], query)))
    spent = (cpu(pid) - before) / len(turns) * 1e3
    return [
        row(f"a page of a practice's list, {people:,} people in the store", spent, "ms CPU", TARGET_CPU),
        row("the same, one reader: median wait", statistics.median(waits) * 1e3, "ms"),
        row("the same, one reader: p95 wait", _p95(waits), "ms"),
    ]


def together(pid: int, place: str, sessions: dict[str, str], people: int) -> list[dict]:
    """Twenty readers at once, as people turn pages and without a pause."""
    rows = []
    for name, pause in (("as people turn pages", PAUSE), ("without a pause", (0.0, 0.0))):
        before, start = cpu(pid), time.perf_counter()
        waits = asyncio.run(_all(place, sessions, pause))
        took = time.perf_counter() - start
        title = f"{len(sessions)} readers at once, {name}, {len(waits):,} pages"
        rows += [
            row(f"{title}: median wait", statistics.median(waits) * 1e3, "ms"),
            row(f"{title}: p95 wait", _p95(waits), "ms", TARGET_WAIT),
            row(f"{title}: pages a second", len(waits) / took, "1/s"),
            row(f"{title}: processor time a page", (cpu(pid) - before) / len(waits) * 1e3, "ms CPU", TARGET_CPU),
        ]
    del people
    return rows


def _p95(waits: list[float]) -> float:
    return sorted(waits)[int(len(waits) * 0.95)] * 1e3


async def _all(place: str, sessions: dict[str, str], pause: tuple[float, float]) -> list[float]:
    waits: list[float] = []
    await asyncio.gather(*(_reader(place, p, s, pause, waits) for p, s in sessions.items()))
    return waits


async def _reader(place: str, practice: str, session: str, pause: tuple[float, float], waits: list[float]) -> None:
    chance = random.Random(hashlib.sha256(practice.encode()).digest())
    for turn in range(PAGES_EACH):
        await asyncio.sleep(chance.uniform(*pause))
        waits.append(await _page(place, practice, session, QUERIES[turn % len(QUERIES)]))


async def _page(place: str, practice: str, session: str, query: str) -> float:
    """Seconds from asking to the last byte."""
    host, port = place.split(":")
    start = time.perf_counter()
    reading, writing = await asyncio.open_connection(host, int(port))
    writing.write(
        f"GET /staff/practice/{practice}/{query} HTTP/1.1\r\nHost: {place}\r\n"
        f"Cookie: __Host-session={session}\r\nConnection: close\r\n\r\n".encode()
    )
    content = await reading.read()
    while more := await reading.read():
        content += more
    took = time.perf_counter() - start
    writing.close()
    assert content.startswith(b"HTTP/1.1 200 "), content[:200]
    assert b"Patients of" in content
    return took


if __name__ == "__main__":
    json.dump(measure(*map(int, sys.argv[1:2])), sys.stdout, indent=2, ensure_ascii=False)
    print()
