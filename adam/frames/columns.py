"""Columns as the project holds them, whatever frame they come from: the one reading of text and numbers.

Each reading has two shapes, a series with the index of its frame (`text`, `number`) and a plain array (`texts`,
`numbers`); dates are read in `dates`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from fhir2cdisc.adam.frames.arrays import Texts


def texts(frame: pd.DataFrame, name: str) -> Texts:
    """A character column as an array of `str`: missing and absent as `""`, blanks around it removed.

    Blanks at the end mean nothing in a transport file, so they mean nothing in any other format. A whole number is
    written without a point, a date as its day.
    """
    if name not in frame.columns:
        return np.full(len(frame), "", dtype=object)
    codes, values = pd.factorize(frame[name])
    plain = [value.strip() if type(value) is str else plain_text(value) for value in values]
    clean = np.array([*plain, ""], dtype=object)
    return np.asarray(clean[codes], dtype=object)


def text(frame: pd.DataFrame, name: str) -> pd.Series:
    """The same as a series."""
    return pd.Series(texts(frame, name), index=frame.index, name=name, dtype=object)


def plain_text(value: Any) -> str:
    """A cell as a reader writes it: whole numbers without a point, dates as days, missing as nothing."""
    if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, pd.Timestamp | np.datetime64):
        return str(pd.Timestamp(value).date())
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def numbers(frame: pd.DataFrame, name: str) -> npt.NDArray[np.float64]:
    """A numeric column as float64; absent, missing and unreadable as NaN."""
    if name not in frame.columns:
        return np.full(len(frame), np.nan)
    values = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return np.asarray(values, dtype=np.float64)


def number(frame: pd.DataFrame, name: str) -> pd.Series:
    """The same as a series."""
    return pd.Series(numbers(frame, name), index=frame.index, name=name, dtype=float)


def sequence_name(frame: pd.DataFrame) -> str:
    """The variable that numbers the records of a subject (ASEQ, --SEQ), blank where there is none."""
    return next((str(n) for n in frame.columns if n == "ASEQ" or (len(n) == 5 and n.endswith("SEQ"))), "")


def flag(condition: pd.Series) -> pd.Series:
    """`Y` where true, `""` elsewhere: the ADaM way to flag records."""
    return pd.Series(np.where(condition.fillna(False).astype(bool), "Y", ""), index=condition.index, dtype=object)


def yes_no(condition: pd.Series) -> pd.Series:
    """`Y` or `N`: a population flag is never blank (ADaMIG 1.3, section 3.1.4)."""
    return pd.Series(np.where(condition.fillna(False).astype(bool), "Y", "N"), index=condition.index, dtype=object)


def with_subject(frame: pd.DataFrame, adsl: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """`frame` with the ADSL variables of `names` that it does not have, by USUBJID; row order is kept."""
    wanted = [n for n in names if n in adsl and n not in frame]
    subjects = adsl.drop_duplicates("USUBJID").set_index("USUBJID")
    out = frame.copy()
    for name in wanted:
        out[name] = out["USUBJID"].map(subjects[name])
    return out


def stack(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Frames one below the other; an empty one is left out, so that it cannot change a type."""
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else frames[0]
