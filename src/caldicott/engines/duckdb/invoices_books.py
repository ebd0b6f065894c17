"""The books by DuckDB: what was decided and posted so far, where each line stands, what may be told outside.

Decisions and postings are only ever added, act by act; where a line stands is
what its latest decision says and what its postings add up to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from caldicott.engines.duckdb.connection import connect, engine_faults
from caldicott.invoices.ledger import Account
from caldicott.invoices.reasons import reasons

if TYPE_CHECKING:
    import duckdb

_LINE: Final = (
    ("submission", pa.string()), ("file_row", pa.int64()), ("invoice", pa.string()), ("line", pa.string()),
    ("provider", pa.string()), ("month", pa.string()), ("currency", pa.string()),
)  # fmt: skip
POSTING: Final = pa.schema(
    [*_LINE, ("account", pa.string()), ("pence", pa.int64()), ("on_day", pa.string()), ("by", pa.string())]
)
DECISION: Final = pa.schema(
    [
        *_LINE, ("pence", pa.int64()), ("expected_pence", pa.int64()), ("verdict", pa.string()),
        ("reasons", pa.list_(pa.string())), ("near_differs", pa.string()), ("redirect_to", pa.string()),
        ("activity_mark", pa.string()), ("quantity", pa.int64()), ("local_pence", pa.int64()), ("unit_pence", pa.int64()),
        ("short_stay_hundredths", pa.int64()), ("top_up_hundredths", pa.int64()), ("addition_pence", pa.int64()),
        ("days_over", pa.int64()), ("per_day_pence", pa.int64()), ("factor_millionths", pa.int64()),
        ("by", pa.string()), ("because", pa.string()), ("on_day", pa.string()),
    ]
)  # fmt: skip
_WAITS: Final = "verdict = 'query' AND reasons <> ['awaiting-second-person']"
_TABLES: Final = """
CREATE TABLE decision AS SELECT 0 AS act, * FROM empty_decision;
CREATE TABLE posting AS SELECT 0 AS act, * FROM empty_posting;
CREATE TABLE outside (code VARCHAR, outside VARCHAR, verdict VARCHAR)"""
_CURRENT: Final = """
CREATE OR REPLACE TABLE current AS SELECT * FROM decision
QUALIFY row_number() OVER (PARTITION BY submission, file_row ORDER BY act DESC) = 1"""
_POSTINGS_OF: Final = """
WITH before AS (
  SELECT submission, file_row, sum(pence) FILTER (account = 'credited') AS credited
  FROM posting SEMI JOIN {decided} USING (submission, file_row) GROUP BY ALL
), entered AS (
  SELECT d.*, b.submission IS NULL AS is_new, d.pence - coalesce(b.credited, 0) AS remaining,
    CASE d.verdict WHEN 'pay' THEN 'paid' WHEN 'reject' THEN 'rejected' ELSE 'queried' END AS account
  FROM {decided} d LEFT JOIN before b ON b.submission = d.submission AND b.file_row = d.file_row
)
SELECT submission, file_row, invoice, line, provider, month, currency, p.account, p.pence, $at AS on_day, $by AS "by"
FROM (
  SELECT *, unnest(CASE WHEN is_new THEN [{{'account': 'invoiced', 'pence': pence}}, {{'account': account, 'pence': pence}}]
    WHEN account = 'queried' THEN []
    ELSE [{{'account': 'queried', 'pence': -remaining}}, {{'account': account, 'pence': remaining}}] END) AS p
  FROM entered
)"""


class BookEngine:
    """Decisions and postings in memory; alone, or in the same memory as a validation."""

    def __init__(self, connection: duckdb.DuckDBPyConnection | None = None) -> None:
        self._db = connection or connect(memory_limit="2GB")
        self._db.register("empty_decision", DECISION.empty_table())
        self._db.register("empty_posting", POSTING.empty_table())
        for statement in _TABLES.split(";"):
            self._do(statement)
        rows = [{"code": one.code, "outside": one.outside, "verdict": one.verdict.value} for one in reasons().values()]
        self._add("INSERT INTO outside BY NAME SELECT * FROM arriving", pa.Table.from_pylist(rows))

    def take(self, kind: str, act: int, rows: pa.Table) -> None:
        """What one act decided or posted."""
        self._add(f"INSERT INTO {kind} BY NAME SELECT {int(act)} AS act, * FROM arriving", rows)

    def close_books(self) -> None:
        """Where every line stands, by its latest decision."""
        self._do(_CURRENT)

    def history(self, *, again: bool) -> None:
        """For a validation: lines not to decide again, what may not be paid twice, what was credited."""
        settled = f"NOT ({_WAITS})" if again else "true"
        self._do(f"CREATE TABLE settled AS SELECT submission, file_row FROM current WHERE {settled}")
        self._do(
            "CREATE TABLE earlier AS SELECT provider, invoice, line, activity_mark FROM current "
            f"WHERE verdict IN ('pay', 'query') AND ({settled})"
        )
        self._do(
            "CREATE TABLE credited AS SELECT submission, file_row, sum(pence)::BIGINT AS pence FROM posting "
            "WHERE account = 'credited' GROUP BY ALL"
        )

    def postings_of(self, decided: str, *, at: str, by: str) -> pa.Table:
        """The postings of the decisions in that table: a new line is entered, a queried one moved."""
        with engine_faults("post"):
            found = self._db.sql(_POSTINGS_OF.format(decided=decided), params={"at": at, "by": by}).to_arrow_table()
        return found.cast(POSTING)

    def settled_as(self, keys: pa.Table, verdict: str) -> pa.Table:
        """New decisions for the lines of `keys` (submission, file_row): the same, with another verdict."""
        self._add("CREATE OR REPLACE TABLE chosen AS SELECT * FROM arriving", keys)
        self._do(
            "CREATE OR REPLACE TABLE settling AS SELECT c.* EXCLUDE (act) REPLACE ($verdict AS verdict) "
            "FROM current c SEMI JOIN chosen k ON k.submission = c.submission AND k.file_row = c.file_row",
            {"verdict": verdict},
        )
        return self._db.sql("SELECT * FROM settling").to_arrow_table().cast(DECISION)

    def lines(self, *, invoice: str = "", line: str = "", waiting: bool = False) -> list[dict[str, Any]]:
        """Lines as they stand: account, what is left, who had a hand in it."""
        return self._rows(
            """
