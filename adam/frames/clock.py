"""Dates that nobody can know yet: after the last day of the data a date is wrong, so the day is unknown.

The record itself stays: a dose that was typed into the wrong year was given, a death happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
from fhir2cdisc.adam.frames.columns import number, text
from fhir2cdisc.adam.frames.dates import impute_dates, out_of_range
from fhir2cdisc.adam.frames.findings import findings, gather_findings
from fhir2cdisc.adam.frames.sdtm import Frames
from fhir2cdisc.mappings.last_day import LastDay
from fhir2cdisc.mappings.standard.datasets import record_key
from fhir2cdisc.mappings.study_base import FIRST_DAY

_ISO = "%Y-%m-%d"
LATE = "date in the future"


@dataclass(frozen=True, slots=True)
class Latest:
    """The last day that the data can know, what says so, and how many dates of how many subjects are after it."""

    day: str
    why: str
    dates: int
    subjects: int

    @classmethod
    def of(cls, last: LastDay, found: pd.DataFrame) -> Latest:
        """Of the findings of `without_later`."""
        after = found.loc[found["RULE"] == LATE, "USUBJID"]
        return cls(last.day, last.why, len(after), after.nunique())

    def in_words(self) -> str:
        """One sentence where something was cut, else blank."""
        if not self.dates:
            return ""
        return (
            f"{self.dates} dates of {self.subjects} subjects are after {self.day} ({self.why}) and count as unknown; "
            "[clock] latest names another day"
        )

    def finding(self) -> pd.DataFrame:
        """The same as a finding of the study."""
        said = self.in_words()
        return findings("SDTM", "last day of the data", "INFO", [("", "", "", self.day, said)] if said else [])


def without_later(frames: Frames, limit: pd.Timestamp, why: str) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """The frames with every date after `limit` blank, and an error for each; `why` says what that day is.

    A partial date counts as its first possible day. So is every date before 1678, which a dataset cannot hold and
    which stands for no date in some systems. Frames without a subject (trial design) are left as they are.
    """
    made: dict[str, pd.DataFrame] = {}
    found = []
    for name, frame in frames.items():
        made[name] = frame
        if "USUBJID" not in frame:
            continue
        for column in [str(column) for column in frame.columns if str(column).endswith("DTC")]:
            early, beyond = out_of_range(text(frame, column))
            late = beyond | (impute_dates(text(frame, column), "first")[0] > limit)
            wrong = late | early
            if wrong.any():
                found += [_late(frame[late], name, column, limit, why), _early(frame[early], name, column)]
                made[name] = made[name].assign(**{column: made[name][column].mask(wrong, "")})
    return made, gather_findings(found)


def _late(rows: pd.DataFrame, name: str, column: str, limit: pd.Timestamp, why: str) -> pd.DataFrame:
    return _said(rows, name, column, LATE, f", after {limit:{_ISO}} ({why})")


def _early(rows: pd.DataFrame, name: str, column: str) -> pd.DataFrame:
    return _said(rows, name, column, "date out of range", f", before the first day of a dataset, {FIRST_DAY}")


def _said(rows: pd.DataFrame, name: str, column: str, rule: str, what: str) -> pd.DataFrame:
    values: list[tuple[Any, ...]] = sorted(
        zip(text(rows, "USUBJID"), number(rows, record_key(name)).fillna(0), text(rows, column), strict=True)
    )
    rest = "the date counts as unknown, so it is neither an event nor a contact."
    # A date of birth identifies.
    shown = [("" if column == "BRTHDTC" else dtc) for *_, dtc in values]
    return findings(
        name,
        rule,
        "ERROR",
        (
            (who, f"{name} {seq:g}" if seq else name, column, dtc, f"{column} is {dtc or 'a day'}{what}: {rest}")
            for (who, seq, _), dtc in zip(values, shown, strict=True)
        ),
    )
