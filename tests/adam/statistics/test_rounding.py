import math

import pytest
from fhir2cdisc.adam.statistics.rounding import percent, round_half_up


@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    [(0.5, 0, 1), (1.5, 0, 2), (2.5, 0, 3), (-2.5, 0, -3), (2.675, 2, 2.68), (40.625, 2, 40.63)],
)
def test_halves_go_up(value, digits, expected):
    assert round_half_up(value, digits) == expected


def test_missing_stays_missing():
    assert math.isnan(round_half_up(math.nan)) and math.isnan(percent(0, 0))


@pytest.mark.parametrize(
    ("x", "n", "expected"),
    [(1, 16, 6.3), (13, 32, 40.6), (19, 32, 59.4), (1, 3, 33.3), (2, 3, 66.7), (0, 5, 0.0), (1, 8, 12.5)],
)
def test_percentages_from_the_exact_fraction(x, n, expected):
    """1/16 is 6.25%: half up gives 6.3, where Python's own rounding gives 6.2."""
    assert percent(x, n) == expected
