"""Rules of time-to-event datasets (ADaMIG 1.3, 3.3.6; ADaM Basic Data Structure for Time-to-Event Analyses 1.0)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from fhir2cdisc.converters.check.columns import date, has, hit, number, text
from fhir2cdisc.converters.check.rule import Check, Hit, Loaded, Package, Rule
from fhir2cdisc.mappings.study_base import DAYS_PER_MONTH

# Days in a unit, as in most analysis plans.
_UNITS = {"DAY": 1.0, "WEEK": 7.0, "MONTH": DAYS_PER_MONTH, "YEAR": 12 * DAYS_PER_MONTH}


def _tte(package: Package) -> Iterator[Loaded]:
    for loaded in package.adam.values():
        if has(loaded, "PARAMCD", "CNSR"):
            yield loaded


def _without(*names: str) -> Check:
    def check(package: Package) -> Iterator[Hit]:
        for loaded in _tte(package):
            for name in names:
                if name not in loaded.frame.columns:
                    yield Hit(loaded.name, name, "a time-to-event dataset without this variable")

    return check


def _censor(package: Package) -> Iterator[Hit]:
    for loaded in _tte(package):
        censor, said = number(loaded.frame, "CNSR"), text(loaded.frame, "CNSR")
        # A dataset may hold parameters of another kind as well, which have no CNSR at all.
        timed = text(loaded.frame, "PARAMCD").isin(set(text(loaded.frame, "PARAMCD")[said != ""]))
        yield from hit(loaded, "CNSR", "CNSR is missing or no number", censor.isna() & (timed | (said != "")))


def _censor_codes(package: Package) -> Iterator[Hit]:
    for loaded in _tte(package):
        censor = number(loaded.frame, "CNSR")
        wrong = (censor < 0) | (censor.notna() & (censor % 1 != 0))
        yield from hit(loaded, "CNSR", "CNSR is not a whole number from 0 on", wrong)


def _censored_events(package: Package) -> Iterator[Hit]:
    for loaded in _tte(package):
        wrong = (number(loaded.frame, "CNSR") == 0) & (text(loaded.frame, "CNSDTDSC") != "")
        yield from hit(loaded, "CNSDTDSC", "a censoring date described for an event", wrong)


def _descriptions(package: Package) -> Iterator[Hit]:
    for loaded in _tte(package):
        censor = number(loaded.frame, "CNSR")
        if has(loaded, "EVNTDESC"):
            none = censor.notna() & (text(loaded.frame, "EVNTDESC") == "")
            yield from hit(loaded, "EVNTDESC", "an event or censoring without a description", none)
        if has(loaded, "CNSDTDSC"):
            none = (censor > 0) & (text(loaded.frame, "CNSDTDSC") == "")
            yield from hit(loaded, "CNSDTDSC", "a censoring date without a description", none)


def _agreement(package: Package) -> Iterator[Hit]:
    """One description never stands for an event here and a censoring there."""
    for loaded in _tte(package):
        if has(loaded, "EVNTDESC"):
            plain = pd.DataFrame({n: text(loaded.frame, n) for n in ("PARAMCD", "EVNTDESC")})
            plain["EVENT"] = number(loaded.frame, "CNSR") == 0
            kinds = plain.groupby(["PARAMCD", "EVNTDESC"])["EVENT"].transform("nunique")
            wrong = (kinds > 1) & (plain["EVNTDESC"] != "")
            yield from hit(loaded, "EVNTDESC", "a description both of an event and of a censoring", wrong)


def _dates(package: Package) -> Iterator[Hit]:
    for loaded in _tte(package):
        if has(loaded, "STARTDT", "ADT"):
            early = date(loaded.frame, "ADT") < date(loaded.frame, "STARTDT")
            yield from hit(loaded, "ADT", "the event or censoring is before the start", early)


def _days_in_unit(frame: pd.DataFrame) -> pd.Series:
    """Days in the unit that AVALU or the name of the parameter says; 1 where they say nothing."""
    said = (text(frame, "AVALU") + " " + text(frame, "PARAM")).str.upper()
    result = pd.Series(np.nan, index=frame.index)
    for word, days in _UNITS.items():
        named = said.str.contains(rf"^{word}S?\b|\({word}S?\)", regex=True)
        result = result.mask(result.isna() & named, days)
    return result.fillna(1.0)


def _tolerance(values: pd.Series, unit: pd.Series) -> pd.Series:
    """Days by which rounding may move a value: half of its last decimal, and how a month is counted."""
    decimals = min(max((_decimals(v) for v in values.dropna().unique()), default=0), 6)
    return 0.5 * 10.0**-decimals * unit.where(unit > 1, 0) + 0.1


def _decimals(value: float) -> int:
    return len(np.format_float_positional(value, trim="-").partition(".")[2])


def _values(package: Package) -> Iterator[Hit]:
    for loaded in _tte(package):
        if not has(loaded, "STARTDT", "ADT", "AVAL"):
            continue
        gap = (date(loaded.frame, "ADT") - date(loaded.frame, "STARTDT")).dt.days
        value, unit = number(loaded.frame, "AVAL"), _days_in_unit(loaded.frame)
        known = gap.notna() & value.notna()
        limit = _tolerance(value, unit)
        # Whether the first day counts is the plan's choice, one for the whole dataset.
        fits = [(value * unit - gap - first).abs() <= limit for first in (1, 0)]
        good = max(fits, key=lambda fit: int((fit & known).sum()))
        yield from hit(loaded, "AVAL", "AVAL is not the time from STARTDT to ADT", known & ~good)
        missing = gap.notna() & value.isna()
        yield from hit(loaded, "AVAL", "both dates are there and AVAL is missing", missing)


def _once(package: Package) -> Iterator[Hit]:
    for loaded in _tte(package):
        plain = pd.DataFrame({n: text(loaded.frame, n) for n in ("USUBJID", "PARAMCD")})
        twice = plain.duplicated(keep=False)
        yield from hit(loaded, "PARAMCD", "a subject with more than one record of a parameter", twice)


RULES = (
    Rule("TTE-001", "error", "ADaMIG 1.3, 3.3.6; own rule", "Time-to-event datasets have the time.", _without("AVAL")),
    Rule("TTE-002", "error", "ADaMIG 1.3, 3.3.6", "CNSR is given as a number.", _censor),
    Rule("TTE-003", "error", "ADaMIG 1.3, 3.3.6", "An event has no description of a censoring.", _censored_events),
    Rule("TTE-004", "error", "own rule", "A description is of events or of censorings.", _agreement),
    Rule("TTE-005", "error", "ADaMIG 1.3, 3.3.6; own rule", "Nothing happens before the start.", _dates),
    Rule("TTE-006", "error", "ADaMIG 1.3, 3.3.6; ADaM BDS-TTE 1.0", "AVAL is the time between the dates.", _values),
    Rule("TTE-007", "error", "ADaM BDS-TTE 1.0", "A subject has one record a parameter.", _once),
    Rule(
        "TTE-008",
        "warning",
        "ADaMIG 1.3, 3.3.6; own rule",
        "Time-to-event datasets have start, date and event.",
        _without("STARTDT", "ADT", "EVNTDESC"),
    ),
    Rule("TTE-009", "warning", "ADaMIG 1.3, 3.3.6", "CNSR is 0 for an event, else a positive integer.", _censor_codes),
    Rule(
        "TTE-010",
        "warning",
        "ADaMIG 1.3, 3.3.6; own rule",
        "Events, censorings and censoring dates are described.",
        _descriptions,
    ),
)
