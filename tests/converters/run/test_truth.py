"""A run gives back the simulator's truth: every study, every dialect, seeds that nobody chose, planted defects."""

from __future__ import annotations

import csv
import importlib.util
import os
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fhir2cdisc.converters.run.pipeline import RunOptions, SdtmRun, build_sdtm
from fhir2cdisc.fhir.simulation.dialects import NAMES
from fhir2cdisc.fhir.simulation.simulate import Order, simulate
from fhir2cdisc.mappings.study import Study, builtin_studies, load_study
from hypothesis import given, settings
from hypothesis import strategies as st
from support.facts import facts

FUZZ = bool(os.environ.get("FHIR2CDISC_FUZZ"))
STUDIES = sorted(builtin_studies())


def _compare() -> ModuleType:
    path = Path(__file__).parent / "truth_compare.py"
    spec = importlib.util.spec_from_file_location("truth_compare", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TRUTH = _compare()


@pytest.fixture(scope="module")
def t_scores() -> list[dict[str, str]]:
    """The published table of T-scores; the truth itself holds raw sums."""
    return facts("promis29_tscores")


def simulated(study: Study, out: Path, **order: Any) -> SdtmRun:
    simulate(Order(study, **order), out)
    sites = tuple(d for d in order.get("dialects", ()) if d == "hospital-cn")
    return build_sdtm([out / "fhir"], study, RunOptions(sites=sites))


@pytest.mark.parametrize("name", STUDIES)
def test_a_run_gives_back_the_truth(name: str, tmp_path: Path, t_scores: list[dict[str, str]]) -> None:
    study = load_study(name)
    run = simulated(study, tmp_path, seed=101, patients=40)
    assert TRUTH.differences(run.sdtm.frames, study, tmp_path / "truth", t_scores) == []


@pytest.mark.parametrize("dialect", [d for d in NAMES if d != "nci"])
def test_every_dialect_gives_back_the_same_truth(dialect: str, tmp_path: Path, t_scores: list[dict[str, str]]) -> None:
    study = load_study(STUDIES[len(dialect) % len(STUDIES)])
    run = simulated(study, tmp_path, seed=7, patients=12, dialects=(dialect,))
    assert TRUTH.differences(run.sdtm.frames, study, tmp_path / "truth", t_scores) == []


@settings(max_examples=40 if FUZZ else 5, deadline=None, derandomize=not FUZZ)
@given(
    seed=st.integers(0, 2**31),
    name=st.sampled_from(STUDIES),
    dialect=st.sampled_from(NAMES),
    form=st.sampled_from(["bundles", "ndjson"]),
)
def test_the_truth_comes_back_for_any_seed(
    tmp_path_factory: pytest.TempPathFactory,
    t_scores: list[dict[str, str]],
    seed: int,
    name: str,
    dialect: str,
    form: str,
) -> None:
    out = tmp_path_factory.mktemp("any")
    study = load_study(name)
    run = simulated(study, out, seed=seed, patients=8, dialects=(dialect,), format=form)
    assert TRUTH.differences(run.sdtm.frames, study, out / "truth", t_scores) == []


# Rule of the simulator's ledger to the rule of the finding.
LEDGER = {
    "duplicate": "resource.duplicate",
    "superseded": "resource.superseded",
    "entered-in-error": "resource.entered-in-error",
    "dangling-reference": "reference.dangling",
    "impossible-date": "date.impossible",
    "wrong-unit": "unit.differs",
    "local-code": "code.no-test",
    "missing-id": "resource.no-id",
}


@pytest.mark.parametrize("name", STUDIES)
def test_planted_defects_are_found_once_and_nothing_else_is_lost(
    name: str, tmp_path: Path, t_scores: list[dict[str, str]]
) -> None:
    study = load_study(name)
    run = simulated(study, tmp_path, seed=31, patients=20, messy=0.05)
    with (tmp_path / "truth" / "ledger.csv").open(encoding="utf-8", newline="") as file:
        planted = Counter(LEDGER[row["RULE"]] for row in csv.DictReader(file))
    found: Counter[str] = Counter()
    for finding in [*run.accounts.findings, *run.sdtm.findings]:
        if finding.rule in planted:
            found[finding.rule] += finding.count
    assert len(planted) >= 7
    assert found == planted
    assert TRUTH.differences(run.sdtm.frames, study, tmp_path / "truth", t_scores) == []


def test_a_defect_is_found_at_its_own_resource(tmp_path: Path) -> None:
    study = load_study("apatinib-camrelizumab")
    run = simulated(study, tmp_path, seed=5, patients=20, messy=0.05)
    with (tmp_path / "truth" / "ledger.csv").open(encoding="utf-8", newline="") as file:
        planted = [
            row
            for row in csv.DictReader(file)
            if row["RULE"] in ("dangling-reference", "impossible-date", "wrong-unit")
        ]
    places = {(f.rule, f.resource) for f in [*run.accounts.findings, *run.sdtm.findings]}
    assert planted
    assert [row for row in planted if (LEDGER[row["RULE"]], row["RESOURCE"]) not in places] == []
