"""A member decides queried lines by hand, one or many, and sees why each was queried.

Of many lines each is decided or its exception named; one exception holds up none
of the others. Nobody approves what they entered; a large amount needs two.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from caldicott.engines.duckdb.invoices_books import POSTING
from caldicott.facts import invoices as facts
from caldicott.invoices import reference as references
from caldicott.invoices.deciding import AWAITING, Questioned, by_hand, require_because
from caldicott.invoices.ledger import Account, Posting, balance
from caldicott.invoices.price import money, pounds, sentence
from caldicott.invoices.reasons import Verdict, outside_code, reasons
from caldicott.operations.invoices.books import keep_act
from caldicott.operations.invoices.shelf import shelf_of
from caldicott.operations.invoices.zone import Zone, enter, look_in
from caldicott.operations.perform import Act, perform
from caldicott.operations.staff import Staff, require_told_apart, staff_of
from caldicott.stores.ceff import ACTIVITY, POSTINGS
from caldicott.vocabulary.errors import CaldicottError, DoesNotHold, ProgramFault, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from caldicott.operations.perform import House
    from caldicott.stores.catalogue import LiveFile

_PARTS = (
    "unit_pence", "short_stay_hundredths", "top_up_hundredths", "addition_pence", "days_over", "per_day_pence",
    "factor_millionths",
)  # fmt: skip
LINES_MOST: Final = 5_000
"""So many lines are decided by hand in one act: more is no decision by hand."""


@dataclass(frozen=True)
class Kept:
    """A line that stays as it was, and why."""

    invoice: str
    line: str
    code: str
    why: str


@dataclass
class Settled:
    """How many lines were settled, how many now wait for a second person, which stay and why; the ledger after it."""

    lines: int = 0
    awaiting: int = 0
    kept: list[Kept] = field(default_factory=list)
    ledger: dict[str, dict[str, int]] = field(default_factory=dict)


def settle(house: House, *, invoice: str, verdict: str, because: str, line: str = "") -> Settled:
    """Pay or reject the queried lines of an invoice, all or none.

    Raises:
        Refused: the person is no member, or would approve what they entered.
        DoesNotHold: there is no such line, or it is settled already.
    """
    wanted = _require_verdict(verdict, because)
    zone = enter(house, ["invoices"])
    rows = shelf_of(zone.ceff).books.lines_of(invoice=invoice, line=line)
    chosen = [row for row in rows if line or row["verdict"] == Verdict.QUERY]
    if not chosen:
        raise _unknown(invoice)
    keys = [(row["submission"], row["file_row"]) for row in chosen]
    return perform(
        zone.house, event="settle", activity=ACTIVITY,
        compute=lambda: _compute(zone, keys, wanted, because, strictly=True),
    )  # fmt: skip


def settle_lines(house: House, keys: Sequence[tuple[str, int]], *, verdict: str, because: str) -> Settled:
    """Pay or reject these queried lines; each that cannot be is named with its reason.

    Raises:
        Refused: policy says no, or the person is no member. WrongUsage: too many lines, or no reason given.
    """
    wanted = _require_verdict(verdict, because)
    if not 0 < len(keys) <= LINES_MOST:
        raise WrongUsage(
            f"choose at least one line, and at most {LINES_MOST:,} at a time",
            code="lines-too-many" if keys else "lines-missing",
            next_step="choose lines of one provider and one reason",
        )
    zone = look_in(house, ["invoices"])
    return perform(
        zone.house, event="settle", activity=ACTIVITY,
        compute=lambda: _compute(zone, keys, wanted, because, strictly=False),
    )  # fmt: skip


def settle_queue(house: House, *, provider: str, reason: str, verdict: str, because: str) -> Settled:
    """The same for every queried line of one provider and one reason.

    Raises:
        Refused: policy says no, or the person is no member. WrongUsage: there are none, or too many.
    """
    if not provider or not reason:
        raise WrongUsage(
            "a whole queue is that of one provider and one reason",
            code="queue-unnamed", next_step="choose a provider and a reason on the first page, and look at its lines",
        )  # fmt: skip
    zone = look_in(house, ["invoices"])
    rows = shelf_of(zone.ceff).books.queried(provider=provider, reason=reason, most=LINES_MOST + 1)
    keys = [(row["submission"], row["file_row"]) for row in rows]
    return settle_lines(house, keys, verdict=verdict, because=because)


def explain(house: House, *, invoice: str, line: str = "") -> list[dict[str, Any]]:
    """For members: each line's decision, every reason in words, the amount expected and how it was reached."""
    zone = enter(house, ["invoices", "invoice-backing"])
    rows = shelf_of(zone.ceff).books.lines_of(invoice=invoice, line=line)
    if not rows:
        raise _unknown(invoice)
    return [explained(row) for row in rows]


def second_person_from() -> int:
    """From so many pence a second person must approve."""
    return references.pence(facts.rules()["second_person_from"])


def _require_verdict(verdict: str, because: str) -> Verdict:
    if verdict not in {Verdict.PAY, Verdict.REJECT}:
        raise WrongUsage(
            "a queried line is settled by paying or by rejecting it",
            code="verdict-unknown",
            where="--as",
            next_step="say --as pay or --as reject",
        )
    require_because(verdict, because)
    return Verdict(verdict)


