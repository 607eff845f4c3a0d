"""Trial design from the study file: expected values from SDTMIG 3.4 sections 5.3 and 7, by hand."""

from __future__ import annotations

import pandas as pd
import pytest
from fhir2cdisc.mappings.study import Study, builtin_studies, load_study
from fhir2cdisc.sdtm.metadata import codelist
from fhir2cdisc.sdtm.trial_design import build_se, build_ta, build_te, build_ts, build_tv, trial_design

PLAIN = Study(id="plain", studyid="PLAIN", title="Plain")
COLUMNS = ["RFICDTC", "RFSTDTC", "RFXSTDTC", "RFXENDTC", "RFPENDTC"]


def dm(*dates: tuple[str, str, str, str, str]) -> pd.DataFrame:
    made = pd.DataFrame(list(dates), columns=COLUMNS, dtype=object)
    ids = [f"{n:02}" for n in range(1, len(made) + 1)]
    return made.assign(STUDYID="PLAIN", USUBJID=ids, COUNTRY="")


# Consent, reference start, first dose, last dose, end of participation | element start/end (days) ...
SUBJECTS = [
    (("2024-02-20", "2024-03-01", "2024-03-01", "2024-06-01", "2024-08-01"),
     "SCRN 2024-02-20(-10)/2024-03-01(1) TRT 2024-03-01(1)/2024-06-01(93) FU 2024-06-01(93)/2024-08-01(154)"),
    # no consent known: no screening
    (("", "2024-03-01", "2024-03-01", "2024-06-01", "2024-08-01"),
     "TRT 2024-03-01(1)/2024-06-01(93) FU 2024-06-01(93)/2024-08-01(154)"),
    # never treated: screening without a known end
    (("2024-02-20", "", "", "", "2024-03-05"), "SCRN 2024-02-20()/()"),
    # treatment not over
    (("2024-02-20", "2024-03-01", "2024-03-01", "", ""), "SCRN 2024-02-20(-10)/2024-03-01(1) TRT 2024-03-01(1)/()"),
    # followed still
    (("", "2024-03-01", "2024-03-01", "2024-03-01", ""), "TRT 2024-03-01(1)/2024-03-01(1) FU 2024-03-01(1)/()"),
    # what ends before it begins ends on the day on which it begins
    (("2024-03-05", "2024-03-01", "2024-03-01", "2024-06-01", "2024-05-01"),
     "SCRN 2024-03-05(5)/2024-03-05(5) TRT 2024-03-01(1)/2024-06-01(93) FU 2024-06-01(93)/2024-06-01(93)"),
    # partial dates stay as they are and have no day
    (("2024-02", "2024-03-01", "2024-03-01", "2024-06", ""),
     "SCRN 2024-02()/2024-03-01(1) TRT 2024-03-01(1)/2024-06() FU 2024-06()/()"),
    # times go along
    (("", "2024-03-01T09:00", "2024-03-01T09:00", "2024-03-02T10:00", "2024-03-03"),
     "TRT 2024-03-01T09:00(1)/2024-03-02T10:00(2) FU 2024-03-02T10:00(2)/2024-03-03(3)"),
    # nothing is known
    (("", "", "", "", ""), ""),
]  # fmt: skip


def shown(se: pd.DataFrame) -> str:
    def day(value: float) -> str:
        return "" if pd.isna(value) else f"{value:g}"

    return " ".join(
        f"{r.ETCD} {r.SESTDTC}({day(r.SESTDY)})/{r.SEENDTC}({day(r.SEENDY)})" for r in se.itertuples(index=False)
    )


def test_the_elements_of_each_subject() -> None:
    se = build_se(dm(*(dates for dates, _ in SUBJECTS)))
    for number, (dates, expected) in enumerate(SUBJECTS, start=1):
        mine = se[se["USUBJID"] == f"{number:02}"]
        assert shown(mine) == expected, dates
        assert mine["SESEQ"].tolist() == list(range(1, len(mine) + 1))
        assert mine["TAETORD"].is_monotonic_increasing


def test_nobody_with_a_date_gives_no_elements() -> None:
    assert len(build_se(dm())) == 0
    assert len(build_se(dm(("", "", "", "", "")))) == 0
    armed = load_study("hepatobiliary-rws")
    assert sorted(trial_design({"DM": dm(("", "", "", "", ""))}, armed)) == ["TA", "TE", "TS"]


def test_the_order_of_epochs_is_the_same_in_elements_arms_and_subjects() -> None:
    study = load_study("hepatobiliary-rws")
    ta, te = build_ta(study), build_te(study)
    assert ta["ARMCD"].unique().tolist() == ["ANTIANG", "IMMUNO", "MATCHED"]
    for _, arm in ta.groupby("ARMCD"):
        assert arm["TAETORD"].tolist() == [1, 2, 3]
        assert arm["EPOCH"].tolist() == ["SCREENING", "TREATMENT", "FOLLOW-UP"]
    assert te["ETCD"].tolist() == sorted(ta["ETCD"].unique())
    names = dict(zip(te["ETCD"], te["ELEMENT"], strict=True))
    assert (ta["ETCD"].map(names) == ta["ELEMENT"]).all()
    assert set(ta["EPOCH"]) <= set(codelist("EPOCH").terms)
    assert (te["ETCD"].str.len() <= 8).all() and (te[["TESTRL", "TEENRL"]] != "").all(axis=None)


