"""The same resource delivered twice: one counts whatever the order of files and lines, and conflicts are said.

Reproduction 3 of the field report on FHIR.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from fhir2cdisc.converters.run.pipeline import SdtmRun, build_sdtm
from fhir2cdisc.mappings.study import Study
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Make = Callable[..., dict[str, Any]]
EVERYONE = Study.model_validate({"id": "s", "studyid": "S", "title": "S", "cohort": {"membership": "all"}})
WEIGHT = {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}


def weight(value: int, **more: Any) -> dict[str, Any]:
    made = {"resourceType": "Observation", "id": "o", "status": "final", "code": WEIGHT}
    return {**made, "subject": {"reference": "Patient/p"}, "valueQuantity": {"value": value, "code": "kg"}, **more}


FIRST, SECOND = {"versionId": "1"}, {"versionId": "2"}
SETTLED = [
    (weight(9, meta=FIRST, status="amended"), weight(1, meta=SECOND), "1", "the version before all else"),
    (weight(9, issued="2021-01-01T00:00:00Z"), weight(1, issued="2021-01-02T00:00:00Z"), "1", "issued later"),
    (
        weight(9, issued="2021-01-01T22:00:00Z", status="amended"),
        weight(1, issued="2021-01-01T18:00:00-05:00"),
        "1",
        "18:00 in the west is 23:00 in UTC",
    ),
    (weight(9, effectiveDateTime="2021-01-01"), weight(1, effectiveDateTime="2021-01-02"), "1", "effective later"),
    (weight(9, status="preliminary"), weight(1), "1", "final over preliminary"),
    (weight(9), weight(1, status="amended"), "1", "amended over final"),
    (weight(9), weight(1, status="corrected"), "1", "corrected over final"),
    (weight(9), weight(1, method={"text": "scale"}), "1", "the fuller"),
]


@pytest.mark.parametrize(("lost", "kept", "value", "why"), SETTLED)
@pytest.mark.parametrize("order", [1, -1])
def test_what_settles_two_deliveries(
    convert: Any, fhir: Make, lost: Any, kept: Any, value: str, why: str, order: int
) -> None:
    made = convert([fhir("Patient", "p"), *[lost, kept][::order]])
    assert made.sdtm.frames["VS"]["VSORRES"].tolist() == [value], why


@pytest.mark.parametrize("order", [1, -1])
def test_a_death_in_either_delivery_is_kept_and_the_element_is_named(convert: Any, fhir: Make, order: int) -> None:
    both = [fhir("Patient", "p"), fhir("Patient", "p", deceasedDateTime="2022-03-01")]
    made = convert(both[::order])
    assert made.sdtm.frames["DM"]["DTHDTC"].tolist() == ["2022-03-01"]
    (found,) = [f for f in made.accounts.findings if f.rule == "resource.conflict"]
    assert found.severity == "warning" and "deceasedDateTime" in found.message and "2022" not in found.message


def test_what_only_one_has_is_kept_where_the_rest_agrees_and_never_mixed(convert: Any, fhir: Make) -> None:
    agree = [fhir("Patient", "p", gender="female"), fhir("Patient", "p", birthDate="1960")]
    dm = convert(agree).sdtm.frames["DM"].iloc[0]
    assert (dm["SEX"], dm["BRTHDTC"]) == ("F", "1960")
    differ = [weight(9, status="amended"), weight(1, effectiveDateTime="2021-01-02")]
    vs = convert([fhir("Patient", "p"), *differ]).sdtm.frames["VS"].iloc[0]
    assert (vs["VSORRES"], vs["VSDTC"]) == ("1", "2021-01-02")


POOL: list[dict[str, Any]] = [
    {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1960-05-04"},
    {"resourceType": "Patient", "id": "p", "gender": "female", "deceasedDateTime": "2022-03-01"},
    {
        "resourceType": "Patient",
        "id": "q",
        "gender": "male",
        "link": [{"other": {"reference": "Patient/z"}, "type": "replaced-by"}],
    },
    {"resourceType": "Patient", "id": "z", "gender": "male", "birthDate": "1950"},
    weight(1),
    weight(2),
    weight(3, status="amended"),
    weight(4, method={"text": "scale"}),
    weight(5, id="o2", subject={"reference": "Patient/q"}),
    weight(6, id="o3", subject={"reference": "Patient/z"}, effectiveDateTime="2021-01-01"),
    weight(7, id="o3", subject={"reference": "Patient/z"}),
]


def hashes(made: SdtmRun) -> dict[str, str]:
    """SHA-256 of each dataset."""
    return {name: hashlib.sha256(frame.to_csv().encode()).hexdigest() for name, frame in made.sdtm.frames.items()}


def deliver(folder: Path, files: dict[str, list[int]]) -> SdtmRun:
    for name, numbers in files.items():
        (folder / f"{name}.ndjson").write_text("\n".join(json.dumps(POOL[n]) for n in numbers))
    return build_sdtm([folder], EVERYONE)


@given(st.data())
@settings(
    max_examples=100 if os.environ.get("FHIR2CDISC_FUZZ") else 8,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
def test_names_splits_and_order_of_files_change_no_dataset(data: st.DataObject) -> None:
    with TemporaryDirectory() as name:
        usual = hashes(deliver(Path(name), {"all": list(range(len(POOL)))}))
    order = data.draw(st.permutations(range(len(POOL))))
    names = data.draw(st.lists(st.sampled_from("abcdefgh"), min_size=len(POOL), max_size=len(POOL)))
    files: dict[str, list[int]] = {}
    for number, file in zip(order, names, strict=True):
        files.setdefault(file, []).append(number)
    with TemporaryDirectory() as name:
        assert hashes(deliver(Path(name), files)) == usual
