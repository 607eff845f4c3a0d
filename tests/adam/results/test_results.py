import math
from dataclasses import replace

import pandas as pd
import pytest
from fhir2cdisc.adam.results.change import ChangeSpec
from fhir2cdisc.adam.results.distribution import DistributionSpec
from fhir2cdisc.adam.results.incidence import IncidenceSpec
from fhir2cdisc.adam.results.kinds import makers
from fhir2cdisc.adam.results.proportion import ProportionSpec
from fhir2cdisc.adam.results.sheet import COLUMNS, RECORD_COLUMNS, Records, Spec
from fhir2cdisc.adam.results.shift import ShiftSpec
from fhir2cdisc.adam.results.subgroup import SubgroupProportionSpec, SubgroupSurvivalSpec
from fhir2cdisc.adam.results.summary import summarise_results
from fhir2cdisc.adam.results.survival import SurvivalSpec
from fhir2cdisc.adam.results.visits import VisitProportionSpec
from fhir2cdisc.adam.statistics.proportions import clopper_pearson
from fhir2cdisc.mappings.conditions import Condition, is_

MONTH = 30.4375
SUBJECTS = [f"0{i}" for i in range(1, 7)]


@pytest.fixture
def frames():
    """Six synthetic subjects, the last one never treated."""
    adsl = pd.DataFrame(
        {
            "USUBJID": SUBJECTS,
            "SAFFL": ["Y"] * 5 + ["N"],
            "TRT01A": ["A", "A", "A", "B", "B", ""],
            "PDL1GR1": ["<1", "<1", ">=1", ">=1", "", ""],
        }
    )
    best = pd.DataFrame(
        {
            "USUBJID": SUBJECTS[:5],
            "PARAMCD": "CBOR",
            "ASEQ": 1.0,
            "AVALC": ["PR", "SD", "SD", "PD", "CR"],
            "AVISIT": "",
            "AVISITN": None,
        }
    )
    visits = pd.DataFrame(
        [
            ("01", "Week 8", 8, "PR"),
            ("02", "Week 8", 8, "SD"),
            ("03", "Week 8", 8, ""),
            ("01", "Week 16", 16, "PD"),
        ],
        columns=["USUBJID", "AVISIT", "AVISITN", "AVALC"],
    ).assign(PARAMCD="OVR", ASEQ=[2.0, 2.0, 2.0, 3.0])
    adtte = pd.DataFrame(
        {
            "USUBJID": SUBJECTS[:5],
            "PARAMCD": "PFS",
            "ASEQ": 1.0,
            "AVAL": [60.0, 130.0, 121.0, 20.0, 200.0],
            "CNSR": [0, 0, 1, 0, 1],
        }
    )
    adae = pd.DataFrame(
        [
            ("01", "Blood", "Anaemia", 3, "Y", "A"),
            ("01", "Blood", "Anaemia", 1, "N", "A"),
            ("02", "Skin", "Rash", 2, "N", "A"),
            ("04", "Skin", "Rash", 1, "Y", "B"),
            ("05", "Skin", "Rash", 5, "N", ""),
        ],
        columns=["USUBJID", "AEBODSYS", "AEDECOD", "ATOXGRN", "AESER", "TRTA"],
    ).assign(TRTEMFL=["Y", "Y", "Y", "Y", ""], AESEQ=[1.0, 2.0, 1.0, 1.0, 1.0])
    adqs = pd.DataFrame(
        [
            ("01", "Baseline", 0, 1.0, None),
            ("02", "Baseline", 0, 0.0, None),
            ("03", "Baseline", 0, 2.0, None),
            ("01", "Month 3", 3, 2.0, 1.0),
            ("02", "Month 3", 3, 0.0, 0.0),
            ("03", "Month 3", 3, 1.0, -1.0),
        ],
        columns=["USUBJID", "AVISIT", "AVISITN", "AVAL", "CHG"],
    ).assign(PARAMCD="ECOG", ANL01FL="Y", BASE=[1.0, 0, 2, 1, 0, 2], ASEQ=1.0)
    return {"ADSL": adsl, "ADRS": pd.concat([best, visits]), "ADTTE": adtte, "ADAE": adae, "ADQS": adqs}


def one(results, **where):
    table = results.table
    for name, value in where.items():
        table = table[table[name] == value]
    assert len(table) == 1, table
    return table.iloc[0]


