"""The results of a study: every endpoint, and again at each interim look.

A look takes the first so many subjects in order of enrolment (ADSL.ENRLRANK). It is descriptive: no alpha is
spent, and the rows are those of the same data without the later subjects.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
from fhir2cdisc.adam.frames.columns import number
from fhir2cdisc.adam.results.endpoints import endpoint_specs
from fhir2cdisc.adam.results.results import summarise_results
from fhir2cdisc.adam.results.sheet import ALL, COLUMNS, Results
from fhir2cdisc.adam.results.specs import Spec, is_
from fhir2cdisc.mappings.study import Study


def study_results(study: Study, frames: Mapping[str, pd.DataFrame]) -> Results:
    """Every endpoint of the study on the whole data, then on each interim look that the data reach.

    The ids of a look begin with `intN.`; a look that is not reached has one row that says so.
    """
    enrolled = int(number(frames["ADSL"], "ENRLRANK").notna().sum()) if "ENRLRANK" in frames["ADSL"] else 0
    reached = [(n, cases) for n, cases in enumerate(study.interim.cases, start=1) if cases <= enrolled]
    specs = [*endpoint_specs(study), *(spec for n, _ in reached for spec in look_specs(study, n))]
    made = summarise_results(specs, frames)
    missed = [_missed(study, n, cases, enrolled) for n, cases in enumerate(study.interim.cases, 1) if cases > enrolled]
    if not missed:
        return made
    rows = pd.DataFrame(missed, columns=list(COLUMNS))
    return Results(pd.concat([made.table, rows], ignore_index=True), made.records)


def look_specs(study: Study, look: int) -> tuple[Spec, ...]:
    """The specifications of the interim look with this number, from 1."""
    cases, first = study.interim.cases[look - 1], is_(f"INT{look}FL", "Y")
    return tuple(
        replace(
            spec,
            id=f"int{look}.{spec.id}",
            label=f"{spec.label}, first {cases} subjects",
            subset=(*spec.subset, first),
        )
        for spec in endpoint_specs(study)
    )


def _missed(study: Study, look: int, cases: int, enrolled: int) -> dict[str, object]:
    why = f"{enrolled} of {cases} subjects are enrolled"
    if cases in study.interim.only_if_extended:
        why += "; the study reaches this look only if it is extended"
    values = (
        f"int{look}",
        f"Interim look after {cases} subjects",
        "ADSL",
        "",
        "ALL",
        ALL,
        "",
        "estimate",
        math.nan,
        math.nan,
        math.nan,
        "",
        "",
        why,
    )
    return dict(zip(COLUMNS, values, strict=True))
