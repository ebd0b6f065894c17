"""Bills that come as a workbook: the same rules as for a table, and what only a workbook can have."""

from datetime import date

import pytest
import xlsxwriter

from caldicott.facts.layout import load
from caldicott.operations.invoices.workbooks import tables_from
from unit.invoices.test_table_workbook import workbook as published

NAMES = [column.name for column in load("invoice-lines").columns]


def send(desk, rows, *, then=lambda _sheet, _book: None, start=0, sheets=1):
    """A submission of one workbook."""
    desk.sent += 1
    place = desk.root / "inbox" / f"s{desk.sent:03d}"
    place.mkdir(parents=True)
    path = place / "bills.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        for number in range(sheets):
            sheet = book.add_worksheet(f"Bills {number}")
            sheet.write_row(start, 0, NAMES)
            for place_, row in enumerate(rows, start=start + 1):
                for column, name in enumerate(NAMES):
                    value = row.get(name, "")
                    is_number = name in {"Quantity", "Unit_Price", "Line_Amount"} and value
                    sheet.write(place_, column, float(value) if is_number else value)
        then(sheet, book)
    desk.manifest(place, path, rows=len(rows), layout="invoice-lines", dataset="invoices")
    return place


def bills(desk, count):
    for place in range(1, count + 1):
        desk.bill(place)
    return desk.rows.pop("invoice-lines")


def test_a_workbook_of_bills_lands_and_is_paid_like_a_table(desk):
    """Numbers and days as a workbook has them are read as the layout writes them."""
    rows = bills(desk, 2)
    landed = desk.land(send(desk, rows))
    assert [(one.fault, one.rows, one.admitted) for one in landed] == [(None, 2, 2)]
    desk.validate()
    assert {line: row["verdict"] for line, row in desk.decided().items()} == {"L1": "pay", "L2": "pay"}
    assert not (desk.store / "ceff" / "unpacked").exists()


def test_a_formula_and_an_error_hold_back_their_row_as_the_sheet_counts_it(desk):
    """Named by file, row and column of the sheet; the other rows go on."""
    rows = bills(desk, 4)
    amount, quantity = NAMES.index("Line_Amount"), NAMES.index("Quantity")

    def spoil(sheet, _book):
        sheet.write_formula(4, amount, "=K5*L5", None, 5704.75)
        sheet.merge_range(5, quantity, 5, quantity + 1, 1)

    landed = desk.land(send(desk, rows, then=spoil, start=2))
    assert list(landed[0].held) == [
        "file 1, row 5, Line_Amount: formula-cell", "file 1, row 6, Unit_Price: merged-cell",
    ]  # fmt: skip
    assert landed[0].admitted == 2
    desk.validate()
    assert set(desk.decided()) == {"L1", "L4"}


def test_a_sheet_coloured_to_its_last_row_is_read_as_its_one_line(desk):
    """Rows that only have a colour are no rows of a bill."""
    rows = bills(desk, 1)

    def colour(sheet, book):
        red = book.add_format({"bg_color": "#ff0000"})
        for row in range(2, 50_000):
            sheet.write_blank(row, 0, None, red)
        sheet.write_blank(1_048_575, 0, None, red)

    landed = desk.land(send(desk, rows, then=colour))
    assert (landed[0].fault, landed[0].rows, landed[0].admitted) == (None, 1, 1)


@pytest.mark.parametrize(
    ("spoil", "code", "place"),
    [
        (lambda sheet, _book: sheet.set_column(1, 1, 10, None, {"hidden": True}), "workbook-hidden-column", "column B"),
        (
            lambda sheet, book: sheet.merge_range(0, 2, 0, 3, "Merged", book.add_format()),
            "workbook-merged-header", "column D",
        ),
        (lambda sheet, _book: sheet.write(1, len(NAMES) + 1, "note"), "workbook-nameless-column", "column U"),
        (lambda _sheet, book: book.add_worksheet("Notes").write(0, 0, "see"), "workbook-sheets", "2 sheets"),
        (lambda sheet, _book: sheet.write(0, 2, "Diagnosis"), "unknown_column", ""),
    ],
)  # fmt: skip
def test_what_nobody_sees_refuses_the_workbook_and_the_next_one_lands(desk, spoil, code, place):
    """Hidden, merged, nameless or unlisted columns and a second sheet: refused whole, with the place."""
    rows = bills(desk, 1)
    bad, good = send(desk, rows, then=spoil), send(desk, rows)
    refused, landed = desk.land(bad, good)
    assert refused.fault.code == code
    assert place in refused.fault.what
    assert landed.fault is None


def test_what_is_no_workbook_is_refused(desk):
    """A table under a workbook's name, a damaged package, a document type inside it."""
    rows = bills(desk, 1)
    for content in (b"a,b\n1,2\n", b"PK\x03\x04 broken"):
        place = send(desk, rows)
        (place / "bills.xlsx").write_bytes(content)
        desk.manifest(place, place / "bills.xlsx", rows=1, layout="invoice-lines", dataset="invoices")
        assert desk.land(place)[0].fault.code == "workbook-unreadable"


def test_bills_are_checked_against_the_tables_that_a_workbook_gave(desk, tmp_path):
    """Factor 5,331.54, top-up 6,824.37, addition 6,727.15, best-practice price 1,348.57: paid; a penny more: asked.

    5,100.00 x 1.0454; 5,100.00 x 1.28 x 1.0454; (5,100.00 + 1,335.00) x 1.0454; 1,290.00 x 1.0454.
    """
    tables_from(
        published(tmp_path / "a.xlsx"), valid_from=date(2025, 4, 1), valid_to=date(2026, 3, 31), to=tmp_path / "tables"
    )
    day = {"Point_of_Delivery": "DC", "End_Date": "2025-05-10"}
    priced = [
        ("5331.54", {}, {}), ("6824.37", {"Top_Up": "children"}, {}), ("6727.15", {"Best_Practice": "bp-hip"}, {}),
        ("1348.57", {"Best_Practice": "bp-day", **day}, day), ("6824.38", {"Top_Up": "children"}, {}),
    ]  # fmt: skip
    for place, (pounds, backing, sus) in enumerate(priced, start=1):
        desk.bill(place, Unit_Price=pounds, Line_Amount=pounds, backing=backing, sus=sus)
    desk.validate(reference=tmp_path / "tables")
    assert {line: (row["verdict"], row["reasons"]) for line, row in desk.decided().items()} == {
        **{f"L{place}": ("pay", []) for place in range(1, 5)}, "L5": ("query", ["price-differs"]),
    }  # fmt: skip
