"""From the cells of a row to the value of a variable."""

from __future__ import annotations

from typing import Any

import pytest
from fhir2cdisc.mappings.extract_model import ColumnMap, Reading
from fhir2cdisc.mappings.model import SiteMap, builtin_terminology
from fhir2cdisc.sdtm.cells.verbs import RowCells, compile_cells

READING = Reading(dates=("DD-MMM-YYYY", "D/M/YYYY", "YYYY年M月D日"), not_done=("ND", "未测"))
MAPS = {
    "sex": {"1": "M", "Female": "F"},
    "gone": {"消失": "0"},
    "axis": {"short": "LPERP"},
    "where": {"Liver": "LIVER"},
}
TERMS = builtin_terminology().with_site(SiteMap(site="test", maps=MAPS))
ROW = {
    "A": "x",
    "B": "",
    "DAY": "05-MAR-2024",
    "TIME": "7:25",
    "SEX": ("1", "Male"),
    "ORGAN": ("3", "Liver"),
    "AGE": "63.0",
    "BP": "120",
    "SIZE": "2.5cm",
    "GONE": "消失",
    "ND": "ND",
    "LESS": "<5",
    "RANGE": "9～50",
    "WORD": "positive",
    "CT___1": "1",
    "CT___2": "0",
    "CT___3": "1",
    "PAT": "701-1015",
    "SUM": "1,5",
    "W8|MM": "18",
    "W8|DATE": "6/3/2024",
    "ROUTE": "PO (Oral)",
    "HIGH": "7 ↑",
    "STAMP": "6/3/2024 at noon",
}
CELLS = {name: cell for name, cell in ROW.items() if cell}


def value(spec: dict[str, Any], column: str = "", groups: dict[str, str] | None = None) -> tuple[Any, list[str]]:
    said: list[str] = []
    verb = compile_cells("VSORRES", ColumnMap.model_validate(spec), TERMS, READING)
    found = verb(RowCells(CELLS, column, groups=groups or {}), lambda rule, *rest: said.append(rule))
    return found, said


@pytest.mark.parametrize(
    ("spec", "expected", "rules"),
    [
        ({"column": "A"}, "x", []),
        ({"column": "A", "upper": True}, "X", []),
        ({"column": "B"}, "", []),  # blank
        ({"column": ["B", "A"]}, "x", []),  # the first that is filled
        ({"column": "A + WORD"}, "x positive", []),
        ({"column": "A + B"}, "x", []),  # a blank part leaves no blank behind
        ({"column": "A + WORD", "join": "/"}, "x/positive", []),
        ({"value": "TARGET"}, "TARGET", []),
        ({"value": "TARGET", "when": "A = 'y'"}, "", []),
        ({"text": "T{A}-{WORD}"}, "Tx-positive", []),
        ({"text": "T{B}"}, "", []),  # half a name is none
        ({"column": "DAY", "as": "dtc"}, "2024-03-05", []),
        ({"column": "DAY + TIME", "as": "dtc"}, "2024-03-05T07:25", []),
        ({"column": "DAY + B", "as": "dtc"}, "2024-03-05", []),
        ({"column": "STAMP", "match": "^([^ ]+)", "as": "dtc"}, "2024-03-06", []),
        ({"column": "WORD", "as": "dtc"}, "", ["date.unreadable"]),
        ({"column": "ND", "as": "dtc"}, "", []),  # said not to be done is no bad date
        ({"column": "SEX", "map": "sex"}, "M", []),  # by its code
        ({"column": "ORGAN", "map": "where"}, "LIVER", []),  # by its words
        ({"column": "ORGAN", "codelist": "LOC"}, "LIVER", []),
        ({"column": "ORGAN"}, "Liver", []),  # a person reads words
        ({"column": "WORD", "map": "sex"}, "positive", ["code.not-in-map"]),  # kept, and said
        ({"column": "WORD", "map": "sex", "else": ""}, "", []),
        ({"column": "WORD", "map": "sex", "else": "OTHER"}, "OTHER", []),
        ({"column": "WORD", "codelist": "NY"}, "", ["codelist.unknown"]),
        ({"column": "AGE", "as": "number"}, 63.0, []),
        ({"column": "SIZE", "as": "number"}, "", ["number.not-a-number"]),  # it has a unit
        ({"column": "SUM", "as": "number"}, "", ["number.not-a-number"]),  # 1.5 or 15?
        ({"column": "BP", "as": "result"}, "120", []),
        ({"column": "SIZE", "as": "result"}, "2.5", []),
        ({"column": "LESS", "as": "result"}, "<5", []),
        ({"column": "WORD", "as": "result"}, "positive", []),
        ({"column": "GONE", "as": "result", "map": "gone"}, "0", []),
        ({"column": "ND", "as": "result"}, "", []),
        ({"column": "ND", "as": "status"}, "NOT DONE", []),
        ({"column": "BP", "as": "status"}, "", []),
        ({"column": "SIZE", "as": "unit", "unit": "mm"}, "cm", []),  # the unit in the cell wins
        ({"column": "BP", "as": "unit", "unit": "mmHg"}, "mmHg", []),
        ({"column": "GONE", "as": "unit", "unit": "mm", "map": "gone"}, "mm", []),
        ({"column": "ND", "as": "unit", "unit": "mm"}, "", []),
        ({"column": "WORD", "as": "unit", "unit": "mm"}, "", []),  # a word has none
        ({"column": "RANGE", "as": "low"}, "9", []),
        ({"column": "RANGE", "as": "high"}, "50", []),
        ({"column": "LESS", "as": "low"}, "", []),
        ({"column": "LESS", "as": "high"}, "5", []),
        ({"column": "HIGH", "as": "flag"}, "HIGH", []),
        ({"column": "HIGH", "as": "result"}, "7", []),
        ({"checked": r"CT___(\d)"}, "1 3", []),
        ({"checked": r"CT___(\d)", "join": ";"}, "1;3", []),
        ({"column": "PAT", "match": "^([0-9]+)-"}, "701", []),
        ({"column": "PAT", "match": "^([A-Z]+)-"}, "", []),
        ({"column": "ROUTE", "match": r"\(([^()]+)\)$", "upper": True}, "ORAL", []),
    ],
)
def test_a_variable_is_filled(spec: dict[str, Any], expected: Any, rules: list[str]) -> None:
    assert value(spec) == (expected, rules)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"column": "$cell", "as": "result"}, "18"),
        ({"column": "$visit"}, "W8"),
        ({"column": "$visit|DATE", "as": "dtc"}, "2024-03-06"),
        ({"column": "$visit|GONE"}, ""),
    ],
)
def test_a_record_of_one_column_reads_its_groups(spec: dict[str, Any], expected: str) -> None:
    assert value(spec, "W8|MM", {"visit": "W8"}) == (expected, [])


def test_two_formats_that_both_fit_and_differ_are_never_a_guess() -> None:
    said: list[str] = []
    reading = Reading(dates=("DD/MM/YYYY", "MM/DD/YYYY"))
    verb = compile_cells("AESTDTC", ColumnMap.model_validate({"column": "D", "as": "dtc"}), TERMS, reading)
    rows = [{"D": "03/04/2020"}, {"D": "13/04/2020"}, {"D": "04/04/2020"}]
    found = [verb(RowCells(row), lambda rule, *rest: said.append(rule)) for row in rows]
    assert (found, said) == (["", "2020-04-13", "2020-04-04"], ["date.ambiguous"])
