"""A finance desk on a temporary store: bills that are right in every way, each of which a test can make wrong."""

import csv
import hashlib
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import people
from caldicott.engines.duckdb.invoices_books import DECISION, BookEngine
from caldicott.facts.layout import load
from caldicott.operations.invoices.books import read_books
from caldicott.operations.invoices.land import land
from caldicott.operations.invoices.validate import validate
from caldicott.operations.perform import House
from caldicott.operations.staff import person_behind, say_without_account, staff_of
from caldicott.stores.audit_log import read_entries
from caldicott.stores.ceff import DECISIONS, Ceff
from caldicott.stores.store import Store, StoreSettings

AGREEMENTS = {"invoices": "csu-contract", "invoice-backing": "cag-7-07"}
SENDERS = {"invoices": "0CX", "invoice-backing": "RZ1"}
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
# FD01A, emergency, three nights, east trust, May 2025: 5,457.00 x 1.0454.
PRICE = "5704.75"


@dataclass
class Desk:
    """Rows to send, and the store they land in."""

    root: Path
    register: Any
    today: date = date(2026, 5, 4)
    actor: str = "first"
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    sent: int = 0
    billed: int = 0

    @property
    def store(self) -> Path:
        return self.root / "store"

    @contextmanager
    def house(self, actor: str = "", *, known: bool = True):
        """The house, with that person at the desk, of whose login an administrator said that it has no account."""
        settings, name = StoreSettings(environ={}, home=self.root / "home"), actor or self.actor
        with Store(self.store, settings=settings, created=self.today, create=True) as store:
            house = House(self.register, store, self.today, lambda: NOON, "administrator", organisation="example-icb")
            if known and not staff_of(store.catalogue).is_known(name):
                say_without_account(house, name)
            yield replace(house, actor=person_behind(store.catalogue, name))

    def bill(self, place: int = 1, *, backing: Any = None, sus: Any = None, trace: Any = None, **invoice: Any) -> str:
        """One bill for one person, right in every way but for the changes; the line's id. False leaves rows out."""
        self.billed += 1
        person, line = people.invented(place + 1)[place], f"L{self.billed}"
        care = {
            "Local_Spell_ID": f"SP{self.billed}", "Start_Date": "2025-05-10", "End_Date": "2025-05-13",
            "Point_of_Delivery": "NEL", "HRG": "FD01A",
        }  # fmt: skip
        who = {"NHS_Number": person.number, "NHS_Number_Trace_Status": "01"}
        bill = {
            "Invoice_Number": f"INV-{self.billed}", "Line_ID": line, "Line_Type": "invoice", "Provider_Code": "RZ1",
            "Commissioner_Code": "QZZ", "Invoice_Date": "2025-06-01", "Received_Date": "2025-06-03",
            "Period_From": "2025-05-01", "Period_To": "2025-05-31", "Quantity": "1", "Unit_Price": PRICE,
            "Line_Amount": PRICE, "Currency": "GBP", **invoice,
        }  # fmt: skip
        link = {name: bill[name] for name in ("Invoice_Number", "Line_ID", "Provider_Code")}
        self.put("invoice-lines", bill)
        if backing is not False:
            extra = {"Date_of_Birth": person.born, "Postcode": person.postcode, "GP_Practice_Code": "Z80001"}
            self.put("invoice-backing", {**link, **who, **extra, **care, **(backing or {})})
        if sus is not False:
            record = {"Generated_Record_ID": f"R{self.billed}", "Provider_Code": bill["Provider_Code"]}
            self.put("invoice-sus-apc", {**record, **who, **care, **(sus or {})})
        if trace is not False:
            known = {"GP_Practice_Code": "Z80001", "Registered_From": "2022-07-01", "Postcode": person.postcode}
            self.put("invoice-trace", {"Trace_Row_ID": f"T{self.billed}", **who, **known, **(trace or {})})
        return line

    def put(self, layout: str, row: dict[str, Any]) -> None:
        """A row to send with the next landing."""
        self.rows.setdefault(layout, []).append(row)

    def send(self, layout: str, rows: list[dict[str, Any]], **manifest: Any) -> Path:
        """A submission folder of that layout."""
        self.sent += 1
        dataset, names = load(layout).dataset, [column.name for column in load(layout).columns]
        names += [name for name in rows[0] if name not in names] if rows else []
        place = self.root / "inbox" / f"s{self.sent:03d}"
        place.mkdir(parents=True)
        path = place / f"{layout}.csv"
        with path.open("w", newline="", encoding=manifest.pop("encoding", "utf-8")) as stream:
            writer = csv.DictWriter(stream, names, restval="")
            writer.writeheader()
            writer.writerows(rows)
        self.manifest(place, path, rows=len(rows), layout=layout, dataset=dataset, **manifest)
        return place

    def manifest(self, place: Path, path: Path, *, rows: int, layout: str, dataset: str, **keys: Any) -> None:
        """manifest.toml beside one file."""
        people.write_manifest(
            place, [(path.name, rows)], sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            **{
                "id": place.name, "dataset": dataset, "layout": layout, "sender": SENDERS.get(dataset, "X26"),
                "purposes": ["invoice-validation"], "agreement": AGREEMENTS.get(dataset, "dars-dsa"),
                "format": "aggregated" if dataset == "invoices" else "identifiable", "period_from": date(2025, 4, 1),
                "period_to": date(2026, 3, 31), "update": "net-change", "extracted": "2026-05-01T06:00:00",
                "objections_applied": [], **keys,
            },
        )  # fmt: skip

    def land(self, *places: Path, actor: str = "") -> list[Any]:
        """Land these folders, or everything put so far as one submission a layout."""
        if not places:
            places = tuple(self.send(layout, rows) for layout, rows in self.rows.items())
            self.rows = {}
        with self.house(actor) as house:
            return [landed for place in places for landed in land(house, place)]

    def validate(self, *, actor: str = "", **options: Any) -> Any:
        """Land what was put, and validate."""
        if self.rows:
            landed = self.land(actor=actor)
            assert [one.fault for one in landed if one.fault] == []
        with self.house(actor) as house:
            return validate(house, **options)

    def decided(self) -> dict[str, dict[str, Any]]:
        """Where every line stands, by its id."""
        with self.house() as house:
            found = {}
            for _act, rows in Ceff(house.store).written(DECISIONS, DECISION.names):
                found.update({row["line"]: row for row in rows.to_pylist()})
            return found

    def all_decisions(self) -> list[dict[str, Any]]:
        """Every decision ever made, oldest first."""
        with self.house() as house:
            return [row for _, rows in Ceff(house.store).written(DECISIONS, DECISION.names) for row in rows.to_pylist()]

    def ledger(self) -> dict[str, dict[str, int]]:
        """The accounts."""
        with self.house() as house:
            return read_books(Ceff(house.store), BookEngine()).balances()

    def entries(self) -> list[Any]:
        return list(read_entries(self.store / "audit"))

    def on(self, day: date) -> "Desk":
        """The same desk on another day."""
        return replace(self, today=day)
