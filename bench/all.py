"""Every benchmark, and bench/RESULTS.md from what came out. python -m bench.all [--quick | --full] [PART...]

quick: a tenth of the size, one round, to see that everything runs. Without a
choice: the whole size, one round. full: three rounds, and growth to 50 million rows.
Parts by name (`--help` lists them): only these are measured, the others stay as they were.
A part is on the page as soon as it is measured, with its own hour, commit and load.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import os
import platform
import subprocess
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bench import extracts, growth, landing_to_mart
from bench.results import Part, figures_table, markdown, of_rows, refreshed

if TYPE_CHECKING:
    from collections.abc import Callable

RESULTS = Path(__file__).with_name("RESULTS.md")
MORE_IS_BETTER = ("entries/s", "1/s", "rows", "times", "found")
PEOPLE = {"quick": 100_000, "default": 1_000_000, "full": 1_000_000}
ROUNDS = {"quick": 1, "default": 1, "full": 3}
PACKAGES = ("duckdb", "pyarrow", "numpy", "cryptography", "pandas", "polars", "pyspark")


def whole(size: str) -> str:
    people = PEOPLE[size]
    found = landing_to_mart.measure(people, ROUNDS[size])
    rows = extracts.sus_rows(extracts.made(people))
    figures = landing_to_mart.figures(found)
    opening = (
        f"{people:,} people, {rows:,} hospital rows of 33 to 43 columns, {ROUNDS[size]} round(s), medians; every "
        f"subject a process of its own with {landing_to_mart.THREADS} threads, on the same files, one after the other. "
        "Which steps each does is listed in docs/reference/performance.md."
    )
    return f"{opening}\n\n{figures_table(figures)}\n\n{markdown(landing_to_mart.table(found, rows))}{_steps(found)}"


def _steps(found: dict[str, landing_to_mart.Measured]) -> str:
    each = found[landing_to_mart.WHOLE]
    if not each.outcomes:
        return ""
    named = ", ".join(f"{part} {each.seconds(part):.1f} s" for part in each.outcomes[0].printed["seconds"])
    return f"\n\ncaldicott's parts: {named}."


def limit(size: str) -> str:
    people = PEOPLE[size]
    return f"{people:,} people, the same files.\n\n{figures_table([landing_to_mart.limited(people)])}"


def grow(size: str) -> str:
    steps = growth.measure(growth.PEOPLE[size])
    return f"{figures_table(growth.figures(steps))}\n\n{markdown(growth.table(steps))}"


def rows_of(module: str, how: Callable[[str], dict[str, int]] = lambda _size: {}) -> Callable[[str], str]:
    """A part whose module gives rows: name, value, unit, target; `how` is what it is told for a size."""

    def part(size: str) -> str:
        rows = importlib.import_module(f"bench.{module}").measure(**how(size))
        return figures_table(of_rows(rows, more_is_better=MORE_IS_BETTER))

    return part


def _is_whole(size: str) -> dict[str, int]:
    return {"whole": size != "quick"}


def _people(size: str) -> dict[str, int]:
    return {"people": PEOPLE[size]}


def _lines(size: str) -> dict[str, int]:
    return {"lines": PEOPLE[size]}


def told_by(module: str) -> Callable[[str], str]:
    """A part whose module writes it as it stands on the page."""
    return lambda size: importlib.import_module(f"bench.{module}").part(whole=size != "quick")


PARTS = {
    "whole": Part("The whole job: CSV in, marts out", whole),
    "limit": Part("The whole job in 2 GB", limit),
    "growth": Part("Growth", grow),
    "decide": Part("One decision", rows_of("decide")),
    "audit": Part("Audit log", rows_of("audit")),
    "synth": Part("Inventing extracts", rows_of("synth", _is_whole)),
    "vault": Part("Vault, tokens, encrypted files", rows_of("pseudonyms")),
    "scores": Part("Scores", rows_of("scores", _is_whole)),
    "publish": Part("Publishing the notice", rows_of("publish")),
    "site": Part("The public site", rows_of("portal")),
    "linkage": Part("Tracing and linkage", told_by("linkage")),
    "invoices": Part("Checking invoices", rows_of("invoices", _is_whole)),
    "disclosure": Part("Disclosure control", told_by("disclosure")),
    "model": Part("Scoring by the risk model", rows_of("risk_model")),
    "practice": Part("A page of a practice's list", rows_of("practice_list", _people)),
    "finance": Part("The pages of finance", rows_of("invoice_pages", _lines)),
}


def main(size: str, names: list[str]) -> None:
    for name in names:
        part, load = PARTS[name], os.getloadavg()[0]
        print(part.title, flush=True)
        body = _measured(part, size)
        hour = f"{datetime.now(UTC):%Y-%m-%d %H:%M UTC}"
        note = f"`{_command(size, name)}`, {hour}, commit {_commit()}, load {load:.1f} before."
        page = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
        titles = [each.title for each in PARTS.values()]
        RESULTS.write_text(refreshed(page, head(), titles, part.title, f"{note}\n\n{body}"), encoding="utf-8")
        print(body, flush=True)


def _measured(part: Part, size: str) -> str:
    """A part that fails says so in its place; the others still run."""
    try:
        return part.measure(size)
    except Exception as fault:  # noqa: BLE001  whatever it is, it belongs on the page
        traceback.print_exc()
        return f"not run: it failed with {type(fault).__name__}"


def _command(size: str, name: str) -> str:
    return f"python -m bench.all{'' if size == 'default' else ' --' + size} {name}"


def head() -> str:
    lines = [
        ["", ""],
        ["processor", f"{_cpu()}, {os.cpu_count()} cores"],
        ["memory", f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB"],
        ["kernel", platform.release()],
        ["Python", platform.python_version()],
        ["Java", _java()],
        *([name, _version(name)] for name in PACKAGES),
    ]
    opening = (
        "Written by `python -m bench.all`; not edited by hand. Each part says when it was measured. A load above the "
        "number of cores means that others used the machine: then compare subjects with each other, and processor "
        "time rather than wall time."
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


def _commit() -> str:
    changed = " and uncommitted changes" if _said("git", "status", "--porcelain", "--", "src") else ""
    return _said("git", "rev-parse", "--short", "HEAD") + changed


def _said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=landing_to_mart.CHECKOUT)
    return done.stdout.strip()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.all")
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--quick", action="store_const", dest="size", const="quick")
    sizes.add_argument("--full", action="store_const", dest="size", const="full")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of: {', '.join(PARTS)}; without one, all")
    parser.set_defaults(size="default")
    chosen = parser.parse_args()
    if unknown := sorted(set(chosen.parts) - set(PARTS)):
        parser.error(f"not a part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    sys.exit(main(chosen.size, chosen.parts or list(PARTS)))
