"""Two independent readers of one subject are two courses: never mixed in responses, sums, lesions or conflicts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fhir2cdisc.adam.criteria import is_whose, of_one_reader
from fhir2cdisc.adam.plan import adsl_options
from fhir2cdisc.adam.response.adrs import check_adrs, derive_adrs
from fhir2cdisc.adam.response.options import ResponseOptions
from fhir2cdisc.adam.subject.disease import resistance
from fhir2cdisc.adam.tumour.adtr import derive_adtr
from fhir2cdisc.adam.tumour.derived_rs import derived_rs, response_conflicts
from fhir2cdisc.adam.tumour.recist import timepoint_responses
from fhir2cdisc.mappings.study import Study

R1, R2 = "RADIOLOGIST 1", "RADIOLOGIST 2"
ADSL = pd.DataFrame({"STUDYID": "S", "USUBJID": ["01"], "TRTSDT": pd.to_datetime(["2024-01-01"])})
INDEPENDENT = ResponseOptions(evaluator="INDEPENDENT ASSESSOR")
# Both readers measure T01 at the same three scans. Reader 1: 40, 28, 28 mm, that is -30% (PR) twice.
# Reader 2: 40, 36, 44 mm: -10% is SD, and 44 is 8 mm and 22% above the nadir of 36, PD.
SIZES = {R1: (40.0, 28.0, 28.0), R2: (40.0, 36.0, 44.0)}
DATES = ("2023-12-20", "2024-02-26", "2024-04-22")


def records(domain: str, rows: list[dict[str, object]]) -> pd.DataFrame:
    base = {"STUDYID": "S", "USUBJID": "01", f"{domain}EVAL": "INDEPENDENT ASSESSOR"}
    return pd.DataFrame([{**base, f"{domain}SEQ": float(n), **row} for n, row in enumerate(rows, 1)])


TU = records("TU", [{"TUEVALID": who, "TULNKID": "T01", "TUTESTCD": "TUMIDENT", "TUSTRESC": "TARGET"} for who in SIZES])
TR = records(
    "TR",
    [
        {
            "TREVALID": who,
            "TRLNKID": "T01",
            "TRTESTCD": "LDIAM",
            "TRSTRESC": f"{size:g}",
            "TRSTRESU": "mm",
            "VISITNUM": float(n),
            "VISIT": f"SCAN {n}",
            "TRDTC": DATES[n],
        }
        for who, sizes in SIZES.items()
        for n, size in enumerate(sizes)
    ],
)


def collected(**calls: tuple[str, str]) -> pd.DataFrame:
    """Overall responses of the two later scans by reader: `R1=("PR", "PR")`."""
    names = {"R1": R1, "R2": R2, "R10": "RADIOLOGIST 10", "nobody": ""}
    rows = [
        {
            "RSEVALID": names[who],
            "RSTESTCD": "OVRLRESP",
            "RSCAT": "RECIST 1.1",
            "RSSTRESC": call,
            "VISITNUM": float(n),
            "VISIT": f"SCAN {n}",
            "RSDTC": DATES[n],
        }
        for who, both in calls.items()
        for n, call in enumerate(both, 1)
    ]
    return records("RS", rows)


def best(adrs: pd.DataFrame, code: str = "BOR") -> str:
    return str(adrs.loc[code == adrs.PARAMCD, "AVALC"].squeeze())


@pytest.mark.parametrize(("reader", "bor", "pd_"), [(R1, "PR", "N"), (R2, "SD", "Y"), ("", "PR", "N")])
def test_a_reader_is_analysed_alone_and_without_a_name_the_first_one_is(reader: str, bor: str, pd_: str) -> None:
    rs = collected(R2=("SD", "PD"), R1=("PR", "PR"))
    adrs = derive_adrs(ADSL, rs, TU, replace(INDEPENDENT, evaluator_id=reader))
    assert (best(adrs), best(adrs, "PD"), best(adrs, "MDIS")) == (bor, pd_, "Y")
    assert (adrs.PARAMCD == "OVR").sum() == 2
    said = f"Independent Assessor {reader.title()}".strip()
    assert set(adrs.PARCAT2[adrs.PARAMCD == "BOR"]) == {said}
    assert f"by {said} " in adrs.loc[adrs.PARAMCD == "BOR", "PARAM"].iloc[0]


def test_both_readers_side_by_side_in_the_order_of_the_keys() -> None:
    rs = collected(R1=("PR", "PR"), R2=("SD", "PD"))
    both = derive_adrs(ADSL, rs, TU, [replace(INDEPENDENT, evaluator_id=who) for who in (R2, R1)])
    rows = both[both.PARAMCD == "BOR"]
    assert rows[["PARCAT2", "AVALC"]].values.tolist() == [
        ["Independent Assessor Radiologist 1", "PR"],
        ["Independent Assessor Radiologist 2", "SD"],
    ]
    assert both.PARAMCD.is_monotonic_increasing


def test_that_nothing_says_which_reader_counts_is_a_finding() -> None:
    rs = collected(R2=("SD", "PD"), R1=("PR", "PR"))
    found = check_adrs(ADSL, rs, INDEPENDENT)
    assert found[["USUBJID", "RULE", "SEVERITY", "VALUE"]].values.tolist() == [["01", "several readers", "WARNING", R1]]
    assert "RADIOLOGIST 1, RADIOLOGIST 2" in found.MESSAGE[0] and "those of RADIOLOGIST 1 count" in found.MESSAGE[0]
    for told in (replace(INDEPENDENT, evaluator_id=R2), ResponseOptions()):
        assert len(check_adrs(ADSL, rs, told)) == 0
    accepted = rs.assign(RSACPTFL=np.where(rs.RSEVALID == R2, "Y", ""))
    assert len(check_adrs(ADSL, accepted, INDEPENDENT)) == 0
    assert best(derive_adrs(ADSL, accepted, TU, INDEPENDENT)) == "SD"
    assert len(check_adrs(ADSL, collected(R1=("PR", "PR")), INDEPENDENT)) == 0


@pytest.mark.parametrize(
    ("calls", "bor"),
    [
        ({"R10": ("CR", "CR"), "R2": ("SD", "SD")}, "SD"),  # 2 comes before 10
        ({"nobody": ("CR", "CR"), "R2": ("SD", "SD")}, "SD"),  # who is not named comes last
        ({"nobody": ("CR", "CR")}, "CR"),
    ],
)
def test_which_reader_is_the_first(calls: dict[str, tuple[str, str]], bor: str) -> None:
    assert best(derive_adrs(ADSL, collected(**calls), TU, INDEPENDENT)) == bor


def test_each_subject_has_its_own_first_reader() -> None:
    subject = np.array(["a", "a", "b", "c", "c"], dtype=object)
    reader = np.array([R2, R1, R2, "", R2], dtype=object)
    assert of_one_reader(subject, reader).tolist() == [False, True, True, False, True]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("INVESTIGATOR", ["INVESTIGATOR", "INVESTIGATOR ONCOLOGIST 2", ""]),
        ("INDEPENDENT ASSESSOR", ["INDEPENDENT ASSESSOR RADIOLOGIST 1", "INDEPENDENT ASSESSOR RADIOLOGIST 10"]),
        ("INDEPENDENT ASSESSOR RADIOLOGIST 1", ["INDEPENDENT ASSESSOR RADIOLOGIST 1"]),
    ],
)
def test_whose_lesions_a_response_was_derived_from(wanted: str, expected: list[str]) -> None:
    names = ["INVESTIGATOR", "INVESTIGATOR ONCOLOGIST 2", "", "INDEPENDENT ASSESSOR RADIOLOGIST 1"]
    names = np.array([*names, "INDEPENDENT ASSESSOR RADIOLOGIST 10"], dtype=object)
    assert names[is_whose(names, wanted)].tolist() == expected


def test_responses_derived_from_lesions_are_those_of_each_reader() -> None:
    points = timepoint_responses(TU, TR, adsl=ADSL)
    assert points[["EVALID", "OVRLRESP"]].values.tolist() == [[R1, "PR"], [R1, "PR"], [R2, "SD"], [R2, "PD"]]
    rs = derived_rs(points)
    for reader, bor in ((R1, "PR"), (R2, "SD")):
        own = ResponseOptions(evaluator="ALGORITHM", evaluator_id=f"INDEPENDENT ASSESSOR {reader}")
        adrs = derive_adrs(ADSL, rs, TU, own)
        assert best(adrs) == bor
        said = f"Algorithm from Lesions of Independent Assessor {reader.title()}"
        assert set(adrs.PARCAT2[adrs.PARAMCD == "BOR"]) == {said}


def test_a_collected_response_is_compared_with_the_lesions_of_its_own_reader() -> None:
    """Reader 2 is right about its own lesions at both scans; reader 1 calls PD what its lesions call PR."""
    rs = collected(R1=("PR", "PD"), R2=("SD", "PD"))
    found = response_conflicts(rs, timepoint_responses(TU, TR, adsl=ADSL))
    assert found[["RSEVALID", "VISITNUM", "COLLECTED", "DERIVED"]].values.tolist() == [[R1, 2.0, "PD", "PR"]]


@pytest.mark.parametrize(("reader", "sizes"), [(R1, SIZES[R1]), (R2, SIZES[R2]), ("", SIZES[R1])])
def test_sums_are_those_of_one_reader(reader: str, sizes: tuple[float, ...]) -> None:
    adtr = derive_adtr(ADSL, TU, TR, evaluator="INDEPENDENT ASSESSOR", evaluator_id=reader)
    sums = adtr[adtr.PARAMCD == "SDIAM"]
    assert tuple(sums.AVAL) == sizes
    assert set(sums.PARCAT2) == {f"Independent Assessor {reader.title()}".strip()}


def test_lesions_that_nobody_is_named_for_are_every_readers() -> None:
    unnamed = TU.iloc[:1].assign(TUEVALID="", TULOC="LYMPH NODE")
    adtr = derive_adtr(ADSL, unnamed, TR, evaluator="INDEPENDENT ASSESSOR", evaluator_id=R2)
    assert set(adtr.TULOC[adtr.PARAMCD == "LDIAM1"]) == {"LYMPH NODE"}


@pytest.mark.parametrize(("reader", "dates"), [(R1, []), (R2, ["2024-04-22"]), ("", [])])
def test_a_therapy_failed_by_the_reader_who_counts(reader: str, dates: list[str]) -> None:
    said = {"evaluator": "INDEPENDENT ASSESSOR", "evaluator_id": reader}
    study = Study.model_validate({"id": "s", "studyid": "S", "title": "S", "response": said})
    found = resistance({"RS": collected(R1=("PR", "PR"), R2=("SD", "PD"))}, adsl_options(study))
    assert found["ADT"].dt.strftime("%Y-%m-%d").tolist() == dates
