"""`fhir2cdisc run` and `sdtm` on bad input: one clear sentence, exit code not 0, no half package; privacy; orders."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pyreadstat
import pytest
from click.testing import Result
from fhir2cdisc.converters.run import write as package_write
from support.command import call

STUDY = """
id = "bad-input"
studyid = "BAD-INPUT"
title = "Bad input"
[cohort]
membership = "all"
"""
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "gender": "female",
    "birthDate": "1960-05-01",
}
LOINC = "http://loinc.org"


def observation(identifier: str = "o1", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": identifier,
        "status": "final",
        "subject": {"reference": "Patient/p1"},
        "code": {"coding": [{"system": LOINC, "code": "29463-7"}]},
        "effectiveDateTime": "2024-03-01",
        "valueQuantity": {"value": 70, "code": "kg", "unit": "kg"},
        **more,
    }


def bundle(*resources: Any) -> bytes:
    return json.dumps({"resourceType": "Bundle", "entry": [{"resource": r} for r in resources]}).encode()


class Bench:
    """A folder with a study, its input and its output."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.source, self.out = folder, folder / "in", folder / "out"
        self.source.mkdir()
        self.study = folder / "study.toml"
        self.study.write_text(STUDY)

    def put(self, content: bytes, name: str = "a.json") -> Path:
        (self.source / name).write_bytes(content)
        return self.source / name

    def run(self, *options: str, command: str = "sdtm", source: Path | None = None) -> Result:
        return call(command, source or self.source, "--study", self.study, "--out", self.out, *options)

    def refused(self, words: str, *options: str, source: Path | None = None) -> None:
        """The run ends with code 1 (2 for a wrong option), one sentence on one line, and nothing is left behind."""
        before = sorted(self.folder.rglob("*"))
        done = self.run(*options, source=source)
        assert done.exit_code in (1, 2), done.output
        assert not isinstance(done.exception, Exception) or isinstance(done.exception, SystemExit), done.exception
        (line,) = [one for one in done.output.splitlines() if one.startswith("Error:")]
        assert words in line
        assert sorted(self.folder.rglob("*")) == before, "no half-written package"

    def kept(self, rule: str, *options: str) -> None:
        """The good patient is kept; what is wrong is in the findings under `rule`."""
        done = self.run(*options)
        assert done.exit_code == 0, done.output
        findings = pd.read_csv(self.out / "findings" / "findings.csv")
        assert rule in set(findings["rule"]), findings["rule"].tolist()
        dm, _ = pyreadstat.read_xport(self.out / "sdtm" / "dm.xpt")
        assert len(dm) == 1
        (first, *_) = done.output.splitlines()
        numbers = [int(word) for word in first.split() if word.isdigit()]
        assert numbers[0] == sum(numbers[1:]), first

    def frame(self, domain: str) -> pd.DataFrame:
        frame, _ = pyreadstat.read_xport(self.out / "sdtm" / f"{domain}.xpt")
        return frame


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


NOTHING_MADE: list[tuple[str, bytes, str]] = [
    ("not JSON", b"<html></html>", "not valid JSON"),
    ("truncated", bundle(PATIENT)[:-10], "ends too early"),
    ("empty file", b"", "not valid JSON"),
    ("no resourceType", b'{"id": "x"}', "has no resourceType"),
    ("unknown type", b'{"resourceType": "Spaceship", "id": "x"}', "no resource type of FHIR R4"),
    ("type of R5", b'{"resourceType": "GenomicStudy", "id": "x"}', "no usable Patient resource was read"),
    ("type of DSTU2", b'{"resourceType": "MedicationOrder", "id": "x"}', "is a resource type of DSTU2"),
    ("dangling subject", bundle(observation()), "no usable Patient resource was read"),
    ("no patient named", bundle(observation(subject=None)), "names no patient"),
    (
        "nested 100,000 deep",
        b'{"resourceType":"Patient","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "too deeply",
    ),
    ("a list", b"[]", "no usable Patient resource was read"),
    ("empty bundle", bundle(), "no usable Patient resource was read"),
]


@pytest.mark.parametrize(("case", "content", "words"), NOTHING_MADE, ids=[n[0] for n in NOTHING_MADE])
def test_input_of_which_nothing_can_be_made_is_one_sentence(
    bench: Bench, case: str, content: bytes, words: str
) -> None:
    bench.put(content)
    bench.refused(words)


