"""Why an analysis is made, in the terms of the Analysis Results Standard and of define.xml."""

from __future__ import annotations

from fhir2cdisc.adam.results.sheet import Spec
from fhir2cdisc.mappings.study import Study


def purpose_of(spec: Spec, study: Study) -> str:
    """The purpose of a result by the role of its endpoint; a sensitivity analysis is exploratory."""
    if spec.analysis == "sensitivity":
        return "EXPLORATORY OUTCOME MEASURE"
    role = study.endpoint(spec.endpoint).role
    return {"primary": "PRIMARY OUTCOME MEASURE", "secondary": "SECONDARY OUTCOME MEASURE"}.get(
        role, "EXPLORATORY OUTCOME MEASURE"
    )


def reason_of(spec: Spec, study: Study) -> str:
    """Named by the document itself, or by the analysis plan that a study file is."""
    endpoint = study.endpoint(spec.endpoint)
    named = endpoint.origin("title") == "protocol" and spec.id == endpoint.id
    return "SPECIFIED IN PROTOCOL" if named else "SPECIFIED IN SAP"