RESPONSE = Records("ADRS", "CBOR", (is_("AVALC", "CR", "PR"),))
ORR = ProportionSpec(id="ORR", label="Objective response rate", criteria=((RESPONSE,),))


def test_response_rate_with_exact_interval_and_its_records(frames):
    results = summarise_results([ORR], frames)
    assert tuple(results.table.columns) == COLUMNS and tuple(results.records.columns) == RECORD_COLUMNS
    row = one(results, STATISTIC="percent")
    lower, upper = clopper_pearson(2, 5)
    assert (row["VALUE"], row["LOWER"], row["UPPER"]) == pytest.approx((40, 100 * lower, 100 * upper))
    assert (row["DATASET"], row["PARAMCD"], row["POPULATION"], row["GROUP"]) == (
        "ADRS",
        "CBOR",
        "SAFFL",
        "All",
    )
    assert row["METHOD"] == "Clopper-Pearson exact interval, 95%" and row["REASON"] == ""
    assert [one(results, STATISTIC=s)["VALUE"] for s in ("n", "N")] == [2, 5]
    records = results.records
    numerator = records[records["ROLE"] == "numerator"]
    assert numerator[["DATASET", "USUBJID", "PARAMCD", "SEQ"]].values.tolist() == [
        ["ADRS", "01", "CBOR", 1],
        ["ADRS", "05", "CBOR", 1],
    ]
    assert records.loc[records["ROLE"] == "denominator", "USUBJID"].tolist() == SUBJECTS[:5]


def test_groups_populations_and_subsets(frames):
    by_arm = summarise_results([replace(ORR, group="TRT01A")], frames)
    assert [one(by_arm, STATISTIC="n", GROUP=g)["VALUE"] for g in ("A", "B", "All")] == [1, 1, 2]
    everyone = summarise_results([replace(ORR, population="")], frames)
    assert one(everyone, STATISTIC="N")["VALUE"] == 6
    assert one(everyone, STATISTIC="N")["POPULATION"] == "ALL"
    low = summarise_results([replace(ORR, subset=(is_("PDL1GR1", "<1"),))], frames)
    assert one(low, STATISTIC="percent")["VALUE"] == 50


def test_stable_disease_longer_than_four_months_needs_both_datasets(frames):
    """SD and PFS time above 4 x 30.4375 = 121.75 days: 130 counts, 121 does not."""
    longer = Records("ADTTE", "PFS", (Condition("AVAL", "GT", (4 * MONTH,)),))
    stable = Records("ADRS", "CBOR", (is_("AVALC", "SD"),))
    spec = ProportionSpec(id="SD4", label="SD > 4 months", criteria=((stable, longer),))
    results = summarise_results([spec], frames)
    assert one(results, STATISTIC="n")["VALUE"] == 1
    assert one(results, STATISTIC="n")["DATASET"] == "ADRS ADTTE"
    numerator = results.records[results.records["ROLE"] == "numerator"]
    assert numerator[["DATASET", "USUBJID"]].values.tolist() == [["ADRS", "02"], ["ADTTE", "02"]]


def test_clinical_benefit_is_response_or_time_beyond_six_months(frames):
    longer = Records("ADTTE", "PFS", (Condition("AVAL", "GT", (6 * MONTH,)),))
    spec = ProportionSpec(id="CBR", label="Clinical benefit", criteria=((RESPONSE,), (longer,)))
    assert one(summarise_results([spec], frames), STATISTIC="n")["VALUE"] == 2  # 05 by both, 01 by response


def test_distribution_of_best_response_counts_the_missing(frames):
    spec = DistributionSpec(id="BOR", label="Best response", population="", records=Records("ADRS", "CBOR"))
    results = summarise_results([spec], frames)
    counts = {c: one(results, CATEGORY=c, STATISTIC="n")["VALUE"] for c in spec.categories}
    assert counts == {"CR": 1, "PR": 1, "SD": 2, "NON-CR/NON-PD": 0, "PD": 1, "NE": 0, "MISSING": 1}


def test_response_at_each_visit_is_of_those_assessed(frames):
    spec = VisitProportionSpec(id="TPR", label="Response by visit", records=Records("ADRS", "OVR"))
    results = summarise_results([spec], frames)
    shown = results.table.loc[results.table["STATISTIC"] != "percent", ["CATEGORY", "STATISTIC", "VALUE"]]
    assert shown.values.tolist() == [
        ["Week 8", "N", 2],
        ["Week 8", "n", 1],
        ["Week 16", "N", 1],
        ["Week 16", "n", 0],
    ]


