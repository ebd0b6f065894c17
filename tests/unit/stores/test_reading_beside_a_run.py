"""Pages are read while a run writes: neither waits for the other, and nothing read is swept away."""

from __future__ import annotations

from datetime import date

import pytest

from caldicott.stores import store as store_module
from caldicott.stores.store import Store, StoreSettings


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(store_module, "_PATIENCE", 0.0)
    settings = StoreSettings(environ={}, home=tmp_path / "home")
    with Store(tmp_path / "store", settings=settings, created=date(2026, 4, 1), create=True):
        pass
    return tmp_path / "store", settings


def opened(place, **how):
    folder, settings = place
    return Store(folder, settings=settings, created=date(2026, 4, 1), **how)


def test_a_page_is_read_while_a_run_has_the_store(place):
    """The writers' lock does not keep a reader out."""
    with opened(place) as writer, opened(place, reading=True) as reader, reader.looking():
        assert reader.id == writer.id


def test_nothing_is_swept_while_somebody_looks(place):
    """A file that was live when the page began stays until it ends; then it goes."""
    retired = place[0] / "marts" / "old.parquet"
    with opened(place) as writer, opened(place, reading=True) as reader:
        retired.parent.mkdir()
        with reader.looking():
            retired.write_bytes(b"x")
            writer.sweep()
            assert retired.exists()
        writer.sweep()
        assert not retired.exists()


def test_a_reader_changes_nothing_by_opening(place):
    """It neither sweeps nor settles what another has under way."""
    under_way = place[0] / "marts" / "new.parquet"
    under_way.parent.mkdir()
    under_way.write_bytes(b"x")
    with opened(place, reading=True):
        assert under_way.exists()
