"""Standard results: conversion in decimal, text kept, numbers that a file can hold (SDTMIG 3.4 section 4.5.1.1)."""

from __future__ import annotations

import math
from decimal import Decimal

import pandas as pd
import pytest
from fhir2cdisc.sdtm.standard_results import decimal_text, numbers_of, odd_units, standardise

ROWS = [
    # test, result, unit, --STRESC, --STRESN, --STRESU, why
    ("HEIGHT", "10", "in", "25.4", 25.4, "cm", "an inch is 2.54 cm exactly"),
    ("TEMP", "98.6", "F", "37", 37.0, "C", "text and number agree"),
    ("LDIAM", "2.54", "cm", "25.4", 25.4, "mm", "not 25.400000000000002"),
    ("WEIGHT", "70.10", "kg", "70.10", 70.1, "kg", "digits are kept where nothing is converted"),
    ("GLUC", "<5.0", "mg/dL", "<5.0", math.nan, "mg/dL", "a text has no number"),
    ("HGB", "<5", "g/dL", "<50", math.nan, "g/L", "the comparator goes with the number"),
    ("HGB", ">=12.5", "g/dL", ">=125", math.nan, "g/L", ""),
    ("HGB", "3-5.5", "g/dL", "30-55", math.nan, "g/L", "the two limits of a range"),
    ("TEMP", "<98.6", "F", "<37", math.nan, "C", "with an offset"),
    ("HGB", "<5 or so", "g/dL", "<5 or so", math.nan, "g/dL", "no number"),
    ("GLUC", "POSITIVE", "", "POSITIVE", math.nan, "", ""),
    ("GLUC", "", "", "", math.nan, "", "nothing"),
    ("GLUC", "inf", "", "inf", math.nan, "", "a word, no number"),
    ("GLUC", "nan", "", "nan", math.nan, "", "a word, no number"),
    ("GLUC", "1_000", "", "1_000", math.nan, "", "no number as people write it"),
    ("GLUC", "1E+400", "mg/dL", "1E+400", math.nan, "mg/dL", "no transport file can hold it"),
    ("GLUC", "1" * 100, "mg/dL", "1" * 100, math.nan, "mg/dL", "nor this"),
    ("HGB", "1" * 30 + ".5", "g/dL", "1" * 30 + "5", float("1" * 30 + "5"), "g/L", "more digits than a float"),
    ("SYSBP", "-0.5", "mmHg", "-0.5", -0.5, "mmHg", ""),
]


def test_each_result_by_hand() -> None:
    frame = pd.DataFrame(
        {"VSTESTCD": [r[0] for r in ROWS], "VSORRES": [r[1] for r in ROWS], "VSORRESU": [r[2] for r in ROWS]}
    )
    made = standardise(frame, "VS")
    for row, found in zip(ROWS, made.itertuples(), strict=True):
        assert (row[3], row[5]) == (found.VSSTRESC, found.VSSTRESU), row
        assert row[4] == found.VSSTRESN or (math.isnan(found.VSSTRESN) and math.isnan(row[4])), row


def test_a_result_that_the_mapping_set_stays() -> None:
    frame = pd.DataFrame({"RSTESTCD": ["OVRLRESP"], "RSORRES": ["Complete"], "RSSTRESC": ["CR"]})
    assert standardise(frame, "RS")["RSSTRESC"].tolist() == ["CR"]


@pytest.mark.parametrize(
    ("value", "text"), [("10.0", "10"), ("25.40", "25.4"), ("0", "0"), ("100", "100"), ("1E-11", "0")]
)
def test_the_text_of_a_converted_number(value: str, text: str) -> None:
    assert decimal_text(Decimal(value)) == text


def test_numbers_are_those_that_people_write() -> None:
    found = numbers_of(pd.Series(["5", "5.", ".5", "+1", "1e3", " 5", "0x10", "True", "5,0"]))
    assert found.tolist()[:5] == [5.0, 5.0, 0.5, 1.0, 1000.0]
    assert found.isna().tolist()[5:] == [True] * 4


def test_own_terms_only_have_no_usual_unit() -> None:
    frame = pd.DataFrame({"VSSTRESU": ["a"], "VSSTRESN": [1.0]})
    found = odd_units(frame, "VS")
    assert len(found) == 0 and {"VSTESTCD", "_USUAL"} <= set(found)
