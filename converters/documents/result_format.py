"""Results as a reader sees them: rounded half up, with the interval, and the reason where there is none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from fhir2cdisc.adam.statistics.rounding import round_half_up

NOT_ESTIMABLE = "NE"
_DIGITS = {"%": 1, "months": 1, "subjects": 0, "events": 0, "score": 1}


def shown(row: Mapping[str, Any]) -> str:
    """The value of a result row alone: `27.6%`, `5.4`, `NE`."""
    return number(row["VALUE"], row)


def shown_with_interval(row: Mapping[str, Any]) -> str:
    """The value with its limits: `27.6% (16.7, 40.9)`, `NE (NE, 9.1)`; no limits where the row has none."""
    value = shown(row)
    if _missing(row["LOWER"]) and _missing(row["UPPER"]):
        return value
    lower, upper = (number(row[name], row).removesuffix("%") for name in ("LOWER", "UPPER"))
    return f"{value} ({lower}, {upper})"


def number(value: Any, row: Mapping[str, Any]) -> str:
    """One number of a row with the decimals of its unit."""
    if _missing(value):
        return NOT_ESTIMABLE
    if row["STATISTIC"] == "p value":
        return "<0.001" if value < 0.001 else f"{round_half_up(float(value), 3):.3f}"
    digits = _DIGITS.get(row["UNIT"], 2)
    text = f"{round_half_up(float(value), digits):.{digits}f}"
    return f"{text}%" if row["UNIT"] == "%" else text


def _missing(value: Any) -> bool:
    return value is None or math.isnan(value)
