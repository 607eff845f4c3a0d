"""Subjects by category: best overall response, treatment, groups of a marker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from fhir2cdisc.adam.plan import Plan
from fhir2cdisc.adam.results.asked import by_confirmation, common, named
from fhir2cdisc.adam.results.percent import add_percent
from fhir2cdisc.adam.results.sheet import CannotEstimateError, Data, Records, Sheet, Spec
from fhir2cdisc.mappings.study_sections import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionSpec(Spec):
    """Number and share of subjects in each category of a parameter (best overall response)."""

    kind: ClassVar[str] = "distribution"
    name: ClassVar[str] = "Subjects by category"
    records: Records
    variable: str = "AVALC"
    categories: tuple[str, ...] = ("CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE", "MISSING")

    @property
    def counted(self) -> tuple[Records, ...]:
        return (self.records,)

    def variables(self, records: Records) -> tuple[str, ...]:
        chosen = tuple(one.variable for one in records.where) if records.dataset == "ADSL" else ()
        return (self.variable, *chosen)

    def summarise(self, data: Data) -> Sheet:
        """Subjects by category; one without a record is in the last category, MISSING."""
        sheet, dataset = self.sheet(), self.records.dataset
        for group, subjects in data.groups(self):
            rows = data.records(data.known(self.records), subjects)
            if self.variable not in rows:
                raise CannotEstimateError(f"{dataset} has no variable {self.variable}")
            if rows["USUBJID"].duplicated().any():
                who = rows.loc[rows["USUBJID"].duplicated(), "USUBJID"].iloc[0]
                raise CannotEstimateError(f"{dataset} holds {self.records.paramcd} of {who} twice")
            found = subjects["USUBJID"].map(rows.set_index("USUBJID")[self.variable])
            found = found.where(found.notna() & (found != ""), self.categories[-1])
            unlisted = sorted(set(found) - set(self.categories))
            sheet.keep(group, "denominator", "ADSL", subjects)
            sheet.add(group, "N", len(subjects), unit="subjects")
            for category in [*self.categories, *unlisted]:
                n = int((found == category).sum())
                add_percent(sheet, group, n, len(subjects), category, "clopper-pearson")
                sheet.keep(group, "numerator", dataset, rows[rows[self.variable] == category], category)
        return sheet


def _specs(one: Endpoint, plan: Plan) -> Iterator[Spec]:
    if one.dataset == "ADSL":
        labels = tuple(arm.label for arm in plan.study.arms)
        said = common(one, plan) | {"group": ""}
        yield DistributionSpec(**said, records=Records("ADSL"), variable=one.paramcd, categories=(*labels, "MISSING"))
        return
    main, siblings = by_confirmation(one, plan)
    records = Records("ADRS", plan.response_code(main))
    first = DistributionSpec(**common(one, plan), records=records, categories=plan.best_terms)
    yield first
    for word, code in siblings:
        records = Records("ADRS", plan.response_code(code))
        yield replace(first, **named(one, word, "confirmation"), records=records)


ENDPOINTS = {"distribution": _specs}
