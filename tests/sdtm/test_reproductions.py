"""What hospitals' records were read wrongly from once, each as small as it can be, with the value that is right.

The names say what was wrong; the wider tables of each subject are in the tests beside this one.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fhir2cdisc.adam.build import build_adam
from fhir2cdisc.converters.run.pipeline import SdtmRun, build_sdtm
from fhir2cdisc.mappings.study import Study

Json = dict[str, Any]
Check = Callable[[SdtmRun], Any]
LOINC, SNOMED, ATC = "http://loinc.org", "http://snomed.info/sct", "http://www.whocc.no/atc"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
ASSERTED = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"
BACKPORT = "http://hl7.org/fhir/uv/ae-research-backport-ig/StructureDefinition"
P: Json = {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1960-05-04"}
DIAGNOSIS: Json = {"reference": {"start": ["diagnosis"]}}
DOCETAXEL: Json = {
    "reference": {"start": ["first-antineoplastic"], "antineoplastic": [{"name": "DOCETAXEL", "terms": ["docetaxel"]}]}
}


def of(kind: str, name: str, **more: Any) -> Json:
    return {"resourceType": kind, "id": name, "subject": {"reference": "Patient/p1"}, **more}


def coded(code: str, system: str = LOINC, **more: Any) -> Json:
    return {"coding": [{"system": system, "code": code, **more}]}


def obs(name: str, code: str, **more: Any) -> Json:
    return of("Observation", name, status="final", code=coded(code), effectiveDateTime="2022-03-01", **more)


def cancer(name: str, code: str = "C18.9", **more: Any) -> Json:
    return of("Condition", name, code=coded(code, ICD), **more)


def given(name: str, **more: Any) -> Json:
    return of("MedicationAdministration", name, status="completed", **{"effectiveDateTime": "2021-02-01", **more})


def event(**more: Any) -> Json:
    return of("AdverseEvent", "a", actuality="actual", date="2021-03-01", event={"text": "Rash"}, **more)


def rows(made: SdtmRun, domain: str, *names: str) -> list[tuple[Any, ...]]:
    frame = made.sdtm.frames.get(domain, pd.DataFrame(columns=list(names)))
    return sorted(frame.reindex(columns=list(names)).fillna("").itertuples(index=False, name=None))


def records(domain: str, *names: str) -> Check:
    return lambda made: rows(made, domain, *names)


def rules(*prefixes: str) -> Check:
    """The findings of these rules, each once."""
    return lambda made: sorted(
        {f.rule for f in (*made.accounts.findings, *made.sdtm.findings) if f.rule.startswith(prefixes)}
    )


GENE = [
    {"code": coded("48018-6"), "valueCodeableConcept": coded("HGNC:3430", "http://www.genenames.org", display="ERBB2")}
]
COPIES = [{"code": coded("82155-3"), "valueQuantity": {"value": 8}}]
POSITION = [
    {"code": coded("48013-7"), "valueCodeableConcept": coded("NC_000007.14", "http://www.ncbi.nlm.nih.gov/refseq")},
    {"code": coded("81254-5"), "valueRange": {"low": {"value": 140753336}}},
    {"code": coded("69547-8"), "valueString": "A"},
    {"code": coded("69551-0"), "valueString": "T"},
]
PANEL = [
    {"code": coded("2093-3"), "valueQuantity": {"value": 180, "unit": "mg/dL", "code": "mg/dL"}},
    {"code": coded("718-7"), "valueQuantity": {"value": 13, "unit": "g/dL", "code": "g/dL"}},
]
PRESENT = {"valueCodeableConcept": coded("LA9633-4")}
MIXED = {
    "coding": [
        {"system": ATC, "code": "L01CD01", "display": "Paclitaxel"},
        {"system": ATC, "code": "L01XA02", "display": "Carboplatin"},
    ]
}
SEX = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-individual-sex"
GRADE3 = {
    "coding": [{"system": "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl", "code": "C41340"}],
    "text": "Grade 3 Severe Adverse Event",
}
MII_GRADE = (
    "https://www.medizininformatik-initiative.de/fhir/ext/modul-onko/CodeSystem/mii-cs-onko-nebenwirkung-ctcae-grad"
)
# What was wrong | resources beside the patient | sections of the study file | what is looked at | what is right
CASES: list[tuple[str, list[Json], Json, Check, Any]] = [
    (
        "1 the asserted date is the diagnosis, the recording date is not",
        [cancer("c", recordedDate="2024-06-14", extension=[{"url": ASSERTED, "valueDateTime": "2018-02-01"}])],
        DIAGNOSIS,
        lambda made: (rows(made, "MH", "MHSTDTC", "MHDTC"), rows(made, "DM", "RFSTDTC")),
        ([("2018-02-01", "2024-06-14")], [("2018-02-01",)]),
    ),
    (
        "4 a dated cause of death is a death",
        [cancer("c", onsetDateTime="2020-12-01"), obs("d", "69453-9", valueCodeableConcept={"text": "Colon cancer"})],
        DIAGNOSIS,
        lambda made: (rows(made, "DM", "DTHFL", "DTHDTC"), rows(made, "DD", "DDDTC")),
        ([("Y", "2022-03-01")], [("2022-03-01",)]),
    ),
    (
        "5 a panel is its tests",
        [
            obs(
                "o",
                "24331-1",
                category=[coded("laboratory", "http://terminology.hl7.org/CodeSystem/observation-category")],
                component=PANEL,
            )
        ],
        {},
        records("LB", "LBTESTCD", "LBORRES"),
        [("CHOL", "180"), ("HGB", "13")],
    ),
    (
        "6 a drug has the name of the reference that was not exported",
        [given("m", medicationReference={"reference": "Medication/x", "display": "Docetaxel 20 mg/mL"})],
        {},
        records("EX", "EXTRT"),
        [("DOCETAXEL 20 MG/ML",)],
    ),
    (
        "6 a drug without a code has the name of its ingredient",
        [
            {"resourceType": "Medication", "id": "x", "ingredient": [{"itemCodeableConcept": {"text": "Docetaxel"}}]},
            given("m", medicationReference={"reference": "Medication/x"}),
        ],
        {},
        records("EX", "EXTRT"),
        [("DOCETAXEL",)],
    ),
    (
        "6 two drugs in one concept are two records",
        [given("m", medicationCodeableConcept=MIXED)],
        {},
        records("EX", "EXTRT"),
        [("CARBOPLATIN",), ("PACLITAXEL",)],
    ),
    (
        "7 time starts with what was taken, not with a plan",
        [
            of(
                "MedicationRequest",
                "r",
                intent="plan",
                status="active",
                authoredOn="2020-12-15",
                medicationCodeableConcept={"text": "Docetaxel"},
            ),
            of(
                "MedicationStatement",
                "s",
                status="completed",
                effectivePeriod={"start": "2021-02-03"},
                medicationCodeableConcept={"text": "Docetaxel"},
            ),
        ],
        DOCETAXEL,
        records("DM", "RFSTDTC"),
        [("2021-02-03",)],
    ),
    (
        "8 the guide's own code of a grade",
        [event(extension=[{"url": f"{BACKPORT}/ae-grade", "valueCodeableConcept": GRADE3}])],
        {},
        records("AE", "AETOXGR"),
        [("3",)],
    ),
    (
        "8 the guide's date of resolution",
        [event(extension=[{"url": f"{BACKPORT}/resolve-date", "valueDateTime": "2021-04-01"}])],
        {},
        records("AE", "AEENDTC"),
        [("2021-04-01",)],
    ),
    (
        "8 a grade in seriousness is a grade",
        [event(seriousness=coded("3", MII_GRADE))],
        {},
        records("AE", "AETOXGR", "AESER"),
        [("3", "")],
    ),
    (
        "9 a copy number is no short variation",
        [obs("o", "69548-6", component=[*GENE, *COPIES], **PRESENT)],
        {},
        records("GF", "GFTESTCD", "GFSYM", "GFORRES"),
        [("CPNUMVAR", "ERBB2", "8")],
    ),
    (
        "9 a position without a gene has its place and alleles, and no type is made up",
        [obs("o", "69548-6", component=POSITION, **PRESENT)],
        {},
        records("GF", "GFTESTCD", "GFORRES", "GFORREF", "GFSEQID", "GFGENLOC", "GFSYMTYP"),
        [("SHRTVAR", "T", "A", "NC_000007.14", "140753336", "")],
    ),
    (
        "10 a differential diagnosis is neither cohort nor time zero",
        [
            cancer(
                "c",
                onsetDateTime="2019-01-01",
                verificationStatus=coded("differential", "http://terminology.hl7.org/CodeSystem/condition-ver-status"),
            )
        ],
        {**DIAGNOSIS, "cohort": {"membership": "condition", "conditions": [{"system": ICD, "code": "C18.9"}]}},
        lambda made: ("DM" in made.sdtm.frames, rules("diagnosis.suspected")(made)),
        (False, ["diagnosis.suspected"]),
    ),
    (
        "14 one instant in two zones is one day where the study names its zone",
        [
            given("m", effectiveDateTime="2021-02-01T16:30:00Z", medicationCodeableConcept={"text": "x"}),
            given("n", effectiveDateTime="2021-02-02T00:30:00+08:00", medicationCodeableConcept={"text": "y"}),
        ],
        {"clock": {"zone": "Asia/Shanghai"}},
        records("EX", "EXSTDTC"),
        [("2021-02-02T00:30:00",)] * 2,
    ),
    (
        "14 mixed offsets are said where it does not",
        [
            given("m", effectiveDateTime="2021-02-01T16:30:00Z", medicationCodeableConcept={"text": "x"}),
            given("n", effectiveDateTime="2021-02-02T00:30:00+08:00", medicationCodeableConcept={"text": "y"}),
        ],
        {},
        rules("clock.mixed"),
        ["clock.mixed-offsets"],
    ),
    (
        "15 an enrolment without a start gives the number",
        [
            {
                "resourceType": "ResearchSubject",
                "id": "r",
                "status": "on-study",
                "individual": {"reference": "Patient/p1"},
                "identifier": [{"value": "ABC-0001"}],
            }
        ],
        {},
        records("DM", "SUBJID"),
        [("ABC-0001",)],
    ),
    (
        "17 no known allergy did not occur",
        [
            {
                "resourceType": "AllergyIntolerance",
                "id": "a",
                "patient": {"reference": "Patient/p1"},
                "code": coded("716186003", SNOMED, display="No known allergy (situation)"),
            }
        ],
        {},
        records("MH", "MHOCCUR"),
        [("N",)],
    ),
    (
        "19 a number without a unit",
        [obs("o", "718-7", valueQuantity={"value": 12})],
        {},
        lambda made: (rows(made, "LB", "LBORRES", "LBSTRESN"), rules("unit.")(made)),
        ([("12", "")], ["unit.missing"]),
    ),
    (
        "19 a comparator in the standard unit",
        [obs("o", "718-7", valueQuantity={"value": 5, "comparator": "<", "unit": "g/dL", "code": "g/dL"})],
        {},
        records("LB", "LBSTRESC", "LBSTRESU"),
        [("<50", "g/L")],
    ),
    (
        "24 two cancers compete",
        [
            cancer("b", "C50.4", onsetDateTime="2010-01-01", clinicalStatus=coded("remission", "x")),
            cancer("c", onsetDateTime="2020-01-01"),
        ],
        DIAGNOSIS,
        lambda made: (rows(made, "DM", "RFSTDTC"), rules("diagnosis.compet")(made)),
        ([("2020-01-01",)], ["diagnosis.competing"]),
    ),
]


@pytest.mark.parametrize(("why", "resources", "sections", "look", "right"), CASES, ids=[c[0] for c in CASES])
def test_what_was_read_wrongly_is_right(
    convert: Any, why: str, resources: list[Json], sections: Json, look: Check, right: Any
) -> None:
    assert look(convert([P, *resources], **sections)) == right


EVERYONE = Study.model_validate({"id": "s", "studyid": "S", "title": "S", "cohort": {"membership": "all"}})


def read(folder: Path, study: Study = EVERYONE, **files: bytes | list[Json]) -> SdtmRun:
    """SDTM of files: bytes as they are, resources as a bundle; `__` in a name is a dot."""
    for name, content in files.items():
        entries = [{"resource": one} for one in content if isinstance(one, dict)]
        bundle = json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()
        (folder / name.replace("__", ".")).write_bytes(content if isinstance(content, bytes) else bundle)
    return build_sdtm([folder], study)


def full(server: str, *resources: Json) -> bytes:
    """A bundle whose entries and references name their server."""
    text = json.dumps(
        [{"fullUrl": f"{server}/{one['resourceType']}/{one['id']}", "resource": one} for one in resources]
    )
    entries = text.replace('"Patient/p1"', f'"{server}/Patient/p1"')
    return b'{"resourceType": "Bundle", "type": "collection", "entry": ' + entries.encode() + b"}"


def test_2_the_same_id_at_two_servers_is_two_people(tmp_path: Path) -> None:
    man = {**P, "gender": "male", "birthDate": "1941-01-01"}
    a = full(
        "https://a.example/fhir", P, obs("o1", "718-7", valueQuantity={"value": 12, "unit": "g/dL", "code": "g/dL"})
    )
    b = full("https://b.example/fhir", man, cancer("c", "C61", onsetDateTime="2020"))
    made = read(tmp_path, a__json=a, b__json=b)
    assert sorted(made.sdtm.frames["DM"]["SEX"]) == ["F", "M"]
    sex = made.sdtm.frames["DM"].set_index("USUBJID")["SEX"]
    assert list(made.sdtm.frames["LB"]["USUBJID"].map(sex)) == ["F"]
    assert list(made.sdtm.frames["MH"]["USUBJID"].map(sex)) == ["M"]


@pytest.mark.parametrize("names", [("2021__json", "2022__json"), ("2022__json", "2021__json")])
def test_3_a_death_in_a_second_delivery_counts_whatever_the_files_are_called(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    dead = {**P, "deceasedDateTime": "2022-03-01"}
    made = read(tmp_path, **dict(zip(names, ([P], [dead]), strict=True)))
    assert rows(made, "DM", "DTHFL", "DTHDTC") == [("Y", "2022-03-01")]
    (found,) = [f for f in made.accounts.findings if f.rule == "resource.conflict"]
    assert "deceasedDateTime" in found.message


def test_11_an_enrolment_in_a_study_that_was_not_read_says_so(tmp_path: Path) -> None:
    enrolled = {
        "resourceType": "ResearchSubject",
        "id": "r",
        "status": "on-study",
        "individual": {"reference": "Patient/p1"},
    }
    study = Study.model_validate({"id": "s", "studyid": "S", "title": "S"})
    one, other = ({**enrolled, "id": f"r{n}", "study": {"reference": f"ResearchStudy/st{n}"}} for n in (1, 2))
    made = read(tmp_path, study, a__json=[P, one, other])
    assert not made.sdtm.frames
    said = " ".join(f.message for f in made.accounts.findings if f.rule.startswith("study."))
    assert "ResearchStudy/st1" in said and "research_study" in said


def test_13_every_member_of_an_archive_is_in_the_accounts(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.writestr("b.json", json.dumps(P))
        archive.writestr("notes.txt", "x")
        archive.writestr("Observation", json.dumps(obs("o", "718-7", valueString="low")))
        archive.writestr("Sex.xml", '<Observation xmlns="http://hl7.org/fhir"><id value="x"/></Observation>')
    made = build_sdtm([tmp_path], EVERYONE)
    read_, skipped = made.accounts.files, [one.name for one in made.skipped]
    assert read_ + len(skipped) == 4 and "in.zip!notes.txt" in skipped


def test_18_sex_by_the_extension_of_the_guide(convert: Any) -> None:
    person = {key: value for key, value in P.items() if key != "gender"}
    made = convert([{**person, "extension": [{"url": SEX, "valueCoding": {"system": SNOMED, "code": "248152002"}}]}])
    assert rows(made, "DM", "SEX") == [("F",)]


def test_20_a_record_that_was_replaced_is_the_same_person(convert: Any) -> None:
    old = {**P, "id": "p2", "active": False, "link": [{"other": {"reference": "Patient/p1"}, "type": "replaced-by"}]}
    made = convert([P, old, obs("o", "718-7", valueString="low") | {"subject": {"reference": "Patient/p2"}}])
    assert len(made.sdtm.frames["DM"]) == 1 and len(made.sdtm.frames["LB"]) == 1


def test_23_a_record_that_was_deleted_is_gone_and_no_error(tmp_path: Path) -> None:
    value = obs("o1", "718-7", valueString="low")
    entries = [
        {
            "fullUrl": "https://a.example/fhir/Patient/p1",
            "resource": P,
            "request": {"method": "PUT", "url": "Patient/p1"},
        },
        {"fullUrl": "https://a.example/fhir/Observation/o1", "request": {"method": "DELETE", "url": "Observation/o1"}},
        {
            "fullUrl": "https://a.example/fhir/Observation/o1",
            "resource": value,
            "request": {"method": "PUT", "url": "Observation/o1"},
        },
    ]
    made = read(tmp_path, a__json=json.dumps({"resourceType": "Bundle", "type": "history", "entry": entries}).encode())
    assert "LB" not in made.sdtm.frames and not [f for f in made.accounts.findings if f.severity == "error"]


def test_25_a_death_in_the_future_is_said_and_is_no_event(convert: Any) -> None:
    dose = given("m", medicationCodeableConcept={"text": "x"})
    made = convert([{**P, "deceasedDateTime": "2931-01-01"}, dose])
    adam = build_adam(made.sdtm.frames, EVERYONE)
    survival = adam.frames["ADTTE"].query("PARAMCD == 'OS'")
    assert list(survival["CNSR"]) != [0.0] and (survival["ADT"] < pd.Timestamp("2900-01-01")).all()
    assert "date in the future" in set(adam.findings["RULE"])


def test_27_the_manifest_of_an_export_is_known(tmp_path: Path) -> None:
    manifest = {
        "transactionTime": "2024-01-01T00:00:00Z",
        "request": "x",
        "requiresAccessToken": True,
        "output": [],
        "error": [],
    }
    made = read(tmp_path, manifest__json=json.dumps(manifest).encode(), a__json=[P])
    assert not [f for f in made.accounts.findings if f.severity == "error"]
