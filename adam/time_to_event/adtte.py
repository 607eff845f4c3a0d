"""Time to event: what is an event, what censors, and the general derivation from sources to ADTTE.

Events and censorings are values; a parameter is a value made of them; a sensitivity analysis is
`dataclasses.replace`. Of several events the earliest counts (same day: the first listed), without event the
latest censor date (same day: the last listed), as in admiral's `derive_param_tte`. Source: ADaMIG 1.3,
section 3.3.6, and ADaM BDS for Time-to-Event Analyses 1.0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.dates import NO_DAY, dates, iso
from fhir2cdisc.adam.frames.findings import findings, stack_findings
from fhir2cdisc.adam.frames.variables import (
    BDS,
    CATEGORIES,
    DATE,
    IDENTIFIERS,
    PARAMETER,
    derived,
    names_of,
    numbered,
    with_methods,
)
from fhir2cdisc.adam.time_to_event.outcome import (
    UNDATED_CNSR,
    UNDATED_DEATH,
    Outcome,
    clamp,
    first_event,
    last_censor,
    set_start,
)
from fhir2cdisc.adam.time_to_event.scans import ScanRules, apply_scan_rules
from fhir2cdisc.adam.time_to_event.sources import Censor, Event, Reason, Source, Subjects, read_subjects
from fhir2cdisc.mappings.standard.datasets import Dataset

__all__ = ["Censor", "Event", "Parameter", "Reason", "ScanRules", "Source", "check_adtte", "derive_adtte"]

VARIABLES = (
    *IDENTIFIERS,
    *PARAMETER,
    *CATEGORIES,
    derived("STARTDT", "Time-to-Event Origin Date for Subject", "", "Num", DATE, "Perm"),
    derived("ADT", "Analysis Date", "The date of the event or censoring (see CNSR).", "Num", DATE, "Perm"),
    derived(
        "AVAL",
        "Analysis Value",
        "ADT - STARTDT + 1, in days; missing where ADT is before STARTDT.",
        "Num",
        core="Req",
    ),
    derived("CNSR", "Censor", "", "Num", core="Req"),
    derived(
        "EVNTDESC", "Event or Censoring Description", "The event or reason that the method of CNSR names.", core="Perm"
    ),
    derived(
        "CNSDTDSC",
        "Censor Date Description",
        "The date at which the method of CNSR censors, by the name that it has there; blank for an event.",
        core="Perm",
    ),
    derived("WHY", "Reason in Words", "EVNTDESC, ADT, and STARTDT or CNSDTDSC as one sentence.", core="Perm"),
    derived(
        "RSPSRC",
        "Source of Responses",
        "ADRS.RSPSRC of the subject by the criteria of PARCAT3; PARCAT2 where ADRS has none, blank without PARCAT3.",
        core="Perm",
    ),
    *numbered("ASEQ (AESEQ in ADAE) of the record of SRCDOM that ADT is taken from; missing for ADSL.", "PARAMCD"),
)
COLUMNS = names_of(VARIABLES)
_DEATHS = ("DTHDT", "DTHEDT", "DTHLDT")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A time-to-event parameter.

    start    an ADSL date, or a source whose first date per subject starts the clock (duration of response).
    events   the first of them ends the time (CNSR 0).
    censors  used where there is no event and no `scans`.
    scans    the rules of progression endpoints (baseline, missed assessments, new therapy); they replace
             `censors`.
    only     restricts the parameter to subjects with a record in this source (responders).
    cutoff   an ADSL date after which nothing counts; an event after it censors at the cut-off (CNSR 8).
    assessor who called the responses, and `criteria` by which ones (PARCAT2, PARCAT3); blank where none are needed.
    """

    paramcd: str
    param: str
    start: str | Source
    events: tuple[Event, ...]
    censors: tuple[Censor, ...] = ()
    scans: ScanRules | None = None
    only: Source | None = None
    cutoff: str = ""
    assessor: str = ""
    criteria: str = ""

    def __post_init__(self) -> None:
        if not self.events:
            raise ValueError(f"{self.paramcd}: a time-to-event parameter needs at least one event")
        if not self.censors and self.scans is None:
            raise ValueError(f"{self.paramcd}: neither censors nor scans are given")

    @property
    def starting(self) -> Source:
        """The source of the start date."""
        if isinstance(self.start, Source):
            return self.start
        return Source(_start_name(self.start), "ADSL", self.start)

    @property
    def deaths(self) -> tuple[Event, ...]:
        """The events that are deaths: dates of death in ADSL, the parameter DEATH of ADRS."""
        return tuple(
            one
            for one in self.events
            if (one.dataset == "ADSL" and one.date in _DEATHS) or (one.dataset == "ADRS" and "'DEATH'" in one.where)
        )

    @property
    def begins(self) -> str:
        """Start and restriction in words, for define.xml."""
        only = "" if self.only is None else f" Only subjects with {self.only.in_words()}."
        return f"Starts: {self.starting.in_words()}.{only}"

    @property
    def method(self) -> str:
        """The derivation in words, for define.xml."""
        found = {True: ", found by a scan", False: ""}
        events = "; ".join(f"{one.in_words()}{found[one.at_scan and self.scans is not None]}" for one in self.events)
        parts = [self.begins, f"Events (the first counts, of one day the first named): {events}."]
        if self.scans is not None:
            parts.append(self.scans.in_words())
        else:
            censors = "; ".join(one.in_words() for one in self.censors)
            parts.append(f"Else censored (the latest counts, of one day the last named): {censors}.")
            if self.deaths:
                parts.append(f"Who died (ADSL.DTHFL) without such a date: CNSR {UNDATED_CNSR} '{UNDATED_DEATH}' there.")
        if self.cutoff:
            parts.append(f"Nothing after ADSL.{self.cutoff} counts; who goes on there is censored there (CNSR 8).")
        return " ".join(parts)


