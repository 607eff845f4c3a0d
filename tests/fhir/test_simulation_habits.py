"""Planted habits: valid FHIR, whole in itself, the truth untouched, and each habit is what its line says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from fhir2cdisc.fhir.simulation.habits.names import NAMES, HabitError
from fhir2cdisc.fhir.simulation.habits.planted import SAME
from fhir2cdisc.fhir.simulation.habits.table import PLANTS
from fhir2cdisc.fhir.simulation.plan import iso
from fhir2cdisc.fhir.simulation.simulate import Order, Simulated, simulate, simulate_subjects
from fhir2cdisc.fhir.simulation.subject_resources import write_shared
from fhir2cdisc.mappings.study import load_study
from support.command import call

Json = dict[str, Any]
STUDY = "hepatobiliary-rws"
# Of the first subjects of this study each habit finds some to be planted in.
PATIENTS = 12


@lru_cache(maxsize=64)
def made(*habits: str, dialect: str = "nci") -> list[Simulated]:
    return list(simulate_subjects(Order(load_study(STUDY), 7, PATIENTS, dialects=(dialect,), habits=habits)))


def of(subject: Simulated, kind: str) -> list[Json]:
    return [one for one in subject.resources if one["resourceType"] == kind]


def texts(resources: list[Json]) -> set[str]:
    return {json.dumps(one, sort_keys=True) for one in resources}


def changed(habit: str, dialect: str = "nci") -> list[tuple[Simulated, list[Json]]]:
    """Each subject with the resources that a run without the habit does not have; older copies too."""
    found = []
    for clean, subject in zip(made(dialect=dialect), made(habit, dialect=dialect), strict=True):
        new = texts([*subject.resources, *subject.habits.older]) - texts(clean.resources)
        found.append((subject, [json.loads(text) for text in sorted(new)]))
    return found


def test_every_habit_has_its_function() -> None:
    assert sorted(NAMES) == sorted([*PLANTS, "redelivery", "two-sites"])


@pytest.mark.parametrize("habit", NAMES)
def test_a_habit_writes_valid_resources_and_changes_only_subjects_that_it_names(habit: str) -> None:
    planted = 0
    for dialect in ("nci", "hospital-cn"):
        for clean, (subject, new) in zip(made(dialect=dialect), changed(habit, dialect), strict=True):
            assert bool(subject.habits.planted) == bool(new or len(subject.resources) != len(clean.resources)), (
                subject.course.subjid
            )
            planted += len(subject.habits.planted)
            for one in new[:: max(1, len(new) // 6)]:
                get_fhir_model_class(one["resourceType"]).model_validate(one)
    assert planted


@pytest.mark.parametrize("habit", NAMES)
def test_every_reference_leads_to_a_resource_and_no_id_is_used_twice(habit: str) -> None:
    shared = {f"{one['resourceType']}/{one['id']}" for one in write_shared(load_study(STUDY), 7, {})}
    for subject in made(habit):
        own = [f"{one['resourceType']}/{one['id']}" for one in subject.resources]
        assert len(own) == len(set(own))
        places = {f"urn:uuid:{one['id']}" for one in subject.resources} | set(own) | shared
        assert set(re.findall(r'"reference": "([^"]+)"', json.dumps(subject.resources))) <= places
        assert {tag["code"] for one in subject.resources for tag in one["meta"]["tag"]} == {"synthetic"}


@pytest.mark.parametrize("habit", NAMES)
def test_nothing_is_later_than_the_last_day_that_is_known(habit: str) -> None:
    for subject, new in changed(habit):
        clinical = [{name: part for name, part in one.items() if name != "meta"} for one in new]
        days = re.findall(r"\b\d{4}-\d\d-\d\d", json.dumps(clinical))
        assert max(days, default="") <= iso(subject.course.end)


def test_the_truth_is_the_same_with_every_habit_and_says_what_was_planted(tmp_path: Path) -> None:
    study, habits = (
        load_study(STUDY),
        tuple(one for one in NAMES if not one.startswith("death-") or one == "death-flag"),
    )
    simulate(Order(study, 7, 4), tmp_path / "clean")
    simulate(Order(study, 7, 4, habits=habits), tmp_path / "habits")
    files = {path.name for path in (tmp_path / "habits/truth").iterdir()}
    assert files == {path.name for path in (tmp_path / "clean/truth").iterdir()} | {"habits.csv"}
    for name in files - {"habits.csv"}:
        assert (tmp_path / "habits/truth" / name).read_bytes() == (tmp_path / "clean/truth" / name).read_bytes()
    rows = (tmp_path / "habits/truth/habits.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0] == "SUBJID,HABIT,WHAT,TRUTH,EXPECTED"
    findings = {"finding: date of death", "finding: end of treatment", "finding: treatment"}
    assert {row.rsplit(",", 1)[1] for row in rows[1:]} == {SAME, *findings}


def test_the_same_order_gives_the_same_bytes_whatever_the_order_of_the_names(tmp_path: Path) -> None:
    study, habits = load_study(STUDY), ("close-scans", "no-calls", "redelivery", "orders")
    for name, names in (("a", habits), ("b", habits[::-1])):
        simulate(Order(study, 7, 3, habits=names), tmp_path / name)
    for path in (tmp_path / "a").rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()


def _patient(subject: Simulated) -> Json:
    return of(subject, "Patient")[0]


def _death_places(subject: Simulated) -> str:
    """Where the resources of a subject tell of a death, with the length of its date."""
    patient, found = _patient(subject), []
    found += [f"Patient {len(patient['deceasedDateTime'])}"] if "deceasedDateTime" in patient else []
    found += ["flag"] if patient.get("deceasedBoolean") else []
    for one in of(subject, "Observation"):
        if one["code"].get("coding", [{}])[0].get("code") == "69453-9":
            found.append(f"cause {len(one['effectiveDateTime'])}")
    participation = of(subject, "ResearchSubject")[0]
    found += [f"participation {len(participation['period']['end'])}"] if "extension" in participation else []
    found += ["discharge" for one in of(subject, "Encounter") if "hospitalization" in one]
    return ", ".join(found)


@pytest.mark.parametrize(
    ("habit", "places"),
    [
        ("", {"Patient 10, cause 10, participation 10"}),
        ("death-month", {"Patient 7, cause 7, participation 7"}),
        ("death-year", {"Patient 4, cause 4, participation 4"}),
        ("death-flag", {"flag"}),
        ("death-disposition", {"participation 10", "discharge"}),
        ("death-observation", {"cause 10"}),
    ],
)
def test_a_death_is_where_its_habit_leaves_it(habit: str, places: set[str]) -> None:
    dead = [one for one in made(*([habit] if habit else [])) if one.course.death is not None]
    assert {_death_places(one) for one in dead} == places


def _diagnosis(one: Json) -> str:
    return str(one["code"]["coding"][-1]["code"])


def _orders(subject: Simulated) -> bool:
    given = [one for one in subject.course.doses if one.end is not None and one.status != "not-done"]
    return len(of(subject, "MedicationRequest")) == len(given)


def _open(subject: Simulated) -> bool:
    oral = {one.drug for one in subject.course.doses if one.end is not None and one.status != "not-done"}
    kinds = [one for kind in ("MedicationAdministration", "MedicationStatement") for one in of(subject, kind)]
    left = [one for one in kinds if one.get("status") in ("in-progress", "active") and "category" not in one]
    return len(left) == len(oral) and all(list(one["effectivePeriod"]) == ["start"] for one in left)


def _earlier(subject: Simulated) -> bool:
    days = [re.findall(r"\d{4}-\d\d-\d\d", json.dumps(one)) for one in of(subject, "MedicationAdministration")]
    early = [one for one in days if min(one) < iso(subject.course.consent - 900)]
    return len(early) == (2 if subject.course.first_dose is not None else 0)


def _asserted(subject: Simulated) -> bool:
    said = [
        one["extension"][0]["valueDateTime"] == subject.course.diagnosis_text < one["recordedDate"]
        for one in of(subject, "Condition")
        if "extension" in one and "onsetDateTime" not in one
    ]
    return said == [True]


def _suspected(subject: Simulated) -> bool:
    statuses = {
        one["onsetDateTime"]: one["verificationStatus"]["coding"][0]["code"]
        for one in of(subject, "Condition")
        if "onsetDateTime" in one
    }
    return statuses[min(statuses)] == "differential" and statuses[subject.course.diagnosis_text] == "confirmed"


def _second_cancer(subject: Simulated) -> bool:
    other = "C61" if subject.course.sex == "male" else "C50.9"
    found = [one for one in of(subject, "Condition") if _diagnosis(one) == other]
    return [one["clinicalStatus"]["coding"][0]["code"] for one in found] == ["remission"]


def _no_calls(subject: Simulated) -> bool:
    return not any("C124415" in json.dumps(one) for one in of(subject, "Observation"))


def _untested(subject: Simulated) -> bool:
    panels = [one for one in of(subject, "Observation") if one["code"]["coding"][0]["code"] == "53041-0"]
    names = {part["valueCodeableConcept"]["coding"][0]["display"] for one in panels for part in one["component"]}
    left_out = {gene for _, one in subject.habits.planted for gene in one.truth.removeprefix("UNTESTED=").split()}
    tested = subject.course.variant_day is not None
    return bool(names) == bool(left_out) == tested and not names & left_out


def _surgery(subject: Simulated) -> bool:
    found = [one["code"]["text"] for one in of(subject, "Procedure")]
    start = subject.course.first_dose or subject.course.end
    return ("Cataract surgery" in found) == (start + 30 <= subject.course.end)


WHAT: dict[str, Callable[[Simulated], bool]] = {
    "orders": _orders,
    "open-ended": _open,
    "earlier-line": _earlier,
    "asserted": _asserted,
    "suspected": _suspected,
    "second-cancer": _second_cancer,
    "no-calls": _no_calls,
    "untested-genes": _untested,
    "unrelated-surgery": _surgery,
}


@pytest.mark.parametrize("habit", sorted(WHAT))
def test_a_habit_is_what_its_line_says(habit: str) -> None:
    assert [one.course.subjid for one in made(habit) if not WHAT[habit](one)] == []
    assert [one.course.subjid for one in made() if not WHAT[habit](one)] != []


def test_a_second_line_is_another_study_drug_from_the_day_of_new_therapy() -> None:
    names = {drug.name.capitalize() for drug in load_study(STUDY).drugs}
    found = 0
    for subject, new in changed("second-line"):
        doses = [one for one in new if one["resourceType"] == "MedicationAdministration"]
        assert {one["medicationCodeableConcept"]["text"] for one in doses} <= names
        taken = {drug.capitalize() for drug in subject.course.drugs}
        assert not {one["medicationCodeableConcept"]["text"] for one in doses} & taken
        starts = [min(re.findall(r"\d{4}-\d\d-\d\d", json.dumps({**one, "meta": ""}))) for one in doses]
        assert not starts or min(starts) == iso(subject.course.new_therapy or 0)
        found += bool(doses)
    assert found


def test_close_scans_have_the_results_of_the_scan_three_days_before() -> None:
    found = 0
    for subject, new in changed("close-scans"):
        days = {one.get("effectiveDateTime") for one in new if one["resourceType"] == "Observation"}
        assert days <= {iso(subject.course.assessments[1].day + 3)} if new else not days
        found += bool(new)
    assert found


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def test_time_zones_name_instants_of_the_day_that_was_written() -> None:
    offsets = set()
    for clean, subject in zip(made(), made("time-zones"), strict=True):
        for before, after in zip(clean.resources, subject.resources, strict=True):
            for name in ("effectiveDateTime", "deceasedDateTime"):
                if before.get(name) != after.get(name):
                    here = _instant(after[name]).astimezone(_instant("2020-01-01T00:00:00+08:00").tzinfo)
                    assert here.isoformat() == f"{before[name][:10]}T06:30:00+08:00"
                    offsets.add(after[name][-1])
    assert offsets == {"0", "Z"}


def test_a_redelivery_comes_before_or_after_by_its_name_and_has_no_version() -> None:
    for subject in made("redelivery"):
        older, newer = sorted(subject.deliveries, key=lambda one: one[1] is subject.resources)
        assert (older[0] < newer[0]) == bool(subject.course.index % 2)
        assert not any({"versionId", "lastUpdated"} & set(one["meta"]) for one in (*older[1], *newer[1]))
        assert not any(key.startswith("deceased") for key in older[1][0])
        ids = [{one["id"] for one in resources} for _, resources in (older, newer)]
        assert ids[0] <= ids[1] and not texts(older[1]) <= texts(newer[1])


def test_two_sites_have_the_same_ids_at_different_servers(tmp_path: Path) -> None:
    simulate(Order(load_study(STUDY), 7, 4, habits=("two-sites",)), tmp_path)
    servers: dict[str, set[str]] = {}
    for path in sorted((tmp_path / "fhir").iterdir()):
        for entry in json.loads(path.read_text(encoding="utf-8"))["entry"]:
            server, kind, ident = entry["fullUrl"].rsplit("/", 2)
            assert f"{kind}/{ident}" == f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
            servers.setdefault(server, set()).add(f"{kind}/{ident}")
    first, second = servers.values()
    assert {"Patient/1-1", "Patient/2-1"} == {one for one in first & second if one.startswith("Patient/")}


@pytest.mark.parametrize(
    ("habits", "form", "said"),
    [
        (("sundays",), "bundles", "habit 'sundays' does not exist (there are: orders, "),
        (
            ("death-year", "death-flag"),
            "bundles",
            "habits death-flag and death-year: a death can be written in one way",
        ),
        (("two-sites",), "ndjson", "habit two-sites: NDJSON names no server; use bundles"),
    ],
)
def test_habits_that_cannot_be_written_are_refused(habits: tuple[str, ...], form: Any, said: str) -> None:
    with pytest.raises(HabitError, match=re.escape(said)):
        Order(load_study(STUDY), format=form, habits=habits)


def test_the_command_plants_habits_and_refuses_unknown_ones(tmp_path: Path) -> None:
    words = ("simulate", "apatinib-camrelizumab", "--patients", 2, "--out", tmp_path / "out")
    assert "'sundays' is not one of" in call(*words, "--habit", "sundays").output
    done = call(*words, "--habit", "death-flag", "--habit", "death-year")
    assert (done.exit_code, done.output) == (
        1,
        "Error: habits death-flag and death-year: a death can be written in one way only\n",
    )
    assert call(*words, "--habit", "orders", "--habit", "asserted").exit_code == 0
    assert (tmp_path / "out/truth/habits.csv").is_file()


def test_the_manual_has_a_line_for_every_habit() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"| `{name}` |" not in manual] == []
