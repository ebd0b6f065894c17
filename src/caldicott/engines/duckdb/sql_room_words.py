"""What a statement in the SQL room may be made of: everything else is refused before a row is read.

DuckDB's own parser reads the statement, so that what was checked is what runs.
The lists say what is allowed; what a later version of the engine brings is
refused until somebody adds it here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

_OPERATORS: Final = frozenset({"+", "-", "*", "/", "//", "%", "||", "~~", "!~~", "~~*", "!~~*"})
_TEXT: Final = frozenset(
    {"concat", "contains", "ends_with", "left", "length", "lower", "lpad", "ltrim", "prefix", "replace", "right",
     "rtrim", "starts_with", "strlen", "substr", "substring", "suffix", "trim", "upper"}
)  # fmt: skip
_DAYS: Final = frozenset(
    {"date_diff", "date_part", "date_trunc", "datediff", "day", "dayofweek", "isodow", "last_day", "make_date", "month",
     "monthname", "quarter", "strftime", "to_days", "to_months", "to_years", "week", "year"}
)  # fmt: skip
_NUMBERS: Final = frozenset(
    {"abs", "ceil", "ceiling", "exp", "floor", "greatest", "least", "ln", "log", "pow", "power", "round", "sign",
     "sqrt", "trunc"}
)  # fmt: skip
_SUMS: Final = frozenset(
    {"avg", "bool_and", "bool_or", "corr", "count", "count_if", "count_star", "max", "mean", "median", "min",
     "quantile_cont", "quantile_disc", "regr_intercept", "regr_slope", "stddev", "stddev_pop", "stddev_samp", "sum",
     "var_pop", "var_samp", "variance"}
)  # fmt: skip
_WINDOWS: Final = frozenset(
    {"cume_dist", "dense_rank", "first_value", "lag", "last_value", "lead", "ntile", "percent_rank", "rank",
     "row_number"}
)  # fmt: skip
FUNCTIONS: Final = _OPERATORS | _TEXT | _DAYS | _NUMBERS | _SUMS | _WINDOWS
"""No packing of many values into one (lists, strings of strings), nothing that reads files, settings, time or chance."""

_EXPRESSIONS: Final = frozenset(
    {"BETWEEN", "CASE", "CAST", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION", "OPERATOR", "STAR",
     "SUBQUERY", "TYPE", "WINDOW"}
)  # fmt: skip
_OPERATOR_KINDS: Final = frozenset(
    {"COMPARE_IN", "COMPARE_NOT_IN", "GROUPING_FUNCTION", "OPERATOR_COALESCE", "OPERATOR_IS_NOT_NULL",
     "OPERATOR_IS_NULL", "OPERATOR_NOT", "OPERATOR_NULLIF"}
)  # fmt: skip
_NODES: Final = frozenset(
    {"BASE_TABLE", "CTE_NODE", "DISTINCT_MODIFIER", "EMPTY", "JOIN", "LIMIT_MODIFIER", "ORDER_DEFAULT",
     "ORDER_ASCENDING", "ORDER_DESCENDING", "ASCENDING", "DESCENDING", "ORDER_MODIFIER", "SELECT_NODE",
     "SET_OPERATION_NODE", "SUBQUERY"}
)  # fmt: skip
_JOINS: Final = frozenset({"INNER", "LEFT", "RIGHT", "OUTER", "FULL", "SEMI", "ANTI"})
_TYPES: Final = frozenset(
    {"BIGINT", "BOOL", "BOOLEAN", "DATE", "DECIMAL", "DOUBLE", "FLOAT", "INT", "INTEGER", "NUMERIC", "REAL", "SMALLINT",
     "TEXT", "TIMESTAMP", "TINYINT", "VARCHAR", "HUGEINT", "STRING"}
)  # fmt: skip

_PLAIN: Final = re.compile(r"(?!duckdb|pg_|sqlite|information|pragma)[a-z][a-z0-9_]{0,62}")


class NotAllowed(Exception):
    """The statement has a part that the room does not know; `what` names the part, never a value."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def check(parsed: Mapping[str, Any], tables: Collection[str]) -> None:
    """The parser's tree of one statement over these tables.

    Raises:
        NotAllowed: some part of it is not on the lists.
    """
    if parsed.get("error"):
        # The parser serialises queries alone: whatever changes, copies, attaches, installs or sets is not one.
        raise NotAllowed("it is not one SELECT statement that can be read")
    statements = parsed.get("statements", [])
    if len(statements) != 1:
        raise NotAllowed("there is more than one statement")
    if statements[0].get("named_param_map"):
        raise NotAllowed("a parameter")
    named = {entry["key"].lower() for found in _dicts(statements) for entry in _named(found)}
    known = {name.lower() for name in tables}
    if named & known or not all(_PLAIN.fullmatch(name) for name in named):
        raise NotAllowed("a WITH part that is named like a table, a file or a part of the engine")
    for found in _dicts(statements):
        _check_one(found, known | named)


