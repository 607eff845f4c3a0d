"""ADaM of a study as rows, beside the SDTM rows that it was made of: what the methods of define.xml are checked on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from typing import Any

import pandas as pd
from fhir2cdisc.adam.build import Adam, build_adam
from fhir2cdisc.adam.frames.sdtm import cut_at
from fhir2cdisc.mappings.standard.iso8601 import possible_days
from fhir2cdisc.mappings.study import Study
from support.odd import Frames, disturbed
from support.packages import Package

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Analysed:
    """The datasets of a study; `odd` ones hold what the simulator does not write."""

    name: str
    study: Study
    sdtm: Frames
    made: Adam

    @cache  # noqa: B019 - as long as the session
    def rows(self, dataset: str) -> list[Row]:
        """A dataset of SDTM (cut at the study's date) or ADaM; none where there is no such dataset."""
        frames = {**self.sdtm, **self.made.frames}
        return rows_of(frames[dataset]) if dataset in frames else []

    @cache  # noqa: B019
    def _subjects(self, dataset: str) -> dict[str, list[Row]]:
        found = defaultdict(list)
        for row in self.rows(dataset):
            found[row["USUBJID"]].append(row)
        return found

    def of(self, dataset: str, subject: str) -> list[Row]:
        """The rows of a subject."""
        return self._subjects(dataset).get(subject, [])

    @cache  # noqa: B019
    def _numbered(self, domain: str) -> dict[tuple[str, float], Row]:
        return {(row["USUBJID"], row[f"{domain}SEQ"]): row for row in self.rows(domain)}

    def record(self, domain: str, subject: str, number: float) -> Row:
        """The record of SDTM with this --SEQ."""
        return self._numbered(domain)[subject, number]

    @cached_property
    def adsl(self) -> dict[str, Row]:
        return {row["USUBJID"]: row for row in self.rows("ADSL")}

    def method(self, dataset: str, variable: str) -> str:
        return self.made.datasets[dataset][variable].method


Compared = Iterator[tuple[str, Any, Any]]
Check = Callable[[Analysed], Compared]


def rows_of(frame: pd.DataFrame) -> list[Row]:
    """Records with missing values as blanks and dates as dates."""
    columns = {str(name): _column(frame[name]) for name in frame.columns}
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _column(values: pd.Series[Any]) -> list[Any]:
    plain = values.dt.date if pd.api.types.is_datetime64_any_dtype(values) else values
    return ["" if missing else value for value, missing in zip(plain, values.isna(), strict=True)]


def day(dtc: str) -> date | str:
    """A date that is complete, else a blank."""
    return date.fromisoformat(dtc[:10]) if len(dtc) >= 10 else ""


def first_day(dtc: str) -> date | str:
    """The first day that a date allows, else a blank."""
    found = possible_days(dtc)
    return found.first if found else ""


def last_day(dtc: str) -> date | str:
    """The last day that a date allows, else a blank."""
    found = possible_days(dtc)
    return found.last if found else ""


def days_from(start: Any, when: Any) -> float | str:
    """The study day: the start is day 1, the day before it day -1."""
    if not (start and when):
        return ""
    return float((when - start).days + (when >= start))


def earliest(values: Iterator[Any]) -> Any:
    return min((value for value in values if value != ""), default="")


def latest(values: Iterator[Any]) -> Any:
    return max((value for value in values if value != ""), default="")


def each(dataset: str, variable: str, expected: Callable[[Row], Any]) -> Check:
    """A check of a variable that its own record tells."""

    def check(data: Analysed) -> Compared:
        for row in data.rows(dataset):
            if variable in row:
                yield f"{row['USUBJID']} {row.get('PARAMCD', '')} {row.get('ADT', '')}", row[variable], expected(row)

    return check


def same(found: Any, expected: Any) -> bool:
    """Equal, numbers to ten digits."""
    if isinstance(found, float) and isinstance(expected, float | int):
        return abs(found - expected) <= 1e-9 * max(1.0, abs(expected))
    return bool(found == expected)


def analysed(made: Package) -> Analysed:
    """A built-in study as it was simulated."""
    return Analysed(made.study.id, made.study, cut_at(made.sdtm, made.study.cutoff), made.made)


def odd(made: Package) -> Analysed:
    """A built-in study with odd records."""
    frames = disturbed(made.sdtm, made.study)
    seen = cut_at(frames, made.study.cutoff)
    return Analysed(f"{made.study.id}, odd", made.study, seen, build_adam(frames, made.study))
