"""Which objection stops what: every scheme against every activity, in every format the activity speaks of.

Read from the register as the decision reads it: a rule stops the formats it
covers; an exemption says why a scheme does not; where neither speaks, nothing is
stopped. An activity that says nothing at all of objections is shown as such.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from caldicott.publication.spreadsheet import Cell, Sheet
from caldicott.register import words
from caldicott.register.completeness import formats_out
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import Objection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.register.model import Exemption, ObjectionRule, Objections, ProcessingActivity, Register

Effect = Literal["stops", "does not stop", "exempt", "not stated"]
COLUMNS: Final[tuple[tuple[str, str, str], ...]] = (
    ("objection", "product", "The way to object"),
    ("activity", "product", "Title of the activity"),
    ("activity_id", "product", "Its id in the register"),
    ("format", "product", "The format of the data"),
    ("effect", "product", "stops; does not stop; exempt (with the reason); not stated"),
    ("datasets", "product", "What is stopped; “every dataset” if the rule names none"),
    ("consequence", "product", "What it means for the person, in the words of the register"),
    ("exempt_because", "product", "Why the objection is set aside, or where it stops, when it does not count"),
    ("reference", "product", "The law, policy or approval behind the exemption"),
)


@dataclass(frozen=True, slots=True)
class OptOutRow:
    """What one scheme does to one activity in one format."""

    scheme: Objection
    scheme_title: str
    activity: str
    activity_title: str
    format: DataFormat
    effect: Effect
    datasets: tuple[str, ...] = ()
    """What a rule stops; empty means every dataset of the activity."""
    consequence: str = ""
    exempt_because: str = ""
    """Beside `stops`: when the objection does not count after all, such as consent to the very use."""
    reference: str = ""


def opt_out_table(register: Register) -> tuple[OptOutRow, ...]:
    """Every scheme, activity and format, in the order of the vocabulary and the register."""
    return tuple(
        row
        for scheme in Objection
        for activity in register.activities
        for form in formats_of(activity)
        for row in _rows(scheme, activity, form)
    )


def formats_of(activity: ProcessingActivity) -> tuple[DataFormat, ...]:
    """The formats the activity speaks of, most telling first; all four if it speaks of none."""
    rules = activity.objections.rules if activity.objections else ()
    spoken = {*formats_out(activity), activity.format_in, *(form for rule in rules for form in rule.covers_formats)}
    return tuple(form for form in DataFormat if form in spoken) or tuple(DataFormat)


def sheet(register: Register) -> Sheet:
    """The table as a file."""
    rows = tuple(_cells(row) for row in opt_out_table(register))
    return Sheet("Opt-outs", tuple(name for name, _, _ in COLUMNS), rows)


def _rows(scheme: Objection, activity: ProcessingActivity, form: DataFormat) -> Iterator[OptOutRow]:
    title = words.SCHEME[scheme]
    objections = activity.objections
    if objections is None:
        yield OptOutRow(scheme, title, activity.id, activity.title, form, "not stated")
        return
    exemptions = _exemptions(objections, scheme)
    stopping = [rule for rule in objections.rules if rule.scheme is scheme and form in rule.covers_formats]
    effect: Effect = "stops" if stopping else "exempt" if exemptions else "does not stop"
    rules: list[ObjectionRule | None] = [*stopping] or [None]
    for rule in rules:
        yield OptOutRow(
            scheme,
            title,
            activity.id,
            activity.title,
            form,
            effect,
            datasets=rule.datasets if rule else (),
            consequence=rule.consequence.strip() if rule else "",
            exempt_because="; ".join(words.EXEMPTION[one.kind] for one in exemptions),
            reference="; ".join(one.reference for one in exemptions),
        )


def _exemptions(objections: Objections, scheme: Objection) -> tuple[Exemption, ...]:
    return tuple(one for one in objections.exemptions if not one.schemes or scheme in one.schemes)


def _cells(row: OptOutRow) -> tuple[Cell, ...]:
    stopped = tuple(words.dataset(one).strip("“”") for one in row.datasets) or ("every dataset",)
    return (
        row.scheme_title,
        row.activity_title,
        row.activity,
        str(row.format),
        row.effect,
        stopped if row.effect == "stops" else "none",
        " ".join(row.consequence.split()) or "none",
        row.exempt_because or "none",
        row.reference or "none",
    )
