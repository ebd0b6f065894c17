"""One text a step: DuckDB's, read as a tree and written for Spark.

sqlglot carries most of it. What it does not know, or what reads the same and
means something else, stands here, so that a step needs no second wording.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from functools import cache

from sqlglot import exp, parse

from caldicott.vocabulary.errors import ProgramFault

_TYPES = {
    exp.DType.UBIGINT: "BIGINT",  # Spark has no unsigned integers; hashes keep their bits (sealed.py)
    exp.DType.TIMESTAMP: "TIMESTAMP_NTZ",  # DuckDB's timestamp has no zone
}


class Kind(Enum):
    """What a statement does."""

    TABLE = auto()
    """Names a table and its columns."""
    TABLE_AS = auto()
    """Names a table and what is in it."""
    INSERT = auto()
    DROP = auto()
    QUERY = auto()
    FUNCTION = auto()
    NOTHING = auto()
    """A setting of the other engine."""


@dataclass(frozen=True)
class Statement:
    """One statement in Spark's words; a table's columns stand in `text`."""

    kind: Kind
    text: str = ""
    name: str = ""
    keeps_existing: bool = False


@cache
def carried(text: str) -> tuple[Statement, ...]:
    """The statements of a text, in order."""
    return tuple(_statement(tree) for tree in parse(text, dialect="duckdb") if tree is not None)


def _statement(tree: exp.Expr) -> Statement:
    if isinstance(tree, exp.Set):
        return Statement(Kind.NOTHING)
    if isinstance(tree, exp.Insert):
        return Statement(Kind.INSERT, _in_spark(_selected(tree.expression)), tree.this.name)
    if isinstance(tree, exp.Create):
        return _created(tree)
    if isinstance(tree, exp.Drop):
        (dropped,) = tree.find_all(exp.Table)
        return Statement(Kind.DROP, name=dropped.name)
    if isinstance(tree, exp.Query):
        return Statement(Kind.QUERY, _in_spark(tree))
    raise ProgramFault(
        f"a step of the pipeline cannot be carried over ({type(tree).__name__})",
        code="step-not-carried",
        next_step="run it with --engine duckdb and report this as a fault of the program",
    )


def _created(tree: exp.Create) -> Statement:
    if tree.kind == "MACRO":
        signature = tree.this
        columns = ", ".join(f"{column.name} STRING" for column in signature.expressions)
        returned = "BIGINT" if isinstance(tree.expression, exp.Case) and _is_number(tree.expression) else "STRING"
        body = _in_spark(tree.expression)
        return Statement(
            Kind.FUNCTION,
            f"CREATE TEMPORARY FUNCTION {signature.this.name}({columns}) RETURNS {returned} RETURN {body}",
        )
    if tree.expression is None:
        columns = ", ".join(_in_spark(column) for column in tree.this.expressions)
        return Statement(Kind.TABLE, columns, tree.this.this.name, keeps_existing=bool(tree.args.get("exists")))
    return Statement(Kind.TABLE_AS, _in_spark(tree.expression), tree.this.name)


def _is_number(case: exp.Case) -> bool:
    return all(isinstance(branch.args["true"], exp.TryCast) for branch in case.args["ifs"])


def _selected(source: exp.Expr) -> exp.Expr:
    """VALUES of one row as a query, for parameters stand in queries only."""
    if not isinstance(source, exp.Values):
        return source
    (row,) = source.expressions
    return exp.select(*row.expressions)


def _in_spark(tree: exp.Expr) -> str:
    return tree.transform(_differently).sql("spark")


def _differently(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.DataType) and node.this in _TYPES:
        return exp.DataType.build(_TYPES[node.this], dialect="spark")
    if isinstance(node, exp.Chr):
        # Spark's chr() takes the number modulo 256.
        return exp.Literal.string("".join(chr(int(code.name)) for code in node.expressions))
    if isinstance(node, exp.Anonymous) and node.name.lower() == "strlen":
        return exp.func("octet_length", *node.expressions, dialect="spark")
    if isinstance(node, exp.Anonymous) and node.name.lower() == "date_sub":
        return _complete_years(*(part.transform(_differently) for part in node.expressions))
    if isinstance(node, exp.TryCast) and node.to.this == exp.DType.DATE:
        return _read_as_day(node.this)
    return node


def _complete_years(part: exp.Expr, first: exp.Expr, last: exp.Expr) -> exp.Expr:
    if part.name != "year":
        raise ProgramFault(
            "a step counts something else than years between two days",
            code="step-not-carried",
            next_step="run it with --engine duckdb and report this as a fault of the program",
        )
    # A cast to a whole number cuts towards zero, as DuckDB counts.
    months = exp.Anonymous(this="months_between", expressions=[last, first, exp.false()])
    return exp.cast(exp.paren(exp.Div(this=months, expression=exp.Literal.number(12), typed=False)), "BIGINT")


def _read_as_day(written: exp.Expr) -> exp.Expr:
    # Spark's own cast takes a year alone for a day.
    return exp.Anonymous(this="try_to_date", expressions=[written, exp.Literal.string("y-M-d")])
