"""Endpoint results from ADaM frames: specifications in, tidy rows and the records behind them out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pandas as pd
from fhir2cdisc.adam.results.response import (
    summarise_distribution,
    summarise_proportion,
    summarise_subgroup_proportion,
    summarise_visit_proportion,
)
from fhir2cdisc.adam.results.safety_pro import summarise_change, summarise_incidence, summarise_shift
from fhir2cdisc.adam.results.sheet import ALL, CannotEstimateError, Data, Results, Sheet, as_results
from fhir2cdisc.adam.results.specs import Spec
from fhir2cdisc.adam.results.survival import summarise_subgroup_survival, summarise_survival

KINDS: dict[str, Callable[[Any, Data], Sheet]] = {
    "proportion": summarise_proportion,
    "subgroup-proportion": summarise_subgroup_proportion,
    "distribution": summarise_distribution,
    "visit-proportion": summarise_visit_proportion,
    "survival": summarise_survival,
    "subgroup-survival": summarise_subgroup_survival,
    "incidence": summarise_incidence,
    "change": summarise_change,
    "shift": summarise_shift,
}


def summarise_results(specs: Iterable[Spec], frames: Mapping[str, pd.DataFrame]) -> Results:
    """All results of `specs` from the ADaM frames by dataset name (ADSL, ADRS, ADTTE, ADAE, ADQS).

    Every specification gives at least one row. What the data cannot give has a missing VALUE and the REASON:
    a dataset, variable or population flag that is absent, nobody in a group, no events. Ids must be unique.
    """
    wanted = list(specs)
    twice = {s.id for s in wanted if sum(o.id == s.id for o in wanted) > 1}
    if twice:
        raise ValueError(f"results: {sorted(twice)[0]} is specified twice")
    data = Data(frames)
    return as_results([_summarise(spec, data) for spec in wanted])


def _summarise(spec: Spec, data: Data) -> Sheet:
    try:
        return KINDS[spec.kind](spec, data)
    except CannotEstimateError as error:
        dataset = getattr(spec, "dataset", "") or getattr(getattr(spec, "records", None), "dataset", "")
        sheet = Sheet(spec, dataset, getattr(spec, "paramcd", ""))
        sheet.add(ALL, "estimate", math.nan, reason=str(error))
        return sheet
