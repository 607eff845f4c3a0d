"""Responses derived from lesions stand beside the collected ones, with their lineage and what disagrees."""

from __future__ import annotations

import pandas as pd
import pytest
from fhir2cdisc.adam.build import study_lesions
from fhir2cdisc.converters.run.derived_rs import RULE, add_derived_responses
from fhir2cdisc.mappings.standard.datasets import sdtm_datasets
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.sdtm.assemble import Sdtm
from fhir2cdisc.sdtm.lineage import LINEAGE_COLUMNS

STUDY = Study(id="plain", studyid="PLAIN", title="Plain")
DM = pd.DataFrame(
    {
        "STUDYID": ["PLAIN"],
        "USUBJID": ["01"],
        "RFSTDTC": ["2024-03-01"],
        "RFICDTC": ["2024-02-20"],
        "RFXSTDTC": ["2024-03-01"],
        "RFXENDTC": ["2024-06-01"],
        "RFPENDTC": [""],
    }
)
# One target lesion: 20 mm at baseline; 30 mm at week 8 is +50% and +10 mm, so PD (RECIST 1.1, section 4.3.1).
VISITS = [(0.0, "SCREENING", "2024-02-25", 20.0), (1.0, "WEEK 8", "2024-04-26", 30.0)]


def add(sdtm: Sdtm, study: Study) -> pd.DataFrame:
    return add_derived_responses(sdtm, study, study_lesions(sdtm.frames, study))


def lesions(reader: str = "") -> tuple[pd.DataFrame, pd.DataFrame]:
    base = {"STUDYID": "PLAIN", "USUBJID": "01", "VISITNUM": 0.0, "VISIT": "SCREENING"}
    tu = pd.DataFrame(
        [
            {
                **base,
                "DOMAIN": "TU",
                "TUSEQ": 1.0,
                "TULNKID": "T01",
                "TUTESTCD": "TUMIDENT",
                "TUSTRESC": "TARGET",
                "TUORRES": "TARGET",
                "TULOC": "LIVER",
                "TUEVAL": "INVESTIGATOR",
                "TUEVALID": reader,
                "TUDTC": "2024-02-25",
            }
        ]
    )
    tr = pd.DataFrame(
        [
            {
                **base,
                "DOMAIN": "TR",
                "TRSEQ": n + 1.0,
                "TRLNKID": "T01",
                "TRTESTCD": "LDIAM",
                "TRSTRESC": f"{size:g}",
                "TRSTRESN": size,
                "TRSTRESU": "mm",
                "TREVAL": "INVESTIGATOR",
                "TREVALID": reader,
                "TRDTC": when,
                "VISITNUM": number,
                "VISIT": visit,
            }
            for n, (number, visit, when, size) in enumerate(VISITS)
        ]
    )
    return tu, tr


def collected(call: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "STUDYID": ["PLAIN"],
            "DOMAIN": ["RS"],
            "USUBJID": ["01"],
            "RSSEQ": [5.0],
            "RSTESTCD": ["OVRLRESP"],
            "RSTEST": ["Overall Response"],
            "RSCAT": ["RECIST 1.1"],
            "RSORRES": [call],
            "RSSTRESC": [call],
            "RSEVAL": ["INVESTIGATOR"],
            "RSEVALID": [""],
            "VISITNUM": [1.0],
            "VISIT": ["WEEK 8"],
            "RSDTC": ["2024-04-26"],
        }
    )


def source(dataset: str, seq: int, resource: str, role: str = "source") -> list[object]:
    return [dataset, "01", seq, role, "a.json", 0, seq, resource, f"{dataset.lower()}{seq}", "", f"{dataset}/x"]


def sdtm(rs: pd.DataFrame | None, reader: str = "") -> Sdtm:
    tu, tr = lesions(reader)
    frames = {"DM": DM, "TU": tu, "TR": tr, **({"RS": rs} if rs is not None else {})}
    rows = [source("TR", 1, "Observation"), source("TR", 2, "Observation"), source("TR", 2, "Encounter", "support")]
    return Sdtm(frames, pd.DataFrame(rows, columns=LINEAGE_COLUMNS))


def derived(made: Sdtm) -> pd.DataFrame:
    rs = made.frames["RS"]
    return rs[(rs["RSEVAL"] == "ALGORITHM") & (rs["RSDTC"] == "2024-04-26")].set_index("RSTESTCD")


