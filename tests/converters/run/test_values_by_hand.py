"""Five values of each published source, read by hand in its JSON and followed to the transport file.

The expected values were typed from the resources; the transport files are read by pandas, not by the product.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fhir2cdisc.converters.run.order import RunOrder, make_package
from fhir2cdisc.mappings.study import Study, load_study
from support.others import others

EVERYONE = Study.model_validate({"id": "e", "studyid": "E", "title": "E", "cohort": {"membership": "all"}})
# Folder of the source and the study it is read for.
SOURCES: dict[str, Study] = {
    "ips": EVERYONE,
    "ae_backport": EVERYONE,
    "genomics": EVERYONE,
    "hapi_export/system": load_study("lenvatinib-pembrolizumab"),
}
# Source, resource, id, what stands in it | dataset, what stands in the record
Facts = dict[str, Any]
VALUES: list[tuple[str, str, str, Facts, str, Facts]] = [
    (
        "ips",
        "Observation",
        "serum-creatinine-adult",
        # Two normal ranges, one for each sex: neither is taken.
        {"valueQuantity.value": 2.46, "effectiveDateTime": "2018-02-16T09:17:00+01:00"},
        "LB",
        {"LBTESTCD": "CREAT", "LBORRES": "2.46", "LBORRESU": "mg/dL", "LBDTC": "2018-02-16T09:17:00", "LBORNRHI": ""},
    ),
    (
        "ips",
        "Observation",
        "urine-wbc-range",
        {"valueQuantity.value": 10, "valueQuantity.unit": "per HPF", "referenceRange.0.high.value": 5},
        "LB",
        {"LBORRES": "10", "LBORRESU": "/HPF", "LBORNRHI": "5", "LBNRIND": "HIGH"},
    ),
    (
        "ips",
        "AllergyIntolerance",
        "eumfh-39-07-1",
        {"code.coding.0.display": "No known allergy (situation)"},
        "MH",
        {"MHOCCUR": "N", "MHPRESP": "Y", "MHCAT": "ALLERGY"},
    ),
    (
        "ips",
        "Immunization",
        "75680",
        {"occurrenceDateTime": "1998-06-04T00:00:00+02:00", "route.coding.0.display": "Intramuscular use"},
        "CM",
        {"CMCAT": "IMMUNIZATION", "CMSTDTC": "1998-06-04T00:00:00", "CMROUTE": "INTRAMUSCULAR"},
    ),
    (
        "ips",
        "Observation",
        "tobacco-use-example",
        {"valueCodeableConcept.coding.0.display": "Former smoker", "effectiveDateTime": "2019-07-15"},
        "SU",
        {"SUTRT": "TOBACCO", "SUOCCUR": "Y", "SUDTC": "2019-07-15"},
    ),
    (
        "ae_backport",
        "AdverseEvent",
        "ex1",
        {"extension.0.valueCodeableConcept.text": "Grade 1 Mild Adverse Event", "event.coding.0.code": "10001551"},
        "AE",
        {"AETOXGR": "1", "AELLTCD": 10001551.0, "AETERM": "Alanine aminotransferase (ALT) increased at 50"},
    ),
    (
        "ae_backport",
        "AdverseEvent",
        "ex1",
        {"seriousness.coding.0.code": "non-serious", "outcome.coding.0.code": "C49494", "date": "2020-04-22"},
        "AE",
        {"AESER": "N", "AEOUT": "NOT RECOVERED/NOT RESOLVED", "AESTDTC": "2020-04-22", "AEENDTC": ""},
    ),
    (
        "ae_backport",
        "MedicationAdministration",
        "medication-administration-kadcyla-reduced",
        {"dosage.dose.value": 3.0, "effectiveDateTime": "2020-05-20"},
        "EX",
        {"EXTRT": "KADCYLA", "EXDOSE": 3.0, "EXDOSU": "mg", "EXSTDTC": "2020-05-20"},
    ),
    (
        "ae_backport",
        "MedicationAdministration",
        "medication-administration-kadcyla-reduced",
        {"dosage.route.coding.0.code": "47625008"},
        "EX",
        # 49 days after the first dose of 2020-04-01.
        {"EXROUTE": "INTRAVENOUS", "EXSTDY": 50.0},
    ),
    (
        "ae_backport",
        "Patient",
        "patient-example-kaitlyn-b",
        {"birthDate": "1985-02-20", "gender": "female", "address.0.country": "US"},
        "DM",
        {"SEX": "F", "BRTHDTC": "1985", "COUNTRY": "USA", "AGE": 35.0},
    ),
    (
        "genomics",
        "Observation",
        "EGFR-L858R-var",
        {"component.4.valueCodeableConcept.coding.0.display": "EGFR", "effectiveDateTime": "2023-02-01"},
        "GF",
        {"GFTESTCD": "SHRTVAR", "GFSYM": "EGFR", "GFORRES": "NP_005219.2:p.Leu858Arg", "GFDTC": "2023-02-01"},
    ),
    (
        "genomics",
        "Observation",
        "TMBExample",
        {"valueQuantity.value": 29.8},
        "GF",
        {"GFTESTCD": "TMB", "GFORRES": "29.8", "GFSTRESN": 29.8},
    ),
    (
        "genomics",
        "Observation",
        "TumorMutationBurdenExample01",
        {"valueQuantity.value": 250, "effectiveDateTime": "2019-04-01"},
        "GF",
        {"GFTESTCD": "TMB", "GFORRES": "250", "GFDTC": "2019-04-01"},
    ),
    (
        "genomics",
        "Observation",
        "MSIExample",
        {"valueCodeableConcept.coding.0.display": "MSI-H"},
        "GF",
        {"GFTESTCD": "MICRISTB", "GFORRES": "MSI-H"},
    ),
    (
        "genomics",
        "Observation",
        "ExampleSomaticCNV",
        {"component.4.valueQuantity.value": 3, "component.3.valueCodeableConcept.coding.0.code": "NC_000022.10"},
        "GF",
        {"GFTESTCD": "CPNUMVAR", "GFORRES": "3", "GFSEQID": "NC_000022.10"},
    ),
    (
        "hapi_export/system",
        "AdverseEvent",
        "694a7358-e8c5-419a-8b29-868c8c7de471",
        {
            "event.text": "Alanine aminotransferase increased",
            "date": "2019-07-07",
            "extension.2.valueDateTime": "2019-08-20",
        },
        "AE",
        {"AEDECOD": "Alanine aminotransferase increased", "AESTDTC": "2019-07-07", "AEENDTC": "2019-08-20"},
    ),
    (
        "hapi_export/system",
        "AdverseEvent",
        "694a7358-e8c5-419a-8b29-868c8c7de471",
        {
            "extension.3.valueCodeableConcept.coding.0.code": "1",
            "extension.0.valueCodeableConcept.text": "DOSE NOT CHANGED",
        },
        "AE",
        {"AETOXGR": "1", "AEACN": "DOSE NOT CHANGED", "AEOUT": "RECOVERED/RESOLVED"},
    ),
    (
        "hapi_export/system",
        "Condition",
        "5bef0381-90cf-4030-a5d9-a9d59e90f7e2",
        {"code.text": "Chronic hepatitis B", "recordedDate": "2019-05-16"},
        "MH",
        {"MHTERM": "Chronic hepatitis B", "MHDTC": "2019-05-16"},
    ),
    (
        "hapi_export/system",
        "MedicationAdministration",
        "7447e2bb-ed7e-4ac6-b0c5-f25e4e471f5d",
        {"dosage.dose.value": 12, "effectivePeriod.start": "2019-08-17", "effectivePeriod.end": "2019-08-31"},
        "EX",
        {"EXTRT": "LENVATINIB", "EXDOSE": 12.0, "EXSTDTC": "2019-08-17", "EXENDTC": "2019-08-31"},
    ),
    (
        "hapi_export/system",
        "Observation",
        "afbd7fcb-360e-46d2-90f1-16e8f1a19dce",
        {"valueQuantity.value": 103, "effectiveDateTime": "2019-12-05T08:30:00+08:00"},
        "LB",
        {"LBTESTCD": "HGB", "LBORRES": "103", "LBORNRLO": "115", "LBNRIND": "LOW", "LBDTC": "2019-12-05T08:30:00"},
    ),
]


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The package of a source, made once."""
    made: dict[str, Path] = {}

    def package(name: str) -> Path:
        if name not in made:
            out = tmp_path_factory.mktemp("by-hand") / "out"
            order = RunOrder((others("data", "fhir", name),), SOURCES[name], out, with_adam=False)
            make_package(order, lambda done, what, count: done, lambda line: None)
            made[name] = out
        return made[name]

    return package


