import math
import os

import hypothesis.strategies as st
import lifelines
import numpy as np
import pandas as pd
import pytest
from fhir2cdisc.adam.statistics.kaplan_meier import kaplan_meier, landmarks, reverse_kaplan_meier
from hypothesis import given, settings

EXAMPLES = 1000 if os.environ.get("FHIR2CDISC_FUZZ") else 50
SHARE = settings(max_examples=EXAMPLES, derandomize=True, deadline=None)


def test_product_limit_by_hand():
    """Times 1, 2, 2+, 3: S = 3/4, then 3/4 x 2/3 = 1/2 (one of three), then 0; Greenwood by hand."""
    table = kaplan_meier([1, 2, 2, 3], [1, 1, 0, 1]).table
    assert table["TIME"].tolist() == [1, 2, 3]
    assert table["AT_RISK"].tolist() == [4, 3, 1]
    assert table["EVENTS"].tolist() == [1, 1, 1]
    assert table["CENSORED"].tolist() == [0, 1, 0]
    assert table["SURVIVAL"].tolist() == pytest.approx([0.75, 0.5, 0.0])
    assert table["SE"].tolist()[:2] == pytest.approx([0.75 * math.sqrt(1 / 12), 0.5 * math.sqrt(1 / 12 + 1 / 6)])
    assert math.isnan(table["SE"].iloc[2]) and math.isnan(table["LOWER"].iloc[2])


@pytest.mark.parametrize(
    ("times", "events", "median", "reason"),
    [
        ([1, 2, 3, 4], [1, 1, 1, 1], 2.5, ""),  # rests on 0.5 from 2 to 3
        ([1, 2, 5, 6], [1, 1, 0, 0], 2.0, ""),  # rests on 0.5, and no later event ends it
        ([1, 2, 3], [1, 1, 1], 2.0, ""),
        ([7], [1], 7.0, ""),
        ([7, 7, 7], [1, 1, 1], 7.0, ""),  # all events at one time
        ([7, 8, 9], [0, 0, 0], None, "no events"),
        ([1, 5, 6], [1, 0, 0], None, "not reached: the curve ends at 0.667, above 0.5"),
        ([], [], None, "no subject with a time"),
        ([None, np.nan], [1, 0], None, "no subject with a time"),
    ],
)
def test_median_or_the_reason_why_there_is_none(times, events, median, reason):
    curve = kaplan_meier(times, events)
    assert curve.reason == reason
    if median is None:
        assert math.isnan(curve.median)
        assert math.isnan(curve.median_ci.upper)
    else:
        assert curve.median == median


def test_a_limit_that_is_not_reached_is_missing_not_infinite():
    lower, upper = kaplan_meier([1, 2, 3, 4], [1, 1, 1, 1]).median_ci
    assert lower == 1
    assert math.isnan(upper)


def test_nothing_is_said_after_the_last_observation():
    curve = kaplan_meier([10, 20, 30], [1, 0, 0])
    assert curve.at(30).estimate == pytest.approx(2 / 3)
    late = curve.at(31)
    assert math.isnan(late.estimate) and late.at_risk == 0
    assert late.reason == "last observation at 30: no subject is followed so long"
    dead = kaplan_meier([10, 20], [1, 1]).at(21)
    assert (dead.estimate, dead.at_risk, dead.reason) == (0.0, 0, "")
    assert math.isnan(dead.lower) and math.isnan(dead.upper)


def test_number_at_risk_counts_those_observed_on_the_day_itself():
    curve = kaplan_meier([10, 20, 20, 30], [1, 1, 0, 0])
    assert [curve.at(t).at_risk for t in (0, 10, 11, 20, 21, 30)] == [4, 4, 3, 3, 1, 1]
    before = curve.at(9)
    assert (before.estimate, before.lower, before.upper) == (1, 1, 1)


def test_times_a_rounding_error_apart_are_one_time():
    assert len(kaplan_meier([0.1 + 0.2, 0.3], [1, 1]).table) == 1


def test_missing_pairs_are_left_out_and_counted():
    curve = kaplan_meier([1, None, 3], [1, 1, np.nan])
    assert (curve.n, curve.missing, curve.events, curve.censored) == (1, 2, 1, 0)


def test_landmarks_of_no_subjects_keep_their_reason():
    frame = landmarks(kaplan_meier([], []), [30, 60])
    assert frame["ESTIMATE"].isna().all()
    assert frame["REASON"].tolist() == ["no subject with a time"] * 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([-1], [1]), "time: -1 is negative"),
        (([1], [2]), "neither 0 nor 1"),
        (([1, 2], [1]), "2 times but 1 statuses"),
        (([1], [1], "arcsin"), "arcsin is not"),
    ],
)
def test_bad_input_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        kaplan_meier(*arguments)


def test_reverse_follow_up_of_all_dead_is_not_estimable():
    follow_up = reverse_kaplan_meier([3, 4], [1, 1])
    assert math.isnan(follow_up.median) and follow_up.reason == "no events"


SAMPLES = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 1)), min_size=1, max_size=60)


@SHARE
@given(SAMPLES)
def test_curve_and_log_log_limits_agree_with_lifelines(sample):
    frame = pd.DataFrame(sample, columns=["t", "e"])
    ours = kaplan_meier(frame["t"], frame["e"])
    theirs = lifelines.KaplanMeierFitter().fit(frame["t"], frame["e"])
    survival = theirs.survival_function_["KM_estimate"].reindex(ours.table["TIME"]).to_numpy()
    assert ours.table["SURVIVAL"].to_numpy() == pytest.approx(survival, abs=1e-12)
    inside = (survival > 1e-9) & (survival < 1)
    limits = theirs.confidence_interval_.reindex(ours.table["TIME"]).to_numpy()[inside]
    assert ours.table[["LOWER", "UPPER"]].to_numpy()[inside] == pytest.approx(limits, abs=1e-10)


@SHARE
@given(SAMPLES, st.randoms(use_true_random=False))
def test_order_of_subjects_does_not_matter_and_limits_hold_the_curve(sample, random):
    shuffled = list(sample)
    random.shuffle(shuffled)
    for kind in ("log-log", "log", "plain"):
        a, b = (kaplan_meier(*zip(*s, strict=True), kind) for s in (sample, shuffled))
        pd.testing.assert_frame_equal(a.table, b.table)
        t = a.table.dropna()
        assert ((t["LOWER"] <= t["SURVIVAL"] + 1e-12) & (t["SURVIVAL"] <= t["UPPER"] + 1e-12)).all()


@pytest.mark.parametrize(("events", "expected"), [([1, 1, 1], 0.0), ([1, 1, 0], None)])
def test_a_curve_that_reached_zero_stays_there_and_any_other_ends(events: list[int], expected: float | None):
    """Events at 100, 150, 170: S(180) is 0 in R, `summary(extend = TRUE)`; with the last censored nothing is known."""
    at = kaplan_meier([100, 150, 170], events).at(180)
    assert math.isnan(at.estimate) if expected is None else at.estimate == expected
    assert bool(at.reason) == (expected is None)
