"""Analysis visits: at each visit as collected, or in windows around targets every so many months."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from fhir2cdisc.mappings.study_base import DAYS_PER_MONTH


@dataclass(frozen=True, slots=True)
class VisitWindows:
    """Targets every `every_months` months after treatment start, each with `days` on either side.

    `every_months` of 0 keeps the visits as collected. The k-th target is study day
    1 + round(k x every_months x month), `month` in days; a day belongs to the nearest target within `days`, the
    earlier one where two are equally near; a day outside every window has no analysis visit.
    """

    every_months: int = 0
    days: int = 45
    month: float = DAYS_PER_MONTH

    @property
    def nearest(self) -> str:
        """Which target a day belongs to, in words."""
        return (
            f"n a multiple of {self.every_months} whose AWTARGET is nearest to ADY (of two the earlier), at most "
            f"{self.days} days away"
        )


AS_COLLECTED = VisitWindows()


def target_day(visit: np.ndarray, windows: VisitWindows) -> np.ndarray:
    """Study day of the k-th target."""
    days: np.ndarray = np.floor(visit * windows.every_months * windows.month + 0.5) + 1
    return days


def assign_windows(study_day: pd.Series, windows: VisitWindows) -> pd.DataFrame:
    """AVISIT (`Month 3`), AVISITN (months), AWTARGET, AWTDIFF, AWLO and AWHI of post-baseline study days."""
    day = study_day.to_numpy(float)
    near = (day - 1) / (windows.every_months * windows.month)
    # Halfway between two targets the earlier one wins: round halves down.
    visit = np.maximum(np.ceil(near - 0.5), 1)
    target = target_day(visit, windows)
    before = target_day(visit - 1, windows)
    earlier = (visit > 1) & (np.abs(day - before) <= np.abs(day - target))
    visit, target = np.where(earlier, visit - 1, visit), np.where(earlier, before, target)
    inside = np.abs(day - target) <= windows.days
    months = np.where(inside, visit * windows.every_months, math.nan)
    out = pd.DataFrame({"AVISITN": months}, index=study_day.index)
    names = {m: f"Month {m:.0f}" for m in np.unique(months[inside])}
    out["AVISIT"] = out["AVISITN"].map(names).fillna("").astype(object)
    out["AWTARGET"] = np.where(inside, target, math.nan)
    out["AWTDIFF"] = np.where(inside, day - target, math.nan)
    out["AWLO"], out["AWHI"] = out["AWTARGET"] - windows.days, out["AWTARGET"] + windows.days
    return out
