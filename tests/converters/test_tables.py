"""CSV files for people: no cell of a patient's data is run as a formula by the program that opens it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from fhir2cdisc.converters.atomic import write_table

# A cell as it is given and as it stands in the file (CWE-1236).
CELLS: list[tuple[object, str]] = [
    ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
    ("=2+5", "'=2+5"),
    ("@SUM(1)", "'@SUM(1)"),
    ("+49 170", "'+49 170"),
    ("-cmd|' /C calc'!A0", "'-cmd|' /C calc'!A0"),
    ("\tx", "'\tx"),
    ("\r=1", "'\n=1"),
    ("two\r\nlines", "two\nlines"),
    ("-1.5", "-1.5"),
    ("+3", "+3"),
    ("-1e-05", "-1e-05"),
    ("-", "'-"),
    ("a=1", "a=1"),
    ("", ""),
    (-1.5, "-1.5"),
    (None, ""),
]


@pytest.mark.parametrize(("given", "written"), CELLS, ids=[repr(one[0]) for one in CELLS])
def test_a_cell_is_text_or_a_number_and_never_a_formula(tmp_path: Path, given: object, written: str) -> None:
    write_table(tmp_path / "t.csv", ["=head", "b"], [[given, "x"]])
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [["=head", "b"], [written, "x"]]
