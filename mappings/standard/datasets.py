"""What the standards say of a dataset: variables, order, labels, types, core, codelists.

The facts are those of SDTMIG 3.4 and of SDTM Controlled Terminology, held as compact tables
beside this module (`datasets.csv`, `variables.csv`, `result_codelists.csv`; `codelists.csv`, `terms.csv` and
`ct_versions.csv` are made by `tools/make_ct.py`).
ADaM datasets use the same classes, so a frame and its metadata travel together from here to the written file.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Literal

SDTM_STANDARD = ("SDTMIG", "3.4")


@dataclass(frozen=True, slots=True)
class Variable:
    """One column of a dataset as define.xml and XPT need it.

    `length` is in bytes, 0 where it is measured from the data. `format` is a SAS display format (`DATE9.`).
    `codelists` holds NCI codes of codelists. `origin` is a Define-XML origin type (`Collected`, `Derived`,
    `Assigned`, `Protocol`, `Predecessor`) and `source` says in words from where (a FHIR path, a raw column,
    a predecessor variable); `method` is the algorithm of a derived variable in words.
    """

    name: str
    label: str
    type: Literal["Char", "Num"] = "Char"
    core: Literal["Req", "Exp", "Perm", "Cond", ""] = ""
    role: str = ""
    codelists: tuple[str, ...] = ()
    length: int = 0
    format: str = ""
    origin: str = ""
    source: str = ""
    method: str = ""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset: name, label, class, structure, its variables in order and its sort keys."""

    name: str
    label: str
    class_: str
    structure: str
    variables: tuple[Variable, ...]
    keys: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Variable:
        for variable in self.variables:
            if variable.name == name:
                return variable
        raise KeyError(f"{self.name} has no variable {name}")

    def __contains__(self, name: str) -> bool:
        return any(variable.name == name for variable in self.variables)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(variable.name for variable in self.variables)

    def select(self, names: Iterable[str]) -> Dataset:
        """The same dataset with the variables of `names` only, in the standard's order."""
        wanted = set(names)
        return replace(self, variables=tuple(v for v in self.variables if v.name in wanted))


@dataclass(frozen=True, slots=True)
class Codelist:
    """A CDISC codelist: `terms` maps a submission value to its NCI concept code."""

    code: str
    submission_value: str
    name: str
    extensible: bool
    terms: Mapping[str, str] = field(repr=False)

    @property
    def by_code(self) -> dict[str, str]:
        """NCI concept code to submission value."""
        return {code: term for term, code in self.terms.items()}


def _rows(name: str) -> list[dict[str, str]]:
    text = files("fhir2cdisc.mappings.standard").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


# The release of each controlled terminology: `SDTM` and `ADaM`.
CT_VERSIONS = {row["terminology"]: row["version"] for row in _rows("ct_versions.csv")}
SDTM_CT_VERSION = CT_VERSIONS["SDTM"]


@cache
def sdtm_datasets() -> dict[str, Dataset]:
    """Every SDTM dataset that the project knows, by name, variables in the order of the guide."""
    variables: dict[str, list[Variable]] = {}
    for row in _rows("variables.csv"):
        variables.setdefault(row["dataset"], []).append(
            Variable(
                name=row["variable"],
                label=row["label"],
                type="Num" if row["type"] == "Num" else "Char",
                core=row["core"],  # type: ignore[arg-type]
                role=row["role"],
                codelists=tuple(row["codelists"].split()),
            )
        )
    return {
        row["dataset"]: Dataset(
            row["dataset"], row["label"], row["class"], row["structure"], tuple(variables[row["dataset"]])
        )
        for row in _rows("datasets.csv")
    }


