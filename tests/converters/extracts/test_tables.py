"""A sheet as a table: its headings, and the rows below them."""

from __future__ import annotations

import pytest
from fhir2cdisc.converters.extracts.grid import ExtractError, Grid, Merged, letters
from fhir2cdisc.converters.extracts.tables import read_table

Rows = list[tuple[int, list[str]]]


def read(
    rows: Rows, header: tuple[int, ...] = (1,), merged: tuple[Merged, ...] = (), missing: frozenset[str] = frozenset()
) -> tuple[tuple[str, ...], list[tuple[int, dict[int, str]]], list[str]]:
    said: list[str] = []
    table = read_table("a.csv", Grid("", rows, merged), header, missing, lambda rule, row, text: said.append(rule))
    return table.headings, [tuple(row) for row in table.rows], said


def test_one_row_of_headings() -> None:
    rows = [(1, ["ID", "SEX "]), (2, ["007", " M "]), (3, ["", ""]), (5, ["8", ""])]
    assert read(rows) == (("ID", "SEX"), [(2, {0: "007", 1: "M"}), (5, {0: "8"})], [])


def test_two_rows_of_headings_under_a_title() -> None:
    """The upper heading stands over its columns; one that is merged over both rows is itself."""
    rows: Rows = [
        (1, ["Assessments", "", "", ""]),
        (2, ["ID", "Week 8", "", "Note"]),
        (3, ["", "Date", "mm", ""]),
        (4, ["1", "2024-01-01", "12", ""]),
    ]
    merged = (Merged(1, 0, 1, 3), Merged(2, 0, 3, 0), Merged(2, 1, 2, 2))
    headings, found, _ = read(rows, (2, 3), merged)
    assert headings == ("ID", "Week 8|Date", "Week 8|mm", "Note")
    assert found == [(4, {0: "1", 1: "2024-01-01", 2: "12"})]


def test_a_file_with_its_names_apart_from_its_records_has_them_in_row_0() -> None:
    assert read([(0, ["A", "B"]), (1, ["x", "y"])]) == (("A", "B"), [(1, {0: "x", 1: "y"})], [])


def test_without_headings_the_columns_are_known_by_their_letters() -> None:
    assert read([(1, ["x", "y"]), (2, ["z", ""])], (0,)) == (("A", "B"), [(1, {0: "x", 1: "y"}), (2, {0: "z"})], [])


def test_headings_that_stand_twice_or_not_at_all_are_told_apart_by_their_letters() -> None:
    headings, _, _ = read([(1, ["Date", "Date", "", "ID"])])
    assert headings == ("Date [A]", "Date [B]", "[C]", "ID")


def test_a_text_that_stands_for_nothing_is_blank() -> None:
    _, found, _ = read([(1, ["A", "B"]), (2, ["NA", "x"]), (3, ["NA", ""])], missing=frozenset({"NA"}))
    assert found == [(2, {1: "x"})]


def test_cells_merged_from_the_top_down_all_have_the_value() -> None:
    rows: Rows = [(1, ["ID", "L"]), (2, ["1", "a"]), (3, ["", "b"]), (4, ["", "c"]), (5, ["", "d"])]
    _, found, _ = read(rows, merged=(Merged(2, 0, 4, 0),))
    assert [cells.get(0, "") for _, cells in found] == ["1", "1", "1", ""]


def test_cells_beyond_the_last_heading_are_said_once() -> None:
    headings, found, said = read([(1, ["A"]), (2, ["x", "", "y"]), (3, ["x", "y"]), (4, ["x", "", ""])])
    assert (headings, said) == (("A",), ["extract.ragged"])
    assert [line for line, _ in found] == [2, 3, 4]


def test_an_empty_table_has_no_rows() -> None:
    assert read([(1, ["A"])]) == (("A",), [], [])


def test_a_row_of_headings_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ExtractError, match=r"a\.csv: has no row 3 of headings"):
        read([(1, ["A"])], (2, 3))


@pytest.mark.parametrize(
    ("number", "shown"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA"), (16383, "XFD")]
)
def test_letters_are_those_of_spreadsheets(number: int, shown: str) -> None:
    assert letters(number) == shown
