"""Room: the command line. Asks operations and prints what they say.

Data format seen here: none; counts, ids, decisions.
May import: operations, bootstrap, and the rooms whose answers it prints.
Serves: "if you have any questions … about the use of your data": every answer and refusal in plain words.
"""

from caldicott.cli.app import main

__all__ = ["main"]
