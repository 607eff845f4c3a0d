"""Real bundles to a package: the accounts add up, and values followed by hand from the bundle to the XPT file.

Every expected value was typed from the JSON of the resource named by its id and from the rule in the last column.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyreadstat
import pytest
from fhir2cdisc.converters.documents.headlines import account_lines, assumption_lines, finding_lines
from fhir2cdisc.converters.package import new_folder
from fhir2cdisc.converters.run.evidence import finish, write_findings, write_lineage
from fhir2cdisc.converters.run.pipeline import RunOptions, SdtmRun, build_sdtm
from fhir2cdisc.converters.run.write import write_sdtm
from fhir2cdisc.mappings.study import Study, load_study
from lxml import etree
from support.others import others
from support.readme import block

COHORT = Path(__file__).parents[3] / "examples" / "cancer-cohort.toml"
# The folder, the run, and the lines that it says of what was read, found and assumed.
Package = tuple[Path, SdtmRun, list[str]]


def source(name: str) -> Path:
    return others("data", "fhir", name)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """The package of the synthea bundles for the cohort of the example study."""
    study, out = load_study(str(COHORT)), tmp_path_factory.mktemp("real") / "out"
    made = build_sdtm([source("synthea")], study)
    with new_folder(out) as folder:
        written = write_sdtm(folder, made, study)
        write_lineage(folder, made, None)
        found = write_findings(folder, made, None, written.findings)
        finish(folder, made.inputs, study, RunOptions(), written.encoding)
    said = [*account_lines(made.accounts), *finding_lines(found), *assumption_lines(study, made.sdtm.frames)]
    return out, made, said


def test_the_readme_shows_what_the_run_says(package: Package) -> None:
    """All lines but the number of findings, to which ADaM adds its own."""
    shown = block("$ fhir2cdisc run synthea/")
    said = [line for line in package[2] if not line.startswith("Findings: ")]
    assert [line for line in shown if line in said] == said


def read(package: Package, domain: str) -> pd.DataFrame:
    frame, _ = pyreadstat.read_xport(package[0] / "sdtm" / f"{domain.lower()}.xpt")
    return frame


def test_read_is_mapped_not_needed_and_rejected_of_every_file(package: Package) -> None:
    # 7204 resources in 32 bundles, counted with a JSON reader of its own; nothing in them is wrong.
    held = [json.loads(path.read_bytes())["entry"] for path in sorted(source("synthea").glob("*.json"))]
    accounts = package[1].accounts
    outcomes: dict[str, int] = {}
    for (_, outcome, _), count in accounts.counts.items():
        outcomes[outcome] = outcomes.get(outcome, 0) + count
    assert sum(map(len, held)) == 7204
    assert sum(outcomes.values()) == 7204 == len(accounts.rows) == len(set(accounts.rows))
    assert outcomes.get("rejected", 0) == 0
    resources = pd.read_parquet(package[0] / "findings" / "resources.parquet")
    assert resources["OUTCOME"].value_counts().to_dict() == outcomes
    counted = pd.read_csv(package[0] / "findings" / "accounts.csv")
    assert counted["count"].sum() == 7204


def test_the_cohort_has_sixteen_patients_of_whom_nine_died(package: Package) -> None:
    dm = read(package, "DM")
    assert (len(dm), dm["USUBJID"].nunique(), (dm["DTHFL"] == "Y").sum()) == (16, 16, 9)
    assert dm["RFXSTDTC"].eq("").all(), "nothing was administered: orders are no exposure"


@pytest.mark.parametrize("name", ["mcode", "recist_examples"])
def test_the_accounts_of_published_examples_add_up(name: str) -> None:
    study = Study(id="all", studyid="ALL", title="Everyone", cohort={"membership": "all"})  # type: ignore[arg-type]
    made = build_sdtm([source(name)], study)
    held = 0
    for path in sorted(source(name).rglob("*.json")):
        content = json.loads(path.read_bytes())
        held += len(content["entry"]) if content["resourceType"] == "Bundle" else 1
    assert sum(made.accounts.counts.values()) == len(made.accounts.rows) == held
    said = account_lines(made.accounts)
    assert name != "mcode" or block(f"Read {held} resources")[: len(said)] == said, "README.md shows other accounts"


# Domain, resource type, id, facts in the resource (path and value), values in the file, rule of the lineage, why.
FOLLOWED: list[tuple[str, str, str, dict[str, Any], dict[str, Any], str]] = [
    (
        "DM",
        "Patient",
        "7d8d8cb5-24ff-4c7b-bb37-de80ce94155b",
        {"gender": "male", "deceasedDateTime": "2001-05-14T02:39:21+00:00"},
        # The birth date is kept as a year (privacy default); U.S. addresses are USA by ISO 3166.
        {"SEX": "M", "DTHDTC": "2001-05-14T02:39:21", "DTHFL": "Y", "RACE": "WHITE", "COUNTRY": "USA"},
        "DM/patient",
    ),
    (
        "DS",
        "Patient",
        "7d8d8cb5-24ff-4c7b-bb37-de80ce94155b",
        {"deceasedDateTime": "2001-05-14T02:39:21+00:00"},
        {"DSDECOD": "DEATH", "DSCAT": "DISPOSITION EVENT", "DSSTDTC": "2001-05-14T02:39:21"},
        "DS/death",
    ),
    (
        "SC",
        "Patient",
        "f49a43d9-bb72-4b37-a4a6-70df40c40c92",
        {"maritalStatus.coding.0.code": "S"},
        {"SCTESTCD": "MARISTAT", "SCORRES": "S", "SCSTRESC": "NEVER MARRIED"},
        "SC/marital-status",
    ),
    (
        "LB",
        "Observation",
        "2f187af3-3eb4-43bd-b808-c105cff49b80",
        {"code.coding.0.code": "2571-8", "valueQuantity.value": 128.16421850300276},
        {
            "LBTESTCD": "TRIG",
            "LBORRES": "128.16421850300276",
            "LBORRESU": "mg/dL",
            "LBLOINC": "2571-8",
            "LBSTRESN": 128.16421850300276,
            "LBDTC": "2011-06-30T16:54:01",
        },
        "LB/laboratory",
    ),
    (
        "VS",
        "Observation",
        "6f9bea33-1a0a-4947-af82-749f52638fa3",
        {"code.coding.0.code": "29463-7", "valueQuantity.value": 82.43226392295057},
        {
            "VSTESTCD": "WEIGHT",
            "VSTEST": "Weight",
            "VSORRES": "82.43226392295057",
            "VSORRESU": "kg",
            "VSSTRESN": 82.43226392295057,
            "VSDTC": "1991-08-24T02:39:21",
        },
        "VS/vital-sign",
    ),
    (
        "MH",
        "Condition",
        "b50ea5c0-b446-4302-9544-0887cb3a1486",
        {"code.coding.0.code": "162864005", "onsetDateTime": "1960-04-30T02:39:21+00:00"},
        # From 1960-04-30 to the start 1997-05-18 are 13532 days; there is no day 0.
        {
            "MHTERM": "Body mass index 30+ - obesity (finding)",
            "MHSTDTC": "1960-04-30T02:39:21",
            "MHDY": -13532,
            "MHENRTPT": "ONGOING",
        },
        "MH/condition",
    ),
    (
        "CM",
        "Immunization",
        "661738ec-dc1a-4f6a-b614-29563e452778",
        {"status": "completed", "occurrenceDateTime": "1992-08-29T02:39:21+00:00"},
        {
            "CMTRT": "Influenza, seasonal, injectable, preservative free",
            "CMCAT": "IMMUNIZATION",
            "CMSTDTC": "1992-08-29T02:39:21",
            "CMSTDY": -1723,
        },
        "CM/immunization",
    ),
    (
        "PR",
        "Procedure",
        "ea7e24cc-2e39-4667-8a29-e646f0a7ff90",
        {"code.text": "Colonoscopy", "performedPeriod.end": "2017-01-22T01:31:41+00:00"},
        {"PRTRT": "Colonoscopy", "PRSTDTC": "2017-01-22T00:52:41", "PRENDTC": "2017-01-22T01:31:41"},
        "PR/procedure",
    ),
    (
        "SU",
        "Observation",
        "5257eb2c-aeb0-42b0-80e1-39f776a16af1",
        {"valueCodeableConcept.coding.0.code": "8517006"},
        # 8517006 is "former smoker": the subject has smoked.
        {"SUTRT": "TOBACCO", "SUOCCUR": "Y", "SUDTC": "1993-09-04T02:39:21"},
        "SU/substance-use",
    ),
    (
        "DD",
        "Observation",
        "c542061f-3801-4c0b-8016-3a3d1915bd11",
        {"code.coding.0.code": "69453-9", "valueCodeableConcept.coding.0.code": "93761005"},
        {"DDTESTCD": "PRCDTH", "DDORRES": "Primary malignant neoplasm of colon", "DDDTC": "2001-05-19T02:39:21"},
        "DD/cause-of-death",
    ),
    (
        "XO",
        "Observation",
        "158f820d-2f81-4a04-a070-8281535f923e",
        {"code.coding.0.code": "32465-7"},
        {"XOTEST": "Physical findings of Prostate", "XOCAT": "EXAM", "XOORRES": "Prostate enlarged on PR"},
        "XO/finding-own-term",
    ),
    (
        "QS",
        "Observation",
        "a566c93f-acd2-4c1b-9a58-17b4a668497f",
        {"valueQuantity.value": 16.218782042247454},
        {"QSTEST": "Total score [MMSE]", "QSORRES": "16.218782042247454", "QSDTC": "2009-05-22T06:29:54"},
        "QS/survey-own-term",
    ),
    (
        "SV",
        "Encounter",
        "648feae3-f22d-4325-8da0-89fb76119566",
        {"period.start": "1953-07-14T02:39:21+00:00"},
        # No encounter of the study has a planned name, so the first of the subject is the first visit.
        {
            "VISITNUM": 1,
            "VISIT": "ENCOUNTER 1",
            "SVSTDTC": "1953-07-14T02:39:21",
            "SVENDTC": "1953-07-14T03:39:21",
        },
        "SV/encounter",
    ),
]


def at(resource: Any, path: str) -> Any:
    for step in path.split("."):
        resource = resource[int(step)] if step.isdigit() else resource[step]
    return resource


@pytest.mark.parametrize(
    ("domain", "kind", "identifier", "facts", "values", "rule"), FOLLOWED, ids=[f[0] for f in FOLLOWED]
)
def test_a_value_is_followed_from_the_bundle_to_the_transport_file(
    package: Package,
    domain: str,
    kind: str,
    identifier: str,
    facts: dict[str, Any],
    values: dict[str, Any],
    rule: str,
) -> None:
    lineage = pd.read_parquet(package[0] / "lineage" / "sdtm.parquet")
    rows = lineage[(lineage["DATASET"] == domain) & (lineage["ID"] == identifier) & (lineage["ROLE"] == "source")]
    (row,) = rows.to_dict("records")
    assert (row["RESOURCE"], row["RULE"], row["LINE"]) == (kind, rule, 0)
    bundle = json.loads((source("synthea") / str(row["FILE"])).read_bytes())
    resource = bundle["entry"][row["ENTRY"]]["resource"]
    assert resource["id"] == identifier
    assert {path: at(resource, path) for path in facts} == facts
    frame = read(package, domain)
    frame = frame[frame["USUBJID"] == row["USUBJID"]]
    if f"{domain}SEQ" in frame:
        frame = frame[frame[f"{domain}SEQ"] == row["SEQ"]]
    elif domain == "SV":
        frame = frame[frame["VISITNUM"] == row["SEQ"]]
    (record,) = frame.to_dict("records")
    found = {name: record[name] for name in values}
    assert {k: v for k, v in found.items() if isinstance(v, str)} == {
        k: v for k, v in values.items() if isinstance(v, str)
    }
    assert all(math.isclose(found[k], v, rel_tol=1e-14) for k, v in values.items() if not isinstance(v, str))


def test_each_visit_has_the_encounter_that_made_it(package: Package) -> None:
    lineage = pd.read_parquet(package[0] / "lineage" / "sdtm.parquet")
    made = lineage[(lineage["DATASET"] == "SV") & (lineage["ROLE"] == "source")]
    visits = read(package, "SV")[["USUBJID", "VISITNUM"]].itertuples(index=False, name=None)
    # No encounter has a planned name, so each is a visit of its own.
    assert sorted(visits) == sorted(made[["USUBJID", "SEQ"]].itertuples(index=False, name=None))
    assert (made["RESOURCE"] == "Encounter").all() and made["ID"].is_unique


def test_every_transport_file_is_read_alike_by_three_independent_readers(
    package: Package, readers: dict[str, Callable[[Path], Any]]
) -> None:
    paths = sorted((package[0] / "sdtm").glob("*.xpt"))
    assert {p.stem for p in paths} >= {
        "dm",
        "lb",
        "vs",
        "mh",
        "cm",
        "pr",
        "su",
        "dd",
        "ds",
        "sv",
        "sc",
        "relrec",
    }
    for path in paths:
        one, *others = [readers[name](path).frame for name in ("pyreadstat", "pandas", "xport")]
        for other in others:
            assert list(other.columns) == list(one.columns)
            for column in one.columns:
                if one[column].dtype == object:
                    expected = [str(v).rstrip() for v in one[column].fillna("")]
                    assert [str(v).rstrip() for v in other[column].fillna("")] == expected, f"{path.name} {column}"
                else:
                    pd.testing.assert_series_equal(
                        other[column].astype(float), one[column].astype(float), check_exact=False, rtol=1e-14
                    )


def test_the_define_of_the_run_is_valid_against_the_schema(package: Package, define_schema: Any) -> None:
    assert define_schema.validate(etree.parse(package[0] / "sdtm" / "define.xml")), define_schema.error_log


def test_sequence_numbers_are_unique_and_related_and_supplemental_records_join_back(package: Package) -> None:
    frames = {p.stem.upper(): read(package, p.stem) for p in (package[0] / "sdtm").glob("*.xpt")}
    keys: set[tuple[str, str, str]] = set()
    for name, frame in frames.items():
        if f"{name}SEQ" in frame and "USUBJID" in frame:
            assert not frame.duplicated(["USUBJID", f"{name}SEQ"]).any(), name
            per_subject = frame.groupby("USUBJID")[f"{name}SEQ"].agg(["min", "max", "size"])
            assert (per_subject["min"] == 1).all() and (per_subject["max"] == per_subject["size"]).all(), name
            keys |= {(name, u, f"{s:g}") for u, s in zip(frame["USUBJID"], frame[f"{name}SEQ"], strict=True)}
    for name, frame in frames.items():
        if name.startswith("SUPP") and name != "SUPPDM":
            assert {(r.RDOMAIN, r.USUBJID, r.IDVARVAL) for r in frame.itertuples()} <= keys, name
            assert not frame.duplicated(["USUBJID", "IDVARVAL", "QNAM"]).any(), name
    related = frames["RELREC"]
    assert {(r.RDOMAIN, r.USUBJID, r.IDVARVAL) for r in related.itertuples()} <= keys
    assert (related.groupby(["USUBJID", "RELID"]).size() == 2).all(), "a relation has its two ends"


def test_no_study_day_is_zero_and_orders_are_no_exposure(package: Package) -> None:
    for path in (package[0] / "sdtm").glob("*.xpt"):
        frame = read(package, path.stem)
        for column in [c for c in frame.columns if c.endswith("DY")]:
            assert not (frame[column] == 0).any(), f"{path.stem} {column}"
    assert not (package[0] / "sdtm" / "ex.xpt").exists()
    supp = read(package, "SUPPCM")
    assert supp["QVAL"].eq("ORDER").sum() == len(supp) == 77
