"""Figures that R 4.2.2 with survival 3.5-3 gives for its data sets lung and veteran.

lung travels with lifelines. veteran (Veterans' Administration lung cancer trial; Kalbfleisch and Prentice,
The Statistical Analysis of Failure Time Data; StatLib `veteran`) is typed below: days, + is censored.
"""

import pandas as pd
import pytest
from fhir2cdisc.adam.statistics.cox import cox, proportionality_test
from fhir2cdisc.adam.statistics.kaplan_meier import kaplan_meier, landmarks, reverse_kaplan_meier
from fhir2cdisc.adam.statistics.logrank import log_rank
from fhir2cdisc.adam.statistics.rmst import restricted_mean
from lifelines.datasets import load_lung
from support.facts import r_figures

VETERAN = {
    (1, "squamous"): "72 411 228 126 118 10 82 110 314 100+ 42 8 144 25+ 11",
    (1, "smallcell"): "30 384 4 54 13 123+ 97+ 153 59 117 16 151 22 56 21 18 139 20 31 52 287 18 51 122 27 54"
    " 7 63 392 10",
    (1, "adeno"): "8 92 35 117 132 12 162 3 95",
    (1, "large"): "177 162 216 553 278 12 260 200 156 182+ 143 105 103 250 100",
    (2, "squamous"): "999 112 87+ 231+ 242 991 111 1 587 389 33 25 357 467 201 1 30 44 283 15",
    (2, "smallcell"): "25 103+ 21 13 87 2 20 7 24 99 8 99 61 25 95 80 51 29",
    (2, "adeno"): "24 18 83+ 31 51 90 52 73 8 36 48 7 140 186 84 19 45 80",
    (2, "large"): "52 164 19 53 15 43 340 133 111 231 378 49",
}


@pytest.fixture(scope="module")
def figures():
    return r_figures()


@pytest.fixture(scope="module")
def lung():
    """lifelines holds status as 0/1 (R: 1/2) and otherwise the same 228 rows."""
    return load_lung()


@pytest.fixture(scope="module")
def veteran():
    rows = [
        (arm, cell, int(t.rstrip("+")), int(not t.endswith("+")))
        for (arm, cell), times in VETERAN.items()
        for t in times.split()
    ]
    frame = pd.DataFrame(rows, columns=["trt", "celltype", "time", "status"])
    assert (len(frame), frame["status"].sum()) == (137, 128)
    return frame


def close(value, expected):
    """Equal to every printed digit of the reference."""
    return value == pytest.approx(expected, rel=5e-9, abs=5e-11)


def test_lung_median_and_its_three_intervals(figures, lung):
    r = figures["lung_overall"]
    for name, kind in (("ci_log", "log"), ("ci_loglog", "log-log"), ("ci_plain", "plain")):
        curve = kaplan_meier(lung["time"], lung["status"], kind)
        assert (curve.n, curve.events, curve.median) == (r["n"], r["events"], r["median"])
        assert list(curve.median_ci) == r[name], name


def test_lung_survival_at_90_180_365_days(figures, lung):
    curve = kaplan_meier(lung["time"], lung["status"])
    for day, expected in figures["lung_overall"]["S_loglog"].items():
        at = curve.at(int(day))
        assert close([at.estimate, at.lower, at.upper], expected), day
        se = curve.table.loc[curve.table["TIME"] <= int(day), "SE"].iloc[-1]
        assert close(se, figures["lung_overall"]["greenwood_se"][day]), day
    frame = landmarks(curve, [90, 180, 365])
    assert list(frame["ESTIMATE"]) == [curve.at(t).estimate for t in (90, 180, 365)]


def test_lung_by_sex(figures, lung):
    for sex, r in figures["lung_by_sex"].items():
        rows = lung[lung["sex"] == int(sex)]
        for kind, name in (("log-log", "loglog"), ("log", "log")):
            curve = kaplan_meier(rows["time"], rows["status"], kind)
            assert (curve.n, curve.events, curve.median) == (r["n"], r["events"], r["median"])
            assert list(curve.median_ci) == r[name]


def test_lung_follow_up_and_restricted_mean(figures, lung):
    follow_up = reverse_kaplan_meier(lung["time"], lung["status"])
    assert [follow_up.median, *follow_up.median_ci] == figures["lung_overall"]["reverse_km_median_loglog"]
    mean = restricted_mean(lung["time"], lung["status"], 500)
    printed, se = figures["lung_overall"]["rmst_500"]
    assert (round(mean.estimate), round(mean.se, 1)) == (printed, se)


def test_lung_log_rank_and_cox(figures, lung):
    test = log_rank(lung["time"], lung["status"], lung["sex"])
    assert close(test.chisq, figures["lung_logrank_sex"]["chisq"])
    assert test.p_value == pytest.approx(figures["lung_logrank_sex"]["p"], rel=1e-8)
    for ties, (coefficient, se) in figures["lung_cox_sex"].items():
        row = cox(lung["time"], lung["status"], lung[["sex"]], ties).table.iloc[0]
        assert close([row["COEF"], row["SE"]], [coefficient, se]), ties


def test_lung_proportional_hazards(figures, lung):
    test = proportionality_test(lung["time"], lung["status"], lung[["sex", "age", "ph.ecog"]])
    values = dict(zip(test["COVARIATE"], test["CHISQ"], strict=True))
    r = figures["cox_zph_km_sex_age_ecog"]
    assert {**values, "global": values["GLOBAL"]} == pytest.approx({**r, "GLOBAL": r["global"]}, abs=0.0005)


def test_veteran_medians_rest_on_a_half(figures, veteran):
    """Arm 2 has a flat stretch at exactly 0.5 from day 52 to 53: the midpoint is the median."""
    for arm, expected in figures["veteran_by_trt_loglog"].items():
        rows = veteran[veteran["trt"] == int(arm)]
        curve = kaplan_meier(rows["time"], rows["status"])
        assert [curve.median, *curve.median_ci] == expected


def test_veteran_stratified_log_rank(figures, veteran):
    test = log_rank(veteran["time"], veteran["status"], veteran["trt"], veteran["celltype"])
    assert close(test.chisq, figures["veteran_stratified_logrank_celltype_chisq"])


def test_toy_medians_on_a_plateau(figures):
    for toy in figures["toy_flat_median"]:
        assert kaplan_meier(toy["t"], toy["e"]).median == toy["median"]
