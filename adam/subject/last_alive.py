"""The last date on which a subject is known to be alive, with the record that says so (LSTALVDT)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.columns import number, text
from fhir2cdisc.adam.frames.dates import full_dates
from fhir2cdisc.adam.frames.sdtm import Frames
from fhir2cdisc.adam.frames.variables import derived, derived_date, derived_number
from fhir2cdisc.mappings.standard.datasets import record_key

# Records that only exist because the subject was alive on that day. Dates of plans, of history told later, of
# death and of the end of participation are not among them.
ALIVE_ON = (
    ("SS", "SSSTRESC"),
    ("SS", "SSDTC"),
    ("AE", "AESTDTC"),
    ("AE", "AEENDTC"),
    ("CM", "CMSTDTC"),
    ("EX", "EXSTDTC"),
    ("EX", "EXENDTC"),
    ("GF", "GFDTC"),
    ("LB", "LBDTC"),
    ("MI", "MIDTC"),
    ("PR", "PRSTDTC"),
    ("PR", "PRENDTC"),
    ("QS", "QSDTC"),
    ("RS", "RSDTC"),
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
        "unless SSSTRESC is DEAD); of equals the first in this order, then the lowest --SEQ",
    ),
    derived("LALVDOM", "Last Known Alive: Source Domain", "Dataset of the record that gives LSTALVDT"),
    derived("LALVVAR", "Last Known Alive: Source Variable", "Variable of the record that gives LSTALVDT"),
    derived_number(
        "LALVSEQ", "Last Known Alive: Source Sequence", "--SEQ (SV: VISITNUM) of the record that gives LSTALVDT"
    ),
)


def last_known_alive(frames: Frames, died: pd.Series, until: pd.Timestamp | None = None) -> pd.DataFrame:
    """LSTALVDT with LALVDOM, LALVVAR and LALVSEQ for each subject that has one.

    `died` is the date of death by USUBJID; a record after it (a death certificate, a late result) says nothing
    of life and does not count, nor does one after `until`. Dates complete to the day only. Of several records of
    the same day the first in the order of `ALIVE_ON` is named. LALVSEQ is --SEQ, in SV, which has none, VISITNUM.
    """
    parts = []
    for rank, (domain, variable) in enumerate(ALIVE_ON):
        frame = frames.get(domain)
        if frame is None or variable not in frame:
            continue
        # The day on which somebody was found to be dead is no day of life.
        frame = frame[text(frame, f"{domain}STRESC") != "DEAD"] if domain == "SS" else frame
        parts.append(
            pd.DataFrame(
                {
                    "USUBJID": text(frame, "USUBJID"),
                    "LSTALVDT": full_dates(frame, variable),
                    "LALVDOM": domain,
                    "LALVVAR": variable,
                    "LALVSEQ": number(frame, record_key(domain)),
                    "_RANK": rank,
                }
            )
        )
    if not parts:
        return pd.DataFrame(columns=COLUMNS).astype({"LSTALVDT": "datetime64[ns]", "LALVSEQ": np.float64})
    dates = pd.concat(parts, ignore_index=True).dropna(subset=["LSTALVDT"])
    death = dates["USUBJID"].map(died)
    usable = ~(dates["LSTALVDT"] > death)
    if until is not None:
        usable &= ~(dates["LSTALVDT"] > until)
    ordered = dates[usable].sort_values(
        ["USUBJID", "LSTALVDT", "_RANK", "LALVSEQ"], ascending=[True, False, True, True]
    )
    return ordered.drop_duplicates("USUBJID")[COLUMNS].reset_index(drop=True).astype({"LALVSEQ": np.float64})