def _compute(
    zone: Zone, keys: Sequence[tuple[str, int]], verdict: Verdict, because: str, *, strictly: bool
) -> Act[Settled]:
    shelf, house = shelf_of(zone.ceff), zone.house
    report, decided, earlier = Settled(), [], _Earlier.of(zone)
    for row in shelf.books.chosen_lines(keys):
        try:
            decided.append(_one(house, row, verdict, because, earlier))
        except CaldicottError as why:
            if strictly:
                raise
            report.kept.append(Kept(row["invoice"], row["line"], why.code, f"{why.what.rstrip('.')}."))
    decisions = shelf.books.settled_by_hand(decided)
    postings = shelf.books.postings_of("settling", at=house.today.isoformat(), by=house.actor)
    files = keep_act(zone, decisions.to_reader(), postings, act=zone.ceff.acts() + 1) if decided else []
    _require_balance(zone, files)
    report.awaiting = sum(one["verdict"] == Verdict.QUERY for one in decided)
    report.lines = len(decided) - report.awaiting
    report.ledger = _after(shelf.books.balances(), postings)
    counts = {f"verdict {verdict.value}": report.lines, "awaiting second person": report.awaiting}
    counts = {"lines": len(decided), "kept": len(report.kept), **counts}
    return Act(
        report, lambda: house.store.catalogue.add_files(files), counts=counts, references=(because,), dataset="invoices"
    )


@dataclass(frozen=True)
class _Earlier:
    """Who took in which submission, and who is who."""

    staff: Staff
    entered: dict[str, frozenset[str]]

    @classmethod
    def of(cls, zone: Zone) -> _Earlier:
        landed = zone.ceff.submissions("invoices")
        entered = {one.uid: frozenset(one.counts.get("entered_by", {})) for one in landed}
        return cls(staff_of(zone.house.store.catalogue), entered)


def _one(house: House, row: dict[str, Any], verdict: Verdict, because: str, earlier: _Earlier) -> dict[str, Any]:
    hands = {*row["hands"], *earlier.entered.get(row["submission"], ())}
    asked = Questioned(
        row["verdict"], row["invoiced"], row["credited"], tuple(row["reasons"]),
        frozenset(earlier.staff.person(name) for name in hands),
    )  # fmt: skip
    by = earlier.staff.person(house.actor)
    done = by_hand(asked, verdict, by=by, second_person_from=second_person_from())
    if verdict is Verdict.PAY:
        require_told_apart(house, hands)
    said = {"by": house.actor, "because": because, "on_day": house.today.isoformat()}
    key = {"submission": row["submission"], "file_row": row["file_row"]}
    return {**key, **said, "verdict": done.verdict.value, "reasons": list(done.reasons)}


def _require_balance(zone: Zone, files: Sequence[LiveFile]) -> None:
    """What was just written is read back as anybody would later read it, and moves money without making any."""
    for file in files:
        if file.kind != POSTINGS:
            continue
        rows = zone.ceff.read_file(file, POSTING.names).to_pylist()
        for currency in {row["currency"] for row in rows}:
            posted = [Posting(Account(row["account"]), row["pence"]) for row in rows if row["currency"] == currency]
            if not balance(posted).holds:
                raise ProgramFault(
                    "the ledger would not balance, so nothing of this act was kept",
                    code="ledger-unbalanced",
                    next_step="report this with the command you gave, not with any data; the ledger is as it was",
                )


def _after(sums: dict[str, dict[str, int]], postings: pa.Table) -> dict[str, dict[str, int]]:
    for row in postings.to_pylist():
        sums[row["currency"]][row["account"]] += row["pence"]
    return sums


def _unknown(invoice: str) -> DoesNotHold:
    return DoesNotHold(
        "no decided line has that invoice and line, or none of them is queried",
        code="line-unknown",
        where=invoice[:40],
        next_step="see decisions.csv of `caldicott invoices report` for the lines there are",
    )


def explained(row: dict[str, Any]) -> dict[str, Any]:
    """A line as it stands, in words."""
    why = [reasons()[code].sentence for code in row["reasons"]]
    if row["near_differs"] and "activity-differs" in row["reasons"]:
        why.append(f"What differs, nearest first: {row['near_differs'].replace('+', ' and ')}.")
    if row["redirect_to"]:
        why.append(f"The commissioner responsible today is {row['redirect_to']}.")
    if row["expected_pence"] is not None:
        why.append(_price_sentence(row))
    return {
        "submission": row["submission"], "file_row": row["file_row"],
        "invoice": row["invoice"], "line": row["line"], "provider": row["provider"], "decision": row["verdict"],
        "amount": money(row["invoiced"] - row["credited"], row["currency"]), "reasons": row["reasons"],
        "outside": outside_code(row["reasons"]), "is_awaiting": row["reasons"] == [AWAITING],
        "expected": None if row["expected_pence"] is None else pounds(row["expected_pence"]),
        "why": why or ["Nothing speaks against paying."],
    }  # fmt: skip


def _price_sentence(row: dict[str, Any]) -> str:
    parts = (
        {"local_pence": row["local_pence"]} if row["local_pence"] is not None else {name: row[name] for name in _PARTS}
    )
    return sentence(parts, quantity=row["quantity"], expected_pence=row["expected_pence"])
