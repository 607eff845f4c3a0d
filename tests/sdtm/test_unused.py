"""What nothing reads of mapped resources is counted by type and path, whatever the mapping is.

Device and SupplyDelivery stand for a resource that only the mapping below reads, so that what it reads is known.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fhir2cdisc.converters.run.pipeline import RunOptions, SdtmRun, build_sdtm
from fhir2cdisc.mappings.quiet import is_quiet, quiet
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.sdtm.rows.resources import Resource
from fhir2cdisc.sdtm.rows.unused import COLUMNS, unused

EVERYONE = Study.model_validate({"id": "s", "studyid": "S", "title": "S", "cohort": {"membership": "all"}})
MAPPING = """
domain = "XB"
keys = ["STUDYID", "USUBJID", "XBTERM"]
[dataset]
label = "Flags by Hand"
class = "Events"
structure = "One record per flag per subject"
[[variable]]
name = "STUDYID"
core = "Req"
[[variable]]
name = "DOMAIN"
core = "Req"
[[variable]]
name = "USUBJID"
core = "Req"
[[variable]]
name = "XBSEQ"
label = "Sequence Number"
type = "Num"
role = "Identifier"
core = "Req"
[[variable]]
name = "XBTERM"
label = "Term"
role = "Topic"
type = "Char"
core = "Req"
[[variable]]
name = "XBDTC"
label = "Date"
role = "Timing"
type = "Char"
core = "Exp"
[[source]]
name = "flag"
resource = "Flag"
where = "status = 'active'"
[source.variables]
XBTERM = { concept = "code" }
XBDTC = { path = "period.start", as = "dtc" }
[source.supp]
FIRST = { concept = "bodySite.first()", label = "First Site" }
KEPT = { path = "extension('http://example.org/kept').value", label = "Kept" }
HIGH = { path = "component.where(code.coding.code = 'high').value", as = "result", label = "High" }
MADE = { path = "device.resolve().maker", label = "Maker" }
"""
RACE = "extension('http://hl7.org/fhir/us/core/StructureDefinition/us-core-race')"
PATIENT = {"resourceType": "Patient", "id": "p"}


def flag(number: int = 1, **more: Any) -> dict[str, Any]:
    made = {"resourceType": "Flag", "id": f"f{number}", "status": "active", "subject": {"reference": "Patient/p"}}
    return {**made, "code": {"coding": [{"system": "http://example.org", "code": "F-1", "display": "Fall"}]}, **more}


def component(code: str, value: int) -> dict[str, Any]:
    return {"code": {"coding": [{"code": code}]}, "valueQuantity": {"value": value, "unit": "mm"}}


Run = Callable[..., SdtmRun]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    mapping = tmp_path / "xb.toml"
    mapping.write_text(MAPPING, encoding="utf-8")

    def made(*resources: dict[str, Any], **options: Any) -> SdtmRun:
        source = tmp_path / "in.ndjson"
        source.write_text("".join(json.dumps(one) + "\n" for one in (PATIENT, *resources)), encoding="utf-8")
        return build_sdtm([source], EVERYONE, RunOptions(mappings=(mapping,), **options))

    return made


def of(made: SdtmRun, kind: str = "Flag") -> dict[str, tuple[int, int, str]]:
    frame = unused(made.accounts)
    mine = frame[frame["RESOURCE"] == kind]
    return {row.PATH: (row.RESOURCES, row.OF, row.CODE) for row in mine.itertuples(index=False)}


# fmt: off
READ = [
    ({}, {}, "status is a condition, the code a variable, its display a twin"),
    ({"period": {"start": "2021-01-01"}}, {}, "read"),
    ({"period": {"start": "2021-01-01", "end": "2021-02-01"}}, {"period.end": "F-1"}, "half of the period is dropped"),
    ({"bodySite": [{"text": "left"}, {"text": "right"}]}, {"bodySite, beyond the first": "F-1"}, "first() leaves one"),
    ({"extension": [{"url": "http://example.org/kept", "valueString": "x"}]}, {}, "read"),
    ({"extension": [{"url": "http://example.org/lost", "valueCode": "x"}]},
     {"extension('http://example.org/lost').valueCode": "F-1"}, "another extension"),
    ({"extension": [{"url": "http://example.org/lost", "extension": [{"url": "in", "valueDate": "2021-01-01"}]}]},
     {"extension('http://example.org/lost').extension('in').valueDate": "F-1"}, "an extension in another"),
    ({"component": [component("high", 1)]}, {}, "the component that the path asks for"),
    ({"component": [component("high", 1), component("low-2", 2)]}, {"component.valueQuantity": "low-2"},
     "its neighbour is dropped: its code is named"),
    ({"note": [{"text": "a note"}]}, {"note.text": "F-1"}, "a note is seen, its words are not shown"),
    ({"meta": {"profile": ["http://example.org"]}, "text": {"status": "generated", "div": "<div/>"}}, {}, "technical"),
    ({"encounter": {"reference": "Encounter/e"}, "author": {"reference": "Practitioner/a"}}, {}, "a link"),
]
# fmt: on


@pytest.mark.parametrize(("more", "expected", "why"), READ, ids=[str(why) for _, _, why in READ])
def test_what_no_mapping_reads_is_named_with_the_code_of_its_resource(
    run: Run, more: dict[str, Any], expected: dict[str, str], why: str
) -> None:
    assert of(run(flag(**more))) == {path: (1, 1, code) for path, code in expected.items()}, why


def test_counts_are_of_resources_and_the_most_frequent_code_is_named(run: Run) -> None:
    other = {"coding": [{"code": "F-2"}]}
    flags = [flag(1, note=[{"text": "x"}]), flag(2, note=[{"text": "y"}], code=other), flag(3)]
    made = run(*flags, flag(4, note=[{"text": "z"}, {"text": "and more"}], code=other))
    assert of(made) == {"note.text": (3, 4, "F-2"), "note.text, beyond the first": (1, 4, "F-2")}


def test_resources_that_no_mapping_claims_are_not_counted_here(run: Run) -> None:
    assert of(run(flag(1), flag(2, status="inactive", note=[{"text": "x"}]))) == {}


def test_what_is_read_through_a_reference_is_read_and_the_rest_of_that_resource_is_not(run: Run) -> None:
    pump = {"resourceType": "Medication", "id": "m", "maker": "x", "batch": {"lotNumber": "7"}}
    made = run(pump, flag(1, device={"reference": "Medication/m"}), flag(2, device={"reference": "Medication/m"}))
    assert of(made, "Medication") == {"batch.lotNumber": (1, 1, "")}, "one Medication, though two point at it"
    assert of(made) == {}


def test_what_is_contained_is_looked_at_too(run: Run) -> None:
    pump = {"resourceType": "Medication", "id": "m", "maker": "x", "batch": {"lotNumber": "7"}}
    assert of(run(flag(contained=[pump], device={"reference": "#m"}))) == {"contained.batch.lotNumber": (1, 1, "F-1")}


def test_the_line_is_one_that_a_mapping_may_hold(run: Run, tmp_path: Path) -> None:
    lost = {"extension": [{"url": "http://example.org/lost", "valueDateTime": "2021-01-01"}]}
    (line,) = unused(run(flag(**lost)).accounts)["LINE"]
    path = "extension('http://example.org/lost').valueDateTime"
    assert line == f'XB source.supp: NAME = {{ path = "{path}", as = "dtc", label = "LABEL" }}'
    mapping = tmp_path / "more.toml"
    written = MAPPING.replace("MADE = {", line.removeprefix("XB source.supp: ") + "\nMADE = {")
    mapping.write_text(written, encoding="utf-8")
    made = build_sdtm([tmp_path / "in.ndjson"], EVERYONE, RunOptions(mappings=(mapping,)))
    assert made.sdtm.frames["SUPPXB"].query("QNAM == 'NAME'")["QVAL"].tolist() == ["2021-01-01"]
    assert of(made) == {}


def test_the_frame_does_not_depend_on_buckets_workers_or_the_order_of_lines(run: Run) -> None:
    flags = [flag(n, note=[{"text": str(n)}], period={"end": "2021-01-01"} if n % 2 else {}) for n in range(6)]
    patients = [{**one, "subject": {"reference": f"Patient/p{n}"}} for n, one in enumerate(flags)]
    people = [{"resourceType": "Patient", "id": f"p{n}"} for n in range(6)]
    first = unused(run(*people, *patients).accounts)
    for again in (run(*patients[::-1], *people[::-1]), run(*people, *patients, buckets=2)):
        pd.testing.assert_frame_equal(unused(again.accounts), first)


def test_without_anything_mapped_the_frame_is_empty(run: Run) -> None:
    assert list(unused(run().accounts).columns) == COLUMNS
    assert of(run()) == {}


def test_a_form_tells_codes_and_elements_apart_and_no_values_of_patients() -> None:
    def form(**more: Any) -> bytes:
        raw = json.dumps({"resourceType": "Flag", **more}).encode()
        head: Any = type("Head", (), {"raw": raw})
        return Resource(head, {}).form

    assert form(note='said "so" 12', n=1.5) == form(note="x", n=-20)
    assert form(note="x") != form(remark="x")
    assert form(code="1-2") != form(code="1-3"), "digits of a code count"
    assert b"x-ray" not in form(note="x-ray")


@pytest.mark.parametrize(
    ("kind", "path", "expected"),
    [
        ("Condition", "meta.profile", True),
        ("Condition", "metadata", False),
        ("Patient", "name.family", True),
        ("Condition", "name.family", False),
        ("ImagingStudy", "series.uid", True),
        ("ImagingStudy", "series.bodySite", False),
        (
            "Patient",
            "extension('http://hl7.org/fhir/us/core/StructureDefinition/us-core-race').extension('text')",
            True,
        ),
        ("Patient", "extension('http://hl7.org/fhir/us/core/StructureDefinition/us-core-race').extension('x')", False),
    ],
)
def test_what_is_quiet_covers_what_is_below_it_and_no_more(kind: str, path: str, expected: bool) -> None:
    assert is_quiet(kind, path) is expected


def test_every_quiet_element_has_a_reason() -> None:
    assert all(one.reason and one.paths and one.resources for one in quiet())
