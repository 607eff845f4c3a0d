"""The ADaM controlled terminology that analysis datasets use, and which variables it concerns.

Names, codes and terms are those of ADaM Controlled Terminology, in `adam_codelists.csv` and `adam_terms.csv`, which
`tools/make_ct.py` makes; codelists of questionnaire scores and of tobacco studies are left out.
"""

from __future__ import annotations

import re
from dataclasses import replace

from fhir2cdisc.mappings.standard.datasets import CT_VERSIONS, Codelist, Dataset, read_codelists

ADAM_CT_VERSION = CT_VERSIONS["ADaM"]
ADAM_CODELISTS = read_codelists("adam_codelists.csv", "adam_terms.csv")
DATE_IMPUTATION = ADAM_CODELISTS["C81223"]
TIME_IMPUTATION = ADAM_CODELISTS["C81226"]
PARAMETER_TYPE = ADAM_CODELISTS["C81225"]
DERIVATION_TYPE = ADAM_CODELISTS["C81224"]
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
