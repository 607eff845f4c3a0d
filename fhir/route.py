"""Stage one of a run: read a source once and deal its resources out to buckets, a subject always to the same one.

Only the header of a resource is decoded here (type, id, version, whose it is). The number of buckets comes from
configuration, never from the number of workers, and the bucket of a subject from CRC-32, never from `hash()`, so
the outcome does not depend on the machine.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from fhir2cdisc.fhir.accounts import FILE, UNREADABLE_FILE, Accounts
from fhir2cdisc.fhir.archives import Archives
from fhir2cdisc.fhir.dates import update_of
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.fhir.identity import Identities, read_person
from fhir2cdisc.fhir.mentions import Mention, mention_key, merge_mentions, names_in
from fhir2cdisc.fhir.records import Aside, Deletion, Place, Record, Stated, reason
from fhir2cdisc.fhir.servers import plain_of, plain_reference, split_reference
from fhir2cdisc.fhir.sources import Document
from fhir2cdisc.fhir.split import Item, split
from fhir2cdisc.fhir.versions import OTHER_TYPES, R4_TYPES, RENAMED_TYPES

# Resources that belong to no patient and that a patient's resources may point at.
SHARED_TYPES = frozenset(
    "Medication Practitioner PractitionerRole Organization Location ResearchStudy Questionnaire".split()
)
SHARED_BUCKET = "shared"


class _Header(msgspec.Struct):
    resourceType: str | None = ""  # noqa: N815
    id: Any = ""
    meta: Any = None
    # Not of one shape in all types: Account.subject is a list.
    subject: Any = None
    patient: Any = None
    individual: Any = None
    study: Any = None
    issue: Any = None


class Routed(msgspec.Struct, frozen=True, array_like=True):
    """A resource in a bucket: whose it is, what it is, where it stood, and its bytes.

    `base` is the namespace that it is of (see `servers`), `home` that of its patient.
    """

    subject: str
    type: str
    id: str
    version: str
    updated: str
    place: Place
    full_url: str
    raw: bytes
    base: str = "|"
    home: str = "|"


# So many bytes of one bucket wait in memory at most.
MOST_WAITING = 1 << 22
NOT_READ = "no mapping reads this resource type"

_header = msgspec.json.Decoder(_Header)


def bucket_of(subject: str, buckets: int) -> int:
    return zlib.crc32(subject.encode()) % buckets


def route_document(
    document: Document, mapped_types: frozenset[str], archives: Archives | None = None
) -> tuple[list[Routed], Accounts]:
    """The resources of one document that a mapping may need, and the accounts of all the others."""
    accounts = Accounts()
    heads: list[tuple[Record, _Header]] = []
    own = ""
    for item in split(document, archives):
        if isinstance(item, Stated):
            own = max(own, _state(item, document, accounts))
            continue
        if not isinstance(item, Record):
            _book_aside(item, document.site, accounts)
            continue
        try:
            heads.append((item, _header.decode(item.raw)))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            accounts.reject(item.place, "", "", "resource.header", f"cannot be read: {reason(error)}")
    local = {
        r.full_url: (split_reference(r.full_url)[0], f"{head.resourceType}/{_text(head.id)}")
        for r, head in heads
        if r.full_url and _text(head.id)
    }
    about = _About(local, document.site, mapped_types)
    routed = [r for record, head in heads if (r := _route(record, head, about, accounts)) is not None]
    if any(one.subject for one in routed):
        accounts.updated(_key(document), max(own, *(update_of(one.updated) for one in routed)))
    return routed, accounts


def _key(document: Document) -> str:
    return "/".join((document.path, *document.members))


def _state(stated: Stated, document: Document, accounts: Accounts) -> str:
    """Book the manifest of a bulk export; the instant that a document states of its own resources, else blank."""
    at = update_of(stated.at)
    if not stated.export:
        return at
    accounts.exported(_key(document).rpartition("/")[0], at)
    return ""


def _book_aside(item: Item, site: str, accounts: Accounts) -> None:
    """Book what is no record: a fault, what is known beside records, a deletion."""
    if isinstance(item, Finding):
        accounts.findings.append(item)
        if item.severity == "error":
            kind = FILE if item.rule == UNREADABLE_FILE else ""
            accounts.add(Place(item.file, item.line, item.entry), kind, "", "rejected", item.rule)
    elif isinstance(item, Aside):
        accounts.add(item.place, item.kind, "", "not needed", item.reason)
    elif isinstance(item, Deletion):
        accounts.deletions.append(msgspec.structs.replace(item, base=f"{site}|{item.base}"))
        kind, _, id_ = item.plain.partition("/")
        accounts.add(item.place, kind, id_, "not needed", "says that a record was deleted")


class _About(NamedTuple):
    """What a resource is routed by beside itself: full URLs of its document, the site's name, the mapped types."""

    local: dict[str, tuple[str, str]]
    site: str
    mapped_types: frozenset[str]


