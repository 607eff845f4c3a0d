import math
import os

import hypothesis.strategies as st
import pytest
from fhir2cdisc.adam.statistics.proportions import (
    clopper_pearson,
    miettinen_nurminen,
    newcombe,
    proportion,
    t_interval,
    wilson,
)
from fhir2cdisc.adam.statistics.rounding import round_half_up
from hypothesis import given, settings
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint
from support.facts import facts

EXAMPLES = 1000 if os.environ.get("FHIR2CDISC_FUZZ") else 50
SHARE = settings(max_examples=EXAMPLES, derandomize=True, deadline=None)


def test_clopper_pearson_figures_of_r_and_of_publications():
    rows = facts("proportion_intervals")
    assert len(rows) == 12
    for row in rows:
        lower, upper = row["clopper_pearson_95"].split("-")
        ours = clopper_pearson(int(row["x"]), int(row["n"]))
        for value, printed in zip(ours, (lower, upper), strict=True):
            digits = len(printed.partition(".")[2])
            assert round_half_up(100 * value, digits) == float(printed), row


def test_clopper_pearson_solves_its_defining_equations():
    """At each limit the binomial tail beyond the observed count is exactly 2.5%."""
    lower, upper = clopper_pearson(8, 32)
    assert stats.binom.sf(7, 32, lower) == pytest.approx(0.025, rel=1e-9)
    assert stats.binom.cdf(8, 32, upper) == pytest.approx(0.025, rel=1e-9)


def test_clopper_pearson_at_the_ends_has_a_closed_form():
    assert clopper_pearson(0, 20) == pytest.approx((0, 1 - 0.025 ** (1 / 20)), rel=1e-12)
    assert clopper_pearson(20, 20) == pytest.approx((0.025 ** (1 / 20), 1), rel=1e-12)
    assert clopper_pearson(0, 20, 0.9)[1] == pytest.approx(1 - 0.05 ** (1 / 20), rel=1e-12)


def test_an_empty_denominator_is_not_estimable():
    nothing = proportion(0, 0)
    assert math.isnan(nothing.estimate) and math.isnan(nothing.lower) and math.isnan(nothing.upper)
    assert nothing.reason == "no subjects in the denominator"
    for interval in (clopper_pearson(0, 0), wilson(0, 0), t_interval(1, 1)):
        assert all(math.isnan(v) for v in interval)
    for difference in (newcombe(0, 0, 1, 2), miettinen_nurminen(1, 2, 0, 0)):
        assert all(math.isnan(v) for v in difference)


@pytest.mark.parametrize(("x", "n"), [(-1, 5), (6, 5), (1.5, 5), (0, -1)])
def test_what_is_no_count_is_refused(x, n):
    with pytest.raises(ValueError, match="not a count"):
        clopper_pearson(x, n)


def test_a_confidence_level_is_between_0_and_1():
    with pytest.raises(ValueError, match="95 is not between 0 and 1"):
        clopper_pearson(1, 2, 95)


def test_t_interval_is_what_wang_2023_printed():
    """10/31: 14.8-49.7 and 27/31: 74.6-99.6 (PMC10992455)."""
    assert [round_half_up(100 * v) for v in t_interval(10, 31)] == [14.8, 49.7]
    assert [round_half_up(100 * v) for v in t_interval(27, 31)] == [74.6, 99.6]


@pytest.mark.parametrize(
    ("table", "expected_newcombe", "expected_mn"),
    [  # Newcombe, Statistics in Medicine 1998;17:873-890, table II, methods 10 and 6
        ((56, 70, 48, 80), (0.0524, 0.3339), (0.0528, 0.3382)),
        ((9, 10, 3, 10), (0.1705, 0.8090), (0.1700, 0.8406)),
    ],
)
def test_differences_of_newcombe_1998(table, expected_newcombe, expected_mn):
    assert [round(v, 4) for v in newcombe(*table)] == list(expected_newcombe)
    assert [round(v, 4) for v in miettinen_nurminen(*table)] == list(expected_mn)


@pytest.mark.parametrize("n", [1, 5, 10])
def test_differences_at_the_ends_stay_inside(n):
    """All against none: the upper limit is 1, mirrored for none against all."""
    lower, upper = miettinen_nurminen(n, n, 0, n)
    assert upper == 1 and -1 <= lower < 1
    assert miettinen_nurminen(0, n, n, n) == pytest.approx((-upper, -lower), abs=1e-9)


COUNTS = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@SHARE
@given(COUNTS)
def test_intervals_agree_with_statsmodels(count):
    x, n = count
    assert clopper_pearson(x, n) == pytest.approx(proportion_confint(x, n, method="beta"), abs=1e-10)
    assert wilson(x, n) == pytest.approx(proportion_confint(x, n, method="wilson"), abs=1e-10)


@SHARE
@given(COUNTS, COUNTS)
def test_differences_mirror_when_groups_are_swapped(a, b):
    for method in (newcombe, miettinen_nurminen):
        lower, upper = method(*a, *b)
        assert -1 - 1e-9 <= lower <= a[0] / a[1] - b[0] / b[1] + 1e-9
        assert method(*b, *a) == pytest.approx((-upper, -lower), abs=1e-8)


@SHARE
@given(COUNTS, COUNTS)
def test_newcombe_agrees_with_statsmodels(a, b):
    theirs = confint_proportions_2indep(*a, *b, method="newcomb")
    assert newcombe(*a, *b) == pytest.approx(theirs, abs=1e-9)
