"""`--deep`: every resource is also checked with the `fhir.resources` models of R4B, or R5 where it is of that.

Two faults of those models are false alarms and are mended before the check: `_value[x]` siblings on an extension
(legal FHIR, used to mask a value) are refused, and a contained resource of a type that only R4 has raises a
KeyError. Nothing else is loosened, and nothing escapes as an exception.
"""

from __future__ import annotations

import importlib
from decimal import Decimal
from functools import cache
from typing import Any

from fhir2cdisc.fhir.versions import R4_TYPES
from pydantic import ValidationError

# The subpackages of fhir.resources; the models of R5 stand at its top.
R4B, R5 = "R4B.", ""


@cache
def model_of(package: str, kind: str) -> Any:
    """The model class of a resource type, None where the package (R4B or R5) has none."""
    try:
        return getattr(importlib.import_module(f"fhir.resources.{package}{kind.lower()}"), kind)
    except (ImportError, AttributeError):
        return None


def deep_fault(resource: dict[str, Any], package: str = R4B) -> tuple[str, str] | None:
    """(path, what is wrong) of the first fault that the model finds; None where there is none.

    The sentence holds no value of the resource: a value may identify a patient.
    """
    model = model_of(package, str(resource.get("resourceType", "")))
    if model is None:
        return None
    try:
        model.model_validate(_mended(resource))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        return path, f"{first['type'].replace('_', ' ')} ({error.error_count()} in all)"
    except Exception as error:  # the models raise what they like on odd input; one record must not stop a run
        return "", f"cannot be checked ({type(error).__name__})"
    return None


def _is_r4_only(resource: Any) -> bool:
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    return isinstance(kind, str) and kind in R4_TYPES and model_of(R4B, kind) is None


def _mended(value: Any, in_extension: bool = False) -> Any:
    if isinstance(value, dict):
        found: dict[str, Any] = {}
        for key, item in value.items():
            if in_extension and key.startswith("_value"):
                continue
            if key == "contained" and isinstance(item, list):
                item = [i for i in item if not _is_r4_only(i)]
            found[key] = _mended(item, key in ("extension", "modifierExtension"))
        return found
    if isinstance(value, list):
        return [_mended(item, in_extension) for item in value]
    return float(value) if isinstance(value, Decimal) else value
