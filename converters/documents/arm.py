"""Analysis results metadata of define.xml from the endpoints of a study: which data each result came from."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from fhir2cdisc.adam.results.endpoints import endpoint_specs, is_sensitivity
from fhir2cdisc.adam.results.specs import Condition, Records, Spec
from fhir2cdisc.converters.define.results import AnalysisData, AnalysisResult, ResultDisplay
from fhir2cdisc.converters.documents.result_data import (
    all_conditions,
    data_of,
    endpoint_of,
    purpose_of,
    reason_of,
    variables_of,
)
from fhir2cdisc.mappings.study import Study


def result_displays(study: Study, frames: Mapping[str, pd.DataFrame]) -> tuple[ResultDisplay, ...]:
    """One display for each endpoint, one result for each specification whose datasets are there."""
    made, specs = [], [spec for spec in endpoint_specs(study) if _there(spec, frames)]
    for endpoint in study.endpoints:
        results = [_result(spec, study, frames) for spec in specs if endpoint_of(spec.id, study) is endpoint]
        if results:
            made.append(ResultDisplay(endpoint.id, endpoint.title, tuple(results)))
    return tuple(made)


def _there(spec: Spec, frames: Mapping[str, pd.DataFrame]) -> bool:
    wanted = data_of(spec)
    flags = [spec.population] if spec.population else []
    names = [(one.dataset, c.variable) for one in wanted for c in one.where]
    names += [("ADSL", name) for name in (*flags, *(c.variable for c in spec.subset))]
    return all(one.dataset in frames for one in wanted) and all(name in frames[d] for d, name in names)


def _result(spec: Spec, study: Study, frames: Mapping[str, pd.DataFrame]) -> AnalysisResult:
    wanted = data_of(spec)
    population = [Condition(spec.population, "EQ", ("Y",))] if spec.population else []
    subjects = Records("ADSL", "", (*population, *spec.subset))
    data = [_data(one, variables_of(one, spec), frames) for one in wanted if one.dataset != "ADSL"]
    chosen = [one for one in wanted if one.dataset == "ADSL"]
    variables = tuple(name for one in chosen for name in variables_of(one, spec))
    adsl = Records("ADSL", "", (*subjects.where, *(c for one in chosen for c in one.where)))
    parameter = next((f"{one.dataset}.PARAMCD" for one in wanted if one.paramcd), "")
    return AnalysisResult(
        spec.id,
        spec.label,
        (*data, _data(adsl, ("USUBJID", *variables), frames)),
        parameter,
        reason_of(spec.id, study),
        purpose_of(spec.id, study),
        _documentation(spec, study),
    )


def _documentation(spec: Spec, study: Study) -> str:
    """The definition of the endpoint, and by which parameter a sensitivity analysis departs from it."""
    definition = endpoint_of(spec.id, study).definition
    if not is_sensitivity(spec.id, study):
        return definition
    codes = ", ".join(dict.fromkeys(one.paramcd for one in data_of(spec) if one.paramcd))
    return f"Sensitivity analysis by the parameter {codes}. Main analysis: {definition}"


def _data(records: Records, variables: tuple[str, ...], frames: Mapping[str, pd.DataFrame]) -> AnalysisData:
    """The conditions that define.xml can say in words of equality; comparisons stand in the description."""
    where = {
        one.variable: tuple(str(value) for value in one.values)
        for one in all_conditions(records)
        if one.comparator in ("EQ", "IN")
    }
    known = tuple(dict.fromkeys(name for name in variables if name in frames[records.dataset]))
    return AnalysisData(records.dataset, known, tuple(where.items()))
