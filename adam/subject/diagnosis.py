"""When the cancer of the study was diagnosed, of all the primary diagnoses that MH has of a subject."""

from __future__ import annotations

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.columns import text
from fhir2cdisc.adam.frames.dates import impute_dates
from fhir2cdisc.adam.frames.findings import findings, gather_findings
from fhir2cdisc.adam.frames.sdtm import Frames, dataset
from fhir2cdisc.adam.frames.variables import derived, derived_date
from fhir2cdisc.adam.subject.drugs import holding, plain
from fhir2cdisc.adam.subject.evidence import Fact, as_evidence, candidates
from fhir2cdisc.mappings.study_facts import Diagnosis

VARIABLES = (
    derived_date(
        "DIAGDT",
        "Date of Diagnosis",
        "MH.MHSTDTC of the primary diagnosis of the study (MHEVDTYP DIAGNOSIS where it is given); of several cancers "
        "the one that the study's rule names; first possible day if partial",
    ),
    derived("DIAGDTF", "Date of Diagnosis Imputation Flag", "D or M where day, or month and day, were imputed"),
)
_ISO = "%Y-%m-%d"


def derive_diagnosis(frames: Frames, start: pd.Series, options: Diagnosis) -> Fact:
    """DIAGDT and DIAGDTF of those who have one, by USUBJID; `start` is the first dose by USUBJID."""
    mh = dataset(frames, "MH")
    primary = mh[(text(mh, "MHCAT") == "PRIMARY DIAGNOSIS") & (text(mh, "MHOCCUR") != "N")]
    term = text(primary, "MHDECOD").where(text(primary, "MHDECOD") != "", text(primary, "MHTERM"))
    rows = candidates(primary, "MH", "MHSTDTC", "MHTERM")
    rows = rows.assign(CANCER=term.map(plain), EVENT=text(primary, "MHEVDTYP").str.upper())
    rows["DATE"], rows["FLAG"] = impute_dates(rows["DTC"], "first")
    rows["LAST"] = impute_dates(rows["DTC"], "last")[0]
    rows = rows.sort_values(["USUBJID", "DATE", "CANCER", "SRCSEQ"], kind="stable").reset_index(drop=True)
    rows = _ranked(rows, start, options)
    best = rows[(rows["PASSED"] == "") & rows["DATE"].notna()]
    chosen = best.drop_duplicates("USUBJID")
    reason = rows["PASSED"].where(rows["PASSED"] != "", "recorded later than the first date of this diagnosis")
    reason = reason.mask(rows["DATE"].isna() & (rows["PASSED"] == ""), "it has no date")
    reason.loc[chosen.index] = "the diagnosis of the study: " + rows.loc[chosen.index, "RULE"]
    evidence = as_evidence(
        rows.assign(CHOSEN=np.where(rows.index.isin(chosen.index), "Y", ""), REASON=reason), "diagnosis"
    )
    values = chosen.set_index("USUBJID")[["DATE", "FLAG"]].rename(columns={"DATE": "DIAGDT", "FLAG": "DIAGDTF"})
    return Fact(values, evidence, _findings(rows, chosen))


def _ranked(rows: pd.DataFrame, start: pd.Series, options: Diagnosis) -> pd.DataFrame:
    """PASSED (why a record does not count, blank where it does) and RULE (why its cancer is the one of the study)."""
    out = rows.assign(PASSED="", RULE="the only primary diagnosis")
    named = holding(out["CANCER"], options.terms)
    other = ~named & out["USUBJID"].isin(out.loc[named, "USUBJID"])
    out.loc[other, "PASSED"] = "not a diagnosis of the study ([diagnosis] terms)"
    dated = (out["PASSED"] == "") & out["EVENT"].str.contains("DIAGNOSIS", regex=False)
    keys = ["USUBJID", "CANCER"]
    kind = pd.MultiIndex.from_frame(out[keys]).isin(pd.MultiIndex.from_frame(out.loc[dated, keys]))
    out.loc[kind & ~dated & (out["PASSED"] == ""), "PASSED"] = "another kind of date than the diagnosis (MHEVDTYP)"
    open_ = out[out["PASSED"] == ""]
    several = open_.groupby("USUBJID")["CANCER"].nunique()
    first = open_.groupby(["USUBJID", "CANCER"])["DATE"].min().reset_index()
    first = first[first["USUBJID"].isin(several.index[several > 1])]
    taken = _of_several(first, start, options).set_index("USUBJID")["CANCER"]
    mine = out["USUBJID"].map(taken)
    out.loc[mine.notna() & (mine != out["CANCER"]) & (out["PASSED"] == ""), "PASSED"] = "another cancer counts"
    words = {
        "latest-before-treatment": "of several cancers the last that began on or before the first dose, else the first",
        "earliest": "of several cancers the first",
    }
    out.loc[mine.notna(), "RULE"] = words[options.several]
    return out


def _of_several(first: pd.DataFrame, start: pd.Series, options: Diagnosis) -> pd.DataFrame:
    ordered = first.sort_values(["USUBJID", "DATE", "CANCER"], kind="stable", na_position="last")
    if options.several == "earliest":
        return ordered.drop_duplicates("USUBJID")
    begun = pd.to_datetime(ordered["USUBJID"].map(start))
    before = ordered[ordered["DATE"] <= begun].drop_duplicates("USUBJID", keep="last")
    rest = ordered[~ordered["USUBJID"].isin(before["USUBJID"])].drop_duplicates("USUBJID")
    return pd.concat([before, rest])


def _findings(rows: pd.DataFrame, chosen: pd.DataFrame) -> pd.DataFrame:
    # Two names with one date leave no doubt about the day.
    first = rows.groupby(["USUBJID", "CANCER"])["DATE"].min().reset_index()
    cancers = first.groupby("USUBJID")["CANCER"].size()
    cancers = cancers[first.groupby("USUBJID")["DATE"].nunique(dropna=False) > 1]
    by = chosen.set_index("USUBJID")
    several = []
    for who in sorted(cancers.index[cancers > 1]):
        mine = rows[rows["USUBJID"] == who]
        names = "; ".join(f"{row.TEXT} ({row.DTC or 'no date'})" for row in mine.itertuples())
        taken = f"{by.at[who, 'TEXT']}, {by.at[who, 'RULE']}" if who in by.index else "none, as none has a date"
        message = f"Several cancers are primary diagnoses: {names}; DIAGDT is that of {taken}."
        several.append((who, "MH", "DIAGDT", by.at[who, "DTC"] if who in by.index else "", message))
    undated = (
        (row.USUBJID, f"MH {row.SRCSEQ:g}", "DIAGDT", "", f"{row.TEXT} has no date of diagnosis, so DIAGDT is blank.")
        for row in rows[~rows["USUBJID"].isin(chosen["USUBJID"])].drop_duplicates("USUBJID").itertuples()
    )
    imputed = (
        (
            row.USUBJID,
            f"MH {row.SRCSEQ:g}",
            "DIAGDT",
            row.DTC,
            f"{row.TEXT} was diagnosed in {row.DTC}: the first possible day {row.DATE:{_ISO}} is taken.",
        )
        for row in chosen[chosen["FLAG"] != ""].itertuples()
    )
    return gather_findings(
        [
            findings("ADSL", "several cancers", "WARNING", several),
            findings("ADSL", "diagnosis without a date", "WARNING", undated),
            findings("ADSL", "diagnosis date imputed", "INFO", imputed),
        ]
    )
