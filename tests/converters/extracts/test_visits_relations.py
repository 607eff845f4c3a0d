"""Rows of extracts that name their visits, point at one another and bring units of their own, worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fhir2cdisc.converters.extracts.account import column_table
from fhir2cdisc.converters.run.pipeline import RunOptions, SdtmRun, build_sdtm
from fhir2cdisc.mappings.model import MappingError
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.sdtm.standard_results import standardise

STUDY = Study.model_validate(
    {
        "id": "own",
        "studyid": "01",
        "title": "Extracts",
        "reference": {"start": ["first-dose"]},
        "schedule": {"visits": [{"name": "Week 8", "day": 57}]},
    }
)
DM = ("dm.csv", "NO,SEX\n1,F\n2,M\n")
OF_DM = """
[[table]]
name = "dm"
file = "dm.csv"
subject = "NO"
[[source]]
domain = "DM"
name = "subject"
table = "dm"
same = ["SEX"]
"""


def built(folder: Path, mapping: str, *files: tuple[str, str]) -> SdtmRun:
    source = folder / "source"
    source.mkdir()
    for name, text in (DM, *files):
        (source / name).write_text(text, encoding="utf-8")
    (folder / "mapping.toml").write_text(
        'extract = "own"\nread = { dates = ["YYYY-MM-DD"] }\n' + OF_DM + mapping, "utf-8"
    )
    return build_sdtm([source], STUDY, RunOptions(extracts=(str(folder / "mapping.toml"),)))


def rows(frame: pd.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    texts = frame[list(columns)].astype(object).where(frame[list(columns)].notna(), None)
    return [tuple(row) for row in texts.to_numpy().tolist()]


def said(run: SdtmRun, rule: str) -> list[str]:
    return [one.message for one in (*run.accounts.findings, *run.sdtm.findings) if one.rule == rule]


VISITS = """
[[table]]
name = "vs"
file = "vs.csv"
subject = "NO"
[[table]]
name = "sv"
file = "sv.csv"
subject = "NO"
[[source]]
domain = "VS"
name = "pulse"
table = "vs"
[source.variables]
VSTESTCD = { value = "PULSE" }
VSTEST = { value = "Pulse Rate" }
VSORRES = { column = "PULSE", as = "result" }
VSORRESU = { column = "UNIT", as = "unit" }
VSDTC = { column = "DAY", as = "dtc" }
VISIT = { column = "VISIT" }
[[source]]
domain = "SV"
name = "visit"
table = "sv"
[source.variables]
VISIT = { column = "VISIT" }
VISITNUM = { column = "NUMBER", as = "number" }
SVSTDTC = { column = "FIRST", as = "dtc" }
SVENDTC = { column = "LAST", as = "dtc" }
"""
VS = (
    "vs.csv",
    "NO,PULSE,UNIT,DAY,VISIT\n"
    "1,70,beats/min,2024-01-05,Screening\n"
    "1,71,beats/min,2024-03-02,Week 8\n"
    "1,72,beats/min,2024-03-03,Week 8\n"
    "1,73,beats/min,2024-04-01,Retrieval\n"
    "2,74,beats/min,2024-01-09,Screening\n",
)
SV = (
    "sv.csv",
    "NO,VISIT,NUMBER,FIRST,LAST\n1,Screening,1,2024-01-04,2024-01-06\n1,Week 8,5,,\n1,Retrieval,,2024-04-01,\n",
)


def test_visits_that_an_extract_lists_keep_name_number_and_days(tmp_path: Path) -> None:
    """Screening keeps its two days; Week 8 has none, so those of its records; Retrieval is not planned: 9500.

    Subject 2 is not in the list: the visit has the number that the list gives it and the day of the record.
    """
    run = built(tmp_path, VISITS, VS, SV)
    sv = run.sdtm.frames["SV"].assign(WHO=lambda frame: frame["USUBJID"].str[-1])
    assert rows(sv, "WHO", "VISIT", "VISITNUM", "VISITDY", "SVSTDTC", "SVENDTC") == [
        ("1", "Screening", 1.0, -1.0, "2024-01-04", "2024-01-06"),
        ("1", "Week 8", 5.0, 57.0, "2024-03-02", "2024-03-03"),
        ("1", "Retrieval", 9500.0, None, "2024-04-01", "2024-04-01"),
        ("2", "Screening", 1.0, -1.0, "2024-01-09", "2024-01-09"),
    ]
    assert rows(run.sdtm.frames["VS"], "VISIT", "VISITNUM")[:4] == [
        ("Screening", 1.0),
        ("Week 8", 5.0),
        ("Week 8", 5.0),
        ("Retrieval", 9500.0),
    ]
    # The plan has what is planned, by the numbers of the source.
    assert rows(run.sdtm.frames["TV"], "VISITNUM", "VISIT", "VISITDY") == [
        (1.0, "SCREENING", -1.0),
        (5.0, "WEEK 8", 57.0),
    ]
    assert len(said(run, "visit.not-planned")) == 1


def test_a_unit_of_cdisc_is_none_that_is_unknown(tmp_path: Path) -> None:
    run = built(tmp_path, VISITS, VS, SV)
    assert set(run.sdtm.frames["VS"]["VSORRESU"]) == {"beats/min"}
    assert said(run, "unit.unknown") == []


def test_a_visit_with_two_numbers_and_a_number_with_two_visits_are_said(tmp_path: Path) -> None:
    listed = ("sv.csv", "NO,VISIT,NUMBER,FIRST,LAST\n1,Screening,1,,\n2,Screening,2,,\n1,Week 8,2,,\n")
    run = built(tmp_path, VISITS, VS, listed)
    assert said(run, "visit.numbers") == ["VISITNUM: 'SCREENING' has the numbers 1, 2; each record keeps its own"]
    assert said(run, "visit.names") == ["VISIT: number 2 has the names SCREENING, WEEK 8; SV puts them together"]


def test_visits_of_records_stand_beside_encounters_of_fhir(tmp_path: Path) -> None:
    """An Encounter beside an extract changes no visit that the extract names."""
    (tmp_path / "source").mkdir()
    patient = {"resourceType": "Patient", "id": "p", "identifier": [{"system": "urn:example:no", "value": "1"}]}
    encounter = {
        "resourceType": "Encounter",
        "id": "e",
        "status": "finished",
        "class": {"code": "AMB"},
        "type": [{"text": "Week 8"}],
        "subject": {"reference": "Patient/p"},
        "period": {"start": "2024-03-01", "end": "2024-03-04"},
    }
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient}, {"resource": encounter}]}
    mapping = VISITS.split('[[table]]\nname = "sv"')[0] + "[[source]]" + VISITS.split("[[source]]")[1]
    link = '[link]\nfile = "link.csv"\nsubject = "NO"\nkeys = { fhir = "urn:example:no" }\n'
    for name, text in (DM, VS, ("link.csv", "NO,fhir\n1,1\n2,2\n"), ("b.json", json.dumps(bundle))):
        (tmp_path / "source" / name).write_text(text, encoding="utf-8")
    head = 'extract = "own"\nread = { dates = ["YYYY-MM-DD"] }\n'
    (tmp_path / "mapping.toml").write_text(head + OF_DM + mapping + link, encoding="utf-8")
    run = build_sdtm([tmp_path / "source"], STUDY, RunOptions(extracts=(str(tmp_path / "mapping.toml"),)))
    vs = run.sdtm.frames["VS"]
    assert rows(vs[vs["USUBJID"].str.endswith("-1")], "VISIT", "VISITNUM", "VSDTC") == [
        ("Screening", -1.0, "2024-01-05"),
        ("Week 8", 57.0, "2024-03-02"),
        ("Week 8", 57.0, "2024-03-03"),
        ("Retrieval", 9500.0, "2024-04-01"),
    ]
    sv = run.sdtm.frames["SV"]
    assert rows(sv[sv["VISITNUM"] == 57], "VISIT", "SVSTDTC", "SVENDTC") == [("WEEK 8", "2024-03-01", "2024-03-04")]


RELATED = """
[[table]]
name = "ae"
file = "ae.csv"
subject = "NO"
[[table]]
name = "cm"
file = "cm.csv"
subject = "NO"
[[source]]
domain = "AE"
name = "event"
table = "ae"
[source.variables]
AETERM = { column = "TERM" }
AESPID = { column = "LINE" }
AESTDTC = { column = "DAY", as = "dtc" }
[[source]]
domain = "CM"
name = "drug"
table = "cm"
[source.variables]
CMTRT = { column = "DRUG" }
CMSTDTC = { column = "DAY", as = "dtc" }
[source.related]
"AE.AESPID" = { column = "FOR" }
"""
AE = ("ae.csv", "NO,LINE,TERM,DAY\n1,1,Nausea,2024-01-02\n1,2,Headache,2024-01-03\n2,1,Rash,2024-01-02\n")


def test_records_that_point_at_others_are_related(tmp_path: Path) -> None:
    """Ibuprofen was given for both events of subject 1, a cream for the event of subject 2; event 7 is nobody's."""
    cm = ("cm.csv", 'NO,DRUG,DAY,FOR\n1,Ibuprofen,2024-01-03,"1; 2"\n2,Cream,2024-01-03,1\n2,Tea,2024-01-04,7\n')
    run = built(tmp_path, RELATED, AE, cm)
    relrec = run.sdtm.frames["RELREC"].assign(WHO=lambda frame: frame["USUBJID"].str[-1])
    assert sorted(rows(relrec, "WHO", "RELID", "RDOMAIN", "IDVARVAL")) == [
        ("1", "CM1AE1", "AE", "1"),
        ("1", "CM1AE1", "CM", "1"),
        ("1", "CM1AE2", "AE", "2"),
        ("1", "CM1AE2", "CM", "1"),
        ("2", "CM1AE1", "AE", "1"),
        ("2", "CM1AE1", "CM", "1"),
    ]
    [unknown] = said(run, "relation.unknown")
    assert "AE.AESPID: 7 is the name of no record of this subject" in unknown
    table = column_table(run.accounts)
    assert rows(table[table["HEADING"] == "FOR"], "USE", "FILLED", "TAKEN") == [("used", 3, 3)]


