"""What a Bulk Data export writes beside its records: the manifest of its files (Bulk Data Access, section 3.4)."""

from __future__ import annotations

from typing import Any

import msgspec
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.fhir.records import Place


class _Manifest(msgspec.Struct):
    transactionTime: Any = ""  # noqa: N815
    output: Any = None
    error: Any = None
    outcome: Any = None
    deleted: Any = None


def manifest_finding(data: bytes, place: Place) -> Finding:
    """What the manifest says of the export: its time, and how many files of records, messages and deletions it has.

    A warning where there are messages of the server or deletions: they must be among what is read.
    """
    said = msgspec.json.decode(data, type=_Manifest)
    counts = [len(one) if isinstance(one, list) else 0 for one in (said.output, said.deleted, said.error, said.outcome)]
    records, deleted, messages = counts[0], counts[1], counts[2] + counts[3]
    time = said.transactionTime if isinstance(said.transactionTime, str) else ""
    message = f"{place.file}: manifest of a Bulk Data export of {time[:10]}: {records} files of records"
    if deleted or messages:
        message += f", {deleted} of deleted records, {messages} of messages of the server; give those files, too"
    severity = "warning" if deleted or messages else "info"
    return Finding("bulk.manifest", message, severity, file=place.file, line=place.line)
