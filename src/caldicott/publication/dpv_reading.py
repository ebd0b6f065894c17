"""Read back what `dpv.write` has written: by a library that only knows the standard, then by the register's model.

A published file may come back from anywhere, so nothing in it is trusted: no
address is fetched, no circle is followed, and what is not a register is refused.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError
from rdflib import BNode, Graph, URIRef
from rdflib import Literal as RdfText
from rdflib.namespace import RDF
from rdflib.plugins.parsers.jsonld import to_rdf

from caldicott.publication.dpv_carried import OURS
from caldicott.register.model import Register
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from rdflib.term import Node

    from caldicott.publication.dpv import Form

_NEXT: Final = "take the file as `caldicott publish` wrote it"
_DEEPEST: Final = 64


def register_in(text: str, form: Form) -> Register:
    """The register that a published file carries. Nothing is fetched; a file that carries none is refused."""
    graph = _parsed(text, form)
    roots = list(set(graph.subjects(URIRef(f"{OURS}controller"))))
    if len(roots) != 1:
        raise DoesNotHold(
            f"the file carries {len(roots)} registers instead of one", code="dpv-no-register", next_step=_NEXT
        )
    fields = _fields(graph, roots[0], ())
    try:
        return Register.model_validate(fields)
    except ValidationError as error:
        where = ", ".join(".".join(map(str, one["loc"])) for one in error.errors()[:3])
        raise DoesNotHold(
            "what the file carries is not a register", code="dpv-not-a-register", next_step=_NEXT, where=where
        ) from None


def _parsed(text: str, form: Form) -> Graph:
    content = _json(text) if form == "json-ld" else None
    graph = Graph(bind_namespaces="none")
    try:
        # Not `Graph.parse` for JSON-LD: it goes by a class of which the library itself warns.
        return graph.parse(data=text, format=form) if form == "turtle" else to_rdf(content, graph)
    except Exception as error:  # noqa: BLE001  the library raises a kind of its own for each fault of each form
        raise DoesNotHold(
            f"the file is not {form} ({type(error).__name__})", code="dpv-unreadable", next_step=_NEXT
        ) from None


def _json(text: str) -> Any:
    """A context given by address would be fetched: such a file is not read."""
    try:
        content = json.loads(text)
        is_outside = _has_address(content)
    except (ValueError, RecursionError):
        raise DoesNotHold("the file is not JSON", code="dpv-unreadable", next_step=_NEXT) from None
    if is_outside:
        raise DoesNotHold(
            "the file names a context outside itself, which would have to be fetched",
            code="dpv-context-outside",
            next_step="put the context into the file",
        )
    return content


def _has_address(content: Any) -> bool:
    match content:
        case dict():
            context = content.get("@context")
            contexts = context if isinstance(context, list) else [context]
            named = any(isinstance(one, str) for one in contexts) or "@import" in content
            return named or any(_has_address(one) for one in content.values())
        case list():
            return any(_has_address(one) for one in content)
        case _:
            return False


def _fields(graph: Graph, node: Node, above: tuple[Node, ...]) -> dict[str, Any]:
    """The fields of one part, those of its own parts included."""
    found: dict[str, Any] = {}
    for predicate, value in graph.predicate_objects(node):
        field = str(predicate).removeprefix(OURS)
        if field == str(predicate):
            continue
        if field in found:
            raise DoesNotHold(f"`{field}` is given twice", code="dpv-twice", next_step=_NEXT)
        found[field] = _value(graph, value, (*above, node))
    return found


def _value(graph: Graph, value: Node, above: tuple[Node, ...]) -> Any:
    if isinstance(value, RdfText):
        # The library makes values of typed literals; plain text stays text.
        return str(value) if value.datatype is None else value.toPython()
    if value == RDF.nil:
        return ()
    if value in above or len(above) > _DEEPEST:
        raise DoesNotHold("a part of the register is a part of itself", code="dpv-circle", next_step=_NEXT)
    if isinstance(value, BNode):
        return tuple(_value(graph, one, (*above, value)) for one in _listed(graph, value))
    return _fields(graph, value, above)


def _listed(graph: Graph, head: Node) -> list[Node]:
    try:
        return list(graph.items(head))
    except ValueError:  # the library's word for a list whose rest leads back into it
        raise DoesNotHold("a list of the register has no end", code="dpv-circle", next_step=_NEXT) from None
