"""Every option of ADaM has an effect: what it changes on a small frame, before and after, by hand."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
from fhir2cdisc.adam.questionnaires.adqs import AdqsOptions
from fhir2cdisc.adam.questionnaires.visit_windows import VisitWindows
from fhir2cdisc.adam.response.options import ResponseOptions
from fhir2cdisc.adam.safety.adae import AdaeOptions
from fhir2cdisc.adam.subject.biomarkers import BiomarkerOptions
from fhir2cdisc.adam.subject.genes import GeneOptions
from fhir2cdisc.adam.subject.options import AdslOptions
from fhir2cdisc.adam.subject.tumour_board import MtbOptions
from fhir2cdisc.adam.time_to_event.adtte import Parameter, ScanRules
from fhir2cdisc.adam.tripwires import TripwireOptions
from fhir2cdisc.adam.tumour.options import RecistOptions
from support.options.case import Case
from support.options.response import LESION, RESPONSE
from support.options.subjects import ADVERSE, BOARD, MARKERS, PANELS, QUESTIONS, SUBJECT, WINDOWS
from support.options.times import SCAN_BASE, SCAN_RULES, TIME, TIME_BASE
from support.paths import ROOT

# The class, what it must be given, and a case for each field.
TABLES: dict[type[Any], tuple[Mapping[str, Any], Mapping[str, Case]]] = {
    ResponseOptions: ({}, RESPONSE),
    RecistOptions: ({}, LESION),
    AdslOptions: ({}, SUBJECT),
    AdaeOptions: ({}, ADVERSE),
    AdqsOptions: ({}, QUESTIONS),
    VisitWindows: ({}, WINDOWS),
    BiomarkerOptions: ({}, MARKERS),
    GeneOptions: ({}, PANELS),
    MtbOptions: ({}, BOARD),
    ScanRules: (SCAN_BASE, SCAN_RULES),
    Parameter: (TIME_BASE, TIME),
}

# Options whose rules have tables of their own: the file that holds them.
ELSEWHERE = {
    (ResponseOptions, "source"): "response/test_selection.py",
    (AdslOptions, "death"): "subject/test_death.py",
    (AdslOptions, "treatment"): "subject/test_treatment.py",
    (AdslOptions, "new_therapy"): "subject/test_new_therapy.py",
    (AdslOptions, "diagnosis"): "subject/test_diagnosis.py",
    (BiomarkerOptions, "tested"): "subject/test_biomarkers.py",
    **{(TripwireOptions, one.name): "test_tripwires.py" for one in fields(TripwireOptions)},
}


@pytest.mark.parametrize(("options", "name"), ELSEWHERE, ids=lambda one: getattr(one, "__name__", one))
def test_the_table_of_an_option_names_it(options: type[Any], name: str) -> None:
    text = (ROOT / "tests" / "adam" / ELSEWHERE[options, name]).read_text(encoding="utf-8")
    assert name in text and name in {one.name for one in fields(options)}


def test_every_class_of_options_has_a_table() -> None:
    paths = [path for path in (ROOT / "adam").rglob("*.py") if "results" not in path.parts]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths]
    modules = [vars(importlib.import_module(f"fhir2cdisc.{name}")) for name in names]
    classes = {one for held in modules for one in held.values() if isinstance(one, type) and is_dataclass(one)}
    options = {one for one in classes if one.__name__.endswith("Options")}
    tabled = {*TABLES, *(one for one, _ in ELSEWHERE)}
    assert options == {one for one in tabled if one.__name__.endswith("Options")}


@pytest.mark.parametrize("options", TABLES, ids=lambda one: one.__name__)
def test_every_field_has_a_case(options: type[Any]) -> None:
    names = [one.name for one in fields(options) if (options, one.name) not in ELSEWHERE]
    assert names == list(TABLES[options][1])


CASES = [(options, name) for options, (_, cases) in TABLES.items() for name in cases]


@pytest.mark.parametrize(("options", "name"), CASES, ids=lambda one: getattr(one, "__name__", one))
def test_the_option_changes_the_result(options: type[Any], name: str) -> None:
    given, cases = TABLES[options]
    case = cases[name]
    before = options(**{**given, **case.base})
    after = replace(before, **{name: case.value})
    assert (case.run(before), case.run(after)) == (case.before, case.after)
    assert case.before != case.after