def test_a_relation_to_what_no_source_fills_is_refused(tmp_path: Path) -> None:
    wrong = RELATED.replace('"AE.AESPID" =', '"AE.AEREFID" =')
    with pytest.raises(MappingError, match=r"related AE\.AEREFID: no source of the extract fills it"):
        built(tmp_path, wrong, AE, ("cm.csv", "NO,DRUG,DAY,FOR\n"))


def test_a_part_of_a_heading_may_be_followed_by_letters(tmp_path: Path) -> None:
    mapping = """
[[table]]
name = "vs"
file = "vs.csv"
subject = "NO"
[[source]]
domain = "VS"
name = "measured"
table = "vs"
each = "(?P<test>SYSBP|PULSE)"
[source.variables]
VSTESTCD = { column = "$test" }
VSORRES = { column = "$cell", as = "result" }
VSORRESU = { column = "${test}_U", as = "unit" }
VSDTC = { column = "${test}_D", as = "dtc" }
"""
    vs = ("vs.csv", "NO,SYSBP,SYSBP_U,SYSBP_D,PULSE,PULSE_U,PULSE_D\n1,120,mmHg,2024-01-02,70,beats/min,2024-01-03\n")
    run = built(tmp_path, mapping, vs)
    assert rows(run.sdtm.frames["VS"], "VSTESTCD", "VSORRES", "VSORRESU", "VSDTC") == [
        ("PULSE", "70", "beats/min", "2024-01-03"),
        ("SYSBP", "120", "mmHg", "2024-01-02"),
    ]


