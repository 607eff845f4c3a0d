"""A file of an extract opened by what it is: its first bytes say, and its name only where they do not."""

from __future__ import annotations

from pathlib import Path

from fhir2cdisc.converters.extracts.database import SQLITE, is_connection, read_database
from fhir2cdisc.converters.extracts.delimited import read_delimited
from fhir2cdisc.converters.extracts.grid import ExtractError, Grid, Notice
from fhir2cdisc.converters.extracts.odm import read_odm
from fhir2cdisc.converters.extracts.parquet import read_parquet
from fhir2cdisc.converters.extracts.sas import read_sas
from fhir2cdisc.converters.extracts.workbook import read_workbook

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_XPT = b"HEADER RECORD*******"
_SAS = bytes.fromhex("000000000000000000000000c2ea8160b31411cfbd92080009c7318c181f1011")


def open_grid(path: Path, name: str, sheet: str, encoding: str, delimiter: str, notice: Notice) -> Grid:
    """The table of a file; ExtractError where it is none that can be read, in one sentence that names the file."""
    try:
        with path.open("rb") as file:
            head = file.read(1 << 12)
        if head.startswith((_ZIP, _OLE)):
            return read_workbook(path, name, sheet, notice)
        if head.startswith(b"PAR1"):
            return read_parquet(path, name, notice)
        if head.startswith((_XPT, _SAS)):
            return read_sas(path, name, notice)
        if head.startswith(SQLITE) or is_connection(head):
            return read_database(path, name, sheet, notice)
        if b"<ODM" in head or b":ODM " in head:
            return read_odm(path, name, sheet, notice)
        if not encoding and _is_binary(head):
            raise ExtractError(f"{name}: is neither text nor a workbook, a SAS dataset or a Parquet file")
        return read_delimited(path, name, encoding, delimiter, notice)
    except (OSError, LookupError) as error:
        raise ExtractError(f"{name}: cannot be read ({type(error).__name__})") from None


def _is_binary(head: bytes) -> bool:
    """Whether bytes are no text: control characters other than those of UTF-16, blanks and line ends."""
    signs = head[::2] + head[1::2] if head.count(0) < len(head) // 4 else b""
    odd = sum(1 for byte in signs if byte < 9 or 13 < byte < 27)
    return odd > len(head) // 50 and not head.startswith((b"\xff\xfe", b"\xfe\xff"))
