"""Signs that numbers of a study cannot be right, looked for before any result is made.

Each stops nothing and is the first thing that a reader sees. Frames and options in, findings out: the signs are those
that statisticians meet when facts were misread (death without a date, treatment of one day, everybody censored).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd
from fhir2cdisc.adam.frames.columns import number, text
from fhir2cdisc.adam.frames.dates import full_dates, impute_dates
from fhir2cdisc.adam.frames.findings import findings, gather_findings
from fhir2cdisc.adam.frames.sdtm import Frames, dataset, record_date

PREFIX = "tripwire."
NEW_THERAPY = 5
# Domains whose records are no contact with a subject: planned, related or about the whole life.
_NO_CONTACT = frozenset(("DM", "MH", "CO", "RELREC", "SE", "TA", "TE", "TI", "TS", "TV"))


@dataclass(frozen=True, slots=True)
class TripwireOptions:
    """When a sign is given.

    assessed       least share of treated subjects with a counted assessment, where assessments exist.
    new_therapy    largest share of subjects censored for new therapy within `cycle_days` days.
    overall        PARAMCD of the overall responses in ADRS; `progression`, `survival` those of the times in ADTTE.
    """

    assessed: float = 0.5
    new_therapy: float = 0.3
    cycle_days: int = 21
    overall: str = "OVR"
    progression: str = "PFS"
    survival: str = "OS"


def tripwires(adam: Frames, sdtm: Frames, options: TripwireOptions | None = None) -> pd.DataFrame:
    """Findings (severity ERROR, rules `tripwire.*`), one a subject where single subjects are meant.

    `adam` are ADSL, ADTTE and, where it was made, ADRS; `sdtm` the data that they were made of.
    """
    options = options or TripwireOptions()
    return gather_findings(
        [
            _no_start(adam),
            _few_assessed(adam, sdtm, options),
            _death_without_date(adam),
            _new_therapy(adam, options),
            _one_day_of_treatment(adam, sdtm),
            _one_day_of_survival(adam, sdtm, options),
        ]
    )


class TwoWays(NamedTuple):
    """A time to an event derived twice: medians (NaN: not reached), and AVAL and CNSR of each subject.

    `other` is the derivation in which, of records that differ and of which nothing says which is newer, the other
    ones count.
    """

    paramcd: str
    median: float
    other_median: float
    times: Mapping[str, tuple[float, float]]
    other_times: Mapping[str, tuple[float, float]]


def moved_medians(every: Iterable[TwoWays], month: float) -> pd.DataFrame:
    """Findings of each subject whose time hangs on such a record, where the median moves by more than a third.

    A third of the smaller of both, whichever counts; a median that appears or disappears has moved too. `month` is
    the days of a month, in which medians are shown.
    """
    found = []
    for one in every:
        if not _moved(one.median, one.other_median):
            continue
        was, then = (_months(median, month) for median in (one.median, one.other_median))
        said = {}
        for subject in one.times.keys() | one.other_times.keys():
            here, there = one.times.get(subject), one.other_times.get(subject)
            if here != there:
                said[subject] = (
                    f"The median of {one.paramcd} is {was} with the records that count and {then} with those that "
                    "they contradict, and nothing in the data says which are newer; of this subject: "
                    f"{_time(here)}, or {_time(there)}."
                )
        found.append(_of_subjects("ADTTE", "unsettled records", "AVAL", said))
    return gather_findings(found)


def _moved(a: float, b: float) -> bool:
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) != math.isnan(b)
    return abs(a - b) > min(a, b) / 3


def _months(median: float, month: float) -> str:
    return "not reached" if math.isnan(median) else f"{median / month:.1f} months"


def _time(one: tuple[float, float] | None) -> str:
    if one is None or math.isnan(one[0]):
        return "no time"
    return f"{one[0]:g} days {'to the event' if one[1] == 0 else 'to censoring'}"


def _of_study(dataset_: str, rule: str, variable: str, message: str, value: str = "") -> pd.DataFrame:
    return findings(dataset_, PREFIX + rule, "ERROR", [("", "", variable, value, message)] if message else [])


def _of_subjects(dataset_: str, rule: str, variable: str, said: Mapping[str, str]) -> pd.DataFrame:
    rows = ((subject, "", variable, "", message) for subject, message in sorted(said.items()))
    return findings(dataset_, PREFIX + rule, "ERROR", rows)


def _no_start(adam: Frames) -> pd.DataFrame:
    adsl, started = dataset(adam, "ADSL"), len(dataset(adam, "ADTTE"))
    message = (
        f"None of {len(adsl)} subjects has a date at which a time to an event starts; no such result can be given."
    )
    return _of_study("ADTTE", "no start", "STARTDT", message if len(adsl) and not started else "")


def _few_assessed(adam: Frames, sdtm: Frames, options: TripwireOptions) -> pd.DataFrame:
    adsl, adrs, rs, tr = dataset(adam, "ADSL"), dataset(adam, "ADRS"), dataset(sdtm, "RS"), dataset(sdtm, "TR")
    treated = set(adsl.loc[text(adsl, "SAFFL") == "Y", "USUBJID"])
    exist = set(rs.loc[text(rs, "RSTESTCD") == "OVRLRESP", "USUBJID"]) | set(tr["USUBJID"])
    called = (text(adrs, "PARAMCD") == options.overall) & ~text(adrs, "AVALC").isin(["", "MISSING"])
    counted = set(adrs.loc[called & (text(adrs, "ANL01FL") == "Y"), "USUBJID"]) & treated
    few = bool(exist) and len(counted) < options.assessed * len(treated)
    message = (
        f"Tumours of {len(exist)} subjects were assessed, but only {len(counted)} of {len(treated)} treated subjects "
        f"have an assessment that counts; rates of response and times to progression rest on those."
    )
    return _of_study("ADRS", "few assessed", "AVALC", message if few else "", str(len(counted)))


def _death_without_date(adam: Frames) -> pd.DataFrame:
    adsl = dataset(adam, "ADSL")
    lost = adsl.loc[(text(adsl, "DTHFL") == "Y") & full_dates(adsl, "DTHDT").isna(), "USUBJID"]
    message = "The subject died (DTHFL), but has no date of death (DTHDT): no time to death has it as an event."
    return _of_subjects("ADSL", "death without date", "DTHDT", dict.fromkeys(lost, message))


def _new_therapy(adam: Frames, options: TripwireOptions) -> pd.DataFrame:
    adtte = dataset(adam, "ADTTE")
    rows = adtte[text(adtte, "PARAMCD") == options.progression]
    early = (number(rows, "CNSR") == NEW_THERAPY) & (number(rows, "AVAL") <= options.cycle_days)
    message = (
        f"{int(early.sum())} of {len(rows)} subjects are censored in {options.progression} for new anticancer therapy "
        f"within {options.cycle_days} days, one cycle; study drugs or other care may be taken for new therapy."
    )
    many = len(rows) > 0 and early.sum() > options.new_therapy * len(rows)
    return _of_study("ADTTE", "new therapy", "CNSR", message if many else "", str(int(early.sum())))


def _one_day_of_treatment(adam: Frames, sdtm: Frames) -> pd.DataFrame:
    adsl = dataset(adam, "ADSL")
    start, end = full_dates(adsl, "TRTSDT"), full_dates(adsl, "TRTEDT")
    short = adsl[(text(adsl, "SAFFL") == "Y") & start.notna() & (start == end)]
    last = _latest({name: dataset(sdtm, name) for name in ("EX", "EC")}, ("STDTC", "ENDTC"))
    said = {}
    for subject, day in zip(short["USUBJID"], full_dates(short, "TRTEDT"), strict=True):
        if subject in last and last[subject] > day:
            said[subject] = (
                f"Treatment lasts one day ({day:%Y-%m-%d}), but a dose is recorded on {last[subject]:%Y-%m-%d}; "
                "events and assessments after that day may be left out."
            )
    return _of_subjects("ADSL", "one day of treatment", "TRTEDT", said)


def _one_day_of_survival(adam: Frames, sdtm: Frames, options: TripwireOptions) -> pd.DataFrame:
    adtte = dataset(adam, "ADTTE")
    rows = adtte[(text(adtte, "PARAMCD") == options.survival) & (number(adtte, "AVAL") == 1)]
    last = _latest({name: frame for name, frame in sdtm.items() if name not in _NO_CONTACT}, ("DTC", "STDTC"))
    said = {}
    for subject, day, cnsr in zip(rows["USUBJID"], full_dates(rows, "ADT"), number(rows, "CNSR"), strict=True):
        if subject in last and last[subject] > day:
            ended = "died" if cnsr == 0 else "is censored"
            said[subject] = (
                f"The subject {ended} on the first day of {options.survival} ({day:%Y-%m-%d}), but has records up to "
                f"{last[subject]:%Y-%m-%d}."
            )
    return _of_subjects("ADTTE", "one day of survival", "AVAL", said)


def _latest(frames: Frames, suffixes: tuple[str, ...]) -> dict[str, pd.Timestamp]:
    """The last day that records of each subject name; a partial date as its first possible day."""
    parts = []
    for name, frame in frames.items():
        for column in dict.fromkeys([*(f"{name}{suffix}" for suffix in suffixes), record_date(frame, name)]):
            if column in frame and "USUBJID" in frame:
                day = impute_dates(text(frame, column), "first")[0]
                parts.append(day.groupby(frame["USUBJID"]).max())
    if not parts:
        return {}
    whole = pd.concat(parts).dropna()
    return {str(subject): day for subject, day in whole.groupby(level=0).max().items()}
