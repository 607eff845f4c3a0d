"""Standard results of findings: --STRESC, --STRESN and --STRESU from what was collected (SDTMIG 3.4, 4.5.1.1)."""

from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np
import pandas as pd
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.mappings.model import conversions
from fhir2cdisc.sdtm.columns import RECORD_NO, STRESC, USUAL_UNIT
from fhir2cdisc.sdtm.methods import derives

# What a number of a transport file can be (IBM double: 16**-65 to nearly 16**63).
SMALLEST, LARGEST = 5.4e-79, 7.2e75
_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"


def numbers_of(text: pd.Series) -> pd.Series:
    """The number that each text is, NaN where it is none or none that a transport file can hold."""
    number = pd.to_numeric(text.where(text.str.fullmatch(_NUMBER)), errors="coerce").astype(float)
    size = number.abs()
    return number.where((number == 0) | ((size >= SMALLEST) & (size <= LARGEST)))


@derives(
    "--STRESC",
    "The standard result that the source gives (a term, a score, a date), else the result in standard units as text; "
    "the original result where no conversion is defined",
)
@derives("--STRESN", "The number of --STRESC; blank where it is no number")
@derives("--STRESU", "The unit of --STRESC")
def standardise(frame: pd.DataFrame, domain: str) -> pd.DataFrame:
    """The frame with standard results; a unit of the conversion table is converted, any other is kept.

    Conversion is decimal, so 2.54 cm is 25.4 mm and not 25.400000000000002. A standard result that the mapping gives
    is kept. A result that is no number keeps its text in --STRESC and has no --STRESN.
    """
    orres, unit = frame[f"{domain}ORRES"], frame.get(f"{domain}ORRESU", pd.Series("", index=frame.index))
    number = numbers_of(orres)
    made = frame.assign(**{f"{domain}STRESC": orres, f"{domain}STRESN": number, f"{domain}STRESU": unit})
    if f"{domain}TESTCD" in frame:
        _convert(made, domain, number.notna())
    for own in (frame.get(f"{domain}STRESC"), frame.get(STRESC)):
        if own is not None:
            given = own.fillna("") != ""
            made[f"{domain}STRESC"] = made[f"{domain}STRESC"].mask(given, own)
            made[f"{domain}STRESN"] = made[f"{domain}STRESN"].mask(given, numbers_of(own.fillna("")))
    return made


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


def unit_findings(frame: pd.DataFrame, domain: str, records: pd.DataFrame) -> list[Finding]:
    """A finding for each result in another unit than most results of its test; `records` by _RECORD_NO."""
    odd = odd_units(frame, domain)
    places = records.iloc[odd[RECORD_NO].to_numpy(np.int64)]
    unit = f"{domain}STRESU"
    return [
        Finding(
            "unit.differs",
            f"{place.RESOURCE}/{place.ID}: {unit}: {test} is in {own}, most results of this test are in {usual}",
            file=place.FILE,
            line=int(place.LINE),
            entry=int(place.ENTRY),
            resource=f"{place.RESOURCE}/{place.ID}",
            variable=unit,
            value=own,
        )
        for place, test, own, usual in zip(
            places.itertuples(), odd[f"{domain}TESTCD"], odd[unit], odd[USUAL_UNIT], strict=True
        )
    ]


def _convert(frame: pd.DataFrame, domain: str, numeric: pd.Series) -> None:
    """Put what the conversion table says into the frame, for the rows whose result is a number."""
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
