"""Who tries codes that are not of their patients is stopped for the day, the officer is told, and every try counts.

Whoever goes on is turned away before anything is asked or looked up. The tries
after that are added up and enter the trail by the hundred: one entry each would
let a flood of them push the alert out of sight, and fill the disk.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from caldicott.audit.entry import Outcome
from caldicott.operations.reidentify_rights import Reader, refuse
from caldicott.operations.stratify_plan import RISK_SCORES
from caldicott.vocabulary.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from caldicott.operations.perform import House

FOREIGN_MOST: Final = 20
"""So many codes that are not of the reader's patients may a member of staff ask for in a day. Ours: a slip is one."""
TOGETHER: Final = 100
"""So many tries of who is stopped already make one entry of the trail."""
_SETTING: Final = "throttle"
_SAID: Final = "Too many codes were tried that are not of your patients."
_NEXT: Final = "The information governance officer has been told; ask there."


@dataclass(frozen=True, slots=True)
class Tried:
    """What one member of staff tried on a day."""

    on: str
    role: str
    organisation: str
    user: str
    activity: str
    foreign: int = 0
    """Codes that are not of their patients, until they were stopped."""
    stopped: int = 0
    """How often they came back after that."""
    entered: int = 0
    """How many of those are in the trail."""


def require_open(house: House, activity: str, reader: Reader) -> None:
    """Whoever tried too many codes today sees nothing more today.

    Raises:
        Refused: that is so.
    """
    known = _known(house).get(_key(reader))
    if known is None or known.on != house.today.isoformat() or known.foreign <= FOREIGN_MOST:
        return
    now = _changed(house, activity, reader, lambda one: replace(one, stopped=one.stopped + 1))
    if now.stopped == 1 or now.stopped - now.entered >= TOGETHER:
        enter(house)
    raise Refused(f"No. {_SAID} {_NEXT}", code="enumeration", next_step=_NEXT)


def count_foreign(house: House, reader: Reader, activity: str, *, foreign: int, asked: int) -> None:
    """Add up what a member of staff tried today; too many stop the reader and tell the officer, once a day.

    Raises:
        Refused: too many.
    """
    if not foreign:
        return
    now = _changed(house, activity, reader, lambda one: replace(one, foreign=one.foreign + foreign))
    if now.foreign <= FOREIGN_MOST:
        return
    counts = {"tokens": asked, "not of the reader's patients": foreign, "today": now.foreign}
    house.store.audit.append(
        house.entry(
            uuid4().hex, "alert", Outcome.REFUSAL, activity=activity, dataset=RISK_SCORES, reasons=("enumeration",),
            counts=counts,
        )
    )  # fmt: skip
    refuse(house, activity, "enumeration", _SAID, counts=counts)


def enter(house: House) -> None:
    """What was added up goes into the trail: by the hundred, and whenever somebody reads who looked."""
    with house.store.catalogue.transaction():
        known = _known(house)
        waiting = [one for one in known.values() if one.stopped > one.entered]
        if waiting:
            _keep(house, {key: replace(one, entered=one.stopped) for key, one in known.items()})
    for one in waiting:
        theirs = replace(house, actor=one.user, role=one.role[:40], organisation=one.organisation[:40])
        house.store.audit.append(
            theirs.entry(
                uuid4().hex, "reidentify", Outcome.REFUSAL, activity=one.activity, dataset=RISK_SCORES,
                reasons=("enumeration",), counts={"turned away": one.stopped - one.entered},
            )
        )  # fmt: skip


def _changed(house: House, activity: str, reader: Reader, change: Callable[[Tried], Tried]) -> Tried:
    """The reader's count of today after the change; counts of other days are entered and let go of."""
    today = house.today.isoformat()
    if any(one.on != today for one in _known(house).values()):
        enter(house)
    fresh = Tried(today, reader.role, reader.organisation.upper(), reader.user, activity)
    with house.store.catalogue.transaction():
        known = {key: one for key, one in _known(house).items() if one.on == today}
        now = known[_key(reader)] = change(known.get(_key(reader), fresh))
        _keep(house, known)
    return now


def _known(house: House) -> dict[str, Tried]:
    said: dict[str, Any] = json.loads(house.store.catalogue.setting(_SETTING) or "{}")
    return {key: Tried(**one) for key, one in said.items()}


def _keep(house: House, known: dict[str, Tried]) -> None:
    house.store.catalogue.set_setting(_SETTING, json.dumps({key: asdict(one) for key, one in known.items()}))


def _key(reader: Reader) -> str:
    return f"{reader.organisation.upper()}/{reader.user}"
