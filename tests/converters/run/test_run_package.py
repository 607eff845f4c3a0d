"""A run, its two halves, and SDTM of others: the same ADaM byte for byte, other formats, eCTD folders, lineage."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from fhir2cdisc.converters.formats.datasets import read_dataset
from fhir2cdisc.converters.xpt.write import read_xpt
from fhir2cdisc.fhir.simulation.simulate import Order, simulate
from fhir2cdisc.mappings.study import load_study
from support.command import call, fhir2cdisc
from support.others import others
from support.packages import PACKED, Package

STUDY = "lenvatinib-pembrolizumab"


@dataclass(frozen=True)
class Packages:
    """One simulated source: as one run, as SDTM alone, and as ADaM made of that SDTM; and what the run said."""

    run: Path
    sdtm: Path
    adam: Path
    said: str


@pytest.fixture(scope="module")
def packages(package_of: Callable[[str], Package], tmp_path_factory: pytest.TempPathFactory) -> Packages:
    folder, made = tmp_path_factory.mktemp("packages"), package_of(STUDY)
    fhir2cdisc("sdtm", made.few, "--study", STUDY, "--out", folder / "sdtm")
    fhir2cdisc("adam", folder / "sdtm", "--study", STUDY, "--out", folder / "adam")
    return Packages(made.folder, folder / "sdtm", folder / "adam", made.said)


def transport(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.xpt"))}


def test_sdtm_then_adam_is_run_byte_for_byte(packages: Packages) -> None:
    assert transport(packages.sdtm / "sdtm") == transport(packages.run / "sdtm")
    adam = transport(packages.run / "adam")
    assert {"adsl.xpt", "adtte.xpt", "adrs.xpt", "adae.xpt"} <= set(adam)
    assert transport(packages.adam / "adam") == adam
    assert (packages.adam / "adam/define.xml").read_bytes() == (packages.run / "adam/define.xml").read_bytes()
    ours, theirs = (pd.read_parquet(p / "lineage/adam.parquet") for p in (packages.run, packages.adam))
    pd.testing.assert_frame_equal(ours, theirs)


def test_sdtm_alone_holds_no_adam(packages: Packages) -> None:
    assert not (packages.sdtm / "adam").exists() and not (packages.sdtm / "results").exists()
    assert [p.name for p in (packages.sdtm / "lineage").iterdir()] == ["sdtm.parquet"]


@pytest.mark.parametrize("name", ["sdtm/dm", "sdtm/ts", "adam/adsl", "adam/adtte"])
def test_the_other_formats_hold_the_same_data(packages: Packages, name: str) -> None:
    frame, _ = read_xpt(packages.run / f"{name}.xpt")
    for suffix in ("json", "parquet"):
        other, dataset = read_dataset(packages.run / f"{name}.{suffix}")
        assert dataset.name == name.partition("/")[2].upper()
        pd.testing.assert_frame_equal(other, frame, check_dtype=False)
    assert not (packages.run / f"{name}.ndjson").exists()


def test_the_ectd_folders_hold_what_an_agency_takes(packages: Packages) -> None:
    root = packages.run / "m5" / "datasets" / load_study(STUDY).studyid.lower()
    for kind, place in (("sdtm", "tabulations/sdtm"), ("adam", "analysis/adam/datasets")):
        assert transport(root / place) == transport(packages.run / kind)
        assert (root / place / "define.xml").read_bytes() == (packages.run / kind / "define.xml").read_bytes()
    assert {p.suffix for p in root.rglob("*") if p.is_file()} <= {".xpt", ".xml", ".xsl", ".html", ".md"}


def test_the_manifest_names_every_file(packages: Packages) -> None:
    said = json.loads((packages.run / "manifest.json").read_text(encoding="utf-8"))
    files = {p.relative_to(packages.run).as_posix() for p in packages.run.rglob("*") if p.is_file()}
    assert {one["path"] for one in said["outputs"]} == files - {"manifest.json"}


def test_what_a_run_says_adds_up(packages: Packages) -> None:
    lines = packages.said.splitlines()
    read, mapped, unneeded, rejected = (int(word) for word in lines[0].split() if word.isdigit())
    assert read == mapped + unneeded + rejected and rejected == 0
    with (packages.run / "findings/accounts.csv").open(encoding="utf-8", newline="") as file:
        assert sum(int(row["count"]) for row in csv.DictReader(file)) == read
    subjects = len(read_xpt(packages.run / "adam/adsl.xpt")[0])
    assert f"Subjects: {subjects}, " in packages.said
    assert lines[-1] == f"Package: {packages.run}"
    assert any(line.startswith("Conformance: 0 errors") for line in lines)


def test_every_record_of_the_run_is_traced_to_a_file(packages: Packages) -> None:
    subject = read_xpt(packages.run / "adam/adsl.xpt")[0]["USUBJID"].iloc[0]
    done = call("trace", packages.run, "ADTTE", f"USUBJID={subject}", "PARAMCD=OS")
    assert done.exit_code == 0
    assert "source: Patient/" in done.output or "source: Observation/" in done.output
    alone = call("trace", packages.adam, "ADTTE", f"USUBJID={subject}", "PARAMCD=OS")
    assert (alone.exit_code, alone.output.splitlines()[0]) == (0, done.output.splitlines()[0])
    assert f"{packages.adam}: has no dataset DM" in alone.output


@pytest.mark.parametrize("suffix", ["json"])
def test_adam_is_the_same_from_any_format(packages: Packages, suffix: str, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for path in (packages.run / "sdtm").glob(f"*.{suffix}"):
        shutil.copyfile(path, folder / path.name)
    assert call("adam", folder, "--study", STUDY, "--out", tmp_path / "out").exit_code == 0
    assert transport(tmp_path / "out/adam") == transport(packages.run / "adam")


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        ([], "no usable Patient resource was read"),
        ([{"resourceType": "Patient", "id": "p"}], f"no patient belongs to study {STUDY}"),
    ],
)
def test_nothing_made_is_one_sentence_and_no_folder(
    resources: list[dict[str, str]], message: str, tmp_path: Path
) -> None:
    bundle = {"resourceType": "Bundle", "entry": [{"resource": one} for one in resources]}
    (tmp_path / "in.json").write_text(json.dumps(bundle), encoding="utf-8")
    done = call("run", tmp_path / "in.json", "--study", STUDY, "--out", tmp_path / "out")
    assert done.exit_code == 1
    assert done.output.splitlines()[-1].startswith(f"Error: {message}, so nothing was made")
    assert not (tmp_path / "out").exists()


COHORT = """
id = "others"
studyid = "OTHERS"
title = "SDTM of others"
[cohort]
membership = "all"
"""
NAMES = {
    "ae": "ae",
    "dm": "dm",
    "ds": "ds",
    "ex": "ex",
    "lb_dates": "lb",
    "rs_onco_recist": "rs",
    "suppdm": "suppdm",
    "tr_onco_recist": "tr",
    "tu_onco_recist": "tu",
}


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    path = tmp_path / "study.toml"
    path.write_text(COHORT, encoding="utf-8")
    return path


def test_sdtm_that_others_made_gives_adsl_and_adtte(cohort: Path, tmp_path: Path) -> None:
    """The public CDISC pilot data: 306 subjects, 52 screen failures, 254 treated, 110 completers, 3 deaths in DM."""
    (tmp_path / "in").mkdir()
    for name, ours in NAMES.items():
        shutil.copyfile(others("data", "sdtm", f"{name}.parquet"), tmp_path / "in" / f"{ours}.parquet")
    done = call("adam", tmp_path / "in", "--study", cohort, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    adsl, _ = read_xpt(tmp_path / "out/adam/adsl.xpt")
    assert len(adsl) == 306
    assert (adsl["SAFFL"] == "Y").sum() == 254 and (adsl["DTHFL"] == "Y").sum() == 3
    assert adsl["EOSSTT"].value_counts().to_dict() == {"DISCONTINUED": 196, "COMPLETED": 110}
    assert (adsl["DCSREAS"] == "SCREEN FAILURE").sum() == 52
    adtte, _ = read_xpt(tmp_path / "out/adam/adtte.xpt")
    survival = adtte[adtte["PARAMCD"] == "OS"]
    assert (len(survival), (survival["CNSR"] == 0).sum()) == (254, 3)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"USUBJID": ["01", "01"]}), "DM: subject 01 has more than one record"),
        (pd.DataFrame({"SUBJID": ["01"]}), "DM has no variable USUBJID"),
        (None, "has no DM dataset, so there are no subjects"),
    ],
)
def test_sdtm_without_subjects_is_one_sentence(
    frame: pd.DataFrame | None, message: str, cohort: Path, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    if frame is not None:
        frame.to_parquet(tmp_path / "in/dm.parquet")
    done = call("adam", tmp_path / "in", "--study", cohort, "--out", tmp_path / "out")
    assert done.exit_code == 1 and message in done.output and len(done.output.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "frame"),
    [
        ("ae", pd.DataFrame({"AETERM": ["Headache"]})),
        ("cm", pd.DataFrame({"CMTRT": ["Aspirin"]})),
        ("gf", pd.DataFrame({"USUBJID": [1.0], "GFTESTCD": ["SSNV"]})),
    ],
)
def test_records_of_no_subject_are_one_sentence(name: str, frame: pd.DataFrame, cohort: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    pd.DataFrame({"USUBJID": ["01"]}).to_parquet(tmp_path / "in/dm.parquet")
    frame.to_parquet(tmp_path / f"in/{name}.parquet")
    done = call("adam", tmp_path / "in", "--study", cohort, "--out", tmp_path / "out")
    assert done.output == f"Error: {tmp_path / 'in'}: {name.upper()} has no variable USUBJID of text\n"


def test_two_records_of_a_subject_in_adsl_are_one_sentence(packages: Packages, cohort: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("adsl", "adtte"):
        frame, _ = read_xpt(packages.run / f"adam/{name}.xpt")
        pd.concat([frame, frame.iloc[:1]]).to_parquet(tmp_path / f"in/{name}.parquet")
    done = call("results", tmp_path / "in", "--study", cohort, "--out", tmp_path / "out")
    assert done.exit_code == 1 and len(done.output.splitlines()) == 1
    assert "ADSL: subject LENVA-PEMBRO-HB-01-0001 has more than one record" in done.output


def test_the_guides_are_linked_and_a_finished_package_has_no_error(packages: Packages) -> None:
    done = call("validate", packages.run)
    assert done.exit_code == 0 and "0 errors" in done.output
    assert call("validate", packages.adam).exit_code == 0
    for kind, guide in (("sdtm", "csdrg.html"), ("adam", "adrg.html")):
        assert f'xlink:href="{guide}"' in (packages.run / kind / "define.xml").read_text(encoding="utf-8")
        text = (packages.run / kind / guide).read_text(encoding="utf-8")
        assert "Every finding has an explanation." in text
    assert (packages.adam / "adam" / "adrg.md").is_file()
    assert f"Synthetic or test data: the source marks {PACKED} patients so" in packages.said
    assert "Synthetic data." in (packages.run / "report" / "index.html").read_text(encoding="utf-8")


def test_criteria_and_parameters_of_a_study_file_of_one_s_own(tmp_path: Path) -> None:
    own = call("studies", STUDY, "--toml").output
    criterion = """
