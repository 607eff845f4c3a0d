"""Character columns of a transport file: checked, measured, and turned into bytes of one length."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from fhir2cdisc.converters.xpt.columns import MAX_TEXT, Column, Problems, spans, texts


def measure(column: Column, where: str, encoding: str, problems: Problems) -> int:
    """Check a character column; the bytes that its longest value needs (at least 1)."""
    longest = 1
    rules: dict[str, list[int]] = {}
    for start, stop in spans(len(column.values)):
        values = column.objects(start, stop)
        length = _plain_length(_arrow(values))
        if length is None or length > MAX_TEXT:
            length = _measure_slowly(_filled(values).tolist(), start, encoding, rules)
        longest = max(longest, length)
    limit = column.variable.length
    for sentence, rows in rules.items():
        problems.add(where, sentence, rows)
    if limit and longest > limit and not rules:
        problems.add(where, f"the longest value has {longest} bytes, the declared length is {limit}")
    return longest


def _filled(values: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Values with an empty text for missing ones."""
    return texts(pd.Series(values, dtype=object))


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


def plain_bytes(column: Column, start: int, stop: int) -> npt.NDArray[Any] | None:
    """The bytes of some rows of a character column, one item of its length a row, where nothing needs a closer look.

    None where a value is no text, is longer than the length, or has a NUL or a character outside ASCII.
    """
    array, length = _arrow(column.objects(start, stop)), column.variable.length
    if array is None:
        return None
    full = array.fill_null("") if array.null_count else array
    _, data = _raw(pc.ascii_rpad(full, width=length, padding=" "))
    if len(data) != length * len(array) or data.max(initial=1) > 127 or data.min(initial=1) == 0:
        return None
    return data.view(f"S{length}")


def text_bytes(column: Column, start: int, stop: int, encoding: str) -> npt.NDArray[Any]:
    """The same for values that `measure` has found right."""
    values = _filled(column.objects(start, stop)).tolist()
    length = column.variable.length
    coded = [text.rstrip(" ").encode(encoding).ljust(length) for text in values]
    return np.array(coded, dtype=f"S{length}")
