"""What a date means in the study: study day, epoch, which record is the baseline, and what still goes on.

SDTMIG 3.4: sections 4.4.4 (study day), 4.1.3.1 (EPOCH), 4.5.9 (baseline), 4.4.7 (relative timing) and 5.2 (reference
dates in DM). Only a date that is complete to the day is compared; a partial one gets no day and no epoch.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.mappings.standard.datasets import Dataset
from fhir2cdisc.mappings.standard.iso8601 import possible_days
from fhir2cdisc.sdtm.columns import ORDER, STATUS, SUBJECT
from fhir2cdisc.sdtm.methods import derives

REFERENCES = ["RFSTDTC", "RFICDTC", "RFXSTDTC", "RFXENDTC", "RFPENDTC"]
# What tells one test from another when its baseline is chosen.
TEST_KEYS = ("TESTCD", "TEST", "SYM", "SPEC", "LNKID", "CAT", "EVAL", "EVALID")


def days_of(dtc: pd.Series) -> pd.Series:
    """The calendar day of each --DTC as datetime64, NaT where it is not complete to the day."""
    codes, distinct = pd.factorize(dtc, use_na_sentinel=False)
    found = [possible_days(value) if isinstance(value, str) else None for value in distinct]
    whole = [one.first.isoformat() if one is not None and not one.missing else None for one in found]
    days = pd.to_datetime(pd.Series(whole, dtype=object), format="%Y-%m-%d", errors="coerce")
    return pd.Series(days.to_numpy()[codes], index=dtc.index, name=dtc.name)


@derives(
    "--DY --STDY --ENDY",
    "Days from RFSTDTC: its day is 1 and the day before it is -1; blank unless both dates are complete to the day",
)
def study_day(dtc: pd.Series, reference: pd.Series) -> pd.Series:
    """--DY: days from the reference date; the reference date is day 1 and the day before it day -1."""
    difference = (days_of(dtc) - days_of(reference)).dt.days.astype(float)
    return difference + (difference >= 0)


@derives(
    "EPOCH",
    "By --STDTC, in a domain without it by --DTC: SCREENING from informed consent to the day before RFSTDTC, TREATMENT "
    "from RFSTDTC to RFXENDTC, then FOLLOW-UP; OBSERVATION from RFSTDTC in a subject without exposure. Blank before "
    "informed consent, without RFSTDTC, and where the date is not complete to the day",
)
def epoch(dtc: pd.Series, subject: pd.DataFrame) -> pd.Series:
    """EPOCH of each record; `subject` has RFICDTC, RFSTDTC, RFXSTDTC and RFXENDTC of its subject, row by row.

    Before the reference start it is SCREENING, from informed consent on (without consent it is unknown and
    blank); then TREATMENT to the last exposure, or OBSERVATION in a study without exposure; then FOLLOW-UP.
    """
    day = days_of(dtc)
    start, consent = days_of(subject["RFSTDTC"]), days_of(subject["RFICDTC"])
    first, last = days_of(subject["RFXSTDTC"]), days_of(subject["RFXENDTC"])
    screening = (day < start) & (day >= consent)
    treated = first.notna()
    return pd.Series(
        np.select(
            [day.isna() | start.isna(), screening, day < start, treated & (day > last), treated],
            ["", "SCREENING", "", "FOLLOW-UP", "TREATMENT"],
            "OBSERVATION",
        ),
        index=dtc.index,
        dtype=object,
    )


def baseline_flag(frame: pd.DataFrame, by: list[str], dtc: str, result: str, until: pd.Series) -> pd.Series:
    """`Y` on the last record with a result before `until` within each group of `by`, else blank.

    A record of the same day counts as before, unless both have a time of day and it is not the earlier one.
    """
    day, limit = days_of(frame[dtc]), days_of(until)
    timed = (frame[dtc].str.len() > 10) & (until.str.len() > 10)
    # Seconds are compared only where both have them: 10:00:30 is not before 10:00.
    seconds = (frame[dtc].str.len() > 16) & (until.str.len() > 16)
    late = (frame[dtc] >= until).where(seconds, frame[dtc].str.slice(0, 16) >= until.str.slice(0, 16))
    usable = (day <= limit) & ~((day == limit) & timed & late) & (frame[result] != "")
    chosen = frame[usable].sort_values([*by, dtc, ORDER], kind="stable").groupby(by, sort=False).tail(1).index
    return pd.Series(np.where(frame.index.isin(chosen), "Y", ""), index=frame.index, dtype=object)


def add_timing(frame: pd.DataFrame, dataset: Dataset, dates: pd.DataFrame) -> pd.DataFrame:
    """The rows of a domain with study days, epoch, baseline flags and what still goes on; `dates` by subject key.

    What the source has itself of them is kept.
    """
    made = _derived_timing(frame, dataset, dates)
    kept = {
        name: frame[name].where(_is_filled(frame[name]), derived) for name, derived in made.items() if name in frame
    }
    return frame.assign(**(made | kept))


def timing_findings(frame: pd.DataFrame, dataset: Dataset, dates: pd.DataFrame) -> list[Finding]:
    """A finding for each subject and variable where a study day or epoch that the source has is not the derived one.

    `frame` are the rows before `add_timing`; `resource` of a finding is the key of the subject.
    """
    if not any(name in frame for name in (f"{dataset.name}DY", f"{dataset.name}STDY", f"{dataset.name}ENDY", "EPOCH")):
        return []
    found = []
    for name, derived in _derived_timing(frame, dataset, dates).items():
        if name in frame and (name.endswith("DY") or name == "EPOCH"):
            differs = _is_filled(frame[name]) & _is_filled(derived) & (frame[name] != derived)
            for subject, count in frame.loc[differs, SUBJECT].value_counts().sort_index().items():
                said = f"{subject}: {name}: {count} collected values are not what the dates give; they are kept"
                found.append(Finding("collected.differs", said, resource=str(subject), variable=name, count=int(count)))
    return found


def _is_filled(column: pd.Series) -> pd.Series:
    return column.notna() & (column != "")


def _derived_timing(frame: pd.DataFrame, dataset: Dataset, dates: pd.DataFrame) -> dict[str, pd.Series]:
    """What the dates give of timing variables and flags, by name."""
    domain = dataset.name
    subject = dates.reindex(frame[SUBJECT])[REFERENCES].fillna("").set_index(frame.index)
    made: dict[str, pd.Series] = {}
    for part in ("ST", "EN", ""):
        if f"{domain}{part}DTC" in frame and f"{domain}{part}DY" in dataset:
            made[f"{domain}{part}DY"] = study_day(frame[f"{domain}{part}DTC"], subject["RFSTDTC"])
    when = next((c for c in (f"{domain}STDTC", f"{domain}DTC") if c in frame), "")
    if "EPOCH" in dataset and when:
        made["EPOCH"] = epoch(frame[when], subject)
    return made | add_baselines(frame, dataset, subject) | mark_ongoing(frame, domain, subject["RFPENDTC"])


_BASELINE = (
    "Y on the last record with a result before {} (on its day, unless both have a time and it is not earlier), by "
    "test, gene, specimen, lesion, category and evaluator"
)


@derives("--LOBXFL", _BASELINE.format("RFXSTDTC"))
@derives("--BLFL", _BASELINE.format("RFSTDTC"))
def add_baselines(frame: pd.DataFrame, dataset: Dataset, subject: pd.DataFrame) -> dict[str, pd.Series]:
    """--LOBXFL and --BLFL of a domain with results, for those that the guide has; `subject` row by row."""
    domain = dataset.name
    if f"{domain}ORRES" not in frame or f"{domain}DTC" not in frame:
        return {}
    standard = f"{domain}STRESC"
    result = standard if standard in frame and (frame[f"{domain}ORRES"] == "").all() else f"{domain}ORRES"
    by = ["USUBJID", *[f"{domain}{k}" for k in TEST_KEYS if f"{domain}{k}" in frame]]
    return {
        flag: baseline_flag(frame, by, f"{domain}DTC", result, subject[until])
        for flag, until in ((f"{domain}LOBXFL", "RFXSTDTC"), (f"{domain}BLFL", "RFSTDTC"))
        if flag in dataset
    }


@derives(
    "CMENRTPT HOENRTPT MHENRTPT",
    "ONGOING where the source calls the record active, gives no end, and participation has ended",
)
@derives("CMENTPT HOENTPT MHENTPT", "RFPENDTC where --ENRTPT is filled")
def mark_ongoing(frame: pd.DataFrame, domain: str, end: pd.Series) -> dict[str, pd.Series]:
    """--ENRTPT and --ENTPT: what the source calls active and gives no end was going on when participation ended."""
    if domain not in ("CM", "HO", "MH") or STATUS not in frame:
        return {}
    ended = frame.get(f"{domain}ENDTC", pd.Series("", index=frame.index)).fillna("")
    ongoing = (ended == "") & frame[STATUS].isin(["active", "recurrence", "relapse"]) & (end != "")
    blank = pd.Series("", index=frame.index, dtype=object)
    return {f"{domain}ENRTPT": blank.mask(ongoing, "ONGOING"), f"{domain}ENTPT": end.where(ongoing, "")}
