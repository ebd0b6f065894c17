"""What is wrong with a register, where, and what to do: one value for every reader and check."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

from caldicott.vocabulary.errors import DoesNotHold

Severity = Literal["error", "gap", "warning"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. `error` stops the register; `gap` stops one activity; `warning` stops nothing."""

    file: str
    line: int
    column: int
    what: str
    next_step: str
    severity: Severity
    code: str

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"

    def __str__(self) -> str:
        return f"{self.place}: {self.severity}: {self.what} ({self.code}). Next: {self.next_step}"

    def as_record(self) -> dict[str, str | int]:
        """The same, for `--json`."""
        return asdict(self)


class RegisterDoesNotHold(DoesNotHold):
    """Every fault of a register in one error, so that all can be put right in one go."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        listed = "\n".join(str(fault) for fault in faults)
        number = "one fault" if len(faults) == 1 else f"{len(faults)} faults"
        super().__init__(
            f"the register has {number}:\n{listed}\n",
            code="register-does-not-hold",
            next_step="put right each line above, then run `caldicott register check` again",
        )
        self.faults = faults


def errors_of(faults: tuple[Fault, ...]) -> tuple[Fault, ...]:
    """Those that stop the register."""
    return tuple(fault for fault in faults if fault.severity == "error")
