"""Transport files: bytes by TS-140, limits of the agencies, and four readers that agree."""

from __future__ import annotations

import math
import os
import struct
import tracemalloc
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from fhir2cdisc.converters.xpt import columns as xpt_columns
from fhir2cdisc.converters.xpt.ibm_float import from_ibm, out_of_range, to_ibm
from fhir2cdisc.converters.xpt.layout import join_format, split_format
from fhir2cdisc.converters.xpt.write import (
    XptError,
    read_xpt,
    study_lengths,
    with_lengths,
    write_xpt,
    write_xpt_pieces,
)
from fhir2cdisc.mappings.standard.datasets import Dataset, Variable
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXAMPLES = 2000 if os.environ.get("FHIR2CDISC_FUZZ") else 50
WIDE = "X" * 90  # keeps a record over 80 bytes: below that pandas may lose rows

DM = pd.DataFrame(
    {
        "STUDYID": ["CDISC01", "CDISC01", "CDISC01"],
        "USUBJID": ["CDISC01-001", "CDISC01-002", "CDISC01-003"],
        "AGE": [64.0, np.nan, 71.5],
        "SEX": ["F", "", "M"],
        "TRTSDT": pd.to_datetime(["2024-03-01", None, "1959-12-31"]),
        "COMMENT": [WIDE, "", "a  b"],
    }
)
DM_VARIABLES = (
    Variable("STUDYID", "Study Identifier", length=12),
    Variable("USUBJID", "Unique Subject Identifier", length=20, format="$20."),
    Variable("AGE", "Age", "Num", format="8.1"),
    Variable("SEX", "Sex"),
    Variable("TRTSDT", "Date of First Exposure to Treatment", "Num", format="DATE9."),
    Variable("COMMENT", "Comment"),
)


def test_every_reader_finds_the_same_values_labels_formats_and_lengths(
    tmp_path: Path, readers: dict[str, Callable[[Path], Any]]
) -> None:
    path = tmp_path / "dm.xpt"
    write_xpt(DM, path, name="DM", label="Demographics", variables=DM_VARIABLES)
    # Days since 1960-01-01: 2024-03-01 is 64 years, 16 leap days before 2024, 31 + 29 days.
    expected = DM.assign(TRTSDT=[64 * 365 + 16 + 31 + 29, np.nan, -1.0])
    for name, read in readers.items():
        found = read(path)
        pd.testing.assert_frame_equal(found.frame, expected, check_dtype=False, obj=name)
        if found.labels is None:
            continue
        assert (found.name, found.label) == ("DM", "Demographics"), name
        assert found.labels == {v.name: v.label for v in DM_VARIABLES}, name
        assert found.formats == {
            "STUDYID": "",
            "USUBJID": "$20",
            "AGE": "8.1",
            "SEX": "",
            "TRTSDT": "DATE9",
            "COMMENT": "",
        }, name
        lengths = {"STUDYID": 12, "USUBJID": 20, "AGE": 8, "SEX": 1, "TRTSDT": 8, "COMMENT": 90}
        assert found.lengths == lengths, name


