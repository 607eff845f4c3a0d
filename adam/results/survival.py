"""Times to an event: Kaplan-Meier estimates in months, rates at landmarks, follow-up, restricted mean."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import pandas as pd
from fhir2cdisc.adam.frames.columns import number
from fhir2cdisc.adam.plan import Plan
from fhir2cdisc.adam.results.asked import by_confirmation, common, named
from fhir2cdisc.adam.results.sheet import CannotEstimateError, Data, Records, Sheet, Spec
from fhir2cdisc.adam.statistics.kaplan_meier import ConfType, KaplanMeier, kaplan_meier, reverse_kaplan_meier
from fhir2cdisc.adam.statistics.rmst import restricted_mean
from fhir2cdisc.mappings.study_sections import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalSpec(Spec):
    """Kaplan-Meier summary of a time-to-event parameter in months.

    `landmarks`: months at which the rate is given; with fewer than `min_at_risk` subjects at risk there it is
    not estimable, unless the curve has reached 0, which it never leaves. `complement` also gives 1 - S(t).
    `follow_up`: median follow-up by reverse Kaplan-Meier. `rmst`: horizon of the restricted mean in months, 0 for none.
    """

    kind: ClassVar[str] = "survival"
    name: ClassVar[str] = "Kaplan-Meier estimate"
    paramcd: str
    dataset: str = "ADTTE"
    landmarks: tuple[float, ...] = ()
    min_at_risk: int = 1
    complement: bool = False
    follow_up: bool = True
    rmst: float = 0.0
    conf_type: ConfType = "log-log"

    @property
    def counted(self) -> tuple[Records, ...]:
        return (Records(self.dataset, self.paramcd),)

    def summarise(self, data: Data) -> Sheet:
        """N, events, censored, median, rates at landmarks with numbers at risk, follow-up, restricted mean."""
        sheet = self.sheet()
        for group, subjects in data.groups(self):
            rows = times(data, self, subjects)
            curve = add_curve(sheet, rows, group, "", self.conf_type)
            sheet.add(group, "not analysed", subjects["USUBJID"].nunique() - curve.n, unit="subjects")
            for months in self.landmarks:
                _landmark(sheet, curve, group, months, self)
            if self.follow_up:
                reverse = reverse_kaplan_meier(rows["AVAL"], rows["EVENT"], self.conf_type, self.conf_level)
                _median(sheet, reverse, group, "", "follow-up median", "Reverse Kaplan-Meier")
            if self.rmst:
                _restricted(sheet, rows, group, self)
        return sheet


def curve_of(data: Data, spec: SurvivalSpec) -> KaplanMeier:
    """The Kaplan-Meier curve (in days) of a parameter, of all whom the result counts."""
    rows = times(data, spec, data.subjects(spec))
    return kaplan_meier(rows["AVAL"], rows["EVENT"], spec.conf_type, spec.conf_level)


def median_in_words(data: Data, spec: SurvivalSpec) -> str:
    """Subjects, events and the Kaplan-Meier median with its interval of a parameter, of all whom the result counts."""
    curve = curve_of(data, spec)
    lower, upper = (f"{one / spec.month:.1f}" if not math.isnan(one) else "NE" for one in curve.median_ci)
    said = f"median {curve.median / spec.month:.1f} months ({lower}, {upper})"
    if math.isnan(curve.median):
        said = "no time known" if not curve.n else "median not reached"
    return f"{curve.n} subjects, {curve.events} events, {said}"


def times(data: Data, spec: Spec, subjects: pd.DataFrame) -> pd.DataFrame:
    """One row per subject with AVAL and EVENT, by subject; two rows of a subject are refused."""
    (wanted,) = spec.counted
    rows = data.records(data.derived(wanted), subjects)
    for name in ("AVAL", "CNSR"):
        if name not in rows:
            raise CannotEstimateError(f"{wanted.dataset} has no variable {name}")
    if rows["USUBJID"].duplicated().any():
        who = rows.loc[rows["USUBJID"].duplicated(), "USUBJID"].iloc[0]
        raise CannotEstimateError(f"{wanted.dataset} holds {wanted.paramcd} of {who} twice")
    censored = number(rows, "CNSR")
    event = (censored == 0).astype(float).where(censored.notna())
    return rows.assign(AVAL=number(rows, "AVAL"), EVENT=event).sort_values("USUBJID")


def add_curve(sheet: Sheet, rows: pd.DataFrame, group: str, category: str, conf_type: ConfType) -> KaplanMeier:
    """The rows that every curve has, and the records behind it."""
    curve = kaplan_meier(rows["AVAL"], rows["EVENT"], conf_type, sheet.spec.conf_level)
    sheet.keep(group, "event", sheet.dataset, rows[rows["EVENT"] == 1], category)
    sheet.keep(group, "censored", sheet.dataset, rows[rows["EVENT"] == 0], category)
    for name, value in (("N", curve.n), ("events", curve.events), ("censored", curve.censored)):
        sheet.add(group, name, value, category=category, unit="subjects")
    _median(sheet, curve, group, category, "median", "Kaplan-Meier")
    return curve


def _median(sheet: Sheet, curve: KaplanMeier, group: str, category: str, statistic: str, method: str) -> None:
    lower, upper, month = *curve.median_ci, sheet.spec.month
    sheet.add(
        group,
        statistic,
        curve.median / month,
        category=category,
        lower=lower / month,
        upper=upper / month,
        unit="months",
        reason=curve.reason,
        method=f"{method}, {curve.conf_level:.0%} {curve.conf_type} interval",
    )


def _landmark(sheet: Sheet, curve: KaplanMeier, group: str, months: float, spec: SurvivalSpec) -> None:
    at, category = curve.at(months * spec.month), f"{months:g} months"
    estimate, lower, upper, reason = at.estimate, at.lower, at.upper, at.reason
    if not reason and estimate > 0 and at.at_risk < spec.min_at_risk:
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
    mean = restricted_mean(rows["AVAL"], rows["EVENT"], spec.rmst * spec.month, spec.conf_level)
    sheet.add(
        group,
        "restricted mean",
        mean.estimate / spec.month,
        category=f"{spec.rmst:g} months",
        lower=mean.lower / spec.month,
        upper=mean.upper / spec.month,
        unit="months",
        method="Area under the Kaplan-Meier curve, normal limits",
        reason=mean.reason,
    )


def _specs(one: Endpoint, plan: Plan) -> Iterator[Spec]:
    said = plan.study.statistics
    main, siblings = by_confirmation(one, plan)
    first = SurvivalSpec(
        **common(one, plan),
        paramcd=plan.time_code(main),
        landmarks=one.landmarks,
        min_at_risk=said.at_risk_min,
        complement=one.kind == "event-rate",
        conf_type=said.km_ci,
    )
    yield first
    for word, code in siblings:
        yield replace(first, **named(one, word, "confirmation"), paramcd=plan.time_code(code))
    for code in plan.sensitivity_of(one):
        label = f"{one.title}, sensitivity {code}"
        name = f"{one.id}.{code.lower()}"
        yield replace(first, id=name, label=label, analysis="sensitivity", paramcd=plan.time_code(code))


ENDPOINTS = {"time-to-event": _specs, "event-rate": _specs}
