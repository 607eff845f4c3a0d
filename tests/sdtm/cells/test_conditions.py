"""Conditions on the cells of a row."""

from __future__ import annotations

import pytest
from fhir2cdisc.fhir.path.parser import PathError
from fhir2cdisc.sdtm.cells.conditions import columns_of, compile_condition

ROW = {"AEYN": "Y", "IT.AGE": "63", "访视": "筛选期", "sex": ("1", "Male"), "NOTE": " Sum ", "N": "007"}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("AEYN = 'Y'", True),  # a heading in capitals is a column, not a type
        ("AEYN = 'y'", False),
        ("AEYN ~ 'y'", True),  # whatever the case
        ("AEYN != 'N'", True),
        ("访视 = '筛选期'", True),
        ("`IT.AGE` = '63'", True),  # a heading that is no word
        ("`IT.AGE` > 60", True),
        ("`IT.AGE` < 9", False),  # as numbers: as texts 63 would be less
        ("AEYN > 5", False),  # what is no number is neither more
        ("AEYN <= 5", False),  # nor less
        ("sex = '1'", True),  # a coded cell is its code
        ("sex = 'Male'", False),
        ("GONE = ''", True),  # a blank cell is not in the row
        ("GONE.exists()", False),
        ("GONE.empty()", True),
        ("AEYN.exists()", True),
        ("AEYN = 'Y' and 访视 = 'x'", False),
        ("AEYN = 'Y' or 访视 = 'x'", True),
        ("AEYN = 'Y' xor sex = '1'", False),
        ("(AEYN = 'Y').not()", False),
        ("AEYN.empty().not()", True),
        ("NOTE.trim() = 'Sum'", True),
        ("NOTE.trim().lower() = 'sum'", True),
        ("NOTE contains 'um'", True),
        ("NOTE.startsWith('Sum')", False),
        ("N.matches('^0+7$')", True),
        ("N = '7'", False),  # leading zeros are part of a text
    ],
)
def test_a_condition_holds_or_not(condition: str, holds: bool) -> None:
    assert compile_condition(condition)(ROW) is holds


@pytest.mark.parametrize(
    "text",
    [
        "AEYN",  # a column is no condition
        "AEYN in 'Y'",
        "AEYN.first() = 'Y'",
        "AEYN.matches('(') ",
        "AEYN = ",
        "IT.AGE = '63'",  # needs backticks: is it a column or a step?
    ],
)
def test_what_is_no_condition_on_cells_is_refused_at_once(text: str) -> None:
    with pytest.raises(PathError):
        compile_condition(text)


def test_the_columns_that_a_condition_asks_for() -> None:
    assert columns_of("AEYN = 'Y' and (`IT.AGE` > 5 or 访视.exists())") == {"AEYN", "IT.AGE", "访视"}
