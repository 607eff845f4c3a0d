"""Partial ISO 8601 dates become analysis dates with an imputation flag (ADaMIG 1.3, section 3.1.3)."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

Highest = Literal["", "D", "M"]


def impute_dates(
    dtc: pd.Series,
    to: Literal["first", "last"],
    highest: Highest = "M",
    not_before: list[pd.Series] | None = None,
    not_after: list[pd.Series] | None = None,
) -> tuple[pd.Series, pd.Series]:
    """Dates of `dtc` and their flags: `D` day imputed, `M` month and day, `""` as collected.

    `to` chooses the first or last day that the partial date allows. `highest` is the coarsest part that may
    be imputed: `M` (a year alone is enough), `D` (year and month needed), `""` (complete dates only). An
    imputed date moves up to the latest of `not_before`, or down to the earliest of `not_after`, where such
    a date lies within the days that the partial date allows. A text without a year, or no possible date,
    gives NaT: nothing is invented.
    """
    year, month, day = _parts(dtc)
    level = np.where(day.notna(), "", np.where(month.notna(), "D", "M"))
    allowed = (level == "") | (level == "D") & (highest in ("D", "M")) | (level == "M") & (highest == "M")
    earliest = _dates(year, month.fillna(1), day.fillna(1))
    months = _dates(year, month.fillna(12), day.where(day.notna(), 1))
    latest = months.where(day.notna(), months + pd.offsets.MonthEnd(1))
    out = earliest if to == "first" else latest
    partial = pd.Series(level != "", index=dtc.index)
    for bound in not_before or []:
        inside = partial & (bound >= earliest) & (bound <= latest) & (bound > out)
        out = out.where(~inside, bound)
    for bound in not_after or []:
        inside = partial & (bound >= earliest) & (bound <= latest) & (bound < out)
        out = out.where(~inside, bound)
    out = out.where(pd.Series(allowed, index=dtc.index)).astype("datetime64[ns]")
    return out, pd.Series(np.where(out.notna(), level, ""), index=dtc.index, dtype=object)


def _parts(dtc: pd.Series) -> tuple[pd.Series, pd.Series, pd.Series]:
    # Few texts are distinct: each is read once.
    place, distinct = pd.factorize(dtc.astype(object).where(dtc.notna(), ""))
    text = pd.Series(distinct, dtype=object).astype(str)
    pattern = r"^(?P<y>\d{4})(?:-(?P<m>\d{2}|-)(?:-(?P<d>\d{2}|-))?)?(?:T.*)?$"
    parts = text.str.extract(pattern)
    numbers = parts.apply(pd.to_numeric, errors="coerce").to_numpy(float)[place]
    year, month, day = (pd.Series(numbers[:, k], index=dtc.index) for k in range(3))
    return year, month, day.where(month.notna())


def _dates(year: pd.Series, month: pd.Series, day: pd.Series) -> pd.Series:
    parts = pd.DataFrame({"year": year, "month": month, "day": day})
    return pd.to_datetime(parts, errors="coerce").astype("datetime64[ns]")
