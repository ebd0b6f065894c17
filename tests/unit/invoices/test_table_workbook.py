"""Factors, top-ups and best practice of a published workbook become rows of the tables; other cells are named."""

from datetime import date

import pytest
import xlsxwriter

from caldicott.facts import invoices as facts
from caldicott.invoices import reference
from caldicott.invoices.price import Care, expected
from caldicott.operations.invoices.workbooks import tables_from
from caldicott.vocabulary.errors import DoesNotHold, WrongUsage

YEAR = {"valid_from": date(2025, 4, 1), "valid_to": date(2026, 3, 31)}
ON = date(2025, 5, 10)
PRICES = (
    ("HRG code", "Day case price (£)", "Ordinary elective price (£)", "Non-elective price (£)",
     "Non-elective long stay trim point (days)", "Per day long stay payment (£)"),
    ("FD01A", 1180, 4200.5, 5100, 42, 205),
)  # fmt: skip
FACTORS = (("Provider code", "Provider", "MFF value"), ("RZ1", "East", 1.0454), ("RZ2", "West", 1.1182345))
TOP_UPS = (
    ("Provider code", "Provider", "Children", "Orthopaedic", "Spinal"),
    ("RZ1", "East", 0.28, "-", ""),
    ("RZ2", "West", "", 0.24, 0.32),
)
BEST = (
    ("HRG code", "Best practice tariff", "Day case price (£)", "Non-elective price (£)", "Conditional top-up (£)"),
    ("FD01A", "bp-hip", "", "", 1335),
    ("FD01A", "bp-day", 1290, "", ""),
)
SHEETS = {"1 APC & OPROC": PRICES, "8 MFF": FACTORS, "9 Specialised top-ups": TOP_UPS, "4 BPT": BEST}
LAYOUT = """
no_price = ["", "-"]
yes = ["yes"]
[[tables]]
table = "top_ups"
sheet = "list"
key = "trust"
key_pattern = "[A-Z0-9]{3}"
verified = true
[tables.names]
"children and young people" = "children"
[[tables.units]]
top_up = ["kind of care"]
percent = ["top-up", "may claim"]
when_yes = "28"
"""


def workbook(path, sheets=SHEETS, then=lambda _book: None):
    with xlsxwriter.Workbook(str(path)) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for place, cells in enumerate(rows, start=2):
                sheet.write_row(place, 0, cells)
        then(book)
    return path


def read(folder):
    """The tables as they were written, and shipped ones for the rest."""
    return reference.read({path.stem: path.read_text() for path in folder.glob("*.csv")})


def of(found, table):
    return next(one for one in found if one.table == table)


@pytest.fixture
def tables(tmp_path):
    tables_from(workbook(tmp_path / "a.xlsx"), to=tmp_path / "tables", **YEAR)
    return read(tmp_path / "tables")


def pence(tables, **care):
    return expected(Care("RZ1", "FD01A", started_on=ON, ended_on=date(2025, 5, 13), **care), tables).expected_pence


def test_every_table_of_which_the_workbook_has_a_sheet_is_read(tmp_path):
    """Prices, factors, top-ups and best practice, each dated, and as many rows as the sheets have filled cells."""
    found = tables_from(workbook(tmp_path / "a.xlsx"), to=tmp_path / "tables", **YEAR)
    assert {one.table: (len(one.rows), one.faults) for one in found} == {
        "prices": (3, ()), "market_forces": (2, ()), "top_ups": (3, ()), "best_practice": (2, ()),
    }  # fmt: skip
    assert not any(one.is_verified for one in found)
    assert (tmp_path / "tables" / "market_forces.csv").read_text().splitlines() == [
        "provider,factor,valid_from,valid_to",
        "RZ1,1.045400,2025-04-01,2026-03-31",
        "RZ2,1.118235,2025-04-01,2026-03-31",
    ]
    assert read(tmp_path / "tables").on("market_forces", date(2026, 4, 1), provider="RZ1") is None


