"""Checking invoices by DuckDB: lines, backing, trace and hospital records in, one decision a line out.

In memory, nothing spilled. Hospital records are streamed: only those of a billed
person or a billed spell are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from caldicott.engines.duckdb import invoices_match_sql as match
from caldicott.engines.duckdb import invoices_price_sql as price
from caldicott.engines.duckdb import invoices_sql as steps
from caldicott.engines.duckdb.connection import connect, engine_faults, text
from caldicott.engines.duckdb.invoices_books import BookEngine
from caldicott.engines.duckdb.invoices_checks import CheckRules, reasons_sql, wide
from caldicott.invoices.reasons import Verdict, reasons
from caldicott.invoices.reference import COLUMNS
from caldicott.invoices.responsibility import successor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from caldicott.invoices.reference import Reference

SUS_COLUMNS: Final = (
    "record_hash", "identity", "provider", "spell", "started_on", "ended_on", "point_of_delivery", "hrg",
)  # fmt: skip
_BATCH_ROWS: Final = 122_880
PLACE_BITS: Final = 40
"""A place is the number of the file above these bits, and the row within it below."""
_NEAR_DIFFERENCES: Final = 3
"""An activity that differs in more than this is another activity."""


@dataclass(frozen=True)
class Matching:
    """How near a near match is."""

    days: int
    shown: int
    short_stay_below_days: int


@dataclass(frozen=True)
class Source:
    """One landed submission's rows, how it stands in the order of arrival, and who sent it.

    The rows have a column `place`: where each lies in the store (`placed`).
    """

    submission: str
    arrival: int
    sender: str
    rows: pa.RecordBatchReader


def placed(rows: pa.RecordBatchReader, number: int) -> pa.RecordBatchReader:
    """The rows with the place of each: which file, and the how-manieth row of it."""
    schema = rows.schema.append(pa.field("place", pa.int64()))

    def batches() -> Iterator[pa.RecordBatch]:
        before = number << PLACE_BITS
        for batch in rows:
            places = np.arange(before, before + batch.num_rows, dtype=np.int64)
            before += batch.num_rows
            yield pa.RecordBatch.from_arrays([*batch.columns, pa.array(places)], schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


class InvoiceEngine:
    """One validation: take everything in, then `decide`."""

    def __init__(self, rules: CheckRules, matching: Matching, *, memory_limit: str = "3GB") -> None:
        self._rules, self._matching = rules, matching
        self._db = connect(memory_limit=memory_limit)
        self._do("begin", "CREATE SEQUENCE line_numbers")
        for statement in (
            *steps.MACROS,
            steps.LINE,
            *steps.HELD_INVOICES,
            *steps.BACKING,
            steps.TRACE,
            steps.MARKED_TABLE,
        ):
            self._do("begin", statement)
        self.books = BookEngine(self._db)
        self._sus_sources = 0

    def take_reference(self, reference: Reference, *, today: date) -> None:
        """The board's tables; a commissioner that has ended stands for its successor of today."""
        for name in COLUMNS:
            rows = [{key: value for key, value in row.items() if key != "place"} for row in reference.rows(name)]
            self._keep(name, _typed(name, rows))
        codes = {row["commissioner"] for row in reference.rows("commissioners")}
        pairs = [{"commissioner": code, "today": successor(code, reference, today=today)} for code in sorted(codes)]
        self._keep(
            "succession", pa.Table.from_pylist(pairs, pa.schema([(n, pa.string()) for n in ("commissioner", "today")]))
        )

    def take_history(self, *, again: bool) -> None:
        """What was decided before, once `books` has been given all of it."""
        self.books.close_books()
        self.books.history(again=again)

    def take_lines(self, source: Source) -> None:
        """Lines of invoices, one submission."""
        values = {"submission": source.submission, "arrival": source.arrival, "currency": self._rules.currency}
        self._insert("take lines", steps.TAKE_LINES, source.rows, values)

    def take_held_invoices(self, rows: pa.Table) -> None:
        """submission, provider, invoice, names_patient: invoices of which a row was held back at the door."""
        self._insert("take held", "INSERT INTO broken_invoice SELECT submission, provider, invoice FROM arriving", rows)
        self._insert(
            "take held",
            "INSERT INTO named_patient SELECT submission, provider, invoice FROM arriving WHERE names_patient",
            rows,
        )

    def take_backing(self, source: Source) -> None:
        """Backing rows, one submission."""
        self._insert(
            "take backing", steps.TAKE_BACKING, source.rows, {"arrival": source.arrival, "sender": source.sender}
        )

    def take_held_backing(self, rows: pa.Table) -> None:
        """provider, invoice, line of backing rows that were held back at the door."""
        self._insert("take held", "INSERT INTO held_backing SELECT provider, invoice, line FROM arriving", rows)

    def join_backing(self) -> None:
        """Lines with their backing; trace and hospital records are taken for these alone."""
        for statement in (steps.BILL_BACKED, steps.JOIN_BACKING, "DROP TABLE backed", *match.SUS):
            self._do("join backing", statement)

    def take_trace(self, source: Source) -> None:
        """Answers of the tracing service, one submission."""
        self._insert("take trace", steps.TAKE_TRACE, source.rows, {"arrival": source.arrival})

    def take_sus(self, source: Source) -> None:
        """Hospital records, one submission; only rows of billed persons and spells are kept."""
        self._sus_sources += 1
        self._insert("take hospital records", match.TAKE_SUS, source.rows, {"arrival": source.arrival})

    def decide(self, *, secret: str, national: str) -> None:
        """Every step in its order; afterwards `decisions` and `postings` can be read."""
        self._do("trace", steps.TRACED)
        self._do("trace", steps.JOIN_TRACE)
        self._do("responsible commissioner", steps.responsibility(), {"national": national})
        self._match()
        self._do("duplicates", steps.MARKED, {"secret": secret})
        self._do("duplicates", steps.DUPLICATES)
        self._do("price", price.priced(short_stay_below_days=self._matching.short_stay_below_days))
        for statement in (price.COVERED, price.APPROVED, price.TOTALS):
            self._do("contracts, approvals, totals", statement)
        self._do("decide", self._decided())

    def decisions(self) -> pa.RecordBatchReader:
        """One row a line that was to be decided."""
        with engine_faults("read decisions"):
            return self._db.sql(
                "SELECT * EXCLUDE (line_no) FROM decided ORDER BY submission, file_row"
            ).to_arrow_reader(_BATCH_ROWS)

    def evidence(self) -> pa.RecordBatchReader:
        """Of every line not simply paid, where the records lie that speak of it."""
        self._do("evidence", match.EVIDENCE)
        with engine_faults("read evidence"):
            return self._db.sql("SELECT * FROM evidence ORDER BY ALL").to_arrow_reader(_BATCH_ROWS)

    def credits(self) -> list[dict[str, Any]]:
        """Credit notes among the lines taken, which are not settled yet."""
        with engine_faults("read credits"):
            notes: list[dict[str, Any]] = (
                self._db.sql(
                    "SELECT submission, file_row, invoice, line, provider, received_on, currency, amount_pence + vat_pence AS pence, "
                    "credits_invoice, credits_line FROM line WHERE line_type = 'credit' AND NOT is_settled "
                    "ORDER BY received_on, arrival, file_row"
                )
                .to_arrow_table()
                .to_pylist()
            )
        return notes

    def counts(self) -> dict[str, int]:
        """Lines by verdict."""
        return dict(self._db.sql("SELECT verdict, count(*) FROM decided GROUP BY 1 ORDER BY 1").fetchall())

    def reason_counts(self) -> dict[str, int]:
        """How many lines each reason speaks against; a line may have several."""
        found = self._db.sql(
            "SELECT reason, count(*) FROM (SELECT unnest(reasons) AS reason FROM decided) GROUP BY 1 ORDER BY 1"
        )
        return dict(found.fetchall())

    def _match(self) -> None:
        self._do("match", match.NEWEST if self._sus_sources > 1 else match.ALL_STAND)
        self._do("match", match.EXACT)
        self._do("match", match.UNMATCHED)
        limits = {"days": self._matching.days, "shown": self._matching.shown, "most": _NEAR_DIFFERENCES}
        self._do("near matches", match.NEAR, limits)

    def _decided(self) -> str:
        rejecting = ", ".join(text(one.code) for one in reasons().values() if one.verdict is Verdict.REJECT)
        return f"""
CREATE TABLE decided AS
WITH looked AS (SELECT *, {reasons_sql(self._rules)} AS found FROM ({wide()})),
judged AS (
  SELECT *, CASE WHEN len(found) = 0 AND abs(amount_pence + vat_pence) >= {self._rules.second_person_from_pence}
    THEN ['awaiting-second-person'] ELSE found END AS reasons FROM looked
)
SELECT line_no, submission, file_row, invoice, line, provider, strftime(received_on, '%Y-%m') AS month, currency,
  amount_pence + vat_pence AS pence, expected_pence,
  CASE WHEN list_has_any(reasons, [{rejecting}]) THEN 'reject' WHEN len(reasons) > 0 THEN 'query' ELSE 'pay' END AS verdict,
  reasons, near_differs, CASE WHEN responsible <> {text(self._rules.commissioner)} THEN responsible END AS redirect_to,
  activity_mark, quantity, local_pence, unit_pence, short_stay_hundredths, top_up_hundredths, addition_pence, days_over,
  per_day_pence, factor_millionths
FROM judged"""

    def _keep(self, name: str, rows: pa.Table) -> None:
        self._insert("take reference", f"CREATE TABLE {name} AS SELECT * FROM arriving", rows)

    def _insert(self, step: str, statement: str, rows: Any, values: dict[str, Any] | None = None) -> None:
        self._db.register("arriving", rows)
        try:
            self._do(step, statement, values)
        finally:
            self._db.unregister("arriving")

    def _do(self, step: str, statement: str, values: dict[str, Any] | None = None) -> None:
        with engine_faults(step):
            self._db.execute(statement, values or {})


def _typed(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    """The rows with the types of their columns, so that an empty table joins like a full one."""
    fields = []
    for spec in COLUMNS[name]:
        typed = spec.removesuffix("?").rpartition("=")[2]
        kind = pa.string()
        if typed.startswith("valid"):
            kind = pa.date32()
        elif typed.endswith(("_pence", "_hundredths", "_millionths", "_days")):
            kind = pa.int64()
        fields.append((typed, kind))
    return pa.Table.from_pylist(rows, pa.schema(fields))
