"""Which record of a resource counts where sources hold it several times: versions, duplicates, conflicts.

Nothing here asks for a file's name or a line's place: whatever order deliveries come in, the same record counts.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec
from fhir2cdisc.fhir.accounts import Accounts
from fhir2cdisc.fhir.dates import instant_of
from fhir2cdisc.fhir.servers import Servers
from fhir2cdisc.sdtm.rows.resources import Resource, finding_of


def latest_versions(
    items: list[Resource], accounts: Accounts, servers: Servers, other_way: bool = False
) -> list[Resource]:
    """One record for each resource: the highest version, then the latest update, then the one that `_settle` prefers.

    `other_way`: where nothing in the data says which of several is newer, the one that `_settle` likes least.

    A repeat with the same content is booked as a duplicate, an older one as superseded. Two of one version that
    differ are a finding with the elements that do; what only one of them has is kept where they agree in all else.
    """
    by_id: dict[tuple[str, str, str], list[Resource]] = defaultdict(list)
    kept: list[Resource] = []
    for item in items:
        if item.head.id:
            by_id[(servers.canonical(item.head.base), item.head.type, item.head.id)].append(item)
        else:
            kept.append(item)
    for group in by_id.values():
        # Of equals the first in the source is booked as the one that counts; they say the same.
        best = group[0] if len(group) == 1 else max(group, key=lambda item: (_age(item), _settle(item)))
        if other_way and len(group) > 1:
            best = min((one for one in group if _equally_new(one, best)), key=_settle)
        kept.append(best)
        for other in sorted((one for one in group if one is not best), key=lambda one: (_age(one), _settle(one))):
            _book_repeat(best, other, accounts)
    return sorted(kept, key=lambda i: (i.head.place.file, i.head.place.line, i.head.place.entry))


def _age(item: Resource) -> tuple[int, str, str]:
    version = item.head.version
    number = version.isascii() and version.isdigit() and len(version) < 19
    return (int(version) if number else -1, _instant(item.head.updated), version)


def _settle(item: Resource) -> tuple[tuple[str, ...], int, int, int, bytes]:
    """What settles two records of one version: business dates, status, death, how much they say, their content."""
    resource = item.resource
    period = resource.get("period")
    ends = [period.get("end"), period.get("start")] if isinstance(period, dict) else [None, None]
    dates = tuple(_instant(d) if isinstance(d, str) else "" for d in (*map(resource.get, _DATES), *ends))
    status = resource.get("status")
    dead = bool(resource.get("deceasedDateTime")) * 2 + (resource.get("deceasedBoolean") is True)
    content = msgspec.json.encode(_content(item), order="deterministic", enc_hook=str)
    return dates, _STATUS.get(status, 0) if isinstance(status, str) else 0, dead, _leaves(_content(item)), content


def _equally_new(one: Resource, other: Resource) -> bool:
    """Whether neither version, update, dates nor status says which record is newer."""
    return _age(one) == _age(other) and _settle(one)[:2] == _settle(other)[:2]


def _leaves(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(_leaves, value.values()))
    return sum(map(_leaves, value)) if isinstance(value, list) else 1


def _instant(text: str) -> str:
    """An instant in UTC, so that updates written in different time zones compare; any other text unchanged."""
    return instant_of(text) or text


def _content(item: Resource) -> dict[str, Any]:
    """What a resource says, without its metadata and the narrative that a server writes from it."""
    return {key: value for key, value in item.resource.items() if key not in ("text", "meta")}


def _book_repeat(best: Resource, other: Resource, accounts: Accounts) -> None:
    head = other.head
    mine, theirs = _content(best), _content(other)
    severity = "info"
    if _age(best) > _age(other):
        rule, reason = "resource.superseded", "superseded by a newer version"
        message = reason
    elif mine == theirs:
        rule, reason = "resource.duplicate", "duplicate of a record already read"
        message = reason
    else:
        severity = "warning"
        rule, reason = "resource.conflict", "same version as another record, but different content; that counts"
        differing = sorted(key for key in mine.keys() | theirs.keys() if mine.get(key) != theirs.get(key))
        if all(key not in mine or key not in theirs for key in differing):
            best.resource = {**other.resource, **best.resource}
            reason = "same version as another record, which is completed by it"
        else:
            accounts.unsettled += _equally_new(best, other)
        place = best.head.place
        where = (
            f"{place.file}" + (f" line {place.line}" * bool(place.line)) + f" entry {place.entry}" * (place.entry >= 0)
        )
        message = f"{reason}: differs in {', '.join(differing)}; the record in {where} counts"
    accounts.add(head.place, head.type, head.id, "not needed", reason)
    accounts.findings.append(finding_of(other, rule, message, severity))


# Elements that date what a record says, the surest first, and how far a status is in the life of a record.
_DATES = ("issued", "effectiveDateTime", "recordedDate", "authoredOn", "date")
_STATUS = {
    "registered": 1,
    "preliminary": 2,
    "final": 3,
    "amended": 4,
    "corrected": 4,
    "cancelled": 5,
    "entered-in-error": 6,
}


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
