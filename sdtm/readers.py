"""Who read the scans: TUEVALID, TREVALID and RSEVALID of independent readers, one number a reader in each subject."""

from __future__ import annotations

import numpy as np
import pandas as pd
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.sdtm.columns import READER, RECORD_NO, SUBJECT

DOMAINS = ("TU", "TR", "RS")
_WHO = ["SUBJECT", "ROLE"]
_READER = [*_WHO, "READER"]


def number_readers(frames: dict[str, pd.DataFrame], records: pd.DataFrame) -> list[Finding]:
    """Fill --EVALID of independent readers (`RADIOLOGIST n`) and adjudicators (`ADJUDICATOR n`), codelist MEDEVAL.

    The readers of a subject are numbered in the order of their keys (`_READER`, see `performers`) over TU, TR and RS
    together, so that a reader has one number in all three whatever the order of what was read, and the only reader
    of a subject is number 1. A record that names no performer is of the only reader; where there are several it
    stays blank and is a finding. An --EVALID that the mapping gives is kept.
    """
    parts = [_readings(frames[domain], domain) for domain in DOMAINS if domain in frames]
    if not parts:
        return []
    readings = pd.concat(parts, ignore_index=True)
    named = readings.loc[readings["READER"] != "", _READER].drop_duplicates().sort_values(_READER)
    named["NUMBER"] = named.groupby(_WHO).cumcount() + 1
    readings = readings.merge(named, on=_READER, how="left")
    readers = named.groupby(_WHO)["NUMBER"].max().rename("READERS")
    readings = readings.merge(readers.reset_index(), on=_WHO, how="left")
    alone = readings["NUMBER"].isna() & ~(readings["READERS"] > 1)
    number = readings["NUMBER"].where(~alone, 1.0)
    readings["EVALID"] = readings["ROLE"] + " " + number.map("{:.0f}".format)
    for domain, own in readings[number.notna()].groupby("DOMAIN"):
        frames[str(domain)].loc[own["ROW"], f"{domain}EVALID"] = own["EVALID"].to_numpy()
    return _unnamed(readings[number.isna()], records)


def _readings(frame: pd.DataFrame, domain: str) -> pd.DataFrame:
    """The records of readers and adjudicators whose --EVALID is to be found; that of all others is blank or given."""
    evaluator = _column(frame, f"{domain}EVAL")
    frame[f"{domain}EVALID"] = _column(frame, f"{domain}EVALID")
    role = np.select(
        [evaluator.str.contains("INDEPENDENT", regex=False), evaluator == "ADJUDICATOR"],
        ["RADIOLOGIST", "ADJUDICATOR"],
        "",
    )
    reader = _column(frame, READER)
    made = pd.DataFrame(
        {
            "DOMAIN": domain,
            "ROW": frame.index,
            "SUBJECT": frame[SUBJECT],
            "RECORD_NO": frame[RECORD_NO],
            "ROLE": role,
            "READER": reader,
        }
    )
    return made[(role != "") & (frame[f"{domain}EVALID"] == "")]


def _column(frame: pd.DataFrame, name: str) -> pd.Series:
    return frame.get(name, pd.Series("", index=frame.index, dtype=object)).fillna("").astype(object)


def _unnamed(readings: pd.DataFrame, records: pd.DataFrame) -> list[Finding]:
    """A finding for each resource that could be of more than one reader."""
    found = []
    for row in readings.drop_duplicates(["DOMAIN", "RECORD_NO"]).itertuples():
        place = records.iloc[int(row.RECORD_NO)]
        name, resource = f"{row.DOMAIN}EVALID", f"{place['RESOURCE']}/{place['ID']}"
        said = f"names no performer, and the subject has {row.READERS:.0f} readers; it is left blank"
        found.append(
            Finding(
                "reader.unnamed",
                f"{resource}: {name}: {said}",
                "warning",
                file=place["FILE"],
                line=int(place["LINE"]),
                entry=int(place["ENTRY"]),
                resource=resource,
                variable=name,
            )
        )
    return found
