"""Whether a mapping names what FHIR and SDTM have: what they do not have would be dropped without a word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from fhir2cdisc.fhir.versions import R4_TYPES
from fhir2cdisc.mappings.model import DomainMap, MappingError, SourceMap
from fhir2cdisc.mappings.own_domain import MOST_BYTES
from fhir2cdisc.mappings.standard.datasets import Dataset, model_variable, sdtm_datasets
from fhir2cdisc.sdtm.columns import COLUMNS, MAPPING, settable


def check_names(mapping: DomainMap) -> None:
    """MappingError names the file, the source and the name that is not there, and the nearest one that is."""
    known = mapping.own or sdtm_datasets().get(mapping.domain)
    if known is None:
        said = f"no SDTM domain {mapping.domain} is known; a file can bring it with [dataset] and [[variable]]"
        raise MappingError(f"mapping {mapping.file or mapping.domain}: {said}")
    for name in mapping.keys:
        if name not in known:
            raise MappingError(f"mapping {mapping.file or mapping.domain}: keys: {no_variable(name, known)}")
    for spec in mapping.source:
        if fault := next(filter(None, _faults(spec, known)), ""):
            raise MappingError(f"{place_of(mapping.domain, spec)}: {fault}")


def place_of(domain: str, spec: SourceMap) -> str:
    """A source as an error names it."""
    return f"mapping {spec.file or domain}, source {spec.name}"


def _faults(spec: SourceMap, known: Dataset) -> Iterator[str]:
    """What is wrong with each name of a source, blank where nothing is."""
    if spec.resource not in R4_TYPES:
        yield f"{spec.resource} is no resource type of FHIR R4{_nearest(spec.resource, R4_TYPES)}"
    for name, variable in spec.variables.items():
        if variable.label:
            yield f"{name}: only a supplemental qualifier has a label here; that of a variable is the guide's"
        if name.startswith("_"):
            yield column_fault(name, known.name)
        elif name not in known and model_variable(known, name) is None:
            yield no_variable(name, known)
    for name, variable in spec.supp.items():
        if not 0 < len(variable.label.encode()) <= MOST_BYTES:
            yield f"{name}: a supplemental qualifier has a label of at most {MOST_BYTES} bytes"
        if not re.fullmatch(r"[A-Z][A-Z0-9]{0,7}", name):
            yield f"{name} is no name of a supplemental qualifier (8 letters and digits)"
        elif name in known:
            yield f"{name} is a variable of {known.name}, so it cannot be a supplemental qualifier"


def column_fault(name: str, domain: str) -> str:
    """Why a mapping of this domain cannot set a working column, blank where it can."""
    column = COLUMNS.get(name)
    if column is None or MAPPING not in column.set_by:
        return f"{name} is no working column that a mapping sets{_nearest(name, settable(domain))}"
    if name not in settable(domain):
        return f"{name} is read in {' and '.join(column.domains)} only, not in {domain}"
    return ""


def no_variable(name: str, known: Dataset) -> str:
    return f"{known.name} has no variable {name}{_nearest(name, known.names)}"


def _nearest(name: str, known: Iterable[str]) -> str:
    found = get_close_matches(name, sorted(known), n=1, cutoff=0.0)
    return f" (nearest known name: {found[0]})" if found else ""
