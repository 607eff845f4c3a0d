"""ADaM controlled terminology: the terms against the published package, and the variables that they concern."""

from __future__ import annotations

import pytest
from fhir2cdisc.mappings.standard.adam_terms import ADAM_CODELISTS, ADAM_CT_VERSION, adam_codelist, with_adam_codelists
from fhir2cdisc.mappings.standard.datasets import Dataset, Variable
from support.facts import facts


@pytest.mark.parametrize("code", sorted(ADAM_CODELISTS))
def test_codelists_are_those_of_the_published_package(code: str) -> None:
    published = [row for row in facts("adam_terms") if row["codelist"] == code]
    assert ADAM_CT_VERSION == "2026-03-27"
    mine = ADAM_CODELISTS[code]
    assert {(row["submission"], row["name"], row["extensible"] == "Y") for row in published} == {
        (mine.submission_value, mine.name, mine.extensible)
    }
    assert dict(mine.terms) == {row["term"]: row["code"] for row in published}


@pytest.mark.parametrize(
    ("variable", "codelist"),
    [
        ("ADTF", "DATEFL"),
        ("ASTDTF", "DATEFL"),
        ("TRTSDTF", "DATEFL"),
        ("ATMF", "TIMEFL"),
        ("ASTTMF", "TIMEFL"),
        ("DTYPE", "DTYPE"),
        ("PARAMTYP", "PARAMTYP"),
        ("DTF", None),
        ("ADT", None),
        ("BASETYPE", None),
    ],
)
def test_the_name_of_a_variable_says_its_codelist(variable: str, codelist: str | None) -> None:
    found = adam_codelist(variable)
    assert (found.submission_value if found else None) == codelist


def test_a_codelist_is_added_once_and_others_stay() -> None:
    dataset = Dataset("ADX", "X", "BDS", "", (Variable("ADTF", "Flag"), Variable("SEX", "Sex", codelists=("C66731",))))
    twice = with_adam_codelists(with_adam_codelists(dataset))
    assert [v.codelists for v in twice.variables] == [("C81223",), ("C66731",)]
