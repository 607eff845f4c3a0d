"""Results of time-to-event parameters, in months."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.columns import number, text
from fhir2cdisc.adam.results.sheet import ALL, CannotEstimateError, Data, Sheet
from fhir2cdisc.adam.results.specs import DAYS_PER_MONTH, Records, SubgroupSurvivalSpec, SurvivalSpec
from fhir2cdisc.adam.statistics.cox import cox
from fhir2cdisc.adam.statistics.kaplan_meier import KaplanMeier, kaplan_meier, reverse_kaplan_meier
from fhir2cdisc.adam.statistics.logrank import log_rank
from fhir2cdisc.adam.statistics.rmst import restricted_mean


def summarise_survival(spec: SurvivalSpec, data: Data) -> Sheet:
    """N, events, censored, median, rates at landmarks with numbers at risk, follow-up, restricted mean."""
    sheet = Sheet(spec, spec.dataset, spec.paramcd)
    for group, subjects in data.groups(spec):
        rows = _rows(data, spec, subjects)
        curve = _curve(sheet, rows, group, "", spec)
        sheet.add(group, "not analysed", subjects["USUBJID"].nunique() - curve.n, unit="subjects")
        for months in spec.landmarks:
            _landmark(sheet, curve, group, months, spec)
        if spec.follow_up:
            reverse = reverse_kaplan_meier(rows["AVAL"], rows["EVENT"], spec.conf_type, spec.conf_level)
            _median(sheet, reverse, group, "", "follow-up median", "Reverse Kaplan-Meier")
        if spec.rmst:
            _restricted(sheet, rows, group, spec)
    return sheet


def summarise_subgroup_survival(spec: SubgroupSurvivalSpec, data: Data) -> Sheet:
    """Per subgroup variable: medians by value, hazard ratios against the first value, the log-rank test."""
    sheet = Sheet(spec, spec.dataset, spec.paramcd)
    references = dict(zip(spec.by, spec.references, strict=False))
    for variable in spec.by:
        subjects = data.subjects(spec)
        levels = [value for value, _ in data.split(subjects, variable)]
        rows = _rows(data, spec, subjects)
        rows = rows.assign(LEVEL=rows["USUBJID"].map(text(subjects.set_index("USUBJID"), variable)))
        for value in levels:
            _curve(sheet, rows[rows["LEVEL"] == value], ALL, f"{variable}: {value}", spec)
        known = rows[rows["LEVEL"].isin(levels)]
        others = [name for name in spec.adjust if name != variable]
        _compare(sheet, known, variable, levels, references.get(variable, ""), spec, _dummies(known, subjects, others))
    return sheet


def _dummies(rows: pd.DataFrame, subjects: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """A column of 0 and 1 for every value but the first of each variable; who has no value is in none."""
    made = {}
    for name in names:
        values = rows["USUBJID"].map(text(subjects.set_index("USUBJID"), name))
        for value in sorted(set(values) - {""})[1:]:
            made[f"{name}: {value}"] = (values == value).astype(float)
    return pd.DataFrame(made, index=rows.index)


def _rows(data: Data, spec: SurvivalSpec | SubgroupSurvivalSpec, subjects: pd.DataFrame) -> pd.DataFrame:
    """One row per subject with AVAL and EVENT, by subject; two rows of a subject are refused."""
    rows = data.records(Records(spec.dataset, spec.paramcd), subjects)
    for name in ("AVAL", "CNSR"):
        if name not in rows:
            raise CannotEstimateError(f"{spec.dataset} has no variable {name}")
    if rows["USUBJID"].duplicated().any():
        who = rows.loc[rows["USUBJID"].duplicated(), "USUBJID"].iloc[0]
        raise CannotEstimateError(f"{spec.dataset} holds {spec.paramcd} of {who} twice")
    censored = number(rows, "CNSR")
    event = (censored == 0).astype(float).where(censored.notna())
    return rows.assign(AVAL=number(rows, "AVAL"), EVENT=event).sort_values("USUBJID")


def _curve(
    sheet: Sheet, rows: pd.DataFrame, group: str, category: str, spec: SurvivalSpec | SubgroupSurvivalSpec
) -> KaplanMeier:
    """The rows that every curve has, and the records behind it."""
    curve = kaplan_meier(rows["AVAL"], rows["EVENT"], spec.conf_type, spec.conf_level)
    sheet.keep(group, "event", spec.dataset, rows[rows["EVENT"] == 1], category)
    sheet.keep(group, "censored", spec.dataset, rows[rows["EVENT"] == 0], category)
    for name, value in (("N", curve.n), ("events", curve.events), ("censored", curve.censored)):
        sheet.add(group, name, value, category=category, unit="subjects")
    _median(sheet, curve, group, category, "median", "Kaplan-Meier")
    return curve


def _median(sheet: Sheet, curve: KaplanMeier, group: str, category: str, statistic: str, method: str) -> None:
    lower, upper = curve.median_ci
    sheet.add(
        group,
        statistic,
        curve.median / DAYS_PER_MONTH,
        category=category,
        lower=lower / DAYS_PER_MONTH,
        upper=upper / DAYS_PER_MONTH,
        unit="months",
        reason=curve.reason,
        method=f"{method}, {curve.conf_level:.0%} {curve.conf_type} interval",
    )


def _landmark(sheet: Sheet, curve: KaplanMeier, group: str, months: float, spec: SurvivalSpec) -> None:
    at, category = curve.at(months * DAYS_PER_MONTH), f"{months:g} months"
    estimate, lower, upper, reason = at.estimate, at.lower, at.upper, at.reason
    if not reason and at.at_risk < spec.min_at_risk:
        reason = f"{at.at_risk} at risk, fewer than {spec.min_at_risk}"
        estimate, lower, upper = math.nan, math.nan, math.nan
    words = f"Kaplan-Meier, {spec.conf_level:.0%} {spec.conf_type} interval"
    sheet.add(group, "at risk", at.at_risk, category=category, unit="subjects")
    sheet.add(
        group,
        "rate",
        100 * estimate,
        category=category,
        lower=100 * lower,
        upper=100 * upper,
        unit="%",
        method=words,
        reason=reason,
    )
    if spec.complement:
        sheet.add(
            group,
            "1 - rate",
            100 * (1 - estimate),
            category=category,
            lower=100 * (1 - upper),
            upper=100 * (1 - lower),
            unit="%",
            method=f"1 - S(t), {words}",
            reason=reason,
        )


def _restricted(sheet: Sheet, rows: pd.DataFrame, group: str, spec: SurvivalSpec) -> None:
    mean = restricted_mean(rows["AVAL"], rows["EVENT"], spec.rmst * DAYS_PER_MONTH, spec.conf_level)
    sheet.add(
        group,
        "restricted mean",
        mean.estimate / DAYS_PER_MONTH,
        category=f"{spec.rmst:g} months",
        lower=mean.lower / DAYS_PER_MONTH,
        upper=mean.upper / DAYS_PER_MONTH,
        unit="months",
        method="Area under the Kaplan-Meier curve, normal limits",
        reason=mean.reason,
    )


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
    test = log_rank(rows["AVAL"], rows["EVENT"], np.asarray(rows["LEVEL"]))
    sheet.add(ALL, "p value", test.p_value, category=variable, method="Log-rank test", reason=test.reason)
