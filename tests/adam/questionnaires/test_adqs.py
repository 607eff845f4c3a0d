import numpy as np
import pandas as pd
import pytest
from fhir2cdisc.adam.lineage import adam_lineage
from fhir2cdisc.adam.questionnaires import fact_hep, promis29
from fhir2cdisc.adam.questionnaires.adqs import AdqsOptions, adqs_findings, adqs_sources, derive_adqs
from fhir2cdisc.adam.questionnaires.visit_windows import VisitWindows, assign_windows

ADSL = pd.DataFrame(
    {
        "STUDYID": "S",
        "USUBJID": ["01", "02"],
        "TRTSDT": pd.to_datetime(["2024-01-10", None]),
        "TRTEDT": pd.to_datetime(["2024-12-31", None]),
        "SAFFL": ["Y", "N"],
    }
)


def ecog(*rows, subject="01"):
    """RS records from (date, value) or (date, value, visit)."""
    return pd.DataFrame(
        [
            {
                "STUDYID": "S",
                "USUBJID": subject,
                "RSSEQ": float(i),
                "RSTESTCD": "ECOG101",
                "RSTEST": "ECOG",
                "RSCAT": "ECOG",
                "RSSTRESC": str(r[1]),
                "RSDTC": r[0],
                "VISIT": r[2] if len(r) > 2 else f"V{i}",
                "VISITNUM": float(i),
            }
            for i, r in enumerate(rows, 1)
        ]
    )


def form(instrument, when, value, visit="V1", number=1.0, skip=(), subject="01"):
    codes = [i.qstestcd for i in instrument.items() if i.qstestcd not in skip]
    return pd.DataFrame(
        {
            "USUBJID": subject,
            "QSCAT": instrument.QSCAT,
            "QSTESTCD": codes,
            "QSTEST": codes,
            "QSSTRESN": float(value),
            "QSDTC": when,
            "VISIT": visit,
            "VISITNUM": number,
            "QSSEQ": np.arange(1.0, len(codes) + 1),
        }
    )


def test_baseline_is_the_last_value_on_or_before_the_first_dose():
    rs = ecog(("2024-01-02", 2), ("2024-01-10", 1), ("2024-02-10", 1), ("2024-03-10", 2), ("2024-04-10", 0))
    out = derive_adqs(ADSL, None, rs=rs)
    assert out["ABLFL"].tolist() == ["", "Y", "", "", ""]
    assert out["BASE"].tolist() == [1] * 5
    assert out["CHG"].fillna(9).tolist() == [9, 9, 0, 1, -1]
    assert out["CHGCAT1"].tolist() == ["", "", "SAME", "WORSE", "IMPROVED"]
    assert out["ADY"].tolist() == [-8, 1, 32, 61, 92]
    assert out["AVISIT"].tolist() == ["V1", "Baseline", "V3", "V4", "V5"]
    assert out["ANL01FL"].tolist() == ["", "Y", "Y", "Y", "Y"]
    assert out["SRCDOM"].unique().tolist() == ["RS"] and out["SRCSEQ"].tolist() == [1, 2, 3, 4, 5]


def test_an_untreated_subject_has_values_but_no_baseline():
    out = derive_adqs(ADSL, None, rs=ecog(("2024-01-02", 2), ("2024-03-02", 3), subject="02"))
    assert out["AVAL"].tolist() == [2, 3]
    assert out["BASE"].isna().all() and out["CHG"].isna().all() and (out["ANL01FL"] == "").all()


def test_ecog_values_that_are_none_do_not_count_and_older_qs_is_read():
    assert len(derive_adqs(ADSL, None, rs=ecog(("2024-01-02", "UNKNOWN"), ("2024-01-03", 6)))) == 0
    older = pd.DataFrame(
        {
            "USUBJID": ["01"],
            "QSCAT": ["ECOG"],
            "QSTESTCD": ["ECOG101"],
            "QSSTRESN": [1.0],
            "QSDTC": ["2024-01-09"],
            "QSSEQ": [7.0],
        }
    )
    out = derive_adqs(ADSL, older)
    assert out[["PARAMCD", "AVAL", "SRCDOM", "SRCSEQ"]].values.tolist() == [["ECOG", 1.0, "QS", 7.0]]


