"""Through the door of the zone: asked as its officer, as a member, with the approval and the training live."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import uuid4

from caldicott.audit.entry import Outcome
from caldicott.operations.perform import Act, ask, perform, permits
from caldicott.operations.staff import staff_of
from caldicott.policy.decision import Request
from caldicott.stores.ceff import ACTIVITY, Ceff
from caldicott.vocabulary.errors import Refused
from caldicott.vocabulary.formats import DataFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from caldicott.operations.perform import House
    from caldicott.policy.decision import Permit

ROLE = "ceff_officer"
_FORMAT = {"invoices": DataFormat.AGGREGATED}
"""Lines of invoices name nobody; everything else in the zone is identifiable."""


@dataclass(frozen=True)
class Zone:
    """The house with its officer inside the zone."""

    house: House
    ceff: Ceff


def enter(house: House, datasets: Sequence[str], *, action: str = "see") -> Zone:
    """The zone, for a member, if the register permits the officer these datasets today.

    Raises:
        Refused: policy says no, or the person is no member.
    """
    zone = asked_in(as_officer(house), datasets, action)
    if not zone.ceff.members():
        # Somebody has to be the first: it is whoever the register lets in first, and the trail says who it was.
        _join(zone, zone.house.actor)
    require_member(zone)
    zone.ceff.sweep()
    return zone


def as_officer(house: House) -> House:
    """At the command line whoever asks does so as the zone's officer; membership is asked all the same."""
    return replace(house, role=ROLE)


def look_in(house: House, datasets: Sequence[str]) -> Zone:
    """The zone for a page: by the role of who reads, beside whatever runs, and nobody becomes a member by looking.

    Raises:
        Refused: policy says no, or the person is no member.
    """
    zone = asked_in(house, datasets)
    require_member(zone)
    return zone


def asked_in(house: House, datasets: Sequence[str], action: str = "see") -> Zone:
    """The zone for whom the register lets in; whether they are a member is another question."""
    permitted(
        house,
        [
            Request(house.role, ACTIVITY, one, _FORMAT.get(one, DataFormat.IDENTIFIABLE), action=action,
                    organisation=house.organisation)
            for one in datasets
        ],
    )  # fmt: skip
    return Zone(house, Ceff(house.store))


def permitted(house: House, requests: Sequence[Request]) -> list[Permit]:
    """Ask; every answer is recorded before anyone acts on it."""
    return permits(ask(house, requests))


def require_member(zone: Zone) -> None:
    """Turned away, and recorded, unless they are a member."""
    if not is_inside(zone, zone.house.actor):
        refused = zone.house.entry(
            uuid4().hex, "ceff-enter", Outcome.REFUSAL, activity=ACTIVITY, reasons=("not-a-member",)
        )
        zone.house.store.audit.append(refused)
        raise Refused(
            "You are not a member of the controlled environment for finance. Nothing of it was opened.",
            code="not-a-member",
            next_step="ask a member to add you: `caldicott invoices member REGISTER NAME --store DIR`",
        )


def is_inside(zone: Zone, name: str) -> bool:
    """Whether the person of that name is a member, by whichever door they were let in."""
    staff = staff_of(zone.house.store.catalogue)
    return staff.person(name) in {staff.person(member) for member in zone.ceff.members()}


def begin(house: House) -> Zone:
    """The first member goes in, by the role of who asks; where there are members nothing changes.

    Raises:
        Refused: policy says no, or there are members and the person is none.
    """
    zone = asked_in(house, ["invoices"])
    if not zone.ceff.members():
        _join(zone, house.actor)
    require_member(zone)
    return zone


def members(house: House) -> tuple[str, ...]:
    """Who works in the zone, told to whom the register lets in; nobody yet, before the first went in.

    Raises:
        Refused: policy says no, or there are members and the person is none.
    """
    zone = asked_in(house, ["invoices"])
    if zone.ceff.members():
        require_member(zone)
    return _persons(zone)


def _persons(zone: Zone) -> tuple[str, ...]:
    staff = staff_of(zone.house.store.catalogue)
    return tuple(sorted({staff.person(member) for member in zone.ceff.members()}))


def require_landing(house: House) -> None:
    """For pages: whoever takes something in may do so in their own role, and is a member.

    Raises:
        Refused: policy says no, or the person is no member.
    """
    require_member(asked_in(house, ["invoices", "invoice-backing"], "land"))


def add_member(zone: Zone, name: str) -> tuple[str, ...]:
    """A member lets another in; the trail says who let in whom."""
    _join(zone, staff_of(zone.house.store.catalogue).person(name))
    return _persons(zone)


def _join(zone: Zone, name: str) -> None:
    members = (*zone.ceff.members(), name)

    def compute() -> Act[None]:
        return Act(
            None, lambda: zone.ceff.keep_members(members), counts={"members": len({*members})}, references=(name,)
        )

    perform(zone.house, event="ceff-member", activity=ACTIVITY, compute=compute)
