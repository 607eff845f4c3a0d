"""The compiled shortcuts of the transport file writer; without them its Python gives the same bytes, slower."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

native: ModuleType | None
try:
    from fhir2cdisc.converters.xpt import native as compiled

    native = compiled
except ImportError:  # installed where there was no C compiler
    native = None


def longest_text(values: npt.NDArray[np.object_]) -> int | None:
    """Bytes of the longest text; None where a text is not plain: not ASCII, with NUL or blanks at its end."""
    longest = -1 if native is None else native.longest_text(values)
    return None if longest < 0 else longest


def all_in_range(values: npt.NDArray[np.float64]) -> bool:
    """True where it is certain that an IBM double holds every number."""
    return native is not None and bool(native.in_range(values))


def put_rows(block: npt.NDArray[np.void], arrays: Mapping[str, npt.NDArray[Any]]) -> set[str]:
    """Fill fields of records with objects or doubles; the names of those that hold plain values only.

    Any other field is left to the caller.
    """
    if native is None:
        return set()
    layout: Mapping[str, Any] = block.dtype.fields or {}
    places = tuple((layout[name][1], layout[name][0].itemsize, array) for name, array in arrays.items())
    plain = native.put_rows(block.view(np.uint8), block.dtype.itemsize, len(block), places)
    return {name for name, was_plain in zip(arrays, plain, strict=True) if was_plain}
