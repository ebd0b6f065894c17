"""Invoices, their backing, trace and hospital records for the controlled environment, and the truth about each line.

Every kind of fault stands in lines of its own, one fault a line and one line an
invoice, so that what must become of a line is never in doubt. Clean lines come
in invoices of up to fifty. Persons are those of the invented population.
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from caldicott.facts import layout as layouts
from caldicott.synth.arrays import NO_DAY, generator, iso
from caldicott.synth.invoice_faults import FAULTS, Fault, of_a_case
from caldicott.synth.invoice_prices import Line, priced, table
from caldicott.synth.world import LAST_DAY, World

if TYPE_CHECKING:
    from pathlib import Path

FOLDER: Final = "ceff"
"""Beside the other extracts: these are landed by `caldicott invoices land`, into a zone of their own."""
_OWN = "QZZ"
_PROVIDERS = ("RZ1", "RZ2", "NZ1")
_LINES_AN_INVOICE = 50
_COVERED = {("RZ1", "OPFUP"), ("RZ2", "AE1")}
"""What a contract of the shipped tables pays for already."""
_TOP_UPS = {"RZ1": "children", "RZ2": "orthopaedic", "NZ1": "spinal"}
_HOSPITAL = {"EL": "apc", "DC": "apc", "NEL": "apc", "OPFA": "op", "OPFUP": "op", "OPFM": "op", "OPPROC": "op",
             "AE1": "ec", "AE3": "ec"}  # fmt: skip
_TRUTH = ("submission", "file", "row", "invoice", "line", "provider", "fault", "decision", "reason")


@dataclass
class Book:
    """What the fault makers write into: rows by layout and, for backing, by who sends them."""

    invoices: list[dict[str, Any]] = field(default_factory=list)
    backing: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    sus: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    trace: list[dict[str, Any]] = field(default_factory=list)
    truth: list[dict[str, Any]] = field(default_factory=list)
    traced: set[int] = field(default_factory=set)
    numbers: Counter[str] = field(default_factory=Counter)


def write_invoices(out: Path, world: World, *, lines: int, fault_share: float = 0.2) -> dict[str, int]:
    """OUT/ceff/ with its submissions and OUT/truth/invoice_lines.csv; how many lines have which fault."""
    rng = generator(world.seed, "invoices")
    alive = np.flatnonzero(
        (world.persons.died_on == NO_DAY) & (world.persons.born_on < LAST_DAY - 800) & ~world.persons.is_ghost
    )
    order = rng.permutation(alive)
    faulty = min(int(lines * fault_share), len(order) // 2)
    faulty -= faulty % len(FAULTS)
    book = Book()
    _clean(book, world, rng, order[faulty:], lines - faulty)
    for place, person in enumerate(order[:faulty]):
        name = list(FAULTS)[place % len(FAULTS)]
        _faulty(book, world, _line(rng, int(person), FAULTS[name]), name, place)
    _spread_totals(book)
    _write(out, book)
    return dict(sorted(Counter(row["fault"] for row in book.truth).items()))


def _clean(book: Book, world: World, rng: np.random.Generator, persons: Any, count: int) -> None:
    for _ in range(count):
        line = _with_extras(rng, _line(rng, int(persons[rng.integers(0, len(persons))])))
        month = line.started_on.strftime("%y%m")
        filled = book.numbers[f"{line.provider}-{month}"] // _LINES_AN_INVOICE
        _put(book, world, replace(line, invoice=f"{line.provider}-{month}-{filled + 1:04d}"), fault="")


def _faulty(book: Book, world: World, line: Line, name: str, place: int) -> None:
    line = replace(line, invoice=f"{line.provider}-F{place + 1:05d}", fault=name)
    _put(book, world, FAULTS[name].made(line), fault=name)


def _line(rng: np.random.Generator, person: int, fault: Fault | None = None) -> Line:
    """A line that is right in every way, of a kind that the fault can stand in."""
    hrgs, providers = (fault.hrgs, fault.providers or _PROVIDERS) if fault else ((), _PROVIDERS)
    choice = [row for row in table("prices") if not hrgs or f"{row['hrg']}/{row['point_of_delivery']}" in hrgs]
    while True:
        unit = choice[rng.integers(0, len(choice))]
        provider = providers[rng.integers(0, len(providers))]
        if (fault and fault.hrgs) or (provider, unit["point_of_delivery"]) not in _COVERED:
            break
    stays = unit["point_of_delivery"] in {"EL", "NEL"}
    nights = int(rng.choice([0, 1, 2, 4, 9, 16, 22])) if stays else 0
    started = date.fromisoformat(iso(int(LAST_DAY - rng.integers(90, 330))))
    hrg, kind, ended = unit["hrg"], unit["point_of_delivery"], started + timedelta(days=nights)
    return priced(Line(person, provider, hrg, kind, started_on=started, ended_on=ended, spell=""))


def _with_extras(rng: np.random.Generator, line: Line) -> Line:
    """Some lines claim, rightly, a top-up or a best-practice price, or stand on an approved case."""
    draw = rng.integers(0, 20)
    if draw == 0:
        return priced(replace(line, top_up=_TOP_UPS[line.provider]))
    if draw == 1:
        better = [row for row in table("best_practice") if row["hrg"] == line.hrg]
        better = [row for row in better if row["point_of_delivery"] == line.point_of_delivery]
        return priced(replace(line, best_practice=better[0]["best_practice"])) if better else line
    if draw == 2:  # noqa: PLR2004  one line in twenty
        number = f"CHC-{rng.integers(1, 6):04d}"
        weeks = int(rng.integers(1, 5))
        return replace(of_a_case(line, "CHC", number), quantity=weeks)
    return line


def _put(book: Book, world: World, line: Line, *, fault: str) -> None:
    book.numbers["all"] += 1
    book.numbers[line.invoice.rpartition("-")[0]] += 1
    serial = book.numbers["all"]
    line = replace(line, line=line.line or f"L{serial:07d}", spell=line.spell or f"SP{serial:07d}")
    for one in line.billed():
        _put_one(book, world, one, fault)


def _put_one(book: Book, world: World, line: Line, fault: str) -> None:
    book.invoices.append(line.invoice_row(_OWN))
    submission = "0CX-invoices-2026"
    kind = FAULTS[fault] if fault else None
    decision, reason = (kind.decision, kind.reason) if kind and line.is_the_faulty_one else ("pay", "none")
    book.truth.append(
        dict(zip(_TRUTH, (submission, "invoices.csv", len(book.invoices), line.invoice, line.line, line.provider,
                          fault if line.is_the_faulty_one else "", decision, reason), strict=True))
    )  # fmt: skip
    identity = _identity(world, line)
    for sender, row in line.backing_rows(identity):
        book.backing.setdefault(sender, []).append(row)
    for row in line.sus_rows(identity):
        book.sus.setdefault(_HOSPITAL.get(row["Point_of_Delivery"], "apc"), []).append(row)
    if line.person not in book.traced and line.is_traced:
        book.traced.add(line.person)
        for place, row in enumerate(line.trace_rows(identity)):
            book.trace.append({"Trace_Row_ID": f"T{line.person:08d}-{place}", **row})


def _identity(world: World, line: Line) -> dict[str, Any]:
    held, places, person = world.persons, world.places, line.person
    moved = int(held.moved_on[person])
    return {
        "number": f"{int(held.number[person]):010d}",
        "born": iso(int(held.born_on[person])),
        "postcode": places.postcodes[int(held.postcode[person])].as_py(),
        "practice": places.practice_codes[int(held.practice[person])].as_py(),
        "earlier_practice": places.practice_codes[int(held.earlier_practice[person])].as_py(),
        "moved_on": date.fromisoformat(iso(moved)) if moved >= world.period.first else None,
        "registered_on": date(2022, 7, 1),
    }


def _spread_totals(book: Book) -> None:
    """Every line of an invoice shows the invoice's total."""
    totals: Counter[str] = Counter()
    for row in book.invoices:
        totals[row["Invoice_Number"]] += row["~gross"]
    for row in book.invoices:
        total = totals[row["Invoice_Number"]] + row.pop("~total_off", 0)
        row.pop("~gross")
        row["Invoice_Total"] = f"{total / 100:.2f}"


