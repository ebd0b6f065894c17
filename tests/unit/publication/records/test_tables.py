"""The record of processing and its sister tables: complete, honest about what is not stated, safe to open."""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from zipfile import ZipFile

import pytest
from python_calamine import CalamineWorkbook

from caldicott.publication import opt_out_table, processors, ropa
from caldicott.publication.records import artefacts
from caldicott.publication.spreadsheet import Sheet, as_csv, as_workbook, cell_text, neutral
from caldicott.register.model import Exemption, Flow, Objections
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import ObjectionExemption

AT = date(2026, 5, 4)
HOSTILE = (
    '=HYPERLINK("http://evil.example","click")',
    "+1+1",
    "-2+3",
    "@SUM(A1:A9)",
    "\tx",
    "\r=1",
    " =1+1",
    "＝1+1",
)


def _read(content):
    return list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")))


def _record(register):
    return {row["activity_id"]: row for row in _read(as_csv(ropa.sheet(register)))}


def _hostile(register):
    """The register with a formula wherever a person writes text."""
    formula = HOSTILE[0]
    activities = tuple(
        one.model_copy(update={"title": formula, "measures": (formula,), "sources": (formula,)})
        for one in register.activities
    )
    organisations = tuple(one.model_copy(update={"name": formula}) for one in register.organisations)
    documents = tuple(one.model_copy(update={"reference": formula}) for one in register.instruments)
    controller = register.controller.model_copy(update={"name": formula})
    update = {"activities": activities, "organisations": organisations, "instruments": documents}
    return register.model_copy(update={**update, "controller": controller})


@pytest.mark.parametrize("text", HOSTILE)
def test_a_formula_becomes_text(text):
    """A cell that a spreadsheet program would run begins with an apostrophe, and says the same after it."""
    assert neutral(text) == f"'{text}"


@pytest.mark.parametrize("text", ["Example", "1 April 2026", "a=b", "", "’quoted’"])
def test_a_harmless_text_stays_as_it_is(text):
    """Only formulas are touched."""
    assert neutral(text) == text


def test_no_file_of_a_hostile_register_holds_a_formula(example_icb):
    """Whoever writes formulas into a register cannot make a reader's computer run them."""
    files = [one for one in artefacts(_hostile(example_icb), at=AT) if one.path.endswith(".csv")]
    cells = [cell for file in files for row in _read(file.content) for cell in row.values()]
    assert any(HOSTILE[0] in cell for cell in cells)
    assert [cell for cell in cells if cell.lstrip().startswith(("=", "+", "-", "@"))] == []


def test_no_sheet_of_a_hostile_register_holds_a_formula(example_icb):
    """The same in the workbook, whose cells are strings and never formulas."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(ropa.workbook(_hostile(example_icb))))
    for name in book.sheet_names:
        sheet = book.get_sheet_by_name(name)
        assert all(not str(cell).startswith(("=", "+", "-", "@")) for row in sheet.to_python() for cell in row)


def test_a_table_reads_back_as_it_was_written(register):
    """CSV loses nothing: the head, each row and each cell come back, however many commas and quotes they hold."""
    for sheet in (
        ropa.sheet(register),
        ropa.flow_sheet(register),
        processors.sheet(register),
        opt_out_table.sheet(register),
    ):
        read = list(csv.reader(io.StringIO(as_csv(sheet).decode("utf-8"), newline="")))
        assert read == [list(sheet.head), *([cell_text(cell) for cell in row] for row in sheet.rows)]


def test_lines_end_as_the_standard_says():
    """RFC 4180: CRLF between records, quotes doubled, line ends inside quotes kept."""
    assert as_csv(Sheet("x", ("a", "b"), (('say "no"', "1\n2"),))) == b'a,b\r\n"say ""no""","1\n2"\r\n'


def test_the_workbook_says_what_the_tables_say(register):
    """Four sheets: record, processors, flows, meaning of the columns; the same rows as the CSV files."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(ropa.workbook(register)))
    assert book.sheet_names == ["Record of processing", "Processors", "Flows", "What the columns mean"]
    for sheet in (ropa.sheet(register), processors.sheet(register), ropa.flow_sheet(register)):
        read = book.get_sheet_by_name(sheet.name).to_python()
        assert read == [list(sheet.head), *([cell_text(cell, "\n") for cell in row] for row in sheet.rows)]


def test_every_column_is_explained(example_icb):
    """A reader finds what each column means and which article asks for it."""
    explained = {(row[0], row[1]) for row in ropa.explanation(example_icb).rows}
    for sheet in (ropa.sheet(example_icb), processors.sheet(example_icb), ropa.flow_sheet(example_icb)):
        assert {(sheet.name, column) for column in sheet.head} <= explained


def test_the_same_register_gives_the_same_bytes(register):
    """No clock is in any file: published twice, on different days, nothing differs."""
    once, again = artefacts(register, at=AT), artefacts(register, at=date(2030, 1, 1))
    assert [(one.path, one.content) for one in once] == [(one.path, one.content) for one in again]


def test_no_text_is_too_long_for_a_cell():
    """A text longer than a workbook's cell is cut there and says so; the CSV has all of it."""
    sheet = Sheet("x", ("a",), (("y" * 40_000,),))
    book = CalamineWorkbook.from_filelike(io.BytesIO(as_workbook([sheet], title="t", author="a", dated=AT)))
    (cell,) = book.get_sheet_by_name("x").to_python()[1]
    assert cell.endswith("the CSV file has all of it)")
    assert len(_read(as_csv(sheet))[0]["a"]) == 40_000