def test_a_standard_result_counts_without_an_original_one(tmp_path: Path) -> None:
    """A domain whose extract has standard results alone: their numbers are --STRESN."""
    mapping = (
        VISITS.split('[[table]]\nname = "sv"')[0]
        + """
[[source]]
domain = "VS"
name = "pulse"
table = "vs"
[source.variables]
VSTESTCD = { value = "PULSE" }
VSSTRESC = { column = "PULSE" }
VSSTRESU = { column = "UNIT", as = "unit" }
VSDTC = { column = "DAY", as = "dtc" }
"""
    )
    run = built(
        tmp_path, mapping, ("vs.csv", "NO,PULSE,UNIT,DAY,VISIT\n1,70,beats/min,2024-01-05,\n1,low,,2024-01-06,\n")
    )
    assert rows(run.sdtm.frames["VS"], "VSSTRESC", "VSSTRESN", "VSSTRESU") == [
        ("70", 70.0, "beats/min"),
        ("low", None, ""),
    ]


BESIDE_FHIR = """
[[table]]
name = "forms"
file = "forms.csv"
subject = "NO"
[[source]]
domain = "VS"
name = "pulse"
table = "forms"
[source.variables]
VSTESTCD = { value = "PULSE" }
VSORRES = { column = "PULSE" }
VSDTC = { column = "DAY", as = "dtc" }
VISITNUM = { column = "VISIT", as = "number" }
[[source]]
domain = "QS"
name = "answer"
table = "forms"
[source.variables]
QSTESTCD = { value = "OWN101" }
QSTEST = { value = "Own Question 1" }
QSCAT = { value = "OWN FORM" }
QSORRES = { column = "ANSWER" }
QSDTC = { column = "DAY", as = "dtc" }
[[source]]
domain = "MH"
name = "cancer"
table = "forms"
[source.variables]
MHTERM = { value = "Hepatocellular carcinoma" }
MHCAT = { value = "PRIMARY DIAGNOSIS" }
MHDTC = { column = "DAY", as = "dtc" }
MHSTDTC = { column = "SINCE", as = "dtc" }
"""


