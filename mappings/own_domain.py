"""A domain that the project does not have, as a mapping file brings it: its dataset and the table of its variables.

It is a domain of the guide that the project does not build, or a sponsor's own, whose code begins with X, Y or Z
(SDTMIG 3.4 section 2.6).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Annotated, Literal

from fhir2cdisc.mappings.standard.datasets import Dataset, Variable, codelist, sdtm_datasets
from fhir2cdisc.mappings.study_base import Model
from pydantic import BeforeValidator, ConfigDict, Field

# What a label of a transport file can hold.
MOST_BYTES = 40
GENERAL_CLASSES = ("Interventions", "Events", "Findings", "Findings About")
_NEEDED = ("STUDYID", "DOMAIN", "USUBJID")


def _tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_tuple)]
Role = Literal[
    "Identifier",
    "Topic",
    "Grouping Qualifier",
    "Result Qualifier",
    "Synonym Qualifier",
    "Record Qualifier",
    "Variable Qualifier",
    "Timing",
]


class OwnDataset(Model):
    """The dataset of a domain that the mapping file brings: general observation class, label and structure."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    class_: Literal["Interventions", "Events", "Findings", "Findings About"] = Field(alias="class")
    label: str = Field(min_length=1)
    structure: str = Field(min_length=1)


class OwnVariable(Model):
    """A variable of such a dataset; they stand in the order of the file.

    `codelist` names codelists by submission value or NCI code. A variable that all domains have in common (STUDYID,
    VISITNUM, EPOCH) is given by its name, and by `core` if it is not permissible: the guide says the rest.
    """

    name: str = Field(pattern=r"^[A-Z][A-Z0-9]{0,7}$")
    label: str = ""
    type: Literal["Char", "Num"] = "Char"
    core: Literal["Req", "Exp", "Perm"] = "Perm"
    role: Role | None = None
    codelist: Names = ()


def own_dataset(domain: str, dataset: OwnDataset, variables: Iterable[OwnVariable]) -> Dataset:
    """The dataset as the rest of the project knows one; ValueError says what is wrong with it."""
    _check_code(domain)
    _check_label(domain, dataset.label)
    made = tuple(_variable(domain, one) for one in variables)
    names = [one.name for one in made]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{domain} has variable {twice[0]} twice")
    if missing := [name for name in (*_NEEDED, f"{domain}SEQ") if name not in names]:
        raise ValueError(f"{domain} has no variable {missing[0]}, which every domain has")
    if not any(one.role == "Topic" for one in made):
        raise ValueError(f"{domain} has no variable with the role Topic, which says what a record is about")
    return Dataset(domain, dataset.label, dataset.class_, dataset.structure, made)


def _check_code(domain: str) -> None:
    if domain in sdtm_datasets():
        raise ValueError(f"{domain} is a domain that the project has; leave out its dataset and variables")
    if domain not in codelist("DOMAIN").terms and not re.fullmatch("[XYZ][A-Z0-9]", domain):
        raise ValueError(f"{domain} is neither a domain of SDTM nor a sponsor's own, which begins with X, Y or Z")


def _check_label(name: str, label: str) -> None:
    if not label:
        raise ValueError(f"{name} has no label")
    if (size := len(label.encode())) > MOST_BYTES:
        raise ValueError(f"the label of {name} has {size} bytes, over the {MOST_BYTES} of a transport file")


def _variable(domain: str, given: OwnVariable) -> Variable:
    if common := general_variables().get(given.name):
        return _general(common, given)
    if not given.name.startswith(domain):
        raise ValueError(f"{given.name} neither begins with {domain} nor is a variable that all domains have in common")
    _check_label(given.name, given.label)
    if given.role is None:
        raise ValueError(f"{given.name} has no role")
    kind = _types().get(given.name.removeprefix(domain), given.type)
    if kind != given.type:
        raise ValueError(f"{given.name} is {given.type}; --{given.name.removeprefix(domain)} is {kind} in the guide")
    return Variable(given.name, given.label, given.type, given.core, given.role, _codes(given))


def _general(common: Variable, given: OwnVariable) -> Variable:
    """A variable in common, as the guide has it; its core is that of the domain."""
    for name in sorted(given.model_fields_set - {"name", "core"}):
        raise ValueError(f"{given.name}: {name} is that of the guide; leave it out")
    return Variable(common.name, common.label, common.type, given.core, common.role, common.codelists)


def _codes(given: OwnVariable) -> tuple[str, ...]:
    try:
        return tuple(codelist(name).code for name in given.codelist)
    except KeyError as error:
        raise ValueError(f"{given.name}: {error.args[0]}") from error


@cache
def general_variables() -> dict[str, Variable]:
    """The variables that domains of the general observation classes have in common, by name."""
    found: dict[str, Variable] = {}
    for dataset in _general_datasets():
        for variable in dataset.variables:
            if not variable.name.startswith(dataset.name):
                found.setdefault(variable.name, variable)
    return found


@cache
def _types() -> dict[str, str]:
    """The type that a variable has in every domain of the guide, by its name without the letters of the domain."""
    return {
        variable.name.removeprefix(dataset.name): variable.type
        for dataset in _general_datasets()
        for variable in dataset.variables
        if variable.name.startswith(dataset.name)
    }


def _general_datasets() -> list[Dataset]:
    """Of subjects: those of associated persons (APMH) have names of their own."""
    return [one for one in sdtm_datasets().values() if one.class_ in GENERAL_CLASSES and len(one.name) == 2]
