"""What a look at the promises may see: the register, the store's own account, the trail, the published pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from caldicott.operations.perform import House
    from caldicott.register.model import Register


@dataclass(frozen=True, slots=True)
class Evidence:
    """The house that is looked at, on a day."""

    house: House

    @property
    def register(self) -> Register:
        return self.house.register

    @property
    def today(self) -> date:
        return self.house.today
