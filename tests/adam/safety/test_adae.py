import os

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from fhir2cdisc.adam.safety.adae import AdaeOptions, adae_findings, derive_adae
from fhir2cdisc.adam.safety.dictionary import apply_dictionary
from hypothesis import given, settings
from support.others import others
from support.tables import assert_rows

TREATED = {"USUBJID": "01", "TRTSDT": "2024-03-10", "TRTEDT": "2024-06-01", "TRT01A": "Drug A", "SAFFL": "Y"}


def subjects(*rows):
    adsl = pd.DataFrame([{**TREATED, **r} for r in rows or ({},)])
    for name in ("TRTSDT", "TRTEDT", "DTHDT", "EOSDT", "AP01SDT", "AP02SDT"):
        if name in adsl:
            adsl[name] = pd.to_datetime(adsl[name])
    return adsl


def events(*rows):
    base = {
        "STUDYID": "S",
        "USUBJID": "01",
        "AETERM": "Term",
        "AEDECOD": "Term",
        "AEBODSYS": "Class",
        "AESTDTC": "2024-03-12",
        "AEENDTC": "",
        "AETOXGR": "1",
        "AEREL": "",
        "AESER": "N",
    }
    return pd.DataFrame([{**base, "AESEQ": float(i), **r} for i, r in enumerate(rows, 1)])


@pytest.mark.parametrize(
    ("event", "expected", "reason"),
    [
        (("2024-03-10", "", "1", ""), "Y", "on the day of the first dose"),
        (("2024-03-09", "", "1", ""), "", "the day before, no initial grade to compare"),
        (("2024-07-01", "", "1", ""), "Y", "30 days after the last dose"),
        (("2024-07-02", "", "1", ""), "", "31 days after"),
        (("2024-03-01", "2024-03-09", "3", "1"), "", "ended before the first dose"),
        (("2024-03-01", "2024-03-10", "3", "1"), "Y", "worsened and ended under treatment"),
        (("2024-03-01", "", "2", "1"), "Y", "worsened and ongoing"),
        (("2024-03-01", "", "2", "2"), "", "began before and did not worsen"),
        (("", "", "1", ""), "Y", "no start date"),
        (("", "2024-03-01", "1", ""), "", "no start date, but ended before the first dose"),
        (("2024-03", "", "1", ""), "Y", "partial: moves up to the first dose"),
        (("2024-02", "", "1", ""), "", "partial month before"),
        (("2024", "", "1", ""), "Y", "year alone, the first dose lies within"),
    ],
)
def test_treatment_emergence(event, expected, reason):
    start, end, grade, initial = event
    ae = events({"AESTDTC": start, "AEENDTC": end, "AETOXGR": grade, "AEITOXGR": initial})
    assert derive_adae(subjects(), ae)["TRTEMFL"].tolist() == [expected], reason


def test_nobody_untreated_has_emergent_events():
    adsl = subjects({"TRTSDT": None, "TRTEDT": None})
    out = derive_adae(adsl, events({}, {"AESTDTC": ""}))
    assert out["TRTEMFL"].tolist() == ["", ""]
    assert out["ASTDY"].isna().all() and out["APERIOD"].isna().all()


def test_ongoing_treatment_has_no_upper_limit_and_the_window_is_an_option():
    late = events({"AESTDTC": "2030-01-01"})
    assert derive_adae(subjects({"TRTEDT": None}), late)["TRTEMFL"].tolist() == ["Y"]
    at_90 = events({"AESTDTC": "2024-08-30"}, {"AESTDTC": "2024-08-31"})
    assert derive_adae(subjects(), at_90, options=AdaeOptions(window=90))["TRTEMFL"].tolist() == ["Y", ""]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2024-03", "2024-04", ("2024-03-10", "D", "2024-04-30", "D")),
        ("2024-05", "2024", ("2024-05-01", "D", "2024-06-15", "M")),  # not after death
        ("2023", "", ("2023-01-01", "M", None, "")),
        ("2024-03-12T08:30", "2024-03-13", ("2024-03-12", "", "2024-03-13", "")),
        (
            "2024-02-30",
            "2024-02",
            (None, "", "2024-02-29", "D"),
        ),  # 30 February is no day; 2024 is a leap year
        ("", "UNK", (None, "", None, "")),
    ],
)
def test_partial_dates(start, end, expected):
    out = derive_adae(subjects({"DTHDT": "2024-06-15"}), events({"AESTDTC": start, "AEENDTC": end})).iloc[0]
    shown = [None if pd.isna(out[c]) else f"{out[c]:%Y-%m-%d}" for c in ("ASTDT", "AENDT")]
    assert (shown[0], out["ASTDTF"], shown[1], out["AENDTF"]) == expected


