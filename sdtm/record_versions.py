"""Which record of a resource counts where a source holds it several times: versions, duplicates, conflicts."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from fhir2cdisc.fhir.accounts import Accounts
from fhir2cdisc.fhir.servers import Servers
from fhir2cdisc.sdtm.resources import Resource, finding_of


def latest_versions(items: list[Resource], accounts: Accounts, servers: Servers) -> list[Resource]:
    """One record for each resource: the highest version, then the latest update, then the first in the source.

    A repeat with the same content is booked as a duplicate, an older one as superseded; two records of one
    version that differ are a finding, and the first is taken.
    """
    by_id: dict[tuple[str, str, str], list[Resource]] = defaultdict(list)
    kept: list[Resource] = []
    for item in items:
        if item.head.id:
            by_id[(servers.canonical(item.head.base), item.head.type, item.head.id)].append(item)
        else:
            kept.append(item)
    for group in by_id.values():
        ordered = sorted(group, key=_age, reverse=True)
        best = next(item for item in group if _age(item) == _age(ordered[0]))
        kept.append(best)
        for other in group:
            if other is not best:
                _book_repeat(best, other, accounts)
    return sorted(kept, key=lambda i: (i.head.place.file, i.head.place.line, i.head.place.entry))


def _age(item: Resource) -> tuple[int, str, str]:
    version = item.head.version
    number = version.isascii() and version.isdigit() and len(version) < 19
    return (int(version) if number else -1, _instant(item.head.updated), version)


def _instant(text: str) -> str:
    """An instant in UTC, so that updates written in different time zones compare; any other text unchanged."""
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return text


def _content(item: Resource) -> dict[str, Any]:
    """What a resource says, without the narrative that a server writes from it."""
    return {key: value for key, value in item.resource.items() if key != "text"}


def _book_repeat(best: Resource, other: Resource, accounts: Accounts) -> None:
    head = other.head
    if _content(best) == _content(other):
        rule, reason = "resource.duplicate", "duplicate of a record already read"
    elif _age(best) > _age(other):
        rule, reason = "resource.superseded", "superseded by a newer version"
    else:
        rule, reason = "resource.conflict", "same version as another record, but different content; the first is used"
    severity = "error" if rule == "resource.conflict" else "info"
    accounts.add(head.place, head.type, head.id, "not needed", reason)
    accounts.findings.append(finding_of(other, rule, reason, severity))


def one_patient(items: list[Resource], subject: str, accounts: Accounts) -> list[Resource]:
    """The resources with one Patient, where linked records of one person were joined: that of the subject's key.

    What only another Patient says (a death, a country) is taken over; nothing is mixed from two that disagree.
    """
    patients = [item for item in items if item.head.type == "Patient"]
    if len(patients) < 2:
        return items
    named = [item for item in patients if subject.endswith(f"Patient/{item.head.id}")]
    best = (named or patients)[0]
    for other in patients:
        if other is not best:
            more = {k: v for k, v in other.resource.items() if k not in (*best.resource, *_OWN)}
            if any(key.startswith("deceased") for key in best.resource):
                more = {k: v for k, v in more.items() if not k.startswith("deceased")}
            best.resource = {**best.resource, **more}
            head = other.head
            said = f"the same person as {best.head.type}/{best.head.id}, under which it is mapped"
            accounts.add(head.place, head.type, head.id, "mapped", said)
    return [item for item in items if item.head.type != "Patient" or item is best]


# Elements of a Patient that say who the record is and not who the person is.
_OWN = ("resourceType", "id", "meta", "text", "identifier", "active", "link", "contained")