@pytest.mark.parametrize(
    ("day", "visit", "reason"),
    [
        (2, "", "46 days before the edge of the first window"),
        (47, "Month 3", "target is day 92: 1 + round(91.3125)"),
        (46, "", "46 days early"),
        (92, "Month 3", "the target itself"),
        (137, "Month 3", "45 days late"),
        (138, "", "between the windows of month 3 and month 6"),
        (139, "Month 6", "45 days early: the target is day 184, 1 + round(182.625)"),
        (229, "Month 6", "45 days late"),
        (230, "Month 9", "target of month 9 is day 275"),
    ],
)
def test_windows_of_three_months(day, visit, reason):
    assert assign_windows(pd.Series([float(day)]), VisitWindows(3, 45))["AVISIT"].tolist() == [visit], reason


def test_halfway_between_two_targets_belongs_to_the_earlier():
    """Monthly targets are days 31, 62, 92, 123, 153: day 138 is 15 days from month 4 and from month 5."""
    windows = VisitWindows(1, 20)
    out = assign_windows(pd.Series([46.0, 47.0, np.nan]), windows)
    assert out["AVISIT"].tolist() == ["Month 1", "Month 2", ""]
    assert assign_windows(pd.Series([138.0]), windows)["AVISIT"].tolist() == ["Month 4"]


def test_the_value_nearest_to_the_target_is_analysed():
    rs = ecog(("2024-01-09", 1), ("2024-03-20", 1), ("2024-04-10", 2), ("2024-04-12", 0), ("2025-01-09", 1))
    out = derive_adqs(ADSL, None, rs=rs, options=AdqsOptions(windows=VisitWindows(3, 45)))
    assert out["AVISIT"].tolist() == ["Baseline", "Month 3", "Month 3", "Month 3", "Month 12"]
    assert out["ANL01FL"].tolist() == ["Y", "", "Y", "", "Y"]  # day 92 is 2024-04-10
    assert out["AWTDIFF"].fillna(99).tolist() == [99, -21, 0, 2, 0]


def test_fact_hep_scores_items_and_sources():
    qs = pd.concat([form(fact_hep, "2024-01-10", 0), form(fact_hep, "2024-04-10", 4, "V2", 2.0)])
    qs["QSSEQ"] = np.arange(1.0, 91)
    out = derive_adqs(ADSL, qs)
    scores = out[out["PARCAT2"] == "Score"]
    assert len(scores) == 16 and (out["PARCAT2"] == "Item").sum() == 90
    total = scores[scores["PARAMCD"] == "FACTHEP"]
    assert total["AVAL"].tolist() == [104, 76] and total["CHG"].tolist()[1] == -28
    assert scores["SRCSEQ"].isna().all()
    item = out[out["PARAMCD"] == "FAC01501"]
    assert item["AVAL"].tolist() == [0, 4]  # as collected although GP1 is scored reversed
    sources = adqs_sources(out, qs)
    key = total[["USUBJID", "ASEQ"]].iloc[[1]].merge(sources)
    assert key["SRCSEQ"].tolist() == list(range(46, 91))
    toi = sources[sources["PARAMCD"] == "TOI"]
    assert len(toi) == 2 * 32 and set(sources["SRCDOM"]) == {"QS"}


@pytest.mark.parametrize("when", ["2024-04-10", "2024-04"])
def test_the_lineage_of_a_score_names_its_own_answers_and_no_others(when):
    """Two forms and another questionnaire at visits of one name; of two answers the later, none outside its range."""
    forms = [
        form(fact_hep, when, 2, "UNSCHEDULED", 5.1),
        form(promis29, when, 3, "UNSCHEDULED", 5.1),
        form(fact_hep, when, 1, "UNSCHEDULED", 5.2),
        form(fact_hep, "2024-05-10", 1, "UNSCHEDULED", 5.2),
        form(fact_hep, when, 0, "UNSCHEDULED", 5.1, subject="02"),
    ]
    again = forms[0].iloc[[0]].assign(QSSTRESN=4.0)  # GP1 a second time
    qs = pd.concat([*forms, again], ignore_index=True)
    qs["QSSEQ"] = np.arange(1.0, len(qs) + 1)
    qs.loc[1, "QSSTRESN"] = 9.0  # GP2 out of range
    out = derive_adqs(ADSL, qs)
    lineage = adam_lineage({"ADQS": out}, qs)
    physical = out[(out["PARAMCD"] == "PWB") & (out["VISITNUM"] == 5.1) & (out["USUBJID"] == "01")].iloc[0]
    behind = lineage[(lineage["USUBJID"] == "01") & (lineage["SEQ"] == physical["ASEQ"])]
    assert behind["SRCSEQ"].tolist() == [3, 4, 5, 6, 7, len(qs)]  # five of the form, and GP1 of the last record
    assert physical["AVAL"] == pytest.approx((0 + 5 * 2) * 7 / 6)
    later = out[(out["PARAMCD"] == "PWB") & (out["VISITNUM"] == 5.2)]
    assert later["AVAL"].tolist() == [21, 21]  # seven answers of 1, each turned into 3
    function = out[(out["PARAMCD"] == "PF") & (out["USUBJID"] == "01")].iloc[0]
    codes = qs.set_index("QSSEQ")["QSTESTCD"]
    named = lineage[(lineage["USUBJID"] == "01") & (lineage["SEQ"] == function["ASEQ"])]["SRCSEQ"].map(codes)
    assert sorted(named) == sorted(i.qstestcd for i in promis29.items() if i.domain == "PF")
    scored = lineage[lineage["PARAMCD"].isin([*fact_hep.LABELS, *promis29.LABELS])]
    owner = qs.set_index("QSSEQ")["USUBJID"]
    assert (scored["SRCSEQ"].map(owner) == scored["USUBJID"]).all()


