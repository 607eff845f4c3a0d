"""Columns as the project holds them, whatever frame they come from: text, numbers, dates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

ISSUE_COLUMNS = ("DATASET", "USUBJID", "RECORD", "VARIABLE", "VALUE", "RULE", "SEVERITY", "MESSAGE")


def text(frame: pd.DataFrame, name: str) -> pd.Series:
    """A character column, missing and absent as `""`."""
    if name not in frame:
        return pd.Series("", index=frame.index, dtype=object)
    column = frame[name]
    filled = column.astype(object).where(column.notna(), "")
    # The usual column holds nothing but text: looking costs far less than converting every cell.
    return filled if pd.api.types.infer_dtype(filled) == "string" else filled.map(str).astype(object)


def number(frame: pd.DataFrame, name: str) -> pd.Series:
    """A numeric column as float64; absent, missing and unreadable as NaN."""
    if name not in frame:
        return pd.Series(np.nan, index=frame.index, dtype=float)
    return pd.to_numeric(frame[name], errors="coerce").astype(float)


def date(frame: pd.DataFrame, name: str) -> pd.Series:
    """A date column as datetime64[ns] at midnight; absent and missing as NaT."""
    if name not in frame:
        return pd.Series(pd.NaT, index=frame.index, dtype="datetime64[ns]")
    column = frame[name]
    if not pd.api.types.is_datetime64_any_dtype(column):
        column = pd.to_datetime(column.astype(object).where(column.notna() & (column != ""), None))
    return column.astype("datetime64[ns]").dt.normalize()


def flag(condition: pd.Series) -> pd.Series:
    """`Y` where true, `""` elsewhere: the ADaM way to flag records."""
    return pd.Series(np.where(condition.fillna(False).astype(bool), "Y", ""), index=condition.index, dtype=object)


def study_day(dates: pd.Series, start: pd.Series) -> pd.Series:
    """Days from `start`, which is day 1; the day before is day -1; there is no day 0 (ADaMIG 1.3, 3.1.2)."""
    days = (dates - start).dt.days.astype(float)
    return days.where(days < 0, days + 1)


def with_subject(frame: pd.DataFrame, adsl: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """`frame` with the ADSL variables of `names` that it does not have, by USUBJID; row order is kept."""
    wanted = [n for n in names if n in adsl and n not in frame]
    subjects = adsl.drop_duplicates("USUBJID").set_index("USUBJID")
    out = frame.copy()
    for name in wanted:
        out[name] = out["USUBJID"].map(subjects[name])
    return out


def issues(
    dataset: str, rows: pd.DataFrame, record: str, variable: str, rule: str, severity: str, message: str
) -> pd.DataFrame:
    """Findings of one rule, one per row of `rows`; `message` may name columns in braces."""
    found = {
        "DATASET": dataset,
        "USUBJID": text(rows, "USUBJID"),
        "RECORD": rows[record].map(_plain) if record in rows else "",
        "VARIABLE": variable,
        "VALUE": text(rows, variable),
        "RULE": rule,
        "SEVERITY": severity,
        "MESSAGE": [message.format(**{str(k): _plain(v) for k, v in r.items()}) for r in rows.to_dict("records")],
    }
    return pd.DataFrame(found, columns=list(ISSUE_COLUMNS)).reset_index(drop=True)


def _plain(value: Any) -> str:
    """A cell as a reader writes it: whole numbers without a point, dates as days, missing as nothing."""
    if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, pd.Timestamp):
        return str(value.date())
    return f"{value:g}" if isinstance(value, float) else str(value)


def gather_issues(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Findings of several rules in one frame, in the order of the rules."""
    kept = [p for p in parts if len(p)]
    if not kept:
        return pd.DataFrame(columns=list(ISSUE_COLUMNS), dtype=object)
    return pd.concat(kept, ignore_index=True)
