"""`fhir2cdisc map --draft` as a new user uses it: draft, decide, run; and what a draft never does."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from fhir2cdisc.mappings.extract_model import load_extract
from fhir2cdisc.sdtm.draft.profile import Column, formats_of
from support.command import call, fhir2cdisc

DM = "SUBJID,SEX,Gender,BRTHDAT,Name\n" + "".join(
    f"{n:03},{sex},{sex},{1950 + n}-02-03,Person {n}\n" for n, sex in enumerate("FMFMFMFM", 1)
)
AE = "SUBJID,AEYN,IT.AETERM,AESEV_RAW,AESER,AESTDAT,AESTTIM,AEREL,SITE REMARK\n" + "".join(
    f"{n:03},Y,Headache,{'Mild event' if n < 6 else 'Severe event'},{'Yes' if n == 8 else 'No'},"
    f"{n + 10}-JAN-2024,08:30,{'Related' if n % 2 else 'Unrelated'},seen by ward {n}\n"
    for n in range(1, 9)
)
STUDY = 'id = "own"\nstudyid = "OWN"\ntitle = "Own"\n'


def source(folder: Path, **files: str) -> Path:
    (folder / "source").mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / "source" / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder / "source"


def drafted(folder: Path, **files: str) -> str:
    return fhir2cdisc("map", source(folder, **files), "--draft")


def run(folder: Path, mapping: str) -> Path:
    (folder / "mapping.toml").write_text(mapping, encoding="utf-8")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    words = ("--extract", folder / "mapping.toml", "--study", folder / "study.toml", "--out", folder / "package")
    fhir2cdisc("sdtm", folder / "source", *words, "--replace", "--format", "parquet")
    return folder / "package"


def findings(package: Path) -> pd.DataFrame:
    return pd.read_csv(package / "findings" / "findings.csv", keep_default_na=False)


def test_draft_decide_run(tmp_path: Path) -> None:
    """A user takes the guesses that are right, fills the map, decides about every column, and has the SDTM."""
    text = drafted(tmp_path, DM=DM, AE=AE)
    package = run(tmp_path, text)
    [undecided] = findings(package).query("rule == 'mapping.undecided'")["count"]
    assert int(undecided) == 6  # Gender, Name; AEYN, AESEV_RAW, AEREL, SITE REMARK
    decided = re.sub(r"^# (AESEV|AEREL) (.*?)  # GUESS.*$", r"\1 \2", text, flags=re.MULTILINE)
    decided = re.sub(r"^# (\[maps\.aesev\])$", r"\1", decided, flags=re.MULTILINE)
    # Three cells are too few to be shown: the user knows the other word.
    words = r'\1\n"Severe event" = "SEVERE"'
    decided = re.sub(r'^# ("Mild event" = "MILD")  # GUESS$', words, decided, flags=re.MULTILINE)
    asked = r'^("(?:Gender|Name|AEYN|SITE REMARK)") = "\?".*$'
    decided = re.sub(asked, r'\1 = "not asked for"', decided, flags=re.MULTILINE)
    package = run(tmp_path, decided)
    assert "mapping.undecided" not in set(findings(package)["rule"])
    ae = pd.read_parquet(package / "sdtm" / "ae.parquet")
    columns = ["USUBJID", "AETERM", "AESEV", "AESER", "AEREL", "AESTDTC"]
    assert ae[columns].to_numpy().tolist() == [
        [
            f"OWN-{n:03}",
            "Headache",
            "MILD" if n < 6 else "SEVERE",
            "Y" if n == 8 else "N",
            "Related" if n % 2 else "Unrelated",
            f"2024-01-{n + 10}T08:30",
        ]
        for n in range(1, 9)
    ]


def test_what_is_sure_is_plain_and_what_is_not_is_a_comment(tmp_path: Path) -> None:
    mapping = tomllib.loads(drafted(tmp_path, DM=DM, AE=AE))
    ae, dm = mapping["source"]
    assert (ae["domain"], dm["domain"]) == ("AE", "DM")
    assert ae["variables"] == {
        "AESER": {"column": "AESER", "map": "yes_no", "codelist": "NY"},
        "AESTDTC": {"column": "AESTDAT + AESTTIM", "as": "dtc"},
        "AETERM": {"column": "IT.AETERM"},
    }
    assert dm["variables"] == {"BRTHDTC": {"column": "BRTHDAT", "as": "dtc"}, "SEX": {"column": "SEX"}}
    assert mapping["read"]["dates"] == ["DD-MMM-YYYY"]


def test_rare_values_and_what_names_people_are_not_shown(tmp_path: Path) -> None:
    text = drafted(tmp_path, DM=DM, AE=AE)
    assert "Person" not in text and "seen by ward" not in text and "1951" not in text
    assert "Severe event" not in text.split("[maps.aesev]")[0]  # three cells
    assert '"Name" = "?"  # 8 cells; may identify people' in text
    assert '"AEYN" = "?"  # 8 cells: Y (8)' in text


def test_an_earlier_mapping_is_kept_word_for_word_and_what_is_new_is_added(tmp_path: Path) -> None:
    first = drafted(tmp_path, DM=DM, AE=AE)
    mine = first.replace('AETERM = { column = "IT.AETERM" }', 'AETERM = { column = "IT.AETERM", upper = true }  # mine')
    (tmp_path / "mapping.toml").write_text(mine, encoding="utf-8")
    again = ("map", tmp_path / "source", "--draft", "--extract", tmp_path / "mapping.toml")
    assert fhir2cdisc(*again) == mine
    head, *rows = AE.splitlines()
    source(tmp_path, AE="\n".join([f"{head},AESDTH", *(f"{row},N" for row in rows)]))
    source(tmp_path, MH="SUBJID,MHTERM\n001,Gout\n")
    later = fhir2cdisc(*again)
    assert later.startswith(mine.rstrip("\n"))
    assert '# AESDTH = { column = "AESDTH" }' in later and later.count("AETERM = {") == 1
    (tmp_path / "later.toml").write_text(later, encoding="utf-8")
    extract = load_extract(str(tmp_path / "later.toml"))
    assert [table.name for table in extract.table] == ["ae", "dm", "mh"]


def test_a_guess_that_is_taken_and_still_says_so_is_counted(tmp_path: Path) -> None:
    text = drafted(tmp_path, DM=DM, AE=AE)
    taken = re.sub(r"^# (AEREL .*GUESS.*)$", r"\1", text, flags=re.MULTILINE)
    found = findings(run(tmp_path, taken))
    [said] = found.query("rule == 'mapping.undecided'")["message"]
    assert said == (
        "extract draft: 5 columns wait for a decision (?), and 1 lines are guesses that nobody has confirmed (GUESS)"
    )


@pytest.mark.parametrize(
    ("texts", "formats", "undecided"),
    [
        (["2024-01-05", "2024-02"], (), False),  # ISO 8601 needs no format
        (["13/01/2024", "05/06/2024"], ("D/M/YYYY",), False),  # no month is 13
        (["01/13/2024", "05/06/2024"], ("M/D/YYYY",), False),
        (["05/06/2024", "07/08/2024"], (), True),  # either is possible
        (["13/01/2024", "01/13/2024"], ("D/M/YYYY", "M/D/YYYY"), False),  # both occur, and nothing is unclear
        (["13/01/2024", "01/13/2024", "05/06/2024"], (), True),
        (["05-JAN-2024", "FEB-2024"], ("DD-MMM-YYYY", "MMM-YYYY"), False),
        (["2024年1月5日", "2024.1.5"], ("YYYY年M月D日", "YYYY.M.D"), False),
        (["12", "2024"], (), False),  # numbers
    ],
)
def test_the_formats_of_dates_are_those_that_read_all_of_them(
    texts: list[str], formats: tuple[str, ...], undecided: bool
) -> None:
    column = Column("D")
    for text in texts:
        column.add(text)
    assert formats_of([column]) == (formats, undecided)


def test_dates_that_can_be_read_in_two_ways_are_a_guess(tmp_path: Path) -> None:
    text = drafted(tmp_path, AE="SUBJID,AETERM,AESTDAT\n1,Rash,05/06/2024\n2,Rash,07/08/2024\n3,Rash,01/02/2024\n")
    assert '# AESTDTC = { column = "AESTDAT", as = "dtc" }  # GUESS 0.60 CDASH name; day and month' in text
    assert "# Nothing tells day and month apart" in text


def test_a_table_without_a_number_of_subjects_is_a_comment(tmp_path: Path) -> None:
    text = drafted(tmp_path, AE="AETERM,AESTDAT\nRash,2024-01-05\n")
    assert tomllib.loads(text) == {"extract": "draft", "read": {"dates": []}}
    assert "no column is known to hold the subject's number" in text and '# AETERM = { column = "AETERM" }' in text


def test_tables_meet_by_the_number_that_most_of_them_have(tmp_path: Path) -> None:
    """A number with the study's name in it (USUBJID) and one without are different ones."""
    dm, ae = "SUBJID,USUBJID,SEX\n1,S-1,F\n", "USUBJID,AETERM\nS-1,Rash\n"
    tables = tomllib.loads(drafted(tmp_path, DM=dm, AE=ae, CM="USUBJID,CMTRT\nS-1,Tea\n"))["table"]
    assert [table["subject"] for table in tables] == ["USUBJID"] * 3


