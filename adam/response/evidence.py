"""Evidence for whose responses count and for progression: every candidate record, the chosen ones, and why."""

from __future__ import annotations

import numpy as np
import pandas as pd
from fhir2cdisc.adam.criteria import PD, PREFIX, UPD, codes, evaluator_names, reader_names, whose
from fhir2cdisc.adam.frames.columns import numbers, stack, text, texts
from fhir2cdisc.adam.frames.dates import NO_DAY, column_days, dates, partial_days
from fhir2cdisc.adam.frames.findings import EVIDENCE_COLUMNS
from fhir2cdisc.adam.response.options import ResponseOptions
from fhir2cdisc.adam.response.selection import (
    COUNTS,
    DERIVED_COUNTS,
    OTHER_TEST,
    WORDS,
    counted_calls,
    response_texts,
    select_responses,
)

SOURCE, PROGRESSION = "response source", "progression"


def response_evidence(
    adsl: pd.DataFrame, rs: pd.DataFrame, options: ResponseOptions, adrs: pd.DataFrame | None = None
) -> pd.DataFrame:
    """One row a candidate: each overall response for `response source`, each progression for `progression`.

    `rs` holds collected and derived responses, `adrs` the analysis whose progression was chosen. DATE is datetime64,
    a date without day as the last of its month; TEXT is the response with category and evaluator.
    """
    every = _candidates(adsl, rs, options)
    called = codes(every["_CALL"].to_numpy(dtype=object), options.criteria)
    worse = every[np.isin(called, (PD, UPD))]
    rows = stack([every.assign(FACT=SOURCE), _progressions(worse, adrs, options)])
    order = ["USUBJID", "FACT", "DATE", "SRCDOM", "SRCVAR", "SRCSEQ"]
    return rows[list(EVIDENCE_COLUMNS)].sort_values(order, kind="stable").reset_index(drop=True)


def _candidates(adsl: pd.DataFrame, rs: pd.DataFrame, options: ResponseOptions) -> pd.DataFrame:
    """Every overall response of a subject of ADSL."""
    why = select_responses(rs, options, adsl).why
    keep = (why != OTHER_TEST) & np.isin(texts(rs, "USUBJID"), texts(adsl, "USUBJID"))
    part, why = rs[keep], why[keep]
    day, _ = partial_days(texts(part, "RSDTC"), "last")
    selected = np.isin(why, (COUNTS, DERIVED_COUNTS))
    counted = selected & counted_calls(part, options, adsl)
    unclear = f"no response by {options.criteria} with a date from {options.reference} on"
    reasons = np.array([WORDS[int(one)] for one in why], dtype=object)
    call, sequence = response_texts(part), numbers(part, "RSSEQ")
    elsewhere = np.isnan(sequence) & (texts(part, "SRCDOM") != "")
    by = whose(evaluator_names(texts(part, "RSEVAL")), reader_names(texts(part, "RSEVALID")))
    return pd.DataFrame(
        {
            "USUBJID": texts(part, "USUBJID"),
            "DTC": texts(part, "RSDTC"),
            "DATE": dates(day),
            "TEXT": [", ".join(filter(None, one)) for one in zip(call, texts(part, "RSCAT"), by, strict=True)],
            "SRCDOM": np.where(elsewhere, texts(part, "SRCDOM"), "RS").astype(object),
            "SRCVAR": np.where(elsewhere, texts(part, "SRCDOM") + "STRESC", "RSSTRESC").astype(object),
            "SRCSEQ": np.where(elsewhere, numbers(part, "SRCSEQ"), sequence),
            "CHOSEN": np.where(counted, "Y", "").astype(object),
            "REASON": np.where(selected & ~counted, unclear, reasons).astype(object),
            "_CALL": call,
        }
    )


def _progressions(rows: pd.DataFrame, adrs: pd.DataFrame | None, options: ResponseOptions) -> pd.DataFrame:
    """The calls of progression; chosen are those of the day by which ADRS dates it."""
    held = pd.DataFrame({"USUBJID": [], "PARAMCD": [], "AVALC": []}) if adrs is None else adrs
    own = held[(text(held, "PARAMCD") == PREFIX[options.criteria] + "PD") & (text(held, "AVALC") == "Y")]
    first = pd.Series(column_days(own, "ADT"), index=texts(own, "USUBJID"))
    when = pd.Series(texts(rows, "USUBJID")).map(first).fillna(NO_DAY).to_numpy(dtype=np.int64)
    counted = (rows["CHOSEN"] == "Y").to_numpy()
    chosen = counted & (when != NO_DAY) & (column_days(rows, "DATE") == when)
    later = "counts, but is not the first progression within the window of the analysis"
    reasons = np.select([chosen, counted], ["first progression that counts", later], rows["REASON"])
    return rows.assign(FACT=PROGRESSION, CHOSEN=np.where(chosen, "Y", ""), REASON=reasons)
