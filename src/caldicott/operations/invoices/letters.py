"""Letters to providers about queried lines: made once a line, kept in the zone, printed as often as needed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from caldicott.audit.guard import identifying_shape
from caldicott.engines.duckdb.invoices_desk import LETTER
from caldicott.facts import invoices as facts
from caldicott.invoices.letters import Asked, Letter, due_on, outside_codes
from caldicott.operations.invoices.desk import viewed
from caldicott.operations.invoices.letter_pdf import letter_pdf
from caldicott.operations.invoices.shelf import Shelf, shelf_of
from caldicott.operations.invoices.zone import Zone, look_in
from caldicott.operations.perform import Act, perform
from caldicott.stores.ceff import ACTIVITY, LETTERS
from caldicott.vocabulary.errors import DoesNotHold, ProgramFault

if TYPE_CHECKING:
    from caldicott.operations.perform import House


@dataclass(frozen=True)
class Correspondence:
    """Letters that went out, and providers whom nobody has asked yet."""

    letters: tuple[dict[str, Any], ...]
    to_ask: tuple[tuple[str, int], ...]


def correspondence(house: House) -> Correspondence:
    """What was asked, what is overdue, and who is still to be asked.

    Raises:
        Refused: policy says no, or the person is no member.
    """

    def seen(_zone: Zone, shelf: Shelf) -> tuple[Correspondence, dict[str, int]]:
        today = house.today.isoformat()
        letters = tuple(
            {**one, "is_overdue": bool(one["still_open"]) and one["due_on"] < today} for one in shelf.books.letters()
        )
        waiting = tuple((row["provider"], row["lines"]) for row in shelf.books.providers_to_ask())
        return Correspondence(letters, waiting), {"letters": len(letters)}

    return viewed(house, ("invoices",), seen)


def write_letters(house: House, *, provider: str) -> tuple[str, ...]:
    """Letters about every queried line of that provider that none has asked about; their numbers.

    Raises:
        Refused: policy says no, or the person is no member. DoesNotHold: there is nothing to ask.
    """
    zone = look_in(house, ["invoices"])
    return perform(house, event="query-letter", activity=ACTIVITY, compute=lambda: _compute(zone, provider))


def letter_of(house: House, *, number: str) -> tuple[Letter, bytes]:
    """A letter that went out, printed: what it asked about, in the words it had.

    Raises:
        Refused: policy says no, or the person is no member. DoesNotHold: there is no such letter.
    """

    def seen(_zone: Zone, shelf: Shelf) -> tuple[tuple[Letter, bytes], dict[str, int]]:
        rows = shelf.books.lines_of_letter(number)
        if not rows:
            raise DoesNotHold(
                "there is no such letter", code="letter-unknown", next_step="go back to the letters and choose one"
            )
        letter = _letter(house, number, rows)
        return (letter, letter_pdf(letter)), {"lines": len(letter.lines)}

    return viewed(house, ("invoices",), seen)


def _compute(zone: Zone, provider: str) -> Act[tuple[str, ...]]:
    house, rules = zone.house, facts.rules()
    rows = shelf_of(zone.ceff).books.to_ask(provider)
    if not rows:
        raise DoesNotHold(
            "there is no line of this provider that no letter has asked about",
            code="nothing-to-ask",
            next_step="see the letters that went out; a line is asked about once until it is decided again",
        )
    act, most = zone.ceff.acts() + 1, rules["letter_lines_most"]
    due = due_on(house.today, working_days=rules["reply_within_working_days"])
    stamp = {"provider": provider, "on_day": house.today.isoformat(), "due_on": due.isoformat(), "by": house.actor}
    kept, numbers = [], []
    for place, start in enumerate(range(0, len(rows), most), start=1):
        numbers.append(f"Q{act}-{place}")
        kept += [
            {"letter": numbers[-1], **stamp, "submission": row["submission"], "file_row": row["file_row"],
             "pence": row["pence"], "reasons": row["reasons"]}
            for row in rows[start : start + most]
        ]  # fmt: skip
    file = zone.ceff.write(LETTERS, pa.Table.from_pylist(kept, LETTER).to_reader(), act=act, today=house.today)
    counts = {"lines": len(kept), "letters": len(numbers)}
    return Act(
        tuple(numbers), lambda: house.store.catalogue.add_files([file]), counts=counts, references=tuple(numbers),
        dataset="invoices",
    )  # fmt: skip


def _letter(house: House, number: str, rows: list[dict[str, Any]]) -> Letter:
    lines = tuple(
        Asked(row["invoice"], row["line"], row["asked_pence"], row["currency"], outside_codes(row["asked_reasons"]))
        for row in rows
    )
    for one in lines:
        # The door looked at both already; a letter leaves the house, so it is looked at once more.
        if identifying_shape(one.invoice) or identifying_shape(one.line):
            raise ProgramFault(
                "a letter would hold what looks like something that identifies a person, so none was printed",
                code="letter-identifies",
                next_step="report this fault, without the letter",
            )
    first, name = rows[0], house.register.controller.name
    return Letter(
        number, name, first["provider"], date.fromisoformat(first["on_day"]), date.fromisoformat(first["due_on"]), lines
    )
