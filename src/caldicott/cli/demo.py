"""`caldicott demo`: the whole main job on invented people, with the time each part took."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from caldicott import bootstrap
from caldicott.cli.accounts_demo import make_sign_ins
from caldicott.cli.output import fail, progress, say, table
from caldicott.cli.reports import print_runs, print_status
from caldicott.operations.invoices.here import let_in
from caldicott.operations.invoices.land import land as land_bills
from caldicott.operations.invoices.validate import validate
from caldicott.operations.invoices.zone import as_officer
from caldicott.operations.land import land
from caldicott.operations.publish import publish
from caldicott.operations.run import run
from caldicott.operations.staff import DEMO, say_without_account
from caldicott.operations.status import status
from caldicott.synth.invent import invent
from caldicott.vocabulary.errors import WrongUsage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from caldicott.operations.invoices.land import Landed as LandedBills
    from caldicott.operations.perform import House

REGISTER = "example-icb"
_BILLED: Final = 2000


def demonstrate(*, people: int, seed: int, store: Path) -> None:
    """Invent, land, run, publish, and print what happened. The extracts are removed; the store stays."""
    if store.exists() and any(store.iterdir()):
        raise WrongUsage(
            "the folder for the demo's store is not empty",
            code="store-not-empty",
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
                invoice_lines=_BILLED,
            )
            (extracts / "out" / "ceff").rename(extracts / "ceff")
            took.append(("invent people and their extracts", _since(start)))
            with bootstrap.open_house(register, store, create=True) as house:
                start = time.perf_counter()
                house.store.catalogue.set_setting("register", REGISTER)
                house.store.catalogue.set_setting(DEMO, "invented people")
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
            sign_ins, officers = make_sign_ins(store)
            took.append(("sign-ins for invented staff", _since(start)))
            start = time.perf_counter()
            with bootstrap.open_house(register, store) as house:
                bills = _check_bills(house, extracts / "ceff", officers, told)
            faults = [fault for fault in (*(one.fault for one in landed), *(one.fault for one in bills)) if fault]
            took.append(("invoices: land in the locked area, check", _since(start)))
    finally:
        shutil.rmtree(extracts, ignore_errors=True)
    for fault in faults:
        fail(fault)
    say(f"{register.controller.name}: {people:,} invented people, {made.rows:,} rows sent by their services.\n")
    print_status(account)
    print_runs(runs)
    table("Time", ("part", "seconds"), took)
    say(f"The store is in {store}. Ask it: caldicott status --store {store}")
    say(f"Its notice is in {store / 'public'}: open index.html there, or notice.pdf.\n")
    for line in sign_ins:
        say(line)


def _check_bills(house: House, folder: Path, officers: Sequence[str], told: Callable[[str], None]) -> list[LandedBills]:
    """Bills with every kind of fault, checked; and the invented officers let in, so that their pages show them."""
    say_without_account(house, house.actor)  # the demo's sign-ins are of invented people, and nobody's at this keyboard
    landed = land_bills(house, folder, told=told)
    validate(house, told=told)
    for officer in officers:
        let_in(as_officer(house), officer)
    return landed


def _since(start: float) -> str:
    return f"{time.perf_counter() - start:.1f}"
