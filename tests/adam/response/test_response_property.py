"""The vectorised response parameters against a second, slow and plain implementation on random sequences."""

from __future__ import annotations

import os
from random import Random
from typing import Any

import pandas as pd
from fhir2cdisc.adam.response.adrs import derive_adrs
from fhir2cdisc.adam.response.response import (
    ResponseOptions,
    best_overall_response,
    clinical_benefit,
    confirmed_response,
    disease_control,
    last_assessment,
    progression,
    response,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import plain_response

PREFIX = {"RECIST 1.1": "", "iRECIST": "I", "mRECIST": "M"}
START = pd.Timestamp("2024-01-01")
FUZZ = bool(os.environ.get("FHIR2CDISC_FUZZ"))
SETTINGS = settings(
    max_examples=1000 if FUZZ else 40,
    derandomize=not FUZZ,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


CALLS = ["CR", "PR", "PR", "SD", "SD", "NON-CR/NON-PD", "PD", "NE", "NE", "NED"]
IMMUNE = {"CR": "iCR", "PR": "iPR", "SD": "iSD", "NON-CR/NON-PD": "NON-iCR/NON-iUPD", "PD": "iCPD"}
SCANS = st.lists(st.tuples(st.integers(-7, 150), st.sampled_from([*CALLS, "iUPD", "iUPD"])), max_size=8)
OPTIONS = st.builds(
    ResponseOptions,
    criteria=st.sampled_from(["RECIST 1.1", "mRECIST", "iRECIST"]),
    unconfirmed_iupd=st.booleans(),
    confirm_days=st.sampled_from([0, 1, 27, 28, 56]),
    sd_min_days=st.sampled_from([0, 28, 42, 56]),
    benefit_min_days=st.sampled_from([42, 84]),
    max_ne=st.integers(0, 2),
    accept_sd=st.booleans(),
    missing_as_ne=st.booleans(),
    sticky_pr=st.booleans(),
    pr_after_cr=st.sampled_from(["PD", "PR", "collected"]),
    new_therapy=st.sampled_from(["", "NACTDT"]),
    end_of_window=st.sampled_from(["", "TRTEDT"]),
    end_of_window_days=st.sampled_from([0, 30]),
    last_assessment=st.sampled_from(["adequate", "any"]),
)
DAY = st.one_of(st.none(), st.integers(0, 150))
DRAWN = st.lists(st.tuples(SCANS, DAY, DAY), min_size=1, max_size=5)


def cohort(seed: int) -> list[Any]:
    """Many subjects at once with visits as in a study: long sequences, mostly responses, few progressions."""
    random = Random(seed)
    pool = random.choice([["CR", "PR", "NE"], ["CR", "PR", "SD", "NE"], [*CALLS, "iUPD"], ["PR", "SD", "iUPD"]])
    subjects = []
    for _ in range(40):
        days = sorted(random.choices(range(-3, 140), k=random.randint(0, 9)))
        calls = [random.choice(pool) if random.random() < 0.95 else "PD" for _ in days]
        late = [random.randint(20, 150) if random.random() < 0.2 else None for _ in range(2)]
        subjects.append((list(zip(days, calls, strict=True)), *late))
    return subjects


SUBJECTS = st.one_of(DRAWN, st.integers(0, 10**6).map(cohort), st.integers(0, 10**6).map(cohort))
FUNCTIONS: dict[str, Any] = {
    "BOR": best_overall_response,
    "CBOR": lambda *given: best_overall_response(*given, confirmed=True),
    "RSP": response,
    "CRSP": confirmed_response,
    "CB": clinical_benefit,
    "CCB": lambda *given: clinical_benefit(*given, confirmed=True),
    "DCR": disease_control,
    "CDCR": lambda *given: disease_control(*given, confirmed=True),
    "PD": progression,
    "LSTA": last_assessment,
}


def date(day: int | None) -> pd.Timestamp:
    return pd.NaT if day is None else START + pd.Timedelta(days=day)


def expected(subjects: list[Any], options: ResponseOptions) -> list[dict[str, Any]]:
    found = []
    immune = options.criteria == "iRECIST"
    for every, therapy, stop in subjects:
        scans = [scan for scan in every if immune or scan[1] != "iUPD"]  # no term of the other criteria
        ends = [therapy] if options.new_therapy and therapy is not None else []
        if options.end_of_window and stop is not None:
            ends.append(stop + options.end_of_window_days)
        answers = plain_response.parameters(scans, options, min(ends) if ends else None)
        found.append({code: (named(call, immune), day) for code, (call, day) in answers.items()})
    return found


def named(call: str, immune: bool) -> str:
    """The term of the criteria for a RECIST 1.1 term."""
    return IMMUNE.get(call, call) if immune else call


def frames(subjects: list[Any], options: ResponseOptions) -> tuple[pd.DataFrame, pd.DataFrame]:
    immune = options.criteria == "iRECIST"
    rows = [
        (f"{n:02}", date(day), named(call, immune)) for n, (scans, _, _) in enumerate(subjects) for day, call in scans
    ]
    assessments = pd.DataFrame(rows, columns=["USUBJID", "ADT", "AVALC"])
    reference = pd.DataFrame(
        {
            "USUBJID": [f"{n:02}" for n in range(len(subjects))],
            "TRTSDT": START,
            "NACTDT": pd.to_datetime([date(therapy) for _, therapy, _ in subjects]),
            "TRTEDT": pd.to_datetime([date(stop) for _, _, stop in subjects]),
        }
    )
    return assessments.assign(ADT=pd.to_datetime(assessments.ADT)), reference


def answers(frame: pd.DataFrame) -> list[tuple[str, int | None]]:
    return [
        (call, None if pd.isna(day) else (day - START).days) for call, day in zip(frame.AVALC, frame.ADT, strict=True)
    ]


@SETTINGS
@given(SUBJECTS, OPTIONS)
def test_every_parameter_equals_the_plain_implementation(subjects: list[Any], options: ResponseOptions) -> None:
    assessments, reference = frames(subjects, options)
    wanted = expected(subjects, options)
    for code, function in FUNCTIONS.items():
        found = answers(function(assessments, reference, options))
        assert found == [each[code] for each in wanted], code


@SETTINGS
@given(DRAWN, OPTIONS)
def test_adrs_holds_what_the_functions_return(subjects: list[Any], options: ResponseOptions) -> None:
    assessments, reference = frames(subjects, options)
    rs = assessments.assign(
        RSTESTCD="OVRLRESP",
        RSSTRESC=assessments.AVALC,
        RSEVAL="INVESTIGATOR",
        RSCAT=options.criteria,
        RSDTC=assessments.ADT.dt.strftime("%Y-%m-%d"),
        RSSEQ=range(1, len(assessments) + 1),
    ).drop(columns=["ADT", "AVALC"])
    adrs = derive_adrs(reference, rs, pd.DataFrame({"USUBJID": [], "TUSTRESC": []}), options)
    prefix = PREFIX[options.criteria]
    for code, function in FUNCTIONS.items():
        rows = adrs.query("PARAMCD == @prefix + @code").sort_values("USUBJID")
        assert answers(rows) == answers(function(assessments, reference, options)), code
    assert adrs.PARAMCD.eq(f"{prefix}OVR").sum() == len(assessments)
