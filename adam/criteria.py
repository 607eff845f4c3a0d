"""Criteria of response: their names and letters, the terms and codes of calls, and whose readings count.

RECIST 1.1 (Eisenhauer 2009), iRECIST (Seymour 2017), mRECIST (Lencioni and Llovet 2010).
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.arrays import Bools, Ints, Texts

RECIST = "RECIST 1.1"
IRECIST = "iRECIST"
MRECIST = "mRECIST"
CRITERIA = (RECIST, IRECIST, MRECIST)
# A response category name under which the criteria may be collected (RSCAT), blank for RECIST 1.1 only.
RSCAT = {
    RECIST: ("", "RECIST 1.1"),
    IRECIST: ("iRECIST",),
    MRECIST: ("mRECIST", "MRECIST LENCIONI LIVER CANCER 2010"),
}
# The letter that keeps parameters of different criteria apart.
PREFIX = {RECIST: "", IRECIST: "I", MRECIST: "M"}

CR, PR, SD, NON, PD, NE, MISSING, UPD, NED = range(1, 10)
NAMES = {
    CR: "CR",
    PR: "PR",
    SD: "SD",
    NON: "NON-CR/NON-PD",
    PD: "PD",
    NE: "NE",
    MISSING: "MISSING",
    NED: "NED",
}
INAMES = {
    CR: "iCR",
    PR: "iPR",
    SD: "iSD",
    NON: "NON-iCR/NON-iUPD",
    PD: "iCPD",
    NE: "NE",
    MISSING: "MISSING",
    UPD: "iUPD",
    NED: "NED",
}
# Words that say that nothing was assessed: no call, and no finding either.
NOT_DONE = ("", "ND", "NOT DONE", "NA", "MISSING")
# Whole words: the CR of CRSP and of NON-CR/NON-PD is none.
_CALL = re.compile(r"NON-CR/NON-PD|(?<![-\w])(?:CR|PR|SD|PD)(?![-\w])")
_TERMS = {name: INAMES[code] for code, name in NAMES.items()}


def names(criteria: str) -> dict[int, str]:
    """The terms of the criteria by AVAL."""
    return INAMES if criteria == IRECIST else NAMES


def name_table(criteria: str) -> Texts:
    """The terms as an array that is indexed by AVAL; 0 is blank."""
    table = np.full(10, "", dtype=object)
    for code, name in names(criteria).items():
        table[code] = name
    return table


def codes(values: Texts, criteria: str) -> Ints:
    """Response texts as AVAL (CR 1 ... NE 6, iUPD 8, NED 9); 0 is not assessed, -1 unknown."""
    known = {name.upper(): code for code, name in names(criteria).items()}
    known |= dict.fromkeys(NOT_DONE, 0)
    positions, uniques = pd.factorize(values)
    table = np.array([*(known.get(str(u).upper(), -1) for u in uniques), 0], dtype=np.int64)
    return np.asarray(table[positions], dtype=np.int64)


def in_terms_of(words: str, criteria: str) -> str:
    """A sentence about responses in the terms of the criteria: CR is iCR under iRECIST, PD is iCPD."""
    return _CALL.sub(lambda found: _TERMS[found[0]], words) if criteria == IRECIST else words


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
