"""Two independent readers from FHIR to the results: each has its own lesions, responses and conflicts, one counts."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fhir2cdisc.converters.xpt.read import read_xpt
from fhir2cdisc.mappings.study import builtin_studies
from support.command import fhir2cdisc

STUDY = "lenvatinib-pembrolizumab"
NCI = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"
PROGRESSIVE = {"coding": [{"system": NCI, "code": "C35571"}], "text": "PD"}
STABLE = {"coding": [{"system": NCI, "code": "C18213"}], "text": "SD"}


def independent(resource: dict[str, Any]) -> bool:
    return any(e.get("valueString") == "INDEPENDENT ASSESSOR" for e in resource.get("extension", []))


def add_reader(folder: Path) -> None:
    """A second reader who measured the same and called every overall response the opposite: PD, or SD where it was."""
    for path in sorted(folder.glob("patient-*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        for one in [e["resource"] for e in content["entry"] if independent(e["resource"])]:
            made = {**one, "id": f"{one['id']}-b", "performer": [{"reference": "Practitioner/zz"}]}
            if any(c["code"] == "C96613" for c in one["code"]["coding"]):
                progressed = any(c["code"] == "C35571" for c in one["valueCodeableConcept"]["coding"])
                made["valueCodeableConcept"] = STABLE if progressed else PROGRESSIVE
            content["entry"].append({"fullUrl": f"urn:uuid:{made['id']}", "resource": made})
        path.write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readers")
    fhir2cdisc("simulate", STUDY, "--patients", 4, "--seed", 1, "--out", folder)
    add_reader(folder / "fhir")
    return folder


def study_file(folder: Path, reader: str) -> Path:
    """The study with the readings of one independent reader, or of nobody in particular."""
    text = builtin_studies()[STUDY].read_text(encoding="utf-8")
    said = f'[response]\nevaluator = "INDEPENDENT ASSESSOR"\nevaluator_id = "{reader}"\n'
    path = folder / f"study{reader[-1:]}.toml"
    path.write_text(text.replace("[response]\n", said), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def first(source: Path) -> Path:
    """The package of the first reader."""
    fhir2cdisc("run", source / "fhir", "--study", study_file(source, "RADIOLOGIST 1"), "--out", source / "first")
    return source / "first"


def analysed(first: Path, reader: str) -> Path:
    """ADaM by another reader, of the same SDTM: which reader counts is asked by the analysis alone."""
    out = first.parent / f"adam{reader[-1:]}"
    fhir2cdisc("adam", first, "--study", study_file(first.parent, reader), "--out", out)
    return out


def responses(folder: Path) -> pd.DataFrame:
    rows = read_xpt(folder / "adam" / "adrs.xpt")[0]
    return rows[rows["PARAMCD"] == "OVR"][["USUBJID", "ADT", "AVALC"]].reset_index(drop=True)


def test_each_reader_is_analysed_and_compared_with_its_own_lesions(first: Path) -> None:
    second = analysed(first, "RADIOLOGIST 2")
    rs = read_xpt(first / "sdtm" / "rs.xpt")[0]
    own = rs[(rs["RSTESTCD"] == "OVRLRESP") & (rs["RSEVAL"] == "INDEPENDENT ASSESSOR")]
    counts = own.groupby("RSEVALID").size().to_dict()
    assert set(counts) == {"RADIOLOGIST 1", "RADIOLOGIST 2"} and len(set(counts.values())) == 1
    derived = rs[(rs["RSTESTCD"] == "OVRLRESP") & (rs["RSEVAL"] == "ALGORITHM") & (rs["RSCAT"] == "RECIST 1.1")]
    names = {f"INDEPENDENT ASSESSOR {reader}" for reader in counts}
    assert {"INVESTIGATOR", *names} == set(derived["RSEVALID"])

    one, two = responses(first), responses(second)
    assert (one["AVALC"] == "PD").equals(two["AVALC"] != "PD")  # the second reader says the opposite
    for made, reader in ((first, 1), (second, 2)):
        adrs = read_xpt(made / "adam" / "adrs.xpt")[0]
        assert f"Independent Assessor Radiologist {reader}" in set(adrs["PARCAT2"])
        assert f"Algorithm from Lesions of Independent Assessor Radiologist {reader}" in set(adrs["PARCAT2"])
        adtr = read_xpt(made / "adam" / "adtr.xpt")[0]
        assert not adtr.duplicated(["USUBJID", "PARAMCD", "ADT"]).any()
        assert "0 errors" in fhir2cdisc("validate", made).splitlines()[-1]

    found = pd.read_csv(first / "findings" / "findings.csv")
    conflicts = found.loc[found["rule"] == "sdtm.response differs from lesions", "message"]
    assert len(conflicts) == counts["RADIOLOGIST 2"]  # the first reader's calls are those of its lesions
    assert conflicts.str.contains("by INDEPENDENT ASSESSOR RADIOLOGIST 2 is").all()
    assert not found["rule"].str.contains("several readers").any()


def test_where_no_reader_is_named_the_first_counts_and_that_is_a_finding(first: Path) -> None:
    made = analysed(first, "")
    pd.testing.assert_frame_equal(responses(made), responses(first))
    found = pd.read_csv(made / "findings" / "findings.csv")
    assert (found["rule"] == "adam.several readers").sum() >= responses(made)["USUBJID"].nunique()


def test_files_in_another_order_and_more_workers_give_the_same_bytes(source: Path, first: Path, tmp_path: Path) -> None:
    study, again = study_file(source, "RADIOLOGIST 1"), tmp_path / "again"
    renamed = tmp_path / "fhir"
    renamed.mkdir()
    for n, path in enumerate(sorted((source / "fhir").iterdir(), reverse=True)):
        content = json.loads(path.read_text(encoding="utf-8"))
        content["entry"].reverse()
        (renamed / f"{n:03}.json").write_text(json.dumps(content), encoding="utf-8")
    fhir2cdisc("run", renamed, "--study", study, "--out", again, "--workers", 2)
    sums = []
    for out in (first, again):
        names = sorted(p for part in ("sdtm", "adam", "results") for p in (out / part).iterdir() if p.suffix != ".md")
        sums.append({p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in names if p.suffix != ".html"})
    assert sums[0] == sums[1]
