"""Whose readings count: the evaluator (--EVAL) and reader (--EVALID) of records, and one reader of several."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.arrays import Bools, Texts

INVESTIGATOR = "INVESTIGATOR"
# RSEVAL of a response that was derived from lesions; RSEVALID then names whose lesions they are.
DERIVED = "ALGORITHM"


def whose(evaluator: Texts, reader: Texts) -> Texts:
    """Evaluator and reader as one text: `INDEPENDENT ASSESSOR RADIOLOGIST 1`."""
    return np.asarray(np.where(reader == "", evaluator, evaluator + " " + reader), dtype=object)


def is_whose(names: Texts, wanted: str) -> Bools:
    """Which of such texts are of the wanted evaluator, or of the wanted reader where it names one.

    A blank one is the investigator's.
    """
    positions, distinct = pd.factorize(names)
    chosen = [n == wanted or n.startswith(f"{wanted} ") or (n == "" and wanted == INVESTIGATOR) for n in distinct]
    return np.asarray(np.array([*chosen, False], dtype=bool)[positions])


def of_one_reader(subject: Texts, reader: Texts) -> Bools:
    """Which records are of the reader that counts for their subject: of several the first by name and number.

    Calls of two readers are two courses of the disease and are never mixed. A record without reader counts where
    its subject has no other.
    """
    pairs = pd.DataFrame({"subject": subject, "reader": reader}).drop_duplicates()
    if not pairs["subject"].duplicated().any():
        return np.ones(len(subject), dtype=bool)
    order = {name: place for place, name in enumerate(sorted(pairs["reader"].unique(), key=_natural))}
    first = pairs["reader"].map(order).groupby(pairs["subject"]).min()
    return np.asarray(pd.Series(reader).map(order).to_numpy() == first.reindex(subject).to_numpy())


def _natural(reader: str) -> tuple[bool, str, int]:
    """RADIOLOGIST 2 before RADIOLOGIST 10, and no name after all names."""
    match = re.fullmatch(r"(.*?)(\d{0,9})", reader, re.DOTALL)
    assert match is not None
    return reader == "", match[1], int(match[2] or 0)
