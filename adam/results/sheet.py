"""What every kind of result shares: its specification, the choice of subjects and records, the rows it writes.

A specification is plain data, printable and comparable; a kind of result is one file of this room, with its
specification, its computation, the records behind it and its name in the Analysis Results Standard.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.columns import numbers, sequence_name, text
from fhir2cdisc.adam.frames.conditions import select
from fhir2cdisc.mappings.conditions import Condition, is_
from fhir2cdisc.mappings.errors import Fhir2CdiscError
from fhir2cdisc.mappings.study_base import DAYS_PER_MONTH

ALL = "All"
ANALYSED = is_("ANL01FL", "Y")
COLUMNS = (
    "RESULTID",
    "ENDPOINT",
    "DATASET",
    "PARAMCD",
    "POPULATION",
    "GROUP",
    "CATEGORY",
    "STATISTIC",
    "VALUE",
    "LOWER",
    "UPPER",
    "UNIT",
    "METHOD",
    "REASON",
)
RECORD_COLUMNS = ("RESULTID", "GROUP", "CATEGORY", "ROLE", "DATASET", "USUBJID", "PARAMCD", "SEQ")
# The variables of each dataset that results are computed from.
_VARIABLES = {
    "ADSL": (),
    "ADRS": ("AVALC",),
    "ADTTE": ("AVAL", "CNSR"),
    "ADAE": ("AEBODSYS", "AEDECOD", "ATOXGRN"),
    "ADQS": ("AVAL", "BASE", "CHG"),
}

# `main` answers the question of an endpoint as it is defined; the others answer it under another rule
# (`confirmation`, `sensitivity`), for other subjects (`denominator`) or in part (`part`).
Analysis = Literal["main", "confirmation", "sensitivity", "denominator", "part"]


class CannotEstimateError(Fhir2CdiscError):
    """A result that the data cannot give; the message is the reason that the reader sees."""


@dataclass(frozen=True, slots=True)
class Records:
    """Records of a dataset: of a parameter where named, that fulfil every condition of `where`."""

    dataset: str
    paramcd: str = ""
    where: tuple[Condition, ...] = ()

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The conditions on the records, the parameter first."""
        return (*((is_("PARAMCD", self.paramcd),) if self.paramcd else ()), *self.where)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec(ABC):
    """What every result names: its id and label, who is counted, by which ADSL variable, at which level.

    `population` is a flag of ADSL (`SAFFL`), or `""` for all enrolled; `subset` narrows it by conditions on
    ADSL; `group` is an ADSL variable whose values are shown beside `All`. `endpoint` is the id of the endpoint that it
    belongs to, `look` the number of the interim look (0: all data), `month` a month in days.
    """

    kind: ClassVar[str] = ""
    # What ARS calls the method.
    name: ClassVar[str] = ""
    id: str
    label: str
    endpoint: str = ""
    analysis: Analysis = "main"
    look: int = 0
    population: str = "SAFFL"
    subset: tuple[Condition, ...] = ()
    group: str = ""
    conf_level: float = 0.95
    month: float = DAYS_PER_MONTH

    @property
    @abstractmethod
    def counted(self) -> tuple[Records, ...]:
        """The records that the result is made of, each named by dataset, parameter and conditions."""

    def variables(self, records: Records) -> tuple[str, ...]:
        """The variables of these records that the result is computed from."""
        if records.dataset == "ADSL":
            return tuple(one.variable for one in records.where)
        return _VARIABLES[records.dataset]

    @abstractmethod
    def summarise(self, data: Data) -> Sheet:
        """The rows of the result; raises CannotEstimateError where the data cannot give it."""

    def sheet(self) -> Sheet:
        """An empty sheet that names the datasets and parameters of the records."""
        datasets = dict.fromkeys(one.dataset for one in self.counted)
        codes = dict.fromkeys(one.paramcd for one in self.counted if one.paramcd)
        return Sheet(self, " ".join(datasets), " ".join(codes))


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """`table`: one row per statistic (`COLUMNS`). `records`: what contributed to each (`RECORD_COLUMNS`)."""

    table: pd.DataFrame
    records: pd.DataFrame = field(repr=False)


# Number of records, what is said of all of them, and their subject, parameter and sequence number.
Part = tuple[int, tuple[str, ...], tuple[np.ndarray, ...]]


@dataclass(slots=True, eq=False)
class Sheet:
    """The rows and contributing records of one specification while it is computed."""

    spec: Spec
    dataset: str
    paramcd: str = ""
    rows: list[dict[str, object]] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)

    def add(
        self,
        group: str,
        statistic: str,
        value: float,
        *,
        category: str = "",
        lower: float = math.nan,
        upper: float = math.nan,
        unit: str = "",
        method: str = "",
        reason: str = "",
    ) -> None:
        """One statistic; a missing value needs its reason."""
        s = self.spec
        values = (
            *(s.id, s.label, self.dataset, self.paramcd, s.population or "ALL", group, category, statistic),
            *(float(value), lower, upper, unit, method, reason),
        )
        self.rows.append(dict(zip(COLUMNS, values, strict=True)))

    def keep(self, group: str, role: str, dataset: str, records: pd.DataFrame, category: str = "") -> None:
        """Note the records that contributed, by subject, parameter and sequence number."""
        if not len(records):
            return
        n = len(records)
        said = (self.spec.id, group, category, role, dataset)
        columns = (records["USUBJID"], records["PARAMCD"] if "PARAMCD" in records else np.full(n, "", dtype=object))
        self.parts.append(
            (n, said, (*(np.asarray(c, dtype=object) for c in columns), numbers(records, sequence_name(records))))
        )


