"""What a member sees on the pages of the zone: the state, the queue, one line with its evidence, the month.

Every look is asked for, and recorded with how many lines or people it showed.
Nothing is written but that record, so a page never waits for a run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import uuid4

from caldicott.audit.entry import Outcome
from caldicott.engines.duckdb.invoices import PLACE_BITS
from caldicott.invoices.deciding import because_codes
from caldicott.invoices.price import money, pounds
from caldicott.invoices.reasons import Verdict, reasons
from caldicott.operations.admitting import days_in
from caldicott.operations.invoices.settle import explained
from caldicott.operations.invoices.shelf import Shelf, shelf_of
from caldicott.operations.invoices.zone import Zone, asked_in, look_in, require_member
from caldicott.stores.ceff import ACTIVITY
from caldicott.stores.ceff_rows import row_at
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from caldicott.operations.perform import House

Shown = TypeVar("Shown")
PAGE_LINES: Final = 50
_EVIDENCE: Final = ("invoices", "invoice-backing", "pds", "sus-apc", "sus-op", "sus-ec")
FIELDS: Final = {
    "identity": "NHS number", "nhs_number_status": "Status of the number", "birth_date": "Born", "died_on": "Died",
    "postcode": "Postcode", "practice": "GP practice", "registered_from": "With the practice from",
    "registered_to": "With the practice until", "provider": "Provider", "spell": "Stay", "started_on": "Care from",
    "ended_on": "Care until", "point_of_delivery": "Kind of care", "hrg": "Unit of care", "top_up": "Top-up",
    "best_practice": "Best practice", "responsibility_rule": "Special rule", "fixed_commissioner": "Fixed commissioner",
    "quantity": "Quantity", "unit_price": "Unit price", "amount": "Amount", "vat_amount": "VAT",
    "received_on": "Received", "period_from": "Period from", "period_to": "Period until", "case_number": "Case",
    "billed_to": "Billed to",
}  # fmt: skip
"""What the page of a line may show of a record, in this order, with its words."""


@dataclass(frozen=True)
class Overview:
    """Where the work stands."""

    verdicts: tuple[dict[str, Any], ...]
    ledger: dict[str, dict[str, int]]
    queue: tuple[dict[str, Any], ...]
    waiting: int
    held_back: int
    months: tuple[str, ...]


@dataclass(frozen=True)
class QueuePage:
    """Some queried lines, and the key after which the next page begins."""

    lines: tuple[dict[str, Any], ...]
    after: tuple[Any, ...] = ()


@dataclass(frozen=True, repr=False)
class Record:
    """One record that speaks of the line: where it is from, and what it says."""

    title: str
    says: dict[str, Any]
    differs: frozenset[str] = frozenset()


@dataclass(frozen=True, repr=False)
class LinePage:
    """One line: what was decided and why, and the records side by side. Printing tells nothing."""

    line: dict[str, Any]
    past: tuple[dict[str, Any], ...]
    records: tuple[Record, ...] = ()
    is_purged: bool = False
    may: dict[str, dict[str, str]] = field(default_factory=dict)
    """By verdict, the codes and sentences of why."""

    def __repr__(self) -> str:
        return "LinePage(**********)"


@dataclass(frozen=True)
class Month:
    """The sums of one month."""

    month: str
    rows: tuple[dict[str, Any], ...]
    months: tuple[str, ...]


def overview(house: House) -> Overview | None:
    """Counts, the ledger, the queue by provider and reason; None while the zone has no member yet.

    Raises:
        Refused: policy says no, or the person is no member.
    """
    zone = asked_in(house, ["invoices"])
    if not zone.ceff.members():
        return None
    require_member(zone)
    return _recorded(zone, _state)


def _state(zone: Zone, shelf: Shelf) -> tuple[Overview, dict[str, int]]:
    books, landed = shelf.books, zone.ceff.submissions("invoices")
    found = Overview(
        tuple(shelf.sums("verdicts", books.verdicts)), shelf.sums("balances", books.balances),
        tuple(_said(row) for row in shelf.sums("queue", books.queue)),
        sum(one.rows - one.quarantined for one in landed) - shelf.sums("lines", books.decided_lines),
        sum(one.quarantined for one in zone.ceff.submissions()), tuple(shelf.sums("months", books.months)),
    )  # fmt: skip
    return found, {"lines": sum(row["lines"] for row in found.verdicts)}


def queue(house: House, *, provider: str = "", reason: str = "", after: Sequence[Any] = ()) -> QueuePage:
    """A page of queried lines, by their key from where the last one ended.

    Raises:
        Refused: policy says no, or the person is no member.
    """

    def seen(_zone: Zone, shelf: Shelf) -> tuple[QueuePage, dict[str, int]]:
        rows = shelf.books.queried(provider=provider, reason=reason, after=after, most=PAGE_LINES + 1)
        shown = [_said(row) for row in rows[:PAGE_LINES]]
        key = ("provider", "invoice", "line", "submission", "file_row")
        beyond = tuple(shown[-1][name] for name in key) if len(rows) > PAGE_LINES else ()
        return QueuePage(tuple(shown), beyond), {"lines": len(shown)}

    return viewed(house, ("invoices",), seen)


def line(house: House, *, submission: str, file_row: int) -> LinePage:
    """One line with everything that speaks of it, side by side.

    Raises:
        Refused: policy says no, or the person is no member.
        DoesNotHold: there is no such line.
    """

    def seen(zone: Zone, shelf: Shelf) -> tuple[LinePage, dict[str, int]]:
        found = shelf.books.chosen_lines([(submission, file_row)])
        if not found:
            raise DoesNotHold(
                "there is no such decided line", code="line-unknown", next_step="go back to the queue and choose a line"
            )
        records, is_purged = _records(zone, shelf, submission, file_row)
        may = {verdict: because_codes(verdict) for verdict in ("pay", "reject")} if _is_open(found[0]) else {}
        past = tuple(_past(row) for row in shelf.books.past_of(submission, file_row))
        page = LinePage(explained(found[0]), past, records, is_purged, may)
        return page, {"lines": 1, "persons": int(bool(records[1:]))}

    return viewed(house, _EVIDENCE, seen, references=(submission, f"row-{file_row}"))


def month(house: House, *, of: str = "") -> Month:
    """Lines and amounts of a month by provider, decision and the reason that may leave.

    Raises:
        Refused: policy says no, or the person is no member.
    """

    def seen(_zone: Zone, shelf: Shelf) -> tuple[Month, dict[str, int]]:
        months = tuple(shelf.sums("months", shelf.books.months))
        chosen = of if of in months else next(iter(months), "")
        rows = tuple(shelf.sums(f"month {chosen}", lambda: shelf.books.summed(month=chosen))) if chosen else ()
        return Month(chosen, rows, months), {"rows": len(rows)}

    return viewed(house, ("invoices",), seen)


def viewed(
    house: House, datasets: Sequence[str], seen: Callable[[Zone, Shelf], tuple[Shown, dict[str, int]]],
    *, references: tuple[str, ...] = (),
) -> Shown:  # fmt: skip
    """Show something of the zone, and record with which counts."""
    return _recorded(look_in(house, datasets), seen, references=references)


def _recorded(
    zone: Zone, seen: Callable[[Zone, Shelf], tuple[Shown, dict[str, int]]], *, references: tuple[str, ...] = ()
) -> Shown:
    result, counts = seen(zone, shelf_of(zone.ceff))
    house = zone.house
    days = tuple(day for text in references for day in days_in(text))
    # It keeps nothing, so there is nothing to make true at once with its record.
    house.store.audit.append(
        house.entry(
            uuid4().hex, "view", Outcome.DONE, activity=ACTIVITY, counts=counts, references=references, days=days
        )
    )
    return result


def _is_open(row: dict[str, Any]) -> bool:
    return bool(row["verdict"] == Verdict.QUERY)


def _said(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the queue with its money and its reasons in words."""
    codes = [row["reason"]] if "reason" in row else list(row["reasons"])
    expected = row.get("expected_pence")
    told = {
        "amount": money(row["pence"], row["currency"]), "expected": "" if expected is None else pounds(expected),
        "why": [reasons()[code].sentence for code in codes],
    }  # fmt: skip
    return {**row, **told}


