"""Records as keyed Bloom filters, so that two organisations can match people without showing each other who they are.

One filter a record over all its fields (a CLK), with HMAC-SHA-256 under a key of the
project. A field that is missing sets no bit, so nothing missing is ever alike. Weak
spots, said openly: who holds the key can try names; how full a filter is tells how long
the names are; a filter is still personal information and needs its lawful basis.
"""

from __future__ import annotations

import hashlib
import hmac
import tomllib
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from caldicott.facts import linkage as facts
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from caldicott.linkage.spec import Spec

_STEP: Final = 1_000  # records of the left file compared at once: 1,000 x n similarities fit in the memory of a laptop
_POSITIONAL: Final = frozenset({"date", "number", "nhs-number", "code", "postcode"})


@cache
def rules() -> dict[str, Any]:
    """The encoding's parameters, as published here."""
    return tomllib.loads(facts.text("encoding.toml"))


def check_key(key: bytes) -> None:
    """A key must be long enough that nobody can try them all."""
    if len(key) < rules()["key_bytes_least"] or len(set(key)) < rules()["key_bytes_least"] // 4:
        raise DoesNotHold(
            "the key is too short or not random",
            code="link-key-weak",
            where="--key",
            next_step="make one with `caldicott link key FILE` and give it to the other organisation by a safe way",
        )


def made_by(spec: Spec, key: bytes) -> dict[str, str]:
    """What two encoded files must have in common to be compared: the project's key, told by a digest that gives nothing
    of it away, and the fields and the rules.
    """
    fields = "|".join(f"{field.name}:{field.kind}" for field in spec.fields) + f"|{sorted(rules()['hashes'].items())}"
    return {
        "project": hmac.new(key, b"which project", hashlib.sha256).hexdigest()[:16],
        "fields": hashlib.sha256(fields.encode()).hexdigest()[:16],
    }


def check_spec(spec: Spec) -> None:
    """Too few fields make filters that an attack on frequencies reads."""
    if len(spec.fields) < rules()["fields_least"]:
        raise DoesNotHold(
            f"the spec has {len(spec.fields)} fields; an encoding needs {rules()['fields_least']} or more",
            code="link-fields-few",
            where="--spec",
            next_step="add fields: with few, common values can be told from the filters",
        )


def pieces(value: str, kind: str) -> list[str]:
    """Two letters at a time; where the place matters, with the place, so that 12 is not 21."""
    if kind in _POSITIONAL:
        return [f"{place}{piece}" for place, piece in enumerate(_pairs(f" {value.replace('-', '').replace(' ', '')} "))]
    return _pairs(f" {value} ")


def encode(columns: Sequence[tuple[str, Sequence[str | None]]], key: bytes) -> NDArray[np.uint8]:
    """Filters of the records, a row each: columns are pairs of a kind and its values."""
    check_key(key)
    count = len(columns[0][1])
    filters = np.zeros((count, rules()["bits"]), dtype=bool)
    for place, (kind, values) in enumerate(columns):
        # Names share one space, so that given and family changed over still agree.
        scope = "name" if kind == "name" else f"{place}:{kind}"
        field_key = hmac.new(key, scope.encode(), hashlib.sha256).digest()
        known: dict[str, list[int]] = {}
        for one in {value for value in values if value}:
            known[one] = sorted({bit for piece in pieces(one, kind) for bit in _bits(piece, kind, field_key)})
        for row, value in enumerate(values):
            if value:
                filters[row, known[value]] = True
    return np.packbits(filters, axis=1)


def _pairs(text: str) -> list[str]:
    return [text[at : at + 2] for at in range(len(text) - 1)]


@cache
def _bits(piece: str, kind: str, key: bytes) -> tuple[int, ...]:
    """Bits from one keyed digest: 16 independent pairs of bytes, as many as the kind of field asks for."""
    digest = hmac.new(key, piece.encode(), hashlib.sha256).digest()
    draws = np.frombuffer(digest, dtype=">u2")[: rules()["hashes"][kind]]
    return tuple(int(draw) % rules()["bits"] for draw in draws)


def best_pairs(
    left: NDArray[np.uint8], right: NDArray[np.uint8], *, at_least: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Pairs in which each is the other's single best by the Dice coefficient; ties are nobody's."""
    b = np.unpackbits(right, axis=1).astype(np.float32)
    sizes = b.sum(axis=1)
    best_right = np.full(len(right), -1.0)
    best_right_of = np.full(len(right), -1)
    tied_right = np.zeros(len(right), dtype=bool)
    best_left, best_left_of = np.zeros(len(left)), np.zeros(len(left), dtype=np.int64)
    tied_left = np.zeros(len(left), dtype=bool)
    for start in range(0, len(left), _STEP):
        a = np.unpackbits(left[start : start + _STEP], axis=1).astype(np.float32)
        dice = 2 * (a @ b.T) / np.maximum(1.0, a.sum(axis=1)[:, None] + sizes[None, :])
        rows = np.arange(start, start + len(a))
        best_left[rows], best_left_of[rows] = dice.max(axis=1), dice.argmax(axis=1)
        tied_left[rows] = (dice == dice.max(axis=1, keepdims=True)).sum(axis=1) > 1
        top = dice.max(axis=0)
        tied_here = (dice == top[None, :]).sum(axis=0) > 1
        tied_right = np.where(top > best_right, tied_here, tied_right | (top == best_right))
        best_right_of = np.where(top > best_right, start + dice.argmax(axis=0), best_right_of)
        best_right = np.maximum(top, best_right)
    rows = np.arange(len(left))
    mutual = (best_right_of[best_left_of] == rows) & (best_left >= at_least)
    mutual &= ~tied_left & ~tied_right[best_left_of]
    chosen = rows[mutual]
    return chosen, best_left_of[chosen], best_left[chosen]
