"""Small verbs for writing Define-XML 2.1 elements with lxml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from zlib import crc32

from lxml import etree

ODM = "http://www.cdisc.org/ns/odm/v1.3"
DEF = "http://www.cdisc.org/ns/def/v2.1"
ARM = "http://www.cdisc.org/ns/arm/v1.0"
XLINK = "http://www.w3.org/1999/xlink"
XML = "http://www.w3.org/XML/1998/namespace"
NAMESPACES = {None: ODM, "def": DEF, "xlink": XLINK, "arm": ARM}
_PREFIXES = {"def": DEF, "xlink": XLINK, "arm": ARM, "xml": XML}
# What XML 1.0 cannot hold at all.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

Element = Any


def qualified(name: str) -> str:
    """`def:leaf` as lxml writes it; a name without prefix is an ODM element."""
    prefix, _, local = name.rpartition(":")
    return f"{{{_PREFIXES[prefix] if prefix else ODM}}}{local}"


def attribute(name: str) -> str:
    """`def:Class` as lxml writes it; an attribute without prefix has no namespace."""
    return qualified(name) if ":" in name else name


def element(parent: Element, name: str, attributes: Mapping[str, str | None] | None = None) -> Element:
    """A child element; attributes that are None are left out."""
    child = etree.SubElement(parent, qualified(name))
    for key, value in (attributes or {}).items():
        if value is not None:
            child.set(attribute(key), clean(value))
    return child


def text_element(parent: Element, name: str, text: str) -> Element:
    child = element(parent, name)
    child.text = clean(text)
    return child


def describe(parent: Element, text: str, name: str = "Description") -> None:
    """A description (or decode) in English."""
    translated = text_element(element(parent, name), "TranslatedText", text)
    translated.set(attribute("xml:lang"), "en")


def oid(*parts: str) -> str:
    """An identifier of parts joined with dots.

    Signs that an identifier cannot hold become `_`, with a checksum, so that two parts never become one.
    """
    return ".".join(_safe(part) for part in parts)


def _safe(part: str) -> str:
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", part)
    return safe if safe == part else f"{safe}_{crc32(part.encode('utf-8')):08x}"


def clean(text: str) -> str:
    return _FORBIDDEN.sub("?", text)
