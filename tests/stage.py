"""One invented ICB's store in a temporary folder, driven as the command line drives it, on a day the test chooses."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

import people
from caldicott.engines.duckdb.landing_sql import LandingRules
from caldicott.operations.export import export
from caldicott.operations.land import land
from caldicott.operations.perform import House
from caldicott.operations.run import run
from caldicott.operations.status import status
from caldicott.register import parse
from caldicott.stores.audit_log import read_entries
from caldicott.stores.store import Store, StoreSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from caldicott.register.model import Register

TODAY = date(2026, 5, 4)
LANDING_RULES = LandingRules(
    test_numbers_allowed=True,
    palindromes_need_trace=True,
    northern_ireland_numbers_need_trace=True,
    no_later_than=date(2026, 5, 1),
)
PLANNING, RISK = "commissioning-planning", "risk-stratification"
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def example_register() -> Register:
    """The invented ICB's register."""
    return parse.load(parse.resolve("example-icb", parse.bundled_roots()))


def with_settings(register: Register, **settings: Any) -> Register:
    """The same register with some of its own settings changed."""
    controller = register.controller
    changed = controller.model_copy(update={"settings": controller.settings.model_copy(update=settings)})
    return register.model_copy(update={"controller": changed})


@dataclass
class Stage:
    """Senders' folders, a store and a day."""

    root: Path
    register: Register
    today: date = TODAY
    sent: int = field(default=0)
    codes_answered: bool = True
    """Whether every practice has said that nobody more objects: whose practice has not is out."""

    @property
    def inbox(self) -> Path:
        return self.root / "inbox"

    @property
    def store(self) -> Path:
        return self.root / "store"

    @contextmanager
    def house(self) -> Iterator[House]:
        """The house as it stands today."""
        settings = StoreSettings(environ={}, home=self.root / "home")
        with Store(self.store, settings=settings, created=self.today, create=True) as store:
            yield House(self.register, store, self.today, lambda: NOON, "tester", organisation="example-icb")

    def send(self, layout: str, rows: list[dict[str, Any]], **manifest: Any) -> Path:
        """A submission in the inbox, not landed yet."""
        self.sent += 1
        return people.submission(self.inbox, layout, rows, **{"name": f"s{self.sent}", **manifest})

    def answer(self, allowed: list[people.Invented], **manifest: Any) -> Path:
        """The national answer in the inbox: who has not opted out."""
        self.sent += 1
        return people.answer(self.inbox, allowed, **{"name": f"s{self.sent}", **manifest})

    def land(self, *places: Path) -> list[Any]:
        """Land these folders in this order, or the whole inbox."""
        with self.house() as house:
            return [landed for place in places or (self.inbox,) for landed in land(house, place)]

    def _no_more_codes(self) -> Path:
        folder = self.root / "no-more-codes"
        if not folder.exists():
            people.no_more_codes(folder)
        return folder

    def run(self, activity: str = PLANNING) -> Any:
        """Run one activity."""
        with self.house() as house:
            if self.codes_answered:
                land(house, self._no_more_codes())
            return run(house, activity=activity)[0]

    def export(self, role: str, to: str, *, activity: str = PLANNING, wanted: str | None = None) -> Any:
        """Export for a role into a folder below the root."""
        with self.house() as house:
            return export(house, activity=activity, role=role, to=self.root / to, wanted=wanted)

    def status(self) -> dict[str, Any]:
        with self.house() as house:
            return status(house)

    def account(self, submission: str) -> dict[str, Any]:
        """What status says of one submission."""
        return next(entry for entry in self.status()["submissions"] if entry["id"] == submission)

    def mart(self, dataset: str = "sus-apc", activity: str = PLANNING) -> list[dict[str, Any]]:
        """Every row of a mart."""
        with self.house() as house:
            files = house.store.catalogue.files("mart", activity)
            tables = [
                pq.read_table(self.store / f.path, partitioning=None) for f in files if f.part.startswith(f"{dataset}/")
            ]
        return pa.concat_tables(tables, promote_options="permissive").to_pylist() if tables else []

    def refs(self, dataset: str = "sus-apc", activity: str = PLANNING) -> list[str]:
        """Which rows are in the mart, by the reference that the tests put into each hospital row."""
        return sorted(row["provider_reference"] for row in self.mart(dataset, activity))

    def entries(self) -> list[Any]:
        """The audit trail."""
        return list(read_entries(self.store / "audit"))

    def files(self) -> dict[str, bytes]:
        """Every file of the store but the audit trail, the keys and the catalogue's own working files."""
        apart = ("audit", "keys", "lock", "readers", "catalogue.sqlite")
        return {
            str(path.relative_to(self.store)): path.read_bytes()
            for path in sorted(self.store.rglob("*"))
            if path.is_file() and not str(path.relative_to(self.store)).startswith(apart)
        }


def episode(person: people.Invented, reference: str, on: str = "2025-06-01", **changes: Any) -> dict[str, Any]:
    """A hospital row that can be told apart in a mart, where record keys never are."""
    return people.apc(person, reference, on, **{"Provider_Reference_Number": reference, **changes})
