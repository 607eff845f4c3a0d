"""`adam` on SDTM in a folder says of responses and lesions what `run` says, up to the report."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from fhir2cdisc.adam.build import study_lesions
from fhir2cdisc.adam.plan import every_recist_options
from fhir2cdisc.adam.tumour.derived_rs import lesion_conflicts
from fhir2cdisc.converters.run.from_adam import make_results
from fhir2cdisc.converters.run.from_sdtm import make_adam
from fhir2cdisc.mappings.study import load_study

STUDY = load_study("lenvatinib-pembrolizumab").model_copy(update={"cutoff": ""})
BASE = {"STUDYID": "S", "USUBJID": "01"}
# 50, 30 and 28 mm are PR twice (-40%, -44%); the investigator calls SD at week 8.
SCANS = [
    (0.0, "SCREENING", "2023-12-20", 50.0),
    (1.0, "WEEK 8", "2024-02-26", 30.0),
    (2.0, "WEEK 16", "2024-04-22", 28.0),
]
DOSES = {"EXSEQ": 1.0, "EXTRT": "LENVATINIB", "EXSTDTC": "2024-01-01", "EXENDTC": "2024-05-01"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """SDTM of one subject as Parquet files."""
    frames = {
        "dm": pd.DataFrame([{**BASE, "RFSTDTC": "2024-01-01", "RFICDTC": "2023-12-10", "SUBJID": "01", "SITEID": "1"}]),
        "ex": pd.DataFrame([{**BASE, **DOSES}]),
        "tu": pd.DataFrame([{**BASE, "TUSEQ": 1.0, "TULNKID": "T01", "TUSTRESC": "TARGET", "TUEVAL": "INVESTIGATOR"}]),
        "tr": pd.DataFrame(
            [
                {**BASE, "TRSEQ": n + 1.0, "VISITNUM": n, "VISIT": visit, "TRDTC": day, "TRSTRESN": size}
                for n, visit, day, size in SCANS
            ]
        ).assign(TRLNKID="T01", TRTESTCD="LDIAM", TRSTRESU="mm", TREVAL="INVESTIGATOR"),
        "rs": pd.DataFrame(
            [
                {**BASE, "RSSEQ": n, "VISITNUM": n, "VISIT": visit, "RSDTC": day, "RSSTRESC": call}
                for (n, visit, day, _), call in zip(SCANS[1:], ("SD", "PR"), strict=True)
            ]
        ).assign(RSTESTCD="OVRLRESP", RSCAT="RECIST1.1", RSEVAL="Investigator"),
    }
    for name, frame in frames.items():
        (tmp_path / "sdtm").mkdir(exist_ok=True)
        frame.assign(DOMAIN=name.upper()).to_parquet(tmp_path / "sdtm" / f"{name}.parquet", index=False)
    return tmp_path / "sdtm"


def test_conflicts_are_findings_of_adam_and_stand_in_the_report_of_its_results(folder: Path, tmp_path: Path) -> None:
    make_adam(folder, STUDY, tmp_path / "adam", False, ())
    found = pd.read_csv(tmp_path / "adam" / "findings" / "findings.csv")
    said = found.loc[found["rule"] == "sdtm.response differs from lesions", ["usubjid", "variable", "value", "message"]]
    assert len(said) == 1
    row = said.iloc[0]
    assert (row["variable"], row["value"]) == ("RS.OVRLRESP", "SD")
    assert "OVRLRESP of 2024-02-26 by INVESTIGATOR is SD; the lesions give PR" in row["message"]
    make_results(tmp_path / "adam", STUDY, tmp_path / "results", False, ())
    page = (tmp_path / "results" / "report" / "index.html").read_text(encoding="utf-8")
    assert "Responses that differ from the lesions" in page and row["message"].split("(")[0] in page


def test_signs_that_results_are_wrong_come_first(folder: Path, tmp_path: Path) -> None:
    """Nobody reads the responses of a RADIOLOGIST and there are no lesions: one treated subject, none assessed."""
    rs = pd.read_parquet(folder / "rs.parquet").assign(RSEVAL="RADIOLOGIST")
    rs.to_parquet(folder / "rs.parquet", index=False)
    for name in ("tu", "tr"):
        (folder / f"{name}.parquet").unlink()
    lines = make_adam(folder, STUDY, tmp_path / "adam", False, ())
    assert lines[0] == "LOOK AT THIS FIRST: numbers below may be wrong"
    assert lines[1].startswith("  tripwire.few assessed: Tumours of 1 subjects were assessed, but only 0 of 1 treated")
    found = pd.read_csv(tmp_path / "adam" / "findings" / "findings.csv")
    assert found["rule"][0] == "tripwire.few assessed" and found["severity"][0] == "error"
    lines = make_results(tmp_path / "adam", STUDY, tmp_path / "results", False, ())
    assert lines[1].startswith("  tripwire.few assessed")
    page = (tmp_path / "results" / "report" / "index.html").read_text(encoding="utf-8")
    assert page.index('id="tripwires"') < page.index("<h2")


def test_two_unscheduled_visits_of_one_number_are_compared_by_their_days(folder: Path) -> None:
    """Both scans are visit 99: PR on the first, PR on the second; each call is compared with its own scan."""
    frames = {path.stem.upper(): pd.read_parquet(path) for path in sorted(folder.glob("*.parquet"))}
    for name in ("TR", "RS"):
        later = frames[name]["VISITNUM"] > 0
        frames[name].loc[later, ["VISITNUM", "VISIT"]] = [99.0, "UNSCHEDULED"]
    found = lesion_conflicts(frames["RS"], study_lesions(frames, STUDY), every_recist_options(STUDY))
    assert found[["VARIABLE", "VALUE"]].values.tolist() == [["OVRLRESP", "SD"]]
