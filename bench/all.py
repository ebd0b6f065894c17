"""Every benchmark, and bench/RESULTS.md from what came out. python -m bench.all [--quick | --full | --site]

quick: a tenth of the size, one round, to see that everything runs. Without a
choice: the whole size, one round. full: three rounds, and growth to 50 million rows.
site: publishing and the public site alone; the other parts of the page stay as they were measured.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import subprocess
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bench import extracts, growth, landing_to_mart, linkage, practice_list
from bench.results import figures_table, markdown, of_rows, refreshed

if TYPE_CHECKING:
    from collections.abc import Callable

RESULTS = Path(__file__).with_name("RESULTS.md")
MORE_IS_BETTER = ("entries/s", "1/s", "rows")
PEOPLE = {"quick": 100_000, "default": 1_000_000, "full": 1_000_000}
ROUNDS = {"quick": 1, "default": 1, "full": 3}
PACKAGES = ("duckdb", "pyarrow", "numpy", "cryptography", "pandas", "polars", "pyspark")


def main(size: str) -> None:
    loads = [os.getloadavg()[0]]
    sections = [
        section("1. The whole job: CSV in, marts out", lambda: whole(PEOPLE[size], ROUNDS[size])),
        section("2. Growth", lambda: grow(growth.PEOPLE[size])),
        section("3. One decision", lambda: small("decide")),
        section("4. Audit log", lambda: small("audit")),
        section("5. Inventing extracts", lambda: small("synth", whole=size != "quick")),
        section("6. Vault, tokens, encrypted files", lambda: small("pseudonyms")),
        section("7. Scores", lambda: small("scores", whole=size != "quick")),
        section("8. Publishing the notice", lambda: small("publish")),
        section("9. The public site", lambda: small("portal")),
        section(linkage.TITLE, lambda: linkage.part(whole=size != "quick")),
        section(practice_list.TITLE, lambda: small("practice_list", people=PEOPLE[size])),
    ]
    loads.append(os.getloadavg()[0])
    RESULTS.write_text("\n\n".join([head(size, loads), *sections]) + "\n", encoding="utf-8")
    print(f"written: {RESULTS.relative_to(Path.cwd()) if RESULTS.is_relative_to(Path.cwd()) else RESULTS.name}")


def site() -> None:
    """Only the parts of publication: they replace their own parts of the page, with their own commit and load."""
    load, commit = os.getloadavg()[0], _said("git", "rev-parse", "--short", "HEAD") + _unclean()
    measured = [
        section("8. Publishing the notice", lambda: small("publish")),
        section("9. The public site", lambda: small("portal")),
    ]
    note = f"Measured apart from the rest: {datetime.now(UTC):%Y-%m-%d %H:%M UTC}, commit {commit}, load {load:.1f}."
    for part in measured:
        title, _, body = part.removeprefix("## ").partition("\n\n")
        page = refreshed(RESULTS.read_text(encoding="utf-8"), title, f"{note}\n\n{body}")
        RESULTS.write_text(page, encoding="utf-8")


def section(title: str, measure: Callable[[], str]) -> str:
    """One part of the page. A part that fails says so in its place; the others still run."""
    print(title, flush=True)
    try:
        return f"## {title}\n\n{measure()}"
    except Exception as fault:  # noqa: BLE001  whatever it is, it belongs on the page
        traceback.print_exc()
        return f"## {title}\n\nnot run: it failed with {type(fault).__name__}"


def whole(people: int, rounds: int) -> str:
    found = landing_to_mart.measure(people, rounds)
    rows = extracts.sus_rows(extracts.made(people))
    figures = [*landing_to_mart.figures(found), landing_to_mart.limited(people, found)]
    opening = (
        f"{people:,} people, {rows:,} hospital rows of 33 to 43 columns, {rounds} round(s), medians; every subject a "
        f"process of its own with {landing_to_mart.THREADS} threads, on the same files, one after the other. Which "
        "steps each does is listed in docs/reference/performance.md."
    )
    return f"{opening}\n\n{figures_table(figures)}\n\n{markdown(landing_to_mart.table(found, rows))}{parts(found)}"


def parts(found: dict[str, landing_to_mart.Measured]) -> str:
    each = found[landing_to_mart.WHOLE]
    if not each.outcomes:
        return ""
    named = ", ".join(f"{part} {each.seconds(part):.1f} s" for part in each.outcomes[0].printed["seconds"])
    return f"\n\ncaldicott's parts: {named}."


def grow(sizes: tuple[int, ...]) -> str:
    steps = growth.measure(sizes)
    return f"{figures_table(growth.figures(steps))}\n\n{markdown(growth.table(steps))}"


def small(name: str, **choice: int) -> str:
    """A benchmark of one room; its own module says what it measures."""
    module = importlib.import_module(f"bench.{name}")
    return figures_table(of_rows(module.measure(**choice), more_is_better=MORE_IS_BETTER))


def head(size: str, loads: list[float]) -> str:
    lines = [
        ["", ""],
        ["when", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")],
        ["command", f"python -m bench.all{'' if size == 'default' else ' --' + size}"],
        ["commit", _said("git", "rev-parse", "--short", "HEAD") + _unclean()],
        ["processor", f"{_cpu()}, {os.cpu_count()} cores"],
        ["memory", f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB"],
        ["load before and after", " and ".join(f"{load:.1f}" for load in loads)],
        ["kernel", platform.release()],
        ["Python", platform.python_version()],
        ["Java", _java()],
        *([name, _version(name)] for name in PACKAGES),
    ]
    opening = (
        "Written by `python -m bench.all`; not edited by hand. A load above the number of cores means that others used "
        "the machine: then compare subjects with each other, and processor time rather than wall time."
    )
    return f"# Results\n\n{opening}\n\n{markdown(lines)}"


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _java() -> str:
    try:
        said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=True).stderr
    except (OSError, subprocess.CalledProcessError):
        return "not installed"
    return said.splitlines()[0]


def _unclean() -> str:
    return " and uncommitted changes" if _said("git", "status", "--porcelain", "--", "src") else ""


def _said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=landing_to_mart.CHECKOUT)
    return done.stdout.strip()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.all")
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--quick", action="store_const", dest="size", const="quick")
    sizes.add_argument("--full", action="store_const", dest="size", const="full")
    sizes.add_argument("--site", action="store_const", dest="size", const="site")
    parser.set_defaults(size="default")
    chosen = parser.parse_args().size
    sys.exit(site() if chosen == "site" else main(chosen))
