"""The tree of errors that people are shown. Everything else is a bug.

CaldicottError
├── DoesNotHold      exit 1: the input or the register does not hold
├── WrongUsage       exit 2: the command was asked in a way it cannot answer
├── Refused          exit 3: policy said no
└── ProgramFault     exit 4: the program, disk or machine failed

Each carries what is wrong, where, and the next step. None ever carries the
value of a row [STYLE 3].
"""

from __future__ import annotations


class CaldicottError(Exception):
    """Shown to a person without a traceback."""

    exit_code = 4

    def __init__(self, what: str, *, code: str, next_step: str, where: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.code = code
        self.next_step = next_step
        self.where = where

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.what} ({self.code}). Next: {self.next_step}"

    def as_record(self) -> dict[str, str]:
        """The same, for `--json`."""
        return {"error": self.code, "what": self.what, "where": self.where, "next_step": self.next_step}


class DoesNotHold(CaldicottError):
    """The input or the register does not hold; each fault is named."""

    exit_code = 1


class WrongUsage(CaldicottError):
    """The command was asked in a way it cannot answer."""

    exit_code = 2


class Refused(CaldicottError):
    """Policy said no. Where its explanation does not say what to do next and whom to ask, that is said after it."""

    exit_code = 3

    def __str__(self) -> str:
        return self.what if self.next_step in self.what else f"{self.what.removesuffix('.')}. Next: {self.next_step}"


class ProgramFault(CaldicottError):
    """The program, the disk or the machine failed; nothing is half done."""

    exit_code = 4