def test_a_record_is_before_under_or_after_treatment_by_its_start_alone():
    """Under treatment from the first dose to the end of the window: 30 days, by default, after the last, of 1 June."""
    ae = events(
        {"AESTDTC": "2024-03-09"},
        {"AESTDTC": "2024-03-10"},
        {"AESTDTC": "2024-07-01"},
        {"AESTDTC": "2024-07-02"},
        {"AESTDTC": ""},
    )
    expected = """
        AESEQ | PREFL | ONTRTFL | FUPFL | why
        1     | Y     |         |       | the day before the first dose
        2     |       | Y       |       | the day of the first dose
        3     |       | Y       |       | the last day of the window
        4     |       |         | Y     | the day after it
        5     |       |         |       | no date
    """
    assert_rows(derive_adae(subjects(), ae).sort_values("AESEQ"), expected)
    ongoing = derive_adae(subjects({"TRTEDT": None}), ae.iloc[[3]])
    assert_rows(ongoing, "PREFL | ONTRTFL | FUPFL\n | Y | ")


def test_days_have_no_zero_and_durations_count_both_ends():
    ae = events({"AESTDTC": "2024-03-09", "AEENDTC": "2024-03-10"}, {"AESTDTC": "2024-03-12", "AEENDTC": "2024-03-11"})
    out = derive_adae(subjects(), ae)
    assert out["ASTDY"].tolist() == [-1, 3]
    assert out["AENDY"].tolist() == [1, 2]
    assert out["ADURN"].tolist()[0] == 2 and np.isnan(out["ADURN"].iloc[1])


def test_first_and_worst_occurrence():
    """Emergent events only; ties go to the earlier start, then the lower AESEQ."""
    ae = events(
        {"AESTDTC": "2024-03-01", "AETOXGR": "4", "AEDECOD": "A", "AEBODSYS": "X"},  # before treatment
        {"AESTDTC": "2024-03-14", "AETOXGR": "2", "AEDECOD": "A", "AEBODSYS": "X"},
        {"AESTDTC": "2024-03-12", "AETOXGR": "1", "AEDECOD": "A", "AEBODSYS": "X"},
        {"AESTDTC": "2024-03-13", "AETOXGR": "3", "AEDECOD": "B", "AEBODSYS": "X"},
        {"AESTDTC": "2024-03-12", "AETOXGR": "3", "AEDECOD": "C", "AEBODSYS": "Y"},
        {"AESTDTC": "", "AETOXGR": "", "AEDECOD": "C", "AEBODSYS": "Y"},
    )
    out = derive_adae(subjects(), ae).set_index("AESEQ")
    flagged = {c: [int(i) for i in out.index[out[c] == "Y"]] for c in out.columns if c.startswith("AOCC")}
    assert flagged == {
        "AOCCFL": [3],
        "AOCCSFL": [3, 5],
        "AOCCPFL": [3, 4, 5],
        "AOCCIFL": [5],
        "AOCCSIFL": [4, 5],
        "AOCCPIFL": [2, 4, 5],
    }


def test_grade_changes_within_a_group_of_records():
    ae = events(
        {"AESTDTC": "2024-03-01", "AETOXGR": "2", "AEGRPID": "1"},
        {"AESTDTC": "2024-03-15", "AETOXGR": "2", "AEGRPID": "1"},
        {"AESTDTC": "2024-03-20", "AETOXGR": "3", "AEGRPID": "1"},
        {"AESTDTC": "2024-03-20", "AETOXGR": "1", "AEGRPID": ""},
    )
    options = AdaeOptions(group="AEGRPID")
    assert derive_adae(subjects(), ae, options=options)["TRTEMFL"].tolist() == ["", "", "Y", "Y"]


def test_relation_and_its_missing_value():
    ae = events(*[{"AEREL": r} for r in ("RELATED", "Possible", "NOT RELATED", "", "MAYBE")])
    out = derive_adae(subjects(), ae)
    assert out["AREL"].tolist() == ["RELATED", "RELATED", "NOT RELATED", "", ""]
    cautious = derive_adae(subjects(), ae, options=AdaeOptions(missing_relation="RELATED"))
    assert cautious["AREL"].tolist()[3:] == ["RELATED", ""]
    assert adae_findings(subjects(), out)["VALUE"].tolist() == ["MAYBE"]


def test_period_and_treatment_at_onset():
    adsl = subjects({"AP01SDT": "2024-03-10", "AP02SDT": "2024-05-01", "TRT02A": "Drug B"})
    ae = events({"AESTDTC": "2024-04-30"}, {"AESTDTC": "2024-05-01"}, {"AESTDTC": "2024-03-01"}, {"AESTDTC": ""})
    out = derive_adae(adsl, ae)
    assert out["TRTA"].tolist() == ["Drug A", "Drug B", "", "Drug A"]
    assert out["APERIOD"].fillna(0).tolist() == [1, 2, 0, 1]
    lines = pd.DataFrame(
        {
            "USUBJID": "01",
            "APERIOD": [1.0, 2.0],
            "TRTA": ["Guided", "Other"],
            "ASTDT": pd.to_datetime(["2024-03-10", "2024-04-15"]),
        }
    )
    assert derive_adae(adsl, ae, periods=lines)["TRTA"].tolist() == ["Other", "Other", "", "Guided"]


