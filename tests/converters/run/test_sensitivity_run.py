"""iRECIST end to end: a scan after progression that shows stable disease, from FHIR to the results and the metadata."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fhir2cdisc.converters.xpt.read import read_xpt
from support.command import fhir2cdisc

STUDY = "lenvatinib-pembrolizumab"
STUDYID = "LENVA-PEMBRO-HB"
URN = "urn:fhir2cdisc:evaluator"
# Subjects of the cohort that stay beside the one with another scan: enough for every endpoint to have a result.
OTHERS = 7


@dataclass(frozen=True)
class Made:
    """A package, the subject with a scan after its progression, and the days of both scans and of death."""

    package: Path
    subject: str
    progressed: str
    again: str
    died: str


def truth(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / "truth" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def chosen(folder: Path) -> tuple[str, str, str]:
    """A subject whose targets alone progressed, after SD, without new therapy, and who died 57 to 180 days later: the
    subject and the dates of progression and death."""
    subjects = {s["SUBJID"]: s for s in truth(folder, "subjects") if s["DTHDT"] and not s["NACTDT"]}
    rows = [row for row in truth(folder, "timepoints") if row["EVALUATOR"] == "INVESTIGATOR"]
    for before, row in pairwise(sorted(rows, key=lambda r: (r["SUBJID"], r["DATE"]))):
        own = subjects.get(row["SUBJID"])
        alone = row["TRGRESP"] == "PD" and row["NTRGRESP"] != "PD" and row["NEWLIND"] != "Y"
        if own and alone and before["SUBJID"] == row["SUBJID"] and before["OVRLRESP"] == "SD":
            lived = (date.fromisoformat(own["DTHDT"]) - date.fromisoformat(row["DATE"])).days
            if 56 < lived <= 180:
                return row["SUBJID"], row["DATE"], own["DTHDT"]
    raise AssertionError("the simulated cohort has no such subject")


def add_scan(folder: Path, subject: str, progressed: str) -> str:
    """The investigator's measurements again eight weeks after the progression, with the results of the scan before."""
    path = folder / "fhir" / f"patient-{subject}.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    again = (date.fromisoformat(progressed) + timedelta(days=56)).isoformat()
    entries = content["entry"]
    own = [e["resource"] for e in entries if _is_measurement(e["resource"])]
    last = max(day for r in own if (day := r["effectiveDateTime"][:10]) < progressed)
    before = {_lesion(r): r for r in own if r["effectiveDateTime"][:10] == last}
    for number, one in enumerate([r for r in own if r["effectiveDateTime"][:10] == progressed]):
        told = before.get(_lesion(one), one)
        values = {k: told[k] for k in ("component", "valueQuantity", "valueCodeableConcept") if k in told}
        made = {k: v for k, v in one.items() if k not in ("encounter", "note", "component", *values)}
        made |= {"id": f"later-{number}", "effectiveDateTime": again, **values}
        entries.append({"fullUrl": f"urn:uuid:later-{number}", "resource": made})
    path.write_text(json.dumps(content), encoding="utf-8")
    return again


def _is_measurement(resource: dict[str, Any]) -> bool:
    """A diameter, short axis or state of a lesion that the investigator gave (LOINC 21889-1, NCIt C96685, C96643)."""
    if resource["resourceType"] != "Observation" or "focus" not in resource:
        return False
    codes = {c["code"] for c in resource["code"].get("coding", [])}
    evaluator = [e["valueString"] for e in resource.get("extension", []) if e["url"] == URN]
    return bool(codes & {"21889-1", "C96685", "C96643"}) and evaluator == ["INVESTIGATOR"]


def _lesion(resource: dict[str, Any]) -> str:
    return str(resource["focus"][0]["reference"])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("immune")
    fhir2cdisc("simulate", STUDY, "--patients", 30, "--seed", 1, "--out", folder)
    subject, progressed, died = chosen(folder)
    again = add_scan(folder, subject, progressed)
    others = [path for path in sorted((folder / "fhir").glob("patient-*.json")) if path.stem != f"patient-{subject}"]
    for path in others[OTHERS:]:
        path.unlink()
    fhir2cdisc("run", folder / "fhir", "--study", STUDY, "--out", folder / "package")
    return Made(folder / "package", f"{STUDYID}-{subject}", progressed, again, died)


