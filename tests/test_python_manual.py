"""The page for Python: its examples print what they show, and it names the options that no study file sets."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fhir2cdisc.adam.plan import Plan, adae_options, adqs_options, adsl_options, recist_options, response_options
from fhir2cdisc.adam.questionnaires.adqs import AdqsOptions
from fhir2cdisc.adam.questionnaires.visit_windows import VisitWindows
from fhir2cdisc.adam.response.options import ResponseOptions
from fhir2cdisc.adam.safety.adae import AdaeOptions
from fhir2cdisc.adam.subject.biomarkers import BiomarkerOptions
from fhir2cdisc.adam.subject.markers import biomarker_options
from fhir2cdisc.adam.subject.options import AdslOptions
from fhir2cdisc.adam.subject.tumour_board import MtbOptions
from fhir2cdisc.adam.time_to_event.adtte import Parameter, ScanRules
from fhir2cdisc.adam.tumour.options import RecistOptions
from fhir2cdisc.mappings.study import Study
from support.paths import ROOT

TEXT = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE))
EXAMPLE = re.compile(r"```python\n(.*?)```\n```text\n(.*?)```", re.DOTALL)
WITH_EXAMPLE = [title for title, text in SECTIONS.items() if "```" in text]


@pytest.mark.parametrize("title", WITH_EXAMPLE)
def test_the_example_prints_what_it_shows(title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ((code, shown),) = EXAMPLE.findall(SECTIONS[title])
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, f"docs/python.md, {title}", "exec"), {"__name__": "example"})
    lines = [line.rstrip() for line in printed.getvalue().splitlines()]
    assert lines == [line.rstrip() for line in shown.splitlines()]


def test_every_block_of_code_is_an_example_with_its_output() -> None:
    assert TEXT.count("```python") == TEXT.count("```text") == len(EXAMPLE.findall(TEXT)) == len(WITH_EXAMPLE)


def test_the_head_of_the_page_leads_to_its_sections() -> None:
    anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in SECTIONS}
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= anchors


def study(**sections: Any) -> Study:
    return Study.model_validate({"id": "s", "studyid": "S", "title": "S", **sections})


def scan_rules_of(made: Study) -> ScanRules:
    found = time_of(made).scans
    assert found is not None
    return found


def time_of(made: Study) -> Parameter:
    """The first time that the study asks for with scans, its own before those that ship."""
    parameters = Plan.of(made, {"ADRS": pd.DataFrame({"PARCAT3": []})}).parameters
    return next(one for one in reversed(parameters) if one.scans is not None)


OWN = {
    "paramcd": "TTX",
    "param": "Time to X",
    "start": "RFSTDT",
    "events": [{"says": "X", "dataset": "ADSL", "date": "DTHDT"}],
    "scans": True,
    "only": {"says": "Response", "dataset": "ADRS", "date": "ADT", "where": "PARAMCD == 'RSP'"},
}
FORM = {"code": "F", "title": "F", "canonical": "f", "every_months": 6, "window_days": 10}
PDL1 = {"code": "PDL1TPS", "title": "PD-L1", "cutoffs": [5]}
# Where a study makes options of a class, and the file that sets each of the others.
REACHED: dict[type[Any], tuple[Callable[[Study], Any], dict[str, dict[str, Any]]]] = {
    ResponseOptions: (
        response_options,
        {
            name: {"response": {name: value}}
            for name, value in {
                "source": "derived",
                "criteria": "iRECIST",
                "evaluator": "INDEPENDENT ASSESSOR",
                "evaluator_id": "R",
                "reference": "RFSTDT",
                "confirm_days": 27,
                "sd_min_days": 50,
                "benefit_min_days": 168,
                "max_ne": 2,
                "accept_sd": True,
                "missing_as_ne": True,
                "sticky_pr": True,
                "pr_after_cr": "PR",
                "new_therapy": "",
                "end_of_window": "TRTEDT",
                "end_of_window_days": 30,
                "last_assessment": "any",
                "unconfirmed_iupd": False,
            }.items()
        },
    ),
    RecistOptions: (
        recist_options,
        {
            "criteria": {"response": {"criteria": "mRECIST"}},
            "pd_date": {"censoring": {"pd_date": "latest"}},
            "sticky_pr": {"response": {"sticky_pr": True}},
        },
    ),
    AdslOptions: (
        adsl_options,
        {
            "arms": {"arms": [{"code": "A", "label": "A"}]},
            "drugs": {"drugs": [{"name": "D"}]},
            "biomarkers": {"biomarkers": [PDL1]},
            "looks": {"interim": {"cases": [10]}},
            "by_enrolment": {"cohort": {"membership": "all"}},
            "cutoff": {"cutoff": "2024-01-01"},
            "response": {"response": {"confirm_days": 27}},
            "antineoplastic": {"reference": {"antineoplastic": [{"name": "D"}]}},
            "death": {"death": {"undated": "event-at-last-contact"}},
            "treatment": {"treatment": {"gap_days": 90}},
            "new_therapy": {"new_therapy": {"doubtful": "count"}},
            "diagnosis": {"diagnosis": {"terms": ["COLON"]}},
        },
    ),
    AdaeOptions: (
        adae_options,
        {
            "window": {"safety": {"window_days": 90}},
            "related": {"safety": {"related": ["MAYBE"]}},
            "not_related": {"safety": {"related": ["MAYBE"]}},
            "ctcae_version": {"safety": {"ctcae": "4.0"}},
        },
    ),
    AdqsOptions: (adqs_options, {"windows": {"questionnaires": [FORM]}}),
    VisitWindows: (
        lambda made: adqs_options(made).windows,
        {
            "every_months": {"questionnaires": [FORM]},
            "days": {"questionnaires": [FORM]},
            "month": {"questionnaires": [FORM], "censoring": {"month": 28}},
        },
    ),
    BiomarkerOptions: (
        lambda made: biomarker_options(adsl_options(made)),
        {
            "pdl1_cuts": {"biomarkers": [PDL1]},
            "tmb_cut": {"biomarkers": [{"code": "TMB", "title": "TMB", "cutoffs": [16]}]},
            "genes": {"biomarkers": [{"code": "VARIANT", "title": "V", "genes": ["KRAS"]}]},
            "tested": {"biomarkers": [{"code": "VARIANT", "title": "V", "genes": ["KRAS"], "tested": "any-variant"}]},
            "panel": {"biomarkers": [{"code": "VARIANT", "title": "V", "genes": ["KRAS"], "panel": ["KRAS"]}]},
        },
    ),
    MtbOptions: (lambda made: MtbOptions(), {}),
    ScanRules: (
        scan_rules_of,
        {
            "assessments": {"response": {"criteria": "mRECIST"}},
            "no_baseline": {"response": {"criteria": "mRECIST"}},
            "new_therapy": {"censoring": {"new_therapy": "ignore"}},
            "interval_days": {"schedule": {"interval_days": 63}},
            "window_days": {"schedule": {"window_days": 5}},
            "missed": {"censoring": {"missed": 3}},
        },
    ),
    Parameter: (
        time_of,
        {
            **{name: {"time_to_event": [OWN]} for name in ("paramcd", "param", "start", "events", "only")},
            "scans": {"schedule": {"interval_days": 63}},
            "assessor": {"response": {"evaluator": "INDEPENDENT ASSESSOR"}},
            "criteria": {"response": {"criteria": "mRECIST"}},
        },
    ),
}
# Data of the parameters that ship, and what stands in their place in a parameter without scans.
DATA = {(ScanRules, "reasons"), (Parameter, "censors")}


def only_in_python() -> list[tuple[str, str, str]]:
    return [
        (options.__name__, one.name, repr(one.default))
        for options, (_, said) in REACHED.items()
        for one in fields(options)
        if one.name not in said and (options, one.name) not in DATA
    ]


def test_the_page_names_the_options_that_no_study_file_sets() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| `(.*?)` \|$", SECTIONS["Options that only Python has"], re.MULTILINE)
    assert rows == only_in_python()
    assert repr(MISSING) not in {default for _, _, default in rows}


@pytest.mark.parametrize(
    ("options", "name"), [(one, name) for one, (_, said) in REACHED.items() for name in said], ids=str
)
def test_the_study_file_sets_every_other_option(options: type[Any], name: str) -> None:
    made, said = REACHED[options]
    assert getattr(made(study()), name) != getattr(made(study(**said[name])), name)
