"""A member decides a queried line by hand, and sees why it was queried. Paying needs a second person."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from caldicott.engines.duckdb.invoices_books import BookEngine
from caldicott.invoices.ledger import Account, LineState, decide_again, require_second_person
from caldicott.invoices.price import pounds, sentence
from caldicott.invoices.reasons import Verdict, outside_code, reasons
from caldicott.operations.invoices.books import balanced, keep_act, read_books, take_act
from caldicott.operations.invoices.zone import Zone, enter
from caldicott.operations.perform import Act, perform
from caldicott.stores.ceff import ACTIVITY
from caldicott.vocabulary.errors import DoesNotHold, WrongUsage

if TYPE_CHECKING:
    from caldicott.operations.perform import House

_ACCOUNT = {"pay": Account.PAID, "query": Account.QUERIED, "reject": Account.REJECTED}
_PARTS = (
    "unit_pence", "short_stay_hundredths", "top_up_hundredths", "addition_pence", "days_over", "per_day_pence",
    "factor_millionths",
)  # fmt: skip


@dataclass
class Settled:
    """How many lines were settled, and the ledger after it."""

    lines: int = 0
    ledger: dict[str, dict[str, int]] = field(default_factory=dict)


def settle(house: House, *, invoice: str, verdict: str, line: str = "") -> Settled:
    """Pay or reject queried lines.

    Raises:
        Refused: the person is no member, or would approve what they entered.
        DoesNotHold: there is no such line, or it is settled already.
    """
    if verdict not in {Verdict.PAY, Verdict.REJECT}:
        raise WrongUsage(
            "a queried line is settled by paying or by rejecting it",
            code="verdict-unknown",
            where="--as",
            next_step="say --as pay or --as reject",
        )
    zone = enter(house, ["invoices"])
    return perform(
        zone.house, event="settle", activity=ACTIVITY, compute=lambda: _compute(zone, invoice, line, Verdict(verdict))
    )


def explain(house: House, *, invoice: str, line: str = "") -> list[dict[str, Any]]:
    """For members: each line's decision, every reason in words, the amount expected and how it was reached."""
    zone = enter(house, ["invoices", "invoice-backing"])
    books = read_books(zone.ceff, BookEngine())
    return [_explained(row) for row in _lines(books, invoice, line)]


def _compute(zone: Zone, invoice: str, line: str, verdict: Verdict) -> Act[Settled]:
    books, house = read_books(zone.ceff, BookEngine()), zone.house
    found = _lines(books, invoice, line)
    chosen = found if line else [row for row in found if row["verdict"] == Verdict.QUERY]
    entered = {one.uid: set(one.counts.get("entered_by", {})) for one in zone.ceff.submissions("invoices")}
    for row in chosen:
        decide_again(LineState(row["invoiced"], _ACCOUNT[row["verdict"]], row["credited"]), verdict)
        if verdict is Verdict.PAY:
            require_second_person(house.actor, entered_by={*row["hands"], *entered.get(row["submission"], ())})
    if not chosen:
        raise _unknown(invoice)
    keys = pa.Table.from_pylist([{"submission": row["submission"], "file_row": row["file_row"]} for row in chosen])
    decisions = books.settled_as(keys, verdict.value)
    postings = books.postings_of("settling", at=house.today.isoformat(), by=house.actor)
    files = keep_act(zone, decisions.to_reader(), postings, act=zone.ceff.acts() + 1)
    take_act(zone.ceff, books, files)
    report = Settled(len(chosen), balanced(books))
    counts = {"lines": len(chosen), f"verdict {verdict.value}": len(chosen)}
    return Act(report, lambda: house.store.catalogue.add_files(files), counts=counts, dataset="invoices")


def _lines(books: BookEngine, invoice: str, line: str) -> list[dict[str, Any]]:
    found = books.lines(invoice=invoice, line=line)
    if not found:
        raise _unknown(invoice)
    return found


def _unknown(invoice: str) -> DoesNotHold:
    return DoesNotHold(
        "no decided line has that invoice and line, or none of them is queried",
        code="line-unknown",
        where=invoice[:40],
        next_step="see decisions.csv of `caldicott invoices report` for the lines there are",
    )


def _explained(row: dict[str, Any]) -> dict[str, Any]:
    why = [reasons()[code].sentence for code in row["reasons"]]
    if row["near_differs"] and "activity-differs" in row["reasons"]:
        why.append(f"What differs, nearest first: {row['near_differs'].replace('+', ' and ')}.")
    if row["redirect_to"]:
        why.append(f"The commissioner responsible today is {row['redirect_to']}.")
    if row["expected_pence"] is not None:
        why.append(_price_sentence(row))
    return {
        "invoice": row["invoice"], "line": row["line"], "provider": row["provider"], "decision": row["verdict"],
        "amount": pounds(row["invoiced"] - row["credited"]), "reasons": row["reasons"],
        "outside": outside_code(row["reasons"]),
        "expected": None if row["expected_pence"] is None else pounds(row["expected_pence"]),
        "why": why or ["Nothing speaks against paying."],
    }  # fmt: skip


def _price_sentence(row: dict[str, Any]) -> str:
    parts = (
        {"local_pence": row["local_pence"]} if row["local_pence"] is not None else {name: row[name] for name in _PARTS}
    )
    return sentence(parts, quantity=row["quantity"], expected_pence=row["expected_pence"])