[[criteria]]
code = "EXCL01"
category = "EXCLUSION"
text = "A short wording"
full_text = "The whole wording of the protocol"

[[trial_summary]]
code = "SPONSOR"
values = ["A hospital"]

[[endpoints]]"""
    (tmp_path / "own.toml").write_text(own.replace("[[endpoints]]", criterion.lstrip(), 1), encoding="utf-8")
    simulate(Order(load_study(STUDY), 7, 2), tmp_path / "sim")
    done = call("sdtm", tmp_path / "sim/fhir", "--study", tmp_path / "own.toml", "--out", tmp_path / "out")
    assert done.exit_code == 0 and "Conformance: 0 errors" in done.output, done.output
    ti, described = read_xpt(tmp_path / "out/sdtm/ti.xpt")
    assert ti["IETESTCD"].tolist() == ["EXCL01", "INCL01", "INCL02"]
    assert ti["IETEST"].tolist()[0] == "A short wording" and ti["IECAT"].tolist()[0] == "EXCLUSION"
    assert described.label == "Trial Inclusion/Exclusion Criteria"
    define = (tmp_path / "out/sdtm/define.xml").read_text(encoding="utf-8")
    assert "EXCL01: The whole wording of the protocol" in define
    assert "The whole wording of the protocol" in (tmp_path / "out/sdtm/csdrg.md").read_text(encoding="utf-8")
    ts, _ = read_xpt(tmp_path / "out/sdtm/ts.xpt")
    assert ts.loc[ts["TSPARMCD"] == "SPONSOR", ["TSVAL", "TSVALNF"]].to_numpy().tolist() == [["A hospital", ""]]


@pytest.mark.parametrize(("asked", "errors"), [("auto", True), ("utf-8", False), ("gb18030", False)])
def test_an_encoding_that_is_asked_for_is_the_one_that_is_checked_and_told(
    cohort: Path, tmp_path: Path, asked: str, errors: bool
) -> None:
    """NMPA takes Chinese text and asks for the encoding; the FDA recommends ASCII, which `auto` is checked against."""
    headache = {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p"}, "code": {"text": "头痛"}}
    bundle = {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient", "id": "p"}}]}
    bundle["entry"].append({"resource": headache})  # type: ignore[attr-defined]
    (tmp_path / "in.json").write_text(json.dumps(bundle), encoding="utf-8")
    fhir2cdisc("sdtm", tmp_path / "in.json", "--study", cohort, "--out", tmp_path / "out", "--encoding", asked)
    issues = json.loads((tmp_path / "out/findings/conformance.json").read_text(encoding="utf-8"))["issues"]
    assert [one["dataset"] for one in issues if one["rule"] == "XPT-007"] == (["MH"] if errors else [])
    told = "UTF-8" if asked == "auto" else asked.upper()
    assert f"| Encoding of the transport files | {told} |" in (tmp_path / "out/sdtm/csdrg.md").read_text("utf-8")


def test_a_package_of_a_chinese_hospital_has_no_error_in_its_encoding(tmp_path: Path) -> None:
    simulate(Order(load_study("hepatobiliary-rws"), 2, 2, dialects=("hospital-cn",)), tmp_path / "sim")
    site = ("--site", "hospital-cn", "--encoding", "gb18030")
    said = fhir2cdisc("sdtm", tmp_path / "sim/fhir", "--study", "hepatobiliary-rws", "--out", tmp_path / "out", *site)
    assert "Conformance: 0 errors" in said
