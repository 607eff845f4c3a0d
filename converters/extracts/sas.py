"""SAS datasets as text: numbers as they are, dates by their formats, special missing values said."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyreadstat
from fhir2cdisc.converters.extracts.grid import ExtractError, Grid, Notice

_FIRST = date(1960, 1, 1)
_DATES = (
    "DATE",
    "DDMMYY",
    "MMDDYY",
    "YYMMDD",
    "E8601DA",
    "B8601DA",
    "WEEKDATE",
    "WORDDATE",
    "JULIAN",
    "NLDATE",
    "IS8601DA",
)
_MOMENTS = ("DATETIME", "E8601DT", "B8601DT", "DATEAMPM", "NLDATM", "IS8601DT")
_TIMES = ("TIME", "HHMM", "E8601TM", "TOD", "HOUR", "IS8601TM")


def read_sas(path: Path, name: str, notice: Notice) -> Grid:
    """A dataset of SAS (.xpt, .sas7bdat): its names in row 0, its observations from 1.

    A number with a format of dates, times or moments is written in ISO 8601. Special missing values (.A to .Z) are
    blank and said. Raises ExtractError for a file that cannot be read.
    """
    read = pyreadstat.read_sas7bdat if path.suffix.lower() == ".sas7bdat" else pyreadstat.read_xport
    try:
        frame, meta = read(str(path), disable_datetime_conversion=True)
    except Exception as error:
        raise ExtractError(f"{name}: is a SAS dataset that cannot be read ({type(error).__name__})") from None
    formats = [str(meta.original_variable_types.get(column, "")).upper() for column in frame.columns]
    special = sum(len(values) for values in getattr(meta, "missing_user_values", {}).values())
    if special:
        notice("extract.special-missing", 0, f"{special} kinds of special missing values (.A to .Z) are blank")
    return Grid("", _rows(list(frame.columns), formats, frame.to_numpy(dtype=object).tolist()))


def _rows(names: list[str], formats: list[str], values: list[list[Any]]) -> Iterator[tuple[int, list[str]]]:
    yield 0, names
    for number, row in enumerate(values, start=1):
        yield number, [_text(value, shape) for value, shape in zip(row, formats, strict=True)]


def _text(value: Any, shape: str) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if not isinstance(value, (int, float)):
        return str(value).rstrip()
    kind = shape.rstrip("0123456789.")
    if kind.startswith(_MOMENTS):
        at = datetime(1960, 1, 1) + timedelta(seconds=round(value))
        return at.isoformat(timespec="seconds" if at.second else "minutes")
    if kind.startswith(_DATES):
        return (_FIRST + timedelta(days=int(value))).isoformat()
    if kind.startswith(_TIMES):
        seconds = round(value)
        return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}" + (f":{seconds % 60:02d}" if seconds % 60 else "")
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else f"{value:.15g}"
