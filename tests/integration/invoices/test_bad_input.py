# ruff: noqa: E501  rows of invented bills read better whole
"""Bad input is named by file, row and column, and the rest goes on."""

from datetime import date

import pytest

from caldicott.invoices import reference
from caldicott.vocabulary.errors import DoesNotHold

BAD_ROWS = {
    "Line_Amount": ("=SUM(A1:A9)", "number_invalid"),
    "Quantity": ("two", "number_invalid"),
    "Unit_Price": ("5,704.75", "number_invalid"),
    "Invoice_Date": ("01/06/2025", "date_invalid"),
    "Received_Date": ("2025-02-30", "date_invalid"),
    "Line_ID": ("", "required_missing"),
    "Provider_Code": ("", "required_missing"),
}


def test_each_bad_cell_is_named_and_the_other_lines_are_decided(desk):
    """Formulas, words for numbers, thousands commas, other dates, blanks: the row is held back, by row and column."""
    good = desk.bill(0)
    for place, (column, (value, _)) in enumerate(BAD_ROWS.items(), start=1):
        desk.bill(place, **{column: value})
    landed = {one.dataset: one for one in desk.land()}
    expected = [
        f"file 1, row {row}, {column}: {reason}" for row, (column, (_, reason)) in enumerate(BAD_ROWS.items(), start=2)
    ]
    assert list(landed["invoices"].held) == expected
    desk.validate()
    assert {line: row["verdict"] for line, row in desk.decided().items()} == {good: "pay"}


