"""The log-rank test, plain and stratified."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from fhir2cdisc.adam.statistics.kaplan_meier import Array, clean_times
from scipy import stats


@dataclass(frozen=True, slots=True, eq=False)
class LogRank:
    """Chi-square, degrees of freedom and p value; `table` gives N, OBSERVED and EXPECTED by GROUP."""

    chisq: float
    df: int
    p_value: float
    reason: str
    table: pd.DataFrame = field(repr=False)


def log_rank(time: Any, event: Any, group: Any, strata: Any = None) -> LogRank:
    """The log-rank test of equal survival in the groups, within `strata` where given (R `survdiff`, rho 0).

    Subjects with a missing time, status, group or stratum are left out. With one group, no event, or no
    time at which two groups are at risk together, the test is not estimable and `reason` says why.
    """
    frame = pd.DataFrame({"TIME": np.asarray(time), "EVENT": np.asarray(event), "GROUP": np.asarray(group)})
    frame["STRATUM"] = "" if strata is None else np.asarray(strata)
    frame = frame.dropna().reset_index(drop=True)
    times, events, _ = clean_times(frame["TIME"], frame["EVENT"])
    labels = sorted(frame["GROUP"].unique())
    membership = (frame["GROUP"].to_numpy()[:, None] == np.array(labels, dtype=object)[None, :]).astype(float)
    k = len(labels)
    observed, expected, variance = np.zeros(k), np.zeros(k), np.zeros((k, k))
    for stratum in sorted(frame["STRATUM"].unique()):
        rows = (frame["STRATUM"] == stratum).to_numpy()
        o, e, v = _stratum(times[rows], events[rows], membership[rows])
        observed, expected, variance = observed + o, expected + e, variance + v
    table = pd.DataFrame({"GROUP": labels, "N": membership.sum(axis=0), "OBSERVED": observed, "EXPECTED": expected})
    return _test(observed - expected, variance, k, table)


def _stratum(times: Array, events: Array, membership: Array) -> tuple[Array, Array, Array]:
    moments = np.unique(times[events == 1])
    at_risk = np.array([membership[times >= t].sum(axis=0) for t in moments]).reshape(-1, membership.shape[1])
    died = np.array([membership[(times == t) & (events == 1)].sum(axis=0) for t in moments])
    died = died.reshape(at_risk.shape)
    n, d = at_risk.sum(axis=1), died.sum(axis=1)
    share = at_risk / n[:, None] if len(n) else at_risk
    weight = d * (n - d) / np.maximum(n - 1, 1)
    variance = np.diag((weight[:, None] * share).sum(axis=0)) - (share * weight[:, None]).T @ share
    return died.sum(axis=0), (share * d[:, None]).sum(axis=0), variance


def _test(difference: Array, variance: Array, k: int, table: pd.DataFrame) -> LogRank:
    if k < 2:
        return LogRank(math.nan, 0, math.nan, "fewer than two groups", table)
    if table["OBSERVED"].sum() == 0:
        return LogRank(math.nan, k - 1, math.nan, "no events", table)
    # The pseudo-inverse drops the redundant group, and groups that are never at risk beside another one.
    size = np.linalg.eigvalsh(variance)
    df = int((size > 1e-9 * max(size.max(), 1e-3)).sum())
    if df == 0:
        return LogRank(math.nan, k - 1, math.nan, "no event while two groups are at risk together", table)
    chisq = float(difference @ np.linalg.pinv(variance, rcond=1e-9, hermitian=True) @ difference)
    return LogRank(chisq, df, float(stats.chi2.sf(chisq, df)), "", table)
