"""Metadata of the ADaM datasets of a run, from the modules that make them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
from fhir2cdisc.adam.adsl_metadata import VARIABLES as ADSL_VARIABLES
from fhir2cdisc.adam.adsl_metadata import adsl_dataset
from fhir2cdisc.adam.metadata_safety_pro import adae_metadata, adqs_metadata
from fhir2cdisc.adam.study_options import adae_options
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.sdtm.metadata import Dataset, Variable

_LABELS = {
    "PARAMCD": "Parameter Code", "PARAM": "Parameter", "PARCAT1": "Parameter Category 1",
    "PARCAT2": "Parameter Category 2", "PARCAT3": "Parameter Category 3", "AVALC": "Analysis Value (C)",
    "ADTF": "Analysis Date Imputation Flag", "AVISIT": "Analysis Visit", "ANL01FL": "Analysis Flag 01",
    "ANL02FL": "Analysis Flag 02", "ANL03FL": "Analysis Flag 03", "ANL04FL": "Analysis Flag 04",
    "ABLFL": "Baseline Record Flag", "PDFL": "Target Progression Flag", "TRLNKID": "Lesion Identifier",
    "TULOC": "Location of the Lesion", "LSEXP": "Lesions Expected", "LSASS": "Lesions Assessed",
    "SRCDOM": "Source Data", "SRCVAR": "Source Variable", "EVNTDESC": "Event or Censoring Description",
    "CNSDTDSC": "Censor Date Description", "WHY": "Reason in Words", "CRIT": "Response Criteria",
}  # fmt: skip
_NUMBERS = {
    "AVAL": "Analysis Value", "BASE": "Baseline Value", "CHG": "Change from Baseline",
    "PCHG": "Percent Change from Baseline", "NADIR": "Lowest Value before the Assessment",
    "CHGNAD": "Change from Nadir", "PCHGNAD": "Percent Change from Nadir", "ADY": "Analysis Relative Day",
    "AVISITN": "Analysis Visit (N)", "SRCSEQ": "Source Sequence Number", "ASEQ": "Analysis Sequence Number",
    "CNSR": "Censor",
}  # fmt: skip
_DATES = {"ADT": "Analysis Date", "STARTDT": "Time-to-Event Origin Date for Subject"}
_SHAPES = {
    "ADRS": ("Tumor Response Analysis Dataset", "One record per subject per parameter per analysis date"),
    "ADTR": ("Tumor Results Analysis Dataset", "One record per subject per parameter per analysis date"),
    "ADTTE": ("Time-to-Event Analysis Dataset", "One record per subject per parameter"),
}
_KEYS = {
    "ADRS": ("STUDYID", "USUBJID", "PARAMCD", "ADT", "ASEQ"),
    "ADTR": ("STUDYID", "USUBJID", "PARAMCD", "ADT", "ASEQ"),
    "ADTTE": ("STUDYID", "USUBJID", "PARAMCD"),
}


def adam_datasets(frames: Mapping[str, pd.DataFrame], study: Study) -> dict[str, Dataset]:
    """The metadata of each ADaM frame, by name."""
    made = {}
    for name, frame in frames.items():
        if name == "ADSL":
            made[name] = adsl_dataset(frame, study)
        elif name == "ADAE":
            made[name] = adae_metadata(frame, adae_options(study))
        elif name == "ADQS":
            made[name] = adqs_metadata(frame)
        else:
            made[name] = _basic(name, frame)
    return made


def _basic(name: str, frame: pd.DataFrame) -> Dataset:
    subject = {v.name: v for v in ADSL_VARIABLES}
    label, structure = _SHAPES[name]
    class_ = "BASIC DATA STRUCTURE"
    return Dataset(name, label, class_, structure, tuple(_variable(c, subject) for c in frame.columns), _KEYS[name])


def _variable(name: str, subject: Mapping[str, Variable]) -> Variable:
    if name in _DATES:
        return Variable(name, _DATES[name], "Num", format="DATE9.", origin="Derived")
    if name in _NUMBERS:
        return Variable(name, _NUMBERS[name], "Num", origin="Derived")
    if name in _LABELS:
        return Variable(name, _LABELS[name], "Char", origin="Derived")
    return replace(subject[name], origin="Predecessor", source=f"ADSL.{name}", method="")
