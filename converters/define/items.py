"""The ItemDef elements of a define.xml."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from fhir2cdisc.converters.define.codelists import CodelistBook
from fhir2cdisc.converters.define.types import item_type
from fhir2cdisc.converters.define.values import ValueLevel
from fhir2cdisc.converters.define.xml import Element, describe, element, oid
from fhir2cdisc.mappings.standard.datasets import Variable

_SOURCES = {"Collected": "Investigator", "Derived": "Sponsor", "Assigned": "Sponsor", "Protocol": "Sponsor"}


def write_item(
    parent: Element,
    dataset: str,
    variable: Variable,
    frame: pd.DataFrame,
    book: CodelistBook,
    comments: Mapping[str, str],
    has_levels: bool,
) -> None:
    """The ItemDef of a variable: type, length, codelist, origin, value list."""
    name = variable.name
    place = f"{dataset}.{name}"
    attributes = {
        "OID": oid("IT", dataset, name),
        "Name": name,
        "SASFieldName": name,
        **item_type(variable, frame[name]).attributes,
        "def:CommentOID": oid("COM", place) if place in comments else None,
    }
    node = element(parent, "ItemDef", attributes)
    describe(node, variable.label)
    codelist = book.reference(dataset, variable, frame)
    if codelist:
        element(node, "CodeListRef", {"CodeListOID": codelist})
    _write_origin(node, variable)
    if has_levels:
        element(node, "def:ValueListRef", {"ValueListOID": oid("VL", dataset, name)})


def write_value_item(parent: Element, level: ValueLevel, book: CodelistBook, comments: Mapping[str, str]) -> None:
    """The ItemDef of one value level."""
    place = level.path
    attributes = {
        "OID": level.item_oid,
        "Name": level.variable.name,
        "SASFieldName": level.variable.name,
        **level.type.attributes,
        "def:CommentOID": oid("COM", place) if place in comments else None,
    }
    node = element(parent, "ItemDef", attributes)
    describe(node, level.label)
    codelist = book.reference(level.dataset, level.variable, level.frame, level.value)
    if codelist:
        element(node, "CodeListRef", {"CodeListOID": codelist})
    _write_origin(node, level.variable)


def _write_origin(node: Element, variable: Variable) -> None:
    if not variable.origin:
        return
    source = _SOURCES.get(variable.origin)
    origin = element(node, "def:Origin", {"Type": variable.origin, "Source": source})
    if variable.source:
        describe(origin, variable.source)
