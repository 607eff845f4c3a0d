"""Medication as hospitals write it: names, several drugs in one record, doses, dispenses, and that there is none.

FHIR R4 Medication, MedicationAdministration, MedicationStatement, MedicationRequest, MedicationDispense, Immunization,
Dosage; SDTMIG 3.4 sections 6.1.1 (CM), 6.1.3 (EX, EC), 6.3 (DA). ATC of the WHO; HL7 IPS for what is absent.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from fhir2cdisc.fhir.findings import Finding

Make = Callable[..., dict[str, Any]]
Json = dict[str, Any]
ATC, RXNORM, SNOMED = "http://www.whocc.no/atc", "http://www.nlm.nih.gov/research/umls/rxnorm", "http://snomed.info/sct"
DRUGS = [
    {"name": "DOCETAXEL", "terms": ["Taxotere"], "codes": [{"code": "L01CD02"}]},
    {"name": "CARBOPLATIN"},
    {"name": "LENVATINIB"},
]
DAY = {"effectiveDateTime": "2021-02-01"}


def coding(system: str, code: str, display: str = "") -> Json:
    return {"system": system, "code": code, **({"display": display} if display else {})}


def concept(*codings: Json, text: str = "") -> Json:
    return {"coding": list(codings), **({"text": text} if text else {})}


def ratio(value: float, unit: str, per: float | None = None, per_unit: str = "") -> Json:
    below = {} if per is None else {"denominator": {"value": per, "unit": per_unit}}
    return {"numerator": {"value": value, "unit": unit}, **below}


def medication(key: str = "x", **more: Any) -> Json:
    return {"resourceType": "Medication", "id": key, **more}


def ingredient(text: str, strength: Json | None = None, **more: Any) -> Json:
    return {"itemCodeableConcept": {"text": text}, **({"strength": strength} if strength else {}), **more}


TO_X = {"medicationReference": {"reference": "Medication/x"}}
PACLITAXEL, CARBOPLATIN = coding(ATC, "L01CD01", "Paclitaxel"), coding(ATC, "L01XA02", "Carboplatin")

# What is written, the Medications beside it, and the names that come of it (EX first, then CM).
NAMES: list[tuple[Json, list[Json], list[str], list[str], str]] = [
    ({"medicationCodeableConcept": {"text": "Docetaxel 20 mg/mL"}}, [], ["DOCETAXEL"], [], "the text of the code"),
    (TO_X, [medication(code={"text": "Taxotere"})], ["DOCETAXEL"], [], "the code of the Medication"),
    (TO_X, [medication(ingredient=[ingredient("Docetaxel")])], ["DOCETAXEL"], [], "reproduction 6: an ingredient"),
    (
        {"medicationReference": {"reference": "Medication/gone", "display": "Docetaxel 20 mg/mL"}},
        [],
        ["DOCETAXEL"],
        [],
        "reproduction 6: the display of a Medication that was not read",
    ),
    ({"medicationReference": {"display": "Ondansetron"}}, [], [], ["Ondansetron"], "a display alone"),
    (
        {**TO_X, "medicationReference": {"reference": "Medication/x", "display": "Docetaxel"}},
        [medication(code=concept(coding("http://hospital.example", "4711")))],
        ["DOCETAXEL"],
        [],
        "a display says more than a code of the hospital's own",
    ),
    (TO_X, [medication(code=concept(coding("http://hospital.example", "4711")))], [], ["4711"], "the code is said"),
    (
        TO_X,
        [medication(ingredient=[{"itemReference": {"reference": "Substance/s", "display": "Docetaxel"}}])],
        ["DOCETAXEL"],
        [],
        "an ingredient by the display of its reference",
    ),
    (
        {"medicationReference": {"reference": "#m"}, "contained": [medication("m", code={"text": "Docetaxel"})]},
        [],
        ["DOCETAXEL"],
        [],
        "the contained Medication",
    ),
    (
        {"medicationCodeableConcept": concept(PACLITAXEL, CARBOPLATIN)},
        [],
        ["CARBOPLATIN"],
        ["Paclitaxel"],
        "reproduction 6: two drugs in one concept; one is of the study",
    ),
    (
        {"medicationCodeableConcept": concept(coding(ATC, "L01CD02", "Docetaxel"), CARBOPLATIN)},
        [],
        ["CARBOPLATIN", "DOCETAXEL"],
        [],
        "both are of the study",
    ),
    (
        {
            "medicationCodeableConcept": concept(
                coding(ATC, "L01CD02", "Docetaxel"),
                coding(RXNORM, "72962", "docetaxel"),
                coding(SNOMED, "386918005", "Docetaxel (substance)"),
                coding(ATC, "L01CD", "Taxanes"),
            )
        },
        [],
        ["DOCETAXEL"],
        [],
        "one drug in three systems, and its ATC class",
    ),
    (
        {"medicationCodeableConcept": concept(PACLITAXEL, coding(ATC, "L01CD", "Taxanes"))},
        [],
        [],
        ["Paclitaxel"],
        "level 5 and level 4 of one drug",
    ),
    (
        {
            "medicationCodeableConcept": concept(
                coding(ATC, "N02BE01", "Paracetamol"),
                coding(ATC, "N02BE51", "Paracetamol, combinations excl. psycholeptics"),
            )
        },
        [],
        [],
        ["Paracetamol"],
        "a substance and its combination are one",
    ),
    ({"medicationCodeableConcept": {"text": "Docetaxel + Carboplatin"}}, [], ["CARBOPLATIN", "DOCETAXEL"], [], "words"),
    (
        TO_X,
        [medication(ingredient=[ingredient("Docetaxel"), ingredient("Carboplatin"), ingredient("Sodium chloride")])],
        ["CARBOPLATIN", "DOCETAXEL"],
        [],
        "a bag with two drugs of the study",
    ),
    (
        TO_X,
        [medication(ingredient=[ingredient("Docetaxel"), ingredient("Sodium chloride", isActive=False)])],
        ["DOCETAXEL"],
        [],
        "a bag with one",
    ),
    (
        TO_X,
        [medication(ingredient=[ingredient("Trifluridine"), ingredient("Tipiracil")])],
        [],
        ["Trifluridine + Tipiracil"],
        "a combination product without a name is one record",
    ),
    (
        TO_X,
        [medication(code={"text": "Lonsurf"}, ingredient=[ingredient("Trifluridine"), ingredient("Tipiracil")])],
        [],
        ["Lonsurf"],
        "under its own name where it has one",
    ),
]


@pytest.mark.parametrize(("written", "beside", "ex", "cm", "why"), NAMES)
def test_a_drug_has_its_name(
    convert: Any, fhir: Make, written: Json, beside: list[Json], ex: list[str], cm: list[str], why: str
) -> None:
    record = fhir("MedicationAdministration", "m", **written, **DAY)
    run = convert([fhir("Patient", "p"), *beside, record], drugs=DRUGS)
    assert _column(run, "EX", "EXTRT") == ex, why
    assert _column(run, "CM", "CMTRT") == cm, why
    split = [one for one in run.accounts.findings if one.rule == "medication.split"]
    assert bool(split) is (len(ex) + len(cm) > 1), why
    lineage = run.sdtm.lineage
    assert set(lineage.loc[lineage["DATASET"].isin(["EX", "CM"]), "ID"]) >= {"m"}


def _column(run: Any, domain: str, name: str) -> list[Any]:
    frame = run.sdtm.frames.get(domain)
    return [] if frame is None else frame[name].tolist()


def _said(run: Any, prefix: str) -> list[Finding]:
    return [one for one in run.accounts.findings if one.rule.startswith(prefix) and one.severity != "info"]


MEDICATION_TYPES = {
    "MedicationAdministration": {**DAY},
    "MedicationStatement": {**DAY},
    "MedicationRequest": {"status": "active", "intent": "order", "authoredOn": "2021-02-01"},
    "MedicationDispense": {"status": "completed", "whenHandedOver": "2021-02-01"},
}


@pytest.mark.parametrize("kind", MEDICATION_TYPES)
def test_every_kind_of_record_has_the_name_of_the_display_and_one_without_a_name_is_a_finding(
    convert: Any, fhir: Make, kind: str
) -> None:
    named = {"medicationReference": {"reference": "Medication/gone", "display": "Ondansetron"}}
    nameless = fhir(kind, "n", **MEDICATION_TYPES[kind])
    run = convert([fhir("Patient", "p"), fhir(kind, "m", **MEDICATION_TYPES[kind], **named), nameless], drugs=DRUGS)
    assert sorted(_column(run, "CM", "CMTRT")) == ["", "Ondansetron"]
    assert [one.resource for one in _said(run, "medication.nameless")] == [f"{kind}/n"]


def test_a_vaccine_against_several_diseases_is_one_record(convert: Any, fhir: Make) -> None:
    vaccine = concept(coding(ATC, "J07BD52", "MMR"), coding(ATC, "J07BK01", "Varicella, live"))
    shot = fhir(
        "Immunization", "i", vaccineCode=vaccine, occurrenceDateTime="2021-02-01", patient={"reference": "Patient/p"}
    )
    run = convert([fhir("Patient", "p"), shot], drugs=DRUGS)
    assert _column(run, "CM", "CMTRT") == ["MMR"]


TELLS = [
    (concept(coding(ATC, "L01CD01"), coding(ATC, "L01XA02")), 1, "two substances without names"),
    (concept(coding(RXNORM, "1", "Lipitor 20 MG"), coding(RXNORM, "2", "atorvastatin 20 MG")), 1, "perhaps a brand"),
    (concept(coding(RXNORM, "1", "Lipitor 20 MG [atorvastatin]"), coding(RXNORM, "2", "atorvastatin")), 0, "one word"),
    (concept(coding(ATC, "L01CD01"), coding(RXNORM, "56946")), 0, "two systems without names"),
]


@pytest.mark.parametrize(("written", "said", "why"), TELLS)
def test_what_nothing_tells_apart_is_one_record_and_said(
    convert: Any, fhir: Make, written: Json, said: int, why: str
) -> None:
    record = fhir("MedicationStatement", "m", medicationCodeableConcept=written, **DAY)
    run = convert([fhir("Patient", "p"), record], drugs=DRUGS)
    assert len(run.sdtm.frames["CM"]) == 1
    assert [one.resource for one in _said(run, "medication.several")] == ["MedicationStatement/m"] * said, why


def bag(*ingredients: Json, **more: Any) -> list[Json]:
    return [medication(ingredient=list(ingredients), **more)]


SALINE = ingredient("Sodium chloride 0.9%", ratio(250, "mL", 1, "bag"))
ML250 = {"dose": {"value": 250, "unit": "mL"}}
# A dosage of an administration of the study, its Medication, EXDOSE, EXDOSU, EXDOSTXT, the rule of the finding.
DOSES: list[tuple[Json, list[Json], float | None, str, str, str, str]] = [
    ({"dose": {"value": 135, "unit": "mg"}}, bag(ingredient("Docetaxel"), SALINE), 135, "mg", "", "", "a mass"),
    (ML250, bag(ingredient("Docetaxel"), SALINE), None, "", "", "dose.volume", "reproduction 16: no strength is known"),
    (ML250, bag(ingredient("Docetaxel")), None, "", "", "dose.volume", "nor of a drug alone"),
    (ML250, bag(ingredient("Docetaxel", ratio(0.54, "mg", 1, "mL")), SALINE), 135, "mg", "", "", "250 x 0.54"),
    (ML250, bag(ingredient("Docetaxel", ratio(540, "mg", 1, "L"))), 135, "mg", "", "", "0.25 L x 540 mg/L"),
    (ML250, bag(ingredient("Docetaxel", ratio(135, "mg", 1, "bag")), SALINE), 135, "mg", "", "", "the whole bag"),
    (
        {"dose": {"value": 0.125, "unit": "L"}},
        bag(ingredient("Docetaxel", ratio(135, "mg", 1, "bag")), SALINE),
        67.5,
        "mg",
        "",
        "",
        "half of the bag",
    ),
    (
        ML250,
        bag(ingredient("Docetaxel", ratio(135, "mg", 1, "bag")), amount=ratio(500, "mL", 1, "bag")),
        67.5,
        "mg",
        "",
        "",
        "half of 500 mL, which the Medication says",
    ),
    (ML250, bag(ingredient("Docetaxel", ratio(135, "mg", 1, "vial"))), None, "", "", "dose.volume", "of what volume?"),
    (ML250, bag(ingredient("Docetaxel", ratio(6.75, "mL", 1, "bag")), SALINE), None, "", "", "dose.volume", "6.75 mL"),
    (
        {"rateRatio": ratio(250, "mL", 1, "h")},
        bag(ingredient("Docetaxel")),
        None,
        "",
        "250 mL/h",
        "dose.rate",
        "a rate is no dose",
    ),
    (
        {"rateQuantity": {"value": 100, "unit": "mg/h"}},
        bag(ingredient("Docetaxel")),
        None,
        "",
        "100 mg/h",
        "dose.rate",
        "of mass neither",
    ),
    (
        {"text": "over 60 min", "rateQuantity": {"value": 100, "unit": "mg/h"}},
        bag(ingredient("Docetaxel")),
        None,
        "",
        "over 60 min",
        "dose.rate",
        "the hospital's own words first",
    ),
    ({"text": "75 mg/m2"}, bag(ingredient("Docetaxel")), None, "", "75 mg/m2", "", "words only"),
    ({"dose": {"value": 0, "unit": "mg"}}, bag(ingredient("Docetaxel")), 0, "mg", "", "", "a dose of 0 stands"),
]


@pytest.mark.parametrize(("dosage", "beside", "dose", "unit", "text", "rule", "why"), DOSES)
def test_the_dose_is_that_of_the_drug(
    convert: Any,
    fhir: Make,
    dosage: Json,
    beside: list[Json],
    dose: float | None,
    unit: str,
    text: str,
    rule: str,
    why: str,
) -> None:
    given = fhir("MedicationAdministration", "m", dosage=dosage, **TO_X, **DAY)
    run = convert([fhir("Patient", "p"), *beside, given], drugs=DRUGS)
    row = run.sdtm.frames["EX"].iloc[0]
    assert (None if math.isnan(row["EXDOSE"]) else row["EXDOSE"]) == dose, why
    assert (row["EXDOSU"], row.get("EXDOSTXT", "")) == (unit, text), why
    assert [(one.rule, one.resource) for one in _said(run, "dose.")] == (
        [(rule, "MedicationAdministration/m")] if rule else []
    )


def test_a_converted_volume_is_explained_and_kept(convert: Any, fhir: Make) -> None:
    given = fhir("MedicationAdministration", "m", dosage=ML250, **TO_X, **DAY)
    run = convert([fhir("Patient", "p"), *bag(ingredient("Docetaxel", ratio(0.54, "mg", 1, "mL"))), given], drugs=DRUGS)
    supp = run.sdtm.frames["SUPPEX"].set_index("QNAM")["QVAL"]
    assert supp["EXVOL"] == "250 mL"
    (told,) = (one for one in run.accounts.findings if one.rule == "dose.converted")
    assert "250 mL holds 135 mg of Docetaxel" in told.message and told.severity == "info"


def test_two_drugs_of_one_record_have_no_common_dose(convert: Any, fhir: Make) -> None:
    written = {"medicationCodeableConcept": concept(coding(ATC, "L01CD02", "Docetaxel"), CARBOPLATIN)}
    given = fhir("MedicationAdministration", "m", dosage={"dose": {"value": 135, "unit": "mg"}}, **written, **DAY)
    run = convert([fhir("Patient", "p"), given], drugs=DRUGS)
    assert run.sdtm.frames["EX"]["EXDOSE"].isna().all()
    assert [one.rule for one in _said(run, "dose.")] == ["dose.several-drugs"] * 2


def test_two_drugs_of_one_bag_have_each_their_own_strength(convert: Any, fhir: Make) -> None:
    beside = bag(
        ingredient("Docetaxel", ratio(0.54, "mg", 1, "mL")), ingredient("Carboplatin", ratio(2, "mg", 1, "mL"))
    )
    given = fhir("MedicationAdministration", "m", dosage=ML250, **TO_X, **DAY)
    ex = convert([fhir("Patient", "p"), *beside, given], drugs=DRUGS).sdtm.frames["EX"]
    assert ex[["EXTRT", "EXDOSE", "EXDOSU"]].values.tolist() == [
        ["CARBOPLATIN", 500.0, "mg"],
        ["DOCETAXEL", 135.0, "mg"],
    ]


def dosage(value: float, unit: str, kind: str = "") -> Json:
    told = {"type": concept(coding("http://terminology.hl7.org/CodeSystem/dose-rate-type", kind))} if kind else {}
    return {**told, "doseQuantity": {"value": value, "unit": unit}}


LISTS = [
    ([{"doseAndRate": [dosage(12, "mg")]}, {"doseAndRate": [dosage(12, "mg")]}], 12, "", "", "twice the same"),
    (
        [{"doseAndRate": [dosage(8, "mg")]}, {"doseAndRate": [dosage(4, "mg")]}],
        None,
        "8 mg; 4 mg",
        "dose.several",
        "two",
    ),
    (
        [{"doseAndRate": [dosage(75, "mg/m2", "ordered"), dosage(135, "mg", "calculated")]}],
        135,
        "",
        "",
        "what was worked out for the patient",
    ),
    (
        [{"doseAndRate": [{"doseRange": {"low": {"value": 5, "unit": "mg"}, "high": {"value": 10, "unit": "mg"}}}]}],
        None,
        "5-10 mg",
        "",
        "a range is a text",
    ),
    (
        [{"maxDosePerPeriod": ratio(4, "g", 1, "d")}],
        None,
        "MAXIMUM 4 g/d",
        "",
        "the most that may be taken is no dose",
    ),
]


@pytest.mark.parametrize(("dosages", "dose", "text", "rule", "why"), LISTS)
def test_dosages_of_a_statement(
    convert: Any, fhir: Make, dosages: list[Json], dose: float | None, text: str, rule: str, why: str
) -> None:
    record = fhir("MedicationStatement", "m", dosage=dosages, medicationCodeableConcept={"text": "Aspirin"}, **DAY)
    run = convert([fhir("Patient", "p"), record], drugs=DRUGS)
    row = run.sdtm.frames["CM"].iloc[0]
    assert (row.get("CMDOSE", None), row.get("CMDOSTXT", "")) == (dose, text), why
    assert [one.rule for one in _said(run, "dose.")] == ([rule] if rule else []), why


def test_a_volume_of_other_medication_is_what_it_says(convert: Any, fhir: Make) -> None:
    syrup = fhir("MedicationAdministration", "m", medicationCodeableConcept={"text": "Lactulose"}, dosage=ML250, **DAY)
    row = convert([fhir("Patient", "p"), syrup], drugs=DRUGS).sdtm.frames["CM"].iloc[0]
    assert (row["CMDOSE"], row["CMDOSU"]) == (250, "mL")


def test_what_was_not_given_did_not_occur_and_starts_nothing(convert: Any, fhir: Make) -> None:
    """EC of study treatment and CM of other drugs, with the reason; EX holds what was given only (SDTMIG 3.4)."""
    why = {"statusReason": [{"text": "Neutropenia"}], "status": "not-done"}
    run = convert(
        [
            fhir("Patient", "p"),
            fhir("MedicationAdministration", "a", medicationCodeableConcept={"text": "Docetaxel"}, **why, **DAY),
            fhir("MedicationAdministration", "b", medicationCodeableConcept={"text": "Cisplatin"}, **why, **DAY),
        ],
        drugs=DRUGS,
        reference={"start": ["first-antineoplastic"], "antineoplastic": [{"name": "CISPLATIN"}]},
    )
    ec, cm = run.sdtm.frames["EC"].iloc[0], run.sdtm.frames["CM"].iloc[0]
    assert "EX" not in run.sdtm.frames
    assert (ec["ECTRT"], ec["ECPRESP"], ec["ECOCCUR"], ec["ECREASOC"], ec["ECSTDTC"]) == (
        ("DOCETAXEL", "Y", "N", "Neutropenia", "2021-02-01")
    )
    assert (cm["CMTRT"], cm["CMPRESP"], cm["CMOCCUR"]) == ("Cisplatin", "Y", "N")
    assert run.sdtm.frames["SUPPCM"].set_index("QNAM")["QVAL"]["CMREASOC"] == "Neutropenia"
    assert run.sdtm.frames["DM"]["RFSTDTC"].tolist() == [""]


def handed_out(fhir: Make, key: str, day: str, drug: str = "Lenvatinib", **more: Any) -> Json:
    amount = {"quantity": {"value": 30, "unit": "{capsule}"}, "daysSupply": {"value": 30, "unit": "d"}}
    basic = {"status": "completed", "whenHandedOver": day, "medicationCodeableConcept": {"text": drug}}
    return fhir("MedicationDispense", key, **{**basic, **amount, **more})


def test_what_was_handed_out_is_accounted_for_and_is_no_exposure(convert: Any, fhir: Make) -> None:
    back = {"type": {"text": "Return of unused product"}, "quantity": {"value": 4, "unit": "{capsule}"}}
    run = convert(
        [
            fhir("Patient", "p"),
            handed_out(fhir, "a", "2021-02-01"),
            handed_out(fhir, "b", "2021-03-01", **back),
            handed_out(fhir, "c", "2021-02-01", "Metformin"),
            handed_out(fhir, "d", "2021-02-05", status="declined"),
        ],
        drugs=DRUGS,
    )
    da = run.sdtm.frames["DA"]
    assert da[["DASCAT", "DATESTCD", "DATEST", "DAORRES", "DASTRESN", "DAORRESU", "DADTC"]].values.tolist() == [
        ["LENVATINIB", "DISPAMT", "Dispensed Amount", "30", 30.0, "CAPSULE", "2021-02-01"],
        ["LENVATINIB", "RETAMT", "Returned Amount", "4", 4.0, "CAPSULE", "2021-03-01"],
    ]
    assert sorted(_column(run, "CM", "CMTRT")) == ["Lenvatinib", "Metformin"]
    assert set(run.sdtm.frames["SUPPCM"].query("QNAM == 'CMSRC'")["QVAL"]) == {"DISPENSE"}
    assert "EX" not in run.sdtm.frames
    (told,) = (one for one in run.sdtm.findings if one.rule == "exposure.not-counted")
    assert told.usubjid == run.sdtm.frames["DM"]["USUBJID"].iloc[0] and "LENVATINIB" in told.message


def test_a_study_may_take_supplies_as_exposure(convert: Any, fhir: Make) -> None:
    """From the day of handing out for the days of supply: 30 days from 1 February end on 2 March."""
    reference = {"start": ["first-dose"], "exposure": ["MedicationDispense"]}
    records = [handed_out(fhir, "a", "2021-02-01"), handed_out(fhir, "b", "2021-03", daysSupply=None)]
    run = convert([fhir("Patient", "p"), *records], drugs=DRUGS, reference=reference)
    ex = run.sdtm.frames["EX"]
    assert ex[["EXTRT", "EXSTDTC", "EXENDTC"]].values.tolist() == [
        ["LENVATINIB", "2021-02-01", "2021-03-02"],
        ["LENVATINIB", "2021-03", ""],
    ]
    rules = {one.rule: one for one in run.sdtm.findings}
    assert {"exposure.dispensed", "start.dispensed"} <= set(rules)
    assert (
        "2 dispenses" in rules["exposure.dispensed"].message and "not said for 1" in rules["exposure.dispensed"].message
    )
    assert run.sdtm.frames["DM"]["RFSTDTC"].tolist() == ["2021-02-01"]


def test_exposure_by_doses_and_by_supplies_is_said(convert: Any, fhir: Make) -> None:
    reference = {"exposure": ["MedicationAdministration", "MedicationDispense"]}
    dose = fhir("MedicationAdministration", "m", medicationCodeableConcept={"text": "Lenvatinib"}, **DAY)
    run = convert([fhir("Patient", "p"), dose, handed_out(fhir, "a", "2021-01-20")], drugs=DRUGS, reference=reference)
    assert run.sdtm.frames["DM"]["RFXSTDTC"].tolist() == ["2021-02-01"], "what was given is surer"
    assert "exposure.mixed" in {one.rule for one in run.sdtm.findings}


def statement(fhir: Make, start: str, end: str = "", **more: Any) -> Json:
    period = {"start": start, **({"end": end} if end else {})}
    return fhir(
        "MedicationStatement", "s", medicationCodeableConcept={"text": "Lenvatinib"}, effectivePeriod=period, **more
    )


COUNTED = [
    ("2021-02-10", "2021-02-20", {}, 0, "within the days of EX"),
    ("2021-02-10", "", {}, 1, "it went on, nobody says until when"),
    ("2021-02-10", "2021-06-01", {}, 1, "it went on after the last dose"),
    ("2021-01-10", "2021-02-20", {}, 1, "it began before the first dose"),
    ("2021-06-10", "", {"category": {"text": "subsequent anticancer therapy"}}, 0, "the source says what it was"),
    ("2021-06-10", "", {"status": "not-taken"}, 0, "it was not taken"),
]


@pytest.mark.parametrize(("start", "end", "more", "said", "why"), COUNTED)
def test_treatment_that_is_known_by_a_statement_only_is_said_of_the_subject(
    convert: Any, fhir: Make, start: str, end: str, more: Json, said: int, why: str
) -> None:
    doses = [
        fhir("MedicationAdministration", key, medicationCodeableConcept={"text": "Lenvatinib"}, effectiveDateTime=day)
        for key, day in (("a", "2021-02-01"), ("b", "2021-03-01"))
    ]
    run = convert([fhir("Patient", "p"), *doses, statement(fhir, start, end, **more)], drugs=DRUGS)
    who = run.sdtm.frames["DM"]["USUBJID"].tolist()
    found = [one.usubjid for one in run.sdtm.findings if one.rule == "exposure.not-counted"]
    assert found == who * said, why


IPS = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"
NONE = [
    ("MedicationStatement", {"medicationCodeableConcept": concept(coding(IPS, "no-known-medications"))}, "CM"),
    ("MedicationStatement", {"medicationCodeableConcept": concept(coding(SNOMED, "787481004"))}, "CM"),
    ("MedicationStatement", {"medicationCodeableConcept": concept(coding(IPS, "no-medication-info"))}, "CM"),
    ("Immunization", {"vaccineCode": concept(coding(IPS, "no-known-immunizations")), "occurrenceString": "-"}, "CM"),
]


@pytest.mark.parametrize(("kind", "written", "domain"), NONE)
def test_that_there_is_none_is_no_record_and_is_said(
    convert: Any, fhir: Make, kind: str, written: Json, domain: str
) -> None:
    """Reproduction 17."""
    record = fhir(kind, "n", **written)
    if kind == "Immunization":
        record["patient"] = record.pop("subject")
    run = convert([fhir("Patient", "p"), record])
    assert domain not in run.sdtm.frames
    reasons = [row[-1] for row in run.accounts.rows if row[3] == kind]
    assert reasons == ["says that there is none, or that nothing is known"]
    assert [(one.rule, one.resource) for one in run.accounts.findings if one.rule == "code.none"] == [
        ("code.none", f"{kind}/n")
    ]


ROUTES = [
    (concept(coding("http://standardterms.edqm.eu", "20053000", "Oral use")), "ORAL"),
    (concept(coding("urn:oid:0.4.0.127.0.16.1.1.2.1", "20045000")), "INTRAVENOUS"),
    ({"text": "Intravenous use"}, "INTRAVENOUS"),
    (concept(coding("http://terminology.hl7.org/CodeSystem/v3-RouteOfAdministration", "PO")), "ORAL"),
    (concept(coding("http://terminology.hl7.org/CodeSystem/v3-RouteOfAdministration", "SQINJ")), "SUBCUTANEOUS"),
    (concept(coding(SNOMED, "47625008", "Intravenous route")), "INTRAVENOUS"),
    (concept(coding(SNOMED, "38239002")), "INTRAPERITONEAL"),
]


@pytest.mark.parametrize(("route", "term"), ROUTES)
def test_routes_of_hospitals(convert: Any, fhir: Make, route: Json, term: str) -> None:
    record = fhir(
        "MedicationStatement", "m", dosage=[{"route": route}], medicationCodeableConcept={"text": "Aspirin"}, **DAY
    )
    run = convert([fhir("Patient", "p"), record])
    assert _column(run, "CM", "CMROUTE") == [term]
    assert not _said(run, "codelist.")


@pytest.mark.parametrize(
    ("unit", "term"), [("{tbl}", "TABLET"), ("mcg", "ug"), ("[iU]", "IU"), ("{puff}", "PUFF"), ("mg/m2", "mg/m2")]
)
def test_units_of_doses(convert: Any, fhir: Make, unit: str, term: str) -> None:
    doses = [{"doseAndRate": [{"doseQuantity": {"value": 1, "code": unit, "unit": unit}}]}]
    record = fhir("MedicationStatement", "m", dosage=doses, medicationCodeableConcept={"text": "Aspirin"}, **DAY)
    assert _column(convert([fhir("Patient", "p"), record]), "CM", "CMDOSU") == [term]