def test_the_bytes_are_those_of_ts_140(tmp_path: Path) -> None:
    frame = pd.DataFrame({"ID": ["A1"], "X": [1.0]})
    variables = [Variable("ID", "Identifier", length=4), Variable("X", "Number", "Num", format="BEST12.")]
    path = tmp_path / "ex.xpt"
    write_xpt(frame, path, name="EX", label="Exposure", variables=variables, created=datetime(2024, 2, 29, 13, 5))
    cards = [path.read_bytes()[i : i + 80] for i in range(0, path.stat().st_size, 80)]
    assert [len(card) for card in cards] == [80] * 14
    assert cards[0] == b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!000000000000000000000000000000  "
    assert cards[1] == b"SAS     SAS     SASLIB  9.4     X64_10PR" + b" " * 24 + b"29FEB24:13:05:00"
    assert cards[2] == b"29FEB24:13:05:00".ljust(80)
    assert cards[3] == b"HEADER RECORD*******MEMBER  HEADER RECORD!!!!!!!000000000000000001600000000140  "
    assert cards[4] == b"HEADER RECORD*******DSCRPTR HEADER RECORD!!!!!!!000000000000000000000000000000  "
    assert cards[5] == b"SAS     EX      SASDATA 9.4     X64_10PR" + b" " * 24 + b"29FEB24:13:05:00"
    assert cards[6] == b"29FEB24:13:05:00" + b" " * 16 + b"Exposure".ljust(40) + b" " * 8
    assert cards[7] == b"HEADER RECORD*******NAMESTR HEADER RECORD!!!!!!!000000000200000000000000000000  "
    namestrs = b"".join(cards[8:12])
    assert namestrs[:8] == struct.pack(">hhhh", 2, 0, 4, 1)
    assert namestrs[8:16] == b"ID      "
    assert namestrs[16:56] == b"Identifier".ljust(40)
    assert namestrs[140:148] == struct.pack(">hhhh", 1, 0, 8, 2)
    assert namestrs[196:212] == b"BEST    " + struct.pack(">hhh", 12, 0, 0) + b"\0\0"
    assert namestrs[224:228] == struct.pack(">l", 4)
    assert namestrs[280:] == b" " * 40
    assert cards[12] == b"HEADER RECORD*******OBS     HEADER RECORD!!!!!!!000000000000000000000000000000  "
    # 1 is 1/16 * 16**1: exponent 64 + 1, first digit of the fraction 1.
    assert cards[13] == (b"A1  " + bytes.fromhex("4110000000000000")).ljust(80)


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (0.0, "0000000000000000"),
        (-0.0, "0000000000000000"),
        (1.0, "4110000000000000"),  # TS-140
        (-1.0, "C110000000000000"),
        (2.0, "4120000000000000"),
        (0.1, "401999999999999A"),  # 0.1 in hexadecimal is 0.19999999999999A
        (100.0, "4264000000000000"),
        (-118.625, "C276A00000000000"),  # textbook example of the format: 0x76.A
        (2.0**-260, "0010000000000000"),
        (math.nextafter(2.0**252, 0), "7FFFFFFFFFFFFFF8"),
        (math.nan, "2E00000000000000"),
    ],
)
def test_ibm_words(value: float, word: str) -> None:
    assert to_ibm(np.array([value]))[0] == int(word, 16)


@given(st.lists(st.floats(2.0**-260, 2.0**252, exclude_max=True), min_size=1), st.booleans())
@settings(max_examples=EXAMPLES * 4, deadline=None, derandomize=True)
def test_every_double_in_range_comes_back(values: list[float], negative: bool) -> None:
    given_values = np.array(values) * (-1 if negative else 1)
    assert not out_of_range(given_values).any()
    np.testing.assert_array_equal(from_ibm(to_ibm(given_values)), given_values)


def test_out_of_range_begins_at_the_limits() -> None:
    values = [0.0, 2.0**-260, math.nextafter(2.0**-260, 0), 2.0**252, math.inf, -math.inf, math.nan, 5e-324]
    assert out_of_range(np.array(values)).tolist() == [False, False, True, True, True, True, False, True]


names = st.from_regex(r"\A[A-Z][A-Z0-9]{0,7}\Z")
labels = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40)
words = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=200).map(lambda t: t.rstrip(" "))
doubles = (
    st.floats(2.0**-259, 2.0**252, exclude_max=True)
    | st.floats(-(2.0**251), -(2.0**-259))
    | st.just(0.0)
    | st.just(math.nan)
    | st.integers(-(2**53), 2**53).map(float)
)


