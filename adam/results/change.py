"""Scores of questionnaires: value and change from baseline at each analysis visit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd
from fhir2cdisc.adam.frames.columns import number, text
from fhir2cdisc.adam.plan import Plan
from fhir2cdisc.adam.questionnaires.adqs import INSTRUMENTS
from fhir2cdisc.adam.results.asked import common
from fhir2cdisc.adam.results.sheet import ANALYSED, Data, Records, Sheet, Spec
from fhir2cdisc.adam.statistics.describe import describe
from fhir2cdisc.mappings.conditions import Condition
from fhir2cdisc.mappings.study_sections import Endpoint

STATISTICS = {"n": "n", "mean": "mean", "sd": "SD", "median": "median", "min": "min", "max": "max"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSpec(Spec):
    """Descriptive statistics of value and change from baseline of scores at each analysis visit."""

    kind: ClassVar[str] = "change"
    name: ClassVar[str] = "Value and change from baseline"
    paramcds: tuple[str, ...]
    dataset: str = "ADQS"

    @property
    def counted(self) -> tuple[Records, ...]:
        return (Records(self.dataset, "", (Condition("PARAMCD", "IN", self.paramcds), ANALYSED)),)

    def summarise(self, data: Data) -> Sheet:
        """n, mean, SD, median and range of value and change at each visit; the mean with its t interval."""
        sheet = Sheet(self, self.dataset, " ".join(self.paramcds))
        for group, subjects in data.groups(self):
            for paramcd in self.paramcds:
                rows = analysed(data, self.dataset, paramcd, subjects)
                if not len(rows):
                    sheet.add(group, "mean", math.nan, category=paramcd, reason="no assessment of the score")
                for (_, visit), part in rows.groupby(["_n", "_visit"], sort=True):
                    category = f"{paramcd}, {visit}"
                    sheet.keep(group, "assessment", self.dataset, part, category)
                    add_description(sheet, group, category, "value", number(part, "AVAL"))
                    if part["CHG"].notna().any():
                        add_description(sheet, group, category, "change", number(part, "CHG"))
        return sheet


def add_description(sheet: Sheet, group: str, category: str, of: str, values: pd.Series) -> None:
    """Descriptive statistics as rows, the mean with its interval."""
    d = describe(values, sheet.spec.conf_level)
    for key, name in STATISTICS.items():
        missing = math.isnan(d[key])
        reason = ("no value" if d["n"] == 0 else "one value only") if missing else ""
        limits = (d["lower"], d["upper"]) if key == "mean" else (math.nan, math.nan)
        method = f"t interval of the mean, {sheet.spec.conf_level:.0%}" if key == "mean" else ""
        sheet.add(
            group,
            f"{name}, {of}",
            d[key],
            category=category,
            lower=limits[0],
            upper=limits[1],
            unit="subjects" if key == "n" else "score",
            method=method,
            reason=reason,
        )


def analysed(data: Data, dataset: str, paramcd: str, subjects: pd.DataFrame) -> pd.DataFrame:
    """The analysed records of a parameter with the number and name of their visit (`_n`, `_visit`)."""
    rows = data.records(Records(dataset, paramcd, (ANALYSED,)), subjects)
    rows = rows.assign(_n=number(rows, "AVISITN"), _visit=text(rows, "AVISIT"), CHG=number(rows, "CHG"))
    # A visit without a number comes after the numbered ones, in alphabetical order.
    return rows.assign(_n=rows["_n"].fillna(math.inf))


def _specs(one: Endpoint, plan: Plan) -> Iterator[Spec]:
    scores = [code for form in INSTRUMENTS if form.qscat == one.questionnaire for code in form.labels]
    yield ChangeSpec(**common(one, plan), paramcds=tuple(scores))


ENDPOINTS = {"pro-change": _specs}
