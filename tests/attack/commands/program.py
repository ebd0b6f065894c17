"""The program as somebody calls it: every verb that there is, one called in this process, and what its trail says."""

from __future__ import annotations

import contextlib
import io
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import typer

from caldicott import bootstrap
from caldicott.audit.entry import Outcome
from caldicott.cli import app as cli
from caldicott.stores.audit_log import AuditLog
from stage import TODAY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

    from caldicott.audit.entry import AuditEntry
    from caldicott.register.model import Register
    from caldicott.vocabulary.errors import CaldicottError

COMMAND = typer.main.get_command(cli.app)


def verbs() -> dict[str, frozenset[str]]:
    """Every command of the program, with its options."""
    found = {}

    def walk(group: Any, prefix: str) -> None:
        for name, one in group.commands.items():
            if hasattr(one, "commands"):
                walk(one, f"{prefix}{name} ")
            else:
                found[f"{prefix}{name}"] = frozenset(option for param in one.params for option in param.opts)

    walk(COMMAND, "")
    return found


@dataclass(frozen=True)
class Said:
    """How one call ended, what it printed, and what it left in the trail."""

    exit_code: int
    fault: str
    """The code of the fault that ended it; empty if none did."""
    next_step: str
    text: str = field(repr=False)
    entries: tuple[AuditEntry, ...]

    @property
    def refusals(self) -> tuple[AuditEntry, ...]:
        return tuple(entry for entry in self.entries if entry.outcome is Outcome.REFUSAL)

    @property
    def permits(self) -> tuple[AuditEntry, ...]:
        return tuple(entry for entry in self.entries if entry.outcome is Outcome.PERMIT)

    @property
    def is_let_in(self) -> bool:
        """Whether no door was closed before it; something else may still have stood in the way."""
        return self.exit_code != 3

    def cell(self) -> str:
        """One cell of the table: who was let in, and what for; or the reason of the refusal."""
        reasons = ", ".join(sorted({reason for entry in self.refusals for reason in entry.reasons}))
        if self.exit_code == 3:
            return f"no: {reasons}" if reasons else "no"
        came = f"yes, {self.fault}" if self.fault else "yes" if self.exit_code == 0 else f"yes, exit {self.exit_code}"
        return f"{came}; in part no: {reasons}" if reasons else came


class _Screen(io.StringIO):
    """A terminal: rows of the SQL room are for eyes."""

    def isatty(self) -> bool:
        return True


@dataclass
class Program:
    """Calls verbs on one store, with one register after another, on one day."""

    patch: pytest.MonkeyPatch
    home: Path
    register: Register

    def __post_init__(self) -> None:
        self._entries: list[AuditEntry] = []
        self._faults: list[CaldicottError] = []
        kept, failed = AuditLog.append_many, cli.fail

        def append_many(log: AuditLog, entries: Any) -> int:
            self._entries += entries
            return kept(log, entries)

        def fail(fault: CaldicottError) -> Any:
            self._faults.append(fault)
            failed(fault)

        self.patch.setattr(AuditLog, "append_many", append_many)
        self.patch.setattr(cli, "fail", fail)
        self.patch.setattr(cli, "app", COMMAND)
        self.patch.setattr(bootstrap.Path, "home", lambda: self.home)
        self.patch.setattr(bootstrap, "today", lambda: TODAY)
        self.patch.setattr(bootstrap, "load_register", lambda _name: self.register)
        for name in ("CALDICOTT_KEY_FILE", "CALDICOTT_PASSPHRASE", "XDG_CONFIG_HOME"):
            self.patch.delenv(name, raising=False)

    def __call__(self, *words: object, actor: str = "matrix") -> Said:
        self._entries.clear()
        self._faults.clear()
        self.patch.setenv("CALDICOTT_ACTOR", actor)
        self.patch.setattr(sys, "argv", ["caldicott", *map(str, words)])
        screen = _Screen()
        with contextlib.redirect_stdout(screen), contextlib.redirect_stderr(screen):
            code = _ended()
        fault, next_step = (self._faults[-1].code, self._faults[-1].next_step) if self._faults else ("", "")
        return Said(code, fault, next_step, screen.getvalue(), tuple(self._entries))

    @contextlib.contextmanager
    def under(self, register: Register) -> Iterator[None]:
        """The same program when the register says something else."""
        before, self.register = self.register, register
        try:
            yield
        finally:
            self.register = before


def _ended() -> int:
    try:
        cli.main()
    except SystemExit as ended:
        return int(ended.code or 0)
    raise AssertionError  # pragma: no cover  main always ends by an exit code
