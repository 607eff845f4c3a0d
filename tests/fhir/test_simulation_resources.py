"""Simulated resources: valid FHIR R4 in every dialect, whole in themselves, and the same facts as the truth."""

from __future__ import annotations

import json
import os
import re
from collections import Counter, defaultdict
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from fhir2cdisc.fhir.simulation.chart import meta_of
from fhir2cdisc.fhir.simulation.course import data_cut, plan_subject
from fhir2cdisc.fhir.simulation.dialects import NAMES, dialect_of
from fhir2cdisc.fhir.simulation.plan import Course, iso, ordinal
from fhir2cdisc.fhir.simulation.simulate import Order, Simulated, bundle_of, simulate, simulate_subjects, truth_rows
from fhir2cdisc.fhir.simulation.subject_resources import write_shared
from fhir2cdisc.fhir.simulation.truth import response_rows, time_rows
from fhir2cdisc.mappings.study import StudyError, builtin_studies, load_study
from hypothesis import given, settings
from hypothesis import strategies as st

Json = dict[str, Any]
STUDIES = [
    "apatinib-camrelizumab",
    "axitinib-toripalimab",
    "hepatobiliary-rws",
    "lenvatinib-pembrolizumab",
    "refractory-registry",
]
FUZZ = bool(os.environ.get("FHIR2CDISC_FUZZ"))
NCIT = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"


@lru_cache(maxsize=64)
def made(name: str, patients: int = 25, dialects: tuple[str, ...] = (), bundles: bool = False) -> list[Simulated]:
    form = "bundles" if bundles else "ndjson"
    return list(simulate_subjects(Order(load_study(name), 7, patients, "", dialects, 0.0, form)))  # type: ignore[arg-type]


def code_of(resource: Json) -> str:
    code = resource.get("code", {})
    return str(code.get("coding", [{}])[0].get("code", code.get("text", "")))


def of(subject: Simulated, kind: str, code: str = "") -> list[Json]:
    return [one for one in subject.resources if one["resourceType"] == kind and (not code or code_of(one) == code)]


