"""What inputs state of themselves: bundle timestamps, meta.lastUpdated, the transaction time of a bulk export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fhir2cdisc.fhir.accounts import Accounts
from fhir2cdisc.fhir.route import route_document
from fhir2cdisc.fhir.sources import list_documents

TYPES = frozenset({"Patient"})
MANIFEST = {
    "transactionTime": "2024-05-01T00:00:00Z",
    "request": "$export",
    "output": [{"type": "Patient"}],
}


def patient(updated: str = "") -> dict[str, Any]:
    return {"resourceType": "Patient", "id": "p", **({"meta": {"lastUpdated": updated}} if updated else {})}


def bundle(timestamp: str, *resources: dict[str, Any], **more: Any) -> dict[str, Any]:
    made = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources], **more}
    return {**made, "timestamp": timestamp} if timestamp else made


def read(folder: Path, files: dict[str, Any]) -> Accounts:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
    accounts = Accounts()
    for document in list_documents([folder])[0]:
        accounts.merge(route_document(document, TYPES)[1])
    return accounts


EARLY, LATE, WEST = "2024-01-01T00:00:00Z", "2024-03-01T00:00:00Z", "2024-02-29T23:00:00-05:00"
ORGANISATION = {"resourceType": "Organization", "id": "o"}
# Files | the newest update of any, and of all if every file of patients states one (UTC)
STATED: list[tuple[dict[str, Any], str, str, str]] = [
    ({"a.json": patient(EARLY)}, "2024-01-01T00", "2024-01-01T00", "its own update"),
    ({"a.json": patient(EARLY), "b.json": patient(LATE)}, "2024-03-01T00", "2024-03-01T00", "the newer of both"),
    ({"a.json": patient(LATE), "b.json": patient(WEST)}, "2024-03-01T04", "2024-03-01T04", "instants, not texts"),
    ({"a.json": patient(), "b.json": patient(LATE)}, "2024-03-01T00", "", "one file states nothing"),
    ({"a.json": ORGANISATION, "b.json": patient(LATE)}, "2024-03-01T00", "2024-03-01T00", "no patient's resource"),
    ({"a.json": bundle(LATE, patient(EARLY))}, "2024-03-01T00", "2024-03-01T00", "the bundle"),
    ({"a.json": bundle("", patient(), meta={"lastUpdated": LATE})}, "2024-03-01T00", "2024-03-01T00", "its meta"),
    ({"a.json": bundle("", patient())}, "", "", "nothing"),
    ({"a.json": patient("in spring")}, "", "", "no instant"),
    ({"x/manifest.json": MANIFEST, "x/a.json": patient()}, "2024-05-01T00", "2024-05-01T00", "the export"),
    ({"x/manifest.json": MANIFEST, "x/y/a.json": patient()}, "2024-05-01T00", "2024-05-01T00", "and what is below"),
    ({"x/manifest.json": MANIFEST, "xy/a.json": patient()}, "2024-05-01T00", "", "another folder"),
    ({"x/manifest.json": MANIFEST, "a.json": patient(EARLY)}, "2024-05-01T00", "2024-05-01T00", "each states one"),
]


@pytest.mark.parametrize(("files", "newest", "complete", "why"), STATED)
def test_the_newest_update_that_data_state(
    tmp_path: Path, files: dict[str, Any], newest: str, complete: str, why: str
) -> None:
    accounts = read(tmp_path, files)
    assert (accounts.newest[:13], accounts.complete[:13]) == (newest, complete), why


def test_the_manifest_of_a_bulk_export_is_no_rejected_resource(tmp_path: Path) -> None:
    accounts = read(tmp_path, {"manifest.json": MANIFEST, "a.json": patient()})
    assert accounts.counts == {("", "not needed", "the manifest of a Bulk Data export, no record"): 1}
    assert [(one.rule, one.severity) for one in accounts.findings] == [("bulk.manifest", "info")]
    lone = read(tmp_path / "lone", {"a.json": {"transactionTime": "2024-05-01T00:00:00Z"}})
    assert [one.rule for one in lone.findings] == ["resource.no-type"]