def test_a_line_is_priced_with_the_factor_that_was_read(tables):
    """5,100.00 x 1.0454 = 5,331.54."""
    assert pence(tables, point_of_delivery="NEL") == 533154


def test_a_line_is_priced_with_the_top_up_that_was_read(tables):
    """5,100.00 and 28 in a hundred of it, 1,428.00, are 6,528.00; x 1.0454 = 6,824.3712, so 6,824.37."""
    assert pence(tables, point_of_delivery="NEL", top_up="children") == 682437
    assert pence(tables, point_of_delivery="NEL", top_up="spinal") is None  # the other provider's


def test_a_line_is_priced_with_the_addition_that_was_read(tables):
    """5,100.00 + 1,335.00 = 6,435.00; x 1.0454 = 6,727.149, so 6,727.15."""
    assert pence(tables, point_of_delivery="NEL", best_practice="bp-hip") == 672715


def test_a_line_is_priced_with_the_best_practice_price_that_was_read(tables):
    """1,290.00 stands in the place of 1,180.00; x 1.0454 = 1,348.566, so 1,348.57."""
    assert pence(tables, point_of_delivery="DC", best_practice="bp-day") == 134857


def test_as_many_rows_come_out_as_went_in_less_those_named(tmp_path):
    """Of seven filled rows of factors two are used; the others are each named by sheet, row and column."""
    rows = [
        *FACTORS,
        ("RZ1", "again", 1.2),
        ("Total", "", 3.1),
        ("RZ3", "West", 104.54),
        ("RZ4", "x", "dear"),
        ("RZ5", "x", 0),
    ]

    def formula(book):
        book.get_worksheet_by_name("8 MFF").write_formula(9, 2, "=1+0.1", None, 1.1)
        book.get_worksheet_by_name("8 MFF").write(9, 0, "RZ6")

    path = workbook(tmp_path / "a.xlsx", {"8 MFF": rows}, formula)
    (found,) = tables_from(path, to=tmp_path / "tables", **YEAR)
    assert found.left_out == (
        "sheet '8 MFF', row 6, column A: the same provider stands in row 4 too",
        "sheet '8 MFF', row 7, column A: not a code that this column can have",
        "sheet '8 MFF', row 8, column C: not a number that this column can have",
        "sheet '8 MFF', row 9, column C: not a number that this column can have",
        "sheet '8 MFF', row 10, column C: a formula, not a value",
    )
    filled = sum(len(row) > 2 and row[2] not in {"", None} for row in rows[1:])
    assert len(found.rows) + len(found.left_out) == filled


def test_a_column_of_fractions_and_percentages_cannot_be_told(tmp_path):
    """0.28 beside 24: one of them is wrong, and it is not guessed which."""
    rows = [TOP_UPS[0], ("RZ1", "", 0.28, 24), ("RZ2", "", 28, 24), ("RZ3", "", "28%", 24)]
    (found,) = tables_from(workbook(tmp_path / "a.xlsx", {"Top-ups": rows}), to=tmp_path / "tables", **YEAR)
    assert found.left_out == ("sheet 'Top-ups', row 4, column C: not a number that this column can have",)
    assert {(row["provider"], row["top_up"], row["percent"]) for row in found.rows} == {
        ("RZ2", "children", "28.00"), ("RZ3", "children", "28.00"),
        *((code, "orthopaedic", "24.00") for code in ("RZ1", "RZ2", "RZ3")),
    }  # fmt: skip


def test_a_layout_of_ones_own_names_other_sheets_and_headings(tmp_path):
    """A row a provider and kind of care; the workbook's own words become ours; a yes stands for the year's number."""
    (tmp_path / "mine.toml").write_text(LAYOUT)
    rows = [
        ("Trust", "Kind of care", "May claim"),
        ("RZ1", "Children and young people", "Yes"),
        ("RZ2", "spinal", 32),
        ("RZ3", "", 5),
        ("RZ4", "a, b", "yes"),
    ]
    path = workbook(tmp_path / "a.xlsx", {"The list": rows})
    (found,) = tables_from(path, to=tmp_path / "tables", layout=tmp_path / "mine.toml", **YEAR)
    assert [(row["provider"], row["top_up"], row["percent"]) for row in found.rows] == [
        ("RZ1", "children", "28"), ("RZ2", "spinal", "32.00"),
    ]  # fmt: skip
    assert found.left_out == (
        "sheet 'The list', row 6, column A: the row has no top up",
        (
            "sheet 'The list', row 7, column B: not a name that the table can have: "
            "40 letters, digits, dots and hyphens at most"
        ),
    )
    assert found.is_verified


