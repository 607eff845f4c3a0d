"""Dates after the last day of the data are unknown, and each is an error that names its subject."""

from __future__ import annotations

import pandas as pd
import pytest
from fhir2cdisc.adam.build import build_adam
from fhir2cdisc.adam.frames.clock import without_later
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.mappings.study_facts import Clock

LIMIT = pd.Timestamp("2024-06-30")


# Date | what is left of it
@pytest.mark.parametrize(
    ("dtc", "left"),
    [
        ("2024-06-30", "2024-06-30"),
        ("2024-06-30T23:59", "2024-06-30T23:59"),
        ("2024-07-01", ""),
        ("2024-07", ""),
        ("2024-06", "2024-06"),
        ("2024", "2024"),
        ("2025", ""),
        ("", ""),
        ("31.12.2031", "31.12.2031"),  # no date, which other rules say
    ],
)
def test_a_date_after_the_last_day_is_unknown(dtc: str, left: str) -> None:
    lb = pd.DataFrame({"USUBJID": ["01"], "LBSEQ": [7.0], "LBDTC": [dtc]})
    made, found = without_later({"LB": lb}, LIMIT, "the data cut-off")
    assert made["LB"]["LBDTC"].tolist() == [left]
    assert lb["LBDTC"].tolist() == [dtc]
    assert found[["USUBJID", "RECORD", "VARIABLE", "VALUE", "SEVERITY"]].values.tolist() == (
        [] if dtc == left else [["01", "LB 7", "LBDTC", dtc, "ERROR"]]
    )


# Date | what is left of it, and the rule: a dataset holds days from 1678 to 2261
@pytest.mark.parametrize(
    ("dtc", "rule"),
    [
        ("2300-01-01", "date in the future"),
        ("9999-12-31T23:59:59", "date in the future"),
        ("9999", "date in the future"),
        ("2262", "date in the future"),
        ("0001-01-01", "date out of range"),
        ("1677-12", "date out of range"),
        ("1678-01-01", ""),
    ],
)
def test_a_date_that_no_dataset_holds_is_unknown(dtc: str, rule: str) -> None:
    lb = pd.DataFrame({"USUBJID": ["01"], "LBSEQ": [7.0], "LBDTC": [dtc]})
    made, found = without_later({"LB": lb}, LIMIT, "the data cut-off")
    assert made["LB"]["LBDTC"].tolist() == ["" if rule else dtc]
    assert found["RULE"].tolist() == [rule] * bool(rule)


def test_a_date_of_birth_is_in_no_message() -> None:
    dm = pd.DataFrame({"USUBJID": ["01", "02"], "BRTHDTC": ["2030-05-04", "0001-05-04"]})
    _, found = without_later({"DM": dm}, LIMIT, "x")
    assert sorted(found["USUBJID"]) == ["01", "02"] and set(found["VALUE"]) == {""}
    assert not found["MESSAGE"].str.contains("05-04").any()


def test_trial_design_and_frames_without_late_dates_are_the_same_objects() -> None:
    ts, lb = pd.DataFrame({"TSDTC": ["2031-01-01"]}), pd.DataFrame({"USUBJID": ["01"], "LBDTC": ["2024-01-01"]})
    made, found = without_later({"TS": ts, "LB": lb}, LIMIT, "x")
    assert made["TS"] is ts and made["LB"] is lb and not len(found)


def frames() -> dict[str, pd.DataFrame]:
    dm = {"USUBJID": "01", "STUDYID": "S", "RFICDTC": "2019-12-20", "RFSTDTC": "2020-01-01", "DTHFL": "", "DTHDTC": ""}
    ex = pd.DataFrame({"USUBJID": "01", "EXSEQ": [1.0, 2.0], "EXTRT": "D", "EXSTDTC": ["2020-01-01", "2031-01-02"]})
    return {"DM": pd.DataFrame([dm]), "EX": ex.assign(EXENDTC=ex["EXSTDTC"])}


@pytest.mark.parametrize(
    ("study", "why"),
    [
        (Study(id="s", studyid="S", title="S"), "the day of the run"),
        (Study(id="s", studyid="S", title="S", clock=Clock(latest="2020-06-30")), "[clock] latest"),
    ],
)
def test_a_dose_typed_into_the_wrong_year_is_no_contact(study: Study, why: str) -> None:
    made = build_adam(frames(), study)
    adsl = made.frames["ADSL"].iloc[0]
    assert (adsl["LSTALVDT"], adsl["TRTEDT"]) == (pd.Timestamp("2020-01-01"),) * 2
    late = made.findings[made.findings["RULE"] == "date in the future"]
    assert late["VARIABLE"].tolist() == ["EXSTDTC", "EXENDTC"]
    assert late["MESSAGE"].str.contains(why, regex=False).all()


def test_a_death_in_the_future_is_a_death_on_an_unknown_day() -> None:
    given = frames()
    given["DM"] = given["DM"].assign(DTHDTC="2031-05-01", DTHFL="Y")
    made = build_adam(given, Study(id="s", studyid="S", title="S"))
    tte = made.frames["ADTTE"].set_index("PARAMCD")
    assert (tte.loc["OS", "CNSR"], tte.loc["OS", "EVNTDESC"]) == (9, "Death, Date Unknown")
    assert {"date in the future", "death without a date"} <= set(made.findings["RULE"])


# What the data state of their newest update | dates that count as unknown, the last day and what says so
@pytest.mark.parametrize(
    ("stated", "late", "day", "why"),
    [
        ("", 2, "2024-07-01", "the day of the run"),
        ("2020-06-01T00:00:00+00:00", 2, "2020-06-01", "the newest update that the data state"),
        ("2019-12-31T00:00:00+00:00", 5, "2019-12-31", "the newest update that the data state"),
        ("2031-06-01T00:00:00+00:00", 2, "2024-07-01", "the day of the run"),
    ],
)
def test_the_last_day_is_the_newest_update_but_not_after_today(
    monkeypatch: pytest.MonkeyPatch, stated: str, late: int, day: str, why: str
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1719792000")
    made = build_adam(frames(), Study(id="s", studyid="S", title="S"), stated=stated)
    assert (made.latest.day, made.latest.why, made.latest.dates, made.latest.subjects) == (day, why, late, 1)
    told = made.findings[made.findings["RULE"] == "last day of the data"]
    assert told["MESSAGE"].tolist() == [made.latest.in_words()] and day in made.latest.in_words()


def test_where_no_date_is_late_nothing_is_said_of_the_last_day() -> None:
    given = frames()
    given["EX"] = given["EX"].iloc[:1]
    made = build_adam(given, Study(id="s", studyid="S", title="S"))
    assert made.latest.in_words() == "" and "last day of the data" not in set(made.findings["RULE"])


def test_an_impossible_date_is_said_even_where_the_cut_off_leaves_its_record_out() -> None:
    made = build_adam(frames(), Study(id="s", studyid="S", title="S", cutoff="2020-12-31"))
    late = made.findings[made.findings["RULE"] == "date in the future"]
    assert late[["USUBJID", "VARIABLE"]].values.tolist() == [["01", "EXSTDTC"], ["01", "EXENDTC"]]


def test_what_the_cut_off_leaves_out_is_counted() -> None:
    study = Study(id="s", studyid="S", title="S", cutoff="2020-12-31")
    found = build_adam(frames(), study).findings
    said = found[found["RULE"] == "after the data cut-off"]["MESSAGE"].tolist()
    assert said == ["1 records began after the data cut-off 2020-12-31 and are left out."]
