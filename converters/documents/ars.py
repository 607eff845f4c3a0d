"""Results as a reporting event of the CDISC Analysis Results Standard 1.0: analyses, methods, data and results."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
from fhir2cdisc.adam.results.sheet import ALL, Spec
from fhir2cdisc.converters.documents.purpose import purpose_of, reason_of
from fhir2cdisc.converters.documents.result_format import number
from fhir2cdisc.mappings.conditions import Condition, is_
from fhir2cdisc.mappings.study import Study

Json = dict[str, Any]
CATEGORY = "GF.CATEGORY"


def reporting_event(study: Study, specs: Sequence[Spec], table: pd.DataFrame) -> Json:
    """The reporting event of these specifications and their rows (`Results.table`), in the order of both.

    Every row of the table is a result of its analysis; a value that is not estimable has the reason as its
    formatted value. Source: ARS 1.0, classes ReportingEvent, Analysis, AnalysisMethod, OperationResult.
    """
    sets, subsets, groupings = _Numbered("AS"), _Numbered("DS"), _Numbered("GF")
    rows = {str(name): part for name, part in table.groupby("RESULTID", sort=False)}
    operations = {kind: _operations(kind, specs, rows) for kind in dict.fromkeys(spec.kind for spec in specs)}
    names = {spec.kind: spec.name for spec in specs}
    analyses = [
        _analysis(spec, rows.get(spec.id, table.iloc[:0]), study, operations[spec.kind], sets, subsets, groupings)
        for spec in specs
    ]
    return {
        "id": f"RE.{study.studyid}",
        "name": f"Endpoint results of {study.studyid}",
        "description": study.title,
        "version": 1,
        "mainListOfContents": _contents(analyses),
        "analysisSets": sets.made,
        "dataSubsets": subsets.made,
        "analysisGroupings": [*groupings.made, _category_grouping()],
        "methods": [_method(kind, names[kind], made) for kind, made in operations.items()],
        "analyses": analyses,
    }


class _Numbered:
    """Objects that analyses share, each once, numbered in order of first use."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.made: list[Json] = []
        self._known: dict[object, str] = {}

    def id_of(self, key: object, content: Json) -> str:
        if key not in self._known:
            self._known[key] = f"{self.prefix}.{len(self.made) + 1:02d}"
            self.made.append({"id": self._known[key], **content})
        return self._known[key]


def _contents(analyses: Iterable[Json]) -> Json:
    items = [
        {"name": one["name"], "level": 1, "order": n, "analysisId": one["id"]} for n, one in enumerate(analyses, 1)
    ]
    return {"name": "Results", "contentsList": {"listItems": items}}


def _analysis(
    spec: Spec,
    rows: pd.DataFrame,
    study: Study,
    operations: dict[str, str],
    sets: _Numbered,
    subsets: _Numbered,
    groupings: _Numbered,
) -> Json:
    first, *_ = wanted = spec.counted
    made: Json = {
        "id": f"AN.{spec.id}",
        "name": spec.label,
        "reason": {"controlledTerm": reason_of(spec, study)},
        "purpose": {"controlledTerm": purpose_of(spec, study)},
        "analysisSetId": _set_id(spec, sets),
        "dataset": first.dataset,
        "methodId": f"M.{spec.kind}",
    }
    clauses = [(one.dataset, condition) for one in wanted for condition in one.conditions]
    if clauses:
        made["dataSubsetId"] = subsets.id_of(tuple(clauses), _where(clauses))
    if names := spec.variables(first):
        made["variable"] = names[0]
    group = _group_id(spec, rows, groupings) if _grouped(rows) else ""
    ordered = [name for name in (group, CATEGORY if (rows["CATEGORY"] != "").any() else "") if name]
    made["orderedGroupings"] = [
        {"order": n, "groupingId": name, "resultsByGroup": True} for n, name in enumerate(ordered, 1)
    ]
    made["results"] = [r for row in rows.to_dict("records") for r in _results(row, operations, group)]
    return made


