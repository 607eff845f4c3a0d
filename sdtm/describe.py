"""Metadata of the datasets that were made: order, labels, keys, and where each variable comes from.

The words come from the mapping itself, so define.xml cannot say something else than what was done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
from fhir2cdisc.mappings.model import DomainMap, VariableMap
from fhir2cdisc.mappings.standard.datasets import Dataset, Variable, sdtm_datasets
from fhir2cdisc.sdtm.relations import supp_dataset_label
from fhir2cdisc.sdtm.trial_design import KEYS as TRIAL_DESIGN_KEYS

# Variables that are computed whatever the domain: name or suffix to the method in words.
DERIVED = {
    "USUBJID": "STUDYID and SUBJID joined by a hyphen",
    "SEQ": "Numbered from 1 within the subject, in the order of the dataset's keys",
    "DY": "Days from RFSTDTC; the day of RFSTDTC is 1 and the day before it is -1; dates complete to the day only",
    "EPOCH": "SCREENING from informed consent to the day before RFSTDTC, TREATMENT from RFSTDTC to RFXENDTC, then "
    "FOLLOW-UP; OBSERVATION from RFSTDTC in a subject without exposure",
    "VISITNUM": "Planned day of the visit, plus hundredths for a visit not planned; the order of encounters where "
    "no encounter has a planned name",
    "LOBXFL": "Y on the last record with a result before RFXSTDTC (on its day, unless both have a time and it is not "
    "earlier), by test, specimen, location and evaluator",
    "BLFL": "Y on the last record with a result before RFSTDTC (on its day, unless both have a time and it is not "
    "earlier), by test, specimen, location and evaluator",
    "STRESC": "The result in standard units as text; the original result where no conversion is defined",
    "STRESN": "The numeric part of the standard result",
    "STRESU": "The unit of the standard result",
    "RFSTDTC": "The first date that the study file names as the start of time and the subject has",
    "RFENDTC": "RFXENDTC, else RFPENDTC",
    "RFXSTDTC": "Earliest EXSTDTC",
    "RFXENDTC": "Latest EXENDTC or EXSTDTC",
    "RFICDTC": "DSSTDTC of informed consent",
    "RFPENDTC": "Latest DSSTDTC of the end of study participation, else the date of death",
    "AGE": "Completed years from the full date of birth to RFSTDTC, else RFICDTC",
    "DTHFL": "Y where the source gives a date of death or says that the patient is deceased",
    **dict.fromkeys(
        ("CMENRTPT", "MHENRTPT"),
        "ONGOING where the source calls the record active, gives no end, and participation has ended",
    ),
    **dict.fromkeys(("CMENTPT", "MHENTPT"), "RFPENDTC where --ENRTPT is filled"),
    "RACE": "OMB race category; MULTIPLE where there are several (each in SUPPDM)",
    "ETHNIC": "OMB ethnicity category",
    "VISIT": "Name of the planned visit, UNSCHEDULED or ENCOUNTER with its number",
    "DMDTC": "RFICDTC",
    "AGEU": "YEARS where AGE is filled",
    "LNKGRP": "Assessment of one reader at one visit, numbered by first date within subject and reader; in RS on the "
    "overall response only",
    "TRGRPID": "The role that TU gives the lesion of TRLNKID",
}
_ASSIGNED = {"STUDYID", "DOMAIN", "SUBJID", "VISITDY", "RSEVAL", "TUEVAL", "TREVAL", "ARMNRS"}


def describe(frames: Mapping[str, pd.DataFrame], mappings: list[DomainMap]) -> dict[str, Dataset]:
    """The metadata of each frame, by dataset name: its columns only, in their order."""
    by_domain = {m.domain: m for m in mappings}
    return {name: _dataset(name, frame, by_domain.get(name)) for name, frame in frames.items()}


def _dataset(name: str, frame: pd.DataFrame, mapping: DomainMap | None) -> Dataset:
    known = sdtm_datasets()
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
    seq = f"{name}SEQ"
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
    return ", else ".join(paths)


def _variable(variable: Variable, domain: str, sources: dict[str, str]) -> Variable:
    suffix = variable.name.removeprefix(domain)
    method = DERIVED.get(variable.name) or DERIVED.get(suffix) or (DERIVED["DY"] if suffix.endswith("DY") else "")
    source = sources.get(variable.name, "")
    if variable.name in _ASSIGNED or (not source and not method):
        return replace(variable, origin="Assigned", source=source)
    if method and not (source and suffix in ("STRESC",)):
        return replace(variable, origin="Derived", method=method)
    return replace(variable, origin="Collected", source=source)
