"""The kinds of result that an endpoint may ask for, and the specifications of all endpoints of a study.

Every file of this room that answers endpoints says so itself (`ENDPOINTS`: the `kind` of an endpoint to the function
that makes its specifications), so that a new kind is a new file and its name in `mappings.study_sections.Kind`.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from importlib import import_module

import fhir2cdisc.adam.results as room
from fhir2cdisc.adam.plan import Plan
from fhir2cdisc.adam.results.sheet import Spec
from fhir2cdisc.mappings.conditions import is_
from fhir2cdisc.mappings.study_sections import Endpoint, Kind

Maker = Callable[[Endpoint, Plan], Iterator[Spec]]


@cache
def makers() -> dict[Kind, Maker]:
    """The function that makes the specifications of each kind of endpoint, found in the files of this room."""
    modules = [import_module(f"{room.__name__}.{found.name}") for found in pkgutil.iter_modules(room.__path__)]
    return {kind: maker for module in modules for kind, maker in getattr(module, "ENDPOINTS", {}).items()}


def endpoint_specs(plan: Plan) -> tuple[Spec, ...]:
    """The specifications of every endpoint, in the order of the study file.

    The first of an endpoint bears its id; the others, `id.something`, are the same question under another rule
    (unconfirmed response, PFSEMA, response by iRECIST), another denominator, or a part of a broader one. A study
    without a field that an endpoint needs raises StudyError naming the endpoint.
    """
    return tuple(spec for one in plan.study.endpoints for spec in (*specs_of(one, plan), *judged_again(one, plan)))


def specs_of(endpoint: Endpoint, plan: Plan) -> tuple[Spec, ...]:
    """The specifications of one endpoint by the criteria of the main analysis."""
    return tuple(makers()[endpoint.kind](endpoint, plan))


def judged_again(one: Endpoint, plan: Plan) -> Iterator[Spec]:
    """The main specification of an endpoint of tumour response, put to each criteria of sensitivity analyses."""
    counted = one.kind in ("proportion", "distribution") and one.dataset != "ADSL"
    timed = one.kind in ("time-to-event", "event-rate") and plan.times[one.paramcd].of_response
    for criteria in plan.study.response.sensitivity if counted or timed else ():
        first = next(makers()[one.kind](one, plan.judged_by(criteria)))
        label = f"{one.title}, sensitivity analysis by {criteria}"
        name = f"{one.id}.{criteria.split()[0].lower()}"
        yield replace(first, id=name, label=label, analysis="sensitivity")


def look_specs(plan: Plan, look: int) -> tuple[Spec, ...]:
    """The specifications of the interim look with this number, from 1; their ids begin with `intN.`."""
    cases, first = plan.study.interim.cases[look - 1], is_(f"INT{look}FL", "Y")
    return tuple(
        replace(
            spec,
            id=f"int{look}.{spec.id}",
            label=f"{spec.label}, first {cases} subjects",
            look=look,
            subset=(*spec.subset, first),
        )
        for spec in endpoint_specs(plan)
    )