def test_a_study_without_arms_has_no_arms_elements_or_subject_elements() -> None:
    full = dm(("2024-02-20", "2024-03-01", "2024-03-01", "2024-06-01", "2024-08-01"))
    assert sorted(trial_design({"DM": full}, PLAIN)) == ["TS"]


def parameters(ts: pd.DataFrame) -> dict[str, list[tuple[str, str]]]:
    pairs = zip(ts["TSPARMCD"], ts["TSVAL"], ts["TSVALNF"], strict=True)
    made: dict[str, list[tuple[str, str]]] = {}
    for code, value, flavor in pairs:
        made.setdefault(code, []).append((value, flavor))
    return made


@pytest.mark.parametrize("name", ["plain", *sorted(builtin_studies())])
def test_every_parameter_has_a_value_or_says_why_it_has_none(name: str) -> None:
    ts = build_ts({"DM": dm(("", "", "", "", ""))}, PLAIN if name == "plain" else load_study(name))
    assert ((ts["TSVAL"] == "") != (ts["TSVALNF"] == "")).all()
    assert set(ts["TSVALNF"]) <= {"", "NA", "UNK"}  # ISO 21090 null flavors
    assert set(ts["TSPARMCD"]) <= set(codelist("TSPARMCD").terms)
    assert set(ts["TSPARM"]) <= set(codelist("TSPARM").terms)
    for _, group in ts.groupby("TSPARMCD"):
        assert group["TSSEQ"].tolist() == list(range(1, len(group) + 1))
    assert ts["TSPARMCD"].is_monotonic_increasing


def test_of_a_study_that_says_nothing_little_is_known() -> None:
    said = parameters(build_ts({"DM": dm(("", "", "", "", ""))}, PLAIN))
    unknown = {
        "INDIC",
        "TRT",
        "OUTMSPRI",
        "OBJPRIM",
        "SSTDTC",
        "SENDTC",
        "PLANSUB",
        "LENGTH",
        "RANDOM",
        "REGID",
        "AGEMIN",
    }
    assert {code for code in unknown if said[code] == [("", "UNK")]} == unknown
    assert said["NARMS"] == [("", "NA")] and said["TPHASE"] == [("", "NA")] and said["DCUTDTC"] == [("", "NA")]
    assert said["ACTSUB"] == [("1", "")] and said["TITLE"] == [("Plain", "")] and said["SDTIGVER"] == [("3.4", "")]


def test_the_start_of_a_study_is_its_own_or_the_first_consent() -> None:
    three = dm(*((day, "", "", "", "") for day in ("2024-02-20T10:00", "", "2024-02-19T23:00")))
    assert parameters(build_ts({"DM": three}, PLAIN))["SSTDTC"] == [("2024-02-19", "")]
    own = PLAIN.model_copy(update={"design": PLAIN.design.model_copy(update={"start": "2023-12-01"})})
    assert parameters(build_ts({"DM": three}, own))["SSTDTC"] == [("2023-12-01", "")]


def test_what_the_registry_and_the_real_world_study_say() -> None:
    one = dm(("2024-02-20", "", "", "", "")).assign(COUNTRY="CHN")
    registry = parameters(build_ts({"DM": one}, load_study("refractory-registry")))
    assert registry["DCUTDTC"] == [("2023-11-30", "")] and registry["STYPE"] == [("OBSERVATIONAL", "")]
    assert registry["TBLIND"] == [("", "NA")] and registry["FCNTRY"] == [("CHN", "")]
    real = parameters(build_ts({"DM": one}, load_study("hepatobiliary-rws")))
    assert real["PLANSUB"] == [("2000", "")] and real["LENGTH"] == [("P60M", "")] and real["NARMS"] == [("3", "")]
    primary = ["Overall Survival (OS)", "Progression-free Survival (PFS)"]
    assert real["OUTMSPRI"] == [(title, "") for title in primary]
    assert real["OBJPRIM"] == [(f"To evaluate: {'; '.join(primary)}", "")]


def test_planned_visits_are_those_with_a_planned_day_once_each() -> None:
    sv = pd.DataFrame(
        [("01", 57.0, "WEEK 8", 57.0), ("01", 1.0, "CYCLE 1 DAY 1", 1.0), ("02", 57.0, "WEEK 8", 57.0),
         ("01", 57.001, "UNSCHEDULED 57.001", None), ("01", -1.0, "SCREENING", -1.0)],
        columns=["USUBJID", "VISITNUM", "VISIT", "VISITDY"],
    )  # fmt: skip
    tv = build_tv(sv, PLAIN)
    assert tv["VISIT"].tolist() == ["SCREENING", "CYCLE 1 DAY 1", "WEEK 8"]
    assert tv["TVSTRL"].tolist()[2] == "Day 57 from the first dose"
    assert len(build_tv(None, PLAIN)) == len(build_tv(sv.drop(columns="VISITDY"), PLAIN)) == 0
