"""Which analysis parameters the endpoints of a study need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from fhir2cdisc.mappings.parameters import TimeToEvent, builtin_parameters
from fhir2cdisc.mappings.study_sections import Endpoint

# Kinds of endpoint whose `paramcd` is a time-to-event parameter, and a parameter of ADRS.
_TIMED = ("time-to-event", "event-rate", "subgroup")
_RESPONDED = ("proportion", "distribution", "biomarker-group")
# Performance status has no instrument of its own; ADQS holds it as ECOG.
_SHIFTED = frozenset({"ECOG"})


def is_composite(endpoint: Endpoint) -> bool:
    """Whether an endpoint makes a parameter of its own: responses together with a time, or within a window."""
    timed = endpoint.threshold_months is not None or endpoint.after_last_dose_days is not None
    return endpoint.kind == "proportion" and bool(endpoint.responses) and timed


def parameters_needed(endpoint: Endpoint, times: Mapping[str, TimeToEvent]) -> Iterator[tuple[str, Iterable[str]]]:
    """Each PARAMCD that an endpoint names, and the ones that are derived of that sort; `times` are the study's.

    A variable of ADSL (`dataset = "ADSL"`) is no parameter, and `paramcd` only labels incidence and scores.
    """
    responses = frozenset(one.code for one in builtin_parameters().response)
    if endpoint.kind in _TIMED:
        yield endpoint.paramcd, times
    elif endpoint.kind in _RESPONDED and endpoint.dataset != "ADSL" and not is_composite(endpoint):
        yield endpoint.paramcd, responses
    elif endpoint.kind == "shift":
        yield endpoint.paramcd, _SHIFTED
    if endpoint.kind == "biomarker-group":
        yield "PFS", times
    if is_composite(endpoint) and endpoint.threshold_months is not None:
        yield endpoint.time, times
    for code in endpoint.sensitivity:
        yield code, times
