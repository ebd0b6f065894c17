"""`caldicott demo`: the whole main job on invented people, with the time each part took."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from caldicott import bootstrap
from caldicott.cli.accounts_demo import MARK, make_sign_ins
from caldicott.cli.output import fail, progress, say, table
from caldicott.cli.reports import print_runs, print_status
from caldicott.operations.land import land
from caldicott.operations.publish import publish
from caldicott.operations.run import run
from caldicott.operations.status import status
from caldicott.synth.invent import invent
from caldicott.vocabulary.errors import WrongUsage

REGISTER = "example-icb"


def demonstrate(*, people: int, seed: int, store: Path) -> None:
    """Invent, land, run, publish, and print what happened. The extracts are removed; the store stays."""
    if store.exists() and any(store.iterdir()):
        raise WrongUsage(
            "the folder for the demo's store is not empty",
            code="store_not_empty",
            where=str(store),
            next_step="remove it, or name another with --store",
        )
    register = bootstrap.load_register(REGISTER)
    took: list[tuple[str, str]] = []
    extracts = Path(tempfile.mkdtemp(prefix="caldicott-demo-"))
    try:
        with progress(quiet=False) as told:
            start = time.perf_counter()
            made = invent(
                extracts / "out",
                people=people,
                seed=seed,
                progress=lambda name, rows: told(f"inventing {name}: {rows:,} rows"),
            )
            took.append(("invent people and their extracts", _since(start)))
            with bootstrap.open_house(register, store, create=True) as house:
                start = time.perf_counter()
                house.store.catalogue.set_setting("register", REGISTER)
                house.store.catalogue.set_setting(MARK, "invented people")
                landed = land(house, extracts / "out", told=told)
                took.append(("land: check, place, encrypt", _since(start)))
                start = time.perf_counter()
                runs = run(house, told=told)
                took.append(("run: objections, linking, tokens, marts", _since(start)))
                account = status(house)
            start = time.perf_counter()
            publish(
                register, to=store / "public", at=bootstrap.today(),
                register_folder=bootstrap.find_register(REGISTER), told=lambda step: told(f"publishing: {step}"),
            )  # fmt: skip
            took.append(("publish: the notice, its tables and the map", _since(start)))
            start = time.perf_counter()
            told("making sign-ins for invented staff")
            sign_ins = make_sign_ins(store)
            took.append(("sign-ins for invented staff", _since(start)))
    finally:
        shutil.rmtree(extracts, ignore_errors=True)
    for entry in landed:
        if entry.fault is not None:
            fail(entry.fault)
    say(f"{register.controller.name}: {people:,} invented people, {made.rows:,} rows sent by their services.\n")
    print_status(account)
    print_runs(runs)
    table("Time", ("part", "seconds"), took)
    say(f"The store is in {store}. Ask it: caldicott status --store {store}")
    say(f"Its notice is in {store / 'public'}: open index.html there, or notice.pdf.\n")
    for line in sign_ins:
        say(line)


def _since(start: float) -> str:
    return f"{time.perf_counter() - start:.1f}"
