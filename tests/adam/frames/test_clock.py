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


def test_what_the_cut_off_leaves_out_is_counted() -> None:
    study = Study(id="s", studyid="S", title="S", cutoff="2020-12-31")
    found = build_adam(frames(), study).findings
    said = found[found["RULE"] == "after the data cut-off"]["MESSAGE"].tolist()
    assert said == ["1 records began after the data cut-off 2020-12-31 and are left out."]
