"""Invented invoices: the same seed gives the same bytes, the truth names every fault, none come without asking."""

import csv

from caldicott.synth.invent import invent
from caldicott.synth.invoice_faults import FAULTS


def written(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_same_seed_gives_the_same_bytes_and_every_fault(tmp_path):
    """Two runs agree byte for byte; the truth names every kind of fault."""
    for name in ("one", "two"):
        invent(tmp_path / name, people=400, seed=9, only=["pds"], invoice_lines=300)
    assert written(tmp_path / "one") == written(tmp_path / "two")
    with (tmp_path / "one" / "truth" / "invoice_lines.csv").open() as stream:
        assert {row["fault"] for row in csv.DictReader(stream)} == {"", *FAULTS}


def test_invoices_are_invented_only_when_asked_for(tmp_path):
    """They lie in a folder of their own, which the landing of the other extracts is not given."""
    invent(tmp_path / "out", people=50, seed=9, only=["pds"])
    assert not (tmp_path / "out" / "ceff").exists()
