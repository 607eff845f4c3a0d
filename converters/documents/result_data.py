"""Which records and variables a result is made of, for the metadata of analyses (ARS, define.xml)."""

from __future__ import annotations

from fhir2cdisc.adam.results.endpoints import is_sensitivity
from fhir2cdisc.adam.results.specs import (
    ChangeSpec,
    Condition,
    DistributionSpec,
    IncidenceSpec,
    ProportionSpec,
    Records,
    ShiftSpec,
    Spec,
    SubgroupProportionSpec,
    SubgroupSurvivalSpec,
    SurvivalSpec,
    VisitProportionSpec,
    is_,
)
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.mappings.study_sections import Endpoint

ANALYSED = is_("ANL01FL", "Y")
_VARIABLES = {
    "ADRS": ("AVALC",),
    "ADTTE": ("AVAL", "CNSR"),
    "ADAE": ("AEBODSYS", "AEDECOD", "ATOXGRN"),
    "ADQS": ("AVAL", "BASE", "CHG"),
}


def data_of(spec: Spec) -> tuple[Records, ...]:
    """The records that a specification counts, each named by dataset, parameter and conditions."""
    if isinstance(spec, ProportionSpec | SubgroupProportionSpec):
        return tuple(dict.fromkeys(one for member in spec.criteria for one in member))
    if isinstance(spec, DistributionSpec | VisitProportionSpec):
        return (spec.records,)
    if isinstance(spec, SurvivalSpec | SubgroupSurvivalSpec):
        return (Records(spec.dataset, spec.paramcd),)
    if isinstance(spec, IncidenceSpec):
        return (Records(spec.dataset, "", spec.where),)
    if isinstance(spec, ChangeSpec):
        return (Records(spec.dataset, "", (Condition("PARAMCD", "IN", spec.paramcds), ANALYSED)),)
    assert isinstance(spec, ShiftSpec)
    return (Records(spec.dataset, spec.paramcd, (ANALYSED,)),)


def variables_of(records: Records, spec: Spec) -> tuple[str, ...]:
    """The variables of these records that the result is computed from."""
    if records.dataset == "ADSL":
        chosen = (spec.variable,) if isinstance(spec, DistributionSpec) else ()
        return (*chosen, *(one.variable for one in records.where))
    if isinstance(spec, DistributionSpec):
        return (spec.variable,)
    return _VARIABLES[records.dataset]


def all_conditions(records: Records) -> tuple[Condition, ...]:
    """The conditions on the records, the parameter first."""
    return (*((is_("PARAMCD", records.paramcd),) if records.paramcd else ()), *records.where)


def endpoint_of(result_id: str, study: Study) -> Endpoint:
    """The endpoint of the study that a result belongs to: `int1.orr.unconfirmed` is of `orr`."""
    names = {one.id: one for one in study.endpoints}
    return next(names[part] for part in result_id.split(".") if part in names)


def purpose_of(result_id: str, study: Study) -> str:
    """The purpose of a result by the role of its endpoint; a sensitivity analysis is exploratory."""
    endpoint = endpoint_of(result_id, study)
    if is_sensitivity(result_id, study):
        return "EXPLORATORY OUTCOME MEASURE"
    return {"primary": "PRIMARY OUTCOME MEASURE", "secondary": "SECONDARY OUTCOME MEASURE"}.get(
        endpoint.role, "EXPLORATORY OUTCOME MEASURE"
    )


def reason_of(result_id: str, study: Study) -> str:
    """Named by the document itself, or by the analysis plan that a study file is."""
    endpoint = endpoint_of(result_id, study)
    named = endpoint.origin("title") == "protocol" and result_id == endpoint.id
    return "SPECIFIED IN PROTOCOL" if named else "SPECIFIED IN SAP"
