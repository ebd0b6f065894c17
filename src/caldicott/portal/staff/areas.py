"""The areas of the desk: which there are, by which activities of the register somebody has work there.

Whether a reader sees a link to an area is asked of the one decision, through
`work_of`; what the area then shows, it asks again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from caldicott.portal.staff.work import Work


@dataclass(frozen=True, slots=True)
class Area:
    """A part of the desk with pages of its own."""

    title: str
    says: str
    address: str
    activities: frozenset[str]
    roles: frozenset[str]


AREAS: Final[tuple[Area, ...]] = (
    Area(
        "Patients at risk", "your practice’s list, each patient’s scores, and your work with them", "/staff/practice/",
        frozenset({"risk-stratification"}), frozenset({"gp"}),
    ),
    Area(
        "Who looked", "who looked at whose scores, what for, who was refused, and how long objections waited",
        "/staff/who-looked/", frozenset({"risk-stratification"}),
        frozenset({"ig_officer", "caldicott_guardian", "data_protection_officer"}),
    ),
    Area(
        "The picture of need", "how many people are in each tier and group, in which nobody can be found",
        "/staff/population/", frozenset({"risk-stratification"}),
        frozenset({"commissioning_analyst", "ig_officer", "caldicott_guardian"}),
    ),
    Area(
        "Checking bills", "bills in the locked area, what we ask about, and what was decided", "/staff/invoices/",
        frozenset({"invoice-validation"}), frozenset({"ceff_officer"}),
    ),
    Area(
        "Figures", "counts, costs and rates for planning, in which nobody can be found", "/staff/analyst/",
        frozenset({"commissioning-planning"}),
        frozenset({"commissioning_analyst", "processor_staff", "ig_officer", "caldicott_guardian"}),
    ),
    Area(
        "Doubtful links", "records that may be of one person or another, for two people to look at", "/staff/review/",
        frozenset({"commissioning-planning", "risk-stratification"}), frozenset({"dscro_operator"}),
    ),
)  # fmt: skip


def areas_of(role: str, work: Iterable[Work]) -> tuple[Area, ...]:
    """The areas in which the register gives this role something to do today."""
    open_today = {one.activity for one in work if one.allowed}
    return tuple(area for area in AREAS if role in area.roles and area.activities & open_today)
