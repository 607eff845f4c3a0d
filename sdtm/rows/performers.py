"""Who performed what a resource tells of: a key by which one person is told from another, never shown in SDTM."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from fhir2cdisc.fhir.servers import plain_reference

Peek = Callable[[str], dict[str, Any] | None]
PEOPLE = ("Practitioner", "PractitionerRole", "")
# A role that points at a role, and so on, is followed no further than this.
MOST_STEPS = 3


def performer(references: Sequence[Any], peek: Peek) -> str:
    """The key of the first person among References, else of the first of them; blank where nobody is named.

    A Practitioner has one key however it is written: `Practitioner/1`, with a server's address or a version, by the
    `urn:uuid:` of a bundle, or through a PractitionerRole. A contained one is known by its identifiers or name, as
    is one that is named without a reference.
    """
    found = [(kind, key) for kind, key in (_who(one, peek) for one in references) if key]
    people = [key for kind, key in found if kind in PEOPLE]
    return next(iter([*people, *(key for _, key in found)]), "")


def _who(value: Any, peek: Peek, steps: int = MOST_STEPS) -> tuple[str, str]:
    """Resource type (blank where unknown) and key of what a Reference points at."""
    if not isinstance(value, dict):
        return "", ""
    reference = value["reference"] if isinstance(value.get("reference"), str) else ""
    target = peek(reference) if reference else None
    if target is None:
        kind = str(value.get("type") or _type_of(reference))
        return kind, plain_reference(reference) if _names(reference) else _described(value)
    kind = str(target.get("resourceType", ""))
    if kind == "PractitionerRole" and steps and (person := _who(target.get("practitioner"), peek, steps - 1))[1]:
        return person
    return kind, _described(target) if reference.startswith("#") else f"{kind}/{target.get('id', '')}"


def _names(reference: str) -> bool:
    """A contained resource that is not there says nothing: its id is that of one resource only."""
    return bool(reference) and not reference.startswith("#")


def _type_of(reference: str) -> str:
    parts = plain_reference(reference).split("/")
    return parts[0] if len(parts) == 2 else ""


def _described(value: dict[str, Any]) -> str:
    """Identifiers, else the name that is displayed, of a resource or Reference."""
    identifiers = sorted(
        f"{one.get('system', '')}|{one['value']}" for one in _dicts(value.get("identifier")) if one.get("value")
    )
    return " ".join(identifiers) or str(value.get("display") or "") or _name(_dicts(value.get("name")))


def _name(names: Iterable[dict[str, Any]]) -> str:
    for one in names:
        given = one["given"] if isinstance(one.get("given"), list) else []
        if said := str(one.get("text") or " ".join(map(str, [one.get("family", ""), *given])).strip()):
            return said
    return ""


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]
