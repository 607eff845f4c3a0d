"""Extracts that count days from a diagnosis: the intervals are computed, and no date is in anything that is written."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest
from fhir2cdisc.mappings.extract_model import load_extract
from fhir2cdisc.mappings.model import MappingError
from fhir2cdisc.sdtm.cells.days import DAY_0, MOST_DAYS, as_date, in_days, is_day
from support.command import call, fhir2cdisc
from support.others import others

CBIOPORTAL = Path(__file__).parent / "mappings" / "cbioportal.toml"
STUDY = """
id = "days"
studyid = "DAYS"
title = "Days"
[reference]
start = ["first-dose"]
os_start = "diagnosis"
[[drugs]]
name = "LENVATINIB"
"""
# Twelve months of 30.4375 days are 365.25 days, so day 365; 7.85 months are 238.93, so day 239.
PATIENTS = (
    "#\n#\n#\n#\nPATIENT_ID\tSEX\tAGE\tOS_STATUS\tOS_MONTHS\n"
    "A\tMale\t64\t0:LIVING\t12\nB\tFemale\t58\t1:DECEASED\t7.85\nC\tFemale\t60\t0:LIVING\tmany\n"
)
DOSES = (
    "PATIENT_ID\tSTART_DATE\tSTOP_DATE\tEVENT_TYPE\tTREATMENT_TYPE\tAGENT\n"
    "A\t7\t168\tTreatment\tMedical Therapy\tLENVATINIB\nB\t-3\t112\tTreatment\tMedical Therapy\tLENVATINIB\n"
    "C\t7.5\t99999\tTreatment\tMedical Therapy\tLENVATINIB\n"
)


def made(source: Path, folder: Path) -> Path:
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    words = ("--extract", CBIOPORTAL, "--study", folder / "study.toml", "--out", folder / "package")
    fhir2cdisc("run", source, *words)
    return folder / "package"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("days")
    (folder / "source").mkdir()
    (folder / "source" / "data_clinical_patient.txt").write_text(PATIENTS, encoding="utf-8")
    (folder / "source" / "data_timeline_treatment.txt").write_text(DOSES, encoding="utf-8")
    return made(folder / "source", folder)


def read(package: Path, name: str) -> pd.DataFrame:
    frame, _ = pyreadstat.read_xport(package / f"{name}.xpt")
    return frame.fillna("")


def test_overall_survival_is_counted_from_the_diagnosis(package: Path) -> None:
    """AVAL is the day of the event or of last contact minus that of the diagnosis plus 1, as with dates."""
    adtte = read(package, "adam/adtte")
    os = adtte[adtte["PARAMCD"] == "OS"]
    found = os[["USUBJID", "AVAL", "CNSR", "STARTDT", "ADT"]].to_numpy().tolist()
    assert found[:2] == [["DAYS-A", 366.0, 1.0, "", ""], ["DAYS-B", 240.0, 0.0, "", ""]]


def test_study_days_are_those_that_the_days_give(package: Path) -> None:
    """The first dose is study day 1: of A day 7 to day 168, of B day -3 to day 112."""
    ex = read(package, "sdtm/ex")
    assert ex[["USUBJID", "EXSTDTC", "EXSTDY", "EXENDY"]].to_numpy().tolist()[:2] == [
        ["DAYS-A", "", 1.0, 162.0],
        ["DAYS-B", "", 1.0, 116.0],
    ]


def test_what_is_no_interval_is_said(package: Path) -> None:
    findings = pd.read_csv(package / "findings" / "findings.csv", keep_default_na=False)
    unread = findings[findings["rule"].isin(["days.unreadable", "number.not-a-number"])]
    assert sorted(zip(unread["rule"], unread["variable"], unread["value"], strict=True)) == [
        ("days.unreadable", "EXENDTC", "99999"),
        ("days.unreadable", "EXSTDTC", "7.5"),
        ("number.not-a-number", "SSDTC", "many"),
    ]
    assert (findings["rule"] == "interval.no-dates").sum() == 1


def texts_of(package: Path) -> dict[str, str]:
    """Everything in a package as texts: its transport files and tables by their values."""
    texts = {}
    for path in sorted(package.rglob("*")):
        if path.suffix == ".xpt":
            frame, _ = pyreadstat.read_xport(path)
            texts[path.name] = frame.astype(str).to_csv()
        elif path.suffix == ".parquet":
            texts[path.name] = pd.read_parquet(path).astype(str).to_csv()
        elif path.is_file():
            texts[path.name] = path.read_bytes().decode("utf-8", "replace")
    return texts


def test_no_date_of_the_runs_own_calendar_is_in_a_package(package: Path) -> None:
    texts = texts_of(package)
    assert {"adsl.xpt", "evidence.parquet", "findings.csv", "define.xml"} <= set(texts)
    assert [name for name, text in texts.items() if re.search(r"\b1(?:6[789]|7\d)\d-\d\d-\d\d", text)] == []


def test_the_survival_of_a_published_layout_is_the_one_that_it_states(tmp_path: Path) -> None:
    """Status and months of each patient of the sample against CNSR and AVAL, to half a day."""
    source = others("data", "raw", "cbioportal_like")
    adtte = read(made(source, tmp_path), "adam/adtte")
    os = adtte[adtte["PARAMCD"] == "OS"].set_index("USUBJID")
    stated = pd.read_csv(source / "data_clinical_patient.txt", sep="\t", comment="#")
    assert len(stated) == len(os) == 8
    for row in stated.itertuples():
        mine = os.loc[f"DAYS-{row.PATIENT_ID}"]
        assert abs(mine["AVAL"] - 1 - row.OS_MONTHS * 30.4375) <= 0.5
        assert mine["CNSR"] == (0 if row.OS_STATUS == "1:DECEASED" else 1)


def test_days_and_dates_are_not_put_on_one_scale(tmp_path: Path) -> None:
    text = CBIOPORTAL.read_text(encoding="utf-8")
    for name, changed, said in (
        ("date", text.replace('START_DATE", as = "days"', 'START_DATE", as = "dtc"'), "EXSTDTC: is a date"),
        ("no-origin", text.replace('read = { days_from = "diagnosis" }', ""), "needs \\[read\\] days_from"),
    ):
        (tmp_path / f"{name}.toml").write_text(changed, encoding="utf-8")
        with pytest.raises(MappingError, match=said):
            load_extract(str(tmp_path / f"{name}.toml"))


def test_days_stand_beside_neither_fhir_nor_an_extract_with_dates(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    source = tmp_path / "source"
    source.mkdir()
    (source / "data_clinical_patient.txt").write_text(PATIENTS, encoding="utf-8")
    (source / "data_timeline_treatment.txt").write_text(DOSES, encoding="utf-8")
    (source / "own.csv").write_text("ID,SEX\nA,M\n", encoding="utf-8")
    own = 'extract = "own"\n[[table]]\nname = "dm"\nfile = "own.csv"\nsubject = "ID"\n'
    own += '[[source]]\ndomain = "DM"\nname = "dm"\ntable = "dm"\nsame = ["SEX"]\n'
    (tmp_path / "own.toml").write_text(own, encoding="utf-8")
    words = ("--extract", CBIOPORTAL, "--study", tmp_path / "study.toml", "--out", tmp_path / "package")
    done = call("run", source, *words, "--extract", tmp_path / "own.toml")
    assert done.exit_code != 0 and "count their days differently (from diagnosis, not at all)" in done.output
    (source / "p.json").write_text('{"resourceType": "Patient", "id": "A"}', encoding="utf-8")
    done = call("run", source, *words)
    assert done.exit_code != 0 and "is FHIR, which has dates" in done.output


@pytest.mark.parametrize("days", [0, 1, -1, MOST_DAYS, -MOST_DAYS])
def test_a_day_is_a_date_and_back(days: int) -> None:
    assert is_day(as_date(days)) and in_days(f"on {as_date(days)}.") == f"on day {days}."


def test_no_real_date_is_a_day() -> None:
    assert DAY_0.isoformat() == "1739-01-01"
    assert not is_day("1800-01-01") and in_days("born 1901-02-03") == "born 1901-02-03"
    with pytest.raises(ValueError, match="21900 days"):
        as_date(MOST_DAYS + 1)


BORN = """
extract = "own"
read = { days_from = "diagnosis" }
[[table]]
name = "p"
file = "p.csv"
subject = "NO"
[[source]]
domain = "DM"
name = "dm"
table = "p"
[source.variables]
BRTHDTC = { column = "BORN", as = "days" }
[[source]]
domain = "EX"
name = "ex"
table = "p"
[source.variables]
EXTRT = { value = "LENVATINIB" }
EXSTDTC = { column = "DOSE", as = "days" }
"""


def test_a_birth_in_days_is_no_year_and_a_cut_off_cannot_cut(tmp_path: Path) -> None:
    """Privacy cuts a birth date to its year (its default): that year is of the run's own calendar, too."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "p.csv").write_text("NO,BORN,DOSE\nA,-14610,5\n", encoding="utf-8")
    (tmp_path / "own.toml").write_text(BORN, encoding="utf-8")
    (tmp_path / "study.toml").write_text(f'cutoff = "2024-06-30"\n{STUDY}', encoding="utf-8")
    words = ("--extract", tmp_path / "own.toml", "--study", tmp_path / "study.toml", "--out", tmp_path / "package")
    fhir2cdisc("run", source, *words)
    dm = read(tmp_path / "package", "sdtm/dm")
    # 14,610 days are 40 years, and 5 days more to the first dose.
    assert dm[["BRTHDTC", "AGE", "RFSTDTC"]].to_numpy().tolist() == [["", 40.0, ""]]
    found = pd.read_csv(tmp_path / "package" / "findings" / "findings.csv", keep_default_na=False)
    [said] = found.query("rule == 'interval.cutoff'")["message"]
    assert said == "the data cut-off 2024-06-30 is a date, and the extract has days: nothing is cut off"
