"""The components of an Observation as Observations of their own.

A component has a code, a result, its reason of absence, its interpretation and its reference ranges; date, performer,
method, specimen, body site and device are those of the Observation (FHIR R4, Observation, 10.1.5.2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fhir2cdisc.fhir.path.expression import Context
from fhir2cdisc.mappings.model import Test
from fhir2cdisc.sdtm.rows.medications import DrugPart
from fhir2cdisc.sdtm.rows.watched import Joined, Watched

# What a component says for itself, so that the Observation's own must not stand in for it.
_OWN = frozenset(("code", "dataAbsentReason", "interpretation", "referenceRange", "component", "note", "hasMember"))


@dataclass(slots=True)
class Part:
    """A resource, or a component of it that is read like one; `made` once it has become a row.

    `drugs` are those of a medication record.
    """

    resource: dict[str, Any]
    context: Context
    test: Test | None
    made: bool = False
    drugs: list[DrugPart] = field(default_factory=list)

    @property
    def has_value(self) -> bool:
        return any(key.startswith(("value", "_value")) for key in self.resource)


def _says_something(component: dict[str, Any]) -> bool:
    """Whether a component has a value[x], an interpretation or a reason why it has none."""
    return any(
        key.startswith(("value", "_value")) or key in ("dataAbsentReason", "interpretation") for key in component
    )


def parts_of(resource: dict[str, Any], context: Context, test_of: Callable[[Any], Test | None]) -> list[Part]:
    """The components that have a code and a result (or say why not), in their order."""
    components = resource["component"]
    if not isinstance(components, list):
        return []
    shared = {
        key: value for key, value in resource.items() if key not in _OWN and not key.startswith(("value", "_value"))
    }
    found = []
    for component in components:
        if isinstance(component, dict) and "code" in component and _says_something(component):
            own: dict[str, Any] = {**shared, **component}
            if isinstance(resource.get("extension"), list) and isinstance(component.get("extension"), list):
                own["extension"] = [*component["extension"], *resource["extension"]]
            if isinstance(resource, Watched) and isinstance(component, Watched):
                own = Joined(own, component, resource)
            found.append(Part(own, Context(own, context.resolve, context.peek), test_of(own)))
    return found