def a_few_of_each(resources: list[Json], most: int = 6) -> list[Json]:
    kept: dict[tuple[str, str], list[Json]] = defaultdict(list)
    for one in resources:
        kept[one["resourceType"], code_of(one)].append(one)
    return [one for group in kept.values() for one in (group[: most // 2] + group[-(most // 2) :])]


# A place of the response and a place of the grade at a time: neither changes what the other does.
DIALECTS = [*((f"response-{a}", f"grade-{n}") for a, n in zip("abcde", range(1, 6), strict=True)), ("response-f",)]
DIALECTS += [("hospital-cn",), ("nci",)]


def test_no_dialect_is_left_out() -> None:
    assert sorted(name for names in DIALECTS for name in names) == sorted(NAMES)


@pytest.mark.parametrize("dialects", DIALECTS, ids="+".join)
def test_every_kind_of_resource_is_valid_in_every_dialect(dialects: tuple[str, ...]) -> None:
    resources = [r for name in STUDIES for s in made(name, 8, dialects) for r in s.resources]
    kinds = Counter(one["resourceType"] for one in resources)
    assert set(kinds) == {
        "AdverseEvent",
        "BodyStructure",
        "CarePlan",
        "Condition",
        "Consent",
        "Encounter",
        "ImagingStudy",
        "MedicationAdministration",
        "MedicationStatement",
        "Observation",
        "Patient",
        "Procedure",
        "QuestionnaireResponse",
        "ResearchSubject",
    }
    for one in a_few_of_each(resources):
        get_fhir_model_class(one["resourceType"]).model_validate(one)


def test_shared_resources_and_bundles_are_valid() -> None:
    order = Order(load_study("hepatobiliary-rws"), patients=2)
    shared = write_shared(order.study, 1, meta_of(order.cut))
    assert Counter(one["resourceType"] for one in shared) == {"Organization": 20, "Practitioner": 2, "ResearchStudy": 1}
    for resources in (shared, *(one.resources for one in made("hepatobiliary-rws", 2, (), True))):
        get_fhir_model_class("Bundle").model_validate(bundle_of(resources, "x"))


@pytest.mark.parametrize("bundles", [True, False])
def test_every_reference_leads_to_a_resource_and_no_id_is_used_twice(bundles: bool) -> None:
    for name in STUDIES:
        shared = {f"{r['resourceType']}/{r['id']}" for r in write_shared(load_study(name), 7, {})}
        for subject in made(name, 8, (), True) if bundles else made(name):
            own = [f"{one['resourceType']}/{one['id']}" for one in subject.resources]
            assert len(own) == len(set(own))
            ids = {f"urn:uuid:{one['id']}" for one in subject.resources} if bundles else set(own)
            found = set(re.findall(r'"reference": "([^"]+)"', json.dumps(subject.resources)))
            assert found <= ids | shared


def test_every_resource_is_tagged_synthetic() -> None:
    tag = {"system": "urn:fhir2cdisc:tag", "code": "synthetic", "display": "Synthetic data"}
    for name in STUDIES:
        shared = write_shared(load_study(name), 7, meta_of(737_000))
        for one in [*shared, *(r for s in made(name, 3) for r in s.resources)]:
            assert one["meta"]["tag"] == [tag]


def test_an_observation_has_a_value_or_parts_or_a_reason_for_having_none() -> None:
    for name in STUDIES:
        for subject in made(name):
            for one in of(subject, "Observation"):
                values = [key for key in one if key.startswith("value") or key in ("component", "dataAbsentReason")]
                assert len(values) == 1 or code_of(one) == "69548-6", one


def test_the_last_dated_record_is_the_last_contact_or_the_death() -> None:
    dated = re.compile(r'"(\d{4}-\d{2}-\d{2})')
    for name in STUDIES:
        for subject in made(name):
            texts = [json.dumps({k: v for k, v in one.items() if k != "meta"}) for one in subject.resources]
            last = max(day for text in texts for day in dated.findall(text))
            assert last == iso(subject.course.end)
            patient = of(subject, "Patient")[0]
            if subject.course.death is not None:
                assert patient["deceasedDateTime"] == last
            else:
                assert max(one["valueDateTime"] for one in of(subject, "Observation", "21975-8")) == last


def test_nothing_is_later_than_the_data_cut() -> None:
    order = Order(load_study("refractory-registry"), 7, 60, cutoff="2022-06-30", format="ndjson")
    subjects = list(simulate_subjects(order))
    assert 0 < len(subjects) < 60
    assert all(iso(one.course.end) <= "2022-06-30" for one in subjects)


def sizes_in_mm(subject: Simulated) -> dict[tuple[str, str, str], float | None]:
    """Date, reader, lesion to size in mm, read back from the resources."""
    lesions = {f"BodyStructure/{one['id']}": one["identifier"][0]["value"] for one in of(subject, "BodyStructure")}
    found: dict[tuple[str, str, str], float | None] = {}
    for one in [*of(subject, "Observation", "21889-1"), *of(subject, "Observation", "C96685")]:
        lesion = lesions[one["focus"][0]["reference"]]
        place = one["component"][0] if "component" in one else one
        value = place.get("valueQuantity")
        size = None if value is None else value["value"] * {"mm": 1, "cm": 10}[value["unit"]]
        found[one["effectiveDateTime"], one["extension"][0]["valueString"], lesion] = size
    return found


@pytest.mark.parametrize("name", STUDIES)
def test_sums_of_the_measurements_are_the_sums_of_the_truth(name: str) -> None:
    study, checked = load_study(name), 0
    for subject in made(name):
        sizes = sizes_in_mm(subject)
        for row in truth_rows(study, subject.course)["timepoints"]:
            parts = [v for (day, reader, _), v in sizes.items() if (day, reader) == (row["DATE"], row["EVALUATOR"])]
            if row["SUM_MM"] is None:
                assert not parts or None in parts
                continue
            assert sum(part or 0 for part in parts) == pytest.approx(float(row["SUM_MM"] or 0))
            checked += 1
    assert checked > 50


def test_a_merged_lesion_is_written_as_zero_and_says_where_it_went() -> None:
    notes = Counter(
        (note["text"], one["component"][0]["valueQuantity"]["value"])
        for subject in made("hepatobiliary-rws", 120)
        for one in of(subject, "Observation", "21889-1")
        for note in one.get("note", [])
    )
    assert notes["merged into T01", 0] > 0
    assert {value for (text, value) in notes if text == "present, too small to measure"} <= {5, 0.5}


def test_responses_written_are_those_of_the_truth() -> None:
    study = load_study("lenvatinib-pembrolizumab")
    for subject in made("lenvatinib-pembrolizumab"):
        written = {
            (one["effectiveDateTime"], one["extension"][0]["valueString"]): one["valueCodeableConcept"]["coding"][0][
                "display"
            ]
            for one in of(subject, "Observation", "C96613")
        }
        rows = truth_rows(study, subject.course)["timepoints"]
        assert written == {(row["DATE"], row["EVALUATOR"]): row["OVRLRESP"] for row in rows if row["NUMBER"]}


def test_two_readers_read_every_scan_and_disagree_at_times() -> None:
    disagree = 0
    for subject in made("axitinib-toripalimab", 60):
        for one in subject.course.assessments:
            assert [read.evaluator for read in one.reads] == ["INVESTIGATOR", "INDEPENDENT ASSESSOR"]
            disagree += one.reads[0].overall != one.reads[1].overall
    assert disagree > 0


@pytest.mark.parametrize(
    ("dialect", "system", "code", "value"),
    [
        ("nci", NCIT, "C96613", {"system": NCIT, "code": "C18058", "display": "PR"}),
        ("response-a", "http://loinc.org", "97509-4", {"system": "http://loinc.org", "code": "LA28369-9"}),
        ("response-b", "https://radlex.org", "RID11510", {"system": "https://radlex.org", "code": "RID11513"}),
        ("response-c", "http://loinc.org", "21976-6", None),
        ("response-d", "http://loinc.org", "88040-1", {"system": "http://loinc.org", "code": "LA28369-9"}),
        ("response-e", "http://snomed.info/sct", "396432002", {"code": "T"}),
        ("response-f", "https://nhicore.nhi.gov.tw/pas/CodeSystem/nhi-tx-ast", "REC1", "PR"),
        ("hospital-cn", "urn:fhir2cdisc:hospital-cn:item", "OVRLRESP", {"code": "PR", "display": "部分缓解"}),
    ],
)
def test_a_partial_response_in_every_encoding(dialect: str, system: str, code: str, value: Any) -> None:
    responses = [one for s in made("apatinib-camrelizumab", 40, (dialect,)) for one in of(s, "Observation", code)]
    assert {one["code"]["coding"][0]["system"] for one in responses} == {system}
    if isinstance(value, str):
        assert value in {one["valueString"] for one in responses}
        return
    concepts = [one["valueCodeableConcept"] for one in responses]
    if value is None:
        assert "Partial response" in {one["text"] for one in concepts}
        return
    assert any(value.items() <= one["coding"][0].items() for one in concepts if "coding" in one)


@pytest.mark.parametrize(
    ("dialect", "url"),
    [
        ("grade-1", "http://hl7.org/fhir/us/ctcae/StructureDefinition/ctcae-grade"),
        ("grade-2", "http://hl7.org/fhir/uv/ae-research-backport-ig/StructureDefinition/ae-grade"),
        ("grade-3", ""),
        ("grade-4", "http://onconova.github.io/fhir/StructureDefinition/onconova-ext-ctc-grade"),
        ("grade-5", "http://hl7.org/fhir/uv/adverseeventclinicalresearch/StructureDefinition/severity-or-grade"),
    ],
)
def test_the_grade_is_at_the_place_of_its_dialect(dialect: str, url: str) -> None:
    for subject in made("apatinib-camrelizumab", 10, (dialect,)):
        for event, one in zip(subject.course.events, of(subject, "AdverseEvent"), strict=True):
            found = one.get("severity")
            for extension in one["extension"]:
                if extension["url"] == url:
                    found = extension.get("valueCodeableConcept", extension.get("valueInteger"))
            grade = found if isinstance(found, int) else int(found["coding"][0]["code"])
            assert grade == event.grade


def test_the_chinese_hospital_writes_chinese_texts_and_local_codes() -> None:
    subject = made("refractory-registry", 8, ("hospital-cn",))[0]
    assert of(subject, "Encounter")[0]["type"][0]["text"] == "筛选期"
    labs = [one for one in of(subject, "Observation") if code_of(one) == "ALT"]
    assert labs[0]["code"]["coding"][0] == {
        "system": "urn:fhir2cdisc:hospital-cn:lab",
        "code": "ALT",
        "display": "丙氨酸氨基转移酶",
    }


def test_dialects_can_be_combined_and_a_wrong_one_is_refused() -> None:
    both = dialect_of(("response-b", "grade-4"))
    assert (both.response, both.grade, both.chinese) == ("b", 4, False)
    with pytest.raises(ValueError, match="dialect 'response-g' does not exist"):
        dialect_of(("response-g",))


def facts(course: Course) -> tuple[Any, ...]:
    return (course.subjid, course.death, course.end, [one.day for one in course.assessments], len(course.events))


def test_a_dialect_changes_nothing_in_the_truth() -> None:
    plain = [facts(one.course) for one in made("lenvatinib-pembrolizumab", 8)]
    assert [facts(one.course) for one in made("lenvatinib-pembrolizumab", 8, ("hospital-cn",))] == plain


def test_the_first_subjects_do_not_depend_on_how_many_follow() -> None:
    few, many = made("refractory-registry", 8), made("refractory-registry", 25)
    assert [one.resources for one in few] == [one.resources for one in many[: len(few)]]


def test_an_event_written_as_a_month_is_in_that_month() -> None:
    partial = 0
    for name in STUDIES:
        for subject in made(name):
            for event in subject.course.events:
                assert iso(event.start).startswith(event.start_text)
                partial += len(event.start_text) == 7
    assert partial > 0


def test_what_makes_a_trial_is_all_there() -> None:
    """Holds, reductions, stop reasons, nodes, new, merged and too-small lesions, missed and unscheduled scans."""
    seen: Counter[str] = Counter()
    for name in STUDIES:
        for subject in made(name, 60):
            course = subject.course
            for dose in course.doses:
                seen[f"dose {dose.status}"] += 1
                seen[dose.note] += 1
            for one in course.assessments:
                read = one.reads[0]
                seen["unscheduled"] += one.visit == "UNSCHEDULED"
                seen["new"] += bool(read.new)
                seen["merged"] += read.merged is not None
                seen["too small"] += 5 in read.sizes.values()
                seen["not measured"] += None in read.sizes.values()
            weeks = [int(one.visit[5:]) for one in course.assessments if one.visit.startswith("WEEK")]
            seen["missed"] += bool(weeks) and len(weeks) < weeks[-1] // 8
            seen["node"] += any(one.node for one in course.lesions)
            seen["second board"] += len(course.boards) > 1
            seen[f"end {course.study_end_reason}"] += 1
            seen.update(one.kind for one in course.therapies)
    wanted = [
        "dose completed",
        "dose stopped",
        "dose not-done",
        "dose reduced",
        "dose held for an adverse event",
        "new",
        "unscheduled",
        "merged",
        "too small",
        "not measured",
        "missed",
        "node",
        "second board",
        "radiotherapy",
        "surgery",
        "drug",
        "end DEATH",
        "end LOST TO FOLLOW-UP",
        "end WITHDRAWAL BY SUBJECT",
        "end ",
    ]
    assert [one for one in wanted if not seen[one]] == []


@pytest.mark.parametrize("form", ["bundles", "ndjson"])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_ones(tmp_path: Path, form: Any) -> None:
    study = load_study("apatinib-camrelizumab")
    contents = []
    for folder, seed in (("one", 3), ("two", 3), ("three", 4)):
        simulate(Order(study, seed, 5, messy=0.05, format=form), tmp_path / folder)
        files = sorted(p for p in (tmp_path / folder).rglob("*") if p.is_file())
        contents.append({str(p.relative_to(tmp_path / folder)): p.read_bytes() for p in files})
    assert contents[0] == contents[1]
    assert contents[0] != contents[2]


def test_a_study_without_regimens_cannot_be_simulated() -> None:
    example = load_study(str(Path(__file__).parents[2] / "examples/cancer-cohort.toml"))
    with pytest.raises(StudyError, match=r"simulation\.regimens and simulation\.tumours are needed"):
        next(simulate_subjects(Order(example)))


def test_every_builtin_study_is_simulated_here() -> None:
    assert list(builtin_studies()) == STUDIES


def median(rows: list[tuple[int, bool]]) -> float:
    """Kaplan-Meier median in months, by hand: days and whether it is an event."""
    left, alive = len(rows), 1.0
    for day in sorted({day for day, _ in rows}):
        here = [event for at, event in rows if at == day]
        alive *= 1 - sum(here) / left
        if alive <= 0.5:
            return day / 30.4375
        left -= len(here)
    raise AssertionError("the median is not reached")


@pytest.mark.parametrize("name", STUDIES)
def test_medians_and_response_rate_come_near_what_the_study_file_asks_for(name: str) -> None:
    study = load_study(name)
    asked, cut = study.simulation, ordinal(data_cut(study))
    courses = [plan_subject(study, 11, index, cut) for index in range(1, 1201)]
    treated = [one for one in courses if one is not None and one.first_dose is not None]
    times: dict[str, list[tuple[int, bool]]] = defaultdict(list)
    responders = 0
    for course in treated:
        for row in time_rows(study, course):
            if row["EVALUATOR"] != "INDEPENDENT ASSESSOR":
                times[str(row["PARAMCD"])].append((int(row["AVAL"] or 0), row["CNSR"] == 0))
        responders += next(response_rows(study, course))["CRSP"] == "Y"
    assert median(times["PFS"]) == pytest.approx(asked.median_pfs_months, rel=0.2)
    assert median(times["OS"]) == pytest.approx(asked.median_os_months, rel=0.2)
    assert responders / len(treated) == pytest.approx(asked.response_rate, abs=0.05)


@settings(max_examples=300 if FUZZ else 25, derandomize=not FUZZ, deadline=None)
@given(seed=st.integers(0, 10**6), name=st.sampled_from(STUDIES))
def test_any_seed_gives_a_course_in_order(seed: int, name: str) -> None:
    order = Order(load_study(name), seed, 6, format="ndjson")
    for subject in simulate_subjects(order):
        course = subject.course
        assert course.birth < course.diagnosis < course.consent <= course.end <= order.cut
        if course.first_dose is None:
            assert not course.doses and not course.assessments
            continue
        assert course.last_dose is not None and course.consent < course.first_dose <= course.last_dose <= course.end
        days = [one.day for one in course.assessments]
        assert days == sorted(set(days)) and days[0] < course.first_dose and days[-1] <= course.end
        calls = [one.reads[0].overall for one in course.assessments[1:]]
        assert "PD" not in calls[:-1]
        assert course.new_therapy not in days
        assert date.fromordinal(course.end) >= date.fromordinal(max(visit.day for visit in course.visits))
