"""Text over 200 bytes goes on in SUPP--, TSVALn or COVALn and comes back whole (SDTMIG 3.4, 4.5.3.2)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from fhir2cdisc.converters.formats.long_text import (
    split_columns,
    split_long_text,
    split_text,
    with_continuations,
)
from fhir2cdisc.converters.xpt.write import XptError, write_xpt
from fhir2cdisc.mappings.standard.datasets import sdtm_datasets
from hypothesis import given, settings
from hypothesis import strategies as st

LONG = " ".join(["word"] * 90)  # 449 characters: 40 words are 199 characters, 41 would be 204


@pytest.mark.parametrize(
    ("text", "limit", "pieces"),
    [
        ("", 10, [""]),
        ("exactly 10", 10, ["exactly 10"]),
        ("exactly 10!", 10, ["exactly", "10!"]),
        ("0123456789 x", 10, ["0123456789", "x"]),  # the blank itself needs no room
        ("0123456789x", 10, ["0123456789", "x"]),  # no blank to split at
        ("ab cd ef", 2, ["ab", "cd", "ef"]),
        ("肝细胞癌", 7, ["肝细", "胞癌"]),  # three bytes each in UTF-8
    ],
)
def test_split_text(text: str, limit: int, pieces: list[str]) -> None:
    assert split_text(text, limit, "utf-8") == pieces


def test_gb18030_needs_two_bytes_for_a_character() -> None:
    assert split_text("肝细胞癌", 7, "gb18030") == ["肝细胞", "癌"]


@given(st.text(max_size=400), st.integers(4, 40), st.sampled_from(["utf-8", "gb18030"]))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_no_piece_is_too_long_and_no_character_is_lost(text: str, limit: int, encoding: str) -> None:
    pieces = split_text(text, limit, encoding)
    assert all(len(piece.encode(encoding)) <= limit for piece in pieces)
    assert "".join(pieces).replace(" ", "") == text.replace(" ", "")


def ae(terms: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "STUDYID": "S",
            "DOMAIN": "AE",
            "USUBJID": [f"S-{i}" for i in range(len(terms))],
            "AESEQ": [float(i + 3) for i in range(len(terms))],
            "AETERM": terms,
        }
    )


def test_the_overflow_of_a_domain_goes_to_its_supplemental_qualifiers() -> None:
    old = pd.DataFrame({"STUDYID": ["S"], "RDOMAIN": ["AE"], "QNAM": ["AETRTEM"], "QVAL": ["Y"]})
    frame, supp = split_long_text(ae(["short", LONG]), old, sdtm_datasets()["AE"])
    assert frame["AETERM"].tolist() == ["short", " ".join(["word"] * 40)]
    assert supp["QNAM"].tolist() == ["AETRTEM", "AETERM1", "AETERM2"]
    added = supp.iloc[1]
    assert added.to_dict() == {
        "STUDYID": "S",
        "RDOMAIN": "AE",
        "USUBJID": "S-1",
        "IDVAR": "AESEQ",
        "IDVARVAL": "4",
        "QNAM": "AETERM1",
        "QLABEL": "Reported Term for the Adverse Event",
        "QVAL": " ".join(["word"] * 40),
        "QORIG": "Collected",
        "QEVAL": "",
    }
    assert " ".join([frame["AETERM"][1], *supp["QVAL"][1:]]) == LONG


def test_large_sequence_numbers_are_written_out() -> None:
    frame = ae([LONG]).assign(AESEQ=[1234567.0])
    assert split_long_text(frame, None, sdtm_datasets()["AE"])[1]["IDVARVAL"][0] == "1234567"


def test_nothing_changes_where_nothing_is_long() -> None:
    frame, supp = split_long_text(ae(["short", None]), None, sdtm_datasets()["AE"])  # type: ignore[list-item]
    assert frame["AETERM"].tolist() == ["short", None]
    assert (len(supp), supp.columns[0]) == (0, "STUDYID")


def test_a_name_of_eight_characters_gives_up_its_last_one() -> None:
    frame = ae(["x"]).assign(AEACNOTH=LONG)
    _, supp = split_long_text(frame, None, sdtm_datasets()["AE"])
    assert supp["QNAM"].tolist() == ["AEACNOT1", "AEACNOT2"]


def test_a_dataset_without_sequence_is_referred_to_by_subject() -> None:
    frame = pd.DataFrame({"STUDYID": ["S"], "USUBJID": ["S-1"], "ARM": [LONG]})
    _, supp = split_long_text(frame, None, sdtm_datasets()["DM"])
    assert (supp["IDVAR"][0], supp["IDVARVAL"][0], supp["QNAM"][0]) == ("", "", "ARM1")


def test_a_visit_is_referred_to_by_its_number() -> None:
    frame = pd.DataFrame({"STUDYID": ["S"], "USUBJID": ["S-1"], "VISITNUM": [29.001], "SVUPDES": LONG})
    _, supp = split_long_text(frame, None, sdtm_datasets()["SV"])
    assert supp[["IDVAR", "IDVARVAL"]].drop_duplicates().values.tolist() == [["VISITNUM", "29.001"]]


def test_long_parameter_values_continue_in_numbered_variables(tmp_path: Path) -> None:
    ts = pd.DataFrame(
        {
            "STUDYID": "S",
            "DOMAIN": "TS",
            "TSSEQ": 1.0,
            "TSPARMCD": ["TITLE", "SSTDTC"],
            "TSVAL": [LONG, "2024"],
        }
    )
    split = split_columns(ts, "TSVAL")
    assert list(split.columns[-3:]) == ["TSVAL", "TSVAL1", "TSVAL2"]
    assert split["TSVAL1"].tolist() == [" ".join(["word"] * 40), ""]
    assert " ".join(split.loc[0, ["TSVAL", "TSVAL1", "TSVAL2"]]) == LONG
    dataset = with_continuations(sdtm_datasets()["TS"], split.columns)
    labels = [v.label for v in dataset.variables if v.name.startswith("TSVAL") and v.name[5:].isdigit()]
    assert labels == ["Parameter Value 1", "Parameter Value 2"]
    with pytest.raises(XptError, match="449 bytes are over the 200"):
        write_xpt(ts, tmp_path / "ts.xpt", name="TS", variables=dataset.variables)
    write_xpt(split, tmp_path / "ts.xpt", name="TS", variables=dataset.variables)
