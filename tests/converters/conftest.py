"""Transport files read by four independent readers, in one shape."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyreadstat
import pytest
from fhir2cdisc.converters.xpt import read_xpt


@dataclass(frozen=True)
class Reading:
    """What one reader found: NaN and "" as missing, dates as SAS numbers, formats without the dot."""

    frame: pd.DataFrame
    name: str | None = None
    label: str | None = None
    labels: dict[str, str] | None = None
    formats: dict[str, str] | None = None
    lengths: dict[str, int] | None = None


def by_pandas(path: Path) -> Reading:
    found: Any = pd.read_sas(path, format="xport", encoding="utf-8")
    # pandas 2.3 reads the word of zero as 2**-260, the smallest number of the format.
    return Reading(found.where(~found.isna() | ~found.dtypes.map(pd.api.types.is_object_dtype), "").replace(2.0**-260, 0.0))


def by_pyreadstat(path: Path) -> Reading:
    frame, meta = pyreadstat.read_xport(path, disable_datetime_conversion=True)
    return Reading(
        frame,
        meta.table_name,
        meta.file_label or "",
        {k: v or "" for k, v in meta.column_names_to_labels.items()},
        {k: (v or "").rstrip(".") for k, v in meta.original_variable_types.items()},
        dict(meta.variable_storage_width),
    )


def by_xport(path: Path) -> Reading:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import xport.v56 as v56

        content = path.read_bytes()
        library: Any = v56.loads(content)
        start = content.index(b"HEADER RECORD*******MEMBER")
        header: Any = v56.MemberHeader.from_bytes(content[start : content.index(b"RECORD*******OBS ") + 74])
        (member,) = library.values()
        frame = pd.DataFrame({name: list(member[name]) for name in header})
    return Reading(
        frame,
        member.name,
        header.label,
        {name: header[name].label for name in header},
        {name: str(header[name].format).rstrip(".") for name in header},
        {name: header[name].length for name in header},
    )


def by_us(path: Path) -> Reading:
    frame, dataset = read_xpt(path, dates=False)
    return Reading(
        frame,
        dataset.name,
        dataset.label,
        {v.name: v.label for v in dataset.variables},
        {v.name: v.format.rstrip(".") for v in dataset.variables},
        {v.name: v.length for v in dataset.variables},
    )


@pytest.fixture(scope="session")
def readers() -> dict[str, Callable[[Path], Reading]]:
    """Four readers of a transport file by name; each takes a path and gives a Reading."""
    return {"pandas": by_pandas, "pyreadstat": by_pyreadstat, "xport": by_xport, "fhir2cdisc": by_us}
