"""Coding of reported terms with a dictionary of the user; the project ships no dictionary content."""

from __future__ import annotations

import pandas as pd
from fhir2cdisc.adam.frames.columns import text
from fhir2cdisc.adam.frames.findings import gather_findings, issues

REQUIRED = ("TERM", "AEDECOD", "AEBODSYS")
CODED = (
    "AELLT",
    "AELLTCD",
    "AEDECOD",
    "AEPTCD",
    "AEHLT",
    "AEHLTCD",
    "AEHLGT",
    "AEHLGTCD",
    "AEBODSYS",
    "AEBDSYCD",
    "AESOC",
    "AESOCCD",
)


def apply_dictionary(ae: pd.DataFrame, dictionary: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """AE with the coded variables of the user's `dictionary` where AEDECOD is empty, and the findings.

    `dictionary` has one row per TERM (compared with AETERM without regard to case and spacing) and at least
    AEDECOD and AEBODSYS; of the other columns those named in `CODED` are taken. A term that the dictionary
    does not hold stays uncoded and is a finding. A term coded in two ways raises ValueError.
    """
    missing = [c for c in REQUIRED if c not in dictionary]
    if missing:
        raise ValueError(f"dictionary: column {', '.join(missing)} is missing")
    names = [c for c in CODED if c in dictionary]
    coding = pd.DataFrame({c: text(dictionary, c) for c in names}).assign(TERM=_key(text(dictionary, "TERM")))
    coding = coding.drop_duplicates()
    twice = coding.loc[coding["TERM"].duplicated(), "TERM"]
    if len(twice):
        raise ValueError(f"dictionary: {twice.iloc[0]} is coded in two ways")
    out, key = ae.copy(), _key(text(ae, "AETERM"))
    empty = text(ae, "AEDECOD") == ""
    lookup = coding.set_index("TERM")
    for name in names:
        out[name] = text(ae, name).where(~empty, key.map(lookup[name]).fillna(text(ae, name)))
    uncoded = ae[empty & ~key.isin(lookup.index)]
    message = "AETERM: AE/{AESEQ}: {AETERM} is not in the dictionary, so it stays uncoded"
    return out, gather_findings([issues("AE", uncoded, "AESEQ", "AETERM", "user dictionary", "warning", message)])


def _key(terms: pd.Series) -> pd.Series:
    return terms.str.split().str.join(" ").str.casefold()
