"""Room: the command line. Asks operations and prints what they say.

Data format seen here: none; counts, ids, decisions.
May import: operations, bootstrap, and the rooms whose answers it prints.
Serves: "if you have any questions … about the use of your data": every answer and refusal in plain words.
"""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """The entry point. What is slow to load is loaded here, where Ctrl-C already ends without a traceback."""
    try:
        from caldicott.cli.app import main as run
        from caldicott.cli.output import note_interrupts

        note_interrupts()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    run()
