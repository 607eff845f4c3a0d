"""Patients that a resource names by an identifier: `subject.identifier`, `Patient?identifier=`, a contained Patient.

Such a name is resolved when all Patients have been read. Until then the resource is of a subject of its own, whose key
is a digest: an identifier of a patient stands in no file name, finding or log.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.fhir.identity import Identities, Person
from fhir2cdisc.fhir.records import Place
from fhir2cdisc.fhir.servers import Condition, condition_of, resource_key

# System (None: any) and value of an identifier.
Name = tuple[str | None, str]


class Mention(msgspec.Struct, frozen=True, array_like=True):
    """A patient named by identifiers, any one of which may be that of the Patient: `key` stands for it meanwhile."""

    home: str
    key: str
    names: tuple[Name, ...]
    place: Place
    resource: str
    count: int = 1


class _Holder(msgspec.Struct):
    contained: Any = None


_holder = msgspec.json.Decoder(_Holder)


def names_in(reference: Any, raw: bytes) -> tuple[Name, ...]:
    """The identifiers by which a Reference names a patient; none where it does so by id or not at all.

    `raw` is the resource that it stands in, for a Patient contained there.
    """
    if not isinstance(reference, dict):
        return ()
    text = reference.get("reference")
    if isinstance(text, str) and text.startswith("#"):
        return _of_contained(text[1:], raw)
    if isinstance(text, str) and text:
        asked = condition_of(text)
        return _asked(asked) if asked is not None else ()
    return _names([reference.get("identifier")]) if reference.get("type") in (None, "Patient") else ()


def _asked(asked: Condition) -> tuple[Name, ...]:
    return ((asked.system, asked.value),) if asked.kind == "Patient" and asked.value else ()


def _of_contained(id_: str, raw: bytes) -> tuple[Name, ...]:
    held = _holder.decode(raw).contained
    for one in held if isinstance(held, list) else []:
        if isinstance(one, dict) and one.get("id") == id_ and one.get("resourceType") == "Patient":
            identifiers = one.get("identifier")
            return _names(identifiers if isinstance(identifiers, list) else [])
    return ()


def _names(identifiers: Iterable[Any]) -> tuple[Name, ...]:
    found = []
    for one in identifiers:
        if isinstance(one, dict) and isinstance(value := one.get("value"), str) and value:
            system = one.get("system")
            found.append((system if isinstance(system, str) else None, value))
    return tuple(sorted(found, key=str))


def mention_key(names: Sequence[Name]) -> str:
    """The key of a patient of these identifiers while it is not known who that is."""
    digest = hashlib.sha256(msgspec.json.encode(list(names))).hexdigest()[:20]
    return f"Patient/identifier-{digest}"


def merge_mentions(found: dict[tuple[str, str], Mention], more: Iterable[Mention]) -> None:
    """Add mentions: one for each home and key, of the first place, with the count of all."""
    for one in more:
        before = found.get((one.home, one.key))
        if before is not None:
            first = min(before, one, key=lambda m: m.place)
            one = msgspec.structs.replace(first, count=before.count + one.count)
        found[one.home, one.key] = one


def resolve_mentions(
    mentions: Iterable[Mention], people: Iterable[Person], identities: Identities
) -> tuple[Identities, list[Finding]]:
    """The identities with the patients that identifiers name, and a finding for each that names none or several."""
    by_value = _by_value(people, identities)
    main, unresolved, findings = dict(identities.main), set(identities.unresolved), []
    for one in sorted(mentions, key=lambda m: (m.home, m.key)):
        own = resource_key(identities.servers.canonical(one.home), one.key)
        keys = sorted({key for name in one.names for key in _matching(name, one.home, by_value)})
        if len(keys) == 1:
            main[own] = keys[0]
            if all(system is None for system, _ in one.names):
                said = f"is that of {keys[0]} by its value alone: it has no system"
                findings.append(_finding("subject.identifier-value", one, said, "warning"))
            continue
        unresolved.add(own)
        why = f"several of the Patients have ({', '.join(keys)})" if keys else "no Patient that was read has"
        findings.append(_finding("subject.identifier", one, f"{why}; nothing of it is mapped", "error"))
    return replace(identities, main=main, unresolved=frozenset(unresolved)), findings


def _by_value(people: Iterable[Person], identities: Identities) -> Mapping[str, list[tuple[str, str, str]]]:
    """(site, system, key of the subject) of the Patients that have an identifier, by its value."""
    found: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for person in people:
        key, _ = identities.subject(person.space, person.plain)
        for system, value in person.names:
            found[value].append((person.space.partition("|")[0], system, key))
    return found


def _matching(name: Name, home: str, by_value: Mapping[str, list[tuple[str, str, str]]]) -> set[str]:
    system, value = name
    site = home.partition("|")[0]
    return {key for own, its, key in by_value.get(value, ()) if own in (site, "") and system in (None, its)}


def _finding(rule: str, one: Mention, said: str, severity: str) -> Finding:
    place = one.place
    message = f"{one.resource}: names its patient by an identifier that {said}"
    if said.startswith("is that of"):
        message = f"{one.resource}: the identifier by which it names its patient {said}"
    if one.count > 1:
        message += f" (so {one.count} resources)"
    return Finding(
        rule,
        message,
        severity,
        file=place.file,
        line=place.line,
        entry=place.entry,
        resource=one.resource,
        count=one.count,
    )
