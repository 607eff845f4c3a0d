"""Dates as people type them, by the formats of an extract."""

from __future__ import annotations

from datetime import date

import pytest
from fhir2cdisc.sdtm.cells.dates import CellDateError, RawDates, with_time
from hypothesis import given
from hypothesis import strategies as st

EDC = ("DD-MMM-YYYY", "DD MMM YYYY", "MMM-YYYY", "YYYY")
CN = ("YYYY年M月D日", "YYYY.M.D", "YYYY/M/D", "YYYYMMDD", "YYYY年M月")


@pytest.mark.parametrize(
    ("formats", "text", "dtc"),
    [
        ((), "2024-03-05", "2024-03-05"),  # ISO 8601 needs no format
        ((), "2024-03", "2024-03"),
        ((), "2024", "2024"),
        ((), "2024-03-05T07:25", "2024-03-05T07:25"),
        ((), "2019---20", "2019---20"),  # as SDTM writes an unknown month
        ((), "--12-15", "--12-15"),
        ((), "2009-04-19T-:-:-+00:00", "2009-04-19"),  # InForm
        ((), "2009-04--T-:-:-", "2009-04"),
        (EDC, "05-MAR-2024", "2024-03-05"),
        (EDC, "05-mar-2024", "2024-03-05"),
        (EDC, "MAR-2024", "2024-03"),
        (EDC, "UN-MAR-2024", "2024-03"),
        (EDC, "UN UNK 2019", "2019"),
        (EDC, "20 UNK 2019", "2019---20"),  # SDTMIG 3.4 4.4.2
        (EDC, "15-DEC-UNK", "--12-15"),
        (EDC, "UN-UNK-UNK", ""),  # nothing is known
        (EDC, "05-März-2024", "2024-03-05"),
        (EDC, "05-Sept-2024", "2024-09-05"),
        (("MM/DD/YYYY",), "01/16/2014", "2014-01-16"),
        (("MM/DD/YYYY",), "00/16/2014", "2014---16"),
        (("D/M/YYYY",), "5/3/2024", "2024-03-05"),
        (("D/M/YYYY",), "05/03/2024", "2024-03-05"),
        (CN, "2023年1月4日", "2023-01-04"),
        (CN, "2023 年 1 月 4 日", "2023-01-04"),
        (CN, "２０２３／０１／０４", "2023-01-04"),  # full-width
        (CN, "二〇二三年十月二十一日", "2023-10-21"),
        (CN, "2023年十月十日", "2023-10-10"),
        (CN, "2023.1.4", "2023-01-04"),
        (CN, "20230104", "2023-01-04"),
        (CN, "2019年5月", "2019-05"),
        (CN, "2019年5月不详日", "2019-05"),
        (CN, "2019年不详月不详日", "2019"),
        (("DD.MM.YYYY HH:mm",), "05.03.2024 7:25", "2024-03-05T07:25"),
        (("DD.MM.YYYY HH:mm:ss",), "05.03.2024 07:25:10+02:00", "2024-03-05T07:25:10"),  # the clock as written
        (("MM/DD/YYYY HH:mm AM",), "03/05/2024 12:10 AM", "2024-03-05T00:10"),
        (("MM/DD/YYYY HH:mm AM",), "03/05/2024 1:10 pm", "2024-03-05T13:10"),
        (("EXCEL",), "44927", "2023-01-01"),
        (("EXCEL",), "59", "1900-02-28"),
        (("EXCEL",), "61", "1900-03-01"),
        (("EXCEL",), "44927.5", "2023-01-01T12:00"),
        (("EXCEL1904",), "43465", "2023-01-01"),
        (("DD/MM/YYYY", "MM/DD/YYYY"), "13/04/2020", "2020-04-13"),  # a day by one of them only
        (("DD/MM/YYYY", "MM/DD/YYYY"), "04/04/2020", "2020-04-04"),  # the same by both
    ],
)
def test_a_cell_is_read_by_the_formats_of_its_extract(formats: tuple[str, ...], text: str, dtc: str) -> None:
    assert RawDates.of(formats).read(text) == dtc