def test_survival_in_months_with_landmarks(frames):
    """Events at 20, 60, 130 of five, censored at 121 and 200: S = 4/5, 3/5, then 3/5 x 1/2 = 3/10."""
    spec = SurvivalSpec(id="PFS", label="PFS", paramcd="PFS", landmarks=(3, 60), complement=True, rmst=4)
    results = summarise_results([spec], frames)
    assert one(results, STATISTIC="median")["VALUE"] == pytest.approx(130 / MONTH)
    assert math.isnan(one(results, STATISTIC="median")["UPPER"])
    assert [one(results, STATISTIC=s)["VALUE"] for s in ("N", "events", "censored")] == [5, 3, 2]
    assert one(results, STATISTIC="not analysed")["VALUE"] == 0
    assert one(results, STATISTIC="rate", CATEGORY="3 months")["VALUE"] == pytest.approx(60)
    assert one(results, STATISTIC="1 - rate", CATEGORY="3 months")["VALUE"] == pytest.approx(40)
    assert one(results, STATISTIC="at risk", CATEGORY="3 months")["VALUE"] == 3
    late = one(results, STATISTIC="rate", CATEGORY="60 months")
    assert math.isnan(late["VALUE"]) and late["REASON"] == "last observation at 200: no subject is followed so long"
    assert one(results, STATISTIC="follow-up median")["VALUE"] == pytest.approx(200 / MONTH)
    mean = one(results, STATISTIC="restricted mean")
    assert mean["VALUE"] == pytest.approx((20 + 0.8 * 40 + 0.6 * (4 * MONTH - 60)) / MONTH)
    roles = results.records.groupby("ROLE")["USUBJID"].apply(list).to_dict()
    assert roles == {"event": ["01", "02", "04"], "censored": ["03", "05"]}


def test_a_landmark_with_just_enough_at_risk_is_given_and_with_one_fewer_is_not(frames):
    """At 3 months (91.3 days) the three of 121, 130 and 200 days are at risk; two of five had the event before."""
    spec = SurvivalSpec(id="PFS3", label="Rate at 3 months", paramcd="PFS", landmarks=(3,), min_at_risk=3)
    rate = one(summarise_results([spec], frames), STATISTIC="rate")
    assert (rate["VALUE"], rate["REASON"]) == (pytest.approx(60), "")
    assert rate["LOWER"] > 0 and rate["UPPER"] < 100
    rate = one(summarise_results([replace(spec, min_at_risk=4)], frames), STATISTIC="rate")
    assert rate[["VALUE", "LOWER", "UPPER"]].isna().all()
    assert rate["REASON"] == "3 at risk, fewer than 4"


def test_a_landmark_with_too_few_at_risk_is_not_estimable(frames):
    spec = SurvivalSpec(id="OS5", label="Five-year rate", paramcd="PFS", landmarks=(5,), min_at_risk=10)
    rate = one(summarise_results([spec], frames), STATISTIC="rate")
    assert math.isnan(rate["VALUE"]) and rate["REASON"] == "1 at risk, fewer than 10"


def test_incidence_with_grades_and_terms(frames):
    results = summarise_results([IncidenceSpec(id="TEAE", label="TEAE")], frames)
    assert one(results, STATISTIC="percent", CATEGORY="")["VALUE"] == 60
    assert one(results, STATISTIC="n", CATEGORY="Skin / Rash")["VALUE"] == 2
    assert one(results, STATISTIC="percent", CATEGORY="Skin / Rash")["VALUE"] == 40
    assert one(results, STATISTIC="events", CATEGORY="Blood")["VALUE"] == 2
    assert one(results, STATISTIC="n, grade >=3", CATEGORY="")["VALUE"] == 1
    assert one(results, STATISTIC="percent, grade 3", CATEGORY="Blood / Anaemia")["VALUE"] == 20
    assert (results.records["ROLE"] == "numerator").sum() == 4
    serious = IncidenceSpec(id="SAE", label="SAE", where=(is_("AESER", "Y"),), by_treatment_at_onset=True)
    by_onset = summarise_results([serious], frames)
    assert {g: one(by_onset, STATISTIC="n", CATEGORY="", GROUP=g)["VALUE"] for g in ("A", "B", "All")} == {
        "A": 1,
        "B": 1,
        "All": 2,
    }


