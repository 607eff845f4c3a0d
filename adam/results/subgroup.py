"""Subgroups and groups of a marker: response and times to an event within each, compared by a Cox model."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.columns import text
from fhir2cdisc.adam.plan import Plan
from fhir2cdisc.adam.results.asked import common
from fhir2cdisc.adam.results.distribution import DistributionSpec
from fhir2cdisc.adam.results.proportion import Criteria, add_share, responders
from fhir2cdisc.adam.results.sheet import ALL, Data, Records, Sheet, Spec
from fhir2cdisc.adam.results.survival import add_curve, times
from fhir2cdisc.adam.statistics.cox import cox, proportionality_test
from fhir2cdisc.adam.statistics.kaplan_meier import ConfType
from fhir2cdisc.adam.statistics.logrank import log_rank
from fhir2cdisc.adam.subject.biomarkers import gene_flag
from fhir2cdisc.adam.subject.markers import GROUPS
from fhir2cdisc.mappings.study_base import StudyError
from fhir2cdisc.mappings.study_sections import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgroupProportionSpec(Spec):
    """The share that fulfils `criteria` within each value of each ADSL variable of `by`."""

    kind: ClassVar[str] = "subgroup-proportion"
    name: ClassVar[str] = "Proportion of subjects within subgroups"
    criteria: Criteria
    by: tuple[str, ...]
    method: str = "clopper-pearson"

    @property
    def counted(self) -> tuple[Records, ...]:
        return tuple(dict.fromkeys(one for member in self.criteria for one in member))

    def summarise(self, data: Data) -> Sheet:
        """n, N and percentage within each value of each variable; CATEGORY is `variable: value`."""
        sheet = self.sheet()
        for variable in self.by:
            for value, subjects in data.split(data.subjects(self), variable):
                add_share(sheet, data, self.criteria, subjects, ALL, f"{variable}: {value}", self.method)
        if not sheet.rows:
            why = "no subject has a value of the subgroup variables"
            sheet.add(ALL, "percent", math.nan, unit="%", reason=why)
        return sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgroupSurvivalSpec(Spec):
    """Median by value of each ADSL variable of `by`, hazard ratio against its first value, log-rank test.

    The first value is the alphabetically first unless `references` names another for the variable, in the
    order of `by`. The Cox model is adjusted for the values of the ADSL variables of `adjust`. Exploratory: no
    adjustment for multiplicity.
    """

    kind: ClassVar[str] = "subgroup-survival"
    name: ClassVar[str] = "Kaplan-Meier estimate, Cox model and log-rank test"
    paramcd: str
    by: tuple[str, ...]
    references: tuple[str, ...] = ()
    adjust: tuple[str, ...] = ()
    dataset: str = "ADTTE"
    ties: Literal["efron", "breslow", "exact"] = "efron"
    conf_type: ConfType = "log-log"

    @property
    def counted(self) -> tuple[Records, ...]:
        return (Records(self.dataset, self.paramcd),)

    def summarise(self, data: Data) -> Sheet:
        """Per subgroup variable: medians by value, hazard ratios against the first value, the log-rank test."""
        sheet = self.sheet()
        references = dict(zip(self.by, self.references, strict=False))
        for variable in self.by:
            subjects = data.subjects(self)
            levels = [value for value, _ in data.split(subjects, variable)]
            rows = times(data, self, subjects)
            rows = rows.assign(LEVEL=rows["USUBJID"].map(text(subjects.set_index("USUBJID"), variable)))
            for value in levels:
                add_curve(sheet, rows[rows["LEVEL"] == value], ALL, f"{variable}: {value}", self.conf_type)
            known = rows[rows["LEVEL"].isin(levels)]
            others = _dummies(known, subjects, [name for name in self.adjust if name != variable])
            _compare(sheet, known, variable, levels, references.get(variable, ""), self, others)
        return sheet


def _dummies(rows: pd.DataFrame, subjects: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """A column of 0 and 1 for every value but the first of each variable; who has no value is in none."""
    made = {}
    for name in names:
        values = rows["USUBJID"].map(text(subjects.set_index("USUBJID"), name))
        for value in sorted(set(values) - {""})[1:]:
            made[f"{name}: {value}"] = (values == value).astype(float)
    return pd.DataFrame(made, index=rows.index)


def _compare(
    sheet: Sheet,
    rows: pd.DataFrame,
    variable: str,
    levels: list[str],
    reference: str,
    spec: SubgroupSurvivalSpec,
    adjustment: pd.DataFrame,
) -> None:
    base = reference or (levels[0] if levels else "")
    others = [v for v in levels if v != base]
    columns = {v: (rows["LEVEL"] == v).astype(float) for v in others}
    if not others or base not in levels:
        why = f"{variable} has no two values to compare" if base in levels or not base else f"nobody has {base}"
        sheet.add(ALL, "hazard ratio", math.nan, category=variable, reason=why)
        return
    covariates = pd.concat([pd.DataFrame(columns, index=rows.index), adjustment], axis=1)
    model = cox(rows["AVAL"], rows["EVENT"], covariates, spec.ties, conf_level=spec.conf_level)
    words = f" adjusted for {', '.join(n for n in spec.adjust if n != variable)}" if len(adjustment.columns) else ""
    for row in model.table[model.table["COVARIATE"].isin(others)].to_dict("records"):
        sheet.add(
            ALL,
            "hazard ratio",
            row["HR"],
            category=f"{variable}: {row['COVARIATE']} against {base}",
            lower=row["LOWER"],
            upper=row["UPPER"],
            reason=model.reason,
            method=f"Cox{words}, {spec.ties} ties, Wald {spec.conf_level:.0%} interval",
        )
    zph = proportionality_test(rows["AVAL"], rows["EVENT"], covariates).iloc[-1]
    words = "Score test of proportional hazards, all covariates, Kaplan-Meier time"
    sheet.add(ALL, "p value, proportionality", zph["P_VALUE"], category=variable, method=words, reason=zph["REASON"])
    test = log_rank(rows["AVAL"], rows["EVENT"], np.asarray(rows["LEVEL"]))
    sheet.add(ALL, "p value", test.p_value, category=variable, method="Log-rank test", reason=test.reason)


def _markers(one: Endpoint, plan: Plan) -> Iterator[Spec]:
    """How many are in each group of a marker, response within them, progression-free survival by group."""
    by = _variables(one, plan)
    said = common(one, plan) | {"group": ""}
    for at, variable in enumerate(by):
        categories = _categories(variable, plan)
        spec = DistributionSpec(**said, records=Records("ADSL"), variable=variable, categories=categories)
        spec = replace(spec, label=f"{one.title}: subjects by {variable}")
        yield spec if at == 0 else replace(spec, id=f"{one.id}.{variable.lower()}", analysis="part")
    yield _response(one, plan, one.paramcd, by)
    named = {"id": f"{one.id}.pfs", "label": f"{one.title}: progression-free survival", "analysis": "part"}
    yield SubgroupSurvivalSpec(**said | named, **_survival(plan, "PFS", by))


def _subgroup(one: Endpoint, plan: Plan) -> Iterator[Spec]:
    by = _variables(one, plan)
    said = common(one, plan) | {"group": ""}
    adjust = ("TRT01A",) if "TRT01A" in by else ()
    yield SubgroupSurvivalSpec(**said, **_survival(plan, one.paramcd, by), adjust=adjust)
    yield _response(one, plan, "CRSP", by)


def _response(one: Endpoint, plan: Plan, code: str, by: tuple[str, ...]) -> Spec:
    named = {"id": f"{one.id}.response", "label": f"{one.title}: response", "analysis": "part", "group": ""}
    said = common(one, plan) | named
    method = plan.study.statistics.proportion_ci
    return SubgroupProportionSpec(**said, criteria=responders(plan, code), by=by, method=method)


def _survival(plan: Plan, code: str, by: tuple[str, ...]) -> dict[str, Any]:
    """Parameter, variables and methods of a comparison of times."""
    said = plan.study.statistics
    return {
        "paramcd": plan.time_code(code),
        "by": by,
        "references": _references(by, plan),
        "ties": said.ties,
        "conf_type": said.km_ci,
    }


def _variables(one: Endpoint, plan: Plan) -> tuple[str, ...]:
    """The ADSL variables that `by` names: groups of a marker, a flag for each gene, the treatment."""
    found: list[str] = []
    for name in one.by:
        if name == "GENE":
            found += [gene_flag(gene) for marker in plan.study.biomarkers for gene in marker.genes]
        elif name in ("ARM", "GROUP"):
            found.append("TRT01A")
        elif name in GROUPS:
            found.append(GROUPS[name])
        else:
            raise StudyError(f"endpoint {one.id}: by {name!r} is neither ARM, GROUP, GENE nor a biomarker")
    return tuple(dict.fromkeys(found))


def _references(by: tuple[str, ...], plan: Plan) -> tuple[str, ...]:
    """Against which value hazard ratios are given: the lowest group of a score, `N` of a flag."""
    lowest = {"TMBGR1": "L"}
    for marker in plan.study.biomarkers:
        if marker.code in ("PDL1TPS", "PDL1CPS") and marker.cutoffs:
            lowest[GROUPS[marker.code]] = f"<{marker.cutoffs[0]:g}"
    return tuple(lowest.get(variable, "") for variable in by)


def _categories(variable: str, plan: Plan) -> tuple[str, ...]:
    """The groups of a marker in rising order; a subject who was not tested is MISSING."""
    if variable == "TMBGR1":
        return ("L", "H", "MISSING")
    for marker in plan.study.biomarkers:
        if GROUPS[marker.code] == variable and marker.cutoffs:
            cuts = [f"{cut:g}" for cut in marker.cutoffs]
            middle = [f"{low}-<{high}" for low, high in pairwise(cuts)]
            return (f"<{cuts[0]}", *middle, f">={cuts[-1]}", "MISSING")
    return ("Y", "N", "MISSING")


ENDPOINTS = {"subgroup": _subgroup, "biomarker-group": _markers}
