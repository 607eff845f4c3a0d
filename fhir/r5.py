"""Resources of FHIR R5 in the shape of R4, which the mappings read (hl7.org/fhir/R5, "R4 diff" of each resource).

Elements that R4 has are left alone, so that a resource that is R4 but for one element loses nothing. What has no place
in R4 stays under its own name; what R4 has room for only once is told in `lost`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from fhir2cdisc.fhir.versions import RENAMED_TYPES

Json = dict[str, Any]
_OCCURRENCE = "http://hl7.org/fhir/5.0/StructureDefinition/extension-AdverseEvent.occurrence"

# Elements that have another name only.
_RENAMED = {
    "AdverseEvent": {"code": "event", "occurrenceDateTime": "date", "resultingEffect": "resultingCondition"},
    "Consent": {"subject": "patient", "date": "dateTime"},
    "Encounter": {"actualPeriod": "period", "admission": "hospitalization"},
    "Medication": {"doseForm": "form"},
    "MedicationAdministration": {
        **{
            f"{name}{kind}": f"effective{kind}"
            for name in ("occurence", "occurrence")
            for kind in ("DateTime", "Period")
        },
        "encounter": "context",
    },
    "MedicationStatement": {"encounter": "context"},
    "Procedure": {f"occurrence{kind}": f"performed{kind}" for kind in ("DateTime", "Period", "String", "Age", "Range")},
    "ResearchStudy": {"comparisonGroup": "arm"},
    "ResearchSubject": {
        "subject": "individual",
        "assignedComparisonGroup": "assignedArm",
        "actualComparisonGroup": "actualArm",
    },
}
# Elements of the type CodeableReference: the names of their concept and their reference in R4.
_MEDICATION = {"medication": ("medicationCodeableConcept", "medicationReference")}
_REASON = {"reason": ("reasonCode", "reasonReference")}
_CONCEPT_OR_REFERENCE = {
    "CarePlan": {"addresses": ("", "addresses")},
    "ImagingStudy": {"procedure": ("procedureCode", "procedureReference"), **_REASON},
    "Immunization": _REASON,
    "MedicationAdministration": {**_MEDICATION, **_REASON},
    "MedicationDispense": _MEDICATION,
    "MedicationRequest": {**_MEDICATION, **_REASON},
    "MedicationStatement": {**_MEDICATION, **_REASON},
    "Procedure": {**_REASON, "complication": ("complication", "complicationDetail")},
}
# What R4 calls a status of R5.
_STATUS = {
    "Consent": {"not-done": "rejected"},
    "Encounter": {
        "completed": "finished",
        "discharged": "finished",
        "discontinued": "finished",
        "on-hold": "onleave",
    },
}
_ADHERENCE = {"not-taking": "not-taken", "stopped": "stopped", "on-hold": "on-hold"}


class Adapted(NamedTuple):
    """A resource in the shape of R4, and the elements of which it could not hold all."""

    resource: Json
    lost: tuple[str, ...]


def to_r4(resource: Json) -> Adapted:
    """An R5 resource in the shape of R4; the given one is not changed."""
    kind = str(resource.get("resourceType", ""))
    kind = RENAMED_TYPES.get(kind, kind)
    found: Json = {**resource, "resourceType": kind}
    for old, new in _RENAMED.get(kind, {}).items():
        for mark in ("", "_"):
            if mark + old in found and mark + new not in found:
                found[mark + new] = found.pop(mark + old)
    for name, (concept, reference) in _CONCEPT_OR_REFERENCE.get(kind, {}).items():
        _split(found, name, concept, reference)
    found = found | {"status": _STATUS.get(kind, {}).get(found["status"], found["status"])} if _coded(found) else found
    lost: list[str] = []
    if kind in _MORE:
        _MORE[kind](found, lost)
    contained = found.get("contained")
    if isinstance(contained, list):
        inner = [to_r4(one) if isinstance(one, dict) else Adapted(one, ()) for one in contained]
        found["contained"] = [one.resource for one in inner]
        lost += [f"contained.{name}" for one in inner for name in one.lost]
    return Adapted(found, tuple(lost))


def _coded(found: Json) -> bool:
    return isinstance(found.get("status"), str)


def _split(found: Json, name: str, concept: str, reference: str) -> None:
    """A CodeableReference, or a list of such, as a concept and a reference; what is none is left alone."""
    value = found.get(name)
    parts = [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]
    if not parts or not any(one.keys() & {"concept", "reference"} and "coding" not in one for one in parts):
        return
    if any(isinstance(one.get("reference"), str) for one in parts):
        # A plain Reference, as R4 has it.
        return
    del found[name]
    for new, key in ((concept, "concept"), (reference, "reference")):
        inner = [one[key] for one in parts if key in one]
        if new and inner:
            found[new] = inner if isinstance(value, list) else inner[0]


def _dicts(value: Any) -> list[Json]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _codes(concept: Any) -> list[str]:
    codings = _dicts(concept.get("coding")) if isinstance(concept, dict) else []
    return [one["code"] for one in codings if isinstance(one.get("code"), str)]


def _adverse_event(found: Json, lost: list[str]) -> None:
    period = found.pop("occurrencePeriod", None)
    if isinstance(period, dict):
        if "start" in period:
            found.setdefault("date", period["start"])
        extensions = found.get("extension")
        own = extensions if isinstance(extensions, list) else []
        found["extension"] = [*own, {"url": _OCCURRENCE, "valuePeriod": period}]
    outcome = found.get("outcome")
    if isinstance(outcome, list) and len(outcome) == 1:
        found["outcome"] = outcome[0]
    if isinstance(found.get("suspectEntity"), list):
        found["suspectEntity"] = [_entity(one) if isinstance(one, dict) else one for one in found["suspectEntity"]]


def _entity(entity: Json) -> Json:
    made = dict(entity)
    if "instanceReference" in made:
        made["instance"] = made.pop("instanceReference")
    elif isinstance(concept := made.pop("instanceCodeableConcept", None), dict):
        shown = concept.get("text") or next((c.get("display") for c in _dicts(concept.get("coding"))), None)
        made["instance"] = {"display": shown}
    if isinstance(causality := made.get("causality"), dict):
        names = {"entityRelatedness": "assessment", "assessmentMethod": "method"}
        made["causality"] = [{names.get(key, key): value for key, value in causality.items()}]
    return made


def _allergy(found: Json, lost: list[str]) -> None:
    if isinstance(found.get("type"), dict):
        codes = _codes(found.pop("type"))
        found |= {"type": codes[0]} if codes else {}
    for reaction in _dicts(found.get("reaction")):
        _split(reaction, "manifestation", "manifestation", "")


def _body_structure(found: Json, lost: list[str]) -> None:
    structures = _dicts(found.pop("includedStructure", None))
    if not structures:
        return
    if len(structures) > 1:
        lost.append("includedStructure")
    first = structures[0]
    if "structure" in first:
        found.setdefault("location", first["structure"])
    laterality = [first["laterality"]] if "laterality" in first else []
    qualifiers = [*laterality, *_dicts(first.get("qualifier"))]
    if qualifiers:
        found.setdefault("locationQualifier", qualifiers)


def _condition(found: Json, lost: list[str]) -> None:
    for one in _dicts(found.pop("participant", None)):
        role = "asserter" if {"informant", "attester"} & set(_codes(one.get("function"))) else "recorder"
        if "actor" in one:
            found.setdefault(role, one["actor"])
    if any(one.keys() & {"concept", "reference"} for one in _dicts(found.get("evidence"))):
        names = {"concept": "code", "reference": "detail"}
        found["evidence"] = [
            {new: [e[old]] for old, new in names.items() if old in e} for e in _dicts(found["evidence"])
        ]


def _consent(found: Json, lost: list[str]) -> None:
    coding = {"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "research"}
    if "scope" not in found and any("research" in _codes(one) for one in _dicts(found.get("category"))):
        found["scope"] = {"coding": [coding]}
    if found.get("decision") == "deny":
        found["status"] = "rejected"


def _encounter(found: Json, lost: list[str]) -> None:
    if isinstance(classes := found.get("class"), list):
        codings = [coding for one in _dicts(classes) for coding in _dicts(one.get("coding"))]
        found.pop("class")
        found |= {"class": codings[0]} if codings else {}
        if len(_dicts(classes)) > 1:
            lost.append("class")
    values = [value for one in _dicts(found.pop("reason", None)) for value in _dicts(one.get("value"))]
    for key, name in (("concept", "reasonCode"), ("reference", "reasonReference")):
        if inner := [value[key] for value in values if key in value]:
            found[name] = inner


def _imaging(found: Json, lost: list[str]) -> None:
    modality = _dicts(found.get("modality"))
    if any("coding" in one for one in modality):
        found["modality"] = [coding for one in modality for coding in _dicts(one.get("coding"))]
    if isinstance(found.get("series"), list):
        found["series"] = [_series(one) if isinstance(one, dict) else one for one in found["series"]]


def _series(series: Json) -> Json:
    made = dict(series)
    if isinstance(site := made.get("bodySite"), dict) and "concept" in site:
        made["bodySite"] = site["concept"]
    for name in ("modality", "bodySite"):
        if isinstance(concept := made.get(name), dict) and (codings := _dicts(concept.get("coding"))):
            made[name] = codings[0]
    return made


def _medication(found: Json, lost: list[str]) -> None:
    made = []
    for one in _dicts(found.get("ingredient")):
        ingredient = dict(one)
        _split(ingredient, "item", "itemCodeableConcept", "itemReference")
        if "strengthRatio" in ingredient:
            ingredient["strength"] = ingredient.pop("strengthRatio")
        made.append(ingredient)
    if made:
        found["ingredient"] = made


def _statement(found: Json, lost: list[str]) -> None:
    """`recorded` says nothing of the taking, which `adherence` does; only what is being taken is `active` in R4."""
    if found.get("status") == "draft":
        found["status"] = "intended"
    if found.get("status") != "recorded":
        return
    adherence = found.get("adherence")
    codes = _codes(adherence.get("code")) if isinstance(adherence, dict) else []
    code = codes[0] if codes else ""
    period = found.get("effectivePeriod")
    taken = code.startswith("taking") and not (isinstance(period, dict) and "end" in period)
    found["status"] = next(
        (r4 for r5, r4 in _ADHERENCE.items() if code.startswith(r5)), "active" if taken else "completed"
    )


def _research_subject(found: Json, lost: list[str]) -> None:
    """The status of R5 is that of the record; that of the subject is its latest state."""
    states = [one for one in _dicts(found.pop("progress", None)) if _codes(one.get("subjectState"))]
    if "individual" not in found or found.get("status") not in ("active", "draft", "retired", "unknown"):
        return
    found.pop("status")
    if states:
        latest = max(enumerate(states), key=lambda pair: (str(pair[1].get("startDate", "")), pair[0]))[1]
        found["status"] = _codes(latest["subjectState"])[0]


def _specimen(found: Json, lost: list[str]) -> None:
    collection = found.get("collection")
    if isinstance(collection, dict) and isinstance(collection.get("bodySite"), dict):
        collection = dict(collection)
        _split(collection, "bodySite", "bodySite", "")
        found["collection"] = collection


_MORE: dict[str, Callable[[Json, list[str]], None]] = {
    "AdverseEvent": _adverse_event,
    "AllergyIntolerance": _allergy,
    "BodyStructure": _body_structure,
    "Condition": _condition,
    "Consent": _consent,
    "Encounter": _encounter,
    "ImagingStudy": _imaging,
    "Medication": _medication,
    "MedicationStatement": _statement,
    "ResearchSubject": _research_subject,
    "Specimen": _specimen,
}
