"""LSTALVDT: the last day on which something happened that only the living do, and the record that says so."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from fhir2cdisc.adam.subject.last_alive import ALIVE_ON, COLUMNS, last_known_alive

# What the subject has (domain.variable=date#seq), death, cut-off | LSTALVDT, LALVDOM, LALVVAR, LALVSEQ
CASES = [
    ("one record", "LB.LBDTC=2024-03-01#7", "", "", ("2024-03-01", "LB", "LBDTC", 7)),
    ("the latest", "LB.LBDTC=2024-03-01#1 VS.VSDTC=2024-03-02#2", "", "", ("2024-03-02", "VS", "VSDTC", 2)),
    ("of one domain", "LB.LBDTC=2024-03-02#1 LB.LBDTC=2024-03-01#2", "", "", ("2024-03-02", "LB", "LBDTC", 1)),
    (
        "tie of domains: list order",
        "VS.VSDTC=2024-03-01#1 AE.AESTDTC=2024-03-01#4",
        "",
        "",
        ("2024-03-01", "AE", "AESTDTC", 4),
    ),
    (
        "status before all others",
        "AE.AESTDTC=2024-03-01#1 SS.SSDTC=2024-03-01#2",
        "",
        "",
        ("2024-03-01", "SS", "SSDTC", 2),
    ),
    (
        "tie in one domain: lower --SEQ",
        "LB.LBDTC=2024-03-01#9 LB.LBDTC=2024-03-01#3",
        "",
        "",
        ("2024-03-01", "LB", "LBDTC", 3),
    ),
    (
        "time of day is of that day",
        "LB.LBDTC=2024-03-01T23:59#1 VS.VSDTC=2024-03-01T08:00#2",
        "",
        "",
        ("2024-03-01", "LB", "LBDTC", 1),
    ),
    (
        "partial dates do not count",
        "LB.LBDTC=2024-05#1 VS.VSDTC=2024-03-01#2 AE.AESTDTC=2025#3",
        "",
        "",
        ("2024-03-01", "VS", "VSDTC", 2),
    ),
    (
        "after death: a certificate",
        "LB.LBDTC=2024-06-05#1 VS.VSDTC=2024-03-01#2",
        "2024-06-01",
        "",
        ("2024-03-01", "VS", "VSDTC", 2),
    ),
    ("on the day of death", "LB.LBDTC=2024-06-01#1", "2024-06-01", "", ("2024-06-01", "LB", "LBDTC", 1)),
    ("only after death", "LB.LBDTC=2024-06-05#1", "2024-06-01", "", None),
    (
        "after the cut-off",
        "LB.LBDTC=2024-06-05#1 VS.VSDTC=2024-06-01#2",
        "",
        "2024-06-01",
        ("2024-06-01", "VS", "VSDTC", 2),
    ),
    ("end of an event", "AE.AESTDTC=2024-03-01#1 AE.AEENDTC=2024-04-01#1", "", "", ("2024-04-01", "AE", "AEENDTC", 1)),
    ("history is told later", "MH.MHSTDTC=2024-03-01#1", "", "", None),
    ("end of participation is no contact", "DS.DSSTDTC=2024-03-01#1", "", "", None),
    (
        "a visit is named by its number, SV has no --SEQ",
        "SV.SVSTDTC=2024-03-01#29.001 SV.SVSTDTC=2024-02-01#1",
        "",
        "",
        ("2024-03-01", "SV", "SVSTDTC", 29.001),
    ),
    (
        "tie of visits: lower VISITNUM",
        "SV.SVSTDTC=2024-03-01#8 SV.SVSTDTC=2024-03-01#1",
        "",
        "",
        ("2024-03-01", "SV", "SVSTDTC", 1),
    ),
    ("nothing", "", "", "", None),
]


def frames_of(words: str, subject: str) -> list[tuple[str, dict[str, Any]]]:
    made = []
    for word in words.split():
        place, _, rest = word.partition("=")
        domain, _, variable = place.partition(".")
        when, _, seq = rest.partition("#")
        key = "VISITNUM" if domain == "SV" else f"{domain}SEQ"
        made.append((domain, {"USUBJID": subject, variable: when, key: float(seq)}))
    return made


def gathered(rows: list[tuple[str, dict[str, Any]]]) -> dict[str, pd.DataFrame]:
    return {domain: pd.DataFrame([row for name, row in rows if name == domain]) for domain, _ in rows}


@pytest.mark.parametrize("cutoff", ["", "2024-06-01"])
def test_the_last_day_known_alive(cutoff: str) -> None:
    cases = [case for case in CASES if case[3] == cutoff]
    ids = [f"{n:02}" for n in range(len(cases))]
    rows = [row for one, case in zip(ids, cases, strict=True) for row in frames_of(case[1], one)]
    died = pd.to_datetime(pd.Series([case[2] or None for case in cases], index=ids, dtype=object))
    out = last_known_alive(gathered(rows), died, pd.Timestamp(cutoff) if cutoff else None).set_index("USUBJID")
    for one, (reason, _, _, _, expected) in zip(ids, cases, strict=True):
        found = tuple(out.loc[one]) if one in out.index else None
        shown = None if found is None else (f"{found[0]:%Y-%m-%d}", *found[1:])
        assert shown == expected, reason


def test_who_was_found_dead_was_not_alive_that_day() -> None:
    """A death without date: the contact that told of it is no sign of life."""
    ss = pd.DataFrame(
        [("01", "ALIVE", "2024-03-01", 1), ("01", "DEAD", "2024-06-01", 2), ("02", "DEAD", "2024-06-01", 1)],
        columns=["USUBJID", "SSSTRESC", "SSDTC", "SSSEQ"],
    )
    out = last_known_alive({"SS": ss}, pd.Series(pd.NaT, index=["01", "02"]))
    assert out.values.tolist() == [["01", pd.Timestamp("2024-03-01"), "SS", "SSDTC", 1.0]]


def test_a_date_that_is_the_result_of_a_status_counts() -> None:
    ss = pd.DataFrame({"USUBJID": ["01"], "SSSTRESC": ["2024-08-01"], "SSDTC": ["2024-09-01"], "SSSEQ": [1.0]})
    until = pd.Timestamp("2024-08-15")
    out = last_known_alive({"SS": ss}, pd.Series(pd.NaT, index=["01"]), until)
    assert out[["LSTALVDT", "LALVVAR"]].values.tolist() == [[pd.Timestamp("2024-08-01"), "SSSTRESC"]]


@pytest.mark.parametrize("frames", [{}, {"LB": pd.DataFrame({"USUBJID": [], "LBDTC": [], "LBSEQ": []}, dtype=object)}])
def test_without_data_the_frame_is_empty_and_typed(frames: dict[str, pd.DataFrame]) -> None:
    out = last_known_alive(frames, pd.Series(dtype="datetime64[ns]"))
    assert (len(out), list(out.columns)) == (0, COLUMNS)
    assert (out["LSTALVDT"].dtype, out["LALVSEQ"].dtype) == ("datetime64[ns]", "float64")


def test_death_disposition_and_history_are_no_signs_of_life() -> None:
    assert {domain for domain, _ in ALIVE_ON} & {"DM", "DD", "DS", "MH", "FA", "SE"} == set()
