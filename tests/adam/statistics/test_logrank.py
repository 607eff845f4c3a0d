import math

import numpy as np
import pytest
from fhir2cdisc.adam.statistics.logrank import log_rank
from statsmodels.duration.survfunc import survdiff


def test_two_subjects_by_hand():
    """Deaths at 1 (A) and 2 (B): E_A = 1/2, V = 1/4, chi-square = (1 - 1/2)^2 / (1/4) = 1."""
    test = log_rank([1, 2], [1, 1], ["A", "B"])
    assert (test.chisq, test.df) == (pytest.approx(1.0), 1)
    assert test.table["EXPECTED"].tolist() == pytest.approx([0.5, 1.5])


@pytest.mark.parametrize(
    ("times", "events", "groups", "reason"),
    [
        ([], [], [], "fewer than two groups"),
        ([1, 2], [1, 1], ["A", "A"], "fewer than two groups"),
        ([1, 2], [0, 0], ["A", "B"], "no events"),
        ([1, 2], [0, 1], ["A", "B"], "no event while two groups are at risk together"),
        ([3, 3], [1, 1], ["A", "B"], "no event while two groups are at risk together"),  # all die at once
    ],
)
def test_where_there_is_no_test_there_is_a_reason(times, events, groups, reason):
    test = log_rank(times, events, groups)
    assert math.isnan(test.chisq) and math.isnan(test.p_value)
    assert test.reason == reason


def test_three_groups_and_strata_agree_with_statsmodels():
    random = np.random.default_rng(7)
    time, event = random.integers(1, 60, 120), random.integers(0, 2, 120)
    group, strata = random.integers(0, 3, 120), random.integers(0, 4, 120)
    for ours, theirs in (
        (log_rank(time, event, group), survdiff(time, event, group)),
        (log_rank(time, event, group, strata), survdiff(time, event, group, strata=strata)),
    ):
        assert ours.df == 2
        assert (ours.chisq, ours.p_value) == pytest.approx(theirs, rel=1e-5)


def test_one_stratum_per_subject_cannot_be_tested():
    test = log_rank([1, 2], [1, 1], ["A", "B"], [1, 2])
    assert test.reason == "no event while two groups are at risk together"


def test_subjects_with_something_missing_are_left_out():
    test = log_rank([1, 2, None, 4], [1, 1, 1, 1], ["A", "B", "A", None])
    assert test.table["N"].tolist() == [1, 1]
