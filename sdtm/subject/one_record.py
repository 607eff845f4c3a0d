"""One DM record a subject, where several sources say who somebody is: an EDC, a lab's list, a FHIR Patient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
from fhir2cdisc.fhir.cells import is_row
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.sdtm.columns import DEATHS, ORDER, RECORD_NO, SUBJECT, USED, settable


def one_record_each(dm: pd.DataFrame, records: pd.DataFrame) -> tuple[pd.DataFrame, list[Finding]]:
    """DM with one row a subject: each variable has the first value that the subject's rows have for it.

    Rows of extracts come before those of FHIR Patients: what was collected for the study before what the hospital has.
    Values that differ are findings, which name the subject's key as `resource`. The other records support the first.
    """
    if not dm[SUBJECT].duplicated().any():
        return dm, []
    kinds = records["RESOURCE"].to_numpy()[dm[RECORD_NO].astype(int).to_numpy()]
    fhir = pd.Series([not is_row(kind) for kind in kinds], index=dm.index)
    ranked = dm.assign(fhir=fhir).sort_values([SUBJECT, "fhir", ORDER], kind="stable").drop(columns="fhir")
    first = ranked.drop_duplicates(SUBJECT).set_index(SUBJECT)
    findings: list[Finding] = []
    several = ranked[ranked[SUBJECT].duplicated(keep=False)]
    values = [name for name in dm if not name.startswith("_") or name in settable("DM")]
    for subject, rows in several.groupby(SUBJECT, sort=True):
        for name in values:
            filled = [value for value in rows[name] if _is_filled(value)]
            if filled:
                first.at[subject, name] = filled[0]
                findings += _differ(str(subject), name, filled)
        first.at[subject, DEATHS] = next((one for one in rows[DEATHS] if one), ())
        others = rows[RECORD_NO].tolist()[1:]
        used = [number for one in rows[USED] for number in one]
        first.at[subject, USED] = tuple(dict.fromkeys(n for n in (*others, *used) if n != rows[RECORD_NO].iloc[0]))
    return first.reset_index()[list(dm.columns)], findings


def _is_filled(value: Any) -> bool:
    return value != "" and not (isinstance(value, float) and pd.isna(value))


def _differ(subject: str, name: str, filled: list[Any]) -> Iterator[Finding]:
    """A finding where sources say different things; a date that only says more of the same does not differ."""
    first = filled[0]
    others = [value for value in filled[1:] if value != first and not _says_the_same(first, value)]
    if others:
        shown = name.lstrip("_")
        said = (
            f"{subject}: {shown}: {len(others) + 1} sources differ; that of the extract, or the first of them, counts"
        )
        yield Finding("record.two-origins", said, resource=subject, variable=shown)


def _says_the_same(one: Any, other: Any) -> bool:
    if not isinstance(one, str) or not isinstance(other, str):
        return False
    short, long = sorted((one, other), key=len)
    return len(short) >= 4 and long.startswith(short) and short[:4].isdigit()
