"""What a study file says reaches the derivations: every option, by hand from its words in the file."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from fhir2cdisc.adam.plan import (
    Plan,
    adae_options,
    adqs_options,
    recist_options,
    response_options,
    sensitivity_options,
)
from fhir2cdisc.adam.safety.adae import AdaeOptions, derive_adae
from fhir2cdisc.adam.time_to_event.adtte import Parameter, ScanRules
from fhir2cdisc.mappings.study import Study, builtin_studies, load_study


def study(**sections: Any) -> Study:
    return Study.model_validate({"id": "s", "studyid": "S", "title": "S", **sections})


def tte_parameters(made: Study, with_response: bool) -> tuple[Parameter, ...]:
    """The time-to-event parameters where responses by all criteria are there, or none."""
    criteria = [made.response.criteria, *made.response.sensitivity]
    return Plan.of(made, {"ADRS": pd.DataFrame({"PARCAT3": criteria})} if with_response else {}).parameters


def parameter(made: Study, code: str) -> Parameter:
    return next(p for p in tte_parameters(made, True) if p.paramcd == code)


def scans(made: Study, code: str = "PFS") -> ScanRules:
    rules = parameter(made, code).scans
    assert rules is not None
    return rules


def test_every_response_option_of_the_file_is_taken() -> None:
    said = {
        "criteria": "iRECIST",
        "evaluator": "INDEPENDENT ASSESSOR",
        "evaluator_id": "READER 1",
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
    }
    made = response_options(study(response=said))
    assert {name: getattr(made, name) for name in said} == said


def test_the_defaults_of_the_file_are_those_of_recist() -> None:
    """RECIST 1.1: confirmation after 4 weeks; the project's 6 weeks for SD."""
    made = response_options(study())
    assert (made.criteria, made.confirm_days, made.sd_min_days, made.evaluator) == (
        "RECIST 1.1",
        28,
        42,
        "INVESTIGATOR",
    )


@pytest.mark.parametrize(("said", "expected"), [("earliest", "first"), ("latest", "last")])
def test_the_date_of_a_progression_that_several_scans_show(said: str, expected: str) -> None:
    assert recist_options(study(censoring={"pd_date": said})).pd_date == expected


def test_criteria_and_sticky_pr_reach_the_lesions() -> None:
    made = recist_options(study(response={"criteria": "mRECIST", "sticky_pr": True}))
    assert (made.criteria, made.sticky_pr) == ("mRECIST", True)


@pytest.mark.parametrize(
    ("forms", "months", "days"),
    [
        ([], 0, 45),
        ([{"every_months": 3, "window_days": 45}], 3, 45),
        ([{"every_months": 2, "every_visit": True, "window_days": 30}], 0, 45),  # at every visit: as collected
        ([{"every_months": 0.5}], 0, 45),  # not whole months
        ([{"every_months": 2, "every_visit": True}, {"every_months": 6, "window_days": 60}], 6, 60),
    ],
)
def test_analysis_visits_of_questionnaires(forms: list[dict[str, Any]], months: int, days: int) -> None:
    named = [{"code": f"Q{n}", "title": "Q", "canonical": "q", **form} for n, form in enumerate(forms)]
    windows = adqs_options(study(questionnaires=named)).windows
    assert (windows.every_months, windows.days) == (months, days)


def test_adverse_event_window_and_version() -> None:
    made = adae_options(study(safety={"window_days": 90, "ctcae": "4.0"}))
    assert (made.window, made.ctcae_version) == (90, "4.0")
    assert made.related == AdaeOptions().related


def test_the_relations_that_the_file_names_are_the_related_ones_and_the_others_are_not() -> None:
    made = adae_options(study(safety={"related": ["Related", "Definitely related"]}))
    adsl = pd.DataFrame({"USUBJID": ["01"], "TRTSDT": pd.to_datetime(["2024-03-01"])})
    words = ["RELATED", "definitely related", "POSSIBLY RELATED", "NOT RELATED", "MAYBE", ""]
    ae = pd.DataFrame({"USUBJID": "01", "AESEQ": range(1, 7), "AEREL": words, "AESTDTC": "2024-03-02", "AETERM": "X"})
    assert derive_adae(adsl, ae, options=made)["AREL"].tolist() == [
        "RELATED",
        "RELATED",
        "NOT RELATED",
        "NOT RELATED",
        "",
        "",
    ]


@pytest.mark.parametrize(
    ("said", "start"), [("reference", "RFSTDT"), ("first-dose", "TRTSDT"), ("diagnosis", "DIAGDT")]
)
def test_where_survival_starts_and_where_a_subject_without_contact_is_censored(said: str, start: str) -> None:
    survival = parameter(study(reference={"os_start": said}), "OS")
    assert survival.start == start
    assert "TRTSDT" not in {c.date for c in survival.censors} or start == "TRTSDT"
    assert start in {c.date for c in survival.censors}