def test_every_activity_is_one_row_of_the_record(register):
    """The record has each activity of the register once, and no cell is empty."""
    rows = _read(as_csv(ropa.sheet(register)))
    assert [row["activity_id"] for row in rows] == [one.id for one in register.activities]
    assert [(row["activity_id"], name) for row in rows for name, cell in row.items() if not cell] == []


def test_article_30_of_risk_stratification(example_icb):
    """The fields of the law, as the register says them."""
    row = _record(example_icb)["risk-stratification"]
    assert row["controller"] == "NHS Example Integrated Care Board (QZZ)"
    assert row["data_protection_officer"] == "Data Protection Officer, dpo@example-icb.example"
    assert row["purpose"] == "Finding people at risk of an emergency admission"
    assert row["article_6"] == "Article 6(1)(e)"
    assert row["article_9"] == "Article 9(2)(h)"
    assert "SUS/DSCRO datasets: the term of the data sharing agreement" in row["time_limits"]
    assert "landed files purged after 180 days" in row["time_limits"]
    assert row["transfers"] == "not stated"


def test_the_extras_of_the_nhs_on_risk_stratification(example_icb):
    """The approval with its end, who sees which format, the objections, the scope of the code, small numbers."""
    row = _record(example_icb)["risk-stratification"]
    assert row["confidentiality_basis"].startswith("s251; NHS Act 2006 section 251")
    assert row["section_251_approval"] == "CAG 7-04(a)/2013, risk stratification"
    assert row["section_251_expiry"] == "2027-09-30"
    assert "gp (own practice)" in row["format_by_role"]
    assert "the opt-out from risk scores stops identifiable" in row["objections"]
    assert row["pseudonym_domain"].startswith("risk (R), epoch 1; for NHS Example Integrated Care Board")
    assert "re-identified by: gp (own practice)" in row["pseudonym_domain"]
    assert row["disclosure_control"] == "rule hes-2018; level sub-national; uniqueness threshold 8"


def test_what_an_old_notice_does_not_say_is_not_filled_in(leeds):
    """Leeds 2018 gives no retention for the short notice: the record says so and invents nothing."""
    row = _record(leeds)["risk-stratification-short"]
    silent = ("time_limits", "article_6", "schedule_1", "pseudonym_domain", "disclosure_control", "identifiers_allowed")
    assert {row[name] for name in silent} == {"not stated"}
    assert "retention" in row["known_gaps"]


def test_an_empty_list_is_an_answer(example_icb):
    """`None` is not stated; an empty list means there is none."""
    bare = example_icb.activities[0].model_copy(update={"recipients": (), "measures": None, "identifiers_allowed": ()})
    row = _record(example_icb.model_copy(update={"activities": (bare,)}))[bare.id]
    assert (row["recipients"], row["measures"], row["identifiers_allowed"]) == ("none", "not stated", "none")


def test_each_basis_keeps_what_belongs_to_it(example_icb):
    """Employment rests on two bases: each is told with its own condition and statutes."""
    bases = _record(example_icb)["staff"]["legal_bases"]
    first, second = bases.split("; ")
    condition = "Data Protection Act 2018 schedule 1 paragraph 1"
    assert first == f"Article 6(1)(b), Article 9(2)(b), {condition}, Employment Rights Act 1996"
    assert second.startswith("Article 6(1)(c), Article 9(2)(b)")


def test_what_has_no_end_says_so(example_icb):
    """An activity without a last day holds until somebody ends it: that is not a gap."""
    assert _record(example_icb)["staff"]["effective_to"] == "no end"


def test_a_processor_has_its_functions_and_its_contract_with_dates(example_icb):
    """Each processor with what it does, for which activities, and under which dated contract."""
    (row,) = [row for row in _read(as_csv(processors.sheet(example_icb))) if row["processor_id"] == "example-payroll"]
    assert row["document"] == "Contract for payroll, EX-PAY-2026"
    assert (row["document_from"], row["document_until"], row["due_diligence"]) == (
        "2026-04-01",
        "2029-03-31",
        "2026-01-22",
    )
    assert "Works out and pays wages" in row["categories_of_processing"]
    assert "People who work for us" in row["activities"]


