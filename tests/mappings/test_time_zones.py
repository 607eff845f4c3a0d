"""Time zones by name, the day of an instant, and the last day that the data of a study can know."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from fhir2cdisc.mappings import time_zones
from fhir2cdisc.mappings.last_day import cut_day, last_day
from fhir2cdisc.mappings.study import Study, load_study
from fhir2cdisc.mappings.study_base import StudyError
from fhir2cdisc.mappings.time_zones import EpochError, day_of, now, zone_of

SUMMER = datetime(2024, 7, 1)


@pytest.mark.parametrize(
    ("name", "hours"),
    [
        ("Asia/Shanghai", 8),
        ("America/New_York", -4),
        ("UTC", 0),
        ("+08:00", 8),
        ("-03:30", -3.5),
        ("+14:00", 14),
        ("-00:00", 0),
    ],
)
def test_a_zone_is_a_name_or_an_offset(name: str, hours: float) -> None:
    assert zone_of(name).utcoffset(SUMMER) == timedelta(hours=hours)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "China",
        "Asia",
        "Asia/Shangai",
        "+8",
        "+14:30",
        "+08:60",
        "08:00",
        "../zone",
        "/etc/localtime",
        "right/UTC",
        "localtime",
        "posixrules",
    ],
)
def test_what_is_no_zone_is_refused_with_a_sentence(name: str) -> None:
    with pytest.raises(ValueError, match="is no zone of the IANA database"):
        zone_of(name)


def test_a_machine_without_a_database_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> Any:
        raise LookupError(name)

    monkeypatch.setattr(time_zones, "ZoneInfo", nothing)
    monkeypatch.setattr(time_zones, "available_timezones", lambda: set())
    with pytest.raises(ValueError, match="tzdata"):
        zone_of.__wrapped__("Asia/Shanghai")
    assert zone_of.__wrapped__("+08:00").utcoffset(SUMMER) == timedelta(hours=8)


# Instant | zones | its day
@pytest.mark.parametrize(
    ("instant", "zones", "day"),
    [
        ("2024-06-30T20:00:00+00:00", ("Asia/Shanghai",), "2024-07-01"),
        ("2024-06-30T20:00:00+00:00", ("America/New_York",), "2024-06-30"),
        ("2024-06-30T20:00:00+00:00", ("America/New_York", "Asia/Shanghai"), "2024-07-01"),
        ("2024-06-30T09:59:59+00:00", (), "2024-06-30"),  # 23:59:59 at UTC+14, the latest on earth
        ("2024-06-30T10:00:00+00:00", (), "2024-07-01"),
        ("9999-12-31T20:00:00+00:00", ("Asia/Shanghai",), "9999-12-31"),
    ],
)
def test_the_day_of_an_instant(instant: str, zones: tuple[str, ...], day: str) -> None:
    assert day_of(instant, [zone_of(one) for one in zones]) == day


def study(cutoff: str = "", **clock: Any) -> Study:
    return Study.model_validate({"id": "s", "studyid": "S", "title": "S", "cutoff": cutoff, "clock": clock})


MAY, FUTURE, EPOCH = "2024-05-01T00:00:00+00:00", "2031-01-01T00:00:00+00:00", "1970-01-01T00:00:00+00:00"
RUN, STATED, NAMED = "the day of the run", "the newest update that the data state", "[clock] latest"


# Study | what the data state | the last day that they can know; the run is on 2024-07-01 (1719792000 is 00:00 UTC)
@pytest.mark.parametrize(
    ("one", "stated", "day", "why"),
    [
        (study(), "", "2024-07-01", RUN),
        (study(), MAY, "2024-05-01", STATED),
        (study(), FUTURE, "2024-07-01", RUN),
        (study(), EPOCH, "2024-07-01", RUN),
        (study(latest="today"), MAY, "2024-07-01", RUN),
        (study(latest="2024-06-01"), MAY, "2024-06-01", NAMED),
        (study(latest="2025-06-01"), "", "2025-06-01", NAMED),
        (study(zone="America/New_York"), MAY, "2024-04-30", STATED),
        (study(zone="America/New_York"), "", "2024-06-30", RUN),
        (study(zone="America/New_York", sites=[{"site": "A", "zone": "+08:00"}]), "", "2024-07-01", RUN),
        (study(sites=[{"site": "A", "zone": "-08:00"}]), "", "2024-07-01", RUN),
        (study("2024-03-01"), "", "2024-07-01", RUN),
    ],
)
def test_the_last_day_that_data_can_know(
    monkeypatch: pytest.MonkeyPatch, one: Study, stated: str, day: str, why: str
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1719792000")
    assert tuple(last_day(one, stated)) == (day, why)


def test_the_cut_off_is_the_last_day_where_it_is_earlier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1719792000")
    for cutoff, day, why in (("2024-03-01", "2024-03-01", "the data cut-off"), ("2030-01-01", "2024-07-01", RUN)):
        one = study(cutoff)
        assert tuple(cut_day(one, last_day(one))) == (day, why)


@pytest.mark.parametrize("said", ["yesterday", "-1", "1e9", "99999999999999", "9214646400"])
def test_an_epoch_that_is_no_time_is_refused(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", said)
    with pytest.raises(EpochError, match="SOURCE_DATE_EPOCH"):
        now()


# Section of the study file | what is wrong
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[clock]\nzone = "Asia/Shangai"', "'Asia/Shangai' is no zone"),
        ('[clock]\nsites = [{ site = "A", zone = "+25:00" }]', "'\\+25:00' is no zone"),
        ('[clock]\nsites = [{ site = "A", zone = "+01:00" }, { site = "A", zone = "+02:00" }]', "two time zones"),
        ('[clock]\nlatest = "2024-02-30"', "no day of the calendar"),
        ('[clock]\nlatest = "9999-12-31"', "not a day from 1678-01-01 to 2261-12-31"),
        ('cutoff = "9999-12-31"', "not a day from 1678-01-01 to 2261-12-31"),
        ('cutoff = "2024-13-01"', "no day of the calendar"),
    ],
)
def test_a_clock_that_does_not_exist_is_a_study_error(tmp_path: Any, text: str, words: str) -> None:
    path = tmp_path / "s.toml"
    path.write_text(f'id = "s"\nstudyid = "S"\ntitle = "S"\n{text}\n')
    with pytest.raises(StudyError, match=words):
        load_study(str(path))
