"""Conformance of whole folders: how a package is found and read, other people's files, reports, the command, CORE."""

from __future__ import annotations

import json
import stat
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fhir2cdisc.converters.check import define as rules_define
from fhir2cdisc.converters.check.columns import not_terms
from fhir2cdisc.converters.check.conformance import (
    RULES,
    Issue,
    Report,
    as_html,
    as_json,
    as_text,
    validate_package,
)
from fhir2cdisc.converters.check.core import CoreError, run_core
from fhir2cdisc.converters.check.reading import read_package
from fhir2cdisc.converters.check.rule import Loaded
from fhir2cdisc.converters.package import arrange_ectd
from fhir2cdisc.converters.xpt.write import read_xpt, write_xpt
from fhir2cdisc.mappings.standard.datasets import sdtm_datasets
from support.command import call
from support.others import others


def test_a_folder_of_transport_files_without_structure_is_read(package_dir: Any, tmp_path: Path) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in package_dir.path.rglob("*.xpt"):
        (flat / path.name).write_bytes(path.read_bytes())
    report = validate_package(flat)
    assert sorted(n for k, n, _ in report.datasets if k == "adam") == ["ADRS", "ADSL", "ADTTE"]
    assert {i.rule for i in report.issues} == {"DEF-001"}


def test_many_values_outside_a_codelist_are_counted_together() -> None:
    values = pd.Series([f"V{n:02}" for n in range(12)])
    loaded = Loaded("sdtm", Path("ex.xpt"), values.to_frame("EXDOSFRM"), sdtm_datasets()["EX"], "EX")
    hits = list(not_terms(loaded, "EXDOSFRM", values, values != "V00", "FRM"))
    assert [h.message for h in hits[:1]] == ["codelist FRM does not have 'V01'"] and len(hits) == 11
    assert (hits[-1].message, hits[-1].rows) == ("codelist FRM does not have 1 more values", (12,))


def test_a_define_beside_flat_transport_files_is_read_by_the_standard_it_names(
    package_dir: Any, tmp_path: Path
) -> None:
    for kind in ("sdtm", "adam"):
        flat = tmp_path / kind
        flat.mkdir()
        for path in (package_dir.path / kind).iterdir():
            (flat / path.name).write_bytes(path.read_bytes())
        report = validate_package(flat)
        assert {name for name, _, _ in report.datasets} == {kind}
        assert "DEF-001" not in {i.rule for i in report.issues}
    (tmp_path / "sdtm" / "ae.xpt").unlink()
    hits = [(i.rule, i.dataset) for i in validate_package(tmp_path / "sdtm").issues if i.rule == "DEF-006"]
    assert hits == [("DEF-006", "AE")]
    (tmp_path / "adam" / "define.xml").write_text("<!DOCTYPE x><x/>")
    (issue,) = [i for i in validate_package(tmp_path / "adam").issues if i.rule.startswith("DEF")]
    assert (issue.rule, issue.message) == ("DEF-002", "define.xml has a DOCTYPE, which is refused")


def test_the_folders_of_a_submission_are_a_package(package_dir: Any, tmp_path: Path) -> None:
    arrange_ectd(package_dir.path, "SYN01")
    (package_dir.path / "m5").rename(tmp_path / "m5")
    assert (tmp_path / "m5" / "datasets" / "syn01" / "analysis" / "adam" / "datasets" / "define.xml").is_file()
    for root in (tmp_path, tmp_path / "m5" / "datasets" / "syn01"):
        report = validate_package(root)
        assert report.issues == () and report.datasets == validate_package(package_dir.path).datasets


def test_a_link_to_a_document_that_is_to_come_is_no_error(package_dir: Any) -> None:
    package = read_package(package_dir.path)
    guide = package_dir.path / "sdtm" / "csdrg.html"
    assert not package.has_file("sdtm", "csdrg.html")
    assert read_package(package_dir.path, coming=[guide]).has_file("sdtm", "csdrg.html")
    guide.write_text("")
    assert package.has_file("sdtm", "csdrg.html")


def strange() -> dict[str, pd.DataFrame]:
    """Frames with the names of datasets and nothing else as the rules expect it."""
    return {
        "DM": pd.DataFrame({"USUBJID": [1.0, 2.0], "RFSTDTC": [5.0, np.nan], "AGE": ["a" * 90, ""]}),
        "AE": pd.DataFrame({"X": ["y" * 90]}),
        "LB": pd.DataFrame({"USUBJID": ["x" * 90], "LBDTC": [1e10], "LBDY": ["z"], "LBSEQ": ["q"]}),
        "TS": pd.DataFrame({"TSVAL": [1.0]}),
        "SUPPAE": pd.DataFrame({"RDOMAIN": [1.0], "QNAM": [2.0], "QVAL": [3.0]}),
        "RELREC": pd.DataFrame({"RELID": [1.0]}),
        "ADSL": pd.DataFrame({"USUBJID": [1.0], "TRTSDT": ["x" * 90], "TRTEDT": [1e300**0.2]}),
        "ADTTE": pd.DataFrame({"PARAMCD": [1.0], "CNSR": ["a" * 90], "AVAL": ["b"], "ADT": [1e9], "STARTDT": ["c"]}),
        "ADX": pd.DataFrame({"PARAMCD": ["A" * 90], "AVALC": [1.0], "ABLFL": [1.0], "BASE": ["x"], "CHG": ["y"]}),
    }


def test_strange_files_of_others_give_a_report_and_no_crash(tmp_path: Path) -> None:
    for name, frame in strange().items():
        for rows in (frame, frame.iloc[:0]):
            write_xpt(rows, tmp_path / f"{name.lower()}{len(rows)}.xpt", name=name)
    (tmp_path / "broken.xpt").write_bytes(b"\0" * 5000)
    (tmp_path / "define.xml").write_text("<x/>")
    report = validate_package(tmp_path)
    assert not report.passed
    assert [i.message for i in report.issues if "could not be applied" in i.message] == []
    assert as_html(report) and as_json(report)


