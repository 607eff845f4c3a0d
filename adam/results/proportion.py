"""The share of subjects who fulfil criteria: response, control, benefit, a flag of ADSL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import pandas as pd
from fhir2cdisc.adam.plan import Plan
from fhir2cdisc.adam.results.asked import by_confirmation, common, named
from fhir2cdisc.adam.results.percent import add_percent
from fhir2cdisc.adam.results.sheet import ANALYSED, Data, Records, Sheet, Spec
from fhir2cdisc.adam.results.visits import VisitProportionSpec
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

    @property
    def counted(self) -> tuple[Records, ...]:
        return tuple(dict.fromkeys(one for member in self.criteria for one in member))

    def summarise(self, data: Data) -> Sheet:
        """n, N and the percentage with its interval, in each group."""
        sheet = self.sheet()
        for group, subjects in data.groups(self):
            add_share(sheet, data, self.criteria, subjects, group, "", self.method)
        return sheet


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
) -> None:
    """The rows N, n and percent of those who fulfil the criteria, with the records behind them."""
    who, behind = fulfilled(data, criteria, subjects)
    sheet.keep(group, "denominator", "ADSL", subjects, category)
    for dataset, rows in behind:
        sheet.keep(group, "numerator", dataset, rows, category)
    n = subjects["USUBJID"].nunique()
    sheet.add(group, "N", n, category=category, unit="subjects")
    add_percent(sheet, group, len(who), n, category, method)


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
    first = ProportionSpec(**common(one, plan), criteria=_criteria(one, plan, main), method=said.proportion_ci)
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
