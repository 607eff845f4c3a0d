"""Cox proportional hazards with Efron, Breslow or exact ties, strata, and the score test of the assumption.

Our own Newton iteration: the same sums over risk sets give the fit and the proportionality test of R
survival 3 (lifelines offers Efron only and an older test; statsmodels has no test). statsmodels and the
figures of R survival 3.5-3 are cross-checks in the tests.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from fhir2cdisc.adam.statistics.cox_sums import Moments, Stratum, exact_terms, tied_terms
from fhir2cdisc.adam.statistics.kaplan_meier import Array, clean_times, kaplan_meier
from scipy import stats

Ties = Literal["efron", "breslow", "exact"]
MAX_ITERATIONS = 40
# A coefficient that moves a covariate's own range by more than e^25 in hazard has no finite maximum.
DIVERGED = 25.0


@dataclass(frozen=True, slots=True, eq=False)
class Cox:
    """A fitted model, or the `reason` why there is none.

    `table` has one row per covariate: COVARIATE, COEF, SE, HR, LOWER, UPPER, Z, P_VALUE.
    """

    n: int
    events: int
    ties: Ties
    loglik: float
    reason: str
    table: pd.DataFrame = field(repr=False)
    covariance: Array = field(repr=False)


def cox(
    time: Any,
    event: Any,
    covariates: pd.DataFrame,
    ties: Ties = "efron",
    strata: Any = None,
    conf_level: float = 0.95,
) -> Cox:
    """Proportional hazards of numeric `covariates` (one column each), Wald limits of the hazard ratio.

    `ties`: `efron` (R default), `breslow` (SAS default) or `exact` (R `ties="exact"`, SAS `DISCRETE`; slow
    for many ties). Subjects with any missing value are left out. No events, a constant covariate, or a
    likelihood without a maximum (no event in a group) gives missing figures and the reason.
    """
    data = _clean(time, event, covariates, strata)
    names = [str(c) for c in covariates.columns]
    reason = _why_not(data, names)
    if reason:
        return _no_fit(data, names, ties, reason)
    beta, moments, converged = _newton(data, ties)
    spread = np.ptp(np.vstack([s.x for s in data]), axis=0)
    covariance = np.asarray(np.linalg.pinv(moments.information, hermitian=True), dtype=np.float64)
    if not converged or (np.abs(beta) * spread > DIVERGED).any():
        return _no_fit(data, names, ties, "the likelihood has no maximum (a group without events?)")
    if (np.diag(covariance) <= 0).any():
        return _no_fit(data, names, ties, "a covariate does not differ among those at risk at any event")
    return _fit(data, names, ties, beta, moments.loglik, covariance, conf_level)


def proportionality_test(
    time: Any, event: Any, covariates: pd.DataFrame, strata: Any = None, transform: str = "km"
) -> pd.DataFrame:
    """Score test of proportional hazards, one row per covariate and `GLOBAL`: CHISQ, DF, P_VALUE, REASON.

    The score test of adding covariate x g(t) to the Efron fit, as R `cox.zph` computes it since survival 3;
    g is 1 - S(t-) of all subjects (`km`), time (`identity`) or its logarithm (`log`).
    """
    data = _clean(time, event, covariates, strata)
    names = [str(c) for c in covariates.columns]
    model = cox(time, event, covariates, "efron", strata)
    if model.reason:
        return _not_tested(names, model.reason)
    beta = model.table["COEF"].to_numpy(float)
    score, a, b, c = _interaction(data, beta, _time_transform(data, transform))
    try:
        rows = _score_tests(names, score, a, b, c)
    except np.linalg.LinAlgError:
        return _not_tested(names, "the events say nothing of a change over time")
    return pd.DataFrame([(n, chisq, df, float(stats.chi2.sf(chisq, df)), "") for n, chisq, df in rows], columns=_TESTED)


_TESTED = ["COVARIATE", "CHISQ", "DF", "P_VALUE", "REASON"]


def _not_tested(names: list[str], reason: str) -> pd.DataFrame:
    return pd.DataFrame([(n, math.nan, 0, math.nan, reason) for n in [*names, "GLOBAL"]], columns=_TESTED)


def _score_tests(names: list[str], score: Array, a: Array, b: Array, c: Array) -> list[tuple[str, float, int]]:
    """Name, statistic and degrees of freedom for each covariate and all; LinAlgError where there is no test."""
    rows = []
    for i, name in enumerate(names):
        conditional = c[i, i] - b[:, i] @ np.linalg.solve(a, b[:, i])
        if conditional <= 0:
            raise np.linalg.LinAlgError
        rows.append((name, float(score[i] ** 2 / conditional), 1))
    whole = c - b.T @ np.linalg.solve(a, b)
    return [*rows, ("GLOBAL", float(score @ np.linalg.solve(whole, score)), len(names))]


def _clean(time: Any, event: Any, covariates: pd.DataFrame, strata: Any) -> list[Stratum]:
    frame = covariates.astype(float).reset_index(drop=True)
    frame.insert(0, "_time", pd.to_numeric(pd.Series(np.asarray(time))).to_numpy())
    frame.insert(1, "_event", pd.to_numeric(pd.Series(np.asarray(event))).to_numpy())
    frame.insert(2, "_stratum", "" if strata is None else np.asarray(strata))
    frame = frame.dropna()
    times, events, _ = clean_times(frame["_time"], frame["_event"])
    frame["_time"], frame["_event"] = times, events
    x = frame.columns[3:]
    return [
        Stratum(g["_time"].to_numpy(), g["_event"].to_numpy(), g[x].to_numpy(float))
        for _, g in frame.sort_values(["_stratum", "_time"], kind="stable").groupby("_stratum", sort=True)
    ]


def _why_not(data: list[Stratum], names: list[str]) -> str:
    if not data:
        return "no subject with a time and all covariates"
    if not any(s.event.any() for s in data):
        return "no events"
    constant = np.ptp(np.vstack([s.x for s in data]), axis=0) == 0
    if constant.any():
        return f"the same value for every subject: {', '.join(np.array(names)[constant])}"
    return ""


def _newton(data: list[Stratum], ties: Ties) -> tuple[Array, Moments, bool]:
    """Newton-Raphson with step halving from zero, to a relative change of the log likelihood of 1e-13."""
    beta = np.zeros(data[0].x.shape[1])
    now = _sum(data, beta, ties)
    for _ in range(MAX_ITERATIONS):
        step = np.linalg.pinv(now.information, hermitian=True) @ now.score
        tried = _sum(data, beta + step, ties)
        while tried.loglik < now.loglik - 1e-9 * abs(now.loglik) and np.abs(step).max() > 1e-12:
            step = step / 2
            tried = _sum(data, beta + step, ties)
        beta, before, now = beta + step, now.loglik, tried
        if abs(now.loglik - before) <= 1e-13 * abs(before) and np.abs(step).max() < 1e-9:
            return beta, now, True
        if not np.isfinite(now.loglik):
            break
    return beta, now, False


def _sum(data: list[Stratum], beta: Array, ties: Ties) -> Moments:
    parts = [exact_terms(s, beta) if ties == "exact" else tied_terms(s, beta, ties).moments for s in data]
    return Moments(
        sum(p.loglik for p in parts),
        np.sum([p.score for p in parts], axis=0),
        np.sum([p.information for p in parts], axis=0),
    )


def _interaction(data: list[Stratum], beta: Array, g: list[Array]) -> tuple[Array, Array, Array, Array]:
    """Score of x g(t) at zero, and the blocks of the information: x by x, x by x g, x g by x g."""
    p = len(beta)
    score, a, b, c = np.zeros(p), np.zeros((p, p)), np.zeros((p, p)), np.zeros((p, p))
    for stratum, weight in zip(data, g, strict=True):
        terms = tied_terms(stratum, beta, "efron")
        score = score + weight @ terms.residual
        a = a + terms.variance.sum(axis=0)
        b = b + (weight[:, None, None] * terms.variance).sum(axis=0)
        c = c + (weight[:, None, None] ** 2 * terms.variance).sum(axis=0)
    return score, a, b, c


def _time_transform(data: list[Stratum], transform: str) -> list[Array]:
    events = [np.sort(s.time[s.event == 1]) for s in data]
    if transform == "identity":
        return events
    if transform == "log":
        return [np.log(e) for e in events]
    if transform != "km":
        raise ValueError(f"transform: {transform} is not km, identity or log")
    table = kaplan_meier(np.concatenate([s.time for s in data]), np.concatenate([s.event for s in data])).table
    before = np.concatenate([[1.0], table["SURVIVAL"].to_numpy(float)[:-1]])
    return [1 - before[np.searchsorted(table["TIME"].to_numpy(float), e)] for e in events]


def _fit(
    data: list[Stratum],
    names: list[str],
    ties: Ties,
    beta: Array,
    loglik: float,
    covariance: Array,
    conf_level: float,
) -> Cox:
    se = np.sqrt(np.diag(covariance))
    z = float(stats.norm.ppf(1 - (1 - conf_level) / 2))
    table = pd.DataFrame({"COVARIATE": names, "COEF": beta, "SE": se, "HR": np.exp(beta)})
    table["LOWER"], table["UPPER"] = np.exp(beta - z * se), np.exp(beta + z * se)
    table["Z"] = beta / se
    table["P_VALUE"] = 2 * stats.norm.sf(np.abs(table["Z"]))
    n, events = _size(data)
    return Cox(n, events, ties, loglik, "", table, covariance)


def _no_fit(data: list[Stratum], names: list[str], ties: Ties, reason: str) -> Cox:
    columns = ("COEF", "SE", "HR", "LOWER", "UPPER", "Z", "P_VALUE")
    table = pd.DataFrame({"COVARIATE": names, **dict.fromkeys(columns, math.nan)})
    n, events = _size(data)
    return Cox(n, events, ties, math.nan, reason, table, np.full((len(names), len(names)), math.nan))


def _size(data: list[Stratum]) -> tuple[int, int]:
    return sum(len(s.time) for s in data), int(sum(s.event.sum() for s in data))