def test_events_without_any_grade_are_not_grade_zero(frames):
    frames["ADAE"] = frames["ADAE"].assign(ATOXGRN=float("nan"))
    table = summarise_results([IncidenceSpec(id="TEAE", label="TEAE")], frames).table
    graded = table[table["STATISTIC"].str.contains("grade")]
    assert graded[["STATISTIC", "REASON"]].values.tolist() == [["percent, grade >=3", "no event carries a grade"]]
    assert graded["VALUE"].isna().all()


def test_visits_without_numbers_follow_the_visit_number(frames):
    visits = frames["ADRS"].drop(columns="AVISITN").assign(VISITNUM=[None] * 5 + [2, 2, 2, 3])
    spec = VisitProportionSpec(id="TPR", label="", records=Records("ADRS", "OVR"))
    table = summarise_results([spec], {**frames, "ADRS": visits}).table
    assert table["CATEGORY"].drop_duplicates().tolist() == ["Week 8", "Week 16"]


def test_change_and_shift_of_ecog(frames):
    results = summarise_results(
        [ChangeSpec(id="QOL", label="Change", paramcds=("ECOG",)), ShiftSpec(id="ECOG", label="ECOG shift")],
        frames,
    )
    mean = one(results, RESULTID="QOL", CATEGORY="ECOG, Month 3", STATISTIC="mean, change")
    assert mean["VALUE"] == 0 and mean["UPPER"] == pytest.approx(4.302652729749464 / math.sqrt(3))  # t(0.975, 2)
    assert one(results, RESULTID="QOL", CATEGORY="ECOG, Baseline", STATISTIC="n, value")["VALUE"] == 3
    for name in ("improved", "same", "worse"):
        assert one(results, RESULTID="ECOG", CATEGORY=f"Month 3: {name}", STATISTIC="n")["VALUE"] == 1
    assert one(results, RESULTID="ECOG", CATEGORY="Month 3: 1 to 2", STATISTIC="n")["VALUE"] == 1


def test_subgroups(frames):
    share = SubgroupProportionSpec(id="SUB", label="ORR", criteria=((RESPONSE,),), by=("PDL1GR1",))
    time = SubgroupSurvivalSpec(id="SUBT", label="PFS", paramcd="PFS", by=("TRT01A",), references=("B",))
    results = summarise_results([share, time], frames)
    assert one(results, RESULTID="SUB", CATEGORY="PDL1GR1: <1", STATISTIC="percent")["VALUE"] == 50
    assert one(results, RESULTID="SUBT", CATEGORY="TRT01A: A", STATISTIC="events")["VALUE"] == 2
    ratio = one(results, RESULTID="SUBT", STATISTIC="hazard ratio")
    assert ratio["CATEGORY"] == "TRT01A: A against B" and ratio["LOWER"] < ratio["VALUE"] < ratio["UPPER"]
    assert 0 < one(results, RESULTID="SUBT", STATISTIC="p value")["VALUE"] < 1


EVERY_KIND = [
    ORR,
    DistributionSpec(id="a", label="", records=Records("ADRS", "CBOR")),
    VisitProportionSpec(id="b", label="", records=Records("ADRS", "OVR")),
    SurvivalSpec(id="c", label="", paramcd="PFS", landmarks=(6,), rmst=6, complement=True),
    IncidenceSpec(id="d", label=""),
    ChangeSpec(id="e", label="", paramcds=("ECOG",)),
    ShiftSpec(id="f", label=""),
    SubgroupProportionSpec(id="g", label="", criteria=((RESPONSE,),), by=("PDL1GR1",)),
    SubgroupSurvivalSpec(id="h", label="", paramcd="PFS", by=("PDL1GR1",)),
]


def test_every_kind_is_tried_below():
    makers()  # reads every file of the room
    kinds = {s.kind for s in EVERY_KIND}
    assert kinds == {one.kind for one in Spec.__subclasses__()} and len(kinds) == len(EVERY_KIND)
    assert len({s.name for s in EVERY_KIND}) == len(EVERY_KIND)


