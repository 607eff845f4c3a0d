"""What a date means in the study: study day, epoch, visit, and which record is the baseline.

SDTMIG 3.4: sections 4.4.4 (study day), 4.1.3.1 (EPOCH), 4.4.5 (visits), 4.5.9 (baseline) and 5.2 (reference dates
in DM). Only a date that is complete to the day is compared; a partial one gets no day and no epoch.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.sdtm.columns import ORDER, RESOURCE_ID

_CYCLE = re.compile(r"(?:CYCLE|C)\s*(\d+)\s*(?:DAY|D)\s*(\d+)")
# VISITNUM from which visits have a place in the plan but no planned day: the end of treatment and what follows.
AFTER_ALL = 9000.0
_AFTER = re.compile(r"END OF TREATMENT|FOLLOW-?UP\s*(\d+)")
_UNIT_DAYS = {"DAY": 1, "WEEK": 7, "MONTH": 30.4375}
_REPEATED = re.compile(r"(DAY|WEEK|MONTH)\s*(\d+)")


def days_of(dtc: pd.Series) -> pd.Series:
    """The calendar day of each --DTC as datetime64, NaT where it is not complete to the day."""
    codes, distinct = pd.factorize(dtc, use_na_sentinel=False)
    text = pd.Series(distinct, dtype="string")
    days = pd.to_datetime(text.str.slice(0, 10).where(text.str.len() >= 10), format="%Y-%m-%d", errors="coerce")
    return pd.Series(days.to_numpy()[codes], index=dtc.index, name=dtc.name)


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


def planned_visit(name: str, study: Study) -> tuple[float, float] | None:
    """(VISITNUM, planned day) of a visit by its name, None for a visit that the study does not plan.

    VISITNUM is the planned day; tenths tell visits of different kinds apart that fall on one day. Screening is -1.
    The end of treatment and the follow-up after it have no planned day and stand after all others.
    """
    plain = " ".join(name.upper().split())
    for visit in study.schedule.visits:
        if plain == visit.name.upper():
            return float(visit.day), float(visit.day)
    if plain in ("SCREENING", "BASELINE"):
        return -1.0, -1.0
    if match := _CYCLE.fullmatch(plain):
        day = float((int(match[1]) - 1) * study.schedule.cycle_days + int(match[2]))
        return day, day
    if match := _REPEATED.fullmatch(plain):
        unit, count = match[1], int(match[2])
        day = float(count) if unit == "DAY" else round(count * _UNIT_DAYS[unit]) + 1.0
        return day + {"DAY": 0.3, "WEEK": 0.1, "MONTH": 0.2}[unit], day
    if match := _AFTER.fullmatch(plain):
        return AFTER_ALL + int(match[1] or 0), np.nan
    return None


def number_visits(visits: pd.DataFrame, study: Study) -> pd.DataFrame:
    """VISIT, VISITNUM and VISITDY for encounters (columns USUBJID, VISIT, SVSTDTC, _RECORD_NO, _ID).

    A planned visit is numbered by its planned day (see `planned_visit`). One that is not planned takes the number
    of the last planned visit before it plus thousandths, and the name `UNSCHEDULED n`. Where no encounter of the
    study has a planned name (hospital data), a subject's encounters are numbered 1, 2, 3 in time order.
    """
    visits = visits.sort_values(["USUBJID", "SVSTDTC", RESOURCE_ID], kind="stable").reset_index(drop=True)
    table = {name: planned_visit(name, study) or (np.nan, np.nan) for name in visits["VISIT"].unique()}
    number = visits["VISIT"].map(lambda name: table[name][0]).astype(float)
    order = visits.groupby("USUBJID").cumcount() + 1
    if number.notna().sum() == 0:
        visits["VISITNUM"] = order.astype(float)
        visits["VISIT"] = "ENCOUNTER " + order.astype(str)
        visits["VISITDY"] = np.nan
        return visits
    before = number.groupby(visits["USUBJID"]).ffill().fillna(0.0)
    extra = number.isna().groupby([visits["USUBJID"], before]).cumsum()
    # Thousandths, or finer parts where so many visits follow a planned one that they would reach its tenths.
    digits = max(3, 1 + len(str(int(extra.max()))))
    visits["VISITDY"] = visits["VISIT"].map(lambda name: table[name][1]).astype(float)
    visits["VISITNUM"] = number.where(number.notna(), (before + extra / 10**digits).round(digits))
    unplanned = "UNSCHEDULED " + visits["VISITNUM"].map(lambda n: f"{n:.{digits}f}")
    visits["VISIT"] = visits["VISIT"].str.upper().where(number.notna(), unplanned)
    return visits


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
