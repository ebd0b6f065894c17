"""What a member does from a page: take in, check what waits, let another member in.

In their own role, never in a lent one.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from caldicott.operations.invoices import land as landing
from caldicott.operations.invoices.validate import Validated, validate
from caldicott.operations.invoices.zone import add_member, begin, look_in, require_landing
from caldicott.stores.names import unused_name
from caldicott.vocabulary.errors import WrongUsage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from caldicott.operations.perform import House

ROWS_MOST: Final = 200_000
"""More than these in the zone, and the check takes longer than somebody waits for a page."""
BYTES_MOST: Final = 20_000_000


def take_in(house: House, files: Mapping[str, bytes]) -> list[landing.Landed]:
    """Land one submission that came as files of a form, with its manifest among them.

    Raises:
        Refused: policy says no, or the person is no member. DoesNotHold: there is no manifest.
    """
    require_landing(house)
    with _arriving(house.store.root / "arriving", files) as folder:
        return landing.land(house, folder)


@contextmanager
def _arriving(root: Path, files: Mapping[str, bytes]) -> Iterator[Path]:
    """Files of a form in a folder of the zone that nobody else reads, and that is gone afterwards."""
    shutil.rmtree(root, ignore_errors=True)  # of a program that was killed while it took something in
    folder = root / unused_name()
    folder.mkdir(parents=True, mode=0o700)
    try:
        for name, content in files.items():
            # The name is the sender's: only its last part is taken, so that it leads nowhere else.
            (folder / (name.replace("\\", "/").rsplit("/", 1)[-1].lstrip(".") or "file")).write_bytes(content)
        yield folder
    finally:
        shutil.rmtree(root, ignore_errors=True)


def check(house: House, *, again: bool) -> Validated:
    """Decide what waits, if that is short enough for a page.

    Raises:
        Refused: policy says no, or the person is no member. WrongUsage: it is too much for a page.
    """
    zone = look_in(house, ["invoices", "invoice-backing", "pds", "sus-apc", "sus-op", "sus-ec"])
    if sum(one.rows for one in zone.ceff.submissions()) > ROWS_MOST:
        raise WrongUsage(
            "there is more in the zone than a page can check while you wait",
            code="too-much-for-a-page",
            next_step="ask the people who run the computers for `caldicott invoices validate REGISTER --store DIR`",
        )
    return validate(house, again=again)


def let_in(house: House, name: str) -> tuple[str, ...]:
    """A member lets another in; the very first lets in themselves.

    Raises:
        Refused: policy says no, or the person is no member.
    """
    return add_member(begin(house), name)
