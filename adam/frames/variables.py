"""Variables of analysis datasets as define.xml describes them: how they are written down, and those of every dataset.

A dataset's variables stand in the file that derives it. Labels are those of ADaMIG 1.3 and of the OCCDS guide where
they name the variable, at most 40 characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Literal

import pandas as pd
from fhir2cdisc.mappings.errors import Fhir2CdiscError
from fhir2cdisc.mappings.standard.adam_terms import with_adam_codelists
from fhir2cdisc.mappings.standard.datasets import Dataset, Variable

Type = Literal["Char", "Num"]
Core = Literal["Req", "Exp", "Perm", "Cond", ""]
DATE = "DATE9."
NY = ("C66742",)
BDS = "BASIC DATA STRUCTURE"


class MetadataError(Fhir2CdiscError):
    """A column that nobody describes; the message names dataset and column."""


def predecessor(
    name: str, label: str, source: str, type_: Type = "Char", format_: str = "", core: Core = ""
) -> Variable:
    """A variable that is taken over; `source` is a dataset, or dataset and variable where the names differ."""
    whole = source if "." in source else f"{source}.{name}"
    return Variable(name, label, type_, core=core, format=format_, origin="Predecessor", source=whole)


def derived(
    name: str,
    label: str,
    method: str,
    type_: Type = "Char",
    format_: str = "",
    core: Core = "",
    codelists: tuple[str, ...] = (),
) -> Variable:
    """A variable that is computed; `method` says in words how."""
    return Variable(name, label, type_, core=core, format=format_, origin="Derived", method=method, codelists=codelists)


def derived_date(name: str, label: str, method: str) -> Variable:
    return derived(name, label, method, "Num", DATE)


def derived_number(name: str, label: str, method: str) -> Variable:
    return derived(name, label, method, "Num")


def assigned(name: str, label: str, core: Core = "Perm") -> Variable:
    return Variable(name, label, core=core, origin="Assigned")


# What datasets of responses, lesions and times have in common.
IDENTIFIERS = (
    predecessor("STUDYID", "Study Identifier", "ADSL", core="Req"),
    predecessor("USUBJID", "Unique Subject Identifier", "ADSL", core="Req"),
)
PARAMETER = (assigned("PARAMCD", "Parameter Code", "Req"), assigned("PARAM", "Parameter", "Req"))
CATEGORIES = tuple(assigned(f"PARCAT{n}", f"Parameter Category {n}") for n in (1, 2, 3))
# What every record says of its subject, as adverse events and questionnaires carry it from ADSL.
SUBJECT = (
    predecessor("STUDYID", "Study Identifier", "ADSL"),
    predecessor("USUBJID", "Unique Subject Identifier", "ADSL"),
    predecessor("SUBJID", "Subject Identifier for the Study", "ADSL"),
    predecessor("SITEID", "Study Site Identifier", "ADSL"),
    predecessor("SAFFL", "Safety Population Flag", "ADSL"),
    predecessor("TRT01A", "Actual Treatment for Period 01", "ADSL"),
    predecessor("TRTSDT", "Date of First Exposure to Treatment", "ADSL", "Num", DATE),
    predecessor("TRTEDT", "Date of Last Exposure to Treatment", "ADSL", "Num", DATE),
    predecessor("DTHDT", "Date of Death", "ADSL", "Num", DATE),
    predecessor("EOSDT", "End of Study Date", "ADSL", "Num", DATE),
    predecessor("LSTALVDT", "Date Last Known Alive", "ADSL", "Num", DATE),
)


def relative_day(reference: str) -> str:
    """The method of ADY."""
    return f"ADT - {reference}, plus 1 from {reference} on."


def assessed(date: str, imputed: str, visit: str, number: str) -> tuple[Variable, ...]:
    """When a record of a tumour assessment is; each argument says in words how the variable is found."""
    return (
        derived("ADT", "Analysis Date", date, "Num", DATE, "Perm"),
        derived("ADTF", "Analysis Date Imputation Flag", imputed, core="Perm"),
        derived("ADY", "Analysis Relative Day", relative_day("TRTSDT"), "Num", core="Perm"),
        derived("AVISIT", "Analysis Visit", visit, core="Perm"),
        derived("AVISITN", "Analysis Visit (N)", number, "Num", core="Perm"),
    )


def numbered(source: str, order: str) -> tuple[Variable, ...]:
    """Where a record came from, and its own number; `source` says what SRCSEQ holds, `order` what ASEQ counts by."""
    return (
        assigned("SRCDOM", "Source Data"),
        assigned("SRCVAR", "Source Variable"),
        derived("SRCSEQ", "Source Sequence Number", source, "Num", core="Perm"),
        derived(
            "ASEQ", "Analysis Sequence Number", f"Numbers the records of a subject by {order}.", "Num", core="Perm"
        ),
    )


def names_of(variables: Iterable[Variable]) -> tuple[str, ...]:
    return tuple(variable.name for variable in variables)


def with_methods(variables: Iterable[Variable], methods: Mapping[str, str]) -> tuple[Variable, ...]:
    """The variables with those methods that depend on the options of a study."""
    return tuple(replace(v, method=methods[v.name]) if v.name in methods else v for v in variables)


def described(frame: pd.DataFrame, dataset: Dataset, subject: Dataset | None = None) -> Dataset:
    """The dataset with the variables that the frame has, in its order, and their ADaM codelists.

    A column that the dataset does not know is one of `subject` (ADSL), carried along; any other raises MetadataError.
    """
    variables = []
    for name in map(str, frame.columns):
        if name in dataset:
            variables.append(dataset[name])
        elif subject is not None and name in subject:
            own = replace(subject[name], origin="Predecessor", source=f"{subject.name}.{name}", method="", core="")
            variables.append(own)
        else:
            raise MetadataError(f"{dataset.name}.{name}: the column has no metadata")
    return with_adam_codelists(replace(dataset, variables=tuple(variables)))
