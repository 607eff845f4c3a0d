"""Descriptive statistics (by hand)."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from fhir2cdisc.adam.statistics.describe import describe


def test_describe_by_hand():
    d = describe(pd.Series([1, 2, 3, 4, None]))
    assert (d["n"], d["mean"], d["median"], d["q1"], d["q3"], d["min"], d["max"]) == (
        4,
        2.5,
        2.5,
        1.5,
        3.5,
        1,
        4,
    )
    assert d["sd"] == pytest.approx(math.sqrt(5 / 3))
    assert d["upper"] - d["mean"] == pytest.approx(3.182446305284263 * math.sqrt(5 / 3) / 2)  # t(0.975, 3)


@pytest.mark.parametrize(("values", "n"), [([], 0), ([None], 0), ([7.0], 1)])
def test_describe_makes_up_nothing(values, n):
    d = describe(pd.Series(values, dtype=float))
    assert d["n"] == n and math.isnan(d["sd"]) and math.isnan(d["lower"])
    assert d["mean"] == 7 if n else math.isnan(d["mean"])
