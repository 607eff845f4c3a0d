"""The evidence for a fact of a subject: every record that speaks of it, the one that was taken, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.columns import number, text
from fhir2cdisc.adam.frames.findings import EVIDENCE_COLUMNS
from fhir2cdisc.mappings.standard.datasets import record_key

_ORDER = ["USUBJID", "FACT", "DATE", "SRCDOM", "SRCVAR", "SRCSEQ", "DTC", "TEXT", "CHOSEN", "REASON"]
# Facts of which there is one truth, so that candidates with different dates contradict each other; of the others
# (doses, contacts, later therapies, responses) a subject has many, one after the other.
COMPETING = ("identity", "diagnosis", "enrolment", "death")


@dataclass(frozen=True, slots=True, eq=False)
class Fact:
    """What was found out: values by USUBJID (the index), the evidence for them, and findings."""

    values: pd.DataFrame
    evidence: pd.DataFrame
    findings: pd.DataFrame


def candidates(frame: pd.DataFrame, domain: str, variable: str, says: str | pd.Series) -> pd.DataFrame:
    """Records as candidates, with the index of the frame: USUBJID, DTC, TEXT, SRCDOM, SRCVAR, SRCSEQ.

    `says` is a column of the frame, or a series of what the records say. SRCSEQ is --SEQ, of a visit VISITNUM.
    """
    words = text(frame, says) if isinstance(says, str) else says
    return pd.DataFrame(
        {
            "USUBJID": text(frame, "USUBJID"),
            "DTC": text(frame, variable),
            "TEXT": words,
            "SRCDOM": domain,
            "SRCVAR": variable,
            "SRCSEQ": number(frame, record_key(domain)),
        },
        index=frame.index,
    )


def no_evidence() -> pd.DataFrame:
    return as_evidence(pd.DataFrame({"USUBJID": pd.Series(dtype=object)}), "")


def as_evidence(rows: pd.DataFrame, fact: str) -> pd.DataFrame:
    """Rows in the shape of the evidence; columns that they lack are blank."""
    made = {name: text(rows, name) for name in EVIDENCE_COLUMNS if name not in ("DATE", "SRCSEQ")}
    made |= {"FACT": pd.Series(fact, index=rows.index, dtype=object)}
    made["DATE"] = pd.to_datetime(rows["DATE"]) if "DATE" in rows else pd.Series(pd.NaT, index=rows.index)
    made["SRCSEQ"] = number(rows, "SRCSEQ")
    out = pd.DataFrame(made)[list(EVIDENCE_COLUMNS)]
    return out.astype({"DATE": "datetime64[ns]", "SRCSEQ": np.float64}).reset_index(drop=True)


def stack_evidence(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The evidence for all facts, in an order that no order of the data changes."""
    kept = [part for part in parts if len(part)]
    if not kept:
        return no_evidence()
    return pd.concat(kept, ignore_index=True).sort_values(_ORDER, kind="stable").reset_index(drop=True)


def agreement(evidence: pd.DataFrame, subjects: int) -> pd.DataFrame:
    """How many subjects had one candidate, several that agree, differ or follow one another, or none, a row a fact.

    Candidates agree where all that have a day have the same; those of facts that are not `COMPETING` follow one
    another where they do not. Columns FACT, ONE, AGREE, DIFFER, FOLLOW, NONE.
    """
    groups = evidence.groupby(["FACT", "USUBJID"])["DATE"]
    counts = pd.DataFrame({"N": groups.size(), "DAYS": groups.nunique()}).reset_index()
    rows = []
    for fact, mine in counts.groupby("FACT", sort=True):
        one, days = int((mine["N"] == 1).sum()), int((mine["DAYS"] > 1).sum())
        differ, follow = (days, 0) if fact in COMPETING else (0, days)
        rows.append((fact, one, len(mine) - one - days, differ, follow, subjects - len(mine)))
    return pd.DataFrame(rows, columns=["FACT", "ONE", "AGREE", "DIFFER", "FOLLOW", "NONE"])


def differing(evidence: pd.DataFrame) -> pd.DataFrame:
    """The candidates of those subjects whose candidates for one of the `COMPETING` facts have different days."""
    rows = evidence[evidence["FACT"].isin(COMPETING)]
    several = rows.groupby(["FACT", "USUBJID"])["DATE"].transform("nunique") > 1
    return rows[several.astype(bool)].reset_index(drop=True)
