"""What `caldicott verify` does and prints: a store or a small one made for it, promise by promise."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from caldicott import bootstrap
from caldicott.cli.output import print_json, progress, say, table
from caldicott.operations.perform import House
from caldicott.operations.verify.control import State
from caldicott.operations.verify.rehearsal import rehearse
from caldicott.operations.verify.sheet import MEANS, NOTICES, WORDS, as_html
from caldicott.operations.verify.verifying import verify
from caldicott.stores.store import Store, StoreSettings
from caldicott.vocabulary.errors import WrongUsage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.operations.verify.verifying import Report

DEMO_PEOPLE = 400
_DEMO_REGISTER = "example-icb"


def verified(
    store: Path | None, *, demo: bool, register: str | None, exports: list[Path], quiet: bool
) -> tuple[Report, House]:
    """The report, and the house it is of."""
    if demo == (store is not None):
        raise WrongUsage(
            "either a store or --demo is needed, not both",
            code="verify-what",
            next_step="name a store's folder, or give --demo for one of invented people",
        )
    with progress(quiet=quiet) as told:
        if store is not None:
            with bootstrap.house_of(store, register) as house:
                return verify(house, exports=exports, told=told), house
        with _demo_house(register or _DEMO_REGISTER) as (house, folder):
            made = rehearse(house, folder, people=DEMO_PEOPLE, told=told)
            return verify(house, exports=made, told=told), house


@contextmanager
def _demo_house(register: str) -> Iterator[tuple[House, Path]]:
    """A store in a temporary folder with a key of its own, so that the user's key folder is not touched."""
    loaded, today = bootstrap.load_register(register), bootstrap.today()
    folder = Path(tempfile.mkdtemp(prefix="caldicott-verify-"))
    try:
        settings = StoreSettings(environ={}, home=folder / "home")
        with Store(folder / "store", settings=settings, created=today, create=True) as store:
            organisation = loaded.controller.id
            yield House(loaded, store, today, bootstrap.now, bootstrap.actor(), organisation=organisation), folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def show(report: Report, house: House, *, as_json: bool, html: Path | None) -> None:
    """Print the report, and write it where asked."""
    name, on = house.register.controller.name, house.today.isoformat()
    if html is not None:
        html.write_text(as_html(report, register=name, on=on), encoding="utf-8")
    if as_json:
        print_json({"register": house.register.controller.id, "on": on, **report.as_record()})
        return
    for notice, title in NOTICES.items():
        rows = [
            (promise.id, WORDS[promise.state], promise.text, promise.seen)
            for promise in report.promises
            if promise.notice == notice
        ]
        table(title, ("promise", "", "what the notice says", "what was seen"), rows, numbers_from=4)
    counts = [(WORDS[state], report.counts[state], MEANS[state]) for state in State]
    table(f"{name}, {on}: {len(report.promises)} promises", ("", "promises", "means"), counts, numbers_from=4)
    for promise in report.promises:
        if promise.state is State.BROKEN:
            say(f"Broken: {promise.id}: {promise.text}. Seen: {promise.seen}")
    if html is not None:
        say(f"Written to {html}.")
