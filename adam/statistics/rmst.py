"""Restricted mean survival time: the area under the Kaplan-Meier curve up to a horizon."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from fhir2cdisc.adam.statistics.kaplan_meier import NO_TIMES, kaplan_meier
from scipy import stats


@dataclass(frozen=True, slots=True)
class RestrictedMean:
    """Mean time free of the event up to `tau`, with standard error and limits; or the `reason` why not."""

    tau: float
    n: int
    estimate: float
    se: float
    lower: float
    upper: float
    reason: str = ""


def restricted_mean(time: Any, event: Any, tau: float, conf_level: float = 0.95) -> RestrictedMean:
    """The restricted mean survival time up to `tau`, normal limits.

    The variance is the sum over event times of A(t)^2 d / (n (n - d)), A(t) being the area from t to `tau`
    (R `survfit` `rmean`). Not estimable where the curve is unknown at `tau`: follow-up ends before it while
    the curve is above 0.
    """
    curve = kaplan_meier(time, event)
    nothing = RestrictedMean(tau, curve.n, math.nan, math.nan, math.nan, math.nan, NO_TIMES)
    if curve.n == 0:
        return nothing
    if tau > curve.last and curve.table["SURVIVAL"].iloc[-1] > 0:
        why = f"follow-up ends at {curve.last:g}, before {tau:g}"
        return RestrictedMean(tau, curve.n, math.nan, math.nan, math.nan, math.nan, why)
    rows = curve.table[curve.table["TIME"] < tau]
    knots = np.concatenate([[0.0], rows["TIME"].to_numpy(float), [tau]])
    height = np.concatenate([[1.0], rows["SURVIVAL"].to_numpy(float)])
    pieces = np.diff(knots) * height
    area = np.cumsum(pieces[::-1])[::-1][1:]
    at_risk, died = rows["AT_RISK"].to_numpy(float), rows["EVENTS"].to_numpy(float)
    # The last event of a curve that reaches 0 has no area behind it and adds nothing.
    weight = np.where(at_risk > died, died / (at_risk * np.maximum(at_risk - died, 1)), 0.0)
    mean, se = float(pieces.sum()), float(np.sqrt((area**2 * weight).sum()))
    half = float(stats.norm.ppf(1 - (1 - conf_level) / 2)) * se
    return RestrictedMean(tau, curve.n, mean, se, mean - half, mean + half)
