"""One dataset in any of the exchange formats: XPT, Dataset-JSON (JSON, NDJSON) and Parquet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from fhir2cdisc.converters.atomic import replacing
from fhir2cdisc.converters.formats.dataset_json import read_dataset_json, write_dataset_json
from fhir2cdisc.converters.xpt.columns import is_datetime, is_numeric, texts, with_type
from fhir2cdisc.converters.xpt.write import read_xpt, write_xpt
from fhir2cdisc.mappings.standard.datasets import Dataset, Variable

_KEY = b"fhir2cdisc.dataset"


def write_parquet(frame: pd.DataFrame, path: str | Path, dataset: Dataset) -> None:
    """Write a dataset as Parquet with its whole description in the metadata of the file."""
    described = [v for v in dataset.variables if v.name in frame.columns]
    arrays = [_array(frame[v.name]) for v in described]
    schema = pa.schema(
        [pa.field(v.name, a.type, metadata={"label": v.label}) for v, a in zip(described, arrays, strict=True)],
        metadata={_KEY: msgspec.json.encode(asdict(dataset.select(v.name for v in described)))},
    )
    with replacing(Path(path)) as file:
        pq.write_table(pa.Table.from_arrays(arrays, schema=schema), file)


def read_parquet(path: str | Path) -> tuple[pd.DataFrame, Dataset]:
    """The frame and description of a Parquet file; files of others are described from their columns."""
    path = Path(path)
    table = pq.read_table(path)
    frame = pd.DataFrame({name: _column(table[name]) for name in table.column_names})
    saved = (table.schema.metadata or {}).get(_KEY)
    if saved is not None:
        return frame, msgspec.json.decode(saved, type=Dataset)
    variables = tuple(_described(table.schema.field(n), frame[n]) for n in frame.columns)
    return frame, Dataset(path.stem.upper(), "", "", "", variables)


def _array(values: pd.Series) -> Any:
    if is_datetime(values):
        return pa.array(values.to_numpy(dtype="datetime64[ns]"), type=pa.timestamp("ns"))
    if is_numeric(values):
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        return pa.array(numbers, type=pa.float64(), from_pandas=True)
    return pa.array([str(v).rstrip(" ") for v in texts(values)], type=pa.string())


def _column(values: Any) -> Any:
    series = values.to_pandas()
    if is_datetime(series):
        return series.astype("datetime64[ns]")
    if is_numeric(series):
        return series.astype("float64")
    return texts(series)


def _described(field: Any, values: pd.Series) -> Variable:
    label = (field.metadata or {}).get(b"label", b"").decode("utf-8", errors="replace")
    return with_type(None, field.name, values) if not label else Variable(field.name, label)


def _write_xpt(frame: pd.DataFrame, path: str | Path, dataset: Dataset) -> None:
    write_xpt(frame, path, name=dataset.name, label=dataset.label, variables=dataset.variables)


Writer = Callable[[pd.DataFrame, Path, Dataset], None]
Reader = Callable[[Path], tuple[pd.DataFrame, Dataset]]
# How each format is written and read, by the end of a file's name; those beside .xpt are `choices.FORMATS`.
_HOW: dict[str, tuple[Writer, Reader]] = {
    ".xpt": (_write_xpt, read_xpt),
    ".json": (write_dataset_json, read_dataset_json),
    ".ndjson": (write_dataset_json, read_dataset_json),
    ".parquet": (write_parquet, read_parquet),
}
SUFFIXES = tuple(_HOW)


def write_dataset(frame: pd.DataFrame, path: str | Path, dataset: Dataset) -> None:
    """Write a frame with its description in the format that the name of the file asks for."""
    _how(Path(path))[0](frame, Path(path), dataset)


def read_dataset(path: str | Path) -> tuple[pd.DataFrame, Dataset]:
    """The frame and description of a dataset file; the same frame whatever the format."""
    return _how(Path(path))[1](Path(path))


def _how(path: Path) -> tuple[Writer, Reader]:
    if path.suffix.lower() not in _HOW:
        raise ValueError(f"{path.name}: a dataset file ends in one of {', '.join(SUFFIXES)}")
    return _HOW[path.suffix.lower()]
