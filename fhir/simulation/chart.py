"""A patient's chart: identifiers, references and the resources written so far."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import Any
from uuid import UUID

from fhir2cdisc.fhir.simulation.dialects import Dialect, concept
from fhir2cdisc.fhir.simulation.plan import Course, Visit, iso
from fhir2cdisc.fhir.simulation.vocabulary import UCUM, URN
from fhir2cdisc.mappings.study import Study

Json = dict[str, Any]
SHARED = {"Organization", "Practitioner", "ResearchStudy"}


@lru_cache(maxsize=4096)
def _cached(text: str) -> str:
    return stable_id(text)


def stable_id(text: str) -> str:
    """The same text always gives the same UUID."""
    return str(UUID(bytes=blake2b(text.encode(), digest_size=16).digest(), version=4))


def meta_of(cutoff: int) -> Json:
    """Version, time of export and the tag that marks every resource as synthetic."""
    return {
        "versionId": "1",
        "lastUpdated": f"{iso(cutoff + 1)}T00:00:00Z",
        "tag": [{"system": URN + "tag", "code": "synthetic", "display": "Synthetic data"}],
    }


class Chart:
    """Where the resources of one patient are collected, and how they refer to each other.

    In a bundle, resources of the patient are referred to by `urn:uuid:`, shared ones by type and id; in NDJSON
    everything is by type and id.
    """

    def __init__(self, study: Study, course: Course, dialect: Dialect, seed: int, cutoff: int, bundle: bool) -> None:
        self.study, self.course, self.dialect, self.bundle = study, course, dialect, bundle
        self.prefix = f"{seed}|{study.id}|"
        self.meta = meta_of(cutoff)
        self.resources: list[Json] = []
        self.patient = self.ref("Patient", "")

    def id(self, kind: str, key: str) -> str:
        if kind in SHARED:
            return _cached(f"{self.prefix}{kind}|{key}")
        return stable_id(f"{self.prefix}{self.course.subjid}|{kind}|{key}")

    def ref(self, kind: str, key: str) -> Json:
        local = self.bundle and kind not in SHARED
        return {"reference": f"urn:uuid:{self.id(kind, key)}" if local else f"{kind}/{self.id(kind, key)}"}

    def add(self, kind: str, key: str, **content: Any) -> Json:
        """Add a resource; elements that are None or empty are left out."""
        made: Json = {"resourceType": kind, "id": self.id(kind, key), "meta": self.meta}
        made.update((name, value) for name, value in content.items() if value is not None and value != [])
        self.resources.append(made)
        return made

    def observe(self, key: str, code: Json, day: int | str, visit: Visit | None = None, **content: Any) -> Json:
        """Add a final Observation of the patient."""
        return self.add(
            "Observation",
            key,
            status="final",
            code=code,
            subject=self.patient,
            encounter=self.encounter(visit),
            effectiveDateTime=day if isinstance(day, str) else iso(day),
            **content,
        )

    def encounter(self, visit: Visit | None) -> Json | None:
        return None if visit is None else self.ref("Encounter", visit.key)

    def visit(self, key: str) -> Visit | None:
        return next((one for one in self.course.visits if one.key == key), None)

    def word(self, english: str, chinese: str) -> str:
        """The text of the dialect."""
        return chinese if self.dialect.chinese and chinese else english

    def local(self, system: str, code: str, english: str, chinese: str, scheme: str) -> Json:
        """A concept in the standard code, or in the Chinese hospital's own code system."""
        if self.dialect.chinese:
            return concept(f"{URN}hospital-cn:{scheme}", code, chinese, chinese)
        return concept(system, code, english, english)


def quantity(value: float, unit: str) -> Json:
    """A Quantity in UCUM."""
    number = int(value) if float(value).is_integer() else value
    return {"value": number, "unit": unit, "system": UCUM, "code": unit}
