"""Documents cut into resources without decoding them fully: bundles, arrays, Parameters, lines, one resource, XML.

What cannot be cut becomes a `Finding` with file and line, and the rest goes on. A finding of less than an error is
about something that is read all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from fhir2cdisc.fhir.archives import Archives
from fhir2cdisc.fhir.broken import pieces, without_constants
from fhir2cdisc.fhir.bulk import manifest_finding
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.fhir.records import Aside, Deletion, Place, Record, Stated, reason
from fhir2cdisc.fhir.servers import split_reference
from fhir2cdisc.fhir.sources import Document, SourceError
from fhir2cdisc.fhir.xml import XmlError, to_json

_BOM = b"\xef\xbb\xbf"
_BAD = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
_NOTHING = msgspec.Raw(b"")
# Bundles lie in a batch response and in a message; deeper is no exchange but an attack.
_MAX_NESTED = 8
_CONTAINERS = (b'"Bundle"', b'"Parameters"')

Item = Record | Finding | Aside | Deletion | Stated


class _Head(msgspec.Struct):
    resourceType: str | None = ""  # noqa: N815
    entry: msgspec.Raw = _NOTHING
    parameter: msgspec.Raw = _NOTHING
    meta: msgspec.Raw = _NOTHING
    timestamp: msgspec.Raw = _NOTHING
    # What only the manifest of a Bulk Data export or the log of its client has.
    transactionTime: msgspec.Raw = _NOTHING  # noqa: N815
    output: msgspec.Raw = _NOTHING
    exportId: msgspec.Raw = _NOTHING  # noqa: N815
    eventId: msgspec.Raw = _NOTHING  # noqa: N815


class _Entry(msgspec.Struct):
    fullUrl: str | None = None  # noqa: N815
    resource: msgspec.Raw = _NOTHING
    request: Any = None
    response: Any = None


class _Parameter(msgspec.Struct):
    resource: msgspec.Raw = _NOTHING
    part: list[msgspec.Raw] | None = None


_head = msgspec.json.Decoder(_Head)
_entry = msgspec.json.Decoder(_Entry)
_parameter = msgspec.json.Decoder(_Parameter)
_list = msgspec.json.Decoder(list[msgspec.Raw])


def split(document: Document, archives: Archives | None = None) -> Iterator[Item]:
    """The resources of a document in order, what is known beside them, and a Finding for each part that is none."""
    try:
        data = document.read(archives)
    except SourceError as error:
        yield Finding("file.unreadable", str(error), "error", file=document.name)
        return
    if document.xml:
        try:
            data = to_json(data)
        except XmlError as error:
            yield Finding("file.unreadable", f"{document.name}: {error}", "error", file=document.name)
            return
    data = data.removeprefix(_BOM)
    if document.lines or _looks_like_lines(data):
        for number, line in enumerate(data.split(b"\n"), start=1):
            if line.strip():
                yield from _Cutter(document.name, number).whole(line.strip())
    else:
        yield from _Cutter(document.name, 0).whole(data.strip())


def _looks_like_lines(data: bytes) -> bool:
    """Whether a `.json` file holds one object per line after all (as some exports do)."""
    first, _, rest = data.lstrip().partition(b"\n")
    return first.startswith(b"{") and first.rstrip().endswith(b"}") and rest.lstrip().startswith(b"{")


class _Cutter:
    """Cuts one document or one line; entries are numbered in the order in which they are met."""

    def __init__(self, name: str, line: int) -> None:
        self.name = name
        self.line = line
        self.entry = -1

    @property
    def place(self) -> Place:
        return Place(self.name, self.line, self.entry)

    def finding(self, rule: str, message: str, severity: str = "error") -> Finding:
        where = f"{self.name} line {self.line}" if self.line else self.name
        where += f" entry {self.entry}" if self.entry >= 0 else ""
        return Finding(rule, f"{where}: {message}", severity, file=self.name, line=self.line, entry=max(self.entry, -1))

    def whole(self, data: bytes) -> Iterator[Item]:
        """A document or line: what it holds, or of broken JSON what can be read."""
        try:
            head = None if data.startswith(b"[") else _head.decode(data)
            inside = _list.decode(data) if head is None else []
        except _BAD as error:
            yield from self._broken(data, error)
            return
        if head is None:
            yield from self._listed(inside, 0)
        else:
            yield from self._resource(head, data, "", 0)

    def _resource(self, head: _Head, data: bytes, full_url: str, depth: int) -> Iterator[Item]:
        """A resource, or what lies in it where it holds others."""
        if depth > _MAX_NESTED:
            yield self.finding("bundle.nested", f"lies in more than {_MAX_NESTED} bundles, which are not opened")
        elif head.resourceType == "Bundle":
            yield from self._bundle(head, depth)
        elif head.resourceType == "Parameters" and b'"resource"' in data:
            yield from self._parameters(head, depth)
        elif not head.resourceType and head.transactionTime and head.output:
            if at := _instant(head.transactionTime):
                yield Stated(self.place, at, export=True)
            yield Aside(self.place, "", "the manifest of a Bulk Data export, no record")
            yield manifest_finding(data, self.place)
        elif not head.resourceType and head.exportId and head.eventId:
            yield Aside(self.place, "", "the log of a Bulk Data client, no record")
        else:
            yield Record(self.place, full_url, data)

    def _nested(self, raw: bytes, full_url: str, depth: int) -> Iterator[Item]:
        """A resource in a container, which may be a container itself."""
        if not any(mark in raw for mark in _CONTAINERS):
            yield Record(self.place, full_url, raw)
            return
        try:
            head = _head.decode(raw)
        except _BAD:
            # What is wrong with it is said where its header is read.
            yield Record(self.place, full_url, raw)
            return
        if head.resourceType in ("Bundle", "Parameters"):
            yield from self._resource(head, raw, full_url, depth + 1)
        else:
            yield Record(self.place, full_url, raw)

    def _listed(self, items: list[msgspec.Raw], depth: int) -> Iterator[Item]:
        for item in items:
            self.entry += 1
            if bytes(item).startswith(b"{"):
                yield from self._nested(bytes(item), "", depth)
            else:
                yield self.finding("json.invalid", "is no JSON object, so no resource")

    def _parameters(self, head: _Head, depth: int) -> Iterator[Item]:
        try:
            yield from self._parts(_list.decode(head.parameter), depth)
        except _BAD as error:
            yield self.finding("json.invalid", f"not a FHIR resource: {reason(error)}")

    def _parts(self, parts: list[msgspec.Raw], depth: int) -> Iterator[Item]:
        for raw in parts:
            part = _parameter.decode(raw)
            if part.resource:
                self.entry += 1
                yield from self._nested(bytes(part.resource), "", depth)
            yield from self._parts(part.part or [], depth)

    def _bundle(self, head: _Head, depth: int) -> Iterator[Item]:
        try:
            entries = _list.decode(head.entry) if head.entry and bytes(head.entry) != b"null" else []
        except _BAD as error:
            yield self.finding("json.invalid", f"not a FHIR resource: {reason(error)}")
            return
        stated = _times(head)
        yield from (Stated(self.place, one) for one in stated)
        at = next(iter(stated), "")
        for raw in entries:
            self.entry += 1
            yield from self._one(bytes(raw), at, depth)

    def _one(self, raw: bytes, at: str, depth: int) -> Iterator[Item]:
        """An entry of a bundle that is of the time `at`."""
        try:
            entry = _entry.decode(raw)
        except _BAD as error:
            yield self.finding("bundle.entry", f"cannot be read: {reason(error)}")
            return
        request, response = _dict(entry.request), _dict(entry.response)
        method, full_url = _text(request.get("method")).upper(), entry.fullUrl or ""
        if method == "DELETE":
            yield self._deletion(_text(request.get("url")), full_url, response, at)
        elif not entry.resource or bytes(entry.resource) == b"null":
            yield from self._answer(method, response)
        elif method == "PATCH":
            yield self.finding("bundle.patch", "is a PATCH, which is not applied; give the record as it is now")
        else:
            yield from self._nested(bytes(entry.resource), full_url, depth)

    def _deletion(self, url: str, full_url: str, response: dict[str, Any], at: str) -> Item:
        target = full_url if "/" in full_url and not full_url.startswith("urn:") else url
        base, plain = split_reference(target)
        if "/" not in plain or "?" in plain:
            return self.finding("bundle.delete", "is a DELETE that names no record, and is not applied")
        version = _text(response.get("etag")).removeprefix("W/").strip('"')
        version = version or url.partition("/_history/")[2]
        return Deletion(self.place, base, plain, version, _text(response.get("lastModified")) or at)

    def _answer(self, method: str, response: dict[str, Any]) -> Iterator[Item]:
        """An entry without a resource: what a client asked, what a server answered; anything else is a fault."""
        status = _text(response.get("status"))
        if status[:1] in ("4", "5"):
            message = f"the server answered {status[:3]}; what was asked for is not here"
            yield self.finding("server.status", message, "warning")
        if status or method in ("GET", "HEAD"):
            yield Aside(self.place, "", "a request or an answer of a server, no record")
        else:
            yield self.finding("bundle.entry-empty", "has no resource")

    def _broken(self, data: bytes, error: Exception) -> Iterator[Item]:
        """What can be read of JSON that cannot be parsed as a whole."""
        if isinstance(error, msgspec.ValidationError) and not isinstance(error, UnicodeDecodeError):
            yield self.finding("json.invalid", f"not a FHIR resource: {reason(error)}")
            return
        found = False
        for piece in pieces(data):
            found = True
            self.entry += 1
            if piece.raw:
                yield from self._mended_entry(piece.raw)
            elif piece.last:
                self.entry -= 1
                yield from self._lost_end(error)
            else:
                yield self.finding("bundle.entry", "cannot be read: not valid JSON")
        if not found:
            yield from self._mended(data, error)

    def _lost_end(self, error: Exception) -> Iterator[Item]:
        after = f" after entry {self.entry}" if self.entry >= 0 else ""
        self.entry = -1
        yield self.finding("json.invalid", f"not valid JSON: {_ends(error)}; what stands{after} is lost")

    def _mended_entry(self, raw: bytes) -> Iterator[Item]:
        mended, count = without_constants(raw)
        if count:
            yield self.finding("json.nan", _said_nan(count), "warning")
        yield from self._one(mended, "", 0)

    def _mended(self, data: bytes, error: Exception) -> Iterator[Item]:
        mended, count = without_constants(data)
        if count:
            try:
                head = _head.decode(mended)
            except _BAD as other:
                error = other
            else:
                yield self.finding("json.nan", _said_nan(count), "warning")
                yield from self._resource(head, mended, "", 0)
                return
        yield self.finding("json.invalid", f"not valid JSON: {_ends(error)}")


def _said_nan(count: int) -> str:
    return f"{count} values are NaN or Infinity, which JSON does not have; they are read as absent"


def _ends(error: Exception) -> str:
    said = reason(error)
    return said + (" (the file ends too early)" if "truncated" in said.lower() else "")


def _times(head: _Head) -> list[str]:
    """What a bundle says of when it was made: its timestamp and its last update; the first is that of its deletions."""
    meta = msgspec.json.decode(head.meta) if head.meta else None
    return [at for at in (_instant(head.timestamp), _text(_dict(meta).get("lastUpdated"))) if at]


def _instant(raw: msgspec.Raw) -> str:
    return _text(msgspec.json.decode(raw)) if raw else ""


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
