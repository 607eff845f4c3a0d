"""Standard results of findings: --STRESC, --STRESN and --STRESU from what was collected (SDTMIG 3.4, 4.5.1.1)."""

from __future__ import annotations

import re
from decimal import Decimal, DecimalException, localcontext
from typing import Any

import numpy as np
import pandas as pd
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.mappings.model import conversions
from fhir2cdisc.sdtm.columns import NO_UNIT, RECORD_NO, STRESC, USUAL_UNIT
from fhir2cdisc.sdtm.methods import derives

# What a number of a transport file can be (IBM double: 16**-65 to nearly 16**63).
SMALLEST, LARGEST = 5.4e-79, 7.2e75
_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
# A number, a number with a comparator (`<5`), or the two limits of a range (`3-5`).
_MEASURED = rf"(?:[<>]=?)?{_NUMBER}(?:-{_NUMBER})?"
_WHOLE = re.compile(_NUMBER)
_IN_TEXT = re.compile(r"(?<![0-9.])[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def numbers_of(text: pd.Series) -> pd.Series:
    """The number that each text is, NaN where it is none or none that a transport file can hold."""
    # float() is the nearest double of any number of digits; pandas reads long ones a last place off.
    found = [float(one) if _WHOLE.fullmatch(one) else np.nan for one in text]
    number = pd.Series(found, index=text.index, dtype=float)
    size = number.abs()
    return number.where((number == 0) | ((size >= SMALLEST) & (size <= LARGEST)))


@derives(
    "--STRESC",
    "The standard result that the source gives (a term, a score, a date), else the result in standard units as text; "
    "the original result where no conversion is defined",
)
@derives("--STRESN", "The number of --STRESC; blank where it is no number, or where the source gives no unit for it")
@derives("--STRESU", "The unit of --STRESC")
def standardise(frame: pd.DataFrame, domain: str) -> pd.DataFrame:
    """The frame with standard results; a unit of the conversion table is converted, any other is kept.

    Conversion is decimal, so 2.54 cm is 25.4 mm and not 25.400000000000002. A standard result that the mapping gives
    is kept. A result that is no number keeps its text in --STRESC and has no --STRESN; a comparator and the limits of
    a range stay, in the standard unit (`<5` g/dL is `<50` g/L). A source may have standard results alone.
    """
    blank = pd.Series("", index=frame.index, dtype=object)
    orres, unit = frame.get(f"{domain}ORRES", blank), frame.get(f"{domain}ORRESU", blank)
    # A row with a standard result alone has the unit of that.
    unit = unit.where((unit != "") | (orres != ""), frame.get(f"{domain}STRESU", blank))
    number = numbers_of(orres)
    standard = {f"{domain}STRESC": orres, f"{domain}STRESN": number, f"{domain}STRESU": unit}
    made = frame.assign(**{f"{domain}ORRES": orres}, **standard)
    if f"{domain}TESTCD" in frame:
        _convert(made, domain)
    for own in (frame.get(f"{domain}STRESC"), frame.get(STRESC)):
        if own is not None:
            given = own.fillna("") != ""
            made[f"{domain}STRESC"] = made[f"{domain}STRESC"].mask(given, own)
            made[f"{domain}STRESN"] = made[f"{domain}STRESN"].mask(given, numbers_of(own.fillna("")))
    return made


def has_results(frame: pd.DataFrame, domain: str) -> bool:
    """Whether the rows of a domain have results: as they were collected, or standard ones alone."""
    return any(name in frame for name in (f"{domain}ORRES", f"{domain}STRESC", STRESC))


def odd_units(frame: pd.DataFrame, domain: str) -> pd.DataFrame:
    """The numeric results of a test that are in another standard unit than most of its results in the study.

    Such results cannot be put on one scale: no conversion is defined. Returns the rows with _USUAL, the unit of the
    most results (of equals the first in the alphabet).
    """
    unit = f"{domain}STRESU"
    if f"{domain}TESTCD" not in frame:
        # Only tests of the source's own: none of them has a code to compare by.
        return frame.iloc[:0].assign(**{f"{domain}TESTCD": "", USUAL_UNIT: ""})
    measured = frame[f"{domain}STRESN"].notna()
    if f"{domain}STRESC" in frame:
        measured |= frame[f"{domain}STRESC"].str.fullmatch(_MEASURED)
    rows = frame[(frame[unit] != "") & measured & (frame[f"{domain}TESTCD"] != "")]
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
        _finding(place, "unit.differs", unit, f"{test} is in {own}, most results of this test are in {usual}", own)
        for place, test, own, usual in zip(
            places.itertuples(), odd[f"{domain}TESTCD"], odd[unit], odd[USUAL_UNIT], strict=True
        )
    ]


