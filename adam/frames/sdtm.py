"""SDTM frames as ADaM reads them: by name, columns always there, and cut at a date where a data cut is asked for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.columns import text
from fhir2cdisc.adam.frames.dates import impute_dates

Frames = Mapping[str, pd.DataFrame]

# The date that says when a record of a domain happened; in the first that the frame has.
RECORD_DATES = ("STDTC", "DTC")
# The dates of DM that a cut can make unknown.
REFERENCE_DATES = ("RFICDTC", "RFSTDTC", "RFXSTDTC", "RFXENDTC", "RFENDTC", "RFPENDTC", "DTHDTC")
# Domains without a date of their own in every record, or about the whole life of a subject: never cut.
_UNCUT = frozenset(("DM", "MH", "SC", "RELREC", "CO"))


def dataset(frames: Frames, name: str) -> pd.DataFrame:
    """The dataset, or an empty frame with USUBJID where there is none."""
    return frames.get(name, pd.DataFrame({"USUBJID": pd.Series(dtype=object)}))


def tidy(frames: Frames) -> dict[str, pd.DataFrame]:
    """The frames without blanks around their texts, which mean nothing; a frame that has none is the same object."""
    return {name: _tidy(frame) for name, frame in frames.items()}


def _tidy(frame: pd.DataFrame) -> pd.DataFrame:
    changed = {}
    for name in frame.columns:
        column = frame[name]
        if pd.api.types.is_object_dtype(column) or pd.api.types.is_string_dtype(column):
            codes, uniques = pd.factorize(column)
            plain = [value.strip() if isinstance(value, str) else value for value in uniques]
            if any(isinstance(old, str) and old != new for old, new in zip(uniques, plain, strict=True)):
                table = np.array([*plain, None], dtype=object)
                changed[name] = pd.Series(table[codes], index=frame.index)
    return frame.assign(**changed) if changed else frame


def record_date(frame: pd.DataFrame, domain: str) -> str:
    """The name of the date column of a domain's records, blank where it has none."""
    return next((f"{domain}{suffix}" for suffix in RECORD_DATES if f"{domain}{suffix}" in frame), "")


def cut_at(frames: Frames, cutoff: str) -> dict[str, pd.DataFrame]:
    """The data as they stood at the end of `cutoff` (ISO date, blank: no cut).

    A record that began after the cut-off is left out (a partial date counts as its first possible day); a later
    end date, and every later reference date of DM (consent, first dose, death, end of participation), is not yet
    known and becomes blank. An adverse event that killed after the cut was not known to be fatal, nor was death the
    known reason of an end of treatment before it.
    """
    if not cutoff:
        return dict(frames)
    limit = pd.Timestamp(cutoff)
    later = _died_later(frames, limit)
    made = {name: _cut(frame, name, limit) for name, frame in frames.items()}
    if "DM" in made:
        made["DM"] = _cut_dm(made["DM"], limit)
    if "AE" in made:
        made["AE"] = _not_yet_fatal(made["AE"], frames["AE"], later, limit)
    if "DS" in made:
        # Treatment that ended before the cut was given up for a death that nobody could know of yet.
        ds = made["DS"]
        made["DS"] = ds[~((text(ds, "DSDECOD") == "DEATH") & ds["USUBJID"].isin(later))]
    return made


def _died_later(frames: Frames, limit: pd.Timestamp) -> set[str]:
    """The subjects whose death, by any domain that dates it, lies after the cut."""
    found: set[str] = set()
    ds = dataset(frames, "DS")
    deaths = {"DM": ("DTHDTC", dataset(frames, "DM")), "DD": ("DDDTC", dataset(frames, "DD"))}
    deaths["DS"] = ("DSSTDTC", ds[text(ds, "DSDECOD") == "DEATH"])
    ae = dataset(frames, "AE")
    deaths["AE"] = ("AEENDTC", ae[text(ae, "AEOUT").str.upper() == "FATAL"])
    for column, rows in deaths.values():
        found |= set(rows.loc[impute_dates(text(rows, column), "first")[0] > limit, "USUBJID"])
    return found


def _not_yet_fatal(kept: pd.DataFrame, ae: pd.DataFrame, later: set[str], limit: pd.Timestamp) -> pd.DataFrame:
    """Adverse events that killed after the cut: nobody knew yet how they would end, nor their grade 5."""
    ended = impute_dates(text(ae, "AEENDTC"), "first")[0].reindex(kept.index) > limit
    open_ = kept["USUBJID"].isin(later) | ended
    unknown = {"AEOUT": ("FATAL", "NOT RECOVERED/NOT RESOLVED"), "AESDTH": ("Y", ""), "AETOXGR": ("5", "")}
    changed = {
        name: kept[name].mask(open_ & (text(kept, name) == old), new)
        for name, (old, new) in unknown.items()
        if name in kept
    }
    return kept.assign(**changed)


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
        if f"{name}ENDY" in kept:
            kept.loc[late, f"{name}ENDY"] = np.nan
    return kept


def _cut_dm(dm: pd.DataFrame, limit: pd.Timestamp) -> pd.DataFrame:
    dm = dm.copy()
    for column in REFERENCE_DATES:
        if column in dm:
            late = impute_dates(text(dm, column), "first")[0] > limit
            dm.loc[late, column] = ""
            if column == "DTHDTC" and "DTHFL" in dm:
                dm.loc[late, "DTHFL"] = ""
    return dm
