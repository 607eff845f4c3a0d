"""A run gives back the simulator's truth: every study, every dialect, seeds that nobody chose, planted defects."""

from __future__ import annotations

import csv
import importlib.util
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fhir2cdisc.converters.run.pipeline import RunOptions, SdtmRun, build_sdtm
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.fhir.simulation.dialects import NAMES
from fhir2cdisc.fhir.simulation.simulate import Order, simulate
from fhir2cdisc.mappings.study import Study, builtin_studies, load_study
from hypothesis import given, settings
from hypothesis import strategies as st
from support.facts import facts
from support.packages import Package

FUZZ = bool(os.environ.get("FHIR2CDISC_FUZZ"))
STUDIES = sorted(builtin_studies())
PackageOf = Callable[[str], Package]


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
def test_a_run_gives_back_the_truth(name: str, package_of: PackageOf, t_scores: list[dict[str, str]]) -> None:
    made = package_of(name)
    assert TRUTH.differences(made.sdtm, made.study, made.truth, t_scores, made.adam) == []


# How a response is written and where a grade is written do not touch each other, so one source has one of each. The
# sources with planted defects have one pair for each study; two dialects are left for sources of their own.
PAIRS = [(f"response-{letter}", f"grade-{number}") for letter, number in zip("abcde", range(1, 6), strict=True)]
ALONE = ["response-f", "hospital-cn"]


def test_no_dialect_is_left_out() -> None:
    assert len(PAIRS) == len(STUDIES)
    assert sorted([*(name for pair in PAIRS for name in pair), *ALONE, "nci"]) == sorted(NAMES)


@pytest.mark.parametrize("dialect", ALONE)
def test_every_dialect_gives_back_the_same_truth(dialect: str, tmp_path: Path, t_scores: list[dict[str, str]]) -> None:
    study = load_study("hepatobiliary-rws" if dialect == "hospital-cn" else "refractory-registry")
    run = simulated(study, tmp_path, seed=7, patients=12, dialects=(dialect,))
    assert TRUTH.differences(run.sdtm.frames, study, tmp_path / "truth", t_scores) == []


@settings(max_examples=40 if FUZZ else 2, deadline=None, derandomize=not FUZZ)
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


@dataclass(frozen=True)
class Messy:
    """A study with planted defects: the simulator's folder with its ledger, and what the run made of it."""

    study: Study
    folder: Path
    run: SdtmRun

    @property
    def ledger(self) -> list[dict[str, str]]:
        with (self.folder / "truth" / "ledger.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    @property
    def findings(self) -> list[Finding]:
        return [*self.run.accounts.findings, *self.run.sdtm.findings]


@pytest.fixture(scope="module", params=list(zip(STUDIES, PAIRS, strict=True)), ids=lambda p: f"{p[0]}+{'+'.join(p[1])}")
def messy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Messy:
    study, folder = load_study(request.param[0]), tmp_path_factory.mktemp("messy")
    return Messy(study, folder, simulated(study, folder, seed=31, patients=20, messy=0.05, dialects=request.param[1]))


def test_planted_defects_are_found_once_and_nothing_else_is_lost(messy: Messy, t_scores: list[dict[str, str]]) -> None:
    planted = Counter(LEDGER[row["RULE"]] for row in messy.ledger)
    found: Counter[str] = Counter()
    for finding in messy.findings:
        if finding.rule in planted:
            found[finding.rule] += finding.count
    assert len(planted) >= 7
    assert found == planted
    assert TRUTH.differences(messy.run.sdtm.frames, messy.study, messy.folder / "truth", t_scores) == []


def test_a_defect_is_found_at_its_own_resource(messy: Messy) -> None:
    planted = [row for row in messy.ledger if row["RULE"] in ("dangling-reference", "impossible-date", "wrong-unit")]
    places = {(f.rule, f.resource) for f in messy.findings}
    assert planted
    assert [row for row in planted if (LEDGER[row["RULE"]], row["RESOURCE"]) not in places] == []