def _finding(place: Any, rule: str, variable: str, said: str, value: str = "", usubjid: str = "") -> Finding:
    """A finding about one result, by the place of its record."""
    resource = f"{place.RESOURCE}/{place.ID}"
    return Finding(
        rule,
        f"{resource}: {variable}: {said}",
        file=place.FILE,
        line=int(place.LINE),
        entry=int(place.ENTRY),
        resource=resource,
        variable=variable,
        value=value,
        usubjid=usubjid,
    )


def _convert(frame: pd.DataFrame, domain: str) -> None:
    """Put what the conversion table says into the frame, for the rows whose result is measured."""
    table = conversions()
    measured = frame[f"{domain}ORRES"].str.fullmatch(_MEASURED)
    pairs = frame.loc[measured, [f"{domain}TESTCD", f"{domain}STRESU"]].drop_duplicates()
    for testcd, unit in pairs.itertuples(index=False):
        rule = table.get((testcd, unit)) or table.get(("*", unit))
        if rule is None:
            continue
        standard, factor, offset = rule
        rows = measured & (frame[f"{domain}TESTCD"] == testcd) & (frame[f"{domain}STRESU"] == unit)
        texts = converted_texts(frame.loc[rows, f"{domain}ORRES"], factor, offset)
        frame.loc[rows, f"{domain}STRESC"] = texts
        frame.loc[rows, f"{domain}STRESN"] = numbers_of(pd.Series(texts, dtype=object)).to_numpy()
        frame.loc[rows, f"{domain}STRESU"] = standard


def converted_texts(results: pd.Series, factor: str, offset: str) -> list[str]:
    """Results with each number in them times `factor` plus `offset`; comparators and dashes stay."""
    by, plus = Decimal(factor), Decimal(offset)
    with localcontext() as context:
        context.prec = 200
        return [_IN_TEXT.sub(lambda n: _converted(n.group(), by, plus), text) for text in results]


def _converted(text: str, by: Decimal, plus: Decimal) -> str:
    """One number converted; as it is where it is of no measure (`1E+400`), which then has no --STRESN either."""
    try:
        return decimal_text(Decimal(text) * by + plus)
    except DecimalException:
        return text


def without_units(frame: pd.DataFrame, domain: str) -> pd.Series:
    """Which rows have a number that the source gave without a unit although its test has one: whose scale is unknown.

    A test that CDISC knows has a unit, unless `units.csv` or the site says otherwise; a test under the source's own
    term has one if any of its results in the study has.
    """
    bare = frame.get(NO_UNIT, pd.Series("", index=frame.index)) == "Y"
    bare &= (frame[f"{domain}STRESU"] == "") & frame[f"{domain}ORRES"].str.fullmatch(_MEASURED)
    known = frame.get(f"{domain}TESTCD", pd.Series("", index=frame.index)) != ""
    named = frame.get(f"{domain}TEST", pd.Series("", index=frame.index))
    return bare & (known | named.isin(named[frame[f"{domain}STRESU"] != ""]))


def blank_unknown_scales(frame: pd.DataFrame, domain: str, records: pd.DataFrame) -> tuple[pd.DataFrame, list[Finding]]:
    """The frame without --STRESN where a number has no unit (see `without_units`), and a finding for each."""
    bare = without_units(frame, domain)
    if not bare.any():
        return frame, []
    said = "the result is a number without a unit; it stands in --ORRES, and --STRESN is blank"
    found = _of_tests(frame[bare], domain, records, ("unit.missing", f"{domain}ORRESU", said))
    return frame.assign(**{f"{domain}STRESN": frame[f"{domain}STRESN"].mask(bare)}), found


def range_findings(frame: pd.DataFrame, domain: str, records: pd.DataFrame) -> list[Finding]:
    """A finding for each number that no transport file can hold, so that --STRESN is blank."""
    lost = frame[f"{domain}STRESC"].str.fullmatch(_NUMBER) & frame[f"{domain}STRESN"].isna()
    lost &= ~without_units(frame, domain)
    said = "the result is a number beyond what a transport file holds; --STRESN is blank"
    return _of_tests(frame[lost], domain, records, ("number.range", f"{domain}STRESN", said))


def _of_tests(rows: pd.DataFrame, domain: str, records: pd.DataFrame, finding: tuple[str, str, str]) -> list[Finding]:
    """A finding (rule, variable, sentence) for each row, with its subject and test."""
    rule, variable, said = finding
    names = rows.get(f"{domain}TESTCD", pd.Series("", index=rows.index))
    names = names.mask(names == "", rows.get(f"{domain}TEST", names))
    places = records.iloc[rows[RECORD_NO].to_numpy(np.int64)].itertuples()
    return [
        _finding(place, rule, variable, f"{subject}: {test}: {said}", usubjid=subject)
        for place, test, subject in zip(places, names, rows["USUBJID"], strict=True)
    ]


def decimal_text(value: Decimal) -> str:
    """A number without exponent and without the zeros that a conversion appends; at most ten decimals."""
    rounded = round(value, 10)
    text = format(rounded, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