def _route(record: Record, head: _Header, about: _About, accounts: Accounts) -> Routed | None:
    kind, id_ = head.resourceType or "", _text(head.id)
    kind = RENAMED_TYPES.get(kind, kind)
    if not kind:
        accounts.reject(record.place, "", id_, "resource.no-type", "has no resourceType")
        return None
    if kind in OTHER_TYPES and OTHER_TYPES[kind] != "R5":
        message = f"is a resource type of {OTHER_TYPES[kind]}; R4, R4B and R5 are read"
        accounts.reject(record.place, kind, id_, "version.type", message, "resourceType")
        return None
    if kind not in R4_TYPES and kind not in OTHER_TYPES:
        accounts.reject(
            record.place, kind, id_, "resource.unknown-type", "is no resource type of FHIR R4", "resourceType"
        )
        return None
    if kind == "OperationOutcome":
        _book_outcome(record, head, accounts)
        return None
    if kind not in about.mapped_types and kind not in SHARED_TYPES:
        accounts.add(record.place, kind, id_, "not needed", NOT_READ)
        return None
    server = split_reference(record.full_url)[0]
    found = _subject(kind, id_, record, head, about.local) or _mentioned(kind, id_, record, head, about, accounts)
    if found is None:
        accounts.reject(record.place, kind, id_, "subject.missing", _nobody(head))
        return None
    if kind == "ResearchSubject":
        accounts.enrolments[f"{about.site}|{server}", study_reference(head.study)] += 1
    base, home, subject = f"{about.site}|{server}", f"{about.site}|{found[0] or server}", found[1]
    accounts.spaces |= {base, home}
    if subject:
        accounts.homes.add(home)
    if kind == "Patient" and (person := read_person(record.raw, home, subject, record.place)) is not None:
        accounts.people.append(person)
    meta = head.meta if isinstance(head.meta, dict) else {}
    version, updated = _text(meta.get("versionId")), _text(meta.get("lastUpdated"))
    return Routed(subject, kind, id_, version, updated, record.place, record.full_url, record.raw, base, home)


def _subject(
    kind: str, id_: str, record: Record, head: _Header, local: dict[str, tuple[str, str]]
) -> tuple[str, str] | None:
    """Server (blank where the reference is relative) and plain key of the patient; both blank in shared resources."""
    if kind in SHARED_TYPES:
        return "", ""
    if kind == "Patient":
        key = f"Patient/{id_}" if id_ else _patient_key(plain_reference(record.full_url))
        return ("", key) if key else None
    reference = next((r for r in map(_reference, (head.subject, head.patient, head.individual)) if r), "")
    if not reference or reference.startswith("#") or "?" in reference:
        return None
    server, plain = local.get(reference) or split_reference(reference)
    return server, _patient_key(plain)


def _mentioned(
    kind: str, id_: str, record: Record, head: _Header, about: _About, accounts: Accounts
) -> tuple[str, str] | None:
    """The patient that a resource names by an identifier only, who is told when all Patients are read."""
    names = next((n for r in (head.subject, head.patient, head.individual) if (n := names_in(r, record.raw))), ())
    if not names:
        return None
    key, server = mention_key(names), split_reference(record.full_url)[0]
    mention = Mention(f"{about.site}|{server}", key, names, record.place, f"{kind}/{id_}")
    merge_mentions(accounts.mentions, [mention])
    return "", key


def _nobody(head: _Header) -> str:
    """Why a resource is of no patient."""
    references = [r for r in map(_reference, (head.subject, head.patient, head.individual)) if r]
    if any(r.startswith("#") for r in references):
        return "names a contained patient without an identifier, who cannot be told from others"
    if any("?" in r for r in references):
        return "names its patient by a search that is none for an identifier, which is not answered"
    return "names no patient"


def _book_outcome(record: Record, head: _Header, accounts: Accounts) -> None:
    """An OperationOutcome: no record, but where the server had an error something may be missing."""
    accounts.add(record.place, "OperationOutcome", _text(head.id), "not needed", "a message of the server, no record")
    issues = [one for one in head.issue if isinstance(one, dict)] if isinstance(head.issue, list) else []
    grave = [one for one in issues if one.get("severity") in ("fatal", "error")]
    if grave:
        place, code = record.place, _text(grave[0].get("code"))
        message = f"OperationOutcome: the server had an error ({code}); what it was asked for may be missing"
        accounts.findings.append(
            Finding("server.error", message, file=place.file, line=place.line, entry=place.entry, value=code)
        )


