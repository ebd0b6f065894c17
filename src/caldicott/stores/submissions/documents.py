"""Bytes to FHIR documents: JSON and XML, strictly, both to the same dictionaries.

JSON that two readers could read differently is refused: a key given twice lets
one number be checked and another be stored. XML with a document type is refused
before any entity is declared, so no entity can expand [OWASP: XXE].
"""

from __future__ import annotations

import json
from typing import Any, Final
from xml.parsers import expat

from caldicott.stores.submissions.faults import Reason, Unreadable

_FHIR: Final = "http://hl7.org/fhir"
_DEPTH: Final = 100  # the deepest resource of the samples has 14


class NotFhirXml(Exception):
    """Another standard's XML, such as the HL7 v3 extract beside a GP2GP answer."""


def from_json(content: bytes) -> Any:
    """The JSON value, or a reason why it is not one."""
    text = _utf8(content)
    try:
        value = json.loads(text, object_pairs_hook=_once_each, parse_constant=_no_constant)
    except json.JSONDecodeError:
        raise Unreadable(Reason.NOT_JSON) from None
    except ValueError:  # an integer of more digits than Python converts
        raise Unreadable(Reason.UNREADABLE_NUMBER) from None
    except RecursionError:
        raise Unreadable(Reason.TOO_DEEP) from None
    if "\\u" in text:
        _refuse_odd_escapes(value, text)
    return value


def _utf8(content: bytes) -> str:
    if b"\0" in content:  # UTF-16 and UTF-32 have them too
        raise Unreadable(Reason.NUL_BYTE)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable(Reason.NOT_UTF8) from None


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise Unreadable(Reason.DUPLICATE_KEY)
    return document


def _no_constant(_name: str) -> Any:
    raise Unreadable(Reason.UNREADABLE_NUMBER)  # NaN and Infinity are not JSON


def _refuse_odd_escapes(value: Any, text: str) -> None:
    """Half a surrogate pair cannot be written as UTF-8 and a NUL ends strings elsewhere."""
    if "\\u0000" in text:
        raise Unreadable(Reason.NUL_BYTE)
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Unreadable(Reason.NOT_UTF8) from None
    except RecursionError:
        raise Unreadable(Reason.TOO_DEEP) from None


def from_xml(content: bytes) -> dict[str, Any]:
    """The resource as its JSON form; numbers stay text and a list of one stays a single value."""
    builder = _Builder()
    parser = expat.ParserCreate(encoding=None, namespace_separator=" ")
    parser.StartDoctypeDeclHandler = _no_document_type
    parser.EntityDeclHandler = _no_document_type
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.buffer_text = True
    try:
        parser.Parse(content, True)  # noqa: FBT003  expat's own signature
    except expat.ExpatError:
        raise Unreadable(Reason.NOT_XML) from None
    except (UnicodeDecodeError, LookupError, ValueError):  # an encoding nobody knows, or one that lies
        raise Unreadable(Reason.NOT_XML) from None
    return builder.root


def _no_document_type(*_declaration: object) -> None:
    raise Unreadable(Reason.XML_ENTITY)


class _Builder:
    """Builds the dictionary with a stack of its own, so that depth is a number we choose."""

    def __init__(self) -> None:
        self.root: dict[str, Any] = {}
        self._open: list[tuple[str, dict[str, Any]]] = []
        self._foreign = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        if not self._open and namespace != _FHIR:
            raise NotFhirXml
        if self._foreign or namespace != _FHIR:  # the narrative's XHTML
            self._foreign += 1
            return
        if len(self._open) >= _DEPTH:
            raise Unreadable(Reason.TOO_DEEP)
        self._open.append((local, dict(attributes)))

    def end(self, _name: str) -> None:
        if self._foreign:
            self._foreign -= 1
            return
        local, document = self._open.pop()
        if not self._open:
            self.root = {**document, "resourceType": local}
        else:
            self._hang(local, document)

    def _hang(self, local: str, document: dict[str, Any]) -> None:
        parent_name, parent = self._open[-1]
        if parent_name in {"resource", "contained"} and local[:1].isupper():
            if "resourceType" in parent:  # a second resource in one place would hide the first
                raise Unreadable(Reason.WRONG_SHAPE)
            parent.update(document, resourceType=local)
            return
        value: Any = document["value"] if document.keys() == {"value"} else document
        if local == "value" and "value" in document:  # <value value="…"/> inside Identifier or Quantity
            value = document["value"]
        _append(parent, local, value)


def _append(parent: dict[str, Any], name: str, value: Any) -> None:
    if name not in parent:
        parent[name] = value
    elif isinstance(parent[name], list):
        parent[name].append(value)
    else:
        parent[name] = [parent[name], value]
