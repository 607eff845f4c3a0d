"""FHIR dates to --DTC: SDTMIG 3.4 sections 4.4.1 and 4.4.2; the calendar of ISO 8601."""

from __future__ import annotations

import datetime
from datetime import tzinfo

import pytest
from fhir2cdisc.fhir.dates import DateError, offset_of, to_dtc, update_of
from fhir2cdisc.mappings.time_zones import zone_of
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
    ("2024-03-01T10:15:00+14:30", "offset from UTC"),
    ("2024-03-01T10:15:00-08:60", "offset from UTC"),
    ("2024-3-1", "is not a FHIR date"),
    ("20240301", "is not a FHIR date"),
    ("01/03/2024", "is not a FHIR date"),
    ("2024-03-01T", "is not a FHIR date"),
    ("2024-", "is not a FHIR date"),
    ("", "is not a FHIR date"),
    ("spring 2024", "is not a FHIR date"),
    ("２０２４-03-01", "is not a FHIR date"),
]


SHANGHAI, NEW_YORK, HALF = zone_of("Asia/Shanghai"), zone_of("America/New_York"), zone_of("+05:30")
# Shanghai is UTC+8 all the year; New York UTC-5, and UTC-4 from 2024-03-10 to 2024-11-03.
MOVED = [
    # source, zone, --DTC, why
    ("2021-02-01T16:30:00Z", SHANGHAI, "2021-02-02T00:30:00", "the next day in the east"),
    ("2021-02-02T00:30:00+08:00", SHANGHAI, "2021-02-02T00:30:00", "the same instant, written there"),
    ("2024-03-01T02:00:00Z", NEW_YORK, "2024-02-29T21:00:00", "an evening in the west, of a leap year"),
    ("2024-07-01T03:59:59Z", NEW_YORK, "2024-06-30T23:59:59", "in summer four hours"),
    ("2024-07-01T04:00:00Z", NEW_YORK, "2024-07-01T00:00:00", "in summer four hours"),
    ("2024-03-01T23:30:00-05:00", HALF, "2024-03-02T10:00:00", "half hours"),
    ("2024-12-31T20:00:00.999Z", SHANGHAI, "2025-01-01T04:00:00", "SDTM holds whole seconds"),
    ("2024-03-01T16:30Z", SHANGHAI, "2024-03-02T00:30", "minutes stay minutes"),
    ("2024-03-01T10:15:00", SHANGHAI, "2024-03-01T10:15:00", "no offset: as written"),
    ("2024-03-01", SHANGHAI, "2024-03-01", "a day alone: as written"),
    ("2024-03", SHANGHAI, "2024-03", "a month"),
]


@pytest.mark.parametrize(("text", "zone", "dtc", "why"), MOVED)
def test_an_instant_is_a_time_on_the_clock_of_the_zone(text: str, zone: tzinfo, dtc: str, why: str) -> None:
    assert to_dtc(text, zone) == dtc, why


@pytest.mark.parametrize(("text", "zone"), [("9999-12-31T23:00:00Z", SHANGHAI), ("0001-01-01T00:00:00Z", NEW_YORK)])
def test_an_instant_that_leaves_the_calendar_is_refused(text: str, zone: tzinfo) -> None:
    assert to_dtc(text) == text[:19]
    with pytest.raises(DateError, match="no year from 1 to 9999"):
        to_dtc(text, zone)


# text | offset as it is written
@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("2024-03-01T10:15:00+08:00", "+08:00"),
        ("2024-03-01T10:15:00.5Z", "Z"),
        ("2024-03-01T10:15:00", "no offset"),
        ("2024-03-01", ""),
        ("spring", ""),
    ],
)
def test_the_offset_of_a_time(text: str, offset: str) -> None:
    assert offset_of(text) == offset


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2022-03-01T23:00:00-05:00", "2022-03-02T04:00:00.000000+00:00"),
        ("2022-03-01T10:00:00.5Z", "2022-03-01T10:00:00.500000+00:00"),
        ("2022-03-01", "2022-03-01T23:59:59.000000+00:00"),
        ("2022-03", ""),
        ("9999-12-31T23:00:00-08:00", ""),
    ],
)
def test_the_instant_of_an_update(text: str, instant: str) -> None:
    assert update_of(text) == instant


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