def test_what_an_extract_says_is_kept_beside_fhir(tmp_path: Path) -> None:
    """FHIR has a cancer with an onset, a form and an encounter of another subject, and changes no row of the extract.

    The number of a visit without a name, the category and code of a form that nobody knows, the start of a cancer.
    """
    code = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "C22.0"}]}
    patient = {"reference": "Patient/p"}
    answer = [{"linkId": "a", "answer": [{"valueInteger": 1}]}]
    form = {"questionnaire": "urn:example:form", "authored": "2024-03-01", "item": answer, "status": "completed"}
    resources: list[dict[str, Any]] = [
        {"resourceType": "Patient", "id": "p"},
        {"resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "AMB"}, "subject": patient},
        {"resourceType": "Condition", "id": "c", "code": code, "subject": patient, "onsetDateTime": "2023-01-02"},
        {"resourceType": "QuestionnaireResponse", "id": "q", "subject": patient, **form},
    ]
    resources[1]["period"] = {"start": "2024-03-01"}
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}
    study = Study.model_validate({**STUDY.model_dump(), "cohort": {"membership": "all"}})
    (tmp_path / "source").mkdir()
    forms = ("forms.csv", "NO,PULSE,DAY,VISIT,ANSWER,SINCE\n1,70,2024-03-02,7,3,2010-05\n")
    for name, text in (DM, forms, ("b.json", json.dumps(bundle))):
        (tmp_path / "source" / name).write_text(text, encoding="utf-8")
    head = 'extract = "own"\nread = { dates = ["YYYY-MM-DD"] }\n'
    (tmp_path / "mapping.toml").write_text(head + OF_DM + BESIDE_FHIR, encoding="utf-8")
    run = build_sdtm([tmp_path / "source"], study, RunOptions(extracts=(str(tmp_path / "mapping.toml"),)))
    frames = {name: frame[frame["USUBJID"] == "01-1"] for name, frame in run.sdtm.frames.items() if "USUBJID" in frame}
    assert {"QS", "MH", "SV"} <= set(run.sdtm.frames) and len(run.sdtm.frames["MH"]) == 2
    assert rows(frames["VS"], "VISITNUM", "VSORRES") == [(7.0, "70")]
    assert rows(frames["QS"], "QSTESTCD", "QSTEST", "QSCAT") == [("OWN101", "Own Question 1", "OWN FORM")]
    assert rows(frames["MH"], "MHSTDTC", "MHDTC", "MHCAT") == [("2010-05", "2024-03-02", "PRIMARY DIAGNOSIS")]


def test_standard_results_alone_keep_their_unit_beside_collected_ones() -> None:
    frame = pd.DataFrame(
        [("HGB", "12", "g/dL", "", ""), ("HGB", "", "", "118", "g/L")],
        columns=["LBTESTCD", "LBORRES", "LBORRESU", "LBSTRESC", "LBSTRESU"],
    )
    assert rows(standardise(frame, "LB"), "LBSTRESC", "LBSTRESN", "LBSTRESU") == [
        ("120", 120.0, "g/L"),
        ("118", 118.0, "g/L"),
    ]
