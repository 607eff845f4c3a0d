"""SAS datasets and Parquet files as text."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest
from fhir2cdisc.converters.extracts.files import open_grid
from fhir2cdisc.converters.extracts.grid import ExtractError


def read(path: Path) -> list[tuple[int, list[str]]]:
    return list(open_grid(path, path.name, "", "", "", lambda *_: None).rows)


def test_a_transport_file_has_its_names_in_row_0_and_iso_dates(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"ID": ["007", ""], "AGE": [61.0, float("nan")], "DAY": [23440.0, float("nan")], "X": [0.5, 40.0]}
    )
    pyreadstat.write_xport(frame, str(tmp_path / "a.xpt"), variable_format={"DAY": "DATE9."})
    # 23440 days after 1 January 1960.
    assert read(tmp_path / "a.xpt") == [
        (0, ["ID", "AGE", "DAY", "X"]),
        (1, ["007", "61", "2024-03-05", "0.5"]),
        (2, ["", "", "", "40"]),
    ]


def test_a_parquet_file_has_its_cells_as_text(tmp_path: Path) -> None:
    table = pa.table(
        {
            "ID": ["007", None],
            "N": [1, None],
            "X": [0.1 + 0.2, 40.0],
            "DEC": [Decimal("1.10"), None],
            "DAY": [date(2024, 3, 5), None],
            "AT": [datetime(2024, 3, 5, 7, 25), datetime(2024, 3, 5)],
            "ZONED": [datetime(2024, 3, 5, 7, 25, tzinfo=UTC), None],
            "TIME": [time(7, 25), None],
            "FLAG": [True, False],
            "CODE": pa.array(["a", "b"]).dictionary_encode(),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == [
        (0, ["ID", "N", "X", "DEC", "DAY", "AT", "ZONED", "TIME", "FLAG", "CODE"]),
        (
            1,
            [
                "007",
                "1",
                "0.3",
                "1.10",
                "2024-03-05",
                "2024-03-05T07:25",
                "2024-03-05T07:25+00:00",
                "07:25",
                "TRUE",
                "a",
            ],
        ),
        (2, ["", "", "40", "", "", "2024-03-05", "", "", "FALSE", "b"]),
    ]


def test_a_column_of_lists_is_no_table(tmp_path: Path) -> None:
    pq.write_table(pa.table({"A": [[1, 2]]}), tmp_path / "a.parquet")
    with pytest.raises(ExtractError, match="column 'A' holds lists or structures"):
        read(tmp_path / "a.parquet")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.parquet", b"PAR1 and nothing of it", "is a Parquet file that cannot be read"),
        ("a.xpt", b"HEADER RECORD******* and nothing of it", "is a SAS dataset that cannot be read"),
    ],
)
def test_a_broken_file_is_one_sentence(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ExtractError) as error:
        read(tmp_path / name)
    assert str(error.value).startswith(f"{name}: {said}")