def test_published_data_of_others_give_a_report_and_no_crash(tmp_path: Path) -> None:
    for kind in ("sdtm", "adam"):
        for path in sorted(others("data", kind).glob("*.parquet")):
            frame = pd.read_parquet(path)
            for column in frame.columns:
                if frame[column].dtype == object:
                    frame[column] = [str(v)[:200] if isinstance(v, str) else "" for v in frame[column]]
                elif frame[column].dtype.kind == "M":
                    frame[column] = pd.to_datetime(frame[column]).dt.tz_localize(None).astype("datetime64[ns]")
            frame.columns = [str(c).upper().replace("_", "")[:8] for c in frame.columns]
            frame = frame.loc[:, ~frame.columns.duplicated()]
            name = path.stem.partition("_")[0].upper()
            write_xpt(frame, tmp_path / kind / f"{path.stem}.xpt", name=name, encoding="utf-8")
    report = validate_package(tmp_path)
    assert len(report.datasets) > 8
    assert [i.message for i in report.issues if "could not be applied" in i.message] == []


def test_other_encodings_than_ascii_are_an_option(package_dir: Any) -> None:
    dataset, frame = next(p for p in package_dir.sdtm if p[0].name == "AE")
    frame = frame.assign(AETERM="头痛")
    path = package_dir.path / "sdtm" / "ae.xpt"
    for encoding in ("utf-8", "gb18030"):
        options = {"name": "AE", "label": dataset.label, "variables": dataset.variables, "encoding": encoding}
        write_xpt(frame, path, **options)
        assert "XPT-007" in {i.rule for i in validate_package(package_dir.path).issues}
        done = call("validate", package_dir.path, "--encoding", encoding)
        assert "XPT-007" not in done.output
        assert read_xpt(path, encoding=encoding)[0]["AETERM"].tolist() == ["头痛"] * 3


def test_a_rule_that_fails_is_a_note_and_no_crash(package_dir: Any) -> None:
    def fail(_: Any) -> list[Any]:
        raise KeyError("X")

    rule = replace(RULES[0], check=fail)
    (issue,) = validate_package(package_dir.path, rules=[rule]).issues
    assert (issue.severity, issue.message) == ("note", "the rule could not be applied (KeyError: 'X')")


def test_without_odmlib_the_schema_is_said_to_be_unchecked(package_dir: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules_define, "schema", lambda: None)
    issues = validate_package(package_dir.path).issues
    assert {(i.rule, i.severity) for i in issues} == {("DEF-003", "note")}


HOSTILE = Report((Issue("X-1", "error", "S", "AE", "AETERM", "<script>alert(1)</script>", tuple(range(1, 9))),), (), 1)


def test_reports_as_text_json_and_html() -> None:
    text = as_text(HOSTILE)
    assert "AE.AETERM" in text and "(rows 1, 2, 3, 4, 5 and 3 more)" in text
    assert text.endswith("1 error, 0 warnings, 0 notes from 1 rules on 0 datasets")
    content = json.loads(as_json(HOSTILE))
    assert (content["passed"], content["counts"]["error"], content["issues"][0]["rows"][-1]) == (False, 1, 8)
    page = as_html(HOSTILE)
    assert "<script>" not in page and "&lt;script&gt;" in page and "default-src 'none'" in page


FAKE_CORE = f"""#!{sys.executable}
import json, sys
arguments = sys.argv[1:]
assert arguments[:5] == ["validate", "-s", "sdtmig", "-v", "3-4"], arguments
assert arguments[arguments.index("-dxp") + 1].endswith("define.xml")
report = {{
    "Issue_Details": [{{"core_id": "CORE-000334", "message": "Wrong order", "dataset": "ae.xpt", "row": 2,
                        "variables": ["AETERM"]}}],
    "Rules_Report": [{{"core_id": "CORE-000929", "status": "EXECUTION ERROR"}},
                     {{"core_id": "C1", "status": "SUCCESS"}}],
}}
with open(arguments[arguments.index("-o") + 1] + ".json", "w") as file:
    json.dump(report, file)
"""


def script(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_findings_of_core_join_the_report(package_dir: Any, tmp_path: Path) -> None:
    core = script(tmp_path / "core", FAKE_CORE)
    first, second = run_core(core, package_dir.path)
    assert (first.rule, first.place, first.rows, first.severity) == (
        "CORE-000334",
        "AE.AETERM",
        (2,),
        "error",
    )
    assert (second.rule, second.severity) == ("CORE-000929", "note")
    done = call("validate", package_dir.path, "--core", core)
    assert done.exit_code == 1 and "CORE-000334" in done.output


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            f"#!{sys.executable}\nimport sys\nsys.exit('out of luck')\n",
            "no JSON report: exit code 1, out of luck",
        ),
        (f"#!{sys.executable}\nprint('done')\n", "no JSON report: exit code 0, done"),
        (FAKE_CORE.replace("json.dump(report, file)", "file.write('[1]')"), "not of the expected form"),
        ("#!/nowhere/python\n", "could not be run"),
    ],
)
def test_a_core_that_fails_is_said_plainly(package_dir: Any, tmp_path: Path, content: str, message: str) -> None:
    core = script(tmp_path / "core", content)
    with pytest.raises(CoreError, match=message):
        run_core(core, package_dir.path)
    done = call("validate", package_dir.path, "--core", core)
    assert done.exit_code == 1 and message.split(":")[0] in done.output
