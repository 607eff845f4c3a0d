"""Metadata of ADRS, ADTR and ADTTE: they describe exactly the frames that are derived."""

from __future__ import annotations

import pandas as pd
import pytest
from fhir2cdisc.adam.response.adrs import COLUMNS as ADRS_COLUMNS
from fhir2cdisc.adam.response.adrs import adrs_dataset
from fhir2cdisc.adam.response.response import ResponseOptions
from fhir2cdisc.adam.time_to_event.adtte import COLUMNS as ADTTE_COLUMNS
from fhir2cdisc.adam.time_to_event.adtte import adtte_dataset, derive_adtte
from fhir2cdisc.adam.time_to_event.parameters import PARAMETERS
from fhir2cdisc.adam.tumour.adtr import COLUMNS as ADTR_COLUMNS
from fhir2cdisc.adam.tumour.adtr import adtr_dataset
from support.facts import facts

DATASETS = [adrs_dataset([ResponseOptions()]), adtr_dataset(), adtte_dataset(PARAMETERS)]


@pytest.mark.parametrize(
    ("dataset", "columns"),
    list(zip(DATASETS, [ADRS_COLUMNS, ADTR_COLUMNS, ADTTE_COLUMNS], strict=True)),
    ids=lambda value: getattr(value, "name", ""),
)
def test_the_variables_are_those_of_the_frame(dataset: object, columns: tuple[str, ...]) -> None:
    assert sorted(dataset.names) == sorted(columns)  # type: ignore[attr-defined]


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
def test_labels_keys_types_and_methods_are_complete(dataset: object) -> None:
    for variable in dataset.variables:  # type: ignore[attr-defined]
        assert 0 < len(variable.label) <= 40, variable.name
        assert len(variable.name) <= 8, variable.name
        assert (variable.origin != "Derived") or variable.method, variable.name
        assert variable.name.endswith("DT") == (variable.format == "DATE9."), variable.name
        assert variable.format == "" or variable.type == "Num", variable.name
    assert set(dataset.keys) <= set(dataset.names)  # type: ignore[attr-defined]


def test_methods_name_the_options_and_the_parameters() -> None:
    immune = adrs_dataset([ResponseOptions(), ResponseOptions(criteria="iRECIST")])["AVALC"].method
    assert "BOR: The first of CR, PR, SD" in immune
    assert "IUPD: Y at the first iUPD" in immune
    assert "at least 28 days later" in immune and "at most 1 NE between" in immune
    times = adtte_dataset(PARAMETERS)
    assert "PFS: Starts: Treatment Start (ADSL.TRTSDT). Events" in times["CNSR"].method
    assert "TTP: Starts: Treatment Start (ADSL.TRTSDT). DOR: Starts: First Response (ADRS" in times["STARTDT"].method


def test_types_are_those_of_the_frame() -> None:
    adsl = pd.DataFrame({"STUDYID": "S", "USUBJID": ["1"], "TRTSDT": pd.to_datetime(["2024-01-01"])})
    frame = derive_adtte(adsl, {"ADRS": pd.DataFrame({"USUBJID": []})}, PARAMETERS)
    for variable in adtte_dataset(PARAMETERS).variables:
        assert (frame[variable.name].dtype != object) == (variable.type == "Num"), variable.name


def test_labels_are_those_of_the_implementation_guide() -> None:
    labels: dict[str, set[str]] = {}
    for row in facts("adam_labels"):
        labels.setdefault(row["variable"], set()).add(row["label"])
    assert len(labels) > 100
    wrong = {
        (variable.name, variable.label)
        for dataset in DATASETS
        for variable in dataset.variables
        if variable.name in labels and variable.label not in labels[variable.name]
    }
    assert wrong == set()