def test_promis_and_ecog_in_one_dataset():
    out = derive_adqs(ADSL, form(promis29, "2024-01-10", 3), AdqsOptions(items=False), ecog(("2024-01-10", 1)))
    values = dict(zip(out["PARAMCD"], out["AVAL"], strict=True))
    assert (values["PF"], values["ANX"], values["PAIN"], values["ECOG"]) == (36.7, 63.4, 3, 1)
    assert {"PHS", "MHS"} <= set(values)
    plain = derive_adqs(ADSL, form(promis29, "2024-01-10", 3), AdqsOptions(experimental=False))
    assert "PHS" not in set(plain["PARAMCD"])
    assert adqs_sources(out, form(promis29, "2024-01-10", 3)).groupby("PARAMCD").size()["PF"] == 4


def test_a_score_that_cannot_be_computed_is_missing_and_no_baseline():
    half = [i.qstestcd for i in fact_hep.items() if i.subscale == "EWB"][:3]
    out = derive_adqs(ADSL, form(fact_hep, "2024-01-10", 2, skip=half), AdqsOptions(items=False))
    ewb = out[out["PARAMCD"] == "EWB"].iloc[0]
    assert np.isnan(ewb["AVAL"]) and ewb["ABLFL"] == "" and ewb["ANL01FL"] == ""


def test_findings_and_what_they_do_to_the_score():
    qs = form(fact_hep, "2024-01-10", 2)
    qs.loc[0, "QSSTRESN"] = 9
    extra = qs.iloc[[1]].assign(QSSTRESN=4.0, QSSEQ=99.0)
    odd = qs.iloc[[2]].assign(QSTESTCD="XYZ", QSSEQ=100.0)
    qs = pd.concat([qs, extra, odd], ignore_index=True)
    found = adqs_findings(qs)
    assert found[["RECORD", "RULE"]].values.tolist() == [
        ["1", "range of the item"],
        ["100", "items of the form"],
        ["2", "one answer per item"],
    ]
    assert found["MESSAGE"][0] == "QSSTRESN: QS/1: 9 is outside the range of FAC01501: missing"
    out = derive_adqs(ADSL, qs, AdqsOptions(items=False))
    pwb = out.loc[out["PARAMCD"] == "PWB", "AVAL"].tolist()
    assert pwb == [pytest.approx((0 + 2 * 5) * 7 / 6)]  # GP1 missing, GP2 4 scored 0, five times 2


def test_not_done_and_undated_records():
    qs = form(fact_hep, "2024-01", 2)
    qs["QSSTAT"] = ""
    qs.loc[13, ["QSSTRESN", "QSSTAT"]] = [np.nan, "NOT DONE"]
    out = derive_adqs(ADSL, qs)
    assert out["ADT"].isna().all() and (out["ABLFL"] == "").all()
    assert "FAC01514" not in set(out["PARAMCD"])
    assert (adqs_findings(qs)["RULE"] == "complete date").sum() == 44


def test_a_study_without_questionnaires_has_ecog_only():
    out = derive_adqs(ADSL, None, rs=ecog(("2024-01-10", 1)))
    assert out["PARAMCD"].tolist() == ["ECOG"]


def test_no_questionnaires_at_all():
    empty = pd.DataFrame({"USUBJID": [], "QSCAT": [], "QSTESTCD": [], "QSDTC": []}, dtype=object)
    out = derive_adqs(ADSL, empty)
    assert len(out) == 0 and {"PARAMCD", "CHG", "ANL01FL"} <= set(out.columns)
    assert len(adqs_findings(empty)) == 0 and len(adqs_sources(out, empty)) == 0
