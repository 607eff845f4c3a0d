"""Identifiers of the source that may stand in a dataset: of a system that the study names, or of this project.

A number under which a hospital keeps its records leads to a person. It leaves the hospital only where the study file
names its system; a number of an enrolment is a subject number unless it is such a record number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from fhir2cdisc.fhir.path.expression import Context
from fhir2cdisc.sdtm.rows.shapes import primitive_text

OWN_SYSTEMS = "urn:fhir2cdisc:"
# HL7 version 2, table 0203: record, account and national numbers of a person.
_RECORD_NUMBERS = frozenset("MR MRT PI PT PN AN SS SB NI NH NIIP JHN PPN DL HC MC MA".split())
Report = Callable[[str, str, str, str], None]
LEFT_OUT = "an identifier of the source is left out; [privacy] identifiers names systems that may stand here"
IS_RECORD = "a record number of the patient is left out; it is a subject number only if [privacy] identifiers says so"


def identifier(values: Iterable[Any], allowed: frozenset[str], name: str, report: Report) -> str:
    """The value of the first Identifier that may stand in a dataset; what may not is reported."""
    found = [one for one in values if isinstance(one, dict) and primitive_text(one.get("value"))]
    for one in found:
        if _may(one, allowed):
            return primitive_text(one.get("value"))
    if found:
        report("privacy.identifier", name, "", LEFT_OUT)
    return ""


def subject_number(
    values: Iterable[Any], allowed: frozenset[str], name: str, report: Report, focus: Any, context: Context
) -> str:
    """The value of the first Identifier of an enrolment that is no record number of its patient."""
    found = [one for one in values if isinstance(one, dict) and primitive_text(one.get("value"))]
    theirs = _of_patient(focus, context)
    for one in found:
        if _may(one, allowed) or not (_is_record(one) or primitive_text(one.get("system")) in theirs):
            return primitive_text(one.get("value"))
    if found:
        report("privacy.record-number", name, "", IS_RECORD)
    return ""


def _may(one: dict[str, Any], allowed: frozenset[str]) -> bool:
    system = primitive_text(one.get("system"))
    return system in allowed or system.startswith(OWN_SYSTEMS)


def _is_record(one: dict[str, Any]) -> bool:
    kind = one.get("type")
    codings = kind.get("coding") if isinstance(kind, dict) else None
    held = codings if isinstance(codings, list) else []
    return any(isinstance(c, dict) and primitive_text(c.get("code")) in _RECORD_NUMBERS for c in held)


def _of_patient(focus: Any, context: Context) -> frozenset[str]:
    """The systems of the identifiers of the patient whose enrolment it is."""
    person = focus.get("individual") if isinstance(focus, dict) else None
    reference = person.get("reference") if isinstance(person, dict) else None
    patient = context.peek(reference) if isinstance(reference, str) else None
    held = patient.get("identifier") if isinstance(patient, dict) else None
    systems = [primitive_text(one.get("system")) for one in held or () if isinstance(one, dict)]
    return frozenset(system for system in systems if system)
