"""Parquet tables as text, a batch of records at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from fhir2cdisc.converters.extracts.grid import ExtractError, Grid, Notice
from fhir2cdisc.converters.extracts.values import text_of

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
                yield number, [text_of(value) for value in row]
