"""The ADaM controlled terminology that analysis datasets use, and which variables it concerns.

Names, codes and terms are those of ADaM Controlled Terminology 2026-03-27; codelists of questionnaire scores and
of tobacco studies are left out.
"""

from __future__ import annotations

import re
from dataclasses import replace

from fhir2cdisc.mappings.standard.datasets import Codelist, Dataset

ADAM_CT_VERSION = "2026-03-27"

DATE_IMPUTATION = Codelist(
    "C81223", "DATEFL", "Date Imputation Flag", False, {"D": "C81212", "M": "C81211", "Y": "C81210"}
)
TIME_IMPUTATION = Codelist(
    "C81226", "TIMEFL", "Time Imputation Flag", False, {"H": "C81213", "M": "C81214", "S": "C81215"}
)
PARAMETER_TYPE = Codelist("C81225", "PARAMTYP", "Parameter Type", False, {"DERIVED": "C81197"})
DERIVATION_TYPE = Codelist(
    "C81224",
    "DTYPE",
    "Derivation Type",
    True,
    {
        "AVERAGE": "C81209",
        "BC": "C92225",
        "BLOCF": "C81201",
        "BOC": "C132340",
        "BOCF": "C92226",
        "COPY": "C184383",
        "EXTRAP": "C139176",
        "HALFLLOQ": "C170546",
        "INTERP": "C81208",
        "LLOD": "C105701",
        "LLOQ": "C170543",
        "LOCF": "C81198",
        "LOV": "C132341",
        "LVPD": "C132342",
        "MAXIMUM": "C82868",
        "MINIMUM": "C82867",
        "ML": "C53331",
        "MOTH": "C81204",
        "MOV": "C81207",
        "NOCB": "C204584",
        "PHANTOM": "C170545",
        "POCF": "C81205",
        "SOCF": "C81200",
        "ULOD": "C174264",
        "ULOQ": "C170544",
        "WC": "C81203",
        "WOC": "C132343",
        "WOCF": "C81199",
        "WOV": "C81206",
    },
)
ADAM_CODELISTS = {one.code: one for one in (DATE_IMPUTATION, TIME_IMPUTATION, PARAMETER_TYPE, DERIVATION_TYPE)}
# Variables by their names: *DTF and *TMF (ADaMIG 1.3, sections 3.1.3 and 3.1.5), DTYPE (3.3.5); PARAMTYP is of the
# terminology, ADaMIG 1.3 does not have it.
_OF_NAMES = (
    (re.compile(r"[A-Z0-9]+DTF"), DATE_IMPUTATION),
    (re.compile(r"[A-Z0-9]+TMF"), TIME_IMPUTATION),
    (re.compile(r"PARAMTYP"), PARAMETER_TYPE),
    (re.compile(r"DTYPE"), DERIVATION_TYPE),
)


def adam_codelist(variable: str) -> Codelist | None:
    """The ADaM codelist of a variable by its name, None where it has none."""
    return next((codelist for name, codelist in _OF_NAMES if name.fullmatch(variable)), None)


def with_adam_codelists(dataset: Dataset) -> Dataset:
    """The dataset with the ADaM codelists of its variables beside those it has."""
    variables = []
    for variable in dataset.variables:
        found = adam_codelist(variable.name)
        codes = variable.codelists if found is None else (*variable.codelists, found.code)
        variables.append(replace(variable, codelists=tuple(dict.fromkeys(codes))))
    return replace(dataset, variables=tuple(variables))