def test_without_responses_there_are_only_times_that_need_none() -> None:
    assert [p.paramcd for p in tte_parameters(study(), False)] == ["OS", "TTD"]
    codes = [p.paramcd for p in tte_parameters(study(), True)]
    assert codes[0] == "OS" and len(codes) == len(set(codes)) and {"PFS", "TTP", "DOR", "TTR", "TTD"} <= set(codes)


@pytest.mark.parametrize(
    ("censoring", "missed", "therapy"),
    [
        ({}, 2, "NACTDT"),
        ({"missed": 1}, 1, "NACTDT"),
        ({"new_therapy": "ignore"}, 2, ""),
        ({"style": "ema"}, 0, ""),  # EMA: neither missed assessments nor new therapy censor
        ({"style": "ema", "missed": 3, "new_therapy": "censor"}, 0, ""),
    ],
)
def test_censoring_of_progression(censoring: dict[str, Any], missed: int, therapy: str) -> None:
    made = scans(study(censoring=censoring, schedule={"interval_days": 63, "window_days": 5}))
    assert (made.missed, made.new_therapy, made.interval_days, made.window_days) == (missed, therapy, 63, 5)


def test_sensitivity_analyses_are_by_the_same_rules_of_the_evaluators_lesions() -> None:
    said = {"sensitivity": ["iRECIST", "mRECIST"], "confirm_days": 35}
    own = study(response={**said, "evaluator": "INDEPENDENT ASSESSOR", "evaluator_id": "RADIOLOGIST 2"})
    first, second = sensitivity_options(own)
    assert (first.criteria, second.criteria) == ("iRECIST", "mRECIST")
    assert (first.evaluator, first.evaluator_id) == ("ALGORITHM", "INDEPENDENT ASSESSOR RADIOLOGIST 2")
    assert first.confirm_days == 35 and sensitivity_options(study()) == ()
    assert sensitivity_options(study(response=said))[0].evaluator_id == "INVESTIGATOR"


def test_parameters_by_other_criteria_look_at_their_own_responses() -> None:
    own = study(response={"sensitivity": ["iRECIST"]}, schedule={"interval_days": 63})
    codes = [p.paramcd for p in tte_parameters(own, True)]
    assert codes[:8] == [p.paramcd for p in tte_parameters(study(), True)]
    assert codes[8:] == ["IPFS", "IPFSEMA", "ITTP", "IDOR", "ICDOR", "ITTR"]
    pfs, rules = parameter(own, "IPFS"), scans(own, "IPFS")
    assert [e.where for e in pfs.events] == ["PARAMCD == 'IPD' and AVALC == 'Y'", ""]
    assert rules.no_baseline is not None and "'IBASETA'" in rules.no_baseline.where
    assert "'IOVR'" in rules.assessments.where and rules.interval_days == 63
    assert "'ICRSP'" in parameter(own, "ICDOR").starting.where
    only = parameter(own, "ITTR").only
    assert only is not None and "'IRSP'" in only.where
    assert [e.where for e in parameter(own, "IPFSEMA").events][1] == "PARAMCD == 'IPDANY' and AVALC == 'Y'"
    assert parameter(own, "IPFSEMA").censors[0].where.startswith("PARAMCD == 'IOVR'")
    assert (pfs.assessor, pfs.criteria) == ("Algorithm from Lesions of Investigator", "iRECIST")
    assert (parameter(own, "OS").assessor, parameter(own, "OS").criteria) == ("", "")


def test_the_main_analysis_may_be_by_other_criteria() -> None:
    made = study(response={"criteria": "mRECIST"})
    assert [p.paramcd for p in tte_parameters(made, True)] == [
        "OS",
        "MPFS",
        "MPFSEMA",
        "MTTP",
        "MDOR",
        "MCDOR",
        "MTTR",
        "TTD",
    ]
    assert [e.where for e in parameter(made, "MPFSEMA").events][:2] == [
        "PARAMCD == 'MPD' and AVALC == 'Y'",
        "PARAMCD == 'MOVR' and ANL01FL == 'Y' and AVALC == 'PD'",
    ]
    assert parameter(made, "MPFS").param == "Progression-Free Survival per mRECIST"


@pytest.mark.parametrize("name", sorted(builtin_studies()))
def test_the_built_in_studies(name: str) -> None:
    """All five: survival from the first dose, FDA censoring at two missed assessments every 8 weeks and a week."""
    made = load_study(name)
    assert parameter(made, "OS").start == "TRTSDT"
    rules = scans(made)
    assert (rules.interval_days, rules.window_days, rules.missed, rules.new_therapy) == (56, 7, 2, "NACTDT")
    assert adae_options(made).window == 30
