"""Raw resources with their place in the source, before anything is known of their content."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
from fhir2cdisc.fhir.systems import may_have_aliases, with_canonical_systems


class Place(msgspec.Struct, frozen=True, array_like=True, order=True):
    """Where a resource stands: file, 1-based line of NDJSON (0 elsewhere), 0-based bundle entry (-1 elsewhere).

    Entries are counted through where bundles lie in bundles, and in an array or Parameters, too.
    """

    file: str
    line: int = 0
    entry: int = -1


class Record(msgspec.Struct, frozen=True, array_like=True):
    """A resource as it stands in the source."""

    place: Place
    full_url: str
    raw: bytes


class Aside(msgspec.Struct, frozen=True, array_like=True):
    """What is known and no record: a request or answer of a server, a manifest. `kind` names it, `reason` says why."""

    place: Place
    kind: str
    reason: str


class Deletion(msgspec.Struct, frozen=True, array_like=True, order=True):
    """What says that a record was deleted: `plain` (`Observation/o1`) at `base`, after a version or a time if known."""

    place: Place
    base: str
    plain: str
    version: str = ""
    updated: str = ""


class Stated(msgspec.Struct, frozen=True, array_like=True):
    """What a document says of itself: the instant `at` (as written) at which it was made.

    `export` is true of the manifest of a bulk export, whose instant is that of all files beside it.
    """

    place: Place
    at: str
    export: bool = False


_resource = msgspec.json.Decoder(float_hook=Decimal)


def decode(raw: bytes) -> dict[str, Any]:
    """A resource as plain Python; decimals keep their digits (`1.10` stays `1.10`), and what is null is absent.

    Code systems have their canonical URLs (see `systems`).

    Raises ValueError with a sentence that holds no content of the resource.
    """
    try:
        value = _resource.decode(raw)
        if b"null" in raw:
            value = without_nulls(value)
        if may_have_aliases(raw):
            value = with_canonical_systems(value)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, ArithmeticError) as error:
        raise ValueError(f"not readable JSON: {reason(error)}") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def without_nulls(value: Any) -> Any:
    """JSON without nulls: R4 has none but in lists beside `_element`, and serialisers write them for what is absent."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value if item is not None]
    return value


def reason(error: Exception) -> str:
    """What is wrong with JSON, without any of its content."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return "not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)


def repeated_name(raw: bytes) -> str:
    """The first name that an object of a JSON text has twice, blank where none has. Slow: for `--deep` only."""
    found: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in pairs]
        found.extend(name for name in names if names.count(name) > 1)

    try:
        json.loads(raw, object_pairs_hook=look)
    except (ValueError, RecursionError):
        # What cannot be read is said where it is decoded.
        return ""
    return found[0] if found else ""
