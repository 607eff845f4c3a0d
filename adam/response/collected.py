"""The collected overall responses of one evaluator under one set of criteria, ready for questions."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from fhir2cdisc.adam.criteria import PD
from fhir2cdisc.adam.frames.arrays import Bools, Ints, Texts
from fhir2cdisc.adam.frames.columns import numbers, texts
from fhir2cdisc.adam.frames.dates import FOREVER, dates, partial_days
from fhir2cdisc.adam.response.calls import Calls, read_calls
from fhir2cdisc.adam.response.options import ResponseOptions
from fhir2cdisc.adam.response.selection import response_texts, select_responses

# The domains that a response may come from; the first says that there is none.
ORIGINS = ("", "RS", "TR", "TU")


@dataclass(frozen=True, slots=True)
class Collected:
    """The collected overall responses of one evaluator under one set of criteria, ready for questions."""

    options: ResponseOptions
    assessments: pd.DataFrame
    every: Calls
    counted: Calls
    # Which subjects have responses that were derived from their lesions.
    derived: Bools
    end: Ints
    # Variables of the records, with a blank at the end that position -1 (no record) finds.
    flags: Texts
    visit: Texts
    visitnum: npt.NDArray[np.float64]
    origin: npt.NDArray[np.int8]
    sequence: npt.NDArray[np.float64]

    @classmethod
    def of(cls, adsl: pd.DataFrame, rs: pd.DataFrame, options: ResponseOptions) -> Collected:
        selection = select_responses(rs, options, adsl)
        rows = selection.rows
        day, flags = partial_days(texts(rs, "RSDTC")[rows], "last")
        avalc = response_texts(rs.iloc[rows])
        subject = texts(rs, "USUBJID")[rows]
        assessments = pd.DataFrame({"USUBJID": subject, "ADT": dates(day), "AVALC": avalc}, copy=False)
        every = read_calls(assessments, adsl, replace(options, new_therapy="", end_of_window=""))
        origin, sequence = _sources(rs, rows)
        limited = {options.new_therapy, options.end_of_window} & set(adsl.columns)
        counted = read_calls(assessments, adsl, options) if limited else every
        return cls(
            options,
            assessments,
            every,
            counted,
            np.isin(every.subjects, subject[selection.derived]) if selection.derived.any() else _nobody(every),
            np.append(every.day, FOREVER)[every.first(every.code == PD)],
            np.append(flags, ""),
            np.append(texts(rs, "VISIT")[rows], ""),
            np.append(numbers(rs, "VISITNUM")[rows], np.nan),
            np.append(origin, np.int8(0)),
            np.append(sequence, np.nan),
        )


def _nobody(calls: Calls) -> Bools:
    return np.zeros(len(calls.subjects), dtype=bool)


def _sources(rs: pd.DataFrame, rows: Ints) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float64]]:
    """Where each response came from, domain (a position in ORIGINS) and --SEQ: RS, or lesions where RS lacks it."""
    origin, sequence = np.full(len(rows), ORIGINS.index("RS"), dtype=np.int8), numbers(rs, "RSSEQ")[rows]
    if "SRCDOM" in rs.columns:
        elsewhere = np.isnan(sequence)
        for domain in ("TR", "TU"):
            origin[elsewhere & (texts(rs, "SRCDOM")[rows] == domain)] = ORIGINS.index(domain)
        sequence = np.where(elsewhere, numbers(rs, "SRCSEQ")[rows], sequence)
    return origin, sequence


def overall_responses(rs: pd.DataFrame, options: ResponseOptions, reference: pd.DataFrame | None = None) -> Ints:
    """The positions in RS of the overall responses that count, by RSSEQ (see `select_responses`)."""
    return select_responses(rs, options, reference).rows
