"""Shift of an ordered score from baseline (ECOG)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd
from fhir2cdisc.adam.frames.columns import number, text
from fhir2cdisc.adam.plan import Plan
from fhir2cdisc.adam.results.asked import common
from fhir2cdisc.adam.results.change import add_description, analysed
from fhir2cdisc.adam.results.percent import add_count
from fhir2cdisc.adam.results.sheet import ANALYSED, Data, Records, Sheet, Spec
from fhir2cdisc.adam.statistics.rounding import percent
from fhir2cdisc.mappings.study_sections import Endpoint

MISSING = "Missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftSpec(Spec):
    """Baseline against each visit, and how many improved, stayed and became worse (ECOG)."""

    kind: ClassVar[str] = "shift"
    name: ClassVar[str] = "Shift from baseline"
    paramcd: str = "ECOG"
    dataset: str = "ADQS"
    higher_is_better: bool = False

    @property
    def counted(self) -> tuple[Records, ...]:
        return (Records(self.dataset, self.paramcd, (ANALYSED,)),)

    def summarise(self, data: Data) -> Sheet:
        """Per visit: each pair of baseline and value, and how many improved, stayed and became worse."""
        sheet = self.sheet()
        for group, subjects in data.groups(self):
            rows = analysed(data, self.dataset, self.paramcd, subjects)
            after = rows[rows["_n"] > 0] if len(rows) else rows
            if not len(after):
                sheet.add(group, "n", math.nan, reason="no assessment after baseline")
            for (_, visit), part in after.groupby(["_n", "_visit"], sort=True):
                sheet.keep(group, "assessment", self.dataset, part, visit)
                self._visit(sheet, group, visit, part)
        return sheet

    def _visit(self, sheet: Sheet, group: str, visit: str, part: pd.DataFrame) -> None:
        for pair in shift_table(part, "BASE", "AVAL").to_dict("records"):
            category = f"{visit}: {pair['FROM']} to {pair['TO']}"
            add_count(sheet, group, "n", pair["N_SUBJECTS"], pair["N"], category)
        change = (1 if self.higher_is_better else -1) * number(part, "CHG")
        n = int(change.notna().sum())
        for name, hit in (("improved", change > 0), ("same", change == 0), ("worse", change < 0)):
            add_count(sheet, group, "n", int(hit.sum()), n, f"{visit}: {name}")
        add_description(sheet, group, visit, "change", number(part, "CHG"))


def shift_table(rows: pd.DataFrame, before: str, after: str, by: Sequence[str] = ()) -> pd.DataFrame:
    """Counts of `before` against `after`, one row per pair that can occur, missing shown as `Missing`.

    `rows` has one row per subject (and value of `by`). PERCENT refers to all rows of the same `by`.
    """
    work = pd.DataFrame({name: text(rows, name) for name in by})
    work["FROM"], work["TO"] = _shown(rows[before]), _shown(rows[after])
    out = []
    values = [*sorted({*work["FROM"], *work["TO"]} - {MISSING}), MISSING]
    keyed = work.groupby(list(by), sort=True) if by else [((), work)]
    for key, part in keyed:
        counts = part.groupby(["FROM", "TO"]).size()
        for a in values:
            for b in values:
                n = int(counts.get((a, b), 0))
                out.append((*key, a, b, n, len(part), percent(n, len(part))))
    return pd.DataFrame(out, columns=[*by, "FROM", "TO", "N_SUBJECTS", "N", "PERCENT"])


def _shown(column: pd.Series) -> pd.Series:
    shown = column.map(lambda v: f"{v:g}" if isinstance(v, int | float) and not math.isnan(v) else v)
    return shown.where(column.notna() & (column.astype(str) != ""), MISSING).astype(str)


def _specs(one: Endpoint, plan: Plan) -> Iterator[Spec]:
    yield ShiftSpec(**common(one, plan), paramcd=one.paramcd)


ENDPOINTS = {"shift": _specs}
