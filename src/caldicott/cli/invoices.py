"""`caldicott invoices`: land, validate, report; and settle, show, member, purge. No rule is in here."""

from __future__ import annotations

import dataclasses
from contextlib import contextmanager
from datetime import datetime  # noqa: TC003  typer reads the annotation
from pathlib import Path  # noqa: TC003  typer reads it when the program starts
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caldicott import bootstrap
from caldicott.cli.options import AsJson, RegisterName, StoreFolder
from caldicott.cli.output import print_json, progress, say, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.operations.perform import House

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

_PLACES_SHOWN = 20


@contextmanager
def _house(register: str, store: Path, *, create: bool = False) -> Iterator[House]:
    with bootstrap.open_house(bootstrap.load_register(register), store, create=create) as house:
        if create and house.store.catalogue.setting("register") is None:
            house.store.catalogue.set_setting("register", str(bootstrap.find_register(register).resolve()))
        yield house


@app.command()
def land(
    register: RegisterName,
    source: Annotated[Path, typer.Option("--from", help="A folder with submissions for the zone.")],
    store: StoreFolder,
    as_json: AsJson = False,
) -> None:
    """Take invoices, backing, trace and hospital records into the zone, each with its manifest."""
    from caldicott.operations.invoices.land import land as admit

    with _house(register, store, create=True) as house, progress(quiet=as_json) as told:
        landed = admit(house, source, told=told)
    if as_json:
        print_json({"submissions": [_landed(one) for one in landed]})
    else:
        rows = [
            (one.id, one.dataset, one.rows, one.admitted, sum(one.quarantined_by.values()), one.incidents)
            for one in landed
            if one.fault is None
        ]
        table(
            "Landed in the zone",
            ("submission", "dataset", "rows", "admitted", "held back", "incidents"),
            rows,
            numbers_from=2,
        )
        for one in landed:
            for place in one.held[:_PLACES_SHOWN]:
                say(f"Held back: {one.id}, {place}.")
            if len(one.held) > _PLACES_SHOWN:
                say(f"Held back: {one.id}, and {len(one.held) - _PLACES_SHOWN:,} more; --json names each.")
            if one.fault is not None:
                say(f"Refused: {one.place}: {one.fault}")
    raise typer.Exit(max((one.fault.exit_code for one in landed if one.fault is not None), default=0))


def _landed(one: Any) -> dict[str, Any]:
    record = {
        "place": one.place, "id": one.id, "dataset": one.dataset, "rows": one.rows, "admitted": one.admitted,
        "quarantined_by": one.quarantined_by, "held": list(one.held), "incidents": one.incidents,
        "already": one.already,
    }  # fmt: skip
    return record if one.fault is None else {**record, **one.fault.as_record()}


@app.command()
def validate(
    register: RegisterName,
    store: StoreFolder,
    reference: Annotated[
        Path | None, typer.Option(help="A folder with your own prices, practices, contracts and approvals.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Look at queried lines anew, after replies came in.")] = False,
    as_json: AsJson = False,
) -> None:
    """Decide every line that waits: pay, query or reject, with coded reasons."""
    from caldicott.operations.invoices.validate import validate as check

    with _house(register, store) as house, progress(quiet=as_json) as told:
        done = check(house, reference=reference, again=again, told=told)
    if as_json:
        print_json(done.__dict__)
        return
    table(f"{done.lines:,} lines decided", ("decision", "lines"), list(done.by_verdict.items()))
    table("What spoke against lines", ("reason", "lines"), list(done.by_reason.items()))
    _print_ledger(done.ledger)


@app.command()
def report(
    register: RegisterName,
    store: StoreFolder,
    to: Annotated[Path | None, typer.Option("--to", help="A new folder for decisions.csv and summary.csv.")] = None,
    as_json: AsJson = False,
) -> None:
    """What may leave the zone: invoice, line, amount, decision, reason code; the month's sums; the ledger."""
    from caldicott.operations.invoices.report import report as tell

    with _house(register, store) as house, progress(quiet=as_json):
        told = tell(house, to=to)
    if as_json:
        print_json(told.__dict__)
        return
    headings = ("month", "provider", "decision", "reason", "currency", "lines", "amount")
    table(
        "Decisions by month and provider",
        headings,
        [tuple(row[name] for name in headings) for row in told.summary],
        numbers_from=5,
    )
    _print_ledger(told.ledger)
    say(f"Lines landed that wait for a decision: {told.undecided:,}. Rows held back at the door: {told.held_back:,}.")
    if to is not None:
        say(f"Written to {to}: decisions.csv, summary.csv, receipt.json.")


@app.command()
def show(
    register: RegisterName,
    store: StoreFolder,
    invoice: Annotated[str, typer.Option(help="The invoice.")],
    line: Annotated[str, typer.Option(help="One line of it; all if not given.")] = "",
    as_json: AsJson = False,
) -> None:
    """Inside the zone: why a line was decided so, and how the expected amount was reached, in plain words."""
    from caldicott.operations.invoices.settle import explain

    with _house(register, store) as house:
        lines = explain(house, invoice=invoice, line=line)
    if as_json:
        print_json({"lines": lines})
        return
    for one in lines:
        say(f"{one['invoice']} {one['line']}: {one['decision']} {one['amount']}. {' '.join(one['why'])}")


