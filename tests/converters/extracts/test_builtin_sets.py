"""Built-in mappings of Rave, ODM and mCODE: what small exports of their shape become, worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from fhir2cdisc.converters.run.pipeline import RunOptions, SdtmRun, build_sdtm
from fhir2cdisc.mappings.study import Study
from support.others import others

STUDY = Study.model_validate({"id": "own", "studyid": "OWN", "title": "Own", "privacy": {"birth_date": "full"}})


def built(source: Path, name: str) -> SdtmRun:
    return build_sdtm([source], STUDY, RunOptions(extracts=(name,)))


def rows(run: SdtmRun, domain: str, *columns: str) -> list[tuple[object, ...]]:
    frame = run.sdtm.frames[domain][list(columns)].astype(object)
    return [tuple(row) for row in frame.where(frame.notna(), None).to_numpy().tolist()]


def said(run: SdtmRun, rule: str) -> list[str]:
    return [one.message for one in (*run.accounts.findings, *run.sdtm.findings) if one.rule == rule]


HEAD = "project,Subject,SiteNumber,InstanceName,FolderSeq,DataPageName,RecordId,RecordPosition"
RAVE = {
    "DM.csv": f"{HEAD},SEX,SEX_STD,BRTHDAT,BRTHDAT_RAW,BRTHDAT_INT,AGE\n"
    "P,007,0123,Screening,1,Demographics,1,0,Female,F,1960,UN UNK 1960,1960-07-01,63\n",
    "AE.csv": f"{HEAD},AEYN,AETERM,AESTDAT,AESTDAT_RAW,AESTDAT_INT,AESER,AESER_STD,AESEV,AESEV_STD\n"
    "P,007,0123,Events,9,Adverse Events,2,0,Yes,,,,,,,,\n"
    "P,007,0123,Events,9,Adverse Events,3,1,,Nausea,,UN MAR 2024,2024-03-15,No,N,Mild,MILD\n"
    "P,007,0123,Events,9,Adverse Events,4,2,,Rash,05 MAR 2024,05 MAR 2024,2024-03-05,Yes,Y,Severe,SEVERE\n",
    "VS.csv": f"{HEAD},VSTESTCD,VSTEST,VSORRES,VSORRES_RAW,VSORRESU,VSDAT,VSDAT_RAW\n"
    "P,007,0123,Week 8,3,Vital Signs,5,1,PULSE,Pulse Rate,70,70,beats/min,01 MAR 2024,01 MAR 2024\n",
}


@pytest.fixture
def rave(tmp_path: Path) -> SdtmRun:
    for name, text in RAVE.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return built(tmp_path, "rave")


def test_what_does_not_conform_in_rave_is_read_as_it_was_typed(tmp_path: Path) -> None:
    """An answer that the system could not take stands in X_RAW alone: it is said, and not lost."""
    for name, text in RAVE.items():
        odd = text.replace("AESEV,AESEV_STD", "AESEV,AESEV_STD,AESEV_RAW").replace("Mild,MILD", ",,a little")
        (tmp_path / name).write_text(odd, encoding="utf-8")
    run = built(tmp_path, "rave")
    assert [one.value for one in run.accounts.findings if one.rule == "codelist.unknown"] == ["a little"]


def test_rave_keeps_what_was_typed_and_reads_no_imputed_date(rave: SdtmRun) -> None:
    """`UN UNK 1960` is 1960, `UN MAR 2024` 2024-03; the dates of `_INT` stand nowhere. Row 2 of AE is no log line."""
    assert rows(rave, "DM", "SUBJID", "SITEID", "SEX", "BRTHDTC", "AGE") == [("007", "0123", "F", "1960", 63.0)]
    assert rows(rave, "AE", "AETERM", "AESTDTC", "AESER", "AESEV") == [
        ("Nausea", "2024-03", "N", "MILD"),
        ("Rash", "2024-03-05", "Y", "SEVERE"),
    ]
    assert rows(rave, "VS", "VISIT", "VSORRES", "VSORRESU", "VSDTC") == [("WEEK 8", "70", "beats/min", "2024-03-01")]
    assert rave.accounts.counts["rave/ae", "not needed", "is no log line"] == 1
    assert said(rave, "column.unmapped") == []


ODM = """<?xml version="1.0"?>
<ODM xmlns="http://www.cdisc.org/ns/odm/v1.3" FileType="Snapshot" ODMVersion="1.3.2">
<ClinicalData StudyOID="S" MetaDataVersionOID="1"><SubjectData SubjectKey="007">
<StudyEventData StudyEventOID="SE1"><FormData FormOID="F.DM"><ItemGroupData ItemGroupOID="IG.DM">
<ItemData ItemOID="IT.DM.SEX" Value="Female"/><ItemData ItemOID="IT.DM.AGE" Value="63"/>
</ItemGroupData></FormData></StudyEventData>
<StudyEventData StudyEventOID="SE2"><FormData FormOID="F.AE">
<ItemGroupData ItemGroupOID="IG.AE" ItemGroupRepeatKey="1"><ItemData ItemOID="IT.AE.AETERM" Value="Nausea"/>
<ItemData ItemOID="IT.AE.AESTDAT" Value="2024-03-05"/><ItemData ItemOID="IT.AE.AESER" Value="No"/></ItemGroupData>
<ItemGroupData ItemGroupOID="IG.AE" ItemGroupRepeatKey="2"><ItemData ItemOID="IT.AE.AETERM" IsNull="Yes"/>
</ItemGroupData></FormData></StudyEventData>
</SubjectData></ClinicalData></ODM>
"""


def test_odm_with_names_of_cdash(tmp_path: Path) -> None:
    """A group whose topic is null makes no record, and is counted."""
    (tmp_path / "snapshot.xml").write_text(ODM, encoding="utf-8")
    run = built(tmp_path, "odm")
    assert rows(run, "DM", "SUBJID", "SEX", "AGE") == [("007", "F", 63.0)]
    assert rows(run, "AE", "AETERM", "AESTDTC", "AESER") == [("Nausea", "2024-03-05", "N")]
    assert sum(n for (_, outcome, _), n in run.accounts.counts.items() if outcome == "mapped") == 2


def test_mcode_csv_gives_what_its_files_say() -> None:
    """By reading the sample: an order is an order, a potential event and a candidate for a trial are none.

    66.89 [in_i] are 169.9006 cm, 185 [lb_av] 83.91458845 kg (2.54 cm an inch, 0.45359237 kg a pound).
    """
    run = built(others("data", "raw", "mcode_csv"), "mcode-csv")
    # No dataset has the hospital's number of a person (mrn).
    assert not {"123", "456", "789"} & set(run.sdtm.frames["DM"]["SUBJID"])
    assert len(said(run, "privacy.record-number")) == 3
    assert sorted(rows(run, "DM", "BRTHDTC", "SEX", "RACE")) == [
        ("1970-01-01", "M", "WHITE"),
        ("1980-01-01", "F", "ASIAN"),
        ("1980-03-01", "", "NOT REPORTED"),  # "other" is no term of SEX, and said
    ]
    assert sorted(rows(run, "MH", "MHTERM", "MHSTDTC")) == [
        ("Breast Cancer", "2020-07-12"),
        ("Lung Cancer", "2020-02-14"),
        ("Prostate Cancer", "2019-11-11"),
    ]
    assert sorted(rows(run, "VS", "VSTESTCD", "VSORRES", "VSORRESU", "VSSTRESC", "VSSTRESU")) == [
        ("HEIGHT", "66.89", "in", "169.9006", "cm"),
        ("WEIGHT", "185", "LB", "83.91458845", "kg"),
    ]
    assert sorted(rows(run, "DS", "DSDECOD", "DSSTDTC"))[1] == ("ENTERED INTO TRIAL", "2023-05-03")
    assert "Decreased hair growth" not in {term for (term,) in rows(run, "AE", "AETERM")}


def test_a_disease_status_of_mcode_is_no_response_by_recist() -> None:
    run = built(others("data", "raw", "mcode_csv"), "mcode-csv")
    assert "RS" not in run.sdtm.frames
    reason = "a clinician's disease status is no response by RECIST"
    assert run.accounts.counts["mcode-csv/disease-status", "not needed", reason] == 3


# What secuTrial writes: tab text in UTF-16 named .xls, U+FEFF around every field, a last column without a heading.
SECUTRIAL = {
    "ctae.xls": [
        "mnpaid\tmnpdocid\taeterm\taestdat\taeser\taegr\t",
        "1001\t5\tNausea\t20240305\t0\t2\t",
        "1002\t6\tRash\t202403\t1\t3\t",
    ],
    "cn.xls": ["mnpaid\tmnpaid2\tmnpcs\t", "1001\tX\t007\t", "1002\tX\t008\t"],
    "cl.xls": ["column\tcode\tvalue\t", "aeser\t0\tNo\t", "aeser\t1\tYes\t"],
}
SECUTRIAL_MAPPING = """
extract = "secutrial"
[read]
dates = ["YYYYMMDD", "YYYYMM"]
[[table]]
name = "ae"
file = "ctae.xls"
subject = "mnpaid"
codebook = [{ file = "cl.xls", column = "column", code = "code", label = "value" }]
not_needed = { mnpdocid = "key of the form" }
[[source]]
domain = "AE"
name = "event"
table = "ae"
[source.variables]
AETERM = { column = "aeterm" }
AESTDTC = { column = "aestdat", as = "dtc" }
AESER = { column = "aeser", codelist = "NY", map = "yes_no" }
AETOXGR = { column = "aegr" }
[link]
file = "cn.xls"
subject = "mnpcs"
keys = { mnpaid = "secutrial" }
"""


def test_a_secutrial_export_is_read_with_its_codes_and_numbers(tmp_path: Path) -> None:
    """The number of a subject stands in cn, the words of codes in cl."""
    (tmp_path / "source").mkdir()
    for name, lines in SECUTRIAL.items():
        text = "\r\n".join("\t".join(f"\ufeff{field}\ufeff" for field in line.split("\t")) for line in lines)
        (tmp_path / "source" / name).write_bytes(text.encode("utf-16"))
    (tmp_path / "mapping.toml").write_text(SECUTRIAL_MAPPING, encoding="utf-8")
    run = built(tmp_path / "source", str(tmp_path / "mapping.toml"))
    assert rows(run, "AE", "USUBJID", "AETERM", "AESTDTC", "AESER", "AETOXGR") == [
        ("OWN-007", "Nausea", "2024-03-05", "N", "2"),
        ("OWN-008", "Rash", "2024-03", "Y", "3"),
    ]


@pytest.mark.parametrize(
    ("heading", "number", "subjid"),
    [("NO", "", "0012301"), ("MRN", "", ""), ("住院号", "", ""), ("MRN", "subject", "0012301"), ("NO", "record", "")],
)
def test_a_record_number_of_a_hospital_stands_in_no_dataset(
    heading: str, number: str, subjid: str, tmp_path: Path
) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "dm.csv").write_text(f"{heading},SEX\n0012301,F\n", encoding="utf-8")
    mapping = f'extract = "own"\n[[table]]\nname = "dm"\nfile = "dm.csv"\nsubject = "{heading}"\nnumber = "{number}"\n'
    mapping += '[[source]]\ndomain = "DM"\nname = "dm"\ntable = "dm"\nsame = ["SEX"]\n'
    (tmp_path / "mapping.toml").write_text(mapping, encoding="utf-8")
    run = built(tmp_path / "source", str(tmp_path / "mapping.toml"))
    [(found,)] = rows(run, "DM", "SUBJID")
    assert (found if subjid else "") == subjid and ("0012301" in str(found)) == bool(subjid)
    assert len(said(run, "privacy.record-number")) == (0 if subjid else 1)
    everything = "".join(pd.DataFrame(frame).to_csv() for frame in run.sdtm.frames.values())
    assert ("0012301" in everything) == bool(subjid)
