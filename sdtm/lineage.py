"""Where each SDTM record came from: file, line or entry, resource, id, version and the rule that made it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from fhir2cdisc.fhir.cells import is_row
from fhir2cdisc.mappings.standard.datasets import record_key
from fhir2cdisc.sdtm.columns import RECORD_NO, SOURCE, USED

LINEAGE_COLUMNS = [
    "DATASET",
    "USUBJID",
    "SEQ",
    "ROLE",
    "FILE",
    "LINE",
    "ENTRY",
    "RESOURCE",
    "ID",
    "VERSION",
    "RULE",
]
_PLACE = ["FILE", "LINE", "ENTRY", "RESOURCE", "ID", "VERSION"]


def of_extracts(frame: pd.DataFrame, records: pd.DataFrame) -> pd.Series:
    """Which rows come from an extract; `records` by _RECORD_NO."""
    kinds = records["RESOURCE"].to_numpy()[frame[RECORD_NO].to_numpy(np.int64)]
    return pd.Series([is_row(kind) for kind in kinds], index=frame.index, dtype=bool)


def lineage_of(frame: pd.DataFrame, domain: str, records: pd.DataFrame) -> pd.DataFrame:
    """One row for each record and resource: ROLE `source` made the record, `support` was read to fill it.

    SEQ is --SEQ; VISITNUM in SV, which has none; 0 in DM, where a subject has one record. `frame` still has its
    working columns.
    """
    seq = frame.get(record_key(domain), pd.Series(0.0, index=frame.index)).astype(float)
    counts = frame[USED].map(len).to_numpy()
    support = np.repeat(np.arange(len(frame)), counts)
    rows = np.concatenate([np.arange(len(frame)), support])
    numbers = np.concatenate(
        [
            frame[RECORD_NO].to_numpy(np.int64),
            np.array([n for used in frame[USED] for n in used], dtype=np.int64),
        ]
    )
    made = pd.DataFrame(
        {
            "DATASET": domain,
            "USUBJID": frame["USUBJID"].to_numpy()[rows],
            "SEQ": seq.to_numpy()[rows],
            "ROLE": np.where(np.arange(len(rows)) < len(frame), "source", "support"),
            "RULE": frame[SOURCE].to_numpy()[rows],
        }
    )
    place = records[_PLACE].iloc[numbers].reset_index(drop=True)
    return (
        pd.concat([made, place], axis=1)[LINEAGE_COLUMNS]
        .sort_values(["DATASET", "USUBJID", "SEQ", "ROLE", "RESOURCE", "ID"], kind="stable")
        .reset_index(drop=True)
    )
