"""Metadata of frames: every column is described, a column of ADSL as carried along, and any other is an error."""

from __future__ import annotations

import pandas as pd
import pytest
from fhir2cdisc.adam.build import adam_datasets, build_adam
from fhir2cdisc.adam.frames.variables import MetadataError, derived, described, predecessor
from fhir2cdisc.mappings.standard.datasets import Dataset
from fhir2cdisc.mappings.study import Study

SUBJECT = Dataset("ADSL", "Subjects", "", "", (derived("AGEGR1", "Age Group 1", "By AGE"),))
OWN = Dataset("ADX", "X", "", "", (predecessor("USUBJID", "Subject", "ADSL"), derived("AVAL", "Value", "1", "Num")))


def test_variables_are_those_of_the_frame_in_its_order() -> None:
    frame = pd.DataFrame({"AVAL": [1.0], "USUBJID": ["01"]})
    assert described(frame, OWN).names == ("AVAL", "USUBJID")


def test_a_column_of_adsl_is_carried_along_and_derived_no_more() -> None:
    carried = described(pd.DataFrame({"USUBJID": ["01"], "AGEGR1": ["<65"]}), OWN, SUBJECT)["AGEGR1"]
    assert (carried.origin, carried.source, carried.method) == ("Predecessor", "ADSL.AGEGR1", "")


def test_a_column_that_nobody_describes_is_an_error_that_names_it() -> None:
    frame = pd.DataFrame({"USUBJID": ["01"], "HEIGHT": [1.0]})
    with pytest.raises(MetadataError, match=r"ADX\.HEIGHT: the column has no metadata"):
        described(frame, OWN, SUBJECT)


@pytest.mark.parametrize("name", ["ADSL", "ADTTE"])
def test_no_dataset_of_a_study_goes_out_with_such_a_column(name: str) -> None:
    dm = pd.DataFrame({"STUDYID": "S", "USUBJID": ["01"], "RFSTDTC": "2024-03-01", "RFXSTDTC": "2024-03-01"})
    made = build_adam({"DM": dm}, Study(id="s", studyid="S", title="S"))
    frames = {**made.frames, name: made.frames[name].assign(ODD=1.0)}
    with pytest.raises(MetadataError, match=f"{name}.ODD: the column has no metadata"):
        adam_datasets(frames, made.plan)
