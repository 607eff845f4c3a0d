"""PROMIS-29 Profile v2.1: T-scores of seven domains, pain intensity, and two experimental summaries.

Codes and published conversion figures only; the wording of the items is not here.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np
import pandas as pd
from fhir2cdisc.mappings.instruments import instruments

QSCAT = "PROMIS-29 PROFILE V2.1"
DOMAINS = ("PF", "ANX", "DEP", "FAT", "SLP", "SOC", "PI")
LABELS = {
    "PF": "PROMIS-29 Physical Function T-Score",
    "ANX": "PROMIS-29 Anxiety T-Score",
    "DEP": "PROMIS-29 Depression T-Score",
    "FAT": "PROMIS-29 Fatigue T-Score",
    "SLP": "PROMIS-29 Sleep Disturbance T-Score",
    "SOC": "PROMIS-29 Social Roles T-Score",
    "PI": "PROMIS-29 Pain Interference T-Score",
    "PAIN": "PROMIS-29 Pain Intensity (0-10)",
    "PHS": "PROMIS-29 Physical Health (experimental)",
    "MHS": "PROMIS-29 Mental Health (experimental)",
}
# Physical and mental weights of z-scores, from one public source; hence experimental.
WEIGHTS = {
    "PF": (0.872, -0.015),
    "PAIN": (-0.094, -0.154),
    "SOC": (0.113, 0.252),
    "FAT": (-0.009, -0.351),
    "EMO": (0.003, -0.257),
    "SLP": (0.002, -0.139),
}
Coding = Literal["printed", "position"]


@dataclass(frozen=True, slots=True)
class Item:
    """An item: PROMIS id, CDISC code, domain, and whether its printed values fall along the answers."""

    item: str
    qstestcd: str
    domain: str
    falling: bool


@cache
def items() -> tuple[Item, ...]:
    """The 29 items in the order of the form."""
    return tuple(Item(i.item, i.testcd, i.scale, i.falling) for i in instruments()[QSCAT].items)


@cache
def t_scores() -> pd.DataFrame:
    """T-score and standard error (`PF`, `PF_SE`, ...) by raw sum 4 to 20."""
    text = files("fhir2cdisc.adam.questionnaires").joinpath("promis29_tscores.csv").read_text(encoding="utf-8")
    return pd.DataFrame(list(csv.DictReader(text.splitlines()))).astype(float).set_index("raw")


def score_promis29(answers: pd.DataFrame, coding: Coding = "printed") -> pd.DataFrame:
    """PROMIS-29 scores of a wide frame (rows: subject-visits; columns: items).

    Columns are PROMIS ids (`PFA11`) or CDISC codes (`PA261001`); an absent column is not answered. Answers
    are 1 to 5 (pain intensity 0 to 10): `printed` as on the form, where sleep quality, social roles and
    physical function fall from 5 to 1, or `position` of the answer on the form, which is turned here.

    Returned, with the same index: T-scores of `DOMAINS` (mean 50, SD 10, US reference; higher is more of the
    thing named), `*_SE`, `*_RAW`, PAIN, and PHS and MHS, which are experimental. A domain with a missing item
    is missing: no proration. A value outside its range raises ValueError.
    """
    out = pd.DataFrame(index=answers.index)
    values = {i.item: _answer(answers, i, coding) for i in items()}
    for domain in DOMAINS:
        part = pd.DataFrame({i.item: values[i.item] for i in items() if i.domain == domain})
        raw = part.sum(axis=1, min_count=4)
        out[domain], out[f"{domain}_SE"] = raw.map(t_scores()[domain]), raw.map(t_scores()[f"{domain}_SE"])
        out[f"{domain}_RAW"] = raw
    out["PAIN"] = values["GLOBAL07"]
    return out.assign(**_summaries(out))


def _summaries(scores: pd.DataFrame) -> dict[str, pd.Series]:
    z = {d: (scores[d] - 50) / 10 for d in DOMAINS}
    z["PAIN"] = ((scores["PAIN"] - 2.31) / 2.34 + z["PI"]) / 2
    z["EMO"] = (z["ANX"] + z["DEP"]) / 2
    return {
        name: 50 + 10 * sum((w[k] * z[part] for part, w in WEIGHTS.items()), start=pd.Series(0.0, scores.index))
        for k, name in enumerate(("PHS", "MHS"))
    }


def _answer(answers: pd.DataFrame, item: Item, coding: Coding) -> pd.Series:
    name = item.item if item.item in answers else item.qstestcd
    if name not in answers:
        return pd.Series(np.nan, index=answers.index)
    values = pd.to_numeric(answers[name]).astype(float)
    low, high = (0, 10) if item.domain == "PAIN" else (1, 5)
    wrong = values.notna() & ~values.isin(range(low, high + 1))
    if wrong.any():
        raise ValueError(f"{name}: {values[wrong].iloc[0]:g} is not an answer from {low} to {high}")
    return 6 - values if item.falling and coding == "position" else values
