"""How a case is told to its reviewer: fields, values and choices in words."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from caldicott.register import words
from caldicott.safe_haven.identity.beside import Mark, beside
from caldicott.safe_haven.identity.review import NOBODY, UNCERTAIN

if TYPE_CHECKING:
    from caldicott.safe_haven.identity.beside import Row
    from caldicott.safe_haven.identity.review import Agreement, Case

FIELDS: Final = {
    "number": "NHS number", "family": "Family name", "given": "Given name", "other_given": "Other given names",
    "birth_date": "Birth date", "gender": "Sex", "postcode": "Postcode",
}  # fmt: skip
_SEX: Final = {"1": "Male", "2": "Female", "9": "Neither male nor female", "0": "Not known", "X": "Not known"}
WHY: Final = {
    "found by score alone": "The computer found one person who is like the record, but nothing proves it.",
    "several as close": "More than one person is as like the record as any other.",
    "of one house with another of that birth date": "Two people of one house were born on the same day.",
    "likely, by weight alone": "No rule found anybody. The computer weighed who it may be, and this is likely at best.",
}
"""Why a case is doubtful, by its reason."""
_OTHERWISE: Final = "The computer could not settle whose record this is."


def why_doubtful(case: Case) -> str:
    """Without any score: a number beside a case is an answer before the question."""
    return WHY.get(case.reason, _OTHERWISE)


def headings(case: Case) -> tuple[str, ...]:
    return ("What we compare", "The record", *(place(number) for number in range(1, len(case.candidates) + 1)))


def place(number: int) -> str:
    return f"Person {number}"


def rows(case: Case) -> list[tuple[str, str, list[tuple[str, str, bool]]]]:
    """Each row: what is compared, the record's value, each person's value with its mark and whether it stands out."""
    return [
        (FIELDS[row.field], _value(row.field, row.said), [_cell(row, at) for at in range(len(row.cells))])
        for row in beside(case)
    ]


def _cell(row: Row, at: int) -> tuple[str, str, bool]:
    cell = row.cells[at]
    return _value(row.field, cell.value), cell.mark.value, cell.mark in {Mark.DIFFERS, Mark.NEAR}


def _value(field: str, value: str | None) -> str:
    if not value:
        return "–"
    if field == "birth_date":
        return _day(value)
    if field == "gender":
        return _SEX.get(value.upper(), value)
    if field == "number" and len(value) == 10:  # noqa: PLR2004  digits of an NHS number
        return f"{value[:3]} {value[3:6]} {value[6:]}"
    return value


def _day(value: str) -> str:
    try:
        return words.day(date.fromisoformat(value))
    except ValueError:
        return value


def choices(case: Case) -> list[tuple[str, str]]:
    """What may be answered: value and words."""
    count = len(case.candidates)
    same = [(str(at), f"The same person as {place(at).lower()}") for at in range(1, count + 1)]
    nobody = "A different person" if count == 1 else "A different person from all of these"
    return [*same, (NOBODY, nobody), (UNCERTAIN, "I cannot tell")]


def numbers(found: Agreement) -> list[tuple[str, str]]:
    """Where the queue stands."""
    return [
        ("Cases in all", f"{found.cases:,}"),
        ("Wait for an answer", f"{found.waiting:,}"),
        ("Two answers differ", f"{found.differ:,}"),
        ("Settled", f"{found.settled:,}"),
        ("Of those, decided by a third person", f"{found.adjudicated:,}"),
    ]


def statistic(found: Agreement) -> list[tuple[str, str]]:
    """How far two reviewers agree."""
    share = "Not yet" if found.share is None else f"{found.share:.0%}"
    kappa = "Not yet" if found.kappa is None else f"{found.kappa:.2f}"
    return [
        ("Cases that two people answered", f"{found.both_answered:,}"),
        ("Both gave the same answer", f"{found.agreed:,}"),
        ("As a share", share),
        ("Cohen’s kappa", kappa),
    ]


_SETTLED_AS: Final = {NOBODY: "A different person", UNCERTAIN: "Nobody can tell"}


def settled(found: Agreement) -> list[tuple[str, str]]:
    """What was settled; which of several persons it was says nothing, so those are one."""
    counts = {text: found.choices.get(choice, 0) for choice, text in _SETTLED_AS.items()}
    linked = sum(number for choice, number in found.choices.items() if choice not in _SETTLED_AS)
    told = {"The same person": linked, **counts}
    return [(text, f"{number:,}") for text, number in told.items() if number]