@cache
def _model(class_: str) -> Mapping[str, tuple[int, Variable]]:
    """The variables of a general observation class of the model with their places, by name (`--TERM`, `VISIT`)."""
    rows = [row for row in _rows("model.csv") if row["class"] == class_]
    return {
        row["variable"]: (
            place,
            Variable(
                row["variable"],
                row["label"],
                "Num" if row["type"] == "Num" else "Char",
                "Perm",
                "Qualifier",
                tuple(row["codelists"].split()),
            ),
        )
        for place, row in enumerate(rows)
    }


def _general(name: str, domain: str) -> str:
    """`--DTC` of `AEDTC` in AE; a name without the prefix of its domain is its own (`VISIT`)."""
    prefix = prefix_of(domain)
    return f"--{name.removeprefix(prefix)}" if name.startswith(prefix) else name


def model_variable(dataset: Dataset, name: str) -> Variable | None:
    """A variable that the guide does not list for a dataset, and that its class has in the model (SDTM 2.0).

    A sponsor may add it (SDTMIG 3.4 section 4.1.5); None where the class has none of this name, or the guide lists it.
    """
    found = _model(dataset.class_).get(_general(name, dataset.name))
    return None if found is None or name in dataset else replace(found[1], name=name)


def with_model_variables(dataset: Dataset, names: Iterable[str]) -> Dataset:
    """The dataset with those variables of its class that the guide does not list for it, in the order of the model."""
    model = _model(dataset.class_)
    variables = list(dataset.variables)
    for name in names:
        added = model_variable(dataset, name)
        if added is None or any(variable.name == name for variable in variables):
            continue
        place = model[_general(name, dataset.name)][0]
        before = [n for n, one in enumerate(variables) if model.get(_general(one.name, dataset.name), (-1,))[0] > place]
        variables.insert(before[0] if before else len(variables), added)
    return replace(dataset, variables=tuple(variables))


def prefix_of(domain: str) -> str:
    """How the variables of a domain begin: those of associated persons (APMH) as the domain that it is modelled on."""
    return domain.removeprefix("AP") if len(domain) == 4 else domain


def record_key(domain: str) -> str:
    """The variable that tells a subject's records apart: --SEQ, or VISITNUM in a domain without one (SV).

    Blank where a subject has one record (DM).
    """
    dataset, seq = sdtm_datasets().get(domain), f"{prefix_of(domain)}SEQ"
    if dataset is None or seq in dataset:
        return seq
    return "VISITNUM" if "VISITNUM" in dataset else ""


def read_codelists(codelists: str, terms: str) -> dict[str, Codelist]:
    """The codelists of two tables beside this module, by NCI code."""
    terms_of: dict[str, dict[str, str]] = {}
    for row in _rows(terms):
        terms_of.setdefault(row["codelist"], {})[row["term"]] = row["code"]
    return {
        row["codelist"]: Codelist(
            row["codelist"],
            row["submission_value"],
            row["name"],
            row["extensible"] == "Y",
            terms_of[row["codelist"]],
        )
        for row in _rows(codelists)
    }


@cache
def codelists() -> dict[str, Codelist]:
    """Every SDTM codelist that the project ships, by NCI code."""
    return read_codelists("codelists.csv", "terms.csv")


@cache
def _result_codelists() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for row in _rows("result_codelists.csv"):
        found.setdefault(row["dataset"], {})[row["testcd"]] = row["codelist"]
    return found


def codelists_by_test(dataset: str, variable: str) -> Mapping[str, str]:
    """For a standardised result whose codelist depends on the test: test code to NCI code; empty for all others.

    A test that is not in it has a result without codelist, such as a date. Source: CDISC COSMoS dataset
    specializations.
    """
    return _result_codelists().get(dataset, {}) if variable == f"{dataset}STRESC" else {}


@cache
def codelist(name: str) -> Codelist:
    """A codelist by NCI code (`C66742`) or submission value (`NY`); KeyError where there is none."""
    found = codelists().get(name)
    if found is None:
        found = next((c for c in codelists().values() if c.submission_value == name), None)
    if found is None:
        raise KeyError(f"no codelist {name}")
    return found
