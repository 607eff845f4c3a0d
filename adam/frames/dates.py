"""Dates of frames: the one reading of date columns, partial dates with their imputation, study days.

A date is a day number from 1970-01-01 in arrays (`NO_DAY`: missing) and datetime64[ns] at midnight in series.
Imputation of partial dates: ADaMIG 1.3, section 3.1.3.
"""

from __future__ import annotations

import datetime
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from fhir2cdisc.adam.frames.arrays import Ints, Texts
from fhir2cdisc.adam.frames.columns import text
from fhir2cdisc.mappings.standard.iso8601 import possible_days
from fhir2cdisc.mappings.study_base import FIRST_DAY, LAST_DAY

Highest = Literal["", "D", "M"]
# The smallest integer is numpy's own mark for a missing date.
NO_DAY = int(np.iinfo(np.int64).min)
FOREVER = 10**9
_EPOCH = datetime.date(1970, 1, 1).toordinal()
_SAS_EPOCH = datetime.date(1960, 1, 1).toordinal() - _EPOCH
# A day outside is no date of a patient, nor one that a dataset can hold.
_FIRST, _LAST = FIRST_DAY.toordinal() - _EPOCH, LAST_DAY.toordinal() - _EPOCH


class _Possible(NamedTuple):
    first: int
    last: int
    missing: str


_NOTHING = _Possible(NO_DAY, NO_DAY, "")


@lru_cache(maxsize=1 << 16)
def _possible(value: str) -> _Possible:
    """The first and last day number that a text allows, and the part that it lacks."""
    found = possible_days(value)
    if found is None:
        return _NOTHING
    first, last = found.first.toordinal() - _EPOCH, found.last.toordinal() - _EPOCH
    return _Possible(first, last, found.missing) if first >= _FIRST and last <= _LAST else _NOTHING


def out_of_range(values: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Which texts are dates before the first, and after the last day that a dataset can hold."""
    place, distinct = pd.factorize(values, use_na_sentinel=False)
    found = [possible_days(value) if isinstance(value, str) else None for value in distinct]
    early = np.array([one is not None and one.first < FIRST_DAY for one in found], dtype=bool)
    late = np.array([one is not None and one.last > LAST_DAY for one in found], dtype=bool)
    return pd.Series(early[place], index=values.index), pd.Series(late[place], index=values.index)


def days(values: pd.Series) -> Ints:
    """Dates as day numbers, `NO_DAY` where missing: datetime64, `date`, complete ISO 8601 text or SAS day numbers."""
    if pd.api.types.is_datetime64_any_dtype(values):
        return np.asarray(values.to_numpy().astype("datetime64[D]").astype(np.int64))
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        known = np.abs(numbers) < 100_000
        return np.where(known, np.where(known, numbers, 0).astype(np.int64) + _SAS_EPOCH, NO_DAY)
    codes, uniques = pd.factorize(values)
    table = np.array([*(_day(value) for value in uniques), NO_DAY], dtype=np.int64)
    return np.asarray(table[codes])


def _day(value: Any) -> int:
    if isinstance(value, str):
        found = _possible(value)
        return NO_DAY if found.missing else found.first
    return int(pd.Timestamp(value).to_datetime64().astype("datetime64[D]").astype(np.int64))


def column_days(frame: pd.DataFrame, name: str) -> Ints:
    """A date column as day numbers; all missing where the frame has no such column."""
    if name not in frame.columns:
        return np.full(len(frame), NO_DAY, dtype=np.int64)
    return days(frame[name])


def date(frame: pd.DataFrame, name: str) -> pd.Series:
    """A date column as datetime64[ns] at midnight; absent, missing and incomplete as NaT."""
    return pd.Series(dates(column_days(frame, name)), index=frame.index, name=name)


def dates(numbers: Ints) -> npt.NDArray[np.datetime64]:
    """Day numbers as datetime64[ns], NaT where missing."""
    return numbers.astype("datetime64[D]").astype("datetime64[ns]")


def iso(numbers: Ints) -> Texts:
    """Day numbers as ISO 8601 text, `""` where missing."""
    words = np.datetime_as_string(numbers.astype("datetime64[D]")).astype(object)
    words[numbers == NO_DAY] = ""
    return np.asarray(words, dtype=object)


def study_day(when: pd.Series, start: pd.Series) -> pd.Series:
    """Days from `start`, which is day 1; the day before is day -1; there is no day 0 (ADaMIG 1.3, 3.1.2)."""
    difference = (when - start).dt.days.astype(float)
    return difference.where(difference < 0, difference + 1)


def partial_days(values: Texts, imputation: str = "last") -> tuple[Ints, Texts]:
    """ISO 8601 text, perhaps without its day, as day numbers and imputation flags (ADTF).

    A missing day becomes the first or the last day of the month (`imputation`) with flag `D`. Without month, or where
    the text is no date, the number is `NO_DAY`.
    """
    first, last, missing, place = _read(values)
    known = np.where(missing == "M", NO_DAY, first if imputation == "first" else last)
    flags = np.where((missing == "D") & (first != NO_DAY), "D", "").astype(object)
    return known[place], flags[place]


def _read(values: Any) -> tuple[Ints, Ints, Texts, Ints]:
    """First and last possible day and missing part of each distinct text, and the place of each value in them."""
    place, distinct = pd.factorize(values, use_na_sentinel=False)
    found = [_possible(value) if isinstance(value, str) else _NOTHING for value in distinct]
    first, last = (np.array([one[k] for one in found], dtype=np.int64) for k in (0, 1))
    return first, last, np.array([one.missing for one in found], dtype=object), np.asarray(place, dtype=np.int64)


def impute_dates(
    dtc: pd.Series,
    to: Literal["first", "last"],
    highest: Highest = "M",
    not_before: list[pd.Series] | None = None,
    not_after: list[pd.Series] | None = None,
) -> tuple[pd.Series, pd.Series]:
    """Dates of `dtc` and their flags: `D` day imputed, `M` month and day, `""` as collected.

    `to` chooses the first or last day that the partial date allows. `highest` is the coarsest part that may
    be imputed: `M` (a year alone is enough), `D` (year and month needed), `""` (complete dates only). An
    imputed date moves up to the latest of `not_before`, or down to the earliest of `not_after`, where such
    a date lies within the days that the partial date allows. A text without a year, or no possible date,
    gives NaT: nothing is invented.
    """
    first, last, missing, place = _read(dtc)
    earliest, latest = (pd.Series(dates(numbers[place]), index=dtc.index) for numbers in (first, last))
    level = missing[place]
    out = earliest if to == "first" else latest
    partial = pd.Series(level != "", index=dtc.index)
    for bound in not_before or []:
        inside = partial & (bound >= earliest) & (bound <= latest) & (bound > out)
        out = out.where(~inside, bound)
    for bound in not_after or []:
        inside = partial & (bound >= earliest) & (bound <= latest) & (bound < out)
        out = out.where(~inside, bound)
    allowed = np.isin(level, {"": [""], "D": ["", "D"], "M": ["", "D", "M"]}[highest])
    out = out.where(pd.Series(allowed, index=dtc.index)).astype("datetime64[ns]")
    return out, pd.Series(np.where(out.notna(), level, ""), index=dtc.index, dtype=object)


def full_dates(frame: pd.DataFrame, column: str) -> pd.Series:
    """A --DTC as dates, only where it is complete to the day."""
    return impute_dates(text(frame, column), "first", "")[0]