def times(folder: Path, subject: str) -> dict[str, tuple[str, float, str]]:
    rows = read_xpt(folder / "adam" / "adtte.xpt")[0]
    rows = rows[rows["USUBJID"] == subject]
    return {r.PARAMCD: (f"{r.ADT:%Y-%m-%d}", r.CNSR, r.EVNTDESC) for r in rows.itertuples()}


def test_the_same_subject_progressed_by_one_criteria_and_not_by_the_other(made: Made) -> None:
    """By RECIST 1.1 the progression stands. By iRECIST the stable scan after it resets; then the death counts, which
    comes within two missed assessments (126 days) of that scan."""
    found = times(made.package, made.subject)
    assert found["PFS"] == (made.progressed, 0, "Disease Progression")
    assert found["IPFS"] == (made.died, 0, "Death")
    assert found["ITTP"] == (made.again, 1, "Death not an event")
    adrs = read_xpt(made.package / "adam" / "adrs.xpt")[0]
    own = adrs[adrs["USUBJID"] == made.subject]
    calls = own[own["PARAMCD"] == "IOVR"].sort_values("ADT")["AVALC"].tolist()
    assert calls[-2:] == ["iUPD", "iSD"]
    collected = own[own["PARAMCD"] == "OVR"].sort_values("ADT")
    assert collected["AVALC"].tolist()[-1] == "PD" and len(collected) == len(calls) - 1


def test_the_package_conforms_and_describes_the_parameters(made: Made) -> None:
    assert "0 errors" in fhir2cdisc("validate", made.package).splitlines()[-1]
    define = (made.package / "adam" / "define.xml").read_text(encoding="utf-8")
    for name in ("ADRS.AVALC.ICBOR", "ADRS.AVAL.IPD", "ADTTE.AVAL.IPFS"):
        assert f'OID="IT.{name}"' in define
    assert "IPFS: Starts: Treatment Start" in define
    shown = re.findall(r'<arm:AnalysisResult OID="AR\.\w+\.(\w+)\.irecist"[^>]*AnalysisPurpose="([^"]+)"', define)
    assert dict(shown).keys() >= {"orr", "dcr", "pfs", "dor"}
    assert set(dict(shown).values()) == {"EXPLORATORY OUTCOME MEASURE"}
    guide = (made.package / "adam" / "adrg.md").read_text(encoding="utf-8")
    assert "does not compute" not in guide and "IPFS" in guide


def test_results_and_reports_mark_the_sensitivity_analyses(made: Made) -> None:
    table = pd.read_csv(made.package / "results" / "results.csv")
    rows = table[table["RESULTID"] == "pfs.irecist"]
    assert set(rows["PARAMCD"]) == {"IPFS"} and rows["ENDPOINT"].str.endswith("sensitivity analysis by iRECIST").all()
    event = json.loads((made.package / "results" / "ars.json").read_text(encoding="utf-8"))
    immune = {a["id"]: a for a in event["analyses"] if a["id"].endswith(".irecist")}
    assert immune["AN.orr.irecist"]["purpose"] == {"controlledTerm": "EXPLORATORY OUTCOME MEASURE"}
    assert immune["AN.orr.irecist"]["reason"] == {"controlledTerm": "SPECIFIED IN SAP"}
    assert "sensitivity analysis by iRECIST" in (made.package / "report" / "index.html").read_text(encoding="utf-8")


def test_every_number_leads_back_to_a_resource(made: Made) -> None:
    lines = fhir2cdisc("trace", made.package, "ADTTE", f"USUBJID={made.subject}", "PARAMCD=ITTP").splitlines()
    steps = [line.split()[0] for line in lines]
    assert steps[:4] == ["ADTTE", "ADRS.ADT", "ADRS", "RS.RSSTRESC"]
    assert "RSSTRESC=iSD" in lines[4]
    assert all("Observation/later-" in line and line.endswith("by RS/derived-from-lesions") for line in lines[5:])


def test_the_commands_after_run_make_the_same(made: Made, tmp_path: Path) -> None:
    fhir2cdisc("adam", made.package, "--study", STUDY, "--out", tmp_path / "adam")
    assert times(tmp_path / "adam", made.subject) == times(made.package, made.subject)
    fhir2cdisc("results", made.package, "--study", STUDY, "--out", tmp_path / "results")
    own = pd.read_csv(tmp_path / "results" / "results" / "results.csv")
    pd.testing.assert_frame_equal(own, pd.read_csv(made.package / "results" / "results.csv"))
