"""The sums over risk sets of the partial likelihood: one term per event, by the rule for ties."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from fhir2cdisc.adam.statistics.kaplan_meier import Array


@dataclass(frozen=True, slots=True, eq=False)
class Stratum:
    """Subjects of one stratum, sorted by time: time, 0/1 event and covariates (subjects x covariates)."""

    time: Array
    event: Array
    x: Array


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Log partial likelihood, score and information at a coefficient vector."""

    loglik: float
    score: Array
    information: Array


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """One row per event: covariate minus its weighted mean, and the weighted variance of the covariates."""

    loglik: float
    residual: Array
    variance: Array

    @property
    def moments(self) -> Moments:
        return Moments(self.loglik, self.residual.sum(axis=0), self.variance.sum(axis=0))


def tied_terms(stratum: Stratum, beta: Array, ties: str) -> Terms:
    """The terms with Efron's or Breslow's rule: under Efron the j-th of d tied deaths keeps 1 - j/d."""
    time, died, x = stratum.time, stratum.event == 1, stratum.x
    eta = x @ beta
    shift = eta.max() if len(eta) else 0.0
    risk = np.exp(eta - shift)
    moments = np.unique(time[died])
    start = np.searchsorted(time, moments, side="left")
    place = np.searchsorted(moments, time[died])
    tied = np.bincount(place, minlength=len(moments))
    # Rank among the tied deaths, 0, 1, 2 ...: the rows are sorted by time.
    rank = np.arange(len(place)) - np.concatenate([[0], np.cumsum(tied)])[place]
    share = rank / tied[place] if ties == "efron" else np.zeros(len(place))
    s0, s1, s2 = (_risk_set(a, start)[place] for a in _weighted(risk, x))
    d0, d1, d2 = (_by_time(a[died], place, len(moments))[place] for a in _weighted(risk, x))
    w0 = s0 - share * d0
    mean = (s1 - share[:, None] * d1) / w0[:, None]
    second = (s2 - share[:, None, None] * d2) / w0[:, None, None]
    variance = second - mean[:, :, None] * mean[:, None, :]
    loglik = float((eta[died] - shift - np.log(w0)).sum())
    return Terms(loglik, x[died] - mean, variance)


def _weighted(risk: Array, x: Array) -> tuple[Array, Array, Array]:
    return risk, risk[:, None] * x, risk[:, None, None] * x[:, :, None] * x[:, None, :]


def _risk_set(values: Array, start: npt.NDArray[np.intp]) -> Array:
    """Sums over everyone from each start to the end (rows sorted by time)."""
    totals: Array = np.cumsum(values[::-1], axis=0)[::-1][start]
    return totals


def _by_time(values: Array, place: npt.NDArray[np.intp], n: int) -> Array:
    totals = np.zeros((n, *values.shape[1:]))
    np.add.at(totals, place, values)
    return totals


def exact_terms(stratum: Stratum, beta: Array) -> Moments:
    """The exact conditional likelihood: each event time is a draw of d deaths from those at risk.

    The denominator is the elementary symmetric polynomial of degree d, built up with its first and second
    derivatives subject by subject.
    """
    died = stratum.event == 1
    loglik, score = 0.0, np.zeros(len(beta))
    information = np.zeros((len(beta), len(beta)))
    eta = stratum.x @ beta
    shift = eta.max() if len(eta) else 0.0
    for moment in np.unique(stratum.time[died]):
        here = died & (stratum.time == moment)
        at_risk = stratum.time >= moment
        e, first, second = _symmetric(np.exp(eta[at_risk] - shift), stratum.x[at_risk], int(here.sum()))
        mean = first / e
        loglik += float((eta[here] - shift).sum() - np.log(e))
        score += stratum.x[here].sum(axis=0) - mean
        information += second / e - np.outer(mean, mean)
    return Moments(loglik, score, information)


def _symmetric(risk: Array, x: Array, degree: int) -> tuple[float, Array, Array]:
    p = x.shape[1]
    e, first, second = np.zeros(degree + 1), np.zeros((degree + 1, p)), np.zeros((degree + 1, p, p))
    e[0] = 1.0
    for r, row in zip(risk, x, strict=True):
        cross = first[:-1, :, None] * row[None, None, :]
        both = cross + cross.transpose(0, 2, 1) + e[:-1, None, None] * np.outer(row, row)
        second[1:] = second[1:] + r * (second[:-1] + both)
        first[1:] = first[1:] + r * (first[:-1] + e[:-1, None] * row)
        e[1:] = e[1:] + r * e[:-1]
    return float(e[degree]), first[degree], second[degree]