def _start_name(variable: str) -> str:
    return {"TRTSDT": "Treatment Start", "RANDDT": "Randomization"}.get(variable, f"ADSL.{variable}")


def adtte_dataset(parameters: Sequence[Parameter]) -> Dataset:
    """ADTTE with the method of every parameter in words."""
    methods = {
        "STARTDT": " ".join(f"{one.paramcd}: {one.begins}" for one in parameters),
        "CNSR": " ".join(f"{one.paramcd}: {one.method}" for one in parameters),
    }
    variables = with_methods(VARIABLES, methods)
    keys = ("STUDYID", "USUBJID", "PARAMCD")
    return Dataset("ADTTE", "Time-to-Event Analysis", BDS, "One record per subject per parameter", variables, keys)


def derive_adtte(
    adsl: pd.DataFrame,
    sources: Mapping[str, pd.DataFrame],
    parameters: Sequence[Parameter],
    *,
    clamp_to_start: bool = False,
    keep: Sequence[str] = (),
) -> pd.DataFrame:
    """One row per subject and parameter: start, date, days (ADT - STARTDT + 1), CNSR, and the reason in
    words.

    `adsl` has one row per subject (STUDYID, USUBJID, dates); `sources` are ADaM frames by name (`ADRS`); ADSL
    need not be among them. Subjects without start date, or outside the parameter's restriction, have no row.
    A date before the start keeps its place with AVAL missing and is reported by `check_adtte`;
    `clamp_to_start=True` moves it to the start, as admiral does. `keep` names ADSL columns to carry along.
    """
    subjects = read_subjects(adsl, sources)
    parts = [_rows(p, outcome_of(p, subjects, clamp_to_start), subjects) for p in parameters]
    if not parts:
        return pd.DataFrame(columns=list(COLUMNS))
    rows = pd.concat(parts, ignore_index=True)
    rows = rows.sort_values(["USUBJID", "PARAMCD"], kind="stable").reset_index(drop=True)
    rows["ASEQ"] = rows.groupby("USUBJID", sort=False).cumcount().to_numpy() + 1.0
    carried = [name for name in keep if name in adsl.columns and name not in COLUMNS]
    if carried:
        rows = rows.merge(adsl[["USUBJID", *carried]], on="USUBJID", how="left")
    return rows[[*COLUMNS, *carried]]


