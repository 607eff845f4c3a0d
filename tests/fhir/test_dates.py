"""FHIR dates to --DTC: SDTMIG 3.4 sections 4.4.1 and 4.4.2; the calendar of ISO 8601."""

from __future__ import annotations

import datetime

import pytest
from fhir2cdisc.fhir.dates import DateError, to_dtc
from hypothesis import given, settings
from hypothesis import strategies as st

KEPT = [
    # source, --DTC, why
    ("2024", "2024", "a year stays a year"),
    ("2024-03", "2024-03", "a month stays a month"),
    ("2024-03-01", "2024-03-01", "a day stays a day"),
    ("2024-03-01T10:15:00+08:00", "2024-03-01T10:15:00", "the local clock is kept, the zone dropped"),
    ("2024-03-01T23:30:00-05:00", "2024-03-01T23:30:00", "the day does not move with the zone"),
    ("2024-03-01T10:15:00Z", "2024-03-01T10:15:00", "UTC too"),
    ("2024-03-01T10:15:00.123456Z", "2024-03-01T10:15:00", "SDTM holds whole seconds"),
    ("2024-03-01T10:15", "2024-03-01T10:15", "minutes without seconds"),
    ("2024-03-01T00:00:00", "2024-03-01T00:00:00", "midnight is a time that the source wrote"),
    (" 2024-03-01 ", "2024-03-01", "blanks around it"),
    ("2024-02-29", "2024-02-29", "leap year"),
    ("2000-02-29", "2000-02-29", "a century that 400 divides is a leap year"),
    ("1999-12-31T23:59:59", "1999-12-31T23:59:59", "last second"),
]
REFUSED = [
    ("2020-13-45", "month 13"),
    ("2020-00-10", "month 00"),
    ("2020-02-30", "day 30"),
    ("2023-02-29", "day 29"),
    ("1900-02-29", "day 29"),
    ("2024-04-31", "day 31"),
    ("2024-01-00", "day 00"),
    ("2024-03-01T24:00:00", "time of day"),
    ("2024-03-01T10:60:00", "time of day"),
    ("2024-03-01T10:15:61", "time of day"),
    ("0000-01-01", "year 0000"),
    ("2024-3-1", "is not a FHIR date"),
    ("20240301", "is not a FHIR date"),
    ("01/03/2024", "is not a FHIR date"),
    ("2024-03-01T", "is not a FHIR date"),
    ("2024-", "is not a FHIR date"),
    ("", "is not a FHIR date"),
    ("spring 2024", "is not a FHIR date"),
    ("２０２４-03-01", "is not a FHIR date"),
]


@pytest.mark.parametrize(("text", "dtc", "why"), KEPT)
def test_a_date_keeps_its_precision_and_its_clock(text: str, dtc: str, why: str) -> None:
    assert to_dtc(text) == dtc, why


@pytest.mark.parametrize(("text", "words"), REFUSED)
def test_a_date_that_does_not_exist_is_refused_with_a_sentence(text: str, words: str) -> None:
    with pytest.raises(DateError, match=words):
        to_dtc(text)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.integers(1, 2999), st.integers(0, 13), st.integers(0, 32))
def test_the_calendar_agrees_with_the_standard_library(year: int, month: int, day: int) -> None:
    text = f"{year:04d}-{month:02d}-{day:02d}"
    try:
        datetime.date(year, month, day)
    except ValueError:
        with pytest.raises(DateError):
            to_dtc(text)
    else:
        assert to_dtc(text) == text
