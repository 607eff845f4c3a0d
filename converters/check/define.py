"""Rules of define.xml: valid, every reference resolves, and it says what the files say (Define-XML 2.1)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
from fhir2cdisc.converters.check.columns import rows_of, text
from fhir2cdisc.converters.check.rule import Hit, Loaded, Package, Rule
from fhir2cdisc.converters.define.xml import ARM, DEF, ODM, XLINK
from fhir2cdisc.converters.package import Kind
from fhir2cdisc.converters.xpt.columns import is_datetime, is_numeric
from lxml import etree

_NS = {"o": ODM, "def": DEF, "arm": ARM, "xlink": XLINK}
# Each kind of reference with the definitions that it may name.
REFERENCES = {
    "//o:ItemRef/@ItemOID": "//o:ItemDef/@OID",
    "//@MethodOID": "//o:MethodDef/@OID",
    "//@def:CommentOID": "//def:CommentDef/@OID",
    "//o:CodeListRef/@CodeListOID": "//o:CodeList/@OID",
    "//def:ValueListRef/@ValueListOID": "//def:ValueListDef/@OID",
    "//def:WhereClauseRef/@WhereClauseOID": "//def:WhereClauseDef/@OID",
    "//o:RangeCheck/@def:ItemOID": "//o:ItemDef/@OID",
    "//@leafID": "//def:leaf/@ID",
    "//@def:ArchiveLocationID": "//def:leaf/@ID",
    "//@def:StandardOID": "//def:Standard/@OID",
    "//arm:AnalysisResult/@ParameterOID": "//o:ItemDef/@OID",
    "//arm:AnalysisDataset/@ItemGroupOID": "//o:ItemGroupDef/@OID",
    "//arm:AnalysisVariable/@ItemOID": "//o:ItemDef/@OID",
}
_NUMERIC = ("integer", "float")


def find(node: Any, path: str) -> list[Any]:
    return list(node.xpath(path, namespaces=_NS))


def _missing(package: Package) -> Iterator[Hit]:
    for kind in ("sdtm", "adam"):
        broken = any(h.message.startswith((f"{kind}/", "define.xml")) for h in package.malformed)
        if package.group(kind) and kind not in package.defines and not broken:
            yield Hit("", "", f"no define.xml beside the {kind} datasets")


def _malformed(package: Package) -> Iterator[Hit]:
    yield from package.malformed


@cache
def schema() -> Any:
    """The XSD of Define-XML 2.1 with ARM 1.0 from the optional odmlib, None without it."""
    spec = find_spec("odmlib")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent / "schemas" / "arm" / "1.0-define2.1" / "arm1-0-0.xsd"
    return etree.XMLSchema(etree.parse(root)) if root.is_file() else None


def _schema(package: Package) -> Iterator[Hit]:
    xsd = schema()
    for kind, tree in package.defines.items():
        if xsd is None:
            yield Hit("", "", "the schema was not checked: install the extra `xsd` (odmlib)")
        elif not xsd.validate(tree):
            for error in list(xsd.error_log)[:20]:
                yield Hit("", "", f"{kind}/define.xml, line {error.line}: {error.message}")


def _references(package: Package) -> Iterator[Hit]:
    for kind, tree in package.defines.items():
        for reference, definition in REFERENCES.items():
            lost = sorted(set(find(tree, reference)) - set(find(tree, definition)))
            for name in lost:
                yield Hit("", "", f"{kind}/define.xml: {reference.rpartition('@')[2]} {name} is not defined")


def _twice(package: Package) -> Iterator[Hit]:
    for kind, tree in package.defines.items():
        for tag in ("o:ItemDef", "o:ItemGroupDef", "o:CodeList", "o:MethodDef", "def:CommentDef"):
            names = find(tree, f"//{tag}/@OID")
            for name in sorted({n for n in names if names.count(n) > 1}):
                yield Hit("", "", f"{kind}/define.xml: {name} is defined twice")


def _groups(package: Package) -> Iterator[tuple[Kind, dict[str, Any]]]:
    for kind, tree in package.defines.items():
        yield kind, {node.get("Name", ""): node for node in find(tree, "//o:ItemGroupDef")}


def _files(package: Package) -> Iterator[Hit]:
    for kind, groups in _groups(package):
        loaded = package.group(kind)
        for name in sorted(set(groups) - set(loaded)):
            if groups[name].get(f"{{{DEF}}}HasNoData") != "Yes":
                yield Hit(name, "", "described in define.xml, but there is no such file")
        for name in sorted(set(loaded) - set(groups)):
            yield Hit(name, "", "not described in define.xml")


def _leaves(package: Package) -> Iterator[Hit]:
    for kind, groups in _groups(package):
        for name, node in groups.items():
            for href in find(node, "def:leaf/@xlink:href"):
                found = package.group(kind).get(name)
                if found is not None and href != found.path.name:
                    yield Hit(name, "", f"define.xml links to {href}, the file is {found.path.name}")
        tree = package.defines[kind]
        for href in find(tree, "/o:ODM/o:Study/o:MetaDataVersion/def:leaf/@xlink:href"):
            if "://" not in href and not package.has_file(kind, href):
                yield Hit("", "", f"{kind}/define.xml links to {href}, which is not there")


def _described(package: Package) -> Iterator[tuple[Loaded, list[tuple[str, Any, Any]]]]:
    """Each dataset file with what define.xml says: name, ItemRef and ItemDef of its variables in order."""
    for kind, groups in _groups(package):
        items = {node.get("OID"): node for node in find(package.defines[kind], "//o:ItemDef")}
        for name, loaded in package.group(kind).items():
            if name in groups:
                refs = find(groups[name], "o:ItemRef")
                refs.sort(key=lambda ref: int(ref.get("OrderNumber") or 0))
                known = [(ref, items[ref.get("ItemOID")]) for ref in refs if ref.get("ItemOID") in items]
                yield loaded, [(item.get("Name", ""), ref, item) for ref, item in known]


def _variables(package: Package) -> Iterator[Hit]:
    for loaded, items in _described(package):
        names = [name for name, _, _ in items]
        for name in sorted(set(loaded.dataset.names) - set(names)):
            yield Hit(loaded.name, name, "not described in define.xml")
        for name in sorted(set(names) - set(loaded.dataset.names)):
            yield Hit(loaded.name, name, "described in define.xml, but not in the file")


def _order(package: Package) -> Iterator[Hit]:
    for loaded, items in _described(package):
        here = [n for n in loaded.dataset.names if n in {name for name, _, _ in items}]
        there = [name for name, _, _ in items if name in here]
        wrong = next((a for a, b in zip(here, there, strict=False) if a != b), None)
        if wrong is not None:
            yield Hit(loaded.name, wrong, "another order in define.xml than in the file")


def _labels(package: Package) -> Iterator[Hit]:
    for loaded, items in _described(package):
        for name, _, item in items:
            said = "".join(find(item, "o:Description/o:TranslatedText/text()")[:1])
            if name in loaded.dataset and said != loaded.dataset[name].label:
                label = loaded.dataset[name].label
                yield Hit(loaded.name, name, f"the label is {label!r} in the file, {said!r} in define.xml")


def _types(package: Package) -> Iterator[Hit]:
    for loaded, items in _described(package):
        for name, _, item in items:
            if name not in loaded.dataset:
                continue
            variable, kind = loaded.dataset[name], item.get("DataType", "")
            if (variable.type == "Num") != (kind in _NUMERIC):
                yield Hit(loaded.name, name, f"type {variable.type} in the file, {kind} in define.xml")
            elif kind == "text" and item.get("Length") != str(variable.length):
                message = f"length {variable.length} in the file, {item.get('Length')} in define.xml"
                yield Hit(loaded.name, name, message)


def _keys(items: list[tuple[str, Any, Any]], loaded: Loaded) -> list[str]:
    keys = [(int(ref.get("KeySequence")), name) for name, ref, _ in items if ref.get("KeySequence")]
    return [name for _, name in sorted(keys) if name in loaded.frame.columns]


def _unique(package: Package) -> Iterator[Hit]:
    for loaded, items in _described(package):
        keys = _keys(items, loaded)
        if not keys:
            yield Hit(loaded.name, "", "define.xml names no key variables")
            continue
        plain = pd.DataFrame({key: text(loaded.frame, key) for key in keys})
        rows = rows_of(plain.duplicated(keep=False))
        if rows:
            yield Hit(loaded.name, ", ".join(keys), "the keys do not tell records apart", rows)


def _sorted(package: Package) -> Iterator[Hit]:
    for loaded, items in _described(package):
        keys = _keys(items, loaded)
        if not keys or loaded.frame.empty:
            continue
        plain = pd.DataFrame({k: _sortable(loaded.frame[k], text(loaded.frame, k)) for k in keys})
        order = plain.sort_values(keys, kind="stable", na_position="first").index
        moved = [i for i, (a, b) in enumerate(zip(order, plain.index, strict=True), 1) if a != b]
        if moved:
            yield Hit(loaded.name, ", ".join(keys), "records are not sorted by the keys", tuple(moved))


def _sortable(values: pd.Series, as_text: pd.Series) -> pd.Series:
    return values if is_numeric(values) or is_datetime(values) else as_text


def _terms(package: Package) -> Iterator[Hit]:
    for loaded, items in _described(package):
        tree = package.defines[loaded.kind]
        lists = {node.get("OID"): node for node in find(tree, "//o:CodeList")}
        for name, _, item in items:
            for reference in find(item, "o:CodeListRef/@CodeListOID"):
                allowed = set(find(lists[reference], "*/@CodedValue")) if reference in lists else set()
                if not allowed or name not in loaded.frame.columns:
                    continue
                values = text(loaded.frame, name)
                rows = rows_of((values != "") & ~values.isin(allowed))
                if rows:
                    yield Hit(loaded.name, name, "a value that its codelist in define.xml lacks", rows)


def _origins(package: Package) -> Iterator[Hit]:
    for loaded, items in _described(package):
        for name, ref, item in items:
            origins = find(item, "def:Origin/@Type")
            levels = find(item, "def:ValueListRef")
            if not origins and not levels:
                yield Hit(loaded.name, name, "no origin in define.xml")
            if "Derived" in origins and not ref.get("MethodOID") and not levels:
                yield Hit(loaded.name, name, "derived, without a method in define.xml")


RULES = (
    Rule("DEF-001", "error", "FDA rejection criterion 1736", "Datasets come with define.xml.", _missing),
    Rule("DEF-002", "error", "Define-XML 2.1", "define.xml is XML.", _malformed),
    Rule("DEF-003", "error", "Define-XML 2.1 schema", "define.xml is valid by its schema.", _schema),
    Rule("DEF-004", "error", "Define-XML 2.1, OID references", "Every reference resolves.", _references),
    Rule("DEF-005", "error", "Define-XML 2.1, OID", "Nothing is defined twice.", _twice),
    Rule("DEF-006", "error", "Define-XML 2.1, ItemGroupDef", "Files and descriptions are the same.", _files),
    Rule("DEF-007", "error", "Define-XML 2.1, def:leaf", "Links lead to the files.", _leaves),
    Rule("DEF-008", "error", "Define-XML 2.1, ItemRef", "Variables are those of the files.", _variables),
    Rule(
        "DEF-009",
        "error",
        "SDTMIG 3.4, 4.1.4; Define-XML 2.1, OrderNumber",
        "Variables stand in the order of the files.",
        _order,
    ),
    Rule("DEF-010", "error", "Define-XML 2.1, Description", "Labels are those of the files.", _labels),
    Rule(
        "DEF-011",
        "error",
        "Define-XML 2.1, ItemDef DataType, Length",
        "Types and lengths are those of the files.",
        _types,
    ),
    Rule("DEF-012", "error", "SDTMIG 3.4, 3.2.1.1; Define-XML 2.1, KeySequence", "Keys tell records apart.", _unique),
    Rule("DEF-013", "warning", "SDTMIG 3.4, 3.2.1.1; own rule", "Records are sorted by the keys.", _sorted),
    Rule(
        "DEF-014",
        "error",
        "SDTMIG 3.4, 4.3.3; Define-XML 2.1, CodeList",
        "Codelists hold the terms of the data.",
        _terms,
    ),
    Rule(
        "DEF-015",
        "warning",
        "SDTMIG 3.4, 4.1.8.1; Define-XML 2.1, def:Origin",
        "Variables have an origin, derived ones a method.",
        _origins,
    ),
)
