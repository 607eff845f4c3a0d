"""Proportions with confidence intervals: exact and score intervals, differences between two groups.

Where a denominator is 0 nothing can be said: the interval is (NaN, NaN). Counts that cannot be counts
(negative, above the denominator, not whole) raise ValueError.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from scipy import optimize, stats

NO_SUBJECTS = "no subjects in the denominator"


class Interval(NamedTuple):
    """A confidence interval; NaN marks a limit that cannot be given."""

    lower: float
    upper: float


NOT_ESTIMABLE = Interval(math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class Proportion:
    """`x` of `n` subjects, the share, its confidence interval and, where there is none, the reason."""

    x: int
    n: int
    estimate: float
    lower: float
    upper: float
    conf_level: float
    method: str
    reason: str = ""


def clopper_pearson(x: int, n: int, conf_level: float = 0.95) -> Interval:
    """The exact binomial interval of Clopper and Pearson (R `binom.test`, SAS `EXACT BINOMIAL`).

    Limits are beta quantiles; 0 of n starts at exactly 0, n of n ends at exactly 1.
    """
    x, n = _counts(x, n)
    if n == 0:
        return NOT_ESTIMABLE
    tail = _tail(conf_level)
    lower = 0.0 if x == 0 else float(stats.beta.ppf(tail, x, n - x + 1))
    upper = 1.0 if x == n else float(stats.beta.ppf(1 - tail, x + 1, n - x))
    return Interval(lower, upper)


def wilson(x: int, n: int, conf_level: float = 0.95) -> Interval:
    """The score interval of Wilson, without continuity correction."""
    x, n = _counts(x, n)
    if n == 0:
        return NOT_ESTIMABLE
    z2 = _z(conf_level) ** 2
    p = x / n
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (p * (1 - p) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return Interval(0.0 if x == 0 else centre - half, 1.0 if x == n else centre + half)


def t_interval(x: int, n: int, conf_level: float = 0.95) -> Interval:
    """Student's t interval of the mean of 0/1 values, not truncated to 0..1.

    It is here as a comparator only: several published response rates carry this interval. For small
    samples it is too short and may leave the range of a proportion; use `clopper_pearson` to report.
    """
    x, n = _counts(x, n)
    if n < 2:
        return NOT_ESTIMABLE
    p = x / n
    half = float(stats.t.ppf(1 - _tail(conf_level), n - 1)) * math.sqrt(p * (1 - p) / (n - 1))
    return Interval(p - half, p + half)


METHODS: dict[str, tuple[Callable[[int, int, float], Interval], str]] = {
    "clopper-pearson": (clopper_pearson, "Clopper-Pearson exact interval"),
    "wilson": (wilson, "Wilson score interval"),
    "t": (t_interval, "t interval of the 0/1 mean"),
}


def proportion(x: int, n: int, conf_level: float = 0.95, method: str = "clopper-pearson") -> Proportion:
    """`x` of `n` with the interval of `method` (one of `METHODS`); not estimable where `n` is 0."""
    interval, words = METHODS[method]
    lower, upper = interval(x, n, conf_level)
    x, n = _counts(x, n)
    estimate = x / n if n else math.nan
    return Proportion(x, n, estimate, lower, upper, conf_level, words, "" if n else NO_SUBJECTS)


def newcombe(x1: int, n1: int, x2: int, n2: int, conf_level: float = 0.95) -> Interval:
    """Interval of p1 - p2 from two Wilson intervals (Newcombe 1998, method 10, no continuity correction)."""
    x1, n1 = _counts(x1, n1)
    x2, n2 = _counts(x2, n2)
    if n1 == 0 or n2 == 0:
        return NOT_ESTIMABLE
    p1, p2 = x1 / n1, x2 / n2
    low1, high1 = wilson(x1, n1, conf_level)
    low2, high2 = wilson(x2, n2, conf_level)
    difference = p1 - p2
    return Interval(difference - math.hypot(p1 - low1, high2 - p2), difference + math.hypot(high1 - p1, p2 - low2))


def miettinen_nurminen(x1: int, n1: int, x2: int, n2: int, conf_level: float = 0.95) -> Interval:
    """Score interval of p1 - p2 with the N/(N-1) variance factor (Miettinen and Nurminen 1985)."""
    x1, n1 = _counts(x1, n1)
    x2, n2 = _counts(x2, n2)
    if n1 == 0 or n2 == 0:
        return NOT_ESTIMABLE
    z = _z(conf_level)
    difference = x1 / n1 - x2 / n2

    def excess(delta: float) -> float:
        return _score(x1, n1, x2, n2, delta) - z

    def shortfall(delta: float) -> float:
        return _score(x1, n1, x2, n2, delta) + z

    edge = 1 - 1e-12
    lower = -1.0 if excess(-edge) <= 0 else _root(excess, -edge, difference)
    upper = 1.0 if shortfall(edge) >= 0 else _root(shortfall, difference, edge)
    return Interval(lower, upper)


# The intervals of a difference by the names that a study file gives them.
DIFFERENCES = {"newcombe": newcombe, "miettinen-nurminen": miettinen_nurminen}


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    return float(optimize.brentq(function, low, high, xtol=1e-13, rtol=1e-13))


def _score(x1: int, n1: int, x2: int, n2: int, delta: float) -> float:
    """The signed score statistic of H0: p1 - p2 = delta."""
    p2 = _restricted_p2(x1, n1, x2, n2, delta)
    p1 = min(max(p2 + delta, 0.0), 1.0)
    total = n1 + n2
    variance = (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2) * total / (total - 1)
    distance = x1 / n1 - x2 / n2 - delta
    if variance <= 0:
        return 0.0 if abs(distance) < 1e-12 else math.copysign(math.inf, distance)
    return distance / math.sqrt(variance)


def _restricted_p2(x1: int, n1: int, x2: int, n2: int, delta: float) -> float:
    """Maximum likelihood p2 under p1 = p2 + delta: the closed root of the cubic of Farrington and Manning."""
    total = n1 + n2
    b = (n1 + 2 * n2) * delta - total - (x1 + x2)
    c = (n2 * delta - total - 2 * x2) * delta + x1 + x2
    d = x2 * delta * (1 - delta)
    q = (b / (3 * total)) ** 3 - b * c / (6 * total**2) + d / (2 * total)
    u = math.copysign(math.sqrt(max((b / (3 * total)) ** 2 - c / (3 * total), 0.0)), q)
    cosine = 0.0 if u == 0 else q / u**3
    angle = (math.pi + math.acos(min(max(cosine, -1.0), 1.0))) / 3
    root = 2 * u * math.cos(angle) - b / (3 * total)
    return min(max(root, max(0.0, -delta)), min(1.0, 1 - delta))


def _tail(conf_level: float) -> float:
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level: {conf_level} is not between 0 and 1")
    return (1 - conf_level) / 2


def _z(conf_level: float) -> float:
    return float(stats.norm.ppf(1 - _tail(conf_level)))


def _counts(x: int, n: int) -> tuple[int, int]:
    if int(x) != x or int(n) != n or not 0 <= x <= n:
        raise ValueError(f"x, n: {x} of {n} is not a count of subjects")
    return int(x), int(n)
