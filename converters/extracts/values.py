"""Values of typed tables (Parquet, databases) as the text of a cell."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any


def text_of(value: Any) -> str:
    """A value as text: decimals keep their digits, days and moments are in ISO 8601, what is missing is blank."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        # A number that is none is missing.
        whole = value.is_integer() and abs(value) < 1e15
        return "" if value != value else str(int(value)) if whole else f"{value:.15g}"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        has_time = value.time() != time() or value.tzinfo is not None
        return (
            value.isoformat(timespec="seconds" if value.second else "minutes") if has_time else value.date().isoformat()
        )
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.strftime("%H:%M:%S" if value.second else "%H:%M")
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
