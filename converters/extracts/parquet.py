"""Parquet tables as text, a batch of records at a time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from fhir2cdisc.converters.extracts.grid import ExtractError, Grid, Notice

_BATCH = 1 << 14


def read_parquet(path: Path, name: str, notice: Notice) -> Grid:
    """A Parquet file: its names in row 0, its records from 1.

    Decimals keep their digits, days and moments are written in ISO 8601 with the offset where the column has a zone.
    Raises ExtractError for a broken file and for a column of lists or structures, which is no cell.
    """
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise ExtractError(f"{name}: is a Parquet file that cannot be read ({type(error).__name__})") from None
    for column in file.schema_arrow:
        if pa.types.is_nested(column.type):
            file.close()
            raise ExtractError(f"{name}: column {column.name!r} holds lists or structures, and no cells")
    return Grid("", _rows(file, name))


def _rows(file: pq.ParquetFile, name: str) -> Iterator[tuple[int, list[str]]]:
    number = 0
    with file:
        yield 0, list(file.schema_arrow.names)
        for batch in file.iter_batches(_BATCH):
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                number += 1
                yield number, [_text(value) for value in row]


def _text(value: Any) -> str:
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
