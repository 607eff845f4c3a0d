"""Rows of a count with its percentage."""

from __future__ import annotations

import math

from fhir2cdisc.adam.results.sheet import Sheet
from fhir2cdisc.adam.statistics.proportions import NO_SUBJECTS, proportion


def add_percent(sheet: Sheet, group: str, x: int, n: int, category: str, method: str) -> None:
    """The rows n and percent, limits in percent."""
    share = proportion(x, n, sheet.spec.conf_level, method)
    sheet.add(group, "n", x, category=category, unit="subjects")
    sheet.add(
        group,
        "percent",
        100 * x / n if n else math.nan,
        category=category,
        lower=100 * share.lower,
        upper=100 * share.upper,
        unit="%",
        method=f"{share.method}, {share.conf_level:.0%}",
        reason="" if n else NO_SUBJECTS,
    )


def add_count(sheet: Sheet, group: str, name: str, x: int, n: int, category: str) -> None:
    """A count and its percentage, with the exact interval where all levels are taken together."""
    share = proportion(x, n, sheet.spec.conf_level)
    label = "percent" if name == "n" else name.replace("n,", "percent,", 1)
    limits = (math.nan, math.nan) if category else (100 * share.lower, 100 * share.upper)
    method = "" if category else f"{share.method}, {share.conf_level:.0%}"
    sheet.add(group, name, x, category=category, unit="subjects")
    sheet.add(
        group,
        label,
        100 * share.estimate,
        category=category,
        lower=limits[0],
        upper=limits[1],
        unit="%",
        method=method,
        reason=share.reason,
    )
