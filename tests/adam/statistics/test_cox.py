import math

import numpy as np
import pandas as pd
import pytest
from fhir2cdisc.adam.statistics.cox import cox, proportionality_test
from lifelines.datasets import load_lung, load_rossi
from statsmodels.duration.hazard_regression import PHReg


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("strata", [None, "race"])
def test_rossi_agrees_with_statsmodels(ties, strata):
    data = load_rossi()
    x = data[["fin", "age", "prio"]]
    ours = cox(data["week"], data["arrest"], x, ties, None if strata is None else data[strata])
    theirs = PHReg(data["week"], x, data["arrest"], ties=ties, strata=None if strata is None else data[strata]).fit(
        disp=0
    )
    assert ours.table["COEF"].to_numpy() == pytest.approx(theirs.params, abs=1e-8)
    assert ours.table["SE"].to_numpy() == pytest.approx(theirs.bse, abs=1e-8)


def test_without_ties_the_three_rules_are_one():
    time, event, x = [1, 2, 3, 4, 5], [1, 1, 0, 1, 1], pd.DataFrame({"x": [1, 0, 1, 0, 1]})
    fits = [cox(time, event, x, ties).table["COEF"][0] for ties in ("efron", "breslow", "exact")]
    assert fits == pytest.approx([fits[0]] * 3, abs=1e-10)


def test_hazard_ratio_has_wald_limits():
    data = load_lung()
    row = cox(data["time"], data["status"], data[["sex"]]).table.iloc[0]
    assert row["HR"] == pytest.approx(math.exp(row["COEF"]))
    assert row["LOWER"] == pytest.approx(math.exp(row["COEF"] - 1.959963984540054 * row["SE"]))


@pytest.mark.parametrize(
    ("time", "event", "x", "reason"),
    [
        ([], [], [], "no subject with a time and all covariates"),
        ([None, 2], [1, 1], [1, None], "no subject with a time and all covariates"),
        ([1, 2], [0, 0], [0, 1], "no events"),
        ([1, 2], [1, 1], [1, 1], "the same value for every subject: x"),
        ([3], [1], [1], "the same value for every subject: x"),
        ([5, 6, 7, 8], [1, 1, 0, 0], [0, 0, 1, 1], "the likelihood has no maximum (a group without events?)"),
    ],
)
def test_where_there_is_no_fit_there_is_a_reason(time, event, x, reason):
    covariates = pd.DataFrame({"x": pd.Series(x, dtype=float)})
    for ties in ("efron", "breslow", "exact"):
        model = cox(time, event, covariates, ties)
        assert model.reason == reason
        assert model.table["HR"].isna().all()
    test = proportionality_test(time, event, covariates)
    assert test["CHISQ"].isna().all() and (test["REASON"] == reason).all()


def test_all_events_at_one_time():
    """Three of four die on one day, both groups among them: the ratio is finite."""
    model = cox([5, 5, 5, 9], [1, 1, 1, 0], pd.DataFrame({"x": [0, 1, 0, 1]}))
    assert model.reason == "" and np.isfinite(model.table["HR"]).all()


def test_proportionality_transforms_and_a_wrong_one():
    data = load_rossi()
    for transform in ("km", "identity", "log"):
        test = proportionality_test(data["week"], data["arrest"], data[["age"]], transform=transform)
        assert (test["P_VALUE"] > 0).all()
        assert test["CHISQ"][0] == pytest.approx(test["CHISQ"][1])  # one covariate: global is the same test
    with pytest.raises(ValueError, match="rank is not"):
        proportionality_test(data["week"], data["arrest"], data[["age"]], transform="rank")


def test_a_covariate_that_never_differs_at_an_event_has_no_estimate() -> None:
    """The event comes when one subject alone is at risk: the partial likelihood is 1 whatever the coefficient."""
    found = cox(pd.Series([1.0, 2.0]), pd.Series([0, 1]), pd.DataFrame({"X": [0.0, 1.0]}))
    assert found.reason == "a covariate does not differ among those at risk at any event"
    assert found.table[["COEF", "SE", "Z"]].isna().all(axis=None)
