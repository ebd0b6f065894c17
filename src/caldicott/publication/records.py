"""What publication gives to professionals: the files beside the notice, each made from the register alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from caldicott.publication.document import Artefact
    from caldicott.register.model import Register


def artefacts(register: Register, *, at: date) -> tuple[Artefact, ...]:
    """Every file that is published beside the pages, in the order in which a list of downloads shows them."""
    del register, at
    return ()
