"""Lengths from text, exactly: whole numbers of a millionth of a millimetre, so that 30% is 30%."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.arrays import Texts

# Sums stay far below 2**53 of these, so they are exact in float64 too, where NaN marks a missing length.
PER_MM = 1_000_000
_LONGEST = Decimal(2**43)
_UNITS = {"mm": Decimal(PER_MM), "cm": Decimal(PER_MM * 10), "": Decimal(PER_MM)}


def mm(text: str) -> float:
    """A length in mm as the whole number that this module counts in."""
    return float(Decimal(text) * PER_MM)


def to_lengths(values: Texts, units: Texts) -> tuple[np.ndarray, np.ndarray]:
    """Texts with their units (mm, cm; blank is mm) as lengths, and whether the unit is known.

    A length is NaN where the text is no number that is zero or more and far below 2**53, or the unit is unknown.
    """
    if not len(values):
        return np.zeros(0), np.zeros(0, dtype=bool)
    codes, uniques = pd.factorize(pd.MultiIndex.from_arrays([values, units]))
    lengths = np.array([_length(str(value), str(unit)) for value, unit in uniques], dtype=np.float64)
    known = np.array([str(unit).lower() in _UNITS for _, unit in uniques], dtype=bool)
    return lengths[codes], known[codes]


def _length(value: str, unit: str) -> float:
    factor = _UNITS.get(unit.lower())
    if factor is None:
        return np.nan
    try:
        length = Decimal(value) * factor
    except InvalidOperation:
        return np.nan
    return float(round(length)) if length.is_finite() and 0 <= length < _LONGEST else np.nan


def in_mm(length: float) -> str:
    """A length as the shortest decimal number of mm: `27`, `21.07`."""
    value = (Decimal(int(length)) / PER_MM).normalize()
    return f"{value:f}"


def percent(change: float, base: float) -> str:
    """A change in percent, cut towards zero so that it never seems to reach a limit: `+22%`, `-29%`."""
    whole = abs(int(change)) * 100 // int(base)
    return f"{'-' if change < 0 else '+'}{whole}%"