@st.composite
def frames(draw: Any) -> tuple[pd.DataFrame, list[Variable]]:
    rows = draw(st.integers(1, 12))
    columns: dict[str, Any] = {"STUDYID": [WIDE] * rows}
    variables = [Variable("STUDYID", "Study Identifier")]
    for name in draw(st.lists(names, unique=True, max_size=6)):
        kind = draw(st.sampled_from(["Char", "Num"]))
        of = words if kind == "Char" else doubles
        columns[name] = draw(st.lists(of, min_size=rows, max_size=rows))
        form = draw(st.sampled_from(["", "$40."] if kind == "Char" else ["", "8.2", "BEST12."]))
        length = draw(st.sampled_from([0, 200])) if kind == "Char" else 0
        variables = [v for v in variables if v.name != name]
        variables.append(Variable(name, draw(labels), kind, length=length, format=form))
    frame = pd.DataFrame(columns)
    if frame["STUDYID"].dtype != object or (frame["STUDYID"] != WIDE).any():
        frame["ZWIDE"] = WIDE
        variables.append(Variable("ZWIDE", "Wide"))
    return frame[[v.name for v in variables]], variables


@given(frames())
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_random_frames_read_identically_in_all_four_readers(
    tmp_path: Path, readers: dict[str, Callable[[Path], Any]], case: tuple[pd.DataFrame, list[Variable]]
) -> None:
    frame, variables = case
    path = tmp_path / "any.xpt"
    written = write_xpt(frame, path, name="ANY", label="Any", variables=variables)
    for name, read in readers.items():
        found = read(path)
        pd.testing.assert_frame_equal(found.frame, frame, check_exact=True, check_dtype=False, obj=name)
        if found.labels is not None:
            assert list(found.labels) == [v.name for v in variables]
            assert found.labels == {v.name: v.label.strip() for v in variables}, name
            assert found.formats == {v.name: v.format.rstrip(".") for v in variables}, name
            assert found.lengths == {v.name: v.length for v in written.variables}, name


def test_an_empty_dataset_keeps_its_variables(tmp_path: Path) -> None:
    path = tmp_path / "dm.xpt"
    write_xpt(DM.iloc[:0], path, name="DM", variables=DM_VARIABLES)
    frame, dataset = read_xpt(path)
    assert list(frame.columns) == list(DM.columns) and len(frame) == 0
    assert [v.length for v in dataset.variables] == [12, 20, 8, 1, 8, 1]


def test_types_and_names_come_from_the_frame_where_no_variables_are_given(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "TEXT": ["ab", None, "abc"],
            "COUNT": pd.array([1, None, 3], dtype="Int64"),
            "FLAG": [True, False, True],
            "DAY": pd.to_datetime(["2024-01-01", None, "2024-01-02"]),
            "MOMENT": pd.to_datetime(["2024-01-01T10:30", None, "2024-01-02T00:00"]),
            "CAT": pd.Categorical(["x", "yy", None]),
        }
    )
    path = tmp_path / "x.xpt"
    written = write_xpt(frame, path, name="X")
    assert [(v.name, v.type, v.length, v.format) for v in written.variables] == [
        ("TEXT", "Char", 3, ""),
        ("COUNT", "Num", 8, ""),
        ("FLAG", "Num", 8, ""),
        ("DAY", "Num", 8, "DATE9."),
        ("MOMENT", "Num", 8, "DATETIME20."),
        ("CAT", "Char", 2, ""),
    ]
    found, _ = read_xpt(path)
    assert found["TEXT"].tolist() == ["ab", "", "abc"]
    assert found["CAT"].tolist() == ["x", "yy", ""]
    pd.testing.assert_frame_equal(found[["DAY", "MOMENT"]], frame[["DAY", "MOMENT"]])


def test_special_missing_values_are_kept(tmp_path: Path) -> None:
    frame = pd.DataFrame({"ID": [WIDE] * 4, "AVAL": [1.0, np.nan, np.nan, np.nan]})
    path = tmp_path / "x.xpt"
    codes = pd.Series(["", ".A", "_", ""])
    write_xpt(frame, path, name="X", special_missing={"AVAL": codes})
    found, _ = read_xpt(path)
    assert found["AVAL"].isna().tolist() == [False, True, True, True]
    assert found.attrs["special_missing"]["AVAL"].tolist() == ["", "A", "_", ""]
    with pytest.raises(XptError, match=r"X.AVAL, row 1: a special missing value must be A to Z or _"):
        write_xpt(frame, path, name="X", special_missing={"AVAL": pd.Series(["A", "", "", ""])})


