"""What is no text, number or concept although one is wanted: found in a FHIR value before a cell is filled from it.

JSON lets an exporter write an object, a list or a boolean where FHIR R4 has a primitive. Written out as Python writes
them they would be data that nobody collected.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

# Elements of the data types that a cell is filled from which R4 makes primitives (datatypes of R4, section 2.24).
_PRIMITIVES = ("text", "display", "code", "system", "unit", "comparator", "start", "end")
_INNER = ("numerator", "denominator", "low", "high")
# One of these makes an object a value that is understood, if only as one without text.
_KNOWN = frozenset((*_PRIMITIVES, *_INNER, "value", "coding", "extension", "reference", "identifier", "id", "origin"))
# Steps after which an element is what it was before.
_SAME = re.compile(r"\.(?:first|last|resolve)\(\)|\.ofType\((?!boolean)\w+\)")
# Elements that R4 makes a boolean, and choice elements that may be one.
_BOOLEANS = frozenset(
    "active deceased multipleBirth value answer doNotPerform asNeeded wasSubstituted primarySource isSubpotent "
    "experimental excluded included allowed reported userSelected item fastingStatus defaultValue".split()
)
_CONCEPT = frozenset(("text", "display", "coding"))


def primitive_text(value: Any) -> str:
    """A text or number of JSON as text; blank for what is neither."""
    if isinstance(value, bool):
        return ""
    if isinstance(value, Decimal):
        return format(value, "f") if abs(value.adjusted()) < 100 else str(value)
    return str(value).strip() if isinstance(value, (str, int)) else ""


def several_values(resource: dict[str, Any]) -> str:
    """The names of the values of an Observation that says two, itself or in a component; blank where none does."""
    components = resource.get("component")
    for one in (resource, *(components if isinstance(components, list) else ())):
        if isinstance(one, dict):
            names = sorted(key for key in one if key.startswith("value") and key[5:6].isupper())
            if len(names) > 1:
                return ", ".join(names)
    return ""


def may_be_boolean(path: str) -> bool:
    """Whether a path may rightly give a boolean: it computes one, or ends at an element that is or may be one."""
    plain = _SAME.sub("", path)
    if not re.fullmatch(r"[\w.]+", plain):
        return True
    return plain.rsplit(".", 1)[-1] in _BOOLEANS and not plain.endswith("identifier.value")


def odd_part(value: Any, booleans: bool = True) -> str:
    """Where a value has not the shape of R4: the element's name, `value` for the value itself; blank where it has.

    `booleans` says whether the value itself may be a boolean.
    """
    if isinstance(value, bool):
        return "" if booleans else "value"
    if isinstance(value, list):
        return "value"
    if not isinstance(value, dict) or not value:
        return ""
    if not _KNOWN & value.keys():
        return "value"
    return _odd_element(value)


def _odd_element(value: dict[str, Any]) -> str:
    # A Coding or concept may carry an element `value` of somebody's own; a Quantity's is a decimal.
    wanted = _PRIMITIVES if _CONCEPT & value.keys() else (*_PRIMITIVES, "value")
    odd = next((key for key in wanted if isinstance(value.get(key), (dict, list, bool))), "")
    codings = value.get("coding", [])
    if odd or not isinstance(codings, list):
        return odd or "coding"
    for name, part in [("coding", c) for c in codings] + [(key, value.get(key)) for key in _INNER]:
        if isinstance(part, dict) and (inner := _odd_element(part)):
            return f"{name}.{inner}"
    return ""
