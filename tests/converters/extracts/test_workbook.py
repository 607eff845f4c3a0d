"""Sheets of workbooks, as people make them and as programs break them."""

from __future__ import annotations

import zipfile
from datetime import date, datetime, time
from pathlib import Path

import pytest
from fhir2cdisc.converters.extracts.grid import ExtractError, Grid, Merged
from fhir2cdisc.converters.extracts.workbook import read_workbook
from openpyxl import Workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904


def book(path: Path, sheets: dict[str, list[list[object]]]) -> Workbook:
    made = Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    made.save(path)
    return made


def read(path: Path, sheet: str = "") -> tuple[Grid, list[list[str]], list[str]]:
    said: list[str] = []
    grid = read_workbook(path, "b.xlsx", sheet, lambda rule, row, text: said.append(f"{rule} {row}"))
    return grid, [cells for _, cells in grid.rows], said


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("0012301", "0012301"),
        (40, "40"),
        (40.0, "40"),
        (0.1 + 0.2, "0.3"),  # 15 digits, as a sheet shows
        (2.5, "2.5"),
        (-1e-7, "-1e-07"),
        (True, "TRUE"),
        (date(2024, 3, 5), "2024-03-05"),
        (datetime(2024, 3, 5), "2024-03-05"),
        (datetime(2024, 3, 5, 7, 25), "2024-03-05T07:25"),
        (datetime(2024, 3, 5, 7, 25, 10), "2024-03-05T07:25:10"),
        (time(7, 25), "07:25"),
        (None, ""),
        ("消失", "消失"),
    ],
)
def test_a_cell_is_the_text_that_a_person_sees(tmp_path: Path, cell: object, text: str) -> None:
    book(tmp_path / "b.xlsx", {"S": [["A", "B"], [cell, "x"]]})
    assert read(tmp_path / "b.xlsx")[1][1][0] == text


def test_days_of_a_workbook_that_counts_from_1904(tmp_path: Path) -> None:
    made = Workbook()
    made.epoch = CALENDAR_MAC_1904
    made.active.append([date(2024, 3, 5)])
    made.save(tmp_path / "b.xlsx")
    assert read(tmp_path / "b.xlsx")[1] == [["2024-03-05"]]


def test_rows_have_their_numbers_and_merged_ranges_theirs(tmp_path: Path) -> None:
    made = Workbook()
    sheet = made.active
    sheet["B3"], sheet["C3"], sheet["B4"] = "x", "y", "z"
    sheet.merge_cells("B4:B6")
    made.save(tmp_path / "b.xlsx")
    grid = read_workbook(tmp_path / "b.xlsx", "b.xlsx", "", lambda *_: None)
    rows = [(number, cells) for number, cells in grid.rows if any(cells)]
    assert rows == [(3, ["", "x", "y"]), (4, ["", "z", ""])]
    assert grid.merged == (Merged(4, 1, 6, 1),)


def test_of_several_sheets_one_must_be_named(tmp_path: Path) -> None:
    book(tmp_path / "b.xlsx", {"One": [["A"], [1]], "Two": [["B"], [2]], "Empty": []})
    with pytest.raises(ExtractError, match="has several sheets, 'One', 'Two'; say which one is the table"):
        read(tmp_path / "b.xlsx")
    assert read(tmp_path / "b.xlsx", "Two")[1] == [["B"], ["2"]]


@pytest.mark.parametrize(
    ("sheet", "said"),
    [("Three", "has no sheet 'Three'; it has 'One', 'Empty'"), ("Empty", "sheet 'Empty' is empty")],
)
def test_a_sheet_that_is_not_there_or_empty_is_one_sentence(tmp_path: Path, sheet: str, said: str) -> None:
    book(tmp_path / "b.xlsx", {"One": [["A"], [1]], "Empty": []})
    with pytest.raises(ExtractError) as error:
        read(tmp_path / "b.xlsx", sheet)
    assert str(error.value) == f"b.xlsx: {said}"


def test_a_hidden_sheet_is_read_and_said(tmp_path: Path) -> None:
    made = book(tmp_path / "b.xlsx", {"One": [["A"], [1]], "Two": [["B"], [2]]})
    made["Two"].sheet_state = "hidden"
    made.save(tmp_path / "b.xlsx")
    assert read(tmp_path / "b.xlsx", "Two")[1:] == ([["B"], ["2"]], ["extract.hidden-sheet 0"])


def rewritten(path: Path, part: str, old: bytes, new: bytes) -> None:
    """One part of a workbook changed in its bytes."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert old in parts[part]
    parts[part] = parts[part].replace(old, new)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def test_of_a_formula_the_value_that_the_workbook_holds_is_read_and_said(tmp_path: Path) -> None:
    book(tmp_path / "b.xlsx", {"S": [["A", "B"], [1, "x"], ["=A2+1", "y"], ["=A2+2", "z"]]})
    rewritten(tmp_path / "b.xlsx", "xl/worksheets/sheet1.xml", b"<f>A2+1</f><v></v>", b"<f>A2+1</f><v>2</v>")
    _, rows, said = read(tmp_path / "b.xlsx")
    assert [row[0] for row in rows] == ["A", "1", "2", ""]
    assert said == ["extract.formula 0", "extract.formula-empty 0"]


def test_an_error_of_a_formula_is_blank_and_said(tmp_path: Path) -> None:
    book(tmp_path / "b.xlsx", {"S": [["A", "B"], ["#REF!", "x"]]})
    _, rows, said = read(tmp_path / "b.xlsx")
    assert (rows[1], said) == (["", "x"], ["extract.cell-error 0"])


def test_links_to_other_workbooks_are_said_and_not_followed(tmp_path: Path) -> None:
    book(tmp_path / "b.xlsx", {"S": [["A"], [1]]})
    with zipfile.ZipFile(tmp_path / "b.xlsx", "a") as archive:
        archive.writestr("xl/externalLinks/externalLink1.xml", "<externalLink/>")
    assert read(tmp_path / "b.xlsx")[2] == ["extract.external-link 0"]


def test_two_sheets_of_one_name_cannot_be_told_apart(tmp_path: Path) -> None:
    book(tmp_path / "b.xlsx", {"One": [["A"], [1]], "Two": [["B"], [2]]})
    rewritten(tmp_path / "b.xlsx", "xl/workbook.xml", b'name="Two"', b'name="One"')
    with pytest.raises(ExtractError, match="two sheets are named 'One', and cannot be told apart"):
        read(tmp_path / "b.xlsx", "One")


def test_a_workbook_that_unpacks_to_a_thousand_times_its_size_is_not_opened(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "b.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (110 << 20))
    with pytest.raises(ExtractError, match="unpacks to 110 MB"):
        read(tmp_path / "b.xlsx")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04 and nothing of it", "is a workbook that cannot be read"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "is protected by a password"),
    ],
)
def test_a_broken_or_locked_workbook_is_one_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "b.xlsx").write_bytes(content)
    with pytest.raises(ExtractError) as error:
        read(tmp_path / "b.xlsx")
    assert str(error.value).startswith(f"b.xlsx: {said}")
