"""FHIR values as text: a number, a CodeableConcept, a value[x]."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from fhir2cdisc.sdtm.rows.shapes import primitive_text

# Beyond this a decimal is no measurement; written out it could fill the memory (`1e999999999` is legal JSON).
MOST_DIGITS = 75


def number_text(value: int | float | Decimal) -> str:
    """A number as the source wrote it, without an exponent unless the exponent alone is out of all measure."""
    if isinstance(value, Decimal) and abs(value.adjusted()) <= MOST_DIGITS:
        return format(value, "f")
    return str(value)


def concept_text(value: Any) -> str:
    """The text of a CodeableConcept or Coding: text, else the first display, else the first code.

    A part that is an object, a list or a boolean gives no text (see `shapes.odd_part`).
    """
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "Y" if value else "N"
    if isinstance(value, (int, Decimal)):
        return number_text(value)
    if not isinstance(value, dict):
        return ""
    if text := primitive_text(value.get("text")):
        return text
    codings = codings_of(value)
    for key in ("display", "code"):
        for coding in codings:
            if found := primitive_text(coding.get(key)):
                return found
    return ""


def codings_of(value: Any) -> list[dict[str, Any]]:
    """The codings of a CodeableConcept, a Coding, or a list of either."""
    if isinstance(value, list):
        # FHIR has no lists in lists: what stands there is no coding, however deep it goes.
        return [coding for item in value if not isinstance(item, list) for coding in codings_of(item)]
    if not isinstance(value, dict):
        return []
    if "coding" in value:
        return [c for c in value["coding"] if isinstance(c, dict)] if isinstance(value["coding"], list) else []
    return [value] if "code" in value else []


def result_text(value: Any) -> str:
    """A value[x] as --ORRES shows it: `<5.0` of a Quantity, the text of a concept, `1:128` of a Ratio."""
    if not isinstance(value, dict):
        return concept_text(value)
    if "numerator" in value or "denominator" in value:
        above, below = (result_text(value.get(part, {})) for part in ("numerator", "denominator"))
        # `5 mg / 1 d` is 5 mg/day: its unit is that of the Ratio (see `unit_of`).
        return above if below == "1" and has_unit(value.get("denominator")) else f"{above}:{below}"
    if "start" in value or "end" in value:
        return "/".join(primitive_text(value.get(part)) for part in ("start", "end"))
    if "low" in value or "high" in value:
        return "-".join(result_text(value.get(part, {})) for part in ("low", "high"))
    if "value" in value:
        number = value["value"]
        plain = isinstance(number, (int, Decimal)) and not isinstance(number, bool)
        text = number_text(number) if plain else primitive_text(number)
        return f"{primitive_text(value.get('comparator'))}{text}" if text else ""
    return concept_text(value)


def has_unit(quantity: Any) -> bool:
    return isinstance(quantity, dict) and bool(
        primitive_text(quantity.get("code")) or primitive_text(quantity.get("unit"))
    )
