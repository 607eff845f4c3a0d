"""FACT-Hep version 4: subscales, trial outcome index, FACT-G and total, by the FACIT scoring rules.

Codes, order, direction and arithmetic only; the wording of the items belongs to FACIT.org and is not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from fhir2cdisc.mappings.instruments import instruments

QSCAT = "FACT-HEP V4"
SUBSCALES = ("PWB", "SWB", "EWB", "FWB", "HEPCS")
TOTALS = {"TOI": ("PWB", "FWB", "HEPCS"), "FACTG": ("PWB", "SWB", "EWB", "FWB"), "FACTHEP": SUBSCALES}
# Totals that also need more than 80% of their items answered; TOI needs valid subscales only.
STRICT = ("FACTG", "FACTHEP")
LABELS = {
    "PWB": "FACT-Hep Physical Well-Being",
    "SWB": "FACT-Hep Social/Family Well-Being",
    "EWB": "FACT-Hep Emotional Well-Being",
    "FWB": "FACT-Hep Functional Well-Being",
    "HEPCS": "FACT-Hep Hepatobiliary Cancer Subscale",
    "TOI": "FACT-Hep Trial Outcome Index",
    "FACTG": "FACT-G Total Score",
    "FACTHEP": "FACT-Hep Total Score",
}


@dataclass(frozen=True, slots=True)
class Item:
    """An item: FACIT code, CDISC code, subscale, and whether 4 - x is scored."""

    item: str
    qstestcd: str
    subscale: str
    reversed: bool


@cache
def items() -> tuple[Item, ...]:
    """The 45 items in the order of the form."""
    return tuple(Item(i.item, i.testcd, i.scale, i.falling) for i in instruments()[QSCAT].items)


def score_fact_hep(answers: pd.DataFrame, already_reversed: bool = False) -> pd.DataFrame:
    """FACT-Hep scores of a wide frame (rows: subject-visits; columns: items), higher is better.

    Columns are FACIT codes (`GP1`) or CDISC codes (`FAC01501`); an absent column is an item not answered.
    Answers are 0 to 4 as collected; `already_reversed` says that the data hold reversed items as 4 - x.
    Returned, with the same index: the five subscales, TOI, FACTG, FACTHEP, and `*_N`, the answered items.

    A subscale is the sum of the answered items times items / answered, with strictly more than half
    answered. FACT-G and the total also need strictly more than 80% of 27 and of 45 items (FACIT scoring
    guidelines; R package FACTscorer). An answer that is not 0, 1, 2, 3 or 4 raises ValueError.
    """
    scored = pd.DataFrame({i.item: _answer(answers, i, already_reversed) for i in items()}, index=answers.index)
    out = pd.DataFrame(index=answers.index)
    counts = {}
    for name in SUBSCALES:
        part = scored[[i.item for i in items() if i.subscale == name]]
        counts[name] = part.notna().sum(axis=1)
        size = part.shape[1]
        prorated = part.sum(axis=1) * size / counts[name].where(counts[name] > 0)
        out[name] = prorated.where(counts[name] * 2 > size)
    for name, parts in TOTALS.items():
        total = out[list(parts)].sum(axis=1, min_count=len(parts))
        counts[name] = sum((counts[p] for p in parts), start=pd.Series(0, index=answers.index))
        size = sum(i.subscale in parts for i in items())
        out[name] = total.where(counts[name] * 10 > size * 8) if name in STRICT else total
    for name, count in counts.items():
        out[f"{name}_N"] = count.astype(int)
    return out


def _answer(answers: pd.DataFrame, item: Item, already_reversed: bool) -> pd.Series:
    name = item.item if item.item in answers else item.qstestcd
    if name not in answers:
        return pd.Series(np.nan, index=answers.index)
    values = pd.to_numeric(answers[name]).astype(float)
    wrong = values.notna() & ~values.isin([0, 1, 2, 3, 4])
    if wrong.any():
        raise ValueError(f"{name}: {values[wrong].iloc[0]:g} is not an answer from 0 to 4")
    return 4 - values if item.reversed and not already_reversed else values
