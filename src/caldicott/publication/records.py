"""What publication gives to professionals: the files beside the notice, each made from the register alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from caldicott.publication import dpv, opt_out_table, processors, ropa
from caldicott.publication.document import Artefact
from caldicott.publication.flow_map import flow_map
from caldicott.publication.spreadsheet import CSV_TYPE, XLSX_TYPE, Sheet, as_csv
from caldicott.register.public import public

if TYPE_CHECKING:
    from datetime import date

    from caldicott.register.model import Register


FLOW_MAP: Final = "assets/flow-map.svg"


def artefacts(register: Register, *, at: date) -> tuple[Artefact, ...]:
    """Every file that is published beside the pages, in the order in which a list of downloads shows them.

    The files tell what the register says, not what holds on a day: `at` is not written into
    them, so that two publications of one register are the same bytes.
    """
    del at
    register = public(register)
    return (
        _table("record-of-processing.csv", "Record of processing activities (Article 30)", ropa.sheet(register)),
        Artefact(
            "record-of-processing.xlsx",
            XLSX_TYPE,
            ropa.workbook(register),
            "Record of processing activities, processors and flows (workbook)",
        ),
        _table("processors.csv", "Processors and their contracts", processors.sheet(register)),
        Artefact(FLOW_MAP, "image/svg+xml", flow_map(register).encode("utf-8"), "Data-flow map as a picture"),
        _table("flow-map.csv", "Data-flow map as a table", ropa.flow_sheet(register)),
        _table("opt-out.csv", "Which objection stops what", opt_out_table.sheet(register)),
        _linked("register.jsonld", "json-ld", "The register in the Data Privacy Vocabulary (JSON-LD)", register),
        _linked("register.ttl", "turtle", "The register in the Data Privacy Vocabulary (Turtle)", register),
    )


def _table(path: str, title: str, sheet: Sheet) -> Artefact:
    return Artefact(path, CSV_TYPE, as_csv(sheet), title)


def _linked(path: str, form: dpv.Form, title: str, register: Register) -> Artefact:
    return Artefact(path, dpv.MEDIA_TYPE[form], dpv.write(register, form).encode("utf-8"), title)
