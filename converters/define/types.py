"""Define-XML data types, lengths and significant digits of a column (Define-XML 2.1, ItemDef)."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from fhir2cdisc.converters.xpt.columns import is_datetime, is_numeric, texts
from fhir2cdisc.mappings.standard.datasets import Variable

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_PARTIAL_DATE = re.compile(r"\d{4}(-\d\d)?")
_DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?")
_DURATION = re.compile(r"-?P[0-9TYMWDHS.]+")
_DURATIONS = ("DUR", "ELTM", "EVLINT", "STINT", "ENINT")


@dataclass(frozen=True, slots=True)
class ItemType:
    """What an ItemDef says of its values; length is None for dates and durations."""

    data_type: str
    length: int | None = None
    digits: int | None = None
    display_format: str | None = None

    @property
    def attributes(self) -> dict[str, str | None]:
        return {
            "DataType": self.data_type,
            "Length": None if self.length is None else str(self.length),
            "SignificantDigits": None if self.digits is None else str(self.digits),
            "def:DisplayFormat": self.display_format or None,
        }


def item_type(variable: Variable, values: pd.Series, *, measured: bool = False) -> ItemType:
    """The type of a column; `measured` takes the length of these values and not that of the file."""
    if variable.type == "Num":
        return _number(variable, values)
    used = used_texts(values)
    kind = _text_kind(variable.name, used)
    if kind != "text":
        return ItemType(kind)
    longest = max((len(value.encode("utf-8")) for value in used), default=1)
    length = longest if measured or not variable.length else variable.length
    return ItemType("text", length, None, variable.format)


def used_texts(values: pd.Series) -> list[str]:
    """The distinct texts of a character column without missing ones, sorted."""
    return sorted({str(value).rstrip(" ") for value in set(texts(values).tolist())} - {""})


def numeric_text(value: float) -> str:
    """A number as a code: `1`, `1.5`."""
    return str(int(value)) if value == int(value) else repr(float(value))


def _number(variable: Variable, values: pd.Series) -> ItemType:
    form = variable.format
    if is_datetime(values):
        return ItemType("integer", 8, None, form or "DATE9.")
    numbers = values.dropna().unique() if is_numeric(values) else np.empty(0)
    decimals = max((_decimals(float(n)) for n in numbers), default=0)
    if decimals == 0:
        return ItemType("integer", 8, None, form)
    return ItemType("float", 8, decimals, form)


def _decimals(number: float) -> int:
    text = np.format_float_positional(number, trim="-")
    return len(text.partition(".")[2])


def _text_kind(name: str, used: list[str]) -> str:
    if name.endswith("DTC"):
        return _date_kind(used)
    if name.endswith(_DURATIONS) and used and all(_DURATION.fullmatch(value) for value in used):
        return "durationDatetime"
    return "text"


def _date_kind(used: list[str]) -> str:
    patterns = {"date": _DATE, "datetime": _DATETIME, "partial": _PARTIAL_DATE}
    kinds = {
        next((kind for kind, pattern in patterns.items() if pattern.fullmatch(value)), "incomplete") for value in used
    }
    if kinds <= {"date"}:
        return "date"
    if kinds == {"datetime"}:
        return "datetime"
    if kinds <= {"date", "partial"}:
        return "partialDate"
    if kinds <= {"date", "datetime", "partial"}:
        return "partialDatetime"
    return "incompleteDatetime"
