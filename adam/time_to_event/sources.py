"""Where time-to-event dates come from: sources as values, and their dates per subject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
from fhir2cdisc.adam.frames.arrays import Bools, Ints, Texts
from fhir2cdisc.adam.frames.columns import numbers, sequence_name, texts
from fhir2cdisc.adam.frames.conditions import Columns, select
from fhir2cdisc.adam.frames.dates import NO_DAY, column_days, days
from fhir2cdisc.mappings.conditions import in_words


@dataclass(frozen=True, slots=True)
class Source:
    """A date variable of a dataset, restricted by a condition (see `where`)."""

    description: str
    dataset: str
    date: str
    where: str = ""

    def in_words(self) -> str:
        condition = f" where {in_words(self.where)}" if self.where else ""
        return f"{self.description} ({self.dataset}.{self.date}{condition})"


@dataclass(frozen=True, slots=True)
class Event(Source):
    """An event; `at_scan`: a tumour assessment found it, so a gap is counted from the one before."""

    at_scan: bool = False


@dataclass(frozen=True, slots=True)
class Censor(Source):
    """A censoring: EVNTDESC is `description`, CNSDTDSC `censored_at` (or the description)."""

    cnsr: int = 1
    censored_at: str = ""

    def __post_init__(self) -> None:
        if self.cnsr < 1:
            raise ValueError(f"{self.description}: cnsr {self.cnsr} is not a positive integer")

    def in_words(self) -> str:
        # A dataclass with slots is made anew, so that a bare `super()` would be of the one before.
        return f"{Source.in_words(self)}, CNSR {self.cnsr} at '{self.place}'"

    @property
    def place(self) -> str:
        """CNSDTDSC."""
        return self.censored_at or self.description


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a subject was followed no longer: a condition on ADSL with its CNSR code."""

    description: str
    where: str
    cnsr: int


@dataclass(slots=True)
class Found:
    """One record per subject: its day (or `NO_DAY`) and sequence number (NaN where the dataset has none)."""

    day: Ints
    sequence: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Subjects:
    """The subjects of ADSL and the frames that dates are taken from."""

    ids: Texts
    study: Texts
    frames: Mapping[str, Columns]
    _read: dict[Source, tuple[Ints, Ints, npt.NDArray[np.float64]]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    def adsl_days(self, name: str) -> Ints:
        """An ADSL date per subject; all missing where the name is blank or absent."""
        return column_days(self.frames["ADSL"].frame, name)

    def adsl_where(self, where: str) -> Bools:
        return select(self.frames["ADSL"], where)

    def records(self, source: Source) -> tuple[Ints, Ints, npt.NDArray[np.float64]]:
        """Subject, day and sequence of the source's records, sorted in that order."""
        if source not in self._read:
            self._read[source] = self._records(source)
        return self._read[source]

    def _records(self, source: Source) -> tuple[Ints, Ints, npt.NDArray[np.float64]]:
        rows, subject = self._part(source)
        frame = self.frames[source.dataset].frame
        if source.date not in frame.columns:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0)
        day = days(frame[source.date].iloc[rows])
        name = sequence_name(frame)
        sequence = numbers(frame[[name]], name)[rows] if name else np.full(len(rows), np.nan)
        keep = np.flatnonzero((subject >= 0) & (day != NO_DAY))
        order = keep[np.lexsort((sequence[keep], day[keep], subject[keep]))]
        return subject[order], day[order], sequence[order]

    def _part(self, source: Source) -> tuple[Ints, Ints]:
        """The positions of the records that meet the condition, and their subjects (-1: not in ADSL)."""
        if source.dataset not in self.frames:
            raise ValueError(f"{source.description}: no source dataset {source.dataset}")
        columns = self.frames[source.dataset]
        rows = np.flatnonzero(select(columns, source.where))
        codes, uniques = columns.coded("USUBJID")
        places = np.asarray(pd.Index(self.ids).get_indexer(uniques), dtype=np.int64)
        return rows, places[codes[rows]] if len(uniques) else codes[rows]

    def present(self, source: Source) -> Bools:
        """Which subjects have a record, dated or not."""
        subject = self._part(source)[1]
        found = np.zeros(len(self), dtype=bool)
        found[subject[subject >= 0]] = True
        return found

    def first(self, source: Source) -> Found:
        """The earliest record of every subject."""
        subject, day, sequence = self.records(source)
        return self._one(subject[::-1], day[::-1], sequence[::-1])

    def last(self, source: Source) -> Found:
        """The latest record of every subject."""
        return self._one(*self.records(source))

    def _one(self, subject: Ints, day: Ints, sequence: npt.NDArray[np.float64]) -> Found:
        found = Found(np.full(len(self), NO_DAY, dtype=np.int64), np.full(len(self), np.nan))
        found.day[subject], found.sequence[subject] = day, sequence
        return found


def read_subjects(adsl: pd.DataFrame, sources: Mapping[str, pd.DataFrame]) -> Subjects:
    """ADSL's subjects with the sources; raises ValueError where USUBJID is not unique."""
    ids = texts(adsl, "USUBJID")
    if len(set(ids)) != len(ids):
        raise ValueError("ADSL: USUBJID is not unique")
    frames = {name: Columns(frame) for name, frame in {**sources, "ADSL": adsl}.items()}
    return Subjects(ids, texts(adsl, "STUDYID"), frames)
