"""A request for release as its history makes it: nothing of it is kept but what happened."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CHECKERS_NEEDED: Final = 2
APPROVE, RETURN = "approve", "return"
WAITING, RETURNED, APPROVED, RELEASED = "waiting", "returned", "approved", "released"
_MADE: Final = frozenset({"requested", "changed"})


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that happened to a request."""

    what: str
    by: str
    role: str
    on: str
    words: str


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """A request as it stands."""

    number: str
    activity: str
    dataset: str
    author: str
    state: str
    context: str
    tables: Mapping[str, str] = field(repr=False)
    said: tuple[Said, ...] = ()

    @property
    def checkers(self) -> tuple[str, ...]:
        """Who has approved it as it is now."""
        return tuple(dict.fromkeys(one.by for one in self.since_made if one.what == APPROVE))

    @property
    def since_made(self) -> tuple[Said, ...]:
        """What happened to it as it is now; what was said of an earlier form does not count."""
        latest = max(place for place, one in enumerate(self.said) if one.what in _MADE)
        return self.said[latest:]


def read_request(number: str, entries: Sequence[Mapping[str, Any]]) -> ReleaseRequest:
    """The request as it stands after these entries.

    Raises:
        DoesNotHold: it has none; a killed asker may leave an empty one.
    """
    if not entries:
        raise DoesNotHold(
            "this request was begun and never made", code="airlock-unknown", where=number,
            next_step="see the requests there are: `caldicott airlock review REGISTER --store DIR`",
        )  # fmt: skip
    first = entries[0]
    latest = [entry for entry in entries if "tables" in entry][-1]
    said = tuple(Said(one["what"], one["by"], one["role"], one["on"], one["words"]) for one in entries)
    found = ReleaseRequest(
        number, first["activity"], first["dataset"], first["by"], WAITING, first["words"],
        latest["tables"], said,
    )  # fmt: skip
    return replace(found, state=_state(found))


def _state(found: ReleaseRequest) -> str:
    if any(one.what == RELEASED for one in found.said):
        return RELEASED
    if any(one.what == RETURN for one in found.since_made):
        return RETURNED
    return APPROVED if len(found.checkers) >= CHECKERS_NEEDED else WAITING
