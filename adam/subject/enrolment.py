"""When a subject joined the study: the evidence, and a start of time that a dose before the enrolment would move."""

from __future__ import annotations

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.columns import text
from fhir2cdisc.adam.frames.dates import impute_dates
from fhir2cdisc.adam.frames.findings import findings
from fhir2cdisc.adam.frames.sdtm import Frames, dataset
from fhir2cdisc.adam.subject.evidence import as_evidence, candidates
from fhir2cdisc.adam.subject.treatment import Exposure

_ISO = "%Y-%m-%d"


def enrolment_evidence(frames: Frames) -> pd.DataFrame:
    """Consent (DM) and entry into the trial (DS); consent counts, else the earliest entry."""
    dm, ds = dataset(frames, "DM"), dataset(frames, "DS")
    consent = dm[text(dm, "RFICDTC") != ""]
    entered = ds[text(ds, "DSDECOD") == "ENTERED INTO TRIAL"]
    says = pd.Series("informed consent", index=consent.index, dtype=object)
    rows = pd.concat(
        [candidates(consent, "DM", "RFICDTC", says), candidates(entered, "DS", "DSSTDTC", "DSDECOD")],
        ignore_index=True,
    )
    rows["DATE"] = impute_dates(rows["DTC"], "first")[0]
    rows = rows.sort_values(["USUBJID", "SRCDOM", "DATE", "SRCSEQ"], kind="stable")
    chosen = ~rows.duplicated("USUBJID") & rows["DATE"].notna()
    reasons = np.select(
        [chosen & (rows["SRCDOM"] == "DM"), chosen],
        ["the day of consent", "the day of enrolment, as no consent is dated"],
        "consent or an earlier entry counts",
    )
    return as_evidence(rows.assign(CHOSEN=np.where(chosen, "Y", ""), REASON=reasons), "enrolment")


def reference_start(adsl: pd.DataFrame, exposure: Exposure) -> pd.DataFrame:
    """Moves RFSTDT of ADSL to TRTSDT where it is the day of a dose that is prior therapy; findings say for whom."""
    prior = exposure.doses[(exposure.doses["ROLE"] == "prior") | exposure.doses["ACROSS"]]
    days = set(zip(prior["USUBJID"], prior["START"], strict=True))
    old = adsl["RFSTDT"]
    moved = [(who, day) in days for who, day in zip(adsl["USUBJID"], old, strict=True)]
    moved = np.array(moved, dtype=bool) & (old < adsl["TRTSDT"]).to_numpy()
    lines = [
        (
            row.USUBJID,
            "DM",
            "RFSTDT",
            f"{row.RFSTDT:{_ISO}}",
            f"RFSTDTC {row.RFSTDT:{_ISO}} is the day of a dose before the enrolment: time starts at the first dose of "
            f"study treatment, {row.TRTSDT:{_ISO}}.",
        )
        for row in adsl[moved].itertuples()
    ]
    adsl["RFSTDT"] = old.mask(moved, adsl["TRTSDT"])
    return findings("ADSL", "reference start is prior therapy", "WARNING", lines)
