"""Small shared tools of the tumour modules: columns as arrays, dates as day numbers, findings as a frame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.object_]

FINDING_COLUMNS = ("DATASET", "USUBJID", "RECORD", "VARIABLE", "VALUE", "RULE", "SEVERITY", "MESSAGE")
# Day numbers count from 1970-01-01; the smallest integer is numpy's own mark for a missing date.
NO_DAY = int(np.iinfo(np.int64).min)
FOREVER = 10**9


def text(frame: pd.DataFrame, name: str) -> Texts:
    """A character column as an array of `str`, missing and absent as `""`, blanks around it removed."""
    if name not in frame.columns:
        return np.full(len(frame), "", dtype=object)
    codes, values = pd.factorize(frame[name])
    plain = [value.strip() if type(value) is str else _plain(value) for value in values]
    clean = np.array([*plain, ""], dtype=object)
    return np.asarray(clean[codes], dtype=object)


def _plain(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def number(frame: pd.DataFrame, name: str) -> npt.NDArray[np.float64]:
    """A numeric column as float64, NaN where it is missing, absent or not a number."""
    if name not in frame.columns:
        return np.full(len(frame), np.nan)
    values = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return np.asarray(values, dtype=np.float64)


def days(values: pd.Series) -> Ints:
    """Dates (datetime64, `date` or ISO 8601 text) as day numbers, `NO_DAY` where missing."""
    if not pd.api.types.is_datetime64_any_dtype(values):
        codes, uniques = pd.factorize(values)
        table = np.array([*(_day(value) for value in uniques), NO_DAY], dtype=np.int64)
        return np.asarray(table[codes])
    return np.asarray(values.to_numpy().astype("datetime64[D]").astype(np.int64))


def _day(value: Any) -> int:
    if isinstance(value, str):
        return _partial_day(value, "none")[0]
    return int(pd.Timestamp(value).to_datetime64().astype("datetime64[D]").astype(np.int64))


def column_days(frame: pd.DataFrame, name: str) -> Ints:
    """A date column as day numbers; all missing where the frame has no such column."""
    if name not in frame.columns:
        return np.full(len(frame), NO_DAY, dtype=np.int64)
    return days(frame[name])


def dates(numbers: Ints) -> npt.NDArray[np.datetime64]:
    """Day numbers as datetime64[ns], NaT where missing."""
    return numbers.astype("datetime64[D]").astype("datetime64[ns]")


def iso(numbers: Ints) -> Texts:
    """Day numbers as ISO 8601 text, `""` where missing."""
    words = np.datetime_as_string(numbers.astype("datetime64[D]")).astype(object)
    words[numbers == NO_DAY] = ""
    return np.asarray(words, dtype=object)


def partial_days(values: Texts, imputation: str = "last") -> tuple[Ints, Texts]:
    """ISO 8601 text, perhaps without its day, as day numbers and imputation flags (ADTF).

    A missing day becomes the first or the last day of the month (`imputation`) with flag `D`;
    imputation `none` leaves it missing. Without month,
    or where the text is no date, the number is `NO_DAY`. Source: ADaMIG 1.3 section 3.1.3 (ADTF).
    """
    codes, uniques = pd.factorize(values)
    parsed = [_partial_day(str(value), imputation) for value in uniques]
    numbers = np.array([*(p[0] for p in parsed), NO_DAY], dtype=np.int64)
    flags = np.array([*(p[1] for p in parsed), ""], dtype=object)
    return numbers[codes], flags[codes]


def _partial_day(value: str, imputation: str) -> tuple[int, str]:
    day = value[:10]
    try:
        if len(day) == 10:
            return int(np.datetime64(day, "D").astype(np.int64)), ""
        if len(day) == 7 and imputation != "none":
            month = np.datetime64(day, "M")
            if imputation == "last":
                return int((month + 1).astype("datetime64[D]").astype(np.int64)) - 1, "D"
            return int(month.astype("datetime64[D]").astype(np.int64)), "D"
    except ValueError:
        pass
    return NO_DAY, ""


def findings(
    dataset: str,
    rule: str,
    severity: str,
    rows: Iterable[tuple[str, str, str, str, str]],
) -> pd.DataFrame:
    """A findings frame; each row gives USUBJID, RECORD, VARIABLE, VALUE and MESSAGE."""
    built = [(dataset, *row[:4], rule, severity, row[4]) for row in rows]
    return pd.DataFrame(built, columns=list(FINDING_COLUMNS), dtype=object)


def stack_findings(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Findings frames one below the other, in a fixed order, without repeats."""
    filled = [frame for frame in frames if len(frame)]
    if not filled:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in FINDING_COLUMNS})
    stacked = pd.concat(filled, ignore_index=True).drop_duplicates()
    order = ["USUBJID", "DATASET", "RECORD", "RULE", "VARIABLE", "VALUE", "MESSAGE"]
    return stacked.sort_values(order, kind="stable").reset_index(drop=True)


def sorted_order(*keys: Ints) -> Ints:
    """The stable order by whole-number keys, the first one leading: one sort of one combined number."""
    combined = np.zeros(len(keys[0]), dtype=np.int64)
    for key in keys:
        low = int(key.min()) if len(key) else 0
        span = int(key.max()) - low + 1 if len(key) else 1
        combined = combined * span + (key - low)
    return np.argsort(combined, kind="stable")


def next_true(mask: Bools) -> Ints:
    """For every position (and one past the end) the first position at or after it that is true."""
    n = len(mask)
    where = np.where(mask, np.arange(n), n)
    return np.append(np.minimum.accumulate(where[::-1])[::-1], n).astype(np.int64)


def running(mask: Bools) -> Ints:
    """Counts of true values before each position, so that a range count is one subtraction."""
    return np.concatenate([[0], np.cumsum(mask)]).astype(np.int64)


def stack(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Frames one below the other; an empty one is left out, so that it cannot change a type."""
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else frames[0]