R5 = {
    "resourceType": "MedicationStatement",
    "id": "m",
    "subject": {"reference": "Patient/p1"},
    "medication": {},
}
STU3 = {
    "resourceType": "Condition",
    "id": "c",
    "subject": {"reference": "Patient/p1"},
    "assertedDate": "2017",
}
NESTED = json.dumps({"resourceType": "Observation", "id": "o"}).encode()
for _ in range(12):
    NESTED = b'{"resourceType": "Bundle", "type": "collection", "entry": [{"resource": ' + NESTED + b"}]}"
NESTED = bundle(PATIENT)[:-2] + b', {"resource": ' + NESTED + b"}]}"
BAD_BESIDE_GOOD: list[tuple[str, bytes, str]] = [
    ("R5 element", bundle(PATIENT, R5), "version.adapted"),
    ("STU3 element", bundle(PATIENT, STU3), "version.element"),
    ("unknown type", bundle(PATIENT, {"resourceType": "Spaceship"}), "resource.unknown-type"),
    ("missing type", bundle(PATIENT, {"id": "x"}), "resource.no-type"),
    ("no object", bundle(PATIENT, 5), "resource.header"),
    ("too many bundles in bundles", NESTED, "bundle.nested"),
    ("impossible date", bundle(PATIENT, observation(effectiveDateTime="2020-13-45")), "date.impossible"),
    (
        "another's record",
        bundle(PATIENT, observation(subject={"reference": "Patient/p2"})),
        "subject.no-patient",
    ),
    (
        "dangling encounter",
        bundle(PATIENT, observation(encounter={"reference": "Encounter/e"})),
        "reference.dangling",
    ),
    ("same record twice", bundle(PATIENT, observation(), observation()), "resource.duplicate"),
    (
        "older version",
        bundle(
            PATIENT,
            observation(meta={"versionId": "2"}),
            observation(meta={"versionId": "1"}, valueInteger=1),
        ),
        "resource.superseded",
    ),
    ("two contents", bundle(PATIENT, observation(), observation(valueInteger=1)), "resource.conflict"),
    (
        "entered in error",
        bundle(PATIENT, observation(status="entered-in-error")),
        "resource.entered-in-error",
    ),
    ("odd shape", bundle(PATIENT, observation(status=["final", "amended"])), "resource.shape"),
    (
        "unknown unit",
        bundle(PATIENT, observation(valueQuantity={"value": 1, "unit": "stone"})),
        "unit.unknown",
    ),
    (
        "control sign",
        bundle(PATIENT, observation(code={"text": "a\x00b"}, category=[{"coding": [{"code": "exam"}]}])),
        "text.control",
    ),
]


@pytest.mark.parametrize(("case", "content", "rule"), BAD_BESIDE_GOOD, ids=[b[0] for b in BAD_BESIDE_GOOD])
def test_what_is_wrong_is_found_and_the_good_records_are_kept(
    bench: Bench, case: str, content: bytes, rule: str
) -> None:
    bench.put(content)
    bench.kept(rule)


ODD_NUMBERS = [
    "1e400",
    "-1e400",
    "1e-400",
    "1e999999999",
    "1" * 400,
    "123456789012345678901234567890.123456789",
]


@pytest.mark.parametrize("number", ODD_NUMBERS)
def test_a_number_without_measure_is_kept_as_text_only(bench: Bench, number: str) -> None:
    bench.put(
        bundle(PATIENT, observation(valueQuantity={"value": 70, "unit": "[lb_av]"})).replace(b" 70", number.encode())
    )
    done = bench.run()
    assert done.exit_code == 0, done.output
    vs = bench.frame("vs")
    assert len(vs) == 1 and vs["VSORRES"].iloc[0] != ""


@pytest.mark.parametrize(("literal", "words"), [(b"NaN", "json.nan"), (b'"\\ud800"', "rejected: 1")])
def test_json_that_python_would_accept_and_the_standard_does_not_is_said(
    bench: Bench, literal: bytes, words: str
) -> None:
    bench.put(bundle(PATIENT), "good.json")
    bench.put(bundle(observation(valueInteger=987)).replace(b"987", literal), "bad.json")
    done = bench.run()
    assert done.exit_code == 0
    assert words in done.output
    assert len(bench.frame("dm")) == 1


def test_byte_order_mark_blank_lines_and_windows_lines(bench: Bench) -> None:
    lines = [json.dumps(PATIENT), "", "   ", json.dumps(observation()), ""]
    bench.put(b"\xef\xbb\xbf" + "\r\n".join(lines).encode(), "a.ndjson")
    assert bench.run().exit_code == 0
    assert (len(bench.frame("dm")), len(bench.frame("vs"))) == (1, 1)