def _grouped(rows: pd.DataFrame) -> bool:
    return bool((rows["GROUP"] != ALL).any())


def _set_id(spec: Spec, sets: _Numbered) -> str:
    clauses = [is_(spec.population, "Y")] if spec.population else []
    pairs = [("ADSL", one) for one in [*clauses, *spec.subset]]
    return sets.id_of(tuple(pairs), _where(pairs))


def _where(clauses: Sequence[tuple[str, Condition]]) -> Json:
    """A set or subset: its one condition, or several that all must hold."""
    name = " and ".join(f"{d}.{c.variable} {c.comparator} {', '.join(map(_text, c.values))}" for d, c in clauses)
    made: Json = {"name": name or "All records", "level": 1, "order": 1}
    if len(clauses) == 1:
        return made | {"condition": _condition(*clauses[0])}
    parts = [{"level": 2, "order": n, "condition": _condition(*one)} for n, one in enumerate(clauses, 1)]
    return made | ({"compoundExpression": {"logicalOperator": "AND", "whereClauses": parts}} if parts else {})


def _condition(dataset: str, one: Condition) -> Json:
    values = [_text(value) for value in one.values]
    return {"dataset": dataset, "variable": one.variable, "comparator": one.comparator, "value": values}


def _group_id(spec: Spec, rows: pd.DataFrame, groupings: _Numbered) -> str:
    """The grouping whose values the rows have; groups of events at onset are of ADAE.TRTA."""
    dataset, variable = ("ADSL", spec.group) if spec.group else ("ADAE", "TRTA")
    content = {
        "name": f"{dataset}.{variable}",
        "dataDriven": True,
        "groupingDataset": dataset,
        "groupingVariable": variable,
    }
    return groupings.id_of((dataset, variable), content)


def _category_grouping() -> Json:
    return {"id": CATEGORY, "name": "Category of the result (visit, landmark, term, subgroup)", "dataDriven": True}


def _operations(kind: str, specs: Sequence[Spec], rows: dict[str, pd.DataFrame]) -> dict[str, str]:
    """The operations of a method: each statistic, and its limits where any row has them; name to id."""
    names: dict[str, None] = {}
    for spec in specs:
        if spec.kind != kind or spec.id not in rows:
            continue
        part = rows[spec.id]
        limited = set(part.loc[part["LOWER"].notna() | part["UPPER"].notna(), "STATISTIC"])
        for name in part["STATISTIC"].unique():
            names[name] = None
            if name in limited:
                names |= {f"{name}, lower limit": None, f"{name}, upper limit": None}
    return {name: f"M.{kind}.{re.sub(r'[^A-Za-z0-9]+', '_', name.replace('>=', 'ge '))}" for name in names}


def _method(kind: str, name: str, operations: dict[str, str]) -> Json:
    made = [{"id": one, "name": said, "order": n} for n, (said, one) in enumerate(operations.items(), 1)]
    return {"id": f"M.{kind}", "name": name, "operations": made}


def _results(row: Json, operations: dict[str, str], group: str) -> list[Json]:
    places = []
    if group and row["GROUP"] != ALL:
        places.append({"groupingId": group, "groupValue": row["GROUP"]})
    if row["CATEGORY"]:
        places.append({"groupingId": CATEGORY, "groupValue": row["CATEGORY"]})
    made = [_result(operations[row["STATISTIC"]], row["VALUE"], row, places)]
    for name, column in (("lower limit", "LOWER"), ("upper limit", "UPPER")):
        if pd.notna(row[column]):
            made.append(_result(operations[f"{row['STATISTIC']}, {name}"], row[column], row, places))
    return made


def _result(operation: str, value: float, row: Json, places: list[Json]) -> Json:
    known = pd.notna(value)
    made: Json = {"operationId": operation}
    if known:
        made["rawValue"] = repr(float(value))
    made["formattedValue"] = number(value, row) if known else f"NE: {row['REASON']}"
    return made | ({"resultGroups": places} if places else {})


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:g}"
