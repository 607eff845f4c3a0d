"""define.xml 2.1: the description of every dataset, variable, value and result of a package.

What stands in the file is what stands in the data: only variables that are present, only terms that are used,
lengths of the transport files, keys in sort order. Define-XML 2.1, with Analysis Results Metadata 1.0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import pandas as pd
from fhir2cdisc.converters.atomic import replacing
from fhir2cdisc.converters.define.codelists import CodelistBook, Dictionary, PublishedTerms
from fhir2cdisc.converters.define.html import STYLESHEET, write_define_html
from fhir2cdisc.converters.define.items import write_item, write_value_item
from fhir2cdisc.converters.define.results import ResultDisplay, range_check, write_results, write_where
from fhir2cdisc.converters.define.values import ValueLevel, value_levels
from fhir2cdisc.converters.define.xml import (
    NAMESPACES,
    Element,
    attribute,
    describe,
    element,
    oid,
    qualified,
    text_element,
)
from fhir2cdisc.converters.package import Identity, LinkedDocument
from fhir2cdisc.converters.xpt.layout import FIXED_CREATED
from fhir2cdisc.mappings.standard.adam_terms import ADAM_CODELISTS, ADAM_CT_VERSION
from fhir2cdisc.mappings.standard.datasets import SDTM_CT_VERSION, SDTM_STANDARD, Dataset, Variable, codelists
from lxml import etree

_CLASSES = {
    "SPECIAL-PURPOSE": "SPECIAL PURPOSE",
    "ADSL": "SUBJECT LEVEL ANALYSIS DATASET",
    "BDS": "BASIC DATA STRUCTURE",
    "TTE": "BASIC DATA STRUCTURE",
    "TIME-TO-EVENT": "BASIC DATA STRUCTURE",
    "OCCDS": "OCCURRENCE DATA STRUCTURE",
    "OTHER": "ADAM OTHER",
}
_ONE_PER_SUBJECT = {"STUDYID", "USUBJID"}


def terminologies_of(standard: tuple[str, str]) -> tuple[PublishedTerms, ...]:
    """The terminology that the project carries: SDTM, and for analysis datasets ADaM before it."""
    sdtm = PublishedTerms("SDTM", SDTM_CT_VERSION, codelists())
    if not _is_adam(standard):
        return (sdtm,)
    return (PublishedTerms("ADaM", ADAM_CT_VERSION, ADAM_CODELISTS), sdtm)


def _is_adam(standard: tuple[str, str]) -> bool:
    return standard[0].upper().startswith("ADAM")


@dataclass(frozen=True, slots=True)
class Definitions:
    """Everything that one define.xml describes; `comments` and `methods` are keyed `AE`, `AE.AETERM` or
    `ADTTE.AVAL.PFS`."""

    study: Identity
    standard: tuple[str, str]
    datasets: tuple[tuple[Dataset, pd.DataFrame], ...]
    results: tuple[ResultDisplay, ...]
    documents: tuple[LinkedDocument, ...]
    terminologies: tuple[PublishedTerms, ...]
    comments: Mapping[str, str]
    methods: Mapping[str, str]
    book: CodelistBook

    @property
    def is_adam(self) -> bool:
        return _is_adam(self.standard)

    @property
    def standard_oid(self) -> str:
        return oid("STD", *self.standard)


def write_define(
    path: str | Path,
    *,
    study: Identity,
    datasets: Sequence[tuple[Dataset, pd.DataFrame]],
    standard: tuple[str, str] = SDTM_STANDARD,
    results: Sequence[ResultDisplay] = (),
    documents: Sequence[LinkedDocument] = (),
    terminologies: Sequence[PublishedTerms] | None = None,
    dictionaries: Mapping[str, Dictionary] | None = None,
    comments: Mapping[str, str] | None = None,
    methods: Mapping[str, str] | None = None,
    created: datetime = FIXED_CREATED,
) -> None:
    """Write define.xml for these datasets, with define.html and its stylesheet beside it.

    `datasets` are descriptions with their frames in the order of the file; take the descriptions that
    `write_xpt` used, so that lengths agree. `terminologies` name the published codelists (unless given those of
    the standard), `dictionaries` map `AE.AEDECOD` to an external dictionary, `methods` and `comments` add to
    those of the variables. `created` is fixed unless given, so that the same data give the same bytes.
    """
    terms = tuple(terminologies) if terminologies is not None else terminologies_of(standard)
    found = Definitions(
        study,
        standard,
        tuple((_present(dataset, frame), frame) for dataset, frame in datasets),
        tuple(results),
        tuple(documents),
        terms,
        comments or {},
        methods or {},
        CodelistBook(terms, dictionaries or {}),
    )
    _check_results(found)
    with replacing(Path(path)) as file:
        root = _document(found, created)
        root.addprevious(etree.ProcessingInstruction("xml-stylesheet", f'type="text/xsl" href="{STYLESHEET}"'))
        tree = etree.ElementTree(root)
        tree.write(file, encoding="UTF-8", xml_declaration=True, pretty_print=True)
    write_define_html(path)


def _present(dataset: Dataset, frame: pd.DataFrame) -> Dataset:
    return dataset.select(str(column) for column in frame.columns)


def _document(found: Definitions, created: datetime) -> Element:
    study = found.study
    root = etree.Element(qualified("ODM"), nsmap=NAMESPACES)
    attributes = {
        "ODMVersion": "1.3.2",
        "FileType": "Snapshot",
        "FileOID": oid("DEFINE", study.id, *found.standard),
        "CreationDateTime": created.isoformat(timespec="seconds"),
        "SourceSystem": "fhir2cdisc",
        "SourceSystemVersion": version("fhir2cdisc"),
        "def:Context": "Submission",
    }
    for name, value in attributes.items():
        root.set(attribute(name), value)
    node = element(root, "Study", {"OID": oid("STUDY", study.id)})
    names = element(node, "GlobalVariables")
    text_element(names, "StudyName", study.name)
    text_element(names, "StudyDescription", study.description)
    text_element(names, "ProtocolName", study.id)
    content = element(
        node,
        "MetaDataVersion",
        {
            "OID": oid("MDV", study.id, *found.standard),
            "Name": f"Study {study.name}, Data Definitions",
            "def:DefineVersion": "2.1.0",
        },
    )
    _write_content(content, found)
    return root


def _write_content(parent: Element, found: Definitions) -> None:
    """The parts of a MetaDataVersion in the order that the schema asks for."""
    levels = {dataset.name: value_levels(dataset, frame) for dataset, frame in found.datasets}
    flat = [level for by_variable in levels.values() for group in by_variable.values() for level in group]
    _write_standards(parent, found)
    _write_supplements(parent, found.documents)
    for name, by_variable in levels.items():
        for measured, group in by_variable.items():
            _write_value_list(parent, oid("VL", name, measured), group, found)
    _write_where(parent, flat, found.results)
    for dataset, frame in found.datasets:
        _write_group(parent, dataset, frame, found)
    for dataset, frame in found.datasets:
        for variable in dataset.variables:
            has_levels = variable.name in levels[dataset.name]
            write_item(parent, dataset.name, variable, frame, found.book, found.comments, has_levels)
    for level in flat:
        write_value_item(parent, level, found.book, found.comments)
    found.book.write(parent)
    _write_methods(parent, found, flat)
    places = _places(found, flat)
    for place in sorted(places & set(found.comments)):
        describe(element(parent, "def:CommentDef", {"OID": oid("COM", place)}), found.comments[place])
    for document in found.documents:
        _write_leaf(parent, document.id, document.href, document.title)
    write_results(parent, found.results)


def _write_standards(parent: Element, found: Definitions) -> None:
    standards = element(parent, "def:Standards")
    name, number = found.standard
    element(
        standards,
        "def:Standard",
        {"OID": found.standard_oid, "Name": name, "Type": "IG", "Version": number, "Status": "Final"},
    )
    for terminology in found.terminologies:
        attributes = {
            "OID": terminology.oid,
            "Name": "CDISC/NCI",
            "Type": "CT",
            "PublishingSet": terminology.publishing_set,
            "Version": terminology.version,
            "Status": "Final",
        }
        element(standards, "def:Standard", attributes)


def _write_supplements(parent: Element, documents: Sequence[LinkedDocument]) -> None:
    for tag, wanted in (("def:AnnotatedCRF", True), ("def:SupplementalDoc", False)):
        chosen = [d for d in documents if d.id.lower().startswith("acrf") == wanted]
        if chosen:
            node = element(parent, tag)
            for document in chosen:
                element(node, "def:DocumentRef", {"leafID": oid("LF", document.id)})


def _write_value_list(parent: Element, identifier: str, levels: Sequence[ValueLevel], found: Definitions) -> None:
    node = element(parent, "def:ValueListDef", {"OID": identifier})
    for number, level in enumerate(levels, 1):
        method = oid("MT", level.path) if level.path in found.methods else None
        reference = {
            "ItemOID": level.item_oid,
            "OrderNumber": str(number),
            "Mandatory": "No",
            "MethodOID": method,
        }
        node_ref = element(node, "ItemRef", reference)
        element(node_ref, "def:WhereClauseRef", {"WhereClauseOID": level.where_oid})


def _write_where(parent: Element, levels: Sequence[ValueLevel], results: Sequence[ResultDisplay]) -> None:
    known: set[str] = set()
    for level in levels:
        if level.where_oid not in known:
            known.add(level.where_oid)
            clause = element(parent, "def:WhereClauseDef", {"OID": level.where_oid})
            range_check(clause, level.dataset, level.key, [level.value])
    write_where(parent, results, known)


def _write_group(parent: Element, dataset: Dataset, frame: pd.DataFrame, found: Definitions) -> None:
    name = dataset.name
    keys = [key for key in dataset.keys if key in dataset]
    # A sponsor's own domain is of no standard (SDTMIG 3.4, 2.6; Define-XML 2.1, ItemGroupDef).
    own = not found.is_adam and re.fullmatch("[XYZ][A-Z0-9]", _domain(name)) is not None
    attributes = {
        "OID": oid("IG", name),
        "Name": name,
        "Domain": None if found.is_adam else _domain(name),
        "Repeating": "No" if set(keys) and set(keys) <= _ONE_PER_SUBJECT else "Yes",
        "IsReferenceData": "No" if "USUBJID" in dataset else "Yes",
        "SASDatasetName": name,
        "Purpose": "Analysis" if found.is_adam else "Tabulation",
        "def:Structure": dataset.structure or "One record per " + " per ".join(keys or ["record"]),
        "def:ArchiveLocationID": oid("LF", name),
        "def:StandardOID": None if own else found.standard_oid,
        "def:IsNonStandard": "Yes" if own else None,
        "def:HasNoData": "Yes" if frame.empty else None,
        "def:CommentOID": oid("COM", name) if name in found.comments else None,
    }
    node = element(parent, "ItemGroupDef", attributes)
    describe(node, dataset.label)
    for number, variable in enumerate(dataset.variables, 1):
        element(node, "ItemRef", _item_reference(name, variable, number, keys, found))
    _write_class(node, dataset, found.is_adam)
    _write_leaf(node, name, f"{name.lower()}.xpt", f"{name.lower()}.xpt")


def _domain(name: str) -> str:
    return name.removeprefix("SUPP") if name.startswith("SUPP") and len(name) > 4 else name


def _item_reference(
    dataset: str, variable: Variable, number: int, keys: Sequence[str], found: Definitions
) -> dict[str, str | None]:
    name = variable.name
    method = variable.method or found.methods.get(f"{dataset}.{name}")
    return {
        "ItemOID": oid("IT", dataset, name),
        "OrderNumber": str(number),
        "Mandatory": "Yes" if variable.core == "Req" else "No",
        "KeySequence": str(keys.index(name) + 1) if name in keys else None,
        "MethodOID": oid("MT", dataset, name) if method else None,
        "Role": None if found.is_adam else variable.role or None,
    }


def _write_class(parent: Element, dataset: Dataset, is_adam: bool) -> None:
    given = dataset.class_.upper()
    name = _CLASSES.get(given, given)
    if not name:
        name = "ADAM OTHER" if is_adam else ""
    if not name:
        return
    node = element(parent, "def:Class", {"Name": name})
    if name == "BASIC DATA STRUCTURE" and "CNSR" in dataset:
        element(node, "def:SubClass", {"Name": "TIME-TO-EVENT"})
    if name == "OCCURRENCE DATA STRUCTURE" and "AETERM" in dataset:
        element(node, "def:SubClass", {"Name": "ADVERSE EVENT"})


def _write_leaf(parent: Element, identifier: str, href: str, title: str) -> None:
    leaf = element(parent, "def:leaf", {"ID": oid("LF", identifier), "xlink:href": href})
    text_element(leaf, "def:title", title)


def _places(found: Definitions, levels: Sequence[ValueLevel]) -> set[str]:
    """The names under which comments and methods can be given: `AE`, `AE.AETERM`, `ADTTE.AVAL.PFS`."""
    datasets = [dataset for dataset, _ in found.datasets]
    variables = {f"{dataset.name}.{name}" for dataset in datasets for name in dataset.names}
    return {dataset.name for dataset in datasets} | variables | {level.path for level in levels}


def _check_results(found: Definitions) -> None:
    """Refuse analyses of data that the package does not hold: every reference must resolve."""
    places = _places(found, ())
    for display in found.results:
        for result in display.results:
            wanted = {result.parameter} - {""}
            for data in result.data:
                names = [*data.variables, *(variable for variable, _ in data.where)]
                wanted |= {data.dataset, *(f"{data.dataset}.{name}" for name in names)}
            missing = sorted(wanted - places)
            if missing:
                raise ValueError(f"{display.id}, {result.id}: no {', '.join(missing)} among the datasets")


def _write_methods(parent: Element, found: Definitions, levels: Sequence[ValueLevel]) -> None:
    texts = {
        f"{dataset.name}.{variable.name}": variable.method
        for dataset, _ in found.datasets
        for variable in dataset.variables
        if variable.method
    }
    places = _places(found, levels) - set(texts)
    texts |= {place: text for place, text in found.methods.items() if place in places}
    for place in sorted(texts):
        kind = "Imputation" if "imput" in texts[place].lower() else "Computation"
        attributes = {"OID": oid("MT", place), "Name": f"Algorithm for {place}", "Type": kind}
        describe(element(parent, "MethodDef", attributes), texts[place])
