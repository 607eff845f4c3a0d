"""Standard results of findings: --STRESC, --STRESN and --STRESU from what was collected (SDTMIG 3.4, 4.5.1.1)."""

from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np
import pandas as pd
from fhir2cdisc.mappings.model import conversions
from fhir2cdisc.sdtm.columns import STRESC, USUAL_UNIT

# What a number of a transport file can be (IBM double: 16**-65 to nearly 16**63).
SMALLEST, LARGEST = 5.4e-79, 7.2e75
_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"


def numbers_of(text: pd.Series) -> pd.Series:
    """The number that each text is, NaN where it is none or none that a transport file can hold."""
    number = pd.to_numeric(text.where(text.str.fullmatch(_NUMBER)), errors="coerce").astype(float)
    size = number.abs()
    return number.where((number == 0) | ((size >= SMALLEST) & (size <= LARGEST)))


def standardise(frame: pd.DataFrame, domain: str) -> pd.DataFrame:
    """The frame with standard results; a unit of the conversion table is converted, any other is kept.

    Conversion is decimal, so 2.54 cm is 25.4 mm and not 25.400000000000002. A result that is no number keeps its
    text in --STRESC and has no --STRESN.
    """
    orres, unit = frame[f"{domain}ORRES"], frame.get(f"{domain}ORRESU", pd.Series("", index=frame.index))
    preset = frame.get(f"{domain}STRESC")
    number = numbers_of(orres)
    frame[f"{domain}STRESC"], frame[f"{domain}STRESN"], frame[f"{domain}STRESU"] = orres, number, unit
    if f"{domain}TESTCD" in frame:
        _convert(frame, domain, number.notna())
    for own in (preset, frame.get(STRESC)):
        if own is not None:
            own = own.fillna("")
            frame[f"{domain}STRESC"] = frame[f"{domain}STRESC"].where(own == "", own)
    return frame


def odd_units(frame: pd.DataFrame, domain: str) -> pd.DataFrame:
    """The numeric results of a test that are in another standard unit than most of its results in the study.

    Such results cannot be put on one scale: no conversion is defined. Returns the rows with _USUAL, the unit of the
    most results (of equals the first in the alphabet).
    """
    unit = f"{domain}STRESU"
    if f"{domain}TESTCD" not in frame:
        # Only tests of the source's own: none of them has a code to compare by.
        return frame.iloc[:0].assign(**{f"{domain}TESTCD": "", USUAL_UNIT: ""})
    rows = frame[(frame[unit] != "") & frame[f"{domain}STRESN"].notna() & (frame[f"{domain}TESTCD"] != "")]
    by = [f"{domain}TESTCD", *[c for c in (f"{domain}SPEC",) if c in frame]]
    counts = rows.groupby([*by, unit]).size().rename("RESULTS").reset_index()
    usual = counts.sort_values(["RESULTS", unit], ascending=[False, True], kind="stable").drop_duplicates(by)
    found = rows.reset_index().merge(usual[[*by, unit]].rename(columns={unit: USUAL_UNIT}), on=by).set_index("index")
    return found[found[unit] != found[USUAL_UNIT]]


def _convert(frame: pd.DataFrame, domain: str, numeric: pd.Series) -> None:
    table = conversions()
    pairs = frame.loc[numeric, [f"{domain}TESTCD", f"{domain}STRESU"]].drop_duplicates()
    for testcd, unit in pairs.itertuples(index=False):
        rule = table.get((testcd, unit)) or table.get(("*", unit))
        if rule is None:
            continue
        standard, factor, offset = rule
        rows = numeric & (frame[f"{domain}TESTCD"] == testcd) & (frame[f"{domain}STRESU"] == unit)
        with localcontext() as context:
            context.prec = 200
            values = [Decimal(text) * Decimal(factor) + Decimal(offset) for text in frame.loc[rows, f"{domain}ORRES"]]
            texts = [decimal_text(value) for value in values]
        frame.loc[rows, f"{domain}STRESC"] = texts
        frame.loc[rows, f"{domain}STRESN"] = np.array([float(text) for text in texts])
        frame.loc[rows, f"{domain}STRESU"] = standard


def decimal_text(value: Decimal) -> str:
    """A number without exponent and without the zeros that a conversion appends; at most ten decimals."""
    rounded = round(value, 10)
    text = format(rounded, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
