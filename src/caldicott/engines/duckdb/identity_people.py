"""Questions of the person index to the people of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.safe_haven.identity.persons import Joined

if TYPE_CHECKING:
    from collections.abc import Iterable

    from caldicott.engines.duckdb.people import DuckDbPeople

# Both had a person of their own: one became the other's since. Who was never met alone has nothing to be told of.
_JOINED = """
SELECT c.number, own.person_id, c.current_number, living.person_id
FROM current c JOIN index_number own ON own.number = c.number JOIN index_number living ON living.number = c.current_number
WHERE own.person_id <> living.person_id
"""


def joined(people: DuckDbPeople) -> list[Joined]:
    """Superseded numbers that were persons of their own, with the person each leads to now."""
    return [Joined(*map(int, row)) for row in people.connection.execute(_JOINED).fetchall()]


def keep_apart(people: DuckDbPeople, numbers: Iterable[int]) -> None:
    """Numbers that were given anew take no part in mergers; asked for before mergers are followed."""
    apart = ", ".join(str(number) for number in sorted(numbers))
    if apart:
        people.connection.execute(
            "CREATE OR REPLACE TEMP TABLE merger AS SELECT number, superseded, since, has_ended FROM merger "
            f"WHERE number NOT IN ({apart}) AND superseded NOT IN ({apart})"
        )