@pytest.mark.parametrize("reader", ["", "READER 1"])
def test_derived_records_say_that_they_are_and_of_whose_lesions(reader: str) -> None:
    made = sdtm(None, reader)
    assert len(add(made, STUDY)) == 0  # nothing collected, so nothing disagrees
    rows = derived(made)
    assert rows["RSSTRESC"].to_dict() == {"NEWLIND": "N", "OVRLRESP": "PD", "TRGRESP": "PD"}
    assert set(rows["RSEVALID"]) == {"INVESTIGATOR READER 1" if reader else "INVESTIGATOR"}
    assert set(rows["RSMETHOD"]) == {"DERIVED FROM TU AND TR BY RECIST 1.1"}
    assert set(rows["RSDY"]) == {57.0} and set(rows["EPOCH"]) == {"TREATMENT"}  # 1 March to 26 April: 56 days later
    assert list(made.frames["RS"]) == [n for n in sdtm_datasets()["RS"].names if n in made.frames["RS"]]


def test_their_lineage_is_the_measurements_of_their_visit() -> None:
    made = sdtm(None)
    add(made, STUDY)
    numbers = derived(made)["RSSEQ"]
    mine = made.lineage[(made.lineage["DATASET"] == "RS") & made.lineage["SEQ"].isin(numbers)]
    assert sorted(mine["SEQ"]) == sorted(numbers)
    assert mine[["ROLE", "RESOURCE", "ID", "RULE"]].drop_duplicates().values.tolist() == [
        ["support", "Observation", "tr2", RULE]
    ]
    assert list(made.lineage.columns) == LINEAGE_COLUMNS
    assert made.lineage["SEQ"].dtype == "int64"


@pytest.mark.parametrize(("call", "conflicts"), [("PD", []), ("SD", ["OVRLRESP"]), ("NE", ["OVRLRESP"])])
def test_a_collected_response_is_never_changed_and_a_different_one_is_a_finding(
    call: str, conflicts: list[str]
) -> None:
    given = collected(call)
    made = sdtm(given.copy())
    found = add(made, STUDY)
    assert [row.VALUE for row in found.itertuples()] == [call for _ in conflicts]
    assert all("is " + call in message and "PD" in message for message in found.get("MESSAGE", []))
    kept = made.frames["RS"][made.frames["RS"]["RSEVAL"] == "INVESTIGATOR"].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept[list(given)], given, check_like=True)
    assert made.frames["RS"]["RSSEQ"].is_unique and made.frames["RS"]["RSSEQ"].min() == 5


IMMUNE = STUDY.model_copy(update={"response": STUDY.response.model_copy(update={"sensitivity": ("iRECIST",)})})


def test_the_lesions_are_judged_by_the_criteria_of_sensitivity_analyses_too() -> None:
    """+50% is PD by RECIST 1.1; by iRECIST it is iUPD until a later scan confirms it."""
    made = sdtm(collected("PD"))
    assert len(add(made, IMMUNE)) == 0
    rs = made.frames["RS"]
    rows = rs[rs["RSTESTCD"] == "OVRLRESP"]
    assert rows[["RSEVAL", "RSCAT", "RSSTRESC", "RSMETHOD"]].fillna("").values.tolist() == [
        ["ALGORITHM", "RECIST 1.1", "PD", "DERIVED FROM TU AND TR BY RECIST 1.1"],
        ["INVESTIGATOR", "RECIST 1.1", "PD", ""],
        ["ALGORITHM", "iRECIST", "iUPD", "DERIVED FROM TU AND TR BY IRECIST"],
    ]
    assert rs["RSSEQ"].is_unique
    immune = rs.loc[rs["RSCAT"] == "iRECIST", "RSSEQ"]
    mine = made.lineage[(made.lineage["DATASET"] == "RS") & made.lineage["SEQ"].isin(immune)]
    assert sorted(mine["SEQ"]) == sorted(immune) and set(mine["ID"]) == {"tr2"}


def test_a_collected_response_is_compared_with_its_own_criteria() -> None:
    """iCPD at the first progression was collected; the lesions give iUPD by iRECIST, and say nothing else."""
    immune = collected("iCPD").assign(RSCAT="iRECIST", RSSEQ=6.0)
    made = sdtm(pd.concat([collected("PD"), immune], ignore_index=True))
    found = add(made, IMMUNE)
    assert found["MESSAGE"].str.slice(0, 78).tolist() == [
        "OVRLRESP of 2024-04-26 by INVESTIGATOR is iCPD; the lesions give iUPD (+50% an"
    ]


def test_without_lesions_nothing_happens() -> None:
    for missing in ("TU", "TR"):
        made = sdtm(collected("SD"))
        del made.frames[missing]
        before = made.frames["RS"].copy()
        assert len(add(made, STUDY)) == 0
        pd.testing.assert_frame_equal(made.frames["RS"], before)
        assert len(made.lineage) == 3


def test_baseline_alone_gives_no_response() -> None:
    made = sdtm(None)
    made.frames["TR"] = made.frames["TR"].iloc[:1]
    add(made, STUDY)
    assert "OVRLRESP" not in set(made.frames.get("RS", pd.DataFrame({"RSTESTCD": []}))["RSTESTCD"])
