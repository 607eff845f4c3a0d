"""Visits by number and name: planned ones, those between them, and hospital data without a plan (SDTMIG 3.4, 4.4.5)."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.sdtm.trial.visits import number_visits


def visits(rows: list[tuple[str, str, str]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["USUBJID", "VISIT", "SVSTDTC"])
    return frame.assign(_ID=[f"e{i}" for i in range(len(rows))], _RECORD_NO=range(len(rows)))


def test_visits_without_any_planned_name_are_numbered_in_time_order(study: Callable[..., Study]) -> None:
    rows = [("1", "office", "2024-02-01"), ("1", "office", "2024-01-01"), ("2", "office", "2024-03-01")]
    made = number_visits(visits(rows), study())
    assert made[["USUBJID", "VISIT", "VISITNUM"]].values.tolist() == [
        ["1", "ENCOUNTER 1", 1.0],
        ["1", "ENCOUNTER 2", 2.0],
        ["2", "ENCOUNTER 1", 1.0],
    ]


def test_planned_visits_have_their_day_and_others_stand_between_them(study: Callable[..., Study]) -> None:
    rows = [
        ("1", "Cycle 1 Day 1", "2024-01-01"),
        ("1", "emergency", "2024-01-05"),
        ("1", "phone", "2024-01-06"),
    ]
    rows += [("1", "C2D1", "2024-01-22"), ("1", "Screening", "2023-12-20")]
    made = number_visits(visits(rows), study(schedule={"cycle_days": 21})).sort_values("SVSTDTC")
    assert made["VISIT"].tolist()[1:5:3] == ["CYCLE 1 DAY 1", "C2D1"]
    assert made["VISITNUM"].tolist() == [-1.0, 1.0, 1.001, 1.002, 22.0]
    assert made["VISIT"].str.startswith("UNSCHEDULED").tolist() == [False, False, True, True, False]
    assert made["VISITDY"].isna().tolist() == [False, False, True, True, False]


def test_very_many_visits_between_planned_ones_stay_apart(study: Callable[..., Study]) -> None:
    rows = [("1", "C1D1", "2024-01-01")]
    rows += [("1", "call", f"2024-01-02T{i // 60:02d}:{i % 60:02d}") for i in range(1200)]
    made = number_visits(visits([*rows, ("1", "C1D2", "2024-01-03")]), study())
    assert made["VISITNUM"].is_unique
    assert made["VISITNUM"].between(1, 2).all()
    assert made["VISIT"].is_unique
