"""Pydantic's complaints in words a person can act on: what is wrong, the valid choices, the next step."""

from __future__ import annotations

import re
from typing import Any, get_args

from pydantic import BaseModel

from caldicott.register.nearest import hint

Explained = tuple[str, str, str]
"""Code, what, next step."""

_KINDS = {
    "bool": ("true or false, without quotes", "wrong-type"),
    "int": ("a whole number, without quotes", "wrong-type"),
    "string": ("a text in double quotes", "wrong-type"),
    "date": ("a date such as 2026-04-01, without quotes", "wrong-type"),
    "tuple": ("a list in square brackets", "wrong-type"),
    "model": ("a table of keys", "wrong-type"),
}


def explain(shape: type[BaseModel], error: dict[str, Any]) -> Explained:
    """One pydantic error of a file of that shape."""
    kind, loc = str(error["type"]), tuple(error["loc"])
    key = _dotted(loc)
    match kind:
        case "extra_forbidden":
            return _unknown_key(shape, loc)
        case "missing":
            return "missing-key", f"the key `{key}` is missing", f"add a line `{loc[-1]} = …` here"
        case "enum" | "literal_error":
            return _unknown_word(key, error)
        case "string_pattern_mismatch":
            return _wrong_shape(key, error)
    return _wrong_type(key, kind, str(error["msg"]))


def _unknown_key(shape: type[BaseModel], loc: tuple[str | int, ...]) -> Explained:
    around = _model_at(shape, loc[:-1])
    known = sorted(around.model_fields) if around is not None else []
    choices = f"the keys known here are: {', '.join(known)}" if known else "remove it"
    return "unknown-key", f"the key `{_dotted(loc)}` is not known", hint(str(loc[-1]), known) + choices


def _unknown_word(key: str, error: dict[str, Any]) -> Explained:
    choices = re.findall(r"'([^']*)'", str(error["ctx"]["expected"]))
    given = error["input"] if isinstance(error["input"], str) else type(error["input"]).__name__
    return "unknown-word", f"`{key}` cannot be `{given}`", f"{hint(given, choices)}choose one of: {', '.join(choices)}"


def _wrong_shape(key: str, error: dict[str, Any]) -> Explained:
    pattern = str(error["ctx"]["pattern"])
    meant = _PATTERNS.get(pattern, f"text that matches {pattern}")
    return "wrong-shape", f"`{key}` cannot be `{error['input']}`", f"write {meant}"


_PATTERNS = {
    r"^[a-z0-9][a-z0-9_.-]*$": "an id in lower case: letters, digits, hyphens, such as `risk-stratification`",
    r"^[A-Z0-9]{2,6}$": "an ODS code: two to six capitals or digits, such as `RZ1`",
    r"^[A-Z]$": "one capital letter",
    r"^A6-1-(a|b|c|d|e|ea|f)$": "a basis of Article 6 as `A6-1-e`",
    r"^A9-2-[a-j]$": "a basis of Article 9 as `A9-2-h`",
}


def _wrong_type(key: str, kind: str, message: str) -> Explained:
    for start, (meant, code) in _KINDS.items():
        if kind.startswith(start):
            return code, f"`{key}` is of the wrong type", f"write {meant}"
    return "wrong-value", f"`{key}` does not hold: {message}", "correct the value"


def _dotted(loc: tuple[str | int, ...]) -> str:
    """`roles[2].ceiling`, with the first entry counted as 1 as people count."""
    text = ""
    for part in loc:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _model_at(shape: type[BaseModel], loc: tuple[str | int, ...]) -> type[BaseModel] | None:
    """The model that a path ends in; None where it ends in a plain value."""
    around: type[BaseModel] | None = shape
    for part in loc:
        if isinstance(part, str) and around is not None:
            fields = around.model_fields
            around = _model_in(fields[part].annotation) if part in fields else None
    return around


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for one in get_args(annotation) if (found := _model_in(one)) is not None), None)
