"""In the safe haven: who may have a score, which practice each is registered with now, and what names them.

Works on the connection of the run's people, where numbers, persons and tokens
stand side by side. What leaves for scoring is token and practice, nothing else;
what names a person leaves only for the encrypted rolls, one practice each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.engines.duckdb.connection import engine_faults, text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    import pyarrow as pa

    from caldicott.engines.duckdb.people import DuckDbPeople

_SEAT_COLUMNS = ("practice", "registered_on", "deregistered_on", "died_on", "extracted_on", "deleted")
_GONE = "lower(coalesce(deleted, '')) IN ('true', '1', 't', 'y')"

_TABLES = """
CREATE TEMP TABLE seat (
  person_token VARCHAR, practice VARCHAR, since DATE, seen DATE, has_left BOOLEAN, died_on DATE
);
CREATE TEMP TABLE naming (
  person_token VARCHAR, nhs_number BIGINT, family_name VARCHAR, given_name VARCHAR, birth_date DATE,
  seen DATE, turn INTEGER
);
"""


class DuckDbRiskPeople:
    """The people of one run, seen for scores."""

    def __init__(self, people: DuckDbPeople, *, barring: int) -> None:
        self._db = people.connection
        self._db.execute(_TABLES)
        # One identity that objects bars the person: a token may stand for several numbers.
        self._db.execute(
            "CREATE TEMP TABLE remaining AS SELECT token AS person_token FROM ("
            "SELECT token, mask FROM person UNION ALL SELECT token, mask FROM person_local) "
            f"WHERE token IS NOT NULL GROUP BY token HAVING bit_or(mask) & {barring} = 0"
        )

    def add_practice_lists(self, marts: Sequence[Path]) -> None:
        """The months of the gp-patients mart: by token already."""
        paths = ", ".join(text(str(path)) for path in marts)
        rows = f"read_parquet([{paths}], union_by_name = true, hive_partitioning = false)"
        with engine_faults("read the practice lists"):
            known = {str(row[0]) for row in self._db.execute(f"DESCRIBE SELECT * FROM {rows}").fetchall()}
            columns = ", ".join(f"{name} AS {name}" if name in known else f"NULL AS {name}" for name in _SEAT_COLUMNS)
            self._db.execute(
                "INSERT INTO seat SELECT person_token, nullif(upper(trim(practice::VARCHAR)), ''), "
                "coalesce(registered_on::DATE, extracted_on::DATE), extracted_on::DATE, "
                "deregistered_on IS NOT NULL, died_on::DATE "
                f"FROM (SELECT person_token, {columns} FROM {rows}) WHERE person_token IS NOT NULL AND NOT {_GONE}"
            )

    def add_demographics(self, rows: pa.RecordBatchReader) -> None:
        """The national feed: identity, practice, registered_on, effective_from, died_on, removal_reason, withdrawn."""
        self._db.register("arriving", rows)
        with engine_faults("read the national feed"):
            self._db.execute(
                "INSERT INTO seat SELECT p.token, nullif(upper(trim(r.practice)), ''), "
                "coalesce(r.registered_on, r.effective_from), r.effective_from, "
                "coalesce(trim(r.removal_reason), '') <> '', r.died_on "
                "FROM arriving r JOIN person p ON p.identity = r.identity WHERE p.token IS NOT NULL AND NOT r.withdrawn"
            )
        self._db.unregister("arriving")

    def add_names(self, rows: pa.RecordBatchReader, *, turn: int) -> None:
        """Identity, family_name, given_name, birth_date, occurred_on, withdrawn; `turn` orders the extracts."""
        self._db.register("arriving", rows)
        with engine_faults("read who is named how"):
            self._db.execute(
                "INSERT INTO naming SELECT p.token, living.living, r.family_name, r.given_name, r.birth_date, "
                "r.occurred_on, $turn FROM arriving r JOIN person p ON p.identity = r.identity "
                "JOIN living ON living.number = r.identity "
                "JOIN remaining ON remaining.person_token = p.token WHERE NOT r.withdrawn",
                {"turn": turn},
            )
        self._db.unregister("arriving")

    def population(self, on: date) -> pa.Table:
        """Who may have a score: person_token and the practice of the newest registration; nobody who has died.

        Two practices that claim a person since the same day are settled by nobody: then no practice has them.
        """
        with engine_faults("settle who is registered where"):
            self._db.execute(
                "CREATE OR REPLACE TEMP TABLE population AS WITH newest AS ("
                "SELECT * FROM seat QUALIFY rank() OVER (PARTITION BY person_token ORDER BY since DESC NULLS LAST, "
                "seen DESC NULLS LAST) = 1), placed AS ("
                "SELECT person_token, CASE WHEN count(DISTINCT coalesce(practice, '')) = 1 AND NOT bool_or(has_left) "
                "THEN any_value(practice) END AS practice FROM newest GROUP BY person_token), "
                f"dead AS (SELECT DISTINCT person_token FROM seat WHERE died_on <= DATE '{on}') "
                "SELECT person_token, practice FROM remaining LEFT JOIN placed USING (person_token) "
                "ANTI JOIN dead USING (person_token) ORDER BY person_token"
            )
            return self._db.sql("FROM population").to_arrow_table()

    def remaining(self) -> pa.Table:
        """Every token that no objection bars today, the dead too: what history may keep."""
        return self._db.sql("FROM remaining").to_arrow_table()

    def roll(self, practices: Sequence[str]) -> pa.Table:
        """What names the people registered with these practices now, by practice and token. Identifiable."""
        self._db.execute(
            "CREATE OR REPLACE TEMP TABLE rolled AS SELECT unnest($1::VARCHAR[]) AS practice", [[*practices]]
        )
        with engine_faults("write the rolls"):
            return self._db.sql(
                "SELECT p.practice, p.person_token, n.nhs_number, n.family_name, n.given_name, n.birth_date "
                "FROM population p SEMI JOIN rolled USING (practice) JOIN ("
                "SELECT * FROM naming QUALIFY row_number() OVER (PARTITION BY person_token "
                "ORDER BY turn DESC, seen DESC NULLS LAST, nhs_number) = 1) n USING (person_token) "
                "ORDER BY p.practice, p.person_token"
            ).to_arrow_table()
