"""The response section of a study and the option value of the derivations are one thing under one set of names."""

from __future__ import annotations

from dataclasses import fields

import pytest
from fhir2cdisc.adam.plan import response_options
from fhir2cdisc.mappings.study import builtin_studies, load_study

EXTRA = {"stated", "report", "sensitivity"}


@pytest.mark.parametrize("name", builtin_studies())
def test_every_response_option_of_a_study_reaches_the_derivation_unchanged(name: str) -> None:
    study = load_study(name)
    given = study.response.model_dump(exclude=EXTRA)
    made = response_options(study)
    assert {one.name for one in fields(made)} == set(given)
    assert {one.name: getattr(made, one.name) for one in fields(made)} == given
