"""Descriptive statistics of a sample."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy import stats


def describe(values: pd.Series, conf_level: float = 0.95) -> dict[str, float]:
    """n, mean, SD, median, quartiles, range and the t interval of the mean; NaN for what n does not allow."""
    x = values.dropna().to_numpy(float)
    n = len(x)
    if n == 0:
        names = ("mean", "sd", "median", "q1", "q3", "min", "max", "lower", "upper")
        return {"n": 0.0, **dict.fromkeys(names, math.nan)}
    sd = float(x.std(ddof=1)) if n > 1 else math.nan
    half = float(stats.t.ppf((1 + conf_level) / 2, n - 1)) * sd / math.sqrt(n) if n > 1 else math.nan
    # Quartiles as SAS defines them by default (empirical distribution with averaging, R type 2).
    q1, median, q3 = np.percentile(x, [25, 50, 75], method="averaged_inverted_cdf")
    mean = float(x.mean())
    return {
        "n": float(n),
        "mean": mean,
        "sd": sd,
        "median": float(median),
        "q1": float(q1),
        "q3": float(q3),
        "min": float(x.min()),
        "max": float(x.max()),
        "lower": mean - half,
        "upper": mean + half,
    }
