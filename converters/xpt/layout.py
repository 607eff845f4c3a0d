"""The records of a SAS version 5 transport file: headers and variable descriptors (SAS TS-140)."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fhir2cdisc.mappings.errors import Fhir2CdiscError
from fhir2cdisc.mappings.standard.datasets import Variable

CARD = 80
NAMESTR = struct.Struct(">hhhh8s40s8shhh2s8shhl52s")
# One moment for every file, so that the same data give the same bytes on any day.
FIXED_CREATED = datetime(1980, 1, 1)

_LIBRARY = b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!000000000000000000000000000000  "
_MEMBER = b"HEADER RECORD*******MEMBER  HEADER RECORD!!!!!!!000000000000000001600000000140  "
_DESCRIPTOR = b"HEADER RECORD*******DSCRPTR HEADER RECORD!!!!!!!000000000000000000000000000000  "
_NAMESTRS = "HEADER RECORD*******NAMESTR HEADER RECORD!!!!!!!000000{:04d}00000000000000000000  "
_OBSERVATIONS = b"HEADER RECORD*******OBS     HEADER RECORD!!!!!!!000000000000000000000000000000  "
MEMBER_MARK = _MEMBER[:48]
LIBRARY_MARK = _LIBRARY[:48]
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_FORMAT = re.compile(r"(\$?(?:[A-Z_][A-Z0-9_]*[A-Z_]|[A-Z_])?)(\d*)\.(\d*)", re.ASCII)
_VERSION = b"9.4     "
_SYSTEM = b"X64_10PR"


class XptError(Fhir2CdiscError):
    """A dataset that cannot be a version 5 transport file, or a file that is none; `problems` holds each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Field:
    """A variable of a transport file and the byte of the record where it starts."""

    variable: Variable
    position: int


def split_format(text: str) -> tuple[str, int, int]:
    """Name, width and decimals of a SAS format: `DATE9.` is (`DATE`, 9, 0); ValueError where it is none."""
    found = _FORMAT.fullmatch(text)
    if text and (found is None or len(found[1]) > 8):
        raise ValueError(f"{text} is not a SAS format of version 5")
    return (found[1], int(found[2] or 0), int(found[3] or 0)) if found else ("", 0, 0)


def join_format(name: str, width: int, decimals: int) -> str:
    """The SAS format of its parts, an empty text where there is none."""
    if not name and not width and not decimals:
        return ""
    return f"{name}{width or ''}.{decimals or ''}"


def layout(variables: Sequence[Variable]) -> tuple[Field, ...]:
    """The variables with their places in the record, one after the other."""
    fields: list[Field] = []
    position = 0
    for variable in variables:
        fields.append(Field(variable, position))
        position += variable.length
    return tuple(fields)


def header(name: str, label: str, fields: Sequence[Field], created: datetime, encoding: str) -> bytes:
    """Everything that stands before the first observation."""
    stamp = sas_stamp(created)
    tail = _VERSION + _SYSTEM + b" " * 24 + stamp
    cards = [
        _LIBRARY,
        b"SAS     SAS     SASLIB  " + tail,
        stamp.ljust(CARD),
        _MEMBER,
        _DESCRIPTOR,
        b"SAS     " + name.encode("ascii").ljust(8) + b"SASDATA " + tail,
        stamp + b" " * 16 + label.encode(encoding).ljust(40) + b" " * 8,
        _NAMESTRS.format(len(fields)).encode("ascii"),
        padded(b"".join(_namestr(field, i, encoding) for i, field in enumerate(fields, 1))),
        _OBSERVATIONS,
    ]
    return b"".join(cards)


def padded(data: bytes) -> bytes:
    """Bytes filled with blanks to whole cards of 80."""
    return data + b" " * (-len(data) % CARD)


def sas_stamp(moment: datetime) -> bytes:
    """`01JAN80:00:00:00`, in English whatever the locale."""
    day = f"{moment.day:02d}{_MONTHS[moment.month - 1]}{moment.year % 100:02d}"
    return f"{day}:{moment:%H:%M:%S}".encode("ascii")


def _namestr(field: Field, number: int, encoding: str) -> bytes:
    variable = field.variable
    name, width, decimals = split_format(variable.format)
    return NAMESTR.pack(
        2 if variable.type == "Char" else 1,
        0,
        variable.length,
        number,
        variable.name.encode("ascii").ljust(8),
        variable.label.encode(encoding).ljust(40),
        name.encode("ascii").ljust(8),
        width,
        decimals,
        0,
        b"\0\0",
        b" " * 8,
        0,
        0,
        field.position,
        b"\0" * 52,
    )
