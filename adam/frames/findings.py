"""What derivations find, as frames of one shape: a row a finding, with the subject, the record and a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.columns import text

FINDING_COLUMNS = ("DATASET", "USUBJID", "RECORD", "VARIABLE", "VALUE", "RULE", "SEVERITY", "MESSAGE")

# What was chosen among records for a fact of a subject, and from which; shared by all who say so.
EVIDENCE_COLUMNS = ("USUBJID", "FACT", "DTC", "DATE", "TEXT", "SRCDOM", "SRCVAR", "SRCSEQ", "CHOSEN", "REASON")


def no_findings() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=object) for name in FINDING_COLUMNS})


def findings(
    dataset: str,
    rule: str,
    severity: str,
    rows: Iterable[tuple[str, str, str, str, str]],
) -> pd.DataFrame:
    """A findings frame; each row gives USUBJID, RECORD, VARIABLE, VALUE and MESSAGE."""
    built = [(dataset, *row[:4], rule, severity, row[4]) for row in rows]
    return pd.DataFrame(built, columns=list(FINDING_COLUMNS), dtype=object)


def issues(
    dataset: str, rows: pd.DataFrame, record: str, variable: str, rule: str, severity: str, message: str
) -> pd.DataFrame:
    """Findings of one rule, one per row of `rows`; `message` may name columns in braces."""
    found = {
        "DATASET": dataset,
        "USUBJID": text(rows, "USUBJID"),
        "RECORD": rows[record].map(_shown) if record in rows else "",
        "VARIABLE": variable,
        "VALUE": text(rows, variable),
        "RULE": rule,
        "SEVERITY": severity,
        "MESSAGE": [message.format(**{str(k): _shown(v) for k, v in r.items()}) for r in rows.to_dict("records")],
    }
    return pd.DataFrame(found, columns=list(FINDING_COLUMNS)).reset_index(drop=True)


def _shown(value: Any) -> str:
    """A cell in a sentence: numbers as short as they are exact to six digits, dates as days, missing as nothing."""
    if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, pd.Timestamp):
        return str(value.date())
    return f"{value:g}" if isinstance(value, float) else str(value)


def stack_findings(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Findings frames one below the other, in a fixed order, without repeats."""
    filled = [frame for frame in frames if len(frame)]
    if not filled:
        return no_findings()
    stacked = pd.concat(filled, ignore_index=True).drop_duplicates()
    order = ["USUBJID", "DATASET", "RECORD", "RULE", "VARIABLE", "VALUE", "MESSAGE"]
    return stacked.sort_values(order, kind="stable").reset_index(drop=True)


def gather_findings(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Findings of several rules in one frame, in the order of the rules."""
    kept = [part for part in parts if len(part)]
    return pd.concat(kept, ignore_index=True) if kept else no_findings()
