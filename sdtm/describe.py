"""Metadata of the datasets that were made: order, labels, keys, and where each variable comes from.

Where a variable comes from is what its mapping says; how it is derived stands beside the function that derives it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
from fhir2cdisc.mappings.model import DomainMap, VariableMap, datasets_of
from fhir2cdisc.mappings.standard.datasets import Dataset, Variable, prefix_of
from fhir2cdisc.sdtm.assemble import sequence
from fhir2cdisc.sdtm.links.relations import supp_dataset_label
from fhir2cdisc.sdtm.links.tumour_links import link_assessments, link_lesions
from fhir2cdisc.sdtm.methods import methods_of
from fhir2cdisc.sdtm.standard_results import standardise
from fhir2cdisc.sdtm.subject.deaths import date_deaths
from fhir2cdisc.sdtm.subject.readers import number_readers
from fhir2cdisc.sdtm.subject.relatives import name_relatives
from fhir2cdisc.sdtm.subject.subjects import build_dm, identify, reference_dates
from fhir2cdisc.sdtm.timing import add_baselines, epoch, mark_ongoing, study_day
from fhir2cdisc.sdtm.trial.trial_design import KEYS as TRIAL_DESIGN_KEYS
from fhir2cdisc.sdtm.trial.trial_design import build_se, build_tv
from fhir2cdisc.sdtm.trial.trial_summary import build_ts
from fhir2cdisc.sdtm.trial.visits import number_visits

# Every function that derives a variable and says how.
DERIVATIONS = (
    identify,
    reference_dates,
    build_dm,
    date_deaths,
    number_readers,
    name_relatives,
    number_visits,
    standardise,
    link_lesions,
    link_assessments,
    study_day,
    epoch,
    add_baselines,
    mark_ongoing,
    sequence,
    build_se,
    build_tv,
    build_ts,
)
METHODS = methods_of(DERIVATIONS)
# Datasets that the study file makes: of their variables only those are derived that a method names with the dataset.
_OF_THE_STUDY_FILE = frozenset({"TA", "TE", "TI", "TS", "TV"})
_ASSIGNED = {"STUDYID", "DOMAIN", "SUBJID", "VISITDY", "RSEVAL", "TUEVAL", "TREVAL", "ARMNRS", "MHEVDTYP"}


def describe(frames: Mapping[str, pd.DataFrame], mappings: list[DomainMap]) -> dict[str, Dataset]:
    """The metadata of each frame, by dataset name: its columns only, in their order."""
    by_domain, known = {m.domain: m for m in mappings}, datasets_of(mappings)
    return {name: _dataset(name, frame, by_domain.get(name), known) for name, frame in frames.items()}


def _dataset(name: str, frame: pd.DataFrame, mapping: DomainMap | None, known: Mapping[str, Dataset]) -> Dataset:
    if name.startswith("SUPP"):
        base = replace(known["SUPPQUAL"], name=name, label=supp_dataset_label(name.removeprefix("SUPP")))
        keys: tuple[str, ...] = ("STUDYID", "RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "QNAM")
    else:
        base = known[name]
        keys = mapping.keys if mapping else _keys(name)
    sources = _sources(mapping) if mapping else {}
    variables = tuple(_variable(base[column], name, sources) for column in frame.columns if column in base)
    present = {v.name for v in variables}
    return replace(base, variables=variables, keys=_unique_keys(tuple(k for k in keys if k in present), name, frame))


def _keys(name: str) -> tuple[str, ...]:
    relrec = ("STUDYID", "RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "RELID")
    return {"RELREC": relrec, **TRIAL_DESIGN_KEYS}.get(name, ("STUDYID",))


def _unique_keys(keys: tuple[str, ...], name: str, frame: pd.DataFrame) -> tuple[str, ...]:
    """The natural keys, completed by --SEQ where they leave two records equal."""
    seq = f"{prefix_of(name)}SEQ"
    if seq in frame and frame.duplicated(list(keys)).any():
        return (*keys, seq)
    return keys


def _sources(mapping: DomainMap) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for source in mapping.source:
        for name, spec in source.variables.items():
            if text := _words(source.resource, spec):
                found.setdefault(name, []).append(text)
    return {name: "; ".join(dict.fromkeys(texts)) for name, texts in found.items()}


def _words(resource: str, spec: VariableMap) -> str:
    paths = [p if p.startswith("%resource") else f"{resource}.{p}" for p in (*spec.concept, *spec.path)]
    if spec.test:
        paths.append(f"the {spec.test} that {resource}.code stands for")
    if spec.drug:
        paths.append(f"the {spec.drug.replace('_', ' ')} of the drug of {resource}")
    return ", else ".join(paths)


def _variable(variable: Variable, domain: str, sources: dict[str, str]) -> Variable:
    method, source = method_of(domain, variable.name), sources.get(variable.name, "")
    if variable.name in _ASSIGNED or (not source and not method):
        return replace(variable, origin="Assigned", source=source)
    if method and not (source and variable.name == f"{domain}STRESC"):
        return replace(variable, origin="Derived", method=method)
    return replace(variable, origin="Collected", source=source)


def method_of(dataset: str, variable: str) -> str:
    """How a variable of a dataset is derived, blank where it is not."""
    if (own := METHODS.get(f"{dataset}.{variable}")) or dataset in _OF_THE_STUDY_FILE:
        return own or ""
    prefix = prefix_of(dataset)
    general = f"--{variable.removeprefix(prefix)}" if variable.startswith(prefix) else ""
    return METHODS.get(variable) or METHODS.get(general, "")