def outcome_of(parameter: Parameter, subjects: Subjects, clamp_to_start: bool) -> Outcome:
    """Start, event or censoring of one parameter, one entry per subject."""
    outcome = set_start(parameter.starting, subjects)
    if parameter.only is not None:
        outcome.start.day[~subjects.present(parameter.only)] = NO_DAY
    cutoff = subjects.adsl_days(parameter.cutoff)
    first_event(outcome, parameter.events, subjects, cutoff)
    if parameter.scans is not None:
        apply_scan_rules(outcome, parameter.scans, parameter.events, subjects, cutoff)
    else:
        last_censor(outcome, parameter.censors, subjects, cutoff, parameter.deaths)
    if clamp_to_start:
        clamp(outcome)
    return outcome


def _rows(parameter: Parameter, outcome: Outcome, subjects: Subjects) -> pd.DataFrame:
    keep = np.flatnonzero((outcome.start.day != NO_DAY) & (outcome.day != NO_DAY))
    start, day, cnsr = outcome.start.day[keep], outcome.day[keep], outcome.cnsr[keep]
    event, place = outcome.event[keep], outcome.place[keep]
    before = day < start
    frame = pd.DataFrame(
        {
            "STUDYID": subjects.study[keep],
            "USUBJID": subjects.ids[keep],
            "PARAMCD": parameter.paramcd,
            "PARAM": parameter.param,
            "PARCAT1": "Time to Event",
            "PARCAT2": parameter.assessor,
            "PARCAT3": parameter.criteria,
            "STARTDT": dates(start),
            "ADT": dates(day),
            "AVAL": np.where(before, np.nan, (day - start + 1).astype(float)),
            "CNSR": cnsr.astype(float),
            "EVNTDESC": event,
            "CNSDTDSC": np.where(cnsr == 0, "", place).astype(object),
            "RSPSRC": parameter.assessor,
            "SRCDOM": outcome.domain[keep],
            "SRCVAR": outcome.variable[keep],
            "SRCSEQ": outcome.sequence[keep],
        }
    )
    when = iso(day)
    counted = event + " on " + when + " is the first event since " + iso(start) + "."
    censored = "No event counted (" + event + "); censored at " + place + " on " + when + "."
    frame["WHY"] = np.where(cnsr == 0, counted, censored)
    early = event[before] + " on " + when[before] + " lies before the start on " + iso(start[before])
    frame.loc[before, "WHY"] = early + ": no time is given."
    return frame


def check_adtte(
    adsl: pd.DataFrame, sources: Mapping[str, pd.DataFrame], parameters: Sequence[Parameter]
) -> pd.DataFrame:
    """Findings on time-to-event dates: events or censorings before the start, subjects without start date."""
    subjects = read_subjects(adsl, sources)
    found = []
    for parameter in parameters:
        outcome = outcome_of(parameter, subjects, clamp_to_start=False)
        found.append(_early(parameter, outcome, subjects))
        if parameter.starting.dataset == "ADSL" and parameter.only is None:
            found.append(_unstarted(parameter, outcome, subjects))
    return stack_findings(found)


def _early(parameter: Parameter, outcome: Outcome, subjects: Subjects) -> pd.DataFrame:
    started = outcome.start.day != NO_DAY
    where = np.flatnonzero(started & (outcome.day != NO_DAY) & (outcome.day < outcome.start.day))
    when, start = iso(outcome.day[where]), iso(outcome.start.day[where])
    rows = (
        (
            subjects.ids[i],
            parameter.paramcd,
            outcome.variable[i],
            when[n],
            f"{outcome.event[i]} on {when[n]} lies before the start of {parameter.paramcd} on {start[n]}.",
        )
        for n, i in enumerate(where)
    )
    return findings("ADTTE", "date before start", "ERROR", rows)


def _unstarted(parameter: Parameter, outcome: Outcome, subjects: Subjects) -> pd.DataFrame:
    variable = parameter.starting.date
    rows = (
        (s, "", variable, "", f"The subject has no {variable} and so no time to event.")
        for s in subjects.ids[outcome.start.day == NO_DAY]
    )
    return findings("ADTTE", "no start date", "INFO", rows)
