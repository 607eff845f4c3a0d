"""Specification tables: what aligned text means, and that a comparison fails at everything that differs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from support.tables import assert_rows, rows, table

FRAME = pd.DataFrame(
    {
        "USUBJID": ["01", "02"],
        "ADT": pd.to_datetime(["2024-03-01", None]),
        "AVAL": [61.0, np.nan],
        "AVALC": ["Y", ""],
    }
)
SAME = """
    USUBJID | ADT        | AVAL | AVALC | why
    01      | 2024-03-01 | 61   | Y     | death on the day itself
    02      |            |      |       | nothing is known
"""


def test_types_follow_from_the_content() -> None:
    made = table("""
        USUBJID | ADT        | AESTDTC    | AVAL | CNSR | AVALC | why
        01      | 2024-03-01 | 2024-03-01 | 61.5 | 0    |       | 1
        02      |            | 2024-03    |      | 1    |       | 2
    """)
    kinds = {name: dtype.kind for name, dtype in made.dtypes.items()}
    assert kinds == {"USUBJID": "O", "ADT": "M", "AESTDTC": "O", "AVAL": "f", "CNSR": "f", "AVALC": "O", "why": "O"}
    assert made["ADT"].dtype == "datetime64[ns]" and pd.isna(made["ADT"][1]) and np.isnan(made["AVAL"][1])
    assert made["AVALC"].tolist() == ["", ""]


def test_types_that_are_asked_for() -> None:
    made = table("A | B | C\n1 | 1 |", {"A": "text", "B": "number", "C": "date"})
    assert made.iloc[0].tolist()[:2] == ["1", 1.0] and made["C"].dtype == "datetime64[ns]"


@pytest.mark.parametrize(("text", "types"), [("A | B\n1", {}), ("A\n1 | 2", {}), ("A\n1", {"B": "text"})])
def test_a_crooked_table_is_refused(text: str, types: dict[str, str]) -> None:
    with pytest.raises(AssertionError):
        table(text, types)  # type: ignore[arg-type]


def test_rows_of_text_are_its_cells() -> None:
    assert rows("\n a | b c |\n\n d |  | e\n") == [["a", "b c", ""], ["d", "", "e"]]


def test_equal_rows_pass_whatever_the_reasons_and_the_columns_that_are_not_named() -> None:
    assert_rows(FRAME, SAME)
    assert_rows(FRAME, "AVALC | USUBJID\nY | 01\n | 02")
    assert_rows(FRAME.iloc[:0], "USUBJID | AVAL")
    assert_rows(pd.DataFrame({"X": [1 / 3]}), "X\n0.333333333333")


DIFFERENT = [
    (FRAME.assign(AVAL=[61.001, np.nan]), "another number"),
    (FRAME.assign(AVAL=[61.0, 0.0]), "a number where none is"),
    (FRAME.assign(ADT=pd.to_datetime(["2024-03-02", None])), "another day"),
    (FRAME.assign(ADT=pd.to_datetime(["2024-03-01T10:00", None])), "a time of day"),
    (FRAME.assign(AVALC=["Y", " "]), "a blank character"),
    (FRAME.assign(AVALC=["Y", None]), "a missing text"),
    (FRAME.assign(AVALC=["N", ""]), "another text"),
    (FRAME.iloc[:1], "a row too few"),
    (FRAME.iloc[[0, 1, 1]], "a row too many"),
    (FRAME.iloc[::-1], "another order"),
    (FRAME.iloc[:0], "no row"),
    (FRAME.drop(columns="AVALC"), "no such column"),
]


@pytest.mark.parametrize(("frame", "what"), DIFFERENT, ids=[what for _, what in DIFFERENT])
def test_everything_that_differs_fails(frame: pd.DataFrame, what: str) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        assert_rows(frame, SAME)


def test_the_difference_can_be_read() -> None:
    with pytest.raises(pytest.fail.Exception) as failed:
        assert_rows(FRAME.assign(AVAL=[60.0, np.nan]), SAME)
    assert str(failed.value).splitlines() == [
        "the rows differ (- expected, + found):",
        "  | USUBJID | ADT        | AVAL | AVALC",
        "- | 01      | 2024-03-01 | 61   | Y     | death on the day itself",
        "+ | 01      | 2024-03-01 | 60   | Y",
        "  | 02      |            |      |",
    ]
