"""Who is who and who remains: identities to persons, objections to persons, all as joins in memory.

Tables of the connection, all temporary:
  seen(number)                      distinct NHS numbers in the submissions of this run
  seen_local(kind, value)           distinct other identities
  current(number, current_number)   superseded numbers followed to the living one
  index_number(number, person_id), index_local(kind, value, person_id)   the person index
  demographic(number, birth_date)   the national feed
  objecting(person_id, mask)        one bit a scheme, latest code wins
  allowed(number)                   the national opt-out answer: who has NOT opted out
  registered(number, practice, ...) where somebody is or was registered, by which source
  answered(practice)                practices whose coded objections have come and are not too old
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.engines.duckdb.connection import connect
from caldicott.facts.objections import codes, no_practice
from caldicott.vocabulary.terms import Objection

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    import duckdb
    import pyarrow as pa

BIT = {scheme: 1 << place for place, scheme in enumerate(Objection)}
EVERYONE = 1 << len(BIT)
"""Set for every person: the bit of a scheme that nobody has answered yet, so that missing means out, not in."""
UNANSWERED = EVERYONE << 1
"""Set for who is registered at a practice that has not said who objects, or at none that is known."""
REGISTRATION, SPINE, MENTION = 0, 1, 2
"""Where a registration is known from. A row that only names the practice counts where nothing better is known."""

_TABLES = """
CREATE TEMP TABLE seen (number BIGINT);
CREATE TEMP TABLE seen_local (kind VARCHAR, value VARCHAR);
CREATE TEMP TABLE merger (number BIGINT, superseded BIGINT, since INTEGER, has_ended BOOLEAN);
CREATE TEMP TABLE demographic (number BIGINT, birth_date DATE);
CREATE TEMP TABLE index_number (number BIGINT, person_id BIGINT);
CREATE TEMP TABLE index_local (kind VARCHAR, value VARCHAR, person_id BIGINT);
CREATE TEMP TABLE coded_record (
  number BIGINT, code VARCHAR, recorded_on DATE, record_hash UBIGINT, withdrawn BOOLEAN, file_row BIGINT,
  sender VARCHAR, since INTEGER, practice VARCHAR
);
CREATE TEMP TABLE registered (
  number BIGINT, practice VARCHAR, is_current BOOLEAN, source INTEGER, sender VARCHAR, since INTEGER
);
CREATE TEMP TABLE answered (practice VARCHAR);
CREATE TEMP TABLE objection_code (scheme VARCHAR, bit INTEGER, is_dissent BOOLEAN, code VARCHAR, effective_until DATE);
CREATE TEMP TABLE allowed (number BIGINT);
"""


_SETTLED = (
    "seen", "seen_local", "merger", "demographic", "index_number", "index_local", "coded_record", "registered", "answered",
    "allowed", "objecting", "heard",
)  # fmt: skip
"""What nobody asks for once everybody's objections are settled: three fifths of the memory of a run's people."""


class DuckDbPeople:
    """The people of one run."""

    def __init__(
        self, *, threads: int = 2, memory_limit: str = "2GB", connection: duckdb.DuckDBPyConnection | None = None
    ) -> None:
        # Another engine answers the same steps through a connection of its own (engines.spark.connection).
        self.connection = connection or connect(threads=threads, memory_limit=memory_limit)
        self.connection.execute(_TABLES)
        self.connection.execute("SET preserve_insertion_order = false")
        self.connection.executemany(
            "INSERT INTO objection_code VALUES (?, ?, ?, ?, nullif(?, '')::DATE)",
            [(c.scheme.value, BIT[c.scheme], c.is_dissent, c.code, c.effective_until) for c in codes()],
        )

    def add_numbers(self, rows: pa.RecordBatchReader) -> None:
        """Column identity: NHS numbers met in a submission."""
        self._insert("INSERT INTO seen SELECT DISTINCT identity FROM arriving WHERE identity IS NOT NULL", rows)

    def add_local(self, rows: pa.RecordBatchReader, *, kind: str) -> None:
        """Column identity: other identities, valid for one kind and sender only."""
        self._insert(
            "INSERT INTO seen_local SELECT DISTINCT $kind, identity FROM arriving WHERE identity IS NOT NULL",
            rows,
            kind=kind,
        )

    def add_mergers(self, rows: pa.RecordBatchReader, *, since: int) -> None:
        """Columns identity (current) and superseded_nhs_number; merger_ended_on where the feed has it."""
        ended = "merger_ended_on IS NOT NULL" if "merger_ended_on" in rows.schema.names else "false"
        self._insert(
            "INSERT INTO merger SELECT identity, number_of(canonical_number(superseded_nhs_number)), "
            f"CAST($since AS INTEGER), {ended} FROM arriving",
            rows,
            since=since,
        )

    def add_demographics(self, rows: pa.RecordBatchReader) -> None:
        """Columns identity and birth_date, from the national feed."""
        self._insert("INSERT INTO demographic SELECT identity, birth_date FROM arriving", rows)

    def add_objections(
        self, rows: pa.RecordBatchReader, *, sender: str, since: int, replaced: Iterable[tuple[date, date]]
    ) -> None:
        """Columns identity, objection_code, recorded_on, record_hash, withdrawn, file_row and practice of one submission."""
        periods = "".join(f" AND recorded_on NOT BETWEEN DATE '{first}' AND DATE '{last}'" for first, last in replaced)
        self._insert(
            "INSERT INTO coded_record SELECT identity, objection_code, recorded_on, record_hash, withdrawn, file_row, "
            f"$sender, $since, upper(trim(practice)) FROM arriving WHERE true{periods}",
            rows,
            sender=sender,
            since=since,
        )

    def practices_named(self) -> dict[int, frozenset[str]]:
        """By place of an extract of codes: the practices that its rows are of."""
        found = self.connection.execute("SELECT DISTINCT since, practice FROM coded_record").fetchall()
        places = {int(since) for since, _practice in found}
        return {place: frozenset(str(p) for since, p in found if int(since) == place and p) for place in places}

    def add_registered(self, rows: pa.RecordBatchReader, *, source: int, sender: str, since: int) -> None:
        """Columns identity, practice and withdrawn; an end of the registration, where the layout has one."""
        ended = [name for name in ("deregistered_on", "removal_reason") if name in rows.schema.names]
        none = ", ".join(f"'{code}'" for code in no_practice())
        current = " AND ".join(f"{name} IS NULL" for name in ended) or "true"
        self._insert(
            f"INSERT INTO registered SELECT DISTINCT identity, upper(trim(practice)), {current}, "
            "CAST($source AS INTEGER), $sender, CAST($since AS INTEGER) FROM arriving "
            "WHERE identity IS NOT NULL AND NOT withdrawn AND nullif(trim(practice), '') IS NOT NULL "
            f"AND upper(trim(practice)) NOT IN ({none})",
            rows,
            source=source,
            sender=sender,
            since=since,
        )

    def add_answered(self, practices: Iterable[str]) -> None:
        """The practices that have said who objects, as of today."""
        if rows := [(practice,) for practice in sorted(practices)]:
            self.connection.executemany("INSERT INTO answered VALUES (?)", rows)

    def add_allowed(self, rows: pa.RecordBatchReader) -> None:
        """Column identity: who is in the national answer."""
        self._insert("INSERT INTO allowed SELECT DISTINCT identity FROM arriving", rows)

    def add_index(self, numbers: pa.RecordBatchReader, local: pa.RecordBatchReader) -> None:
        """The person index as kept."""
        self._insert("INSERT INTO index_number SELECT number, person_id FROM arriving", numbers)
        self._insert("INSERT INTO index_local SELECT kind, value, person_id FROM arriving", local)

    def follow_mergers(self) -> None:
        """Follow superseded numbers to the living one; in a circle the lowest stands for all."""
        self.connection.execute(_FIRST_STEPS)
        # Each round doubles how far a step reaches, so a chain of a thousand takes ten; only a circle takes them all.
        for _round in range(self._count("current").bit_length() + 1):
            if not self._count("current a JOIN current b ON b.number = a.current_number"):
                break
            self.connection.execute(_LONGER_STEPS)
        self.connection.execute(_OUT_OF_CIRCLES)
        self.connection.execute(
            "CREATE TEMP TABLE living AS SELECT seen.number, coalesce(current_number, seen.number) AS living "
            "FROM (SELECT DISTINCT number FROM seen) seen LEFT JOIN current USING (number)"
        )

    def strangers(self) -> tuple[pa.Table, pa.Table]:
        """Identities the index does not know yet: numbers (number), others (kind, value)."""
        numbers = self.connection.sql(
            "SELECT DISTINCT living AS number FROM living ANTI JOIN index_number ON living = index_number.number"
        ).to_arrow_table()
        others = self.connection.sql(
            "SELECT DISTINCT kind, value FROM seen_local ANTI JOIN index_local USING (kind, value)"
        ).to_arrow_table()
        return numbers, others

    def settle(self, *, ndop_answered: bool, asks_practices: bool = False, all_answered: bool = False) -> None:
        """Every identity's person and the schemes that person objects by, as one bit mask.

        Of whom no practice is known, all practices must have answered: the code may be at any of them.
        """
        self.connection.execute(_HEARD)
        nowhere = UNANSWERED if asks_practices and not all_answered else 0
        heard = f"CASE WHEN h.is_heard IS NULL THEN {nowhere} WHEN h.is_heard THEN 0 ELSE {UNANSWERED} END"
        unheard = heard if asks_practices else "0"
        self.connection.execute(_LIVE_OBJECTIONS)
        self.connection.execute(_OBJECTING)
        out = "NOT EXISTS (FROM allowed WHERE allowed.number = living.living)" if ndop_answered else "true"
        ndop = BIT[Objection.NATIONAL_DATA_OPT_OUT]
        self.connection.execute(
            "CREATE TEMP TABLE person AS "
            f"SELECT living.number AS identity, i.person_id, coalesce(o.mask, 0) | {EVERYONE} | "
            f"(CASE WHEN {out} THEN {ndop} ELSE 0 END) | ({unheard}) AS mask, d.birth_date AS demographic_birth_date, d.number IS NOT NULL AS is_known "
            "FROM living JOIN index_number i ON i.number = living.living LEFT JOIN objecting o USING (person_id) "
            "LEFT JOIN heard h ON h.person_id = i.person_id "
            "LEFT JOIN (SELECT number, max(birth_date) AS birth_date FROM demographic GROUP BY 1) d "
            "ON d.number = living.living"
        )
        # The national check knows NHS numbers only: who has none cannot be shown not to object.
        self.connection.execute(
            "CREATE TEMP TABLE person_local AS SELECT kind, value AS identity, person_id, "
            f"{ndop | EVERYONE | nowhere} AS mask, "
            "NULL::DATE AS demographic_birth_date, false AS is_known FROM index_local"
        )

        for name in _SETTLED:
            self.connection.execute(f"DROP TABLE {name}")

    def persons_remaining(self, barring_masks: list[int]) -> pa.ChunkedArray:
        """Persons whom at least one of the masks does not bar: only they get a token."""
        remains = " OR ".join(f"mask & {mask} = 0" for mask in barring_masks) or "false"
        found = self.connection.sql(
            f"SELECT DISTINCT person_id FROM (SELECT person_id, mask FROM person UNION ALL "
            f"SELECT person_id, mask FROM person_local) WHERE {remains}"
        ).to_arrow_table()
        return found.column("person_id")

    def give_tokens(self, tokens: pa.Table) -> None:
        """Columns person_id and token."""
        self.connection.register("arriving", tokens)
        for name in ("person", "person_local"):
            self.connection.execute(
                f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT {name}.*, token FROM {name} LEFT JOIN arriving USING (person_id)"
            )
        self.connection.unregister("arriving")

    def count_objecting(self) -> dict[str, int]:
        """Persons objecting by each scheme."""
        counts = ", ".join(f"count(*) FILTER (mask & {bit} <> 0)" for bit in BIT.values())
        row = self.connection.execute(
            f"SELECT {counts} FROM (SELECT person_id, any_value(mask) AS mask FROM person GROUP BY person_id)"
        ).fetchall()[0]
        return {scheme.value: int(count) for scheme, count in zip(BIT, row, strict=True)}

    def late_type2(self) -> int:
        """Type 2 codes dated after the scheme's end: without effect, and to be told to the practice."""
        row = self.connection.execute(
            "SELECT count(*) FROM objection JOIN objection_code USING (code) "
            "WHERE scheme = 'type2' AND is_dissent AND recorded_on > effective_until"
        ).fetchall()[0]
        return int(row[0])

    def _count(self, source: str) -> int:
        return int(self.connection.execute(f"SELECT count(*) FROM {source}").fetchall()[0][0])

    def _insert(self, statement: str, rows: pa.RecordBatchReader, **parameters: str | int) -> None:
        self.connection.register("arriving", rows)
        self.connection.execute(statement, parameters or None)
        self.connection.unregister("arriving")


