"""Who has died and when, from every record that says so: reproductions 4 and 25 of the field report.

SDTMIG 3.4, DM: DTHFL is Y for who died, DTHDTC may be partial. LOINC 69453-9 cause of death, 81956-5 date of death.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fhir2cdisc.adam.build import build_adam
from fhir2cdisc.converters.run.evidence import write_findings
from fhir2cdisc.converters.run.pipeline import SdtmRun
from fhir2cdisc.mappings.study import Study
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


# DSSCAT | DTHFL, DTHDTC, rules: treatment ends with the last dose, which is not the day of the death that ended it.
SCOPES = [
    ("STUDY PARTICIPATION", ("Y", "2022-03-01", ["death.other-source"])),
    ("", ("Y", "2022-03-01", ["death.other-source"])),
    ("STUDY TREATMENT", ("Y", "", ["death.no-date"])),
    ("TREATMENT", ("Y", "", ["death.no-date"])),
]


@pytest.mark.parametrize(("scope", "expected"), SCOPES)
def test_the_end_of_treatment_dates_no_death(scope: str, expected: tuple[str, str, list[str]]) -> None:
    dm = pd.DataFrame({SUBJECT: ["a"], "DTHDTC": [""], "DTHFL": [""], DEATHS: [()]})
    ds = pd.DataFrame({SUBJECT: ["a"], "DSDECOD": ["DEATH"], "DSSTDTC": ["2022-03-01"], "DSSCAT": [scope]})
    made, said = date_deaths(dm, ds, "", "2026-01-01")
    assert (made["DTHFL"][0], made["DTHDTC"][0], [f.rule for f in said]) == expected
    known, said = date_deaths(dm.assign(DTHDTC="2022-03-09"), ds, "", "2026-01-01")
    assert known["DTHDTC"].tolist() == ["2022-03-09"]
    assert [f.rule for f in said] == ([] if "TREATMENT" in scope else ["death.conflict"])
    assert [f.value for f in said] == ([] if "TREATMENT" in scope else ["2022-03-01, 2022-03-09"])


def test_one_conflict_of_dates_is_one_finding(convert: Any, fhir: Make, tmp_path: Path) -> None:
    """The Patient died on 1 March, the cause of death (DD) is of 4 March; ADaM alone must say so, too."""
    made = convert([fhir("Patient", "p", **DAY), cause(fhir, "2022-03-04")])
    adam = build_adam(made.sdtm.frames, Study(id="s", studyid="S", title="S"))
    both, alone = ("death.conflict", "adam.death dates differ")

    def said(run: SdtmRun | None) -> list[str]:
        return [f.rule for f in write_findings(tmp_path, run, adam) if f.rule in (both, alone)]

    assert (said(made), said(None)) == ([both], [alone])
    # A date that SDTM had not seen is another conflict.
    frames = {**made.sdtm.frames, "DD": made.sdtm.frames["DD"].assign(DDDTC="2022-03-05")}
    adam = build_adam(frames, Study(id="s", studyid="S", title="S"))
    assert said(made) == [both, alone]


SNOMED, GERMAN = "http://snomed.info/sct", "http://fhir.de/CodeSystem/dkgev/EntlassungsgrundErsteUndZweiteStelle"
VITAL = "https://www.medizininformatik-initiative.de/fhir/core/modul-person/CodeSystem/Vitalstatus"


def coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def left(fhir: Make, disposition: dict[str, Any]) -> dict[str, Any]:
    return {**stay(fhir, "2022-03-01"), "hospitalization": {"dischargeDisposition": disposition}}


def status(fhir: Make, value: dict[str, Any], code: dict[str, Any] | None = None) -> dict[str, Any]:
    return fhir("Observation", "v", code=code or loinc("67162-8"), effectiveDateTime="2022-04-01", **value)


def ended(fhir: Make, reason: str) -> dict[str, Any]:
    period = {"start": "2021-01-01", "end": "2022-03-01"}
    extension = [{"url": "http://example.org/reason", "valueCodeableConcept": {"text": reason}}]
    more = {"status": "off-study", "individual": {"reference": "Patient/p"}, "period": period, "extension": extension}
    # R4 calls the patient of an enrolment `individual`.
    return {key: value for key, value in fhir("ResearchSubject", "r", **more).items() if key != "subject"}


# However a hospital writes it: code systems of the guides of Germany (MII, DKG), of the United States (NUBC UB-04) and
# of HL7 version 2 (table 0112), SNOMED CT, or a text of one word.
CODINGS: list[tuple[Callable[[Make], dict[str, Any]], str, str]] = [
    (lambda f: left(f, coded(GERMAN, "07")), "2022-03-01", "DKG: 07"),
    (
        lambda f: left(
            f,
            {"extension": [{"url": "u", "extension": [{"url": "v", "valueCoding": {"system": GERMAN, "code": "07"}}]}]},
        ),
        "2022-03-01",
        "DKG: 07 in the extension of MII",
    ),
    (lambda f: left(f, coded("https://www.nubc.org/CodeSystem/PatDischargeStatus", "20")), "2022-03-01", "UB-04: 20"),
    (lambda f: left(f, coded("http://terminology.hl7.org/CodeSystem/v2-0112", "41")), "2022-03-01", "v2: 41"),
    (lambda f: left(f, {"text": "死亡"}), "2022-03-01", "a Chinese text"),
    (lambda f: left(f, {"text": "Verstorben"}), "2022-03-01", "a German text"),
    (lambda f: left(f, {"text": "Deceased"}), "2022-03-01", "an English text"),
    (
        lambda f: status(f, {"valueCodeableConcept": coded(VITAL, "T")}),
        "",
        "MII vital status: not dated by the day it was asked",
    ),
    (lambda f: status(f, {"valueString": "死亡"}, {"text": "生存状态"}), "", "a status in Chinese"),
    (
        lambda f: f("Condition", "c", code=coded(SNOMED, "419620001"), onsetDateTime="2022-03-01"),
        "2022-03-01",
        "a condition",
    ),
    (
        lambda f: f("Condition", "c", code=coded(SNOMED, "419099009"), recordedDate="2022-03-09"),
        "",
        "recorded, not dated",
    ),
    (lambda f: ended(f, "Death"), "2022-03-01", "the reason of the end of participation"),
    (
        lambda f: f(
            "Observation",
            "d",
            code=coded(SNOMED, "184305005"),
            effectiveDateTime="2022-03-01",
            valueCodeableConcept={"text": "Liver cancer"},
        ),
        "2022-03-01",
        "cause of death of MII",
    ),
    (
        lambda f: f("DocumentReference", "x", status="current", type=loinc("64297-5"), date="2022-03-09T08:00:00Z"),
        "",
        "a death certificate",
    ),
    (lambda f: f("Procedure", "x", code=coded(SNOMED, "29240004"), performedDateTime="2022-03-03"), "", "an autopsy"),
]


@pytest.mark.parametrize(("record", "date", "why"), CODINGS)
def test_a_death_is_known_however_it_is_coded(
    convert: Any, fhir: Make, record: Callable[[Make], dict[str, Any]], date: str, why: str
) -> None:
    rules = ["death.other-source"] if date else ["death.no-date"]
    assert found(convert([fhir("Patient", "p"), record(fhir)])) == ("Y", date, rules), why


NOT_DEAD: list[tuple[Callable[[Make], dict[str, Any]], str]] = [
    (lambda f: left(f, coded("https://www.nubc.org/CodeSystem/PatDischargeStatus", "01")), "sent home"),
    (lambda f: left(f, coded("http://example.org/local", "20")), "a 20 of another system"),
    (lambda f: status(f, {"valueCodeableConcept": coded(VITAL, "L")}), "alive"),
    (lambda f: f("DocumentReference", "x", status="current", type=loinc("11506-3")), "a note"),
]


@pytest.mark.parametrize(("record", "why"), NOT_DEAD)
def test_what_says_nothing_of_death_is_no_death(
    convert: Any, fhir: Make, record: Callable[[Make], dict[str, Any]], why: str
) -> None:
    assert found(convert([fhir("Patient", "p"), record(fhir)])) == ("", "", []), why


def spoken(fhir: Make, text: str, **value: Any) -> dict[str, Any]:
    return fhir("Observation", "h", code={"text": text}, **(value or {"valueDateTime": "2022-03-01"}))


# (record, whether it may say that the subject has died): words of a hospital that no table knows.
SPEAKING: list[tuple[Callable[[Make], dict[str, Any]], bool]] = [
    (lambda f: spoken(f, "Date of death"), True),
    (lambda f: spoken(f, "Patient deceased", valueBoolean=True), True),
    (lambda f: spoken(f, "Patient deceased", valueBoolean=False), False),
    (lambda f: spoken(f, "Patient deceased", valueCodeableConcept={"text": "No"}), False),
    (lambda f: spoken(f, "Follow-up", valueString="Verstarb zu Hause"), True),
    (lambda f: spoken(f, "随访", valueString="患者于家中死亡"), True),
    (lambda f: spoken(f, "Suivi", valueString="DÉCÈS à domicile"), True),
    (lambda f: f("Flag", "h", status="active", code={"text": "Patient has died"}), True),
    (
        lambda f: f(
            "EpisodeOfCare",
            "h",
            status="finished",
            type=[{"text": "Closed: death"}],
            patient={"reference": "Patient/p"},
        ),
        True,
    ),
    (lambda f: f("Condition", "h", code={"text": "Sudden cardiac death"}, onsetDateTime="2022-03-01"), True),
    (
        lambda f: f(
            "QuestionnaireResponse",
            "h",
            status="completed",
            item=[{"linkId": "1", "text": "Date of death", "answer": [{"valueDate": "2022-03-01"}]}],
        ),
        True,
    ),
    (
        lambda f: f(
            "QuestionnaireResponse",
            "h",
            status="completed",
            item=[{"linkId": "1", "text": "Died?", "answer": [{"valueBoolean": False}]}],
        ),
        False,
    ),
    (lambda f: spoken(f, "Programmed death-ligand 1 (PD-L1)", valueString="50%"), False),
    (lambda f: spoken(f, "程序性死亡受体配体1", valueString="50%"), False),
    (lambda f: spoken(f, "Thoughts that you would be better off dead", valueInteger=0), False),
    (
        lambda f: f(
            "FamilyMemberHistory",
            "h",
            status="completed",
            patient={"reference": "Patient/p"},
            deceasedBoolean=True,
            note=[{"text": "died of cancer"}],
        ),
        False,
    ),
    (lambda f: f("Condition", "h", code={"text": "Family history of sudden death"}, onsetDateTime="2022"), False),
    (lambda f: spoken(f, "Bone deadline", valueString="total"), False),
]


@pytest.mark.parametrize(("record", "hint"), SPEAKING)
def test_whoever_counts_as_alive_although_a_text_speaks_of_death_is_named(
    convert: Any, fhir: Make, record: Callable[[Make], dict[str, Any]], hint: bool
) -> None:
    assert found(convert([fhir("Patient", "p"), record(fhir)])) == ("", "", ["death.hint"] if hint else [])


def test_of_the_dead_nothing_is_hinted(convert: Any, fhir: Make) -> None:
    said = spoken(fhir, "Date of death")
    assert found(convert([fhir("Patient", "p", **DAY), said]))[2] == []
    assert found(convert([fhir("Patient", "p", **FLAG), said]))[2] == ["death.no-date"]


def test_a_hint_names_records_and_no_text(convert: Any, fhir: Make) -> None:
    records = [{**spoken(fhir, "Date of death"), "id": f"h{n}"} for n in range(5)]
    said = next(f for f in convert([fhir("Patient", "p"), *records]).sdtm.findings if f.rule == "death.hint")
    assert "Observation/h0, Observation/h1, Observation/h2 and 2 more" in said.message and "Date" not in said.message


# (record, whether it may say how the tumour responded): not read as a response because no table knows its code.
RESPONDING: list[tuple[Callable[[Make], dict[str, Any]], bool]] = [
    (lambda f: spoken(f, "疗效评价", valueCodeableConcept={"text": "部分缓解"}), True),
    (lambda f: spoken(f, "CT", valueString="RECIST: iUPD"), True),
    (lambda f: f("Condition", "h", code={"text": "Disease progression"}, onsetDateTime="2022-03-01"), True),
    (lambda f: f("Condition", "h", code={"text": "Tumorprogress"}, onsetDateTime="2022-03-01"), True),
    (lambda f: f("Observation", "h", code=loinc("21976-6"), valueCodeableConcept={"text": "Partial response"}), False),
    (lambda f: f("Condition", "h", code={"text": "Osteoarthritis, no progression"}, onsetDateTime="2022-03-01"), False),
    (lambda f: f("Procedure", "h", code={"text": "RECIST assessment"}, performedDateTime="2022-03-01"), False),
]


@pytest.mark.parametrize(("record", "hint"), RESPONDING)
def test_a_response_that_is_read_as_none_is_said(
    convert: Any, fhir: Make, record: Callable[[Make], dict[str, Any]], hint: bool
) -> None:
    made = convert([fhir("Patient", "p"), record(fhir)])
    rules = [f.rule for f in made.sdtm.findings if f.rule == "response.hint" and f.usubjid]
    assert rules == ["response.hint"] * hint
