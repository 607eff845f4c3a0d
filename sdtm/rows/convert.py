"""Stage two of a run: the resources of whole subjects become mapped rows, with the record that each came from.

A function over one bucket: it decodes, decides which record of a resource counts, who belongs to the study, and
maps. What needs the rows of a domain together (--SEQ, --DY, visits, baseline) is done when all are assembled.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby
from typing import Any

from fhir2cdisc.fhir.accounts import Accounts
from fhir2cdisc.fhir.cells import decode_row, is_row
from fhir2cdisc.fhir.deep import R4B, R5, deep_fault
from fhir2cdisc.fhir.identity import Identities
from fhir2cdisc.fhir.records import decode, repeated_name
from fhir2cdisc.fhir.route import Routed, study_reference
from fhir2cdisc.fhir.versions import other_version
from fhir2cdisc.mappings.errors import Fhir2CdiscError
from fhir2cdisc.sdtm.rows.cohort import cohort_test, enrolled_elsewhere, is_synthetic, suspected
from fhir2cdisc.sdtm.rows.engine import Engine
from fhir2cdisc.sdtm.rows.extract_rows import ExtractMapper
from fhir2cdisc.sdtm.rows.one_subject import ODD_SHAPE, SubjectMapper
from fhir2cdisc.sdtm.rows.record_versions import latest_versions, one_patient
from fhir2cdisc.sdtm.rows.resources import (
    Index,
    Resource,
    as_r4,
    finding_of,
    not_read,
    reject_orphans,
    reject_shape,
    reject_subject,
    reject_unknown,
    without_deleted,
)
from fhir2cdisc.sdtm.rows.texts import codings_of
from fhir2cdisc.sdtm.rows.unused import Known, Watch
from fhir2cdisc.sdtm.rows.work import Converted, Work


class Converter:
    """Maps buckets for one study; the same for every bucket, so that a worker builds it once."""

    def __init__(
        self,
        engine: Engine,
        shared: Index,
        identities: Identities,
        deep: bool = False,
        other_way: bool = False,
        known: Known | None = None,
    ) -> None:
        self.engine = engine
        self.identities = identities
        self.shared = shared
        self.deep = deep
        self.other_way = other_way
        self.cohort = cohort_test(engine.study, shared)
        self.watch = Watch(engine, known or Known())

    def convert(self, routed: Iterable[Routed]) -> Converted:
        """The rows of a bucket; a subject that cannot be mapped is left out whole, with a finding."""
        subjects = [(one, list(heads)) for one, heads in groupby(routed, key=lambda head: head.subject)]
        failed: dict[str, Exception] = {}
        while (made := self._all(subjects, failed)) is None:
            self.watch = Watch(self.engine, self.watch.known)
        return made

    def _all(self, subjects: list[tuple[str, list[Routed]]], failed: dict[str, Exception]) -> Converted | None:
        """Everything but the subjects that failed; None where one more did, which then is among them."""
        work = Work()
        for subject, heads in subjects:
            if subject in failed:
                reject_subject(subject, heads, failed[subject], work.accounts)
                continue
            try:
                self._subject(subject, heads, work)
            except (Fhir2CdiscError, MemoryError, OSError):
                raise
            except Exception as error:
                # Whatever an odd value does: it is this subject's, and half of a subject would be wrong.
                failed[subject] = error
                return None
        work.accounts.forms = self.watch.forms
        return work.result()

    def _subject(self, subject: str, heads: list[Routed], work: Work) -> None:
        if subject in self.identities.refused:
            for head in heads:
                work.accounts.add(head.place, head.type, head.id, "rejected", "identity.ambiguous")
            return
        if subject in self.identities.unresolved:
            for head in heads:
                work.accounts.add(head.place, head.type, head.id, "rejected", "subject.identifier")
            return
        rows = [Resource(head, decode_row(head.raw)) for head in heads if is_row(head.type)]
        heads = [head for head in heads if not is_row(head.type)] if rows else heads
        heads = without_deleted(heads, self.identities.deletions, work.accounts)
        items = self._readable(heads, work.accounts)
        versions = latest_versions(items, work.accounts, self.identities.servers, self.other_way)
        current = one_patient(versions, subject, work.accounts)
        is_patient = any(item.head.type == "Patient" for item in current)
        if not is_patient:
            reject_orphans(subject, current, work.accounts, self.identities.deletions.has(subject))
        facts = self._facts(current, work.accounts) if is_patient else []
        makes = any(item.head.type not in self.engine.cells.known for item in rows)
        if not is_patient and not makes:
            reject_unknown(rows, work.accounts)
            return
        if not makes and not self.cohort(facts):
            facts += rows
            for item in suspected(facts, self.engine.study):
                said = "is no confirmed diagnosis; the patient is left out of the cohort ([diagnosis] verification)"
                work.accounts.findings.append(finding_of(item, "diagnosis.suspected", said))
            for item in facts:
                head = item.head
                work.accounts.add(
                    head.place, head.type, head.id, "not needed", "the patient is not in the study's cohort"
                )
            return
        work.accounts.synthetic += any(is_synthetic(i.resource) for i in facts if i.head.type == "Patient")
        if rows:
            ExtractMapper(self.engine, subject, rows, work).map(is_patient)
        if facts:
            SubjectMapper(self, subject, facts, work).map()

    def _readable(self, heads: list[Routed], accounts: Accounts) -> list[Resource]:
        found = []
        for head in heads:
            try:
                resource = decode(head.raw)
            except ValueError as error:
                accounts.reject(head.place, head.type, head.id, "json.invalid", str(error))
                continue
            sign = other_version(resource)
            if sign and sign[1] != "R5":
                accounts.reject(head.place, head.type, head.id, "version.element", not_read(sign), sign[0])
                continue
            if self.deep and (name := repeated_name(head.raw)):
                message = f"says {name} twice in one object; the last one is read"
                accounts.findings.append(finding_of(Resource(head, resource), "json.repeated", message))
            if self.deep and (fault := deep_fault(resource, R5 if sign else R4B)):
                accounts.reject(head.place, head.type, head.id, "deep", f"{fault[0]}: {fault[1]}", fault[0])
                continue
            found.append(as_r4(Resource(head, resource), accounts) if sign else Resource(head, resource))
        return found

    def _elsewhere(self, item: Resource) -> str:
        study = study_reference(item.resource.get("study"))
        if self.shared.find(study, item.head.base) is not None:
            return "enrolment in another study"
        return "enrolment in a study that was not read" if study else "enrolment that names no study"

    def _facts(self, items: list[Resource], accounts: Accounts) -> list[Resource]:
        found = []
        for item in items:
            head = item.head
            if not head.id:
                message = "has no id; nothing can point at it"
                accounts.findings.append(finding_of(item, "resource.no-id", message, "info"))
            try:
                reason = "" if self.engine.not_done(item.resource) else self.engine.not_a_fact(item.resource)
                if not reason and enrolled_elsewhere(item, self.engine.study, self.shared):
                    reason = self._elsewhere(item)
                elif reason and self.engine.referred(item.resource):
                    item.aside, reason = reason, ""
            except ODD_SHAPE as error:
                reject_shape(item, error, accounts)
                continue
            if reason:
                status = self.engine.odd_status(item.resource)
                if status is not None:
                    reason = f"its status is {status!r}, which R4 does not have" if status else "it has no status"
                    message = f"does not count, because {reason}: nothing says that it is a fact"
                    accounts.findings.append(replace(finding_of(item, "status.odd", message), value=status))
                    reason = "its status is none that R4 has"
                accounts.add(head.place, head.type, head.id, "not needed", reason)
                if _entered_in_error(item.resource):
                    accounts.findings.append(finding_of(item, "resource.entered-in-error", reason, "info"))
            else:
                found.append(item)
        return found


def _entered_in_error(resource: dict[str, Any]) -> bool:
    status = resource.get("status")
    verification = codings_of(resource.get("verificationStatus"))
    return status == "entered-in-error" or any(c.get("code") == "entered-in-error" for c in verification)