REFUSED = {
    "name over 8": ({"name": "DEMOGRAPH"}, {}, "DEMOGRAPH: a dataset name must have 1 to 8"),
    "lower-case name": ({"name": "dm"}, {}, "dm: a dataset name must"),
    "variable over 8": ({}, {"LONGNAME9": ["a"]}, "T.LONGNAME9: a variable name must have 1 to 8"),
    "underscore": ({}, {"A_B": ["a"]}, "T.A_B: a variable name must"),
    "digit first": ({}, {"1AB": ["a"]}, "T.1AB: a variable name must"),
    "dataset label over 40": ({"label": "x" * 41}, {}, "has 41 bytes, over the 40 bytes of a label"),
    "label not ASCII": ({"label": "Größe"}, {}, "T: the label 'Größe' is not in the encoding ascii"),
    "201 bytes": ({}, {"A": ["ok", "x" * 201]}, "T.A, row 2: 201 bytes are over the 200"),
    "not ASCII": ({}, {"A": ["ok", "", "5 µg"]}, r"T.A, row 3: character U\+00B5 at place 3 is not in"),
    "NUL": ({}, {"A": ["a\0b"]}, "T.A, row 1: a NUL character"),
    "infinite": ({}, {"N": [1.0, math.inf]}, "T.N, row 2: a number outside the range"),
    "too large": ({}, {"N": [7.3e75]}, "T.N, row 1: a number outside the range"),
    "too small": ({}, {"N": [1e-80, 1e-81]}, r"T.N, row 1: .* \(and 1 more rows\)"),
    "large integer": ({}, {"N": [2**53, 2**53 + 1]}, "T.N, row 2: an integer that a double cannot hold"),
    "mixed": ({}, {"A": ["a", 5]}, "T.A, row 2: a value of type int where text is declared"),
    "python date": ({}, {"A": [datetime(2024, 1, 1).date()]}, "T.A, row 1: a value of type date"),
    "time zone": ({}, {"D": pd.to_datetime(["2024-01-01T10:00Z"])}, "T.D: a time zone cannot be kept"),
    "blank last row": ({}, {"A": ["x", ""]}, "T, row 2: an all-blank last row"),
    "encoding": ({"encoding": "latin-1"}, {}, "the encoding latin-1 is none of"),
}


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_what_others_pass_silently_is_refused_with_place_and_rule(tmp_path: Path, case: str) -> None:
    options, columns, message = REFUSED[case]
    frame = pd.DataFrame(columns or {"A": ["a"]})
    with pytest.raises(XptError, match=message):
        write_xpt(frame, tmp_path / "t.xpt", **{"name": "T", **options})
    assert list(tmp_path.iterdir()) == []


DECLARED_REFUSED = {
    "longer than declared": (Variable("A", "a", length=2), ["abc"], "the longest value has 3 bytes"),
    "length over 200": (Variable("A", "a", length=201), ["abc"], "length 201 is over the 200"),
    "text for a number": (Variable("A", "a", "Num"), ["abc"], "row 1: a value that is no number"),
    "number for a text": (Variable("A", "a"), [1.0], "row 1: a value of type float where text"),
    "time under DATE9.": (
        Variable("A", "a", "Num", format="DATE9."),
        pd.to_datetime(["2024-01-01T10:00"]),
        "row 1: a time of day would be lost under the format DATE9.",
    ),
    "no format": (Variable("A", "a", format="nonsense"), ["a"], "nonsense is not a SAS format"),
    "unknown column": (Variable("B", "b"), ["a"], "T.A: a column that the metadata do not describe"),
}


@pytest.mark.parametrize("case", DECLARED_REFUSED, ids=str)
def test_values_that_contradict_the_metadata_are_refused(tmp_path: Path, case: str) -> None:
    variable, values, message = DECLARED_REFUSED[case]
    with pytest.raises(XptError, match=message):
        write_xpt(pd.DataFrame({"A": values}), tmp_path / "t.xpt", name="T", variables=[variable])