def test_a_table_of_no_known_domain_has_no_plain_line(tmp_path: Path) -> None:
    text = drafted(tmp_path, export="SUBJID,X1,X2\n1,a,b\n2,c,d\n")
    assert "source" not in tomllib.loads(text) and '"X1" = "?"  # 2 cells' in text


def test_tests_in_columns_of_their_own_are_a_guess(tmp_path: Path) -> None:
    text = drafted(tmp_path, vitals="SUBJID,PULSE,SYSBP\n1,70,120\n2,71,121\n")
    assert '# each = "(?P<test>PULSE|SYSBP)"' in text and "source" not in tomllib.loads(text)


def test_headings_below_a_title_are_found(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "AE"
    for row in (["Adverse events of the trial"], ["SUBJID", "AETERM"], ["007", "Rash"], ["008", "Rash"]):
        sheet.append(row)
    (tmp_path / "source").mkdir()
    book.save(tmp_path / "source" / "trial.xlsx")
    [table] = tomllib.loads(fhir2cdisc("map", tmp_path / "source", "--draft"))["table"]
    assert (table["file"], table["sheet"], table["header"], table["subject"]) == ("trial.xlsx", "AE", [2], "SUBJID")


def test_codes_of_fhir_without_a_test_become_a_site_map(tmp_path: Path) -> None:
    entries = [{"resource": {"resourceType": "Patient", "id": "p"}}]
    for n, code in enumerate(["LDIAM"] * 5 + ["X-1"] * 6 + ["RARE"]):
        value = {"resourceType": "Observation", "id": f"o{n}", "status": "final", "subject": {"reference": "Patient/p"}}
        value |= {"code": {"coding": [{"system": "urn:example:own", "code": code}]}, "valueString": "a"}
        entries.append({"resource": {**value, "effectiveDateTime": "2024-01-05"}})
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    (tmp_path / "b.json").write_text(json.dumps(bundle), encoding="utf-8")
    text = fhir2cdisc("map", tmp_path / "b.json", "--draft")
    assert tomllib.loads(text) == {"site": "draft"}
    assert text.index('# code = "X-1"') < text.index('# code = "LDIAM"') and "RARE" not in text
    assert '# domain = "TR"\n# testcd = "LDIAM"\n# test = "Longest Diameter"' in text
    assert "# 1 more codes stand in fewer than 5 resources each" in text


def test_a_file_is_not_overwritten_unless_asked(tmp_path: Path) -> None:
    out = tmp_path / "draft.toml"
    words = ("map", source(tmp_path, AE=AE), "--draft", "--out", out)
    fhir2cdisc(*words)
    kept = out.read_text(encoding="utf-8")
    done = call(*words)
    assert done.exit_code == 1 and "is there already; --replace replaces it" in done.output
    fhir2cdisc(*words, "--replace")
    assert out.read_text(encoding="utf-8") == kept


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, "there is neither a table nor FHIR among the sources"),
        ({"a.xlsx": b"PK\x03\x04 broken"}, "a.xlsx"),
        ({"a.csv": b""}, "there is neither a table nor FHIR among the sources"),
    ],
)
def test_what_is_no_table_is_one_sentence(tmp_path: Path, content: dict[str, bytes], said: str) -> None:
    for name, data in content.items():
        (tmp_path / name).write_bytes(data)
    done = call("map", tmp_path, "--draft")
    assert done.exit_code == 1 and said in done.output and "Traceback" not in done.output