def test_gzip_zip_with_evil_names_and_links_are_read_without_leaving_the_folder(bench: Bench) -> None:
    bench.put(gzip.compress(bundle(PATIENT)), "a.json.gz")
    with zipfile.ZipFile(bench.source / "b.zip", "w") as archive:
        archive.writestr("../../evil.json", bundle(observation()))
    (bench.source / "link.json").symlink_to("/etc/hostname")
    assert bench.run().exit_code == 0
    assert len(bench.frame("vs")) == 1
    assert not list(bench.folder.parent.rglob("evil.json"))
    assert "link.json" in (bench.out / "findings" / "skipped-files.csv").read_text()


def test_a_wrong_call_is_one_sentence(bench: Bench) -> None:
    bench.refused("no such file or folder", source=bench.folder / "gone")
    bench.refused("holds no .json")
    bench.put(bundle(PATIENT))
    bench.refused("no-such-mapping", "--mapping", str(bench.folder / "no-such-mapping.toml"))
    bench.study.write_text(STUDY + "\ncolour = 1\n")
    bench.refused("colour")
    bench.study.write_text("id = [")
    bench.refused("not TOML")
    bench.study = Path("no-such-study")
    bench.refused("neither a file nor a built-in study")


WRONG_MAPPINGS = [
    ('domain = "VS"', "keys"),
    ("domain = [", "mapping.toml"),
    ('domain = "VS"\nkeys = []\nsource = []\ncolour = 1', "colour"),
    ("{path = 'a..b'}", "source x, VSORRES"),
    ("{path = 'unknown()'}", "not in the subset"),
    ("{path = 'value', codelist = 'NOPE'}", "no codelist NOPE"),
    ("{path = 'value', map = 'nope'}", "no map nope"),
]


@pytest.mark.parametrize(("text", "words"), WRONG_MAPPINGS)
def test_a_wrong_mapping_file_is_one_sentence_that_names_the_place(bench: Bench, text: str, words: str) -> None:
    bench.put(bundle(PATIENT))
    source = 'domain = "VS"\nkeys = []\n[[source]]\nname = "x"\nresource = "Observation"\n'
    source += "[source.variables]\nVSORRES = "
    path = bench.folder / "mapping.toml"
    path.write_text(source + text if text.startswith("{") else text)
    bench.refused(words, "--mapping", str(path))


NAMES = [
    (
        'domain = "ZZ"\nkeys = []',
        "[[source]]\nname = 'x'\nresource = 'Observation'",
        "ZZORRES",
        "no SDTM domain ZZ",
    ),
    (
        'domain = "VS"\nkeys = []',
        "[[source]]\nname = 'x'\nresource = 'Spaceship'",
        "VSORRES",
        "no resource type",
    ),
    (
        'domain = "VS"\nkeys = []',
        "[[source]]\nname = 'x'\nresource = 'Observation'",
        "VSNOPE",
        "no variable VSNOPE",
    ),
]


@pytest.mark.parametrize(("head", "source", "variable", "words"), NAMES)
def test_a_mapping_that_names_what_does_not_exist_is_refused(
    bench: Bench, head: str, source: str, variable: str, words: str
) -> None:
    bench.put(bundle(PATIENT))
    path = bench.folder / "mapping.toml"
    path.write_text(f"{head}\n{source}\n[source.variables]\n{variable} = {{ value = 'x' }}\n")
    bench.refused(words, "--mapping", str(path))


def test_an_output_that_has_no_place_is_said_before_anything_is_read(bench: Bench) -> None:
    bench.put(bundle(PATIENT))
    (bench.folder / "file").write_text("")
    bench.out = bench.folder / "file" / "out"
    bench.refused("cannot be written")
    bench.out = bench.folder / "full"
    bench.out.mkdir()
    (bench.out / "mine.txt").write_text("mine")
    bench.refused("exists and is not empty")
    bench.refused("is not a package", "--replace")
    assert (bench.out / "mine.txt").read_text() == "mine"


def test_a_package_is_replaced_when_that_is_asked_for(bench: Bench) -> None:
    bench.put(bundle(PATIENT))
    assert bench.run().exit_code == 0
    bench.refused("exists and is not empty")
    assert bench.run("--replace").exit_code == 0


