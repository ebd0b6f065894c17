"""Tracing inside the safe haven: the remainder of what landed, against the spine that landed, all in memory.

Tables of the connection, besides the tracer's own:
  spine_row       one row a version of a person's record, as it landed
  merger          superseded and current numbers
  born            number and birth date as the marts compare them
  remainder       one row a record to trace: where it stands, why it is traced, what it says of its person
  settled         one row a record: what came of it
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from caldicott.engines.duckdb import identity_steps, identity_weighed
from caldicott.engines.duckdb.connection import engine_faults, quoted, text
from caldicott.engines.duckdb.linkage.trace import Columns, Tracer
from caldicott.engines.duckdb.scores_inputs import SourceFile
from caldicott.linkage.tracing import PERSON_ROLES
from caldicott.safe_haven.identity.remainder import HELD_BECAUSE, born_column, roles_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    import pyarrow as pa

    from caldicott.engines.duckdb.landing_sql import LandingRules
    from caldicott.facts.layout import Layout
    from caldicott.linkage.tracing import Profile

_ASKED: Final = (
    "nhs_number", "given", "other_given", "family", "birth_date", "gender", "postcode", "death_date", "local_id",
    "activity_date",
)  # fmt: skip
_SPINE_COLUMNS: Final = {
    "nhs_number": "identity", "given": "given_name", "family": "family_name", "birth_date": "birth_date", "gender": "sex",
    "postcode": "postcode", "practice": "practice", "death_date": "died_on",
    "valid_from": "effective_from",
}  # fmt: skip


class _MemoryTracer(Tracer):
    """A tracer whose rows never were a file."""

    def _rows(self, source: SourceFile) -> str:
        return quoted(source.path.name)


class IdentityTracing:
    """One run's tracing."""

    def __init__(self, profile: Profile, *, memory_limit: str = "4GB") -> None:
        self._tracer = _MemoryTracer(profile, memory_limit=memory_limit)
        self._db = self._tracer.connection
        for statement in identity_steps.TABLES:
            self._db.execute(statement)
        self._has_weighed = False

    @staticmethod
    def spine_columns() -> tuple[str, ...]:
        """What is read of the spine's persons."""
        return tuple(_SPINE_COLUMNS.values())

    def add_spine(self, rows: pa.RecordBatchReader, *, since: int) -> None:
        """The spine's persons; of two extracts that say a version, the later counts."""
        known = {role: name for role, name in _SPINE_COLUMNS.items() if name in rows.schema.names}
        self._insert(identity_steps.take_spine(known), rows, since=since)

    def add_mergers(self, rows: pa.RecordBatchReader, *, since: int, apart: Collection[int]) -> None:
        """Columns identity (current) and superseded_nhs_number; merger_ended_on where the feed has it.

        Numbers that were given anew lead nowhere.
        """
        ended = "merger_ended_on IS NOT NULL" if "merger_ended_on" in rows.schema.names else "false"
        numbers = ", ".join(str(number) for number in sorted(apart)) or "-1"
        self._insert(
            "INSERT INTO merger SELECT identity, superseded, $since, has_ended FROM (SELECT identity, "
            f"number_of(canonical_number(superseded_nhs_number)) AS superseded, {ended} AS has_ended FROM arriving) "
            f"WHERE identity NOT IN ({numbers}) AND superseded NOT IN ({numbers})",
            rows,
            since=since,
        )

    def settle_births(self) -> None:
        """Every number's birth date; a superseded number has that of the living one."""
        with engine_faults("know the spine's birth dates"):
            self._db.execute(identity_steps.BORN)

    def add_held(self, submission: str, layout: Layout, rows: pa.Table, *, rules: LandingRules) -> pa.Table:
        """Rows held back for their number: what they say, read as landing reads it. Columns file_row, fault, raw.

        What comes back is each row as it would be admitted, with a fault where something else is wrong too.
        """
        because, asked = HELD_BECAUSE, {"submission": submission}
        self._db.register("arriving", rows)
        with engine_faults("read rows held back"):
            # The order is the sender's: the engine keeps it, so that rows can be put beside where they stood.
            self._db.execute(f"CREATE OR REPLACE TEMP TABLE typed AS {identity_steps.unheld(layout, rules=rules)}")
            typed = self._db.sql("FROM typed").to_arrow_table()
            placed = typed.append_column("file_row", rows.column("file_row").combine_chunks())
            self._db.register("held", placed.append_column("~because", rows.column("fault").combine_chunks()))
            self._db.execute(identity_steps.ask_held(layout, roles_of(layout), because), asked)
            self._db.execute("INSERT INTO held_hash SELECT $submission, record_hash FROM held", asked)
            self._db.unregister("held")
        self._db.unregister("arriving")
        return placed

    def add_unread(self, submission: str, rows: pa.Table) -> None:
        """Rows held back that say too little of their person for any step."""
        self._db.register("arriving", rows)
        with engine_faults("read rows held back"):
            self._db.execute(identity_steps.ask_unread(HELD_BECAUSE), {"submission": submission})
        self._db.unregister("arriving")

    def add_conflicting(self, submission: str, layout: Layout, rows: pa.RecordBatchReader) -> None:
        """Admitted rows of a submission: those whose number is of somebody born on another day are kept to trace."""
        born, asked = born_column(layout), {"submission": submission}
        self._insert(identity_steps.MET.format(differs=identity_steps.differs(born, "a")), rows, submission=submission)
        roles, present = roles_of(layout), frozenset(rows.schema.names)
        with engine_faults("take in rows to trace"):
            self._db.execute(identity_steps.ask_conflicting(born, roles, present=present), asked)
            self._db.execute(identity_steps.LANDED_TOO, asked)
            self._db.execute(identity_steps.keep_conflicting(born), asked)

    def conflicting(self, submission: str) -> pa.Table:
        """Those rows of a submission, as a mart must know them to pass them over."""
        return self._db.sql(identity_steps.CONFLICTING, params={"submission": submission}).to_arrow_table()

    def drop_shared(self) -> None:
        """A number beside many birth dates says nothing of whose a row is."""
        with engine_faults("find numbers shared by many"):
            self._db.execute(identity_steps.SHARED_NUMBERS)
            self._db.execute(identity_steps.MEANT)

    def remains(self) -> int:
        """How many records are to be traced."""
        return int(self._db.execute("SELECT count(*) FROM remainder").fetchall()[0][0])

    def trace(self, run: str) -> None:
        """Every record of the remainder gets its outcome."""
        with engine_faults("lay out the spine"):
            for statement in identity_steps.VERSIONS:
                self._db.execute(statement)
        none = Columns({})
        self._tracer.read_persons(SourceFile(Path("spine_version"), tuple(PERSON_ROLES)), none)
        self._tracer.read_requests(SourceFile(Path("remainder"), ("id", *_ASKED)), none, id_column="id")
        self._tracer.trace(run=run)
        with engine_faults("settle"):
            for statement in identity_steps.settle():
                self._db.execute(statement)

    def weigh(self) -> None:
        """What no step found is weighed against everybody on the spine; what is likely waits for two people."""
        with engine_faults("weigh what no step found"):
            identity_weighed.weigh(self._db)
        self._has_weighed = True

    def settled(self) -> pa.Table:
        """submission, file_row, because, kind, person, step, score, runner_up, code, reason, one_time, given_number, stays."""
        return self._db.sql("SELECT * FROM settled ORDER BY submission, file_row").to_arrow_table()

    def demographics(self) -> pa.Table:
        """Practice and postcode of each person found, as the spine had them on the day of the activity."""
        then = self._tracer.demographics()
        self._db.register("then", then)
        found = self._db.sql(identity_steps.AS_THEN).to_arrow_table()
        self._db.unregister("then")
        return found

    def doubtful(self) -> pa.Table:
        """For each record that two people must look at: what it says, and the persons it may be of, best first."""
        import pyarrow as pa

        asked = [identity_steps.doubtful(_ASKED), *([identity_weighed.doubtful(_ASKED)] if self._has_weighed else [])]
        with engine_faults("find candidates"):
            return pa.concat_tables([self._db.sql(sql).to_arrow_table() for sql in asked])

    def repeats(self, submission: str, mine: pa.Table) -> pa.Table:
        """`file_row` of those of mine that the submission has already, with the same record key and person, or twice."""
        self._db.register("mine", mine)
        with engine_faults("find second copies"):
            found = self._db.sql(identity_steps.SECOND_COPIES, params={"submission": submission}).to_arrow_table()
        self._db.unregister("mine")
        return found

    def parts(self, rows: pa.Table, first: str, last: str) -> pa.Table:
        """The rows with the part of the store each belongs to: a month of the period, or an older year."""
        self._db.register("mine", rows)
        found = self._db.sql(identity_steps.parts(text(first), text(last))).to_arrow_table()
        self._db.unregister("mine")
        return found

    def _insert(self, statement: str, rows: pa.RecordBatchReader, **parameters: str | int) -> None:
        self._db.register("arriving", rows)
        with engine_faults("take in rows to trace"):
            self._db.execute(statement, parameters or None)
        self._db.unregister("arriving")


def only_rows(table: pa.Table, wanted: Iterable[int]) -> pa.Table:
    """The rows at these places of the sender's file."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return table.filter(pc.is_in(table.column("file_row"), value_set=pa.array(list(wanted), pa.int64())))
