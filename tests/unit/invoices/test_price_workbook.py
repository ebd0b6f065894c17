"""A published prices workbook becomes rows of the price table; each cell that cannot be used is named."""

from datetime import date

import pytest
import xlsxwriter

from caldicott.invoices import reference
from caldicott.operations.invoices.workbooks import tables_from
from caldicott.vocabulary.errors import DoesNotHold

YEAR = {"valid_from": date(2025, 4, 1), "valid_to": date(2026, 3, 31)}
HEADINGS = (
    "HRG code", "HRG name", "Outpatient procedure price (£)", "Combined day case / ordinary elective price (£)",
    "Day case price (£)", "Ordinary elective price (£)", "Ordinary elective long stay trim point (days)",
    "Non-elective price (£)", "Non-elective long stay trim point (days)",
    "Per day long stay payment (for days exceeding trim point) (£)",
    "% applied in calculation of reduced short stay emergency price",
)  # fmt: skip
FULL = ("FD01A", "Invented", 210, "", 1180, 4200.5, 30, 5100, 42, 205, 0.3)
COMBINED = ("HN22B", "Invented", "-", 6150, "", "", 12, "-", "-", 240, "-")


def workbook(path, rows, *, name="1 APC & OPROC", then=lambda _sheet, _book: None):
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet("Cover").write(0, 0, "Prices")
        sheet = book.add_worksheet(name)
        sheet.write(0, 0, "Annex A")
        sheet.merge_range(2, 2, 2, 4, "Prices of the year")
        for place, cells in enumerate([HEADINGS, *rows], start=3):
            sheet.write_row(place, 0, cells)
        then(sheet, book)
    return path


def prices_from(path, *, to, **days):
    """The prices of that workbook, added to the table in this folder."""
    (found,) = tables_from(path, to=to, only=["prices"], **days)
    return found


def test_each_unit_of_care_and_kind_of_admission_is_a_row(tmp_path):
    """Separate prices, a combined price, trim points, per-day rates and the short-stay share; a dash is no price."""
    found = prices_from(workbook(tmp_path / "a.xlsx", [FULL, COMBINED]), to=tmp_path, **YEAR)
    assert found.faults == ()
    table = reference.read({"prices": (tmp_path / "prices.csv").read_text()})
    on = date(2025, 5, 1)
    emergency = table.on("prices", on, hrg="FD01A", point_of_delivery="NEL")
    assert (emergency["price_pence"], emergency["trim_point_days"], emergency["per_day_pence"]) == (510000, 42, 20500)
    assert emergency["short_stay_hundredths"] == 3000
    elective = table.on("prices", on, hrg="FD01A", point_of_delivery="EL")
    assert (elective["price_pence"], elective["trim_point_days"], elective["short_stay_hundredths"]) == (
        420050, 30, 10000,
    )  # fmt: skip
    for kind in ("DC", "EL"):
        assert table.on("prices", on, hrg="HN22B", point_of_delivery=kind)["price_pence"] == 615000
    assert table.on("prices", on, hrg="HN22B", point_of_delivery="NEL") is None
    assert table.on("prices", on, hrg="FD01A", point_of_delivery="OPPROC")["price_pence"] == 21000


def test_a_formula_a_word_and_a_repeated_row_are_named_and_the_rest_goes_on(tmp_path):
    """By sheet, row and column as the sheet shows them."""
    rows = [FULL, ("FD02A", "x", "", "", "dear", 1, 1, 1, 1, 1, ""), FULL]

    def spoil(sheet, _book):
        sheet.write_formula(3 + 2, 5, "=1+1", None, 2)
        sheet.set_column(4, 4, 10, None, {"hidden": True})

    found = prices_from(workbook(tmp_path / "a.xlsx", rows, then=spoil), to=tmp_path, **YEAR)
    assert list(found.faults[:3]) == [
        "sheet '1 APC & OPROC', column E: the column is hidden; it was read all the same",
        "sheet '1 APC & OPROC', row 6, column E: not a number that this column can have",
        "sheet '1 APC & OPROC', row 6, column F: a formula, not a value",
    ]
    assert found.faults[3] == "sheet '1 APC & OPROC', row 7, column A: the same unit of care stands in row 5 too"
    assert [(row["hrg"], row["point_of_delivery"]) for row in found.rows] == [
        ("FD01A", "DC"), ("FD01A", "EL"), ("FD01A", "NEL"), ("FD01A", "OPPROC"), ("FD02A", "NEL")
    ]  # fmt: skip


def test_a_second_year_is_added_and_the_same_year_is_not(tmp_path):
    """Days that overlap would let the order of a file decide what is paid."""
    path = workbook(tmp_path / "a.xlsx", [FULL])
    prices_from(path, to=tmp_path, **YEAR)
    with pytest.raises(DoesNotHold) as fault:
        prices_from(path, to=tmp_path, **YEAR)
    assert fault.value.code == "reference-broken"
    prices_from(
        path, to=tmp_path, valid_from=date(2026, 4, 1), valid_to=date(2027, 3, 31)
    )  # fmt: skip
    assert len((tmp_path / "prices.csv").read_text().splitlines()) == 1 + 2 * 4


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda path: workbook(path, [FULL], name="Prices"), "sheet-missing"),
        (lambda path: workbook(path, [("x",)]), "prices-missing"),
        (lambda path: path.write_bytes(b"PK\x03\x04 no workbook") and path, "workbook-unreadable"),
        (lambda path: path.write_text("a,b\n1,2\n") and path, "workbook-unreadable"),
    ],
)
def test_what_is_no_prices_workbook_is_refused_with_its_reason(tmp_path, make, code):
    """Another sheet, no price, no workbook: nothing is written."""
    with pytest.raises(DoesNotHold) as fault:
        prices_from(make(tmp_path / "a.xlsx"), to=tmp_path, **YEAR)
    assert fault.value.code == code
    assert not (tmp_path / "prices.csv").exists()