def test_rows_of_nothing_but_commas_do_not_stop_the_rest(desk):
    """A sheet saved with a thousand empty rows below: each is held back, the real line is decided."""
    line = desk.bill(0)
    desk.rows["invoice-lines"] += [{"Line_ID": ""} for _ in range(1_000)]
    landed = {one.dataset: one for one in desk.land()}
    assert (landed["invoices"].admitted, landed["invoices"].quarantined_by) == (1, {"required_missing": 1_000})
    desk.validate()
    assert desk.decided()[line]["verdict"] == "pay"


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda text: text.replace(b"INV-1", "INV-é".encode("latin-1")), "not_utf8"),
        (lambda text: text.decode().encode("utf-16"), "nul_byte"),
        (lambda text: b"Invoice 2025,,,,\n" + text, "duplicate_column"),
        (lambda text: b"Invoice 2025\n" + text, "unknown_column"),
        (lambda text: b"PK\x03\x04\x00\x00" + text, "nul_byte"),
        (lambda _text: b"", "empty_file"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_what_it_says_is_refused_and_the_next_one_lands(desk, spoil, code):
    """Another encoding, merged headers, a workbook under another name, nothing at all: refused whole, with its reason."""
    desk.bill(0)
    rows = desk.rows["invoice-lines"]
    place, good = desk.send("invoice-lines", rows), desk.send("invoice-lines", rows)
    path = place / "invoice-lines.csv"
    path.write_bytes(spoil(path.read_bytes()))
    (place / "manifest.toml").unlink()
    desk.manifest(place, path, rows=1, layout="invoice-lines", dataset="invoices")
    first, second = desk.land(place, good)
    assert (first.fault.code, second.fault) == (code, None)


def test_a_wrong_count_or_hash_refuses_the_submission(desk):
    """What the sender counted and hashed must be what came."""
    desk.bill(0)
    rows = desk.rows["invoice-lines"]
    place = desk.send("invoice-lines", rows)
    (place / "invoice-lines.csv").write_text((place / "invoice-lines.csv").read_text().replace(",1,", ",2,"))
    assert desk.land(place)[0].fault.code == "submission-file"


def test_every_bad_cell_of_the_reference_tables_is_named_at_once(desk):
    """Prices, factors and practices that do not hold are named by file, row and column, before a line is looked at."""
    head = "hrg,point_of_delivery,price,trim_point_days,per_day,short_stay_percent,valid_from,valid_to\n"
    prices = (
        head + "AA1,EL,12.345,,,100,2025-04-01,2026-03-31\nAA1,EL,12.00,x,,100,2025-04-01,\nAA2,EL,-1,,,100,soon,\n"
    )
    with pytest.raises(DoesNotHold) as refused:
        reference.read({"prices": prices, "market_forces": "provider,factor\n"})
    said = str(refused.value)
    for place in (
        "prices.csv row 2, column price", "prices.csv row 3, column trim_point_days", "prices.csv row 4, column price",
        "prices.csv row 4, column valid_from", "market_forces.csv row 1", "overlap",
    ):  # fmt: skip
        assert place in said
    assert "12.345" not in said


def test_two_prices_for_one_day_are_refused(desk):
    """Where two rows hold on one day, the order of a file would decide what is paid."""
    head = "provider,factor,valid_from,valid_to\n"
    with pytest.raises(DoesNotHold, match="row 3: its days overlap those of row 2"):
        reference.read({"market_forces": head + "RZ1,1.04,2025-04-01,2026-03-31\nRZ1,1.05,2026-03-31,\n"})


def test_a_board_brings_its_own_tables(desk, tmp_path):
    """A folder of CSV tables stands in for the shipped ones, table by table."""
    line, tables = desk.bill(0), tmp_path / "tables"
    tables.mkdir()
    (tables / "local_prices.csv").write_text(
        "provider,hrg,point_of_delivery,price,valid_from,valid_to\nRZ1,FD01A,NEL,100.00,2025-04-01,\n"
    )
    desk.validate(reference=tables)
    assert (desk.decided()[line]["expected_pence"], desk.decided()[line]["reasons"]) == (10_000, ["price-differs"])


@pytest.mark.parametrize(
    "changes",
    [
        {"period_from": date(2025, 4, 2)}, {"period_to": date(2026, 3, 30)}, {"extracted": "2026-05-01T07:00:00"},
        {"update": "bulk-replacement"},
    ],
    ids=lambda changes: next(iter(changes)),
)  # fmt: skip
def test_the_same_delivery_under_another_manifest_is_not_taken_for_the_same(desk, changes):
    """Content alike, but another period, hour or kind of update: told, and what landed stays."""
    desk.bill(1)
    rows = desk.rows["invoice-lines"]
    assert desk.land(desk.send("invoice-lines", rows, id="one"))[0].fault is None
    again, other = desk.send("invoice-lines", rows, id="one"), desk.send("invoice-lines", rows, id="one", **changes)
    same, differs = desk.land(again, other)
    assert (same.already, same.fault) == (True, None)
    assert differs.fault.code == "submission-differs"


@pytest.mark.parametrize("number", ["=1+1", "+44", "@SUM(A1)", "=HYPERLINK(1)"])
def test_a_number_that_a_spreadsheet_would_run_is_held_back(desk, number):
    """What leaves is opened in spreadsheets: no invoice or line is called by a formula. It is no incident."""
    desk.bill(1, Invoice_Number=number, backing=False)
    desk.bill(2)
    landed = {one.dataset: one for one in desk.land()}
    assert list(landed["invoices"].held) == ["file 1, row 1, Invoice_Number: formula-shape"]
    assert (landed["invoices"].admitted, landed["invoices"].incidents) == (1, 0)


@pytest.mark.parametrize("column", ["Unit_Price", "Line_Amount", "VAT_Percent", "VAT_Amount", "Invoice_Total"])
@pytest.mark.parametrize(
    ("value", "lands"),
    [
        ("0.005", False),
        ("-0.001", False),
        ("5704.7500000001", False),
        ("20.50", True),
        ("20.500", True),
        ("20.5", True),
    ],
)
def test_an_amount_of_half_a_penny_is_held_back_and_never_rounded(desk, column, value, lands):
    """Rounded, it would be another amount than the provider sent, and the ledger would hold it to the penny."""
    desk.bill(0, **{column: value})
    landed = {one.dataset: one for one in desk.land()}["invoices"]
    assert landed.held == (() if lands else (f"file 1, row 1, {column}: number_invalid",))


def test_a_negative_amount_is_asked_about_though_its_quantity_is_not(desk):
    """A line that is no credit note and takes money back is no bill."""
    line = desk.bill(0, Unit_Price="-5704.75", Line_Amount="-5704.75")
    desk.validate()
    assert (desk.decided()[line]["verdict"], desk.decided()[line]["reasons"]) == (
        "query", ["price-differs", "quantity-not-positive"],
    )  # fmt: skip


def test_a_credit_note_of_half_a_penny_takes_nothing_back(desk):
    """Held back at the door; the line it names stays whole."""
    line = desk.bill(0)
    bill = desk.rows["invoice-lines"][0]
    desk.validate()
    credit = {"Invoice_Number": "CN-1", "Line_ID": "C1", "Line_Type": "credit", "Unit_Price": "-0.005",
              "Line_Amount": "-0.005", "Credits_Invoice": bill["Invoice_Number"], "Credits_Line": line}  # fmt: skip
    (landed,) = desk.land(desk.send("invoice-lines", [{**bill, **credit}]))
    assert landed.held == ("file 1, row 1, Unit_Price: number_invalid",)
    desk.validate(again=True)
    assert desk.ledger()["GBP"] == {"invoiced": 570475, "paid": 570475, "queried": 0, "rejected": 0, "credited": 0}
