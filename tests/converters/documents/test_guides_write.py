"""What the reviewer's guides of a package are filled with: every option with its origin, every parameter, each rule."""

from __future__ import annotations

import pandas as pd
import pytest
from fhir2cdisc.adam.plan import Plan
from fhir2cdisc.converters.check.conformance import RULES
from fhir2cdisc.converters.documents.guides_write import EXPLANATIONS, _issues, endpoint_definitions, options_taken
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.mappings.standard.datasets import codelists
from fhir2cdisc.mappings.study import Study, builtin_studies, load_study

PLAIN = Study(id="plain", studyid="PLAIN", title="Plain")


@pytest.mark.parametrize("name", ["plain", *sorted(builtin_studies())])
def test_every_option_that_shapes_the_data_is_told_once(name: str) -> None:
    study = PLAIN if name == "plain" else load_study(name)
    told = [option.name for option in options_taken(study)]
    assert len(told) == len(set(told))
    for section in ("reference", "response", "schedule", "safety", "censoring", "statistics", "privacy"):
        fields = set(type(getattr(study, section)).model_fields) - {"stated", "antineoplastic"}
        assert {one.partition(".")[2] for one in told if one.startswith(f"{section}.")} == fields


def test_what_the_protocol_says_is_told_apart_from_a_default() -> None:
    """The registry's document names the CTCAE version and the criteria; it is silent on confirmation."""
    told = {option.name: option for option in options_taken(load_study("refractory-registry"))}
    assert (told["safety.ctcae"].value, told["safety.ctcae"].from_protocol) == ("5.0", True)
    assert (told["response.criteria"].value, told["response.criteria"].from_protocol) == ("RECIST 1.1", True)
    assert (told["response.confirm_days"].value, told["response.confirm_days"].from_protocol) == ("28", False)
    assert told["reference.exposure"].value == "MedicationAdministration"
    assert not any(option.from_protocol for option in options_taken(PLAIN))


def test_the_parameters_are_those_that_are_computed() -> None:
    """Whether a study has endpoints decides nothing; whether there are responses does."""
    assert [one.paramcd for one in endpoint_definitions(Plan.of(PLAIN, {}))] == ["OS", "TTD"]
    silent = Plan.of(load_study("lenvatinib-pembrolizumab"), {})
    assert [one.paramcd for one in endpoint_definitions(silent)] == ["OS", "TTD"]
    plan = Plan.of(load_study("hepatobiliary-rws"), {"ADRS": pd.DataFrame({"PARCAT3": []})})
    found = {one.paramcd: one for one in endpoint_definitions(plan)}
    assert {"OS", "PFS", "PFSEMA", "DOR", "TTR"} <= set(found)
    assert len(found["PFS"].events) == 2 and len(found["OS"].events) == 1
    assert all(one.name and one.start and one.events for one in found.values())


@pytest.mark.parametrize(("criteria", "there"), [("iRECIST", True), ("RECIST 1.1", False)])
def test_a_sensitivity_analysis_is_told_where_it_was_made(criteria: str, there: bool) -> None:
    study = load_study("lenvatinib-pembrolizumab")
    told = {option.name: option for option in options_taken(study)}["response.sensitivity"]
    assert (told.value, told.meaning, told.from_protocol) == ("iRECIST", "", False)
    plan = Plan.of(study, {"ADRS": pd.DataFrame({"PARCAT3": [criteria]})})
    codes = {one.paramcd for one in endpoint_definitions(plan)}
    assert "PFS" in codes and ("IPFS" in codes) is there


def test_findings_are_counted_by_rule_and_no_value_is_repeated() -> None:
    findings = [
        Finding("date.impossible", "Patient/p1: 2024-13-01 is no date", "error", value="2024-13-01", usubjid="01"),
        Finding("date.impossible", "Patient/p2: 1900 is no date", "error", count=3),
        Finding("unit.unknown", "x", "warning"),
    ]
    assert _issues(findings) == ("error: date.impossible: 4", "warning: unit.unknown: 1")
    assert _issues([]) == ()


def test_only_warnings_of_rules_that_exist_are_explained() -> None:
    known = {rule.id: rule.severity for rule in RULES}
    lists = {codelist.submission_value for codelist in codelists().values()}
    for key in EXPLANATIONS:
        rule, *words = key.split()
        assert known.get(rule) == "warning" and set(words) <= lists, key
