"""Who read the scans: TUEVALID, TREVALID and RSEVALID of independent readers, one number a reader in each subject."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.sdtm.columns import READER, RECORD_NO, SUBJECT
from fhir2cdisc.sdtm.methods import derives

DOMAINS = ("TU", "TR", "RS")
_WHO = ["SUBJECT", "ROLE"]
_WHO_READ = [*_WHO, "READER"]


@derives(
    "TUEVALID TREVALID RSEVALID",
    "That of the source, else RADIOLOGIST (of INDEPENDENT evaluators) or ADJUDICATOR and a number within subject and "
    "role, in the order of the readers' keys",
)
def number_readers(
    frames: Mapping[str, pd.DataFrame], records: pd.DataFrame
) -> tuple[dict[str, pd.DataFrame], list[Finding]]:
    """TU, TR and RS with --EVALID of independent readers and adjudicators (codelist MEDEVAL), and what was found.

    The readers of a subject are numbered in the order of their keys (`_READER`, see `performers`) over TU, TR and RS
    together, so that a reader has one number in all three whatever the order of what was read, and the only reader
    of a subject is number 1. A record that names no performer is of the only reader; where there are several it
    stays blank and is a finding. An --EVALID that the mapping gives is kept.
    """
    made = {d: frames[d].assign(**{f"{d}EVALID": _column(frames[d], f"{d}EVALID")}) for d in DOMAINS if d in frames}
    if not made:
        return {}, []
    readings = _numbered(pd.concat([_readings(frame, domain) for domain, frame in made.items()], ignore_index=True))
    for domain, own in readings[readings["EVALID"] != ""].groupby("DOMAIN"):
        made[str(domain)].loc[own["ROW"], f"{domain}EVALID"] = own["EVALID"].to_numpy()
    return made, _unnamed(readings[readings["EVALID"] == ""], records)


def _numbered(readings: pd.DataFrame) -> pd.DataFrame:
    """The readings with READERS, how many the subject has of the role, and EVALID; blank where it cannot be told."""
    named = readings.loc[readings["READER"] != "", _WHO_READ].drop_duplicates().sort_values(_WHO_READ)
    named["NUMBER"] = named.groupby(_WHO).cumcount() + 1
    readers = named.groupby(_WHO)["NUMBER"].max().rename("READERS").reset_index()
    readings = readings.merge(named, on=_WHO_READ, how="left").merge(readers, on=_WHO, how="left")
    alone = readings["NUMBER"].isna() & ~(readings["READERS"] > 1)
    number = readings["NUMBER"].where(~alone, 1.0)
    evalid = readings["ROLE"] + " " + number.map("{:.0f}".format)
    return readings.assign(EVALID=evalid.where(number.notna(), ""))


def _readings(frame: pd.DataFrame, domain: str) -> pd.DataFrame:
    """The records of readers and adjudicators whose --EVALID is to be found; that of all others is blank or given."""
    evaluator = _column(frame, f"{domain}EVAL")
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