@app.command()
def settle(
    register: RegisterName,
    store: StoreFolder,
    invoice: Annotated[str, typer.Option(help="The invoice.")],
    verdict: Annotated[str, typer.Option("--as", help="pay or reject.")],
    because: Annotated[str, typer.Option(help="Why, by a code of docs/reference/invoices.md: records-agree, ...")],
    line: Annotated[str, typer.Option(help="One line of it; all queried ones if not given.")] = "",
    as_json: AsJson = False,
) -> None:
    """Decide a queried line by hand. Paying needs a second person: nobody approves what they entered."""
    from caldicott.operations.invoices.settle import settle as decide

    with _house(register, store) as house:
        done = decide(house, invoice=invoice, line=line, verdict=verdict, because=because)
    if as_json:
        print_json(dataclasses.asdict(done))
        return
    say(f"{done.lines:,} lines of {invoice} are now: {verdict}.")
    if done.awaiting:
        say(f"{done.awaiting:,} lines wait for a second person, because of their amount.")
    _print_ledger(done.ledger)


@app.command()
def letters(
    register: RegisterName,
    store: StoreFolder,
    provider: Annotated[str, typer.Option(help="The provider to ask about all its queried lines.")],
    to: Annotated[Path, typer.Option("--to", help="A folder for the letters, as PDF.")],
) -> None:
    """Write to a provider about its queried lines: numbers, amounts and questions; no patient."""
    from caldicott.operations.invoices.letters import letter_of, write_letters
    from caldicott.operations.invoices.zone import as_officer

    with _house(register, store) as house:
        officer = as_officer(house)
        numbers = write_letters(officer, provider=provider)
        to.mkdir(parents=True, exist_ok=True)
        for number in numbers:
            letter, made = letter_of(officer, number=number)
            (to / f"letter-{number}.pdf").write_bytes(made)
            say(f"{to / f'letter-{number}.pdf'}: {len(letter.lines):,} lines, answer due {letter.due}.")


@app.command()
def prices(
    workbook: Annotated[Path, typer.Argument(help="The prices workbook of the NHS Payment Scheme (.xlsx).")],
    valid_from: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day of these prices.")],
    valid_to: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Last day of these prices.")],
    to: Annotated[Path, typer.Option("--to", help="Your folder of reference tables; what is there is added to.")],
    only: Annotated[
        list[str] | None,
        typer.Option("--table", help="prices, market_forces, top_ups or best_practice; may be repeated."),
    ] = None,
    layout: Annotated[Path | None, typer.Option(help="Your own layout (TOML), where the sheets have changed.")] = None,
    as_json: AsJson = False,
) -> None:
    """Read published prices, factors, top-ups and best practice into your own tables; what cannot be used is named."""
    from caldicott.operations.invoices.workbooks import tables_from

    days = {"valid_from": valid_from.date(), "valid_to": valid_to.date()}
    found = tables_from(workbook, **days, to=to, only=only or (), layout=layout)
    if as_json:
        print_json({"tables": [_read(one) for one in found]})
        return
    for one in found:
        say(f"{len(one.rows):,} rows added to {to / f'{one.table}.csv'}; {len(one.left_out):,} left out.")
        for note in one.notes:
            say(f"Note: {note}.")
        for fault in one.left_out[:_PLACES_SHOWN]:
            say(f"Left out: {fault}.")
        if len(one.left_out) > _PLACES_SHOWN:
            say(f"Left out: and {len(one.left_out) - _PLACES_SHOWN:,} more; --json names each.")
    if not all(one.is_verified for one in found):
        say("The layout's headings are remembered, not read in a published workbook. Compare some prices by hand.")


def _read(one: Any) -> dict[str, Any]:
    return {
        "table": one.table, "rows": len(one.rows), "left_out": list(one.left_out), "notes": list(one.notes),
        "headings_verified": one.is_verified,
    }  # fmt: skip


@app.command()
def member(
    register: RegisterName,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new member's login name.")],
    store: StoreFolder,
) -> None:
    """A member lets another person into the zone; the audit trail says who."""
    from caldicott.operations.invoices.zone import add_member, enter

    with _house(register, store) as house:
        members = add_member(enter(house, ["invoices"]), name)
    say(f"Members of the zone: {', '.join(members)}.")


@app.command()
def purge(register: RegisterName, store: StoreFolder, as_json: AsJson = False) -> None:
    """Destroy landing copies whose period in the register is over, with a certificate each."""
    from caldicott.operations.invoices.purge import purge as destroy

    with _house(register, store) as house:
        done = destroy(house)
    if as_json:
        print_json(done.__dict__)
        return
    rows = [(one["submission"], one["dataset"], one["key"]) for one in done.certificates]
    table(
        f"Purged: {done.submissions} submissions, a certificate a key",
        ("submission", "dataset", "key"),
        rows,
        numbers_from=9,
    )
    for kept, why in done.kept.items():
        say(f"Kept: {kept}: {why}.")


def _print_ledger(ledger: dict[str, dict[str, int]]) -> None:
    names = ("invoiced", "paid", "queried", "rejected", "credited")
    rows = [(currency, *(f"{accounts[name] / 100:,.2f}" for name in names)) for currency, accounts in ledger.items()]
    table("The ledger: invoiced = paid + queried + rejected + credited", ("currency", *names), rows)
