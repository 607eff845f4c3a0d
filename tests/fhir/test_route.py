"""Stage one: whose a resource is, what is booked, and that buckets depend on the input only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fhir2cdisc.fhir.route import (
    bucket_names,
    bucket_of,
    read_bucket,
    route,
    route_document,
)
from fhir2cdisc.fhir.servers import plain_reference
from fhir2cdisc.fhir.sources import Document

MAPPED = frozenset({"Patient", "Observation", "ResearchSubject", "Condition"})
PATIENT = {"resourceType": "Patient", "id": "1"}


def write(folder: Path, *resources: Any, name: str = "x.json") -> Document:
    """A bundle file; a pair is (fullUrl, resource)."""
    pairs = [r if isinstance(r, tuple) else ("", r) for r in resources]
    bundle = {"resourceType": "Bundle", "entry": [{"fullUrl": url, "resource": one} for url, one in pairs]}
    (folder / name).write_text(json.dumps(bundle))
    return Document(name, str(folder / name))


def observation(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "id": "o", **more}


SUBJECTS = [
    ("relative", {"reference": "Patient/1"}),
    ("absolute", {"reference": "https://host/fhir/Patient/1"}),
    ("with a version", {"reference": "Patient/1/_history/3"}),
    ("by full URL", {"reference": "urn:uuid:abc"}),
]


@pytest.mark.parametrize(("case", "subject"), SUBJECTS)
def test_every_form_of_reference_finds_the_patient(tmp_path: Path, case: str, subject: dict[str, str]) -> None:
    document = write(tmp_path, ("urn:uuid:abc", PATIENT), observation(subject=subject))
    routed, _ = route_document(document, MAPPED)
    assert {r.subject for r in routed} == {"Patient/1"}, case


def test_a_patient_without_id_is_found_by_its_full_url(tmp_path: Path) -> None:
    document = write(
        tmp_path,
        ("urn:uuid:abc", {"resourceType": "Patient"}),
        ("urn:uuid:def", {"resourceType": "Observation", "subject": {"reference": "urn:uuid:abc"}}),
    )
    routed, accounts = route_document(document, MAPPED)
    assert [r.subject for r in routed] == ["Patient/abc", "Patient/abc"]
    assert accounts.counts.total() == 0


def test_a_reference_across_files_of_a_cut_bundle_meets_its_patient(tmp_path: Path) -> None:
    document = write(tmp_path, observation(subject={"reference": "urn:uuid:abc"}))
    routed, _ = route_document(document, MAPPED)
    assert [r.subject for r in routed] == ["Patient/abc"]


BOOKED = [
    ({"resourceType": "Spaceship", "id": "1"}, "rejected", "resource.unknown-type"),
    ({"id": "1"}, "rejected", "resource.no-type"),
    ({"resourceType": 5}, "rejected", "resource.header"),
    ({"resourceType": "MedicationOrder"}, "rejected", "version.type"),
    ({"resourceType": "Observation"}, "rejected", "subject.missing"),
    ({"resourceType": "Observation", "subject": [{"reference": "Patient/1"}]}, "rejected", "subject.missing"),
    ({"resourceType": "Observation", "subject": {"reference": 5}}, "rejected", "subject.missing"),
    ({"resourceType": "Observation", "subject": {"reference": "#me"}}, "rejected", "subject.missing"),
    ({"resourceType": "Claim"}, "not needed", "no mapping reads this resource type"),
    ({"resourceType": "Account", "subject": [{"reference": "Patient/1"}]}, "not needed", None),
    ("text", "rejected", "resource.header"),
    (None, "rejected", "bundle.entry-empty"),
]


@pytest.mark.parametrize(("resource", "outcome", "reason"), BOOKED)
def test_what_is_not_routed_is_booked_once(tmp_path: Path, resource: Any, outcome: str, reason: str | None) -> None:
    routed, accounts = route_document(write(tmp_path, resource), MAPPED)
    assert routed == []
    ((_, booked, why),) = accounts.counts
    assert booked == outcome
    assert reason is None or why == reason
    assert len(accounts.rows) == 1
    assert len(accounts.findings) == (1 if outcome == "rejected" else 0)


def test_buckets_hold_every_resource_once_in_an_order_of_the_input(tmp_path: Path) -> None:
    patients = [{"resourceType": "Patient", "id": str(i)} for i in range(20)]
    one = write(tmp_path, *patients[:10], name="a.json")
    two = write(tmp_path, *patients[10:], name="b.json")
    found = []
    for number, tasks in enumerate([[[one], [two]], [[two], [one]], [[one, two]]]):
        folder = tmp_path / f"buckets{number}"
        folder.mkdir()
        for task, documents in enumerate(tasks):
            route(documents, folder, 4, MAPPED, task)
            route(documents, folder, 4, MAPPED, task)  # a task may run twice
        found.append([[r.id for r in read_bucket(folder, name)] for name in bucket_names(folder)])
    assert found[0] == found[1] == found[2]
    assert sorted(i for bucket in found[0] for i in bucket) == sorted(p["id"] for p in patients)


def test_a_part_that_a_broken_task_left_is_not_read_twice(tmp_path: Path) -> None:
    document = write(tmp_path, PATIENT)
    name = f"{bucket_of('Patient/1', 4):05d}"
    (tmp_path / f"{name}.0.part").write_bytes(b"half a record")
    route([document], tmp_path, 4, MAPPED, 0)
    assert [r.id for r in read_bucket(tmp_path, name)] == ["1"]


def test_a_bucket_is_the_same_on_every_machine() -> None:
    # CRC-32 of the text: 0xcbf43926 is the check value of the polynomial for 123456789.
    assert bucket_of("123456789", 1 << 32) == 0xCBF43926


REFERENCES = [
    ("Patient/1", "Patient/1"),
    ("https://h/fhir/Patient/1/_history/2", "Patient/1"),
    ("urn:uuid:1", "urn:uuid:1"),
    ("Patient?identifier=a|b", "Patient?identifier=a|b"),
    ("#x", "#x"),
    ("", ""),
]


@pytest.mark.parametrize(("reference", "plain"), REFERENCES)
def test_a_reference_without_server_and_version(reference: str, plain: str) -> None:
    assert plain_reference(reference) == plain
