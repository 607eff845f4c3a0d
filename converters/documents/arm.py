"""Analysis results metadata of define.xml from the endpoints of a study: which data each result came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from fhir2cdisc.adam.results.sheet import Records, Spec
from fhir2cdisc.converters.define.results import AnalysisData, AnalysisResult, ResultDisplay
from fhir2cdisc.converters.documents.purpose import purpose_of, reason_of
from fhir2cdisc.mappings.conditions import is_
from fhir2cdisc.mappings.study import Study


def result_displays(
    study: Study, specs: Sequence[Spec], frames: Mapping[str, pd.DataFrame]
) -> tuple[ResultDisplay, ...]:
    """One display for each endpoint, one result for each specification on all data whose datasets are there."""
    made, there = [], [spec for spec in specs if not spec.look and _there(spec, frames)]
    for endpoint in study.endpoints:
        results = [_result(spec, study, frames) for spec in there if spec.endpoint == endpoint.id]
        if results:
            made.append(ResultDisplay(endpoint.id, endpoint.title, tuple(results)))
    return tuple(made)


def _there(spec: Spec, frames: Mapping[str, pd.DataFrame]) -> bool:
    flags = [spec.population] if spec.population else []
    names = [(one.dataset, c.variable) for one in spec.counted for c in one.where]
    names += [("ADSL", name) for name in (*flags, *(c.variable for c in spec.subset))]
    return all(one.dataset in frames for one in spec.counted) and all(name in frames[d] for d, name in names)


def _result(spec: Spec, study: Study, frames: Mapping[str, pd.DataFrame]) -> AnalysisResult:
    population = [is_(spec.population, "Y")] if spec.population else []
    data = [_data(one, spec.variables(one), frames) for one in spec.counted if one.dataset != "ADSL"]
    chosen = [one for one in spec.counted if one.dataset == "ADSL"]
    variables = tuple(name for one in chosen for name in spec.variables(one))
    adsl = Records("ADSL", "", (*population, *spec.subset, *(c for one in chosen for c in one.where)))
    parameter = next((f"{one.dataset}.PARAMCD" for one in spec.counted if one.paramcd), "")
    return AnalysisResult(
        spec.id,
        spec.label,
        (*data, _data(adsl, ("USUBJID", *variables), frames)),
        parameter,
        reason_of(spec, study),
        purpose_of(spec, study),
        _documentation(spec, study),
    )


def _documentation(spec: Spec, study: Study) -> str:
    """The definition of the endpoint, and by which parameter a sensitivity analysis departs from it."""
    definition = study.endpoint(spec.endpoint).definition
    if spec.analysis != "sensitivity":
        return definition
    codes = ", ".join(dict.fromkeys(one.paramcd for one in spec.counted if one.paramcd))
    return f"Sensitivity analysis by the parameter {codes}. Main analysis: {definition}"


def _data(records: Records, variables: tuple[str, ...], frames: Mapping[str, pd.DataFrame]) -> AnalysisData:
    """The conditions that define.xml can say in words of equality; comparisons stand in the description."""
    where = {
        one.variable: tuple(str(value) for value in one.values)
        for one in records.conditions
        if one.comparator in ("EQ", "IN")
    }
    known = tuple(dict.fromkeys(name for name in variables if name in frames[records.dataset]))
    return AnalysisData(records.dataset, known, tuple(where.items()))
