"""Analysis results metadata in define.xml: which result came from which data, and why (ARM 1.0)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fhir2cdisc.converters.define.xml import Element, describe, element, oid, text_element


@dataclass(frozen=True, slots=True)
class AnalysisData:
    """The records that a result used: `where` holds (variable, values) pairs that all must hold."""

    dataset: str
    variables: tuple[str, ...]
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class AnalysisResult:
    """One analysis of a display; `parameter` is `ADTTE.PARAMCD` where a parameter is analysed."""

    id: str
    description: str
    data: tuple[AnalysisData, ...]
    parameter: str = ""
    reason: str = "SPECIFIED IN SAP"
    purpose: str = "PRIMARY OUTCOME MEASURE"
    documentation: str = ""
    code: str = ""
    context: str = "Python"


@dataclass(frozen=True, slots=True)
class ResultDisplay:
    """A table or figure with its analyses; `document` is the id of a Document."""

    id: str
    title: str
    results: tuple[AnalysisResult, ...]
    document: str = ""


def where_oid(data: AnalysisData) -> str:
    """The where clause of the data of an analysis."""
    parts = [part for variable, values in data.where for part in (variable, "-".join(values))]
    return oid("WC", "AR", data.dataset, *parts)


def write_where(parent: Element, displays: Sequence[ResultDisplay], known: set[str]) -> None:
    """The where clauses that analyses need, each once."""
    for data in (d for display in displays for result in display.results for d in result.data):
        identifier = where_oid(data)
        if not data.where or identifier in known:
            continue
        known.add(identifier)
        clause = element(parent, "def:WhereClauseDef", {"OID": identifier})
        for variable, values in data.where:
            range_check(clause, data.dataset, variable, values)


def range_check(clause: Element, dataset: str, variable: str, values: Sequence[str]) -> None:
    """One condition: the variable equals the value, or is one of the values."""
    check = element(
        clause,
        "RangeCheck",
        {
            "SoftHard": "Soft",
            "def:ItemOID": oid("IT", dataset, variable),
            "Comparator": "EQ" if len(values) == 1 else "IN",
        },
    )
    for value in values:
        text_element(check, "CheckValue", value)


def write_results(parent: Element, displays: Sequence[ResultDisplay]) -> None:
    """The arm:AnalysisResultDisplays, left out where there are none."""
    if not displays:
        return
    root = element(parent, "arm:AnalysisResultDisplays")
    for display in displays:
        node = element(root, "arm:ResultDisplay", {"OID": oid("RD", display.id), "Name": display.id})
        describe(node, display.title)
        if display.document:
            element(node, "def:DocumentRef", {"leafID": oid("LF", display.document)})
        for result in display.results:
            _write_result(node, display, result)


def _write_result(parent: Element, display: ResultDisplay, result: AnalysisResult) -> None:
    attributes = {
        "OID": oid("AR", display.id, result.id),
        "ParameterOID": oid("IT", *result.parameter.split(".")) if result.parameter else None,
        "AnalysisReason": result.reason,
        "AnalysisPurpose": result.purpose,
    }
    node = element(parent, "arm:AnalysisResult", attributes)
    describe(node, result.description)
    datasets = element(node, "arm:AnalysisDatasets")
    for data in result.data:
        used = element(datasets, "arm:AnalysisDataset", {"ItemGroupOID": oid("IG", data.dataset)})
        if data.where:
            element(used, "def:WhereClauseRef", {"WhereClauseOID": where_oid(data)})
        for variable in data.variables:
            element(used, "arm:AnalysisVariable", {"ItemOID": oid("IT", data.dataset, variable)})
    if result.documentation:
        describe(element(node, "arm:Documentation"), result.documentation)
    if result.code:
        program = element(node, "arm:ProgrammingCode", {"Context": result.context})
        text_element(program, "arm:Code", result.code)
