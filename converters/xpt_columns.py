"""The columns of a frame as a transport file holds them: types, checks and bytes, block by block."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from fhir2cdisc.converters.ibm_float import MISSING_CODES, missing_word, out_of_range, to_ibm
from fhir2cdisc.converters.xpt_layout import split_format
from fhir2cdisc.sdtm.metadata import Variable

# Rows worked on at a time: what fits the cache of a processor.
BLOCK = 16_384
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
    """One column ready to be written: its final description and its values."""

    variable: Variable
    values: pd.Series
    missing: Mapping[int, str]


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
    naive = values.dropna()
    return bool(len(naive)) and bool((naive != naive.dt.normalize()).any())


def blocks(values: pd.Series) -> Iterator[tuple[int, pd.Series]]:
    for start in range(0, len(values), BLOCK):
        yield start, values.iloc[start : start + BLOCK]


def objects(values: pd.Series) -> npt.NDArray[np.object_]:
    """A column as objects, without a copy where it holds objects already."""
    if values.dtype == object:
        return np.asarray(values.array, dtype=object)
    return np.asarray(values.astype(object))


def texts(values: pd.Series) -> npt.NDArray[np.object_]:
    """Character values as objects, missing ones as an empty text."""
    found = objects(values)
    if pd.api.types.infer_dtype(found, skipna=False) != "string":
        found = np.where(pd.isna(found), "", found).astype(object)
    return found


def measure(column: Column, where: str, encoding: str, problems: Problems) -> int:
    """Check a character column; the bytes that its longest value needs (at least 1)."""
    longest = 1
    rules: dict[str, list[int]] = {}
    for start, block in blocks(column.values):
        length = _plain_length(_arrow(objects(block)))
        if length is None or length > MAX_TEXT:
            length = _measure_slowly(texts(block).tolist(), start, encoding, rules)
        longest = max(longest, length)
    limit = column.variable.length
    for sentence, rows in rules.items():
        problems.add(where, sentence, rows)
    if limit and longest > limit and not rules:
        problems.add(where, f"the longest value has {longest} bytes, the declared length is {limit}")
    return longest


def _arrow(values: npt.NDArray[np.object_]) -> Any:
    """Texts as an Arrow array, None where a value is neither text nor missing."""
    try:
        return pa.array(values, type=pa.string(), from_pandas=True)
    except (pa.ArrowException, TypeError, UnicodeError):
        return None


def _raw(array: Any) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
    """Where each value of an Arrow array begins, and the bytes of all values."""
    _, starts, data = array.buffers()
    offsets = np.frombuffer(starts, dtype=np.int32)[: len(array) + 1]
    end = int(offsets[-1])
    return offsets, np.frombuffer(data, dtype=np.uint8)[:end] if end else np.empty(0, dtype=np.uint8)


def _plain_length(array: Any) -> int | None:
    """Bytes of the longest value; None unless all is ASCII without NUL and without blanks at the end."""
    if array is None or not len(array):
        return None
    offsets, data = _raw(array)
    if not len(data):
        return 1
    if data.max() > 127 or data.min() == 0:
        return None
    ends = offsets[1:][np.diff(offsets) > 0] - 1
    return None if (data[ends] == ord(" ")).any() else max(1, int(np.diff(offsets).max()))


def _measure_slowly(values: list[Any], start: int, encoding: str, rules: dict[str, list[int]]) -> int:
    longest = 1
    seen: dict[Any, tuple[int, str]] = {}
    for row, value in enumerate(values, start + 1):
        key = (type(value), value) if isinstance(value, str) else type(value)
        if key not in seen:
            seen[key] = text_problem(value, encoding)
        length, sentence = seen[key]
        if sentence:
            rules.setdefault(sentence, []).append(row)
        else:
            longest = max(longest, length)
    return longest


def text_problem(value: Any, encoding: str) -> tuple[int, str]:
    """Bytes of a character value and the rule it breaks, if any; the sentence never quotes the value."""
    if not isinstance(value, str):
        return 0, f"a value of type {type(value).__name__} where text is declared"
    if "\0" in value:
        return 0, "a NUL character in the text"
    try:
        length = len(value.rstrip(" ").encode(encoding))
    except UnicodeEncodeError as error:
        found = ord(value[error.start])
        return 0, f"character U+{found:04X} at place {error.start + 1} is not in the encoding {encoding}"
    if length > MAX_TEXT:
        return length, f"{length} bytes are over the {MAX_TEXT} of a character value; split the text first"
    return length, ""


def check_numbers(column: Column, where: str, problems: Problems) -> None:
    """Refuse numbers that a transport file cannot hold exactly."""
    values = column.values
    if is_datetime(values):
        _check_dates(column, where, problems)
        return
    if not is_numeric(values):
        wrong = [i for i, v in enumerate(texts(values), 1) if v != ""]
        if wrong:
            problems.add(where, "a value that is no number where a number is declared", wrong)
        return
    if pd.api.types.is_integer_dtype(values.dtype):
        _refuse(~_exact(values), where, "an integer that a double cannot hold exactly", problems)
    for start, block in blocks(values):
        bad = out_of_range(numbers(column, block))
        sentence = "a number outside the range of a transport file (5.4e-79 to 7.2e75, or 0)"
        if bad.any():
            _refuse(bad, where, sentence, problems, start)
            return


def _exact(values: pd.Series) -> npt.NDArray[np.bool_]:
    whole = values.dropna()
    result = np.ones(len(values), dtype=bool)
    large = whole.abs() > 2**53
    if large.any() or (whole < -(2**53)).any():
        result[values.notna().to_numpy()] = [int(float(v)) == int(v) for v in whole]
    return result


def _check_dates(column: Column, where: str, problems: Problems) -> None:
    values, wanted = column.values, column.variable.format
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        problems.add(where, "a time zone cannot be kept in a SAS date; convert to local time first")
    elif not is_time_format(wanted):
        has = (values != values.dt.normalize()) & values.notna()
        _refuse(has.to_numpy(), where, f"a time of day would be lost under the format {wanted}", problems)
    else:
        finer = values.notna().to_numpy() & (_nanoseconds(values) % 1000 != 0)
        _refuse(finer, where, "a time finer than a microsecond cannot be kept", problems)


def _refuse(
    bad: npt.NDArray[np.bool_], where: str, sentence: str, problems: Problems, start: int = 0
) -> None:
    rows = (np.flatnonzero(bad) + start + 1).tolist()
    if rows:
        problems.add(where, sentence, rows)


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


Renderer = Callable[[int, int], npt.NDArray[Any]]


def renderer(column: Column, encoding: str) -> Renderer:
    """A function from a range of rows to the bytes of this column, one fixed-width item a row."""

    def number(start: int, stop: int) -> npt.NDArray[Any]:
        words = to_ibm(numbers(column, column.values.iloc[start:stop]))
        for row, code in column.missing.items():
            if start <= row < stop:
                words[row - start] = missing_word(code)
        return words.astype(">u8").view("S8")

    def text(start: int, stop: int) -> npt.NDArray[Any]:
        return fixed_width(objects(column.values.iloc[start:stop]), column.variable.length, encoding)

    return number if column.variable.type == "Num" else text


def fixed_width(values: npt.NDArray[np.object_], length: int, encoding: str) -> npt.NDArray[Any]:
    """Texts as bytes of one length, filled with blanks."""
    array = _arrow(values)
    if array is not None and encoding != "gb18030":
        _, data = _raw(pc.ascii_rpad(pc.fill_null(array, ""), width=length, padding=" "))
        # Longer only where blanks stand at the end of a value.
        if len(data) == length * len(values):
            return data.view(f"S{length}")
    coded = [str(v).rstrip(" ").encode(encoding).ljust(length) for v in texts(pd.Series(values))]
    return np.array(coded, dtype=f"S{length}")


def missing_by_row(
    codes: pd.Series | None, values: pd.Series, where: str, problems: Problems
) -> dict[int, str]:
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
