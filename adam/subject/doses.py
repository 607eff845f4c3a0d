"""Doses as EX has them, or DM where there is no EX: their days, and which were over before the enrolment."""

from __future__ import annotations

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.columns import number, text
from fhir2cdisc.adam.frames.dates import impute_dates
from fhir2cdisc.adam.frames.sdtm import Frames, dataset
from fhir2cdisc.adam.subject.drugs import DrugNames
from fhir2cdisc.adam.subject.evidence import candidates

# A dose given at once: its record without an end is not treatment that goes on.
_AT_ONCE = ("INTRAVENOUS", "SUBCUTANEOUS", "INTRAMUSCULAR", "INTRA-ARTERIAL", "INTRAPERITONEAL", "INTRATUMOR")


def read_doses(frames: Frames, names: DrugNames) -> pd.DataFrame:
    """Records of EX, or of DM where there is no EX, with their days; ROLE is `held` where nothing was given."""
    ex, dm = dataset(frames, "EX"), dataset(frames, "DM")
    if not len(ex):
        known = dm[text(dm, "RFXSTDTC") != ""]
        made = candidates(known, "DM", "RFXSTDTC", pd.Series("", index=known.index, dtype=object))
        ends = text(known, "RFXENDTC").where(text(known, "RFXENDTC") != "", made["DTC"])
        made = made.assign(DRUG="", ENDTC=ends, ROLE="", ONCE=True, OPEN=False, REGIMEN=True)
    else:
        made = candidates(ex, "EX", "EXSTDTC", "EXTRT")
        dose = number(ex, "EXDOSE")
        placebo = text(ex, "EXTRT").str.upper().str.contains("PLACEBO", regex=False)
        held = ((dose <= 0) & ~placebo) | (text(ex, "EXOCCUR") == "N") | (text(ex, "EXSTAT") == "NOT DONE")
        once = text(ex, "EXDOSFRQ").str.upper() == "ONCE"
        once |= (text(ex, "EXDOSFRQ") == "") & text(ex, "EXROUTE").str.upper().isin(_AT_ONCE)
        made = made.assign(
            DRUG=names.names(text(ex, "EXTRT")),
            ENDTC=text(ex, "EXENDTC"),
            ROLE=np.where(held, "held", ""),
            ONCE=once.to_numpy(),
            REGIMEN=False,
        )
    made["START"] = impute_dates(made["DTC"], "first", "")[0]
    made["END"], made["ENDF"] = impute_dates(made["ENDTC"], "last")
    made["END"] = made["END"].where(~(made["END"] < made["START"]), made["START"])
    made = made.sort_values(["USUBJID", "START", "DRUG", "END", "SRCSEQ"], kind="stable").reset_index(drop=True)
    last = ~made[(made["ROLE"] == "") & made["START"].notna()].duplicated(["USUBJID", "DRUG"], keep="last")
    made["OPEN"] = last.reindex(made.index, fill_value=False) & (made["ENDTC"] == "") & ~made["ONCE"]
    return made


def from_enrolment(doses: pd.DataFrame, since: pd.Series) -> pd.DataFrame:
    """FROM and the role `prior` of what was over before the enrolment; without EX, DM says what is of the study."""
    begun = pd.to_datetime(doses["USUBJID"].map(since)).where(~doses["REGIMEN"])
    begun = begun.astype("datetime64[ns]")
    latest = impute_dates(doses["DTC"], "last")[0]
    end = doses["END"].where(doses["END"].notna(), latest)
    # A record without an end that other doses follow was over when they began.
    followed = doses["USUBJID"].isin(doses.loc[doses["START"] >= begun, "USUBJID"])
    early = (latest < begun) & ~((end >= begun) | (doses["OPEN"] & ~followed))
    # One record may hold doses of both sides of the enrolment.
    across = (doses["START"] < begun) & ~early
    role = doses["ROLE"].mask(early & (doses["ROLE"] == ""), "prior")
    return doses.assign(ROLE=role, FROM=doses["START"].mask(across, begun), ACROSS=across, LATEST=latest)
