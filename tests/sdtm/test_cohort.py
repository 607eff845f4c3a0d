"""Which resources are about nobody: HTEST of FHIR's own labels, and the tag of the simulator."""

from __future__ import annotations

from typing import Any

import pytest
from fhir2cdisc.sdtm.rows.cohort import is_synthetic

HTEST = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST"}
OURS = {"system": "urn:fhir2cdisc:tag", "code": "synthetic"}


@pytest.mark.parametrize(
    ("meta", "synthetic"),
    [
        ({"security": [HTEST]}, True),
        ({"tag": [{"code": "other"}, HTEST]}, True),
        ({"tag": [OURS]}, True),
        ({"tag": [{"code": "HTEST"}]}, False),  # a code of no system says nothing
        ({"tag": [{"system": OURS["system"], "code": "other"}]}, False),
        ({"tag": OURS}, False),
        ({"tag": "synthetic"}, False),
        ({"tag": [None, 5]}, False),
        ({"versionId": "1"}, False),
        ([], False),
        (None, False),
    ],
)
def test_what_is_marked_as_synthetic(meta: Any, synthetic: bool) -> None:
    assert is_synthetic({"resourceType": "Patient", "meta": meta}) == synthetic
