"""Drugs and procedures by the words of their records: the study's names, categories, classes and whole terms.

Words are compared in one form: upper case, one blank between words, American spelling, hyphens as blanks. A term is
found as whole words; one of a script without blanks anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

import pandas as pd
from fhir2cdisc.adam.frames.columns import number, text
from fhir2cdisc.adam.frames.sdtm import Frames, dataset
from fhir2cdisc.mappings.antineoplastics import antineoplastics, names_of
from fhir2cdisc.mappings.study import Drug

# How sources spell the same thing, in the form of `plain`.
SPELLINGS = (
    ("ANTI CANCER", "ANTICANCER"),
    ("ANTI NEOPLASTIC", "ANTINEOPLASTIC"),
    ("ANTI TUMOR", "ANTICANCER"),
    ("ANTITUMOR", "ANTICANCER"),
    ("ANTITUMORAL", "ANTICANCER"),
    ("CANCER THERAPY", "ANTICANCER THERAPY"),
    ("CANCER TREATMENT", "ANTICANCER THERAPY"),
    ("CANCER RELATED THERAPY", "ANTICANCER THERAPY"),
    ("抗肿瘤治疗", " ANTICANCER THERAPY"),
)
# Words of a category that say when therapy was given.
LATER = ("SUBSEQUENT", "NEW ANTICANCER", "POST TREATMENT", "POST STUDY", "FOLLOW UP ANTICANCER", "后续")
EARLIER = ("PRIOR", "PREVIOUS", "PAST", "PRE STUDY", "既往")
_BRITISH = (("TUMOUR", "TUMOR"), ("ISATION", "IZATION"), ("HAEM", "HEM"), ("OEDEMA", "EDEMA"), ("OESOPH", "ESOPH"))


@lru_cache(maxsize=1 << 14)
def plain(words: str) -> str:
    """Words in the form in which they are compared."""
    found = " ".join(re.sub(r"[\W_]+", " ", words.upper()).split())
    for british, american in _BRITISH:
        found = found.replace(british, american)
    return found


@lru_cache(maxsize=1 << 14)
def category(words: str) -> str:
    """A category in that form, its known spellings made one."""
    found = f" {plain(words)} "
    for spelling, name in SPELLINGS:
        found = found.replace(f" {spelling} " if spelling.isascii() else spelling, f" {name} ")
    return " ".join(found.split())


def has_term(words: str, terms: Iterable[str]) -> str:
    """The first of the terms that the words (in the form of `plain`) hold, blank where none."""
    padded = f" {words} "
    return next((t for t in terms if (f" {plain(t)} " if t.isascii() else t) in padded), "")


def holding(words: pd.Series, terms: Iterable[str]) -> pd.Series:
    """Which texts (in the form of `plain`) hold one of the terms."""
    wanted = tuple(terms)
    return words.map(lambda one: bool(has_term(one, wanted))).astype(bool)


def ordered(frames: Frames) -> pd.Series:
    """Which records of CM are orders by SUPPCM (QNAM CMSRC, QVAL ORDER): prescribed, not known to have been taken."""
    cm, supp = dataset(frames, "CM"), dataset(frames, "SUPPCM")
    said = supp[(text(supp, "QNAM") == "CMSRC") & (text(supp, "QVAL").str.upper() == "ORDER")]
    keys = set(zip(text(said, "USUBJID"), number(said, "IDVARVAL"), strict=True))
    mine = zip(text(cm, "USUBJID"), number(cm, "CMSEQ"), strict=True)
    return pd.Series([one in keys for one in mine], index=cm.index, dtype=bool)


@lru_cache(maxsize=1 << 14)
def known_use(words: str) -> str:
    """Whether a text names a drug against cancer: `cancer`, `other` where it is used for other diseases as well."""
    form = plain(words)
    found = [one for one in antineoplastics() if has_term(form, (name.upper() for name in one.names))]
    if not found:
        return ""
    return "other" if all(one.other_use for one in found) else "cancer"


class DrugNames:
    """Gives a drug the name that the study has for it, by whole words of its text."""

    def __init__(self, drugs: Sequence[Drug]) -> None:
        self.terms = [(term.upper(), drug.name.upper()) for drug in drugs for term in names_of(drug)]

    def in_text(self, words: str) -> frozenset[str]:
        """The names of the study's drugs that a text names."""
        form = plain(words)
        return frozenset(name for term, name in self.terms if has_term(form, (term,)))

    def name(self, words: str) -> str:
        """The study's name of a drug, else its words in upper case."""
        upper = words.upper()
        if any(upper == name for _, name in self.terms):
            return upper
        found = sorted(self.in_text(words))
        return "+".join(found) if found else upper

    def names(self, words: pd.Series) -> pd.Series:
        """The same for a series of texts."""
        table = {word: self.name(word) for word in words.unique()}
        return words.map(table).astype(object)
