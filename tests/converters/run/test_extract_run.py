"""A whole run over extracts, alone and beside FHIR: who the subjects are, what is kept, what is said."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fhir2cdisc.converters.run.pipeline import RunOptions, SdtmRun, build_sdtm
from fhir2cdisc.mappings.errors import Fhir2CdiscError
from fhir2cdisc.mappings.study import Study
from support.command import fhir2cdisc
from support.tables import assert_rows

STUDY = Study.model_validate(
    {
        "id": "own",
        "studyid": "OWN",
        "title": "Own",
        "reference": {"start": ["first-dose"]},
        "cohort": {"membership": "all"},
    }
)
HEAD = 'extract = "own"\n[read]\ndates = ["DD/MM/YYYY"]\n'
DM = """
[[table]]
name = "dm"
file = "dm.csv"
subject = "ID"
[[source]]
domain = "DM"
name = "subject"
table = "dm"
same = ["SEX"]
[source.variables]
AGE = { column = "AGE", as = "number" }
RFXSTDTC = { column = "FIRST", as = "dtc" }
DTHDTC = { column = "DEATH", as = "dtc" }
"""
AE = """
[[table]]
name = "ae"
file = "ae.csv"
subject = "ID"
[[source]]
domain = "AE"
name = "event"
table = "ae"
[source.variables]
AETERM = { column = "TERM" }
AESTDTC = { column = "START", as = "dtc" }
"""
DM_ROWS = """
ID,SEX,AGE,FIRST,DEATH
007,M,61,05/01/2024,
8,F,,06/01/2024,09/02/2024
"""
AE_ROWS = """
ID,TERM,START
007,HEADACHE,07/01/2024
8,FEVER,08/01/2024
"""


def write(folder: Path, mapping: str, **files: str) -> Path:
    """A folder of CSV files and the mapping that reads them, beside it."""
    (folder / "source").mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / "source" / f"{name}.csv").write_text(text.strip() + "\n", encoding="utf-8")
    (folder / "own.toml").write_text(HEAD + mapping, encoding="utf-8")
    return folder / "source"


def run(folder: Path, mapping: str, study: Study = STUDY, **files: str) -> SdtmRun:
    source = write(folder, mapping, **files)
    return build_sdtm([source], study, RunOptions(extracts=(str(folder / "own.toml"),)))


def said(made: SdtmRun, rule: str) -> list[str]:
    return [f.message for f in [*made.accounts.findings, *made.sdtm.findings] if f.rule == rule]


def test_rows_become_records_with_the_number_of_their_subject_as_it_stands(tmp_path: Path) -> None:
    made = run(tmp_path, DM + AE, dm=DM_ROWS, ae=AE_ROWS)
    assert_rows(
        made.sdtm.frames["DM"],
        """
        USUBJID | SUBJID | SEX | AGE | AGEU  | RFSTDTC    | DTHDTC     | DTHFL
        OWN-007 | 007    | M   | 61  | YEARS | 2024-01-05 |            |
        OWN-8   | 8      | F   |     |       | 2024-01-06 | 2024-02-09 | Y
        """,
    )
    assert_rows(
        made.sdtm.frames["AE"],
        """
        USUBJID | AESEQ | AETERM   | AESTDTC    | AESTDY
        OWN-007 | 1     | HEADACHE | 2024-01-07 | 3
        OWN-8   | 1     | FEVER    | 2024-01-08 | 3
        """,
    )
    assert made.accounts.counts == {("own/dm", "mapped", ""): 2, ("own/ae", "mapped", ""): 2}


def test_where_no_table_says_who_the_subjects_are_everybody_is_one(tmp_path: Path) -> None:
    made = run(tmp_path, AE, ae=AE_ROWS)
    assert made.sdtm.frames["DM"]["SUBJID"].tolist() == ["007", "8"]


def test_rows_of_somebody_who_is_no_subject_are_rejected_with_their_place(tmp_path: Path) -> None:
    made = run(tmp_path, DM + AE, dm=DM_ROWS, ae=AE_ROWS + "9,COUGH,08/01/2024\n,RASH,08/01/2024\n")
    assert sorted(made.sdtm.frames["AE"]["AETERM"]) == ["FEVER", "HEADACHE"]
    assert made.accounts.counts["own/ae", "rejected", "subject.no-dm"] == 1
    assert made.accounts.counts["own/ae", "rejected", "subject.missing"] == 1
    assert [text.partition(":")[0] for text in said(made, "subject.no-dm")] == ["ae.csv row 4"]
    assert said(made, "subject.missing") == [
        "ae.csv: 1 rows have no number of a subject, the first of them row 5; they are not mapped"
    ]


def test_an_extract_of_known_subjects_brings_nobody_in(tmp_path: Path) -> None:
    write(tmp_path, DM, dm=DM_ROWS)
    (tmp_path / "lab.toml").write_text('extract = "lab"\nsubjects = "known"\n' + HEAD.partition("\n")[2] + AE)
    (tmp_path / "source" / "ae.csv").write_text(AE_ROWS.strip() + "\n9,COUGH,08/01/2024\n")
    extracts = (str(tmp_path / "own.toml"), str(tmp_path / "lab.toml"))
    made = build_sdtm([tmp_path / "source"], STUDY, RunOptions(extracts=extracts))
    assert made.sdtm.frames["DM"]["SUBJID"].tolist() == ["007", "8"]
    assert made.accounts.counts["lab/ae", "rejected", "subject.unknown"] == 1


def test_rows_that_are_no_records_are_booked_with_their_reason(tmp_path: Path) -> None:
    mapping = AE.replace(
        'subject = "ID"', 'subject = "ID"\nrows_not_needed = [{ where = "TERM = \'none\'", reason = "no event" }]'
    )
    made = run(tmp_path, mapping, ae=AE_ROWS + "8,none,\n")
    assert made.accounts.counts == {("own/ae", "mapped", ""): 2, ("own/ae", "not needed", "no event"): 1}


def test_a_row_that_stands_twice_makes_two_records_and_is_said(tmp_path: Path) -> None:
    made = run(tmp_path, AE, ae=AE_ROWS + "8,FEVER,08/01/2024\n")
    assert len(made.sdtm.frames["AE"]) == 3
    assert [text.partition(":")[0] for text in said(made, "row.repeated")] == ["ae.csv row 3"]


def test_columns_that_nothing_names_are_said_with_their_cells_and_never_with_a_rare_value(tmp_path: Path) -> None:
    rows = "ID,TERM,START,GRADE,NAME,RARE,EMPTY\n" + "".join(f"{n},FEVER,08/01/2024,2,Ann,x{n},\n" for n in range(5))
    made = run(tmp_path, AE, ae=rows)
    assert said(made, "column.unmapped") == [
        "ae.csv: column D (GRADE) is named by no line of the mapping; 5 cells are filled, most often '2' 5",
        "ae.csv: column E (NAME) is named by no line of the mapping; 5 cells are filled",
        "ae.csv: column F (RARE) is named by no line of the mapping; 5 cells are filled",
    ]


def test_a_column_that_is_not_there_stops_the_run_and_all_are_named(tmp_path: Path) -> None:
    with pytest.raises(Fhir2CdiscError) as error:
        run(tmp_path, AE, ae="ID,TERMS,BEGIN\n1,x,y")
    assert "AETERM: there is no column 'TERM' (the nearest is 'TERMS')" in str(error.value)
    assert "AESTDTC: there is no column 'START'" in str(error.value)


def test_a_file_that_is_not_there_is_said_and_the_rest_goes_on(tmp_path: Path) -> None:
    made = run(tmp_path, DM + AE, dm=DM_ROWS)
    assert said(made, "extract.no-file") == ["extract own: no file fits 'ae.csv' of table ae"]
    assert list(made.sdtm.frames["DM"]["SUBJID"]) == ["007", "8"]


def test_without_any_file_of_the_extract_there_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(Fhir2CdiscError, match=r"extract own: none of its files is there \(ae\.csv\)"):
        run(tmp_path, AE, other="A\n1")


def test_a_collected_value_is_kept_and_a_difference_is_said(tmp_path: Path) -> None:
    """The day of 8 January is day 3 of a treatment that began on 6 January; the source says 4."""
    mapping = DM + AE + 'AESTDY = { column = "DAY", as = "number" }\n'
    rows = "ID,TERM,START,DAY\n8,FEVER,08/01/2024,4\n007,HEADACHE,07/01/2024,\n"
    made = run(tmp_path, mapping, dm=DM_ROWS, ae=rows)
    assert_rows(made.sdtm.frames["AE"], "USUBJID | AESTDY\nOWN-007 | 3\nOWN-8 | 4")
    (finding,) = [f for f in made.sdtm.findings if f.rule == "collected.differs"]
    assert (finding.usubjid, finding.variable, finding.count) == ("OWN-8", "AESTDY", 1)


def test_a_visit_keeps_its_name_and_one_that_is_not_planned_is_said(tmp_path: Path) -> None:
    mapping = """
