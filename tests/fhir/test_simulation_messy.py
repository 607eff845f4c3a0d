"""Planted defects: each one is in the data as the ledger says, and nothing else is spoilt."""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
from fhir2cdisc.fhir.simulation.messy import COPIES, SPOILS, spoil
from fhir2cdisc.fhir.simulation.simulate import Order, simulate, simulate_subjects
from fhir2cdisc.mappings.study import load_study

Json = dict[str, Any]
STUDY = "apatinib-camrelizumab"


@pytest.fixture(scope="module")
def messy(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, list[Json]], list[dict[str, str]]]:
    """Resources by `Type/id` as read from the files, and the ledger."""
    out = tmp_path_factory.mktemp("messy")
    simulate(Order(load_study(STUDY), 5, 20, messy=0.08, format="ndjson"), out)
    found: dict[str, list[Json]] = defaultdict(list)
    for path in sorted((out / "fhir").glob("*.ndjson")):
        for line in path.read_text(encoding="utf-8").splitlines():
            one = json.loads(line)
            found[f"{one['resourceType']}/{one.get('id')}"].append(one)
    with (out / "truth/ledger.csv").open(encoding="utf-8") as handle:
        return found, list(csv.DictReader(handle))


@pytest.fixture(scope="module")
def clean() -> dict[str, Json]:
    subjects = simulate_subjects(Order(load_study(STUDY), 5, 20, format="ndjson"))
    return {f"{one['resourceType']}/{one['id']}": one for s in subjects for one in s.resources}


Messy = tuple[dict[str, list[Json]], list[dict[str, str]]]


def test_every_kind_of_defect_is_planted(messy: Messy) -> None:
    assert {row["RULE"] for row in messy[1]} == {*COPIES, *SPOILS}
    assert all(row["FILE"] == row["RESOURCE"].split("/")[0] + ".ndjson" for row in messy[1])


def test_each_defect_is_there_as_the_ledger_says(messy: Messy, clean: dict[str, Json]) -> None:
    found, ledger = messy
    for row in ledger:
        was, now = clean[row["RESOURCE"]], found.get(row["RESOURCE"], [])
        if row["RULE"] == "duplicate":
            assert now == [was, was]
        elif row["RULE"] == "superseded":
            assert [one["meta"]["versionId"] for one in now] == ["2", "1"]
            assert {k: v for k, v in now[0].items() if k != "meta"} == {k: v for k, v in was.items() if k != "meta"}
        elif row["RULE"] == "entered-in-error":
            copy = row["WHAT"].split(" id ")[1].split(" ")[0]
            assert now == [was]
            assert found[f"Observation/{copy}"][0]["status"] == "entered-in-error"
        elif row["RULE"] == "missing-id":
            assert now == []
        elif row["RULE"] == "impossible-date":
            assert now[0]["effectiveDateTime"].endswith("-02-30")
        elif row["RULE"] == "wrong-unit":
            assert now[0]["valueQuantity"]["value"] == was["valueQuantity"]["value"]
            assert now[0]["valueQuantity"]["code"] != was["valueQuantity"]["code"]
        elif row["RULE"] == "local-code":
            assert now[0]["code"]["coding"][0]["system"] == "urn:fhir2cdisc:site-local"
        else:
            assert now[0]["encounter"]["reference"] not in found


def test_what_the_ledger_does_not_name_is_untouched(messy: Messy, clean: dict[str, Json]) -> None:
    found, ledger = messy
    named = {row["RESOURCE"] for row in ledger}
    assert all(found[key] == [one] for key, one in clean.items() if key not in named)


def test_values_are_only_spoilt_in_laboratory_tests_and_vital_signs(messy: Messy, clean: dict[str, Json]) -> None:
    for row in messy[1]:
        if row["RULE"] in SPOILS:
            category = clean[row["RESOURCE"]]["category"][0]["coding"][0]["code"]
            assert category in ("laboratory", "vital-signs")


def test_the_rate_is_the_share_of_the_resources_that_can_be_spoilt(clean: dict[str, Json]) -> None:
    resources = list(clean.values())
    assert spoil(resources, 0.0, "x") == (resources, [])
    everything = spoil(resources, 1.0, "x")[1]
    kinds = Counter(one["resourceType"] for one in resources)
    wanted = ("Observation", "Condition", "Encounter", "AdverseEvent", "MedicationAdministration")
    assert len(everything) == sum(kinds[kind] for kind in wanted)


def test_truth_does_not_depend_on_the_defects(tmp_path: Path) -> None:
    study = load_study(STUDY)
    for name, rate in (("clean", 0.0), ("messy", 0.2)):
        simulate(Order(study, 5, 6, messy=rate), tmp_path / name)
    for path in (tmp_path / "clean/truth").glob("*.csv"):
        assert path.read_bytes() == (tmp_path / "messy/truth" / path.name).read_bytes()
    assert not (tmp_path / "clean/truth/ledger.csv").exists()
