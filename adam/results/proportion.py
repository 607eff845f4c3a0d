"""The share of subjects who fulfil criteria: response, control, benefit, a flag of ADSL."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import pandas as pd
from fhir2cdisc.adam.plan import Plan
from fhir2cdisc.adam.results.asked import by_confirmation, common, named
from fhir2cdisc.adam.results.percent import add_percent
from fhir2cdisc.adam.results.sheet import ALL, ANALYSED, Data, Records, Sheet, Spec
from fhir2cdisc.adam.results.visits import VisitProportionSpec
from fhir2cdisc.adam.statistics.proportions import DIFFERENCES, NO_SUBJECTS
from fhir2cdisc.mappings.conditions import Condition, is_
from fhir2cdisc.mappings.study_sections import Endpoint

Criteria = tuple[tuple[Records, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProportionSpec(Spec):
    """Share of subjects who fulfil `criteria`: any one of its members, all Records of that member."""

    kind: ClassVar[str] = "proportion"
    name: ClassVar[str] = "Proportion of subjects"
    criteria: Criteria
    method: str = "clopper-pearson"
    control: str = ""
    difference: str = "miettinen-nurminen"

    @property
    def counted(self) -> tuple[Records, ...]:
        return tuple(dict.fromkeys(one for member in self.criteria for one in member))

    def summarise(self, data: Data) -> Sheet:
        """n, N and the percentage with its interval, in each group; then the differences to the control."""
        sheet, counts = self.sheet(), {}
        for group, subjects in data.groups(self):
            counts[group] = add_share(sheet, data, self.criteria, subjects, group, "", self.method)
        if self.group and self.control:
            for group in [one for one in counts if one not in (ALL, self.control)]:
                _difference(sheet, self, group, counts[group], counts.get(self.control, (0, 0)))
        return sheet


def _difference(
    sheet: Sheet, spec: ProportionSpec, group: str, ours: tuple[int, int], control: tuple[int, int]
) -> None:
    """The difference of two shares in percentage points."""
    (x1, n1), (x2, n2) = ours, control
    interval = DIFFERENCES[spec.difference](x1, n1, x2, n2, spec.conf_level)
    sheet.add(
        group,
        "difference",
        100 * (x1 / n1 - x2 / n2) if n1 and n2 else math.nan,
        category=f"{group} - {spec.control}",
        lower=100 * interval.lower,
        upper=100 * interval.upper,
        unit="percentage points",
        method=f"{spec.difference}, {spec.conf_level:.0%}",
        reason="" if n1 and n2 else NO_SUBJECTS,
    )


def fulfilled(
    data: Data, criteria: Criteria, subjects: pd.DataFrame
) -> tuple[set[str], list[tuple[str, pd.DataFrame]]]:
    """The subjects who fulfil any member of `criteria` wholly, and the records by which they do."""
    who: set[str] = set()
    behind: list[tuple[str, pd.DataFrame]] = []
    for member in criteria:
        parts = [(wanted.dataset, data.records(data.known(wanted), subjects)) for wanted in member]
        both = set.intersection(*(set(rows["USUBJID"]) for _, rows in parts)) if parts else set()
        who |= both
        behind += [(name, rows[rows["USUBJID"].isin(both)]) for name, rows in parts]
    return who, behind


def add_share(
    sheet: Sheet,
    data: Data,
    criteria: Criteria,
    subjects: pd.DataFrame,
    group: str,
    category: str,
    method: str,
) -> tuple[int, int]:
    """The rows N, n and percent of those who fulfil the criteria, with the records behind them; n and N."""
    who, behind = fulfilled(data, criteria, subjects)
    sheet.keep(group, "denominator", "ADSL", subjects, category)
    for dataset, rows in behind:
        sheet.keep(group, "numerator", dataset, rows, category)
    n = subjects["USUBJID"].nunique()
    sheet.add(group, "N", n, category=category, unit="subjects")
    add_percent(sheet, group, len(who), n, category, method)
    return len(who), n


def responders(plan: Plan, code: str) -> Criteria:
    """Those whom a parameter of ADRS calls `Y`."""
    return ((Records("ADRS", plan.response_code(code), (is_("AVALC", "Y"),)),),)


def _specs(one: Endpoint, plan: Plan) -> Iterator[Spec]:
    said = plan.study.statistics
    if "AVISIT" in one.by:
        records = Records("ADRS", plan.response_code(one.paramcd), (ANALYSED,))
        yield VisitProportionSpec(
            **common(one, plan), records=records, responses=plan.terms(one.responses), method=said.proportion_ci
        )
        return
    main, siblings = by_confirmation(one, plan)
    first = ProportionSpec(
        **common(one, plan),
        criteria=_criteria(one, plan, main),
        method=said.proportion_ci,
        control=next((arm.label for arm in plan.study.arms if arm.code == said.control), ""),
        difference=said.difference_ci,
    )
    yield first
    for word, code in siblings:
        yield replace(first, **named(one, word, "confirmation"), criteria=_criteria(one, plan, code))
    for other in one.denominators:
        label = f"{one.title}, {other.title}"
        yield replace(first, id=f"{one.id}.{other.id}", label=label, analysis="denominator", subset=other.subset)
    if one.threshold_months is not None:
        label = f"{one.title}: not counted because censored earlier"
        criteria = _censored_early(one, plan)
        yield replace(first, id=f"{one.id}.censored", label=label, analysis="part", criteria=criteria, group="")


def _criteria(one: Endpoint, plan: Plan, code: str) -> Criteria:
    if one.dataset == "ADSL":
        return ((Records("ADSL", "", (is_(code, "Y"),)),),)
    return responders(plan, code)


def _censored_early(one: Endpoint, plan: Plan) -> Criteria:
    """Not counted, with a time that is censored before the threshold; with a response that would have counted."""
    days = (one.threshold_months or 0.0) * plan.month
    short = (Condition("CNSR", "GT", (0.0,)), Condition("AVAL", "LE", (days,)))
    parts = [
        Records("ADRS", plan.response_code(one.paramcd), (is_("AVALC", "N"),)),
        Records("ADTTE", plan.time_code(one.time), short),
    ]
    if one.combine == "and":
        called = Condition("AVALC", "IN", plan.terms(one.responses))
        parts.append(Records("ADRS", plan.response_code(one.best), (called,)))
    return (tuple(parts),)


ENDPOINTS = {"proportion": _specs}
