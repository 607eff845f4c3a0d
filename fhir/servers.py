"""Whose namespace an id is of: the same `Patient/1` at two servers is two people.

A namespace is `site|server`: the name that the user gave a source (`SITE=PATH`), and the address of the server by
fullUrl or absolute reference, either of them blank. Which server a resource without an address is of can be told
only where the patients of its site are of one server; then it is that one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import unquote

from fhir2cdisc.fhir.versions import R4_TYPES


def split_reference(reference: str) -> tuple[str, str]:
    """Server and rest: (`host/fhir`, `Patient/1`) of `https://host/fhir/Patient/1/_history/2`.

    The server is blank in a relative reference, and in anything else, which is then the rest unchanged. http and
    https are one server, and a host's name has no case.
    """
    parts = reference.split("/_history/")[0].split("/")
    if len(parts) < 2 or parts[-2] not in R4_TYPES:
        return "", reference
    _, web, address = "/".join(parts[:-2]).partition("://")
    host, slash, path = address.partition("/")
    return f"{host.lower()}{slash}{path}".rstrip("/") if web else "", "/".join(parts[-2:])


def plain_reference(reference: str) -> str:
    """`Patient/1` of `https://host/fhir/Patient/1/_history/2`; anything else unchanged."""
    return split_reference(reference)[1]


class Condition(NamedTuple):
    """A conditional reference: the resource type, and the system (None: any) and value of the identifier asked for."""

    kind: str
    system: str | None
    value: str


def condition_of(reference: str) -> Condition | None:
    """What `Patient?identifier=system|value` asks for; blank value where it asks for something else; else None."""
    target, mark, query = reference.partition("?")
    kind = target.rpartition("/")[2]
    if not mark or kind not in R4_TYPES:
        return None
    name, _, asked = query.partition("=")
    if name.partition(":")[0] != "identifier" or "&" in query:
        return Condition(kind, None, "")
    system, bar, value = unquote(asked).rpartition("|")
    return Condition(kind, system if bar else None, value)


def shown_reference(reference: str) -> str:
    """A reference as a finding may show it: without the identifier that a conditional one asks for."""
    return f"{reference.partition('?')[0]}?..." if condition_of(reference) else reference


@dataclass(frozen=True, slots=True)
class Servers:
    """The namespaces of a run: `homes` those of patients, `known` those of all that was read."""

    homes: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()
    _only: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        for space in sorted(self.homes | self.known):
            site = space.partition("|")[0]
            if site not in self._only:
                self._only[site] = _only_server(site, self.homes) or _only_server(site, self.known)

    def canonical(self, space: str) -> str:
        """The namespace; without a server where it is the only one of its site's patients."""
        site, _, server = space.partition("|")
        return f"{site}|" if server and server == self._only.get(site) else space

    def candidates(self, reference: str, base: str) -> list[str]:
        """Keys under which the target of a reference may be, the nearest first; `base` is where it is written."""
        server, plain = split_reference(reference)
        site = base.partition("|")[0]
        space = f"{site}|{server}" if server and f"{site}|{server}" in self.known else base
        # What was read without a site's name is common to all sites.
        spaces = [space, f"|{server}"] if site else [space]
        return [*(resource_key(self.canonical(one), plain) for one in spaces), reference]


def _only_server(site: str, spaces: Iterable[str]) -> str:
    named = {space for space in spaces if space.startswith(f"{site}|") and not space.endswith("|")}
    return named.pop().partition("|")[2] if len(named) == 1 else ""


def resource_key(space: str, plain: str) -> str:
    """The key of a resource in a namespace: `Patient/1`, `host/fhir/Patient/1`, `SITE=Patient/1`."""
    site, _, server = space.partition("|")
    return (f"{site}=" if site else "") + (f"{server}/" if server else "") + plain


def plain_of(key: str) -> str:
    """`Patient/1` of the key of a patient."""
    return "/".join(key.rpartition("=")[2].split("/")[-2:])


def site_of(key: str) -> str:
    """The site's name that a key begins with, blank where it has none."""
    site, equals, _ = key.partition("=")
    return site if equals and "/" not in site and "?" not in site else ""
