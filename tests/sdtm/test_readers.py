"""Independent readers of one subject: numbered alike in TU, TR and RS, whatever the order of what was read.

SDTMIG 3.4, TU, TR and RS: --EVALID tells evaluators of one role (--EVAL) apart; its terms are those of MEDEVAL.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pandas as pd
import pytest
from fhir2cdisc.converters.run.pipeline import RunOptions, SdtmRun
from fhir2cdisc.mappings.standard.datasets import codelist
from fhir2cdisc.sdtm.subject.readers import number_readers

NCI = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"
Make = Callable[..., dict[str, Any]]
Read = Callable[..., list[dict[str, Any]]]


def concept(code: str) -> dict[str, Any]:
    return {"coding": [{"system": NCI, "code": code}]}


@pytest.fixture
def read(fhir: Make) -> Read:
    """What one reader says of patient `p`: lesion T01 identified as target and measured, and the overall response."""

    def made(name: str, performer: Any, evaluator: str = "INDEPENDENT ASSESSOR", role: str = "C94520") -> Any:
        who: dict[str, Any] = {"effectiveDateTime": "2024-03-01"}
        if evaluator:
            who["extension"] = [{"url": "urn:fhir2cdisc:evaluator", "valueString": evaluator}]
        if performer:
            who["performer"] = [{"reference": performer}]
        lesion = {"focus": [{"reference": "BodyStructure/t1"}], **who}
        length = {"code": {"coding": [{"system": "http://loinc.org", "code": "33728-7"}]}}
        size = {**length, "valueQuantity": {"value": 20, "unit": "mm", "code": "mm"}}
        return [
            fhir("Observation", f"{name}-tu", code=concept("C94523"), valueCodeableConcept=concept(role), **lesion),
            fhir("Observation", f"{name}-tr", code={"text": "diameters"}, component=[size], **lesion),
            fhir("Observation", f"{name}-rs", code=concept("C96613"), valueCodeableConcept=concept("C35571"), **who),
        ]

    return made


@pytest.fixture
def patient(fhir: Make) -> list[dict[str, Any]]:
    lesion = {"resourceType": "BodyStructure", "id": "t1", "identifier": [{"value": "T01"}]}
    return [fhir("Patient", "p"), {**lesion, "patient": {"reference": "Patient/p"}}]


def column(run: SdtmRun, domain: str) -> pd.Series:
    """--EVALID by subject and --SEQ; a permissible variable that nothing fills is not in the dataset."""
    frame = run.sdtm.frames[domain].set_index(["USUBJID", f"{domain}SEQ"])
    return frame.get(f"{domain}EVALID", pd.Series("", index=frame.index))


def evalids(run: SdtmRun) -> dict[str, list[str]]:
    return {domain: sorted(column(run, domain)) for domain in ("TU", "TR", "RS")}


def reader_of(run: SdtmRun, name: str) -> set[str]:
    """The --EVALID of all records that came from one reader's resources."""
    lineage = run.sdtm.lineage
    found = set()
    for domain in ("TU", "TR", "RS"):
        mine = lineage[(lineage["DATASET"] == domain) & lineage["ID"].str.startswith(f"{name}-")]
        found |= set(column(run, domain)[list(zip(mine["USUBJID"], mine["SEQ"], strict=True))])
    return found


def findings(run: SdtmRun) -> list[tuple[str, str]]:
    return sorted((f.resource, f.variable) for f in run.sdtm.findings if f.rule == "reader.unnamed")


def test_the_numbers_are_terms_of_the_codelist() -> None:
    terms = set(codelist("MEDEVAL").terms)
    assert {"RADIOLOGIST 1", "RADIOLOGIST 2", "RADIOLOGIST 3", "ADJUDICATOR 1", "ADJUDICATOR 2"} <= terms


def test_a_lone_reader_is_number_1_and_the_investigator_has_no_number(
    convert: Any, patient: list[dict[str, Any]], read: Read
) -> None:
    own = read("inv", "Practitioner/aaa", "INVESTIGATOR")
    made = convert([*patient, *own, *read("lone", "Practitioner/zoe")])
    assert reader_of(made, "lone") == {"RADIOLOGIST 1"}
    assert reader_of(made, "inv") == {""}
    nobody = convert([*patient, *read("lone", "")])
    assert evalids(nobody) == {d: ["RADIOLOGIST 1"] for d in ("TU", "TR", "RS")}
    assert findings(made) == findings(nobody) == []


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_numbers_follow_the_performer_and_not_the_order_of_the_source(
    convert: Any, patient: list[dict[str, Any]], read: Read, order: tuple[int, ...]
) -> None:
    parts = [patient, read("first", "Practitioner/z-but-b"), read("second", "Practitioner/a")]
    lines = [one for at in order for one in reversed(parts[at])]
    for buckets in (1, 7):
        made = convert(lines, RunOptions(buckets=buckets))
        assert evalids(made) == {d: ["RADIOLOGIST 1", "RADIOLOGIST 2"] for d in ("TU", "TR", "RS")}
        assert (reader_of(made, "second"), reader_of(made, "first")) == ({"RADIOLOGIST 1"}, {"RADIOLOGIST 2"})


