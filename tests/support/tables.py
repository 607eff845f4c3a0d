"""Specification tables: aligned text as rows or as a frame, and a frame compared with aligned text.

A table has a cell between `|`, a row a line, and its names in the first line. Its column `why` is for the reader: it
says why a row is as it is and is compared with nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import zip_longest
from typing import Any, Literal

import pandas as pd
import pytest

Type = Literal["text", "number", "date"]
WHY = "why"
# Numbers as people write them; 01 is the number of a subject, so a text.
NUMBER = re.compile(r"[+-]?(0|[1-9]\d*)(\.\d+)?")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def rows(text: str) -> list[list[str]]:
    """The cells of every line that is not blank."""
    return [[cell.strip() for cell in line.split("|")] for line in text.splitlines() if line.strip()]


def table(text: str, types: Mapping[str, Type] | None = None) -> pd.DataFrame:
    """Aligned text as a frame; a blank is a missing number or date, or an empty text.

    The type of a column that `types` does not name follows from its content: a date where every filled cell is a day
    and the name does not end in DTC, which is text in SDTM; a number where every filled cell is one; else text.
    """
    head, *lines = rows(text)
    short = [line for line in lines if len(line) != len(head)]
    assert not short, f"cells for {head}: {short}"
    asked = types or {}
    assert set(asked) <= set(head), f"types for columns that are not there: {sorted(set(asked) - set(head))}"
    columns = {name: [line[at] for line in lines] for at, name in enumerate(head)}
    return pd.DataFrame(
        {name: _column(cells, asked.get(name) or _type(name, cells)) for name, cells in columns.items()}
    )


def _type(name: str, cells: list[str]) -> Type:
    filled = [cell for cell in cells if cell]
    if filled and name != WHY and not name.endswith("DTC") and all(map(DATE.fullmatch, filled)):
        return "date"
    return "number" if filled and name != WHY and all(map(NUMBER.fullmatch, filled)) else "text"


def _column(cells: list[str], kind: Type) -> pd.Series[Any]:
    if kind == "date":
        return pd.to_datetime(pd.Series(cells, dtype=object).replace("", None)).astype("datetime64[ns]")
    if kind == "number":
        return pd.Series([float(cell) if cell else float("nan") for cell in cells], dtype="float64")
    return pd.Series(cells, dtype=object)


def assert_rows(frame: pd.DataFrame, expected: str) -> None:
    """The rows of a frame, in their order, are those expected, in the columns that the table names.

    Numbers agree to 12 digits, dates by their day, texts as they are. A missing number or date is blank; a missing
    text is `None` or `nan` and never blank.
    """
    head, *wanted = rows(expected)
    names = [name for name in head if name != WHY]
    absent = [name for name in names if name not in frame]
    assert not absent, f"the frame has no {', '.join(absent)}; it has {', '.join(map(str, frame.columns))}"
    reasons = [line[head.index(WHY)] for line in wanted] if WHY in head else [""] * len(wanted)
    theirs = [[cell for name, cell in zip(head, line, strict=True) if name != WHY] for line in wanted]
    theirs = [[_plain(cell, frame[name]) for name, cell in zip(names, line, strict=True)] for line in theirs]
    mine = [list(line) for line in zip(*(_shown(frame[name]) for name in names), strict=True)]
    if mine != theirs:
        pytest.fail(_difference(names, mine, theirs, reasons), pytrace=False)


def _shown(values: pd.Series[Any]) -> list[str]:
    if pd.api.types.is_datetime64_any_dtype(values):
        return ["" if pd.isna(v) else f"{v:%Y-%m-%d}" if v == v.normalize() else v.isoformat() for v in values]
    if pd.api.types.is_numeric_dtype(values):
        return ["" if pd.isna(v) else f"{float(v):.12g}" for v in values]
    return [v if isinstance(v, str) else str(v) for v in values]


def _plain(cell: str, values: pd.Series[Any]) -> str:
    """A number as `_shown` writes it, so that 2 and 2.0 agree; anything else as it is."""
    return f"{float(cell):.12g}" if pd.api.types.is_numeric_dtype(values) and NUMBER.fullmatch(cell) else cell


def _difference(names: list[str], mine: list[list[str]], theirs: list[list[str]], reasons: list[str]) -> str:
    """All rows, one that differs twice: - as expected, with its reason, and + as found."""
    lines = [["", *names]]
    for found, wanted, why in zip_longest(mine, theirs, reasons):
        if found == wanted:
            lines.append(["", *found])
        else:
            lines += [["-", *wanted, why]] if wanted is not None else []
            lines += [["+", *found]] if found is not None else []
    widths = [*(max(len(line[n]) for line in lines) for n in range(len(names) + 1)), 0]
    shown = [" | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=False)) for line in lines]
    return "the rows differ (- expected, + found):\n" + "\n".join(line.rstrip() for line in shown)