def test_a_failure_while_writing_leaves_the_old_package_and_no_new_one(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.put(bundle(PATIENT))
    assert bench.run().exit_code == 0
    before = {p: p.read_bytes() for p in bench.out.rglob("*") if p.is_file()}

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(package_write, "write_define", full)
    bench.refused("No space left on device", "--replace")
    assert {p: p.read_bytes() for p in bench.out.rglob("*") if p.is_file()} == before


def test_text_that_the_asked_encoding_lacks_is_one_sentence(bench: Bench) -> None:
    bench.put(bundle(PATIENT, observation(valueQuantity=None, valueString="中文")))
    bench.refused("ascii", "--encoding", "ascii")
    assert bench.run().exit_code == 0
    assert bench.frame("vs")["VSORRES"].iloc[0] == "中文"


CANARIES = [
    "Zeldakin",
    "MRN-77-1234",
    "+49 30 1234567",
    "Canary Street 9",
    "zelda@example.org",
    "free words of a nurse",
]
PRIVATE: dict[str, Any] = {
    **PATIENT,
    "name": [{"family": CANARIES[0], "given": ["Quux"], "text": CANARIES[0]}],
    "identifier": [
        {
            "type": {"coding": [{"code": "MR"}], "text": "Medical Record Number"},
            "system": "urn:mrn",
            "value": CANARIES[1],
        }
    ],
    "telecom": [{"system": "phone", "value": CANARIES[2]}, {"system": "email", "value": CANARIES[4]}],
    "address": [{"line": [CANARIES[3]], "text": CANARIES[3], "city": "Canary Street 9", "country": "US"}],
    "contact": [{"name": {"family": CANARIES[0]}, "telecom": [{"value": CANARIES[2]}]}],
    "text": {"status": "generated", "div": f"<div>{CANARIES[0]}</div>"},
    "extension": [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName",
            "valueString": CANARIES[0],
        }
    ],
}


def test_what_identifies_a_patient_is_nowhere_in_what_comes_out(bench: Bench) -> None:
    noted = observation(
        note=[{"text": CANARIES[5]}],
        text={"div": CANARIES[5]},
        performer=[{"display": CANARIES[0]}],
        subject={"reference": "Patient/p1", "display": CANARIES[0], "identifier": {"value": CANARIES[1]}},
    )
    broken = observation("o2", subject={"display": CANARIES[0]}, note=[{"text": CANARIES[5]}])
    bench.put(bundle(PRIVATE, noted, broken, {**PRIVATE, "resourceType": "Spaceship"}))
    bench.put(b'{"resourceType": "Patient", "name": [{"family": "Zeldakin"', "cut.json")
    done = bench.run("--deep", command="run")
    assert done.exit_code == 0, done.output
    written = [path for path in bench.out.rglob("*") if path.is_file()]
    assert {path.suffix for path in written} >= {".xpt", ".xml", ".csv", ".json", ".parquet"}
    texts = {"terminal": done.output.encode()}
    texts |= {str(path.relative_to(bench.out)): path.read_bytes() for path in written if path.suffix != ".parquet"}
    for path in written:
        if path.suffix == ".parquet":
            texts[path.name] = pd.read_parquet(path).to_csv().encode()
    leaks = [(name, canary) for name, text in texts.items() for canary in CANARIES if canary.encode() in text]
    assert leaks == []


# Ids, numbers and names of a source that lead to a patient: they stand in lineage and findings, which stay with the
# hospital, and nowhere else.
ID, BORN, FILE = "canary-patient-id", "1955-02-27", "CanaryFileOfZelda.json"
NUMBERS = {
    "Patient": "CANARY-MRN-1",
    "ResearchSubject": "CANARY-MRN-2",
    "AdverseEvent": "CANARY-AE-3",
    "Observation": "CANARY-OBS-4",
    "Specimen": "CANARY-ACC-5",
    "Encounter": "CANARY-VISIT-6",
}


def led_to(kind: str, name: str, **more: Any) -> dict[str, Any]:
    number = [{"system": "urn:hospital", "value": NUMBERS[kind]}] if kind in NUMBERS else []
    record = {"resourceType": kind, "id": f"canary-{name}", "subject": {"reference": f"Patient/{ID}"}, **more}
    return {**record, "identifier": number[0] if kind == "AdverseEvent" and number else number}


