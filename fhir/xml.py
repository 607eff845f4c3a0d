"""FHIR XML as the JSON of the same resource (FHIR R4, section 2.6.2), by the cardinality of the fhir.resources models.

Whether an element is a list, and whether a primitive is a number, a boolean or a text, is not in the XML. Numbers keep
the text that they are written with, so that XML and JSON of one resource say the same to the last digit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple, get_args, get_origin

import msgspec
from fhir2cdisc.fhir.deep import R4B, R5, model_of
from fhir2cdisc.mappings.errors import Fhir2CdiscError
from lxml import etree

MAX_XML_BYTES = 512 << 20
_FHIR = "{http://hl7.org/fhir}"
_DIV = "{http://www.w3.org/1999/xhtml}div"
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_DOCTYPE = tuple("<!DOCTYPE".encode(name) for name in ("utf-8", "utf-16-le", "utf-16-be"))
_REFUSED = "has a document type declaration (DOCTYPE), which is refused"
# The models of R4B first; those of R5 where the resource has elements that R4B does not know.
_PACKAGES = (R4B, R5)


class XmlError(Fhir2CdiscError):
    """XML that is not read; the message is one sentence without any of its content."""


class _Field(NamedTuple):
    """An element of a type: whether it is a list, its kind (`text`, `number`, `boolean`, `resource`, `type`)."""

    many: bool
    kind: str
    model: Any = None


def to_json(data: bytes) -> bytes:
    """The JSON of a FHIR XML document (a resource or a Bundle).

    Raises XmlError for a document type, for what is too large or not well-formed, and for what is no FHIR.
    """
    if len(data) > MAX_XML_BYTES:
        raise XmlError(f"is larger than {MAX_XML_BYTES} bytes; XML is read as a whole, give it in parts or as NDJSON")
    if any(mark in data for mark in _DOCTYPE):
        raise XmlError(_REFUSED)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        line = getattr(error, "lineno", 0)
        raise XmlError("is not well-formed XML" + (f" (line {line})" if line else "")) from None
    if root.getroottree().docinfo.doctype or root.getroottree().docinfo.internalDTD is not None:
        raise XmlError(_REFUSED)
    if not isinstance(root.tag, str) or not root.tag.startswith(_FHIR):
        raise XmlError("has no root element of FHIR")
    return msgspec.json.encode(_resource(root))


def _resource(element: Any) -> dict[str, Any]:
    """A resource by the models of R4B, or of R5 where those know more of its elements."""
    kind, best, fewest = etree.QName(element).localname, None, 0
    for package in _PACKAGES:
        reading = _Reading()
        found = reading.fields_of(element, model_of(package, kind))
        if best is None or reading.unknown < fewest:
            best, fewest = found, reading.unknown
        if not fewest:
            break
    return {"resourceType": kind, **(best or {})}


@cache
def _fields(model: Any) -> dict[str, _Field]:
    """The elements of a model by their FHIR names."""
    return {str(one.alias): _field(one.annotation) for one in model.model_fields.values() if one.alias}


def _field(annotation: Any) -> _Field:
    """A field of a model: its annotation is a type, optional, in a list, or annotated, in any order."""
    many, metadata = False, ""
    while not isinstance(annotation, type) or get_args(annotation):
        many = many or get_origin(annotation) is list
        parts = [part for part in get_args(annotation) if part is not type(None)]
        if not parts:
            break
        metadata = " ".join(type(part).__name__ for part in parts[1:]) or metadata
        annotation = parts[0]
    if annotation is bool:
        return _Field(many, "boolean")
    if annotation in (int, Decimal) and "Integer64" not in metadata:
        return _Field(many, "number")
    name = getattr(annotation, "__name__", "")
    if name == "ResourceType":
        return _Field(many, "resource")
    if hasattr(annotation, "get_model_klass"):
        return _Field(many, "type", annotation.get_model_klass())
    return _Field(many, "text")


class _Reading:
    """Reads the elements of one resource and counts those that the model does not know."""

    def __init__(self) -> None:
        self.unknown = 0

    def fields_of(self, element: Any, model: Any) -> dict[str, Any]:
        """The JSON members of an element of a complex type."""
        known = _fields(model) if model is not None else {}
        found: dict[str, Any] = {key: value for key, value in element.attrib.items() if key in ("id", "url")}
        for name, children in _by_name(element):
            if name == "div" and children[0].tag == _DIV:
                found["div"] = etree.tostring(children[0], encoding="unicode", with_tail=False)
                continue
            if name not in known:
                self.unknown += 1
            spec = known.get(name) or _Field(False, "")
            many = spec.many or len(children) > 1
            if spec.kind in ("text", "number", "boolean") or (not spec.kind and "value" in children[0].attrib):
                self._primitives(name, spec, children, many, found)
            elif values := [made for child in children if (made := self._complex(child, spec))]:
                found[name] = values if many else values[0]
        return found

    def _complex(self, child: Any, spec: _Field) -> dict[str, Any]:
        if spec.kind == "resource":
            inner = next(iter(child), None)
            return _resource(inner) if inner is not None else {}
        return self.fields_of(child, spec.model)

    def _primitives(self, name: str, spec: _Field, children: list[Any], many: bool, found: dict[str, Any]) -> None:
        values = [_value(child.get("value"), spec.kind) for child in children]
        beside = [self._beside(child) for child in children]
        if any(value is not None for value in values):
            found[name] = values if many else values[0]
        if any(beside):
            found[f"_{name}"] = [one or None for one in beside] if many else beside[0]

    def _beside(self, child: Any) -> dict[str, Any]:
        """Id and extensions of a primitive."""
        found: dict[str, Any] = {"id": child.get("id")} if child.get("id") else {}
        inside = [c for c in child if isinstance(c.tag, str) and etree.QName(c).localname == "extension"]
        if inside:
            model = model_of(R4B, "Extension")
            found["extension"] = [self.fields_of(one, model) for one in inside]
        return found


def _by_name(element: Any) -> Iterator[tuple[str, list[Any]]]:
    """The children by name, in the order in which each name is first met."""
    found: dict[str, list[Any]] = {}
    for child in element:
        if isinstance(child.tag, str):
            found.setdefault(etree.QName(child).localname, []).append(child)
    yield from found.items()


def _value(text: str | None, kind: str) -> Any:
    """A primitive: a number with its own text, a boolean; anything that is neither stays a text."""
    if text is None:
        return None
    if kind == "boolean" and text.strip() in ("true", "false"):
        return text.strip() == "true"
    if kind == "number" and _NUMBER.fullmatch(text.strip()):
        return msgspec.Raw(text.strip().encode())
    return text
