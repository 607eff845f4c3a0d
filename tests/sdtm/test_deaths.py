"""Who has died and when, from every record that says so: reproductions 4 and 25 of the field report.

SDTMIG 3.4, DM: DTHFL is Y for who died, DTHDTC may be partial. LOINC 69453-9 cause of death, 81956-5 date of death.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from fhir2cdisc.converters.run.pipeline import SdtmRun
from fhir2cdisc.sdtm.columns import DEATHS, SUBJECT
from fhir2cdisc.sdtm.rows.death_records import Death
from fhir2cdisc.sdtm.subject.deaths import date_deaths

Make = Callable[..., dict[str, Any]]


def loinc(code: str) -> dict[str, Any]:
    return {"coding": [{"system": "http://loinc.org", "code": code}]}


def cause(fhir: Make, when: str = "") -> dict[str, Any]:
    dated = {"effectiveDateTime": when} if when else {}
    return fhir("Observation", "d", code=loinc("69453-9"), valueCodeableConcept={"text": "Colon cancer"}, **dated)


def stay(fhir: Make, end: str) -> dict[str, Any]:
    disposition = {"dischargeDisposition": {"coding": [{"code": "exp"}]}}
    period = {"start": "2022-02-01", "end": end}
    return fhir("Encounter", "e", **{"class": {"code": "IMP"}}, period=period, hospitalization=disposition)


def fatal(fhir: Make, end: str = "") -> dict[str, Any]:
    url = "http://hl7.org/fhir/us/ctcae/StructureDefinition/adverse-event-resolved-date"
    more = {"extension": [{"url": url, "valueDateTime": end}]} if end else {}
    said = {"actuality": "actual", "event": {"text": "Sepsis"}, "outcome": {"coding": [{"code": "fatal"}]}}
    return fhir("AdverseEvent", "a", date="2022-02-20", **said, **more)


def found(made: SdtmRun) -> tuple[str, str, list[str]]:
    dm = made.sdtm.frames["DM"].iloc[0]
    rules = [f.rule for f in made.sdtm.findings if f.rule.startswith("death.")]
    named = {f.usubjid for f in made.sdtm.findings if f.rule.startswith("death.")}
    assert named <= {dm["USUBJID"]}
    return dm.get("DTHFL", ""), dm.get("DTHDTC", ""), sorted(rules)


FLAG, NOT = {"deceasedBoolean": True}, {"deceasedBoolean": False}
DAY = {"deceasedDateTime": "2022-03-01"}
OTHER = ["death.other-source"]
KNOWN: list[tuple[dict[str, Any], Callable[[Make], list[Any]], str, str, list[str], str]] = [
    ({}, lambda f: [], "", "", [], "nobody says so"),
    (NOT, lambda f: [], "", "", [], "the Patient is alive: DTHFL is Y or nothing"),
    (DAY, lambda f: [], "Y", "2022-03-01", [], "the Patient's own date"),
    ({"deceasedDateTime": "2022-03"}, lambda f: [], "Y", "2022-03", [], "a partial date stays partial"),
    (FLAG, lambda f: [], "Y", "", ["death.no-date"], "known without a date"),
    ({}, lambda f: [cause(f, "2022-03-01")], "Y", "2022-03-01", OTHER, "a cause of death with a date"),
    (FLAG, lambda f: [cause(f, "2022-03-01")], "Y", "2022-03-01", OTHER, "beside the flag"),
    (FLAG, lambda f: [cause(f)], "Y", "", ["death.no-date"], "a cause without a date"),
    ({}, lambda f: [stay(f, "2022-03-01")], "Y", "2022-03-01", OTHER, "discharged dead"),
    ({}, lambda f: [fatal(f, "2022-03-01")], "Y", "2022-03-01", OTHER, "a fatal adverse event with its end"),
    ({}, lambda f: [fatal(f)], "Y", "", ["death.no-date"], "its start is no date of death"),
    (
        {},
        lambda f: [f("Observation", "t", code=loinc("81956-5"), valueDateTime="2022-03-01"), cause(f, "2022-03-09")],
        "Y",
        "2022-03-01",
        ["death.conflict", "death.other-source"],
        "the observed date of death comes before others",
    ),
    (DAY, lambda f: [cause(f, "2022-03-01"), stay(f, "2022-03-01")], "Y", "2022-03-01", [], "all agree"),
    (DAY, lambda f: [cause(f, "2022-03-04")], "Y", "2022-03-01", ["death.conflict"], "the Patient counts"),
    (
        {"deceasedDateTime": "2022-03"},
        lambda f: [cause(f, "2022-03-01")],
        "Y",
        "2022-03-01",
        OTHER,
        "more of the same date is taken",
    ),
    (NOT, lambda f: [cause(f, "2022-03-01")], "Y", "2022-03-01", ["death.conflict", *OTHER], "against the Patient"),
]


@pytest.mark.parametrize(("patient", "others", "flag", "date", "rules", "why"), KNOWN)
def test_a_death_is_known_from_whatever_says_so(
    convert: Any, fhir: Make, patient: Any, others: Any, flag: str, date: str, rules: list[str], why: str
) -> None:
    assert found(convert([fhir("Patient", "p", **patient), *others(fhir)])) == (flag, date, rules), why


def test_the_record_that_dates_a_death_is_in_the_lineage_of_dm(convert: Any, fhir: Make) -> None:
    lineage = convert([fhir("Patient", "p"), cause(fhir, "2022-03-01")]).sdtm.lineage
    dm = lineage[lineage["DATASET"] == "DM"]
    assert sorted(zip(dm["ROLE"], dm["ID"], strict=True)) == [("source", "p"), ("support", "d")]


def test_a_stay_that_ended_otherwise_is_no_death(convert: Any, fhir: Make) -> None:
    home = stay(fhir, "2022-03-01")
    home["hospitalization"]["dischargeDisposition"]["coding"][0]["code"] = "home"
    assert found(convert([fhir("Patient", "p"), home])) == ("", "", [])


def test_a_death_after_the_last_update_of_the_data_is_said(convert: Any, fhir: Make) -> None:
    updated = {"meta": {"lastUpdated": "2022-03-01T10:00:00Z"}}
    assert found(convert([fhir("Patient", "p", deceasedDateTime="2022-06-01", **updated)]))[2] == ["death.after-data"]
    # In the east it may be the next day already.
    assert found(convert([fhir("Patient", "p", deceasedDateTime="2022-03-02", **updated)]))[2] == []


def test_a_death_in_the_future_is_an_error() -> None:
    dm = pd.DataFrame({SUBJECT: ["Patient/p"], "DTHDTC": ["2031-01-01"], "DTHFL": [""], DEATHS: [()]})
    for today, rules in (("2026-01-01", ["death.future"]), ("2031-01-01", [])):
        _, said = date_deaths(dm, None, "", today)
        assert [f.rule for f in said] == rules and all(f.severity == "error" for f in said)


def test_a_disposition_dates_a_death_that_nothing_else_dates() -> None:
    dm = pd.DataFrame({SUBJECT: ["a", "b"], "DTHDTC": ["", ""], "DTHFL": ["", ""], DEATHS: [(), ()]})
    dm.at[1, DEATHS] = (Death(1, "cause of death", "Observation/d", "2022-03-02"),)
    ds = pd.DataFrame({SUBJECT: ["a", "b"], "DSDECOD": ["DEATH"] * 2, "DSSTDTC": ["2022-03-01", "2022-03-03"]})
    made, said = date_deaths(dm, ds, "", "2026-01-01")
    assert made["DTHDTC"].tolist() == ["2022-03-01", "2022-03-02"]
    assert [f.rule for f in said] == ["death.other-source", "death.other-source", "death.conflict"]