def test_nothing_that_leads_to_a_patient_leaves_the_hospital(bench: Bench) -> None:
    nci = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"
    lesion = {
        "focus": [{"reference": "BodyStructure/canary-lesion"}],
        "effectiveDateTime": "2024-01-05",
        "status": "final",
    }
    record_number = {"type": {"coding": [{"code": "MR"}]}, "system": "urn:mrn", "value": NUMBERS["Patient"]}
    given = [
        {"resourceType": "Patient", "id": ID, "gender": "female", "birthDate": BORN, "identifier": [record_number]},
        {
            **led_to("ResearchSubject", "enrolment", status="on-study", period={"start": "2024-01-01"}),
            "individual": {"reference": f"Patient/{ID}"},
            "identifier": [{**record_number, "value": NUMBERS["ResearchSubject"]}],
        },
        led_to("AdverseEvent", "event", actuality="actual", event={"text": "Rash"}, date="2024-02-30"),
        led_to("Encounter", "stay", status="finished", **{"class": {"code": "IMP"}}, period={"start": "2024-01-04"}),
        led_to("Specimen", "sample", accessionIdentifier={"value": NUMBERS["Specimen"]}, receivedTime="2024-01-04"),
        {"resourceType": "BodyStructure", "id": "canary-lesion", "patient": {"reference": f"Patient/{ID}"}},
        led_to(
            "Observation",
            "role",
            code={"coding": [{"system": nci, "code": "C94189"}]},
            valueCodeableConcept={"text": "target"},
            **lesion,
        ),
        led_to(
            "Observation",
            "size",
            code={"coding": [{"system": nci, "code": "C96684"}]},
            valueQuantity={"value": 20, "unit": "mm"},
            **lesion,
        ),
        led_to(
            "Observation",
            "odd",
            code={"coding": [{"system": nci, "code": "C64848"}]},
            valueQuantity={"value": {"x": 1}},
            status="final",
        ),
        {
            **led_to("Observation", "lost"),
            "subject": {"reference": "Patient/canary-somebody-else"},
            "code": {"text": "x"},
        },
    ]
    bench.put(bundle(*given), FILE)
    done = bench.run(command="run")
    assert done.exit_code == 0, done.output
    out = {path.relative_to(bench.out): path.read_bytes() for path in bench.out.rglob("*") if path.is_file()}
    shown = {str(name): text for name, text in out.items() if name.parts[0] not in ("lineage", "findings")}
    shown["terminal"] = done.output.encode()
    told = [*NUMBERS.values(), ID, BORN, "Canary", "canary-", "2024-02-30", FILE]
    assert [(name, one) for name, text in shown.items() for one in told if one.encode() in text] == []
    # What the hospital itself needs is there.
    assert b"canary-" in out[Path("findings/findings.csv")] and FILE.encode() in out[Path("findings/findings.csv")]
    tu, tr = bench.frame("tu"), bench.frame("tr")
    assert set(tu["TULNKID"]) | set(tr["TRLNKID"]) == {"L1"}


DRUG = {"text": "Sorafenib 200 mg"}
ORDER = {
    "resourceType": "MedicationRequest",
    "id": "m",
    "status": "active",
    "intent": "order",
    "subject": {"reference": "Patient/p1"},
    "medicationCodeableConcept": DRUG,
    "authoredOn": "2024-01-02",
}
DRUGS = '\n[[drugs]]\nname = "SORAFENIB"\nterms = ["sorafenib"]\n'


def test_an_order_becomes_exposure_only_where_the_study_says_so(bench: Bench) -> None:
    bench.put(bundle(PATIENT, ORDER))
    bench.study.write_text(STUDY + DRUGS)
    assert bench.run().exit_code == 0
    assert not (bench.out / "sdtm" / "ex.xpt").exists()
    assert bench.frame("cm")["CMTRT"].tolist() == ["Sorafenib 200 mg"]
    bench.study.write_text(STUDY + DRUGS + '\n[reference]\nexposure = ["MedicationRequest"]\n')
    assert bench.run("--replace").exit_code == 0
    assert bench.frame("ex")["EXTRT"].tolist() == ["SORAFENIB"]
    assert not (bench.out / "sdtm" / "cm.xpt").exists()


TREND = {"268910001": "improved", "359746009": "stable", "271299001": "worsened"}


@pytest.mark.parametrize("code", ["97509-4", "88040-1", "21976-6"])
def test_the_trend_of_mcode_never_becomes_a_response(bench: Bench, code: str) -> None:
    resources = [
        observation(
            f"o-{snomed}",
            code={"coding": [{"system": LOINC, "code": code}]},
            valueQuantity=None,
            valueCodeableConcept={"coding": [{"system": "http://snomed.info/sct", "code": snomed, "display": word}]},
        )
        for snomed, word in TREND.items()
    ]
    bench.put(bundle(PATIENT, *resources))
    assert bench.run().exit_code == 0
    frames = [bench.frame(path.stem) for path in (bench.out / "sdtm").glob("*.xpt")]
    values = {value for frame in frames for column in frame for value in frame[column].unique()}
    assert values & {"CR", "PR", "SD", "PD", "NE", "OVRLRESP"} == set()
    assert values >= {"improved", "stable", "worsened"}