def test_all_problems_are_reported_at_once_and_no_value_is_quoted(tmp_path: Path) -> None:
    frame = pd.DataFrame({"NAME": ["Zoë Patient"], "X": [math.inf]})
    with pytest.raises(XptError) as error:
        write_xpt(frame, tmp_path / "t.xpt", name="T")
    assert len(error.value.problems) == 2
    assert "Patient" not in str(error.value)


# Values of a variable of 3 declared bytes, what stands in the file for them, and why.
DECLARED: list[tuple[Any, str, bytes, str]] = [
    ("ab", "ascii", b"ab ", "filled with blanks"),
    ("abc", "ascii", b"abc", "as long as the variable"),
    ("", "ascii", b"   ", "an empty text is blank"),
    (None, "ascii", b"   ", "so is a missing one"),
    (math.nan, "ascii", b"   ", "of either kind"),
    ("ab ", "ascii", b"ab ", "a blank at the end that fits"),
    ("abc   ", "ascii", b"abc", "blanks at the end count for nothing"),
    ("     ", "ascii", b"   ", "nor where there is nothing else"),
    (" ab", "ascii", b" ab", "a blank at the beginning is kept"),
    ("é", "utf-8", b"\xc3\xa9 ", "two bytes of UTF-8"),
    ("肝", "utf-8", "肝".encode(), "three bytes of UTF-8"),
    ("肝", "gb18030", "肝".encode("gb18030") + b" ", "two bytes of GB 18030"),
]


@pytest.mark.parametrize(("value", "encoding", "expected", "why"), DECLARED, ids=[d[3] for d in DECLARED])
def test_texts_of_declared_length_stand_in_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: Any, encoding: str, expected: bytes, why: str
) -> None:
    monkeypatch.setattr("fhir2cdisc.converters.xpt.write.WRITTEN", 1)  # each record is a block of its own
    frame = pd.DataFrame({"ID": [WIDE] * 3, "A": ["abc", value, "x"]}, dtype=object)
    variables = [Variable("ID", "", length=90), Variable("A", "", length=3)]
    write_xpt(frame, tmp_path / "t.xpt", name="T", variables=variables, encoding=encoding)
    assert (tmp_path / "t.xpt").read_bytes()[-3 * 93 - 41 : -41] == b"".join(
        WIDE.encode() + text for text in (b"abc", expected, b"x  ")
    )


DECLARED_LATE: list[tuple[Any, str, str]] = [
    ("abcd", "ascii", "T.A: the longest value has 4 bytes, the declared length is 3"),
    ("肝肝", "gb18030", "T.A: the longest value has 4 bytes, the declared length is 3"),
    ("a\0", "ascii", "T.A, row 3: a NUL character in the text"),
    ("é", "ascii", "T.A, row 3: character U+00E9 at place 1 is not in the encoding ascii"),
    ("\ud800", "utf-8", "T.A, row 3: character U+D800 at place 1 is not in the encoding utf-8"),
    (5, "ascii", "T.A, row 3: a value of type int where text is declared"),
]


@pytest.mark.parametrize(("value", "encoding", "problem"), DECLARED_LATE, ids=[d[2] for d in DECLARED_LATE])
def test_a_text_that_is_refused_after_others_were_written_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: Any, encoding: str, problem: str
) -> None:
    monkeypatch.setattr("fhir2cdisc.converters.xpt.write.WRITTEN", 1)
    first = ["abc", "é" if encoding == "utf-8" else "x"]
    frame = pd.DataFrame({"ID": [WIDE] * 3, "A": [*first, value], "B": ["b", "", "b\0"]})
    variables = [Variable(name, "", length=length) for name, length in (("ID", 90), ("A", 3), ("B", 3))]
    with pytest.raises(XptError) as refused:
        write_xpt(frame, tmp_path / "t.xpt", name="T", variables=variables, encoding=encoding)
    assert refused.value.problems == (problem, "T.B, row 3: a NUL character in the text")
    assert list(tmp_path.iterdir()) == []


