"""Time to deterioration of a score: the first worsening from baseline, as a source for time-to-event data."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from fhir2cdisc.adam.frames.columns import number
from fhir2cdisc.adam.frames.dates import date

COLUMNS = ("USUBJID", "ADT", "PARAMCD", "AVAL", "BASE", "CHG", "EVNTDESC", "SRCDOM", "SRCVAR", "SRCSEQ")


@dataclass(frozen=True, slots=True)
class Deterioration:
    """What counts as worse: a change from baseline of at least `threshold` in the bad direction.

    `confirmed`: the next assessment with a value is worse by the threshold as well; a worsening at the last
    assessment is then unconfirmed and no event.
    """

    paramcd: str
    threshold: float
    higher_is_better: bool
    confirmed: bool = False
    label: str = "Deterioration"


ECOG_WORSE = Deterioration("ECOG", 1, higher_is_better=False, label="ECOG worse by 1 or more")


def first_deterioration(adqs: pd.DataFrame, rule: Deterioration) -> pd.DataFrame:
    """The first deterioration of each subject who has one: one row with `COLUMNS`; the date is ADT.

    `adqs` needs USUBJID, PARAMCD, ADT, AVAL, BASE, CHG, ASEQ. Records without a date, without a baseline or
    on or before baseline (no CHG) do not count.
    """
    rows = _scores(adqs, rule.paramcd)
    worse = (-rows["CHG"] if rule.higher_is_better else rows["CHG"]) >= rule.threshold
    if rule.confirmed:
        worse &= worse.groupby(rows["USUBJID"]).shift(-1, fill_value=False).astype(bool)
    words = "confirmed at the next assessment" if rule.confirmed else ""
    return _source(rows[worse].drop_duplicates("USUBJID"), ", ".join(w for w in (rule.label, words) if w))


def last_score(adqs: pd.DataFrame, paramcd: str) -> pd.DataFrame:
    """The last post-baseline assessment of each subject, where time to deterioration is censored."""
    rows = _scores(adqs, paramcd)
    return _source(rows.drop_duplicates("USUBJID", keep="last"), "Last assessment of the score")


def _scores(adqs: pd.DataFrame, paramcd: str) -> pd.DataFrame:
    rows = adqs[adqs["PARAMCD"] == paramcd].copy()
    rows["ADT"] = date(rows, "ADT")
    for name in ("AVAL", "BASE", "CHG", "ASEQ"):
        rows[name] = number(rows, name)
    rows = rows[rows["CHG"].notna() & rows["ADT"].notna()]
    return rows.sort_values(["USUBJID", "ADT", "ASEQ"], kind="stable")


def _source(rows: pd.DataFrame, words: str) -> pd.DataFrame:
    out = rows.assign(EVNTDESC=words, SRCDOM="ADQS", SRCVAR="ADT", SRCSEQ=rows["ASEQ"])
    return out[list(COLUMNS)].reset_index(drop=True)
