"""Kaplan-Meier in whole days: median with its interval, landmark rates, reverse follow-up.

Our own code, because lifelines 0.30 leaves what statisticians compare with R and SAS: it offers the log-log
interval only, takes the start of a plateau at 0.5 as the median where R and SAS take its midpoint, gives
infinity for a limit that is not reached, and carries the last value beyond the last observation. lifelines
and the figures of R survival 3.5-3 are cross-checks in the tests.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from fhir2cdisc.adam.statistics.proportions import NOT_ESTIMABLE, Interval
from scipy import stats

ConfType = Literal["log-log", "log", "plain"]
Array = npt.NDArray[np.float64]
TOLERANCE = math.sqrt(np.finfo(float).eps)
NO_TIMES = "no subject with a time"
TABLE_COLUMNS = ("TIME", "AT_RISK", "EVENTS", "CENSORED", "SURVIVAL", "SE", "LOWER", "UPPER")


@dataclass(frozen=True, slots=True)
class SurvivalAt:
    """The curve at one time: S(t), its limits, how many are at risk; `reason` where it is not estimable."""

    time: float
    estimate: float
    lower: float
    upper: float
    at_risk: int
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class KaplanMeier:
    """A product-limit curve.

    `table` has one row per distinct time (columns `TABLE_COLUMNS`; SE is Greenwood's, of S itself).
    `median` and limits that are not reached are NaN, and `reason` says why the median is missing.
    `missing` counts subjects left out because their time or status is missing.
    """

    n: int
    events: int
    missing: int
    conf_type: ConfType
    conf_level: float
    median: float
    median_ci: Interval
    reason: str
    table: pd.DataFrame = field(repr=False)

    @property
    def censored(self) -> int:
        return self.n - self.events

    @property
    def last(self) -> float:
        """The last observed time, event or censored; NaN where nobody was observed."""
        return float(self.table["TIME"].iloc[-1]) if self.n else math.nan

    def quantile(self, p: float) -> tuple[float, Interval]:
        """The time by which a share `p` had the event, with its interval; NaN where not reached."""
        times = self.table["TIME"].to_numpy(float)
        curves = (self.table[name].to_numpy(float) for name in ("SURVIVAL", "LOWER", "UPPER"))
        point, lower, upper = (_crossing(times, curve, 1 - p) for curve in curves)
        return point, Interval(lower, upper)

    def at(self, t: float) -> SurvivalAt:
        """S(t), its interval, the number at risk just before `t`.

        After the last observation a curve that has reached 0 stays 0, as R's `summary(extend = TRUE)` has it; any
        other has nothing to say there.
        """
        if self.n == 0:
            return SurvivalAt(t, math.nan, math.nan, math.nan, 0, NO_TIMES)
        if t > self.last:
            if self.table["SURVIVAL"].iloc[-1] == 0:
                return SurvivalAt(t, 0.0, math.nan, math.nan, 0)
            why = f"last observation at {self.last:g}: no subject is followed so long"
            return SurvivalAt(t, math.nan, math.nan, math.nan, 0, why)
        times = self.table["TIME"].to_numpy(float)
        before = int(np.searchsorted(times, t, side="right")) - 1
        at_risk = int(self.table["AT_RISK"].iloc[np.searchsorted(times, t, side="left")])
        if before < 0:
            return SurvivalAt(t, 1.0, 1.0, 1.0, at_risk)
        row = self.table.iloc[before]
        return SurvivalAt(t, float(row["SURVIVAL"]), float(row["LOWER"]), float(row["UPPER"]), at_risk)


def kaplan_meier(time: Any, event: Any, conf_type: ConfType = "log-log", conf_level: float = 0.95) -> KaplanMeier:
    """The Kaplan-Meier estimate of subjects with `time` (days) and `event` (1 event, 0 censored).

    `conf_type` is the transformation of the pointwise interval: `log-log` (SAS default), `log` (R default)
    or `plain`; all use Greenwood's variance. The interval of the median is where these limits cross 0.5.
    A plateau at exactly 0.5 gives its midpoint (R, SAS), unless no later event ends it. Times closer than
    a millionth are one time. A negative time or a status other than 0 and 1 raises ValueError.
    """
    if conf_type not in ("log-log", "log", "plain"):
        raise ValueError(f"conf_type: {conf_type} is not log-log, log or plain")
    times, events, missing = clean_times(time, event)
    table = _product_limit(times, events, conf_type, conf_level)
    point, interval, reason = math.nan, NOT_ESTIMABLE, NO_TIMES
    curve = KaplanMeier(len(times), int(events.sum()), missing, conf_type, conf_level, point, interval, reason, table)
    if not curve.n:
        return curve
    point, interval = curve.quantile(0.5)
    reason = _why_no_median(curve) if math.isnan(point) else ""
    return KaplanMeier(curve.n, curve.events, missing, conf_type, conf_level, point, interval, reason, table)


def reverse_kaplan_meier(
    time: Any, event: Any, conf_type: ConfType = "log-log", conf_level: float = 0.95
) -> KaplanMeier:
    """Follow-up by the reverse Kaplan-Meier method: being censored is the event, the event censors."""
    times, events, _ = clean_times(time, event)
    return kaplan_meier(times, 1 - events, conf_type, conf_level)


def landmarks(curve: KaplanMeier, times: Iterable[float]) -> pd.DataFrame:
    """The curve at several times, one row each: TIME, ESTIMATE, LOWER, UPPER, AT_RISK, REASON."""
    rows = [curve.at(t) for t in times]
    columns = ("TIME", "ESTIMATE", "LOWER", "UPPER", "AT_RISK", "REASON")
    return pd.DataFrame(
        [(r.time, r.estimate, r.lower, r.upper, r.at_risk, r.reason) for r in rows], columns=list(columns)
    )


def clean_times(time: Any, event: Any) -> tuple[Array, Array, int]:
    """Times and 0/1 statuses without missing pairs, ties made equal, and how many pairs were missing."""
    times = pd.to_numeric(pd.Series(np.asarray(time, dtype=object))).to_numpy(dtype=float)
    events = pd.to_numeric(pd.Series(np.asarray(event, dtype=object))).to_numpy(dtype=float)
    if len(times) != len(events):
        raise ValueError(f"time, event: {len(times)} times but {len(events)} statuses")
    known = ~(np.isnan(times) | np.isnan(events))
    times, events = np.round(times[known], 6), events[known]
    if (times < 0).any():
        raise ValueError(f"time: {times.min():g} is negative")
    if not np.isin(events, (0, 1)).all():
        raise ValueError(f"event: {sorted(set(events) - {0.0, 1.0})} is neither 0 nor 1")
    return times, events, int((~known).sum())


def _product_limit(times: Array, events: Array, conf_type: ConfType, conf_level: float) -> pd.DataFrame:
    unique, place = np.unique(times, return_inverse=True)
    leaving = np.bincount(place, minlength=len(unique))
    died = np.bincount(place, weights=events, minlength=len(unique))
    at_risk = len(times) - np.concatenate([[0], np.cumsum(leaving)[:-1]]) if len(unique) else leaving
    survival = np.cumprod(1 - died / np.maximum(at_risk, 1))
    left = at_risk - died
    with np.errstate(divide="ignore"):
        variance = np.cumsum(np.where(died > 0, died / (at_risk * left), 0.0))
    survival = np.where(survival < 1e-12, 0.0, survival)
    lower, upper = _limits(survival, variance, conf_type, conf_level)
    se = np.where(survival > 0, survival * np.sqrt(np.where(survival > 0, variance, 0.0)), math.nan)
    columns = (unique, at_risk, died.astype(int), leaving - died.astype(int), survival, se, lower, upper)
    return pd.DataFrame(dict(zip(TABLE_COLUMNS, columns, strict=True)))


def _limits(survival: Array, variance: Array, conf_type: ConfType, level: float) -> tuple[Array, Array]:
    """Pointwise limits; 1 where S is 1, missing where S is 0, as R survival gives them."""
    z = float(stats.norm.ppf(1 - (1 - level) / 2))
    inside = (survival > 0) & (survival < 1)
    s = np.where(inside, survival, 0.5)
    se = np.sqrt(np.where(inside, variance, 0.0))
    if conf_type == "log-log":
        spread = z * se / np.log(s)
        lower, upper = s ** np.exp(-spread), s ** np.exp(spread)
    elif conf_type == "log":
        lower, upper = s * np.exp(-z * se), np.minimum(s * np.exp(z * se), 1)
    else:
        lower, upper = np.maximum(s - z * s * se, 0), np.minimum(s + z * s * se, 1)
    edge = np.where(survival >= 1, 1.0, math.nan)
    return np.where(inside, lower, edge), np.where(inside, upper, edge)


def _crossing(times: Array, curve: Array, level: float) -> float:
    """First time with the curve at or below `level`; the midpoint where it rests there and then falls."""
    with np.errstate(invalid="ignore"):
        reached = curve < level + TOLERANCE
    if not reached.any():
        return math.nan
    x, y = times[reached], curve[reached]
    if abs(y[0] - level) < TOLERANCE and (y < y[0] - TOLERANCE).any():
        return float((x[0] + x[np.argmax(y < y[0] - TOLERANCE)]) / 2)
    return float(x[0])


def _why_no_median(curve: KaplanMeier) -> str:
    if curve.events == 0:
        return "no events"
    lowest = curve.table["SURVIVAL"].min()
    return f"not reached: the curve ends at {lowest:.3f}, above 0.5"