def test_texts_of_declared_length_are_reported_beside_numbers(tmp_path: Path) -> None:
    frame = pd.DataFrame({"A": ["a\0"], "N": [math.inf]})
    variables = [Variable("A", "", length=3), Variable("N", "", "Num")]
    with pytest.raises(XptError) as refused:
        write_xpt(frame, tmp_path / "t.xpt", name="T", variables=variables)
    assert sorted(problem.partition(":")[0] for problem in refused.value.problems) == ["T.A, row 1", "T.N, row 1"]


def test_a_refused_or_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "dm.xpt"
    write_xpt(DM, path, name="DM")
    old = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fhir2cdisc.converters.xpt.write._write_rows", full)
    with pytest.raises(OSError, match="No space left"):
        write_xpt(DM.iloc[:1], path, name="DM")
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("encoding", "text", "size"),
    [("utf-8", "肝细胞癌", 12), ("gb18030", "肝细胞癌", 8), ("utf-8", "x", 1)],
)
def test_chinese_text_counts_bytes_of_its_encoding(tmp_path: Path, encoding: str, text: str, size: int) -> None:
    frame = pd.DataFrame({"ID": [WIDE, WIDE], "AETERM": [text, ""]})
    path = tmp_path / "ae.xpt"
    variables = [Variable("ID", "标识"), Variable("AETERM", "不良事件")]
    written = write_xpt(frame, path, name="AE", label="不良事件", variables=variables, encoding=encoding)
    assert written["AETERM"].length == size
    found, dataset = read_xpt(path, encoding=encoding)
    pd.testing.assert_frame_equal(found, frame)
    assert (dataset.label, dataset["AETERM"].label) == ("不良事件", "不良事件")


def test_a_chinese_label_over_40_bytes_is_refused_not_cut(tmp_path: Path) -> None:
    frame = pd.DataFrame({"ID": ["a"]})
    with pytest.raises(XptError, match="has 42 bytes"):
        write_xpt(frame, tmp_path / "t.xpt", name="T", label="肝" * 14, encoding="utf-8")
    write_xpt(frame, tmp_path / "t.xpt", name="T", label="肝" * 14, encoding="gb18030")


def test_more_rows_than_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame({"ID": [f"{WIDE}{i}" for i in range(25)], "N": np.arange(25.0)})
    write_xpt(frame, tmp_path / "whole.xpt", name="T")
    monkeypatch.setattr(xpt_columns, "BLOCK", 7)
    monkeypatch.setattr("fhir2cdisc.converters.xpt.write.WRITTEN", 700)  # seven records
    write_xpt(frame, tmp_path / "blocks.xpt", name="T")
    assert (tmp_path / "blocks.xpt").read_bytes() == (tmp_path / "whole.xpt").read_bytes()
    pd.testing.assert_frame_equal(read_xpt(tmp_path / "blocks.xpt")[0], frame)


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_many_rows_of_few_values_come_back(tmp_path: Path, encoding: str) -> None:
    terms = np.array(["头痛", "", "Nausea", None, "blank at the end "], dtype=object)
    frame = pd.DataFrame({"ID": [WIDE] * 500, "AETERM": terms[np.arange(500) % 5], "N": np.arange(500.0)})
    write_xpt(frame, tmp_path / "ae.xpt", name="AE", encoding=encoding)
    found, dataset = read_xpt(tmp_path / "ae.xpt", encoding=encoding)
    expected = np.array(["头痛", "", "Nausea", "", "blank at the end"], dtype=object)[np.arange(500) % 5]
    assert found["AETERM"].tolist() == expected.tolist()
    assert dataset["AETERM"].length == 16
    with pytest.raises(XptError, match=r"AE.AETERM, row 1: character U\+5934 .* \(and 99 more rows\)"):
        write_xpt(frame, tmp_path / "ae.xpt", name="AE")


