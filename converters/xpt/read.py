"""Reading SAS version 5 transport files, ours and other people's, with labels, formats and lengths."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from fhir2cdisc.converters.xpt.columns import SAS_EPOCH, is_time_format
from fhir2cdisc.converters.xpt.ibm_float import from_ibm, missing_codes
from fhir2cdisc.converters.xpt.layout import (
    CARD,
    LIBRARY_MARK,
    MEMBER_MARK,
    NAMESTR,
    Field,
    XptError,
    join_format,
    split_format,
)
from fhir2cdisc.mappings.standard.datasets import Dataset, Variable

_DATE_FORMATS = ("DATE", "E8601DA", "YYMMDD", "MMDDYY", "DDMMYY", "IS8601DA", "B8601DA")
_ENCODINGS = ("utf-8", "cp1252", "latin-1")


def read_xpt(path: str | Path, *, encoding: str | None = None, dates: bool = True) -> tuple[pd.DataFrame, Dataset]:
    """The frame and the description (names, labels, types, lengths, formats) of a transport file.

    Numbers with a date or datetime format become datetime64 unless `dates` is False. Without `encoding` a
    column is read as UTF-8 and, where it is none, as Windows-1252. Special missing values are NaN in the
    frame; `frame.attrs["special_missing"]` then maps a variable to a series of their codes. Raises XptError
    with a plain sentence where the file is no version 5 transport file of one dataset.
    """
    path = Path(path)
    if path.stat().st_size < 8 * CARD:
        raise XptError([f"{path.name}: too short to be a transport file"])
    with path.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    name, label, fields, start = _read_head(path.name, data, encoding)
    records = _records(path.name, data, fields, start)
    frame = _read_columns(records, fields, encoding, dates)
    return frame, Dataset(name, label, "", "", tuple(field.variable for field in fields))


def _read_head(file: str, data: mmap.mmap, encoding: str | None) -> tuple[str, str, tuple[Field, ...], int]:
    if data[:48] != LIBRARY_MARK:
        raise XptError([f"{file}: {_what_else(data[:48])}"])
    if data[3 * CARD : 3 * CARD + 48] != MEMBER_MARK:
        raise XptError([f"{file}: no member header where version 5 has one"])
    size = _count(file, data[3 * CARD + 74 : 3 * CARD + 78])
    name = _text(data[5 * CARD + 8 : 5 * CARD + 16], encoding)
    label = _text(data[6 * CARD + 32 : 6 * CARD + 72], encoding)
    count = _count(file, data[7 * CARD + 54 : 7 * CARD + 58])
    start = 8 * CARD
    fields = tuple(_field(data[start + i * size : start + (i + 1) * size], encoding) for i in range(count))
    start += -(-count * size // CARD) * CARD + CARD
    if data[start - CARD : start - CARD + 27] != b"HEADER RECORD*******OBS    ":
        raise XptError([f"{file}: no observation header after {count} variables"])
    return name, label, fields, start


def _count(file: str, raw: bytes) -> int:
    if not raw.isdigit():
        raise XptError([f"{file}: a header without the count that belongs there"])
    return int(raw)


def _what_else(first: bytes) -> str:
    if first.startswith(b"HEADER RECORD*******LIBV8"):
        return "a version 8 transport file; agencies take version 5 only"
    if first.startswith(b"**COMPRESSED**"):
        return "a PROC CPORT file; agencies take version 5 transport files only"
    return "not a SAS transport file"


def _field(raw: bytes, encoding: str | None) -> Field:
    kind, _, length, _, name, label, form, width, decimals, _, _, _, _, _, position, _ = NAMESTR.unpack(
        raw.ljust(NAMESTR.size, b"\0")
    )
    variable = Variable(
        _text(name, encoding),
        _text(label, encoding),
        "Num" if kind == 1 else "Char",
        length=length,
        format=join_format(_text(form, encoding), width, decimals),
    )
    return Field(variable, position)


def _text(raw: bytes, encoding: str | None) -> str:
    return _decoder(raw, encoding).strip(" \0")


def _decoder(raw: bytes, encoding: str | None) -> str:
    for name in (encoding,) if encoding else _ENCODINGS:
        try:
            return raw.decode(name)
        except UnicodeDecodeError:
            continue
    return raw.decode(encoding or "latin-1", errors="replace")


def _records(file: str, data: mmap.mmap, fields: Sequence[Field], start: int) -> npt.NDArray[np.void]:
    record = sum(field.variable.length for field in fields)
    _check_places(file, fields, record)
    second = data.find(MEMBER_MARK, start)
    if second >= 0 and (second - start) % CARD == 0:
        raise XptError([f"{file}: more than one dataset in the file; one dataset a file is the rule"])
    dtype = np.dtype(
        {
            "names": [f"f{i}" for i in range(len(fields))],
            "formats": [f"V{field.variable.length}" for field in fields],
            "offsets": [field.position for field in fields],
            "itemsize": record,
        }
    )
    rows, rest = divmod(len(data) - start, record)
    if data[len(data) - rest :].strip(b" "):
        raise XptError([f"{file}: the file ends inside row {rows + 1}"])
    while rows and rest + record < CARD and not data[start + (rows - 1) * record :].strip(b" "):
        rows -= 1
        rest += record
    return np.frombuffer(data, dtype=dtype, count=rows, offset=start)


def _check_places(file: str, fields: Sequence[Field], record: int) -> None:
    end = 0
    for field in fields:
        variable = field.variable
        possible = 2 <= variable.length <= 8 if variable.type == "Num" else variable.length >= 1
        if field.position != end or not possible:
            place = f"length {variable.length} at byte {field.position}"
            raise XptError([f"{file}, {variable.name}: {place} is impossible"])
        end += variable.length
    if not record:
        raise XptError([f"{file}: a dataset without variables"])
    if len({field.variable.name for field in fields}) < len(fields):
        raise XptError([f"{file}: a variable name occurs twice"])


def _read_columns(
    records: npt.NDArray[np.void], fields: Sequence[Field], encoding: str | None, dates: bool
) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    special: dict[str, pd.Series] = {}
    for i, field in enumerate(fields):
        raw = records[f"f{i}"].copy()
        variable = field.variable
        if variable.type == "Char":
            columns[variable.name] = _texts(raw.view(f"S{variable.length}"), encoding)
            continue
        words = _words(raw, variable.length)
        columns[variable.name] = _dated(from_ibm(words), variable.format) if dates else from_ibm(words)
        places, codes = missing_codes(words)
        if (codes != ".").any():
            special[variable.name] = pd.Series("", index=range(len(words)), dtype=object)
            special[variable.name].iloc[places] = np.where(codes == ".", "", codes).astype(object)
    frame = pd.DataFrame(columns, index=pd.RangeIndex(len(records)))
    if special:
        frame.attrs["special_missing"] = special
    return frame


def _words(raw: npt.NDArray[Any], length: int) -> npt.NDArray[np.uint64]:
    wide = np.zeros((len(raw), 8), dtype=np.uint8)
    wide[:, :length] = raw.view(np.uint8).reshape(len(raw), length)
    return wide.view(">u8").reshape(len(raw)).astype(np.uint64)


def _texts(raw: npt.NDArray[np.bytes_], encoding: str | None) -> npt.NDArray[np.object_]:
    """Texts of fixed-width bytes, each different one decoded once."""
    if not len(raw):
        return np.empty(0, dtype=object)
    kind = pa.binary(raw.dtype.itemsize)
    coded = pa.Array.from_buffers(kind, len(raw), [None, pa.py_buffer(raw)]).dictionary_encode()
    decoded = _decoded(coded.dictionary, encoding)
    return np.asarray(decoded[coded.indices.to_numpy()])


def _decoded(distinct: Any, encoding: str | None) -> npt.NDArray[np.object_]:
    values = distinct.to_pylist()
    if encoding in (None, "utf-8") and all(map(bytes.isascii, values)):
        return np.array([value.decode("ascii").rstrip(" \0") for value in values], dtype=object)
    return np.array([_decoder(value, encoding).rstrip(" \0") for value in values], dtype=object)


def _dated(values: npt.NDArray[np.float64], form: str) -> npt.NDArray[Any]:
    """SAS dates and datetimes as datetime64, other numbers and impossible dates as they are."""
    try:
        name = split_format(form)[0]
    except ValueError:
        return values
    with_time = is_time_format(form)
    if not with_time and name not in _DATE_FORMATS:
        return values
    known = ~np.isnan(values)
    limit = 9_000_000_000 if with_time else 100_000
    if (np.abs(values[known]) > limit).any() or (not with_time and (values[known] % 1 != 0).any()):
        return values
    result = np.full(len(values), np.datetime64("NaT", "ns"), dtype="datetime64[ns]")
    scale = 1_000_000 if with_time else 86_400_000_000
    micro = np.round(values[known] * scale).astype(np.int64)
    result[known] = SAS_EPOCH + micro.astype("timedelta64[us]")
    return result
