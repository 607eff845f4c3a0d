"""Who is who over all that was read: people by server and id, linked records, and ids that two people may share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from fhir2cdisc.fhir.deletions import Deletions
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.fhir.records import Place
from fhir2cdisc.fhir.servers import Servers, resource_key, site_of


class Person(msgspec.Struct, frozen=True, array_like=True, order=True):
    """What tells who a Patient resource is about: `space` and `plain` make its key."""

    space: str
    plain: str
    place: Place
    sex: str = ""
    birth: str = ""
    inactive: bool = False
    dead: bool = False
    # Kind of link and reference; identifiers as `system|value`.
    links: tuple[tuple[str, str], ...] = ()
    identifiers: tuple[str, ...] = ()
    # System and value of every identifier, also of those that are of its own source only.
    names: tuple[tuple[str, str], ...] = ()


class _Patient(msgspec.Struct):
    gender: Any = None
    birthDate: Any = None  # noqa: N815
    active: Any = None
    link: Any = None
    identifier: Any = None
    deceasedBoolean: Any = None  # noqa: N815
    deceasedDateTime: Any = None  # noqa: N815


_decoder = msgspec.json.Decoder(_Patient)


def read_person(raw: bytes, space: str, plain: str, place: Place) -> Person | None:
    """The person of a Patient resource; None where its JSON cannot be read, which the mapping stage says."""
    try:
        found = _decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    links = tuple(
        (_text(one.get("type")), _text(_dict(one.get("other")).get("reference"))) for one in _dicts(found.link)
    )
    # A system that is no URI names nothing outside of its own source.
    identifiers = tuple(
        f"{one['system']}|{one['value']}"
        for one in _dicts(found.identifier)
        if ":" in _text(one.get("system")) and _text(one.get("value")) and one.get("use") not in ("old", "temp")
    )
    names = tuple(
        (_text(one.get("system")), _text(one.get("value")))
        for one in _dicts(found.identifier)
        if _text(one.get("value"))
    )
    dead = found.deceasedBoolean is True or bool(found.deceasedDateTime)
    sex, birth = _text(found.gender), _text(found.birthDate)
    return Person(space, plain, place, sex, birth, found.active is False, dead, links, identifiers, names)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


@dataclass(frozen=True, slots=True)
class Identities:
    """The outcome: `main` the key under which a linked one is mapped, `refused` keys that may be of two people.

    `joined` says of each linked key what joins it, `apart` of pairs of keys why they are not joined. `unresolved` are
    keys of patients whose identifier no or several Patients have (see `mentions`), `deletions` what sources deleted.
    """

    servers: Servers = field(default_factory=Servers)
    main: Mapping[str, str] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()
    joined: Mapping[str, str] = field(default_factory=dict)
    apart: tuple[tuple[str, str, str], ...] = ()
    unresolved: frozenset[str] = frozenset()
    deletions: Deletions = field(default_factory=Deletions)

    def without_reasons(self) -> Identities:
        """The same for those who only map."""
        return replace(self, joined={}, apart=())

    def subject(self, space: str, plain: str) -> tuple[str, str]:
        """(key of the subject, key by the source) of a resource whose patient is `plain` in a namespace."""
        own = resource_key(self.servers.canonical(space), plain)
        return self.main.get(own, own), own


@dataclass(slots=True)
class _Census:
    """Keys with their Patient resources, and what was found on the way."""

    people: dict[str, list[Person]]
    findings: list[Finding] = field(default_factory=list)
    reasons: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    apart: set[tuple[str, str, str]] = field(default_factory=set)

    def say(self, rule: str, key: str, message: str, severity: str = "warning") -> None:
        some = self.people.get(key)
        place = min((one.place for one in some), key=lambda p: (p.file, p.line, p.entry)) if some else Place("")
        self.findings.append(
            Finding(
                rule,
                f"{key}: {message}",
                severity,
                file=place.file,
                line=place.line,
                entry=place.entry,
                resource=key,
            )
        )

    def keep_apart(self, keys: Sequence[str], why: str) -> None:
        self.apart |= {(a, b, why) for a in keys for b in keys if a != b}


def find_identities(
    people: Iterable[Person], servers: Servers, same: Sequence[Sequence[str]] = ()
) -> tuple[Identities, list[Finding]]:
    """Who is who, and what is said of it. `same` are groups of keys that a study file says are one person.

    Two Patients of one id and no server with another sex or birth date are refused; of a named server or site they
    are versions of one. Records joined by Patient.link or `same` are one subject under the record that replaces.
    """
    by_key: dict[str, list[Person]] = defaultdict(list)
    for person in sorted(people):
        by_key[resource_key(servers.canonical(person.space), person.plain)].append(person)
    census = _Census(by_key)
    refused = frozenset(key for key in sorted(by_key) if _is_refused(census, key))
    main = _joined(census, servers, same, refused)
    _say_same_ids(census)
    _say_same_identifiers(census, main)
    for key in sorted(by_key):
        if key not in main and all(one.inactive for one in by_key[key]):
            dead = any(one.dead for one in by_key[key])
            said = "the Patient is not active and names no record in its place; it is used as it is"
            census.say("identity.inactive", key, said, "info" if dead else "warning")
    joined = {key: ", ".join(sorted(why)) for key, why in census.reasons.items()}
    return Identities(servers, main, refused, joined, tuple(sorted(census.apart))), census.findings


def _differ(a: Person, b: Person) -> str:
    """What tells two people apart: `sex`, `date of birth`; a birth date that is only less complete does not."""
    known = [s for s in (a.sex, b.sex) if s not in ("", "unknown")]
    if len(set(known)) == 2:
        return "sex"
    short, long = sorted((a.birth, b.birth), key=len)
    return "" if long.startswith(short) else "date of birth"


def _difference(people: Sequence[Person]) -> str:
    found = (_differ(a, b) for n, a in enumerate(people) for b in people[n + 1 :])
    return next((name for name in found if name), "")


def _is_refused(census: _Census, key: str) -> bool:
    people = census.people[key]
    if not (name := _difference(people)):
        return False
    if len({one.space for one in people}) == 1 and people[0].space != "|":
        said = f"Patient resources of one server or site and this id differ in {name}; the newer counts"
        census.say("identity.corrected", key, said)
        return False
    said = f"Patient resources of this id differ in {name} and no server is named that tells them apart; nothing of "
    said += "this id is mapped. Name the sources (SITE=PATH) where they are of several hospitals"
    census.say("identity.ambiguous", key, said, "error")
    return True


def _joined(
    census: _Census, servers: Servers, same: Sequence[Sequence[str]], refused: frozenset[str]
) -> dict[str, str]:
    """Key to the key under which it is mapped, for all that are joined to another."""
    pairs, replaced = _links(census, servers)
    groups: dict[str, set[str]] = {}
    for a, b, why in [*pairs, *((group[0], one, "the study file") for group in same for one in group[1:])]:
        people = [*census.people.get(a, ()), *census.people.get(b, ())]
        if a == b or {a, b} & refused or not {a, b} & census.people.keys():
            continue
        if name := _difference(people):
            census.say(
                "identity.link-refused", a, f"{why} joins it to {b}, which differs in {name}; not joined", "error"
            )
            census.apart |= {(x, y, f"{why} joins them, but they differ in {name}") for x, y in ((a, b), (b, a))}
            continue
        if a not in census.people or b not in census.people:
            missing = b if a in census.people else a
            census.say("identity.link-missing", a, f"{why} joins it to {b}; no Patient {missing} was read")
        for key in (a, b):
            census.reasons[key].add(why)
        together = groups.get(a, {a}) | groups.get(b, {b})
        for key in together:
            groups[key] = together
    main: dict[str, str] = {}
    for group in {frozenset(one) for one in groups.values()}:
        here = sorted(key for key in group if key in census.people)
        first = next((key for key in here if key not in replaced), here[0])
        main |= {key: first for key in group if key != first}
    for key in sorted(main):
        census.say("identity.joined", key, f"is mapped as one subject with {main[key]}", "info")
    return main


def _links(census: _Census, servers: Servers) -> tuple[list[tuple[str, str, str]], set[str]]:
    """(key, key, why) of Patient.link, and the keys that others replace."""
    pairs, replaced = [], set()
    for key in sorted(census.people):
        for person in census.people[key]:
            for kind, reference in person.links:
                other = next((c for c in servers.candidates(reference, person.space) if "Patient/" in c), "")
                if other:
                    pairs.append((key, other, f"Patient.link ({kind})"))
                    replaced |= {"replaced-by": {key}, "replaces": {other}}.get(kind, set())
    return pairs, replaced


def _say_same_ids(census: _Census) -> None:
    """One id at several servers of no or one site is several people, which is said."""
    by_id: dict[tuple[str, str], list[str]] = defaultdict(list)
    for key, some in sorted(census.people.items()):
        by_id[site_of(key), some[0].plain].append(key)
    for (_, plain), keys in by_id.items():
        if len(keys) > 1:
            # One without an address may well be one of the others.
            severity = "warning" if any(key.endswith(plain) and site_of(key) + plain == key for key in keys) else "info"
            census.say(
                "identity.same-id", keys[0], f"has the id of {', '.join(keys[1:])}; they are kept apart", severity
            )
            census.keep_apart(keys, "the same id, of another server")


def _say_same_identifiers(census: _Census, main: Mapping[str, str]) -> None:
    by_identifier: dict[str, set[str]] = defaultdict(set)
    for key, some in census.people.items():
        for identifier in {i for one in some for i in one.identifiers}:
            by_identifier[identifier].add(main.get(key, key))
    shared = sorted({tuple(sorted(keys)) for keys in by_identifier.values() if len(keys) > 1})
    for keys in shared:
        census.keep_apart(keys, "the same identifier (system and value), and nothing joins them")
        said = f"has an identifier of {', '.join(keys[1:])} (same system and value); they are kept apart unless "
        census.say(
            "identity.same-identifier", keys[0], said + "Patient.link or [identity] of the study file joins them"
        )
