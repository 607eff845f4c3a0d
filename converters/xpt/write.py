"""SAS version 5 transport files (XPT): the writer, and the reader of `xpt_read` under the same roof.

Layout and numbers follow SAS TS-140; limits follow section 3.3 of the FDA Study Data Technical Conformance
Guide.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pandas as pd
from fhir2cdisc.converters.atomic import replacing
from fhir2cdisc.converters.xpt.columns import (
    MAX_LABEL,
    MAX_TEXT,
    NAME,
    Column,
    Problems,
    check_numbers,
    missing_by_row,
    number_words,
    plain_array,
    spans,
    texts,
    with_type,
)
from fhir2cdisc.converters.xpt.layout import (
    CARD,
    FIXED_CREATED,
    XptError,
    header,
    layout,
    split_format,
)
from fhir2cdisc.converters.xpt.read import read_xpt
from fhir2cdisc.converters.xpt.texts import measure, plain_bytes, text_bytes
from fhir2cdisc.mappings.standard.datasets import Dataset, Variable

__all__ = [
    "MAX_BYTES",
    "XptError",
    "read_xpt",
    "study_lengths",
    "with_lengths",
    "write_xpt",
    "write_xpt_pieces",
]

# A file above this is submitted in pieces too (FDA Study Data Technical Conformance Guide, section 3.3.2).
MAX_BYTES = 5_000_000_000
# Bytes that are put together before they are written: what stays near the processor.
WRITTEN = 1_048_576
ENCODINGS = ("ascii", "utf-8", "gb18030")


def write_xpt(
    frame: pd.DataFrame,
    path: str | Path,
    *,
    name: str,
    label: str = "",
    variables: Sequence[Variable] | None = None,
    created: datetime | None = None,
    encoding: str = "ascii",
    special_missing: Mapping[str, pd.Series] | None = None,
) -> Dataset:
    """Write one dataset as a version 5 transport file and return its description as written.

    The order, labels, lengths (bytes) and formats are those of `variables`; a variable without a column is
    left out, a column without a variable is refused. A length of 0 is measured. datetime64 columns become SAS
    dates (days since 1960, `DATE9.`) or datetimes (seconds, `DATETIME20.`). `special_missing` maps a numeric
    variable to a series of `A` to `Z` or `_` for its missing rows. `encoding` is `ascii` (FDA), `utf-8` or
    `gb18030` (NMPA); limits always count bytes. Blanks at the end of a text are not kept, as everywhere in
    SAS.

    Raises XptError, naming every variable, first row and rule; nothing is written then.
    """
    problems = Problems()
    columns = _columns(frame, name, variables, special_missing or {}, problems)
    _check_names(name, label, columns, encoding, problems)
    columns = _checked(columns, name, encoding, problems)
    if problems.sentences:
        raise XptError(problems.sentences)
    fields = layout([column.variable for column in columns])
    head = header(name, label, fields, created or FIXED_CREATED, encoding)
    record = sum(column.variable.length for column in columns)
    with replacing(Path(path), len(head) + record * len(frame)) as file:
        file.write(head)
        written = _write_rows(file, _Rows(name, columns, encoding), len(frame))
        file.write(b" " * (-written % CARD))
    return Dataset(name, label, "", "", tuple(column.variable for column in columns))


def write_xpt_pieces(
    frame: pd.DataFrame,
    path: str | Path,
    *,
    name: str,
    label: str = "",
    variables: Sequence[Variable] | None = None,
    encoding: str = "ascii",
    max_bytes: int = MAX_BYTES,
) -> list[Path]:
    """Write a dataset, and above `max_bytes` its pieces too: `lb.xpt`, `split/lb1.xpt`, `split/lb2.xpt`.

    The pieces hold whole rows in order and have the lengths of the whole (FDA guide, section 3.3.2).
    """
    path = Path(path)
    whole = write_xpt(frame, path, name=name, label=label, variables=variables, encoding=encoding)
    paths = [path]
    if path.stat().st_size <= max_bytes:
        return paths
    record = sum(variable.length for variable in whole.variables)
    head = len(header(name, label, layout(whole.variables), FIXED_CREATED, encoding))
    rows = max(1, (max_bytes - head - CARD) // record)
    for number, start in enumerate(range(0, len(frame), rows), 1):
        piece = path.parent / "split" / f"{path.stem}{number}.xpt"
        write_xpt(
            frame.iloc[start : start + rows],
            piece,
            name=f"{name}{number}",
            label=label,
            variables=whole.variables,
            encoding=encoding,
        )
        paths.append(piece)
    return paths


def study_lengths(frames: Mapping[str, pd.DataFrame], encoding: str = "ascii") -> dict[str, int]:
    """Bytes of the longest value of every character variable over all datasets of a study, at most 200.

    Supplemental qualifiers count on their own (FDA guide, section 3.3.3): their QVAL and IDVARVAL say nothing of
    other datasets, so variables of `SUPP--` are returned as `SUPPAE.QVAL`.
    """
    lengths: dict[str, int] = {}
    errors = "strict" if encoding != "ascii" else "replace"
    for dataset, frame in frames.items():
        for variable in frame.columns:
            if frame[variable].dtype != object:
                continue
            key = f"{dataset}.{variable}" if dataset.startswith("SUPP") else variable
            values = {str(v).rstrip(" ") for v in set(texts(frame[variable]))}
            longest = max((len(v.encode(encoding, errors)) for v in values), default=1)
            lengths[key] = max(lengths.get(key, 1), min(longest, MAX_TEXT))
    return lengths


def with_lengths(dataset: Dataset, lengths: Mapping[str, int]) -> Dataset:
    """The dataset with the study-wide lengths of its character variables."""

    def sized(variable: Variable) -> Variable:
        key = f"{dataset.name}.{variable.name}" if dataset.name.startswith("SUPP") else variable.name
        wanted = 8 if variable.type == "Num" else lengths.get(key, variable.length)
        return replace(variable, length=wanted)

    return replace(dataset, variables=tuple(sized(v) for v in dataset.variables))


def _columns(
    frame: pd.DataFrame,
    name: str,
    variables: Sequence[Variable] | None,
    special: Mapping[str, pd.Series],
    problems: Problems,
) -> list[Column]:
    if not frame.columns.is_unique:
        raise XptError([f"{name}: a column name occurs twice"])
    described = {variable.name: variable for variable in variables or ()}
    unknown = [str(c) for c in frame.columns if variables is not None and c not in described]
    for column in unknown:
        problems.add(f"{name}.{column}", "a column that the metadata do not describe")
    order = [n for n in described if n in frame.columns] if variables is not None else list(frame.columns)
    columns = []
    for column in order:
        values = frame[column]
        missing = missing_by_row(special.get(column), values, f"{name}.{column}", problems)
        variable = with_type(described.get(column), str(column), values)
        columns.append(Column(variable, values, missing, plain_array(values)))
    return columns


def _check_names(name: str, label: str, columns: Sequence[Column], encoding: str, problems: Problems) -> None:
    rule = "must have 1 to 8 of the letters A-Z and digits and start with a letter"
    if encoding not in ENCODINGS:
        problems.add(name, f"the encoding {encoding} is none of {', '.join(ENCODINGS)}")
        return
    if not NAME.fullmatch(name):
        problems.add(name, f"a dataset name {rule}")
    if not columns:
        problems.add(name, "a dataset needs at least one variable")
    _check_label(name, label, encoding, problems)
    for column in columns:
        variable = column.variable
        where = f"{name}.{variable.name}"
        if not NAME.fullmatch(variable.name):
            problems.add(where, f"a variable name {rule}")
        if variable.length > MAX_TEXT:
            problems.add(where, f"length {variable.length} is over the {MAX_TEXT} bytes of a character variable")
        _check_label(where, variable.label, encoding, problems)
        try:
            split_format(variable.format)
        except ValueError as error:
            problems.add(where, str(error))


def _check_label(where: str, label: str, encoding: str, problems: Problems) -> None:
    try:
        length = len(label.encode(encoding))
    except UnicodeEncodeError:
        problems.add(where, f"the label {label!r} is not in the encoding {encoding}")
        return
    if length > MAX_LABEL:
        problems.add(where, f"the label {label!r} has {length} bytes, over the {MAX_LABEL} bytes of a label")


def _checked(columns: Sequence[Column], name: str, encoding: str, problems: Problems) -> list[Column]:
    """The columns with final lengths, once every value has been looked at."""
    if problems.sentences:
        return list(columns)

    checked = []
    for column in columns:
        where, variable = f"{name}.{column.variable.name}", column.variable
        if variable.type == "Num":
            check_numbers(column, where, problems)
        elif not variable.length:
            longest = measure(column, where, encoding, problems)
            column = replace(column, variable=replace(variable, length=longest))
        checked.append(column)
    if not problems.sentences:
        _refuse_lost_rows(checked, name, problems)
    else:
        _measure_declared(columns, name, encoding, problems)
    return checked


def _measure_declared(columns: Sequence[Column], name: str, encoding: str, problems: Problems) -> None:
    """Check the texts whose length is declared; it waits until one of them turns out to need a closer look."""
    for column in columns:
        if column.variable.type == "Char" and column.variable.length:
            measure(column, f"{name}.{column.variable.name}", encoding, problems)


def _refuse_lost_rows(columns: Sequence[Column], name: str, problems: Problems) -> None:
    """Blank rows at the end of a file with records under 80 bytes look like padding to every reader."""
    rows = len(columns[0].values)
    narrow = sum(column.variable.length for column in columns) < CARD
    if not rows or not narrow or any(column.variable.type == "Num" for column in columns):
        return
    if not any(str(text).strip(" ") for column in columns for text in texts(column.values.iloc[rows - 1 :])):
        sentence = "an all-blank last row of a record under 80 bytes cannot be told from padding"
        problems.add(name, sentence, [rows])


@dataclass(slots=True)
class _Rows:
    """The observations of a dataset as bytes; texts of declared length are `measured` once one is not plain."""

    name: str
    columns: Sequence[Column]
    encoding: str
    measured: bool = False

    def bytes_of(self, column: Column, start: int, stop: int) -> npt.NDArray[Any]:
        """What stands in the file for some rows of a column; XptError where that cannot be."""
        if column.variable.type == "Num":
            return number_words(column, start, stop)
        plain = plain_bytes(column, start, stop)
        if plain is not None:
            return plain
        if not self.measured:
            problems = Problems()
            _measure_declared(self.columns, self.name, self.encoding, problems)
            if problems.sentences:
                raise XptError(problems.sentences)
            self.measured = True
        return text_bytes(column, start, stop, self.encoding)


def _write_rows(file: BinaryIO, data: _Rows, rows: int) -> int:
    """Write the observations block by block, the next one made while one is written; the number of bytes."""
    named = {f"f{i}": column for i, column in enumerate(data.columns)}
    record = np.dtype([(name, _field_type(column)) for name, column in named.items()])
    step = max(1, WRITTEN // record.itemsize)
    blocks = [np.empty(min(step, rows), dtype=record) for _ in range(2)]
    with ThreadPoolExecutor(1) as pool:
        under_way: deque[Future[int]] = deque()
        for number, (start, stop) in enumerate(spans(rows, step)):
            if len(under_way) == len(blocks):
                under_way.popleft().result()
            block = blocks[number % len(blocks)][: stop - start]
            for name, column in named.items():
                block[name] = data.bytes_of(column, start, stop)
            under_way.append(pool.submit(file.write, block.view(np.uint8).data))
        for written in under_way:
            written.result()
    return rows * record.itemsize


def _field_type(column: Column) -> str:
    return ">u8" if column.variable.type == "Num" else f"S{column.variable.length}"