def _named(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    cte_map = found.get("cte_map")
    return list(cte_map.get("map", [])) if isinstance(cte_map, dict) else []


def _dicts(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _dicts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _dicts(inner)


def _check_one(found: Mapping[str, Any], tables: Collection[str]) -> None:
    kind, expression = found.get("type"), found.get("class")
    if expression is not None:
        _check_expression(found, str(expression), str(kind))
    elif isinstance(kind, str) and kind not in _NODES:
        raise NotAllowed(_NAMES.get(kind, "a part of SQL that the room does not know"))
    if "function_name" in found:
        _check_function(found)
    if kind == "BASE_TABLE":
        _check_table(found, tables)
    if kind == "JOIN" and (found.get("join_type") not in _JOINS or found.get("ref_type") not in _JOIN_KINDS):
        raise NotAllowed("this kind of join")
    if found.get("sample"):
        raise NotAllowed("a sample by chance")


_JOIN_KINDS: Final = frozenset({"REGULAR", "NATURAL", "CROSS"})
_NAMES: Final = {
    "RECURSIVE_CTE_NODE": "WITH RECURSIVE, which may never end",
    "TABLE_FUNCTION": "a function in the place of a table",
    "EXPRESSION_LIST": "VALUES in the place of a table",
    "SHOW_REF": "SHOW or DESCRIBE",
    "PIVOT": "PIVOT",
}


def _check_expression(found: Mapping[str, Any], expression: str, kind: str) -> None:
    if expression not in _EXPRESSIONS:
        raise NotAllowed(f"an expression of the kind {expression.lower().replace('_', ' ')}")
    if expression == "OPERATOR" and kind not in _OPERATOR_KINDS:
        raise NotAllowed(f"the operator {kind.lower().removeprefix('operator_').replace('_', ' ')}")
    if expression == "TYPE" and (
        str(found.get("type_name", "")).upper() not in _TYPES or found.get("schema") or found.get("catalog")
    ):
        raise NotAllowed("a type other than numbers, text and dates")
    if expression == "STAR" and (found.get("columns") or found.get("expr")):
        raise NotAllowed("COLUMNS(...)")


def _check_function(found: Mapping[str, Any]) -> None:
    name = str(found["function_name"]).lower()
    if found.get("schema") or found.get("catalog") or len(found.get("qualified_name", {}).get("path", [name])) != 1:
        raise NotAllowed("a function named with its schema")
    if name not in FUNCTIONS:
        raise NotAllowed(f"the function {name[:40]}" if name.replace("_", "").isalnum() else "an operator")


def _check_table(found: Mapping[str, Any], tables: Collection[str]) -> None:
    if found.get("schema_name") or found.get("catalog_name") or found.get("at_clause"):
        raise NotAllowed("a table named with its schema")
    if str(found.get("table_name", "")).lower() not in tables:
        raise NotAllowed("a table that is not in the room")