def test_supplemental_qualifiers_and_the_ctcae_version():
    supp = pd.DataFrame(
        {"USUBJID": "01", "IDVAR": "AESEQ", "IDVARVAL": "2", "QNAM": ["CTCAEVER", "AEITOXGR"], "QVAL": ["5.0", "1"]}
    )
    ae = events({}, {"AESTDTC": "2024-03-01", "AETOXGR": "3"})
    out = derive_adae(subjects(), ae, supp, AdaeOptions(ctcae_version="4.0"))
    assert out["CTCAEVER"].tolist() == ["4.0", "5.0"]
    assert out["TRTEMFL"].tolist() == ["Y", "Y"]


def test_findings_say_what_is_wrong():
    ae = events(
        {"AESTDTC": "2024-04-02", "AEENDTC": "2024-04-01"},
        {"AETOXGR": "6"},
        {"AETOXGR": "5"},
        {"AESTDTC": ""},
    )
    out = derive_adae(subjects(), ae)
    found = adae_findings(subjects(), out)
    assert found["RULE"].tolist() == ["OCCDS ASTDT", "start before end", "CTCAE grades 1 to 5", "grade 5 is death"]
    assert found["MESSAGE"].iloc[2] == "AETOXGR: AE/2: 6 is not a grade from 1 to 5"
    assert found["RECORD"].tolist() == ["4", "1", "2", "3"]


EXAMPLES = 500 if os.environ.get("FHIR2CDISC_FUZZ") else 30
DAYS = st.sampled_from(["", "2024", "2024-03", "2024-02-30", "2024-03-09", "2024-03-10", "2024-05-05", "2024-09-09"])
GRADES = st.sampled_from(["", "1", "2", "3", "x"])


@settings(max_examples=EXAMPLES, derandomize=True, deadline=None)
@given(
    st.lists(st.tuples(DAYS, DAYS, GRADES, GRADES), min_size=1, max_size=12),
    st.randoms(use_true_random=False),
)
def test_order_of_records_does_not_matter_and_flags_keep_their_promises(rows, random):
    names = ("AESTDTC", "AEENDTC", "AETOXGR", "AEITOXGR")
    ae = events(*[dict(zip(names, r, strict=True)) for r in rows])
    shuffled = ae.sample(frac=1, random_state=random.randrange(1000))
    out = derive_adae(subjects(), ae)
    pd.testing.assert_frame_equal(out, derive_adae(subjects(), shuffled))
    emergent = out[out["TRTEMFL"] == "Y"]
    for name in ("AOCCFL", "AOCCIFL"):
        assert (out[name] == "Y").sum() == min(len(emergent), 1)
        assert (emergent[name] == "Y").sum() == (out[name] == "Y").sum()
    worst = out.loc[out["AOCCIFL"] == "Y", "ATOXGRN"]
    assert not (emergent["ATOXGRN"] > worst.max()).any()


def test_no_events_and_events_of_strangers():
    out = derive_adae(subjects(), events({"USUBJID": "99"}))
    assert len(out) == 0 and "TRTEMFL" in out
    assert len(adae_findings(subjects(), out)) == 0


def test_dictionary_of_the_user_codes_terms():
    dictionary = pd.DataFrame(
        {
            "TERM": ["Sore  leg", "Cold"],
            "AEDECOD": ["Synthetic pain", "Synthetic cold"],
            "AEBODSYS": ["X", "Y"],
        }
    )
    ae = events({"AETERM": "SORE LEG", "AEDECOD": ""}, {"AETERM": "odd", "AEDECOD": ""}, {"AETERM": "Cold"})
    coded, found = apply_dictionary(ae, dictionary)
    assert coded["AEDECOD"].tolist() == ["Synthetic pain", "", "Term"]
    assert coded["AEBODSYS"].tolist()[0] == "X"
    assert found["MESSAGE"].tolist() == ["AETERM: AE/2: odd is not in the dictionary, so it stays uncoded"]
    twice = pd.concat([dictionary, dictionary.assign(AEDECOD="Other")])
    with pytest.raises(ValueError, match="sore leg is coded in two ways"):
        apply_dictionary(ae, twice)
    with pytest.raises(ValueError, match="AEBODSYS is missing"):
        apply_dictionary(ae, dictionary.drop(columns="AEBODSYS"))


def test_a_306_subject_study_agrees_with_the_r_packages():
    """The pilot study as admiral derives it: nine variables of all 1191 events."""
    adsl = pd.read_parquet(others("data/adam/adsl.parquet"))
    theirs = pd.read_parquet(others("data/adam/adae.parquet")).sort_values(["USUBJID", "AESEQ"])
    ours = derive_adae(adsl, pd.read_parquet(others("data/sdtm/ae.parquet")))
    assert len(ours) == len(theirs) == 1191
    for name in ("ASTDT", "AENDT"):
        expected = pd.to_datetime(theirs[name]).to_numpy()
        assert ((ours[name].to_numpy() == expected) | (pd.isna(expected) & ours[name].isna())).all(), name
    for name in ("ASTDTF", "TRTEMFL", "AOCCIFL", "ASEV"):
        assert ours[name].tolist() == theirs[name].fillna("").tolist(), name
    for name in ("ASTDY", "AENDY", "ADURN"):
        np.testing.assert_array_equal(ours[name], theirs[name].astype(float), err_msg=name)
