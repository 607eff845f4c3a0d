"""The lines that a run prints: sums by hand, order by severity and frequency, and nothing that is not known."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
from fhir2cdisc.converters.documents.headlines import account_lines, adam_lines, assumption_lines, finding_lines
from fhir2cdisc.fhir.accounts import Accounts
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.mappings.study import Study

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
    adsl = pd.DataFrame({"SAFFL": ["Y", "Y", "N"], "DTHFL": ["Y", "", ""]})
    adtte = pd.DataFrame(
        [("PFS", 0.0, 10.0), ("PFS", 1.0, 21.0), ("OS", 1.0, 30.0), ("TTR", 0.0, np.nan)],
        columns=["PARAMCD", "CNSR", "AVAL"],
    )
    assert adam_lines({"ADSL": adsl, "ADTTE": adtte}) == [
        "ADaM: ADSL 3, ADTTE 4 records",
        "Subjects: 3, treated 2, dead 1",
        "  PFS: 2 subjects, 1 events, median observed 15.5 days",
        "  OS: 1 subjects, 0 events, median observed 30 days",
        "  TTR: 1 subjects, 1 events, no time known",
    ]
    again = adtte.assign(PARAMCD="IPFS", PARCAT2="Algorithm from Lesions of Investigator").iloc[:1]
    both = pd.concat([again, adtte.assign(PARCAT2="Investigator").iloc[:1]], ignore_index=True)
    assert adam_lines({"ADSL": adsl, "ADTTE": both})[2:] == [
        "  PFS: 1 subjects, 1 events, median observed 10 days",
        "  IPFS: 1 subjects, 1 events, median observed 10 days, sensitivity analysis",
    ]
    assert adam_lines({"ADSL": adsl.iloc[:0], "ADTTE": adtte.iloc[:0]}) == [
        "ADaM: ADSL 0, ADTTE 0 records",
        "Subjects: 0, treated 0, dead 0",
    ]
