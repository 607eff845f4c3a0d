"""The resources that a run works on: each with where it was read, those that patients share, what is said of one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fhir2cdisc.fhir.accounts import Accounts
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.fhir.route import Routed
from fhir2cdisc.fhir.servers import Servers, resource_key

# Values of these elements tell apart what mappings tell apart.
_TELLING = frozenset({b"code", b"system", b"url", b"status", b"intent", b"use", b"linkId", b"resourceType"})


def _form(raw: bytes) -> bytes:
    """The JSON of a resource without numbers, and of its texts only the names of elements and the values that tell."""
    parts = raw.replace(b'\\"', b"").split(b'"')
    kept, name = [], b""
    for text, gap in zip(parts[1::2], parts[2::2], strict=False):
        if gap.lstrip()[:1] == b":":
            kept.append(text)
            name = text
        elif name in _TELLING:
            kept.append(text)
    return b"".join(parts[::2]).translate(None, b"0123456789.-+eE \n\r\t") + b'"'.join(kept)


@dataclass(slots=True)
class Resource:
    """A resource at work: its header, its content, and its number among the records of the bucket."""

    head: Routed
    resource: dict[str, Any]
    number: int = -1
    _form: bytes = b""

    @property
    def form(self) -> bytes:
        """Its JSON without values that are a patient's own: resources of one form hold the same elements and codes."""
        if not self._form:
            self._form = _form(self.head.raw)
        return self._form


@dataclass(slots=True)
class Index:
    """Resources by the references that may point at them, each in the namespace of its server."""

    servers: Servers = field(default_factory=Servers)
    items: dict[str, Resource] = field(default_factory=dict)

    def add(self, item: Resource) -> None:
        """Take up a resource; of two under one reference the first stays."""
        head = item.head
        if head.id:
            self.items.setdefault(resource_key(self.servers.canonical(head.base), f"{head.type}/{head.id}"), item)
        if head.full_url:
            self.items.setdefault(head.full_url, item)

    def find(self, reference: str, base: str) -> Resource | None:
        """The resource that a reference written in namespace `base` points at; None where it was not read."""
        if not reference:
            return None
        return next((self.items[key] for key in self.servers.candidates(reference, base) if key in self.items), None)


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
