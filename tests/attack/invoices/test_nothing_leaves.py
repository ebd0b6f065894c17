# ruff: noqa: E501  rows of invented bills read better whole
"""Forty persons with values that are nobody else's go through the zone: nothing of them is anywhere it should not be."""

import contextlib
import io

import pytest

import people
from attack.scanner import Scanner
from caldicott.engines.duckdb.invoices_books import DECISION, POSTING
from caldicott.operations.invoices.report import report
from caldicott.operations.invoices.settle import explain
from caldicott.operations.invoices.validate import validate
from caldicott.stores.ceff import DECISIONS, POSTINGS, Ceff
from caldicott.vocabulary.errors import CaldicottError

CANARIES = people.invented(40)


@pytest.fixture(scope="module")
def scanner():
    return Scanner(
        {
            "number": one.number,
            "born": one.born,
            "postcode": one.postcode,
            "name": one.family,
            "spell": f"SPELLOF{place:04d}",
        }
        for place, one in enumerate(CANARIES)
    )


@pytest.fixture
def worked(desk):
    """A day in which everything goes wrong that can: every kind of leak was tried, every answer kept."""
    said = []
    for place, person in enumerate(CANARIES):
        spell = {"Local_Spell_ID": f"SPELLOF{place:04d}"}
        leak = {
            0: {"Case_Number": person.number}, 1: {"Line_ID": person.number}, 2: {"Invoice_Number": person.postcode},
            3: {"Invoice_Number": f"{person.number[:3]}-{person.number[3:6]}-{person.number[6:]}"},
            4: {"Case_Number": person.born}, 5: {"Line_Type": person.postcode},
        }.get(place, {})  # fmt: skip
        changed = {6: {"Date_of_Birth": "not a day"}, 7: {"NHS_Number": person.number[:9]}}.get(place, {})
        sus = False if place % 3 == 0 else {**spell, **({"HRG": "AA22C"} if place % 3 == 1 else {})}
        desk.bill(place, backing={**spell, **changed}, sus=sus, **leak)
    for layout, column in (
        ("invoice-backing", "Diagnosis"),
        ("invoice-lines", "Patient_Name"),
        ("invoice-lines", "Notes"),
    ):
        rows = [{**row, column: CANARIES[9].family} for row in desk.rows[layout][8:10]]
        said += desk.land(desk.send(layout, rows))
    said += desk.land(desk.send("invoice-backing", [{**desk.rows["invoice-backing"][8], CANARIES[8].number: "1"}]))
    said += desk.land()
    with desk.house() as house:
        said.append(validate(house))
        said.append(report(house, to=desk.root / "out"))
        said += [explain(house, invoice=f"INV-{number}") for number in range(10, 40)]
        for wrong in (CANARIES[0].number, CANARIES[2].postcode):
            with contextlib.suppress(CaldicottError) as _:
                explain(house, invoice=wrong)
    (desk.root / "said.txt").write_text("\n".join(f"{one!r} {getattr(one, 'fault', '')!s}" for one in said))
    return desk


def test_no_value_of_a_canary_is_in_the_store_the_reports_or_the_words(worked, scanner):
    """Every file but what the senders sent is searched, in every form a careless program could have used."""
    assert scanner.scan(worked.root, leaving_out=("inbox",)) == []
    assert scanner.scan(worked.root / "inbox") != []


def test_not_even_the_decisions_inside_the_zone_hold_one(worked, scanner):
    """Decisions and postings are kept for years, so they name nobody even when opened."""
    with worked.house() as house:
        ceff = Ceff(house.store)
        found = [
            leak
            for kind, schema in ((DECISIONS, DECISION), (POSTINGS, POSTING))
            for _act, rows in ceff.written(kind, schema.names)
            for leak in scanner.in_table(
                rows.drop_columns([n for n in ("reasons",) if n in rows.column_names]), where=kind
            )
        ]
    assert found == []


def test_every_leak_on_an_invoice_was_stopped_at_the_door(worked):
    """Numbers, postcodes and birth dates in texts of an invoice are held back: six rows, each told by row and column."""
    with worked.house() as house:
        record = next(one for one in Ceff(house.store).submissions("invoices") if one.rows == len(CANARIES))
    assert record.quarantined == 6


def test_a_diagnosis_or_free_text_refuses_the_file_whole(worked):
    """A column beyond the permitted ones refuses the file; the words say which column by its place, not by its name."""
    with worked.house() as house:
        landed = {one.id for one in Ceff(house.store).submissions()}
    assert {"s001", "s002", "s003", "s004"} & landed == set()


def test_the_rest_of_the_house_reads_nothing_of_the_zone(worked):
    """No file of the zone is of a kind that landing, marts, exports or persons ask for."""
    with worked.house() as house:
        catalogue = house.store.catalogue
        assert [
            f for kind in ("clear", "quarantine", "repeats", "persons", "mart") for f in catalogue.files(kind)
        ] == []
        assert all(
            file.path.startswith("ceff/") for kind in ("ceff-clear", DECISIONS) for file in catalogue.files(kind)
        )


def test_a_file_of_the_zone_does_not_open_in_another_place_or_with_another_key(worked):
    """Every submission has keys of its own, and a file is bound to its place."""
    with worked.house() as house:
        files = house.store.catalogue.files("ceff-clear")
        assert len({file.key_id for file in files}) == len({file.owner for file in files})
        first, other = files[0], next(file for file in files if file.owner != files[0].owner)
        with pytest.raises(CaldicottError):
            Ceff(house.store)._open(other, f"clear/{first.owner}/{first.part}".encode(), ("file_row",)).read_all()


def test_what_is_printed_is_clean_too(worked, scanner):
    """The command's own tables show counts, codes and places only."""
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown), worked.house() as house:
        print(report(house))  # noqa: T201  what is printed is what is tested
    assert scanner.in_bytes(shown.getvalue().encode(), where="printed") == []
