"""Who performed an Observation: one key for one person however it is written (FHIR R4, Reference)."""

from __future__ import annotations

from typing import Any

import pytest
from fhir2cdisc.sdtm.rows.performers import performer

UUID = "urn:uuid:11111111-1111-4111-8111-111111111111"
ADA = {"resourceType": "Practitioner", "id": "ada"}
ROLE = {"resourceType": "PractitionerRole", "id": "r1", "practitioner": {"reference": "Practitioner/ada"}}
READ: dict[str, dict[str, Any]] = {
    UUID: ADA,
    "Practitioner/ada": ADA,
    "PractitionerRole/r1": ROLE,
    "PractitionerRole/nobody": {"resourceType": "PractitionerRole", "id": "nobody"},
    "Organization/core-lab": {"resourceType": "Organization", "id": "core-lab"},
    "#named": {"resourceType": "Practitioner", "id": "named", "name": [{"family": "Lovelace", "given": ["Ada"]}]},
    "#numbered": {"resourceType": "Practitioner", "id": "numbered", "identifier": [{"system": "s", "value": "7"}]},
}
# performers | key | why
CASES = [
    ([{"reference": "Practitioner/ada"}], "Practitioner/ada", "as it is"),
    ([{"reference": UUID}], "Practitioner/ada", "inside a bundle, the resource that was read has the id"),
    ([{"reference": "PractitionerRole/r1"}], "Practitioner/ada", "a role is somebody's"),
    ([{"reference": "PractitionerRole/nobody"}], "PractitionerRole/nobody", "a role of nobody stands for itself"),
    ([{"reference": "https://host/fhir/Practitioner/bob/_history/3"}], "Practitioner/bob", "not read: server, version"),
    ([{"reference": "Organization/core-lab"}, {"reference": "Practitioner/ada"}], "Practitioner/ada", "people first"),
    ([{"reference": "Practitioner/bob"}, {"reference": "Practitioner/ada"}], "Practitioner/bob", "the first person"),
    ([{"reference": "Organization/core-lab"}], "Organization/core-lab", "no person is named"),
    ([{"type": "Organization", "display": "Core lab"}, {"display": "Dr Bob"}], "Dr Bob", "may be a person"),
    ([{"identifier": {"system": "s", "value": "7"}, "display": "Dr X"}], "s|7", "a logical reference"),
    ([{"reference": "#numbered"}], "s|7", "a contained resource has an id of no other resource"),
    ([{"reference": "#named"}], "Lovelace Ada", "or a name"),
    ([{"reference": "#gone"}], "", "nothing is known"),
    ([{"reference": 5}, "odd", {}], "", "not of the shape of FHIR"),
    ([], "", "nobody"),
]


@pytest.mark.parametrize(("references", "key", "why"), CASES, ids=[why for _, _, why in CASES])
def test_one_key_for_one_person(references: list[Any], key: str, why: str) -> None:
    assert performer(references, READ.get) == key


def test_roles_that_point_at_each_other_come_to_an_end() -> None:
    ring = {"resourceType": "PractitionerRole", "id": "ring", "practitioner": {"reference": "PractitionerRole/ring"}}
    assert performer([{"reference": "PractitionerRole/ring"}], {"PractitionerRole/ring": ring}.get) == (
        "PractitionerRole/ring"
    )
