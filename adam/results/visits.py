"""The share of responders at each visit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fhir2cdisc.adam.frames.columns import number, text
from fhir2cdisc.adam.results.percent import add_percent
from fhir2cdisc.adam.results.sheet import Data, Records, Sheet, Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitProportionSpec(Spec):
    """Share with one of `responses` at each visit, of those assessed there (time-point response rate)."""

    kind: ClassVar[str] = "visit-proportion"
    name: ClassVar[str] = "Proportion of assessed subjects at each visit"
    records: Records
    responses: tuple[str, ...] = ("CR", "PR")
    method: str = "clopper-pearson"

    @property
    def counted(self) -> tuple[Records, ...]:
        return (self.records,)

    def summarise(self, data: Data) -> Sheet:
        """Responders of those assessed at each visit, in order of AVISITN, or VISITNUM where it is not given."""
        sheet, dataset = self.sheet(), self.records.dataset
        for group, subjects in data.groups(self):
            rows = data.records(data.known(self.records), subjects)
            order = "AVISITN" if number(rows, "AVISITN").notna().any() else "VISITNUM"
            rows = rows.assign(_n=number(rows, order), _visit=text(rows, "AVISIT"))
            for (_, visit), part in rows.groupby(["_n", "_visit"], dropna=False, sort=True):
                assessed = part[text(part, "AVALC") != ""]
                responders = assessed[text(assessed, "AVALC").isin(self.responses)]
                n = assessed["USUBJID"].nunique()
                sheet.keep(group, "denominator", dataset, assessed, visit)
                sheet.keep(group, "numerator", dataset, responders, visit)
                sheet.add(group, "N", n, category=visit, unit="subjects")
                add_percent(sheet, group, responders["USUBJID"].nunique(), n, visit, self.method)
            if not len(rows):
                sheet.add(group, "percent", float("nan"), unit="%", reason="no subject was assessed")
        return sheet
