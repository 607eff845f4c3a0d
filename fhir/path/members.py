"""The steps of a path to elements of resources: by name, by choice of type (`value[x]`), and `ofType()`."""

from __future__ import annotations

from decimal import Decimal

from fhir2cdisc.fhir.path.parser import PathError
from fhir2cdisc.fhir.path.values import NOTHING, Context, Items, Step
from fhir2cdisc.fhir.versions import R4_TYPES

# Elements of the R4 resources that the project reads whose JSON name carries the type.
CHOICES = frozenset(
    "value effective onset abatement performed medication deceased occurrence collected multipleBirth timing "
    "reported asNeeded dose rate product age born fastingStatus minimumVolume defaultValue serviced item "
    "identified allowed bounds time doseNumber".split()
)


def member(name: str) -> Step:
    """The step to the element `name` of each item, to `$this` or to `%resource`."""
    if name == "$this":
        return lambda items, context: items
    if name in ("%resource", "%context"):
        return lambda items, context: [context.resource]
    if name in CHOICES:
        return _choice_member(name)
    if name[0].isupper():
        return _type_or_member(name)

    def run(items: Items, context: Context) -> Items:
        if len(items) == 1:
            # The usual case; a list of the resource is handed on as it is, and no step changes its input.
            value = items[0].get(name) if isinstance(items[0], dict) else None
            return value if type(value) is list else NOTHING if value is None else [value]
        found: Items = []
        for item in items:
            if isinstance(item, dict):
                value = item.get(name)
                if value is None:
                    continue
                if type(value) is list:
                    found += value
                else:
                    found.append(value)
        return found

    return run


def _type_or_member(name: str) -> Step:
    """`Patient.name`: a leading type name keeps the resources of that type."""
    return lambda items, context: [i for i in items if isinstance(i, dict) and i.get("resourceType") == name]


def _choice_member(name: str) -> Step:
    length = len(name)

    def run(items: Items, context: Context) -> Items:
        found: Items = []
        for item in items:
            if not isinstance(item, dict):
                continue
            value = item.get(name)
            if value is None:
                typed = (k for k in item if k.startswith(name) and k[length : length + 1].isupper())
                value = next((v for k in typed if (v := item[k]) is not None), None)
            if type(value) is list:
                found += value
            elif value is not None:
                found.append(value)
        return found

    return run


def typed_member(name: str, type_: str) -> Step:
    """`value.ofType(Quantity)`: the step to `valueQuantity`."""
    return member(name + type_[0].upper() + type_[1:])


def of_type(name: str, text: str) -> Step:
    """`ofType()` where the JSON shows the type: resources and the primitive types."""
    primitives: dict[str, type | tuple[type, ...]] = {
        "string": str,
        "boolean": bool,
        "integer": int,
        "decimal": (int, Decimal),
    }
    kind = primitives.get(name)
    if kind is not None:
        return lambda items, context: [
            i for i in items if isinstance(i, kind) and (name == "boolean" or not isinstance(i, bool))
        ]
    if name not in R4_TYPES:
        raise PathError(f"{text!r}: ofType({name}) is known only directly after a choice element such as value")
    return _type_or_member(name)