def resource(file: Path, kind: str, identifier: str) -> Any:
    """The resource of a file of one resource, of lines or of a bundle."""
    text = (gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()).decode()
    documents = [json.loads(line) for line in text.splitlines()] if ".ndjson" in file.name else [json.loads(text)]
    every = [one for each in documents for one in (each, *(entry["resource"] for entry in each.get("entry", ())))]
    return next(one for one in every if one["resourceType"] == kind and one["id"] == identifier)


def at(value: Any, path: str) -> Any:
    for step in path.split("."):
        value = value[int(step)] if step.isdigit() else value[step]
    return value


@pytest.mark.parametrize("case", VALUES, ids=[f"{v[0]} {v[2][:30]} {'+'.join(v[5])[:30]}" for v in VALUES])
def test_a_value_is_the_one_that_stands_in_the_resource(
    packages: Callable[[str], Path], case: tuple[str, str, str, Facts, str, Facts]
) -> None:
    name, kind, identifier, facts, domain, expected = case
    package = packages(name)
    lineage = pd.read_parquet(package / "lineage" / "sdtm.parquet")
    own = (lineage["DATASET"] == domain) & (lineage["RESOURCE"] == kind) & (lineage["ID"] == identifier)
    row = lineage[own & (lineage["ROLE"] == "source")].iloc[0]
    given = resource(others("data", "fhir", name) / row["FILE"], kind, identifier)
    assert {path: at(given, path) for path in facts} == facts
    frame = pd.read_sas(package / "sdtm" / f"{domain.lower()}.xpt", encoding="utf-8").fillna("")
    mine = frame[frame["USUBJID"] == row["USUBJID"]]
    if domain != "DM":
        mine = mine[mine[f"{domain}SEQ"] == row["SEQ"]]
    (record,) = mine.to_dict("records")
    assert {variable: record.get(variable, "") for variable in expected} == expected
    assert all(sum(1 for v in VALUES if v[0] == source) >= 5 for source in SOURCES)
