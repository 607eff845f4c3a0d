"""How treatment and participation ended, by the disposition events of DS."""

from __future__ import annotations

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.columns import number, text
from fhir2cdisc.adam.frames.dates import full_dates, impute_dates
from fhir2cdisc.adam.frames.sdtm import Frames, dataset
from fhir2cdisc.adam.frames.variables import derived, derived_date
from fhir2cdisc.mappings.standard.disposition import PARTICIPATION, TREATMENT, ended_scope

VARIABLES = (
    derived_date("EOSDT", "End of Study Date", "DS.DSSTDTC of the last disposition event of study participation"),
    derived("DCSREAS", "Reason for Discontinuation from Study", "DS.DSDECOD of that event unless COMPLETED"),
    derived("EOSSTT", "End of Study Status", "COMPLETED, DISCONTINUED by DCSREAS, else ONGOING"),
    derived_date("EOTDT", "End of Treatment Date", "DS.DSSTDTC of the last disposition event of study treatment"),
    derived("DCTREAS", "Reason for Discontinuation of Treatment", "DS.DSDECOD of that event unless COMPLETED"),
    derived("EOTSTT", "End of Treatment Status", "By DCTREAS, else ONGOING; blank if never treated, dead or off study"),
)


def add_disposition(adsl: pd.DataFrame, frames: Frames) -> None:
    """EOSDT, DCSREAS, EOSSTT and the same of treatment, in ADSL that has TRTSDT and DTHFL already."""
    ds = dataset(frames, "DS")
    events = ds[text(ds, "DSCAT") == "DISPOSITION EVENT"]
    of = text(events, "DSSCAT").map(ended_scope)
    for scope, status, day, reason in (
        (PARTICIPATION, "EOSSTT", "EOSDT", "DCSREAS"),
        (TREATMENT, "EOTSTT", "EOTDT", "DCTREAS"),
    ):
        rows = events[of == scope]
        # In the order of the first days that they allow: a partial date is not later than all others.
        first, _ = impute_dates(text(rows, "DSSTDTC"), "first")
        rows = rows.assign(_D=full_dates(rows, "DSSTDTC"), _F=first, _N=number(rows, "DSSEQ"))
        rows = rows.sort_values(["USUBJID", "_F", "_N"], kind="stable", na_position="first")
        last = (
            rows.drop_duplicates("USUBJID", keep="last").set_index("USUBJID")
            if len(rows)
            else rows.set_index("USUBJID")
        )
        term = adsl["USUBJID"].map(text(last, "DSDECOD")).fillna("").astype(object)
        adsl[day] = pd.to_datetime(adsl["USUBJID"].map(last["_D"]))
        adsl[reason] = term.where(term != "COMPLETED", "")
        adsl[status] = np.select([term == "", term == "COMPLETED"], ["ONGOING", "COMPLETED"], "DISCONTINUED")
    ex = dataset(frames, "EX")
    treated = adsl["TRTSDT"].notna() | adsl["USUBJID"].isin(ex["USUBJID"])
    # Who died or left the study without a word on treatment is not on treatment still.
    over = (adsl["EOTSTT"] == "ONGOING") & ((adsl["EOSSTT"] != "ONGOING") | (adsl["DTHFL"] == "Y"))
    adsl["EOTSTT"] = adsl["EOTSTT"].where(treated & ~over, "")
