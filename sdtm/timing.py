"""What a date means in the study: study day, epoch, visit, and which record is the baseline.

SDTMIG 3.4: sections 4.4.4 (study day), 4.4.5 (visits), 5.2 (DM reference dates) and the EPOCH assumptions of
section 4.1. Only a date that is complete to the day is compared; a partial one gets no day and no epoch.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from fhir2cdisc.mappings.study import Study

_CYCLE = re.compile(r"(?:CYCLE|C)\s*(\d+)\s*(?:DAY|D)\s*(\d+)")
_UNIT_DAYS = {"DAY": 1, "WEEK": 7, "MONTH": 30.4375}
_REPEATED = re.compile(r"(DAY|WEEK|MONTH)\s*(\d+)")


def days_of(dtc: pd.Series) -> pd.Series:
    """The calendar day of each --DTC as datetime64, NaT where it is not complete to the day."""
    text = dtc.astype("string")
    return pd.to_datetime(text.str.slice(0, 10).where(text.str.len() >= 10), format="%Y-%m-%d", errors="coerce")


def study_day(dtc: pd.Series, reference: pd.Series) -> pd.Series:
    """--DY: days from the reference date; the reference date is day 1 and the day before it day -1."""
    difference = (days_of(dtc) - days_of(reference)).dt.days.astype(float)
    return difference + (difference >= 0)


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


def planned_day(name: str, study: Study) -> float | None:
    """The planned day of a visit by its name, None for a visit that the study does not plan."""
    plain = " ".join(name.upper().split())
    for visit in study.schedule.visits:
        if plain == visit.name.upper():
            return float(visit.day)
    if plain in ("SCREENING", "BASELINE"):
        return 0.0
    if match := _CYCLE.fullmatch(plain):
        return float((int(match[1]) - 1) * study.schedule.cycle_days + int(match[2]))
    if match := _REPEATED.fullmatch(plain):
        unit = _UNIT_DAYS[match[1]]
        return float(match[2]) if unit == 1 else round(int(match[2]) * unit) + 1.0
    return None


def number_visits(visits: pd.DataFrame, study: Study) -> pd.DataFrame:
    """VISIT, VISITNUM and VISITDY for encounters (columns USUBJID, VISIT, SVSTDTC, _RECORD_NO, _ID).

    A planned visit is numbered by its planned day. One that is not planned takes the number of the last planned
    visit before it plus hundredths, and the name `UNSCHEDULED n`. Where no encounter of the study has a planned
    name (hospital data), a subject's encounters are numbered 1, 2, 3 in time order.
    """
    visits = visits.sort_values(["USUBJID", "SVSTDTC", "_ID"], kind="stable").reset_index(drop=True)
    planned = visits["VISIT"].map({name: planned_day(name, study) for name in visits["VISIT"].unique()}).astype(float)
    order = visits.groupby("USUBJID").cumcount() + 1
    if planned.notna().sum() == 0:
        visits["VISITNUM"] = order.astype(float)
        visits["VISIT"] = "ENCOUNTER " + order.astype(str)
        visits["VISITDY"] = np.nan
        return visits
    before = planned.groupby(visits["USUBJID"]).ffill().fillna(0.0)
    extra = planned.isna().groupby([visits["USUBJID"], before]).cumsum()
    # Hundredths, or finer parts where a subject has a hundred visits or more after a planned one.
    digits = max(2, len(str(int(extra.max()))))
    visits["VISITNUM"] = planned.where(planned.notna(), (before + extra / 10**digits).round(digits))
    unplanned = "UNSCHEDULED " + visits["VISITNUM"].map(lambda n: f"{n:g}")
    visits["VISIT"] = visits["VISIT"].str.upper().where(planned.notna(), unplanned)
    visits["VISITDY"] = planned
    return visits


def baseline_flag(frame: pd.DataFrame, by: list[str], dtc: str, result: str, until: pd.Series) -> pd.Series:
    """`Y` on the last record with a result on or before the day of `until` within each group of `by`, else blank.

    A record of that day counts only if it was not made after the reference's time of day where both have one.
    """
    day, limit = days_of(frame[dtc]), days_of(until)
    timed = (frame[dtc].str.len() > 10) & (until.str.len() > 10)
    # Seconds are compared only where both have them: 10:00:00 is not after 10:00.
    seconds = (frame[dtc].str.len() > 16) & (until.str.len() > 16)
    later = (frame[dtc] > until).where(seconds, frame[dtc].str.slice(0, 16) > until.str.slice(0, 16))
    same_day_later = (day == limit) & timed & later
    usable = (day <= limit) & ~same_day_later & (frame[result] != "")
    chosen = frame[usable].sort_values([*by, dtc, "_ORDER"], kind="stable").groupby(by, sort=False).tail(1).index
    return pd.Series(np.where(frame.index.isin(chosen), "Y", ""), index=frame.index, dtype=object)
