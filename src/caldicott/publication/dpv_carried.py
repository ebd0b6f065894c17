"""The whole register in terms of our own, so that a machine that reads the published file has the register itself.

One rule for every part: a field that differs from its default is said by a term
of its own name; several values are a list, for their order counts; a part is a
node of its own below the one it is a part of. Reading turns this round.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import quote

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.register.model import Register

OURS: Final = "urn:caldicott:vocab:"
_OWN_ID: Final = frozenset({"organisations", "instruments", "activities"})


@dataclass(frozen=True, slots=True, order=True)
class Iri:
    """A name of something, as against a text."""

    value: str


Value: TypeAlias = "Iri | str | int | bool | date | tuple[Value, ...]"
Statement: TypeAlias = "tuple[Iri, Iri, Value]"
"""Subject, predicate, object; a tuple as object is an ordered list."""


def base(register: Register) -> str:
    """Where the names of a register's parts begin."""
    return f"urn:caldicott:register:{register.controller.id}"


def place(parent: str, field: str, index: int, part: BaseModel) -> Iri:
    """The name of one part among several: by its id where ids are unique, else by its number."""
    own = getattr(part, "id", "") if field in _OWN_ID else ""
    return Iri(f"{parent}/{field}/{quote(own, safe='') if own else index + 1}")


def carried(register: Register) -> Iterator[Statement]:
    """Every statement that says the register in our own terms."""
    yield from _part(Iri(base(register)), register)


def _part(name: Iri, part: BaseModel) -> Iterator[Statement]:
    for field, about in type(part).model_fields.items():
        value = getattr(part, field)
        if about.is_required() or value != about.get_default(call_default_factory=True):
            yield from _field(name, field, value)


def _in_full(name: Iri, part: BaseModel) -> Iterator[Statement]:
    for field in type(part).model_fields:
        yield from _field(name, field, getattr(part, field))


def _field(name: Iri, field: str, value: Any) -> Iterator[Statement]:
    term = Iri(f"{OURS}{field}")
    if isinstance(value, BaseModel):
        below = Iri(f"{name.value}/{field}")
        yield (name, term, below)
        # A part that is there and says nothing of its own is still described, or the name would lead nowhere.
        yield from list(_part(below, value)) or _in_full(below, value)
    elif isinstance(value, tuple):
        parts = [(place(name.value, field, number, one), one) for number, one in enumerate(value) if _is_part(one)]
        yield (name, term, tuple(below for below, _ in parts) or tuple(_scalar(one) for one in value))
        for below, one in parts:
            yield from _part(below, one)
    else:
        yield (name, term, _scalar(value))


def _is_part(one: Any) -> bool:
    return isinstance(one, BaseModel)


def _scalar(value: Any) -> Value:
    # An enum of words is its word: what is read back is checked by the model, not by the reader.
    return value if isinstance(value, bool | int | date) else str(value)
