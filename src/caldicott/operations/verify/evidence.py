"""What a look at the promises may see: the register, the store's own account, the trail, the published pages.

What several controls need is looked up once and kept here; a control adds what it needs alone in its own module.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast

from caldicott.policy.decide import decide
from caldicott.stores.audit_log import read_entries
from caldicott.stores.ceff import ACTIVITY as CEFF_ACTIVITY

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from pathlib import Path

    from caldicott.audit.entry import AuditEntry
    from caldicott.operations.perform import House
    from caldicott.policy.decision import Decision, Request
    from caldicott.register.model import Register
    from caldicott.stores.catalogue import LiveFile, SubmissionRecord

Seen = TypeVar("Seen")


@dataclass(frozen=True)
class Evidence:
    """The house that is looked at, on a day."""

    house: House
    exports: tuple[Path, ...] = ()
    """Folders that roles received, where the one who looks has them; `--demo` has."""

    _once: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def once(self, look: Callable[[Evidence], Seen]) -> Seen:
        """What this function sees, looked up only the first time: several controls share one look."""
        if look not in self._once:
            self._once[look] = look(self)
        return cast("Seen", self._once[look])

    @property
    def register(self) -> Register:
        return self.house.register

    @property
    def today(self) -> date:
        return self.house.today

    @property
    def root(self) -> Path:
        return self.house.store.root

    def decide(self, request: Request, *, on: date | None = None) -> Decision:
        """What the register would say. A probe is nobody's request, so it is not entered in the trail."""
        return decide(request, self.register, on or self.today)

    @cached_property
    def submissions(self) -> tuple[SubmissionRecord, ...]:
        # The controlled environment for finance opens to its members alone; whoever looks here need not be one.
        return tuple(one for one in self.house.store.catalogue.submissions() if one.purposes != (CEFF_ACTIVITY,))

    @cached_property
    def marts(self) -> tuple[LiveFile, ...]:
        return self.house.store.catalogue.files("mart")

    @cached_property
    def entries(self) -> tuple[AuditEntry, ...]:
        """The audit trail."""
        return tuple(read_entries(self.root / "audit"))