def test_a_processor_without_contract_is_shown_as_such(example_icb):
    """A missing contract is a line that says so, never a missing line."""
    without = example_icb.model_copy(update={"instruments": ()})
    rows = _read(as_csv(processors.sheet(without)))
    assert [row["processor_id"] for row in rows] == [one.id for one in processors.processors(example_icb)]
    assert {row["document"] for row in rows} == {"not stated"}


def test_the_flow_map_has_a_row_for_each_dataset(register):
    """The table of the flow map leaves out no dataset of any flow."""
    rows = _read(as_csv(ropa.flow_sheet(register)))
    expected = {
        (one.id, flow.id, dataset)
        for one in register.activities
        for flow in one.flows or ()
        for dataset in flow.datasets or ("not stated",)
    }
    assert {(row["activity_id"], row["flow_id"], row["dataset_id"]) for row in rows} == expected


def _effect(register, scheme, activity, form):
    return [
        row
        for row in opt_out_table.opt_out_table(register)
        if (row.scheme, row.activity, row.format) == (scheme, activity, form)
    ]


def test_an_objection_stops_what_its_rule_covers(example_icb):
    """The opt-out from coded data stops planning with coded GP records, and only those records."""
    (row,) = _effect(example_icb, "deidentified", "commissioning-planning", "pseudonymised")
    assert row.effect == "stops"
    assert "gp-patients" in row.datasets
    assert "sus-apc" not in row.datasets


def test_an_objection_does_not_reach_beyond_its_formats(example_icb):
    """The National Data Opt-out does not stop counts."""
    (row,) = _effect(example_icb, "ndop", "commissioning-planning", "aggregated")
    assert row.effect == "does not stop"


def test_an_exemption_is_told_with_its_reference(example_icb):
    """Bills are checked in spite of the national opt-out: the table says by which waiver."""
    (row,) = _effect(example_icb, "ndop", "invoice-validation", "identifiable")
    assert (row.effect, row.exempt_because) == ("exempt", "a special approval in law says so")
    assert row.reference.startswith("CAG 7-07")


def test_silence_about_objections_is_not_told_as_no(example_icb):
    """An activity that says nothing of objections is `not stated`, not `does not stop`."""
    silent = example_icb.activities[0].model_copy(update={"objections": None})
    table = opt_out_table.opt_out_table(example_icb.model_copy(update={"activities": (silent,)}))
    assert {row.effect for row in table} == {"not stated"}


def test_every_scheme_meets_every_activity(register):
    """No objection and no activity is left out of the table."""
    rows = opt_out_table.opt_out_table(register)
    assert {(row.scheme, row.activity) for row in rows} == {
        (scheme, one.id) for scheme in opt_out_table.Objection for one in register.activities
    }


def test_an_exemption_that_names_no_scheme_holds_for_all(example_icb):
    """An exemption without a list of schemes sets every objection aside."""
    every = Exemption(kind=ObjectionExemption.NOT_PATIENT_DATA, reference="records about staff")
    activity = example_icb.activities[0].model_copy(update={"objections": Objections(exemptions=(every,))})
    table = opt_out_table.opt_out_table(example_icb.model_copy(update={"activities": (activity,)}))
    assert {(row.effect, row.reference) for row in table} == {("exempt", "records about staff")}


def test_the_workbook_carries_the_day_of_the_notice_and_no_other(example_icb):
    """The day in the file's properties is that of the newest notice, never that of the clock."""
    with ZipFile(io.BytesIO(ropa.workbook(example_icb))) as parts:
        days = re.findall(r">(\d{4}-\d{2}-\d{2})T", parts.read("docProps/core.xml").decode())
        assert {part.date_time[:3] for part in parts.infolist()} == {(1980, 1, 1)}
    assert set(days) == {max(notice.published for notice in example_icb.controller.notices).isoformat()}


def test_a_flow_that_names_no_dataset_is_still_a_row(example_icb):
    """A flow without datasets is not lost from the table: its dataset is `not stated`."""
    flow = Flow(id="bare", from_organisation="a", to_organisation="b", format=DataFormat.AGGREGATED)
    activity = example_icb.activities[0].model_copy(update={"flows": (flow,)})
    (row,) = _read(as_csv(ropa.flow_sheet(example_icb.model_copy(update={"activities": (activity,)}))))
    assert (row["flow_id"], row["dataset"], row["instrument"], row["review_due"]) == (
        "bare",
        "not stated",
        "not stated",
        "not stated",
    )


def test_the_documents_of_an_activity_include_those_of_its_flows(example_icb):
    """Planning also stands on the agreement with out of hours, which only a flow names."""
    row = _record(example_icb)["commissioning-planning"]
    assert "local-flows-agreement" not in example_icb.activity("commissioning-planning").instruments
    assert example_icb.instrument("local-flows-agreement").reference in row["documents"]