@pytest.mark.parametrize("spec", EVERY_KIND, ids=lambda s: s.kind)
@pytest.mark.parametrize("what", ["nobody", "no records", "no dataset", "no population", "one subject"])
def test_poor_data_gives_reasons_never_a_crash_or_an_invented_number(frames, spec, what):
    if what == "nobody":
        frames["ADSL"] = frames["ADSL"].iloc[:0]
    elif what == "no records":
        frames = {n: f if n == "ADSL" else f.iloc[:0] for n, f in frames.items()}
    elif what == "no dataset":
        frames = {"ADSL": frames["ADSL"]}
    elif what == "no population":
        frames["ADSL"] = frames["ADSL"].drop(columns="SAFFL")
    else:
        frames["ADSL"] = frames["ADSL"].iloc[:1]
    table = summarise_results([spec], frames).table
    assert len(table)
    missing = table["VALUE"].isna()
    assert (table.loc[missing, "REASON"] != "").all(), table[missing]
    assert (table.loc[~missing, "REASON"] == "").all(), table[~missing]
    if what in ("no dataset", "no population"):
        reason = "ADSL has no variable SAFFL" if what == "no population" else "there is no dataset"
        assert missing.all() and table["REASON"].str.startswith(reason).all()


def test_no_events_and_all_events_at_one_time(frames):
    spec = SurvivalSpec(id="PFS", label="PFS", paramcd="PFS", landmarks=(1,))
    frames["ADTTE"]["CNSR"] = 1
    assert one(summarise_results([spec], frames), STATISTIC="median")["REASON"] == "no events"
    frames["ADTTE"] = frames["ADTTE"].assign(CNSR=0, AVAL=50.0)
    assert one(summarise_results([spec], frames), STATISTIC="median")["VALUE"] == pytest.approx(50 / MONTH)


def test_two_rows_of_a_subject_are_not_counted_twice_but_refused(frames):
    frames["ADTTE"] = pd.concat([frames["ADTTE"]] * 2)
    row = summarise_results([SurvivalSpec(id="PFS", label="", paramcd="PFS")], frames).table.iloc[0]
    assert row["REASON"] == "ADTTE holds PFS of 01 twice"


def test_two_best_responses_of_a_subject_are_refused(frames):
    spec = DistributionSpec(id="BOR", label="", records=Records("ADRS", "OVR"))
    assert summarise_results([spec], frames).table["REASON"].tolist() == ["ADRS holds OVR of 01 twice"]


def test_a_parameter_that_was_never_derived_is_not_zero_percent(frames):
    missing = Records("ADRS", "CRSP", (is_("AVALC", "Y"),))
    specs = [
        ProportionSpec(id="ORR", label="", criteria=((missing,),)),
        DistributionSpec(id="BOR", label="", records=missing),
    ]
    table = summarise_results(specs, frames).table
    assert table["REASON"].tolist() == ["ADRS has no parameter CRSP"] * 2 and table["VALUE"].isna().all()


def test_ids_are_unique(frames):
    with pytest.raises(ValueError, match="ORR is specified twice"):
        summarise_results([ORR, ORR], frames)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Condition("AVAL", "GE", (130,)), 2),
        (Condition("AVAL", "LT", (60,)), 1),
        (Condition("AVAL", "LE", (60,)), 2),
        (Condition("AVAL", "NE", (60,)), 4),
        (is_("USUBJID", "01"), 1),
        (Condition("USUBJID", "NOTIN", ("01", "02")), 3),
    ],
)
def test_conditions(frames, condition, expected):
    spec = ProportionSpec(id="x", label="", criteria=((Records("ADTTE", "PFS", (condition,)),),))
    assert one(summarise_results([spec], frames), STATISTIC="n")["VALUE"] == expected


def test_a_landmark_where_the_curve_has_reached_zero_is_zero_whoever_is_at_risk(frames):
    """All three have had the event by day 150: at 6 months (182.6 days) S is 0, although nobody is at risk."""
    tte = frames["ADTTE"][frames["ADTTE"]["PARAMCD"] == "PFS"].iloc[:3].assign(AVAL=[50.0, 100.0, 150.0], CNSR=0.0)
    spec = SurvivalSpec(
        id="PFS6", label="", paramcd="PFS", population="", landmarks=(6,), min_at_risk=10, complement=True
    )
    table = summarise_results([spec], {**frames, "ADTTE": tte}).table.set_index("STATISTIC")
    assert (table.loc["rate", "VALUE"], table.loc["rate", "REASON"], table.loc["1 - rate", "VALUE"]) == (0.0, "", 100.0)
