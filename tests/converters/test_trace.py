"""Trace, on a package made by hand: each step, and what is said where there is no next one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from fhir2cdisc.converters.trace import TracedPackage, TraceError, find_records, trace
from fhir2cdisc.converters.xpt.write import write_xpt
from fhir2cdisc.sdtm.lineage import LINEAGE_COLUMNS
from support.command import call

A, B = "S-01", "S-02"
ADAM = {
    "ADTTE": [
        {"USUBJID": A, "ASEQ": 1.0, "PARAMCD": "OS", "AVAL": 153.0, "CNSR": 0.0, "EVNTDESC": "Death"},
        {"USUBJID": A, "ASEQ": 2.0, "PARAMCD": "PFS", "AVAL": 112.0, "CNSR": 0.0, "EVNTDESC": "Disease Progression"},
        {"USUBJID": B, "ASEQ": 1.0, "PARAMCD": "PFS", "AVAL": 1.0, "CNSR": 1.0, "EVNTDESC": ""},
    ],
    "ADRS": [{"USUBJID": A, "ASEQ": 4.0, "PARAMCD": "PD", "AVALC": "Y", "ADT": pd.Timestamp("2024-06-21")}],
    "ADSL": [{"USUBJID": A, "DTHDT": pd.Timestamp("2024-08-01")}, {"USUBJID": B, "DTHDT": pd.NaT}],
    "ADAE": [{"USUBJID": A, "AESEQ": 3.0, "AETERM": "Nausea"}],
    "ADQS": [{"USUBJID": A, "ASEQ": 9.0, "PARAMCD": "X", "AVAL": 1234567.25}],
}
SDTM = {
    "RS": [{"USUBJID": A, "RSSEQ": 2.0, "RSTESTCD": "OVRLRESP", "RSSTRESC": "PD", "RSDTC": "2024-06-21"}],
    "DM": [{"USUBJID": A, "SEX": "F"}, {"USUBJID": B, "SEX": "M"}],
    "AE": [{"USUBJID": A, "AESEQ": 3.0, "AETERM": "Nausea"}],
    "TS": [{"STUDYID": "S", "TSPARMCD": "TITLE", "TSVAL": "A study"}],
    "SV": [
        {"USUBJID": B, "VISITNUM": 1.0, "SVSTDTC": "2024-01-10"},
        {"USUBJID": B, "VISITNUM": 29.001, "SVSTDTC": "2024-02-12"},
        {"USUBJID": B, "VISITNUM": 29.01, "SVSTDTC": "2024-02-20"},
    ],
    "SE": [{"USUBJID": A, "SESEQ": 1.0, "ETCD": "TRT", "SESTDTC": "2024-03-01"}],
    "SUPPAE": [
        {"RDOMAIN": "AE", "USUBJID": A, "IDVAR": "AESEQ", "IDVARVAL": "3", "QNAM": "CTCAEVER", "QVAL": "5.0"},
    ],
    "SUPPDM": [{"RDOMAIN": "DM", "USUBJID": A, "IDVAR": "", "IDVARVAL": "", "QNAM": "BIRTHSEX", "QVAL": "F"}],
    "SUPPSV": [
        {"RDOMAIN": "SV", "USUBJID": B, "IDVAR": "VISITNUM", "IDVARVAL": "29.001", "QNAM": "X", "QVAL": "x"},
    ],
    "RELREC": [
        {"RDOMAIN": "RS", "USUBJID": A, "IDVAR": "RSSEQ", "IDVARVAL": "2", "RELTYPE": "", "RELID": "RS2PR1"},
        {"RDOMAIN": "PR", "USUBJID": A, "IDVAR": "PRSEQ", "IDVARVAL": "1", "RELTYPE": "", "RELID": "RS2PR1"},
        {"RDOMAIN": "TU", "USUBJID": "", "IDVAR": "TULNKID", "IDVARVAL": "", "RELTYPE": "ONE", "RELID": "TUTR"},
    ],
}
# DATASET, USUBJID, SEQ, SRCDOM, SRCVAR, SRCSEQ
NAN = float("nan")
FROM_ADAM = [
    ("ADTTE", A, 1, "ADSL", "DTHDT", NAN),
    ("ADTTE", A, 2, "ADRS", "ADT", 4),
    ("ADTTE", B, 1, "ADSL", "TRTSDT", NAN),
    ("ADRS", A, 4, "RS", "RSDTC", 2),
    ("ADSL", A, NAN, "DM", "USUBJID", NAN),
    ("ADSL", B, NAN, "DM", "USUBJID", NAN),
    ("ADAE", A, 3, "AE", "AETERM", 3),
    ("ADQS", A, 9, "QS", "QSSTRESN", 1),
    ("ADSL", B, NAN, "SV", "SVSTDTC", 29.01),
]
FROM_SDTM = [
    ("RS", A, 2, "source", "a.json", 0, 7, "Observation", "o2", "3", "RS/response"),
    ("RS", A, 2, "support", "a.json", 0, 1, "Encounter", "e1", "", "RS/response"),
    ("RS", B, 2, "source", "b.json", 0, 7, "Observation", "other", "", "RS/response"),
    ("DM", A, 0, "source", "p.ndjson", 12, -1, "Patient", "p1", "", "DM/patient"),
    ("AE", A, 3, "source", "a.json", 0, 9, "AdverseEvent", "ae3", "", "AE/event"),
    # SV has no --SEQ: the lineage names the visit. Two encounters made the second one.
    ("SV", B, 1, "source", "b.json", 0, 1, "Encounter", "v1", "", "SV/encounter"),
    ("SV", B, 29.001, "source", "b.json", 0, 2, "Encounter", "v2", "", "SV/encounter"),
    ("SV", B, 29.001, "support", "b.json", 0, 3, "Encounter", "v2b", "", "SV/encounter"),
    ("SV", B, 29.01, "source", "b.json", 0, 4, "Encounter", "v3", "", "SV/encounter"),
]

Write = Callable[..., Path]


@pytest.fixture
def package(tmp_path: Path) -> Write:
    def write(adam: bool = True, sdtm: bool = True, lineage: bool = True) -> Path:
        for kind, frames in (("adam", ADAM if adam else {}), ("sdtm", SDTM if sdtm else {})):
            for name, records in frames.items():
                write_xpt(pd.DataFrame(records), tmp_path / kind / f"{name.lower()}.xpt", name=name)
        if lineage:
            (tmp_path / "lineage").mkdir()
            columns = ["DATASET", "USUBJID", "SEQ", "SRCDOM", "SRCVAR", "SRCSEQ"]
            pd.DataFrame(FROM_ADAM, columns=columns).to_parquet(tmp_path / "lineage" / "adam.parquet")
            pd.DataFrame(FROM_SDTM, columns=LINEAGE_COLUMNS).to_parquet(tmp_path / "lineage" / "sdtm.parquet")
        return tmp_path

    return write


def lines(folder: Path, dataset: str, **keys: str) -> list[str]:
    return list(trace(TracedPackage(folder), dataset, keys))


def test_from_a_time_to_event_to_the_file(package: Write) -> None:
    assert lines(package(), "ADTTE", USUBJID=A, PARAMCD="PFS") == [
        "ADTTE USUBJID=S-01, PARAMCD=PFS, AVAL=112, CNSR=0, EVNTDESC=Disease Progression",
        "  ADRS.ADT = 2024-06-21",
        "  ADRS USUBJID=S-01, PARAMCD=PD, AVALC=Y, ADT=2024-06-21",
        "    RS.RSDTC = 2024-06-21",
        "    RS USUBJID=S-01, RSSEQ=2, RSTESTCD=OVRLRESP, RSSTRESC=PD, RSDTC=2024-06-21",
        "      source: Observation/o2 version 3 in a.json entry 7, by RS/response",
        "      support: Encounter/e1 in a.json entry 1, by RS/response",
    ]


def test_a_date_of_the_subject_goes_through_adsl_to_the_patient(package: Write) -> None:
    assert lines(package(), "ADTTE", USUBJID=A, PARAMCD="OS") == [
        "ADTTE USUBJID=S-01, PARAMCD=OS, AVAL=153, CNSR=0, EVNTDESC=Death",
        "  ADSL.DTHDT = 2024-08-01",
        "  ADSL USUBJID=S-01",
        "    DM.USUBJID = S-01",
        "    DM USUBJID=S-01",
        "      source: Patient/p1 in p.ndjson line 12, by DM/patient",
    ]


def test_an_adverse_event_is_traced_by_its_own_number(package: Write) -> None:
    assert lines(package(), "ADAE", USUBJID=A) == [
        "ADAE USUBJID=S-01, AESEQ=3, AETERM=Nausea",
        "  AE.AETERM = Nausea",
        "  AE USUBJID=S-01, AESEQ=3, AETERM=Nausea",
        "    source: AdverseEvent/ae3 in a.json entry 9, by AE/event",
    ]


VISITS = [
    ("1", ["Encounter/v1 in b.json entry 1"]),
    ("29.001", ["Encounter/v2 in b.json entry 2", "Encounter/v2b in b.json entry 3"]),
    ("29.01", ["Encounter/v3 in b.json entry 4"]),
]


@pytest.mark.parametrize(("number", "encounters"), VISITS)
def test_a_visit_is_traced_to_its_own_encounters(package: Write, number: str, encounters: list[str]) -> None:
    head, *found = lines(package(), "SV", USUBJID=B, VISITNUM=number)
    assert head.startswith(f"SV USUBJID=S-02, VISITNUM={number}, SVSTDTC=")
    assert [line.partition(": ")[2].removesuffix(", by SV/encounter") for line in found] == encounters


def test_a_date_of_a_visit_leads_to_that_visit_alone(package: Write) -> None:
    assert lines(package(), "ADSL", USUBJID=B) == [
        "ADSL USUBJID=S-02",
        "  DM.USUBJID = S-02",
        "  DM USUBJID=S-02",
        "  SV.SVSTDTC = 2024-02-20",
        "  SV USUBJID=S-02, VISITNUM=29.01, SVSTDTC=2024-02-20",
        "    source: Encounter/v3 in b.json entry 4, by SV/encounter",
    ]


@pytest.mark.parametrize(
    ("dataset", "keys", "expected"),
    [
        (
            "SUPPAE",
            {"QNAM": "CTCAEVER"},
            ["AE USUBJID=S-01, AESEQ=3, AETERM=Nausea", "source: AdverseEvent/ae3 in a.json entry 9, by AE/event"],
        ),
        ("SUPPDM", {}, ["DM USUBJID=S-01", "source: Patient/p1 in p.ndjson line 12, by DM/patient"]),
        (
            "SUPPSV",
            {},
            [
                "SV USUBJID=S-02, VISITNUM=29.001, SVSTDTC=2024-02-12",
                "source: Encounter/v2 in b.json entry 2, by SV/encounter",
                "support: Encounter/v2b in b.json entry 3, by SV/encounter",
            ],
        ),
        (
            "RELREC",
            {"RDOMAIN": "RS"},
            [
                "RS USUBJID=S-01, RSSEQ=2, RSTESTCD=OVRLRESP, RSSTRESC=PD, RSDTC=2024-06-21",
                "source: Observation/o2 version 3 in a.json entry 7, by RS/response",
                "support: Encounter/e1 in a.json entry 1, by RS/response",
            ],
        ),
        ("RELREC", {"RDOMAIN": "TU"}, ["is of the whole dataset TU, not of a record"]),
        # The dates of an element are those of the subject.
        ("SE", {}, ["DM USUBJID=S-01", "source: Patient/p1 in p.ndjson line 12, by DM/patient"]),
    ],
)
def test_a_record_that_is_about_another_leads_to_that_one(
    package: Write, dataset: str, keys: dict[str, str], expected: list[str]
) -> None:
    assert [line.strip() for line in lines(package(), dataset, **keys)[1:]] == expected


def test_a_related_dataset_that_is_not_there_is_named(package: Write) -> None:
    folder = package()
    assert lines(folder, "RELREC", RDOMAIN="PR") == [
        "RELREC USUBJID=S-01, RDOMAIN=PR, IDVAR=PRSEQ, IDVARVAL=1",
        f"  {folder}: has no dataset PR",
    ]


def test_every_record_that_fits_is_traced_in_order(package: Write) -> None:
    found = lines(package(), "ADTTE", PARAMCD="PFS")
    assert [line for line in found if not line.startswith(" ")] == [
        "ADTTE USUBJID=S-01, PARAMCD=PFS, AVAL=112, CNSR=0, EVNTDESC=Disease Progression",
        "ADTTE USUBJID=S-02, PARAMCD=PFS, AVAL=1, CNSR=1",
    ]


@pytest.mark.parametrize(
    ("dataset", "keys", "count"),
    [
        ("ADTTE", {"AVAL": "112"}, 1),
        ("ADQS", {"AVAL": "1234567.25"}, 1),  # all digits, not 1.23457e+06
        ("ADRS", {"ADT": "2024-06-21"}, 1),
        ("ADSL", {"DTHDT": ""}, 1),
        ("ADTTE", {"PARAMCD": "pfs"}, 0),
        ("ADTTE", {}, 3),
    ],
)
def test_values_are_written_as_a_reader_writes_them(
    package: Write, dataset: str, keys: dict[str, str], count: int
) -> None:
    assert len(find_records(TracedPackage(package()), dataset, keys)) == count


def test_a_dataset_of_the_study_has_no_subject_to_follow(package: Write) -> None:
    assert lines(package(), "TS", TSPARMCD="TITLE") == [
        "TS TSPARMCD=TITLE, TSVAL=A study",
        "  is of the study, not of a subject: made from the study file",
    ]


@pytest.mark.parametrize(
    ("dataset", "keys", "message"),
    [
        ("ADXX", {"USUBJID": A}, "has no dataset ADXX"),
        ("ADTTE", {"NOSUCH": "1"}, "ADTTE has no variable NOSUCH"),
        ("ADTTE", {"USUBJID": "S-99", "PARAMCD": "PFS"}, "ADTTE: no record has USUBJID=S-99, PARAMCD=PFS"),
    ],
)
def test_what_is_not_there_is_one_sentence(package: Write, dataset: str, keys: dict[str, str], message: str) -> None:
    folder = package()
    with pytest.raises(TraceError, match=message):
        lines(folder, dataset, **keys)
    said = [f"{name}={value}" for name, value in keys.items()]
    done = call("trace", folder, dataset.lower(), *said)
    assert done.exit_code == 1
    assert done.output.startswith("Error: ") and message in done.output and len(done.output.splitlines()) == 1


def test_a_key_without_a_value_is_one_sentence(package: Write) -> None:
    done = call("trace", package(), "ADTTE", "PFS")
    assert (done.exit_code, done.output) == (1, "Error: 'PFS' is not of the form KEY=VALUE\n")


def test_a_package_without_lineage_says_so(package: Write) -> None:
    folder = package(lineage=False)
    assert lines(folder, "RS", USUBJID=A)[1] == f"  {folder}: has no lineage/sdtm.parquet, so the trace ends here"
    assert lines(folder, "ADTTE", PARAMCD="OS")[1] == f"  {folder}: has no lineage/adam.parquet, so the trace ends here"


def test_adam_alone_is_traced_to_the_dataset_that_is_not_there(package: Write) -> None:
    folder = package(sdtm=False)
    assert lines(folder, "ADRS", USUBJID=A)[1:] == [f"  {folder}: has no dataset RS"]


def test_the_evidence_for_the_facts_of_a_subject_stands_below_its_record_in_adsl(package: Write) -> None:
    folder = package()
    (folder / "findings").mkdir(exist_ok=True)
    rows = [
        (A, "death", "2024-08", "", "DS", "DSSTDTC", 3.0, "", "agrees with DM"),
        (A, "death", "2024-08-01", "death flag", "DM", "DTHDTC", float("nan"), "Y", "the day that it gives"),
        (B, "death", "", "", "DM", "DTHDTC", float("nan"), "Y", "another subject"),
    ]
    names = ["USUBJID", "FACT", "DTC", "TEXT", "SRCDOM", "SRCVAR", "SRCSEQ", "CHOSEN", "REASON"]
    pd.DataFrame(rows, columns=names).to_parquet(folder / "findings" / "evidence.parquet")
    assert list(trace(TracedPackage(folder), "ADSL", {"USUBJID": A}))[-3:] == [
        "  death:",
        "    chosen: DM.DTHDTC: 2024-08-01 death flag: the day that it gives",
        "    passed over: DS.DSSTDTC 3: 2024-08: agrees with DM",
    ]
