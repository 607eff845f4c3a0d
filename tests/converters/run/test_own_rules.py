"""What is written passes the project's own rules where it follows the guide: several races, visits that are unknown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fhir2cdisc.converters.check.conformance import validate_package
from fhir2cdisc.converters.package import new_folder
from fhir2cdisc.converters.run.evidence import finish
from fhir2cdisc.converters.run.pipeline import RunOptions, build_sdtm
from fhir2cdisc.converters.run.write import write_sdtm
from fhir2cdisc.mappings.study import Study

RACE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race"
P = {"subject": {"reference": "Patient/p"}}


def weight(key: str, day: str, encounter: str = "") -> dict[str, Any]:
    code = {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}
    made = {"resourceType": "Observation", "id": key, "status": "final", "code": code, "effectiveDateTime": day, **P}
    visit = {"encounter": {"reference": f"Encounter/{encounter}"}} if encounter else {}
    return {**made, **visit, "valueQuantity": {"value": 70, "code": "kg"}}


def own(key: str) -> dict[str, Any]:
    name = f"A finding with a name that is longer than forty characters, number {key}"
    value = {"code": {"text": name}, "valueString": "seen", "effectiveDateTime": "2024-03-05"}
    return {"resourceType": "Observation", "id": f"x{key}", "status": "final", **value, **P}


def test_several_races_and_results_without_a_visit_break_no_rule_of_ours(tmp_path: Path) -> None:
    inner = [{"url": "ombCategory", "valueCoding": {"code": code}} for code in ("2106-3", "2028-9")]
    visit = {"period": {"start": "2024-03-01", "end": "2024-03-01"}, "status": "finished", **P}
    resources = [
        {"resourceType": "Patient", "id": "p", "gender": "male", "extension": [{"url": RACE, "extension": inner}]},
        {"resourceType": "Encounter", "id": "e", **visit},
        weight("w1", "2024-03-01", "e"),
        weight("w2", "2024-02-01"),
        weight("w3", "2024-06-01"),
        *(own(str(number)) for number in range(12)),
    ]
    (tmp_path / "in.ndjson").write_text("\n".join(map(json.dumps, resources)), encoding="utf-8")
    study = Study.model_validate({"id": "s", "studyid": "S", "title": "t", "cohort": {"membership": "all"}})
    made = build_sdtm([tmp_path / "in.ndjson"], study)
    assert made.sdtm.frames["DM"]["RACE"].tolist() == ["MULTIPLE"]
    # A weight without an encounter has no visit number, and what is missing comes first.
    assert made.sdtm.frames["VS"]["VSDTC"].tolist()[-1] == "2024-03-01"
    with new_folder(tmp_path / "out") as folder:
        written = write_sdtm(folder, made, study)
        finish(folder, made.inputs, study, RunOptions(), written.encoding)
    issues = [(i.rule, i.dataset, i.variable) for i in validate_package(tmp_path / "out").issues]
    assert [one for one in issues if one[0] in ("SDTM-012", "DEF-013", "DEF-014")] == []
    assert len(made.sdtm.frames["SUPPXO"]) == 12
