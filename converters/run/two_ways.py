"""The times to events derived a second time, with the other one of every two records that nothing puts in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd
from fhir2cdisc.adam.build import Adam
from fhir2cdisc.adam.frames.columns import number, text
from fhir2cdisc.adam.results.sheet import Data
from fhir2cdisc.adam.results.survival import curve_of
from fhir2cdisc.adam.tripwires import TwoWays, moved_medians
from fhir2cdisc.converters.documents.headlines import survival_spec


def unsettled_findings(adam: Adam, other: Adam | None) -> pd.DataFrame:
    """Tripwires (see `moved_medians`); `other` is the second derivation, None where it has no subject at all."""
    if other is None:
        other = replace(adam, frames={name: frame.iloc[:0] for name, frame in adam.frames.items()})
    return moved_medians(_both(adam, other), adam.plan.month)


def _both(adam: Adam, other: Adam) -> Iterator[TwoWays]:
    codes = {code for one in (adam, other) for code in text(one.frames["ADTTE"], "PARAMCD")}
    for code in sorted(codes):
        yield TwoWays(code, _median(adam, code), _median(other, code), _times(adam, code), _times(other, code))


def _median(adam: Adam, code: str) -> float:
    """In days; NaN where it is not reached, or where there is no such time."""
    if code not in set(text(adam.frames["ADTTE"], "PARAMCD")):
        return float("nan")
    spec = survival_spec(adam.plan, adam.specs, code)
    return curve_of(Data(adam.frames, adam.plan.lacking), spec).median


def _times(adam: Adam, code: str) -> dict[str, tuple[float, float]]:
    rows = adam.frames["ADTTE"]
    rows = rows[text(rows, "PARAMCD") == code]
    return {
        str(who): (days, cnsr)
        for who, days, cnsr in zip(rows["USUBJID"], number(rows, "AVAL"), number(rows, "CNSR"), strict=True)
    }
