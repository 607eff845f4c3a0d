"""Derived responses as RS records beside the collected ones, and where the two disagree.

A derived record says so: RSEVAL is `ALGORITHM`, RSEVALID names whose lesions it was derived from, and
RSMETHOD the criteria and the way. Collected records are never changed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from fhir2cdisc.adam.criteria import (
    DERIVED,
    IRECIST,
    MRECIST,
    RECIST,
    categories,
    evaluator_names,
    reader_names,
    whose,
)
from fhir2cdisc.adam.frames.columns import numbers, stack, texts
from fhir2cdisc.adam.frames.dates import NO_DAY, column_days, iso, partial_days
from fhir2cdisc.adam.frames.findings import findings, gather_findings, no_findings
from fhir2cdisc.adam.tumour.options import RecistOptions
from fhir2cdisc.adam.tumour.recist import Lesions

_TESTS = {
    "TRGRESP": "Target Response",
    "NTRGRESP": "Non-target Response",
    "NEWLIND": "New Lesion Indicator",
    "OVRLRESP": "Overall Response",
}
_CATEGORY = {RECIST: "RECIST 1.1", IRECIST: "iRECIST", MRECIST: "MRECIST LENCIONI LIVER CANCER 2010"}
CONFLICT_COLUMNS = (
    "USUBJID",
    "RSEVAL",
    "RSEVALID",
    "VISIT",
    "VISITNUM",
    "RSDTC",
    "RSTESTCD",
    "COLLECTED",
    "DERIVED",
    "REASON",
    "RSSEQ",
)


def derived_rs(timepoints: pd.DataFrame, rs: pd.DataFrame | None = None, criteria: str = RECIST) -> pd.DataFrame:
    """RS records of the derived target, non-target and overall responses and of new lesions.

    `timepoints` is what `timepoint_responses` returned under the same criteria; RSSEQ goes on after that of
    the collected records in `rs`. Responses that do not apply (`NA`) make no record. SRCDOM and SRCSEQ, which
    are no variables of RS, name the first lesion record of the assessment.
    """
    parts = [_records(timepoints, test, criteria) for test in _TESTS]
    rows = stack([part[part["RSORRES"] != "NA"] for part in parts])
    keys = ["USUBJID", "RSEVALID", "RSDTC", "VISITNUM", "RSTESTCD"]
    rows = rows.sort_values(keys, kind="stable").reset_index(drop=True)
    return rows.assign(RSSEQ=_sequence(rows, rs))


def _records(timepoints: pd.DataFrame, test: str, criteria: str) -> pd.DataFrame:
    call = texts(timepoints, test)
    return pd.DataFrame(
        {
            "STUDYID": texts(timepoints, "STUDYID"),
            "DOMAIN": "RS",
            "USUBJID": texts(timepoints, "USUBJID"),
            "RSTESTCD": test,
            "RSTEST": _TESTS[test],
            "RSCAT": _CATEGORY[criteria],
            "RSORRES": call,
            "RSSTRESC": call,
            "RSMETHOD": f"DERIVED FROM TU AND TR BY {criteria.upper()}",
            "RSEVAL": DERIVED,
            "RSEVALID": whose(texts(timepoints, "EVAL"), texts(timepoints, "EVALID")),
            "VISITNUM": numbers(timepoints, "VISITNUM"),
            "VISIT": texts(timepoints, "VISIT"),
            "RSDTC": iso(column_days(timepoints, "ADT")),
            "SRCDOM": texts(timepoints, "SRCDOM"),
            "SRCSEQ": numbers(timepoints, "SRCSEQ"),
        }
    )


def _sequence(rows: pd.DataFrame, rs: pd.DataFrame | None) -> pd.Series:
    own = rows.groupby("USUBJID").cumcount() + 1.0
    if rs is None or rs.empty:
        return own
    highest = pd.Series(numbers(rs, "RSSEQ")).groupby(texts(rs, "USUBJID")).max()
    return own + rows["USUBJID"].map(highest).fillna(0.0)


def response_conflicts(
    rs: pd.DataFrame, timepoints: pd.DataFrame, criteria: str = RECIST, window_days: int = 7
) -> pd.DataFrame:
    """Where a collected response differs from the one that the lesions give, and why.

    Records are compared by subject, evaluator and VISITNUM, else VISIT, else the nearest date within
    `window_days`. Columns: USUBJID, RSEVAL, RSEVALID, VISIT, VISITNUM, RSDTC, RSTESTCD, COLLECTED, DERIVED,
    REASON, RSSEQ. A collected response without lesions to derive from is no conflict.
    """
    collected = _collected(rs, criteria)
    derived = _derived(timepoints)
    both = _paired(collected, derived, window_days)
    differ = both["COLLECTED"].str.upper() != both["DERIVED"].str.upper()
    # What does not apply to the subject's lesions is left blank by some and called NE or NA by others.
    unsaid = both["COLLECTED"].str.upper().isin(["", "NA", "NE", "NOT APPLICABLE"])
    absent = (both["DERIVED"] == "NA") & unsaid
    order = ["USUBJID", "RSEVAL", "RSEVALID", "RSDTC", "RSTESTCD", "RSSEQ"]
    return both[differ & ~absent][list(CONFLICT_COLUMNS)].sort_values(order).reset_index(drop=True)


def lesion_conflicts(rs: pd.DataFrame, lesions: Lesions, every: Sequence[RecistOptions]) -> pd.DataFrame:
    """Findings where collected responses are not those that the lesions give: by each criteria, reader by reader."""
    if not lesions or not len(rs):
        return no_findings()
    parts = [response_conflicts(rs, lesions.responses(one), one.criteria) for one in every]
    return gather_findings([conflict_findings(one) for one in parts])


def conflict_findings(conflicts: pd.DataFrame) -> pd.DataFrame:
    """The conflicts as findings, one sentence each."""
    rows = (
        (s, visit or when, test, collected, _sentence(test, collected, derived, by, when, why))
        for s, visit, when, test, collected, derived, by, why in zip(
            conflicts["USUBJID"],
            conflicts["VISIT"],
            conflicts["RSDTC"],
            conflicts["RSTESTCD"],
            conflicts["COLLECTED"],
            conflicts["DERIVED"],
            whose(texts(conflicts, "RSEVAL"), texts(conflicts, "RSEVALID")),
            conflicts["REASON"],
            strict=True,
        )
    )
    return findings("RS", "response differs from lesions", "WARNING", rows)


def _sentence(test: str, collected: str, derived: str, by: str, when: str, why: str) -> str:
    return f"{test} of {when} by {by or 'investigator'} is {collected}; the lesions give {derived} ({why})."


def _collected(rs: pd.DataFrame, criteria: str) -> pd.DataFrame:
    value = texts(rs, "RSSTRESC")
    frame = pd.DataFrame(
        {
            "USUBJID": texts(rs, "USUBJID"),
            "RSEVAL": evaluator_names(texts(rs, "RSEVAL")),
            "RSEVALID": reader_names(texts(rs, "RSEVALID")),
            "VISIT": texts(rs, "VISIT"),
            "VISITNUM": numbers(rs, "VISITNUM"),
            "RSDTC": texts(rs, "RSDTC"),
            "RSTESTCD": texts(rs, "RSTESTCD"),
            "COLLECTED": np.where(value == "", texts(rs, "RSORRES"), value),
            "RSSEQ": numbers(rs, "RSSEQ"),
        }
    )
    own = frame["RSTESTCD"].isin(list(_TESTS)) & (frame["RSEVAL"] != DERIVED)
    place, known = categories(texts(rs, "RSCAT"))
    by_them = np.array([one.criteria == criteria for one in known], dtype=bool)[place]
    frame = frame[own & by_them & (frame["COLLECTED"] != "")]
    day, _ = partial_days(frame["RSDTC"].to_numpy(dtype=object), "last")
    return frame.assign(day=day, record=np.arange(len(frame)))


def _derived(timepoints: pd.DataFrame) -> pd.DataFrame:
    facts = timepoints.assign(day=column_days(timepoints, "ADT"), VISIT=texts(timepoints, "VISIT"))
    long = facts.melt(
        id_vars=["USUBJID", "EVAL", "EVALID", "VISIT", "VISITNUM", "day", "REASON"],
        value_vars=list(_TESTS),
        var_name="RSTESTCD",
        value_name="DERIVED",
    )
    return long.rename(columns={"EVAL": "RSEVAL", "EVALID": "RSEVALID", "day": "dday"})


def _one_each(collected: pd.DataFrame, derived: pd.DataFrame, column: str) -> pd.Series:
    """Whether the visit of each collected record is the visit of one derived assessment only."""
    keys = ["USUBJID", "RSEVAL", "RSEVALID"]
    points = derived.assign(VISIT=derived["VISIT"].str.upper())[[*keys, column, "dday"]].drop_duplicates()
    shared = points[points.duplicated([*keys, column], keep=False)]
    wanted = collected.assign(VISIT=collected["VISIT"].str.upper())[[*keys, column]]
    several = pd.MultiIndex.from_frame(wanted).isin(pd.MultiIndex.from_frame(shared[[*keys, column]]))
    return pd.Series(~several, index=collected.index)


def _paired(collected: pd.DataFrame, derived: pd.DataFrame, window_days: int) -> pd.DataFrame:
    """Collected and derived results side by side: by visit number, else by visit, else by nearest date."""
    keys = ["USUBJID", "RSEVAL", "RSEVALID", "RSTESTCD"]
    # A number or name that several assessments share (unscheduled scans) tells none of them apart.
    number_, name = (_one_each(collected, derived, column) for column in ("VISITNUM", "VISIT"))
    numbered = collected["VISITNUM"].notna() & number_
    named = ~numbered & (collected["VISIT"] != "") & name
    by_number = collected[numbered].merge(
        derived[derived["VISITNUM"].notna()].drop(columns="VISIT"), on=[*keys, "VISITNUM"]
    )
    upper = collected[named].assign(key=lambda f: f["VISIT"].str.upper())
    by_name = upper.merge(
        derived.assign(key=derived["VISIT"].str.upper()).drop(columns=["VISIT", "VISITNUM"]),
        on=[*keys, "key"],
    )
    rest = collected[~numbered & ~named & (collected["day"] != NO_DAY)]
    near = rest.merge(derived.drop(columns=["VISIT", "VISITNUM"]), on=keys)
    near = near.assign(far=(near["day"] - near["dday"]).abs())
    near = near[near["far"] <= window_days].sort_values(["record", "far", "dday"]).drop_duplicates("record")
    return stack([by_number, by_name.drop(columns="key"), near.drop(columns="far")])