[[table]]
name = "vs"
file = "vs.csv"
subject = "ID"
[[source]]
domain = "VS"
name = "pulse"
table = "vs"
[source.variables]
VSTESTCD = { value = "PULSE" }
VSTEST = { value = "Pulse Rate" }
VSORRES = { column = "P", as = "result" }
VSORRESU = { column = "P", as = "unit", unit = "beats/min" }
VSDTC = { column = "D", as = "dtc" }
VISIT = { column = "V" }
"""
    rows = "ID,V,D,P\n1,Week 8,01/03/2024,70\n1,Retrieval,05/04/2024,71\n1,Baseline,05/01/2024,72\n1,,06/01/2024,73\n"
    made = run(tmp_path, mapping, vs=rows)
    # Week 8 is day 57, and a visit by weeks has a tenth (see the method of VISITNUM).
    assert_rows(
        made.sdtm.frames["VS"].sort_values("VSORRES"),
        """
        VSORRES | VISIT     | VISITNUM | VISITDY
        70      | Week 8    | 57.1     | 57
        71      | Retrieval | 9500     |
        72      | Baseline  | -1       | -1
        73      |           |          |
        """,
    )
    assert_rows(
        made.sdtm.frames["SV"],
        """
        VISIT     | VISITNUM | SVSTDTC    | SVENDTC
        Baseline  | -1       | 2024-01-05 | 2024-01-05
        Week 8    | 57.1     | 2024-03-01 | 2024-03-01
        Retrieval | 9500     | 2024-04-05 | 2024-04-05
        """,
    )
    assert [f.value for f in made.sdtm.findings if f.rule == "visit.not-planned"] == ["Retrieval"]


def patient(number: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": f"p{number}",
        "identifier": [{"system": "urn:mrn", "value": number}],
        "gender": "male",
        "birthDate": "1960-01-01",
        **more,
    }


def bundle(folder: Path, *resources: dict[str, Any]) -> None:
    entries = [{"resource": one} for one in resources]
    made = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    (folder / "bundle.json").write_text(json.dumps(made), encoding="utf-8")


LINK = """
[link]
file = "link.csv"
subject = "STUDY_NO"
keys = { MRN = "urn:mrn", LAB = "own" }
"""


def test_a_link_leads_numbers_and_identifiers_to_one_subject(tmp_path: Path) -> None:
    source = write(tmp_path, AE + LINK, ae="ID,TERM,START\nL1,FEVER,08/01/2024\n", link="STUDY_NO,MRN,LAB\n01,0012,L1")
    bundle(source, patient("0012", deceasedDateTime="2024-05-01"))
    made = build_sdtm([source], STUDY, RunOptions(extracts=(str(tmp_path / "own.toml"),)))
    assert_rows(made.sdtm.frames["DM"], "USUBJID | SEX | DTHDTC\nOWN-01 | M | 2024-05-01")
    assert_rows(made.sdtm.frames["AE"], "USUBJID | AETERM\nOWN-01 | FEVER")


def test_who_is_not_in_the_link_is_rejected_and_who_has_no_patient_stands_alone(tmp_path: Path) -> None:
    ae = "ID,TERM,START\nL1,FEVER,08/01/2024\nL2,RASH,08/01/2024\nL9,COUGH,08/01/2024\n"
    source = write(tmp_path, AE + LINK, ae=ae, link="STUDY_NO,MRN,LAB\n01,0012,L1\n02,0013,L2\n")
    bundle(source, patient("0012"))
    made = build_sdtm([source], STUDY, RunOptions(extracts=(str(tmp_path / "own.toml"),)))
    assert made.sdtm.frames["DM"]["SUBJID"].tolist() == ["01", "02"]
    assert made.accounts.counts["own/ae", "rejected", "subject.unknown"] == 1
    assert said(made, "link.no-patient") == [
        "link.csv row 3: leads to no FHIR Patient that was read; the subject has what the extracts say alone"
    ]


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        ("STUDY_NO,MRN,LAB\n01,1,L1\n02,2,L1", "link link.csv: rows 2 and 3 have the same 'LAB'"),
        ("STUDY_NO,MRN,LAB\n01,1,L1\n01,2,L2", "link link.csv: rows 2 and 3 have the same 'STUDY_NO'"),
        ("STUDYNO,MRN,LAB\n01,1,L1", "link link.csv: there is no column 'STUDY_NO' (the nearest is 'STUDYNO')"),
    ],
)
def test_a_link_that_leads_to_two_subjects_stops_the_run(tmp_path: Path, rows: str, error: str) -> None:
    with pytest.raises(Fhir2CdiscError) as caught:
        run(tmp_path, AE + LINK, ae=AE_ROWS, link=rows)
    assert error in str(caught.value)


def test_without_a_link_the_same_number_in_fhir_and_in_an_extract_is_two_people(tmp_path: Path) -> None:
    source = write(tmp_path, AE, ae="ID,TERM,START\n0012,FEVER,08/01/2024\n")
    bundle(source, patient("0012"))
    made = build_sdtm([source], STUDY, RunOptions(extracts=(str(tmp_path / "own.toml"),)))
    assert len(made.sdtm.frames["DM"]) == 2


ALIKE = {
    "resourceType": "AdverseEvent",
    "id": "ae1",
    "actuality": "actual",
    "subject": {"reference": "Patient/p0012"},
    "event": {"text": "FEVER"},
    "date": "2024-01-08",
}


@pytest.mark.parametrize(
    ("origins", "terms", "rules"),
    [
        ("", ["FEVER", "FEVER", "RASH"], ["domain.two-origins", "record.two-origins"]),
        ('[origins]\nAE = "extract"\n', ["FEVER", "RASH"], ["origin.left-out"]),
        ('[origins]\nAE = "fhir"\n', ["FEVER"], ["origin.left-out"]),
    ],
)
def test_a_domain_of_two_origins_keeps_both_unless_one_is_asked_for(
    tmp_path: Path, origins: str, terms: list[str], rules: list[str]
) -> None:
    ae = "ID,TERM,START\nL1,Fever,08/01/2024\nL1,RASH,08/01/2024\n"
    source = write(tmp_path, AE + LINK + origins, ae=ae, link="STUDY_NO,MRN,LAB\n01,0012,L1\n")
    bundle(source, patient("0012"), ALIKE)
    made = build_sdtm([source], STUDY, RunOptions(extracts=(str(tmp_path / "own.toml"),)))
    assert sorted(made.sdtm.frames["AE"]["AETERM"].str.upper()) == terms
    assert sorted({f.rule for f in made.sdtm.findings if "origin" in f.rule}) == rules


def test_what_two_sources_say_of_a_subject_is_one_record_and_what_differs_is_said(tmp_path: Path) -> None:
    mapping = DM + LINK
    source = write(
        tmp_path, mapping, dm="ID,SEX,AGE,FIRST,DEATH\nL1,F,,05/01/2024,\n", link="STUDY_NO,MRN,LAB\n01,0012,L1\n"
    )
    bundle(source, patient("0012", deceasedDateTime="2024-05-01"))
    made = build_sdtm([source], STUDY, RunOptions(extracts=(str(tmp_path / "own.toml"),)))
    assert_rows(made.sdtm.frames["DM"], "USUBJID | SEX | DTHDTC | RFSTDTC\nOWN-01 | F | 2024-05-01 | 2024-01-05")
    (finding,) = [f for f in made.sdtm.findings if f.rule == "record.two-origins"]
    assert (finding.usubjid, finding.variable) == ("OWN-01", "SEX")


Change = Callable[[list[str]], list[str]]


@pytest.mark.parametrize("workers", [1, 2])
def test_the_order_of_rows_and_the_number_of_workers_change_no_value(tmp_path: Path, workers: int) -> None:
    lines = [f"{n % 7},TERM {n % 5},{1 + n % 28:02d}/01/2024" for n in range(200)]
    frames = []
    for name, order in (("a", lines), ("b", random.Random(1).sample(lines, len(lines)))):
        (tmp_path / name).mkdir()
        source = write(tmp_path / name, AE, ae="\n".join(["ID,TERM,START", *order]))
        options = RunOptions(extracts=(str(tmp_path / name / "own.toml"),), workers=workers)
        frames.append(build_sdtm([source], STUDY, options).sdtm.frames)
    for domain in frames[0]:
        pd.testing.assert_frame_equal(frames[0][domain], frames[1][domain])


def test_a_record_is_traced_to_its_cell_and_the_package_says_what_became_of_columns(tmp_path: Path) -> None:
    source = write(tmp_path, DM + AE, dm=DM_ROWS, ae=AE_ROWS)
    study = tmp_path / "study.toml"
    study.write_text('id = "own"\nstudyid = "OWN"\ntitle = "Own"\n[reference]\nstart = ["first-dose"]\n')
    out = tmp_path / "out"
    mapping = tmp_path / "own.toml"
    shown = fhir2cdisc("run", source, "--extract", mapping, "--study", study, "--out", out)
    assert "Read 4 rows of extracts = 4 mapped + 0 not needed + 0 rejected" in shown
    assert "Columns 8 = 8 used + 0 not needed + 0 empty + 0 unmapped (findings/columns.parquet)" in shown
    traced = fhir2cdisc("trace", out, "AE", "USUBJID=OWN-8", "--source", source).splitlines()
    assert traced == [
        "AE USUBJID=OWN-8, AESEQ=1, AETERM=FEVER, AESTDTC=2024-01-08",
        "  source: row 3 of own/ae in ae.csv, by AE/own:event",
        "    AETERM = FEVER from B3 (TERM) 'FEVER'",
        "    AESTDTC = 2024-01-08 from C3 (START) '08/01/2024'",
    ]
    columns = pd.read_parquet(out / "findings" / "columns.parquet")
    assert columns[["HEADING", "USE", "FILLED", "TAKEN"]].to_numpy().tolist()[:2] == [
        ["ID", "used", 2, 2],
        ["TERM", "used", 2, 2],
    ]
