"""The collected overall responses of one evaluator under one set of criteria, ready for questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from fhir2cdisc.adam.response_calls import PD, Calls, read_calls
from fhir2cdisc.adam.response_options import RSCAT, ResponseOptions
from fhir2cdisc.adam.tumour_frames import FOREVER, Bools, Ints, Texts, dates, number, partial_days, text


@dataclass(frozen=True, slots=True)
class Collected:
    """The collected overall responses of one evaluator under one set of criteria, ready for questions."""

    options: ResponseOptions
    assessments: pd.DataFrame
    every: Calls
    counted: Calls
    end: Ints
    # Variables of the records, with a blank at the end that position -1 (no record) finds.
    flags: Texts
    visit: Texts
    visitnum: npt.NDArray[np.float64]
    sequence: npt.NDArray[np.float64]

    @classmethod
    def of(cls, adsl: pd.DataFrame, rs: pd.DataFrame, options: ResponseOptions) -> Collected:
        rows = overall_responses(rs, options)
        day, flags = partial_days(text(rs, "RSDTC")[rows], "last")
        avalc = text(rs, "RSSTRESC")[rows]
        if (avalc == "").any():
            avalc = np.where(avalc == "", text(rs, "RSORRES")[rows], avalc)
        subject = text(rs, "USUBJID")[rows]
        assessments = pd.DataFrame({"USUBJID": subject, "ADT": dates(day), "AVALC": avalc}, copy=False)
        every = read_calls(assessments, adsl, replace(options, new_therapy="", end_of_window=""))
        limited = {options.new_therapy, options.end_of_window} & set(adsl.columns)
        counted = read_calls(assessments, adsl, options) if limited else every
        return cls(
            options,
            assessments,
            every,
            counted,
            np.append(every.day, FOREVER)[every.first(every.code == PD)],
            np.append(flags, ""),
            np.append(text(rs, "VISIT")[rows], ""),
            np.append(number(rs, "VISITNUM")[rows], np.nan),
            np.append(number(rs, "RSSEQ")[rows], np.nan),
        )


def overall_responses(rs: pd.DataFrame, options: ResponseOptions) -> Ints:
    """The positions in RS of the overall responses of the evaluator and criteria, by RSSEQ.

    A blank RSEVAL is the investigator. Where several readers (RSEVALID) remain and acceptance is marked
    (RSACPTFL), the accepted records are taken.
    """
    wanted = [options.evaluator, ""] if options.evaluator == "INVESTIGATOR" else [options.evaluator]
    mask = _among(rs, "RSTESTCD", ["OVRLRESP"]) & _among(rs, "RSEVAL", wanted)
    mask &= _among(rs, "RSCAT", RSCAT[options.criteria])
    if options.evaluator_id:
        mask &= _among(rs, "RSEVALID", [options.evaluator_id])
    accepted = mask & _among(rs, "RSACPTFL", ["Y"])
    rows = np.flatnonzero(accepted if accepted.any() and not options.evaluator_id else mask)
    return rows[np.argsort(number(rs, "RSSEQ")[rows], kind="stable")]


def _among(frame: pd.DataFrame, name: str, values: Sequence[str]) -> Bools:
    """Which records have one of the texts in a column."""
    if name not in frame.columns:
        return np.full(len(frame), "" in values)
    codes_, uniques = pd.factorize(frame[name])
    wanted = [str(value).strip() in values for value in uniques]
    return np.asarray(np.array([*wanted, "" in values], dtype=bool)[codes_])
