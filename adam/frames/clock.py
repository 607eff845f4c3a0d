"""Dates that nobody can know yet: after the last day of the data a date is wrong, so the day is unknown.

The record itself stays: a dose that was typed into the wrong year was given, a death happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
from fhir2cdisc.adam.frames.columns import number, text
from fhir2cdisc.adam.frames.dates import impute_dates
from fhir2cdisc.adam.frames.findings import findings, gather_findings
from fhir2cdisc.adam.frames.sdtm import Frames
from fhir2cdisc.mappings.standard.datasets import record_key

_ISO = "%Y-%m-%d"


@dataclass(frozen=True, slots=True)
class Latest:
    """The last day that the data can know, what says so, and how many dates of how many subjects are after it."""

    day: str
    why: str
    dates: int
    subjects: int

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

    A partial date counts as its first possible day. Frames without a subject (trial design) are left as they are.
    """
    made: dict[str, pd.DataFrame] = {}
    found = []
    for name, frame in frames.items():
        made[name] = frame
        if "USUBJID" not in frame:
            continue
        for column in [str(column) for column in frame.columns if str(column).endswith("DTC")]:
            late = impute_dates(text(frame, column), "first")[0] > limit
            if late.any():
                found.append(_said(frame[late], name, column, limit, why))
                made[name] = made[name].assign(**{column: made[name][column].mask(late, "")})
    return made, gather_findings(found)


def _said(rows: pd.DataFrame, name: str, column: str, limit: pd.Timestamp, why: str) -> pd.DataFrame:
    values: list[tuple[Any, ...]] = sorted(
        zip(text(rows, "USUBJID"), number(rows, record_key(name)).fillna(0), text(rows, column), strict=True)
    )
    return findings(
        name,
        "date in the future",
        "ERROR",
        (
            (
                who,
                f"{name} {seq:g}" if seq else name,
                column,
                dtc,
                f"{column} is {dtc}, after {limit:{_ISO}} ({why}): the date counts as unknown, so it is neither an "
                "event nor a contact.",
            )
            for who, seq, dtc in values
        ),
    )
