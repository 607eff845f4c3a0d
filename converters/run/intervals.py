"""A package of an extract that has days and no dates: intervals and study days stay, and no date leaves the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd
from fhir2cdisc.adam.build import Adam
from fhir2cdisc.converters.run.pipeline import SdtmRun
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.sdtm.cells.dates import FIRST_YEAR
from fhir2cdisc.sdtm.cells.days import in_days, is_day


def without_dates(
    run: SdtmRun, adam: Adam | None, conflicts: pd.DataFrame, cutoff: str
) -> tuple[Adam | None, pd.DataFrame]:
    """The same without dates, in place in `run`: dates are blank, texts and findings say `day 240` from day 0.

    Study days (--DY, ADY) and intervals (AVAL, durations) are those that the days give.
    """
    run.sdtm.frames |= _blanked(run.sdtm.frames)
    said = (
        f"the extract counts days from {run.prepared.days_from} and has no dates: SDTM has study days, ADaM has "
        "intervals, and no date is in them; an interval given in months is right to half a day"
    )
    told = Finding("interval.no-dates", said, "info")
    findings = [told]
    if cutoff:
        said = f"the data cut-off {cutoff} is a date, and the extract has days: nothing is cut off"
        findings.append(Finding("interval.cutoff", said, value=cutoff))
    run.accounts.findings = [*findings, *map(_in_days, run.accounts.findings)]
    run.sdtm.findings = list(map(_in_days, run.sdtm.findings))
    if adam is None:
        return None, _texts(conflicts)
    return (
        replace(
            adam,
            frames={**adam.frames, **_blanked(adam.frames)},
            tripwires=_texts(adam.tripwires),
            findings=_texts(adam.findings),
            evidence=_texts(adam.evidence),
        ),
        _texts(conflicts),
    )


def _blanked(frames: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    made = {name: _no_dates(frame) for name, frame in frames.items()}
    if "TS" in made:
        # A parameter whose value is a date is unknown.
        dated = (frames["TS"]["TSVAL"] != "") & (made["TS"]["TSVAL"] == "")
        made["TS"].loc[dated, "TSVALNF"] = "UNK"
    return made


def _no_dates(frame: pd.DataFrame) -> pd.DataFrame:
    """A dataset whose dates are blank, as texts and as points of time."""
    changed: dict[str, pd.Series] = {}
    for name, column in frame.items():
        if column.dtype == object:
            blank = str(name).endswith("DTC") or name == "TSVAL"
            changed[str(name)] = column.map(lambda text, blank=blank: _no_date(text, blank))
        elif pd.api.types.is_datetime64_any_dtype(column):
            changed[str(name)] = column.where(column.dt.year >= FIRST_YEAR)
    return frame.assign(**changed)


def _no_date(value: Any, blank: bool) -> Any:
    """A cell without a date: blank where it is one (and the column one of dates), in days where its text has one."""
    if not isinstance(value, str):
        return value
    return "" if blank and is_day(value) else in_days(value)


def _texts(frame: pd.DataFrame) -> pd.DataFrame:
    """A table of findings or evidence whose dates are days from day 0; points of time are blank."""
    texts = [name for name in frame if frame[name].dtype == object]
    said = {name: [in_days(v) if isinstance(v, str) else v for v in frame[name]] for name in texts}
    return _no_dates(frame.assign(**said))


def _in_days(finding: Finding) -> Finding:
    return replace(finding, message=in_days(finding.message), value=in_days(finding.value))
