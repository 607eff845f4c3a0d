"""The collected overall responses of one evaluator under one set of criteria, ready for questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from fhir2cdisc.adam.criteria import DERIVED, INVESTIGATOR, PD, RSCAT, is_whose, of_one_reader
from fhir2cdisc.adam.frames.arrays import Bools, Ints, Texts
from fhir2cdisc.adam.frames.columns import numbers, texts
from fhir2cdisc.adam.frames.dates import FOREVER, dates, partial_days
from fhir2cdisc.adam.frames.findings import findings
from fhir2cdisc.adam.response.calls import Calls, read_calls
from fhir2cdisc.adam.response.options import ResponseOptions

# The domains that a response may come from; the first says that there is none.
ORIGINS = ("", "RS", "TR", "TU")


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
    origin: npt.NDArray[np.int8]
    sequence: npt.NDArray[np.float64]

    @classmethod
    def of(cls, adsl: pd.DataFrame, rs: pd.DataFrame, options: ResponseOptions) -> Collected:
        rows = overall_responses(rs, options)
        day, flags = partial_days(texts(rs, "RSDTC")[rows], "last")
        avalc = texts(rs, "RSSTRESC")[rows]
        if (avalc == "").any():
            avalc = np.where(avalc == "", texts(rs, "RSORRES")[rows], avalc)
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
            np.append(every.day, FOREVER)[every.first(every.code == PD)],
            np.append(flags, ""),
            np.append(texts(rs, "VISIT")[rows], ""),
            np.append(numbers(rs, "VISITNUM")[rows], np.nan),
            np.append(origin, np.int8(0)),
            np.append(sequence, np.nan),
        )


def _sources(rs: pd.DataFrame, rows: Ints) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float64]]:
    """Where each response came from, domain (a position in ORIGINS) and --SEQ: RS, or lesions where RS lacks it."""
    origin, sequence = np.full(len(rows), ORIGINS.index("RS"), dtype=np.int8), numbers(rs, "RSSEQ")[rows]
    if "SRCDOM" in rs.columns:
        elsewhere = np.isnan(sequence)
        for domain in ("TR", "TU"):
            origin[elsewhere & (texts(rs, "SRCDOM")[rows] == domain)] = ORIGINS.index(domain)
        sequence = np.where(elsewhere, numbers(rs, "SRCSEQ")[rows], sequence)
    return origin, sequence


def overall_responses(rs: pd.DataFrame, options: ResponseOptions) -> Ints:
    """The positions in RS of the overall responses of the evaluator and criteria, by RSSEQ.

    A blank RSEVAL is the investigator. Where several readers (RSEVALID) remain and acceptance is marked
    (RSACPTFL), the accepted records are taken; without it those of the first reader of each subject.
    """
    rows, accepted = _of_evaluator(rs, options)
    if options.evaluator != INVESTIGATOR and not accepted:
        rows = rows[of_one_reader(texts(rs, "USUBJID")[rows], texts(rs, "RSEVALID")[rows])]
    return rows[np.argsort(numbers(rs, "RSSEQ")[rows], kind="stable")]


def several_readers(rs: pd.DataFrame, options: ResponseOptions) -> pd.DataFrame:
    """Findings on subjects with responses of several readers of whom nothing says which one counts."""
    rows, accepted = _of_evaluator(rs, options)
    readers: dict[str, list[str]] = {}
    if options.evaluator != INVESTIGATOR and not accepted:
        subject, reader = texts(rs, "USUBJID")[rows], texts(rs, "RSEVALID")[rows]
        counts = of_one_reader(subject, reader)
        table = pd.DataFrame({"subject": subject, "reader": reader, "last": ~counts}).drop_duplicates()
        ordered = table.sort_values(["subject", "last", "reader"])
        readers = ordered.groupby("subject")["reader"].agg(list).to_dict()
    return findings(
        "RS",
        "several readers",
        "WARNING",
        ((s, "", "RSEVALID", names[0], _several(names, options)) for s, names in readers.items() if len(names) > 1),
    )


def _several(readers: Sequence[str], options: ResponseOptions) -> str:
    named = ", ".join(name or "no name" for name in readers)
    return (
        f"Responses by {options.criteria} are there of several readers ({named}) and none is marked as accepted; "
        f"those of {readers[0]} count. The option evaluator_id names another."
    )


def _of_evaluator(rs: pd.DataFrame, options: ResponseOptions) -> tuple[Ints, bool]:
    """The positions of the evaluator's overall responses, and whether they are the accepted ones of several."""
    wanted = [options.evaluator, ""] if options.evaluator == INVESTIGATOR else [options.evaluator]
    mask = _among(rs, "RSTESTCD", ["OVRLRESP"]) & _among(rs, "RSEVAL", wanted)
    mask &= _among(rs, "RSCAT", RSCAT[options.criteria])
    if options.evaluator_id:
        reader = texts(rs, "RSEVALID")
        derived = options.evaluator == DERIVED
        mask &= is_whose(reader, options.evaluator_id) if derived else reader == options.evaluator_id
    accepted = mask & _among(rs, "RSACPTFL", ["Y"])
    if accepted.any() and not options.evaluator_id:
        return np.flatnonzero(accepted), True
    return np.flatnonzero(mask), False


def _among(frame: pd.DataFrame, name: str, values: Sequence[str]) -> Bools:
    """Which records have one of the texts in a column."""
    if name not in frame.columns:
        return np.full(len(frame), "" in values)
    codes_, uniques = pd.factorize(frame[name])
    wanted = [str(value).strip() in values for value in uniques]
    return np.asarray(np.array([*wanted, "" in values], dtype=bool)[codes_])
