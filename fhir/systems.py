"""Names of code systems: what other names than the one that FHIR R4 gives it a system goes by.

A CDA or HL7 v2 converter writes OIDs, others the address of a system's site. A coding with such a name means the same
as one with the canonical URL (FHIR R4, section 4.3.0 and `NamingSystem`), by which all tables and paths go.
"""

from __future__ import annotations

from typing import Any

_OIDS = {
    "2.16.840.1.113883.6.1": "http://loinc.org",
    "2.16.840.1.113883.6.96": "http://snomed.info/sct",
    "2.16.840.1.113883.6.8": "http://unitsofmeasure.org",
    "2.16.840.1.113883.6.3": "http://hl7.org/fhir/sid/icd-10",
    "2.16.840.1.113883.6.90": "http://hl7.org/fhir/sid/icd-10-cm",
    "2.16.840.1.113883.6.103": "http://hl7.org/fhir/sid/icd-9-cm",
    "2.16.840.1.113883.6.42": "http://hl7.org/fhir/sid/icd-9-cm",
    "2.16.840.1.113883.6.43.1": "http://terminology.hl7.org/CodeSystem/icd-o-3",
    "2.16.840.1.113883.6.73": "http://www.whocc.no/atc",
    "2.16.840.1.113883.6.88": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "2.16.840.1.113883.6.69": "http://hl7.org/fhir/sid/ndc",
    "2.16.840.1.113883.6.256": "http://radlex.org/RID",
    "2.16.840.1.113883.12.292": "http://hl7.org/fhir/sid/cvx",
}
ALIASES = {
    **{name: system for oid, system in _OIDS.items() for name in (oid, f"urn:oid:{oid}")},
    "https://loinc.org": "http://loinc.org",
    "http://loinc.org/": "http://loinc.org",
    "http://www.loinc.org": "http://loinc.org",
    "https://snomed.info/sct": "http://snomed.info/sct",
    "http://snomed.info/sct/": "http://snomed.info/sct",
    "https://www.whocc.no/atc": "http://www.whocc.no/atc",
    "https://unitsofmeasure.org": "http://unitsofmeasure.org",
}


def may_have_aliases(raw: bytes) -> bool:
    """Whether the JSON of a resource may name a system by another name, so that most are not walked through."""
    return (
        b"2.16.840.1.113883." in raw
        or b'loinc.org/"' in raw
        or b"www.loinc" in raw
        or b"https://loinc" in raw
        or b'/sct/"' in raw
        or b"https://snomed" in raw
        or b"https://www.whocc" in raw
        or b"https://unitsof" in raw
    )


def with_canonical_systems(value: Any) -> Any:
    """JSON with each element `system` that is an alias replaced by the canonical URL; changes the value in place."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "system" and isinstance(item, str):
                value[key] = ALIASES.get(item, item)
            elif isinstance(item, (dict, list)):
                with_canonical_systems(item)
    elif isinstance(value, list):
        for item in value:
            with_canonical_systems(item)
    return value
