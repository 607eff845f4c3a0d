"""Criteria of response: their names and letters, the terms and codes of calls, and whose readings count.

RECIST 1.1 (Eisenhauer 2009), iRECIST (Seymour 2017), mRECIST (Lencioni and Llovet 2010).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.arrays import Bools, Ints, Texts

RECIST = "RECIST 1.1"
IRECIST = "iRECIST"
MRECIST = "mRECIST"
CRITERIA = (RECIST, IRECIST, MRECIST)
# RSCAT as it is spelled (capitals, without blanks, dots and hyphens) and the criteria that it means.
_SPELLED = {
    **dict.fromkeys(
        ("RECIST11", "RECIST", "RECISTV11", "RECISTVERSION11", "RECISTVER11", "RECIST11CRITERIA", "RECISTCRITERIA"),
        RECIST,
    ),
    **dict.fromkeys(("IRECIST", "IRECIST2017", "IRECISTV10", "IRECIST10"), IRECIST),
    **dict.fromkeys(
        ("MRECIST", "MRECISTLENCIONILIVERCANCER2010", "MODIFIEDRECIST", "MRECISTHCC", "HCCMRECIST", "MRECIST2010"),
        MRECIST,
    ),
}
# Names of a category that say no criteria; like a blank one they are taken for RECIST 1.1.
_UNNAMED = frozenset(
    ("TUMORRESPONSE", "TUMOURRESPONSE", "TUMORRESPONSEASSESSMENT", "OVERALLRESPONSE", "RESPONSE", "DISEASERESPONSE")
)
OTHER_VERSION = "RECIST 1.0"
_VERSION_1 = frozenset(("RECIST10", "RECISTV10", "RECISTVERSION10", "RECIST1", "RECISTV1", "RECIST2000"))
# Criteria that are not built in, by a word of their name.
_NOT_BUILT_IN = {
    "IMWG": "IMWG",
    "LUGANO": "Lugano",
    "CHESON": "Cheson",
    "LYRIC": "LYRIC",
    "RECIL": "RECIL",
    "PCWG": "PCWG",
    "GCIG": "GCIG CA-125",
    "CA125": "GCIG CA-125",
    "RANO": "RANO",
    "MACDONALD": "Macdonald",
    "IWCLL": "iwCLL",
    "IWG": "IWG",
    "INRC": "INRC",
    "PERCIST": "PERCIST",
    "CHOI": "Choi",
    "EASL": "EASL",
    "WHO": "WHO",
    "IRRC": "irRC",
    "IRRECIST": "irRECIST",
    "IMRECIST": "imRECIST",
    "ITRECIST": "itRECIST",
    "ELN": "ELN",
    "DEAUVILLE": "Deauville",
    "EBMT": "EBMT",
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


INVESTIGATOR, INDEPENDENT = "INVESTIGATOR", "INDEPENDENT ASSESSOR"
# RSEVAL of a response that was derived from lesions; RSEVALID then names whose lesions they are.
DERIVED = "ALGORITHM"
# --EVAL as it is spelled and the evaluator that it means.
_EVALUATORS = {
    **dict.fromkeys(
        (
            *("INVESTIGATOR", "INV", "INVESTIGATORASSESSMENT", "INVESTIGATORASSESSED", "PRINCIPALINVESTIGATOR"),
            *("SITE", "SITEINVESTIGATOR", "SITEASSESSMENT", "LOCAL", "LOCALINVESTIGATOR", "LOCALASSESSMENT"),
        ),
        INVESTIGATOR,
    ),
    **dict.fromkeys(
        (
            *("INDEPENDENTASSESSOR", "INDEPENDENT", "INDEPENDENTREVIEW", "INDEPENDENTREVIEWER", "INDEPENDENTREADER"),
            *("INDEPENDENTREVIEWCOMMITTEE", "INDEPENDENTCENTRALREVIEW", "BLINDEDINDEPENDENTCENTRALREVIEW"),
            *("IRC", "ICR", "BICR", "IRF", "IRRC", "CENTRAL", "CENTRALREVIEW", "CENTRALREADER"),
        ),
        INDEPENDENT,
    ),
    DERIVED: DERIVED,
}


@dataclass(frozen=True, slots=True)
class Category:
    """What a category of responses (RSCAT) means.

    criteria  the criteria that are built in, blank for any other. `rank`: of a subject's responses those that name the
              criteria count before those of another version. `refused`: the name of criteria that are not built in.
    """

    criteria: str = ""
    rank: int = 0
    version: str = ""
    refused: str = ""


@cache
def category(text: str) -> Category:
    """What an RSCAT means, without regard to case, blanks, dots and hyphens."""
    key = folded(text)
    if not key or key in _UNNAMED:
        return Category(RECIST)
    if key in _SPELLED:
        return Category(_SPELLED[key])
    if key in _VERSION_1:
        return Category(RECIST, 1, OTHER_VERSION)
    words = re.sub(r"[^A-Z0-9]+", " ", text.upper().replace("CA-125", "CA125").replace("CA 125", "CA125"))
    found = [name for word, name in _NOT_BUILT_IN.items() if re.search(rf"(?<![A-Z]){word}(?![A-Z])", words)]
    return Category(refused=found[0] if found else "")


def folded(text: str) -> str:
    """A text in capitals, its letters and digits only."""
    return re.sub(r"[\W_]+", "", text).upper()


def categories(values: Texts) -> tuple[Ints, list[Category]]:
    """The place of each RSCAT in the list of the categories that occur."""
    positions, distinct = pd.factorize(values)
    return np.asarray(positions, dtype=np.int64), [category(str(one)) for one in distinct]


def evaluator_names(values: Texts) -> Texts:
    """--EVAL by the names of controlled terminology; what no spelling is known of, in capitals as it stands."""
    return _renamed(values, lambda one: _EVALUATORS.get(folded(one), one.upper()))


def reader_names(values: Texts) -> Texts:
    """--EVALID in capitals, words and numbers with one blank between them: `Radiologist-1` is `RADIOLOGIST 1`."""
    return _renamed(values, lambda one: _spaced(" ".join(re.split(r"[\s.\-_]+", one.upper().strip()))))


def _spaced(reader: str) -> str:
    return re.sub(r"(?<=[A-Z]{3})(?=\d+$)", " ", re.sub(r"^([A-Z]{1,2}) (\d+)$", r"\1\2", reader))


def is_known_evaluator(name: str) -> bool:
    return name in _EVALUATORS.values() or name == ""


def _renamed(values: Texts, name: Callable[[str], str]) -> Texts:
    positions, distinct = pd.factorize(values)
    return np.asarray(np.array([*(name(str(one)) for one in distinct), ""], dtype=object)[positions])


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
    order = natural_order(reader)
    first = pd.Series(order).groupby(subject).transform("min")
    return np.asarray(order == first.to_numpy())


def natural_order(reader: Texts) -> Ints:
    """The place of each reader in the order of names and numbers."""
    places, distinct = pd.factorize(reader)
    rank = {name: place for place, name in enumerate(sorted(distinct, key=_natural))}
    return np.asarray(np.array([rank[name] for name in distinct], dtype=np.int64)[places], dtype=np.int64)


def _natural(reader: str) -> tuple[bool, str, int]:
    """RADIOLOGIST 2 before RADIOLOGIST 10, and no name after all names."""
    match = re.fullmatch(r"(.*?)(\d{0,9})", reader, re.DOTALL)
    assert match is not None
    return reader == "", match[1], int(match[2] or 0)
