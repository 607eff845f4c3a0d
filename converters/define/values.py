"""Value-level metadata: what a result variable holds for each test or parameter (Define-XML 2.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from fhir2cdisc.converters.define.types import ItemType, item_type
from fhir2cdisc.converters.define.xml import oid
from fhir2cdisc.converters.xpt.columns import texts
from fhir2cdisc.mappings.standard.datasets import Dataset, Variable

# Which variable says what is measured, its decode, and the variables that hold the measure.
_LEVELS = (
    ("PARAMCD", "PARAM", ("AVAL", "AVALC")),
    ("QNAM", "QLABEL", ("QVAL",)),
    ("TSPARMCD", "TSPARM", ("TSVAL",)),
)
_FINDINGS = ("ORRES", "ORRESU", "STRESC", "STRESN", "STRESU")


@dataclass(frozen=True, slots=True)
class ValueLevel:
    """One measured thing in one variable: `AVAL` where PARAMCD is `PFS`."""

    dataset: str
    variable: Variable
    key: str
    value: str
    label: str
    type: ItemType
    frame: pd.DataFrame

    @property
    def item_oid(self) -> str:
        return oid("IT", self.dataset, self.variable.name, self.value)

    @property
    def where_oid(self) -> str:
        return oid("WC", self.dataset, self.key, self.value)

    @property
    def path(self) -> str:
        """`ADTTE.AVAL.PFS`, the name under which a method or comment can be given."""
        return f"{self.dataset}.{self.variable.name}.{self.value}"


def value_levels(dataset: Dataset, frame: pd.DataFrame) -> Mapping[str, tuple[ValueLevel, ...]]:
    """The value levels of each variable of a dataset that has them, by variable name."""
    levels: dict[str, tuple[ValueLevel, ...]] = {}
    for key, decode, names in _keys(dataset.name):
        if key not in frame.columns or key not in dataset:
            continue
        for name in names:
            if name in frame.columns and name in dataset:
                found = tuple(_levels(dataset, frame, key, decode, name))
                if found:
                    levels[name] = found
    return levels


def _keys(dataset: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    prefix = dataset[:2]
    yield f"{prefix}TESTCD", f"{prefix}TEST", tuple(prefix + suffix for suffix in _FINDINGS)
    yield from _LEVELS


def _levels(dataset: Dataset, frame: pd.DataFrame, key: str, decode: str, name: str) -> Iterator[ValueLevel]:
    variable = dataset[name]
    present = frame[name].notna() & (frame[name].astype(object) != "")
    rows = np.flatnonzero(present.to_numpy(dtype=bool))
    for value, places in pd.Series(rows).groupby(texts(frame[key])[rows], sort=True):
        if not value:
            continue
        part = frame.iloc[places.to_numpy()]
        label = next((t for t in texts(part[decode]) if t), "") if decode in part.columns else ""
        kind = item_type(variable, part[name], measured=True)
        yield ValueLevel(dataset.name, variable, key, value, label or variable.label, kind, part)