@pytest.mark.parametrize(
    ("formats", "text", "rule"),
    [
        (("DD/MM/YYYY", "MM/DD/YYYY"), "03/04/2020", "date.ambiguous"),
        (("DD-MMM-YY",), "05-MAR-24", "date.ambiguous"),  # which century?
        (("DD/MM/YYYY",), "31/02/2024", "date.impossible"),
        (("DD/MM/YYYY",), "29/02/2023", "date.impossible"),
        (("DD/MM/YYYY",), "01/13/2024", "date.impossible"),
        (("DD/MM/YYYY",), "01/01/0024", "date.impossible"),  # no record is of the year 24
        ((), "2024-02-30", "date.impossible"),
        (("EXCEL",), "60", "date.impossible"),  # 29 February 1900
        (("DD/MM/YYYY",), "5/3/2024", "date.unreadable"),  # DD is two digits
        (("DD/MM/YYYY",), "05/03/2024 or so", "date.unreadable"),  # a cell fits whole or not
        (("DD-MMM-YYYY",), "05-XYZ-2024", "date.unreadable"),
        (("YYYY-MM-DD",), "44927", "date.unreadable"),  # a number is a date only where EXCEL says so
        (("DD.MM.YYYY HH:mm",), "UN.03.2024 07:25", "date.time-of-partial"),
        (("DD.MM.YYYY HH:mm",), "05.03.2024 25:00", "date.impossible"),
        ((), "soon", "date.unreadable"),
    ],
)
def test_what_is_no_date_is_said_and_never_guessed(formats: tuple[str, ...], text: str, rule: str) -> None:
    with pytest.raises(CellDateError) as error:
        RawDates.of(formats).read(text)
    assert error.value.rule == rule


@pytest.mark.parametrize(
    ("text", "dtc"), [("05-MAR-24", "2024-03-05"), ("05-MAR-30", "2030-03-05"), ("05-MAR-31", "1931-03-05")]
)
def test_two_digits_of_a_year_are_of_the_century_that_is_said(text: str, dtc: str) -> None:
    assert RawDates.of(("DD-MMM-YY",), century=30).read(text) == dtc


def test_a_text_of_the_extract_may_stand_for_an_unknown_part() -> None:
    assert RawDates.of(("DD/MM/YYYY",), unknown=("dk",)).read("dk/03/2024") == "2024-03"


@pytest.mark.parametrize(
    ("format_", "said"),
    [
        ("DD/MM", "has no year"),
        ("YYYY YYYY", "has one part twice"),
        ("YYYY MM M", "has one part twice"),
        ("DD YYYY", "has a day and no month"),
        ("YYYY-MM-DDx", "'x' is no part of a date"),
        ("", "has no year"),
    ],
)
def test_a_format_that_cannot_be_read_is_refused(format_: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        RawDates.of((format_,))


@pytest.mark.parametrize(
    ("dtc", "time", "both"),
    [
        ("2024-03-05", "7:25", "2024-03-05T07:25"),
        ("2024-03-05", "07:25:10", "2024-03-05T07:25:10"),
        ("2024-03-05", "8:00 AM", "2024-03-05T08:00"),
        ("2024-03-05", "12:00 a.m.", "2024-03-05T00:00"),
        ("2024-03-05", "14h30", "2024-03-05T14:30"),
        ("2024-03-05", "0725", "2024-03-05T07:25"),
        ("2024-03-05", "7时25分", "2024-03-05T07:25"),
        ("2024-03-05", "UNK", "2024-03-05"),
        ("2024-03", "UNK", "2024-03"),
    ],
)
def test_a_time_in_a_cell_of_its_own(dtc: str, time: str, both: str) -> None:
    assert with_time(dtc, time) == both


@pytest.mark.parametrize(
    ("dtc", "time", "rule"),
    [
        ("2024-03", "7:25", "date.time-of-partial"),
        ("2019---20", "10:00", "date.time-of-partial"),
        ("2024-03-05", "25:00", "date.impossible"),
        ("2024-03-05", "13:00 PM", "date.impossible"),
        ("2024-03-05", "early", "date.unreadable"),
    ],
)
def test_a_time_that_cannot_stand_is_said(dtc: str, time: str, rule: str) -> None:
    with pytest.raises(CellDateError) as error:
        with_time(dtc, time)
    assert error.value.rule == rule


@given(st.dates(date(1850, 1, 1), date(2150, 12, 31)), st.sampled_from(["%d/%m/%Y", "%Y.%m.%d", "%Y%m%d", "%d-%b-%Y"]))
def test_every_day_reads_back(day: date, shape: str) -> None:
    formats = {"%d/%m/%Y": "DD/MM/YYYY", "%Y.%m.%d": "YYYY.MM.DD", "%Y%m%d": "YYYYMMDD", "%d-%b-%Y": "DD-MMM-YYYY"}
    names = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
    text = day.strftime(shape.replace("%b", names[day.month - 1]))
    assert RawDates.of((formats[shape],)).read(text) == day.isoformat()


@given(st.text(max_size=30))
def test_any_text_is_a_date_or_an_error_of_dates(text: str) -> None:
    try:
        RawDates.of((*EDC, *CN, "EXCEL", "DD/MM/YYYY HH:mm AM"), century=30).read(text)
    except CellDateError as error:
        assert error.rule.startswith("date.")
