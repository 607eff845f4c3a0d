"""The data cut: what was known at the end of a day, and nothing later (dates by hand)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fhir2cdisc.adam.frames.dates import full_dates
from fhir2cdisc.adam.frames.sdtm import REFERENCE_DATES, cut_at, dataset, record_date

CUT = "2024-05-31"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-03-01", "2024-03-01"),
        ("2024-03-01T10:00", "2024-03-01"),
        ("2024-03-01T10:00:00+08:00", "2024-03-01"),
        ("2024-02-29", "2024-02-29"),
        ("2023-02-29", None),
        ("2024-03", None),
        ("2024", None),
        ("2024---01", None),
        ("--03-01", None),
        ("", None),
        (None, None),
        (np.nan, None),
        ("unknown", None),
    ],
)
def test_only_a_date_that_is_complete_to_the_day_is_one(text: object, expected: str | None) -> None:
    found = full_dates(pd.DataFrame({"LBDTC": pd.Series([text], dtype=object)}), "LBDTC")
    assert found.dtype == "datetime64[ns]"
    assert found.tolist() == [pd.NaT if expected is None else pd.Timestamp(expected)]


def test_a_column_or_dataset_that_is_not_there_is_empty() -> None:
    assert full_dates(pd.DataFrame({"USUBJID": ["01"]}), "LBDTC").isna().all()
    assert dataset({}, "LB").columns.tolist() == ["USUBJID"]
    assert record_date(pd.DataFrame(columns=["AESTDTC", "AEDTC"]), "AE") == "AESTDTC"
    assert record_date(pd.DataFrame(columns=["LBDTC"]), "LB") == "LBDTC"
    assert record_date(pd.DataFrame(columns=["SCTEST"]), "SC") == ""


@pytest.mark.parametrize(
    ("start", "kept"),
    [
        ("2024-05-31", True),
        ("2024-05-31T23:59", True),
        ("2024-06-01", False),
        ("2024-05", True),
        ("2024-06", False),
        ("2024", True),
        ("2025", False),
        ("", True),
        (None, True),
    ],
)
def test_a_record_that_began_later_is_left_out_a_partial_date_at_its_first_possible_day(
    start: str | None, kept: bool
) -> None:
    lb = pd.DataFrame({"USUBJID": ["01"], "LBDTC": pd.Series([start], dtype=object)})
    assert len(cut_at({"LB": lb}, CUT)["LB"]) == int(kept)


def test_a_later_end_is_not_known_and_neither_is_its_day() -> None:
    ae = pd.DataFrame(
        {
            "USUBJID": "01",
            "AESTDTC": "2024-05-01",
            "AEENDTC": ["2024-05-31", "2024-06-01", "2024-06", "2024", ""],
            "AEENDY": [31.0, 32.0, np.nan, np.nan, np.nan],
        }
    )
    cut = cut_at({"AE": ae}, CUT)["AE"]
    assert cut["AEENDTC"].tolist() == ["2024-05-31", "", "", "2024", ""]
    assert cut["AEENDY"].isna().tolist() == [False, True, True, True, True]
    assert ae["AEENDTC"].tolist()[1] == "2024-06-01"  # what was given is not changed


def test_every_reference_date_after_the_cut_becomes_blank() -> None:
    late = pd.DataFrame({"USUBJID": ["01"], "DTHFL": ["Y"], **{name: ["2024-06-01"] for name in REFERENCE_DATES}})
    out = cut_at({"DM": late}, CUT)["DM"]
    assert {name: out[name].iloc[0] for name in (*REFERENCE_DATES, "DTHFL")} == dict.fromkeys(
        (*REFERENCE_DATES, "DTHFL"), ""
    )
    assert late["DTHFL"].tolist() == ["Y"]


@pytest.mark.parametrize(
    ("died", "date", "flag"),
    [
        ("2024-05-31", "2024-05-31", "Y"),
        ("2024-06-01", "", ""),
        ("2024-06", "", ""),  # cannot have been before
        ("2024-05", "2024-05", "Y"),
        ("2024", "2024", "Y"),  # may have been before: what the source says stays
        ("", "", "Y"),  # a death without date cannot be placed
    ],
)
def test_death_at_the_cut(died: str, date: str, flag: str) -> None:
    dm = pd.DataFrame({"USUBJID": ["01"], "DTHDTC": [died], "DTHFL": ["Y"]})
    assert cut_at({"DM": dm}, CUT)["DM"].iloc[0].tolist() == ["01", date, flag]


def test_no_cut_leaves_everything_and_life_long_domains_are_never_cut() -> None:
    frames = {
        "LB": pd.DataFrame({"USUBJID": ["01"], "LBDTC": ["2030-01-01"]}),
        "MH": pd.DataFrame({"USUBJID": ["01"], "MHSTDTC": ["2030-01-01"]}),
        "RELREC": pd.DataFrame({"USUBJID": ["01"]}),
    }
    assert cut_at(frames, "") == frames
    cut = cut_at(frames, CUT)
    assert [len(cut[name]) for name in ("LB", "MH", "RELREC")] == [0, 1, 1]
