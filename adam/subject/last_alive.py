"""The last date on which a subject is known to be alive, with the record that says so (LSTALVDT)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.columns import number, text
from fhir2cdisc.adam.frames.dates import full_dates
from fhir2cdisc.adam.frames.sdtm import Frames
from fhir2cdisc.adam.frames.variables import derived, derived_date, derived_number
from fhir2cdisc.adam.subject.evidence import as_evidence
from fhir2cdisc.mappings.standard.datasets import record_key

# Records that only exist because the subject was alive on that day. Dates of plans, of history told later, of
# death and of the end of participation are not among them.
ALIVE_ON = (
    ("SS", "SSSTRESC"),
    ("SS", "SSDTC"),
    ("AE", "AESTDTC"),
    ("AE", "AEENDTC"),
    ("BE", "BEDTC"),
    ("CM", "CMSTDTC"),
    ("EX", "EXSTDTC"),
    ("EX", "EXENDTC"),
    ("GF", "GFDTC"),
    ("HO", "HOSTDTC"),
    ("HO", "HOENDTC"),
    ("LB", "LBDTC"),
    ("MI", "MIDTC"),
    ("PR", "PRSTDTC"),
    ("PR", "PRENDTC"),
    ("QS", "QSDTC"),
    ("RS", "RSDTC"),
    ("SU", "SUDTC"),
    ("SU", "SUSTDTC"),
    ("SV", "SVSTDTC"),
    ("SV", "SVENDTC"),
    ("TR", "TRDTC"),
    ("TU", "TUDTC"),
    ("VS", "VSDTC"),
    ("XO", "XODTC"),
)
COLUMNS = ["USUBJID", "LSTALVDT", "LALVDOM", "LALVVAR", "LALVSEQ"]
VARIABLES = (
    derived_date(
        "LSTALVDT",
        "Date Last Known Alive",
        f"Latest complete date, not after DTHDT or the data cut-off, of {', '.join(name for _, name in ALIVE_ON)} (SS: "
        "unless SSSTRESC is DEAD; AEENDTC: unless AEOUT is FATAL, AESDTH Y or AETOXGR 5); of equals the first in "
        "this order, then the lowest --SEQ",
    ),
    derived("LALVDOM", "Last Known Alive: Source Domain", "Dataset of the record that gives LSTALVDT"),
    derived("LALVVAR", "Last Known Alive: Source Variable", "Variable of the record that gives LSTALVDT"),
    derived_number(
        "LALVSEQ", "Last Known Alive: Source Sequence", "--SEQ (SV: VISITNUM) of the record that gives LSTALVDT"
    ),
)


_DATED = ["USUBJID", "LSTALVDT", "LALVDOM", "LALVVAR", "LALVSEQ", "_RANK", "DTC"]


def last_known_alive(frames: Frames, died: pd.Series, until: pd.Timestamp | None = None) -> pd.DataFrame:
    """LSTALVDT with LALVDOM, LALVVAR and LALVSEQ for each subject that has one.

    `died` is the date of death by USUBJID; a record after it (a death certificate, a late result) says nothing
    of life and does not count, nor does one after `until`. Dates complete to the day only. Of several records of
    the same day the first in the order of `ALIVE_ON` is named. LALVSEQ is --SEQ, in SV, which has none, VISITNUM.
    """
    dates = signs_of_life(frames)
    usable = ~(dates["LSTALVDT"] > pd.to_datetime(dates["USUBJID"].map(died)))
    if until is not None:
        usable &= ~(dates["LSTALVDT"] > until)
    return _latest(dates[usable], ["USUBJID"])[COLUMNS].astype({"LALVSEQ": np.float64})


def signs_of_life(frames: Frames) -> pd.DataFrame:
    """Every dated record that exists because its subject was alive, with its rank in `ALIVE_ON`."""
    parts = [
        _dated(frames[domain], domain, variable, rank)
        for rank, (domain, variable) in enumerate(ALIVE_ON)
        if domain in frames and variable in frames[domain]
    ]
    if not parts:
        return pd.DataFrame(columns=_DATED).astype({"LSTALVDT": "datetime64[ns]", "LALVSEQ": np.float64})
    return pd.concat(parts, ignore_index=True).dropna(subset=["LSTALVDT"])


def _dated(frame: pd.DataFrame, domain: str, variable: str, rank: int) -> pd.DataFrame:
    # The day on which somebody was found to be dead is no day of life, nor is the end of what killed them.
    if domain == "SS":
        frame = frame[text(frame, "SSSTRESC").str.upper() != "DEAD"]
    if variable == "AEENDTC":
        frame = frame[~is_fatal(frame)]
    return pd.DataFrame(
        {
            "USUBJID": text(frame, "USUBJID"),
            "LSTALVDT": full_dates(frame, variable),
            "LALVDOM": domain,
            "LALVVAR": variable,
            "LALVSEQ": number(frame, record_key(domain)),
            "_RANK": rank,
            "DTC": text(frame, variable),
        }
    )


def is_fatal(ae: pd.DataFrame) -> pd.Series:
    """Which adverse events killed: outcome FATAL, death as their seriousness, or grade 5."""
    fatal = (text(ae, "AEOUT").str.upper() == "FATAL") | (text(ae, "AESDTH").str.upper() == "Y")
    return fatal | text(ae, "AETOXGR").str.upper().isin(["5", "GRADE 5"])


def _latest(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    order = [*by, "LSTALVDT", "_RANK", "LALVSEQ"]
    ordered = rows.sort_values(order, ascending=[*(True for _ in by), False, True, True])
    return ordered.drop_duplicates(by).reset_index(drop=True)


def contact_evidence(frames: Frames, alive: pd.DataFrame, died: pd.Series) -> pd.DataFrame:
    """Of each subject the latest record of every kind, the one that is LSTALVDT (`alive`), and those after death."""
    dates = _latest(signs_of_life(frames), ["USUBJID", "LALVDOM", "LALVVAR"])
    keys = ["USUBJID", "LALVDOM", "LALVVAR", "LALVSEQ"]
    taken = pd.MultiIndex.from_frame(dates[keys].fillna(-1)).isin(pd.MultiIndex.from_frame(alive[keys].fillna(-1)))
    after = dates["LSTALVDT"] > pd.to_datetime(dates["USUBJID"].map(died))
    missing = alive[~alive["USUBJID"].isin(dates.loc[taken, "USUBJID"])]
    rows = pd.concat([dates.assign(_T=taken, _A=after), missing.assign(_T=True, _A=False)], ignore_index=True)
    chosen, late = rows["_T"].astype(bool), rows["_A"].astype(bool)
    return as_evidence(
        pd.DataFrame(
            {
                "USUBJID": rows["USUBJID"],
                "DTC": rows["DTC"],
                "DATE": rows["LSTALVDT"],
                "SRCDOM": rows["LALVDOM"],
                "SRCVAR": rows["LALVVAR"],
                "SRCSEQ": rows["LALVSEQ"],
                "CHOSEN": np.where(chosen, "Y", ""),
                "REASON": np.select(
                    [chosen, late],
                    ["the latest record that proves life", "after the day of death, so it proves no life"],
                    "another record is as late or later",
                ),
            }
        ),
        "last contact",
    )
