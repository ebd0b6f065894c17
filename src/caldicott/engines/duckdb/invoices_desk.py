"""The books as a desk needs them: a million lines in memory, a page of them in milliseconds.

Opened once by a worker and then only added to, act by act. Nothing in it names
anybody: decisions, postings and the places of records, never their values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from caldicott.engines.duckdb.invoices_books import DECISION, BookEngine
from caldicott.invoices.ledger import Account

if TYPE_CHECKING:
    from collections.abc import Sequence

EVIDENCE: Final = pa.schema(
    [("submission", pa.string()), ("file_row", pa.int64()), ("kind", pa.string()), ("rank", pa.int64()),
     ("place", pa.int64())]
)  # fmt: skip
LETTER: Final = pa.schema(
    [("letter", pa.string()), ("provider", pa.string()), ("on_day", pa.string()), ("due_on", pa.string()),
     ("by", pa.string()), ("submission", pa.string()), ("file_row", pa.int64()), ("pence", pa.int64()),
     ("reasons", pa.list_(pa.string()))]
)  # fmt: skip
"""A letter keeps what it asked about and for how much: it must print the same after the lines were decided."""

_TABLES: Final = """
CREATE TABLE evidence AS SELECT 0 AS act, * FROM empty_evidence;
CREATE TABLE letter AS SELECT 0 AS act, * FROM empty_letter;
CREATE TABLE code (id INTEGER, verdict VARCHAR, reasons VARCHAR[], outside VARCHAR);
CREATE TABLE standing (submission VARCHAR, file_row BIGINT, invoice VARCHAR, line VARCHAR, provider VARCHAR, month VARCHAR,
  currency VARCHAR, verdict VARCHAR, code INTEGER, pence BIGINT, expected_pence BIGINT, act INTEGER);
CREATE TABLE counted (month VARCHAR, provider VARCHAR, currency VARCHAR, verdict VARCHAR, code INTEGER, lines BIGINT,
  pence BIGINT);
CREATE TABLE account_sum (currency VARCHAR, account VARCHAR, pence BIGINT)"""
# Only ever added to, also with less than nothing when a line moves on: what stands is the sum.
_COUNTED: Final = """
INSERT INTO counted SELECT month, provider, currency, verdict, code, {sign}count(*), {sign}sum(pence)::BIGINT FROM {rows}
GROUP BY ALL"""
_SUMMED: Final = """
INSERT INTO account_sum SELECT currency, account, sum(pence)::BIGINT FROM posting {only} GROUP BY ALL"""
_NOW: Final = """
(SELECT month, provider, currency, verdict, code, sum(lines)::BIGINT AS lines, sum(pence)::BIGINT AS pence FROM counted
GROUP BY ALL HAVING sum(lines) <> 0)"""
# The latest decision of each of these lines.
_LATEST: Final = """
CREATE OR REPLACE TEMP TABLE latest AS
SELECT submission, file_row, invoice, line, provider, month, currency, verdict, reasons, pence, expected_pence, act
FROM decision {only}
QUALIFY row_number() OVER (PARTITION BY submission, file_row ORDER BY act DESC) = 1"""
_CODES: Final = """
INSERT INTO code
WITH known AS (SELECT DISTINCT verdict, reasons FROM latest), fresh AS (
  SELECT verdict, reasons FROM known k WHERE NOT EXISTS (
    SELECT 1 FROM code c WHERE c.verdict = k.verdict AND c.reasons = k.reasons)
)
SELECT (SELECT count(*) FROM code) + row_number() OVER (ORDER BY verdict, reasons), verdict, reasons,
  coalesce(nullif((SELECT string_agg(DISTINCT o.outside, '+' ORDER BY o.outside) FROM outside o
    WHERE list_contains(reasons, o.code) AND o.verdict = fresh.verdict), ''), 'none')
FROM fresh"""
_STAND: Final = """
INSERT INTO standing
SELECT l.submission, l.file_row, l.invoice, l.line, l.provider, l.month, l.currency, l.verdict, c.id,
  l.pence - coalesce(k.pence, 0), l.expected_pence, l.act
