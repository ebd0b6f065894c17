"""How the command line speaks: one paragraph a refusal, one document a `--json`, never a traceback."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NoReturn

from rich.console import Console
from rich.table import Table

from caldicott.vocabulary.errors import ProgramFault

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

    from caldicott.vocabulary.errors import CaldicottError


_INTERRUPTED, _READER_GONE = 130, 141
"""As a shell tells that a signal ended a program: SIGINT, SIGPIPE."""


class _Console(Console):
    """One whose reader may go away: rich would end with 1, which here means that something does not hold."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


_interrupted = threading.Event()


def note_interrupts() -> None:
    """Remember a Ctrl-C: an engine that met it may tell it as a fault of its own kind."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return  # started in the background, where Ctrl-C is meant for others

    def noted(number: int, frame: FrameType | None) -> None:
        _interrupted.set()
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, noted)


def console() -> Console:
    return _Console(highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """Plain text, as it is."""
    console().print(text, markup=False)


def print_json(document: Any) -> None:
    """One JSON document."""
    sys.stdout.write(json.dumps(document, indent=2, default=str) + "\n")
    sys.stdout.flush()  # a full disk is met here, where it can be told, and not when the program ends


def table(title: str, headings: Sequence[str], rows: Sequence[Sequence[object]], *, numbers_from: int = 1) -> None:
    """A table a person reads; columns from `numbers_from` on are numbers."""
    drawn = Table()
    for place, heading in enumerate(headings):
        drawn.add_column(heading, justify="right" if place >= numbers_from else "left", no_wrap=place == 0)
    for row in rows:
        drawn.add_row(*(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
    # Wide enough off a terminal too: a table cut to 80 columns in a log loses its words.
    width = None if sys.stdout.isatty() else 160
    wide = Console(highlight=False, width=width)
    wide.print(f"\n{title}", markup=False, style="bold")
    wide.print(drawn, markup=False)


@contextmanager
def progress(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Tells on standard error what is being done; silent for `--json` and off a terminal."""
    shown = Console(stderr=True, highlight=False)
    if quiet or not shown.is_terminal:
        yield lambda _step: None
        return
    with shown.status("starting") as status:
        yield status.update


def fail(error: CaldicottError) -> NoReturn:
    """Print the error where its reader looks, and end with its exit code."""
    try:
        # Asked of the command itself: the words may have been refused before any option was understood.
        if "--json" in sys.argv[1:]:
            print_json({**error.as_record(), "exit_code": error.exit_code})
        else:
            _Console(stderr=True, highlight=False, soft_wrap=True).print(str(error), markup=False)
    except OSError:  # nobody reads, or there is no room: the exit code still tells
        _stop_writing()
    raise SystemExit(error.exit_code)


def _stop_writing() -> None:
    """What still waits in the streams has nowhere to go; at the end of the program it would become a traceback."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def fail_on_disk(error: OSError | sqlite3.OperationalError) -> NoReturn:
    """A full disk or a missing permission met outside an act is no bug; its words may quote a path and are left out."""
    if isinstance(error, BrokenPipeError):
        _stop_writing()
        raise SystemExit(_READER_GONE)
    words = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else type(error).__name__
    next_step = "check free space and permissions, then run the same command again; an act is there as a whole or not"
    fail(ProgramFault(f"the disk did not do what was asked ({words})", code="disk-fault", next_step=next_step))


def fail_as_bug(error: BaseException) -> NoReturn:
    """A fault of the program: its kind and place in our own code, never its words, which may quote a row."""
    if _interrupted.is_set():
        raise SystemExit(_INTERRUPTED)
    place = "unknown"
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if "caldicott" in file:
            place = f"{file.rpartition('caldicott/')[2]}:{trace.tb_lineno}"
        trace = trace.tb_next
    fail(
        ProgramFault(
            f"The program failed ({type(error).__name__} at {place}). Nothing is half done: "
            "an act is there as a whole or not",
            code="program-failed",
            next_step="report this with the command you gave, not with any data",
        )
    )
