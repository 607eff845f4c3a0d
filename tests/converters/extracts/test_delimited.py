"""Delimited text as it is exported and mailed."""

from __future__ import annotations

from pathlib import Path

import pytest
from fhir2cdisc.converters.extracts.delimited import read_delimited
from fhir2cdisc.converters.extracts.files import open_grid
from fhir2cdisc.converters.extracts.grid import MOST_CHARACTERS, MOST_COLUMNS, ExtractError

Read = tuple[list[tuple[int, list[str]]], list[tuple[str, int]]]


def read(folder: Path, content: bytes | str, encoding: str = "", delimiter: str = "") -> Read:
    path = folder / "a.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    said: list[tuple[str, int]] = []
    grid = read_delimited(path, "a.csv", encoding, delimiter, lambda rule, row, text: said.append((rule, row)))
    return [(number, list(cells)) for number, cells in grid.rows], said


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("A,B\n1,2\n", [["A", "B"], ["1", "2"]]),
        ("A,B\n1,2", [["A", "B"], ["1", "2"]]),  # no end of the last line
        ("A;B\n1,5;2\n", [["A", "B"], ["1,5", "2"]]),  # a comma is a decimal sign here
        ("A\tB\n1,2\t3\n", [["A", "B"], ["1,2", "3"]]),
        ("A|B\n1|2\n", [["A", "B"], ["1", "2"]]),
        ("A\n1\n2\n", [["A"], ["1"], ["2"]]),  # one column
        ("A,B\r\n1,2\r\n", [["A", "B"], ["1", "2"]]),
        ("A,B\r1,2\r", [["A", "B"], ["1", "2"]]),
        ('A,B\n"1,2",3\n', [["A", "B"], ["1,2", "3"]]),
        ('A,B\n"he said ""no""",3\n', [["A", "B"], ['he said "no"', "3"]]),
        ('A,B\n5" disc,3\n', [["A", "B"], ['5" disc', "3"]]),  # an inch is no quote
        ("A,B\n0012301,NA\n", [["A", "B"], ["0012301", "NA"]]),  # every cell stays a text
        ("A,B\n1\n1,2,3\n", [["A", "B"], ["1"], ["1", "2", "3"]]),  # ragged
        ("A,B,\n1,2,\n", [["A", "B", ""], ["1", "2", ""]]),  # an empty last column
        ("\ufeffA\ufeff,\ufeffB\ufeff\n", [["A", "B"]]),  # a mark around every field
    ],
)
def test_the_cells_of_a_text(tmp_path: Path, text: str, rows: list[list[str]]) -> None:
    assert ([cells for _, cells in read(tmp_path, text)[0]], read(tmp_path, text)[1]) == (rows, [])


def test_a_row_has_the_number_of_the_line_that_it_begins_in(tmp_path: Path) -> None:
    rows, said = read(tmp_path, 'A,B\n"two\nlines",x\n\n1,2\n')
    assert [number for number, cells in rows if cells] == [1, 2, 5]
    assert said == []


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", []),
        ("utf-8-sig", []),
        ("utf-16", [("extract.encoding", 0)]),
        ("utf-16-le", [("extract.encoding", 0)]),
        ("utf-16-be", [("extract.encoding", 0)]),
        ("gb18030", [("extract.encoding", 0)]),
    ],
)
def test_the_encoding_is_found_and_said_where_it_is_not_the_usual_one(
    tmp_path: Path, encoding: str, found: list[tuple[str, int]]
) -> None:
    text = "SUBJID,LOC,NOTE\n007,肝,x\n008,肺,y\n"
    rows, said = read(tmp_path, text.encode(encoding))
    assert ([cells for _, cells in rows], said) == ([line.split(",") for line in text.split()], found)


def test_a_western_text_that_is_no_utf_8_is_latin(tmp_path: Path) -> None:
    rows, said = read(tmp_path, "A,B\nMüller,5 µg\n".encode("cp1252"))
    assert (rows[1][1], said) == (["Müller", "5 µg"], [("extract.encoding", 0)])


def test_an_encoding_that_is_given_and_does_not_fit_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ExtractError, match=r"a\.csv: is not of the encoding ascii"):
        read(tmp_path, "A,B\nMüller,1\n", encoding="ascii")


def test_an_encoding_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("A\n1\n")
    with pytest.raises(ExtractError, match=r"a\.csv: cannot be read \(LookupError\)"):
        list(open_grid(path, "a.csv", "", "klingon", "", lambda *_: None).rows)


def test_an_empty_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ExtractError, match=r"a\.csv: is empty"):
        read(tmp_path, "")


def test_a_quote_that_is_never_closed_does_not_swallow_the_rest(tmp_path: Path) -> None:
    with pytest.raises(ExtractError, match=r"a\.csv: a quote that opens in row 3 is not closed"):
        read(tmp_path, 'A,B\n1,2\n3,"x\n4,5\n6,7\n')


def test_a_quote_that_closes_rows_later_is_said(tmp_path: Path) -> None:
    _, said = read(tmp_path, 'A,B\n1,"x\n2,y\n3,z",5\n4,"w"\n')
    assert said == [("extract.quote", 2)]


def test_nul_is_taken_out_and_said(tmp_path: Path) -> None:
    rows, said = read(tmp_path, b"A,B\n1,x\0y\n" + b"2,z\n" * 20)
    assert (rows[1], said) == ((2, ["1", "xy"]), [("extract.nul", 2)])


def test_a_cell_that_is_too_long_is_left_out_and_the_rest_of_its_row_stays(tmp_path: Path) -> None:
    rows, said = read(tmp_path, f"A,B\n1,{'x' * (MOST_CHARACTERS + 1)}\n2,y\n")
    assert (rows[1:], said) == ([(2, ["1", ""]), (3, ["2", "y"])], [("extract.cell-too-long", 2)])


def test_more_columns_than_a_sheet_has_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ExtractError, match="row 1 has more than 16384 cells"):
        read(tmp_path, ",".join(["A"] * (MOST_COLUMNS + 1)))


def test_a_file_that_calls_itself_a_workbook_and_is_text_is_read_as_text(tmp_path: Path) -> None:
    path = tmp_path / "export.xls"
    path.write_text("A\tB\n1\t2\n")
    assert [cells for _, cells in open_grid(path, "export.xls", "", "", "", lambda *_: None).rows] == [
        ["A", "B"],
        ["1", "2"],
    ]


def test_bytes_that_are_no_table_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(bytes(range(1, 32)) * 20)
    with pytest.raises(ExtractError, match="is neither text nor a workbook"):
        open_grid(path, "a.csv", "", "", "", lambda *_: None)
