"""ADRS and ADTR by hand: families by criteria, evaluators, flags, imputed dates, sources, bad input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fhir2cdisc.adam.response.adrs import check_adrs, derive_adrs
from fhir2cdisc.adam.response.response import ResponseOptions
from fhir2cdisc.adam.time_to_event.adtte import derive_adtte
from fhir2cdisc.adam.tumour.adtr import derive_adtr
from fhir2cdisc.adam.tumour.derived_rs import derived_rs
from fhir2cdisc.adam.tumour.recist import RecistOptions, timepoint_responses
from support.adam import OS, PFS

ADSL = pd.DataFrame(
    {
        "STUDYID": "S",
        "USUBJID": ["02", "01"],
        "TRTSDT": pd.to_datetime(["2024-01-01", "2024-01-01"]),
        "DTHDT": pd.to_datetime([None, "2024-12-01"]),
        "TRT01A": ["B", "A"],
    }
)


def rs(text: str) -> pd.DataFrame:
    """Lines of subject, visit number, date, response and, if need be, further NAME=value."""
    rows = []
    for n, line in enumerate(text.strip().splitlines(), start=1):
        subject, visit, date, call, *more = line.split()
        row = {"USUBJID": subject, "RSSEQ": float(n), "VISITNUM": float(visit), "VISIT": f"WEEK {visit}"}
        row |= {"RSDTC": date, "RSSTRESC": call, "RSTESTCD": "OVRLRESP", "RSEVAL": "INVESTIGATOR"}
        rows.append(row | {key: value.replace("_", " ") for key, value in (word.split("=") for word in more)})
    return pd.DataFrame(rows)


TU = pd.DataFrame(
    {
        "USUBJID": ["01", "01"],
        "TUSEQ": [7.0, 8.0],
        "TUTESTCD": "TUMIDENT",
        "TUSTRESC": ["NON-TARGET", "TARGET"],
        "TULNKID": ["NT1", "T1"],
        "TUEVAL": "INVESTIGATOR",
    }
)
COURSE = """
01 6  2024-02-12 SD
01 12 2024-03    PR
01 18 2024-05-06 PR
01 24 2024-06-17 PD
01 30 2024-07-29 SD
"""


def value(adrs: pd.DataFrame, code: str, subject: str = "01", column: str = "AVALC") -> object:
    rows = adrs[(code == adrs.PARAMCD) & (subject == adrs.USUBJID)]
    assert len(rows) == 1
    return rows.iloc[0][column]


def test_every_parameter_has_one_record_per_subject_with_its_source() -> None:
    adrs = derive_adrs(ADSL, rs(COURSE), TU, keep=["TRT01A"])
    once = adrs[adrs.PARAMCD != "OVR"]
    assert once.groupby("USUBJID").size().tolist() == [15, 15]
    assert not once.duplicated(["USUBJID", "PARAMCD"]).any()
    said = {code: value(adrs, code) for code in once.PARAMCD.unique()}
    assert said == {
        "BASETA": "Y",
        "BCP": "Y",
        "BOR": "PR",
        "CB": "Y",
        "CBCP": "Y",
        "CBOR": "PR",
        "CCB": "Y",
        "CDCR": "Y",
        "CRSP": "Y",
        "DCR": "Y",
        "DEATH": "Y",
        "LSTA": "PD",
        "MDIS": "Y",
        "PD": "Y",
        "RSP": "Y",
    }
    best = adrs[(adrs.PARAMCD == "BOR") & (adrs.USUBJID == "01")].iloc[0]
    # The day of 2024-03 is imputed: the last of the month, with its flag; the source is that RS record.
    assert (str(best.ADT.date()), best.ADTF, best.AVISIT, best.ADY) == ("2024-03-31", "D", "WEEK 12", 91.0)
    assert (best.SRCDOM, best.SRCVAR, best.SRCSEQ, best.AVAL) == ("RS", "RSSTRESC", 2.0, 2.0)
    assert (value(adrs, "MDIS", column="SRCDOM"), value(adrs, "MDIS", column="SRCSEQ")) == ("TU", 8.0)
    assert value(adrs, "BASETA", column="SRCSEQ") == 7.0
    assert value(adrs, "DEATH", column="SRCVAR") == "DTHDT"
    assert [value(adrs, code, "02") for code in ("BOR", "PD", "MDIS", "BASETA")] == ["MISSING", "N", "N", "N"]
    assert value(adrs, "BOR", "02", "SRCDOM") == ""
    assert adrs.TRT01A.tolist() == ["A"] * 20 + ["B"] * 15
    assert adrs.USUBJID.is_monotonic_increasing


def test_flags_mark_the_worst_of_a_day_and_the_records_up_to_progression() -> None:
    double = COURSE.replace("01 30", "01 24 2024-06-17 SD\n01 30")
    adrs = derive_adrs(ADSL, rs("01 0 2023-12-20 PR" + double), TU)
    ovr = adrs[adrs.PARAMCD == "OVR"]
    assert ovr[["AVALC", "ANL01FL", "ANL02FL"]].values.tolist() == [
        ["PR", "", "Y"],  # before the reference date
        ["SD", "Y", "Y"],
        ["PR", "Y", "Y"],
        ["PR", "Y", "Y"],
        ["PD", "Y", "Y"],
        ["SD", "", "Y"],  # the same day as the PD, which is worse
        ["SD", "Y", ""],
    ]


def test_new_therapy_ends_the_window_of_the_parameters_but_not_the_records() -> None:
    treated = ADSL.assign(NACTDT=pd.to_datetime([None, "2024-03-15"]))
    adrs = derive_adrs(treated, rs(COURSE), TU)
    assert [value(adrs, code) for code in ("BOR", "PD", "LSTA")] == ["SD", "N", "SD"]
    assert (adrs.PARAMCD == "OVR").sum() == 5
    assert value(derive_adrs(treated, rs(COURSE), TU, ResponseOptions.admiralonco()), "BOR") == "PR"


def test_criteria_make_families_of_their_own_that_do_not_mix() -> None:
    immune = COURSE.replace("PD", "iUPD").replace("SD", "iSD").replace("PR", "iPR")
    immune = "\n".join(f"{line} RSCAT=iRECIST" for line in immune.strip().splitlines())
    viable = "01 6 2024-02-12 CR RSCAT=MRECIST_LENCIONI_LIVER_CANCER_2010"
    records = pd.concat([rs(COURSE), rs(immune), rs(viable)])
    families = [ResponseOptions(criteria=name) for name in ("RECIST 1.1", "iRECIST", "mRECIST")]
    adrs = derive_adrs(ADSL, records, TU, families)
    assert [value(adrs, code) for code in ("BOR", "IBOR", "MBOR")] == ["PR", "iPR", "CR"]
    assert [value(adrs, code) for code in ("PD", "IPD", "IUPD", "ICPD", "MPD")] == ["Y", "N", "Y", "N", "N"]
    assert (adrs.PARAMCD == "DEATH").sum() == 2
    assert set(adrs.PARCAT3[adrs.PARAMCD == "IBOR"]) == {"iRECIST"}
    assert value(adrs, "ICBOR", column="PARAM") == "Best Confirmed Overall Response by Investigator per iRECIST"


def test_evaluators_and_readers_are_told_apart() -> None:
    readers = """
    01 6 2024-02-12 PR RSEVAL=INDEPENDENT_ASSESSOR RSEVALID=READER_1
    01 6 2024-02-12 SD RSEVAL=INDEPENDENT_ASSESSOR RSEVALID=READER_2 RSACPTFL=Y
    """
    records = pd.concat([rs(COURSE), rs(readers)])
    independent = ResponseOptions(evaluator="INDEPENDENT ASSESSOR")
    assert value(derive_adrs(ADSL, records, TU, independent), "BOR") == "SD"  # the accepted reading
    first = replace(independent, evaluator_id="READER 1")
    assert value(derive_adrs(ADSL, records, TU, first), "BOR") == "PR"
    both = derive_adrs(ADSL, records, TU, [ResponseOptions(), independent])
    assert sorted(both[(both.PARAMCD == "BOR") & (both.USUBJID == "01")].PARCAT2) == [
        "Independent Assessor",
        "Investigator",
    ]
    blank = rs(COURSE).drop(columns="RSEVAL")
    assert value(derive_adrs(ADSL, blank, TU), "BOR") == "PR"


def test_an_unknown_response_is_a_finding_and_the_others_go_on() -> None:
    odd = rs(COURSE.replace("2024-05-06 PR", "2024-05-06 CHECK").replace("2024-06-17", "2024"))
    assert check_adrs(ADSL, odd)[["USUBJID", "RULE", "VALUE"]].values.tolist() == [
        ["01", "response without date", "PD"],
        ["01", "unknown response", "CHECK"],
    ]
    adrs = derive_adrs(ADSL, odd, TU)
    unknown = adrs[adrs.AVALC == "CHECK"].iloc[0]
    assert np.isnan(unknown.AVAL)
    assert unknown.ANL01FL == ""
    assert value(adrs, "PD") == "N"


def test_without_records_every_subject_still_has_its_parameters() -> None:
    adrs = derive_adrs(ADSL, pd.DataFrame(), pd.DataFrame())
    assert adrs.groupby("USUBJID").size().tolist() == [14, 14]  # no BASETA: TU cannot tell
    assert set(adrs.AVALC[adrs.PARAMCD == "BOR"]) == {"MISSING"}
    assert derive_adrs(ADSL.iloc[:0], rs(COURSE), TU).empty
    found = derive_adtte(ADSL, {"ADRS": adrs}, [OS, PFS])
    assert found.CNSR.tolist() == [0.0, 4.0, 3.0, 3.0]


TR = pd.DataFrame(
    {
        "USUBJID": "01",
        "TRSEQ": np.arange(1.0, 7.0),
        "TRLNKID": ["T1", "T1", "T1", "T1", "T1", "T1"],
        "TRTESTCD": ["LDIAM", "LDIAM", "LDIAM", "LDIAM", "LDIAM", "LPERP"],
        "TRORRES": ["40", "30", "30", "33", "37", "20"],
        "TRORRESU": "mm",
        "TREVAL": "INVESTIGATOR",
        "VISITNUM": [0.0, 6.0, 12.0, 18.0, 24.0, 0.0],
        "VISIT": ["SCREENING", "WEEK 6", "WEEK 12", "WEEK 18", "WEEK 24", "SCREENING"],
        "TRDTC": ["2023-12-20", "2024-02-12", "2024-03-25", "2024-05-06", "2024-06-17", "2023-12-20"],
    }
)


def test_the_sum_of_diameters_has_baseline_nadir_changes_and_one_best_record() -> None:
    adtr = derive_adtr(ADSL, TU[TU.TUSTRESC == "TARGET"], TR, keep=["TRT01A"])
    sums = adtr[adtr.PARAMCD == "SDIAM"]
    assert sums.AVAL.tolist() == [40.0, 30.0, 30.0, 33.0, 37.0]
    assert sums.NADIR.fillna(-1).tolist() == [-1.0, 40.0, 30.0, 30.0, 30.0]
    assert sums.CHGNAD.fillna(0).tolist() == [0.0, -10.0, 0.0, 3.0, 7.0]
    assert sums.PCHG.tolist() == [0.0, -25.0, -25.0, -17.5, -7.5]
    assert sums.ABLFL.tolist() == ["Y", "", "", "", ""]
    assert sums.ANL02FL.tolist() == ["", "Y", "", "", ""]  # the first of equal best changes
    assert sums.PDFL.tolist() == ["", "", "", "", "Y"]  # 37 is 23% and 7 mm over 30
    assert sums.ANL03FL.tolist() == ["Y", "Y", "Y", "Y", ""]
    assert sums.AVISIT.tolist()[0] == "BASELINE"
    assert sums.ADY.tolist()[:2] == [-12.0, 43.0]
    assert set(adtr.TRT01A) == {"A"}
    assert adtr[adtr.PARAMCD == "NLDIAM1"].AVAL.tolist() == [20.0]
    assert adtr[adtr.PARAMCD == "LDIAM1"][["BASE", "CHG"]].values.tolist()[-1] == [40.0, -3.0]
    assert adtr.ASEQ.tolist() == [float(n) for n in range(1, 12)]


def test_derived_responses_are_analysed_beside_the_collected_ones() -> None:
    targets = TU[TU.TUSTRESC == "TARGET"]
    collected = rs("01 6 2024-02-12 PR\n01 24 2024-06-17 SD")
    derived = derived_rs(timepoint_responses(targets, TR, adsl=ADSL), collected)
    records = pd.concat([collected, derived])
    own = ResponseOptions()
    by_lesions = ResponseOptions(evaluator="ALGORITHM", evaluator_id="INVESTIGATOR")
    assert [value(derive_adrs(ADSL, records, targets, own), c) for c in ("BOR", "PD")] == ["PR", "N"]
    assert [value(derive_adrs(ADSL, records, targets, by_lesions), c) for c in ("BOR", "PD", "MDIS")] == [
        "SD",
        "Y",
        "Y",
    ]


@pytest.mark.parametrize("criteria", ["RECIST 1.1", "iRECIST", "mRECIST"])
def test_nothing_measured_gives_an_empty_frame_with_all_columns(criteria: str) -> None:
    empty = derive_adtr(ADSL, TU, TR.iloc[:0], RecistOptions(criteria=criteria))
    assert empty.empty
    assert "PCHGNAD" in empty.columns
    assert derive_adtr(ADSL, pd.DataFrame(), pd.DataFrame(), RecistOptions(criteria=criteria)).empty
