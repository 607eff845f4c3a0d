"""Metadata of the ADaM datasets of a run, from the modules that make them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
from fhir2cdisc.adam.metadata_response import adrs_metadata, adtr_metadata, adtte_metadata
from fhir2cdisc.adam.metadata_safety_pro import adae_metadata, adqs_metadata
from fhir2cdisc.adam.response.composite import all_composites
from fhir2cdisc.adam.sensitivity import responses_there
from fhir2cdisc.adam.study_options import adae_options, response_options, tte_parameters
from fhir2cdisc.adam.subject.adsl_metadata import VARIABLES as ADSL_VARIABLES
from fhir2cdisc.adam.subject.adsl_metadata import adsl_dataset
from fhir2cdisc.mappings.standard.adam_terms import with_adam_codelists
from fhir2cdisc.mappings.standard.datasets import Dataset, Variable
from fhir2cdisc.mappings.study import Study


def adam_datasets(frames: Mapping[str, pd.DataFrame], study: Study) -> dict[str, Dataset]:
    """The metadata of each ADaM frame, by name: its columns, those carried from ADSL named as such."""
    subject = {v.name: v for v in ADSL_VARIABLES}
    return {
        name: with_adam_codelists(_carried(_made(name, frame, frames, study), frame, subject))
        for name, frame in frames.items()
    }


def _made(name: str, frame: pd.DataFrame, frames: Mapping[str, pd.DataFrame], study: Study) -> Dataset:
    if name == "ADSL":
        return adsl_dataset(frame, study)
    if name == "ADAE":
        return adae_metadata(frame, adae_options(study))
    if name == "ADQS":
        return adqs_metadata(frame)
    if name == "ADTR":
        return adtr_metadata()
    again = responses_there(frames["ADRS"], study) if "ADRS" in frames else []
    if name == "ADRS":
        said = [f"{one.paramcd}: {one.method}" for one in all_composites(study, again)]
        return adrs_metadata([response_options(study), *again], said)
    return adtte_metadata(tte_parameters(study, "ADRS" in frames, again))


def _carried(dataset: Dataset, frame: pd.DataFrame, subject: Mapping[str, Variable]) -> Dataset:
    """The variables that the frame has, in its order."""
    variables = tuple(
        dataset[name]
        if name in dataset
        else replace(subject[name], origin="Predecessor", source=f"ADSL.{name}", method="", core="")
        for name in frame.columns
        if name in dataset or name in subject
    )
    return replace(dataset, variables=variables)