FROM latest l JOIN code c ON c.verdict = l.verdict AND c.reasons = l.reasons
LEFT JOIN (
  SELECT submission, file_row, sum(pence)::BIGINT AS pence FROM posting WHERE account = 'credited' GROUP BY ALL
) k ON k.submission = l.submission AND k.file_row = l.file_row
ORDER BY l.provider, l.invoice, l.line, l.submission, l.file_row"""
_KEY: Final = "provider, invoice, line, submission, file_row"

# A line decided again after a letter may be asked about again: the check asked something else, or the same anew.
_TO_ASK: Final = """
SELECT s.*, c.reasons FROM standing s JOIN code c ON c.id = s.code
ANTI JOIN letter l ON l.submission = s.submission AND l.file_row = s.file_row AND l.act > s.act
WHERE s.verdict = 'query' AND c.reasons <> ['awaiting-second-person']"""


class DeskEngine(BookEngine):
    """Decisions, postings, evidence and letters; `settle_in` after each load."""

    def __init__(self) -> None:
        super().__init__()
        self._db.register("empty_evidence", EVIDENCE.empty_table())
        self._db.register("empty_letter", LETTER.empty_table())
        for statement in _TABLES.split(";"):
            self._do(statement)
        self._is_empty = True

    def settle_in(self, acts: Sequence[int]) -> None:
        """Where the lines stand after these acts were taken; lines of other acts stay as they are."""
        if self._is_empty:
            self._do(_LATEST.format(only=""))
            self._do(_SUMMED.format(only=""))
        else:
            self._add("CREATE OR REPLACE TEMP TABLE fresh_act AS SELECT * FROM arriving", pa.table({"act": [*acts]}))
            self._do(
                "CREATE OR REPLACE TEMP TABLE touched AS SELECT DISTINCT submission, file_row FROM ("
                "SELECT submission, file_row FROM decision WHERE act IN (SELECT act FROM fresh_act) UNION ALL "
                "SELECT submission, file_row FROM posting WHERE act IN (SELECT act FROM fresh_act))"
            )
            self._do(_LATEST.format(only="SEMI JOIN touched USING (submission, file_row)"))
            self._do(_SUMMED.format(only="WHERE act IN (SELECT act FROM fresh_act)"))
            self._do(_COUNTED.format(sign="-", rows="standing SEMI JOIN touched USING (submission, file_row)"))
            self._do(
                "DELETE FROM standing s USING latest l WHERE s.submission = l.submission AND s.file_row = l.file_row"
            )
        self._do(_CODES)
        self._do(_STAND)
        self._do(_COUNTED.format(sign="", rows="standing SEMI JOIN latest USING (submission, file_row)"))
        self._is_empty = False

    def verdicts(self) -> list[dict[str, Any]]:
        """Lines and pence by verdict and currency."""
        return self._rows(
            "SELECT verdict, currency, sum(lines)::BIGINT AS lines, sum(pence)::BIGINT AS pence "
            f"FROM {_NOW} GROUP BY ALL ORDER BY ALL",
            {},
        )

    def balances(self) -> dict[str, dict[str, int]]:
        """By currency, the sum of every account in pence."""
        sums: dict[str, dict[str, int]] = {}
        for row in self._rows(
            "SELECT currency, account, sum(pence)::BIGINT AS pence FROM account_sum GROUP BY ALL ORDER BY ALL", {}
        ):
            sums.setdefault(row["currency"], {account.value: 0 for account in Account})[row["account"]] = row["pence"]
        return sums

    def decided_lines(self) -> int:
        return int(self._rows("SELECT coalesce(sum(lines), 0)::BIGINT AS n FROM counted", {})[0]["n"])

    def queue(self) -> list[dict[str, Any]]:
        """Queried lines by provider and reason. A line with two reasons stands under both."""
        return self._rows(
            "SELECT provider, currency, reason, sum(lines)::BIGINT AS lines, sum(pence)::BIGINT AS pence FROM ("
            f"SELECT provider, currency, unnest(c.reasons) AS reason, lines, pence FROM {_NOW} s "
            "JOIN code c ON c.id = s.code WHERE s.verdict = 'query') GROUP BY ALL ORDER BY ALL",
            {},
        )

    def queried(
        self, *, provider: str = "", reason: str = "", after: Sequence[Any] = (), most: int = 50
    ) -> list[dict[str, Any]]:
        """Queried lines in the order of their key, from after that key on."""
        beyond = f"AND ({_KEY}) > ($p, $i, $l, $s, $r)" if after else ""
        values = dict(zip("pilsr", after, strict=True)) if after else {}
        return self._rows(
            f"SELECT s.*, c.reasons FROM (SELECT * FROM standing WHERE verdict = 'query' "
            "AND ($provider = '' OR provider = $provider) AND ($reason = '' OR code IN "
            f"(SELECT id FROM code WHERE list_contains(reasons, $reason))) {beyond} ORDER BY {_KEY} LIMIT $most) s "
            f"JOIN code c ON c.id = s.code ORDER BY {_KEY}",
            {"provider": provider, "reason": reason, "most": most, **values},
        )

    def summed(self, *, month: str = "") -> list[dict[str, Any]]:
        """Lines and pence by month, provider, decision, reason that may leave, and currency."""
        return self._rows(
            "SELECT month, provider, s.verdict AS decision, c.outside AS reason, currency, sum(lines)::BIGINT AS lines, "
            f"sum(pence)::BIGINT AS pence FROM {_NOW} s JOIN code c ON c.id = s.code "
            "WHERE ($month = '' OR month = $month) GROUP BY ALL ORDER BY ALL",
            {"month": month},
        )

    def months(self) -> list[str]:
        return [row["month"] for row in self._rows(f"SELECT DISTINCT month FROM {_NOW} ORDER BY 1 DESC", {})]

    def outside_of(self, month: str) -> pa.Table:
        """The five columns that may leave, of one month."""
        return self._table_of(
            "SELECT invoice, line, (CASE WHEN pence < 0 THEN '-' ELSE '' END || (abs(pence) // 100)::VARCHAR || '.' || "
            "lpad((abs(pence) % 100)::VARCHAR, 2, '0') || CASE WHEN currency = 'GBP' THEN '' ELSE ' ' || currency END) AS amount, "
            "s.verdict AS decision, c.outside AS reason FROM standing s JOIN code c ON c.id = s.code WHERE month = $month "
            f"ORDER BY {_KEY}",
            {"month": month},
        )

    def chosen_lines(self, keys: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
        """These lines as they stand: the latest decision, the money, and every hand in it."""
        self._choose(keys)
        return self._rows(
            """
