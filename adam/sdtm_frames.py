"""SDTM frames as ADaM reads them: by name, columns always there, and cut at a date where a data cut is asked for."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from fhir2cdisc.adam.coerce import text
from fhir2cdisc.adam.partial_dates import impute_dates

Frames = Mapping[str, pd.DataFrame]

# The date that says when a record of a domain happened; in the first that the frame has.
RECORD_DATES = ("STDTC", "DTC")
# Domains without a date of their own in every record, or about the whole life of a subject: never cut.
_UNCUT = frozenset(("DM", "MH", "SC", "RELREC", "CO"))


def dataset(frames: Frames, name: str) -> pd.DataFrame:
    """The dataset, or an empty frame with USUBJID where there is none."""
    return frames.get(name, pd.DataFrame({"USUBJID": pd.Series(dtype=object)}))


def full_dates(frame: pd.DataFrame, column: str) -> pd.Series:
    """A --DTC as dates, only where it is complete to the day."""
    return impute_dates(text(frame, column), "first", "")[0]


def record_date(frame: pd.DataFrame, domain: str) -> str:
    """The name of the date column of a domain's records, blank where it has none."""
    return next((f"{domain}{suffix}" for suffix in RECORD_DATES if f"{domain}{suffix}" in frame), "")


def cut_at(frames: Frames, cutoff: str) -> dict[str, pd.DataFrame]:
    """The data as they stood at the end of `cutoff` (ISO date, blank: no cut).

    A record that began after the cut-off is left out (a partial date counts as its first possible day); a later
    end date, a later death and the end of participation are not yet known and become blank.
    """
    if not cutoff:
        return dict(frames)
    limit = pd.Timestamp(cutoff)
    made = {name: _cut(frame, name, limit) for name, frame in frames.items()}
    if "DM" in made:
        made["DM"] = _cut_dm(made["DM"], limit)
    return made


def _cut(frame: pd.DataFrame, name: str, limit: pd.Timestamp) -> pd.DataFrame:
    column = record_date(frame, name)
    if name in _UNCUT or not column:
        return frame
    began = impute_dates(text(frame, column), "first")[0]
    kept = frame[~(began > limit)].copy()
    end = f"{name}ENDTC"
    if end in kept:
        late = impute_dates(text(kept, end), "first")[0] > limit
        kept.loc[late, end] = ""
    return kept


def _cut_dm(dm: pd.DataFrame, limit: pd.Timestamp) -> pd.DataFrame:
    dm = dm.copy()
    for column in ("DTHDTC", "RFPENDTC", "RFENDTC", "RFXENDTC"):
        if column in dm:
            late = full_dates(dm, column) > limit
            dm.loc[late, column] = ""
            if column == "DTHDTC" and "DTHFL" in dm:
                dm.loc[late, "DTHFL"] = ""
    return dm


def with_supp(frames: Frames, domain: str) -> pd.DataFrame:
    """A domain with its supplemental qualifiers as columns (QNAM), joined by --SEQ or by subject."""
    base = dataset(frames, domain)
    supp = frames.get(f"SUPP{domain}")
    if supp is None or not len(supp) or not len(base):
        return base
    keyed = supp.assign(_N=pd.to_numeric(supp["IDVARVAL"], errors="coerce"))
    if (supp["IDVAR"] == "").all():
        wide = keyed.drop_duplicates(["USUBJID", "QNAM"]).pivot(index="USUBJID", columns="QNAM", values="QVAL")
        return base.merge(wide.reset_index(), on="USUBJID", how="left").fillna(dict.fromkeys(wide.columns, ""))
    seq = f"{domain}SEQ"
    first = keyed.drop_duplicates(["USUBJID", "_N", "QNAM"])
    wide = first.pivot(index=["USUBJID", "_N"], columns="QNAM", values="QVAL").reset_index()
    made = base.merge(wide.rename(columns={"_N": seq}), on=["USUBJID", seq], how="left")
    names = [c for c in wide.columns if c not in ("USUBJID", "_N")]
    return made.fillna(dict.fromkeys(names, ""))
