"""Who belongs to the study: enrolled in it, or with one of its conditions, or everyone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fhir2cdisc.mappings.study import Study
from fhir2cdisc.sdtm.rows.resources import Index, Resource
from fhir2cdisc.sdtm.rows.shapes import primitive_text
from fhir2cdisc.sdtm.rows.verbs import codings_of

# How FHIR marks data about nobody: the security label HTEST, and the tag of this project's simulator.
_SYNTHETIC = {
    ("http://terminology.hl7.org/CodeSystem/v3-ActReason", "HTEST"),
    ("urn:fhir2cdisc:tag", "synthetic"),
}


def cohort_test(study: Study, shared: Index) -> Callable[[list[Resource]], bool]:
    """A function that says of a subject's resources whether the subject belongs to the study."""
    cohort = study.cohort
    if cohort.membership == "all":
        return lambda items: True
    if cohort.membership == "condition":
        codes = {(c.system, c.code) for c in cohort.conditions}
        return lambda items: any(is_cohort_condition(i.resource, codes) and not is_suspected(i, study) for i in items)
    names = names_of(study)

    def enrolled(items: list[Resource]) -> bool:
        return any(study_names(item, shared) & names for item in items if item.head.type == "ResearchSubject")

    return enrolled


def enrolled_elsewhere(item: Resource, study: Study, shared: Index) -> bool:
    """Whether this is an enrolment in another study; a patient may be in several, and only that in this one counts."""
    if item.head.type != "ResearchSubject" or study.cohort.membership != "research-subject":
        return False
    return not study_names(item, shared) & names_of(study)


def is_cohort_condition(resource: dict[str, Any], codes: set[tuple[str, str]]) -> bool:
    """Whether a Condition has one of these (system, code); a code without a system fits every system."""
    return resource.get("resourceType") == "Condition" and any(
        (primitive_text(c.get("system")), primitive_text(c.get("code"))) in codes
        or ("", primitive_text(c.get("code"))) in codes
        for c in codings_of(resource.get("code"))
    )


def is_suspected(item: Resource, study: Study) -> bool:
    """Whether a condition has a verification status that makes no diagnosis by the study file."""
    statuses = [primitive_text(c.get("code")) for c in codings_of(item.resource.get("verificationStatus"))]
    return bool(statuses) and not set(statuses) & set(study.diagnosis.verification)


def suspected(items: list[Resource], study: Study) -> list[Resource]:
    """The conditions by which the subject would belong to the study if they were confirmed."""
    if study.cohort.membership != "condition":
        return []
    codes = {(c.system, c.code) for c in study.cohort.conditions}
    return [item for item in items if is_cohort_condition(item.resource, codes) and is_suspected(item, study)]


def names_of(study: Study) -> set[str]:
    """The names under which a ResearchStudy is this study."""
    return {study.studyid, study.id, *study.cohort.research_study}


def study_names(item: Resource, shared: Index) -> set[str]:
    """The id and the identifiers of the ResearchStudy that a ResearchSubject points at."""
    study = item.resource.get("study")
    reference = str(study.get("reference", "")) if isinstance(study, dict) else ""
    target = shared.find(reference, item.head.base)
    names = {reference.rsplit("/", 1)[-1]}
    if target is not None:
        identifiers = target.resource.get("identifier")
        identifiers = identifiers if isinstance(identifiers, list) else []
        names |= {primitive_text(i.get("value")) for i in identifiers if isinstance(i, dict)}
    return names - {""}


def is_synthetic(resource: dict[str, Any]) -> bool:
    """True for a resource that its source marks as synthetic or test data (meta.security, meta.tag)."""
    meta = resource.get("meta")
    if not isinstance(meta, dict):
        return False
    lists = [meta[key] for key in ("security", "tag") if isinstance(meta.get(key), list)]
    labels = [one for labels in lists for one in labels if isinstance(one, dict)]
    return any((one.get("system"), one.get("code")) in _SYNTHETIC for one in labels)
