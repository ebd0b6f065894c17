"""What a notice page costs: processor time a request, and how long 50 readers at once wait. Against real gunicorn.

The portal is started as `caldicott serve` starts it, on loopback, with its
workers. Processor time is what the kernel counts for server and workers, so
it is true on a busy machine too; waiting times are true only on a quiet one.
The readers ask without a pause, each for the next page as soon as it has one:
harder than people, and they share the two cores with the server.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from caldicott import bootstrap
from caldicott.portal import addresses, assets
from caldicott.portal.library import Library
from caldicott.portal.notice import Notice
from caldicott.portal.settings import PortalSettings
from caldicott.stores.catalogue import Catalogue

REGISTER = "example-icb"
TARGET_CPU = 20.0
TARGET_WAIT = 100.0
READERS = 50
REQUESTS = 5_000
PER_PAGE = 60
AGENT = "GET {} HTTP/1.1\r\nHost: {}\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n"
TICKS = os.sysconf("SC_CLK_TCK")


def measure() -> list[dict]:
    """Making the notice, a request of each page, and the readers."""
    rows, pages = made_once()
    with tempfile.TemporaryDirectory() as folder:
        program, place = started(Path(folder))
        try:
            rows += [*one_request(program.pid, place, pages), *many_readers(place, pages)]
        finally:
            program.send_signal(signal.SIGTERM)
            program.wait(30)
    return rows


def made_once() -> tuple[list[dict], list[str]]:
    """What the first reader of a day waits for, at most: the notice as values, and the slowest page drawn."""
    folder = bootstrap.find_register(REGISTER)
    start = time.process_time()
    register = bootstrap.load_register(REGISTER)
    read = (time.process_time() - start) * 1e3
    portal = PortalSettings(folder, Path("nowhere"), "k" * 60)
    made = []
    for _ in range(3):
        start = time.process_time()
        notice = Notice(register, Library(), day=bootstrap.today(), portal=portal)
        made.append(time.process_time() - start)
    drawn = {}
    for slug in notice.pages:
        start = time.process_time()
        assert notice.page(slug) is not None
        drawn[slug] = (time.process_time() - start) * 1e3
    slowest = max(drawn, key=drawn.__getitem__)
    rows = [
        row("read the register, after each change of it", read, "ms CPU"),
        row("make the notice of a day as values, once", statistics.median(made) * 1e3, "ms CPU"),
        row("draw a page for the first time, median", statistics.median(drawn.values()), "ms CPU", TARGET_CPU),
        row(f"draw a page for the first time, slowest ({slowest})", drawn[slowest], "ms CPU"),
    ]
    return rows, [addresses.of_page(slug) for slug in notice.pages]


def started(folder: Path) -> tuple[subprocess.Popen, str]:
    store = folder / "store"
    store.mkdir()
    catalogue = Catalogue(store / "catalogue.sqlite")
    # A copy: somebody at work on the register would have it read anew in the middle of a measurement.
    catalogue.set_setting("register", str(shutil.copytree(bootstrap.find_register(REGISTER), folder / "register")))
    catalogue.close()
    program = subprocess.Popen(
        [sys.executable, "-c", "from caldicott.cli import main; main()", "serve", "--store", store, "--port", "0"],
        env={**os.environ, "HOME": str(folder), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    found = re.search(r"http://\S+:\d+", program.stdout.readline())
    assert found, "the portal did not start"
    return program, urlsplit(found[0]).netloc


def one_request(pid: int, place: str, pages: list[str]) -> list[dict]:
    """Processor time of server and workers for one request, by page; a style sheet and the 304 beside them."""
    ask(place, pages[0])
    cost = {page: cpu_of(pid, lambda page=page: ask(place, page)) for page in pages}
    dearest = max(cost, key=cost.__getitem__)
    tag = ask(place, pages[0])
    style = cpu_of(pid, lambda: ask(place, assets.address("site.css")))
    same = cpu_of(pid, lambda: ask(place, pages[0], tag=tag))
    return [
        row("a request of a page, median over pages", statistics.median(cost.values()), "ms CPU", TARGET_CPU),
        row(f"a request of the dearest page ({dearest})", cost[dearest], "ms CPU", TARGET_CPU),
        row("a request of a page the reader has", same, "ms CPU"),
        row("a request of a style sheet", style, "ms CPU"),
    ]


def cpu_of(pid: int, request) -> float:
    """Milliseconds of processor time a request, over many of them."""
    before = cpu(pid)
    for _ in range(PER_PAGE):
        request()
    return (cpu(pid) - before) / PER_PAGE * 1e3


def cpu(pid: int) -> float:
    """Seconds of the server and its workers so far."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return sum(_spent(one) for one in (str(pid), *children))


def _spent(pid: str) -> float:
    # The name in the second field may hold spaces; what follows its bracket does not.
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def ask(place: str, page: str, tag: str = "") -> str:
    connection = http.client.HTTPConnection(place, timeout=30)
    connection.request("GET", page, headers={"Accept-Encoding": "gzip", **({"If-None-Match": tag} if tag else {})})
    answer = connection.getresponse()
    answer.read()
    assert answer.status == (304 if tag else 200), (page, answer.status)
    connection.close()
    return answer.headers["ETag"]


def many_readers(place: str, pages: list[str]) -> list[dict]:
    """How long each of 50 readers waits for a page, from asking to the last byte."""
    start = time.perf_counter()
    waits = sorted(asyncio.run(_read_all(place, pages)))
    took = time.perf_counter() - start
    name = f"{READERS} readers at once without a pause, {len(waits):,} pages"
    return [
        row(f"{name}: median wait", statistics.median(waits) * 1e3, "ms"),
        row(f"{name}: p95 wait", waits[int(len(waits) * 0.95)] * 1e3, "ms", TARGET_WAIT),
        row(f"{name}: longest wait", waits[-1] * 1e3, "ms"),
        row(f"{name}: pages a second", len(waits) / took, "1/s"),
    ]


async def _read_all(place: str, pages: list[str]) -> list[float]:
    order = iter([pages[number % len(pages)] for number in range(REQUESTS)])
    waits: list[float] = []
    await asyncio.gather(*(_reader(place, order, waits) for _ in range(READERS)))
    return waits


async def _reader(place: str, order, waits: list[float]) -> None:
    host, port = place.split(":")
    for page in order:
        start = time.perf_counter()
        reading, writing = await asyncio.open_connection(host, int(port))
        writing.write(AGENT.format(page, place).encode())
        content = await reading.read()
        while more := await reading.read():
            content += more
        waits.append(time.perf_counter() - start)
        writing.close()
        assert content.startswith(b"HTTP/1.1 200 "), page


def row(name: str, value: float, unit: str, target: float | None = None) -> dict:
    return {"name": name, "value": round(value, 2), "unit": unit, "target": target}


if __name__ == "__main__":
    json.dump(measure(), sys.stdout, indent=2, ensure_ascii=False)
    print()