def _write(out: Path, book: Book) -> None:
    folder = out / FOLDER
    _submission(folder, "0CX-invoices-2026", "invoice-lines", "invoices.csv", book.invoices)
    for sender, rows in sorted(book.backing.items()):
        _submission(folder, f"{sender}-invoice-backing-2026", "invoice-backing", "backing.csv", rows)
    _submission(folder, "X26-invoice-trace-2026", "invoice-trace", "trace.csv", book.trace)
    for kind, rows in sorted(book.sus.items()):
        _submission(folder, f"X26-invoice-sus-{kind}-2026", f"invoice-sus-{kind}", "activity.csv", rows)
    truth = out / "truth"
    truth.mkdir(parents=True, exist_ok=True)
    _csv(truth / "invoice_lines.csv", _TRUTH, book.truth)


def _submission(folder: Path, name: str, layout: str, file: str, rows: list[dict[str, Any]]) -> None:
    place, sender, dataset = folder / name, name.partition("-")[0], layouts.load(layout).dataset
    place.mkdir(parents=True)
    _csv(place / file, tuple(column.name for column in layouts.load(layout).columns), rows)
    agreement = {"invoices": "csu-contract", "invoice-backing": "cag-7-07"}.get(dataset, "dars-dsa")
    form = "aggregated" if dataset == "invoices" else "identifiable"
    digest = hashlib.sha256((place / file).read_bytes()).hexdigest()
    text = (
        f'[submission]\nid = "{name}"\ndataset = "{dataset}"\nlayout = "{layout}"\nsender = "{sender}"\n'
        f'purposes = ["invoice-validation"]\nagreement = "{agreement}"\nformat = "{form}"\nperiod_from = 2025-04-01\n'
        f'period_to = 2026-03-31\nupdate = "net-change"\nextracted = 2026-05-01T06:00:00\nobjections_applied = []\n\n'
        f'[[files]]\npath = "{file}"\nrows = {len(rows)}\nsha256 = "{digest}"\n'
    )
    (place / "manifest.toml").write_text(text, encoding="utf-8", newline="\n")


def _csv(path: Path, head: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    with path.open("x", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, head, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