def test_a_disk_that_is_full_leaves_no_file(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    frame = pd.DataFrame({"ID": [WIDE] * 2000})
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            write_xpt(frame, tmp_path / "t.xpt", name="T")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        text = np.array(["x" * 20, "yy", ""], dtype=object)[np.arange(rows) % 3]
        days = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(rows) % 365, unit="D")
        frame = pd.DataFrame({"ID": text, "ADT": days, "SEQ": np.arange(rows), "N": np.arange(rows) / 7})
        tracemalloc.start()
        write_xpt(frame, tmp_path / "t.xpt", name="T")
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(400_000) < 1.5 * peak(100_000)


def test_a_large_dataset_is_written_whole_and_in_pieces(tmp_path: Path) -> None:
    frame = pd.DataFrame({"ID": [f"{i:0100d}" for i in range(25)], "N": np.arange(25.0)})
    paths = write_xpt_pieces(frame, tmp_path / "lb.xpt", name="LB", label="Laboratory", max_bytes=2_500)
    assert [p.relative_to(tmp_path).as_posix() for p in paths] == [
        "lb.xpt",
        *(f"split/lb{i}.xpt" for i in range(1, len(paths))),
    ]
    assert all(p.stat().st_size <= 2_500 for p in paths[1:]) and len(paths) > 2
    pieces = pd.concat([read_xpt(p)[0] for p in paths[1:]], ignore_index=True)
    pd.testing.assert_frame_equal(pieces, frame)
    assert read_xpt(paths[1])[1].name == "LB1"
    assert write_xpt_pieces(frame, tmp_path / "ok.xpt", name="OK") == [tmp_path / "ok.xpt"]


def test_lengths_are_the_longest_of_the_study() -> None:
    ae = pd.DataFrame({"USUBJID": ["S-1"], "AETERM": ["Headache"], "AESEQ": [1.0]})
    cm = pd.DataFrame({"USUBJID": ["S-0001"], "CMTRT": [""]})
    supp = pd.DataFrame({"USUBJID": ["S-00000001"], "QVAL": ["abc "]})
    lengths = study_lengths({"AE": ae, "CM": cm, "SUPPAE": supp})
    assert lengths == {"USUBJID": 6, "AETERM": 8, "CMTRT": 1, "SUPPAE.USUBJID": 10, "SUPPAE.QVAL": 3}
    dataset = Dataset(
        "AE",
        "",
        "",
        "",
        (Variable("USUBJID", ""), Variable("AESEQ", "", "Num"), Variable("AEX", "", length=4)),
    )
    assert [v.length for v in with_lengths(dataset, lengths).variables] == [6, 8, 4]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("DATE9.", ("DATE", 9, 0)),
        ("DATETIME20.", ("DATETIME", 20, 0)),
        ("$20.", ("$", 20, 0)),
        ("8.2", ("", 8, 2)),
        ("E8601DA10.", ("E8601DA", 10, 0)),
        ("$CHAR12.", ("$CHAR", 12, 0)),
        ("BEST.", ("BEST", 0, 0)),
        ("", ("", 0, 0)),
    ],
)
def test_formats(text: str, parts: tuple[str, int, int]) -> None:
    assert split_format(text) == parts
    assert join_format(*parts) == text


def spoiled(tmp_path: Path, change: Callable[[bytes], bytes]) -> Path:
    path = tmp_path / "dm.xpt"
    write_xpt(DM, path, name="DM", label="Demographics", variables=DM_VARIABLES)
    path.write_bytes(change(path.read_bytes()))
    return path


