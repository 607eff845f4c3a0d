"""The same frame through XPT, Dataset-JSON and Parquet is the same frame."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
from fhir2cdisc.converters.choices import FORMATS
from fhir2cdisc.converters.formats.dataset_json import DatasetJsonError, read_dataset_json, write_dataset_json
from fhir2cdisc.converters.formats.datasets import SUFFIXES, read_dataset, write_dataset
from fhir2cdisc.mappings.standard.datasets import Dataset, Variable
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.others import others

Package = Sequence[tuple[Dataset, pd.DataFrame]]

MIXED = pd.DataFrame(
    {
        "USUBJID": ["S-1", "S-2", "S-3"],
        "AVAL": [0.1, np.nan, 1e-9],
        "AVALC": ["0.1", "", 'quote " and \\ backslash'],
        "ADT": pd.to_datetime(["2024-02-29", None, "1959-12-31"]),
        "ADTM": pd.to_datetime(["2024-02-29T23:59:59", None, "1959-12-31T00:00:01"]),
        "CNSR": [0.0, 1.0, np.nan],
    }
)
MIXED_DATASET = Dataset(
    "ADX",
    "Mixed",
    "BASIC DATA STRUCTURE",
    "One record per subject",
    (
        Variable("USUBJID", "Unique Subject Identifier", length=90),
        Variable("AVAL", "Analysis Value", "Num"),
        Variable("AVALC", "Analysis Value (C)", length=40),
        Variable("ADT", "Analysis Date", "Num", length=8, format="DATE9."),
        Variable("ADTM", "Analysis Datetime", "Num", format="DATETIME20."),
        Variable("CNSR", "Censor", "Num"),
    ),
    ("USUBJID",),
)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_frame_comes_back_the_same_from_every_format(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"adx{suffix}"
    write_dataset(MIXED, path, MIXED_DATASET)
    frame, dataset = read_dataset(path)
    pd.testing.assert_frame_equal(frame, MIXED)
    assert (dataset.name, dataset.label, dataset.names) == ("ADX", "Mixed", MIXED_DATASET.names)
    for found, given_variable in zip(dataset.variables, MIXED_DATASET.variables, strict=True):
        assert (found.label, found.type, found.format) == (
            given_variable.label,
            given_variable.type,
            given_variable.format,
        )
        assert found.type == "Num" or found.length == given_variable.length


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_empty_frame_comes_back_empty(tmp_path: Path, suffix: str) -> None:
    write_dataset(MIXED.iloc[:0], tmp_path / f"adx{suffix}", MIXED_DATASET)
    frame, _ = read_dataset(tmp_path / f"adx{suffix}")
    assert (list(frame.columns), len(frame)) == (list(MIXED.columns), 0)


texts = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20).map(lambda t: t.rstrip(" "))
numbers = st.floats(2.0**-200, 2.0**200) | st.just(float("nan")) | st.integers(-(2**53), 2**53).map(float)
days = st.dates(pd.Timestamp("1700-01-01").date(), pd.Timestamp("2200-01-01").date())


@given(st.lists(st.tuples(texts, numbers, days | st.none()), min_size=1, max_size=8))
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_random_frames_agree_in_all_formats(tmp_path: Path, rows: list[tuple[Any, ...]]) -> None:
    frame = pd.DataFrame(
        {
            "USUBJID": ["S" * 90] * len(rows),
            "AVAL": np.array([row[1] for row in rows], dtype="float64"),
            "AVALC": np.array([row[0] for row in rows], dtype=object),
            "ADT": pd.to_datetime(pd.Series([row[2] for row in rows], dtype=object)).astype("datetime64[ns]"),
        }
    )
    for suffix in SUFFIXES:
        write_dataset(frame, tmp_path / f"adx{suffix}", MIXED_DATASET)
        pd.testing.assert_frame_equal(read_dataset(tmp_path / f"adx{suffix}")[0], frame, obj=suffix)


def schema(name: str) -> Any:
    return json.loads(others("standards", name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", ["sdtm_package", "adam_package"])
def test_files_are_valid_by_the_published_schema(tmp_path: Path, kind: str, request: pytest.FixtureRequest) -> None:
    package: Package = request.getfixturevalue(kind)
    for dataset, frame in [*package, (MIXED_DATASET, MIXED)]:
        write_dataset_json(frame, tmp_path / "x.json", dataset, study_oid="STUDY.S")
        content = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))
        jsonschema.validate(content, schema("dataset-json-1.1.schema.json"))
        assert content["records"] == len(content["rows"]) == len(frame)
        write_dataset_json(frame, tmp_path / "x.ndjson", dataset, study_oid="STUDY.S")
        first = (tmp_path / "x.ndjson").read_text(encoding="utf-8").splitlines()[0]
        assert json.loads(first) == {k: v for k, v in content.items() if k != "rows"}


def test_dates_are_iso_texts_with_a_numeric_target(tmp_path: Path) -> None:
    write_dataset_json(MIXED, tmp_path / "x.json", MIXED_DATASET)
    content = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))
    adt, adtm = content["columns"][3:5]
    assert (adt["dataType"], adt["targetDataType"], adt["displayFormat"]) == ("date", "integer", "DATE9.")
    assert (adtm["dataType"], adtm["targetDataType"]) == ("datetime", "integer")
    assert [row[3] for row in content["rows"]] == ["2024-02-29", None, "1959-12-31"]
    assert content["rows"][0][4] == "2024-02-29T23:59:59"
    assert content["columns"][0]["keySequence"] == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"not json",
        b'{"name": "X"}',
        b"\xff\xfe",
        b'{"columns":[],"name":"X","label":"","rows":[[1]]}',
    ],
)
@pytest.mark.parametrize("suffix", [".json", ".ndjson"])
def test_what_is_no_dataset_is_said_in_one_sentence(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    # Rows stand on their own lines in NDJSON.
    path.write_bytes(content.replace(b',"rows":[[1]]}', b"}\n[1]") if suffix == ".ndjson" else content)
    with pytest.raises(DatasetJsonError, match=f"x{suffix}: no Dataset-JSON 1.1 dataset"):
        read_dataset_json(path)


def test_frames_that_cannot_be_described_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetJsonError, match="ADX: no description of NEW"):
        write_dataset_json(MIXED.assign(NEW=1), tmp_path / "x.json", MIXED_DATASET)
    with pytest.raises(DatasetJsonError, match=r"ADX.AVAL: an infinite number"):
        write_dataset_json(MIXED.assign(AVAL=np.inf), tmp_path / "x.json", MIXED_DATASET)
    with pytest.raises(ValueError, match="a dataset file ends in one of"):
        write_dataset(MIXED, tmp_path / "x.csv", MIXED_DATASET)
    with pytest.raises(ValueError, match="a dataset file ends in one of"):
        read_dataset(tmp_path / "x.csv")


def test_parquet_of_others_is_described_from_its_columns(tmp_path: Path) -> None:
    MIXED.astype({"CNSR": "Int64"}).to_parquet(tmp_path / "adx.parquet")
    frame, dataset = read_dataset(tmp_path / "adx.parquet")
    pd.testing.assert_frame_equal(frame, MIXED)
    assert [v.type for v in dataset.variables] == ["Char", "Num", "Char", "Num", "Num", "Num"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_data_give_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    for name in ("a", "b"):
        write_dataset(MIXED, tmp_path / f"{name}{suffix}", MIXED_DATASET)
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_every_format_that_a_user_may_choose_can_be_written_and_read() -> None:
    assert {f".{name}" for name in FORMATS} | {".xpt"} == set(SUFFIXES)