def as_results(sheets: Sequence[Sheet]) -> Results:
    """The rows of all specifications in their order."""
    rows = [row for sheet in sheets for row in sheet.rows]
    parts = [part for sheet in sheets for part in sheet.parts]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return Results(table, _contributing(parts))


def _contributing(parts: list[Part]) -> pd.DataFrame:
    """The records behind all results, `RECORD_COLUMNS`."""
    if not parts:
        return pd.DataFrame(columns=list(RECORD_COLUMNS))
    sizes = [n for n, _, _ in parts]
    said = [np.repeat(np.array(words, dtype=object), sizes) for words in zip(*(p[1] for p in parts), strict=True)]
    own = [np.concatenate(columns) for columns in zip(*(p[2] for p in parts), strict=True)]
    made = pd.DataFrame(dict(zip(RECORD_COLUMNS, [*said, *own], strict=True)))
    return made.assign(USUBJID=text(made, "USUBJID"), PARAMCD=text(made, "PARAMCD"))


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """The ADaM frames by name, and the choice of subjects and records in them.

    `lacking` says of parameters that a study asks for and that the data cannot give why not.
    """

    frames: Mapping[str, pd.DataFrame]
    lacking: Mapping[str, str] = field(default_factory=dict)
    # Rows of each parameter, found once: a study asks for the same ones again and again.
    _parameters: dict[str, dict[str, pd.DataFrame]] = field(default_factory=dict, repr=False)

    def parameters(self, dataset: str) -> dict[str, pd.DataFrame]:
        """The records of a dataset by PARAMCD."""
        if dataset not in self._parameters:
            rows = self.frame(dataset)
            if "PARAMCD" not in rows:
                raise CannotEstimateError(f"{dataset} has no variable PARAMCD")
            places = rows.groupby(text(rows, "PARAMCD").to_numpy(object), sort=False).indices
            self._parameters[dataset] = {str(code): rows.iloc[at] for code, at in places.items()}
        return self._parameters[dataset]

    def frame(self, name: str) -> pd.DataFrame:
        if name not in self.frames:
            raise CannotEstimateError(f"there is no dataset {name}")
        return self.frames[name]

    def subjects(self, spec: Spec) -> pd.DataFrame:
        """The population of a specification, from ADSL."""
        adsl = self.frame("ADSL")
        chosen = self.chosen(adsl, is_(spec.population, "Y")) if spec.population else adsl
        for condition in spec.subset:
            chosen = self.chosen(chosen, condition)
        return chosen

    def chosen(self, subjects: pd.DataFrame, condition: Condition) -> pd.DataFrame:
        """Those subjects of ADSL who fulfil a condition."""
        return subjects[self._holds(subjects, "ADSL", condition)]

    def groups(self, spec: Spec) -> list[tuple[str, pd.DataFrame]]:
        """Each value of the grouping variable with its subjects, in alphabetical order, then all."""
        subjects = self.subjects(spec)
        return [*self.split(subjects, spec.group), (ALL, subjects)] if spec.group else [(ALL, subjects)]

    def split(self, subjects: pd.DataFrame, variable: str) -> list[tuple[str, pd.DataFrame]]:
        """The subjects by value of an ADSL variable; those without a value are in none."""
        if variable not in subjects:
            raise CannotEstimateError(f"ADSL has no variable {variable}")
        values = text(subjects, variable)
        return [(v, subjects[values == v]) for v in sorted(values.unique()) if v]

    def records(self, wanted: Records, subjects: pd.DataFrame) -> pd.DataFrame:
        """The records of these subjects that fulfil the conditions."""
        rows = self.frame(wanted.dataset)
        if wanted.paramcd:
            rows = self.parameters(wanted.dataset).get(wanted.paramcd, rows.iloc[:0])
        rows = rows[rows["USUBJID"].isin(subjects["USUBJID"])]
        for condition in wanted.where:
            rows = rows[self._holds(rows, wanted.dataset, condition)]
        return rows

    def known(self, wanted: Records) -> Records:
        """The same records, if their parameter exists: 0% of what was never derived would be invented."""
        self.derived(wanted)
        if wanted.paramcd and wanted.paramcd not in self.parameters(wanted.dataset):
            raise CannotEstimateError(f"{wanted.dataset} has no parameter {wanted.paramcd}")
        return wanted

    def derived(self, wanted: Records) -> Records:
        """The same records, if their parameter was derived, even where no subject has one."""
        if wanted.paramcd in self.lacking:
            raise CannotEstimateError(self.lacking[wanted.paramcd])
        return wanted

    def _holds(self, rows: pd.DataFrame, dataset: str, condition: Condition) -> np.ndarray:
        if condition.variable not in rows:
            raise CannotEstimateError(f"{dataset} has no variable {condition.variable}")
        return select(rows, condition)
