"""Who processes for the controller, what each does, and on which dated document: Article 30(2) and the list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from caldicott.publication.spreadsheet import NOT_STATED, Cell, Sheet, shown
from caldicott.register import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.register.model import Accreditation, Instrument, Organisation, Register

PROCESSING_ROLES: Final = frozenset({"processor", "sub_processor"})
_WIDTHS: Final = (30, 20, 10, 14, 18, 26, 44, 30, 14, 26, 40)
COLUMNS: Final[tuple[tuple[str, str, str], ...]] = (
    ("processor", "30(2)(a)", "Name of the organisation that works for the controller"),
    ("processor_id", "product", "Its id in the register"),
    ("ods_code", "product", "Its code in the NHS directory of organisations"),
    ("sector", "product", "NHS, council, private and so on"),
    ("roles", "product", "What it is: processor, sub-processor, regional office, support unit"),
    ("controllers", "30(2)(a)", "On whose behalf it processes"),
    ("categories_of_processing", "30(2)(b)", "What it does"),
    ("activities", "30(2)(b)", "For which activities of the record"),
    ("transfers", "30(2)(c)", "Transfers to a third country, with their safeguards"),
    ("measures", "30(2)(d)", "Measures of the activities it works for"),
    ("document", "product", "A contract or other document that binds it; one row for each"),
    ("document_kind", "product", "What kind of document"),
    ("document_from", "product", "First day it holds"),
    ("document_until", "product", "Last day it holds; “no end” if it has none"),
    ("due_diligence", "product", "Day on which due diligence was last done"),
    ("accreditations", "product", "Dated recognitions of the organisation"),
)


def processors(register: Register) -> tuple[Organisation, ...]:
    """The organisations that process on behalf of the controller, in the order of the register."""
    return tuple(one for one in register.organisations if PROCESSING_ROLES & set(one.roles))


def documents_of(organisation: Organisation, register: Register) -> tuple[Instrument, ...]:
    """The documents to which the organisation is a party."""
    return tuple(one for one in register.instruments if organisation.id in one.parties)


def sheet(register: Register) -> Sheet:
    """One row for each processor and document; one row without a document for a processor that has none."""
    rows = tuple(row for one in processors(register) for row in _rows(one, register))
    return Sheet("Processors", tuple(name for name, _, _ in COLUMNS), rows, _WIDTHS)


def _rows(organisation: Organisation, register: Register) -> Iterator[tuple[Cell, ...]]:
    documents = documents_of(organisation, register)
    for document in documents or (None,):
        yield (*_who(organisation, register), *_document(document), _accreditations(organisation.accreditations))


def _who(organisation: Organisation, register: Register) -> tuple[Cell, ...]:
    activities = [one for one in register.activities if one.id in organisation.activities]
    measures = dict.fromkeys(measure for one in activities for measure in one.measures or ())
    return (
        organisation.name,
        organisation.id,
        organisation.ods or "",
        (organisation.sector or "").replace("_", " "),
        tuple(role.replace("_", " ") for role in organisation.roles),
        register.controller.name,
        organisation.functions,
        tuple(one.title for one in activities),
        NOT_STATED,
        tuple(measure.replace("_", " ") for measure in measures),
    )


def _document(document: Instrument | None) -> tuple[Cell, ...]:
    if document is None:
        return (NOT_STATED,) * 5
    return (
        document.reference,
        document.kind.replace("_", " "),
        shown(document.valid_from),
        "no end" if document.valid_until is None else shown(document.valid_until),
        shown(document.due_diligence_date),
    )


def _accreditations(accreditations: tuple[Accreditation, ...]) -> Cell:
    return tuple(
        f"{one.kind}{f' {one.reference}' if one.reference else ''}"
        f" (from {words.day(one.valid_from)}, {words.until(one.valid_to)})"
        for one in accreditations
    )
