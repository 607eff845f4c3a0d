"""The resources that a run works on: each with where it was read, those that patients share, what is said of one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from fhir2cdisc.fhir.accounts import Accounts
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.fhir.records import decode
from fhir2cdisc.fhir.route import Routed, plain_reference


@dataclass(slots=True)
class Resource:
    """A resource at work: its header, its content, and its number among the records of the bucket."""

    head: Routed
    resource: dict[str, Any]
    number: int = -1


@dataclass(slots=True)
class Shared:
    """Resources that belong to no patient, by reference and by full URL."""

    items: dict[str, Resource] = field(default_factory=dict)

    @classmethod
    def of(cls, routed: Iterable[Routed], accounts: Accounts) -> Shared:
        shared = cls()
        for head in routed:
            try:
                item = Resource(head, decode(head.raw))
            except ValueError as error:
                accounts.reject(head.place, head.type, head.id, "json.invalid", str(error))
                continue
            accounts.add(head.place, head.type, head.id, "mapped", "shared: patients' records point at it")
            for key in references_to(head):
                shared.items.setdefault(key, item)
        return shared


def references_to(head: Routed) -> list[str]:
    """The references by which other resources may point at this one."""
    return [key for key in (f"{head.type}/{head.id}" if head.id else "", head.full_url) if key]


def target_of(items: dict[str, Resource], reference: str) -> Resource | None:
    """The resource that a reference points at, by type and id or by full URL; None where it was not read."""
    return items.get(plain_reference(reference)) or items.get(reference) if reference else None


def finding_of(item: Resource, rule: str, message: str, severity: str = "warning") -> Finding:
    """A finding that names the resource and the place where it was read."""
    head = item.head
    return Finding(
        rule,
        f"{head.type}/{head.id}: {message}",
        severity,
        file=head.place.file,
        line=head.place.line,
        entry=head.place.entry,
        resource=f"{head.type}/{head.id}",
    )


def reject_shape(item: Resource, error: Exception, accounts: Accounts) -> None:
    """Book a resource whose JSON is not that of FHIR, with the error that it gave."""
    head = item.head
    message = f"does not have the shape of FHIR R4 ({type(error).__name__})"
    accounts.reject(head.place, head.type, head.id, "resource.shape", message)


def reject_orphans(subject: str, items: list[Resource], accounts: Accounts) -> None:
    """Book the resources of a subject without a Patient, and say so once."""
    for item in items:
        accounts.add(item.head.place, item.head.type, item.head.id, "rejected", "subject.no-patient")
    if items:
        first = items[0].head.place
        accounts.findings.append(
            Finding(
                "subject.no-patient",
                f"{subject}: {len(items)} resources name this patient, but no usable Patient resource was read",
                "error",
                file=first.file,
                line=first.line,
                entry=first.entry,
                resource=subject,
                count=len(items),
            )
        )