def _past(row: dict[str, Any]) -> dict[str, Any]:
    why = [reasons()[code].sentence for code in row["reasons"]]
    known = {code: text for verdict in ("pay", "reject") for code, text in because_codes(verdict).items()}
    return {**row, "why": why, "said": known.get(row["because"] or "", "")}


_TITLES: Final = {
    "line": "The bill", "backing": "What the provider sent", "trace": "National tracing", "record": "Hospital record",
    "near": "Near hospital record",
}  # fmt: skip
_ORDER: Final = tuple(_TITLES)
_COMPARED: Final = ("identity", "provider", "spell", "started_on", "ended_on", "point_of_delivery", "hrg")


def _records(zone: Zone, shelf: Shelf, submission: str, file_row: int) -> tuple[tuple[Record, ...], bool]:
    live = {file.path: file for file in zone.house.store.catalogue.files("ceff-clear")}
    found, is_purged = [], False
    places = shelf.books.evidence_of(submission, file_row)
    for place in sorted(places, key=lambda one: (_ORDER.index(one["kind"]), one["rank"])):
        path = shelf.evidence_files[place["act"]][place["place"] >> PLACE_BITS]
        if path not in live:
            is_purged = True
            continue
        row = row_at(zone.ceff, live[path], place["place"] & ((1 << PLACE_BITS) - 1), tuple(FIELDS))
        title = _TITLES[place["kind"]] + (f" {place['rank']}" if place["kind"] == "near" else "")
        found.append(Record(title, {name: row[name] for name in FIELDS if row.get(name) is not None}))
    return _compared(found), is_purged


def _compared(records: list[Record]) -> tuple[Record, ...]:
    """Each record with what differs from what the provider sent."""
    backing = next((one for one in records if one.title == _TITLES["backing"]), None)
    if backing is None:
        return tuple(records)
    return tuple(
        Record(one.title, one.says, frozenset(
            name for name in _COMPARED
            if name in one.says and name in backing.says and one.says[name] != backing.says[name]
        ))
        for one in records
    )  # fmt: skip
