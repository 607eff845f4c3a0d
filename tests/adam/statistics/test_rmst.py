import math

import pytest
from fhir2cdisc.adam.statistics.rmst import restricted_mean


def test_area_by_hand():
    """Deaths at 1, 2, 3, 4 and tau 4: 1 + 3/4 + 1/2 + 1/4 = 2.5; without censoring the SE is the spread of
    min(T, tau) over root n: sqrt(1.25 / 4)."""
    mean = restricted_mean([1, 2, 3, 4], [1, 1, 1, 1], 4)
    assert mean.estimate == pytest.approx(2.5)
    assert mean.se == pytest.approx(math.sqrt(1.25 / 4))


@pytest.mark.parametrize(
    ("times", "events", "tau", "reason"),
    [
        ([], [], 5, "no subject with a time"),
        ([1, 4], [1, 0], 5, "follow-up ends at 4, before 5"),
    ],
)
def test_not_estimable(times, events, tau, reason):
    mean = restricted_mean(times, events, tau)
    assert math.isnan(mean.estimate) and mean.reason == reason


def test_no_events_gives_the_horizon_and_no_spread():
    mean = restricted_mean([9, 9], [0, 0], 5)
    assert (mean.estimate, mean.se) == (5, 0)


def test_beyond_the_last_death_nothing_is_added():
    assert restricted_mean([1, 2], [1, 1], 10).estimate == pytest.approx(1.5)
