"""The house that a page of staff stands in: the store, opened once a worker to read, and the reader as the actor."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings

from caldicott import bootstrap
from caldicott.operations.perform import House
from caldicott.portal.views import board

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from caldicott.portal.staff.reader import Reader
    from caldicott.stores.store import Store


@contextmanager
def house_of(reader: Reader) -> Iterator[House]:
    """The house today, for this reader. What is read stays until the end of the block, also beside a run.

    Raises:
        CaldicottError: there is no store, or its key is not to be found.
    """
    # By worker: a connection to the catalogue must not be shared by two of them.
    store = _opened(settings.PORTAL.store, os.getpid())
    with store.looking():
        yield House(
            board().notice().register, store, bootstrap.today(), bootstrap.now, reader.user, role=reader.role,
            organisation=reader.organisation,
        )  # fmt: skip


@lru_cache(maxsize=1)
def _opened(store: Path, worker: int) -> Store:
    del worker
    return bootstrap.open_to_read(store)
