"""Who belongs to the study: enrolled in it, or with one of its conditions, or everyone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.fhir.route import study_reference
from fhir2cdisc.fhir.servers import condition_of, plain_reference
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.sdtm.rows.resources import Index, Resource
from fhir2cdisc.sdtm.rows.shapes import primitive_text
from fhir2cdisc.sdtm.rows.texts import codings_of

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
        return any(_study_of(item, shared) & names for item in items if item.head.type == "ResearchSubject")

    return enrolled


def enrolled_elsewhere(item: Resource, study: Study, shared: Index) -> bool:
    """Whether this is an enrolment in another study; a patient may be in several, and only that in this one counts."""
    if item.head.type != "ResearchSubject" or study.cohort.membership != "research-subject":
        return False
    return not _study_of(item, shared) & names_of(study)


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


def study_names(reference: str, target: Resource | None) -> set[str]:
    """The id and the identifiers of the ResearchStudy that a ResearchSubject points at, `target` where it was read."""
    names = {study_id(reference)}
    if target is not None:
        identifiers = target.resource.get("identifier")
        identifiers = identifiers if isinstance(identifiers, list) else []
        names |= {primitive_text(i.get("value")) for i in identifiers if isinstance(i, dict)}
    return names - {""}


def _study_of(item: Resource, shared: Index) -> set[str]:
    reference = study_reference(item.resource.get("study"))
    return study_names(reference, shared.find(reference, item.head.base))


def study_id(reference: str) -> str:
    """The id in a reference to a study, or the value of the identifier that stands for one."""
    asked = condition_of(reference)
    return asked.value if asked else plain_reference(reference).rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Unread:
    """Studies that ResearchSubjects name and that were not read: by id, with the number of their enrolments.

    `assumed` is the one that is taken for the study, because no ResearchSubject names any other; else blank. `known`:
    some ResearchSubjects name the study itself.
    """

    studies: tuple[tuple[str, int], ...] = ()
    assumed: str = ""
    known: bool = False


def unread_studies(enrolments: Mapping[tuple[str, str], int], study: Study, shared: Index) -> Unread:
    """Which studies of the ResearchSubjects (namespace and reference to number) were not read and are not this one."""
    if study.cohort.membership != "research-subject":
        return Unread()
    unread: Counter[tuple[str, str]] = Counter()
    known = read = False
    for (base, reference), count in enrolments.items():
        target = shared.find(reference, base)
        if study_names(reference, target) & names_of(study):
            known = True
        elif target is not None:
            read = True
        elif reference:
            unread[shared.servers.canonical(base), study_id(reference)] += count
    by_id: Counter[str] = Counter()
    for (_, id_), count in unread.items():
        by_id[id_] += count
    only = len(unread) == 1 and not known and not read
    return Unread(tuple(sorted(by_id.items())), next(iter(by_id)) if only else "", known)


def unread_findings(unread: Unread, study: Study) -> list[Finding]:
    """One finding for each study that was not read: what to put into the study file."""
    found = []
    for id_, count in unread.studies:
        add = f'add `research_study = ["{id_}"]` under [cohort] in the study file, or give the ResearchStudy'
        if id_ == unread.assumed:
            rule = "study.assumed"
            said = f"was not read; it is the only study that ResearchSubjects ({count}) name, and is taken for "
            said += f"{study.studyid}. To say so, {add}"
        else:
            rule = "study.not-read"
            said = f"was not read, so it is not known whether its {count} enrolments are in {study.studyid}; "
            said += f"they are not used. If they are, {add}"
        message = f"study ResearchStudy/{id_} {said}"
        severity = "info" if unread.known else "warning"
        found.append(Finding(rule, message, severity, resource=f"ResearchStudy/{id_}", count=count))
    return found


def with_assumed(study: Study, unread: Unread) -> Study:
    """The study by which subjects are taken up: also under the id that is assumed to be its own."""
    if not unread.assumed:
        return study
    cohort = study.cohort.model_copy(update={"research_study": (*study.cohort.research_study, unread.assumed)})
    return study.model_copy(update={"cohort": cohort})


def is_synthetic(resource: dict[str, Any]) -> bool:
    """True for a resource that its source marks as synthetic or test data (meta.security, meta.tag)."""
    meta = resource.get("meta")
    if not isinstance(meta, dict):
        return False
    lists = [meta[key] for key in ("security", "tag") if isinstance(meta.get(key), list)]
    labels = [one for labels in lists for one in labels if isinstance(one, dict)]
    return any((primitive_text(one.get("system")), primitive_text(one.get("code"))) in _SYNTHETIC for one in labels)
