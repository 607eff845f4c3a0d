"""Dataset-JSON 1.1, as one JSON document or as NDJSON: written and read (CDISC Dataset-JSON 1.1)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from fhir2cdisc.converters.atomic import replacing
from fhir2cdisc.converters.define.types import item_type
from fhir2cdisc.converters.define.xml import oid
from fhir2cdisc.converters.xpt.columns import is_datetime, is_numeric, is_time_format, texts, with_type
from fhir2cdisc.converters.xpt.layout import FIXED_CREATED
from fhir2cdisc.mappings.errors import Fhir2CdiscError
from fhir2cdisc.mappings.standard.datasets import Dataset, Variable

_ROWS = 10_000
_encode = msgspec.json.Encoder().encode


class DatasetJsonError(Fhir2CdiscError):
    """A file that is no Dataset-JSON 1.1 dataset, or a frame that cannot be one."""


def write_dataset_json(
    frame: pd.DataFrame,
    path: str | Path,
    dataset: Dataset,
    *,
    study_oid: str = "",
    created: datetime = FIXED_CREATED,
) -> None:
    """Write a dataset as Dataset-JSON; a path that ends in `.ndjson` gives one line a record.

    Dates and datetimes are ISO 8601 texts with the numeric target type that SAS gets; numbers are exact.
    """
    path = Path(path)
    described = {variable.name: variable for variable in dataset.variables}
    unknown = [str(c) for c in frame.columns if c not in described]
    if unknown:
        raise DatasetJsonError(f"{dataset.name}: no description of {', '.join(unknown)}")
    variables = [with_type(v, v.name, frame[v.name]) for v in dataset.variables if v.name in frame.columns]
    head = _head(frame, dataset, variables, study_oid, created)
    rows = _rows(frame, dataset.name, variables)
    with replacing(path) as file:
        if path.suffix.lower() == ".ndjson":
            file.writelines(_encode(line) + b"\n" for line in itertools.chain([head], rows))
            return
        file.write(_encode(head)[:-1] + b',"rows":[')
        for number, row in enumerate(rows):
            file.write((b",\n" if number else b"\n") + _encode(row))
        file.write(b"\n]}\n")


def read_dataset_json(path: str | Path) -> tuple[pd.DataFrame, Dataset]:
    """The frame and the description of a Dataset-JSON file (`.json` or `.ndjson`)."""
    path = Path(path)
    try:
        head, rows = _read_lines(path) if path.suffix.lower() == ".ndjson" else _read_document(path)
        return _frame(head, rows), _dataset(head)
    except (msgspec.MsgspecError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise DatasetJsonError(f"{path.name}: no Dataset-JSON 1.1 dataset ({type(error).__name__})") from error


def _head(
    frame: pd.DataFrame, dataset: Dataset, variables: Sequence[Variable], study_oid: str, created: datetime
) -> dict[str, Any]:
    head = {
        "datasetJSONCreationDateTime": created.isoformat(timespec="seconds"),
        "datasetJSONVersion": "1.1.0",
        "studyOID": study_oid,
        "itemGroupOID": oid("IG", dataset.name),
        "records": len(frame),
        "name": dataset.name,
        "label": dataset.label,
        "columns": [_column(dataset, variable, frame[variable.name]) for variable in variables],
    }
    return {key: value for key, value in head.items() if value != ""}


def _column(dataset: Dataset, variable: Variable, values: pd.Series) -> dict[str, Any]:
    column: dict[str, Any] = {
        "itemOID": oid("IT", dataset.name, variable.name),
        "name": variable.name,
        "label": variable.label,
        "dataType": _data_type(variable, values),
    }
    if is_datetime(values):
        column["targetDataType"] = "integer"
    kind = item_type(variable, values)
    if kind.length is not None and variable.type == "Char":
        column["length"] = kind.length
    if variable.format:
        column["displayFormat"] = variable.format
    if variable.name in dataset.keys:
        column["keySequence"] = dataset.keys.index(variable.name) + 1
    return column


def _data_type(variable: Variable, values: pd.Series) -> str:
    if is_datetime(values):
        return "datetime" if is_time_format(variable.format) else "date"
    kind = item_type(variable, values).data_type
    return kind if kind in ("integer", "float", "date", "datetime") else "string"


def _rows(frame: pd.DataFrame, name: str, variables: Sequence[Variable]) -> Iterator[list[Any]]:
    for start in range(0, len(frame), _ROWS):
        part = frame.iloc[start : start + _ROWS]
        columns = [_values(name, variable, part[variable.name]) for variable in variables]
        yield from (list(row) for row in zip(*columns, strict=True))


def _values(name: str, variable: Variable, values: pd.Series) -> list[Any]:
    if is_datetime(values):
        form = "%Y-%m-%dT%H:%M:%S" if is_time_format(variable.format) else "%Y-%m-%d"
        if (values.notna() & (values != values.dt.floor("s"))).any():
            form += ".%f"
        return [None if pd.isna(v) else v.strftime(form) for v in values]
    if variable.type == "Char":
        return [str(v).rstrip(" ") for v in texts(values)]
    if not is_numeric(values):
        return [None] * len(values)
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isinf(numbers).any():
        raise DatasetJsonError(f"{name}.{variable.name}: an infinite number")
    return [None if v != v else int(v) if v == int(v) and abs(v) < 2**53 else v for v in numbers.tolist()]


def _read_document(path: Path) -> tuple[dict[str, Any], Iterable[list[Any]]]:
    content = msgspec.json.decode(path.read_bytes())
    return content, content.get("rows", [])


def _read_lines(path: Path) -> tuple[dict[str, Any], Iterable[list[Any]]]:
    lines = [line for line in path.read_bytes().split(b"\n") if line.strip()]
    decoder = msgspec.json.Decoder()
    return decoder.decode(lines[0]), [decoder.decode(line) for line in lines[1:]]


def _dataset(head: Mapping[str, Any]) -> Dataset:
    columns = head["columns"]
    keys = sorted((c["keySequence"], c["name"]) for c in columns if c.get("keySequence"))
    variables = tuple(
        Variable(
            column["name"],
            column["label"],
            "Num" if _is_number(column) else "Char",
            length=8 if _is_number(column) else int(column.get("length") or 0),
            format=column.get("displayFormat") or "",
        )
        for column in columns
    )
    return Dataset(head["name"], head["label"], "", "", variables, tuple(name for _, name in keys))


def _is_number(column: Mapping[str, Any]) -> bool:
    kinds = ("integer", "decimal", "float", "double", "boolean")
    return column["dataType"] in kinds or bool(column.get("targetDataType"))


def _frame(head: Mapping[str, Any], rows: Iterable[list[Any]]) -> pd.DataFrame:
    columns = head["columns"]
    lists: list[list[Any]] = [list(values) for values in zip(*rows, strict=True)] or [[] for _ in columns]
    if len(lists) != len(columns):
        raise KeyError("columns")
    data = {c["name"]: _column_values(c, values) for c, values in zip(columns, lists, strict=True)}
    return pd.DataFrame(data, index=pd.RangeIndex(len(lists[0]) if lists else 0))


def _column_values(column: Mapping[str, Any], values: list[Any]) -> Any:
    if column.get("targetDataType") == "integer" and column["dataType"] in ("date", "datetime"):
        return pd.to_datetime(pd.Series(values, dtype=object), format="ISO8601").astype("datetime64[ns]")
    if _is_number(column):
        return np.array([np.nan if v is None or v == "" else float(v) for v in values], dtype=np.float64)
    return np.array(["" if v is None else str(v) for v in values], dtype=object)
