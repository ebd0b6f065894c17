"""The register as it stands, as it stands after one kind of document has ended, or all, and with no rule at all."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from caldicott.register.model import Instrument, InstrumentEvent
from stage import PLANNING, RISK, TODAY

if TYPE_CHECKING:
    from collections.abc import Callable

    from caldicott.register.model import Register

YESTERDAY = TODAY - timedelta(days=1)
NOW, ALL, NOBODY = "in date", "everything ended", "no rule for anybody"


def states(register: Register) -> dict[str, Register]:
    """The register in every state; the kinds of document are those that the activities of the table name anywhere."""
    entries = [register.activity(one) for one in (PLANNING, RISK, "invoice-validation")]
    said = "".join(one.model_dump_json() for one in entries if one)
    kinds = dict.fromkeys(one.kind.value for one in register.instruments if f'"{one.id}"' in said)
    single = {f"{kind} ended": _ended(register, lambda one, kind=kind: one.kind.value == kind) for kind in kinds}
    return {NOW: register, **single, ALL: _ended(register, lambda _one: True), NOBODY: _without_rules(register)}


def _ended(register: Register, of: Callable[[Instrument], bool]) -> Register:
    over = (InstrumentEvent(valid_until=YESTERDAY, event="ended"),)
    kept = tuple(one.model_copy(update={"history": over}) if of(one) else one for one in register.instruments)
    return register.model_copy(update={"instruments": kept})


def _without_rules(register: Register) -> Register:
    emptied = tuple(
        one.model_copy(
            update={
                "roles": (),
                "pseudonym_domain": _with(one.pseudonym_domain, reidentify_roles=()),
                "retention": _with(one.retention, review_role=None),
            }
        )
        for one in register.activities
    )
    return register.model_copy(update={"activities": emptied})


def _with(part: Any, **changes: object) -> Any:
    return part and part.model_copy(update=changes)
