"""Every shape in which FHIR comes: the same resources give the same datasets, and what is not read is said.

Shapes by FHIR R4 2.6.2 (XML), 3.2 (Bundle types), Parameters; Bulk Data Access (manifest, deleted, error files).
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import pandas as pd
import pytest
from fhir2cdisc.adam.build import build_adam
from fhir2cdisc.converters.run.pipeline import RunOptions, SdtmRun, build_sdtm
from fhir2cdisc.fhir.simulation.simulate import Order, simulate
from fhir2cdisc.mappings.study import Study, load_study
from support.others import others

Json = dict[str, Any]
Files = dict[str, bytes]
STUDY: Json = {"id": "s", "studyid": "S", "title": "By hand", "cohort": {"membership": "all"}}
P = {"reference": "Patient/p"}
LOINC, ICD, TERM = "http://loinc.org", "http://hl7.org/fhir/sid/icd-10", "Liver <cell> & co"
RESOURCES: list[Json] = [
    {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1960-05-02", "deceasedBoolean": False},
    {
        "resourceType": "Observation",
        "id": "o",
        "status": "final",
        "subject": P,
        "effectiveDateTime": "2024-01-02",
        "code": {"coding": [{"system": LOINC, "code": "718-7", "display": "Hemoglobin"}]},
        "valueQuantity": {"value": 12.10, "unit": "g/dL", "system": "http://unitsofmeasure.org", "code": "g/dL"},
        "referenceRange": [{"low": {"value": 12}, "high": {"value": 16}}],
    },
    {
        "resourceType": "Condition",
        "id": "c",
        "subject": P,
        "code": {
            "coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "C22.0", "display": "Liver <cell> & co"}]
        },
        "extension": [
            {"url": "http://hl7.org/fhir/StructureDefinition/condition-assertedDate", "valueDateTime": "2023-11-05"}
        ],
        "recordedDate": "2023-12-01",
    },
]


def dumped(value: Any) -> bytes:
    # 12.10 keeps its digits, as a hospital writes it.
    return json.dumps(value).replace("12.1,", "12.10,").encode()


def bundle(*resources: Json, **more: Any) -> Json:
    entries = [{"fullUrl": f"http://h/fhir/{one['resourceType']}/{one['id']}", "resource": one} for one in resources]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries, **more}


def xml(resource: Json, inside: bool = False) -> str:
    """A resource as FHIR XML: primitives are attributes, lists are repeated elements, url and id are attributes."""
    kind = resource["resourceType"]
    body = "".join(element(key, value) for key, value in resource.items() if key != "resourceType")
    return f"<{kind}>{body}</{kind}>" if inside else f'<{kind} xmlns="http://hl7.org/fhir">{body}</{kind}>'


def element(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(element(name, one) for one in value)
    if not isinstance(value, dict):
        text = "12.10" if value == 12.1 else json.dumps(value) if isinstance(value, bool) else str(value)
        return f"<{name} value={quoteattr(text)}/>"
    if "resourceType" in value:
        return f"<{name}>{xml(value, inside=True)}</{name}>"
    url = f" url={quoteattr(value['url'])}" if name == "extension" else ""
    body = "".join(element(key, one) for key, one in value.items() if not (name == "extension" and key == "url"))
    return f"<{name}{url}>{body}</{name}>"


def tar(files: Files, mode: str = "w:gz") -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return made.getvalue()


def zipped(files: Files) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return made.getvalue()


def run(folder: Path, files: Files, **sections: Any) -> SdtmRun:
    folder.mkdir(exist_ok=True, parents=True)
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return build_sdtm([folder], Study.model_validate({**STUDY, **sections}), RunOptions())


LINES = b"\n".join(map(dumped, RESOURCES))
WHOLE = dumped(bundle(*RESOURCES))
SHAPES: dict[str, Files] = {
    "a bundle": {"a.json": WHOLE},
    "a bundle in XML": {"a.xml": xml(bundle(*RESOURCES)).encode()},
    "resources in XML": {f"{one['id']}.xml": xml(one).encode() for one in RESOURCES},
    "XML in UTF-16": {"a.xml": ('<?xml version="1.0" encoding="UTF-16"?>' + xml(bundle(*RESOURCES))).encode("utf-16")},
    "an array": {"a.json": b"[" + b",".join(map(dumped, RESOURCES)) + b"]"},
    "Parameters": {
        "a.json": dumped(
            {"resourceType": "Parameters", "parameter": [{"name": "return", "resource": one} for one in RESOURCES]}
        )
    },
    "a bundle in Parameters": {
        "a.json": dumped(
            {
                "resourceType": "Parameters",
                "parameter": [{"name": "x", "part": [{"name": "y", "resource": bundle(*RESOURCES)}]}],
            }
        )
    },
    "a searchset in a batch response": {
        "a.json": dumped(
            {
                "resourceType": "Bundle",
                "type": "batch-response",
                "entry": [{"resource": bundle(*RESOURCES, type="searchset"), "response": {"status": "200 OK"}}],
            }
        )
    },
    "a transaction response": {
        "a.json": dumped(
            {
                "resourceType": "Bundle",
                "type": "transaction-response",
                "entry": [
                    *({"resource": one, "response": {"status": "201 Created"}} for one in RESOURCES),
                    {"response": {"status": "200 OK", "location": "Observation/o/_history/1"}},
                ],
            }
        )
    },
    "NDJSON with another suffix": {"Patient.json": LINES},
    "tar": {"a.tar": tar({"x/a.ndjson": LINES}, "w")},
    "tar.gz": {"a.tar.gz": tar({"x/a.ndjson": LINES})},
    "tgz": {"a.tgz": tar({"a.json": WHOLE})},
    "zip in zip": {"a.zip": zipped({"b.zip": zipped({"a.json": WHOLE})})},
    "tar.gz in zip": {"a.zip": zipped({"b.tar.gz": tar({"a.ndjson": LINES})})},
    "gzip of NDJSON": {"a.ndjson.gz": gzip.compress(LINES)},
    "a member without suffix": {"a.zip": zipped({"export": WHOLE})},
    "a byte order mark": {"a.json": b"\xef\xbb\xbf" + WHOLE},
    "a Bulk Data folder": {
        "manifest.json": dumped(
            {"transactionTime": "2024-02-01T00:00:00Z", "output": [{"type": "Patient", "url": "u"}]}
        ),
        **{f"{one['resourceType']}.000.ndjson": dumped(one) for one in RESOURCES},
    },
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> SdtmRun:
    return run(tmp_path_factory.mktemp("plain"), {"a.ndjson": LINES})


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_the_same_resources_give_the_same_datasets(tmp_path: Path, plain: SdtmRun, shape: str) -> None:
    made = run(tmp_path, SHAPES[shape])
    assert [f.message for f in made.accounts.findings if f.severity == "error"] == []
    assert made.sdtm.frames.keys() == plain.sdtm.frames.keys()
    for name, frame in plain.sdtm.frames.items():
        pd.testing.assert_frame_equal(made.sdtm.frames[name], frame)
    lb = made.sdtm.frames["LB"].iloc[0]
    assert (lb["LBORRES"], lb["LBORNRLO"], made.sdtm.frames["MH"]["MHTERM"].iloc[0]) == (
        "12.10",
        "12",
        "Liver <cell> & co",
    )


def lost(made: SdtmRun) -> set[tuple[str, str]]:
    return {(f.rule, f.severity) for f in made.accounts.findings if f.severity != "info"}


def test_xml_with_a_document_type_is_refused_and_the_rest_goes_on(tmp_path: Path) -> None:
    evil = '<!DOCTYPE p [<!ENTITY x SYSTEM "/etc/passwd">]><Patient xmlns="http://hl7.org/fhir"><id/></Patient>'
    made = run(tmp_path, {"evil.xml": evil.encode(), "a.json": WHOLE})
    assert len(made.sdtm.frames["DM"]) == 1 and ("file.unreadable", "error") in lost(made)
    assert made.accounts.counts["file", "rejected", "file.unreadable"] == 1


def test_one_bad_entry_does_not_cost_the_bundle(tmp_path: Path) -> None:
    broken = WHOLE.replace(b'"female"', b'"fem\xffale"')
    made = run(tmp_path, {"a.json": dumped(bundle(RESOURCES[0])), "b.json": broken})
    assert made.sdtm.frames["LB"]["LBORRES"].tolist() == ["12.10"]
    assert any(severity == "error" for _, severity in lost(made))


@pytest.mark.parametrize("literal", [b"NaN", b"Infinity", b"-Infinity"])
def test_a_number_that_json_does_not_have_is_absent_and_said(tmp_path: Path, literal: bytes) -> None:
    made = run(tmp_path, {"a.json": WHOLE.replace(b"12.10", literal)})
    assert ("json.nan", "warning") in lost(made) and len(made.sdtm.frames["MH"]) == 1
    assert "NaN" not in made.sdtm.frames.get("LB", pd.DataFrame()).to_csv()


def test_a_deleted_record_is_gone_without_an_error(tmp_path: Path) -> None:
    history = {
        "resourceType": "Bundle",
        "type": "history",
        "entry": [
            {"request": {"method": "DELETE", "url": "Observation/o"}, "response": {"status": "204"}},
            *(
                {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
                for one in RESOURCES
            ),
        ],
    }
    made = run(tmp_path, {"a.json": dumped(history)})
    assert "LB" not in made.sdtm.frames and len(made.sdtm.frames["MH"]) == 1
    assert not any(severity == "error" for _, severity in lost(made))


def test_the_deleted_file_of_a_bulk_export_is_applied(tmp_path: Path) -> None:
    gone = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"request": {"method": "DELETE", "url": "Condition/c"}}],
    }
    made = run(tmp_path, {"a.ndjson": LINES, "deleted.ndjson": dumped(gone)})
    assert "MH" not in made.sdtm.frames and not any(severity == "error" for _, severity in lost(made))


SSN = "http://example.org/mrn"
NAMED = {**RESOURCES[0], "identifier": [{"system": SSN, "value": "77"}]}


@pytest.mark.parametrize(
    ("subject", "found"),
    [
        ({"identifier": {"system": SSN, "value": "77"}}, True),
        ({"reference": f"Patient?identifier={SSN}|77"}, True),
        ({"identifier": {"system": SSN, "value": "78"}}, False),
        ({"reference": f"Patient?identifier={SSN}|78"}, False),
    ],
)
def test_a_subject_is_found_by_its_identifier_or_said(tmp_path: Path, subject: Json, found: bool) -> None:
    made = run(tmp_path, {"a.ndjson": b"\n".join(map(dumped, [NAMED, {**RESOURCES[1], "subject": subject}]))})
    assert ("LB" in made.sdtm.frames) is found
    assert bool(lost(made)) is not found


R5: list[tuple[Json, str, str, str]] = [
    (
        {
            "resourceType": "MedicationStatement",
            "id": "m",
            "status": "recorded",
            "subject": P,
            "medication": {"concept": {"text": "Sorafenib"}},
            "effectiveDateTime": "2024-01-02",
        },
        "CM",
        "CMTRT",
        "Sorafenib",
    ),
    (
        {
            "resourceType": "Encounter",
            "id": "e",
            "status": "completed",
            "class": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}]}],
            "subject": P,
            "actualPeriod": {"start": "2024-01-02", "end": "2024-01-02"},
        },
        "SV",
        "SVSTDTC",
        "2024-01-02",
    ),
    (
        {
            "resourceType": "Procedure",
            "id": "x",
            "status": "completed",
            "subject": P,
            "code": {"text": "Hepatectomy"},
            "occurrenceDateTime": "2024-01-02",
        },
        "PR",
        "PRSTDTC",
        "2024-01-02",
    ),
]


@pytest.mark.parametrize(("resource", "domain", "variable", "value"), R5)
def test_r5_is_read_and_said(tmp_path: Path, resource: Json, domain: str, variable: str, value: str) -> None:
    made = run(tmp_path, {"a.ndjson": b"\n".join(map(dumped, [RESOURCES[0], resource]))})
    assert made.sdtm.frames[domain][variable].tolist() == [value]
    assert any(f.rule == "version.adapted" for f in made.accounts.findings)


@pytest.mark.parametrize(
    ("resource", "version"),
    [
        ({"resourceType": "ReferralRequest", "id": "x"}, "STU3"),
        ({"resourceType": "MedicationOrder", "id": "x"}, "DSTU2"),
        ({"resourceType": "Condition", "id": "x", "subject": P, "assertedDate": "2017-01-01"}, "STU3"),
    ],
)
def test_an_older_version_is_named_and_refused(tmp_path: Path, resource: Json, version: str) -> None:
    made = run(tmp_path, {"a.ndjson": b"\n".join(map(dumped, [*RESOURCES[:2], resource]))})
    said = [f.message for f in made.accounts.findings if f.severity == "error"]
    assert len(said) == 1 and version in said[0] and len(made.sdtm.frames["LB"]) == 1


def test_files_that_are_not_opened_are_in_the_accounts(tmp_path: Path) -> None:
    made = run(
        tmp_path, {"a.json": WHOLE, "scan.pdf": b"%PDF-1.4", "b.zip": zipped({"c.json": WHOLE, "notes.docx": b"PK"})}
    )
    files = {key: n for key, n in made.accounts.counts.items() if key[0] == "file"}
    assert sum(files.values()) == 2
    assert sorted(Path(one.name).name.rpartition("!")[2] for one in made.skipped) == ["notes.docx", "scan.pdf"]


@pytest.mark.slow
def test_xml_and_json_of_a_simulated_study_give_the_same_datasets(tmp_path: Path) -> None:
    study = load_study("lenvatinib-pembrolizumab")
    simulate(Order(study, 5, 3), tmp_path / "sim")
    (tmp_path / "xml").mkdir()
    for path in sorted((tmp_path / "sim" / "fhir").glob("*.json")):
        read = json.loads(path.read_text(encoding="utf-8"))
        (tmp_path / "xml" / f"{path.stem}.xml").write_text(xml(read), encoding="utf-8")
    one, other = (build_sdtm([tmp_path / name], study, RunOptions()).sdtm for name in ("sim/fhir", "xml"))
    assert one.frames.keys() == other.frames.keys()
    for name, frame in one.frames.items():
        pd.testing.assert_frame_equal(frame, other.frames[name])


@pytest.mark.slow
def test_the_exports_of_a_server_say_what_the_resources_say_that_were_loaded_into_it(tmp_path: Path) -> None:
    """System level and patient level against the run on the same 20 synthetic patients, which no server has seen."""
    study = load_study("lenvatinib-pembrolizumab")
    simulate(Order(study, 77, 20), tmp_path / "direct")
    exports = [others("data", "fhir", "hapi_export", name) for name in ("system", "patient")]
    made = [build_sdtm([source], study) for source in (*exports, tmp_path / "direct" / "fhir")]
    frames = [build_adam(one.sdtm.frames, study, None, one.accounts.complete).frames for one in made]
    for name in ("ADTTE", "ADRS", "ADAE"):
        # The site is an Organization, which a patient-level export does not have; that it was not read is said.
        system, patient, direct = (frame[name] for frame in frames)
        pd.testing.assert_frame_equal(system, direct)
        pd.testing.assert_frame_equal(*(one.drop(columns="SITEID", errors="ignore") for one in (system, patient)))
    assert any(f.rule == "reference.dangling" for f in made[1].accounts.findings)
    assert len(frames[0]["ADTTE"]) > 100
    # The study itself is not in a patient-level export: what to put into the study file is said.
    said = [f.message for f in made[1].accounts.findings if f.rule == "study.assumed"]
    assert len(said) == 1 and "research_study = [" in said[0]
