"""The registers of the notices as the promise tests hold them: each on its day, and with a part taken away."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from caldicott.operations.perform import House
from caldicott.operations.verify.controls import all_controls
from caldicott.operations.verify.controls.notice import pages_of, says
from caldicott.operations.verify.evidence import Evidence
from caldicott.policy.decide import decide
from caldicott.policy.decision import Permit, Request
from caldicott.publication.document import every_section
from caldicott.register import parse
from caldicott.vocabulary.formats import DataFormat
from stage import NOON

if TYPE_CHECKING:
    from caldicott.operations.verify.control import Finding
    from caldicott.policy.decision import Decision
    from caldicott.publication.document import Page
    from caldicott.register.model import Instrument, Organisation, ProcessingActivity, Register

LEEDS, OXFORDSHIRE, DORSET, EXAMPLE = "leeds-2018", "oxfordshire-2016", "dorset-2018", "example-icb"
OF_NOTICE = {"L1": LEEDS, "L2": LEEDS, "OX": OXFORDSHIRE, "DO": DORSET}
DAY = {
    LEEDS: date(2018, 6, 1), OXFORDSHIRE: date(2016, 12, 1), DORSET: date(2018, 9, 1), EXAMPLE: date(2026, 5, 4),
}  # fmt: skip
ANALYST = "commissioning_analyst"


@cache
def register(name: str) -> Register:
    return parse.load(parse.resolve(name, parse.bundled_roots()))


def activity(name: str, activity_id: str) -> ProcessingActivity:
    found = register(name).activity(activity_id)
    assert found is not None, f"{name} has no activity {activity_id}"
    return found


def organisation(name: str, organisation_id: str) -> Organisation:
    found = register(name).organisation(organisation_id)
    assert found is not None, f"{name} has no organisation {organisation_id}"
    return found


def instrument(name: str, instrument_id: str) -> Instrument:
    found = register(name).instrument(instrument_id)
    assert found is not None, f"{name} has no instrument {instrument_id}"
    return found


@dataclass(frozen=True)
class Catalogue:
    """A catalogue that says what a test wants it to have taken in and made."""

    landed: tuple[Any, ...] = ()
    made: tuple[Any, ...] = ()

    def submissions(self) -> tuple[Any, ...]:
        return self.landed

    def files(self, kind: str, *_: str) -> tuple[Any, ...]:
        return self.made if kind == "mart" else ()


@dataclass(frozen=True)
class Shelf:
    """A store with nothing in it but its catalogue: what a look at the register needs."""

    catalogue: Catalogue = field(default_factory=Catalogue)
    root: Path = Path("nowhere")


def landed(sender: str, dataset: str) -> Any:
    return SimpleNamespace(sender=sender, dataset=dataset, purposes=("commissioning-planning",))


def look(control: str, held: Register | str, *, at: date | None = None, shelf: Shelf | None = None) -> Finding:
    """What the control shows of that register on its day."""
    whole = register(held) if isinstance(held, str) else held
    day = at or DAY.get(held if isinstance(held, str) else "", DAY[EXAMPLE])
    house = House(whole, shelf or Shelf(), day, lambda: NOON, "tester")  # type: ignore[arg-type]
    return all_controls()[control].look(Evidence(house))


def state(control: str, held: Register | str, *, at: date | None = None, shelf: Shelf | None = None) -> str:
    return look(control, held, at=at, shelf=shelf).state.value


def ask(name: str, request: Request, *, on: date | None = None) -> Decision:
    return decide(request, register(name), on or DAY[name])


def codes(decision: Decision) -> set[str]:
    return set() if isinstance(decision, Permit) else {reason.code for reason in decision.reasons}


def with_activity(held: Register | str, activity_id: str, **changes: Any) -> Register:
    """The register with one activity changed."""
    whole = register(held) if isinstance(held, str) else held
    assert whole.activity(activity_id) is not None
    changed = tuple(one.model_copy(update=changes) if one.id == activity_id else one for one in whole.activities)
    return whole.model_copy(update={"activities": changed})


def with_every_activity(name: str, **changes: Any) -> Register:
    whole = register(name)
    return whole.model_copy(update={"activities": tuple(one.model_copy(update=changes) for one in whole.activities)})


def with_organisation(held: Register | str, organisation_id: str, **changes: Any) -> Register:
    whole = register(held) if isinstance(held, str) else held
    assert whole.organisation(organisation_id) is not None
    changed = tuple(one.model_copy(update=changes) if one.id == organisation_id else one for one in whole.organisations)
    return whole.model_copy(update={"organisations": changed})


def with_instrument(held: Register | str, instrument_id: str, **changes: Any) -> Register:
    whole = register(held) if isinstance(held, str) else held
    assert whole.instrument(instrument_id) is not None
    changed = tuple(one.model_copy(update=changes) if one.id == instrument_id else one for one in whole.instruments)
    return whole.model_copy(update={"instruments": changed})


def with_controller(name: str, **changes: Any) -> Register:
    whole = register(name)
    return whole.model_copy(update={"controller": whole.controller.model_copy(update=changes)})


def without_activity(name: str, *activity_ids: str) -> Register:
    whole = register(name)
    left = tuple(one for one in whole.activities if one.id not in activity_ids)
    assert len(left) == len(whole.activities) - len(activity_ids)
    return whole.model_copy(update={"activities": left})


@cache
def notice(name: str) -> tuple[Page, ...]:
    """The pages that the public would read of that register on its day."""
    return pages_of(Evidence(House(register(name), Shelf(), DAY[name], lambda: NOON, "tester")))  # type: ignore[arg-type]


def printed(name: str, place: str) -> str:
    """What the notice says at `slug#anchor`; an anchor that is not there fails the test."""
    slug, _, anchor = place.partition("#")
    (page,) = [one for one in notice(name) if one.slug == slug]
    if not anchor:
        return says(page)
    (section,) = [one for one in every_section(page.sections) if one.id == anchor]
    return says(Single((section,)))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Single:
    """One section read as a page is."""

    sections: tuple[Any, ...]


def assert_is_noticed(control: str, broken: Register, *, at: date | None = None) -> None:
    """The control holds on the example as it is, and is broken on this register."""
    assert state(control, EXAMPLE) == "kept"
    assert state(control, broken, at=at) == "broken"


FORMATS = tuple(DataFormat)


def above(ceiling: DataFormat | None) -> tuple[DataFormat, ...]:
    """The formats that tell more than the ceiling; every format where nobody may have anything."""
    # Not by `is_within`, which is what a decision goes by: were it broken, nothing would seem to lie above.
    return tuple(one for one in FORMATS if ceiling is None or FORMATS.index(one) < FORMATS.index(ceiling))
