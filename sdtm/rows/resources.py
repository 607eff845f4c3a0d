"""The resources that a run works on: each with where it was read, those that patients share, what is said of one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from fhir2cdisc.fhir.accounts import Accounts
from fhir2cdisc.fhir.cells import is_row
from fhir2cdisc.fhir.deletions import Deletions, is_certain
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.fhir.r5 import to_r4
from fhir2cdisc.fhir.route import Routed
from fhir2cdisc.fhir.servers import Servers, condition_of, resource_key

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


# The rule of a finding about a subject that is left out because its data stopped the mapping or a derivation.
SUBJECT_FAILED = "subject.failed"


@dataclass(slots=True)
class Resource:
    """A resource at work: its header, its content, and its number among the records of the bucket.

    `aside` says why it is no fact and makes no row, where others may still read it by a reference.
    """

    head: Routed
    resource: dict[str, Any]
    number: int = -1
    aside: str = ""
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
    # By type and value of an identifier.
    named: dict[tuple[str, str], list[Resource]] = field(default_factory=lambda: defaultdict(list))

    def add(self, item: Resource) -> None:
        """Take up a resource; of two under one reference the first stays."""
        head = item.head
        if head.id:
            self.items.setdefault(resource_key(self.servers.canonical(head.base), f"{head.type}/{head.id}"), item)
        if head.full_url:
            self.items.setdefault(head.full_url, item)
        for _, value in _identifiers(item):
            self.named[head.type, value].append(item)

    def find(self, reference: str, base: str) -> Resource | None:
        """The resource that a reference written in namespace `base` points at; None where it was not read."""
        if not reference:
            return None
        found = next((self.items[key] for key in self.servers.candidates(reference, base) if key in self.items), None)
        if found is None and "?" in reference:
            matching = self.matches(reference, base)
            return matching[0] if len(matching) == 1 else None
        return found

    def matches(self, reference: str, base: str) -> list[Resource]:
        """The resources of the site that a conditional reference (`Encounter?identifier=system|value`) asks for."""
        asked = condition_of(reference)
        if asked is None or not asked.value:
            return []
        site = base.partition("|")[0]
        return [
            item
            for item in self.named.get((asked.kind, asked.value), ())
            if item.head.base.partition("|")[0] in (site, "")
            and any(v == asked.value and asked.system in (None, s) for s, v in _identifiers(item))
        ]


def _identifiers(item: Resource) -> Iterator[tuple[str, str]]:
    """System and value of the identifiers of a resource, of a value that is a text."""
    found = item.resource.get("identifier")
    for one in found if isinstance(found, list) else [found]:
        if isinstance(one, dict) and isinstance(value := one.get("value"), str) and value:
            yield (system if isinstance(system := one.get("system"), str) else ""), value


def not_read(sign: tuple[str, str]) -> str:
    """Why a resource of an older version is refused: the element or code that R4 does not have."""
    return f"has {sign[0]}, which belongs to {sign[1]}; R4, R4B and R5 are read"


def as_r4(item: Resource, accounts: Accounts) -> Resource:
    """A resource of R5 in the shape of R4, with one finding for all of its type and one for what finds no place."""
    adapted = to_r4(item.resource)
    kind = item.head.type
    message = f"{kind}: resources of FHIR R5 are read in the shape of R4"
    accounts.findings.append(replace(finding_of(item, "version.adapted", "", "info"), message=message, value=kind))
    for name in adapted.lost:
        said = f"{name} holds more than R4 has room for; the first is read"
        accounts.findings.append(replace(finding_of(item, "version.lost", said), path=name))
    return Resource(item.head, adapted.resource)


def without_deleted(heads: list[Routed], deletions: Deletions, accounts: Accounts) -> list[Routed]:
    """The records that their source did not delete; the others are booked, each with a finding."""
    kept = []
    for head in heads:
        gone = deletions.find(head.base, f"{head.type}/{head.id}", head.version, head.updated)
        if gone is None:
            kept.append(head)
            continue
        accounts.add(head.place, head.type, head.id, "not needed", "deleted by its source")
        sure = is_certain(gone, head.version, head.updated)
        said = "was deleted by its source"
        said += "" if sure else "; no version or time says which came last, and the deletion counts"
        accounts.findings.append(finding_of(head, "resource.deleted", said, "info" if sure else "warning"))
    return kept


def finding_of(item: Resource | Routed, rule: str, message: str, severity: str = "warning") -> Finding:
    """A finding that names the resource and the place where it was read."""
    head = item.head if isinstance(item, Resource) else item
    # A row is known by its place, as the sheet shows it.
    about = f"{head.place.file} row {head.place.line}" if is_row(head.type) else f"{head.type}/{head.id}"
    return Finding(
        rule,
        f"{about}: {message}",
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


def reject_subject(subject: str, heads: list[Routed], error: Exception, accounts: Accounts) -> None:
    """Book the resources of a subject that could not be mapped, and say so once, with the kind of error."""
    for head in heads:
        accounts.add(head.place, head.type, head.id, "rejected", SUBJECT_FAILED)
    said = f"could not be mapped ({type(error).__name__}); the subject is left out with all {len(heads)} resources"
    first = next((one for one in heads if one.type == "Patient"), heads[0])
    accounts.findings.append(
        replace(finding_of(first, SUBJECT_FAILED, said, "error"), resource=subject, count=len(heads))
    )


def reject_unknown(rows: list[Resource], accounts: Accounts) -> None:
    """Book the rows of a subject whom nothing else brings, where their extract only adds to known subjects."""
    for item in rows:
        accounts.add(item.head.place, item.head.type, item.head.id, "rejected", "subject.unknown")
    if rows:
        said = _rows_are(rows, "of a subject whom no other source brings")
        accounts.findings.append(replace(finding_of(rows[0], "subject.unknown", said, "error"), count=len(rows)))


def reject_without_dm(rows: list[Resource], accounts: Accounts) -> None:
    """Book the rows of a subject who has none in the table that says who the subjects are."""
    for item in rows:
        accounts.add(item.head.place, item.head.type, item.head.id, "rejected", "subject.no-dm")
    said = _rows_are(rows, "of a subject who has no row in the table of subjects (DM)")
    accounts.findings.append(replace(finding_of(rows[0], "subject.no-dm", said, "error"), count=len(rows)))


def _rows_are(rows: list[Resource], what: str) -> str:
    """What is said of a row and those like it."""
    if len(rows) == 1:
        return f"is {what}; it is not mapped"
    more = f"{len(rows) - 1} more {'row is' if len(rows) == 2 else 'rows are'}"
    return f"and {more} {what}; they are not mapped"


def reject_orphans(subject: str, items: list[Resource], accounts: Accounts, deleted: bool = False) -> None:
    """Book the resources of a subject without a Patient, and say so once; `deleted`: its source deleted the Patient."""
    for item in items if deleted else ():
        accounts.add(item.head.place, item.head.type, item.head.id, "not needed", "its patient was deleted")
        said = "its Patient was deleted by the source; it is not mapped"
        accounts.findings.append(finding_of(item, "resource.deleted", said))
    if deleted:
        return
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
