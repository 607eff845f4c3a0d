"""IEEE 754 doubles to the IBM System/360 doubles of SAS transport files, and back (SAS TS-140)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]

SMALLEST = 2.0**-260  # 16 ** -65, the smallest normalised IBM double
LIMIT = 2.0**252  # 16 ** 63; every IBM double lies below it
MISSING_CODES = ("_", *(chr(c) for c in range(ord("A"), ord("Z") + 1)))

_FRACTION = np.uint64((1 << 56) - 1)
_SIGN = np.uint64(1 << 63)
_HIDDEN = np.uint64(1 << 52)
_SMALLEST_BITS = np.float64(SMALLEST).view(np.uint64)
_RANGE = np.float64(LIMIT).view(np.uint64) - _SMALLEST_BITS
_CODE_OF_BYTE = np.array([chr(b) if chr(b) in (".", *MISSING_CODES) else "" for b in range(256)])
_MISSING = np.uint64(ord(".") << 56)


def out_of_range(values: Floats) -> npt.NDArray[np.bool_]:
    """True where a number cannot be held: infinite, 16**63 or more, or nearer to zero than 16**-65."""
    size = np.abs(values)
    return np.asarray((size >= LIMIT) | ((size < SMALLEST) & (size > 0)))


def to_ibm(values: Floats) -> Words:
    """IBM words (most significant bit first once stored big-endian) of doubles in range; NaN becomes `.`.

    Exact: an IBM fraction holds 53 to 56 bits, a double needs 53.
    """
    values = np.ascontiguousarray(values, dtype=np.float64)
    bits = values.view(np.uint64)
    # Less the bits of the smallest number, bits 52 and 53 count the places to shift (powers of 2) and the
    # bits above are the IBM exponent (powers of 16); zeros and missing values fall out of the range.
    words = bits & ~_SIGN
    words -= _SMALLEST_BITS
    others = np.flatnonzero(words >= _RANGE)
    shift = words >> np.uint64(52)
    shift &= np.uint64(3)
    high = words >> np.uint64(54)
    high <<= np.uint64(56)
    words &= _HIDDEN - np.uint64(1)
    words |= _HIDDEN
    words <<= shift
    words |= high
    words |= np.bitwise_and(bits, _SIGN, out=high)
    words[others] = np.where(np.isnan(values[others]), _MISSING, np.uint64(0))
    return np.asarray(words)


def from_ibm(words: Words) -> Floats:
    """Doubles of IBM words; every kind of SAS missing value becomes NaN."""
    words = words.astype(np.uint64, copy=False)
    fraction = words & _FRACTION
    exponent = ((words >> np.uint64(56)) & np.uint64(0x7F)).astype(np.int32)
    values: Any = np.ldexp(fraction.astype(np.float64), 4 * (exponent - 64) - 56)
    values[words >> np.uint64(63) == 1] *= -1
    values[fraction == 0] = 0.0
    values[missing_codes(words)[0]] = np.nan
    return np.asarray(values, dtype=np.float64)


def missing_word(code: str) -> np.uint64:
    """The word of a missing value: `.`, `_` or a letter A to Z."""
    return np.uint64(ord(code) << 56)


def missing_codes(words: Words) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.str_]]:
    """Where words are SAS missing values, and which: `.`, `_` or A to Z."""
    places = np.flatnonzero(((words & _FRACTION) == 0) & (words != 0))
    codes = _CODE_OF_BYTE[(words[places] >> np.uint64(56)).astype(np.uint8)]
    return places[codes != ""], codes[codes != ""]