WITH money AS (
  SELECT submission, file_row, sum(pence) FILTER (account = 'invoiced')::BIGINT AS invoiced,
    coalesce(sum(pence) FILTER (account = 'credited'), 0)::BIGINT AS credited, list_distinct(list("by")) AS hands
  FROM posting GROUP BY ALL
)
SELECT c.*, m.invoiced, m.credited, m.hands FROM current c JOIN money m USING (submission, file_row)
WHERE ($invoice = '' OR invoice = $invoice) AND ($line = '' OR line = $line)
  AND (NOT $waiting OR reasons = ['awaiting-second-person']) AND verdict <> 'credit'
ORDER BY submission, file_row""",
            {"invoice": invoice, "line": line, "waiting": waiting},
        )

    def credit_targets(self, keys: list[tuple[str, str, str]]) -> list[dict[str, Any]]:
        """The lines that credit notes name, as they stand; of several the first that was not a duplicate."""
        named = pa.Table.from_pylist([dict(zip(("provider", "invoice", "line"), key, strict=True)) for key in keys])
        self._add("CREATE OR REPLACE TABLE credited_line AS SELECT DISTINCT * FROM arriving", named)
        return [
            row
            for row in self.lines()
            if (row["provider"], row["invoice"], row["line"]) in set(keys) and "duplicate-invoice" not in row["reasons"]
        ]

    def credit_notes(self, act: int) -> int:
        """How many credit notes that act took against lines; a line that was credited whole is none."""
        found = self._rows(
            "SELECT count(*) AS n FROM decision WHERE act = $act AND verdict = 'credit' AND pence < 0", {"act": act}
        )
        return int(found[0]["n"])

    def balances(self) -> dict[str, dict[str, int]]:
        """By currency, the sum of every account in pence."""
        found = self._rows(
            "SELECT currency, account, sum(pence)::BIGINT AS pence FROM posting GROUP BY ALL ORDER BY 1, 2", {}
        )
        sums: dict[str, dict[str, int]] = {}
        for row in found:
            sums.setdefault(row["currency"], {account.value: 0 for account in Account})[row["account"]] = row["pence"]
        return sums

    def outside(self) -> pa.Table:
        """What may leave: invoice, line, amount, decision, reason code. Nothing else is selected."""
        return self._table(
            f"SELECT invoice, line, {_pounds('pence - coalesce(credited, 0)')} || {_CURRENCY} AS amount, verdict AS decision, "
            f"{_REASON} AS reason FROM ({_STANDING}) ORDER BY invoice, line, submission, file_row"
        )

    def summary(self) -> pa.Table:
        """Lines and amounts by month, provider, decision and reason code."""
        return self._table(
            f"SELECT month, provider, decision, reason, currency, count(*) AS lines, {_pounds('sum(pence)::BIGINT')} AS amount "
            f"FROM (SELECT month, provider, currency, verdict AS decision, {_REASON} AS reason, "
            f"pence - coalesce(credited, 0) AS pence FROM ({_STANDING})) GROUP BY ALL ORDER BY ALL"
        )

    def open_by_provider(self) -> dict[str, tuple[int, str]]:
        """Of each provider how many lines are still open, and the day the last one was decided."""
        found = self._rows(
            "SELECT provider, count(*) FILTER (verdict = 'query') AS open, max(p.day) AS day FROM current c "
            "JOIN (SELECT submission, file_row, max(on_day) AS day FROM posting GROUP BY ALL) p USING (submission, file_row) "
            "GROUP BY provider",
            {},
        )
        return {row["provider"]: (row["open"], row["day"]) for row in found}

    def decided_rows(self) -> dict[str, int]:
        """How many lines of each submission stand decided."""
        found = self._rows("SELECT submission, count(*) AS lines FROM current GROUP BY ALL", {})
        return {row["submission"]: row["lines"] for row in found}

    def _rows(self, statement: str, values: dict[str, Any]) -> list[dict[str, Any]]:
        with engine_faults("read the books"):
            return self._db.sql(statement, params=values).to_arrow_table().to_pylist()  # type: ignore[no-any-return]

    def _table(self, statement: str) -> pa.Table:
        with engine_faults("read the books"):
            return self._db.sql(statement).to_arrow_table()

    def _add(self, statement: str, rows: pa.Table) -> None:
        self._db.register("arriving", rows)
        try:
            self._do(statement)
        finally:
            self._db.unregister("arriving")

    def _do(self, statement: str, values: dict[str, Any] | None = None) -> None:
        with engine_faults("keep the books"):
            self._db.execute(statement, values or {})


_STANDING: Final = """
SELECT c.*, k.credited FROM current c LEFT JOIN (
  SELECT submission, file_row, sum(pence)::BIGINT AS credited FROM posting WHERE account = 'credited' GROUP BY ALL
) k ON k.submission = c.submission AND k.file_row = c.file_row"""
# Only the reasons that decided, as the coarser code that may leave.
_REASON: Final = """coalesce(nullif((
  SELECT string_agg(DISTINCT o.outside, '+' ORDER BY o.outside) FROM outside o
  WHERE list_contains(reasons, o.code) AND o.verdict = verdict), ''), 'none')"""


# Pounds go without saying; an amount in anything else says so.
_CURRENCY: Final = "CASE WHEN currency = 'GBP' THEN '' ELSE ' ' || currency END"


def _pounds(pence: str) -> str:
    return (
        f"(CASE WHEN {pence} < 0 THEN '-' ELSE '' END || (abs({pence}) // 100)::VARCHAR || '.' "
        f"|| lpad((abs({pence}) % 100)::VARCHAR, 2, '0'))"
    )
