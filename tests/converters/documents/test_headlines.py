"""The lines that a run prints: sums by hand, order by severity and frequency, and nothing that is not known."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
from fhir2cdisc.adam.plan import Plan
from fhir2cdisc.adam.results.summary import study_results, study_specs
from fhir2cdisc.converters.documents.headlines import (
    account_lines,
    adam_lines,
    assumption_lines,
    finding_lines,
    tripwire_lines,
)
from fhir2cdisc.fhir.accounts import Accounts
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.mappings.study import Study, load_study

PLAIN = Study(id="plain", studyid="PLAIN", title="Plain")


def test_read_is_mapped_and_not_needed_and_rejected_and_the_reasons() -> None:
    accounts = Accounts(
        Counter(
            {
                ("Patient", "mapped", ""): 3,
                ("Observation", "mapped", ""): 10,
                ("Claim", "not needed", "no mapping reads this type"): 4,
                ("Account", "not needed", "no mapping reads this type"): 1,
                ("Observation", "not needed", "a status"): 5,
                ("Observation", "rejected", "json.invalid"): 2,
            }
        )
    )
    assert account_lines(accounts) == [
        "Read 25 resources = 13 mapped + 10 not needed + 2 rejected",
        "  not needed: 5 a status",  # of equals the first in the alphabet
        "  not needed: 5 no mapping reads this type",
        "  rejected: 2 json.invalid",
    ]


def test_data_that_the_source_marks_as_synthetic_are_called_so() -> None:
    accounts = Accounts(Counter({("Patient", "mapped", ""): 3}), synthetic=2)
    assert account_lines(accounts)[-1] == "Synthetic or test data: the source marks 2 patients so"


def test_nothing_read_and_nothing_found() -> None:
    assert account_lines(Accounts()) == ["Read 0 resources = 0 mapped + 0 not needed + 0 rejected"]
    assert finding_lines([]) == ["Findings: 0"]


def test_findings_by_severity_then_frequency_then_rule() -> None:
    findings = [
        Finding("b", "", "warning"),
        Finding("i", "", "info", count=9),
        Finding("a", "", "warning"),
        Finding("c", "", "warning", count=2),
        Finding("z", "", "error"),
        Finding("b", "", "error"),
        Finding("z", "", "error"),
    ]
    assert finding_lines(findings) == [
        "Findings: 16",
        "  error: 2 z",
        "  error: 1 b",
        "  warning: 2 c",
        "  warning: 1 a",
        "  warning: 1 b",
        "  info: 9 i",
    ]


def test_what_was_taken_for_exposure_and_for_the_start() -> None:
    start = {"start": ("first-antineoplastic", "diagnosis")}
    study = PLAIN.model_copy(update={"reference": PLAIN.reference.model_copy(update=start)})
    supp = pd.DataFrame({"QNAM": ["CMSRC"] * 3, "QVAL": ["ORDER", "STATEMENT", "ORDER"]})
    frames = {"EX": pd.DataFrame({"EXSEQ": [1.0, 2.0]}), "CM": pd.DataFrame({"CMSEQ": [1.0]}), "SUPPCM": supp}
    assert assumption_lines(study, frames) == [
        "Exposure: MedicationAdministration becomes EX (2 records)",
        "  2 orders (MedicationRequest) became CM: an order is not exposure",
        "Time starts at: first-antineoplastic, else diagnosis",
    ]
    assert assumption_lines(PLAIN, {}) == [
        "Exposure: MedicationAdministration becomes EX (0 records)",
        "Time starts at: first-dose",
    ]


def test_subjects_deaths_and_events() -> None:
    """PFS of 61, 92 and 122 days, the second censored: S is 2/3 from day 61, 0 from day 122; 122 / 30.4375 = 4.0."""
    study = load_study("refractory-registry")
    adsl = pd.DataFrame({"USUBJID": list("abc"), "SAFFL": ["Y", "Y", "Y"], "DTHFL": ["Y", "", ""]})
    times = [("PFS", "a", 0.0, 61.0), ("PFS", "b", 1.0, 92.0), ("PFS", "c", 0.0, 122.0), ("OS", "a", 1.0, 30.0)]
    adtte = pd.DataFrame([*times, ("TTR", "a", 0.0, np.nan)], columns=["PARAMCD", "USUBJID", "CNSR", "AVAL"])
    lines = printed(study, {"ADSL": adsl, "ADTTE": adtte})
    assert lines[:2] == ["ADaM: ADSL 3, ADTTE 5 records", "Subjects: 3, treated 3, dead 1"]
    assert lines[2:] == [
        "  OS: 1 subjects, 0 events, median not reached",
        "  PFS: 3 subjects, 2 events, median 4.0 months (2.0, NE)",
        "  TTR: 0 subjects, 0 events, no time known",
    ]


def printed(study: Study, frames: dict[str, pd.DataFrame]) -> list[str]:
    plan = Plan.of(study, {**frames, "ADRS": pd.DataFrame({"PARCAT3": ["RECIST 1.1"]})})
    return adam_lines(plan, study_specs(plan, frames), frames)


def test_the_median_of_the_terminal_is_that_of_the_results() -> None:
    study = load_study("refractory-registry")
    adsl = pd.DataFrame({"USUBJID": list("abcd"), "SAFFL": ["Y", "Y", "Y", "N"], "DTHFL": "", "TRT01A": "A"})
    adtte = pd.DataFrame({"USUBJID": list("abcd"), "PARAMCD": "OS", "CNSR": [0.0, 0.0, 1.0, 0.0]})
    frames = {"ADSL": adsl, "ADTTE": adtte.assign(AVAL=[100.0, 400.0, 500.0, 1.0], ASEQ=1.0)}
    plan = Plan.of(study, frames)
    specs = study_specs(plan, frames)
    table = study_results(plan, specs, frames).table
    row = table[(table["RESULTID"] == "os") & (table["STATISTIC"] == "median") & (table["GROUP"] == "All")].iloc[0]
    assert f"median {row['VALUE']:.1f} months" in adam_lines(plan, specs, frames)[2]
    # Of the three treated: S is 2/3 at day 100, 1/3 at day 400: 400 / 30.4375 = 13.1; who was not treated is left out.
    assert "3 subjects, 2 events, median 13.1 months" in adam_lines(plan, specs, frames)[2]


def test_a_study_without_subjects() -> None:
    empty = pd.DataFrame({"USUBJID": [], "SAFFL": [], "DTHFL": []}, dtype=object)
    times = pd.DataFrame({"USUBJID": [], "PARAMCD": [], "CNSR": [], "AVAL": []})
    assert printed(PLAIN, {"ADSL": empty, "ADTTE": times}) == [
        "ADaM: ADSL 0, ADTTE 0 records",
        "Subjects: 0, treated 0, dead 0",
    ]


def test_what_makes_results_doubtful_is_one_line_a_rule() -> None:
    found = [
        Finding("tripwire.few assessed", "Only 1 of 9.", "error"),
        Finding("tripwire.death without date", "No date.", "error", usubjid="01"),
        Finding("tripwire.death without date", "No date.", "error", usubjid="02"),
        Finding("adam.other", "Something else.", "error"),
    ]
    assert tripwire_lines(found) == [
        "LOOK AT THIS FIRST: numbers below may be wrong",
        "  tripwire.few assessed: Only 1 of 9.",
        "  tripwire.death without date: 2 subjects. One of them: No date.",
    ]
    assert tripwire_lines(found[3:]) == []
