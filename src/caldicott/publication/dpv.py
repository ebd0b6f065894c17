"""The register as linked open metadata: DPV 2.3 as JSON-LD and Turtle, and back.

Two layers in one graph: the standard terms, which any tool of the vocabulary
reads, and the register itself in our own terms, from which `read` has it back
whole. The JSON-LD context stands in the file; nothing is fetched, in writing or
in reading. Both forms are written here, in a fixed order so that the bytes
repeat; a library that knows nothing of this reads them back.
"""

from __future__ import annotations

import json
import re
from datetime import date
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from caldicott.publication.dpv_carried import Iri, carried
from caldicott.publication.dpv_standard import PREFIXES, A, standard

if TYPE_CHECKING:
    from caldicott.publication.dpv_carried import Statement, Value
    from caldicott.register.model import Register

Form: TypeAlias = Literal["turtle", "json-ld"]
MEDIA_TYPE: Final[dict[Form, str]] = {"turtle": "text/turtle", "json-ld": "application/ld+json"}
_PLAIN_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def write(register: Register, form: Form) -> str:
    """The register in that form; the same text for the same register."""
    statements = _once(register)
    return _turtle(statements) if form == "turtle" else _json_ld(statements)


def read(text: str, form: Form) -> Register:
    """The register that a published file carries. Nothing is fetched; a file that carries none is refused."""
    # The reading library takes longer to load than all files to write, and publishing does not read.
    from caldicott.publication.dpv_reading import register_in

    return register_in(text, form)


def _once(register: Register) -> list[Statement]:
    """Standard terms first, then our own; nothing twice."""
    return list(dict.fromkeys([*standard(register), *carried(register)]))


def _turtle(statements: list[Statement]) -> str:
    """Written here, as the library takes ten times as long."""
    heads = [f"@prefix {prefix}: <{namespace}> ." for prefix, namespace in PREFIXES.items()]
    nodes: dict[str, dict[str, list[str]]] = {}
    for subject, predicate, value in statements:
        node = nodes.setdefault(subject.value, {})
        node.setdefault(_turtle_name(predicate.value), []).append(_turtle_value(value))
    bodies = [
        f"<{subject}>\n    " + " ;\n    ".join(f"{name} {', '.join(found)}" for name, found in node.items()) + " ."
        for subject, node in nodes.items()
    ]
    return "\n".join([*heads, "", *bodies]) + "\n"


def _turtle_name(iri: str) -> str:
    prefix, _, local = _short(iri).partition(":")
    return f"{prefix}:{local}" if prefix in PREFIXES and _PLAIN_NAME.fullmatch(local) else f"<{iri}>"


def _turtle_value(value: Value) -> str:
    match value:
        case Iri():
            return _turtle_name(value.value)
        case tuple():
            return f"( {' '.join(_turtle_value(one) for one in value)} )"
        case date():
            return f'"{value.isoformat()}"^^xsd:date'
        case bool() | int():
            return str(value).lower()
        case _:
            # Every escape that JSON writes is one that Turtle reads.
            return json.dumps(value, ensure_ascii=False)


def _json_ld(statements: list[Statement]) -> str:
    """Written here, not by the library: nested lists and a fixed order, so that the bytes repeat."""
    nodes: dict[str, dict[str, Any]] = {}
    for subject, predicate, value in statements:
        node = nodes.setdefault(subject.value, {"@id": subject.value})
        if predicate == A and isinstance(value, Iri):
            node.setdefault("@type", []).append(_short(value.value))
        else:
            node.setdefault(_short(predicate.value), []).append(_json(value))
    graph = [{key: _alone(found) for key, found in node.items()} for node in nodes.values()]
    return json.dumps({"@context": PREFIXES, "@graph": graph}, ensure_ascii=False, indent=1) + "\n"


def _alone(found: Any) -> Any:
    return found[0] if isinstance(found, list) and len(found) == 1 else found


def _short(iri: str) -> str:
    for prefix, namespace in PREFIXES.items():
        if iri.startswith(namespace):
            return f"{prefix}:{iri.removeprefix(namespace)}"
    return iri


def _json(value: Value) -> Any:
    match value:
        case Iri():
            return {"@id": _short(value.value)}
        case tuple():
            return {"@list": [_json(one) for one in value]}
        case date():
            return {"@value": value.isoformat(), "@type": "xsd:date"}
        case _:
            return value
