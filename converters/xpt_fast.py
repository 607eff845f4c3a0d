"""The compiled shortcuts of the transport file writer; without them its Python gives the same bytes, slower."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

native: ModuleType | None
try:
    from fhir2cdisc.converters import xpt_native

    native = xpt_native
except ImportError:  # installed where there was no C compiler
    native = None


@dataclass(frozen=True, slots=True)
class Block:
    """Some records of a file in memory: as records, and as the bytes that are written."""

    records: npt.NDArray[np.void]
    data: npt.NDArray[np.uint8]

    def place(self, field: str) -> tuple[int, int, int]:
        """Bytes of a record, the byte where a field begins in it, and the bytes of the field."""
        kind, position = self.records.dtype.fields[field][:2]  # type: ignore[index]
        return self.records.dtype.itemsize, position, kind.itemsize


def empty_block(rows: int, record: np.dtype[np.void]) -> Block:
    """A block whose records are still to be filled."""
    records = np.empty(rows, dtype=record)
    return Block(records, records.view(np.uint8))


def longest_text(values: npt.NDArray[np.object_]) -> int | None:
    """Bytes of the longest text; None where a text is not plain: not ASCII, with NUL or blanks at its end."""
    longest = -1 if native is None else native.longest_text(values)
    return None if longest < 0 else longest


def all_in_range(values: npt.NDArray[np.float64]) -> bool:
    """True where it is certain that an IBM double holds every number."""
    return native is not None and bool(native.in_range(values))


def put_texts(block: Block, field: str, values: npt.NDArray[np.object_]) -> bool:
    """Fill a field of the first records with plain texts; False where they are not, and left to the caller."""
    return native is not None and bool(native.put_texts(block.data, *block.place(field), values))


def put_numbers(block: Block, field: str, values: npt.NDArray[Any]) -> bool:
    """Fill a field of the first records with doubles; False where this is left to the caller."""
    if native is None:
        return False
    record, position, _ = block.place(field)
    native.put_numbers(block.data, record, position, values)
    return True
