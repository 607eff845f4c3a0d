"""A row of an extract while it waits in a bucket: the number of its subject, and its cells by their headings."""

from __future__ import annotations

from typing import Any

import msgspec

# Under these names `decode_row` gives what a row holds.
NUMBER, CELLS = "number", "cells"
_row = msgspec.json.Decoder(tuple[str, dict[str, str | tuple[str, str]]])


def encode_row(number: str, cells: dict[str, Any]) -> bytes:
    """A row as bytes; a coded cell is (code, label)."""
    return msgspec.json.encode((number, cells))


def decode_row(raw: bytes) -> dict[str, Any]:
    """The row of some bytes."""
    number, cells = _row.decode(raw)
    return {NUMBER: number, CELLS: cells}


def is_row(kind: str) -> bool:
    """Whether records of this kind are rows of an extract (`recist-cn/target`); else it is a resource type."""
    return "/" in kind