def test_all_of_it_is_added_or_nothing(tmp_path):
    """The prices of the workbook overlap with what is there: its factors are not written either."""
    path = workbook(tmp_path / "a.xlsx")
    tables_from(path, to=tmp_path / "tables", only=["prices"], **YEAR)
    before = (tmp_path / "tables" / "prices.csv").read_text()
    with pytest.raises(DoesNotHold) as fault:
        tables_from(path, to=tmp_path / "tables", **YEAR)
    assert fault.value.code == "reference-broken"
    assert [one.name for one in (tmp_path / "tables").iterdir()] == ["prices.csv"]
    assert (tmp_path / "tables" / "prices.csv").read_text() == before


def test_hidden_columns_and_rows_are_told(tmp_path):
    """They are read, and whoever did not see them is told that they are there."""

    def hide(book):
        sheet = book.get_worksheet_by_name("8 MFF")
        sheet.set_column(2, 2, 10, None, {"hidden": True})
        sheet.set_row(4, None, None, {"hidden": True})

    path = workbook(tmp_path / "a.xlsx", {"8 MFF": FACTORS}, hide)
    (found,) = tables_from(path, to=tmp_path / "tables", **YEAR)
    assert found.notes == (
        "sheet '8 MFF', column C: the column is hidden; it was read all the same",
        "sheet '8 MFF', row 5: the row is hidden; it was read all the same",
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"only": ["wishes"]}, "table-unknown"),
        ({"valid_from": date(2026, 4, 1)}, "days-wrong"),
    ],
)
def test_what_is_asked_wrongly_is_told(tmp_path, change, code):
    with pytest.raises(WrongUsage) as fault:
        tables_from(workbook(tmp_path / "a.xlsx"), to=tmp_path / "tables", **{**YEAR, **change})
    assert fault.value.code == code
    assert not (tmp_path / "tables").exists()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("not toml", "no TOML"),
        ("no_price = []", "at least one of `tables`"),
        (LAYOUT.replace("top_ups", "wishes"), "a table is one of"),
        (LAYOUT.replace('sheet = "list"', ""), "has no `sheet`"),
        (LAYOUT.replace('percent = ["top-up", "may claim"]', ""), "has no `percent`"),
        (LAYOUT.replace("when_yes", "if_yes"), "knows no `if_yes`"),
        (LAYOUT.replace("[A-Z0-9]{3}", "["), "is no pattern"),
    ],
)
def test_a_layout_that_does_not_hold_is_refused_with_why(tmp_path, text, why):
    """It is somebody's own file: each fault says what to change."""
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(DoesNotHold, match=why) as fault:
        tables_from(workbook(tmp_path / "a.xlsx"), to=tmp_path / "tables", layout=tmp_path / "mine.toml", **YEAR)
    assert fault.value.code == "layout-broken"


def test_the_layout_that_ships_holds_by_the_same_rule(tmp_path):
    """And says that it is remembered."""
    shipped = facts.workbook("nhs-payment-scheme")
    assert shipped["verified"] is False
    from importlib import resources

    text = resources.files("caldicott.facts.invoices").joinpath("workbooks", "nhs-payment-scheme.toml").read_text()
    (tmp_path / "mine.toml").write_text(text)
    found = tables_from(workbook(tmp_path / "a.xlsx"), to=tmp_path / "t", layout=tmp_path / "mine.toml", **YEAR)
    assert {one.table for one in found} == {one["table"] for one in shipped["tables"]}
