"""The results of a study: every endpoint, and again at each interim look.

A look takes the first so many subjects in order of enrolment (ADSL.ENRLRANK). It is descriptive: no alpha is
spent, and the rows are those of the same data without the later subjects.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import pandas as pd
from fhir2cdisc.adam.frames.columns import number
from fhir2cdisc.adam.plan import Plan
from fhir2cdisc.adam.results.kinds import endpoint_specs, look_specs
from fhir2cdisc.adam.results.sheet import ALL, COLUMNS, CannotEstimateError, Data, Results, Sheet, Spec, as_results


def study_specs(plan: Plan, frames: Mapping[str, pd.DataFrame]) -> tuple[Spec, ...]:
    """The specifications of every endpoint, then those of each interim look that the data reach."""
    enrolled = _enrolled(frames)
    reached = [n for n, cases in enumerate(plan.study.interim.cases, start=1) if cases <= enrolled]
    return (*endpoint_specs(plan), *(spec for n in reached for spec in look_specs(plan, n)))


def study_results(plan: Plan, specs: Iterable[Spec], frames: Mapping[str, pd.DataFrame]) -> Results:
    """The results of these specifications; a look that the data do not reach has one row that says so."""
    made = summarise_results(specs, frames, plan.lacking)
    enrolled = _enrolled(frames)
    looks = enumerate(plan.study.interim.cases, start=1)
    missed = [_missed(plan, n, cases, enrolled) for n, cases in looks if cases > enrolled]
    if not missed:
        return made
    rows = pd.DataFrame(missed, columns=list(COLUMNS))
    return Results(pd.concat([made.table, rows], ignore_index=True), made.records)


def summarise_results(
    specs: Iterable[Spec], frames: Mapping[str, pd.DataFrame], lacking: Mapping[str, str] | None = None
) -> Results:
    """All results of `specs` from the ADaM frames by dataset name (ADSL, ADRS, ADTTE, ADAE, ADQS).

    Every specification gives at least one row. What the data cannot give has a missing VALUE and the REASON:
    a dataset, variable or population flag that is absent, a parameter that is `lacking`, nobody in a group, no
    events. Ids must be unique.
    """
    wanted = list(specs)
    ids = [spec.id for spec in wanted]
    if twice := sorted({one for one in ids if ids.count(one) > 1}):
        raise ValueError(f"results: {twice[0]} is specified twice")
    data = Data(frames, lacking or {})
    return as_results([_summarise(spec, data) for spec in wanted])


def _summarise(spec: Spec, data: Data) -> Sheet:
    try:
        return spec.summarise(data)
    except CannotEstimateError as error:
        sheet = spec.sheet()
        sheet.add(ALL, "estimate", math.nan, reason=str(error))
        return sheet


def _enrolled(frames: Mapping[str, pd.DataFrame]) -> int:
    return int(number(frames["ADSL"], "ENRLRANK").notna().sum())


def _missed(plan: Plan, look: int, cases: int, enrolled: int) -> dict[str, object]:
    why = f"{enrolled} of {cases} subjects are enrolled"
    if cases in plan.study.interim.only_if_extended:
        why += "; the study reaches this look only if it is extended"
    row: dict[str, object] = dict.fromkeys(COLUMNS, "")
    row |= {"RESULTID": f"int{look}", "ENDPOINT": f"Interim look after {cases} subjects", "DATASET": "ADSL"}
    row |= {"POPULATION": "ALL", "GROUP": ALL, "STATISTIC": "estimate", "REASON": why}
    return row | dict.fromkeys(("VALUE", "LOWER", "UPPER"), math.nan)
