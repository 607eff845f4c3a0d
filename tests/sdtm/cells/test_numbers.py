"""Numbers as people type them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from fhir2cdisc.sdtm.cells.numbers import flag, measured
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "result", "unit"),
    [
        ("40", "40", ""),
        ("2.5cm", "2.5", "cm"),
        ("52mm", "52", "mm"),
        ("20.02 mm", "20.02", "mm"),
        ("１５", "15", ""),  # full-width
        ("<5", "<5", ""),
        ("＜０.５", "<0.5", ""),
        ("≥ 3 mm", ">=3", "mm"),
        ("≤3", "<=3", ""),
        ("-1.5", "-1.5", ""),
        ("−1.5", "-1.5", ""),  # the sign of mathematics
        ("+7", "7", ""),
        (".5", "0.5", ""),
        ("1.10", "1.10", ""),  # digits stay as they are written
        ("1,234.5", "1234.5", ""),
        ("1,234,567", "1234567", ""),
        ("1.5E3", "1.5E3", ""),
        ("9～50", "9-50", ""),
        ("9 - 50", "9-50", ""),
        ("3.5–5.5 g/dL", "3.5-5.5", "g/dL"),
        ("5.2 10^9/L", "5.2", "10^9/L"),
        ("5.2 x10^9/L", "5.2", "x10^9/L"),
        ("12 %", "12", "%"),
        ("37.5°C", "37.5", "°C"),
        ("8 µmol/L", "8", "μmol/L"),  # one sign for micro
        ("5↑", "5", ""),
        ("5 ↑", "5", ""),
        ("5 H", "5", ""),
        ("120", "120", ""),
    ],
)
def test_a_number_with_its_unit(text: str, result: str, unit: str) -> None:
    assert measured(text) == (result, unit)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "消失",
        "positive",
        "3+",
        "(+)",
        "阴性(-)",
        "2,5",  # 2.5 or 25?
        "1,23",
        "12x8 mm",
        "12×8",
        "12*8",
        "120/80",
        "120/80 mmHg",
        "1.2.3",
        "<5-7",
        "--5",
    ],
)
def test_what_is_no_one_number_is_none(text: str) -> None:
    assert measured(text) is None


@pytest.mark.parametrize(
    ("text", "result"), [("2,5", "2.5"), ("1.234,5", "1234.5"), ("<0,5", "<0.5"), ("1234", "1234"), (",5", "0.5")]
)
def test_a_decimal_comma_where_the_extract_says_so(text: str, result: str) -> None:
    assert measured(text, ",") == (result, "")


def test_with_a_decimal_comma_a_point_that_marks_no_thousands_is_none() -> None:
    assert measured("2.5", ",") is None


@pytest.mark.parametrize(
    ("text", "marked"),
    [("5↑", "HIGH"), ("5 ↓", "LOW"), ("5 H", "HIGH"), ("5 L", "LOW"), ("5", ""), ("5 mL", ""), ("HIGH", "")],
)
def test_a_flag_beside_a_result(text: str, marked: str) -> None:
    assert flag(text) == marked


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9))
def test_every_decimal_keeps_its_value(number: Decimal) -> None:
    found = measured(f"{number:f} mg/L")
    assert found is not None
    assert (Decimal(found.result), found.unit) == (number, "mg/L")


@given(st.text(max_size=30))
def test_any_text_is_a_number_or_none(text: str) -> None:
    found = measured(text)
    assert found is None or found.result
