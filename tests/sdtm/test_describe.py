"""Metadata of what was made: columns in their order, keys that are unique, origins that say what was done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fhir2cdisc.sdtm.describe import describe

Make = Callable[..., dict[str, Any]]
WEIGHT = {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}


def test_every_frame_is_described_by_its_own_columns_and_unique_keys(convert: Any, fhir: Make) -> None:
    again = [fhir("Observation", f"o{i}", code=WEIGHT, valueQuantity={"value": 70, "code": "kg"}) for i in range(2)]
    made = convert([fhir("Patient", "p"), *again])
    found = describe(made.sdtm.frames, made.mappings)
    for name, frame in made.sdtm.frames.items():
        assert found[name].names == tuple(frame.columns), name
        assert not frame.duplicated(list(found[name].keys)).any(), name
    assert found["VS"].keys[-1] == "VSSEQ", "two equal weights of no date are told apart by --SEQ only"


def test_origins_come_from_the_mapping(convert: Any, fhir: Make) -> None:
    one = fhir(
        "Observation",
        "o",
        code=WEIGHT,
        valueQuantity={"value": 70, "code": "kg"},
        effectiveDateTime="2024-01-01",
    )
    made = convert([fhir("Patient", "p"), one])
    vs = describe(made.sdtm.frames, made.mappings)["VS"]
    assert (vs["VSORRES"].origin, "Observation.value" in vs["VSORRES"].source) == ("Collected", True)
    assert vs["VSSEQ"].origin == "Derived" and vs["VSSEQ"].method
    assert vs["VSSTRESN"].origin == "Derived" and vs["VSSTRESN"].method
    assert vs["STUDYID"].origin == "Assigned"