WITH money AS (
  SELECT submission, file_row, sum(pence) FILTER (account = 'invoiced')::BIGINT AS invoiced,
    coalesce(sum(pence) FILTER (account = 'credited'), 0)::BIGINT AS credited, list_distinct(list("by")) AS posted_by
  FROM posting SEMI JOIN chosen USING (submission, file_row) GROUP BY ALL
), mine AS (SELECT * FROM decision SEMI JOIN chosen USING (submission, file_row)), said AS (
  SELECT submission, file_row, list_distinct(list("by") FILTER ("by" IS NOT NULL)) AS decided_by FROM mine GROUP BY ALL
)
SELECT d.*, m.invoiced, m.credited, list_distinct(list_concat(coalesce(m.posted_by, []), coalesce(s.decided_by, []))) AS hands
FROM (SELECT * FROM mine QUALIFY row_number() OVER (PARTITION BY submission, file_row ORDER BY act DESC) = 1) d
JOIN money m USING (submission, file_row) JOIN said s USING (submission, file_row)
WHERE d.verdict <> 'credit' OR m.invoiced IS NOT NULL
ORDER BY provider, invoice, line, submission, file_row""",
            {},
        )

    def lines_of(self, *, invoice: str, line: str = "") -> list[dict[str, Any]]:
        """The lines of an invoice as they stand; credit notes are none."""
        found = self._rows(
            "SELECT submission, file_row FROM standing WHERE invoice = $invoice AND ($line = '' OR line = $line) "
            "AND verdict <> 'credit'",
            {"invoice": invoice, "line": line},
        )
        return self.chosen_lines([(row["submission"], row["file_row"]) for row in found]) if found else []

    def past_of(self, submission: str, file_row: int) -> list[dict[str, Any]]:
        """Every decision of one line, oldest first."""
        return self._rows(
            'SELECT act, verdict, reasons, "by", because, on_day FROM decision '
            "WHERE submission = $s AND file_row = $r ORDER BY act",
            {"s": submission, "r": file_row},
        )

    def evidence_of(self, submission: str, file_row: int) -> list[dict[str, Any]]:
        """Where the records lie that the latest check of that line found."""
        return self._rows(
            "SELECT act, kind, rank, place FROM evidence WHERE submission = $s AND file_row = $r "
            "QUALIFY act = max(act) OVER () ORDER BY kind, rank",
            {"s": submission, "r": file_row},
        )

    def settled_by_hand(self, rows: Sequence[dict[str, Any]]) -> pa.Table:
        """New decisions for the chosen lines: the same, with another verdict and reasons, by whom and why.

        `rows` have submission, file_row, verdict, reasons, by, because and on_day.
        """
        columns = ("submission", "file_row", "verdict", "reasons", "by", "because", "on_day")
        self._add(
            "CREATE OR REPLACE TEMP TABLE said AS SELECT * FROM arriving",
            pa.Table.from_pylist(list(rows), pa.schema([DECISION.field(name) for name in columns])),
        )
        self._do(
            "CREATE OR REPLACE TABLE settling AS SELECT d.* EXCLUDE (act) REPLACE (n.verdict AS verdict, n.reasons AS reasons, "
            'n."by" AS "by", n.because AS because, n.on_day AS on_day) FROM decision d '
            "JOIN said n ON n.submission = d.submission AND n.file_row = d.file_row "
            "QUALIFY row_number() OVER (PARTITION BY d.submission, d.file_row ORDER BY d.act DESC) = 1"
        )
        return self._db.sql("SELECT * FROM settling").to_arrow_table().cast(DECISION)

    def letters(self) -> list[dict[str, Any]]:
        """The letters sent, newest first: what they asked about, and how much of it is still open."""
        return self._rows(
            "SELECT letter, l.provider, on_day, due_on, l.act, count(*) AS lines, count(*) FILTER (s.verdict = 'query') AS still_open "
            "FROM letter l JOIN standing s USING (submission, file_row) GROUP BY ALL ORDER BY l.act DESC, letter",
            {},
        )

    def lines_of_letter(self, letter: str) -> list[dict[str, Any]]:
        """The lines a letter asked about, as it asked."""
        return self._rows(
            "SELECT l.provider, l.on_day, l.due_on, l.pence AS asked_pence, l.reasons AS asked_reasons, s.invoice, s.line, "
            "s.currency FROM letter l JOIN standing s USING (submission, file_row) WHERE letter = $letter "
            "ORDER BY invoice, line, submission, file_row",
            {"letter": letter},
        )

    def to_ask(self, provider: str) -> list[dict[str, Any]]:
        """Queried lines of a provider that no letter has asked about since they were last decided."""
        return self._rows(f"{_TO_ASK} AND s.provider = $provider ORDER BY {_KEY}", {"provider": provider})

    def providers_to_ask(self) -> list[dict[str, Any]]:
        """Providers with such lines, and how many each has."""
        return self._rows(f"SELECT provider, count(*) AS lines FROM ({_TO_ASK}) GROUP BY ALL ORDER BY ALL", {})

    def _choose(self, keys: Sequence[tuple[str, int]]) -> None:
        schema = pa.schema([("submission", pa.string()), ("file_row", pa.int64())])
        # A number that no row can have comes from an address that somebody made up.
        rows = [{"submission": submission, "file_row": row} for submission, row in keys if row < 1 << 63]
        self._add(
            "CREATE OR REPLACE TEMP TABLE chosen AS SELECT DISTINCT * FROM arriving", pa.Table.from_pylist(rows, schema)
        )

    def _table_of(self, statement: str, values: dict[str, Any]) -> pa.Table:
        return self._db.sql(statement, params=values).to_arrow_table()
