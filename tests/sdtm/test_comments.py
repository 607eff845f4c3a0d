"""CO: notes become comments on the record of their resource, and only where the study asks for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fhir2cdisc.converters.run.pipeline import SdtmRun, build_sdtm
from fhir2cdisc.mappings.study import Study

PATIENT = {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1970-01-02"}


def weight(id_: str, day: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "subject": {"reference": "Patient/p1"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "effectiveDateTime": day,
        "valueQuantity": {"value": 70, "unit": "kg", "code": "kg", "system": "http://unitsofmeasure.org"},
        **more,
    }


def run(folder: Path, notes: bool, *resources: dict[str, Any]) -> SdtmRun:
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in resources]}
    (folder / "b.json").write_text(json.dumps(bundle), encoding="utf-8")
    study = Study.model_validate(
        {"id": "s", "studyid": "S", "title": "t", "cohort": {"membership": "all"}, "privacy": {"notes": notes}}
    )
    return build_sdtm([folder], study)


def sdtm(folder: Path, notes: bool, *resources: dict[str, Any]) -> dict[str, Any]:
    return run(folder, notes, *resources).sdtm.frames


NOTE = {"note": [{"text": "scale was new"}, {"text": "shoes on", "time": "2024-02-03"}]}


def test_a_note_is_a_comment_on_its_record(tmp_path: Path) -> None:
    frames = sdtm(tmp_path, True, PATIENT, weight("a", "2024-02-01"), weight("b", "2024-02-02", **NOTE))
    row = frames["CO"].iloc[0]
    assert len(frames["CO"]) == 1
    assert (row["RDOMAIN"], row["IDVAR"], row["IDVARVAL"]) == ("VS", "VSSEQ", "2")
    assert row["COVAL"] == "scale was new shoes on"
    assert row["COSEQ"] == 1


def test_the_date_of_a_comment_is_that_of_its_record(tmp_path: Path) -> None:
    """SDTMIG 3.4 section 5.1: CODTC is null where the comment belongs to a record."""
    timed = {"note": [{"text": "shoes on", "time": "2024-02-03"}]}
    frames = sdtm(tmp_path, True, PATIENT, weight("b", "2024-02-02", **timed))
    assert frames["CO"].get("CODTC", [""])[0] == ""


def test_notes_are_left_out_unless_the_study_asks_for_them(tmp_path: Path) -> None:
    frames = sdtm(tmp_path, False, PATIENT, weight("b", "2024-02-02", **NOTE))
    assert "CO" not in frames
    assert len(frames["VS"]) == 1


# What no mapping claims: an Observation of an unknown code without value, and one that is all note.
UNMAPPED = [{"code": {"text": "something seen"}}, {"code": {"coding": [{"system": "urn:x", "code": "y"}]}}]


@pytest.mark.parametrize("unmapped", UNMAPPED)
@pytest.mark.parametrize("beside", [(), (weight("a", "2024-02-01"),), (weight("a", "2024-02-01", **NOTE),)])
def test_a_note_on_a_resource_that_nothing_maps_is_no_comment(
    tmp_path: Path, unmapped: dict[str, Any], beside: tuple[dict[str, Any], ...]
) -> None:
    seen = {**weight("n", "2024-02-02", **NOTE), **unmapped}
    seen.pop("valueQuantity")
    made = run(tmp_path, True, PATIENT, *beside, seen)
    assert len(made.sdtm.frames.get("CO", ())) == sum("note" in one for one in beside)
    (booked,) = [row for row in made.accounts.rows if row[4] == "n"]
    assert booked[5] == "not needed" and booked[6].startswith("no mapping claims its")
