"""How rules look at a dataset: its columns as texts, numbers and dates, and the rows where something is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from fhir2cdisc.converters.check.rule import Hit, Loaded
from fhir2cdisc.converters.define.types import numeric_text
from fhir2cdisc.converters.xpt.columns import is_datetime, is_numeric, texts

# Values of a variable that a report names one by one, and the characters of each that it shows.
_NAMED, _SHOWN = 10, 40


def text(frame: pd.DataFrame, name: str) -> pd.Series:
    """A column as texts, empty where a value is missing or the column is not there."""
    if name not in frame.columns:
        return pd.Series([""] * len(frame), index=frame.index, dtype=object)
    values = frame[name]
    if is_datetime(values):
        return values.dt.strftime("%Y-%m-%d").fillna("").astype(object)
    if is_numeric(values):
        return by_value(values, lambda v: "" if pd.isna(v) else numeric_text(float(v))).astype(object)
    return pd.Series(texts(values), index=frame.index, dtype=object)


def by_value(values: pd.Series, function: Callable[[Any], Any]) -> pd.Series:
    """A function of each value, called once for each different one."""
    codes, distinct = pd.factorize(values, use_na_sentinel=False)
    found = pd.Series([function(value) for value in distinct], dtype=None if len(distinct) else bool)
    return pd.Series(found.to_numpy()[codes], index=values.index)


def number(frame: pd.DataFrame, name: str) -> pd.Series:
    """A column as doubles, NaN where it is no number or not there."""
    if name not in frame.columns or is_datetime(frame[name]):
        return pd.Series(np.nan, index=frame.index, dtype="float64")
    return pd.to_numeric(frame[name], errors="coerce").astype("float64")


def date(frame: pd.DataFrame, name: str) -> pd.Series:
    """A date column as datetime64 days: SAS dates, or the complete dates of an ISO 8601 column; else NaT.

    An interval of uncertainty is no complete date.
    """
    if name not in frame.columns:
        return pd.Series(pd.NaT, index=frame.index, dtype="datetime64[ns]")
    values = frame[name]
    if is_datetime(values):
        return values.dt.normalize()
    if is_numeric(values):
        days = values.where(values.abs() < 100_000)
        return pd.to_datetime(days, unit="D", origin="1960-01-01")
    said = text(frame, name)
    complete = said.str.slice(0, 10).where(said.str.fullmatch(r"\d{4}-\d\d-\d\d[^/]*"))
    return pd.to_datetime(complete, format="%Y-%m-%d", errors="coerce")


def rows_of(mask: pd.Series) -> tuple[int, ...]:
    """Row numbers, from 1, where a mask holds."""
    return tuple(int(i) + 1 for i in np.flatnonzero(mask.fillna(False).to_numpy(dtype=bool)))


def hit(loaded: Loaded, variable: str, message: str, mask: pd.Series) -> Iterator[Hit]:
    """One hit for the rows where a mask holds, none where it holds nowhere."""
    rows = rows_of(mask)
    if rows:
        yield Hit(loaded.name, variable, message, rows)


def not_terms(loaded: Loaded, variable: str, values: pd.Series, mask: pd.Series, codelist: str) -> Iterator[Hit]:
    """One hit for each value where a mask holds that is no term of a codelist; the less frequent ones together."""
    counts = values[mask].value_counts()
    order = sorted(counts.index, key=lambda value: (-counts[value], value))
    for value in order[:_NAMED]:
        shown = value if len(value) <= _SHOWN else f"{value[:_SHOWN]}..."
        yield from hit(loaded, variable, f"codelist {codelist} does not have {shown!r}", mask & (values == value))
    if rest := order[_NAMED:]:
        message = f"codelist {codelist} does not have {len(rest)} more values"
        yield from hit(loaded, variable, message, mask & values.isin(rest))


def has(loaded: Loaded, *names: str) -> bool:
    return set(names) <= set(loaded.frame.columns)


def ambiguous(frame: pd.DataFrame, keys: Sequence[str], value: str) -> pd.Series:
    """Rows whose keys go with more than one value."""
    columns = {name: text(frame, name) for name in [*keys, value]}
    plain = pd.DataFrame(columns)
    plain = plain[(plain[list(keys)] != "").all(axis=1) & (plain[value] != "")]
    counts = plain.groupby(list(keys), sort=False)[value].transform("nunique")
    return (counts > 1).reindex(frame.index, fill_value=False)
