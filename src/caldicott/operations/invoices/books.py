"""The books kept: what an act decided and posted is written, read back, and must balance before it becomes true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from caldicott.engines.duckdb.invoices_books import DECISION, POSTING, BookEngine
from caldicott.invoices.ledger import Account, Balance, LineState, credit
from caldicott.invoices.reasons import Verdict
from caldicott.stores.ceff import DECISIONS, POSTINGS, Ceff
from caldicott.vocabulary.errors import DoesNotHold, ProgramFault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from caldicott.operations.invoices.zone import Zone
    from caldicott.stores.catalogue import LiveFile

_TABLE = {DECISIONS: "decision", POSTINGS: "posting"}
_ACCOUNT = {"pay": Account.PAID, "query": Account.QUERIED, "reject": Account.REJECTED}


def read_books(ceff: Ceff, books: BookEngine) -> BookEngine:
    """Everything decided and posted so far."""
    for kind, schema in ((DECISIONS, DECISION), (POSTINGS, POSTING)):
        for act, rows in ceff.written(kind, schema.names):
            books.take(_TABLE[kind], act, rows)
    books.close_books()
    return books


def keep_act(zone: Zone, decisions: pa.RecordBatchReader, postings: pa.Table, *, act: int) -> list[LiveFile]:
    """Decisions and postings of one act on disk; live once the transaction says so."""
    today = zone.house.today
    return [
        zone.ceff.write(DECISIONS, decisions, act=act, today=today),
        zone.ceff.write(POSTINGS, postings.to_reader(), act=act, today=today),
    ]


def take_act(ceff: Ceff, books: BookEngine, files: Sequence[LiveFile]) -> None:
    """What was just written, read back as anybody would later read it."""
    for file in files:
        schema = DECISION if file.kind == DECISIONS else POSTING
        books.take(_TABLE[file.kind], int(file.part), ceff.read_file(file, schema.names))
    books.close_books()


def balanced(books: BookEngine) -> dict[str, dict[str, int]]:
    """The sums of the accounts; never kept unless they balance in every currency.

    Raises:
        ProgramFault: they do not; nothing of the act becomes true.
    """
    sums = books.balances()
    for accounts in sums.values():
        if not Balance({account: accounts[account.value] for account in Account}).holds:
            raise ProgramFault(
                "the ledger would not balance, so nothing of this act was kept",
                code="ledger-unbalanced",
                next_step="report this with the command you gave, not with any data; the ledger is as it was",
            )
    return sums


def credit_act(zone: Zone, books: BookEngine, notes: Sequence[dict[str, Any]], *, act: int) -> list[LiveFile]:
    """Credit notes taken against the lines they name; one that names none, or too much, waits."""
    keys = [(note["provider"], note["credits_invoice"] or "", note["credits_line"] or "") for note in notes]
    targets = {(row["provider"], row["invoice"], row["line"]): row for row in reversed(books.credit_targets(keys))}
    states = {
        key: LineState(row["invoiced"], _ACCOUNT[row["verdict"]], row["credited"]) for key, row in targets.items()
    }
    decisions, postings = [], []
    for note, key in zip(notes, keys, strict=True):
        if key not in states or targets[key]["currency"] != note["currency"]:
            continue
        try:
            states[key], moved = credit(states[key], abs(note["pence"]))
        except DoesNotHold:
            continue
        decisions.append(_credit_decision(note))
        line = {name: targets[key][name] for name in POSTING.names[:7]}
        stamp = {"on_day": zone.house.today.isoformat(), "by": zone.house.actor}
        postings += [{**line, **stamp, "account": one.account.value, "pence": one.pence} for one in moved]
    gone = [key for key, state in states.items() if not state.left and state.account is Account.QUERIED]
    decided = pa.concat_tables(
        [pa.Table.from_pylist(decisions, DECISION), _closed(books, [targets[key] for key in gone])]
    )
    return keep_act(zone, decided.to_reader(), pa.Table.from_pylist(postings, POSTING), act=act)


def _closed(books: BookEngine, lines: Sequence[dict[str, Any]]) -> pa.Table:
    """Queried lines of which nothing is left: there is nothing more to ask."""
    keys = [{"submission": row["submission"], "file_row": row["file_row"]} for row in lines]
    if not keys:
        return DECISION.empty_table()
    return books.settled_as(pa.Table.from_pylist(keys), Verdict.CREDIT.value)


def _credit_decision(note: dict[str, Any]) -> dict[str, Any]:
    line = {name: note[name] for name in ("submission", "file_row", "invoice", "line", "provider", "currency")}
    month = note["received_on"].isoformat()[:7]
    return {**line, "month": month, "pence": -abs(note["pence"]), "verdict": "credit", "reasons": []}