def test_one_reader_is_one_however_the_reference_is_written(
    convert: Any, fhir: Make, patient: list[dict[str, Any]], read: Read
) -> None:
    role = {"resourceType": "PractitionerRole", "id": "r", "practitioner": {"reference": "Practitioner/b"}}
    person = {"resourceType": "Practitioner", "id": "b"}
    tu, tr, rs = (
        read("b", "Practitioner/b")[0],
        read("b", "https://x/fhir/Practitioner/b/_history/2")[1],
        read("b", "PractitionerRole/r")[2],
    )
    made = convert([*patient, person, role, tu, tr, rs, *read("a", "Practitioner/a")])
    assert (reader_of(made, "a"), reader_of(made, "b")) == ({"RADIOLOGIST 1"}, {"RADIOLOGIST 2"})


def test_readers_are_numbered_over_all_three_domains_and_within_each_subject(
    convert: Any, fhir: Make, patient: list[dict[str, Any]], read: Read
) -> None:
    """Reader a of p has no response and reader b no lesions; q is read by b alone."""
    subject = {"reference": "Patient/q"}
    other = [{**one, "subject": subject} for one in read("q", "Practitioner/b")[2:]]
    own = [*read("a", "Practitioner/a")[:2], *read("b", "Practitioner/b")[2:]]
    made = convert([*patient, *own, fhir("Patient", "q"), *other])
    assert (reader_of(made, "a"), reader_of(made, "b"), reader_of(made, "q")) == (
        {"RADIOLOGIST 1"},
        {"RADIOLOGIST 2"},
        {"RADIOLOGIST 1"},
    )


def test_what_names_no_performer_is_of_the_only_reader_and_of_none_where_there_are_two(
    convert: Any, patient: list[dict[str, Any]], read: Read
) -> None:
    one = convert([*patient, *read("a", "Practitioner/a"), *read("x", "")])
    assert reader_of(one, "x") == {"RADIOLOGIST 1"} and findings(one) == []
    two = convert([*patient, *read("a", "Practitioner/a"), *read("b", "Practitioner/b"), *read("x", "")])
    assert reader_of(two, "x") == {""}
    assert findings(two) == [
        ("Observation/x-rs", "RSEVALID"),
        ("Observation/x-tr", "TREVALID"),
        ("Observation/x-tu", "TUEVALID"),
    ]
    said = next(f.message for f in two.sdtm.findings if f.variable == "RSEVALID")
    assert said == ("Observation/x-rs: RSEVALID: names no performer, and the subject has 2 readers; it is left blank")


def test_an_adjudicator_is_one_where_the_source_says_so(
    convert: Any, patient: list[dict[str, Any]], read: Read
) -> None:
    two = [*read("b", "Practitioner/b"), *read("c", "Practitioner/c")]
    made = convert([*patient, *two, *read("a", "Practitioner/a", "ADJUDICATOR")])
    found = {name: reader_of(made, name) for name in "abc"}
    assert found == {"a": {"ADJUDICATOR 1"}, "b": {"RADIOLOGIST 1"}, "c": {"RADIOLOGIST 2"}}
    assert set(made.sdtm.frames["RS"]["RSEVAL"]) == {"INDEPENDENT ASSESSOR", "ADJUDICATOR"}


def test_each_reader_keeps_the_role_that_it_gave_the_lesion(
    convert: Any, patient: list[dict[str, Any]], read: Read
) -> None:
    """C94520 is TARGET, C94521 NON-TARGET: the readers chose differently, and TRGRPID follows each."""
    made = convert([*patient, *read("a", "Practitioner/a"), *read("b", "Practitioner/b", role="C94521")])
    tr = made.sdtm.frames["TR"].set_index("TREVALID")["TRGRPID"].to_dict()
    assert tr == {"RADIOLOGIST 1": "TARGET", "RADIOLOGIST 2": "NON-TARGET"}


def test_the_reader_of_a_study_by_independent_review_need_not_be_called_independent(
    convert: Any, patient: list[dict[str, Any]], read: Read
) -> None:
    resources = [*patient, *read("a", "Practitioner/a", ""), *read("b", "Practitioner/b", "")]
    made = convert(resources, response={"evaluator": "INDEPENDENT ASSESSOR"})
    assert evalids(made) == {d: ["RADIOLOGIST 1", "RADIOLOGIST 2"] for d in ("TU", "TR", "RS")}
    assert evalids(convert(resources)) == {d: ["", ""] for d in ("TU", "TR", "RS")}


def test_no_id_of_a_performer_stands_in_sdtm(convert: Any, patient: list[dict[str, Any]], read: Read) -> None:
    made = convert([*patient, *read("a", "Practitioner/secret-a"), *read("b", "Practitioner/secret-b"), *read("x", "")])
    frames = [*made.sdtm.frames.values(), pd.DataFrame([f.as_dict() for f in made.sdtm.findings]), made.sdtm.lineage]
    assert not any(frame.astype(str).map(lambda cell: "secret" in cell).to_numpy().any() for frame in frames)


def test_a_number_that_the_mapping_gives_is_kept() -> None:
    given = {"_SUBJECT": "p", "_RECORD_NO": 0, "RSEVAL": "INDEPENDENT ASSESSOR"}
    rows = [("READER 2", "a"), ("", "a"), ("", "b")]
    frames = {"RS": pd.DataFrame([{**given, "RSEVALID": number, "_READER": key} for number, key in rows])}
    made, found = number_readers(frames, pd.DataFrame())
    assert found == []
    assert made["RS"]["RSEVALID"].tolist() == ["READER 2", "RADIOLOGIST 1", "RADIOLOGIST 2"]
    assert number_readers({}, pd.DataFrame()) == ({}, [])