SPOILED = {
    "empty": (lambda _: b"", "too short to be a transport file"),
    "text": (lambda _: b"STUDYID,USUBJID\n" * 80, "not a SAS transport file"),
    "version 8": (
        lambda b: b.replace(b"*LIBRARY HEADER", b"*LIBV8   HEADER"),
        "a version 8 transport file",
    ),
    "cport": (lambda b: b"**COMPRESSED** " + b, "a PROC CPORT file"),
    "cut": (lambda b: b[:-100], "the file ends inside row 3"),
    "cut in the header": (lambda b: b[:1000], "no observation header after 6 variables"),
    "no count": (lambda b: b.replace(b"!!!!!!!0000000006", b"!!!!!!!000000    "), "without the count"),
    "two datasets": (lambda b: b + b[240:], "more than one dataset in the file"),
    "same name twice": (lambda b: b.replace(b"SEX     ", b"AGE     "), "a variable name occurs twice"),
    "no member": (lambda b: b.replace(b"*MEMBER ", b"*NUMBER "), "no member header"),
}


@pytest.mark.parametrize("case", SPOILED, ids=str)
def test_what_is_no_transport_file_is_said_in_one_sentence(tmp_path: Path, case: str) -> None:
    change, message = SPOILED[case]
    with pytest.raises(XptError, match=message):
        read_xpt(spoiled(tmp_path, change))


@given(st.data())
@settings(
    max_examples=EXAMPLES * 2,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_damaged_files_give_an_error_or_a_frame_never_a_crash(tmp_path: Path, data: Any) -> None:
    def damage(content: bytes) -> bytes:
        place = data.draw(st.integers(0, len(content) - 1))
        new = data.draw(st.binary(min_size=1, max_size=8))
        return content[:place] + new + content[place + len(new) :]

    try:
        frame, _ = read_xpt(spoiled(tmp_path, damage))
    except XptError as error:
        assert len(str(error)) < 300
    else:
        assert isinstance(frame, pd.DataFrame)


def test_windows_text_of_others_is_read(tmp_path: Path) -> None:
    path = spoiled(tmp_path, lambda b: b.replace(b"a  b", "5 µg".encode("cp1252")))
    assert read_xpt(path)[0]["COMMENT"].tolist() == [WIDE, "", "5 µg"]


def test_files_of_another_writer_are_read(tmp_path: Path) -> None:
    frame = DM.drop(columns="TRTSDT")
    labels = [v.label for v in DM_VARIABLES if v.name != "TRTSDT"]
    path = tmp_path / "dm.xpt"
    pyreadstat.write_xport(
        frame, path, file_label="Demographics", table_name="DM", column_labels=labels, file_format_version=5
    )
    found, dataset = read_xpt(path)
    pd.testing.assert_frame_equal(found, frame)
    assert (dataset.name, dataset.label) == ("DM", "Demographics")
    assert [v.label for v in dataset.variables] == labels


def test_short_numbers_of_others_are_read(tmp_path: Path) -> None:
    """SAS may store a number in 3 to 7 bytes: the same word without its last bytes."""
    path = tmp_path / "x.xpt"
    write_xpt(pd.DataFrame({"ID": [WIDE], "N": ["abc"]}), path, name="X")
    content = path.read_bytes()
    kind = content.index(b"N       ") - 8
    content = content[:kind] + struct.pack(">hh", 1, 0) + content[kind + 4 :]
    path.write_bytes(content.replace(b"abc", bytes.fromhex("C276A0")))
    frame, dataset = read_xpt(path)
    assert (frame["N"].tolist(), dataset["N"].length) == ([-118.625], 3)


def test_rows_of_a_short_record_are_counted_right(tmp_path: Path) -> None:
    for rows in range(1, 9):
        frame = pd.DataFrame({"A": ["", *["x"] * (rows - 1)][-rows:] if rows > 1 else ["x"]})
        write_xpt(frame, tmp_path / "t.xpt", name="T", variables=[Variable("A", "", length=20)])
        pd.testing.assert_frame_equal(read_xpt(tmp_path / "t.xpt")[0], frame)


def test_the_same_data_give_the_same_bytes_in_any_time_zone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = []
    for zone in ("UTC", "Asia/Shanghai"):
        monkeypatch.setenv("TZ", zone)
        write_xpt(DM, tmp_path / "dm.xpt", name="DM")
        contents.append((tmp_path / "dm.xpt").read_bytes())
    assert contents[0] == contents[1]