def study_reference(study: Any) -> str:
    """What a ResearchSubject says of its study: a reference, else the value of an identifier."""
    identifier = study.get("identifier") if isinstance(study, dict) else None
    return _reference(study) or (_text(identifier.get("value")) if isinstance(identifier, dict) else "")


def _patient_key(target: str) -> str:
    """A patient by `urn:uuid:` as `Patient/uuid`: a bundle that was cut into files keeps such references."""
    return f"Patient/{target.removeprefix('urn:uuid:')}" if target.startswith("urn:uuid:") else target


def _reference(value: Any) -> str:
    reference = value.get("reference") if isinstance(value, dict) else None
    return reference if isinstance(reference, str) else ""


def _text(value: Any) -> str:
    """An id, version or reference as text; anything of another shape counts as absent."""
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""


def route(
    documents: Iterable[Document], folder: Path, buckets: int, mapped_types: frozenset[str], task: int = 0
) -> Accounts:
    """Deal the resources of `documents` out to `folder`, one file for each bucket that gets any.

    The files of a task appear under their final names only when the task is done, so it may run twice.
    """
    accounts = Accounts()
    dealt = Buckets(folder, buckets, task)
    with Archives() as archives:
        for document in documents:
            routed, booked = route_document(document, mapped_types, archives)
            accounts.merge(booked)
            for item in routed:
                dealt.add(item)
    dealt.close()
    return accounts


class Buckets:
    """The files that a task deals its records out to; they have their final names when it is closed."""

    def __init__(self, folder: Path, buckets: int, task: int) -> None:
        self.folder, self.buckets, self.task = folder, buckets, task
        self.encoder = msgspec.msgpack.Encoder()
        self.parts: dict[str, bytearray] = {}
        for stale in folder.glob(f"*.{task}.part"):
            stale.unlink()

    def add(self, item: Routed) -> None:
        name = f"{bucket_of(item.subject, self.buckets):05d}" if item.subject else SHARED_BUCKET
        packed = self.encoder.encode(item)
        part = self.parts.setdefault(name, bytearray())
        part += len(packed).to_bytes(4, "big")
        part += packed
        if len(part) > MOST_WAITING:
            self._append(name, part)

    def close(self) -> None:
        for name, part in self.parts.items():
            self._append(name, part)
            (self.folder / f"{name}.{self.task}.part").rename(self.folder / f"{name}.{self.task}.bucket")

    def _append(self, name: str, part: bytearray) -> None:
        with (self.folder / f"{name}.{self.task}.part").open("ab") as file:
            file.write(part)
        part.clear()


def read_bucket(folder: Path, name: str) -> list[Routed]:
    """All resources of one bucket, whatever task wrote them, in an order that depends on the input only."""
    decoder = msgspec.msgpack.Decoder(Routed)
    found: list[Routed] = []
    for path in sorted(folder.glob(f"{name}.*.bucket")):
        data = path.read_bytes()
        at = 0
        while at < len(data):
            size = int.from_bytes(data[at : at + 4], "big")
            found.append(decoder.decode(data[at + 4 : at + 4 + size]))
            at += 4 + size
    return sorted(found, key=lambda r: (r.subject, r.place.file, r.place.line, r.place.entry))


def bucket_names(folder: Path) -> list[str]:
    return sorted({path.name.split(".")[0] for path in folder.glob("*.bucket")} - {SHARED_BUCKET})


def read_subjects(folder: Path, name: str, identities: Identities, buckets: int) -> list[Routed]:
    """The resources of the subjects that a bucket is to map, each under the key of its subject, sorted by it.

    One that is joined to a subject of another bucket is read there.
    """

    def bucket(key: str) -> str:
        return f"{bucket_of(plain_of(key), buckets):05d}"

    elsewhere = {bucket(own) for own, main in identities.main.items() if bucket(main) == name} - {name}
    found = []
    for one in [name, *sorted(elsewhere)]:
        for item in read_bucket(folder, one):
            key, own = identities.subject(item.home, item.subject)
            if (one == name and key == own) or (key != own and bucket(key) == name):
                found.append(msgspec.structs.replace(item, subject=key))
    return sorted(found, key=lambda r: (r.subject, r.place.file, r.place.line, r.place.entry))
