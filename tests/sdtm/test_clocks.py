"""Times on the clock of a named zone, and what is said of offsets where none is named.

Reproduction 14 of the field report on FHIR: one instant, written with two offsets, was two days.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fhir2cdisc.converters.run.pipeline import SdtmRun, build_sdtm
from fhir2cdisc.sdtm.rows.clocks import SubjectClock, Zones, clock_findings

Make = Callable[..., dict[str, Any]]
DRUG = {"text": "Docetaxel"}


def dose(fhir: Make, name: str, when: str, **more: Any) -> dict[str, Any]:
    return fhir("MedicationAdministration", name, effectiveDateTime=when, medicationCodeableConcept=DRUG, **more)


def said(made: SdtmRun) -> dict[str, str]:
    found = [*made.accounts.findings, *made.sdtm.findings]
    return {one.rule: one.message for one in found if one.rule.startswith("clock.")}


def days(made: SdtmRun) -> list[str]:
    return made.sdtm.frames["EX"]["EXSTDTC"].tolist()


def test_one_instant_is_one_day_where_a_zone_is_named(convert: Any, fhir: Make) -> None:
    doses = [dose(fhir, "a", "2021-02-01T16:30:00Z"), dose(fhir, "b", "2021-02-02T00:30:00+08:00")]
    patient = fhir("Patient", "p", deceasedDateTime="2021-03-01T23:00:00Z")
    made = convert([patient, *doses], clock={"zone": "Asia/Shanghai"})
    assert days(made) == ["2021-02-02T00:30:00"] * 2
    assert made.sdtm.frames["DM"]["DTHDTC"].tolist() == ["2021-03-02T07:00:00"]
    assert said(made) == {}
    lineage = made.sdtm.lineage
    assert sorted(lineage.loc[lineage["DATASET"] == "EX", "ID"]) == ["a", "b"]


def test_without_a_zone_mixed_offsets_are_said_of_the_subject(convert: Any, fhir: Make) -> None:
    times = ["2021-02-01T16:30:00Z", "2021-02-02T00:30:00+08:00", "2021-02-03T00:30:00+08:00"]
    made = convert([fhir("Patient", "p"), *(dose(fhir, f"m{n}", when) for n, when in enumerate(times))])
    assert days(made) == [when[:19] for when in times]
    (found,) = [one for one in made.sdtm.findings if one.rule.startswith("clock.")]
    assert (found.rule, found.severity) == ("clock.mixed-offsets", "warning")
    assert found.usubjid == made.sdtm.frames["DM"]["USUBJID"][0]
    assert "+08:00 (2), Z (1)" in found.message and "[clock] zone" in found.message


def test_a_time_of_a_record_counts_once_whatever_is_filled_from_it(convert: Any, fhir: Make) -> None:
    code = {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]}
    pressures = [
        {"code": {"coding": [{"system": "http://loinc.org", "code": one}]}, "valueQuantity": {"value": 90}}
        for one in ("8480-6", "8462-4")
    ]
    vital = fhir("Observation", "o", code=code, component=pressures, effectiveDateTime="2021-02-01T10:00:00Z")
    made = convert([fhir("Patient", "p"), vital, dose(fhir, "a", "2021-02-01T10:00:00+08:00")])
    assert len(made.sdtm.frames["VS"]) == 2
    assert "+08:00 (1), Z (1)" in said(made)["clock.mixed-offsets"]


def test_times_in_utc_only_are_said_of_the_subject_and_of_the_study(convert: Any, fhir: Make) -> None:
    other = {"subject": {"reference": "Patient/q"}}
    read = [fhir("Patient", "p"), fhir("Patient", "q"), fhir("Patient", "r"), dose(fhir, "a", "2021-02-01T16:30:00Z")]
    found = said(convert([*read, dose(fhir, "b", "2021-02-02T10:00:00+08:00", **other)]))
    assert found["clock.no-zone"].startswith("1 of 2 subjects have times in UTC only and no time zone is named")
    assert found["clock.utc-only"].startswith("Patient/p: its 1 times are all in UTC")
    assert set(found) == {"clock.no-zone", "clock.utc-only"}


def test_times_without_an_offset_stay_and_are_said_beside_others(convert: Any, fhir: Make) -> None:
    bare, instant = dose(fhir, "a", "2021-02-01T20:00:00"), dose(fhir, "b", "2021-02-02T16:30:00Z")
    made = convert([fhir("Patient", "p"), bare, instant], clock={"zone": "+08:00"})
    assert days(made) == ["2021-02-01T20:00:00", "2021-02-03T00:30:00"]
    assert said(made) == {
        "clock.no-offset": "Patient/p: 1 times without an offset stay as written, beside 1 that have one"
    }
    assert said(convert([fhir("Patient", "p"), bare], clock={"zone": "+08:00"})) == {}


def test_a_midnight_that_becomes_the_day_before_is_said(convert: Any, fhir: Make) -> None:
    made = convert([fhir("Patient", "p"), dose(fhir, "a", "2021-02-01T00:00:00Z")], clock={"zone": "America/New_York"})
    assert days(made) == ["2021-01-31T19:00:00"]
    assert set(said(made)) == {"clock.midnight"}
    east = convert([fhir("Patient", "p"), dose(fhir, "a", "2021-02-01T00:00:00Z")], clock={"zone": "Asia/Shanghai"})
    assert said(east) == {}


def test_an_instant_outside_of_the_calendar_is_a_finding(convert: Any, fhir: Make) -> None:
    read = [fhir("Patient", "p"), dose(fhir, "a", "9999-12-31T23:00:00Z"), dose(fhir, "b", "2021-02-01T01:00:00Z")]
    made = convert(read, clock={"zone": "+08:00"})
    assert sorted(days(made)) == ["", "2021-02-01T09:00:00"]
    assert [one.resource for one in made.accounts.findings if one.rule == "date.impossible"][:1] == [
        "MedicationAdministration/a"
    ]


def test_a_site_has_its_own_zone(tmp_path: Path, study: Any, fhir: Make) -> None:
    sources = []
    for site in ("WEST", "EAST"):
        path = tmp_path / f"{site}.ndjson"
        read = [fhir("Patient", "p"), dose(fhir, "a", "2021-02-01T20:00:00Z")]
        path.write_text("\n".join(map(json.dumps, read)))
        sources.append(f"{site}={path}")
    clock = {"zone": "Asia/Shanghai", "sites": [{"site": "WEST", "zone": "America/New_York"}]}
    made = build_sdtm(sources, study(clock=clock))
    assert sorted(days(made)) == ["2021-02-01T15:00:00", "2021-02-02T04:00:00"]
    assert said(made) == {}
    clock["sites"] = [{"site": "WETS", "zone": "America/New_York"}]
    made = build_sdtm(sources, study(clock=clock))
    assert list(said(made)) == ["clock.site-unknown"] and "'WETS'" in said(made)["clock.site-unknown"]


# Times of one subject without a named zone | whether they are mixed. One place has two offsets, an hour apart: the
# greater one in summer. Clocks change in March or April and from September to November, once in a month.
WINTER, SUMMER = "2021-01-10T10:00:00", "2021-07-10T10:00:00"
PLACES = [
    ([f"{WINTER}+01:00", f"{SUMMER}+02:00"], False, "Berlin"),
    ([f"{WINTER}-05:00", f"{SUMMER}-04:00"], False, "New York"),
    ([f"{WINTER}+00:00", f"{SUMMER}+01:00"], False, "London, as it writes its local time"),
    ([f"{WINTER}+11:00", f"{SUMMER}+10:00"], False, "Sydney: January is summer"),
    (["2021-03-27T10:00:00+01:00", "2021-03-29T10:00:00+02:00"], False, "the clocks change in March"),
    (["2021-10-30T10:00:00+02:00", "2021-11-02T10:00:00+01:00"], False, "and in October"),
    (["2021-10-01T10:00:00+02:00", "2021-10-05T10:00:00+01:00", "2021-10-09T10:00:00+02:00"], True, "to and fro"),
    ([f"{WINTER}Z", f"{SUMMER}+01:00"], True, "Z is no local time"),
    ([f"{WINTER}+02:00", f"{SUMMER}+01:00", "2021-08-01T10:00:00+02:00"], True, "both in summer"),
    ([f"{WINTER}+01:00", "2021-02-10T10:00:00+02:00"], True, "both in winter"),
    ([f"{WINTER}+01:00", f"{SUMMER}+03:00"], True, "two hours apart"),
    ([f"{WINTER}+01:00", f"{SUMMER}+02:00", "2021-08-01T10:00:00+03:00"], True, "three offsets"),
    ([f"{WINTER}+01:00", SUMMER], True, "one has none"),
    ([WINTER, SUMMER], False, "none has any"),
    ([f"{WINTER}Z", f"{SUMMER}+00:00"], False, "two spellings of UTC"),
]


@pytest.mark.parametrize(("texts", "mixed", "why"), PLACES)
def test_summer_and_winter_of_one_place_are_not_mixed(texts: list[str], mixed: bool, why: str) -> None:
    clock = SubjectClock(Zones())
    for number, text in enumerate(texts):
        clock.read(text, number, "|")
    times = clock.times("Patient/p")
    assert times is not None
    assert ("clock.mixed-offsets" in {one.rule for one in clock_findings([times])}) is mixed, why


def test_versions_compare_instants(convert: Any, fhir: Make) -> None:
    # 23:30 in the west is later than 02:00 of the next day in the east.
    older = dose(fhir, "a", "2021-02-02", meta={"lastUpdated": "2022-01-02T02:00:00+08:00"})
    newer = dose(fhir, "a", "2021-02-03", meta={"lastUpdated": "2022-01-01T23:30:00-05:00"})
    for read in ([older, newer], [newer, older]):
        assert days(convert([fhir("Patient", "p"), *read])) == ["2021-02-03"]


def test_an_impossible_age_is_blank_and_said_without_the_date_of_birth(convert: Any, fhir: Make) -> None:
    for birth, age in (("0001-01-01", None), ("1880-01-01", None), ("2030-01-01", None), ("1950-02-02", 71.0)):
        made = convert([fhir("Patient", "p", birthDate=birth), dose(fhir, "a", "2021-02-02")])
        dm = made.sdtm.frames["DM"]
        found = [one for one in made.sdtm.findings if one.rule == "age.impossible"]
        assert (dm["AGE"].dropna().tolist(), len(found)) == ([age] if age else [], 0 if age else 1)
        assert all(birth not in one.message and one.usubjid == dm["USUBJID"][0] for one in found)
