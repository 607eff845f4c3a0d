"""FHIR resources written by hand, and the shortest way from them to SDTM frames."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from fhir2cdisc.converters.run.pipeline import RunOptions, SdtmRun, build_sdtm
from fhir2cdisc.mappings.study import Study

Convert = Callable[..., SdtmRun]
STUDY: dict[str, Any] = {"id": "s", "studyid": "S", "title": "By hand", "cohort": {"membership": "all"}}


@pytest.fixture
def study() -> Callable[..., Study]:
    """A study of everyone who is read; keyword arguments are sections of the study file."""
    return lambda **more: Study.model_validate({**STUDY, **more})


@pytest.fixture
def convert(tmp_path: Path, study: Callable[..., Study]) -> Convert:
    """SDTM of resources given as dicts: `convert([...], options=RunOptions(), **study_sections)`."""

    def run(resources: Iterable[dict[str, Any]], options: RunOptions | None = None, **sections: Any) -> SdtmRun:
        lines = [json.dumps(one) for one in resources]
        path = tmp_path / "in.ndjson"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return build_sdtm([path], study(**sections), options)

    return run


@pytest.fixture
def fhir() -> Callable[..., dict[str, Any]]:
    """A resource of patient `p`: type, id and elements; enough for R4 to take it as a fact."""
    status = {
        "Observation": "final",
        "Encounter": "finished",
        "Procedure": "completed",
        "Immunization": "completed",
    }
    status |= {"MedicationAdministration": "completed", "MedicationStatement": "active", "Consent": "active"}

    def make(kind: str, identifier: str, /, **elements: Any) -> dict[str, Any]:
        made: dict[str, Any] = {"resourceType": kind, "id": identifier}
        if kind in status:
            made["status"] = status[kind]
        if kind != "Patient":
            made["subject"] = {"reference": "Patient/p"}
        return {**made, **elements}

    return make
