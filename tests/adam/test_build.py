"""Which datasets are made of which data, that nothing after the cut is seen, and where each record came from."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from fhir2cdisc.adam.build import build_adam
from fhir2cdisc.adam.lineage import adam_lineage
from fhir2cdisc.mappings.study import Study, load_study

PLAIN = Study(id="plain", studyid="PLAIN", title="Plain")


def rows(domain: str, *records: dict[str, Any]) -> pd.DataFrame:
    base = {"STUDYID": "PLAIN", "DOMAIN": domain, "USUBJID": "01"}
    made = [{**base, f"{domain}SEQ": float(n), **record} for n, record in enumerate(records, start=1)]
    return pd.DataFrame(made).drop(columns=["DMSEQ"], errors="ignore")


DM = rows("DM", {"RFSTDTC": "2024-03-01", "RFXSTDTC": "2024-03-01", "RFICDTC": "2024-02-20", "ARM": "A", "ACTARM": "A"})
EX = rows("EX", {"EXTRT": "DRUG", "EXSTDTC": "2024-03-01", "EXENDTC": "2024-06-01"})
RS = rows(
    "RS",
    {"RSDTC": "2024-04-26", "RSSTRESC": "SD", "VISITNUM": 1.0, "VISIT": "WEEK 8"},
    {"RSDTC": "2024-06-21", "RSSTRESC": "PD", "VISITNUM": 2.0, "VISIT": "WEEK 16"},
).assign(RSTESTCD="OVRLRESP", RSCAT="RECIST 1.1", RSEVAL="INVESTIGATOR", RSEVALID="")
AE = rows("AE", {"AETERM": "Nausea", "AEDECOD": "Nausea", "AESTDTC": "2024-03-05", "AESER": "N", "AETOXGR": "2"})
TU = rows("TU", {"TULNKID": "T01", "TUSTRESC": "TARGET", "TUDTC": "2024-02-25"}).assign(
    TUTESTCD="TUMIDENT", TULOC="LIVER", TUEVAL="INVESTIGATOR", VISITNUM=0.0, VISIT="SCREENING"
)
TR = rows("TR", {"TRLNKID": "T01", "TRSTRESN": 20.0, "TRDTC": "2024-02-25"}).assign(
    TRTESTCD="LDIAM", TRSTRESU="mm", TRSTRESC="20", TREVAL="INVESTIGATOR", VISITNUM=0.0, VISIT="SCREENING"
)
QS = rows("QS", {"QSTESTCD": "X", "QSTEST": "X", "QSCAT": "FORM", "QSDTC": "2024-03-01", "QSSTRESN": 1.0})
ECOG = rows("RS", {"RSDTC": "2024-02-25", "RSSTRESN": 1.0, "RSSTRESC": "1", "RSTESTCD": "ECOG101", "RSCAT": "ECOG"})


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ({}, ["ADSL", "ADTTE"]),
        ({"EX": EX, "AE": AE.iloc[:0]}, ["ADSL", "ADTTE"]),
        ({"EX": EX, "RS": ECOG}, ["ADQS", "ADSL", "ADTTE"]),
        ({"EX": EX, "TU": TU}, ["ADSL", "ADTTE"]),  # lesions without measurements
        ({"EX": EX, "RS": RS, "TU": TU, "TR": TR, "AE": AE}, ["ADAE", "ADRS", "ADSL", "ADTR", "ADTTE"]),
    ],
    ids=lambda value: "+".join(value) or "DM",
)
def test_which_datasets_the_data_give(frames: dict[str, pd.DataFrame], expected: list[str]) -> None:
    made = build_adam({"DM": DM, **frames}, PLAIN)
    assert list(made.frames) == expected
    for name, dataset in made.datasets.items():
        assert list(dataset.names) == [c for c in made.frames[name] if c in dataset], name
        unlabelled = [v.name for v in dataset.variables if not v.label or len(v.label) > 40]
        assert unlabelled == [], name


def outcome(made: dict[str, pd.DataFrame], code: str) -> tuple[str, float, str]:
    tte = made["ADTTE"]
    row = tte[tte["PARAMCD"] == code].iloc[0]
    return f"{row['ADT']:%Y-%m-%d}", row["CNSR"], row["SRCDOM"]


# Cut-off | date and CNSR of survival, of progression-free survival (0 event, 1 ongoing)
CUTS = [
    ("", ("2024-08-01", 0), ("2024-06-21", 0)),
    ("2024-08-01", ("2024-08-01", 0), ("2024-06-21", 0)),
    ("2024-07-31", ("2024-06-21", 1), ("2024-06-21", 0)),  # death not yet known: last alive at the last scan
    ("2024-06-20", ("2024-06-01", 1), ("2024-04-26", 1)),  # nor the progression; last dose on 1 June
]


@pytest.mark.parametrize(("cutoff", "survival", "progression"), CUTS)
def test_nothing_after_the_cut_is_seen(cutoff: str, survival: tuple[str, int], progression: tuple[str, int]) -> None:
    frames = {"DM": DM.assign(DTHDTC="2024-08-01", DTHFL="Y"), "EX": EX, "RS": RS}
    made = build_adam(frames, PLAIN.model_copy(update={"cutoff": cutoff})).frames
    assert outcome(made, "OS")[:2] == survival
    assert outcome(made, "PFS")[:2] == progression


def test_a_death_without_date_is_censored_where_last_alive_not_dated() -> None:
    made = build_adam({"DM": DM.assign(DTHDTC="", DTHFL="Y"), "EX": EX, "RS": RS}, PLAIN).frames
    assert outcome(made, "OS") == ("2024-06-21", 9.0, "ADSL")
    assert made["ADSL"]["DTHFL"].tolist() == ["Y"]


def test_a_subject_without_start_has_no_record_and_is_reported() -> None:
    two = pd.concat([DM, DM.assign(USUBJID="02", RFSTDTC="", RFXSTDTC="")])
    made = build_adam({"DM": two, "EX": EX}, PLAIN)
    assert made.frames["ADTTE"]["USUBJID"].unique().tolist() == ["01"]
    assert made.frames["ADSL"]["USUBJID"].tolist() == ["01", "02"]
    # Survival starts at the reference date, treatment at the first dose.
    found = made.findings[["USUBJID", "VARIABLE", "RULE"]].values.tolist()
    assert found == [["02", "RFSTDT", "no start date"], ["02", "TRTSDT", "no start date"]]


def test_no_subject_gives_empty_datasets() -> None:
    made = build_adam({"DM": DM.iloc[:0]}, PLAIN)
    assert {name: len(frame) for name, frame in made.frames.items()} == {"ADSL": 0, "ADTTE": 0}
    assert len(adam_lineage(made.frames)) == 0


@pytest.mark.parametrize("name", ["hepatobiliary-rws", "refractory-registry"])
def test_the_built_in_studies_stand_one_subject_of_whom_little_is_known(name: str) -> None:
    made = build_adam({"DM": DM, "RS": RS}, load_study(name).model_copy(update={"cutoff": ""}))
    assert {"ADSL", "ADRS", "ADTTE"} <= set(made.frames)


def test_every_record_names_what_it_came_from() -> None:
    made = build_adam({"DM": DM, "EX": EX, "RS": RS, "TU": TU, "TR": TR, "AE": AE}, PLAIN).frames
    lineage = adam_lineage(made)
    of = dict(list(lineage.groupby("DATASET")))
    assert set(of) == {"ADAE", "ADRS", "ADSL", "ADTR", "ADTTE"}
    for name in ("ADRS", "ADTR", "ADTTE"):
        assert of[name]["SEQ"].tolist() == made[name]["ASEQ"].tolist(), name
    assert of["ADAE"][["SEQ", "SRCDOM", "SRCVAR", "SRCSEQ"]].values.tolist() == [[1, "AE", "AETERM", 1]]
    subject = of["ADSL"][["PARAMCD", "SRCDOM", "SRCVAR", "SRCSEQ"]].fillna(0).values.tolist()
    assert subject == [["", "DM", "USUBJID", 0], ["LSTALVDT", "RS", "RSDTC", 2]]
    progression = of["ADTTE"][of["ADTTE"]["PARAMCD"] == "PFS"]
    assert progression["SRCDOM"].tolist() == ["ADRS"]
    record = made["ADRS"].set_index("ASEQ").loc[progression["SRCSEQ"].iloc[0]]
    assert (record["PARAMCD"], record["ADT"]) == ("PD", pd.Timestamp("2024-06-21"))


def test_a_subject_of_whom_no_life_is_known_has_one_row_in_the_lineage_of_adsl() -> None:
    lineage = adam_lineage({"ADSL": build_adam({"DM": DM}, PLAIN).frames["ADSL"]})
    assert lineage[["SRCDOM", "SRCVAR"]].values.tolist() == [["DM", "USUBJID"]]


def test_the_frames_that_were_given_are_not_changed() -> None:
    given = {"DM": DM, "EX": EX, "RS": RS, "TU": TU, "TR": TR, "AE": AE}
    before = {name: frame.copy(deep=True) for name, frame in given.items()}
    build_adam(given, PLAIN.model_copy(update={"cutoff": "2024-05-01"}))
    for name, frame in given.items():
        pd.testing.assert_frame_equal(frame, before[name])
