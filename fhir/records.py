"""Raw resources with their place in the source, before anything is known of their content.

`split(document)` cuts a document into resources without decoding them fully: a bundle's entries, the lines of
NDJSON, or one resource. What cannot be cut becomes a `Finding` with file and line, and the rest goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.fhir.sources import Document, SourceError
from fhir2cdisc.fhir.systems import may_have_aliases, with_canonical_systems

_BOM = b"\xef\xbb\xbf"


class Place(msgspec.Struct, frozen=True, array_like=True, order=True):
    """Where a resource stands: file, 1-based line of NDJSON (0 elsewhere), 0-based bundle entry (-1 elsewhere)."""

    file: str
    line: int = 0
    entry: int = -1


class Record(msgspec.Struct, frozen=True, array_like=True):
    """A resource as it stands in the source."""

    place: Place
    full_url: str
    raw: bytes


class Stated(msgspec.Struct, frozen=True, array_like=True):
    """What a document says of itself: the instant `at` (as written) at which it was made.

    `export` is true of the manifest of a bulk export, whose instant is that of all files beside it.
    """

    place: Place
    at: str
    export: bool = False


class _Entry(msgspec.Struct):
    fullUrl: str | None = None  # noqa: N815
    resource: msgspec.Raw = msgspec.Raw(b"")
    search: dict[str, Any] | None = None


class _Bundle(msgspec.Struct):
    resourceType: str | None = ""  # noqa: N815
    entry: list[msgspec.Raw] | None = None
    timestamp: Any = None
    meta: Any = None
    # Of the manifest of a bulk export, which is no resource (Bulk Data IG, "Response - Complete Status").
    transactionTime: Any = None  # noqa: N815
    output: msgspec.Raw = msgspec.Raw(b"")


_bundle = msgspec.json.Decoder(_Bundle)
_entry = msgspec.json.Decoder(_Entry)
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


def split(document: Document) -> Iterator[Record | Stated | Finding]:
    """The resources of a document in order, what it states of itself, and a Finding for each part that is none."""
    try:
        data = document.read()
    except SourceError as error:
        yield Finding("file.unreadable", str(error), "error", file=document.name)
        return
    data = data.removeprefix(_BOM)
    if document.lines or _looks_like_lines(data):
        yield from _lines(document.name, data)
    else:
        yield from _one(document.name, 0, data)


def _looks_like_lines(data: bytes) -> bool:
    """Whether a `.json` file holds one object per line after all (as some exports do)."""
    first, _, rest = data.lstrip().partition(b"\n")
    return first.startswith(b"{") and first.rstrip().endswith(b"}") and rest.lstrip().startswith(b"{")


def _lines(name: str, data: bytes) -> Iterator[Record | Stated | Finding]:
    for number, line in enumerate(data.split(b"\n"), start=1):
        if line.strip():
            yield from _one(name, number, line.strip())


def _one(name: str, line: int, data: bytes) -> Iterator[Record | Stated | Finding]:
    try:
        head = _bundle.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        yield Finding("json.invalid", _not_json(name, line, error), "error", file=name, line=line)
        return
    if head.resourceType == "Bundle":
        updated = head.meta.get("lastUpdated") if isinstance(head.meta, dict) else None
        yield from (Stated(Place(name, line), at) for at in (head.timestamp, updated) if isinstance(at, str))
        yield from _entries(name, line, head.entry or [])
    elif not head.resourceType and isinstance(head.transactionTime, str) and head.output:
        yield Stated(Place(name, line), head.transactionTime, export=True)
    else:
        yield Record(Place(name, line), "", data)


def _not_json(name: str, line: int, error: Exception) -> str:
    place = f"{name} line {line}" if line else name
    if isinstance(error, msgspec.ValidationError):
        return f"{place}: not a FHIR resource: {error}"
    truncated = " (the file ends too early)" if "truncated" in str(error).lower() else ""
    return f"{place}: not valid JSON: {reason(error)}{truncated}"


def reason(error: Exception) -> str:
    """What is wrong with JSON, without any of its content."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return "not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)


def _entries(name: str, line: int, entries: list[msgspec.Raw]) -> Iterator[Record | Finding]:
    for index, raw in enumerate(entries):
        try:
            entry = _entry.decode(raw)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            message = f"{name} entry {index}: cannot be read: {reason(error)}"
            yield Finding("bundle.entry", message, "error", file=name, line=line, entry=index)
            continue
        if not entry.resource or bytes(entry.resource) == b"null":
            yield Finding(
                "bundle.entry-empty",
                f"{name} entry {index}: has no resource",
                "error",
                file=name,
                line=line,
                entry=index,
            )
        else:
            yield Record(Place(name, line, index), entry.fullUrl or "", bytes(entry.resource))
