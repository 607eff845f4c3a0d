"""Which doses are of the index regimen and which of a later line: by the arm, the study's drugs and gaps in time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.columns import text
from fhir2cdisc.adam.subject.drugs import DrugNames, plain
from fhir2cdisc.adam.subject.options import AdslOptions


def arm_drugs(dm: pd.DataFrame, names: DrugNames, options: AdslOptions) -> dict[str, frozenset[str]]:
    """The drugs of the arm that DM gives a subject: by the study's arm of that name, else those that its name holds."""
    of_arm = {
        plain(word): frozenset(names.name(drug) for drug in arm.drugs)
        for arm in options.arms
        for word in (arm.code, arm.label)
    }
    said = {who: frozenset[str]() for who in dm["USUBJID"]}
    for column in ("ACTARM", "ACTARMCD", "ARM", "ARMCD"):
        for who, word in zip(dm["USUBJID"], text(dm, column), strict=True):
            found = of_arm.get(plain(word)) or names.in_text(word)
            said[who] = said[who] or found
    return said


def regimens(
    doses: pd.DataFrame, start: pd.Series, arms: Mapping[str, frozenset[str]], options: AdslOptions
) -> tuple[pd.DataFrame, dict[str, frozenset[str]]]:
    """The roles `index`, `later` and `undated`, and the index regimen of every subject."""
    named = frozenset(drug.name.upper() for drug in options.drugs)
    counted = doses[(doses["ROLE"] == "") & doses["FROM"].notna()]
    first = counted.groupby(["USUBJID", "DRUG"])["FROM"].min().reset_index()
    begun = pd.to_datetime(first["USUBJID"].map(start))
    together = (first["FROM"] - begun).dt.days <= options.treatment.together_days
    regimen = first[together].groupby("USUBJID")["DRUG"].agg(frozenset).to_dict()
    for who, drugs in regimen.items():
        regimen[who] = drugs | _of_arm(drugs, arms.get(who, frozenset()), options)
    # EX holds the treatment of the protocol (SDTMIG 3.4, 6.1.3): only a drug that the study file names can be another
    # line of it.
    pairs = zip(doses["USUBJID"], doses["DRUG"], strict=True)
    other = np.array([drug in named and drug not in regimen.get(who, frozenset()) for who, drug in pairs], dtype=bool)
    later = (doses["ROLE"] == "") & doses["FROM"].notna() & (other | _after_gap(doses, other, named, options))
    undated = (doses["ROLE"] == "") & doses["FROM"].isna()
    role = doses["ROLE"].mask(later, "later").mask(undated, "undated")
    return doses.assign(ROLE=role.where(role != "", "index"), OTHER=other), regimen


def _of_arm(drugs: frozenset[str], said: frozenset[str], options: AdslOptions) -> frozenset[str]:
    if said:
        return said
    arms = sorted(options.arms, key=lambda arm: (arm.precedence, arm.code))
    lists = (frozenset(name.upper() for name in arm.drugs) for arm in arms if arm.drugs)
    return next((one for one in lists if drugs <= one), frozenset())


def _after_gap(doses: pd.DataFrame, other: np.ndarray, named: frozenset[str], options: AdslOptions) -> pd.Series:
    """Doses of the index regimen that come more than the gap after all that went before."""
    late = pd.Series(False, index=doses.index)
    rows = doses[(doses["ROLE"] == "") & doses["FROM"].notna() & ~other]
    rows = rows.sort_values(["USUBJID", "FROM", "SRCSEQ"], kind="stable")
    if not named or not len(rows):
        return late
    # A record without an end that another follows lasted until that one, unless it was a dose given at once.
    following = rows.groupby("USUBJID")["FROM"].shift(-1)
    lasted = rows["END"].where(rows["END"].notna() | rows["ONCE"], following)
    end = lasted.where(lasted.notna(), rows["FROM"])
    reach = end.groupby(rows["USUBJID"]).cummax().groupby(rows["USUBJID"]).shift()
    gap = (rows["FROM"] - reach).dt.days - 1 > options.treatment.gap_days
    late.loc[rows.index] = gap.groupby(rows["USUBJID"]).cummax()
    return late
