"""A linkage from files to files: read, compare, choose, write. The one way in for operations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from caldicott.engines.duckdb.connection import connect, engine_faults, text
from caldicott.engines.duckdb.linkage.counting import broken_lines, one
from caldicott.engines.duckdb.linkage.groups import choose_links
from caldicott.engines.duckdb.linkage.prepare import read_records

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from caldicott.engines.duckdb.scores_inputs import SourceFile
    from caldicott.linkage.spec import Spec


@dataclass(frozen=True)
class Linked:
    """What came of it, in counts."""

    records: tuple[int, ...]
    links: int
    compared: int
    said_nothing: tuple[tuple[str, str, int], ...]
    blocks: list[dict[str, Any]]
    guards: list[dict[str, Any]]
    outcomes: dict[str, int]
    remarks: list[str]
    model: dict[str, Any] = field(default_factory=dict)
    saved_model: dict[str, Any] = field(default_factory=dict)


def link_files(
    spec: Spec, sources: tuple[SourceFile, ...], to: Path, *, candidates: Path | None = None,
    told: Callable[[str], None] = lambda _step: None, memory_limit: str = "6GB",
) -> Linked:  # fmt: skip
    """Writes the links to `to` and, where asked, every pair that was compared."""
    from caldicott.engines.duckdb.linkage.model import Account, score_pairs

    connection = connect(memory_limit=memory_limit)
    account = Account()
    with engine_faults("link files"):
        told("reading the files")
        read_records(connection, spec, sources)
        account.remarks += broken_remark(broken_lines(connection))
        score_pairs(connection, spec, account, told)
        told("choosing the links")
        outcomes = choose_links(connection, spec)
        _write(connection, "link", "step", to)
        if candidates is not None:
            _write(connection, "pair", "is_barred", candidates)
        (links,) = one(connection, "SELECT count(*) FROM link")
        said_nothing = connection.execute("SELECT * FROM said_nothing ORDER BY ALL").fetchall()
    return Linked(
        account.records, links, account.compared, tuple(said_nothing), account.blocks, account.guards, outcomes,
        account.remarks, account.model, account.saved,
    )  # fmt: skip


def broken_remark(lines: int) -> list[str]:
    """What a reader must know of lines that were no rows."""
    return [f"{lines:,} lines of the files are broken and were left out."] if lines else []


def _write(connection: Any, table: str, last: str, to: Path) -> None:
    form = "parquet" if ".parquet" in to.suffixes else "csv, header"
    connection.execute(
        f"COPY (SELECT l.id AS left_id, r.id AS right_id, round(p.weight, 4) AS score, round(p.probability, 6) AS probability, p.{last} "
        f"FROM {table} p JOIN record l ON l.rec = p.rec_l JOIN record r ON r.rec = p.rec_r ORDER BY 1, 2) TO {text(str(to))} (FORMAT {form})"
    )
