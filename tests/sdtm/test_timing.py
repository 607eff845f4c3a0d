"""Study day, epoch, baseline: boundaries, ties and partial dates (SDTMIG 3.4, 4.1.3.1, 4.4.4, 4.5.9)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fhir2cdisc.sdtm.timing import baseline_flag, epoch, study_day

DAYS = [
    ("2024-03-02", "2024-03-01", 2.0, "the day after the reference"),
    ("2024-03-01", "2024-03-01", 1.0, "the reference is day 1"),
    ("2024-02-29", "2024-03-01", -1.0, "there is no day 0; 2024 is a leap year"),
    ("2023-02-28", "2023-03-01", -1.0, "no leap year"),
    ("2024-03-01T23:59:59", "2024-03-01T00:00:00", 1.0, "days, not hours"),
    ("2024-03-02T00:00:00", "2024-03-01T23:59:59", 2.0, "days, not hours"),
    ("2024-03", "2024-03-01", np.nan, "a partial date has no day"),
    ("2024-03-01", "2024", np.nan, "nor has one from a partial reference"),
    ("", "2024-03-01", np.nan, "no date"),
    ("2024-03-01", "", np.nan, "no reference"),
]


def test_study_day_has_no_day_zero_and_needs_complete_dates() -> None:
    found = study_day(pd.Series([d[0] for d in DAYS]), pd.Series([d[1] for d in DAYS]))
    for row, value in zip(DAYS, found, strict=True):
        assert value == row[2] or (np.isnan(value) and np.isnan(row[2])), row


EPOCHS = [
    # day, consent, start, first dose, last dose, epoch
    ("2024-01-05", "2024-01-05", "2024-01-10", "2024-01-10", "2024-02-10", "SCREENING"),
    ("2024-01-04", "2024-01-05", "2024-01-10", "2024-01-10", "2024-02-10", ""),
    ("2024-01-09", "", "2024-01-10", "2024-01-10", "2024-02-10", ""),
    ("2024-01-10", "2024-01-05", "2024-01-10", "2024-01-10", "2024-02-10", "TREATMENT"),
    ("2024-02-10", "2024-01-05", "2024-01-10", "2024-01-10", "2024-02-10", "TREATMENT"),
    ("2024-02-11", "2024-01-05", "2024-01-10", "2024-01-10", "2024-02-10", "FOLLOW-UP"),
    ("2024-01-10", "", "2024-01-10", "", "", "OBSERVATION"),
    ("2024-01", "2024-01-05", "2024-01-10", "2024-01-10", "2024-02-10", ""),
    ("2024-01-10", "2024-01-05", "", "", "", ""),
]


def test_epoch_at_its_boundaries() -> None:
    columns = ["RFICDTC", "RFSTDTC", "RFXSTDTC", "RFXENDTC"]
    subject = pd.DataFrame([e[1:5] for e in EPOCHS], columns=columns)
    assert epoch(pd.Series([e[0] for e in EPOCHS]), subject).tolist() == [e[5] for e in EPOCHS]


BASELINES = [
    # record dates with results, reference, which record is flagged, why
    (["2024-01-01", "2024-01-10"], "2024-01-10", 1, "the day of the reference counts"),
    (["2024-01-01", "2024-01-11"], "2024-01-10", 0, "the day after does not"),
    (["2024-01-10T09:00", "2024-01-10T11:00"], "2024-01-10T10:00", 0, "nor what was made later that day"),
    (["2024-01-10T09:00", "2024-01-10T10:00"], "2024-01-10T10:00", 0, "the very time is not before"),
    (["2024-01-10T10:00:00"], "2024-01-10T10:00", None, "10:00:00 is not before 10:00"),
    (["2024-01-10T10:00:30"], "2024-01-10T10:00:00", None, "seconds count where both have them"),
    (["2024-01-10T11:00"], "2024-01-10", 0, "a reference without a time is the whole day"),
    (["2024-01-01", "2024-01-01"], "2024-01-10", 1, "of a tie the last in the fixed order"),
    (["2024-01"], "2024-01-10", None, "a partial date is not compared"),
    (["2024-01-01"], "", None, "without a reference there is no baseline"),
]


@pytest.mark.parametrize(("dates", "until", "flagged", "why"), BASELINES)
def test_the_baseline_is_the_last_result_before_the_reference(
    dates: list[str], until: str, flagged: int | None, why: str
) -> None:
    frame = pd.DataFrame({"USUBJID": "1", "T": "GLUC", "D": dates, "R": "5", "_ORDER": range(len(dates))})
    made = baseline_flag(frame, ["USUBJID", "T"], "D", "R", pd.Series([until] * len(dates)))
    assert made.tolist() == ["Y" if i == flagged else "" for i in range(len(dates))], why


def test_a_record_without_result_is_no_baseline_and_every_test_has_its_own() -> None:
    frame = pd.DataFrame(
        {"USUBJID": "1", "T": ["A", "A", "B"], "D": "2024-01-01", "R": ["1", "", "2"], "_ORDER": range(3)}
    )
    made = baseline_flag(frame, ["USUBJID", "T"], "D", "R", pd.Series(["2024-01-10"] * 3))
    assert made.tolist() == ["Y", "", "Y"]
