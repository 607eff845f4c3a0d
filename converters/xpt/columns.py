"""The columns of a frame as a transport file holds them: types, checks and bytes, block by block."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from fhir2cdisc.converters.xpt.ibm_float import MISSING_CODES, Words, missing_word, out_of_range, to_ibm
from fhir2cdisc.converters.xpt.layout import split_format
from fhir2cdisc.mappings.standard.datasets import Variable

# Rows worked on at a time: what fits the cache of a processor.
BLOCK = 8_192
MAX_TEXT = 200
MAX_LABEL = 40
NAME = re.compile(r"[A-Z][A-Z0-9]{0,7}", re.ASCII)
SAS_EPOCH = np.datetime64("1960-01-01", "ns")
_DAY = 86_400_000_000_000
_TIME_FORMATS = ("DATETIME", "E8601DT", "DATEAMPM", "TOD", "DTDATE")


@dataclass(slots=True)
class Problems:
    """What is wrong with a dataset: one sentence a variable and rule, with the first row and the count."""

    sentences: list[str] = field(default_factory=list)

    def add(self, where: str, sentence: str, rows: Sequence[int] | None = None) -> None:
        if rows is not None:
            more = f" (and {len(rows) - 1} more rows)" if len(rows) > 1 else ""
            where = f"{where}, row {rows[0]}"
            sentence = f"{sentence}{more}"
        self.sentences.append(f"{where}: {sentence}")


@dataclass(frozen=True, slots=True)
class Column:
    """One column ready to be written: its final description, its values, and the rows of special missing values.

    `array` holds the values without a copy where they are objects or doubles; None where they are neither.
    """

    variable: Variable
    values: pd.Series
    missing: Mapping[int, str]
    array: npt.NDArray[Any] | None

    def objects(self, start: int, stop: int) -> npt.NDArray[np.object_]:
        """Some rows as objects, without a copy where the column holds objects already."""
        if self.array is not None and self.array.dtype == object:
            return self.array[start:stop]
        return objects(self.values.iloc[start:stop])

    def doubles(self, start: int, stop: int) -> npt.NDArray[np.float64]:
        """Some rows as doubles; dates as days, datetimes as seconds since 1960-01-01."""
        if self.array is not None and self.array.dtype == np.float64:
            return self.array[start:stop]
        return numbers(self, self.values.iloc[start:stop])


def plain_array(values: pd.Series) -> npt.NDArray[Any] | None:
    """The objects or doubles of a column without a copy; None where it holds anything else."""
    return np.asarray(values.array) if values.dtype in (object, np.float64) else None


def is_datetime(values: pd.Series) -> bool:
    return isinstance(values.dtype, pd.DatetimeTZDtype) or values.dtype.kind == "M"


def is_numeric(values: pd.Series) -> bool:
    return not is_datetime(values) and bool(pd.api.types.is_numeric_dtype(values.dtype))


def with_type(variable: Variable | None, name: str, values: pd.Series) -> Variable:
    """The description of a column, completed from its values where it says nothing."""
    kind: Literal["Char", "Num"] = "Num" if is_datetime(values) or is_numeric(values) else "Char"
    found = variable or Variable(name, "", kind)
    if is_datetime(values) and not found.format:
        found = replace(found, format="DATETIME20." if has_time(values) else "DATE9.")
    return replace(found, length=8) if found.type == "Num" else found


def has_time(values: pd.Series) -> bool:
    """True where a datetime column holds more than days."""
    return any(bool(_timed(block).any()) for _, block in blocks(values))


def _timed(block: pd.Series) -> npt.NDArray[np.bool_]:
    return np.asarray(block.notna().to_numpy() & (_nanoseconds(block) % _DAY != 0))


def spans(rows: int, step: int = 0) -> Iterator[tuple[int, int]]:
    """The first row of each block of `step` rows, and the row after its last."""
    step = step or BLOCK
    for start in range(0, rows, step):
        yield start, min(start + step, rows)


def blocks(values: pd.Series) -> Iterator[tuple[int, pd.Series]]:
    for start, stop in spans(len(values)):
        yield start, values.iloc[start:stop]


def objects(values: pd.Series) -> npt.NDArray[np.object_]:
    """A column as objects, without a copy where it holds objects already."""
    found = plain_array(values)
    return found if found is not None and found.dtype == object else np.asarray(values.astype(object))


def texts(values: pd.Series) -> npt.NDArray[np.object_]:
    """Character values as objects, missing ones as an empty text."""
    found = objects(values)
    if pd.api.types.infer_dtype(found, skipna=False) != "string":
        found = np.where(pd.isna(found), "", found).astype(object)
    return found


def check_numbers(column: Column, where: str, problems: Problems) -> None:
    """Refuse numbers that a transport file cannot hold exactly."""
    if isinstance(column.values.dtype, pd.DatetimeTZDtype):
        problems.add(where, "a time zone cannot be kept in a SAS date; convert to local time first")
        return
    rules: dict[str, list[int]] = {}
    for start, block in blocks(column.values):
        sentence, bad = _refused(column, block)
        if bad.any():
            rules.setdefault(sentence, []).extend((np.flatnonzero(bad) + start + 1).tolist())
    for sentence, rows in rules.items():
        problems.add(where, sentence, rows)


def _refused(column: Column, block: pd.Series) -> tuple[str, npt.NDArray[np.bool_]]:
    """The rule for the kind of a column, and where a block breaks it."""
    form = column.variable.format
    if is_datetime(block) and is_time_format(form):
        finer = block.notna().to_numpy() & (_nanoseconds(block) % 1000 != 0)
        return "a time finer than a microsecond cannot be kept", finer
    if is_datetime(block):
        return f"a time of day would be lost under the format {form}", _timed(block)
    if not is_numeric(block):
        return "a value that is no number where a number is declared", texts(block) != ""
    if pd.api.types.is_integer_dtype(block.dtype):
        return "an integer that a double cannot hold exactly", ~_exact(block)
    sentence = "a number outside the range of a transport file (5.4e-79 to 7.2e75, or 0)"
    return sentence, out_of_range(numbers(column, block))


def _exact(values: pd.Series) -> npt.NDArray[np.bool_]:
    """Where integers are doubles too; only those beyond 2**53 need a look."""
    result = np.ones(len(values), dtype=bool)
    whole = values.dropna()
    if ((whole > 2**53) | (whole < -(2**53))).any():
        result[values.notna().to_numpy()] = [int(float(v)) == int(v) for v in whole]
    return result


def is_time_format(text: str) -> bool:
    """True where a SAS format shows date and time, so that the number counts seconds and not days."""
    return split_format(text)[0].startswith(_TIME_FORMATS)


def _nanoseconds(values: pd.Series) -> npt.NDArray[np.int64]:
    since = values.to_numpy(dtype="datetime64[ns]") - SAS_EPOCH
    return np.asarray(since.astype(np.int64))


def numbers(column: Column, block: pd.Series) -> npt.NDArray[np.float64]:
    """A block of a numeric column as doubles; dates as days, datetimes as seconds since 1960-01-01."""
    if is_datetime(block):
        unit = 1_000_000_000 if is_time_format(column.variable.format) else _DAY
        since = _nanoseconds(block) / unit
        return np.where(block.isna().to_numpy(), np.nan, since)
    if not is_numeric(block):
        return np.full(len(block), np.nan)
    return np.asarray(block.to_numpy(dtype=np.float64, na_value=np.nan))


def number_words(column: Column, start: int, stop: int) -> Words:
    """The IBM words of some rows of a numeric column, special missing values included."""
    words = to_ibm(column.doubles(start, stop))
    for row, code in column.missing.items():
        if start <= row < stop:
            words[row - start] = missing_word(code)
    return words


def missing_by_row(codes: pd.Series | None, values: pd.Series, where: str, problems: Problems) -> dict[int, str]:
    """Rows (from 0) that carry one of the SAS missing values `.A` to `.Z` and `._`."""
    found: dict[int, str] = {}
    if codes is None:
        return found
    absent = values.isna().to_numpy()
    for row, code in enumerate(texts(codes)):
        letter = str(code).lstrip(".")
        if letter in MISSING_CODES and absent[row]:
            found[row] = letter
        elif letter:
            sentence = "a special missing value must be A to Z or _ on a row without a number"
            problems.add(where, sentence, [row + 1])
    return found
