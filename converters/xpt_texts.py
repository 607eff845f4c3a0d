"""Character columns of a transport file: checked, measured, and turned into bytes of one length."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from fhir2cdisc.converters.xpt_columns import MAX_TEXT, Column, Problems, Texts, part, spans, texts

# Rows whose objects tell whether few of them fill a block.
_SAMPLE = 1024


@dataclass(slots=True)
class Budget:
    """Bytes that measuring may keep for writing: a constant, so that memory does not grow with the rows."""

    left: int = 64_000_000
    lock: Lock = field(default_factory=Lock)

    def take(self, size: int) -> bool:
        """True where so many bytes were left, which are then taken."""
        with self.lock:
            granted = size <= self.left
            self.left -= size if granted else 0
        return granted


def measure(column: Column, where: str, encoding: str, problems: Problems, budget: Budget) -> int:
    """Check a character column; the bytes that its longest value needs (at least 1).

    Texts are kept in the column for writing, as far as the budget goes.
    """
    longest = 1
    rules: dict[str, list[int]] = {}
    for start, stop in spans(len(column.values)):
        values = part(column.values, start, stop)
        found = _texts(values)
        length = None if found is None else _plain_length(found.array)
        if length is None or length > MAX_TEXT:
            length = _measure_slowly(_filled(values).tolist(), start, encoding, rules)
        if found is not None and budget.take(found.size):
            column.kept[start] = found
        longest = max(longest, length)
    limit = column.variable.length
    for sentence, rows in rules.items():
        problems.add(where, sentence, rows)
    if limit and longest > limit and not rules:
        problems.add(where, f"the longest value has {longest} bytes, the declared length is {limit}")
    return longest


def _texts(values: npt.NDArray[np.object_]) -> Texts | None:
    """The texts of a block, None where a value is neither text nor missing."""
    coded = _by_object(np.ascontiguousarray(values))
    if coded is None:
        array = _arrow(values)
        return None if array is None else Texts(array)
    codes, firsts = coded
    array = _arrow(values[firsts])
    return None if array is None else Texts(array, codes)


def _filled(values: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Values with an empty text for missing ones."""
    return texts(pd.Series(values, dtype=object))


def _by_object(values: npt.NDArray[np.object_]) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.intp]] | None:
    """A code a row, and a row of each code, where few objects fill a block; None where they are many.

    Rows are compared by the address of their object and the texts never read: the same object is the same
    text, and a code list or subject number is mostly one object in many rows.
    """
    address = values.__array_interface__["data"][0]
    buffer = pa.foreign_buffer(address, values.nbytes, base=values)
    objects = pa.Array.from_buffers(pa.from_numpy_dtype(np.intp), len(values), [None, buffer])
    sample = objects.slice(0, _SAMPLE)
    if len(sample.unique()) * 8 > len(sample) * 7:
        return None
    coded = objects.dictionary_encode()
    if len(coded.dictionary) * 4 > len(values):
        return None
    codes = coded.indices.to_numpy()
    rows = np.empty(len(coded.dictionary), dtype=np.intp)
    rows[codes] = np.arange(len(values))
    return codes.astype(np.uint16), rows


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


def text_bytes(column: Column, start: int, stop: int, encoding: str) -> npt.NDArray[Any]:
    """The bytes of some rows of a character column, one item of its length a row."""
    length = column.variable.length
    found = column.kept.get(start)
    if found is None or len(found) != stop - start:
        values = part(column.values, start, stop)
        found = _texts(values) or Texts(_arrow(_filled(values)))
    table = fixed_width(found.array, length, encoding)
    return table if found.codes is None else table.take(found.codes)


def fixed_width(array: Any, length: int, encoding: str) -> npt.NDArray[Any]:
    """The texts of an Arrow array as bytes of one length, filled with blanks."""
    if encoding != "gb18030":
        full = array.fill_null("") if array.null_count else array
        _, data = _raw(pc.ascii_rpad(full, width=length, padding=" "))
        # Longer only where blanks stand at the end of a value.
        if len(data) == length * len(array):
            return data.view(f"S{length}")
    coded = [(text or "").rstrip(" ").encode(encoding).ljust(length) for text in array.to_pylist()]
    return np.array(coded, dtype=f"S{length}")