# The newest extract's word on a merger counts: one that has ended since joins nobody.
# current(number, current_number, lowest): where a superseded number leads, and the lowest number met on the way.
_FIRST_STEPS = """
CREATE TEMP TABLE current AS
SELECT superseded AS number, max(number) AS current_number, max(number) AS lowest
FROM (
  FROM merger QUALIFY row_number() OVER (PARTITION BY number, superseded ORDER BY since DESC, has_ended) = 1
) WHERE superseded <> number AND NOT has_ended GROUP BY superseded
"""
_LONGER_STEPS = """
CREATE OR REPLACE TEMP TABLE current AS
SELECT a.number, coalesce(b.current_number, a.current_number) AS current_number, least(a.lowest, b.lowest) AS lowest
FROM current a LEFT JOIN current b ON b.number = a.current_number
"""
_OUT_OF_CIRCLES = """
CREATE OR REPLACE TEMP TABLE current AS
SELECT a.number, coalesce(b.lowest, a.current_number) AS current_number
FROM current a LEFT JOIN current b ON b.number = a.current_number
"""

# The newest extract's word on a record counts: a code deleted since, be it a refusal or its withdrawal, is not there.
_LIVE_OBJECTIONS = """
CREATE TEMP TABLE objection AS
SELECT number, code, recorded_on FROM (
  FROM coded_record QUALIFY row_number() OVER (PARTITION BY sender, record_hash ORDER BY since DESC, file_row) = 1
) WHERE NOT withdrawn
"""

# The latest code of a scheme decides; on the same day a dissent outweighs its withdrawal.
_OBJECTING = """
CREATE TEMP TABLE objecting AS
WITH coded AS (
  SELECT i.person_id, c.scheme, c.bit, c.is_dissent, o.recorded_on
  FROM objection o JOIN objection_code c USING (code)
  LEFT JOIN current m ON m.number = o.number
  JOIN index_number i ON i.number = coalesce(m.current_number, o.number)
  WHERE c.effective_until IS NULL OR o.recorded_on <= c.effective_until
), latest AS (
  SELECT person_id, bit, arg_max(is_dissent, (recorded_on, is_dissent)) AS objects
  FROM coded GROUP BY person_id, bit
)
SELECT person_id, bit_or(bit) AS mask FROM latest WHERE objects GROUP BY person_id
"""

# Who is registered where codes have come from: at every practice that the newest extract of a sender or the spine
# names. Ended registrations count where there is no other, and a row that only mentions a practice where nothing else is
# known. Who is not heard cannot be shown not to object.
_HEARD = """
CREATE TEMP TABLE heard AS
WITH newest AS (
  SELECT number, sender, source, max(since) AS since FROM registered GROUP BY number, sender, source
), told AS (
  SELECT i.person_id, r.practice, r.is_current, CASE WHEN r.source = 2 THEN 1 ELSE 0 END AS is_mention
  FROM registered r
  JOIN newest n ON n.number = r.number AND n.sender = r.sender AND n.source = r.source AND n.since = r.since
  LEFT JOIN current m ON m.number = r.number
  JOIN index_number i ON i.number = coalesce(m.current_number, r.number)
), best AS (
  SELECT person_id, min(is_mention * 2 + CASE WHEN is_current THEN 0 ELSE 1 END) AS kind FROM told GROUP BY person_id
), counted AS (
  SELECT t.person_id, t.practice FROM told t
  JOIN best b ON b.person_id = t.person_id AND b.kind = t.is_mention * 2 + CASE WHEN t.is_current THEN 0 ELSE 1 END
)
SELECT c.person_id, count(*) = count(a.practice) AS is_heard
FROM counted c LEFT JOIN (SELECT DISTINCT practice FROM answered) a ON a.practice = c.practice
GROUP BY c.person_id
"""
